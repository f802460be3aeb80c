//! Identifiers that appear in sensor data records.

use crate::wire::Lun;
use std::fmt;

/// Id of a record inside one repository.
///
/// Stable only as long as the repository does not change; sensors are told
/// apart by [`SensorKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u16);

impl RecordId {
    /// Asks for the first record.
    pub const FIRST: Self = Self(0x0000);
    /// As *next* id: there is no further record.
    pub const END: Self = Self(0xffff);
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a sensor, unique for one owner and LUN only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorNumber(pub u8);

impl fmt::Display for SensorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who owns a sensor: the first owner byte of a record, or the first generator
/// byte of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub u8);

impl OwnerId {
    /// The BMC, at slave address 20h.
    pub const BMC: Self = Self(0x20);

    /// Whether the owner is system software (bit 0), which no BMC can be asked
    /// about.
    pub const fn is_software(self) -> bool {
        self.0 & 0x01 != 0
    }
}

/// What makes a sensor one of a kind on a BMC.
///
/// The number alone does not: boards with more than 255 sensors reuse numbers
/// on other LUNs, and satellites reuse them under other owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorKey {
    /// Owner address or software id.
    pub owner: OwnerId,
    /// Channel of the owner, 0-15; 0 is the primary IPMB.
    pub channel: u8,
    /// LUN of the owner at which the sensor answers.
    pub lun: Lun,
    /// The sensor's number there.
    pub number: SensorNumber,
}

/// What kind of thing a sensor or device belongs to (IPMI 2.0 table 43-13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u8);

impl EntityId {
    /// The words that FreeIPMI prints for this entity.
    pub fn text(self) -> &'static str {
        match self.0 {
            code @ 0x00..=0x42 => NAMED
                .get(usize::from(code))
                .copied()
                .unwrap_or("OEM System Integrator"),
            0x90..=0xaf => "Chassis Specific",
            0xb0..=0xcf => "Board-Set Specific",
            _ => "OEM System Integrator",
        }
    }

    /// Whether the id says nothing: unspecified, other or unknown.
    pub const fn is_vague(self) -> bool {
        self.0 <= 0x02
    }
}

/// Which entity a sensor or device belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// What kind of thing.
    pub id: EntityId,
    /// Which one of that kind, 0-127; from 60h on counted within the owner.
    pub instance: u8,
    /// Whether the instance is a container of other entities and not a thing.
    pub logical: bool,
}

impl Entity {
    /// First instance that is relative to its controller.
    pub const FIRST_DEVICE_RELATIVE: u8 = 0x60;

    pub(super) const fn from_bytes(id: u8, instance: u8) -> Self {
        Self {
            id: EntityId(id),
            instance: instance & 0x7f,
            logical: instance & 0x80 != 0,
        }
    }

    /// The instance as people count it: device-relative ones start at 0 again.
    pub const fn shown_instance(instance: u8) -> u8 {
        match instance.checked_sub(Self::FIRST_DEVICE_RELATIVE) {
            Some(relative) => relative,
            None => instance,
        }
    }
}

/// Event/reading type: what the states of a sensor mean (IPMI 2.0 table 42-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventReadingType(pub u8);

/// The classes of [`EventReadingType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventClass {
    /// 01h: an analog value compared with thresholds.
    Threshold,
    /// 02h-0Ch: states with a meaning of their own.
    Generic,
    /// 6Fh: states whose meaning depends on the sensor type.
    SensorSpecific,
    /// 70h-7Fh: states whose meaning only the vendor knows.
    Oem,
    /// 00h and 0Dh-6Eh: not defined.
    Unknown,
}

impl EventReadingType {
    /// A sensor with thresholds.
    pub const THRESHOLD: Self = Self(0x01);
    /// Digital states in order of severity, also used for "severity" nibbles.
    pub const SEVERITY: Self = Self(0x07);
    /// States defined by the sensor type.
    pub const SENSOR_SPECIFIC: Self = Self(0x6f);

    /// Which class the type belongs to.
    pub const fn class(self) -> EventClass {
        match self.0 {
            0x01 => EventClass::Threshold,
            0x02..=0x0c => EventClass::Generic,
            0x6f => EventClass::SensorSpecific,
            0x70..=0x7f => EventClass::Oem,
            _ => EventClass::Unknown,
        }
    }
}

/// Texts of entities 00h-42h.
#[rustfmt::skip]
const NAMED: [&str; 67] = [
    "Unspecified",
    "Other",
    "Unknown",
    "Processor",
    "Disk",
    "Peripheral Bay",
    "System Management Module",
    "System Board",
    "Memory Module",
    "Processor Module",
    "Power Supply",
    "Add-in Card",
    "Front Panel Board",
    "Back Panel Board",
    "Power System Board",
    "Drive Backplane",
    "System Internal Expansion Board",
    "Other System Board",
    "Processor Board",
    "Power Unit",
    "Power Module",
    "Power Management",
    "Chassis Back Panel Board",
    "System Chassis",
    "Sub-chassis",
    "Other Chassis Board",
    "Disk Drive Bay",
    "Peripheral Bay",
    "Device Bay",
    "Fan",
    "Cooling Unit",
    "Cable/Interconnect",
    "Memory Device",
    "System Management Software",
    "System Firmware",
    "Operating System",
    "System Bus",
    "Group",
    "Remote Management Communication Device",
    "External Environment",
    "Battery",
    "Processing Blade",
    "Connectivity Switch",
    "Processor/Memory Module",
    "I/O Module",
    "Processor/IO module",
    "Management Controller Firmware",
    "IPMI Channel",
    "PCI Bus",
    "PCI Express Bus",
    "SCSI Bus",
    "SATA/SAS bus",
    "Processor/front-side bus",
    "Real Time Clock",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "OEM System Integrator",
    "Air Inlet",
    "Processor",
    "System Board",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_texts_cover_named_and_ranged_codes() {
        assert_eq!(EntityId(0x03).text(), "Processor");
        assert_eq!(EntityId(0x40).text(), "Air Inlet");
        assert_eq!(EntityId(0x42).text(), "System Board");
        assert_eq!(EntityId(0x36).text(), "OEM System Integrator");
        assert_eq!(EntityId(0x90).text(), "Chassis Specific");
        assert_eq!(EntityId(0xcf).text(), "Board-Set Specific");
        assert_eq!(EntityId(0xff).text(), "OEM System Integrator");
    }

    #[test]
    fn device_relative_instances_start_over() {
        assert_eq!(Entity::shown_instance(0x61), 1);
        assert_eq!(Entity::shown_instance(0x5f), 0x5f);
    }
}
