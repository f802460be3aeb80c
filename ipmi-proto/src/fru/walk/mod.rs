//! Reading the image of an inventory device, as a state machine without I/O.
//!
//! [`Walk`] says which request comes next and is told what came back. It reads
//! from the start up to where the areas end by their own words, so a memory of
//! 64 KiB that holds one area costs a handful of requests. A walk may be
//! finished at any time: what has been read so far is good, and
//! [`Fru::decode`](super::Fru::decode) makes the most of it. It ends for every
//! answer source, however hostile, at the limits below.
//!
//! Commands: IPMI 2.0 section 34.

mod read_size;
mod step;

pub use crate::walk::Outcome;
pub use read_size::ReadSize;
pub use step::{Access, AreaInfo, FruRead, Piece, ReadEnd, Step, WalkError};

use super::extent::extent;
use crate::wire::Reader;

/// Most bytes of an image that a walk reads: room for three areas of the
/// longest kind and for many records.
pub const MAX_BYTES: usize = 16 * 1024;
/// Most requests of one walk, waits not counted.
pub const MAX_REQUESTS: u16 = 2048;
/// How often the caller is asked to wait in one walk.
pub const MAX_WAITS: u8 = 10;
/// How often in a row the BMC may say nothing to a read: once for each size
/// that may have been too much, no more, since each costs a time-out.
pub const MAX_SILENCES: u8 = 3;

/// The walk. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Walk {
    state: State,
    info: Option<AreaInfo>,
    bytes: Vec<u8>,
    read_size: ReadSize,
    /// Ask for what is needed only: reading ahead has failed.
    exact: bool,
    requests: u16,
    waits: u8,
    silences: u8,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Info,
    Read(Reading),
    WaitInfo,
    WaitRead(Reading),
    Done(ReadEnd),
    Failed(WalkError),
}

/// A read that is under way, in bytes.
#[derive(Clone, Copy, Debug)]
struct Reading {
    access: Access,
    /// Where the image ends by the device's words and our limit.
    limit: usize,
    count: u8,
}

impl Walk {
    /// Starts a walk. `read_size` is the default for a BMC that is not known
    /// yet, else what the last walk has learned.
    pub fn new(read_size: ReadSize) -> Self {
        Self {
            state: State::Info,
            info: None,
            bytes: Vec::new(),
            read_size,
            exact: false,
            requests: 0,
            waits: 0,
            silences: 0,
        }
    }

    /// What to do next. The same until [`feed`](Self::feed) is called.
    pub fn step(&self) -> Step {
        match self.state {
            State::Info => Step::GetAreaInfo,
            State::Read(reading) => self.piece(reading).map_or(Step::Done, Step::Read),
            State::WaitInfo | State::WaitRead(_) => Step::Wait,
            State::Done(_) | State::Failed(_) => Step::Done,
        }
    }

    /// The image as far as it has been read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Read size that works, as far as it is known.
    pub fn read_size(&self) -> ReadSize {
        self.read_size
    }

    /// Tells what came of the last step.
    pub fn feed(&mut self, outcome: Outcome<'_>) {
        self.state = match self.state {
            State::WaitInfo => State::Info,
            State::WaitRead(reading) => State::Read(reading),
            done @ (State::Done(_) | State::Failed(_)) => done,
            _ if self.requests >= MAX_REQUESTS => self.end(ReadEnd::Limit, WalkError::Malformed),
            state => {
                self.requests = self.requests.saturating_add(1);
                match state {
                    State::Read(reading) => self.on_read(reading, outcome),
                    _ => self.on_info(outcome),
                }
            }
        };
    }

    /// Takes what has been read so far.
    ///
    /// # Errors
    /// Why nothing could be read.
    pub fn finish(self) -> Result<FruRead, WalkError> {
        let end = match self.state {
            State::Failed(error) => return Err(error),
            State::Done(end) => end,
            _ => ReadEnd::Partial,
        };
        match self.info {
            Some(info) if !self.bytes.is_empty() => Ok(FruRead {
                info,
                bytes: self.bytes,
                end,
                read_size: self.read_size,
            }),
            _ => Err(WalkError::Unfinished),
        }
    }

    fn on_info(&mut self, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Silence => State::Failed(WalkError::Silent),
            Outcome::Refused(code) if is_busy(code) => self.wait(State::WaitInfo),
            Outcome::Refused(code) => State::Failed(WalkError::Refused(code)),
            Outcome::Waited => State::Info,
            Outcome::Data(data) => match AreaInfo::decode(data) {
                Ok(AreaInfo { size: 0, .. }) => State::Failed(WalkError::Empty),
                Ok(info) => {
                    self.info = Some(info);
                    self.read_on(info.access, usize::from(info.size).min(MAX_BYTES))
                }
                Err(_) => State::Failed(WalkError::Malformed),
            },
        }
    }

    fn on_read(&mut self, reading: Reading, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Waited => State::Read(reading),
            Outcome::Silence => {
                self.silences = self.silences.saturating_add(1);
                // Some BMCs don't answer at all when the answer would be too
                // long. Halving finds out in few time-outs.
                let next = self.read_size.smaller(self.read_size.bytes() / 2);
                match next {
                    Some(size) if self.silences < MAX_SILENCES => {
                        self.read_size = size;
                        self.read_on(reading.access, reading.limit)
                    }
                    _ => self.end(ReadEnd::Partial, WalkError::Silent),
                }
            }
            Outcome::Refused(code) if is_busy(code) => self.wait(State::WaitRead(reading)),
            Outcome::Refused(code) => self.on_refusal(reading, code),
            Outcome::Data(data) => {
                self.silences = 0;
                match piece(data, reading) {
                    Some(bytes) => {
                        self.bytes.extend_from_slice(bytes);
                        self.read_on(reading.access, reading.limit)
                    }
                    None => self.read_less(reading, WalkError::Malformed),
                }
            }
        }
    }

    fn on_refusal(&mut self, reading: Reading, code: u8) -> State {
        self.silences = 0;
        match code {
            // Too long for an answer, or for the bus behind the BMC; some
            // firmware says it with the code for "unspecified".
            0xc3 | 0xc7 | 0xc8 | 0xca | 0xff => self.read_less(reading, WalkError::Refused(code)),
            // Out of range: the device ends before its announced size does.
            0xc9 if self.stop_reading_ahead(reading) => self.read_on(reading.access, reading.limit),
            _ => self.end(ReadEnd::Partial, WalkError::Refused(code)),
        }
    }

    /// Tries with fewer bytes, first of all without those that are not needed.
    fn read_less(&mut self, reading: Reading, error: WalkError) -> State {
        if !self.stop_reading_ahead(reading) {
            // What was refused may be less than the size: the end of an area.
            let limit = reading.count.saturating_sub(1);
            match self.read_size.smaller(limit) {
                Some(size) => self.read_size = size,
                None => return self.end(ReadEnd::Partial, error),
            }
        }
        self.read_on(reading.access, reading.limit)
    }

    /// Whether the refused read went beyond what is needed, so that a shorter
    /// one says more about the device than about the size of answers.
    fn stop_reading_ahead(&mut self, reading: Reading) -> bool {
        let needed = extent(&self.bytes).saturating_sub(self.bytes.len());
        let ahead = usize::from(reading.count) > needed.next_multiple_of(2);
        let stops = ahead && !self.exact;
        self.exact |= stops;
        stops
    }

    /// The next read, or the end.
    fn read_on(&self, access: Access, limit: usize) -> State {
        let have = self.bytes.len();
        let needed = extent(&self.bytes);
        if have >= needed {
            return State::Done(ReadEnd::Complete);
        }
        let unit = usize::from(access.unit());
        let end = if self.exact { needed.min(limit) } else { limit };
        // Words can't be read in halves.
        let count = end
            .saturating_sub(have)
            .next_multiple_of(unit)
            .min(usize::from(self.read_size.bytes()));
        match u8::try_from(count) {
            Ok(count) if count > 0 => State::Read(Reading {
                access,
                limit,
                count,
            }),
            _ if have >= MAX_BYTES => State::Done(ReadEnd::Limit),
            _ => State::Done(ReadEnd::AnnouncedSize),
        }
    }

    /// The request, in the device's unit. Always there: offsets end at
    /// [`MAX_BYTES`].
    fn piece(&self, reading: Reading) -> Option<Piece> {
        let unit = reading.access.unit();
        let offset = self.bytes.len().checked_div(usize::from(unit))?;
        Some(Piece {
            offset: u16::try_from(offset).ok()?,
            count: reading.count.checked_div(unit)?,
        })
    }

    fn wait(&mut self, state: State) -> State {
        if self.waits < MAX_WAITS {
            self.waits = self.waits.saturating_add(1);
            return state;
        }
        self.end(ReadEnd::Partial, WalkError::Busy)
    }

    /// Ends with what there is, or with why there is nothing.
    fn end(&self, end: ReadEnd, error: WalkError) -> State {
        if self.bytes.is_empty() {
            State::Failed(error)
        } else {
            State::Done(end)
        }
    }
}

/// Codes that pass: the device is busy (81h is this command's own), the BMC is.
const fn is_busy(code: u8) -> bool {
    matches!(code, 0x81 | 0xc0)
}

/// The bytes of an answer: as many as it counts, at most as many as were asked
/// for and whole words. `None` if that is nothing.
fn piece(data: &[u8], reading: Reading) -> Option<&[u8]> {
    let mut reader = Reader::new(data);
    let unit = reading.access.unit();
    let counted = reader.u8("FRU count").ok()?.saturating_mul(unit);
    let available = u8::try_from(reader.remaining()).unwrap_or(u8::MAX);
    let count = counted.min(available).min(reading.count);
    let whole = count.saturating_sub(count % unit);
    let bytes = reader.take(usize::from(whole), "FRU data").ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests;
