//! Names, words and severities of log entries, as FreeIPMI's `ipmi-sel` prints
//! them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::vendor::{self, Board};
use super::{Entry, EntryKind, SystemEvent, data_text, dell, severity};
use crate::sdr::{EventClass, EventReadingType, Record, SensorDirectory};
use crate::sensor::{self, SensorType, Severity, freeipmi_hundredths};

/// Event data that was not given.
const UNSPECIFIED: u8 = 0xff;

/// FreeIPMI's labels of the nibbles that say what was before and how bad it was.
const PREVIOUS_STATE: &str = "Previous State";
const SEVERITY_STATE: &str = "Severity State";

/// Turns entries into words with the help of the SDR and the board's identity.
///
/// Without either it still works, only with fewer names.
#[derive(Clone, Copy, Debug)]
pub struct Interpreter<'a> {
    directory: Option<&'a SensorDirectory<'a>>,
    board: Option<Board>,
}

/// What the two flag bits of an event data byte say about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DataFlag {
    Unspecified,
    /// Threshold: reading or threshold. Discrete: previous state and severity.
    Standard,
    Oem,
    SensorSpecific,
}

impl DataFlag {
    fn from_low_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::Unspecified,
            1 => Self::Standard,
            2 => Self::Oem,
            _ => Self::SensorSpecific,
        }
    }
}

impl<'a> Interpreter<'a> {
    /// With the sensors of the repository and the board, as far as known.
    pub fn new(directory: Option<&'a SensorDirectory<'a>>, board: Option<Board>) -> Self {
        Self { directory, board }
    }

    /// Name of the sensor with its entity in front; `Sensor #` and the number
    /// when no record has it. `None` for records that are no events.
    pub fn sensor_name(&self, entry: &Entry) -> Option<String> {
        let event = entry.event()?;
        let found = self
            .directory
            .and_then(|directory| Some((directory, self.find(directory, event)?)));
        Some(match found {
            Some((directory, found)) => directory.entity_name(found),
            None => format!("Sensor #{}", event.sensor_number),
        })
    }

    /// Text of the sensor type; `None` where FreeIPMI has none.
    pub fn type_text(&self, entry: &Entry) -> Option<&'static str> {
        let event = entry.event()?;
        self.board
            .and_then(|board| vendor::type_text(event, board))
            .or_else(|| event.sensor_type.name())
            .or_else(|| event.sensor_type.is_oem().then_some("OEM Reserved"))
    }

    /// How bad the event is; `None` where nothing is known, vendors' records
    /// among them.
    pub fn severity(&self, entry: &Entry) -> Option<Severity> {
        severity::of_event(entry.event()?, self.board)
    }

    /// The words of the event; `None` for records of an undefined type.
    pub fn event_text(&self, entry: &Entry) -> Option<String> {
        match &entry.kind {
            EntryKind::Event(event) => Some(self.system_event_text(event)),
            EntryKind::OemTimestamped { data, .. } => Some(oem_text(data)),
            EntryKind::Oem { data } => Some(oem_text(data)),
            EntryKind::Unknown { .. } => None,
        }
    }

    fn find(
        &self,
        directory: &SensorDirectory<'a>,
        event: &SystemEvent,
    ) -> Option<crate::sdr::FoundSensor<'a>> {
        directory.find(event.generator, event.sensor_number)
    }

    fn system_event_text(&self, event: &SystemEvent) -> String {
        let [_, data2, data3] = event.data;
        let offset = event.offset();
        if event.event_type.class() == EventClass::Unknown {
            return format!(
                "Event Offset = {offset:02X}h ; Event Data2 = {data2:02X}h ; Event Data3 = {data3:02X}h"
            );
        }
        let mut text = self.data1_text(event).into_owned();
        let mut append = |part: &str| {
            text.push_str(" ; ");
            text.push_str(part);
        };
        let location = (self.board == Some(Board::DELL_POWEREDGE))
            .then(|| dell::location(event))
            .flatten();
        if let Some(location) = location {
            append(&location);
        } else {
            for part in [self.data2_text(event), self.data3_text(event)]
                .into_iter()
                .flatten()
            {
                append(&part);
            }
        }
        text
    }

    fn data1_text(&self, event: &SystemEvent) -> Cow<'static, str> {
        let offset = event.offset();
        let known = sensor::event_text(event.event_type, event.sensor_type, offset)
            .or_else(|| vendor::event_text(event, self.board?));
        match known {
            Some(text) => text.into(),
            None if event.event_type.class() == EventClass::Oem => {
                format!("OEM Event Offset = {offset:02X}h").into()
            }
            None => format!("Event Offset = {offset:02X}h").into(),
        }
    }

    fn data2_text(&self, event: &SystemEvent) -> Option<Cow<'static, str>> {
        let [data1, data2, _] = event.data;
        let flag = DataFlag::from_low_bits(data1 >> 6);
        let oem = || Some(format!("OEM Event Data2 code = {data2:02X}h").into());
        let raw = || format!("Event Data2 = {data2:02X}h").into();
        match (event.event_type.class(), flag) {
            (_, DataFlag::Unspecified) => None,
            (EventClass::Threshold, DataFlag::Standard) => {
                Some(self.threshold_value(event, "Sensor Reading", data2))
            }
            _ if data2 == UNSPECIFIED => None,
            (EventClass::Oem, _) | (_, DataFlag::Oem) => oem(),
            (_, DataFlag::Standard) => Some(previous_state(event, data2).unwrap_or_else(raw)),
            (_, DataFlag::SensorSpecific) if data3_repeats_data2(event) => None,
            (_, DataFlag::SensorSpecific) => {
                Some(data_text::data2(event.sensor_type, event.offset(), data2).unwrap_or_else(raw))
            }
        }
    }

    fn data3_text(&self, event: &SystemEvent) -> Option<Cow<'static, str>> {
        let [data1, data2, data3] = event.data;
        let flag = DataFlag::from_low_bits(data1 >> 4);
        match (event.event_type.class(), flag) {
            (_, DataFlag::Unspecified) => None,
            (EventClass::Threshold, DataFlag::Standard) => {
                Some(self.threshold_value(event, "Threshold", data3))
            }
            _ if data3 == UNSPECIFIED => None,
            (EventClass::Oem, _) | (_, DataFlag::Oem) => {
                Some(format!("OEM Event Data3 code = {data3:02X}h").into())
            }
            (_, DataFlag::Standard) => None,
            (_, DataFlag::SensorSpecific) => Some(
                data_text::data3(event.sensor_type, event.offset(), data2, data3)
                    .unwrap_or_else(|| format!("Event Data3 = {data3:02X}h").into()),
            ),
        }
    }

    /// A raw reading or threshold by the sensor's own formula, with its unit.
    fn threshold_value(&self, event: &SystemEvent, label: &str, raw: u8) -> Cow<'static, str> {
        let converted = self
            .directory
            .and_then(|directory| self.find(directory, event))
            .and_then(|found| match found.record {
                Record::Sensor(sensor) => Some((sensor.value(raw)?, sensor.unit)),
                _ => None,
            });
        match converted {
            Some((value, unit)) => format!(
                "{label} = {:.2} {}",
                freeipmi_hundredths(value),
                unit.text()
            ),
            None => format!("{label} = {raw:02X}h"),
        }
        .into()
    }
}

/// Whether the text of event data 3 has the number of event data 2 in it, so
/// that the latter gets none of its own: "correctable machine check error
/// logging disabled".
fn data3_repeats_data2(event: &SystemEvent) -> bool {
    let [data1, _, _] = event.data;
    event.event_type == EventReadingType::SENSOR_SPECIFIC
        && event.sensor_type == SensorType::EVENT_LOGGING_DISABLED
        && event.offset() == 0x06
        && DataFlag::from_low_bits(data1 >> 4) == DataFlag::SensorSpecific
}

/// The state before (low nibble) and how severe it is (high nibble). FreeIPMI
/// reads the former as if it were sensor-specific event data 2.
fn previous_state(event: &SystemEvent, data2: u8) -> Option<Cow<'static, str>> {
    const NIBBLE_UNSPECIFIED: u8 = 0x0f;
    let (low, high) = (data2 & 0x0f, data2 >> 4);
    let previous = (low != NIBBLE_UNSPECIFIED)
        .then(|| data_text::data2(event.sensor_type, event.offset(), low))
        .flatten();
    let severity = (high != NIBBLE_UNSPECIFIED)
        .then(|| sensor::event_text(EventReadingType::SEVERITY, event.sensor_type, high))
        .flatten();
    match (previous, severity) {
        (Some(previous), Some(severity)) => {
            Some(format!("{PREVIOUS_STATE} = {previous} ; {SEVERITY_STATE} = {severity}").into())
        }
        (Some(previous), None) => Some(format!("{PREVIOUS_STATE} = {previous}").into()),
        (None, Some(severity)) => Some(format!("{SEVERITY_STATE} = {severity}").into()),
        (None, None) => None,
    }
}

fn oem_text(data: &[u8]) -> String {
    data.iter()
        .fold("OEM defined =".to_owned(), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, " {byte:02X}h");
            text
        })
}
