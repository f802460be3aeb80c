//! What only vendors' boards log: types, texts and severities of their own.

use super::SystemEvent;
use super::vendor_text::{Products, ROWS, VendorRow};
use crate::sensor::{SensorType, Severity};

/// Which board logged: from Get Device ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Board {
    /// IANA enterprise number, 20 bits.
    pub manufacturer_id: u32,
    /// The manufacturer's own number.
    pub product_id: u16,
}

impl Board {
    const fn new(manufacturer_id: u32, product_id: u16) -> Self {
        Self {
            manufacturer_id,
            product_id,
        }
    }

    /// All PowerEdge servers.
    pub(super) const DELL_POWEREDGE: Self = Self::new(674, 256);
}

impl Products {
    fn contains(&self, product_id: u16) -> bool {
        match *self {
            Self::List(list) => list.contains(&product_id),
            Self::Range(first, last) => (first..=last).contains(&product_id),
        }
    }
}

impl VendorRow {
    fn fits(&self, event: &SystemEvent, board: Board) -> bool {
        let wanted = |expected: Option<u8>, found: u8| expected.is_none_or(|byte| byte == found);
        self.manufacturer == board.manufacturer_id
            && self.products.contains(board.product_id)
            && self.event_type == event.event_type.0
            && wanted(self.sensor_type, event.sensor_type.0)
            && wanted(self.generator, event.generator.0)
            && wanted(self.sensor_number, event.sensor_number.0)
    }
}

/// The vendor's text for the event's offset.
pub(super) fn event_text(event: &SystemEvent, board: Board) -> Option<&'static str> {
    ROWS.iter()
        .filter(|row| row.fits(event, board))
        .find_map(|row| row.texts.get(usize::from(event.offset())))
        .copied()
        .filter(|text| !text.is_empty())
}

const FUJITSU: u32 = 10368;
const FUJITSU_SERVERS: Products = Products::Range(0x0200, 0x05ff);

/// Fujitsu's names for its sensor types: `(sensor type, event types, name)`.
const FUJITSU_SENSOR_TYPES: [(u8, &[u8], &str); 12] = [
    (0xc0, &[0x01, 0x6f], "OEM I2C Bus"),
    (0xdd, &[0x6f], "OEM Power Consumption"),
    (0xde, &[0x6f], "OEM Memory Status"),
    (0xdf, &[0x6f], "OEM Memory Config"),
    (0xe1, &[0x6f], "OEM Memory"),
    (0xe6, &[0x6f], "OEM Fan Status"),
    (0xe8, &[0x6f], "OEM PSU Status"),
    (0xe9, &[0x6f], "OEM PSU Redundancy"),
    (0xea, &[0x6f], "OEM Communication"),
    (0xec, &[0x6f], "OEM Flash"),
    (0xee, &[0x6f], "OEM Event"),
    (0xef, &[0x6f], "OEM Config Backup"),
];

/// The vendor's name for a sensor type.
pub(super) fn type_text(event: &SystemEvent, board: Board) -> Option<&'static str> {
    if board.manufacturer_id != FUJITSU || !FUJITSU_SERVERS.contains(board.product_id) {
        return None;
    }
    FUJITSU_SENSOR_TYPES
        .iter()
        .find(|(code, event_types, _)| {
            SensorType(*code) == event.sensor_type && event_types.contains(&event.event_type.0)
        })
        .map(|&(_, _, name)| name)
}

/// Severities of one kind of event of some boards. Event data 1 is compared
/// whole, flags and all; no byte fits any.
struct SeverityRow {
    boards: &'static [Board],
    event_type: u8,
    sensor_type: u8,
    rules: &'static [(Option<u8>, Severity)],
}

const INTEL_S5500: &[Board] = &[Board::new(343, 40)];
const INTEL_VR_WATCHDOG: &[Board] = &[
    Board::new(343, 40),
    Board::new(343, 62),
    Board::new(343, 64),
];
const NODE_MANAGER: &[Board] = &[
    Board::new(343, 62),
    Board::new(343, 64),
    Board::new(7244, 21401),
    Board::new(20569, 51),
    Board::new(20569, 52),
];
/// Boards with Supermicro firmware, under the four manufacturer ids that it
/// bears in the field.
const SUPERMICRO: &[Board] = &[
    Board::new(5593, 6),
    Board::new(10437, 4),
    Board::new(10876, 1572),
    Board::new(10876, 1574),
    Board::new(10876, 1576),
    Board::new(10876, 1600),
    Board::new(10876, 1603),
    Board::new(47488, 6),
    Board::new(47488, 1037),
    Board::new(47488, 1541),
    Board::new(47488, 1549),
    Board::new(47488, 1551),
    Board::new(47488, 1572),
    Board::new(47488, 1585),
    Board::new(47488, 4520),
    Board::new(47488, 42769),
    Board::new(47488, 43025),
    Board::new(47488, 43707),
    Board::new(47488, 48145),
];

const STATE: &[(Option<u8>, Severity)] = &[
    (Some(0x00), Severity::Nominal),
    (Some(0x01), Severity::Critical),
];

#[rustfmt::skip]
const SEVERITIES: &[SeverityRow] = &[
    SeverityRow { boards: INTEL_S5500, event_type: 0x03, sensor_type: 0xc0, rules: STATE },
    SeverityRow { boards: INTEL_VR_WATCHDOG, event_type: 0x03, sensor_type: 0xf3, rules: STATE },
    SeverityRow { boards: NODE_MANAGER, event_type: 0x72, sensor_type: 0xdc, rules: &[
        (Some(0xa0), Severity::Warning), (Some(0xa1), Severity::Warning),
        (Some(0xa2), Severity::Warning), (Some(0xa8), Severity::Warning),
    ] },
    SeverityRow { boards: NODE_MANAGER, event_type: 0x73, sensor_type: 0xdc, rules: &[
        (Some(0xa2), Severity::Warning),
    ] },
    SeverityRow { boards: NODE_MANAGER, event_type: 0x74, sensor_type: 0xdc, rules: &[
        (None, Severity::Warning),
    ] },
    SeverityRow { boards: NODE_MANAGER, event_type: 0x75, sensor_type: 0xdc, rules: &[
        (Some(0xa0), Severity::Warning),
    ] },
    SeverityRow { boards: SUPERMICRO, event_type: 0x70, sensor_type: 0xc0, rules: &[
        (Some(SUPERMICRO_OVERHEAT), Severity::Critical),
    ] },
];

/// Event data 1 of Supermicro's processor temperature event.
const SUPERMICRO_OVERHEAT: u8 = 0x02;

/// The vendor's severity for the event: the worst of the rules that fit.
pub(super) fn severity(event: &SystemEvent, board: Board) -> Option<Severity> {
    let [data1, _, _] = event.data;
    SEVERITIES
        .iter()
        .filter(|row| {
            row.event_type == event.event_type.0
                && row.sensor_type == event.sensor_type.0
                && row.boards.contains(&board)
        })
        .flat_map(|row| row.rules)
        .filter(|(wanted, _)| wanted.is_none_or(|byte| byte == data1))
        .map(|&(_, severity)| severity)
        .max()
}
