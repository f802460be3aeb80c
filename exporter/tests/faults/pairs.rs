//! Pairs of transport faults and cells of the loss grid.
