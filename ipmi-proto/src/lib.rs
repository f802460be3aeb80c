//! IPMI 2.0 over RMCP+.
#![forbid(unsafe_code)]

pub mod crypto;
pub mod wire;
