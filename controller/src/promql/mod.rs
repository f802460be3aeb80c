//! What the controller knows of PromQL.

pub mod check;
