//! The sub-commands beside the server, one file each.

pub mod check_config;
pub mod probe;
pub mod record;
