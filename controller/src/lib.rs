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
pub mod backup;
pub mod channel;
pub mod clock;
pub mod command;
pub mod config;
pub mod discovery;
pub mod events;
pub mod fleet;
pub mod leader;
pub mod logging;
pub mod model;
pub mod monitoring;
pub mod oidc;
pub mod page;
pub mod prometheus;
pub mod promql;
pub mod promtool;
pub mod recovery;
pub mod render;
pub mod rules;
pub mod serve;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod transfer;
pub mod watchdog;
pub mod web;
