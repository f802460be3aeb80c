//! The service that owns the desired state of an IPMI monitoring system
//! (servers, credentials, users, rules), makes the real programs match it, and
//! keeps the history.
//!
//! Data flows one way: [`api`] checks who asks and parses, [`model`] holds what
//! is legal, [`store`] keeps it. Nothing below knows of what is above.
#![forbid(unsafe_code)]

pub mod alert;
#[expect(unused_qualifications, reason = "what the macros of utoipa write")]
pub mod api;
pub mod auth;
pub mod clock;
pub mod command;
pub mod config;
pub mod model;
pub mod prometheus;
pub mod recovery;
pub mod render;
pub mod serve;
pub mod store;
pub mod sync;
pub mod watchdog;
