//! Collector `sel-entries`: the event log in words, as far as that is good for
//! metrics: counts and newest times by kind, and the newest entries themselves.

use std::collections::{BTreeMap, VecDeque};

use rmcp_ipmi::sel::{Direction, Entry, EntryId, Interpreter};

use super::metric::{SEL_ENTRIES, SEL_ENTRY, SEL_ENTRY_TIME, SEL_LAST, SEL_LATEST};
use crate::collect::sample::Samples;
use crate::collect::sel_events::UNKNOWN_STATE;

/// How many of the newest entries get series of their own. Each is two, and each
/// new event ends two and begins two.
const NEWEST: usize = 10;
/// Type of records that are no events of a sensor.
const NO_TYPE: &str = "N/A";

/// What is kept of a log.
#[derive(Clone, Debug, Default)]
pub(in crate::collect) struct SelEntries {
    /// By state and type: both are words of tables, so there are not many.
    by_kind: BTreeMap<(&'static str, &'static str), Kind>,
    /// Oldest first.
    newest: VecDeque<NewEntry>,
    /// Latest time stamp of all.
    latest: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    count: u16,
    latest: Option<u32>,
}

#[derive(Clone, Debug)]
struct NewEntry {
    id: EntryId,
    time: Option<u32>,
    labels: Vec<(&'static str, String)>,
}

impl SelEntries {
    /// Adds the next entry, whose words are `text`.
    pub(in crate::collect) fn add(
        &mut self,
        id: EntryId,
        entry: &Entry,
        text: String,
        interpreter: &Interpreter<'_>,
    ) {
        let state = interpreter
            .severity(entry)
            .map_or(UNKNOWN_STATE, |severity| severity.text());
        let kind = interpreter.type_text(entry).unwrap_or(NO_TYPE);
        // A clock that was not set gives no time.
        let time = entry.time().and_then(|time| time.unix_seconds());
        let known = self.by_kind.entry((state, kind)).or_default();
        known.count = known.count.saturating_add(1);
        known.latest = known.latest.max(time);
        self.latest = self.latest.max(time);
        // 0000h stands for whichever is first.
        let id = match id {
            EntryId::FIRST => entry.id,
            id => id,
        };
        // Should ids repeat, the newer entry counts.
        self.newest.retain(|known| known.id != id);
        if self.newest.len() >= NEWEST {
            self.newest.pop_front();
        }
        let direction = entry.event().map_or("", |event| match event.direction {
            Direction::Asserted => "Assertion Event",
            Direction::Deasserted => "Deassertion Event",
        });
        self.newest.push_back(NewEntry {
            id,
            time,
            labels: vec![
                ("direction", direction.to_owned()),
                ("event", text),
                ("name", interpreter.sensor_name(entry).unwrap_or_default()),
                ("record_id", id.0.to_string()),
                ("state", state.to_owned()),
                ("type", kind.to_owned()),
            ],
        });
    }

    /// What is told.
    pub(in crate::collect) fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        for ((state, kind), known) in &self.by_kind {
            let labels = || vec![("state", (*state).to_owned()), ("type", (*kind).to_owned())];
            samples.put_with(&SEL_ENTRIES, labels(), f64::from(known.count));
            if let Some(latest) = known.latest {
                samples.put_with(&SEL_LATEST, labels(), f64::from(latest));
            }
        }
        if let Some(latest) = self.latest {
            samples.put(&SEL_LAST, f64::from(latest));
        }
        for entry in &self.newest {
            samples.put_with(&SEL_ENTRY, entry.labels.clone(), 1.0);
            if let Some(time) = entry.time {
                let labels = vec![("record_id", entry.id.0.to_string())];
                samples.put_with(&SEL_ENTRY_TIME, labels, f64::from(time));
            }
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[[u8; 16]]) -> SelEntries {
        let interpreter = Interpreter::new(None, None);
        let mut log = SelEntries::default();
        for (index, bytes) in entries.iter().enumerate() {
            let entry = Entry::decode(bytes).unwrap();
            let text = interpreter.event_text(&entry).unwrap();
            let id = if index == 0 { EntryId::FIRST } else { entry.id };
            log.add(id, &entry, text, &interpreter);
        }
        log
    }

    fn event(id: u8, time: u32) -> [u8; 16] {
        let [t0, t1, t2, t3] = time.to_le_bytes();
        [
            id, 0, 2, t0, t1, t2, t3, 0x20, 0, 4, 0x0c, 8, 0x6f, 0, 0xff, 0xff,
        ]
    }

    fn text(log: &SelEntries, metric: &str) -> Vec<String> {
        log.samples()
            .iter()
            .filter(|sample| sample.metric.name == metric)
            .map(|sample| format!("{} {}", sample.label_text().as_str(), sample.value))
            .collect()
    }

    #[test]
    fn counts_and_times_by_kind() {
        // The second has no time, the third is from before the second's.
        let log = log(&[
            event(1, 1_700_000_050),
            event(2, 17),
            event(3, 1_700_000_000),
        ]);
        assert_eq!(
            text(&log, "ipmi_sel_entries"),
            ["{state=\"Warning\",type=\"Memory\"} 3"]
        );
        assert_eq!(
            text(&log, "ipmi_sel_last_event_timestamp_seconds"),
            [" 1700000050"]
        );
        assert_eq!(
            text(&log, "ipmi_sel_entry_timestamp_seconds"),
            [
                "{record_id=\"1\"} 1700000050",
                "{record_id=\"3\"} 1700000000"
            ]
        );
    }

    #[test]
    fn only_the_newest_entries_have_series() {
        let entries: Vec<[u8; 16]> = (1..=30).map(|id| event(id, 1_700_000_000)).collect();
        let log = log(&entries);
        let shown = text(&log, "ipmi_sel_entry_info");
        assert_eq!(shown.len(), NEWEST);
        assert_eq!(
            shown[NEWEST - 1],
            "{direction=\"Assertion Event\",event=\"Correctable memory error\",name=\"Sensor #8\",\
             record_id=\"30\",state=\"Warning\",type=\"Memory\"} 1"
        );
        assert_eq!(
            text(&log, "ipmi_sel_entries"),
            ["{state=\"Warning\",type=\"Memory\"} 30"]
        );
    }
}
