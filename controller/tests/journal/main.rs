//! The alert journal against real programs: Prometheus and Alertmanager that
//! tell of alerts, and SIGKILL at any instant.

mod kill;
mod process;
mod real;
mod throughput;

#[path = "../support/postgres.rs"]
mod postgres;
