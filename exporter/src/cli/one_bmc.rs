//! Flags of the sub-commands that ask one BMC: `probe` and `record`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{LogArgs, SensorArgs, path, positive_duration};

/// One BMC, and how to log in to it.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct BmcArgs {
    /// Address of the BMC.
    #[arg(help = "Address of the BMC: host, host:port or [v6]:port")]
    pub target: String,

    /// Module to use
    #[arg(long, short = 'm', value_name = "NAME")]
    pub module: String,

    /// Path to the module configuration
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    config_file: String,
}

/// Flags of `probe`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct ProbeArgs {
    /// Which BMC, and how.
    #[command(flatten)]
    pub bmc: BmcArgs,

    /// Output: a table for people, exposition text, or JSON
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: ProbeFormat,

    /// Longest time for the scrape [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub timeout: Option<Duration>,

    /// Flags that are the server's too.
    #[command(flatten)]
    pub sensors: SensorArgs,

    /// Flags about log lines, which go to standard error.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `record`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct RecordArgs {
    /// Which BMC, and how.
    #[command(flatten)]
    pub bmc: BmcArgs,

    /// Folder for the recording; must be new or empty
    #[arg(long, short = 'o', value_name = "DIR")]
    pub output: PathBuf,

    /// How often each sensor is read
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub samples: u32,

    /// Keep serial numbers, asset tags, host names, GUIDs and addresses, which are overwritten
    /// otherwise
    #[arg(long = "keep-personal")]
    pub keep_personal: bool,

    /// SPDX identifier of the licence under which the recording may be passed on [default: NONE]
    #[arg(long, value_name = "LICENCE")]
    pub licence: Option<String>,

    /// Longest time for all of it [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub timeout: Option<Duration>,

    /// Flags about log lines, which go to standard error.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Output of `probe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeFormat {
    /// For a person.
    Table,
    /// Text that Prometheus reads.
    Prom,
    /// For programs.
    Json,
}

impl BmcArgs {
    /// The module file; `None` means that no module exists.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        path(&self.config_file)
    }
}
