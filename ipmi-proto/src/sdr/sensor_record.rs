//! Sensor records: full (01h), compact (02h) and event-only (03h).
//!
//! Full and compact records share one type, since whoever reads sensors treats
//! them alike; what only one of them has is in [`SensorBody`].
//! Layouts: IPMI 2.0 sections 43.1-43.3.

use super::{
    Analog, Capabilities, Entity, EventMasks, EventReadingType, Hysteresis, OwnerId, RecordId,
    SensorKey, SensorNumber, Sharing, ThresholdAccess, id_string,
};
use crate::sensor::{AnalogFormat, SensorType, Thresholds, Unit};
use crate::wire::{DecodeError, Lun, Reader, Route};

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

/// Whose word counts about who owns a sensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnerPolicy {
    /// The record's.
    #[default]
    Record,
    /// Every sensor is the BMC's own at LUN 0: for boards whose records name
    /// other owners although the BMC answers itself.
    AssumeBmc,
    /// The record's, and sensors of other controllers are asked through the BMC.
    Bridge,
}

/// Where a sensor can be asked for a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorPlace {
    /// The way to its controller.
    pub route: Route,
    /// The controller's LUN.
    pub lun: Lun,
    /// The sensor's number there; for a shared record that of the first one.
    pub number: SensorNumber,
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

    /// Where to ask for a reading, or why never.
    ///
    /// `kept_by` is the controller that gave the record out: [`Route::Bmc`] for those
    /// of the BMC's repository. Device SDRs of a satellite are about its own sensors,
    /// whatever channel they name, as it knows nothing of the way to itself.
    ///
    /// # Errors
    /// The reason why Get Sensor Reading makes no sense for this record.
    pub fn place(&self, policy: OwnerPolicy, kept_by: Route) -> Result<SensorPlace, Unreadable> {
        let SensorKey {
            owner,
            channel,
            lun,
            number,
        } = self.key;
        let (route, lun) = match policy {
            OwnerPolicy::AssumeBmc if kept_by == Route::Bmc => (Route::Bmc, Lun::BMC),
            _ if owner.is_software() => return Err(Unreadable::SoftwareOwner(owner)),
            _ if kept_by.is_bridged() => (kept_by, lun),
            OwnerPolicy::Bridge => (Route::to(channel, owner.0), lun),
            _ if owner == OwnerId::BMC => (Route::Bmc, lun),
            _ => return Err(Unreadable::OtherController { owner, channel }),
        };
        Ok(SensorPlace { route, lun, number })
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
        let place = self.place(policy, Route::Bmc)?;
        if place.route.is_bridged() {
            let SensorKey { owner, channel, .. } = self.key;
            return Err(Unreadable::OtherController { owner, channel });
        }
        Ok((place.lun, place.number))
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
    /// [`Conversion::convert`](crate::sensor::Conversion::convert) has no value. Allocates nothing.
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
    /// These are the values at BMC start-up; [`decode_response`](crate::sensor::RawThresholds::decode_response)
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

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use rstest::rstest;

    use super::*;
    use crate::sdr::Record;
    use crate::sensor::Quantity;

    /// Inlet temperature of a PowerEdge R630.
    const INLET: [u8; 58] = hex!(
        "120051013520000407017f680101853285321b09000100"
        "00010280c230000797c58bff00ffafaa0079830101000000ca496e6c65742054656d70"
    );

    fn sensor(bytes: &[u8]) -> SensorRecord {
        match Record::decode(bytes) {
            Ok(Record::Sensor(sensor)) => sensor,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn stays_small() {
        assert!(size_of::<SensorRecord>() <= 112);
    }

    #[rstest]
    #[case::bmc(0x20, 0x00, Ok((0, 4)))]
    #[case::bmc_on_another_lun(0x20, 0x03, Ok((3, 4)))]
    #[case::bmc_with_a_channel(0x20, 0x60, Ok((0, 4)))]
    #[case::software(0x41, 0x00, Err(Unreadable::SoftwareOwner(OwnerId(0x41))))]
    #[case::satellite(0x2c, 0x60, Err(Unreadable::OtherController { owner: OwnerId(0x2c), channel: 6 }))]
    fn owner_decides_where_to_read(
        #[case] owner: u8,
        #[case] channel_and_lun: u8,
        #[case] expected: Result<(u8, u8), Unreadable>,
    ) {
        let mut bytes = INLET;
        (bytes[5], bytes[6]) = (owner, channel_and_lun);
        let sensor = sensor(&bytes);
        let place = |(lun, number): (Lun, SensorNumber)| (lun.value(), number.0);
        assert_eq!(sensor.read_at(OwnerPolicy::Record).map(place), expected);
        assert_eq!(
            sensor.read_at(OwnerPolicy::AssumeBmc).map(place),
            Ok((0, 4))
        );
        // Through the BMC, other controllers can be asked too.
        let bridged = sensor.place(OwnerPolicy::Bridge, Route::Bmc);
        match expected {
            Err(Unreadable::OtherController { owner, channel }) => {
                assert_eq!(bridged.unwrap().route, Route::to(channel, owner.0));
            }
            Err(error) => assert_eq!(bridged, Err(error)),
            Ok((lun, _)) => {
                let place = bridged.unwrap();
                assert_eq!((place.route, place.lun.value()), (Route::Bmc, lun));
            }
        }
        // What a satellite keeps is its own, but for what software owns.
        let kept_by = Route::to(7, 0x72);
        for policy in [
            OwnerPolicy::Record,
            OwnerPolicy::Bridge,
            OwnerPolicy::AssumeBmc,
        ] {
            let kept = sensor.place(policy, kept_by).map(|place| place.route);
            let is_software = OwnerId(owner).is_software();
            assert_eq!(kept.ok(), (!is_software).then_some(kept_by));
        }
    }

    #[test]
    fn full_record_fields() {
        let sensor = sensor(&INLET);
        assert_eq!(&*sensor.name, "Inlet Temp");
        assert_eq!(sensor.unit.quantity(), Quantity::Celsius);
        assert_eq!(
            sensor.capabilities.threshold_access(),
            ThresholdAccess::Settable
        );
        assert_eq!(sensor.masks.readable_thresholds(), 0x1b);
        assert_eq!(sensor.masks.comparison_bits(), 0x1b);
        assert_eq!(sensor.hysteresis.negative, 0x01);
        assert!(sensor.sharing().is_none());
    }

    #[test]
    fn discrete_sensor_has_a_value_only_on_request() {
        let mut bytes = INLET;
        bytes[13] = 0x6f;
        let with_unit = sensor(&bytes);
        assert_eq!(with_unit.value(0x99), None);
        assert!(with_unit.value_even_if_discrete(0x99).is_some());
        // Without a unit, or without an analog format, there is none.
        bytes[21] = 0;
        assert_eq!(sensor(&bytes).value_even_if_discrete(0x99), None);
        (bytes[20], bytes[21]) = (0xc0, 1);
        assert_eq!(sensor(&bytes).value_even_if_discrete(0x99), None);
    }

    #[test]
    fn thresholds_without_access_are_hidden() {
        let mut bytes = INLET;
        assert!(sensor(&bytes).thresholds().upper_critical.is_some());
        for access in [0x00, 0x0c] {
            bytes[11] = access;
            assert_eq!(sensor(&bytes).thresholds(), Thresholds::default());
        }
    }
}
