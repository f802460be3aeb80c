//! What a sensor says: value, unit, thresholds, states and how bad they are.
//!
//! A [`SensorRecord`](crate::sdr::SensorRecord) says what a sensor is, a
//! [`Reading`] what it answered. Values keep full precision; severities and
//! words are those of FreeIPMI, because dashboards and alert rules in the field
//! were written against them. [`freeipmi_hundredths`] is for comparing with
//! FreeIPMI's output.
//!
//! Nothing here allocates on the way from an answer to a value and a severity.

mod comparison;
mod conversion;
mod event_text;
mod generic_text;
mod kind;
mod reading;
mod rounding;
mod specific_text;
mod state;
mod state_table;
mod threshold;
mod unit;

pub use comparison::Comparison;
pub use conversion::{AnalogFormat, Conversion, Factors, Linearization, ReadingFactors};
pub use event_text::{event_text, states, threshold_status_text};
pub use kind::SensorType;
pub use reading::{Absence, Answer, Reading, ReadingPolicy};
pub use rounding::freeipmi_hundredths;
pub use state::{NonCritical, Severity, StateBits, severity};
pub use threshold::{RawThresholds, Threshold, Thresholds};
pub use unit::{Modifier, Quantity, Rate, Unit, UnitCode};
