//! The alert journal against real programs: Prometheus and Alertmanager that
//! tell of alerts and are asked for what was missed, and SIGKILL at any instant.

mod history;
mod hostile;
mod kill;
mod missed;
mod process;
mod real;
mod silenced;
mod throughput;
#[path = "../support/wait.rs"]
mod wait;

#[path = "../support/postgres.rs"]
mod postgres;
