//! Which thresholds hold for a server's sensors, and where each comes from: by the
//! same precedence as the recording rules of [`crate::render::thresholds`], which a
//! test compares it with.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{
    Bound, Id, Level, ThresholdKind, ThresholdOverride, Whereabouts, sort_by_precedence,
    threshold_word,
};
use crate::monitoring::data::Series;

/// Where a threshold comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An override.
    Override,
    /// The machine itself.
    Hardware,
    /// Nobody: there is none.
    None,
}

/// One of a sensor's thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EffectiveThreshold {
    /// Which side is bad.
    pub bound: Bound,
    /// How bad it is.
    pub level: Level,
    /// The threshold in the unit of the metric; null when there is none.
    pub value: Option<f64>,
    /// Where it comes from.
    pub source: Source,
    /// Number of the override, if it comes from one.
    pub override_id: Option<Id>,
    /// The machine's own, if it has one, also where an override holds.
    pub hardware_value: Option<f64>,
}

/// A sensor with its thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SensorThresholds {
    /// Value of the label `id`: number of the sensor's record.
    pub id: String,
    /// Value of the label `name`.
    pub name: String,
    /// What it measures.
    pub kind: ThresholdKind,
    /// What it says now; null when that is not a number.
    pub value: Option<f64>,
    /// Four of them: upper and lower, critical and warning.
    pub thresholds: Vec<EffectiveThreshold>,
}

/// The two questions to Prometheus about a server: its sensors' values, and the
/// thresholds that it tells of itself.
#[must_use]
pub fn questions(server: Id) -> [String; 2] {
    let metrics: Vec<&str> = ThresholdKind::ALL
        .iter()
        .map(|kind| kind.metric())
        .collect();
    [
        format!(
            "{{__name__=~\"{}\",server_id=\"{server}\"}}",
            metrics.join("|")
        ),
        format!("ipmi_sensor_threshold{{server_id=\"{server}\"}}"),
    ]
}

/// The thresholds of all sensors in `values`, in order of kind and number of the
/// record. Where several jobs read a sensor, the greatest of what they say counts.
#[must_use]
pub fn effective_thresholds(
    server: &Whereabouts,
    overrides: &[ThresholdOverride],
    values: &[Series],
    hardware: &[Series],
) -> Vec<SensorThresholds> {
    let mut overrides = overrides.to_vec();
    sort_by_precedence(&mut overrides);
    let mut own: BTreeMap<(&str, &str, &str), f64> = BTreeMap::new();
    for series in hardware {
        let Some(point) = series.last().filter(|point| point.value.is_finite()) else {
            continue;
        };
        let key = (
            series.label("id"),
            series.label("name"),
            series.label("threshold"),
        );
        let known = own.entry(key).or_insert(point.value);
        *known = known.max(point.value);
    }
    let mut sensors: BTreeMap<(ThresholdKind, u64, &str, &str), Option<f64>> = BTreeMap::new();
    for series in values {
        let mut kinds = ThresholdKind::ALL.iter();
        let Some(kind) = kinds.find(|kind| kind.metric() == series.name()) else {
            continue;
        };
        let id = series.label("id");
        let number = id.parse().unwrap_or(u64::MAX);
        let value = series
            .last()
            .map(|point| point.value)
            .filter(|value| value.is_finite());
        let known = sensors
            .entry((*kind, number, id, series.label("name")))
            .or_insert(value);
        *known = match (*known, value) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
    }
    sensors
        .into_iter()
        .map(|((kind, _, id, name), value)| SensorThresholds {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            value,
            thresholds: Bound::ALL
                .iter()
                .flat_map(|bound| Level::ALL.iter().rev().map(move |level| (*bound, *level)))
                .map(|(bound, level)| {
                    let own = own.get(&(id, name, threshold_word(bound, level))).copied();
                    let overriding = overrides.iter().find(|one| {
                        (one.kind, one.bound, one.level) == (kind, bound, level)
                            && one.covers(server, name)
                    });
                    effective(bound, level, own, overriding)
                })
                .collect(),
        })
        .collect()
}

fn effective(
    bound: Bound,
    level: Level,
    own: Option<f64>,
    overriding: Option<&ThresholdOverride>,
) -> EffectiveThreshold {
    let (value, source) = match (overriding, own) {
        (Some(one), _) => (one.value, Source::Override),
        (None, Some(own)) => (Some(own), Source::Hardware),
        (None, None) => (None, Source::None),
    };
    EffectiveThreshold {
        bound,
        level,
        value,
        source,
        override_id: overriding.map(|one| one.id),
        hardware_value: own,
    }
}
