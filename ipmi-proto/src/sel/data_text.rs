//! Words for event data 2 and 3 whose meaning the sensor type defines
//! (IPMI 2.0 table 42-3).

use std::borrow::Cow;

use super::data_list::{
    FIRMWARE_ERROR, FIRMWARE_PROGRESS, FRU_STATE, FRU_STATE_CAUSE, LOG_ACTION, LOG_TYPE,
    POWER_STATE, POWER_SUPPLY_ERROR, RESTART_CAUSE, SESSION_END, SLOT_TYPE, SYNC_CLOCK,
    VERSION_CHANGE, WATCHDOG_INTERRUPT, WATCHDOG_USE,
};
use crate::sensor::SensorType;

type Text = Option<Cow<'static, str>>;

/// Looks a value up in a list.
fn item(list: &[&'static str], value: u8) -> Option<&'static str> {
    list.get(usize::from(value)).copied()
}

fn plain(list: &[&'static str], value: u8) -> Text {
    item(list, value).map(Cow::Borrowed)
}

fn labelled(label: &str, list: &[&'static str], value: u8) -> Text {
    item(list, value).map(|text| format!("{label} = {text}").into())
}

fn numbered(label: &str, value: u8) -> Text {
    Some(format!("{label} #{value}").into())
}

/// FreeIPMI's words for event data 2, if the sensor type defines any at this
/// offset.
pub(super) fn data2(sensor_type: SensorType, offset: u8, value: u8) -> Text {
    let (low, high) = (value & 0x0f, value >> 4);
    match (sensor_type.0, offset) {
        (0x05, 4) => numbered("Network controller", value),
        (0x0f, 0) => plain(FIRMWARE_ERROR, value),
        (0x0f, 1 | 2) => plain(FIRMWARE_PROGRESS, value),
        (0x10, 0) => numbered("Memory module/device", value),
        (0x10, 1) => numbered("Event/Reading Type Code", value),
        (0x10, 6) => numbered("Instance ID", value),
        (0x12, 3) => {
            let action = labelled("Log entry action", LOG_ACTION, low);
            let kind = labelled("Log Type", LOG_TYPE, high);
            match (action, kind) {
                (Some(action), Some(kind)) => Some(format!("{action} ; {kind}").into()),
                (action, kind) => action.or(kind),
            }
        }
        (0x12, 5) => {
            let clock = item(SYNC_CLOCK, low).unwrap_or_default();
            let order = if value & 0x80 == 0 { "first" } else { "second" };
            Some(format!("{clock} ; event is {order} of pair").into())
        }
        // The last state, "unknown", is defined for event data 3 only.
        (0x19, 0) if value != 0x0d => labelled("Requested power state", POWER_STATE, value),
        (0x1d, 7) => plain(RESTART_CAUSE, low),
        (0x21, _) => labelled("Slot/Connector Type", SLOT_TYPE, value & 0x7f),
        (0x23, _) => Some(watchdog(low, high)),
        (0x28, 0 | 4) => numbered("Sensor Number", value),
        (0x28, 5) => Some(fru_access(value)),
        (0x2a, 0) => match value & 0x3f {
            0 => Some("User ID for user that activated session = Unspecified".into()),
            user => numbered("User ID for user that activated session", user),
        },
        (0x2b, _) => labelled("Version change type", VERSION_CHANGE, value),
        (0x2c, _) => Some(fru_state(low, high)),
        _ => None,
    }
}

/// FreeIPMI's words for event data 3, if the sensor type defines any at this
/// offset.
pub(super) fn data3(sensor_type: SensorType, offset: u8, data2: u8, value: u8) -> Text {
    let low = value & 0x0f;
    match (sensor_type.0, offset) {
        (0x08, 6) => plain(POWER_SUPPLY_ERROR, low),
        (0x0c, 8) => numbered("Memory module/device", value),
        (0x10, 1) => Some(logging_disabled(value)),
        (0x10, 5) => Some(format!("{value}% full").into()),
        // FreeIPMI prints the number from event data 2.
        (0x10, 6) if value & 0x80 == 0 => numbered("Entity Instance Number =", data2),
        (0x10, 6) => numbered("Vendor-specific Processor Number =", data2),
        (0x19, 0) => labelled("Power state at time of request", POWER_STATE, value),
        (0x1d, 7) => numbered(
            "Channel Number used to deliver command that generated restart",
            value,
        ),
        (0x21, _) => numbered("Slot/Connector", value),
        (0x28, 5) => numbered("FRU Device ID/Slave Address", value),
        (0x2a, _) => Some(session_channel(offset, value)),
        _ => None,
    }
}

fn watchdog(timer_use: u8, interrupt: u8) -> Cow<'static, str> {
    let timer_use = match timer_use {
        0x0f => Some("unspecified"),
        code => code
            .checked_sub(1)
            .and_then(|index| item(WATCHDOG_USE, index)),
    };
    let interrupt = match interrupt {
        0x0f => Some("unspecified"),
        code => item(WATCHDOG_INTERRUPT, code),
    };
    let label = |label: &str, text: Option<&str>| match text {
        Some(text) => format!("{label} = {text}"),
        None => "reserved".to_owned(),
    };
    format!(
        "{} ; {}",
        label("Timer use at expiration", timer_use),
        label("Interrupt type", interrupt)
    )
    .into()
}

fn fru_access(value: u8) -> Cow<'static, str> {
    let kind = if value & 0x80 == 0 {
        "device is not a logical FRU Device"
    } else {
        "device is logical FRU Device (accessed via FRU commands to mgmt. controller"
    };
    format!(
        "{kind} ; LUN for Master Write-Read command or FRU Command #{} ; Private bus ID #{}",
        (value >> 3) & 0x03,
        value & 0x07
    )
    .into()
}

fn fru_state(previous: u8, cause: u8) -> Cow<'static, str> {
    let previous = item(FRU_STATE, previous).unwrap_or_default();
    let cause = match cause {
        0x0f => Some("State Change, Cause Unknown"),
        code => item(FRU_STATE_CAUSE, code),
    };
    match cause {
        Some(cause) => format!("Previous State = {previous} ; Cause of state change = {cause}"),
        None => format!("Previous State = {previous} ; reserved"),
    }
    .into()
}

fn logging_disabled(value: u8) -> Cow<'static, str> {
    let direction = if value & 0x10 == 0 {
        "deassertion"
    } else {
        "assertion"
    };
    let all = if value & 0x20 == 0 {
        ""
    } else {
        " ; logging has been disabled for all events of given type"
    };
    format!("Event Offset #{} ; {direction} event{all}", value & 0x0f).into()
}

fn session_channel(offset: u8, value: u8) -> Cow<'static, str> {
    let channel = format!(
        "Channel number that session was activated/deactivated = {}",
        value & 0x0f
    );
    match item(SESSION_END, (value >> 4) & 0x03).filter(|_| offset == 1) {
        Some(cause) => format!("{channel} ; {cause}").into(),
        None => channel.into(),
    }
}
