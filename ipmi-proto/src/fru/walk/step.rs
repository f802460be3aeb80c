//! What goes in and out of a [`Walk`](super::Walk).

use super::ReadSize;
use crate::wire::{DecodeError, Reader};

/// What Get FRU Inventory Area Info says (IPMI 2.0 section 34.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AreaInfo {
    /// Size in bytes. Often more than is readable.
    pub size: u16,
    /// What offsets and counts are in.
    pub access: Access,
}

/// The unit of offsets and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Bytes.
    Bytes,
    /// Words of two bytes.
    Words,
}

impl Access {
    pub(super) const fn unit(self) -> u8 {
        match self {
            Self::Bytes => 1,
            Self::Words => 2,
        }
    }
}

impl AreaInfo {
    /// Decodes the response data.
    ///
    /// # Errors
    /// When they are too short.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(Self {
            size: reader.u16("FRU size")?,
            access: match reader.u8("FRU access")? & 1 {
                0 => Access::Bytes,
                _ => Access::Words,
            },
        })
    }
}

/// A piece of an image, in the device's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From where on.
    pub offset: u16,
    /// How many.
    pub count: u8,
}

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send Get FRU Inventory Area Info.
    GetAreaInfo,
    /// Send Read FRU Data.
    Read(Piece),
    /// Wait a moment, then report [`Outcome::Waited`](crate::walk::Outcome::Waited): the device is busy.
    Wait,
    /// Nothing: call [`Walk::finish`](super::Walk::finish).
    Done,
}

/// Why a walk has read nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The BMC does not answer.
    #[error("the BMC does not answer")]
    Silent,
    /// The device is busy for too long.
    #[error("the FRU device stays busy")]
    Busy,
    /// The BMC refuses. CBh: there is no such device.
    #[error("the FRU device can't be read (completion code {0:#04x})")]
    Refused(u8),
    /// The answer makes no sense.
    #[error("the answer of the FRU device makes no sense")]
    Malformed,
    /// The device has no bytes.
    #[error("the FRU device is empty")]
    Empty,
    /// [`Walk::finish`](super::Walk::finish) was called before anything was read.
    #[error("nothing was read yet")]
    Unfinished,
}

/// Where the bytes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// Behind all areas.
    Complete,
    /// At the announced size, although an area reaches farther.
    AnnouncedSize,
    /// Where the caller stopped or the BMC gave out no more.
    Partial,
    /// At [`MAX_BYTES`](super::MAX_BYTES) or after [`MAX_REQUESTS`](super::MAX_REQUESTS).
    Limit,
}

/// What a walk has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FruRead {
    /// The device's own words.
    pub info: AreaInfo,
    /// The image from its first byte on; at least one byte.
    pub bytes: Vec<u8>,
    /// Where it ends.
    pub end: ReadEnd,
    /// Read size for the next walk.
    pub read_size: ReadSize,
}
