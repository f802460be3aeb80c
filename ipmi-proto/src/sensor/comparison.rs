//! Comparison status as arithmetic has it.
//!
//! Get Sensor Reading tells for each threshold whether it is reached. Some BMCs
//! have the bits in the wrong places or at random, and the reading itself
//! contradicts them.

use super::{AnalogFormat, RawThresholds, StateBits, Threshold};
use crate::sdr::Hysteresis;

/// Which thresholds a reading has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Comparison bits, as [`StateBits::comparison`] has them.
    pub bits: u8,
    /// Whether the BMC says otherwise about any of the thresholds that were
    /// compared.
    pub disagrees: bool,
}

impl Comparison {
    /// Compares `raw` with the `known` ones (by [bit](Threshold::bit)) of
    /// `thresholds`. Within the hysteresis of a threshold, and for thresholds that are
    /// not known, what the BMC `reported` counts. `None` for sensors without an
    /// analog format.
    pub fn new(
        raw: u8,
        reported: StateBits,
        format: AnalogFormat,
        thresholds: &RawThresholds,
        known: u8,
        hysteresis: Hysteresis,
    ) -> Option<Self> {
        let x = format.number(raw)?;
        let reported = reported.comparison();
        let mut bits = 0;
        for threshold in Threshold::ALL {
            let bit = threshold.bit();
            let is_set = if known & bit == 0 {
                reported & bit != 0
            } else {
                let limit = format.number(thresholds.get(threshold))?;
                let (beyond, slack) = if threshold.is_upper() {
                    (x.saturating_sub(limit), hysteresis.positive)
                } else {
                    (limit.saturating_sub(x), hysteresis.negative)
                };
                // FFh stands for a hysteresis that cannot be told.
                let slack = if slack == 0xff { 0 } else { i16::from(slack) };
                if beyond >= 0 {
                    true
                } else if beyond.saturating_add(slack) < 0 {
                    false
                } else {
                    reported & bit != 0
                }
            };
            if is_set {
                bits |= bit;
            }
        }
        Some(Self {
            bits,
            disagrees: bits != reported,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Limits 10, 5, 2 below and 80, 90, 95 above; two raw counts of hysteresis.
    const LIMITS: RawThresholds = RawThresholds {
        lower_non_critical: 10,
        lower_critical: 5,
        lower_non_recoverable: 2,
        upper_non_critical: 80,
        upper_critical: 90,
        upper_non_recoverable: 95,
    };
    const SLACK: Hysteresis = Hysteresis {
        positive: 2,
        negative: 2,
    };

    fn compare(raw: u8, reported: u16, known: u8) -> Comparison {
        Comparison::new(
            raw,
            StateBits::new(reported),
            AnalogFormat::Unsigned,
            &LIMITS,
            known,
            SLACK,
        )
        .unwrap()
    }

    #[rstest]
    #[case::in_between(50, 0xc0, 0b00_0000, false)]
    #[case::warm(80, 0xc8, 0b00_1000, false)]
    #[case::hot(90, 0xd8, 0b01_1000, false)]
    #[case::cold(5, 0xc3, 0b00_0011, false)]
    #[case::just_left_and_still_told(79, 0xc8, 0b00_1000, false)]
    #[case::just_left_and_not_told(79, 0xc0, 0b00_0000, false)]
    #[case::left_for_good_but_told(77, 0xc8, 0b00_0000, true)]
    #[case::reached_but_not_told(91, 0xc0, 0b01_1000, true)]
    // Upper critical in the place of a lower threshold, as OpenBMC once had it.
    #[case::shifted(91, 0x08, 0b01_1000, true)]
    #[case::random(50, 0xd2, 0b00_0000, true)]
    fn bits_follow_the_reading(
        #[case] raw: u8,
        #[case] reported: u16,
        #[case] bits: u8,
        #[case] disagrees: bool,
    ) {
        assert_eq!(compare(raw, reported, 0x3f), Comparison { bits, disagrees });
    }

    #[test]
    fn thresholds_that_are_not_known_are_left_to_the_bmc() {
        let compared = compare(91, 0x21, 0b01_0000);
        assert_eq!((compared.bits, compared.disagrees), (0b11_0001, true));
        assert!(!compare(91, 0x00, 0).disagrees);
    }

    #[test]
    fn signed_readings_are_compared_as_such() {
        let limits = RawThresholds {
            upper_critical: 0x05,
            lower_critical: 0xf6,
            ..RawThresholds::default()
        };
        let bits = |raw: u8| {
            let format = AnalogFormat::TwosComplement;
            let none = Hysteresis::default();
            Comparison::new(raw, StateBits::new(0), format, &limits, 0b01_0010, none)
                .unwrap()
                .bits
        };
        // -10 is the lower limit, 5 the upper one.
        assert_eq!(
            [bits(0xf5), bits(0xf7), bits(0x06)],
            [0b00_0010, 0, 0b01_0000]
        );
    }

    proptest! {
        /// What arithmetic says once, it says again.
        #[test]
        fn a_second_look_changes_nothing(raw: u8, reported: u16, known in 0_u8..64) {
            let first = compare(raw, reported, known);
            let second = compare(raw, u16::from(first.bits), known);
            prop_assert_eq!(second, Comparison { disagrees: false, ..first });
        }
    }
}
