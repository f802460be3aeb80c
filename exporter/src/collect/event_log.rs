//! Reading the system event log for the collectors `sel-events` and
//! `sel-entries`, once for both.
//!
//! The log is read from its start once; later scrapes read what was added. Only
//! counts and the newest entries are kept, so that a log of any length costs the
//! same memory.

use std::sync::Arc;
use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, DeviceId, GetSelEntry, GetSelInfo};
use rmcp_ipmi::sdr::SensorDirectory;
use rmcp_ipmi::sel::walk::{LogEnd, Outcome, Position, RawEntry, Start, Step, Walk};
use rmcp_ipmi::sel::{Board, Entry, Interpreter};
use rmcp_ipmi::wire::{Lun, Route};

use super::additional::sel_entries::SelEntries;
use super::exchange::exchange;
use super::{BUSY_WAIT, CollectError, Collection, LoadedRepository, Profile, SelEventCounts};
use crate::bmc::Bmc;
use crate::config::{Module, SelEvent, Workaround};

/// For how many modules a BMC's log is kept. A module more costs reading the
/// log from its start.
const MAX_KNOWN: usize = 4;

/// What the log says.
#[derive(Clone)]
pub(super) struct Log {
    /// For `sel-events`.
    pub(super) counts: Arc<SelEventCounts>,
    /// For `sel-entries`.
    pub(super) entries: Arc<SelEntries>,
}

impl Log {
    /// Of no entries.
    fn new(events: &[SelEvent]) -> Self {
        Self {
            counts: Arc::new(SelEventCounts::new(events)),
            entries: Arc::new(SelEntries::default()),
        }
    }

    fn add(&mut self, read: &[RawEntry], interpreter: &Interpreter<'_>, module: &Module) {
        let decode = if module.workarounds.contains(&Workaround::AssumeSystemEvent) {
            Entry::decode_assuming_event
        } else {
            Entry::decode
        };
        let counts = Arc::make_mut(&mut self.counts);
        let entries = Arc::make_mut(&mut self.entries);
        for raw in read {
            // Sixteen bytes always decode; records of undefined type are no events.
            let Ok(entry) = decode(&raw.bytes) else {
                continue;
            };
            let Some(text) = interpreter.event_text(&entry) else {
                continue;
            };
            counts.add(&entry, &text, interpreter, &module.sel_events);
            entries.add(raw.requested, &entry, text, interpreter);
        }
    }
}

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
    log: Log,
    /// The collection in which it was read to its end last.
    read_in: Option<Instant>,
}

impl Cache {
    /// The log as of now; asked once a collection.
    pub(super) async fn refresh(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        repository: &Arc<LoadedRepository>,
        identity: &DeviceId,
    ) -> Result<Log, CollectError> {
        let events = &job.profile.module.sel_events;
        self.known
            .retain(|known| Arc::ptr_eq(&known.repository, repository));
        let index = self.position(&job.profile);
        let known = index.and_then(|index| self.known.get(index));
        if let Some(known) = known
            && known.read_in == Some(job.created())
        {
            return Ok(known.log.clone());
        }
        let mut walk = Walk::new(known.and_then(|known| known.position));
        while self.step(bmc, job, &mut walk).await? {}
        let read = walk.finish()?;
        let known = index.map(|index| self.known.remove(index));
        let mut log = match (known, read.start) {
            (Some(known), Start::Resumed) => known.log,
            _ => Log::new(events),
        };
        if !read.entries.is_empty() {
            let records = repository.decoded();
            let directory = SensorDirectory::new(&records);
            let board = Board {
                manufacturer_id: identity.manufacturer,
                product_id: identity.product,
            };
            let interpreter = Interpreter::new(Some(&directory), Some(board));
            log.add(&read.entries, &interpreter, &job.profile.module);
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.remove(0);
        }
        let is_partial = read.end == LogEnd::Partial;
        self.known.push(Known {
            profile: Arc::clone(&job.profile),
            repository: Arc::clone(repository),
            position: read.position,
            log: log.clone(),
            read_in: (!is_partial).then(|| job.created()),
        });
        // What was read is kept in either case: the next scrape goes on there.
        if is_partial {
            return Err(CollectError::EventLogUnfinished {
                entries: read.entries.len(),
            });
        }
        Ok(log)
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
