//! The native Prometheus exporter for IPMI: everything that `main` puts together.
#![forbid(unsafe_code)]

pub mod cli;
pub mod command;
pub mod config;
pub mod web;
