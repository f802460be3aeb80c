//! Collector `chassis-details`: what the collector `chassis` does not tell.

use rmcp_ipmi::command::{
    ChassisStatus, GetChassisCapabilities, GetChassisStatus, GetRestartCause, RestartCause,
};

use super::metric::{
    CHASSIS_CAPABILITY, CHASSIS_CONDITION, FRONT_PANEL_BUTTON, IDENTIFY, LAST_POWER_EVENT,
    RESTART_CAUSE, RESTORE_POLICY,
};
use crate::collect::CollectError;
use crate::collect::asker::{Asker, Kept};
use crate::collect::sample::Samples;

/// Values of the label `policy`.
const POLICIES: [&str; 4] = ["always_off", "previous", "always_on", "unknown"];
/// Values of the label `event`, by bit.
const EVENTS: [&str; 5] = ["ac_failed", "overload", "interlock", "fault", "command"];
/// Values of the label `state` of the identify light.
const IDENTIFY_STATES: [&str; 3] = ["off", "temporary", "indefinite"];
/// Values of the label `button`, by bit.
const BUTTONS: [&str; 4] = ["power_off", "reset", "diagnostic_interrupt", "standby"];
/// Values of the label `capability`, by bit.
const CAPABILITIES: [&str; 4] = [
    "intrusion_sensor",
    "front_panel_lockout",
    "diagnostic_interrupt",
    "power_interlock",
];
/// Values of the label `cause` (IPMI 2.0 section 28.11).
const CAUSES: [&str; 12] = [
    "unknown",
    "chassis_control",
    "reset_button",
    "power_button",
    "watchdog",
    "oem",
    "always_on_policy",
    "previous_state_policy",
    "event_filter_reset",
    "event_filter_power_cycle",
    "soft_reset",
    "real_time_clock",
];

/// `status` saves a request when another collector has just asked.
pub(super) async fn collect(
    asker: &mut Asker<'_>,
    status: Option<ChassisStatus>,
    capabilities: &mut Kept<Samples>,
) -> Result<Samples, CollectError> {
    let status = match status {
        Some(status) => status,
        None => asker.ask(&GetChassisStatus).await?,
    };
    let mut samples = status_samples(&status);
    if let Some(cause) = asker.ask_if_there(&GetRestartCause).await? {
        put_cause(&mut samples, cause);
    }
    let capabilities = match capabilities.get() {
        Some(known) => known,
        None => capabilities.keep(ask_capabilities(asker).await?),
    };
    samples.append(capabilities);
    Ok(samples)
}

async fn ask_capabilities(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    if let Some(found) = asker.ask_if_there(&GetChassisCapabilities).await? {
        samples.put_states(&CHASSIS_CAPABILITY, "capability", &CAPABILITIES, |bit| {
            found.flags & (1 << bit) != 0
        });
    }
    Ok(samples)
}

fn status_samples(status: &ChassisStatus) -> Samples {
    let mut samples = Samples::default();
    for (condition, holds) in [
        ("cooling_fault", status.has_cooling_fault()),
        ("drive_fault", status.has_drive_fault()),
        ("front_panel_locked", status.is_front_panel_locked()),
        ("interlock", status.is_interlock_active()),
        ("intrusion", status.is_intruded()),
        ("power_control_fault", status.has_power_control_fault()),
        ("power_fault", status.has_power_fault()),
        ("power_overload", status.has_power_overload()),
    ] {
        let labels = vec![("condition", condition.to_owned())];
        samples.put_flag(&CHASSIS_CONDITION, labels, holds);
    }
    samples.put_states(&LAST_POWER_EVENT, "event", &EVENTS, |bit| {
        status.last_power_event & (1 << bit) != 0
    });
    samples.put_states(&RESTORE_POLICY, "policy", &POLICIES, |policy| {
        policy == usize::from(status.restore_policy())
    });
    if let Some(state) = status.identify_state() {
        samples.put_states(&IDENTIFY, "state", &IDENTIFY_STATES, |index| {
            index == usize::from(state)
        });
    }
    if let Some(panel) = status.front_panel {
        // The high nibble says which buttons can be disabled at all.
        samples.put_states(&FRONT_PANEL_BUTTON, "button", &BUTTONS, |bit| {
            panel & (1 << bit) != 0
        });
    }
    samples
}

fn put_cause(samples: &mut Samples, cause: RestartCause) {
    let word = CAUSES
        .get(usize::from(cause.cause))
        .map_or("reserved", |word| *word);
    let channel = cause
        .channel
        .map_or_else(String::new, |channel| channel.to_string());
    let labels = vec![("cause", word.to_owned()), ("channel", channel)];
    samples.put_with(&RESTART_CAUSE, labels, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(samples: &Samples) -> Vec<String> {
        samples
            .iter()
            .filter(|sample| sample.value > 0.0)
            .map(|sample| sample.labels[0].1.clone())
            .collect()
    }

    #[test]
    fn bits_have_words() {
        let status = ChassisStatus {
            power: 0x21 | 0x08,
            last_power_event: 0x12,
            misc: 0x41 | 0x20,
            front_panel: Some(0xf2),
        };
        assert_eq!(
            set(&status_samples(&status)),
            [
                "intrusion",
                "power_fault",
                "overload",
                "command",
                "previous",
                "indefinite",
                "reset"
            ]
        );
    }

    #[test]
    fn what_is_not_told_has_no_series() {
        let status = ChassisStatus {
            power: 0,
            last_power_event: 0,
            misc: 0,
            front_panel: None,
        };
        let samples = status_samples(&status);
        assert_eq!(set(&samples), ["always_off"]);
        assert_eq!(samples.iter().count(), 8 + 5 + 4);
    }

    #[test]
    fn causes_beyond_the_specification_are_reserved() {
        let mut samples = Samples::default();
        let cause = RestartCause {
            cause: 0x0f,
            channel: None,
        };
        put_cause(&mut samples, cause);
        assert_eq!(set(&samples), ["reserved"]);
    }
}
