//! Answer of Get SDR Repository Info (IPMI 2.0 section 33.9).

use crate::wire::{DecodeError, Reader};

/// What a BMC says about its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepositoryInfo {
    /// Format version, 51h for IPMI 1.5 and 2.0 (digits swapped).
    pub version: u8,
    /// Number of records. Wrong on some BMCs; the chain of records decides.
    pub record_count: u16,
    /// Free bytes; FFFEh or FFFFh when more or unknown.
    pub free_bytes: u16,
    /// Time of the latest addition, in seconds of the BMC's clock.
    pub addition_time: u32,
    /// Time of the latest erasure, in seconds of the BMC's clock.
    pub erase_time: u32,
    /// What the repository can do.
    pub operations: OperationSupport,
}

/// Operation support bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationSupport(pub u8);

impl OperationSupport {
    /// Records were lost for lack of space.
    pub const fn overflow(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// The repository refuses reads while it is updated (modal).
    pub const fn modal_update(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Reserve SDR Repository works.
    pub const fn reserve(self) -> bool {
        self.0 & 0x02 != 0
    }
}

impl RepositoryInfo {
    /// Decodes the answer's data, completion code not included. The last byte
    /// may be missing; further ones are ignored.
    ///
    /// # Errors
    /// When the bytes end before the erase time does.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(Self {
            version: reader.u8("repository version")?,
            record_count: reader.u16("record count")?,
            free_bytes: reader.u16("free space")?,
            addition_time: reader.u32("addition time")?,
            erase_time: reader.u32("erase time")?,
            operations: OperationSupport(reader.optional_u8().unwrap_or(0)),
        })
    }

    /// Writes the answer's data.
    pub fn encode(&self) -> [u8; 14] {
        let mut data = [0; 14];
        let fields = [self.version]
            .into_iter()
            .chain(self.record_count.to_le_bytes())
            .chain(self.free_bytes.to_le_bytes())
            .chain(self.addition_time.to_le_bytes())
            .chain(self.erase_time.to_le_bytes())
            .chain([self.operations.0]);
        for (slot, byte) in data.iter_mut().zip(fields) {
            *slot = byte;
        }
        data
    }

    /// Whether records read when the BMC said `self` are still its records now
    /// that it says `now`.
    ///
    /// Stamps alone don't prove it on every BMC: some never move them. So a
    /// cache is also keyed by firmware and read anew once in a while.
    pub fn still_valid(&self, now: &Self) -> bool {
        (
            self.version,
            self.record_count,
            self.addition_time,
            self.erase_time,
        ) == (
            now.version,
            now.record_count,
            now.addition_time,
            now.erase_time,
        )
    }

    /// Whether both stamps are fillers (0 or all ones), so that
    /// [`still_valid`](Self::still_valid) says little.
    pub fn stamps_say_nothing(&self) -> bool {
        let filler = |stamp| stamp == 0 || stamp == u32::MAX;
        filler(self.addition_time) && filler(self.erase_time)
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_with_and_without_the_last_byte() {
        let data = hex!("51 3a00 ff0f 00f15365 01f15365 22");
        let info = RepositoryInfo::decode(&data).unwrap();
        assert_eq!(info.version, 0x51);
        assert_eq!(info.record_count, 58);
        assert_eq!(info.free_bytes, 0x0fff);
        assert_eq!(info.addition_time, 1_700_000_000);
        assert_eq!(info.erase_time, 1_700_000_001);
        assert!(info.operations.reserve() && !info.operations.overflow());
        let short = RepositoryInfo::decode(&data[..13]).unwrap();
        assert_eq!(short.operations, OperationSupport(0));
        assert!(RepositoryInfo::decode(&data[..12]).is_err());
        assert!(info.still_valid(&short));
    }

    #[test]
    fn any_key_field_invalidates() {
        let info = RepositoryInfo::decode(&hex!("51 3a00 ff0f 00f15365 01f15365 22")).unwrap();
        for changed in [
            RepositoryInfo {
                record_count: 59,
                ..info
            },
            RepositoryInfo {
                addition_time: 1,
                ..info
            },
            RepositoryInfo {
                erase_time: 1,
                ..info
            },
            RepositoryInfo {
                version: 0x01,
                ..info
            },
        ] {
            assert!(!info.still_valid(&changed));
        }
        assert!(info.still_valid(&RepositoryInfo {
            free_bytes: 0,
            ..info
        }));
    }

    #[test]
    fn filler_stamps_are_noticed() {
        let info = RepositoryInfo::decode(&hex!("51 3a00 ff0f 00000000 ffffffff 22")).unwrap();
        assert!(info.stamps_say_nothing());
    }

    proptest! {
        #[test]
        fn encoded_info_comes_back(data in any::<[u8; 14]>()) {
            let info = RepositoryInfo::decode(&data).unwrap();
            prop_assert_eq!(info.encode(), data);
        }
    }
}
