//! Reading a whole SDR repository, or the Device SDRs of one controller, without
//! doing any I/O.
//!
//! [`Walk`], and [`DeviceWalk`] alike, says which request comes next and is told what came back; how
//! requests travel, and how long to wait, is the caller's business. It ends
//! for every answer source, however hostile: chains are cut at loops and at
//! the limits below, and every retry is counted.
//!
//! Commands: IPMI 2.0 sections 33 and 35.

mod chunk;
mod device;
mod info;
mod step;
mod walk;

pub use crate::walk::Outcome;
pub use chunk::ReadSize;
pub use device::{DeviceRecords, DeviceSdrInfo, DeviceWalk};
pub use info::{OperationSupport, RepositoryInfo};
pub use step::{ChainEnd, GetSdr, Repository, Source, Step, WaitReason, WalkError};
pub use walk::Walk;

/// Most records that a walk keeps.
pub const MAX_RECORDS: usize = 4096;
/// Most bytes of records that a walk keeps.
pub const MAX_BYTES: usize = 1 << 20;
/// Most requests of one walk, all kinds and retries together.
pub const MAX_REQUESTS: u32 = 65_536;
/// How often a lost reservation is renewed in one pass over the repository.
pub const MAX_RESERVATIONS_LOST: u8 = 10;
/// How often the caller is asked to wait in one pass over the repository.
pub const MAX_WAITS: u8 = 10;
/// How often a repository that changed while it was read is read again.
pub const MAX_RESTARTS: u8 = 1;
/// Whole-record reads that fail in a row before whole records are given up,
/// when the failure does not say that they are too long. One may be a lost
/// packet or a bad record.
pub const MAX_FAILED_WHOLE_READS: u8 = 2;
