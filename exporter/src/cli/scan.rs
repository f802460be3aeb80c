//! The command line of `scan`.

use std::time::Duration;

use clap::Args;

use super::{LogArgs, positive_duration};
use crate::scan::Format;

/// Longest time for the answer of a BMC that is scanned.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(60);

/// Flags of `scan`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct ScanArgs {
    /// Networks, ranges, addresses and names.
    #[arg(
        value_name = "NETWORK",
        required = true,
        help = "What to scan: 10.0.0.0/24, 10.0.0.1-10.0.0.50, an address or a host name"
    )]
    pub networks: Vec<String>,

    /// UDP port
    #[arg(
        long,
        value_name = "PORT",
        default_value = "623",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub port: u16,

    /// Datagrams a second, at most 10000
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub rate: u32,

    /// How long each answer is waited for, at most a minute
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = answer_time)]
    pub timeout: Duration,

    /// How often each question is asked
    #[arg(
        long,
        value_name = "N",
        default_value = "2",
        value_parser = clap::value_parser!(u8).range(1..=10)
    )]
    pub tries: u8,

    /// Output: a table for people, JSON, CSV, or a file for file_sd_configs of Prometheus
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "table")]
    pub output: Format,

    /// Scan public networks, and more addresses than a /16 has
    #[arg(long)]
    pub force: bool,

    /// Flags about log lines, which go to standard error.
    #[command(flatten)]
    pub log: LogArgs,
}

fn answer_time(text: &str) -> Result<Duration, String> {
    match positive_duration(text)? {
        duration if duration > MAX_ANSWER_TIME => Err("must be at most a minute".to_owned()),
        duration => Ok(duration),
    }
}
