//! The native Prometheus exporter for IPMI: everything that `main` puts together.
#![forbid(unsafe_code)]

pub mod command;
pub mod config;
