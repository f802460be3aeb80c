//! The controller's own operation, as those who run it meet it.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod backup;
mod canary;
mod check;
mod export;
mod keys;
mod leader;
mod log;
mod metrics;
mod oidc;
mod program;
#[path = "../support/python.rs"]
mod python;
mod tls;

use support::wait;
