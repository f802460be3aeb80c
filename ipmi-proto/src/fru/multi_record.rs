//! Multi-records: a chain of typed records (FRU specification section 16).

use super::{Checksum, PowerSupply};
use crate::wire::Reader;

/// Most records that are kept.
pub(super) const MAX_RECORDS: usize = 256;

/// Kind of a record (FRU specification section 16.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u8);

impl RecordType {
    /// What a power supply can do.
    pub const POWER_SUPPLY: Self = Self(0x00);
    /// An output of a supply.
    pub const DC_OUTPUT: Self = Self(0x01);
    /// What a board draws.
    pub const DC_LOAD: Self = Self(0x02);
    /// Names and addresses for management.
    pub const MANAGEMENT_ACCESS: Self = Self(0x03);

    /// Whether the meaning is a vendor's.
    pub const fn is_oem(self) -> bool {
        self.0 >= 0xc0
    }
}

/// A record: its header and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiRecord {
    /// What it is.
    pub record_type: RecordType,
    /// The header's checksum.
    pub header_checksum: Checksum,
    /// The data's checksum; [`Checksum::Missing`] if the data are cut off.
    pub data_checksum: Checksum,
    /// The data, 0-255 bytes.
    pub data: Box<[u8]>,
}

impl MultiRecord {
    /// The record as a power supply's, if that is what it is and it is whole.
    pub fn power_supply(&self) -> Option<PowerSupply> {
        if self.record_type != RecordType::POWER_SUPPLY {
            return None;
        }
        PowerSupply::decode(&self.data).ok()
    }
}

/// Where the records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordsEnd {
    /// At the record that says that it is the last one.
    Mark,
    /// At the end of what was read.
    Cut,
    /// At bytes that are no record.
    NoRecord,
    /// There are more than are kept.
    Limit,
}

/// The records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiRecordArea {
    /// In order.
    pub records: Vec<MultiRecord>,
    /// Where they end.
    pub end: RecordsEnd,
}

/// A record's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    record_type: RecordType,
    pub(super) last: bool,
    pub(super) length: u8,
    data_checksum: u8,
    checksum: Checksum,
}

impl Header {
    pub(super) const LENGTH: usize = 5;
    const VERSION: u8 = 2;

    /// `None` if these bytes are no header. The checksum alone does not tell:
    /// boards get it wrong.
    pub(super) fn decode(bytes: [u8; Self::LENGTH]) -> Option<Self> {
        let [record_type, flags, length, data_checksum, _] = bytes;
        (flags & 0x0f == Self::VERSION).then(|| Self {
            record_type: RecordType(record_type),
            last: flags & 0x80 != 0,
            length,
            data_checksum,
            checksum: Checksum::over(&bytes),
        })
    }
}

impl MultiRecordArea {
    /// Decodes the chain that begins `bytes`. Each record lies behind the one
    /// before, so that a chain can't lead back.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let mut records = Vec::new();
        let end = loop {
            let Ok(header) = reader.array("multi-record header") else {
                break RecordsEnd::Cut;
            };
            let Some(header) = Header::decode(header) else {
                break RecordsEnd::NoRecord;
            };
            if records.len() == MAX_RECORDS {
                break RecordsEnd::Limit;
            }
            let whole = reader.take(usize::from(header.length), "multi-record");
            let (data, data_checksum) = match whole {
                Ok(data) => (data, Checksum::of(data, header.data_checksum)),
                Err(_) => (reader.rest(), Checksum::Missing),
            };
            records.push(MultiRecord {
                record_type: header.record_type,
                header_checksum: header.checksum,
                data_checksum,
                data: data.into(),
            });
            match data_checksum {
                Checksum::Missing => break RecordsEnd::Cut,
                _ if header.last => break RecordsEnd::Mark,
                _ => {}
            }
        };
        Self { records, end }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use rstest::rstest;

    use super::*;

    #[test]
    fn records_up_to_the_mark() {
        let bytes = hex!("c0 02 02 fd 3f 01 02  c1 82 00 00 bd  c2 02 00 00 3c");
        let area = MultiRecordArea::decode(&bytes);
        assert_eq!(area.end, RecordsEnd::Mark);
        assert_eq!(
            area.records,
            [
                MultiRecord {
                    record_type: RecordType(0xc0),
                    header_checksum: Checksum::Right,
                    data_checksum: Checksum::Right,
                    data: [1, 2].into(),
                },
                MultiRecord {
                    record_type: RecordType(0xc1),
                    header_checksum: Checksum::Right,
                    data_checksum: Checksum::Right,
                    data: [].into(),
                },
            ]
        );
        assert!(area.records[0].record_type.is_oem());
    }

    #[test]
    fn wrong_checksums_are_marked() {
        let area = MultiRecordArea::decode(&hex!("c0 82 02 00 00 01 02"));
        assert_eq!(area.end, RecordsEnd::Mark);
        assert_eq!(area.records[0].header_checksum, Checksum::Wrong);
        assert_eq!(area.records[0].data_checksum, Checksum::Wrong);
        assert_eq!(*area.records[0].data, [1, 2]);
    }

    #[rstest]
    #[case::nothing(&[], 0, RecordsEnd::Cut)]
    #[case::half_a_header(&hex!("c0 02 02"), 0, RecordsEnd::Cut)]
    #[case::half_a_record(&hex!("c0 02 ff 00 00 01 02"), 1, RecordsEnd::Cut)]
    #[case::erased(&[0xff; 65_535], 0, RecordsEnd::NoRecord)]
    #[case::never_written(&[0; 64], 0, RecordsEnd::NoRecord)]
    #[case::no_end(&[2, 2, 0, 0, 0].repeat(13_107), MAX_RECORDS, RecordsEnd::Limit)]
    fn chains_end(#[case] bytes: &[u8], #[case] count: usize, #[case] end: RecordsEnd) {
        let area = MultiRecordArea::decode(bytes);
        assert_eq!((area.records.len(), area.end), (count, end));
    }
}
