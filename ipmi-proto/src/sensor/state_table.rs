//! Which severity FreeIPMI gives to each state of a sensor by default.
//!
//! One letter per offset: `N` nominal, `W` warning, `C` critical. A pair of
//! event/reading type and sensor type without a row has no known severity.

/// Discrete states of one event/reading type and some sensor types.
pub(super) struct Row {
    pub(super) event_type: u8,
    pub(super) sensor_types: &'static [u8],
    /// One letter per offset.
    pub(super) states: &'static [u8],
}

/// Rows for sensor readings.
#[rustfmt::skip]
pub(super) const SENSOR: &[Row] = &[
    Row { event_type: 0x02, sensor_types: &[0x12], states: b"NNN" },
    Row { event_type: 0x03, sensor_types: &[0x01, 0x02, 0x04, 0x08, 0x09, 0x0e, 0x0f, 0x12], states: b"NW" },
    Row { event_type: 0x03, sensor_types: &[0x05, 0x07, 0x0c, 0x15, 0x1e, 0x20, 0x24], states: b"NC" },
    Row { event_type: 0x03, sensor_types: &[0x0d], states: b"WN" },
    Row { event_type: 0x03, sensor_types: &[0x14], states: b"NN" },
    Row { event_type: 0x04, sensor_types: &[0x0d], states: b"NC" },
    Row { event_type: 0x05, sensor_types: &[0x01, 0x02], states: b"NC" },
    Row { event_type: 0x06, sensor_types: &[0x02], states: b"NC" },
    Row { event_type: 0x07, sensor_types: &[0x01, 0x02, 0x03, 0x04, 0x08, 0x09, 0x0c, 0x0d, 0x0f, 0x12, 0x14, 0x18, 0x19, 0x1b, 0x1e, 0x21, 0x28], states: b"NWCCWCCWN" },
    Row { event_type: 0x08, sensor_types: &[0x04, 0x09, 0x0d, 0x0f, 0x15, 0x25, 0x28], states: b"CN" },
    Row { event_type: 0x0a, sensor_types: &[0x04], states: b"NWWWWWCWC" },
    Row { event_type: 0x0b, sensor_types: &[0x04, 0x08, 0x09, 0x0a, 0x0c], states: b"NCWCCCWW" },
    Row { event_type: 0x6f, sensor_types: &[0x05], states: b"CCCCCCC" },
    Row { event_type: 0x6f, sensor_types: &[0x06, 0x28], states: b"CCCCCC" },
    Row { event_type: 0x6f, sensor_types: &[0x07], states: b"CCCCCCCNCCWCW" },
    Row { event_type: 0x6f, sensor_types: &[0x08], states: b"NCCCCCCW" },
    Row { event_type: 0x6f, sensor_types: &[0x09], states: b"NNWWCCCC" },
    Row { event_type: 0x6f, sensor_types: &[0x0c], states: b"WCCCCWNCNWC" },
    Row { event_type: 0x6f, sensor_types: &[0x0d], states: b"NCCNNCCNC" },
    Row { event_type: 0x6f, sensor_types: &[0x0f], states: b"CCN" },
    Row { event_type: 0x6f, sensor_types: &[0x10], states: b"CCNCCWC" },
    Row { event_type: 0x6f, sensor_types: &[0x12], states: b"WNCNNW" },
    Row { event_type: 0x6f, sensor_types: &[0x13], states: b"CCCWCCCWCCCW" },
    Row { event_type: 0x6f, sensor_types: &[0x14], states: b"NNNWW" },
    Row { event_type: 0x6f, sensor_types: &[0x1b], states: b"NC" },
    Row { event_type: 0x6f, sensor_types: &[0x1e], states: b"CCCCW" },
    Row { event_type: 0x6f, sensor_types: &[0x1f], states: b"NNNNNNWNNWC" },
    Row { event_type: 0x6f, sensor_types: &[0x21], states: b"CWNNNNWWWN" },
    Row { event_type: 0x6f, sensor_types: &[0x22], states: b"NNNNNNNNNNNNNC" },
    Row { event_type: 0x6f, sensor_types: &[0x23], states: b"WCCCNNNNW" },
    Row { event_type: 0x6f, sensor_types: &[0x25], states: b"NCC" },
    Row { event_type: 0x6f, sensor_types: &[0x29], states: b"WCN" },
    Row { event_type: 0x6f, sensor_types: &[0x2a], states: b"NNWC" },
    Row { event_type: 0x6f, sensor_types: &[0x2b], states: b"WWCCCCNN" },
    Row { event_type: 0x6f, sensor_types: &[0x2c], states: b"CCWWNWWC" },
];
