//! What the command `scan` has beside the scan itself, which is `bmc_scan`: the
//! networks as people write them, and the report.

mod network;
mod report;

pub use network::{Network, NetworkError};
pub use report::{Format, Report};
