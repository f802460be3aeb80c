//! `bmc_sim` as a process of its own, so that its CPU time is not ours.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::http;
use crate::support::process::Process;
use crate::support::wait_for;

/// Account of every simulated BMC.
pub(super) const USER: &str = "admin";
pub(super) const PASSWORD: &str = "bench-password";

/// Starting thousands takes a while on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What a fleet is like.
#[derive(Clone, Debug, Default)]
pub(super) struct Spec<'a> {
    /// How many BMCs.
    pub(super) count: usize,
    /// `--latency`; none answers at once.
    pub(super) latency: Option<&'a str>,
    /// Further flags: faults, liars.
    pub(super) more: &'a [&'a str],
    /// Whether values move, as they do in machines that live.
    pub(super) moving: bool,
    /// Whether a serve-log is written.
    pub(super) serve_log: bool,
}

/// A running simulator; it ends when dropped.
pub(super) struct Fleet {
    pub(super) process: Process,
    control: SocketAddr,
    count: usize,
    first: SocketAddr,
    directory: TempDir,
}

/// What a fleet has counted so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Datagrams, in both directions.
    pub(super) datagrams: u64,
    /// Sessions that became active.
    pub(super) log_ins: u64,
    /// Answers to Get Sensor Reading.
    pub(super) values: u64,
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            datagrams: self.datagrams - earlier.datagrams,
            log_ins: self.log_ins - earlier.log_ins,
            values: self.values - earlier.values,
        }
    }
}

/// One value as it was served.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Served {
    /// Which BMC.
    pub(super) bmc: usize,
    /// Name of the sensor.
    pub(super) name: Option<String>,
    /// The converted value.
    pub(super) value: Option<f64>,
}

impl Fleet {
    /// Starts so many BMCs of the recording in `machine`, on the addresses from
    /// 127.64.0.1 on, all with the port of IPMI's stand-in.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(program: &Path, machine: &Path, spec: &Spec<'_>) -> Result<Self> {
        let directory = TempDir::new()?;
        let control = free_tcp_address()?;
        let first = crate::support::free_udp_address();
        let first = SocketAddr::from(([127, 64, 0, 1], first.port()));
        let mut process = Process::start(program, |command| {
            command
                .arg("--recordings")
                .arg(machine)
                .args(["--count", &spec.count.to_string()])
                .args(["--listen", &first.to_string(), "--spread", "addresses"])
                .args(["--user", USER, "--password", PASSWORD])
                .args(["--cipher-suites", "17", "--slots", "16"])
                // As long as the longest pause of a scenario.
                .args(["--idle-timeout", "600s"])
                .args(["--control", &control.to_string()]);
            if let Some(latency) = spec.latency {
                command.args(["--latency", latency]);
            }
            if spec.moving {
                command.args(["--behaviour", "moving"]);
            }
            if spec.serve_log {
                command
                    .arg("--serve-log")
                    .arg(directory.path().join("served.jsonl"));
            }
            command.args(spec.more);
        });
        wait_for("the simulator", START_LIMIT, || {
            if let Some(status) = process.ended() {
                panic!("bmc_sim ended with {status}:\n{}", process.log());
            }
            http::get(control, "/metrics").ok()
        });
        Ok(Self {
            process,
            control,
            count: spec.count,
            first,
            directory,
        })
    }

    /// The BMCs' addresses.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let SocketAddr::V4(first) = self.first else {
            return Vec::new();
        };
        let base = u32::from(*first.ip());
        (0..self.count)
            .filter_map(|bmc| {
                let ip = base.checked_add(u32::try_from(bmc).ok()?)?;
                Some(SocketAddr::from((
                    std::net::Ipv4Addr::from(ip),
                    first.port(),
                )))
            })
            .collect()
    }

    /// What was counted so far.
    ///
    /// # Errors
    /// When the simulator does not say.
    pub(super) fn counts(&self) -> Result<Counts> {
        let text = http::get(self.control, "/metrics")?.body;
        let values: HashMap<&str, u64> = text
            .lines()
            .filter_map(|line| {
                let (name, value) = line.split_once(' ')?;
                Some((name, value.parse().ok()?))
            })
            .collect();
        let count = |name: &str| {
            values
                .get(name)
                .copied()
                .with_context(|| format!("bmc_sim has no {name}"))
        };
        Ok(Counts {
            datagrams: count("bmc_sim_datagrams_received_total")?
                + count("bmc_sim_datagrams_sent_total")?,
            log_ins: count("bmc_sim_logins_total")?,
            values: count("bmc_sim_values_served_total")?,
        })
    }

    /// Changes BMCs of the running fleet, as the control endpoint has it.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub(super) fn change(&self, method: &str, path: &str, body: &str) -> Result<()> {
        let mut stream = TcpStream::connect(self.control)?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: bmc_sim\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let head = answer.lines().next().unwrap_or_default();
        anyhow::ensure!(head.contains(" 2"), "{method} {path}: {answer}");
        Ok(())
    }

    /// Where the serve-log is.
    fn serve_log(&self) -> PathBuf {
        self.directory.path().join("served.jsonl")
    }

    /// All values that were served, as far as they are on disk.
    ///
    /// # Errors
    /// When there is no serve-log.
    pub(super) fn served(&self) -> Result<Vec<Served>> {
        // The simulator writes at the latest after a second.
        std::thread::sleep(Duration::from_millis(1500));
        let text = std::fs::read_to_string(self.serve_log())?;
        text.lines()
            .map(|line| serde_json::from_str(line).context("a line of the serve-log"))
            .collect()
    }
}

/// A TCP address that was free a moment ago.
fn free_tcp_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
