//! Groups of fields inside sensor records (IPMI 2.0 sections 43.1-43.3).

use super::SensorNumber;
use crate::sensor::{AnalogFormat, Conversion, Factors, Linearization, RawThresholds};
use crate::wire::{DecodeError, Reader};

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
    pub(super) fn from_bytes(first: u8, second: u8) -> Self {
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

impl Hysteresis {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            positive: reader.u8("positive hysteresis")?,
            negative: reader.u8("negative hysteresis")?,
        })
    }
}

impl Analog {
    /// Reads from the linearisation byte up to the last threshold.
    pub(super) fn decode(
        reader: &mut Reader<'_>,
        format: AnalogFormat,
    ) -> Result<Self, DecodeError> {
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
