//! Expressions that several dashboards need.
//!
//! They read what the exporter tells, and of the default rules only the recorded
//! thresholds, so that they have data without any rules.

use crate::monitoring::kind::{DCMI_POWER, SENSOR_METRICS, THRESHOLD};
use crate::render::OVERRIDE_METRIC;

/// The servers that the variables choose.
pub(super) const CHOSEN: &str = r#"job="ipmi-servers",site=~"$site",group=~"$group",rack=~"$rack""#;
/// The server that the variable chooses.
pub(super) const ONE: &str = r#"job="ipmi-servers",server_name="$server""#;
/// The chosen sensors of that server.
pub(super) const ONE_SENSORS: &str = r#"job="ipmi-servers",server_name="$server",name=~"$sensor""#;
/// The chosen sensors of the chosen servers.
pub(super) const CHOSEN_SENSORS: &str = r#"job="ipmi-servers",site=~"$site",group=~"$group",rack=~"$rack",server_name=~"$server",name=~"$sensor""#;

/// All states of sensors, except of machines that are off: their fans stand still
/// and their rails are down, as they should.
pub(super) fn states(scope: &str) -> String {
    let mut names: Vec<&str> = SENSOR_METRICS.iter().filter_map(|m| m.state).collect();
    names.dedup();
    let names = names.join("|");
    format!(
        "({{__name__=~\"{names}\",{scope}}} unless on (instance) ipmi_chassis_power_state == 0)"
    )
}

/// 1 for each BMC that told anything, 0 for each that is silent; nothing while its
/// exporter does not answer.
pub(super) fn reachable(scope: &str) -> String {
    format!("max without (collector) (ipmi_up{{{scope}}})")
}

/// Power of each machine in watts: what DCMI measures; else the sensor for the
/// whole machine; else the sum of the supplies' inputs.
pub(super) fn power(scope: &str) -> String {
    format!(
        r#"(max without (id, name) ({DCMI_POWER}{{{scope}}}) or on (instance) max without (id, name) (ipmi_power_watts{{{scope},name=~"(?i)(pwr consumption|(sys|system|total|chassis|node)[ _-]?(input[ _-]?)?(power|pwr).*|power meter)"}}) or on (instance) sum without (id, name) (ipmi_power_watts{{{scope},name=~"(?i)(ps|psu|power supply).*"}}))"#
    )
}

/// The threshold of each sensor that holds: an override, else the hardware's.
/// Infinite ones, which say that there is to be none, are left out.
pub(super) fn threshold(kind: &str, threshold: &str) -> String {
    format!(
        r#"(max by (instance, id, name) ({OVERRIDE_METRIC}{{kind="{kind}",threshold="{threshold}"}} or on (instance, id, name) {THRESHOLD}{{threshold="{threshold}"}}) < Inf > -Inf)"#
    )
}

/// The thresholds of the sensors that a selector of their values chooses.
pub(super) fn threshold_of(selector: &str, kind: &str, word: &str) -> String {
    format!(
        "{} and on (instance, id, name) {selector}",
        threshold(kind, word)
    )
}

/// How far the chosen temperatures are below their critical threshold.
pub(super) fn margin(scope: &str) -> String {
    format!(
        "-(ipmi_temperature_celsius{{{scope}}} - on (instance, id, name) group_left () {})",
        threshold("temperature", "upper_critical")
    )
}

/// Alerts that fire.
pub(super) fn firing(scope: &str) -> String {
    format!("ALERTS{{alertstate=\"firing\",{scope}}}")
}

/// How many there are, and 0 for none.
pub(super) fn count(expr: &str) -> String {
    format!("count({expr}) or vector(0)")
}
