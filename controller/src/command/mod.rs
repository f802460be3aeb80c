//! The command line.

mod admin;
mod backup;
mod check;
mod dashboards;
mod setup;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use service_basics::health::HealthArgs;

pub use admin::{AdminCommand, run as run_admin};
pub use check::{Finding, Level, check};
pub use dashboards::{DashboardsArgs, write as write_dashboards};

/// Owns targets, credentials and rules of an IPMI monitoring system.
#[derive(Debug, Parser)]
#[command(name = "ipmi_controller", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service until SIGTERM or Ctrl-C.
    Serve(ConfigArgs),
    /// Look at configuration, keys, store, files and servers; change nothing, and
    /// say what to do
    Check(ConfigArgs),
    /// Ask a running service whether it is well: exit status 0 or 1
    Health(HealthArgs),
    /// Write the dashboards for Grafana as files
    Dashboards(DashboardsArgs),
    /// Manage users and keys without the service.
    Admin {
        /// Where the configuration is.
        #[command(flatten)]
        config: ConfigArgs,
        /// What to manage.
        #[command(subcommand)]
        command: AdminCommand,
    },
}

/// Where the configuration is.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// YAML file; every key also by an environment variable `IPMI_CONTROLLER_…`
    #[arg(
        long = "config",
        value_name = "FILE",
        env = "IPMI_CONTROLLER_CONFIG_FILE",
        global = true
    )]
    pub config: Option<PathBuf>,
}
