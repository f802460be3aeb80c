//! How many instructions a warm scrape takes: the same in each run, where time
//! is not, so that continuous integration can hold a change against it.
//!
//! The exporter runs under callgrind, the simulator beside it does not. Two runs
//! differ in nothing but the number of warm scrapes; the difference between their
//! counts is what those scrapes took.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::fleet::instructions::{self, Counted};

/// What `fleet_bench instructions` is told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Our exporter, built with optimisation.
    #[arg(long)]
    exporter: PathBuf,
    /// The simulator.
    #[arg(long)]
    simulator: PathBuf,
    /// The committed number: a file with one number in its first line.
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Percent by which the count may differ from the committed number.
    #[arg(long, default_value_t = 5.0)]
    tolerance: f64,
    /// Keep callgrind's profile of the warm scrapes here.
    #[arg(long)]
    profile: Option<PathBuf>,
}

/// Measures and prints; the exit code is that of the program.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let counted = instructions::count(
        &arguments.exporter,
        &arguments.simulator,
        arguments.profile.as_deref(),
    );
    match counted.and_then(|counted| judge(&counted, arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("fleet_bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Says what was counted; `false` when it is not what was committed.
fn judge(counted: &Counted, arguments: &Arguments) -> anyhow::Result<bool> {
    println!(
        "{} instructions a warm scrape of {} sensors",
        counted.instructions,
        instructions::SENSORS
    );
    let Some(path) = &arguments.baseline else {
        return Ok(true);
    };
    let text = std::fs::read_to_string(path)?;
    let committed: f64 = text.lines().next().unwrap_or_default().trim().parse()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let percent = (counted.instructions as f64 / committed - 1.0) * 100.0;
    println!("{percent:+.1} % against {}", path.display());
    if percent.abs() <= arguments.tolerance {
        return Ok(true);
    }
    let what = if percent > 0.0 {
        "a warm scrape has become dearer; if that is wanted"
    } else {
        "a warm scrape has become cheaper; so that it stays so"
    };
    println!("{what}, write the new number into the file");
    Ok(false)
}
