//! What was read, what was not, and why: in lines for a person.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bmc_recording::Recording;
use rmcp_ipmi::wire::CompletionCode;

use super::Gap;
use super::ask::Asker;

/// What a recording was like.
#[derive(Clone, Debug)]
pub struct Summary {
    answered: usize,
    fastest_and_slowest: Option<(Duration, Duration)>,
    refused: BTreeMap<(u8, u8, u8), usize>,
    silent: BTreeMap<(u8, u8), usize>,
    /// What could be read only in part.
    pub gaps: Vec<Gap>,
    /// Channel and address of controllers that records name and that did not
    /// answer.
    absent: Vec<(u8, u8)>,
}

impl Summary {
    pub(super) fn new(asker: &Asker<'_>, gaps: Vec<Gap>, absent: Vec<(u8, u8)>) -> Self {
        Self {
            answered: asker.answered(),
            fastest_and_slowest: asker.fastest_and_slowest(),
            refused: asker.refused.clone(),
            silent: asker.silent.clone(),
            gaps,
            absent,
        }
    }

    /// Says it about `recording`, with what was removed from it.
    pub fn about<'a>(&'a self, recording: &'a Recording) -> impl fmt::Display + 'a {
        About {
            summary: self,
            recording,
        }
    }
}

struct About<'a> {
    summary: &'a Summary,
    recording: &'a Recording,
}

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (recording, summary) = (self.recording, self.summary);
        let bmc = &recording.bmc;
        let machine = &recording.machine;
        let name = [&machine.vendor, &machine.model, &machine.firmware];
        let words: Vec<&str> = name
            .into_iter()
            .map(String::as_str)
            .filter(|word| !word.is_empty())
            .collect();
        writeln!(f, "{}", words.join(", "))?;
        let records = bmc.repository.as_ref().map_or(0, |sdr| sdr.records.len());
        let own: usize = bmc.device_sdrs.iter().map(|sdrs| sdrs.records.len()).sum();
        let entries = bmc.log.as_ref().map_or(0, |log| log.entries.len());
        for (what, count) in [
            ("Sensor data records", records),
            ("Device records", own),
            ("Sensors", bmc.sensors.len()),
            ("Log entries", entries),
            ("Inventory devices", bmc.frus.len()),
            ("Satellite controllers", recording.satellites.len()),
            ("Requests answered", summary.answered),
        ] {
            writeln!(f, "{what:<24} {count}")?;
        }
        if let Some((fastest, slowest)) = summary.fastest_and_slowest {
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            let (fastest, slowest) = (ms(fastest), ms(slowest));
            writeln!(
                f,
                "{:<24} {fastest:.1} to {slowest:.1} ms",
                "Response times"
            )?;
        }
        if recording.provenance.removed.is_empty() {
            writeln!(f, "\nNothing was removed.")?;
        } else {
            writeln!(f, "\nRemoved:")?;
            for sentence in &recording.provenance.removed {
                writeln!(f, "  {sentence}")?;
            }
        }
        if !summary.absent.is_empty() {
            writeln!(f, "\nNamed in records, but not there:")?;
            for (channel, address) in &summary.absent {
                writeln!(f, "  controller {address:02x}h on channel {channel}")?;
            }
        }
        if !summary.refused.is_empty() || !summary.silent.is_empty() {
            writeln!(f, "\nRefused by the BMC, and recorded as such:")?;
            for ((net_fn, command, code), count) in &summary.refused {
                let code = CompletionCode(*code);
                writeln!(
                    f,
                    "  {:<42} {count} x {:02x}h ({})",
                    name_of(recording, *net_fn, *command),
                    code.0,
                    code.name()
                )?;
            }
            for ((net_fn, command), count) in &summary.silent {
                let name = name_of(recording, *net_fn, *command);
                writeln!(f, "  {name:<42} {count} x no answer")?;
            }
        }
        if !summary.gaps.is_empty() {
            writeln!(f, "\nNot read:")?;
            for gap in &summary.gaps {
                writeln!(f, "  {gap}")?;
            }
        }
        Ok(())
    }
}

/// A command's name in the recording, else its numbers.
fn name_of(recording: &Recording, net_fn: u8, command: u8) -> String {
    const STORES: [(u8, u8, &str); 12] = [
        (0x04, 0x20, "Get Device SDR Info"),
        (0x04, 0x21, "Get Device SDR"),
        (0x04, 0x22, "Reserve Device SDR"),
        (0x04, 0x23, "Get Sensor Reading Factors"),
        (0x04, 0x27, "Get Sensor Thresholds"),
        (0x04, 0x2d, "Get Sensor Reading"),
        (0x0a, 0x10, "Get FRU Area Info"),
        (0x0a, 0x11, "Read FRU Data"),
        (0x0a, 0x20, "Get SDR Repository Info"),
        (0x0a, 0x22, "Reserve SDR Repository"),
        (0x0a, 0x23, "Get SDR"),
        (0x0a, 0x43, "Get SEL Entry"),
    ];
    let store = STORES
        .iter()
        .find(|(family, number, _)| (*family, *number) == (net_fn, command))
        .map(|(_, _, name)| *name);
    let rows = recording.bmc.answers.iter().chain(&recording.sessionless);
    let mut named = rows.filter(|row| (row.net_fn, row.command) == (net_fn, command));
    // Commands with many parameters are known by the part in front.
    let row = || {
        let name = named.next()?.name.as_deref()?;
        Some(name.split(':').next().unwrap_or(name))
    };
    store.or_else(row).map_or_else(
        || format!("{net_fn:02x}h {command:02x}h"),
        |name| format!("{name} ({net_fn:02x}h {command:02x}h)"),
    )
}
