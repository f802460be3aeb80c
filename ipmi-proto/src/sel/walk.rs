//! Reading a log, and later only what is new in it, as a state machine without
//! I/O.
//!
//! [`Walk`] says which request comes next and is told what came back. A walk
//! may be finished at any time: what it has read so far and its [`Position`]
//! are good, and the next walk goes on there. So a log of thousands of entries
//! can be read in portions.
//!
//! New entries are found by the last known entry: if the BMC still gives out
//! the same 16 bytes under its id, what follows is new; if not, the log was
//! cleared or has wrapped and is read from its start. Time stamps alone don't
//! tell, since some BMCs never move them. Entries are read without a
//! reservation: whole reads need none (IPMI 2.0 section 31.5), and reserving
//! takes more privilege than reading on some boards.

use std::collections::BTreeSet;

use super::{Entry, EntryId, LogInfo, Timestamp};
pub use crate::walk::Outcome;
use crate::wire::Reader;

/// Most entries that a walk reads, whatever the BMC announces. At 16 bytes
/// each, that is also the memory bound: 1 MiB.
pub const MAX_ENTRIES: usize = 65_535;
/// Entries beyond the announced count that are still read: the log grows while
/// it is read, and counts are a little off on some BMCs.
pub const ENTRY_SLACK: usize = 64;
/// How often the caller is asked to wait in one walk.
pub const MAX_WAITS: u8 = 10;

/// Where a walk has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Id under which the last entry was read.
    pub id: EntryId,
    /// The last entry.
    pub bytes: [u8; Entry::LENGTH],
    /// Erase time that the BMC gave then; unspecified if none.
    pub erase_time: Timestamp,
    /// Number of entries that the BMC gave then; 0 if none.
    pub entries: u16,
}

/// An entry as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// Id under which the BMC gave it out.
    pub requested: EntryId,
    /// The entry.
    pub bytes: [u8; Entry::LENGTH],
}

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send Get SEL Info.
    GetInfo,
    /// Send Get SEL Entry for this id: reservation 0, offset 0, FFh bytes.
    GetEntry(EntryId),
    /// Wait a moment, then report [`Outcome::Waited`]: the log is being erased
    /// or the BMC is busy.
    Wait,
    /// Nothing: call [`Walk::finish`].
    Done,
}

impl Step {
    /// The data bytes of Get SEL Entry for `id`.
    pub fn entry_request(id: EntryId) -> [u8; 6] {
        let [low, high] = id.0.to_le_bytes();
        [0, 0, low, high, 0, 0xff]
    }
}

/// Why a walk has read nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The BMC does not answer.
    #[error("the BMC does not answer")]
    Silent,
    /// The log is being erased, or the BMC is busy, for too long.
    #[error("the log stays busy")]
    Busy,
    /// The BMC refuses to give out the first entry.
    #[error("the log can't be read (completion code {0:#04x})")]
    Refused(u8),
    /// The answer makes no sense.
    #[error("the answer for the first entry makes no sense")]
    Malformed,
}

/// How the entries relate to the position that the walk began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// There was no position: these are the first entries.
    Fresh,
    /// They follow it.
    Resumed,
    /// The log was cleared or has wrapped: they replace all that was known.
    Restarted,
}

/// Where the entries end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// At the end of the log.
    Complete,
    /// Where the caller stopped, or the BMC stopped answering: there may be
    /// more.
    Partial,
    /// An entry came up again.
    Loop,
    /// At the announced count and some more, or at [`MAX_ENTRIES`].
    Limit,
}

/// What a walk has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// The BMC's own words, if it had any.
    pub info: Option<LogInfo>,
    /// The entries, in order.
    pub entries: Vec<RawEntry>,
    /// How they relate to what was known.
    pub start: Start,
    /// Where they end.
    pub end: LogEnd,
    /// Where the next walk goes on; `None` if the log is empty.
    pub position: Option<Position>,
}

/// The walk. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Walk {
    state: State,
    resume: Option<Position>,
    start: Start,
    info: Option<LogInfo>,
    entries: Vec<RawEntry>,
    visited: BTreeSet<EntryId>,
    waits: u8,
    end: LogEnd,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Info,
    /// Fetching the last known entry again.
    Probe(Position),
    Read(EntryId),
    WaitInfo,
    WaitProbe(Position),
    WaitRead(EntryId),
    Done,
    Failed(WalkError),
}

impl Walk {
    /// Starts a walk behind `resume`, or at the start of the log.
    pub fn new(resume: Option<Position>) -> Self {
        Self {
            state: State::Info,
            resume,
            start: Start::Fresh,
            info: None,
            entries: Vec::new(),
            visited: BTreeSet::from([EntryId::FIRST]),
            waits: 0,
            end: LogEnd::Partial,
        }
    }

    /// What to do next. The same until [`feed`](Self::feed) is called.
    pub fn step(&self) -> Step {
        match self.state {
            State::Info => Step::GetInfo,
            State::Probe(position) => Step::GetEntry(position.id),
            State::Read(id) => Step::GetEntry(id),
            State::WaitInfo | State::WaitProbe(_) | State::WaitRead(_) => Step::Wait,
            State::Done | State::Failed(_) => Step::Done,
        }
    }

    /// Number of entries read so far and, if the BMC says so, in the log.
    pub fn progress(&self) -> (usize, Option<u16>) {
        (self.entries.len(), self.info.map(|info| info.entries))
    }

    /// Tells what came of the last step.
    pub fn feed(&mut self, outcome: Outcome<'_>) {
        self.state = match self.state {
            State::WaitInfo => State::Info,
            State::WaitProbe(position) => State::Probe(position),
            State::WaitRead(id) => State::Read(id),
            state if outcome == Outcome::Waited => state,
            State::Info => self.on_info(outcome),
            State::Probe(position) => self.on_probe(position, outcome),
            State::Read(id) => self.on_entry(id, outcome),
            done @ (State::Done | State::Failed(_)) => done,
        };
    }

    /// Takes what has been read so far.
    ///
    /// # Errors
    /// Why nothing could be read.
    pub fn finish(self) -> Result<LogRead, WalkError> {
        let (end, start) = match self.state {
            State::Failed(error) => return Err(error),
            State::Done => (self.end, self.start),
            State::Read(_) | State::WaitRead(_) => (LogEnd::Partial, self.start),
            // The last known entry was not looked at yet: nothing is known to
            // be different.
            State::Info | State::Probe(_) | State::WaitInfo | State::WaitProbe(_) => {
                let start = match self.resume {
                    Some(_) => Start::Resumed,
                    None => Start::Fresh,
                };
                (LogEnd::Partial, start)
            }
        };
        let erase_time = self
            .info
            .map_or(Timestamp(u32::MAX), |info| info.erase_time);
        let entries = self.info.map_or(0, |info| info.entries);
        let position = match (self.entries.last(), start, self.resume) {
            (Some(last), _, _) => Some(Position {
                // 0000h stands for whichever is first then.
                id: match last.requested {
                    EntryId::FIRST => own_id(&last.bytes),
                    id => id,
                },
                bytes: last.bytes,
                erase_time,
                entries,
            }),
            (None, Start::Resumed, Some(resume)) if self.info.is_some() => Some(Position {
                erase_time,
                entries,
                ..resume
            }),
            (None, Start::Resumed, resume) => resume,
            (None, Start::Fresh | Start::Restarted, _) => None,
        };
        Ok(LogRead {
            info: self.info,
            entries: self.entries,
            start,
            end,
            position,
        })
    }

    fn on_info(&mut self, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Silence => return State::Failed(WalkError::Silent),
            Outcome::Refused(code) if is_transient(code) => {
                return self.wait(State::WaitInfo);
            }
            // Some boards refuse the summary and give out entries.
            Outcome::Refused(_) | Outcome::Waited => {}
            Outcome::Data(data) => self.info = LogInfo::decode(data).ok(),
        }
        // No entries and no space is a filler, not a fact.
        let empty = self
            .info
            .is_some_and(|info| info.entries == 0 && info.free_bytes != 0);
        match self.resume {
            _ if empty => {
                if self.resume.is_some() {
                    self.start = Start::Restarted;
                }
                self.done(LogEnd::Complete)
            }
            Some(position) if self.may_go_on(&position) => State::Probe(position),
            Some(_) => self.restart(),
            None => State::Read(EntryId::FIRST),
        }
    }

    /// Whether the summary allows that nothing was erased since.
    fn may_go_on(&self, position: &Position) -> bool {
        self.info.is_none_or(|info| {
            info.erase_time == position.erase_time && info.entries >= position.entries
        })
    }

    fn restart(&mut self) -> State {
        self.start = Start::Restarted;
        State::Read(EntryId::FIRST)
    }

    fn on_probe(&mut self, position: Position, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Silence => State::Failed(WalkError::Silent),
            Outcome::Refused(code) if is_transient(code) => self.wait(State::WaitProbe(position)),
            Outcome::Refused(_) | Outcome::Waited => self.restart(),
            Outcome::Data(data) => match decode(data) {
                Some((next, bytes)) if bytes == position.bytes => {
                    self.start = Start::Resumed;
                    self.visited.insert(position.id);
                    self.go_on(next)
                }
                _ => self.restart(),
            },
        }
    }

    fn on_entry(&mut self, id: EntryId, outcome: Outcome<'_>) -> State {
        let first = self.entries.is_empty() && self.start != Start::Resumed;
        match outcome {
            Outcome::Silence if first => State::Failed(WalkError::Silent),
            Outcome::Silence => self.done(LogEnd::Partial),
            Outcome::Refused(code) if is_transient(code) => self.wait(State::WaitRead(id)),
            // Nothing there: an empty log, or an end without a mark.
            Outcome::Refused(0xcb) => self.done(LogEnd::Complete),
            Outcome::Refused(code) if first => State::Failed(WalkError::Refused(code)),
            Outcome::Refused(_) | Outcome::Waited => self.done(LogEnd::Partial),
            Outcome::Data(data) => match decode(data) {
                Some((next, bytes)) => self.keep(id, next, bytes),
                None if first => State::Failed(WalkError::Malformed),
                None => self.done(LogEnd::Partial),
            },
        }
    }

    fn keep(&mut self, id: EntryId, next: EntryId, bytes: [u8; Entry::LENGTH]) -> State {
        // A chain that leads back to the first entry does so by its real id. The
        // second entry under another id is a copy.
        let is_first = self
            .entries
            .first()
            .is_some_and(|first| first.requested == EntryId::FIRST && first.bytes == bytes);
        if is_first && (self.entries.len() > 1 || own_id(&bytes) == id) {
            return self.done(LogEnd::Loop);
        }
        self.visited.insert(id);
        // Some boards give the same entry out under two ids in a row.
        let resumed_behind = self.resume.filter(|_| self.start == Start::Resumed);
        let before = match self.entries.last() {
            Some(last) => Some(last.bytes),
            None => resumed_behind.map(|position| position.bytes),
        };
        if before != Some(bytes) {
            self.entries.push(RawEntry {
                requested: id,
                bytes,
            });
        }
        self.go_on(next)
    }

    fn go_on(&mut self, next: EntryId) -> State {
        let limit = self
            .info
            .filter(|info| info.entries != 0)
            .map_or(MAX_ENTRIES, |info| {
                usize::from(info.entries).saturating_add(ENTRY_SLACK)
            })
            .min(MAX_ENTRIES);
        if next == EntryId::LAST {
            self.done(LogEnd::Complete)
        } else if self.visited.contains(&next) {
            self.done(LogEnd::Loop)
        } else if self.visited.len() >= limit {
            self.done(LogEnd::Limit)
        } else {
            State::Read(next)
        }
    }

    fn done(&mut self, end: LogEnd) -> State {
        self.end = end;
        State::Done
    }

    fn wait(&mut self, state: State) -> State {
        if self.waits < MAX_WAITS {
            self.waits = self.waits.saturating_add(1);
            return state;
        }
        if self.entries.is_empty() {
            State::Failed(WalkError::Busy)
        } else {
            self.done(LogEnd::Partial)
        }
    }
}

/// Codes that pass: busy, and erase in progress.
const fn is_transient(code: u8) -> bool {
    matches!(code, 0xc0 | 0x81)
}

/// Takes the answer of Get SEL Entry apart.
fn decode(data: &[u8]) -> Option<(EntryId, [u8; Entry::LENGTH])> {
    let mut reader = Reader::new(data);
    let next = EntryId(reader.u16("next entry id").ok()?);
    let bytes = reader.array("entry").ok()?;
    Some((next, bytes))
}

fn own_id(bytes: &[u8; Entry::LENGTH]) -> EntryId {
    let [low, high, ..] = *bytes;
    EntryId(u16::from_le_bytes([low, high]))
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
