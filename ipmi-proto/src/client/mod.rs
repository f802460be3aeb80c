//! One BMC over UDP, for tokio: executes what the [session](crate::session)
//! decides.
//!
//! A [`Connection`] is owned by one task and drives its session itself, without
//! a task or a lock of its own: whoever awaits a call also does its I/O. Calls
//! may be dropped half-way; the next call cleans up after them.

mod connection;
pub mod policy;

pub use connection::{Connection, Opened};
