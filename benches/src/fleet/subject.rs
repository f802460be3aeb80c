//! What is measured: an exporter as a process and as an address.

use std::path::Path;

use anyhow::{Context, Result};

use super::simulator::{PASSWORD, USER};
use crate::measure::{cpu_seconds, own_cpu_seconds, resident_bytes};
use crate::support::exporter::Exporter;

/// An exporter, ours or another.
pub(super) struct Subject {
    /// For tables.
    pub(super) name: String,
    /// With `{target}` in the place of the BMC's address.
    url: String,
    /// Whose CPU time and memory count, if that is known.
    process: Option<u32>,
    /// Whether it works through child processes, whose time counts too.
    forks: bool,
    /// Ends with this.
    running: Option<Exporter>,
}

impl Subject {
    /// Our exporter, started with further flags.
    pub(super) fn ours(program: &Path, flags: &[&str]) -> Self {
        let running = Exporter::at(program, &modules(), |_| {
            flags.iter().map(|flag| (*flag).to_owned()).collect()
        });
        Self::new("ours", running, false)
    }

    /// Debian's stock exporter.
    pub(super) fn stock() -> Self {
        Self::new("stock", Exporter::stock(&modules()), true)
    }

    fn new(name: &str, running: Exporter, forks: bool) -> Self {
        Self {
            name: name.to_owned(),
            url: format!(
                "http://{}/ipmi?target={{target}}&module=bench",
                running.address
            ),
            process: Some(running.process.id()),
            forks,
            running: Some(running),
        }
    }

    /// Any other that runs already, from `NAME=URL` or `NAME@PID=URL`.
    ///
    /// # Errors
    /// When the text has another form.
    pub(super) fn other(text: &str) -> Result<Self> {
        let (name, url) = text
            .split_once('=')
            .context("--other is NAME=URL or NAME@PID=URL")?;
        anyhow::ensure!(
            url.starts_with("http://") && url.contains("{target}"),
            "the URL of --other is http:// and has {{target}} in it"
        );
        let (name, process) = match name.split_once('@') {
            Some((name, process)) => (name, Some(process.parse().context("PID of --other")?)),
            None => (name, None),
        };
        Ok(Self {
            name: name.to_owned(),
            url: url.to_owned(),
            process,
            forks: true,
            running: None,
        })
    }

    /// Server and path of a scrape of `target`.
    pub(super) fn request(&self, target: &str) -> (String, String) {
        let url = self.url.replace("{target}", target);
        let rest = url.trim_start_matches("http://");
        match rest.split_once('/') {
            Some((server, path)) => (server.to_owned(), format!("/{path}")),
            None => (rest.to_owned(), "/".to_owned()),
        }
    }

    /// CPU seconds so far, if they can be known. With child processes those of
    /// all that have ended, in steps of 10 ms; else exactly.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        let read = if self.forks {
            cpu_seconds
        } else {
            own_cpu_seconds
        };
        self.process.map(read)
    }

    /// Resident bytes, if they can be known.
    pub(super) fn resident_bytes(&self) -> Option<f64> {
        self.process.map(resident_bytes)
    }

    /// Its process, if it is known.
    pub(super) fn process(&self) -> Option<u32> {
        self.process
    }

    /// Ends it, and waits until it has ended.
    pub(super) fn terminate(&mut self) {
        if let Some(running) = &mut self.running {
            running.process.terminate();
        }
    }

    /// What it logged, for messages.
    pub(super) fn log(&self) -> String {
        let log = self.running.as_ref().map(|running| running.process.log());
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

/// The same for both exporters.
fn modules() -> String {
    format!(
        r#"
modules:
  default:
    collectors: []
  bench:
    user: "{USER}"
    pass: "{PASSWORD}"
    driver: "LAN_2_0"
    privilege: "admin"
    collectors: [ipmi, bmc, chassis, dcmi]
    custom_args:
      ipmi: ["-I", "17", "--sdr-cache-directory=@SDR_CACHE@"]
      bmc: ["-I", "17"]
      chassis: ["-I", "17"]
      dcmi: ["-I", "17"]
"#
    )
}
