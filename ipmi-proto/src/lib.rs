//! IPMI 2.0 over RMCP+.
#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
pub mod client;
pub mod command;
pub mod crypto;
mod error;
mod privilege;
pub mod session;
pub mod wire;

pub use error::{Error, Retry, Stage};
pub use privilege::PrivilegeLevel;
