//! Collector `sel-events`: counts over the entries of the system event log.
//!
//! The log is read from its start once; later scrapes read what was added. Only
//! counts are kept, so that a log of any length costs the same memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, DeviceId, GetSelEntry, GetSelInfo};
use rmcp_ipmi::sdr::SensorDirectory;
use rmcp_ipmi::sel::walk::{LogEnd, Outcome, Position, RawEntry, Start, Step, Walk};
use rmcp_ipmi::sel::{Board, Entry, Interpreter};
use rmcp_ipmi::wire::{Lun, Route};

use super::exchange::exchange;
use super::{BUSY_WAIT, CollectError, Collection, LoadedRepository, Profile};
use crate::bmc::Bmc;
use crate::config::{Module, SelEvent};

/// State of entries that nothing is known about.
const UNKNOWN_STATE: &str = "N/A";

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

    fn new(events: &[SelEvent]) -> Self {
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

    fn add(&mut self, raw: &RawEntry, interpreter: &Interpreter<'_>, events: &[SelEvent]) {
        // Sixteen bytes always decode; records of undefined type are no events.
        let Ok(entry) = Entry::decode(&raw.bytes) else {
            return;
        };
        let Some(text) = interpreter.event_text(&entry) else {
            return;
        };
        let state = interpreter
            .severity(&entry)
            .map_or(UNKNOWN_STATE, |severity| severity.text());
        *self.by_state.entry(state).or_default() += 1;
        let time = entry
            .time()
            .and_then(|time| time.unix_seconds())
            .unwrap_or_default();
        for event in events {
            if event.regex.is_match(&text)
                && let Some(matches) = self.by_name.get_mut(event.name.as_str())
            {
                matches.count += 1;
                matches.latest = matches.latest.max(time);
            }
        }
    }
}

/// For how many modules a BMC's counts are kept. A module more costs reading the
/// log from its start.
const MAX_KNOWN: usize = 4;

#[derive(Default)]
pub(super) struct Cache {
    /// One for each module that asks; the one that asked last stands last.
    known: Vec<Known>,
    reply: Vec<u8>,
}

/// How far the log was read, and what came of it.
struct Known {
    /// The counts belong to these names and expressions, and to these records.
    profile: Arc<Profile>,
    repository: Arc<LoadedRepository>,
    position: Option<Position>,
    counts: Arc<SelEventCounts>,
}

impl Cache {
    /// The counts as of now.
    pub(super) async fn refresh(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        repository: &Arc<LoadedRepository>,
        identity: &DeviceId,
    ) -> Result<Arc<SelEventCounts>, CollectError> {
        let module: &Module = &job.profile.module;
        self.known
            .retain(|known| Arc::ptr_eq(&known.repository, repository));
        let known = self.position(&job.profile);
        let resume = known.and_then(|index| self.known.get(index)?.position);
        let mut walk = Walk::new(resume);
        while self.step(bmc, job, &mut walk).await? {}
        let read = walk.finish()?;
        let known = known.map(|index| self.known.remove(index));
        let mut counts = match (&known, read.start) {
            (Some(known), Start::Resumed) => Arc::clone(&known.counts),
            _ => Arc::new(SelEventCounts::new(&module.sel_events)),
        };
        if !read.entries.is_empty() {
            let records = repository.decoded();
            let directory = SensorDirectory::new(&records);
            let board = Board {
                manufacturer_id: identity.manufacturer,
                product_id: identity.product,
            };
            let interpreter = Interpreter::new(Some(&directory), Some(board));
            let counts = Arc::make_mut(&mut counts);
            for entry in &read.entries {
                counts.add(entry, &interpreter, &module.sel_events);
            }
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.remove(0);
        }
        self.known.push(Known {
            profile: Arc::clone(&job.profile),
            repository: Arc::clone(repository),
            position: read.position,
            counts: Arc::clone(&counts),
        });
        // What was read is kept in either case: the next scrape goes on there.
        if read.end == LogEnd::Partial {
            return Err(CollectError::EventLogUnfinished {
                entries: read.entries.len(),
            });
        }
        Ok(counts)
    }

    fn position(&self, profile: &Arc<Profile>) -> Option<usize> {
        self.known
            .iter()
            .position(|known| Arc::ptr_eq(&known.profile, profile))
    }

    /// Does one request; says whether there is more to do.
    async fn step(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        walk: &mut Walk,
    ) -> Result<bool, CollectError> {
        let deadline = job.deadline();
        let (command, data) = match walk.step() {
            Step::Done => return Ok(false),
            // Ended here, the walk gives what it has.
            _ if Instant::now() >= deadline => return Ok(false),
            Step::Wait => {
                tokio::time::sleep(BUSY_WAIT).await;
                walk.feed(Outcome::Waited);
                return Ok(true);
            }
            Step::GetInfo => (GetSelInfo::COMMAND, Vec::new()),
            Step::GetEntry(id) => (GetSelEntry::COMMAND, Step::entry_request(id).to_vec()),
        };
        let key = (GetSelEntry::NET_FN, Lun::BMC, command);
        let asked = exchange(bmc, Route::Bmc, key, &data, deadline, &mut self.reply).await;
        match asked {
            Ok(outcome) => walk.feed(outcome),
            Err(Error::Deadline { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}
