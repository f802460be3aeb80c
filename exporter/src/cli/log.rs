//! Flags about log lines.

use clap::{Args, ValueEnum};

/// Flags about log lines.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogArgs {
    /// Only log messages with the given severity or above
    #[arg(
        id = "log.level",
        long = "log.level",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub level: LogLevel,

    /// Output format of log messages
    #[arg(
        id = "log.format",
        long = "log.format",
        value_name = "FORMAT",
        default_value = "logfmt"
    )]
    pub format: LogFormat,
}

/// Lowest severity that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What is odd.
    Warn,
    /// What is wrong.
    Error,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}
