//! The sub-commands beside the server, one file each.

pub mod check_config;
mod one_bmc;
pub mod probe;
mod progress;
pub mod record;
pub mod scan;
