//! One record of a repository: header, type, decoded content.

use super::sensor_record::{EventOnlySensor, OwnerPolicy, SensorRecord, Unreadable};
use super::{ControllerLocator, Entity, FruLocator, GenericLocator, RecordId, SensorNumber};
use crate::wire::{DecodeError, Lun, Reader};

/// What kind of record it is (IPMI 2.0 section 43).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// 01h: a sensor with everything about its value.
    FullSensor,
    /// 02h: one or several sensors without conversion factors.
    CompactSensor,
    /// 03h: a sensor that only sends events.
    EventOnly,
    /// 10h: a device on a private bus.
    GenericLocator,
    /// 11h: a FRU information device.
    FruLocator,
    /// 12h: a management controller.
    ControllerLocator,
    /// Everything else; kept as bytes.
    Other(u8),
}

impl From<u8> for RecordType {
    fn from(code: u8) -> Self {
        match code {
            0x01 => Self::FullSensor,
            0x02 => Self::CompactSensor,
            0x03 => Self::EventOnly,
            0x10 => Self::GenericLocator,
            0x11 => Self::FruLocator,
            0x12 => Self::ControllerLocator,
            other => Self::Other(other),
        }
    }
}

/// The five bytes in front of every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Id that the record bears; not always the one it is fetched by.
    pub record_id: RecordId,
    /// Record format version, 51h for IPMI 1.5 and 2.0 (digits swapped).
    pub version: u8,
    /// What kind of record.
    pub record_type: RecordType,
    /// Bytes after the header.
    pub body_length: u8,
}

impl RecordHeader {
    /// Length in bytes.
    pub const LENGTH: usize = 5;

    /// Reads the header at the front of `record`.
    ///
    /// # Errors
    /// When fewer than five bytes are there.
    pub fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(record);
        Ok(Self {
            record_id: RecordId(reader.u16("record id")?),
            version: reader.u8("record version")?,
            record_type: RecordType::from(reader.u8("record type")?),
            body_length: reader.u8("record length")?,
        })
    }

    /// Length of header and body together.
    pub fn total_length(&self) -> usize {
        Self::LENGTH.saturating_add(usize::from(self.body_length))
    }
}

/// A record as it was read, before it is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Id under which the BMC gave the record out. Some BMCs put another id
    /// into the record itself.
    pub requested: RecordId,
    /// Header and body, cut to the length that the header states.
    pub bytes: Box<[u8]>,
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Record {
    /// A sensor that may have readings (types 01h and 02h).
    Sensor(SensorRecord),
    /// A sensor that only sends events (type 03h).
    EventOnly(EventOnlySensor),
    /// A device on a private bus (type 10h).
    Generic(GenericLocator),
    /// A FRU information device (type 11h).
    Fru(FruLocator),
    /// A management controller (type 12h).
    Controller(ControllerLocator),
    /// Any other type, as bytes.
    Other {
        /// Id that the record bears.
        record_id: RecordId,
        /// The type byte.
        record_type: u8,
        /// What follows the header.
        body: Box<[u8]>,
    },
}

impl Record {
    /// Decodes one record, header included.
    ///
    /// Bytes after the length that the header states are ignored: some BMCs pad
    /// every record.
    ///
    /// # Errors
    /// [`DecodeError::Length`] when the record is shorter than its header says,
    /// [`DecodeError::Truncated`] when it is too short for its type.
    pub fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        let header = RecordHeader::decode(record)?;
        let body = record
            .get(RecordHeader::LENGTH..header.total_length())
            .ok_or_else(|| DecodeError::Length {
                field: "record length",
                declared: header.total_length(),
                available: record.len(),
            })?;
        let id = header.record_id;
        Ok(match header.record_type {
            RecordType::FullSensor => Self::Sensor(SensorRecord::decode_full(id, body)?),
            RecordType::CompactSensor => Self::Sensor(SensorRecord::decode_compact(id, body)?),
            RecordType::EventOnly => Self::EventOnly(EventOnlySensor::decode(id, body)?),
            RecordType::GenericLocator => Self::Generic(GenericLocator::decode(id, body)?),
            RecordType::FruLocator => Self::Fru(FruLocator::decode(id, body)?),
            RecordType::ControllerLocator => Self::Controller(ControllerLocator::decode(id, body)?),
            RecordType::Other(record_type) => Self::Other {
                record_id: id,
                record_type,
                body: body.into(),
            },
        })
    }

    /// Id that the record bears itself.
    pub fn record_id(&self) -> RecordId {
        match self {
            Self::Sensor(record) => record.record_id,
            Self::EventOnly(record) => record.record_id,
            Self::Generic(record) => record.record_id,
            Self::Fru(record) => record.record_id,
            Self::Controller(record) => record.record_id,
            Self::Other { record_id, .. } => *record_id,
        }
    }

    /// Name of the sensor or device, if the type has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Sensor(record) => Some(&record.name),
            Self::EventOnly(record) => Some(&record.name),
            Self::Generic(record) => Some(&record.name),
            Self::Fru(record) => Some(&record.name),
            Self::Controller(record) => Some(&record.name),
            Self::Other { .. } => None,
        }
    }

    /// What the sensor or device belongs to, if the type says so.
    pub fn entity(&self) -> Option<Entity> {
        match self {
            Self::Sensor(record) => Some(record.entity),
            Self::EventOnly(record) => Some(record.entity),
            Self::Generic(record) => Some(record.entity),
            Self::Fru(record) => Some(record.entity),
            Self::Controller(record) => Some(record.entity),
            Self::Other { .. } => None,
        }
    }

    /// The sensor, if the record describes one that may have readings.
    pub fn as_sensor(&self) -> Option<&SensorRecord> {
        match self {
            Self::Sensor(record) => Some(record),
            _ => None,
        }
    }

    /// Where the BMC itself can be asked for a reading, or why never.
    ///
    /// # Errors
    /// The reason why Get Sensor Reading makes no sense for this record.
    pub fn read_at(&self, policy: OwnerPolicy) -> Result<(Lun, SensorNumber), Unreadable> {
        match self {
            Self::Sensor(record) => record.read_at(policy),
            Self::EventOnly(_) => Err(Unreadable::EventOnly),
            _ => Err(Unreadable::NotASensor),
        }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    const COMPACT: [u8; 35] = hex!(
        "0000 51 02 1e 20 00 72 07 01 6f c0 10 6f 5000 0000 1400 c0 00 00 00 00 00 00 00 00 00 00 c3 53454c"
    );

    #[test]
    fn padding_after_the_record_is_cut() {
        let mut padded = COMPACT.to_vec();
        padded.extend_from_slice(&[0x41; 20]);
        assert_eq!(Record::decode(&padded), Record::decode(&COMPACT));
        assert_eq!(Record::decode(&padded).unwrap().name(), Some("SEL"));
    }

    #[test]
    fn record_shorter_than_its_header_says_is_refused() {
        assert_eq!(
            Record::decode(COMPACT.get(..34).unwrap()),
            Err(DecodeError::Length {
                field: "record length",
                declared: 35,
                available: 34
            })
        );
    }

    #[test]
    fn record_too_short_for_its_type_is_refused() {
        for record_type in [0x01, 0x02, 0x03, 0x10, 0x11, 0x12] {
            let record = [0x01, 0x00, 0x51, record_type, 0x02, 0x20, 0x00];
            assert!(matches!(
                Record::decode(&record),
                Err(DecodeError::Truncated { .. })
            ));
        }
    }

    #[test]
    fn unknown_type_is_kept_raw() {
        let record = Record::decode(&hex!("0500 51 c0 03 57 01 00")).unwrap();
        assert_eq!(
            record,
            Record::Other {
                record_id: RecordId(5),
                record_type: 0xc0,
                body: Box::new([0x57, 0x01, 0x00])
            }
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Record::decode(&bytes);
        }

        /// Headers that fit their bytes reach the field decoders of every type.
        #[test]
        fn arbitrary_bodies_never_panic(
            record_type in prop::sample::select(vec![1_u8, 2, 3, 0x10, 0x11, 0x12, 0xc0]),
            body in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut bytes = vec![1, 0, 0x51, record_type, u8::try_from(body.len()).unwrap()];
            bytes.extend_from_slice(&body);
            if let Ok(record) = Record::decode(&bytes) {
                prop_assert_eq!(record.record_id(), RecordId(1));
            }
        }
    }
}
