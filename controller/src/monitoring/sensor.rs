//! Sensors of a server, put together from the series that tell of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::data::{Series, SeriesLabels};
use super::kind::{self, SENSOR_METRICS, SensorKind, SensorMetric, THRESHOLD, Told};
use super::source::{QueryError, Source};
use crate::clock::Timestamp;
use crate::model::Id;
use crate::promql::enforce::SERVER_ID;

/// So far back Prometheus looks for the sample that is current: its own five
/// minutes, and as much again where it was told to look further.
const LOOK_BACK: &str = "10m";
/// So old thresholds may be: a scrape job may read them every few hours only.
const THRESHOLDS_AGE: &str = "1d";

/// What the BMC thinks of a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SensorStatus {
    /// Nominal.
    Ok,
    /// Beyond a non-critical limit.
    Warning,
    /// Beyond a critical limit, or a state that is a fault.
    Critical,
}

impl SensorStatus {
    /// The word in the interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads the exporter's number; `None` when the state is not known.
    #[must_use]
    pub fn from_state(state: f64) -> Option<Self> {
        [(0.0, Self::Ok), (1.0, Self::Warning), (2.0, Self::Critical)]
            .into_iter()
            .find(|(number, _)| state.total_cmp(number).is_eq())
            .map(|(_, status)| status)
    }
}

/// Limits of a sensor, in the unit of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Thresholds {
    /// Below it the machine is in danger.
    pub lower_non_recoverable: Option<f64>,
    /// Below it is critical.
    pub lower_critical: Option<f64>,
    /// Below it is a warning.
    pub lower_non_critical: Option<f64>,
    /// Above it is a warning.
    pub upper_non_critical: Option<f64>,
    /// Above it is critical.
    pub upper_critical: Option<f64>,
    /// Above it the machine is in danger.
    pub upper_non_recoverable: Option<f64>,
}

impl Thresholds {
    fn set(&mut self, name: &str, value: f64) {
        let field = match name {
            "lower_non_recoverable" => &mut self.lower_non_recoverable,
            "lower_critical" => &mut self.lower_critical,
            "lower_non_critical" => &mut self.lower_non_critical,
            "upper_non_critical" => &mut self.upper_non_critical,
            "upper_critical" => &mut self.upper_critical,
            "upper_non_recoverable" => &mut self.upper_non_recoverable,
            _ => return,
        };
        *field = Some(value).filter(|value| value.is_finite());
    }

    /// The least value that is not critical, as far as there is a limit.
    #[must_use]
    pub fn minimum(&self) -> Option<f64> {
        self.lower_critical
            .or(self.lower_non_recoverable)
            .or(self.lower_non_critical)
    }

    /// The greatest value that is not critical, as far as there is a limit.
    #[must_use]
    pub fn maximum(&self) -> Option<f64> {
        self.upper_critical
            .or(self.upper_non_recoverable)
            .or(self.upper_non_critical)
    }
}

/// What tells sensors of one server apart: `id` and `name` of their series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorKey {
    /// Number of the sensor's record.
    pub sensor_id: String,
    /// Its name.
    pub name: String,
}

impl SensorKey {
    /// The key of a series of a metric.
    #[must_use]
    pub fn of(series: &Series, metric: &SensorMetric) -> Self {
        let name = match series.label("name") {
            "" => metric.sensor.unwrap_or_default(),
            name => name,
        };
        Self {
            sensor_id: series.label("id").to_owned(),
            name: name.to_owned(),
        }
    }
}

/// A sensor as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Sensor {
    /// A number that stays with the sensor.
    pub id: i64,
    /// Number of the server.
    pub server_id: Id,
    /// Number of its record in the BMC; empty for the power of the machine.
    pub sensor_id: String,
    /// Its name.
    pub name: String,
    /// Its type, where the metric holds several, such as `Power Supply`.
    pub sensor_type: String,
    /// What it measures.
    pub metric_type: SensorKind,
    /// Prometheus' metric with the value.
    pub metric: &'static str,
    /// Its value; null when it has a state only, or the BMC gave none.
    pub value: Option<f64>,
    /// The value's unit; `ratio` is between 0 and 1.
    pub unit: Option<&'static str>,
    /// What the BMC thinks of it; null when that is not known.
    pub status: Option<SensorStatus>,
    /// Its limits, where the exporter's collector `thresholds` runs.
    pub thresholds: Thresholds,
    /// When it was read.
    pub timestamp: Timestamp,
    /// Seconds since then.
    pub age_seconds: u64,
}

/// A sensor in the shape of OpenServerHub.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Metric {
    /// A number that stays with the sensor.
    pub id: i64,
    /// Number of the server.
    pub server_id: Id,
    /// What it measures.
    pub metric_type: SensorKind,
    /// Name of the sensor.
    pub metric_name: String,
    /// Its value.
    pub value: f64,
    /// The value's unit.
    pub unit: Option<&'static str>,
    /// What the BMC thinks of it.
    pub status: Option<SensorStatus>,
    /// The least value that is not critical.
    pub threshold_min: Option<f64>,
    /// The greatest value that is not critical.
    pub threshold_max: Option<f64>,
    /// When it was read.
    pub timestamp: Timestamp,
}

impl Metric {
    /// The sensor in that shape; `None` without a value.
    #[must_use]
    pub fn of(sensor: Sensor) -> Option<Self> {
        Some(Self {
            id: sensor.id,
            server_id: sensor.server_id,
            metric_type: sensor.metric_type,
            metric_name: sensor.name,
            value: sensor.value?,
            unit: sensor.unit,
            status: sensor.status,
            threshold_min: sensor.thresholds.minimum(),
            threshold_max: sensor.thresholds.maximum(),
            timestamp: sensor.timestamp,
        })
    }
}

/// The sensors that a server has now, of a kind or all.
///
/// # Errors
/// See [`QueryError`].
pub async fn current(
    source: &Source,
    server: Id,
    kind: Option<SensorKind>,
    now: Timestamp,
) -> Result<Vec<Sensor>, QueryError> {
    let names = kind::names(kind);
    let selector = format!("{{__name__=~\"{names}\",{SERVER_ID}=\"{server}\"}}");
    // An instant vector says which series are alive, but not when they were read.
    let raw = format!("{selector}[{LOOK_BACK}]");
    let limits =
        format!("last_over_time({THRESHOLD}{{{SERVER_ID}=\"{server}\"}}[{THRESHOLDS_AGE}])");
    let (alive, raw, limits) = tokio::try_join!(
        source.series_at(&selector, now),
        source.series_at(&raw, now),
        source.series_at(&limits, now),
    )?;
    Ok(sensors(server, &alive, &raw, &limits, now))
}

#[derive(Default)]
struct Parts {
    value: Option<(Timestamp, &'static SensorMetric, f64)>,
    state: Option<(Timestamp, &'static SensorMetric, f64)>,
    sensor_type: String,
}

/// Puts sensors together. `raw` has the times of the samples in `alive`.
#[must_use]
pub fn sensors(
    server: Id,
    alive: &[Series],
    raw: &[Series],
    limits: &[Series],
    now: Timestamp,
) -> Vec<Sensor> {
    let times: BTreeMap<&SeriesLabels, Timestamp> = raw
        .iter()
        .filter_map(|series| Some((&series.labels, series.last()?.at)))
        .collect();
    let mut parts: BTreeMap<SensorKey, Parts> = BTreeMap::new();
    for series in alive {
        let (Some(told), Some(point)) = (kind::told(series.name()), series.last()) else {
            continue;
        };
        let at = times.get(&series.labels).copied().unwrap_or(point.at);
        let (metric, is_value) = match told {
            Told::Value(metric) => (metric, true),
            Told::State(metric) => (metric, false),
        };
        let entry = parts.entry(SensorKey::of(series, metric)).or_default();
        let part = if is_value {
            &mut entry.value
        } else {
            &mut entry.state
        };
        // Two jobs may scrape one server: the newer sample is the present.
        if part.is_none_or(|(known, ..)| known < at) {
            *part = Some((at, metric, point.value));
        }
        series.label("type").clone_into(&mut entry.sensor_type);
    }
    let mut thresholds: BTreeMap<SensorKey, Thresholds> = BTreeMap::new();
    for series in limits {
        let key = SensorKey {
            sensor_id: series.label("id").to_owned(),
            name: series.label("name").to_owned(),
        };
        if let Some(point) = series.last() {
            let of = thresholds.entry(key).or_default();
            of.set(series.label("threshold"), point.value);
        }
    }
    let mut sensors: Vec<Sensor> = parts
        .into_iter()
        .filter_map(|(key, parts)| {
            let (at, metric, _) = parts.value.or(parts.state)?;
            let value = parts.value.map(|(_, _, value)| value);
            let state = parts.state.map(|(_, _, state)| state);
            Some(Sensor {
                id: stable_id(server, metric.kind, &key),
                server_id: server,
                metric_type: metric.kind,
                metric: metric.value,
                value: value.filter(|value| value.is_finite()),
                unit: metric.unit,
                status: state.and_then(SensorStatus::from_state),
                thresholds: thresholds.get(&key).copied().unwrap_or_default(),
                timestamp: at,
                age_seconds: now.since(at).as_secs(),
                sensor_type: parts.sensor_type,
                sensor_id: key.sensor_id,
                name: key.name,
            })
        })
        .collect();
    sensors.sort_by(|a, b| order(a).cmp(&order(b)));
    sensors
}

/// By kind, then as in the BMC's records, then by name.
fn order(sensor: &Sensor) -> (SensorKind, u64, &str, &str) {
    let number = sensor.sensor_id.parse().unwrap_or(u64::MAX);
    (sensor.metric_type, number, &sensor.sensor_id, &sensor.name)
}

/// A number for a sensor that is the same whenever and wherever it is computed,
/// and that a browser can hold: 53 bits.
fn stable_id(server: Id, kind: SensorKind, key: &SensorKey) -> i64 {
    let mut hash = Sha256::new();
    for part in [
        &server.to_string(),
        kind.as_str(),
        &key.sensor_id,
        &key.name,
    ] {
        hash.update(part);
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(first) >> 11).cast_signed()
}

/// Names of the sensors that values were found of, as `temperature:CPU1 Temp`.
#[must_use]
pub fn collected_names(sensors: &[Sensor]) -> Vec<String> {
    sensors
        .iter()
        .filter(|sensor| sensor.value.is_some() || sensor.status.is_some())
        .map(|sensor| format!("{}:{}", sensor.metric_type.as_str(), sensor.name))
        .collect()
}

/// An expression that applies a function over a range to every metric of values
/// of a server, with the metric's name in the label `metric`.
#[must_use]
pub fn over_time(function: &str, inner: &str, server: Id, range: Duration) -> String {
    let parts: Vec<String> = SENSOR_METRICS
        .iter()
        .map(|metric| {
            let name = metric.value;
            let selector = format!("{name}{{{SERVER_ID}=\"{server}\"}}");
            let inner = inner.replace('$', &selector);
            let seconds = range.as_secs();
            let inner = inner.replace("RANGE", &format!("{seconds}s"));
            format!("label_replace({function}({inner}), \"metric\", \"{name}\", \"\", \"\")")
        })
        .collect();
    parts.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::super::data::Point;
    use super::*;

    fn series(name: &str, labels: &[(&str, &str)], at: i64, value: f64) -> Series {
        let name = [("__name__", name)];
        let labels = labels.iter().chain(&name);
        Series {
            labels: labels
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            points: vec![Point {
                at: Timestamp(at),
                value,
            }],
        }
    }

    const CPU: [(&str, &str); 2] = [("id", "4"), ("name", "CPU1 Temp")];
    const PSU: [(&str, &str); 3] = [("id", "12"), ("name", "PS1"), ("type", "Power Supply")];
    const FAN: [(&str, &str); 2] = [("id", "9"), ("name", "FAN1")];

    #[test]
    fn a_sensor_is_its_value_its_state_and_its_limits() {
        let alive = [
            series("ipmi_sensor_value", &PSU, 60_000, f64::NAN),
            series("ipmi_sensor_state", &PSU, 60_000, 2.0),
            series("ipmi_fan_speed_ratio", &FAN, 60_000, 0.5),
            series("ipmi_fan_speed_state", &FAN, 60_000, f64::NAN),
            series("ipmi_temperature_celsius", &CPU, 60_000, 41.5),
            series("ipmi_temperature_state", &CPU, 60_000, 1.0),
            series("ipmi_dcmi_power_consumption_watts", &[], 60_000, 250.0),
            series("ipmi_up", &[("collector", "ipmi")], 60_000, 1.0),
        ];
        let raw = [series("ipmi_temperature_celsius", &CPU, 45_500, 41.5)];
        let limit = |name: &str, value: f64| {
            let labels = [CPU.as_slice(), &[("threshold", name)]].concat();
            series(THRESHOLD, &labels, 0, value)
        };
        let limits = [
            limit("upper_critical", 90.0),
            limit("lower_non_critical", 5.0),
        ];
        let found = sensors(7, &alive, &raw, &limits, Timestamp(61_000));
        let names: Vec<&str> = found.iter().map(|sensor| sensor.name.as_str()).collect();
        assert_eq!(names, ["CPU1 Temp", "FAN1", "DCMI Power", "PS1"]);
        let [cpu, fan, power, supply] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (cpu.value, cpu.status),
            (Some(41.5), Some(SensorStatus::Warning))
        );
        assert_eq!((cpu.timestamp, cpu.age_seconds), (Timestamp(45_500), 15));
        assert_eq!(cpu.thresholds.minimum(), Some(5.0));
        assert_eq!(cpu.thresholds.maximum(), Some(90.0));
        assert_eq!((fan.unit, fan.status), (Some("ratio"), None));
        assert_eq!(fan.metric, "ipmi_fan_speed_ratio");
        assert_eq!((power.value, power.unit), (Some(250.0), Some("W")));
        assert_eq!(
            (supply.value, supply.sensor_type.as_str()),
            (None, "Power Supply")
        );
        assert_eq!(supply.status, Some(SensorStatus::Critical));
        assert_eq!(Metric::of(supply.clone()), None, "it has no number to show");
        assert_eq!(
            collected_names(&found),
            [
                "temperature:CPU1 Temp",
                "fan_speed:FAN1",
                "power:DCMI Power",
                "other:PS1"
            ]
        );
    }

    #[test]
    fn the_number_of_a_sensor_stays() {
        let alive = [series("ipmi_temperature_celsius", &CPU, 0, 1.0)];
        let id = |server: Id| sensors(server, &alive, &[], &[], Timestamp(0))[0].id;
        assert_eq!(id(7), id(7));
        assert_ne!(id(7), id(8));
        // Computed by another program: a front end keeps it.
        assert_eq!(id(7), 8_266_088_538_525_100);
        assert!(id(7) < 1 << 53);
    }

    #[test]
    fn of_two_jobs_the_newer_sample_counts() {
        let mut newer = series("ipmi_temperature_celsius", &CPU, 9_000, 2.0);
        newer.labels.insert("job".to_owned(), "other".to_owned());
        let older = series("ipmi_temperature_celsius", &CPU, 5_000, 1.0);
        for alive in [[newer.clone(), older.clone()], [older, newer]] {
            let found = sensors(7, &alive, &[], &[], Timestamp(9_000));
            assert_eq!((found.len(), found[0].value), (1, Some(2.0)));
        }
    }
}
