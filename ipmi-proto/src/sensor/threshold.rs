//! Thresholds: raw bytes of a record or of Get Sensor Thresholds, and values.

use super::{Conversion, Linearization};
use crate::wire::{DecodeError, Reader};

/// The six thresholds, in the bit order of masks and comparison status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// Bit 0.
    LowerNonCritical,
    /// Bit 1.
    LowerCritical,
    /// Bit 2.
    LowerNonRecoverable,
    /// Bit 3.
    UpperNonCritical,
    /// Bit 4.
    UpperCritical,
    /// Bit 5.
    UpperNonRecoverable,
}

impl Threshold {
    /// All of them in bit order.
    pub const ALL: [Self; 6] = [
        Self::LowerNonCritical,
        Self::LowerCritical,
        Self::LowerNonRecoverable,
        Self::UpperNonCritical,
        Self::UpperCritical,
        Self::UpperNonRecoverable,
    ];

    /// The threshold's bit in masks and comparison status.
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Whether it is passed by a reading that rises.
    pub const fn is_upper(self) -> bool {
        matches!(
            self,
            Self::UpperNonCritical | Self::UpperCritical | Self::UpperNonRecoverable
        )
    }
}

/// Raw threshold bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawThresholds {
    /// Lower non-critical.
    pub lower_non_critical: u8,
    /// Lower critical.
    pub lower_critical: u8,
    /// Lower non-recoverable.
    pub lower_non_recoverable: u8,
    /// Upper non-critical.
    pub upper_non_critical: u8,
    /// Upper critical.
    pub upper_critical: u8,
    /// Upper non-recoverable.
    pub upper_non_recoverable: u8,
}

impl RawThresholds {
    /// Takes the bytes in the order of a full record, most severe first.
    pub(crate) const fn from_record(bytes: [u8; 6]) -> Self {
        let [unr, uc, unc, lnr, lc, lnc] = bytes;
        Self {
            lower_non_critical: lnc,
            lower_critical: lc,
            lower_non_recoverable: lnr,
            upper_non_critical: unc,
            upper_critical: uc,
            upper_non_recoverable: unr,
        }
    }

    /// Decodes the answer of Get Sensor Thresholds (IPMI 2.0 section 35.9):
    /// which thresholds are readable, as a mask, and the thresholds. The order
    /// of the bytes there is not that of a record.
    ///
    /// # Errors
    /// When fewer than seven bytes are there.
    pub fn decode_response(data: &[u8]) -> Result<(u8, Self), DecodeError> {
        let mut reader = Reader::new(data);
        let readable = reader.u8("readable thresholds")? & 0x3f;
        let [lnc, lc, lnr, unc, uc, unr] = reader.array("thresholds")?;
        Ok((
            readable,
            Self {
                lower_non_critical: lnc,
                lower_critical: lc,
                lower_non_recoverable: lnr,
                upper_non_critical: unc,
                upper_critical: uc,
                upper_non_recoverable: unr,
            },
        ))
    }

    /// One raw threshold.
    pub const fn get(&self, threshold: Threshold) -> u8 {
        match threshold {
            Threshold::LowerNonCritical => self.lower_non_critical,
            Threshold::LowerCritical => self.lower_critical,
            Threshold::LowerNonRecoverable => self.lower_non_recoverable,
            Threshold::UpperNonCritical => self.upper_non_critical,
            Threshold::UpperCritical => self.upper_critical,
            Threshold::UpperNonRecoverable => self.upper_non_recoverable,
        }
    }

    /// Values of the thresholds in the mask `readable`.
    ///
    /// With the function 1/x a small raw threshold is a large value: upper and lower
    /// ones change places then.
    pub fn convert(&self, conversion: &Conversion, readable: u8) -> Thresholds {
        let by_name = self.convert_by_name(conversion, readable);
        if conversion.linearization == Linearization::Reciprocal {
            by_name.swapped()
        } else {
            by_name
        }
    }

    fn convert_by_name(&self, conversion: &Conversion, readable: u8) -> Thresholds {
        let value = |threshold: Threshold| {
            if readable & threshold.bit() == 0 {
                return None;
            }
            conversion.convert(self.get(threshold))
        };
        Thresholds {
            lower_non_critical: value(Threshold::LowerNonCritical),
            lower_critical: value(Threshold::LowerCritical),
            lower_non_recoverable: value(Threshold::LowerNonRecoverable),
            upper_non_critical: value(Threshold::UpperNonCritical),
            upper_critical: value(Threshold::UpperCritical),
            upper_non_recoverable: value(Threshold::UpperNonRecoverable),
        }
    }
}

/// Threshold values in the sensor's unit; `None` where there is none.
///
/// A sensor with a negative M has its *upper* thresholds at the smaller values: they
/// are named for the raw bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Lower non-critical.
    pub lower_non_critical: Option<f64>,
    /// Lower critical.
    pub lower_critical: Option<f64>,
    /// Lower non-recoverable.
    pub lower_non_recoverable: Option<f64>,
    /// Upper non-critical.
    pub upper_non_critical: Option<f64>,
    /// Upper critical.
    pub upper_critical: Option<f64>,
    /// Upper non-recoverable.
    pub upper_non_recoverable: Option<f64>,
}

impl Thresholds {
    const fn swapped(self) -> Self {
        Self {
            lower_non_critical: self.upper_non_critical,
            lower_critical: self.upper_critical,
            lower_non_recoverable: self.upper_non_recoverable,
            upper_non_critical: self.lower_non_critical,
            upper_critical: self.lower_critical,
            upper_non_recoverable: self.lower_non_recoverable,
        }
    }

    /// One threshold.
    pub const fn get(&self, threshold: Threshold) -> Option<f64> {
        match threshold {
            Threshold::LowerNonCritical => self.lower_non_critical,
            Threshold::LowerCritical => self.lower_critical,
            Threshold::LowerNonRecoverable => self.lower_non_recoverable,
            Threshold::UpperNonCritical => self.upper_non_critical,
            Threshold::UpperCritical => self.upper_critical,
            Threshold::UpperNonRecoverable => self.upper_non_recoverable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::{AnalogFormat, Factors};

    #[test]
    fn record_and_answer_orders_differ() {
        let record = RawThresholds::from_record([6, 5, 4, 3, 2, 1]);
        let (readable, answer) = RawThresholds::decode_response(&[0xff, 1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(record, answer);
        assert_eq!(readable, 0x3f);
        assert_eq!(
            Threshold::ALL.map(|threshold| record.get(threshold)),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn only_readable_thresholds_have_values() {
        let conversion = Conversion {
            format: AnalogFormat::Unsigned,
            linearization: Linearization::Linear,
            factors: Factors {
                m: 2,
                ..Factors::default()
            },
        };
        let raw = RawThresholds::from_record([6, 5, 4, 3, 2, 1]);
        let thresholds = raw.convert(&conversion, 0b01_0010);
        assert_eq!(
            thresholds,
            Thresholds {
                lower_critical: Some(4.0),
                upper_critical: Some(10.0),
                ..Thresholds::default()
            }
        );
    }

    #[test]
    fn one_by_x_turns_upper_into_lower() {
        let conversion = Conversion {
            format: AnalogFormat::Unsigned,
            linearization: Linearization::Reciprocal,
            factors: Factors {
                m: 1,
                ..Factors::default()
            },
        };
        // Raw 200 is 0.005, raw 10 is 0.1.
        let raw = RawThresholds {
            upper_critical: 200,
            lower_critical: 10,
            ..RawThresholds::default()
        };
        let thresholds = raw.convert(&conversion, 0b01_0010);
        assert_eq!(thresholds.upper_critical, Some(0.1));
        assert_eq!(thresholds.lower_critical, Some(0.005));
    }
}
