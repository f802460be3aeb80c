//! The native Prometheus exporter for IPMI: everything that `main` puts together.
#![forbid(unsafe_code)]

pub mod app;
pub mod bmc;
mod cache_file;
pub mod channel;
pub mod cli;
pub mod collect;
pub mod command;
pub mod config;
pub mod exposition;
pub mod logging;
pub mod metrics;
pub mod record;
pub mod scan;
pub mod serve;
pub mod targets;
pub mod telemetry;
pub mod web;
