//! `ipmi_exporter scan NETWORK…`: finds BMCs, and says what is weak about them.

use std::io::{self, Write, stderr, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use bmc_scan::{Block, Plan, Progress, ScanSettings};
use tokio::signal::unix::{SignalKind, signal};

use super::one_bmc;
use super::progress::{ProgressLine, bar};
use crate::cli::ScanArgs;
use crate::logging;
use crate::scan::{Network, Report};

/// How long the name service may take for one name.
const NAME_LIMIT: Duration = Duration::from_secs(10);

/// Scans and prints. The exit status is 0 only when every address was asked and a
/// BMC was found.
pub async fn run(arguments: &ScanArgs) -> ExitCode {
    logging::start(arguments.log);
    one_bmc::exit(look(arguments).await)
}

async fn look(arguments: &ScanArgs) -> anyhow::Result<bool> {
    // From here on: what was found must not be lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let plan = plan(arguments).await?;
    let settings = ScanSettings {
        port: arguments.port,
        rate: arguments.rate,
        timeout: arguments.timeout,
        tries: arguments.tries,
    };
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let started = Instant::now();
    let mut line = ProgressLine::new();
    let end = bmc_scan::run(plan, settings, stop, |progress| {
        line.show(|| progress_text(progress, started.elapsed()));
    })
    .await;
    line.clear();
    let end = end?;
    let report = Report(&end);
    // Apart, so that the output alone can be a file for programs.
    let _ = stderr().write_all(report.summary().as_bytes());
    stdout()
        .write_all(report.render(arguments.output).as_bytes())
        .context("cannot print")?;
    Ok(end.is_complete && end.scanner.bmcs().next().is_some())
}

/// Every address of the arguments, if all of them may be scanned.
async fn plan(arguments: &ScanArgs) -> anyhow::Result<Plan> {
    let mut blocks = Vec::new();
    for text in &arguments.networks {
        let network: Network = text.parse().with_context(|| text.clone())?;
        match network {
            Network::Addresses(block) => blocks.push(block),
            Network::Name(name) => {
                let found = resolve(&name).await;
                let found = found.with_context(|| format!("{text} cannot be resolved"))?;
                // The name may be all that was meant to be looked at; say whose
                // address is refused.
                Plan::new(found.clone(), arguments.force).with_context(|| text.clone())?;
                blocks.extend(found);
            }
        }
    }
    Ok(Plan::new(blocks, arguments.force)?)
}

/// All addresses of a name: which of them is the BMC's, nobody knows yet.
async fn resolve(name: &str) -> io::Result<Vec<Block>> {
    let found = tokio::time::timeout(NAME_LIMIT, tokio::net::lookup_host((name, 0)))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(found.map(|address| Block::single(address.ip())).collect())
}

fn progress_text(progress: Progress, elapsed: Duration) -> String {
    let Progress {
        done,
        addresses,
        bmcs,
    } = progress;
    let short = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let left = u32::try_from(done)
        .ok()
        .and_then(|done| elapsed.checked_div(done))
        .zip(u32::try_from(addresses.saturating_sub(done)).ok())
        .map(|(each, left)| each.saturating_mul(left).as_secs());
    let left = left.map_or_else(String::new, |seconds| format!(", about {seconds} s left"));
    let plural = if bmcs == 1 { "" } else { "s" };
    format!(
        "{} {done} of {addresses} addresses, {bmcs} BMC{plural}{left}",
        bar(short(done), short(addresses))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is_and_how_long_it_will_take() {
        for (done, seconds, expected) in [
            (0, 1, "[--------------------] 0 of 65534 addresses, 3 BMCs"),
            (
                16_000,
                40,
                "[####----------------] 16000 of 65534 addresses, 3 BMCs, about 123 s left",
            ),
        ] {
            let progress = Progress {
                done,
                addresses: 65_534,
                bmcs: 3,
            };
            assert_eq!(
                progress_text(progress, Duration::from_secs(seconds)),
                expected
            );
        }
    }
}
