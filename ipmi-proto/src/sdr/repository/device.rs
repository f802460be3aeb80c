//! Device SDRs: records that a controller keeps of its own sensors, LUN by LUN
//! (IPMI 2.0 sections 35.2 to 35.4).

use std::collections::BTreeSet;

use super::{
    GetSdr, MAX_BYTES, MAX_RECORDS, MAX_RESTARTS, Outcome, ReadSize, Source, Step, Walk, WalkError,
};
use crate::sdr::RawRecord;
use crate::wire::{DecodeError, Lun, Reader};

/// What a controller says about its Device SDRs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSdrInfo {
    /// Number of sensors on the LUN that was asked.
    pub sensors: u8,
    /// Bit 7: sensors come and go; bits 3:0: LUNs that have sensors.
    pub flags: u8,
    /// Moves on when sensors come or go; only where they do.
    pub population_stamp: Option<u32>,
}

impl DeviceSdrInfo {
    /// Decodes the answer's data, completion code not included.
    ///
    /// # Errors
    /// When the flags are missing.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        let sensors = reader.u8("sensor count")?;
        let flags = reader.u8("population flags")?;
        Ok(Self {
            sensors,
            flags,
            population_stamp: reader.u32("population stamp").ok(),
        })
    }

    /// Writes the answer's data.
    pub fn encode(&self) -> Vec<u8> {
        let mut data = vec![self.sensors, self.flags];
        data.extend(self.population_stamp.into_iter().flat_map(u32::to_le_bytes));
        data
    }

    /// Whether sensors come and go while the controller runs.
    pub const fn is_dynamic(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// The LUNs that have sensors; the first one always, as some controllers leave
    /// the flags out.
    pub fn luns(&self) -> impl Iterator<Item = Lun> {
        let flags = self.flags | 0x01;
        (0..4)
            .filter(move |lun| flags & (1 << lun) != 0)
            .map(Lun::from_low_bits)
    }

    /// Whether records read when the controller said `self` are still its records
    /// now that it says `now`.
    pub fn still_valid(&self, now: &Self) -> bool {
        self == now
    }
}

/// The walk over all LUNs of one controller. Driven like a [`Walk`]; each step
/// goes to [`DeviceWalk::lun`], and [`Step::GetInfo`] is Get Device SDR Info.
#[derive(Debug)]
pub struct DeviceWalk {
    state: State,
    info: Option<DeviceSdrInfo>,
    read_size: ReadSize,
    records: Vec<RawRecord>,
    restarts: u8,
    changed: bool,
    /// Why a LUN could not be read: tells only where no other one has records.
    failure: Option<WalkError>,
}

#[derive(Debug)]
enum State {
    InfoBefore,
    /// The walk over one LUN, and the LUNs after it.
    Reading {
        walk: Box<Walk>,
        lun: Lun,
        left: Vec<Lun>,
    },
    InfoAfter,
    Done,
    Failed(WalkError),
}

/// What a [`DeviceWalk`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecords {
    /// The controller's own words, if it had any.
    pub info: Option<DeviceSdrInfo>,
    /// The records of all LUNs, each once.
    pub records: Vec<RawRecord>,
    /// The population changed during the walk, also when it was read again.
    pub changed: bool,
    /// Read size for the next walk.
    pub read_size: ReadSize,
}

impl DeviceWalk {
    /// Starts a walk. `read_size` is what the last one has learned, or
    /// [`ReadSize::BRIDGED`] for a controller behind the BMC.
    pub fn new(read_size: ReadSize) -> Self {
        Self {
            state: State::InfoBefore,
            info: None,
            read_size,
            records: Vec::new(),
            restarts: 0,
            changed: false,
            failure: None,
        }
    }

    /// What to do next. The same until [`feed`](Self::feed) is called.
    pub fn step(&self) -> Step {
        match &self.state {
            State::InfoBefore | State::InfoAfter => Step::GetInfo,
            State::Reading { walk, .. } => walk.step(),
            State::Done | State::Failed(_) => Step::Done,
        }
    }

    /// The LUN that the next step is for.
    pub fn lun(&self) -> Lun {
        match &self.state {
            State::Reading { lun, .. } => *lun,
            _ => Lun::BMC,
        }
    }

    /// The request of [`Step::GetSdr`], if that is the next step.
    pub fn request(&self) -> Option<GetSdr> {
        match self.step() {
            Step::GetSdr(request) => Some(request),
            _ => None,
        }
    }

    /// Number of records read so far.
    pub fn record_count(&self) -> usize {
        let here = match &self.state {
            State::Reading { walk, .. } => walk.records().len(),
            _ => 0,
        };
        self.records.len().saturating_add(here)
    }

    /// Tells what came of the last step.
    pub fn feed(&mut self, outcome: Outcome<'_>) {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::InfoBefore => self.on_info_before(outcome),
            State::Reading {
                mut walk,
                lun,
                left,
            } => {
                walk.feed(outcome);
                if walk.step() == Step::Done {
                    self.on_lun_read(*walk, lun, left)
                } else {
                    State::Reading { walk, lun, left }
                }
            }
            State::InfoAfter => self.on_info_after(outcome),
            done @ (State::Done | State::Failed(_)) => done,
        };
    }

    /// Takes the result once [`step`](Self::step) is [`Step::Done`].
    ///
    /// # Errors
    /// Why the records could not be read, or [`WalkError::Unfinished`].
    pub fn finish(self) -> Result<DeviceRecords, WalkError> {
        match self.state {
            State::Done => Ok(DeviceRecords {
                info: self.info,
                records: self.records,
                changed: self.changed,
                read_size: self.read_size,
            }),
            State::Failed(error) => Err(error),
            _ => Err(WalkError::Unfinished),
        }
    }

    fn on_info_before(&mut self, outcome: Outcome<'_>) -> State {
        match outcome {
            Outcome::Silence => return State::Failed(WalkError::Silent),
            Outcome::Waited => return State::InfoBefore,
            // Without it, the first LUN may have records all the same.
            Outcome::Refused(_) => {}
            Outcome::Data(data) => self.info = DeviceSdrInfo::decode(data).ok(),
        }
        self.read_luns()
    }

    fn read_luns(&mut self) -> State {
        self.records.clear();
        self.failure = None;
        let left = self
            .info
            .map_or_else(|| vec![Lun::BMC], |info| info.luns().collect());
        self.read_next(left)
    }

    fn read_next(&self, mut left: Vec<Lun>) -> State {
        if left.is_empty() {
            return match (self.failure, self.info) {
                (Some(error), _) if self.records.is_empty() => State::Failed(error),
                (_, Some(info)) if info.is_dynamic() => State::InfoAfter,
                _ => State::Done,
            };
        }
        let lun = left.remove(0);
        State::Reading {
            walk: Box::new(Walk::new(Source::Device, self.read_size)),
            lun,
            left,
        }
    }

    fn on_lun_read(&mut self, walk: Walk, lun: Lun, left: Vec<Lun>) -> State {
        match walk.finish() {
            Err(WalkError::Silent) if lun == Lun::BMC => return State::Failed(WalkError::Silent),
            Err(error) => self.failure = Some(error),
            Ok(found) => {
                self.read_size = found.read_size;
                self.add(&found.records);
            }
        }
        self.read_next(left)
    }

    /// Keeps what is new; many controllers give out all records on each LUN.
    fn add(&mut self, records: &[RawRecord]) {
        let mut known: BTreeSet<&[u8]> = self.records.iter().map(|raw| &*raw.bytes).collect();
        let mut total: usize = known.iter().map(|bytes| bytes.len()).sum();
        let mut new = Vec::new();
        for record in records {
            if known.len() >= MAX_RECORDS || total.saturating_add(record.bytes.len()) > MAX_BYTES {
                break;
            }
            if known.insert(&record.bytes) {
                total = total.saturating_add(record.bytes.len());
                new.push(record.clone());
            }
        }
        self.records.extend(new);
    }

    fn on_info_after(&mut self, outcome: Outcome<'_>) -> State {
        let after = match outcome {
            Outcome::Data(data) => DeviceSdrInfo::decode(data).ok(),
            Outcome::Waited => return State::InfoAfter,
            Outcome::Refused(_) | Outcome::Silence => None,
        };
        let Some(after) = after.filter(|after| self.info != Some(*after)) else {
            return State::Done;
        };
        self.info = Some(after);
        if self.restarts >= MAX_RESTARTS {
            self.changed = true;
            return State::Done;
        }
        self.restarts = self.restarts.saturating_add(1);
        self.read_luns()
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
