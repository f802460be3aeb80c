//! Collector `sel-events`: counts over the entries of the system event log.

use std::collections::BTreeMap;

use rmcp_ipmi::sel::{Entry, Interpreter};

use crate::config::SelEvent;

/// State of entries that nothing is known about.
pub(super) const UNKNOWN_STATE: &str = "N/A";

/// Counts over the log.
#[derive(Clone, Debug, Default)]
pub struct SelEventCounts {
    by_state: BTreeMap<&'static str, usize>,
    by_name: BTreeMap<Box<str>, NamedCount>,
}

/// Entries that match one configured name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamedCount {
    /// How many.
    pub count: usize,
    /// Time stamp of the newest, in seconds since 1970 by the BMC's clock; 0
    /// when there is none, or its clock was not set.
    pub latest: u32,
}

impl SelEventCounts {
    /// Of no log.
    pub const EMPTY: Self = Self {
        by_state: BTreeMap::new(),
        by_name: BTreeMap::new(),
    };

    pub(super) fn new(events: &[SelEvent]) -> Self {
        let mut counts = Self::EMPTY;
        for event in events {
            counts
                .by_name
                .entry(event.name.as_str().into())
                .or_default();
        }
        counts
    }

    /// Entries by severity, only those that occur.
    pub fn by_state(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.by_state.iter().map(|(state, count)| (*state, *count))
    }

    /// Entries by configured name, also those without any.
    pub fn by_name(&self) -> impl Iterator<Item = (&str, NamedCount)> + '_ {
        self.by_name.iter().map(|(name, count)| (&**name, *count))
    }

    /// Counts an entry whose text is `text`.
    pub(super) fn add(
        &mut self,
        entry: &Entry,
        text: &str,
        interpreter: &Interpreter<'_>,
        events: &[SelEvent],
    ) {
        let state = interpreter
            .severity(entry)
            .map_or(UNKNOWN_STATE, |severity| severity.text());
        *self.by_state.entry(state).or_default() += 1;
        let time = entry
            .time()
            .and_then(|time| time.unix_seconds())
            .unwrap_or_default();
        for event in events {
            if event.regex.is_match(text)
                && let Some(matches) = self.by_name.get_mut(event.name.as_str())
            {
                matches.count += 1;
                matches.latest = matches.latest.max(time);
            }
        }
    }
}
