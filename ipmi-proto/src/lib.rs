//! IPMI 2.0 over RMCP+.
#![forbid(unsafe_code)]

pub mod sdr;
pub mod sel;
pub mod sensor;
pub mod wire;
