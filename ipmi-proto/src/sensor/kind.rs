//! Sensor types (IPMI 2.0 table 42-3).

/// What a sensor measures or observes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorType(pub u8);

impl SensorType {
    /// Temperatures.
    pub const TEMPERATURE: Self = Self(0x01);
    /// Fans.
    pub const FAN: Self = Self(0x04);
    /// Memory.
    pub const MEMORY: Self = Self(0x0c);

    /// Event logging switched off, or the log full.
    pub const EVENT_LOGGING_DISABLED: Self = Self(0x10);
    /// Tells whether its entity is there.
    pub const ENTITY_PRESENCE: Self = Self(0x25);

    /// The name of a defined type.
    pub fn name(self) -> Option<&'static str> {
        NAMES.get(usize::from(self.0)).copied()
    }

    /// Whether vendors define the type themselves (C0h-FFh).
    pub const fn is_oem(self) -> bool {
        self.0 >= 0xc0
    }

    /// The words in FreeIPMI's list of sensors.
    pub fn text(self) -> &'static str {
        match self.name() {
            Some(name) => name,
            None if self.is_oem() => "OEM Reserved",
            None => "Unrecognized",
        }
    }
}

/// Names of types 00h-2Ch.
const NAMES: [&str; 45] = [
    "Reserved",
    "Temperature",
    "Voltage",
    "Current",
    "Fan",
    "Physical Security",
    "Platform Security Violation Attempt",
    "Processor",
    "Power Supply",
    "Power Unit",
    "Cooling Device",
    "Other Units Based Sensor",
    "Memory",
    "Drive Slot",
    "POST Memory Resize",
    "System Firmware Progress",
    "Event Logging Disabled",
    "Watchdog 1",
    "System Event",
    "Critical Interrupt",
    "Button/Switch",
    "Module/Board",
    "Microcontroller/Coprocessor",
    "Add In Card",
    "Chassis",
    "Chip Set",
    "Other Fru",
    "Cable/Interconnect",
    "Terminator",
    "System Boot Initiated",
    "Boot Error",
    "OS Boot",
    "OS Critical Stop",
    "Slot/Connector",
    "System ACPI Power State",
    "Watchdog 2",
    "Platform Alert",
    "Entity Presence",
    "Monitor ASIC/IC",
    "LAN",
    "Management Subsystem Health",
    "Battery",
    "Session Audit",
    "Version Change",
    "FRU State",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0x00, "Reserved")]
    #[case(0x04, "Fan")]
    #[case(0x2c, "FRU State")]
    #[case(0x2d, "Unrecognized")]
    #[case(0xbf, "Unrecognized")]
    #[case(0xc0, "OEM Reserved")]
    #[case(0xff, "OEM Reserved")]
    fn texts(#[case] code: u8, #[case] text: &str) {
        assert_eq!(SensorType(code).text(), text);
    }
}
