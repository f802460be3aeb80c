//! `ipmi_exporter record TARGET --module M --output DIR`: writes a BMC down, for
//! `bmc_sim` to stand in for it.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bmc_recording::{Files, check_free};
use tokio::signal::unix::{SignalKind, signal};

use super::one_bmc;
use super::progress::{ProgressLine, bar};
use crate::bmc::{Bmc, LoginBudget};
use crate::cli::RecordArgs;
use crate::collect::CollectOptions;
use crate::collect::store::Store;
use crate::config::TargetAddress;
use crate::logging;
use crate::record::{RecordOptions, personal, record};
use crate::telemetry::Telemetry;

/// A slow BMC with many sensors takes minutes, more with samples.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Records and says what came of it. The exit status is 0 only when everything
/// that the BMC has was read.
pub async fn run(arguments: &RecordArgs) -> ExitCode {
    logging::start(arguments.log);
    one_bmc::exit(write_down(arguments).await)
}

async fn write_down(arguments: &RecordArgs) -> anyhow::Result<bool> {
    // From here on: what is half done must not be left behind.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Nobody wants to hear this after an hour.
    check_free(&arguments.output).context("--output")?;
    let started = Instant::now();
    let deadline = started + arguments.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let app = one_bmc::start(
        &arguments.bmc,
        Store::default(),
        CollectOptions::default(),
        DEFAULT_TIMEOUT,
    )?;
    let (profile, address) = app
        .admit(&arguments.bmc.target, &arguments.bmc.module, deadline)
        .await?;
    let mut bmc = Bmc::new(
        address,
        Arc::clone(&profile.settings),
        Arc::new(LoginBudget::new(0)),
        Arc::new(Telemetry::new()),
    );
    bmc.begin(&profile.settings).await;
    let options = RecordOptions {
        samples: arguments.samples,
        collectors: profile.module.collectors.to_vec(),
        keep_personal: arguments.keep_personal,
        licence: arguments.licence.clone(),
        date: today(),
        deadline,
    };
    let mut line = ProgressLine::new();
    let mut progress = |what: &str, done: usize, of: Option<usize>| {
        line.show(|| progress_text(what, done, of));
    };
    let recorded = tokio::select! {
        recorded = record(&mut bmc, &options, &mut progress) => Some(recorded),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    bmc.close().await;
    line.clear();
    let Some(recorded) = recorded else {
        anyhow::bail!("interrupted, nothing is written");
    };
    let (mut recording, summary) = recorded?;
    if !arguments.keep_personal {
        let ip = address.ip().to_string();
        let host = host(&arguments.bmc.target);
        personal::remove(&mut recording, &[&host, &ip]);
    }
    recording.write(&arguments.output, &Files::new())?;
    // A summary that cannot be printed does not make the recording worse.
    let _ = write!(
        std::io::stdout(),
        "{}\n{} written in {:.1} s\n",
        summary.about(&recording),
        arguments.output.display(),
        started.elapsed().as_secs_f64()
    );
    Ok(summary.gaps.is_empty())
}

/// The host in a target; the port says nothing.
fn host(target: &str) -> String {
    target
        .parse::<TargetAddress>()
        .map(|target| target.host_text())
        .unwrap_or_default()
}

/// The day, as `2026-01-31`, in UTC.
fn today() -> String {
    const DAY: u64 = 24 * 60 * 60;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = since.map_or(0, |since| since.as_secs() / DAY);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a day since 1970.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn progress_text(what: &str, done: usize, of: Option<usize>) -> String {
    match of.filter(|of| *of > 0) {
        Some(of) => {
            format!("{} reading {what}: {done} of {of}", bar(done, of))
        }
        None if done > 0 => format!("reading {what}: {done}"),
        None => format!("reading {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (10_957, (2000, 1, 1)),
            (11_016, (2000, 2, 29)),
            (20_819, (2027, 1, 1)),
        ] {
            assert_eq!(civil(day), date, "{day}");
        }
    }

    #[test]
    fn the_line_has_a_bar_where_the_end_is_known() {
        assert_eq!(
            progress_text("sensors", 5, Some(20)),
            "[#####---------------] reading sensors: 5 of 20"
        );
        assert_eq!(
            progress_text("sensors", 21, Some(20)),
            "[####################] reading sensors: 21 of 20"
        );
        assert_eq!(progress_text("event log", 7, None), "reading event log: 7");
        assert_eq!(progress_text("identity", 0, None), "reading identity");
    }
}
