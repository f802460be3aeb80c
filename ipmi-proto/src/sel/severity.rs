//! How bad a logged event is.

use super::severity_table::{DISCRETE, THRESHOLD_ASSERTED, THRESHOLD_DEASSERTED};
use super::vendor::{self, Board};
use super::{Direction, SystemEvent};
use crate::sdr::EventClass;
use crate::sensor::Severity;

/// How bad `event` is; `None` where nothing is known about it.
pub(super) fn of_event(event: &SystemEvent, board: Option<Board>) -> Option<Severity> {
    standard(event).or_else(|| vendor::severity(event, board?))
}

fn standard(event: &SystemEvent) -> Option<Severity> {
    let (asserted, deasserted) = if event.event_type.class() == EventClass::Threshold {
        (THRESHOLD_ASSERTED, THRESHOLD_DEASSERTED)
    } else {
        let row = DISCRETE.iter().find(|row| {
            row.event_type == event.event_type.0 && row.sensor_types.contains(&event.sensor_type.0)
        })?;
        (row.asserted, row.deasserted)
    };
    let letters = match event.direction {
        Direction::Asserted => asserted,
        Direction::Deasserted => deasserted,
    };
    letters
        .get(usize::from(event.offset()))
        .and_then(|&letter| Severity::from_letter(letter))
}
