//! What a server was like over a period, and how two periods differ.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::data::Series;
use super::kind::{self, DCMI_POWER, SensorKind, Told};
use super::sensor::{self, SensorKey};
use super::source::{QueryError, Source};
use crate::clock::Timestamp;
use crate::model::{AlertStatistics, Id, Noise};
use crate::promql::enforce::SERVER_ID;

/// Longest period.
const MAX_PERIOD: Duration = Duration::from_secs(400 * 24 * 3600);
/// Shortest period.
const MIN_PERIOD: Duration = Duration::from_secs(60);
/// Moments that an average is made of when samples without a value must be left
/// out, and their least distance in seconds.
const AVERAGED_POINTS: u64 = 2_000;
const LEAST_STEP: u64 = 60;

/// A time from a start to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Period {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
}

impl Period {
    /// Checks a period.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, String> {
        let length = end.since(start);
        if length < MIN_PERIOD || length > MAX_PERIOD {
            return Err(format!(
                "the period has {} s; {} s to 400 days are allowed, with the end after the start",
                length.as_secs(),
                MIN_PERIOD.as_secs()
            ));
        }
        Ok(Self { start, end })
    }

    fn length(&self) -> Duration {
        self.end.since(self.start)
    }
}

/// A sensor over a period.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SensorSummary {
    /// What it measures.
    pub metric_type: SensorKind,
    /// Prometheus' metric.
    pub metric: &'static str,
    /// Number of the sensor's record.
    pub sensor_id: String,
    /// Its name.
    pub metric_name: String,
    /// Unit of the values.
    pub unit: Option<&'static str>,
    /// Least value.
    pub minimum: Option<f64>,
    /// Average of all samples.
    pub average: Option<f64>,
    /// Greatest value.
    pub maximum: Option<f64>,
}

/// Power of a machine over a period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct PowerSummary {
    /// Average power in W.
    pub average_watts: f64,
    /// The energy that this makes over the whole period, in kWh.
    pub energy_kilowatt_hours: f64,
}

/// Alerts that began in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct AlertSummary {
    /// How many.
    pub count: i64,
    /// How many by severity.
    pub by_severity: BTreeMap<String, i64>,
    /// The ten names that fired most.
    pub by_name: Vec<Noise>,
}

impl From<AlertStatistics> for AlertSummary {
    fn from(statistics: AlertStatistics) -> Self {
        Self {
            count: statistics.count,
            by_severity: statistics.by_severity,
            by_name: statistics.noisiest_alertnames,
        }
    }
}

/// A server over a period.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServerReport {
    /// Number of the server.
    pub server_id: Id,
    /// Its name.
    pub server_name: String,
    /// Share of the scrapes at which the BMC answered, 0 to 1; null when there
    /// were none.
    pub availability: Option<f64>,
    /// Its power, where the BMC measures it by DCMI.
    pub power: Option<PowerSummary>,
    /// Alerts that began.
    pub alerts: AlertSummary,
    /// Its sensors that had values.
    pub sensors: Vec<SensorSummary>,
}

/// Several servers over a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Totals {
    /// How many servers.
    pub servers: u64,
    /// Average of their availabilities that are known.
    pub availability: Option<f64>,
    /// Sum of their energies that are known, in kWh.
    pub energy_kilowatt_hours: Option<f64>,
    /// Alerts of all.
    pub alerts: i64,
    /// Alerts of all by severity.
    pub alerts_by_severity: BTreeMap<String, i64>,
    #[serde(skip)]
    known_availabilities: u32,
}

impl Totals {
    /// Adds a server.
    pub fn add(&mut self, report: &ServerReport) {
        self.servers += 1;
        if let Some(availability) = report.availability {
            let before = f64::from(self.known_availabilities);
            let sum = self.availability.unwrap_or_default() * before + availability;
            self.known_availabilities += 1;
            self.availability = Some(sum / (before + 1.0));
        }
        if let Some(power) = report.power {
            *self.energy_kilowatt_hours.get_or_insert(0.0) += power.energy_kilowatt_hours;
        }
        self.alerts += report.alerts.count;
        for (severity, count) in &report.alerts.by_severity {
            *self.alerts_by_severity.entry(severity.clone()).or_default() += count;
        }
    }
}

/// One figure of a report, as a line of a table.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Line {
    /// The sensor's kind, or `availability`, `energy` or `alerts`.
    pub metric_type: &'static str,
    /// Prometheus' metric.
    pub metric: &'static str,
    /// Number of the sensor's record.
    pub sensor_id: String,
    /// Name of the sensor, or the severity of alerts; empty for all.
    pub metric_name: String,
    /// Unit of the numbers.
    pub unit: Option<&'static str>,
    /// Least value.
    pub minimum: Option<f64>,
    /// Average.
    pub average: Option<f64>,
    /// Greatest value.
    pub maximum: Option<f64>,
    /// Sum over the period: energy, or alerts.
    pub total: Option<f64>,
}

impl Line {
    fn key(&self) -> (&str, &str, &str, &str) {
        let Self {
            metric_type,
            metric,
            sensor_id,
            metric_name,
            ..
        } = self;
        (metric_type, metric, sensor_id, metric_name)
    }

    /// The numbers in the order of their columns.
    #[must_use]
    pub fn numbers(&self) -> [Option<f64>; 4] {
        [self.minimum, self.average, self.maximum, self.total]
    }
}

impl ServerReport {
    /// The report as a table.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let blank = |metric_type, metric_name: &str, unit| Line {
            metric_type,
            metric: "",
            sensor_id: String::new(),
            metric_name: metric_name.to_owned(),
            unit: Some(unit),
            minimum: None,
            average: None,
            maximum: None,
            total: None,
        };
        let mut lines: Vec<Line> = self
            .sensors
            .iter()
            .map(|sensor| Line {
                metric_type: sensor.metric_type.as_str(),
                metric: sensor.metric,
                sensor_id: sensor.sensor_id.clone(),
                metric_name: sensor.metric_name.clone(),
                unit: sensor.unit,
                minimum: sensor.minimum,
                average: sensor.average,
                maximum: sensor.maximum,
                total: None,
            })
            .collect();
        if let Some(power) = self.power {
            lines.push(Line {
                total: Some(power.energy_kilowatt_hours),
                ..blank("energy", "", "kWh")
            });
        }
        if let Some(availability) = self.availability {
            lines.push(Line {
                average: Some(availability),
                ..blank("availability", "", "ratio")
            });
        }
        let counts = self.alerts.by_severity.iter();
        let counts = counts.map(|(severity, count)| (severity.as_str(), *count));
        for (severity, count) in std::iter::once(("", self.alerts.count)).chain(counts) {
            // An alert without a severity counts among all.
            if severity.is_empty() && lines.last().is_some_and(|l| l.metric_type == "alerts") {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "no journal has 2^53 alerts")]
            let total = Some(count as f64);
            lines.push(Line {
                total,
                ..blank("alerts", severity, "1")
            });
        }
        lines
    }
}

/// A server over two periods.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServerComparison {
    /// Number of the server.
    pub server_id: Id,
    /// Its name.
    pub server_name: String,
    /// The first period.
    pub first: ServerReport,
    /// The second.
    pub second: ServerReport,
    /// By how much the second is more; null where one of them has no number.
    pub difference: Vec<Line>,
}

/// A line of both periods.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// By how much the second is more.
    pub difference: Line,
    /// Numbers of the first period, in the order of [`Line::numbers`].
    pub first: [Option<f64>; 4],
    /// Numbers of the second.
    pub second: [Option<f64>; 4],
}

impl ServerComparison {
    /// Compares two reports of one server.
    #[must_use]
    pub fn of(first: ServerReport, second: ServerReport) -> Self {
        let pairs = pairs(&first, &second);
        Self {
            server_id: second.server_id,
            server_name: second.server_name.clone(),
            difference: pairs.into_iter().map(|pair| pair.difference).collect(),
            first,
            second,
        }
    }
}

/// Lines of either report with the numbers of both, those of the first report
/// first.
#[must_use]
pub fn pairs(first: &ServerReport, second: &ServerReport) -> Vec<Pair> {
    let (first, second) = (first.lines(), second.lines());
    let find = |lines: &[Line], line: &Line| {
        let found = lines.iter().find(|other| other.key() == line.key());
        found.map(Line::numbers).unwrap_or_default()
    };
    let only_second = second
        .iter()
        .filter(|line| !first.iter().any(|other| other.key() == line.key()));
    first
        .iter()
        .chain(only_second)
        .map(|line| {
            let (before, after) = (find(&first, line), find(&second, line));
            let less = |index: usize| Some(after[index]? - before[index]?);
            Pair {
                difference: Line {
                    minimum: less(0),
                    average: less(1),
                    maximum: less(2),
                    total: less(3),
                    ..line.clone()
                },
                first: before,
                second: after,
            }
        })
        .collect()
}

/// A server over a period, as Prometheus knows it; its alerts are somebody
/// else's business.
///
/// # Errors
/// See [`QueryError`].
pub async fn server(
    source: &Source,
    (server, name): (Id, &str),
    period: Period,
    alerts: AlertSummary,
) -> Result<ServerReport, QueryError> {
    let range = period.length();
    let ask = async |function: &str, inner: &str| {
        let query = sensor::over_time(function, inner, server, range);
        source.series_at(&query, period.end).await
    };
    let seconds = range.as_secs();
    let answered = format!(
        "max by ({SERVER_ID}) (sum_over_time(ipmi_up{{{SERVER_ID}=\"{server}\"}}[{seconds}s])) \
         / max by ({SERVER_ID}) (count_over_time(up{{{SERVER_ID}=\"{server}\"}}[{seconds}s]))"
    );
    let plain = "$[RANGE]";
    let (minimum, average, maximum, availability) = tokio::try_join!(
        ask("min_over_time", plain),
        ask("avg_over_time", plain),
        ask("max_over_time", plain),
        source.series_at(&answered, period.end),
    )?;
    let mut average = Figures::of(&average);
    let maximum = Figures::of(&maximum);
    let minimum = Figures::of(&minimum);
    // One sample without a value makes the average none; least and greatest pass
    // over it.
    if maximum.0.keys().any(|key| !average.0.contains_key(key)) {
        let step = (seconds / AVERAGED_POINTS).max(LEAST_STEP);
        let valued = format!("($ == $)[RANGE:{step}s]");
        average = Figures::of(&ask("avg_over_time", &valued).await?);
    }
    let mut sensors: Vec<SensorSummary> = maximum
        .0
        .iter()
        .filter_map(|(key, maximum)| {
            let Some(Told::Value(metric)) = kind::told(&key.1) else {
                return None;
            };
            Some(SensorSummary {
                metric_type: metric.kind,
                metric: metric.value,
                sensor_id: key.0.sensor_id.clone(),
                metric_name: key.0.name.clone(),
                unit: metric.unit,
                minimum: minimum.0.get(key).copied(),
                average: average.0.get(key).copied(),
                maximum: Some(*maximum),
            })
        })
        .collect();
    sensors.sort_by_key(|sensor| {
        let number = sensor.sensor_id.parse().unwrap_or(u64::MAX);
        (sensor.metric_type, number, sensor.metric_name.clone())
    });
    let watts = sensors.iter().find(|sensor| sensor.metric == DCMI_POWER);
    let power = watts
        .and_then(|sensor| sensor.average)
        .map(|watts| PowerSummary {
            average_watts: watts,
            energy_kilowatt_hours: watts * range.as_secs_f64() / 3_600_000.0,
        });
    let availability = availability.first().and_then(Series::last);
    Ok(ServerReport {
        server_id: server,
        server_name: name.to_owned(),
        // Two jobs may scrape a server at different intervals.
        availability: availability
            .map(|point| point.value.min(1.0))
            .filter(|share| share.is_finite()),
        power,
        alerts,
        sensors,
    })
}

/// One number for each sensor and metric; those that are none are left out.
struct Figures(BTreeMap<(SensorKey, String), f64>);

impl Figures {
    fn of(series: &[Series]) -> Self {
        let mut figures = BTreeMap::new();
        for series in series {
            let name = series.label("metric").to_owned();
            let (Some(Told::Value(metric)), Some(point)) = (kind::told(&name), series.last())
            else {
                continue;
            };
            if point.value.is_finite() {
                figures.insert((SensorKey::of(series, metric), name), point.value);
            }
        }
        Self(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(average: Option<f64>, alerts: &[(&str, i64)]) -> ServerReport {
        ServerReport {
            server_id: 7,
            server_name: "node".to_owned(),
            availability: Some(0.5),
            power: None,
            alerts: AlertSummary {
                count: alerts.iter().map(|(_, count)| count).sum(),
                by_severity: alerts
                    .iter()
                    .map(|(severity, count)| ((*severity).to_owned(), *count))
                    .collect(),
                by_name: Vec::new(),
            },
            sensors: average
                .map(|average| SensorSummary {
                    metric_type: SensorKind::Temperature,
                    metric: "ipmi_temperature_celsius",
                    sensor_id: "4".to_owned(),
                    metric_name: "CPU".to_owned(),
                    unit: Some("°C"),
                    minimum: Some(average - 1.0),
                    average: Some(average),
                    maximum: None,
                })
                .into_iter()
                .collect(),
        }
    }

    #[test]
    fn a_difference_needs_both_numbers() {
        let before = report(Some(40.0), &[("critical", 2)]);
        let after = report(Some(42.5), &[("critical", 1), ("warning", 4)]);
        let difference = ServerComparison::of(before.clone(), after).difference;
        let of = |kind: &str, name: &str| {
            let mut found = difference.iter();
            let line = found.find(|l| l.metric_type == kind && l.metric_name == name);
            line.map(Line::numbers)
        };
        assert_eq!(
            of("temperature", "CPU"),
            Some([Some(2.5), Some(2.5), None, None])
        );
        assert_eq!(of("availability", ""), Some([None, Some(0.0), None, None]));
        assert_eq!(of("alerts", ""), Some([None, None, None, Some(3.0)]));
        assert_eq!(
            of("alerts", "critical"),
            Some([None, None, None, Some(-1.0)])
        );
        assert_eq!(of("alerts", "warning"), Some([None; 4]));
        let gone = ServerComparison::of(before, report(None, &[])).difference;
        assert_eq!(gone[0].numbers(), [None; 4]);
    }

    #[test]
    fn totals_are_of_what_is_known() {
        let mut totals = Totals::default();
        totals.add(&report(None, &[("critical", 2)]));
        let mut other = report(None, &[("critical", 1)]);
        other.availability = Some(1.0);
        totals.add(&other);
        other.availability = None;
        other.power = Some(PowerSummary {
            average_watts: 100.0,
            energy_kilowatt_hours: 2.4,
        });
        totals.add(&other);
        assert_eq!((totals.servers, totals.alerts), (3, 4));
        assert_eq!(totals.availability, Some(0.75));
        assert_eq!(totals.energy_kilowatt_hours, Some(2.4));
    }

    #[test]
    fn a_period_goes_forward_and_has_bounds() {
        let of = |start, end| Period::new(Timestamp(start), Timestamp(end));
        assert!(of(0, 60_000).is_ok());
        assert!(of(60_000, 0).is_err() && of(0, 59_000).is_err());
        assert!(of(0, 401 * 24 * 3_600_000).is_err());
    }
}
