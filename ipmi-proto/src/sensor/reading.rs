//! Answers of Get Sensor Reading (IPMI 2.0 section 35.14) and what they mean.

use super::StateBits;

/// A decoded answer with completion code 00h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Raw analog reading; meaningless for most discrete sensors.
    pub raw: u8,
    /// Event messages are enabled.
    pub events_enabled: bool,
    /// The BMC scans the sensor.
    pub scanning_enabled: bool,
    /// The BMC says that it has no reading now.
    pub unavailable: bool,
    /// Comparison status or discrete states.
    pub states: StateBits,
}

impl Reading {
    /// Decodes the answer's data, completion code not included.
    ///
    /// BMCs leave out bytes: without state bytes no state is set, and an answer
    /// of less than two bytes says nothing (`None`). Bytes after the fourth are
    /// ignored.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (&[raw, flags], states) = data.split_first_chunk::<2>()?;
        let states = match *states {
            [] => 0,
            [low] => u16::from(low),
            [low, high, ..] => u16::from_le_bytes([low, high]),
        };
        Some(Self {
            raw,
            events_enabled: flags & 0x80 != 0,
            scanning_enabled: flags & 0x40 != 0,
            unavailable: flags & 0x20 != 0,
            states: StateBits::new(states),
        })
    }

    /// Why the reading does not count, if it does not.
    pub fn absence(&self, policy: ReadingPolicy) -> Option<Absence> {
        if self.unavailable {
            Some(Absence::Unavailable)
        } else if !self.scanning_enabled && policy == ReadingPolicy::Standard {
            Some(Absence::ScanningDisabled)
        } else {
            None
        }
    }
}

/// Whether the scanning bit is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadingPolicy {
    /// Yes.
    #[default]
    Standard,
    /// No: some Dell and HP boards clear it on live sensors.
    IgnoreScanningDisabled,
}

/// Why there is no reading although the BMC answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// The BMC says so (bit 5 of the second byte).
    Unavailable,
    /// The BMC does not scan the sensor.
    ScanningDisabled,
    /// The BMC refuses with a code that boards use for absent hardware.
    NotPresent(u8),
    /// The answer is too short to say anything.
    Empty,
}

/// An answer of Get Sensor Reading, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// There is a reading.
    Reading(Reading),
    /// There is none and that is normal: no series for it.
    Absent(Absence),
    /// The BMC is too busy to say (code C0h): try again soon, the sensor
    /// exists.
    Busy,
    /// The BMC refuses with a code that does not mean absence.
    Refused(u8),
}

/// Codes that boards in the field use for "this sensor is not there now".
const NOT_PRESENT: [u8; 7] = [0xc9, 0xcb, 0xcc, 0xcd, 0xce, 0xd3, 0xd5];

impl Answer {
    /// Judges an answer by its completion code and its data.
    pub fn judge(completion_code: u8, data: &[u8], policy: ReadingPolicy) -> Self {
        match completion_code {
            0x00 => match Reading::decode(data) {
                None => Self::Absent(Absence::Empty),
                Some(reading) => match reading.absence(policy) {
                    Some(absence) => Self::Absent(absence),
                    None => Self::Reading(reading),
                },
            },
            0xc0 => Self::Busy,
            code if NOT_PRESENT.contains(&code) => Self::Absent(Absence::NotPresent(code)),
            // "Unspecified error" together with bits that say why.
            0xff => match Reading::decode(data)
                .and_then(|reading| reading.absence(ReadingPolicy::Standard))
            {
                Some(absence) => Self::Absent(absence),
                None => Self::Refused(0xff),
            },
            code => Self::Refused(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn reading(raw: u8, states: u16) -> Answer {
        Answer::Reading(Reading {
            raw,
            events_enabled: true,
            scanning_enabled: true,
            unavailable: false,
            states: StateBits::new(states),
        })
    }

    #[rstest]
    #[case::whole(0x00, &[0x2d, 0xc0, 0x02, 0x80], reading(0x2d, 0x0002))]
    #[case::extra_bytes(0x00, &[0x2d, 0xc0, 0x02, 0x81, 0x55, 0x66], reading(0x2d, 0x0102))]
    #[case::no_states(0x00, &[0x2d, 0xc0], reading(0x2d, 0))]
    #[case::low_states_only(0x00, &[0x2d, 0xc0, 0xc2], reading(0x2d, 0xc2))]
    #[case::one_byte(0x00, &[0x2d], Answer::Absent(Absence::Empty))]
    #[case::no_byte(0x00, &[], Answer::Absent(Absence::Empty))]
    #[case::unavailable(0x00, &[0x00, 0xe0, 0xc0], Answer::Absent(Absence::Unavailable))]
    #[case::unavailable_first(0x00, &[0x00, 0x20], Answer::Absent(Absence::Unavailable))]
    #[case::not_scanned(0x00, &[0x00, 0x80], Answer::Absent(Absence::ScanningDisabled))]
    #[case::not_present(0xcb, &[], Answer::Absent(Absence::NotPresent(0xcb)))]
    #[case::busy(0xc0, &[], Answer::Busy)]
    #[case::refused(0xc1, &[], Answer::Refused(0xc1))]
    #[case::unspecified(0xff, &[], Answer::Refused(0xff))]
    #[case::unspecified_with_reason(0xff, &[0x00, 0x20], Answer::Absent(Absence::Unavailable))]
    fn answers_are_judged(#[case] code: u8, #[case] data: &[u8], #[case] expected: Answer) {
        assert_eq!(Answer::judge(code, data, ReadingPolicy::Standard), expected);
    }

    #[test]
    fn scanning_bit_can_be_ignored() {
        let answer = Answer::judge(0, &[0x2d, 0x80], ReadingPolicy::IgnoreScanningDisabled);
        assert!(matches!(answer, Answer::Reading(Reading { raw: 0x2d, .. })));
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(code in any::<u8>(), data in proptest::collection::vec(any::<u8>(), 0..16)) {
            if let Answer::Reading(reading) = Answer::judge(code, &data, ReadingPolicy::Standard) {
                prop_assert!(reading.scanning_enabled && !reading.unavailable);
                prop_assert_eq!(Some(&reading.raw), data.first());
            }
        }
    }
}
