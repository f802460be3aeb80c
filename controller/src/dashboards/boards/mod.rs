//! The dashboards. One file for each.

mod alerts;
mod comparison;
mod cooling;
mod fleet;
mod health;
mod power;
mod server;

use super::model::{Colour, Query, limit};
use super::model::{Dashboard, Step, Text, Values, Variable, text};
use super::promql::threshold_of;

/// All dashboards, in the order in which people come to them.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    vec![
        fleet::dashboard(),
        server::dashboard(),
        comparison::dashboard(),
        power::dashboard(),
        cooling::dashboard(),
        alerts::dashboard(),
        health::dashboard(),
    ]
}

/// The dashboard with this unique name.
#[must_use]
pub fn find(uid: &str) -> Option<Dashboard> {
    all().into_iter().find(|dashboard| dashboard.uid == uid)
}

/// None is good.
const ANY_IS_WARNING: &[Step] = &[Step(1.0, Colour::Warning)];
/// None is good, one is bad.
const ANY_IS_CRITICAL: &[Step] = &[Step(1.0, Colour::Critical)];
/// Kelvins below a critical threshold.
const MARGIN: &[Step] = &[
    Step(f64::NEG_INFINITY, Colour::Critical),
    Step(5.0, Colour::Warning),
    Step(10.0, Colour::Good),
];

const TEMPERATURE: &str = "ipmi_temperature_celsius";
const FAN: &str = "ipmi_fan_speed_rpm";

fn labels(name: &'static str, label: Text, query: String, is_many: bool) -> Variable {
    Variable {
        name,
        label,
        values: Values::Labels { query, is_many },
    }
}

/// Site, group and rack: each offers what is there with those before it.
fn places() -> Vec<Variable> {
    let query = |scope: &str, label: &str| {
        format!("label_values(up{{job=\"ipmi-servers\"{scope}}}, {label})")
    };
    vec![
        labels("site", text("Site", "站点"), query("", "site"), true),
        labels(
            "group",
            text("Group", "分组"),
            query(",site=~\"$site\"", "group"),
            true,
        ),
        labels(
            "rack",
            text("Rack", "机柜"),
            query(",site=~\"$site\",group=~\"$group\"", "rack"),
            true,
        ),
    ]
}

/// The server, or servers, at the chosen places.
fn servers(is_many: bool) -> Variable {
    labels(
        "server",
        if is_many {
            text("Servers", "服务器")
        } else {
            text("Server", "服务器")
        },
        "label_values(up{job=\"ipmi-servers\",site=~\"$site\",group=~\"$group\",rack=~\"$rack\"}, server_name)".to_owned(),
        is_many,
    )
}

/// The thresholds of the sensors that a selector chooses, as lines.
fn limits(selector: &str, kind: &str, words: [&str; 2]) -> [Query; 2] {
    let [warning, critical] = words;
    [
        limit(
            threshold_of(selector, kind, warning),
            "{{name}}: warning",
            Colour::Warning,
        ),
        limit(
            threshold_of(selector, kind, critical),
            "{{name}}: critical",
            Colour::Critical,
        ),
    ]
}

const UPPER: [&str; 2] = ["upper_non_critical", "upper_critical"];
const LOWER: [&str; 2] = ["lower_non_critical", "lower_critical"];
