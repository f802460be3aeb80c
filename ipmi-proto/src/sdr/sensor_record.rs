//! Sensor records: full (01h), compact (02h) and event-only (03h).
//!
//! Full and compact records share one type, since whoever reads sensors treats
//! them alike; what only one of them has is in [`SensorBody`].
//! Layouts: IPMI 2.0 sections 43.1-43.3.

use super::{Entity, EventReadingType, OwnerId, RecordId, SensorKey, SensorNumber, id_string};
use crate::sensor::{
    AnalogFormat, Conversion, Factors, Linearization, RawThresholds, SensorType, Thresholds, Unit,
};
use crate::wire::{DecodeError, Lun, Reader};

/// A sensor that may have readings (types 01h and 02h).
#[derive(Clone, Debug, PartialEq)]
pub struct SensorRecord {
    /// Id that the record bears itself.
    pub record_id: RecordId,
    /// Which sensor; for a shared record the first one.
    pub key: SensorKey,
    /// What the sensor belongs to.
    pub entity: Entity,
    /// Initialisation bits as they are. They say what the BMC does at start-up,
    /// not what the sensor does now.
    pub initialization: u8,
    /// What can be asked of the sensor.
    pub capabilities: Capabilities,
    /// What is measured.
    pub sensor_type: SensorType,
    /// What the states mean.
    pub event_reading_type: EventReadingType,
    /// Which events and states exist.
    pub masks: EventMasks,
    /// Unit of the value, if there is one.
    pub unit: Unit,
    /// Hysteresis of the thresholds.
    pub hysteresis: Hysteresis,
    /// Reserved for the vendor.
    pub oem: u8,
    /// What only full or only compact records have.
    pub body: SensorBody,
    /// The name as stored, blanks and all.
    pub name: Box<str>,
}

/// What only full or only compact records have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SensorBody {
    /// A full record: how a raw byte becomes a value.
    Full(Analog),
    /// A compact record: how many sensors it stands for.
    Compact(Sharing),
}

/// A sensor that only sends events (type 03h).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventOnlySensor {
    /// Id that the record bears itself.
    pub record_id: RecordId,
    /// Which sensor; for a shared record the first one.
    pub key: SensorKey,
    /// What the sensor belongs to.
    pub entity: Entity,
    /// What is observed.
    pub sensor_type: SensorType,
    /// What the events mean.
    pub event_reading_type: EventReadingType,
    /// How many sensors the record stands for.
    pub sharing: Sharing,
    /// Reserved for the vendor.
    pub oem: u8,
    /// The name as stored.
    pub name: Box<str>,
}

/// How a raw reading of a full record becomes a value, and the raw limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Analog {
    /// From raw byte to value.
    pub conversion: Conversion,
    /// Tolerance in half raw counts, 0-63.
    pub tolerance: u8,
    /// Accuracy in hundredths of a percent before its exponent, 0-1023.
    pub accuracy: u16,
    /// Power of ten of the accuracy, 0-3.
    pub accuracy_exponent: u8,
    /// Which of nominal, normal maximum and normal minimum are given (bits
    /// 0-2).
    pub given: u8,
    /// Raw nominal reading.
    pub nominal: u8,
    /// Raw normal maximum.
    pub normal_maximum: u8,
    /// Raw normal minimum.
    pub normal_minimum: u8,
    /// Largest raw reading that the sensor can give.
    pub maximum: u8,
    /// Smallest raw reading that the sensor can give.
    pub minimum: u8,
    /// Raw thresholds at start-up.
    pub thresholds: RawThresholds,
}

/// Raw hysteresis values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hysteresis {
    /// For thresholds that are passed going up.
    pub positive: u8,
    /// For thresholds that are passed going down.
    pub negative: u8,
}

/// How many sensors a compact or event-only record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Number of sensors, at least 1; their sensor numbers follow each other.
    pub count: u8,
    /// How the names of the sensors differ.
    pub modifier: IdModifier,
    /// First number or letter of the names, 0-127.
    pub modifier_offset: u8,
    /// Whether the entity instance grows along with the sensor number.
    pub instance_increments: bool,
}

/// How the names of shared sensors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdModifier {
    /// By a decimal number.
    Numeric,
    /// By letters, A for 0.
    Alpha,
    /// A value that the specification reserves.
    Reserved(u8),
}

impl Sharing {
    fn from_bytes(first: u8, second: u8) -> Self {
        Self {
            count: (first & 0x0f).max(1),
            modifier: match (first >> 4) & 0x03 {
                0 => IdModifier::Numeric,
                1 => IdModifier::Alpha,
                other => IdModifier::Reserved(other),
            },
            modifier_offset: second & 0x7f,
            instance_increments: second & 0x80 != 0,
        }
    }

    /// The name of the sensor at `index` (from 0) of those that share a record
    /// named `name`.
    pub fn name(&self, name: &str, index: u8) -> String {
        if self.count <= 1 {
            return name.to_owned();
        }
        let number = self.modifier_offset.saturating_add(index);
        match self.modifier {
            IdModifier::Numeric => format!("{name} {number}"),
            IdModifier::Alpha => format!("{name} {}", letters(number)),
            IdModifier::Reserved(_) => name.to_owned(),
        }
    }

    /// Which of the shared sensors `number` is, counted from 0, when the record
    /// starts at `first`.
    pub fn index_of(&self, first: SensorNumber, number: SensorNumber) -> Option<u8> {
        number
            .0
            .checked_sub(first.0)
            .filter(|&index| index < self.count)
    }
}

/// A, B ... Z, AA, AB ... for 0, 1 ...
fn letters(number: u8) -> String {
    let letter = |value: u8| char::from(b'A'.saturating_add(value));
    match number.checked_div(26) {
        Some(high @ 1..) => [letter(high.saturating_sub(1)), letter(number % 26)]
            .iter()
            .collect(),
        _ => letter(number).into(),
    }
}

/// What can be asked of a sensor (byte 12 of full and compact records).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u8);

/// Whether a sensor's thresholds can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdAccess {
    /// There are none.
    None,
    /// By Get Sensor Thresholds, as far as the mask allows.
    Readable,
    /// Also settable.
    Settable,
    /// There are some, but they can't be asked for.
    Fixed,
}

impl Capabilities {
    /// Ignore the sensor when its entity is absent.
    pub const fn ignore_if_absent(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// The sensor rearms its events by itself.
    pub const fn auto_rearm(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Whether thresholds can be read.
    pub const fn threshold_access(self) -> ThresholdAccess {
        match (self.0 >> 2) & 0x03 {
            0 => ThresholdAccess::None,
            1 => ThresholdAccess::Readable,
            2 => ThresholdAccess::Settable,
            _ => ThresholdAccess::Fixed,
        }
    }
}

/// Which events and states a sensor has (bytes 15-20 of full and compact
/// records).
///
/// For threshold sensors the words mix events and readable bits; the methods
/// take them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventMasks {
    /// Assertion events; for threshold sensors also the lower readable bits.
    pub assertion: u16,
    /// Deassertion events; for threshold sensors also the upper readable bits.
    pub deassertion: u16,
    /// Discrete: states that can occur. Threshold: readable thresholds in the
    /// low byte, settable ones in the high byte.
    pub reading: u16,
}

impl EventMasks {
    /// Thresholds that can be read, bit 0 = lower non-critical ... bit 5 =
    /// upper non-recoverable.
    pub const fn readable_thresholds(self) -> u8 {
        (self.reading & 0x3f).to_le_bytes()[0]
    }

    /// Comparison bits that Get Sensor Reading can return, in the same order.
    pub const fn comparison_bits(self) -> u8 {
        let lower = (self.assertion >> 12) & 0x07;
        let upper = (self.deassertion >> 12) & 0x07;
        (lower | upper << 3).to_le_bytes()[0]
    }
}

/// Whose word counts about who owns a sensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnerPolicy {
    /// The record's.
    #[default]
    Record,
    /// Every sensor is the BMC's own at LUN 0: for boards whose records name
    /// other owners although the BMC answers itself.
    AssumeBmc,
}

/// Why the BMC itself can't be asked for a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The record describes no sensor.
    #[error("the record describes no sensor")]
    NotASensor,
    /// The sensor only sends events.
    #[error("the sensor only sends events")]
    EventOnly,
    /// System software owns the sensor.
    #[error("system software {:#04x} owns the sensor", .0.0)]
    SoftwareOwner(OwnerId),
    /// Another controller owns the sensor; reading it takes a bridge.
    #[error("the controller at {:#04x} on channel {channel} owns the sensor", owner.0)]
    OtherController {
        /// Its slave address.
        owner: OwnerId,
        /// Where it is.
        channel: u8,
    },
}

/// The fields in front of both kinds of sensor record.
struct Common {
    key: SensorKey,
    entity: Entity,
}

impl Common {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let owner = OwnerId(reader.u8("sensor owner")?);
        let owner_lun = reader.u8("sensor owner LUN")?;
        let number = SensorNumber(reader.u8("sensor number")?);
        let entity_id = reader.u8("entity id")?;
        let entity_instance = reader.u8("entity instance")?;
        Ok(Self {
            key: SensorKey {
                owner,
                channel: owner_lun >> 4,
                lun: Lun::from_low_bits(owner_lun),
                number,
            },
            entity: Entity::from_bytes(entity_id, entity_instance),
        })
    }
}

impl SensorRecord {
    pub(super) fn decode_full(record_id: RecordId, body: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(record_id, body, |reader, format| {
            let analog = Analog::decode(reader, format)?;
            let hysteresis = Hysteresis::decode(reader)?;
            reader.take(2, "reserved")?;
            Ok((SensorBody::Full(analog), hysteresis))
        })
    }

    pub(super) fn decode_compact(record_id: RecordId, body: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(record_id, body, |reader, _| {
            let first = reader.u8("record sharing")?;
            let second = reader.u8("record sharing")?;
            let hysteresis = Hysteresis::decode(reader)?;
            reader.take(3, "reserved")?;
            Ok((
                SensorBody::Compact(Sharing::from_bytes(first, second)),
                hysteresis,
            ))
        })
    }

    fn decode(
        record_id: RecordId,
        body: &[u8],
        decode_body: impl FnOnce(
            &mut Reader<'_>,
            AnalogFormat,
        ) -> Result<(SensorBody, Hysteresis), DecodeError>,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let Common { key, entity } = Common::decode(&mut reader)?;
        let initialization = reader.u8("sensor initialization")?;
        let capabilities = Capabilities(reader.u8("sensor capabilities")?);
        let sensor_type = SensorType(reader.u8("sensor type")?);
        let event_reading_type = EventReadingType(reader.u8("event/reading type")?);
        let masks = EventMasks {
            assertion: reader.u16("assertion mask")?,
            deassertion: reader.u16("deassertion mask")?,
            reading: reader.u16("reading mask")?,
        };
        let units: [u8; 3] = reader.array("sensor units")?;
        let format = AnalogFormat::from_units_byte(units[0]);
        let (body, hysteresis) = decode_body(&mut reader, format)?;
        let oem = reader.u8("OEM")?;
        Ok(Self {
            record_id,
            key,
            entity,
            initialization,
            capabilities,
            sensor_type,
            event_reading_type,
            masks,
            unit: Unit::from_bytes(units),
            hysteresis,
            oem,
            body,
            name: id_string::decode(reader.rest()),
        })
    }

    /// Where the BMC itself can be asked for a reading, or why never.
    ///
    /// A sensor of the BMC on LUN 1-3 is asked at that LUN: boards with more
    /// than 255 sensors continue there. The channel of such a sensor does not
    /// matter, since the BMC is where the question goes anyway.
    ///
    /// # Errors
    /// The reason why Get Sensor Reading makes no sense for this record.
    pub fn read_at(&self, policy: OwnerPolicy) -> Result<(Lun, SensorNumber), Unreadable> {
        let SensorKey {
            owner,
            channel,
            lun,
            number,
        } = self.key;
        match policy {
            OwnerPolicy::AssumeBmc => Ok((Lun::BMC, number)),
            OwnerPolicy::Record if owner == OwnerId::BMC => Ok((lun, number)),
            OwnerPolicy::Record if owner.is_software() => Err(Unreadable::SoftwareOwner(owner)),
            OwnerPolicy::Record => Err(Unreadable::OtherController { owner, channel }),
        }
    }

    /// The analog part, if the record is a full one.
    pub fn analog(&self) -> Option<&Analog> {
        match &self.body {
            SensorBody::Full(analog) => Some(analog),
            SensorBody::Compact(_) => None,
        }
    }

    /// How many sensors the record stands for; full records for one.
    pub fn sharing(&self) -> Option<&Sharing> {
        match &self.body {
            SensorBody::Full(_) => None,
            SensorBody::Compact(sharing) => Some(sharing),
        }
    }

    /// Whether the sensor compares a value with thresholds.
    pub fn is_threshold(&self) -> bool {
        self.event_reading_type == EventReadingType::THRESHOLD
    }

    /// The value that a raw reading stands for, in [`unit`](Self::unit).
    ///
    /// `None` for compact records, for discrete sensors, and where
    /// [`Conversion::convert`] has no value. Allocates nothing.
    pub fn value(&self, raw: u8) -> Option<f64> {
        if self.is_threshold() {
            self.analog()?.conversion.convert(raw)
        } else {
            None
        }
    }

    /// Like [`value`](Self::value), also for discrete sensors whose record says
    /// that they have a value: an analog format and a unit. Some HP boards
    /// report fans and power like this.
    pub fn value_even_if_discrete(&self, raw: u8) -> Option<f64> {
        if self.is_threshold() || self.unit.is_given() {
            self.analog()?.conversion.convert(raw)
        } else {
            None
        }
    }

    /// The thresholds of the record, converted, as far as they can be read.
    ///
    /// These are the values at BMC start-up; [`RawThresholds::decode_response`]
    /// has the live ones.
    pub fn thresholds(&self) -> Thresholds {
        match (self.analog(), self.capabilities.threshold_access()) {
            (Some(analog), ThresholdAccess::Readable | ThresholdAccess::Settable)
                if self.is_threshold() =>
            {
                analog
                    .thresholds
                    .convert(&analog.conversion, self.masks.readable_thresholds())
            }
            _ => Thresholds::default(),
        }
    }
}

impl EventOnlySensor {
    pub(super) fn decode(record_id: RecordId, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let Common { key, entity } = Common::decode(&mut reader)?;
        let sensor_type = SensorType(reader.u8("sensor type")?);
        let event_reading_type = EventReadingType(reader.u8("event/reading type")?);
        let first = reader.u8("record sharing")?;
        let second = reader.u8("record sharing")?;
        reader.u8("reserved")?;
        let oem = reader.u8("OEM")?;
        Ok(Self {
            record_id,
            key,
            entity,
            sensor_type,
            event_reading_type,
            sharing: Sharing::from_bytes(first, second),
            oem,
            name: id_string::decode(reader.rest()),
        })
    }
}

impl Hysteresis {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            positive: reader.u8("positive hysteresis")?,
            negative: reader.u8("negative hysteresis")?,
        })
    }
}

impl Analog {
    /// Reads from the linearisation byte up to the last threshold.
    fn decode(reader: &mut Reader<'_>, format: AnalogFormat) -> Result<Self, DecodeError> {
        let linearization = Linearization::from(reader.u8("linearization")?);
        let factors: [u8; 6] = reader.array("conversion factors")?;
        let [_, m_tolerance, _, b_accuracy, accuracy_bits, _] = factors;
        let given = reader.u8("analog flags")?;
        let [nominal, normal_maximum, normal_minimum, maximum, minimum] =
            reader.array("reading limits")?;
        let thresholds: [u8; 6] = reader.array("thresholds")?;
        Ok(Self {
            conversion: Conversion {
                format,
                linearization,
                factors: Factors::from_bytes(factors),
            },
            tolerance: m_tolerance & 0x3f,
            accuracy: u16::from(b_accuracy & 0x3f) | u16::from(accuracy_bits >> 4) << 6,
            accuracy_exponent: (accuracy_bits >> 2) & 0x03,
            given: given & 0x07,
            nominal,
            normal_maximum,
            normal_minimum,
            maximum,
            minimum,
            thresholds: RawThresholds::from_record(thresholds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(letters(0), "A");
        assert_eq!(letters(25), "Z");
        assert_eq!(letters(26), "AA");
        assert_eq!(letters(127), "DX");
    }
}
