//! The walk over a repository, as a state machine.

use std::collections::BTreeSet;

use super::{
    ChainEnd, GetSdr, MAX_BYTES, MAX_FAILED_WHOLE_READS, MAX_RECORDS, MAX_REQUESTS,
    MAX_RESERVATIONS_LOST, MAX_RESTARTS, MAX_WAITS, Outcome, ReadSize, Repository, RepositoryInfo,
    Source, Step, WaitReason, WalkError,
};
use crate::sdr::{RawRecord, RecordHeader, RecordId};
use crate::wire::Reader;

/// The walk. See the [module](super) for how to drive it.
#[derive(Debug)]
pub struct Walk {
    source: Source,
    state: State,
    read_size: ReadSize,
    info: Option<RepositoryInfo>,
    reservation: Reservation,
    pass: Pass,
    requests: u32,
    restarts: u8,
    failed_whole_reads: u8,
    changed: bool,
}

/// What belongs to one pass over the repository.
#[derive(Debug, Default)]
struct Pass {
    records: Vec<RawRecord>,
    skipped: Vec<RecordId>,
    visited: BTreeSet<RecordId>,
    bytes: usize,
    reservations_lost: u8,
    waits: u8,
    end: Option<ChainEnd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reservation {
    /// None yet; not needed for whole records.
    None,
    Held(u16),
    /// The BMC does not hand them out: go on with 0.
    Unsupported,
}

#[derive(Debug)]
enum State {
    InfoBefore,
    Reserve { then: Reading },
    Read(Reading),
    InfoAfter,
    Wait { reason: WaitReason, then: Box<Self> },
    Done,
    Failed(WalkError),
}

/// A record that is being read.
#[derive(Clone, Debug)]
struct Reading {
    record_id: RecordId,
    part: Part,
}

#[derive(Clone, Debug)]
enum Part {
    Whole,
    Header,
    Piece {
        next: RecordId,
        total: usize,
        bytes: Vec<u8>,
    },
}

impl Reading {
    fn start(record_id: RecordId, size: ReadSize) -> Self {
        let part = match size {
            ReadSize::Whole => Part::Whole,
            ReadSize::Pieces(_) => Part::Header,
        };
        Self { record_id, part }
    }
}

impl Walk {
    /// Starts a walk. `read_size` is [`ReadSize::Whole`] for a BMC that is not
    /// known yet, else what the last walk has learned.
    pub fn new(source: Source, read_size: ReadSize) -> Self {
        let mut walk = Self {
            source,
            state: State::InfoBefore,
            read_size,
            info: None,
            reservation: Reservation::None,
            pass: Pass::default(),
            requests: 0,
            restarts: 0,
            failed_whole_reads: 0,
            changed: false,
        };
        if source == Source::Device {
            walk.state = walk.read_record(RecordId::FIRST);
        }
        walk
    }

    /// What to do next. The same until [`feed`](Self::feed) is called.
    pub fn step(&self) -> Step {
        match &self.state {
            State::InfoBefore | State::InfoAfter => Step::GetInfo,
            State::Reserve { .. } => Step::Reserve,
            State::Read(reading) => Step::GetSdr(self.request(reading)),
            State::Wait { reason, .. } => Step::Wait(*reason),
            State::Done | State::Failed(_) => Step::Done,
        }
    }

    /// Number of records read and, if the BMC says so, how many there are.
    pub fn progress(&self) -> (usize, Option<u16>) {
        (
            self.pass.records.len(),
            self.info.map(|info| info.record_count),
        )
    }

    /// What has been read in the current pass so far.
    pub fn records(&self) -> &[RawRecord] {
        &self.pass.records
    }

    /// Read size that works, as far as it is known.
    pub fn read_size(&self) -> ReadSize {
        self.read_size
    }

    /// Tells what came of the last step.
    pub fn feed(&mut self, outcome: Outcome<'_>) {
        self.requests = self.requests.saturating_add(1);
        let state = std::mem::replace(&mut self.state, State::Done);
        self.state = if self.requests > MAX_REQUESTS && !matches!(state, State::Done) {
            State::Failed(WalkError::TooManyRequests)
        } else {
            self.advance(state, outcome)
        };
    }

    /// Takes the result once [`step`](Self::step) is [`Step::Done`].
    ///
    /// # Errors
    /// Why the chain's end was not reached, or [`WalkError::Unfinished`].
    pub fn finish(self) -> Result<Repository, WalkError> {
        match self.state {
            State::Done => Ok(Repository {
                info: self.info,
                records: self.pass.records,
                skipped: self.pass.skipped,
                end: self.pass.end.unwrap_or(ChainEnd::Mark),
                changed: self.changed,
                read_size: self.read_size,
            }),
            State::Failed(error) => Err(error),
            _ => Err(WalkError::Unfinished),
        }
    }

    fn request(&self, reading: &Reading) -> GetSdr {
        let reservation = match self.reservation {
            Reservation::Held(id) => id,
            Reservation::None | Reservation::Unsupported => 0,
        };
        let (offset, count) = match &reading.part {
            Part::Whole => (0, ReadSize::WHOLE_COUNT),
            Part::Header => (0, ReadSize::FLOOR),
            Part::Piece { total, bytes, .. } => (
                u8::try_from(bytes.len()).unwrap_or(u8::MAX),
                self.piece_count(*total, bytes.len()),
            ),
        };
        GetSdr {
            reservation,
            record_id: reading.record_id,
            offset,
            count,
        }
    }

    /// How many bytes to ask for when `have` of `total` are there.
    ///
    /// Offsets end at 255, records at 260: the last piece of the longest
    /// records has to begin by then.
    fn piece_count(&self, total: usize, have: usize) -> u8 {
        const LAST_OFFSET: usize = u8::MAX as usize;
        let piece = usize::from(self.read_size.piece()).min(total.saturating_sub(have));
        let end = have.saturating_add(piece);
        let count = if have < LAST_OFFSET && end > LAST_OFFSET && end < total {
            LAST_OFFSET.saturating_sub(have)
        } else {
            piece
        };
        u8::try_from(count).unwrap_or(u8::MAX)
    }

    fn advance(&mut self, state: State, outcome: Outcome<'_>) -> State {
        match state {
            State::Wait { then, .. } => *then,
            State::InfoBefore => self.on_info_before(outcome),
            State::Reserve { then } => self.on_reserve(then, outcome),
            State::Read(reading) => self.on_read(reading, outcome),
            State::InfoAfter => self.on_info_after(outcome),
            done @ (State::Done | State::Failed(_)) => done,
        }
    }

    fn on_info_before(&mut self, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Silence => return State::Failed(WalkError::Silent),
            Outcome::Refused(code) => {
                if let Some(wait) = self.wait(code, State::InfoBefore) {
                    // Busy for good: the records may be readable all the same.
                    if matches!(wait, State::Wait { .. }) {
                        return wait;
                    }
                }
            }
            Outcome::Data(data) => self.info = RepositoryInfo::decode(data).ok(),
            Outcome::Waited => return State::InfoBefore,
        }
        self.read_record(RecordId::FIRST)
    }

    fn on_reserve(&mut self, then: Reading, outcome: Outcome<'_>) -> State {
        self.reservation = match outcome {
            Outcome::Silence => return State::Failed(WalkError::Silent),
            Outcome::Waited => return State::Reserve { then },
            Outcome::Refused(code) => {
                let retry = State::Reserve { then: then.clone() };
                match self.wait(code, retry) {
                    Some(wait @ State::Wait { .. }) => return wait,
                    _ => Reservation::Unsupported,
                }
            }
            Outcome::Data(data) => match Reader::new(data).u16("reservation id") {
                Ok(id) => Reservation::Held(id),
                Err(_) => Reservation::Unsupported,
            },
        };
        State::Read(then)
    }

    fn on_read(&mut self, reading: Reading, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Waited => State::Read(reading),
            Outcome::Silence => self.on_silence(reading),
            Outcome::Refused(code) => self.on_refusal(reading, code),
            Outcome::Data(data) => self.on_data(reading, data),
        }
    }

    fn on_silence(&mut self, reading: Reading) -> State {
        match reading.part {
            // Some BMCs don't answer at all when the answer would be too long.
            Part::Whole => self.on_whole_read_failed(reading.record_id),
            Part::Piece { .. } if self.shrink() => State::Read(reading),
            Part::Header | Part::Piece { .. } => State::Failed(WalkError::Silent),
        }
    }

    fn on_refusal(&mut self, reading: Reading, code: u8) -> State {
        if let Some(state) = self.wait(code, State::Read(reading.clone())) {
            return state;
        }
        match (code, &reading.part) {
            (0xc5, _) => self.on_reservation_lost(reading.record_id),
            // Device SDRs: the record changed under our hands.
            (0x80, _) if self.source == Source::Device => {
                self.on_reservation_lost(reading.record_id)
            }
            // Too long for an answer: learn it.
            (0xc7 | 0xc8 | 0xca | 0xff, Part::Whole) => {
                self.shrink();
                self.read_in_pieces(reading.record_id)
            }
            (0xc7 | 0xc8 | 0xca | 0xff, Part::Piece { .. }) if self.shrink() => {
                State::Read(reading)
            }
            // Something is wrong with this record; the header may still tell
            // where the next one is.
            (_, Part::Whole) => self.on_whole_read_failed(reading.record_id),
            (_, Part::Header) => self.on_unreadable(reading.record_id, None, code),
            (_, Part::Piece { next, .. }) => {
                self.on_unreadable(reading.record_id, Some(*next), code)
            }
        }
    }

    fn on_data(&mut self, reading: Reading, data: &[u8]) -> State {
        let Reading { record_id, part } = reading;
        let mut reader = Reader::new(data);
        let next = reader.u16("next record id").map(RecordId);
        let got = reader.rest();
        match part {
            Part::Whole => {
                let header = RecordHeader::decode(got);
                let whole = header
                    .ok()
                    .and_then(|header| got.get(..header.total_length()));
                match (next, whole) {
                    (Ok(next), Some(record)) => {
                        self.failed_whole_reads = 0;
                        self.keep(record_id, next, record.into())
                    }
                    // Cut short: so much does not fit into an answer.
                    _ => {
                        self.shrink();
                        self.read_in_pieces(record_id)
                    }
                }
            }
            Part::Header => match (next, RecordHeader::decode(got)) {
                (Ok(next), Ok(header)) => {
                    let bytes = got.get(..RecordHeader::LENGTH).unwrap_or(got).to_vec();
                    self.read_piece(record_id, next, header.total_length(), bytes)
                }
                _ => self.on_unreadable(record_id, next.ok(), 0),
            },
            Part::Piece {
                next,
                total,
                mut bytes,
            } => {
                let asked = usize::from(self.piece_count(total, bytes.len()));
                match got.get(..asked) {
                    Some(piece) => {
                        bytes.extend_from_slice(piece);
                        self.read_piece(record_id, next, total, bytes)
                    }
                    None if self.shrink() => State::Read(Reading {
                        record_id,
                        part: Part::Piece { next, total, bytes },
                    }),
                    None => self.on_unreadable(record_id, Some(next), 0),
                }
            }
        }
    }

    /// Learns that less has to be asked for; false at the floor.
    fn shrink(&mut self) -> bool {
        let smaller = self.read_size.smaller();
        if let Some(smaller) = smaller {
            self.read_size = smaller;
        }
        smaller.is_some()
    }

    fn read_record(&mut self, record_id: RecordId) -> State {
        match self.read_size {
            ReadSize::Whole => State::Read(Reading::start(record_id, self.read_size)),
            ReadSize::Pieces(_) => self.read_in_pieces(record_id),
        }
    }

    /// Tries this record in pieces, and the next ones too when it was not the
    /// first in a row.
    fn on_whole_read_failed(&mut self, record_id: RecordId) -> State {
        self.failed_whole_reads = self.failed_whole_reads.saturating_add(1);
        if self.failed_whole_reads >= MAX_FAILED_WHOLE_READS {
            self.shrink();
        }
        self.read_in_pieces(record_id)
    }

    /// Reads a record from its header on. The header is at offset 0 and needs
    /// no reservation, but what follows does, and a reservation made in between
    /// would not prove that both are of the same record.
    fn read_in_pieces(&mut self, record_id: RecordId) -> State {
        let reading = Reading {
            record_id,
            part: Part::Header,
        };
        match self.reservation {
            Reservation::None => State::Reserve { then: reading },
            Reservation::Held(_) | Reservation::Unsupported => State::Read(reading),
        }
    }

    fn read_piece(
        &mut self,
        record_id: RecordId,
        next: RecordId,
        total: usize,
        bytes: Vec<u8>,
    ) -> State {
        if bytes.len() >= total {
            return self.keep(record_id, next, bytes.into_boxed_slice());
        }
        State::Read(Reading {
            record_id,
            part: Part::Piece { next, total, bytes },
        })
    }

    fn on_reservation_lost(&mut self, record_id: RecordId) -> State {
        self.pass.reservations_lost = self.pass.reservations_lost.saturating_add(1);
        if self.pass.reservations_lost > MAX_RESERVATIONS_LOST {
            return State::Failed(WalkError::ReservationLost);
        }
        self.reservation = Reservation::None;
        State::Reserve {
            then: Reading::start(record_id, self.read_size),
        }
    }

    fn on_unreadable(&mut self, record_id: RecordId, next: Option<RecordId>, code: u8) -> State {
        if let Some(next) = next {
            self.pass.skipped.push(record_id);
            return self.go_on(record_id, next);
        }
        // Some BMCs never give out their last record. Without a count, a
        // record that is refused can only be taken for that one.
        let read = self.pass.records.len();
        let is_last = read > 0
            && self
                .info
                .is_none_or(|info| read.saturating_add(1) >= usize::from(info.record_count));
        if !is_last {
            return State::Failed(WalkError::Unreadable { record_id, code });
        }
        self.pass.skipped.push(record_id);
        self.end(ChainEnd::LastUnreadable)
    }

    fn keep(&mut self, record_id: RecordId, next: RecordId, bytes: Box<[u8]>) -> State {
        // The first record is asked for as 0000h. A chain that leads back to
        // it does so by its real id, which only its content gives away.
        if self
            .pass
            .records
            .first()
            .is_some_and(|first| first.requested == RecordId::FIRST && first.bytes == bytes)
        {
            return self.end(ChainEnd::Loop);
        }
        let total = self.pass.bytes.saturating_add(bytes.len());
        if total > MAX_BYTES {
            return self.end(ChainEnd::Limit);
        }
        self.pass.bytes = total;
        self.pass.records.push(RawRecord {
            requested: record_id,
            bytes,
        });
        self.go_on(record_id, next)
    }

    fn go_on(&mut self, record_id: RecordId, next: RecordId) -> State {
        self.pass.visited.insert(record_id);
        if next == RecordId::END {
            self.end(ChainEnd::Mark)
        } else if self.pass.visited.contains(&next) {
            self.end(ChainEnd::Loop)
        } else if self.pass.visited.len() >= MAX_RECORDS {
            self.end(ChainEnd::Limit)
        } else {
            self.read_record(next)
        }
    }

    fn end(&mut self, end: ChainEnd) -> State {
        self.pass.end = Some(end);
        if self.info.is_some() {
            State::InfoAfter
        } else {
            State::Done
        }
    }

    fn on_info_after(&mut self, outcome: Outcome<'_>) -> State {
        let after = match outcome {
            Outcome::Data(data) => RepositoryInfo::decode(data).ok(),
            Outcome::Refused(code) => match self.wait(code, State::InfoAfter) {
                Some(wait @ State::Wait { .. }) => return wait,
                _ => None,
            },
            Outcome::Waited => return State::InfoAfter,
            Outcome::Silence => None,
        };
        let same = match (&self.info, &after) {
            (Some(before), Some(after)) => before.still_valid(after),
            _ => true,
        };
        if same {
            return State::Done;
        }
        self.info = after;
        if self.restarts >= MAX_RESTARTS {
            self.changed = true;
            return State::Done;
        }
        self.restarts = self.restarts.saturating_add(1);
        self.pass = Pass::default();
        self.reservation = Reservation::None;
        self.read_record(RecordId::FIRST)
    }

    /// Whether the code means "later": then what to do, a wait or the end.
    fn wait(&mut self, code: u8, then: State) -> Option<State> {
        let reason = match code {
            0xc0 => WaitReason::Busy,
            0xd0 => WaitReason::Updating,
            _ => return None,
        };
        if self.pass.waits >= MAX_WAITS {
            return Some(State::Failed(WalkError::Busy));
        }
        self.pass.waits = self.pass.waits.saturating_add(1);
        Some(State::Wait {
            reason,
            then: Box::new(then),
        })
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
