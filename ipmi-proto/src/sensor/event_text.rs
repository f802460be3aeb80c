//! Words for the offsets of discrete states and of events.

use super::generic_text::{GENERIC, THRESHOLD_STATUS};
use super::specific_text::SPECIFIC;
use super::{SensorType, StateBits};
use crate::sdr::{EventClass, EventReadingType};

/// FreeIPMI's short text for one event offset; for discrete sensors the states
/// have the same offsets.
///
/// `None` where the specification leaves the offset, or the vendor the whole
/// type, undefined.
pub fn event_text(
    event_reading_type: EventReadingType,
    sensor_type: SensorType,
    offset: u8,
) -> Option<&'static str> {
    let texts: &[&str] = match event_reading_type.class() {
        EventClass::Threshold | EventClass::Generic => GENERIC
            .get(usize::from(event_reading_type.0).checked_sub(1)?)
            .copied()?,
        EventClass::SensorSpecific => {
            let index = SPECIFIC
                .binary_search_by_key(&sensor_type.0, |&(code, _)| code)
                .ok()?;
            SPECIFIC.get(index).map(|&(_, texts)| texts)?
        }
        EventClass::Oem | EventClass::Unknown => return None,
    };
    texts
        .get(usize::from(offset))
        .copied()
        .filter(|text| !text.is_empty())
}

/// FreeIPMI's text for a comparison bit (0-5) of a threshold reading.
pub fn threshold_status_text(bit: u8) -> Option<&'static str> {
    THRESHOLD_STATUS.get(usize::from(bit)).copied()
}

/// The set states of a reading with their words: `(offset, text)`.
pub fn states(
    event_reading_type: EventReadingType,
    sensor_type: SensorType,
    bits: StateBits,
) -> impl Iterator<Item = (u8, Option<&'static str>)> {
    let threshold = event_reading_type.class() == EventClass::Threshold;
    bits.offsets()
        .take_while(move |&offset| !threshold || offset < 6)
        .map(move |offset| {
            let text = if threshold {
                threshold_status_text(offset)
            } else {
                event_text(event_reading_type, sensor_type, offset)
            };
            (offset, text)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_table_is_sorted() {
        assert!(SPECIFIC.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn words_by_class() {
        let text = |event_type, sensor_type, offset| {
            event_text(
                EventReadingType(event_type),
                SensorType(sensor_type),
                offset,
            )
        };
        assert_eq!(text(0x01, 0x01, 9), Some("Upper Critical - going high"));
        assert_eq!(text(0x0c, 0x22, 3), Some("D3 Power State"));
        assert_eq!(text(0x6f, 0x08, 3), Some("Power Supply input lost (AC/DC)"));
        assert_eq!(text(0x6f, 0x19, 1), None);
        assert_eq!(text(0x6f, 0x01, 0), None);
        assert_eq!(text(0x70, 0x08, 0), None);
        assert_eq!(text(0x00, 0x08, 0), None);
        assert_eq!(text(0x03, 0x08, 2), None);
    }

    #[test]
    fn states_of_a_reading() {
        let threshold: Vec<_> = states(
            EventReadingType::THRESHOLD,
            SensorType::FAN,
            StateBits::new(0x00c1),
        )
        .collect();
        assert_eq!(
            threshold,
            [(0, Some("At or Below (<=) Lower Non-Critical Threshold"))]
        );
        let discrete: Vec<_> = states(
            EventReadingType::SENSOR_SPECIFIC,
            SensorType(0x25),
            StateBits::new(0x8012),
        )
        .collect();
        assert_eq!(discrete, [(1, Some("Entity Absent")), (4, None)]);
    }
}
