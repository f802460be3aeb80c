//! The fleet benchmark: simulated BMCs in a process of their own, scraped as
//! Prometheus scrapes them.
//!
//! | scenario | what |
//! | --- | --- |
//! | `values` | machines that live; every value of every scrape is held against the serve-log |
//! | `cost` | all on one processor, in turn: ours, the floor, the stock exporter and any other, one warm scrape after the other |
//! | `latency` | BMCs that take 3 and 20 ms, ours and the floor in turn |
//! | `throughput` | as many scrapes a second as go |
//! | `growth` | a hundred targets and thousands, by Prometheus' schedule |
//! | `loss` | 2 % of the datagrams lost in either direction |
//! | `sick` | a fifth of the fleet silent, slow or lying |
//! | `cold` | a thousand BMCs that nobody knows |
//!
//! What counts is ratios and counts: wall times depend on what else the machine
//! does. CPU time is that of the exporter's threads alone (`schedstat`, exact),
//! with the stock exporter that of all its processes.

mod client;
mod driver;
mod figures;
mod floor;
mod goals;
pub(crate) mod instructions;
mod machine;
mod scenario;
mod simulator;
mod subject;
mod values;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::report::table;

/// What `fleet_bench fleet` is told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Our exporter, as it is shipped.
    #[arg(long)]
    pub(super) exporter: PathBuf,
    /// The simulator.
    #[arg(long)]
    pub(super) simulator: PathBuf,
    /// Another exporter that runs already, with `{target}` in its URL; with its process id its
    /// CPU time is measured too.
    #[arg(long, value_name = "NAME[@PID]=URL")]
    pub(super) other: Vec<String>,
    /// Leave Debian's stock exporter out.
    #[arg(long)]
    pub(super) no_stock: bool,
    /// Only these scenarios.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) only: Vec<Scenario>,
    /// Sensors of each BMC.
    #[arg(long, default_value_t = 100)]
    pub(super) sensors: usize,
    /// How often each figure of `cost`, `latency`, `loss` and `sick` is taken; the median counts.
    #[arg(long, default_value_t = 5)]
    pub(super) rounds: usize,
    /// Scrapes of ours in one round of `cost`; the stock exporter gets a twentieth.
    #[arg(long, default_value_t = 200)]
    pub(super) scrapes: usize,
    /// Targets of `growth`.
    #[arg(long, default_value_t = 10_000)]
    pub(super) targets: usize,
    /// Seconds between two scrapes of a target in `growth`.
    #[arg(long, default_value_t = 60)]
    pub(super) interval: u64,
    /// How long replies travel in `growth` and `sick`.
    #[arg(long, default_value = "lognormal:3ms,20ms")]
    pub(super) latency: String,
    /// Where the raw figures go.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// End with status 1 if a goal is missed.
    #[arg(long)]
    pub(super) check: bool,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Every value held against the serve-log.
    Values,
    /// CPU of a warm scrape beside the floor and the stock exporter.
    Cost,
    /// Time of a warm scrape over that of the bare round trips.
    Latency,
    /// Scrapes a second.
    Throughput,
    /// Many targets beside few.
    Growth,
    /// Lost datagrams.
    Loss,
    /// Silent, slow and lying BMCs among healthy ones.
    Sick,
    /// A start without any cache.
    Cold,
}

/// Measures and prints; the exit code is that of the program.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match measure(arguments) {
        Ok(missed) => ExitCode::from(u8::from(arguments.check && missed > 0)),
        Err(error) => {
            eprintln!("fleet_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the number of goals that were missed.
fn measure(arguments: &Arguments) -> Result<usize> {
    let bench = scenario::Bench::new(arguments)?;
    let mut figures = figures::Figures::default();
    for scenario in Scenario::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(scenario) {
            let name = scenario.to_possible_value();
            let name = name.as_ref().map_or("", |name| name.get_name());
            eprintln!("{name} …");
            bench.run(*scenario, &mut figures)?;
        }
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    let rows = goals::rows(&figures);
    println!("\n{}", table(&rows));
    let missed = rows
        .iter()
        .filter(|row| row.reached() == Some(false))
        .count();
    println!("{missed} goals missed");
    Ok(missed)
}
