//! One entry of the log: 16 bytes (IPMI 2.0 section 32).

use super::Timestamp;
use crate::sdr::{EventReadingType, OwnerId, SensorNumber};
use crate::sensor::SensorType;
use crate::wire::{DecodeError, Reader};

/// Id of an entry. Ids need not rise, and a cleared log uses them again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u16);

impl EntryId {
    /// Asks for the first entry.
    pub const FIRST: Self = Self(0x0000);
    /// Asks for the last entry; as *next* id: there is no further entry.
    pub const LAST: Self = Self(0xffff);
}

/// A decoded entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Id that the entry bears.
    pub id: EntryId,
    /// The type byte.
    pub record_type: u8,
    /// The rest.
    pub kind: EntryKind,
}

/// The kinds of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// 02h: an event.
    Event(SystemEvent),
    /// C0h-DFh: a vendor's record with a time.
    OemTimestamped {
        /// When.
        time: Timestamp,
        /// IANA enterprise number, 24 bits.
        manufacturer_id: u32,
        /// The vendor's bytes.
        data: [u8; 6],
    },
    /// E0h-FFh: a vendor's record without a time.
    Oem {
        /// The vendor's bytes.
        data: [u8; 13],
    },
    /// A type that the specification does not define.
    Unknown {
        /// What follows the type byte.
        data: [u8; 13],
    },
}

/// What an event record says (type 02h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SystemEvent {
    /// When.
    pub time: Timestamp,
    /// Who: a controller's address or a software id.
    pub generator: OwnerId,
    /// Channel (bits 7:4) and LUN (bits 1:0) of the generator.
    pub generator_channel_lun: u8,
    /// Event message format, 04h for IPMI 1.5 and 2.0.
    pub format_revision: u8,
    /// What is observed.
    pub sensor_type: SensorType,
    /// Which sensor.
    pub sensor_number: SensorNumber,
    /// Whether the state came or went.
    pub direction: Direction,
    /// What the offset means.
    pub event_type: EventReadingType,
    /// Event data 1-3.
    pub data: [u8; 3],
}

/// Whether a state came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It came.
    Asserted,
    /// It went.
    Deasserted,
}

impl SystemEvent {
    /// The event offset, 0-15.
    pub const fn offset(&self) -> u8 {
        let [data1, _, _] = self.data;
        data1 & 0x0f
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let time = Timestamp(reader.u32("time stamp")?);
        let generator = OwnerId(reader.u8("generator id")?);
        let generator_channel_lun = reader.u8("generator id")?;
        let format_revision = reader.u8("event message format")?;
        let sensor_type = SensorType(reader.u8("sensor type")?);
        let sensor_number = SensorNumber(reader.u8("sensor number")?);
        let direction_and_type = reader.u8("event type")?;
        Ok(Self {
            time,
            generator,
            generator_channel_lun,
            format_revision,
            sensor_type,
            sensor_number,
            direction: if direction_and_type & 0x80 == 0 {
                Direction::Asserted
            } else {
                Direction::Deasserted
            },
            event_type: EventReadingType(direction_and_type & 0x7f),
            data: reader.array("event data")?,
        })
    }

    fn encode(&self) -> [u8; 13] {
        let [t0, t1, t2, t3] = self.time.0.to_le_bytes();
        let [d1, d2, d3] = self.data;
        let direction = match self.direction {
            Direction::Asserted => 0x00,
            Direction::Deasserted => 0x80,
        };
        [
            t0,
            t1,
            t2,
            t3,
            self.generator.0,
            self.generator_channel_lun,
            self.format_revision,
            self.sensor_type.0,
            self.sensor_number.0,
            direction | (self.event_type.0 & 0x7f),
            d1,
            d2,
            d3,
        ]
    }
}

impl Entry {
    /// Length in bytes.
    pub const LENGTH: usize = 16;

    /// Decodes an entry; bytes after the sixteenth are ignored.
    ///
    /// # Errors
    /// When fewer than 16 bytes are there.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, false)
    }

    /// Like [`decode`](Self::decode), but takes undefined record types for
    /// events. Some boards write their events with such a type.
    ///
    /// # Errors
    /// When fewer than 16 bytes are there.
    pub fn decode_assuming_event(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, true)
    }

    fn decode_with(bytes: &[u8], assume_event: bool) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let id = EntryId(reader.u16("entry id")?);
        let record_type = reader.u8("entry type")?;
        let kind = match record_type {
            0x02 => EntryKind::Event(SystemEvent::decode(&mut reader)?),
            0xc0..=0xdf => EntryKind::OemTimestamped {
                time: Timestamp(reader.u32("time stamp")?),
                manufacturer_id: reader.u24("manufacturer id")?,
                data: reader.array("OEM data")?,
            },
            0xe0..=0xff => EntryKind::Oem {
                data: reader.array("OEM data")?,
            },
            _ if assume_event => EntryKind::Event(SystemEvent::decode(&mut reader)?),
            _ => EntryKind::Unknown {
                data: reader.array("entry data")?,
            },
        };
        Ok(Self {
            id,
            record_type,
            kind,
        })
    }

    /// Writes the entry.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let [id_low, id_high] = self.id.0.to_le_bytes();
        let rest = match &self.kind {
            EntryKind::Event(event) => event.encode(),
            EntryKind::OemTimestamped {
                time,
                manufacturer_id,
                data,
            } => {
                let [t0, t1, t2, t3] = time.0.to_le_bytes();
                let [m0, m1, m2, _] = manufacturer_id.to_le_bytes();
                let [a, b, c, d, e, f] = *data;
                [t0, t1, t2, t3, m0, m1, m2, a, b, c, d, e, f]
            }
            EntryKind::Oem { data } | EntryKind::Unknown { data } => *data,
        };
        let mut bytes = [0; Self::LENGTH];
        let fields = [id_low, id_high, self.record_type].into_iter().chain(rest);
        for (slot, byte) in bytes.iter_mut().zip(fields) {
            *slot = byte;
        }
        bytes
    }

    /// When it was logged, if the record says so.
    pub fn time(&self) -> Option<Timestamp> {
        match &self.kind {
            EntryKind::Event(event) => Some(event.time),
            EntryKind::OemTimestamped { time, .. } => Some(*time),
            EntryKind::Oem { .. } | EntryKind::Unknown { .. } => None,
        }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&SystemEvent> {
        match &self.kind {
            EntryKind::Event(event) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn event_fields() {
        let entry = Entry::decode(&hex!("0200 02 3cf15365 2000 04 01 02 81 595d5f")).unwrap();
        let event = entry.event().unwrap();
        assert_eq!(entry.id, EntryId(2));
        assert_eq!(event.generator, OwnerId::BMC);
        assert_eq!(event.direction, Direction::Deasserted);
        assert_eq!(event.event_type, EventReadingType::THRESHOLD);
        assert_eq!(event.offset(), 9);
        assert_eq!(entry.time(), Some(Timestamp(0x6553_f13c)));
    }

    #[test]
    fn undefined_types_are_events_only_by_request() {
        let bytes = hex!("0200 7f 3cf15365 2000 04 01 02 81 595d5f");
        assert!(Entry::decode(&bytes).unwrap().event().is_none());
        assert!(
            Entry::decode_assuming_event(&bytes)
                .unwrap()
                .event()
                .is_some()
        );
    }

    #[test]
    fn short_entry_is_refused() {
        assert!(Entry::decode(&[0; 15]).is_err());
    }

    proptest! {
        #[test]
        fn encoded_entries_come_back(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(Entry::decode(&bytes).unwrap().encode(), bytes);
            prop_assert_eq!(Entry::decode_assuming_event(&bytes).unwrap().encode(), bytes);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(Entry::decode(&bytes).is_ok(), bytes.len() >= Entry::LENGTH);
        }
    }
}
