//! Counts the instructions of warm scrapes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::driver::{self, Truth};
use super::machine;
use super::simulator::{Fleet, Spec};
use super::subject::Subject;

/// Sensors of the machine.
pub(crate) const SENSORS: usize = 100;
/// Scrapes until nothing is learned any more, and those that are counted.
const WARM_UP: usize = 5;
const COUNTED: usize = 20;
/// Under callgrind everything takes fifty times as long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    /// Instructions of one scrape.
    pub(crate) instructions: u64,
}

/// Counts the instructions of a warm scrape.
///
/// # Errors
/// When callgrind is missing, or a scrape fails.
pub(crate) fn count(exporter: &Path, simulator: &Path, profile: Option<&Path>) -> Result<Counted> {
    let few = total(exporter, simulator, WARM_UP, None)?;
    let many = total(exporter, simulator, WARM_UP + COUNTED, profile)?;
    let counted = u64::try_from(COUNTED)?;
    Ok(Counted {
        instructions: many.checked_sub(few).context("a shorter run took longer")? / counted,
    })
}

/// All instructions of an exporter that scrapes so many times and ends.
fn total(exporter: &Path, simulator: &Path, scrapes: usize, profile: Option<&Path>) -> Result<u64> {
    let directory = TempDir::new()?;
    machine::write(directory.path(), SENSORS)?;
    let fleet = Fleet::start(
        simulator,
        directory.path(),
        &Spec {
            count: 1,
            ..Spec::default()
        },
    )?;
    let wrapper = directory.path().join("exporter");
    let counts = directory.path().join("callgrind.out");
    write_wrapper(&wrapper, exporter, &counts)?;
    let mut subject = Subject::ours(&wrapper, &["--login.rate=100000"]);
    let targets = vec![fleet.addresses()[0]; scrapes];
    let found = driver::at_once(&subject, &targets, 1, TIMEOUT, &Arc::new(Truth::new()))?;
    ensure!(
        found.iter().all(|scrape| scrape.complete),
        "a scrape under callgrind is not complete:\n{}",
        subject.log()
    );
    subject.terminate();
    let text = std::fs::read_to_string(&counts).context("callgrind's counts")?;
    if let Some(profile) = profile {
        std::fs::write(profile, &text)?;
    }
    text.lines()
        .find_map(|line| line.strip_prefix("summary: "))
        .and_then(|total| total.trim().parse().ok())
        .context("callgrind's counts have no sum")
}

/// A program that is the exporter under callgrind.
fn write_wrapper(wrapper: &Path, exporter: &Path, counts: &Path) -> Result<()> {
    let valgrind = Command::new("valgrind").arg("--version").output();
    ensure!(
        valgrind.is_ok_and(|output| output.status.success()),
        "valgrind is missing; `make setup` installs it"
    );
    let exporter = exporter.canonicalize()?;
    let script = format!(
        "#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file='{}' '{}' \"$@\"\n",
        counts.display(),
        exporter.display()
    );
    std::fs::write(wrapper, script)?;
    let status = Command::new("chmod").arg("755").arg(wrapper).status()?;
    ensure!(status.success(), "chmod failed");
    Ok(())
}
