//! Which severity FreeIPMI gives to each logged event by default.
//!
//! One letter per event offset: `N` nominal, `W` warning, `C` critical; one
//! string for assertions and one for deassertions. A pair of event type and
//! sensor type without a row has no known severity.

/// Events of one type and some sensor types.
pub(super) struct Row {
    pub(super) event_type: u8,
    pub(super) sensor_types: &'static [u8],
    /// One letter per offset.
    pub(super) asserted: &'static [u8],
    /// The same for deassertions.
    pub(super) deasserted: &'static [u8],
}

/// Rows for discrete events.
#[rustfmt::skip]
pub(super) const DISCRETE: &[Row] = &[
    Row { event_type: 0x02, sensor_types: &[0x12], asserted: b"NNN", deasserted: b"NNN" },
    Row { event_type: 0x03, sensor_types: &[0x01, 0x02, 0x04, 0x08, 0x09, 0x0e, 0x0f, 0x12], asserted: b"NW", deasserted: b"NW" },
    Row { event_type: 0x03, sensor_types: &[0x05, 0x07, 0x0c, 0x15, 0x1e, 0x20, 0x24], asserted: b"NC", deasserted: b"NC" },
    Row { event_type: 0x03, sensor_types: &[0x0d], asserted: b"WN", deasserted: b"WN" },
    Row { event_type: 0x03, sensor_types: &[0x14], asserted: b"NN", deasserted: b"NN" },
    Row { event_type: 0x04, sensor_types: &[0x0d], asserted: b"NC", deasserted: b"NC" },
    Row { event_type: 0x05, sensor_types: &[0x01, 0x02], asserted: b"NC", deasserted: b"NC" },
    Row { event_type: 0x06, sensor_types: &[0x02], asserted: b"NC", deasserted: b"NW" },
    Row { event_type: 0x07, sensor_types: &[0x01, 0x02, 0x03, 0x04, 0x08, 0x09, 0x0c, 0x0d, 0x0f, 0x12, 0x14, 0x18, 0x19, 0x1b, 0x1e, 0x21, 0x28], asserted: b"NWCCWCCWN", deasserted: b"NWCCWCCWN" },
    Row { event_type: 0x08, sensor_types: &[0x04, 0x09, 0x0d, 0x0f, 0x15, 0x25, 0x28], asserted: b"CN", deasserted: b"CN" },
    Row { event_type: 0x0a, sensor_types: &[0x04], asserted: b"NWWWWWCWC", deasserted: b"NWWWWWWWC" },
    Row { event_type: 0x0b, sensor_types: &[0x04, 0x08, 0x09, 0x0a, 0x0c], asserted: b"NCWCCCWW", deasserted: b"NWWWWWWW" },
    Row { event_type: 0x6f, sensor_types: &[0x05], asserted: b"CCCCCCC", deasserted: b"CCCCCCC" },
    Row { event_type: 0x6f, sensor_types: &[0x06, 0x28], asserted: b"CCCCCC", deasserted: b"CCCCCC" },
    Row { event_type: 0x6f, sensor_types: &[0x07], asserted: b"CCCCCCCNCCWCW", deasserted: b"CCCCCCCNCCWCW" },
    Row { event_type: 0x6f, sensor_types: &[0x08], asserted: b"NCCCCCCW", deasserted: b"NCCWWWCW" },
    Row { event_type: 0x6f, sensor_types: &[0x09], asserted: b"NNWWCCCC", deasserted: b"NNNWWCCC" },
    Row { event_type: 0x6f, sensor_types: &[0x0c], asserted: b"WCCCCWNCNWC", deasserted: b"WCCCCWNCNWC" },
    Row { event_type: 0x6f, sensor_types: &[0x0d], asserted: b"NCCNNCCNC", deasserted: b"NCCNNCCNC" },
    Row { event_type: 0x6f, sensor_types: &[0x0f], asserted: b"CCN", deasserted: b"CCN" },
    Row { event_type: 0x6f, sensor_types: &[0x10], asserted: b"CCNCCWC", deasserted: b"CCNCCWC" },
    Row { event_type: 0x6f, sensor_types: &[0x12], asserted: b"WNCNNW", deasserted: b"WNCNNW" },
    Row { event_type: 0x6f, sensor_types: &[0x13], asserted: b"CCCWCCCWCCCW", deasserted: b"CCCWCCCWCCCW" },
    Row { event_type: 0x6f, sensor_types: &[0x14], asserted: b"NNNWW", deasserted: b"NNNWW" },
    Row { event_type: 0x6f, sensor_types: &[0x19], asserted: b"CC", deasserted: b"CC" },
    Row { event_type: 0x6f, sensor_types: &[0x1b], asserted: b"NC", deasserted: b"NC" },
    Row { event_type: 0x6f, sensor_types: &[0x1d], asserted: b"NNNNNWWN", deasserted: b"NNNNNWWN" },
    Row { event_type: 0x6f, sensor_types: &[0x1e], asserted: b"CCCCW", deasserted: b"CCCCW" },
    Row { event_type: 0x6f, sensor_types: &[0x1f], asserted: b"NNNNNNWNNWC", deasserted: b"NNNNNNWNNWC" },
    Row { event_type: 0x6f, sensor_types: &[0x20], asserted: b"CCWWWC", deasserted: b"CCWWWC" },
    Row { event_type: 0x6f, sensor_types: &[0x21], asserted: b"CWNNNNWWWN", deasserted: b"CWNNNNWWWN" },
    Row { event_type: 0x6f, sensor_types: &[0x22], asserted: b"NNNNNNNNNNNNNCC", deasserted: b"NNNNNNNNNNNNNCC" },
    Row { event_type: 0x6f, sensor_types: &[0x23], asserted: b"WCCCNNNNW", deasserted: b"WCCCNNNNW" },
    Row { event_type: 0x6f, sensor_types: &[0x24], asserted: b"NNNN", deasserted: b"NNNN" },
    Row { event_type: 0x6f, sensor_types: &[0x25], asserted: b"NCC", deasserted: b"NCC" },
    Row { event_type: 0x6f, sensor_types: &[0x27], asserted: b"NW", deasserted: b"NW" },
    Row { event_type: 0x6f, sensor_types: &[0x29], asserted: b"WCN", deasserted: b"WCN" },
    Row { event_type: 0x6f, sensor_types: &[0x2a], asserted: b"NNWC", deasserted: b"NNWC" },
    Row { event_type: 0x6f, sensor_types: &[0x2b], asserted: b"WWCCCCNN", deasserted: b"WWCCCCNN" },
    Row { event_type: 0x6f, sensor_types: &[0x2c], asserted: b"CCWWNWWC", deasserted: b"CCWWNWWC" },
];

/// Threshold events (type 01h) of every sensor type.
pub(super) const THRESHOLD_ASSERTED: &[u8] = b"WNCWCCNWWCCC";
/// The same for deassertions.
pub(super) const THRESHOLD_DEASSERTED: &[u8] = b"NNWWCCNNWWCC";
