//! Sensors over a range of time, in pieces that Prometheus and memory bear.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::data::Series;
use super::kind::{self, SensorKind, SensorMetric, Told};
use super::sensor::{SensorKey, SensorStatus};
use super::source::{QueryError, Source};
use crate::clock::Timestamp;
use crate::model::Id;
use crate::promql::enforce::SERVER_ID;

/// Moments of one question. Prometheus answers with up to 11,000, but a server
/// with five hundred series would fill tens of megabytes with them.
const CHUNK_POINTS: i64 = 500;
/// Most moments of a range.
pub const MAX_POINTS: i64 = 100_000;
/// Moments that are aimed at when nobody says a step.
const USUAL_POINTS: i64 = 5_000;
/// Least step when nobody says one: how often servers are scraped.
const USUAL_STEP_MS: i64 = 60_000;

/// Moments from a start to an end, a step apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub start: Timestamp,
    /// Not after it.
    pub end: Timestamp,
    step_ms: i64,
}

impl Span {
    /// A range with a step, or one that suits it.
    ///
    /// # Errors
    /// A sentence that names the parameter.
    pub fn new(start: Timestamp, end: Timestamp, step: Option<Duration>) -> Result<Self, String> {
        let length = end.0.saturating_sub(start.0);
        if length <= 0 {
            return Err("end: is not after start".to_owned());
        }
        let step_ms = match step {
            None => {
                let step = length / USUAL_POINTS / 1000 * 1000;
                step.max(USUAL_STEP_MS)
            }
            Some(step) => i64::try_from(step.as_millis()).unwrap_or(i64::MAX),
        };
        if step_ms < 1000 {
            return Err("step: is less than a second".to_owned());
        }
        let span = Self {
            start,
            end,
            step_ms,
        };
        if span.points() > MAX_POINTS {
            let least = length / (MAX_POINTS - 1) / 1000 + 1;
            return Err(format!(
                "step: makes {} moments of this range; at most {MAX_POINTS} are allowed, with {least}s",
                span.points()
            ));
        }
        Ok(span)
    }

    /// How far apart the moments are.
    #[must_use]
    pub fn step(&self) -> Duration {
        Duration::from_millis(self.step_ms.unsigned_abs())
    }

    /// How many there are.
    #[must_use]
    pub fn points(&self) -> i64 {
        self.end.0.saturating_sub(self.start.0) / self.step_ms + 1
    }

    /// First and last moment of each piece.
    #[must_use]
    pub fn chunks(&self) -> Vec<(Timestamp, Timestamp)> {
        let moment = |index: i64| Timestamp(self.start.0 + index * self.step_ms);
        let mut chunks = Vec::new();
        let mut first = 0;
        while first < self.points() {
            let last = (first + CHUNK_POINTS).min(self.points()) - 1;
            chunks.push((moment(first), moment(last)));
            first = last + 1;
        }
        chunks
    }
}

/// A sensor at a moment, as it stands in an export.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Reading<'a> {
    /// When.
    pub timestamp: Timestamp,
    /// Number of the server.
    pub server_id: Id,
    /// Its name.
    pub server_name: &'a str,
    /// What is measured.
    pub metric_type: SensorKind,
    /// Prometheus' metric with the value.
    pub metric: &'static str,
    /// Number of the sensor's record.
    pub sensor_id: &'a str,
    /// Name of the sensor.
    pub metric_name: &'a str,
    /// Its value.
    pub value: Option<f64>,
    /// The value's unit.
    pub unit: Option<&'static str>,
    /// What the BMC thought of it.
    pub status: Option<SensorStatus>,
}

/// Values and states of a server's sensors at some moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    sensors: Vec<(SensorKey, &'static SensorMetric)>,
    cells: BTreeMap<(Timestamp, usize), (Option<f64>, Option<SensorStatus>)>,
}

impl Piece {
    /// What the series say. Value and state of a sensor come together.
    #[must_use]
    pub fn of(series: &[Series]) -> Self {
        let mut known: BTreeMap<SensorKey, &'static SensorMetric> = BTreeMap::new();
        for series in series {
            match kind::told(series.name()) {
                Some(Told::Value(metric)) => {
                    known.insert(SensorKey::of(series, metric), metric);
                }
                Some(Told::State(metric)) => {
                    known.entry(SensorKey::of(series, metric)).or_insert(metric);
                }
                None => {}
            }
        }
        let mut sensors: Vec<_> = known.into_iter().collect();
        sensors.sort_by_key(|(key, metric)| {
            let number = key.sensor_id.parse().unwrap_or(u64::MAX);
            (metric.kind, number, key.clone())
        });
        let places: BTreeMap<&SensorKey, usize> = sensors
            .iter()
            .enumerate()
            .map(|(place, (key, _))| (key, place))
            .collect();
        let mut cells: BTreeMap<_, (Option<f64>, Option<SensorStatus>)> = BTreeMap::new();
        for series in series {
            let (metric, is_value) = match kind::told(series.name()) {
                Some(Told::Value(metric)) => (metric, true),
                Some(Told::State(metric)) => (metric, false),
                None => continue,
            };
            let Some(place) = places.get(&SensorKey::of(series, metric)) else {
                continue;
            };
            for point in &series.points {
                let status = SensorStatus::from_state(point.value);
                let is_known = if is_value {
                    point.value.is_finite()
                } else {
                    status.is_some()
                };
                if !is_known {
                    continue;
                }
                let cell = cells.entry((point.at, *place)).or_default();
                if is_value {
                    cell.0 = Some(point.value);
                } else {
                    cell.1 = status;
                }
            }
        }
        Self { sensors, cells }
    }

    /// The readings by time, and at one time in the order of the sensors.
    pub fn readings<'a>(
        &'a self,
        server: Id,
        server_name: &'a str,
    ) -> impl Iterator<Item = Reading<'a>> {
        self.cells
            .iter()
            .filter_map(move |((timestamp, place), (value, status))| {
                let (key, metric) = self.sensors.get(*place)?;
                Some(Reading {
                    timestamp: *timestamp,
                    server_id: server,
                    server_name,
                    metric_type: metric.kind,
                    metric: metric.value,
                    sensor_id: &key.sensor_id,
                    metric_name: &key.name,
                    value: *value,
                    unit: metric.unit,
                    status: *status,
                })
            })
    }
}

/// A server's sensors from one moment to another, of a kind or all.
///
/// # Errors
/// See [`QueryError`].
pub async fn piece(
    source: &Source,
    server: Id,
    kind: Option<SensorKind>,
    (first, last): (Timestamp, Timestamp),
    step: Duration,
) -> Result<Piece, QueryError> {
    let names = kind::names(kind);
    let query = format!("{{__name__=~\"{names}\",{SERVER_ID}=\"{server}\"}}");
    let series = source.series_over(&query, first, last, step).await?;
    let make = move || Piece::of(&series);
    tokio::task::spawn_blocking(make)
        .await
        .map_err(|_| QueryError::Failed("the controller is ending".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::data;
    use super::*;

    #[test]
    fn a_step_suits_the_range_unless_it_is_said() {
        let day = Timestamp(24 * 3600 * 1000);
        let span = |end: Timestamp, step: Option<u64>| {
            Span::new(Timestamp(0), end, step.map(Duration::from_secs))
        };
        assert_eq!(span(day, None).unwrap().step().as_secs(), 60);
        let year = Timestamp(365 * day.0);
        let yearly = span(year, None).unwrap();
        assert!((5_000..5_010).contains(&yearly.points()), "{yearly:?}");
        assert_eq!(span(day, Some(300)).unwrap().points(), 289);
        assert!(span(Timestamp(0), None).unwrap_err().starts_with("end:"));
        assert!(span(day, Some(0)).unwrap_err().starts_with("step:"));
        let refused = span(year, Some(60)).unwrap_err();
        let (_, least) = refused.rsplit_once("with ").unwrap();
        let least = least.trim_end_matches('s').parse().unwrap();
        assert!(span(year, Some(least)).is_ok(), "{refused}");
    }

    proptest! {
        /// Every moment of the range is in one piece, and no piece is too long.
        #[test]
        fn chunks_cover_the_range_once(length in 1_i64..10_000_000, step in 1_u64..500) {
            let step = Duration::from_secs(step);
            let end = Timestamp(5 + length);
            let Ok(span) = Span::new(Timestamp(5), end, Some(step)) else {
                return Ok(());
            };
            let step = i64::try_from(step.as_millis()).unwrap();
            let mut moments = Vec::new();
            for (first, last) in span.chunks() {
                prop_assert!((last.0 - first.0) / step < CHUNK_POINTS);
                moments.extend((first.0..=last.0).step_by(usize::try_from(step).unwrap()));
            }
            let expected: Vec<i64> = (5..=end.0).step_by(usize::try_from(step).unwrap()).collect();
            prop_assert_eq!(moments, expected);
        }
    }

    #[test]
    fn value_and_state_of_a_moment_are_one_reading() {
        let body = br#"{"data":{"result":[
            {"metric":{"__name__":"ipmi_temperature_state","id":"4","name":"CPU"},"values":[[60,"0"],[120,"2"]]},
            {"metric":{"__name__":"ipmi_temperature_celsius","id":"4","name":"CPU"},"values":[[60,"-1"],[120,"NaN"]]},
            {"metric":{"__name__":"ipmi_sensor_state","id":"3","name":"PS","type":"x"},"values":[[60,"NaN"],[120,"1"]]},
            {"metric":{"__name__":"ipmi_up","collector":"x"},"values":[[60,"1"]]}]}}"#;
        let piece = Piece::of(&data::parse(body).unwrap());
        let readings: Vec<String> = piece
            .readings(7, "node")
            .map(|r| {
                let at = r.timestamp.0 / 1000;
                format!("{at} {} {:?} {:?}", r.metric_name, r.value, r.status)
            })
            .collect();
        assert_eq!(
            readings,
            [
                "60 CPU Some(-1.0) Some(Ok)",
                "120 CPU None Some(Critical)",
                "120 PS None Some(Warning)"
            ]
        );
    }
}
