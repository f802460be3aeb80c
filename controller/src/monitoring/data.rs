//! Answers of Prometheus' query interface, read with suspicion.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::clock::Timestamp;
use crate::model::Id;
use crate::promql::enforce::SERVER_ID;

/// Labels of a series.
pub type SeriesLabels = BTreeMap<String, String>;

/// One value at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// What; may be NaN or infinite.
    pub value: f64,
}

/// A series with the values that were asked for: one of a vector, several of a
/// matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels, with `__name__`.
    pub labels: SeriesLabels,
    /// Its values, in order of time.
    pub points: Vec<Point>,
}

impl Series {
    /// A label's value; empty when it has none, as in PromQL.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The metric's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.label("__name__")
    }

    /// The server that it is about, from its label.
    #[must_use]
    pub fn server_id(&self) -> Option<Id> {
        self.label(SERVER_ID).parse().ok()
    }

    /// The newest value.
    #[must_use]
    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }
}

#[derive(Deserialize)]
struct Envelope {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<RawSeries>,
}

#[derive(Deserialize)]
struct RawSeries {
    metric: SeriesLabels,
    #[serde(default)]
    value: Option<RawPoint>,
    #[serde(default)]
    values: Vec<RawPoint>,
}

#[derive(Deserialize)]
struct RawPoint(f64, String);

/// Reads a vector or a matrix.
///
/// # Errors
/// A sentence saying what is no such thing.
pub fn parse(body: &[u8]) -> Result<Vec<Series>, String> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    envelope.data.result.into_iter().map(series).collect()
}

fn series(raw: RawSeries) -> Result<Series, String> {
    let points = raw.value.into_iter().chain(raw.values);
    Ok(Series {
        labels: raw.metric,
        points: points
            .map(|RawPoint(at, value)| {
                let value = value
                    .parse()
                    .map_err(|_| format!("the value \"{value}\" is no number"))?;
                Ok(Point {
                    at: moment(at),
                    value,
                })
            })
            .collect::<Result<_, String>>()?,
    })
}

/// The moment of so many seconds since 1970.
#[must_use]
pub fn moment(seconds: f64) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is out of range becomes the first or last moment"
    )]
    let milliseconds = (seconds * 1000.0).round() as i64;
    Timestamp(milliseconds)
}

/// A moment as Prometheus reads it: seconds since 1970.
#[must_use]
pub fn seconds(at: Timestamp) -> String {
    let sign = if at.0 < 0 { "-" } else { "" };
    let of = at.0.unsigned_abs();
    format!("{sign}{}.{:03}", of / 1000, of % 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vectors_and_matrices_are_read() {
        let body = br#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","server_id":"7"},"value":[1795406160.842,"NaN"]},
            {"metric":{},"values":[[1,"+Inf"],[2.5,"-1e3"]]},
            {"metric":{"server_id":"x"},"histogram":[1,{"count":"1"}]}]}}"#;
        let series = parse(body).unwrap();
        assert_eq!(series[0].name(), "up");
        assert_eq!(series[0].server_id(), Some(7));
        let last = series[0].last().unwrap();
        assert!(last.value.is_nan() && last.at == Timestamp(1_795_406_160_842));
        assert_eq!(series[1].points[0].value, f64::INFINITY);
        assert_eq!(
            series[1].last().map(|p| (p.at.0, p.value)),
            Some((2500, -1000.0))
        );
        assert_eq!((series[2].server_id(), series[2].last()), (None, None));
    }

    #[test]
    fn what_is_something_else_is_an_error() {
        for body in [
            "",
            "null",
            "[]",
            "<html>",
            r#"{"data":{"result":[1,"2"]}}"#,
            r#"{"data":{"result":[{"metric":{"a":1},"value":[1,"2"]}]}}"#,
            r#"{"data":{"result":[{"metric":{},"value":[1,"two"]}]}}"#,
            r#"{"data":{"result":[{"metric":{},"value":["1",2]}]}}"#,
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn moments_survive_the_way_to_prometheus() {
        assert_eq!(seconds(Timestamp(1_795_406_160_042)), "1795406160.042");
        assert_eq!(seconds(Timestamp(-1)), "-0.001");
        assert_eq!(moment(f64::INFINITY), Timestamp(i64::MAX));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }
    }
}
