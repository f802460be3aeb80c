//! Answer of Get SEL Info (IPMI 2.0 section 31.2).

use super::Timestamp;
use crate::wire::{DecodeError, Reader};

/// What a BMC says about its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogInfo {
    /// Format version, 51h for IPMI 1.5 and 2.0 (digits swapped).
    pub version: u8,
    /// Number of entries.
    pub entries: u16,
    /// Free bytes; FFFFh when that many or more.
    pub free_bytes: u16,
    /// When the latest entry was added.
    pub addition_time: Timestamp,
    /// When the log was last cleared or entries deleted.
    pub erase_time: Timestamp,
    /// What the log can do.
    pub operations: LogOperations,
}

/// Operation support bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogOperations(pub u8);

impl LogOperations {
    /// Events were lost for lack of space.
    pub const fn overflow(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Reserve SEL works.
    pub const fn reserve(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Get SEL Allocation Info works.
    pub const fn allocation_info(self) -> bool {
        self.0 & 0x01 != 0
    }
}

impl LogInfo {
    /// Decodes the answer's data, completion code not included. What follows
    /// the free space may be missing: stamps are unspecified then.
    ///
    /// # Errors
    /// When the bytes end before the free space does.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(Self {
            version: reader.u8("log version")?,
            entries: reader.u16("log entries")?,
            free_bytes: reader.u16("free space")?,
            addition_time: Timestamp(reader.u32("addition time").unwrap_or(u32::MAX)),
            erase_time: Timestamp(reader.u32("erase time").unwrap_or(u32::MAX)),
            operations: LogOperations(reader.optional_u8().unwrap_or(0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_long_and_short_answers() {
        let data = hex!("51 1100 f03d 00f15365 01f15365 82");
        let info = LogInfo::decode(&data).unwrap();
        assert_eq!((info.entries, info.free_bytes), (17, 0x3df0));
        assert_eq!(info.erase_time, Timestamp(0x6553_f101));
        assert!(info.operations.overflow() && info.operations.reserve());
        let short = LogInfo::decode(&data[..5]).unwrap();
        assert!(short.erase_time.is_unspecified());
        assert!(LogInfo::decode(&data[..4]).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert_eq!(LogInfo::decode(&bytes).is_ok(), bytes.len() >= 5);
        }
    }
}
