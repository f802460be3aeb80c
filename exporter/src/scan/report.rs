//! What was found, for a person or a program.
//!
//! Everything printed is a number or a word of ours: no text of a BMC's reaches
//! a terminal.

use std::fmt::Write;
use std::net::SocketAddr;

use bmc_scan::{Bmc, End, Weakness};
use comfy_table::{Table, presets};
use rmcp_ipmi::command::OfferedSuite;
use rmcp_ipmi::crypto::AuthType;
use serde_json::{Value, json};

use crate::config::{Host, TargetAddress};

/// Output of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person.
    Table,
    /// For programs: everything.
    Json,
    /// For spreadsheets.
    Csv,
    /// For Prometheus: the addresses, as a file of `file_sd_configs`.
    Targets,
}

/// What a scan found, to be printed.
pub struct Report<'a>(pub &'a End);

impl Report<'_> {
    /// The whole output.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => pretty(&self.json()),
            Format::Csv => self.csv(),
            Format::Targets => pretty(&self.targets()),
        }
    }

    /// What was done, in a few lines.
    #[must_use]
    pub fn summary(&self) -> String {
        let End {
            scanner,
            is_complete,
            duration,
            unsent,
        } = self.0;
        let progress = scanner.progress();
        let mut out = if *is_complete {
            format!(
                "{} among {}",
                count(progress.bmcs, "BMC"),
                addresses(progress.addresses)
            )
        } else {
            format!(
                "interrupted: {} among the first {} of {}",
                count(progress.bmcs, "BMC"),
                progress.done,
                addresses(progress.addresses)
            )
        };
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            ", {} datagrams in {:.1} s",
            scanner.sent(),
            duration.as_secs_f64()
        );
        if scanner.others() > 0 {
            let _ = writeln!(
                out,
                "{} answered the presence ping, but not IPMI",
                count(scanner.others(), "other machine")
            );
        }
        let ignored = scanner.ignored();
        let kinds = [
            (ignored.strangers, "from nobody who was asked"),
            (ignored.malformed, "malformed"),
            (ignored.unmatched, "with numbers that were not given out"),
            (ignored.repeated, "repeated"),
            (ignored.surplus, "from more addresses than are remembered"),
        ];
        let kinds: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        if !kinds.is_empty() {
            let _ = writeln!(out, "ignored datagrams: {}", kinds.join(", "));
        }
        if let Some((count, error)) = unsent {
            let _ = writeln!(
                out,
                "{count} datagrams could not be sent; the last one: {error}"
            );
        }
        out
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            "ADDRESS",
            "IPMI",
            "CIPHER SUITES",
            "WEAKNESSES",
        ]);
        let mut met: Vec<Weakness> = Vec::new();
        let mut is_empty = true;
        for (address, bmc) in self.0.scanner.bmcs() {
            is_empty = false;
            let weaknesses = bmc.weaknesses();
            table.add_row([
                target(address),
                dash(versions(bmc)),
                dash(suites(bmc)),
                dash(names(&weaknesses)),
            ]);
            for weakness in weaknesses {
                if !met.contains(&weakness) {
                    met.push(weakness);
                }
            }
        }
        if is_empty {
            return String::new();
        }
        let mut out: String = table
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect();
        if !met.is_empty() {
            out.push('\n');
        }
        for weakness in met {
            let _ = writeln!(out, " {:<17} {}", weakness.name(), weakness.meaning());
        }
        out
    }

    /// No cell has anything in it that would have to be quoted.
    fn csv(&self) -> String {
        let mut out = "address,port,ipmi,cipher_suites,weaknesses\n".to_owned();
        for (address, bmc) in self.0.scanner.bmcs() {
            let _ = writeln!(
                out,
                "{},{},{},{},{}",
                address.ip(),
                address.port(),
                versions(bmc),
                suites(bmc),
                names(&bmc.weaknesses())
            );
        }
        out
    }

    fn targets(&self) -> Value {
        let targets: Vec<String> = self.0.scanner.bmcs().map(|(at, _)| target(at)).collect();
        if targets.is_empty() {
            return json!([]);
        }
        json!([{ "targets": targets }])
    }

    fn json(&self) -> Value {
        let scanner = &self.0.scanner;
        let progress = scanner.progress();
        let ignored = scanner.ignored();
        let bmcs: Vec<Value> = scanner.bmcs().map(|(at, bmc)| as_json(at, bmc)).collect();
        json!({
            "complete": self.0.is_complete,
            "addresses": progress.addresses,
            "addresses_done": progress.done,
            "duration_seconds": self.0.duration.as_secs_f64(),
            "datagrams_sent": scanner.sent(),
            "datagrams_unsent": self.0.unsent.as_ref().map_or(0, |(count, _)| *count),
            "datagrams_ignored": {
                "strangers": ignored.strangers,
                "malformed": ignored.malformed,
                "unmatched": ignored.unmatched,
                "repeated": ignored.repeated,
                "surplus": ignored.surplus,
            },
            "other_machines": scanner.others(),
            "bmcs": bmcs,
        })
    }
}

fn as_json(address: SocketAddr, bmc: &Bmc) -> Value {
    let versions = bmc.versions();
    let said = bmc.capabilities.as_ref();
    let weaknesses: Vec<Value> = bmc
        .weaknesses()
        .iter()
        .map(|weakness| json!({ "name": weakness.name(), "meaning": weakness.meaning() }))
        .collect();
    json!({
        "address": address.ip().to_string(),
        "port": address.port(),
        "answers_ping": bmc.answers_ping,
        "ipmi_1_5": versions.map(|versions| versions.v15),
        "ipmi_2_0": versions.map(|versions| versions.v20),
        "auth_types": said.map(|said| {
            // In the words of the module file.
            AuthType::STRONGEST_FIRST
                .iter()
                .filter(|kind| said.offers(**kind))
                .map(|kind| kind.label())
                .collect::<Vec<_>>()
        }),
        "k_g_set": said.map(|said| said.needs_k_g()),
        "cipher_suites": bmc
            .suites
            .as_ref()
            .map(|suites| suites.iter().map(suite_json).collect::<Vec<_>>()),
        "weaknesses": weaknesses,
    })
}

/// A number where the suite is the specification's, else a text.
fn suite_json(suite: &OfferedSuite) -> Value {
    match suite.standard() {
        Some(standard) => standard.id.0.into(),
        None => suite_name(suite).into(),
    }
}

/// `17`; `128/343` for suite 128 of vendor 343; `9?` for one whose algorithms are
/// not those of any suite.
fn suite_name(suite: &OfferedSuite) -> String {
    match (suite.standard(), suite.oem) {
        (Some(standard), _) => standard.id.to_string(),
        (None, Some(vendor)) => format!("{}/{vendor}", suite.id),
        (None, None) => format!("{}?", suite.id),
    }
}

fn suites(bmc: &Bmc) -> String {
    let names: Vec<String> = bmc.suites.iter().flatten().map(suite_name).collect();
    names.join(" ")
}

fn versions(bmc: &Bmc) -> String {
    let versions = bmc.versions();
    let spoken = [
        (versions.is_some_and(|versions| versions.v15), "1.5"),
        (versions.is_some_and(|versions| versions.v20), "2.0"),
    ];
    let spoken: Vec<&str> = spoken
        .iter()
        .filter(|(is_spoken, _)| *is_spoken)
        .map(|(_, name)| *name)
        .collect();
    spoken.join(" ")
}

fn names(weaknesses: &[Weakness]) -> String {
    let names: Vec<&str> = weaknesses.iter().map(|weakness| weakness.name()).collect();
    names.join(" ")
}

/// As a target of the exporter: with the port unless it is 623.
fn target(address: SocketAddr) -> String {
    TargetAddress {
        host: Host::Address {
            ip: address.ip(),
            zone: None,
        },
        port: address.port(),
    }
    .to_string()
}

fn dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn addresses(number: u64) -> String {
    let plural = if number == 1 { "" } else { "es" };
    format!("{number} address{plural}")
}

fn pretty(value: &Value) -> String {
    // The alternate form of a value is its pretty one, and cannot fail.
    format!("{value:#}\n")
}
