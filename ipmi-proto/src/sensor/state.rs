//! How bad the states of a sensor are.
//!
//! IPMI does not say which states are good. FreeIPMI does, in tables, and
//! existing alerts rest on its answers, so the tables here are its defaults. It
//! calls a crossed non-critical threshold nominal; [`NonCritical::Warning`] is
//! the other choice.

use super::SensorType;
use super::state_table::SENSOR;
use crate::sdr::{EventClass, EventReadingType};

/// How bad a state or an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing to do.
    Nominal,
    /// Look at it.
    Warning,
    /// Act.
    Critical,
}

impl Severity {
    /// The word that FreeIPMI prints.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Nominal => "Nominal",
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }

    /// Reads a letter of the tables.
    pub(crate) const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'N' => Some(Self::Nominal),
            b'W' => Some(Self::Warning),
            b'C' => Some(Self::Critical),
            _ => None,
        }
    }
}

/// What a crossed non-critical threshold counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonCritical {
    /// Nominal, as in FreeIPMI's default configuration.
    #[default]
    Nominal,
    /// Warning.
    Warning,
}

/// State bits of a reading: comparison status or discrete states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StateBits(u16);

impl StateBits {
    /// Takes both state bytes. Bit 15 is reserved and often set, so it is
    /// dropped.
    pub const fn new(bits: u16) -> Self {
        Self(bits & 0x7fff)
    }

    /// All bits, 0000h-7FFFh.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The six comparison bits of a threshold sensor; the two bits above them
    /// are always set and mean nothing.
    pub const fn comparison(self) -> u8 {
        (self.0 & 0x3f).to_le_bytes()[0]
    }

    /// Offsets of the set bits, from 0.
    pub fn offsets(self) -> impl Iterator<Item = u8> {
        (0_u8..15).filter(move |&offset| self.0 & (1 << offset) != 0)
    }
}

/// Severities of the six comparison bits.
const THRESHOLD: [Severity; 6] = [
    Severity::Nominal,
    Severity::Critical,
    Severity::Critical,
    Severity::Nominal,
    Severity::Critical,
    Severity::Critical,
];

/// Comparison bits that mean "non-critical".
const NON_CRITICAL_BITS: u8 = 0b00_1001;

/// How bad the state of a sensor is: the worst of its set bits.
///
/// Bits without a meaning are ignored. `None` where nothing is known about the
/// pair of event/reading type and sensor type, vendors' own types among them.
pub fn severity(
    event_reading_type: EventReadingType,
    sensor_type: SensorType,
    bits: StateBits,
    non_critical: NonCritical,
) -> Option<Severity> {
    if event_reading_type.class() == EventClass::Threshold {
        return Some(threshold_severity(bits.comparison(), non_critical));
    }
    let row = SENSOR.iter().find(|row| {
        row.event_type == event_reading_type.0 && row.sensor_types.contains(&sensor_type.0)
    })?;
    let worst = bits
        .offsets()
        .filter_map(|offset| row.states.get(usize::from(offset)))
        .filter_map(|&letter| Severity::from_letter(letter))
        .max();
    Some(worst.unwrap_or(Severity::Nominal))
}

fn threshold_severity(comparison: u8, non_critical: NonCritical) -> Severity {
    let worst = THRESHOLD
        .iter()
        .enumerate()
        .filter(|&(bit, _)| comparison & (1 << bit) != 0)
        .map(|(_, &severity)| severity)
        .max()
        .unwrap_or(Severity::Nominal);
    match non_critical {
        NonCritical::Warning if comparison & NON_CRITICAL_BITS != 0 => worst.max(Severity::Warning),
        _ => worst,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(0x00c0, Severity::Nominal, Severity::Nominal)]
    #[case::lower_non_critical(0x00c1, Severity::Nominal, Severity::Warning)]
    #[case::lower_critical(0x00c3, Severity::Critical, Severity::Critical)]
    #[case::upper_non_critical(0x00c8, Severity::Nominal, Severity::Warning)]
    #[case::upper_critical(0x00d8, Severity::Critical, Severity::Critical)]
    #[case::upper_non_recoverable(0x00f8, Severity::Critical, Severity::Critical)]
    #[case::high_bits_mean_nothing(0x7fc0, Severity::Nominal, Severity::Nominal)]
    fn threshold_states(#[case] bits: u16, #[case] nominal: Severity, #[case] warning: Severity) {
        let judge = |non_critical| {
            severity(
                EventReadingType::THRESHOLD,
                SensorType::TEMPERATURE,
                StateBits::new(bits),
                non_critical,
            )
        };
        assert_eq!(judge(NonCritical::Nominal), Some(nominal));
        assert_eq!(judge(NonCritical::Warning), Some(warning));
    }

    #[rstest]
    #[case::power_supply_present(0x6f, 0x08, 0x0001, Some(Severity::Nominal))]
    #[case::power_supply_failed(0x6f, 0x08, 0x0003, Some(Severity::Critical))]
    #[case::reserved_bit(0x6f, 0x08, 0x8001, Some(Severity::Nominal))]
    #[case::unknown_bits_only(0x6f, 0x08, 0x0400, Some(Severity::Nominal))]
    #[case::no_bit(0x08, 0x04, 0x0000, Some(Severity::Nominal))]
    #[case::fan_absent(0x08, 0x04, 0x0001, Some(Severity::Critical))]
    #[case::acpi_unknown_state_is_never_looked_at(0x6f, 0x22, 0x4000, Some(Severity::Nominal))]
    #[case::pair_without_a_row(0x06, 0x0c, 0x0002, None)]
    #[case::oem_sensor_type(0x6f, 0xc0, 0x0001, None)]
    #[case::oem_event_type(0x70, 0x08, 0x0001, None)]
    #[case::undefined_event_type(0x0d, 0x08, 0x0001, None)]
    fn discrete_states(
        #[case] event_type: u8,
        #[case] sensor_type: u8,
        #[case] bits: u16,
        #[case] expected: Option<Severity>,
    ) {
        let severity = severity(
            EventReadingType(event_type),
            SensorType(sensor_type),
            StateBits::new(bits),
            NonCritical::Nominal,
        );
        assert_eq!(severity, expected);
    }

    #[test]
    fn offsets_are_the_set_bits() {
        let offsets: Vec<u8> = StateBits::new(0xc005).offsets().collect();
        assert_eq!(offsets, [0, 2, 14]);
    }
}
