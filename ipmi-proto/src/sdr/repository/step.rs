//! What goes in and out of a [`Walk`](super::Walk).

use super::{MAX_REQUESTS, MAX_RESERVATIONS_LOST, ReadSize, RepositoryInfo};
use crate::sdr::{RawRecord, RecordId};

/// Where the records come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The SDR repository (storage commands).
    #[default]
    Repository,
    /// One LUN of a controller's own device SDRs (sensor/event commands).
    /// [`Step::GetInfo`] never comes; [`DeviceWalk`](super::DeviceWalk) does it for
    /// all LUNs together.
    Device,
}

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send Get SDR Repository Info.
    GetInfo,
    /// Send Reserve SDR Repository, or Reserve Device SDR Repository.
    Reserve,
    /// Send Get SDR, or Get Device SDR.
    GetSdr(GetSdr),
    /// Wait a moment, then report [`Outcome::Waited`](crate::walk::Outcome::Waited).
    Wait(WaitReason),
    /// Nothing: call [`Walk::finish`](super::Walk::finish).
    Done,
}

/// A request for (a piece of) a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetSdr {
    /// Reservation id; 0 where none is needed.
    pub reservation: u16,
    /// Which record.
    pub record_id: RecordId,
    /// From which byte on.
    pub offset: u8,
    /// How many bytes; FFh for the whole record.
    pub count: u8,
}

impl GetSdr {
    /// The command's data bytes.
    pub fn encode(&self) -> [u8; 6] {
        let [reservation_low, reservation_high] = self.reservation.to_le_bytes();
        let [record_low, record_high] = self.record_id.0.to_le_bytes();
        [
            reservation_low,
            reservation_high,
            record_low,
            record_high,
            self.offset,
            self.count,
        ]
    }
}

/// Why the caller is asked to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The BMC is busy (C0h).
    Busy,
    /// The repository is being updated (D0h).
    Updating,
}

/// Why a walk ended without reaching an end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The BMC stopped answering.
    #[error("the BMC does not answer")]
    Silent,
    /// Other clients keep taking the reservation away.
    #[error("the reservation was lost {MAX_RESERVATIONS_LOST} times")]
    ReservationLost,
    /// The BMC stayed busy.
    #[error("the BMC stays busy")]
    Busy,
    /// A record can't be read, and without it the next one is not known.
    #[error("record {record_id} can't be read (completion code {code:#04x})")]
    Unreadable {
        /// The id that was asked for.
        record_id: RecordId,
        /// The BMC's answer; 00h if the data made no sense.
        code: u8,
    },
    /// The request limit was reached.
    #[error("no end after {MAX_REQUESTS} requests")]
    TooManyRequests,
    /// [`Walk::finish`](super::Walk::finish) was called before [`Step::Done`].
    #[error("the walk is not done")]
    Unfinished,
}

/// How the chain of records ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// With the end mark.
    Mark,
    /// A record came up again.
    Loop,
    /// [`MAX_RECORDS`](super::MAX_RECORDS) or [`MAX_BYTES`](super::MAX_BYTES) was reached.
    Limit,
    /// The last record could not be read and was left out.
    LastUnreadable,
}

/// What a walk has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The BMC's own words, if it had any.
    pub info: Option<RepositoryInfo>,
    /// The records, in order.
    pub records: Vec<RawRecord>,
    /// Ids of records that could not be read.
    pub skipped: Vec<RecordId>,
    /// How the chain ended.
    pub end: ChainEnd,
    /// The repository changed during the walk, also when it was read again.
    pub changed: bool,
    /// Read size for the next walk.
    pub read_size: ReadSize,
}
