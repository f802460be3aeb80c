//! Which metric of the exporter is which kind of sensor: the one table of that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a sensor measures.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    /// Degrees Celsius.
    Temperature,
    /// Volts.
    Voltage,
    /// Speed of fans.
    FanSpeed,
    /// Amperes.
    Current,
    /// Watts.
    Power,
    /// Anything else, and sensors that have states only.
    Other,
}

impl SensorKind {
    /// The word in the interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Voltage => "voltage",
            Self::FanSpeed => "fan_speed",
            Self::Current => "current",
            Self::Power => "power",
            Self::Other => "other",
        }
    }
}

/// A metric that holds values of sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorMetric {
    /// Name of the metric with the value.
    pub value: &'static str,
    /// Name of the metric with the state, where there is one.
    pub state: Option<&'static str>,
    /// What it measures.
    pub kind: SensorKind,
    /// Unit of the value, where all sensors of the metric have the same.
    pub unit: Option<&'static str>,
    /// Name of the sensor, where the series do not say it.
    pub sensor: Option<&'static str>,
}

const fn metric(
    value: &'static str,
    state: &'static str,
    kind: SensorKind,
    unit: Option<&'static str>,
) -> SensorMetric {
    SensorMetric {
        value,
        state: Some(state),
        kind,
        unit,
        sensor: None,
    }
}

/// All of them. Where two share a state, the first is taken for a sensor that has
/// nothing but a state.
pub const SENSOR_METRICS: &[SensorMetric] = &[
    metric(
        "ipmi_temperature_celsius",
        "ipmi_temperature_state",
        SensorKind::Temperature,
        Some("°C"),
    ),
    metric(
        "ipmi_voltage_volts",
        "ipmi_voltage_state",
        SensorKind::Voltage,
        Some("V"),
    ),
    metric(
        "ipmi_fan_speed_rpm",
        "ipmi_fan_speed_state",
        SensorKind::FanSpeed,
        Some("RPM"),
    ),
    // Between 0 and 1.
    metric(
        "ipmi_fan_speed_ratio",
        "ipmi_fan_speed_state",
        SensorKind::FanSpeed,
        Some("ratio"),
    ),
    metric(
        "ipmi_current_amperes",
        "ipmi_current_state",
        SensorKind::Current,
        Some("A"),
    ),
    metric(
        "ipmi_power_watts",
        "ipmi_power_state",
        SensorKind::Power,
        Some("W"),
    ),
    SensorMetric {
        value: DCMI_POWER,
        state: None,
        kind: SensorKind::Power,
        unit: Some("W"),
        sensor: Some("DCMI Power"),
    },
    metric(
        "ipmi_sensor_value",
        "ipmi_sensor_state",
        SensorKind::Other,
        None,
    ),
];

/// Power of the whole machine in watts.
pub const DCMI_POWER: &str = "ipmi_dcmi_power_consumption_watts";
/// Thresholds of sensors, with the label `threshold`.
pub const THRESHOLD: &str = "ipmi_sensor_threshold";

/// What a metric tells of sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Their values.
    Value(&'static SensorMetric),
    /// Their states.
    State(&'static SensorMetric),
}

/// What the metric of this name tells; `None` when nothing of sensors.
#[must_use]
pub fn told(name: &str) -> Option<Told> {
    let value = SENSOR_METRICS.iter().find(|metric| metric.value == name);
    let state = || SENSOR_METRICS.iter().find(|m| m.state == Some(name));
    value.map(Told::Value).or_else(|| state().map(Told::State))
}

/// Metrics of a kind, or all.
pub fn of_kind(kind: Option<SensorKind>) -> impl Iterator<Item = &'static SensorMetric> {
    SENSOR_METRICS
        .iter()
        .filter(move |metric| kind.is_none_or(|kind| metric.kind == kind))
}

/// A regular expression for the names of values and states of a kind, or of all.
#[must_use]
pub fn names(kind: Option<SensorKind>) -> String {
    let mut names: Vec<&str> = of_kind(kind)
        .flat_map(|metric| [Some(metric.value), metric.state])
        .flatten()
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let kind = |name: &str| {
            told(name).map(|told| match told {
                Told::Value(metric) => (true, metric.kind.as_str()),
                Told::State(metric) => (false, metric.kind.as_str()),
            })
        };
        assert_eq!(kind("ipmi_fan_speed_ratio"), Some((true, "fan_speed")));
        assert_eq!(kind("ipmi_fan_speed_state"), Some((false, "fan_speed")));
        assert_eq!(kind("ipmi_sensor_state"), Some((false, "other")));
        assert_eq!(kind("ipmi_up"), None);
        assert_eq!(
            names(Some(SensorKind::FanSpeed)),
            "ipmi_fan_speed_ratio|ipmi_fan_speed_rpm|ipmi_fan_speed_state"
        );
    }

    #[test]
    fn words_are_those_of_the_interface() {
        for metric in SENSOR_METRICS {
            let word = serde_json::to_value(metric.kind).unwrap();
            assert_eq!(word, metric.kind.as_str());
        }
    }
}
