//! Keeps data source, folder and dashboards in a Grafana.
//!
//! [`client`] asks it, with the token of a service account and by unique names
//! only. [`judge`] decides, without I/O, what an object needs: it compares what is
//! wanted, what was written last, and what is there. [`keeper`] does it, again and
//! again, and [`board`] has where that stands.

pub mod board;
pub mod client;
pub mod judge;
pub mod keeper;
pub mod source;

pub use board::{Board, ObjectState, ObjectStatus};
pub use client::{Client, GrafanaError};
pub use keeper::Keeper;
