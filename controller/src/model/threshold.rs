//! Thresholds that hold instead of the hardware's own.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sensor_pattern::SensorPattern;
use super::{Id, Invalid, Problems, Server, Text, Version};
use crate::clock::Timestamp;

/// Most overrides. Each is a part of a recording rule.
pub const MAX_OVERRIDES: i64 = 2000;
/// Greatest value, in either direction, in the unit of the metric.
const MAX_VALUE: f64 = 1e9;
/// Longest name of a sensor, in characters.
const MAX_SENSOR: usize = 256;

macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),* $(,)?) => {
        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in the store, in the API and in labels.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }

            /// Reads [`Self::as_str`].
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}

/// What a sensor measures, as the exporter sorts them: by the unit.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// Degrees Celsius.
    Temperature,
    /// Rotations per minute.
    FanSpeed,
    /// Share of the full speed, 0 to 1.
    FanRatio,
    /// Volts.
    Voltage,
    /// Amperes.
    Current,
    /// Watts.
    Power,
    /// Anything else.
    Other,
}

words! { ThresholdKind:
    Temperature = "temperature",
    FanSpeed = "fan_speed",
    FanRatio = "fan_ratio",
    Voltage = "voltage",
    Current = "current",
    Power = "power",
    Other = "other",
}

impl ThresholdKind {
    /// The metric with the sensors' values.
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Self::Temperature => "ipmi_temperature_celsius",
            Self::FanSpeed => "ipmi_fan_speed_rpm",
            Self::FanRatio => "ipmi_fan_speed_ratio",
            Self::Voltage => "ipmi_voltage_volts",
            Self::Current => "ipmi_current_amperes",
            Self::Power => "ipmi_power_watts",
            Self::Other => "ipmi_sensor_value",
        }
    }
}

/// Which side of a threshold is bad.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At or above it.
    Upper,
    /// At or below it.
    Lower,
}

words! { Bound: Upper = "upper", Lower = "lower" }

/// How bad it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// IPMI's "non-critical".
    Warning,
    /// IPMI's "critical".
    Critical,
}

words! { Level: Warning = "warning", Critical = "critical" }

/// One of a sensor's thresholds in the exporter's words, as they are the values of
/// the label `threshold`.
#[must_use]
pub fn threshold_word(bound: Bound, level: Level) -> &'static str {
    match (bound, level) {
        (Bound::Upper, Level::Warning) => "upper_non_critical",
        (Bound::Upper, Level::Critical) => "upper_critical",
        (Bound::Lower, Level::Warning) => "lower_non_critical",
        (Bound::Lower, Level::Critical) => "lower_critical",
    }
}

/// An override as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ThresholdOverride {
    /// Number of the override.
    pub id: Id,
    /// What the sensors measure.
    pub kind: ThresholdKind,
    /// Which side is bad.
    pub bound: Bound,
    /// How bad it is.
    pub level: Level,
    /// The threshold in the unit of the metric; null when there is to be none.
    pub value: Option<f64>,
    /// Only this server.
    pub server_id: Option<Id>,
    /// Only servers of this group.
    pub group_id: Option<Id>,
    /// Only servers of this model; any when empty.
    pub model: String,
    /// Only servers at this site; any when empty.
    pub site: String,
    /// Only sensors of this name, or whose whole name this matches; any when empty.
    pub sensor: String,
    /// Whether `sensor` is a regular expression.
    pub sensor_is_regex: bool,
    /// Why it is so.
    pub description: String,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// An override as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideDraft {
    /// What the sensors measure.
    pub kind: ThresholdKind,
    /// Which side is bad.
    pub bound: Bound,
    /// How bad it is.
    pub level: Level,
    /// The threshold; none is to be when absent.
    pub value: Option<f64>,
    /// Only this server.
    pub server_id: Option<Id>,
    /// Only servers of this group.
    pub group_id: Option<Id>,
    /// Only servers of this model.
    pub model: Text,
    /// Only servers at this site.
    pub site: Text,
    /// Only these sensors.
    pub sensor: String,
    /// Whether `sensor` is a regular expression.
    pub sensor_is_regex: bool,
    /// Why it is so.
    pub description: Text,
}

/// The form of [`OverrideDraft`] in a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    /// What the sensors measure.
    pub kind: ThresholdKind,
    /// Which side is bad.
    pub bound: Bound,
    /// How bad it is.
    pub level: Level,
    /// The threshold in the unit of the metric; null when there is to be none.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    pub value: Option<f64>,
    /// Only this server.
    #[serde(default)]
    pub server_id: Option<Id>,
    /// Only servers of this group.
    #[serde(default)]
    pub group_id: Option<Id>,
    /// Only servers of this model.
    #[serde(default)]
    pub model: String,
    /// Only servers at this site.
    #[serde(default)]
    pub site: String,
    /// Only sensors of this name, or whose whole name this matches.
    #[serde(default)]
    pub sensor: String,
    /// Whether `sensor` is a regular expression, in the part of RE2's syntax that
    /// means the same everywhere.
    #[serde(default)]
    pub sensor_is_regex: bool,
    /// Why it is so.
    #[serde(default)]
    pub description: String,
}

impl OverrideDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &OverrideBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        if let Some(value) = body.value
            && !(-MAX_VALUE..=MAX_VALUE).contains(&value)
        {
            problems.add(
                "value",
                format!("{value} is not between -{MAX_VALUE} and {MAX_VALUE}"),
            );
        }
        let mut text = |field: &str, text: &str| problems.check(field, Text::parse(text));
        let model = text("model", &body.model);
        let site = text("site", &body.site);
        let description = text("description", &body.description);
        let length = body.sensor.chars().count();
        if length > MAX_SENSOR {
            problems.add(
                "sensor",
                format!("has {length} characters; at most {MAX_SENSOR} are allowed"),
            );
        } else if body.sensor_is_regex {
            problems.check("sensor", SensorPattern::regex(&body.sensor));
        }
        let draft = (|| {
            Some(Self {
                kind: body.kind,
                bound: body.bound,
                level: body.level,
                value: body.value,
                server_id: body.server_id,
                group_id: body.group_id,
                model: model?,
                site: site?,
                sensor: body.sensor.clone(),
                sensor_is_regex: body.sensor_is_regex && !body.sensor.is_empty(),
                description: description?,
            })
        })();
        problems.finish(draft)
    }
}

/// What of a server decides which overrides hold for it: its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Number of the server.
    pub server_id: Id,
    /// Its group.
    pub group_id: Option<Id>,
    /// Value of its label `model`.
    pub model: String,
    /// Value of its label `site`.
    pub site: String,
}

impl Whereabouts {
    /// Those of a server. A label of the operator's own stands in where the field
    /// of the same name is empty, as it does on the target.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        let or_label = |value: &str, name: &str| {
            if !value.is_empty() {
                return value.to_owned();
            }
            let own = server.labels.iter().find(|(label, _)| *label == name);
            own.map_or_else(String::new, |(_, value)| value.to_owned())
        };
        Self {
            server_id: server.id,
            group_id: server.group_id,
            model: or_label(&server.model, "model"),
            site: or_label(&server.site, "site"),
        }
    }
}

impl ThresholdOverride {
    /// How specific it is; the greater wins. What limits it more narrowly counts
    /// more than all that limits it more widely: the server, then a sensor by its
    /// name, a sensor by a pattern, the group, the model, the site.
    #[must_use]
    pub fn specificity(&self) -> u8 {
        let bits = [
            self.server_id.is_some(),
            !self.sensor.is_empty() && !self.sensor_is_regex,
            !self.sensor.is_empty() && self.sensor_is_regex,
            self.group_id.is_some(),
            !self.model.is_empty(),
            !self.site.is_empty(),
        ];
        bits.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))
    }

    /// The value, with none as one that is never reached.
    #[must_use]
    pub fn limit(&self) -> f64 {
        self.value.unwrap_or(match self.bound {
            Bound::Upper => f64::INFINITY,
            Bound::Lower => f64::NEG_INFINITY,
        })
    }

    /// Whether it is about this sensor, apart from what it measures. A pattern
    /// that is none is about nothing.
    #[must_use]
    pub fn covers(&self, server: &Whereabouts, sensor: &str) -> bool {
        let is_sensor = || match (self.sensor.as_str(), self.sensor_is_regex) {
            ("", _) => true,
            (name, false) => name == sensor,
            (pattern, true) => SensorPattern::regex(pattern).is_ok_and(|p| p.matches(sensor)),
        };
        self.server_id.is_none_or(|id| id == server.server_id)
            && self.group_id.is_none_or(|id| Some(id) == server.group_id)
            && (self.model.is_empty() || self.model == server.model)
            && (self.site.is_empty() || self.site == server.site)
            && is_sensor()
    }
}

/// Puts those first that win: the more specific; of equally specific ones the
/// stricter; of equally strict ones the older.
pub fn sort_by_precedence(overrides: &mut [ThresholdOverride]) {
    overrides.sort_by(|a, b| {
        let strictness = match a.bound {
            Bound::Upper => a.limit().total_cmp(&b.limit()),
            Bound::Lower => b.limit().total_cmp(&a.limit()),
        };
        b.specificity()
            .cmp(&a.specificity())
            .then(strictness)
            .then(a.id.cmp(&b.id))
    });
}

/// Which overrides are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct OverrideFilter {
    /// What the sensors measure.
    #[param(inline)]
    pub kind: Option<ThresholdKind>,
    /// Exactly this server.
    pub server_id: Option<Id>,
    /// Exactly this group.
    pub group_id: Option<Id>,
    /// Exactly this model.
    pub model: Option<String>,
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn an_override(
        id: Id,
        change: impl FnOnce(&mut ThresholdOverride),
    ) -> ThresholdOverride {
        let mut one = ThresholdOverride {
            id,
            kind: ThresholdKind::Temperature,
            bound: Bound::Upper,
            level: Level::Critical,
            value: Some(80.0),
            server_id: None,
            group_id: None,
            model: String::new(),
            site: String::new(),
            sensor: String::new(),
            sensor_is_regex: false,
            description: String::new(),
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        change(&mut one);
        one
    }

    #[test]
    fn the_more_specific_wins_then_the_stricter_then_the_older() {
        let mut overrides = vec![
            an_override(1, |_| ()),
            an_override(2, |o| o.site = "s".to_owned()),
            an_override(3, |o| o.model = "m".to_owned()),
            an_override(4, |o| o.group_id = Some(1)),
            an_override(5, |o| {
                o.sensor = "CPU.*".to_owned();
                o.sensor_is_regex = true;
                o.value = Some(70.0);
            }),
            an_override(6, |o| {
                o.sensor = "CPU1.*".to_owned();
                o.sensor_is_regex = true;
                o.value = Some(60.0);
            }),
            an_override(7, |o| o.sensor = "CPU1".to_owned()),
            an_override(8, |o| o.server_id = Some(1)),
            an_override(9, |o| {
                o.group_id = Some(1);
                o.model = "m".to_owned();
                o.site = "s".to_owned();
            }),
            an_override(10, |o| o.value = None),
            an_override(11, |o| o.value = None),
        ];
        sort_by_precedence(&mut overrides);
        let order: Vec<Id> = overrides.iter().map(|o| o.id).collect();
        assert_eq!(order, [8, 7, 6, 5, 9, 4, 3, 2, 1, 10, 11]);
        let mut lower = vec![
            an_override(1, |o| (o.bound, o.value) = (Bound::Lower, Some(1.0))),
            an_override(2, |o| (o.bound, o.value) = (Bound::Lower, Some(2.0))),
        ];
        sort_by_precedence(&mut lower);
        assert_eq!(lower[0].id, 2, "the stricter lower bound is the higher one");
    }

    proptest! {
        #[test]
        fn a_server_counts_more_than_everything_else(
            sensor in any::<bool>(), regex in any::<bool>(), group in any::<bool>(),
            model in any::<bool>(), site in any::<bool>(),
        ) {
            let wide = an_override(1, |o| {
                if sensor { o.sensor = "a".to_owned(); }
                o.sensor_is_regex = regex;
                o.group_id = group.then_some(1);
                if model { o.model = "m".to_owned(); }
                if site { o.site = "s".to_owned(); }
            });
            let narrow = an_override(2, |o| o.server_id = Some(1));
            prop_assert!(narrow.specificity() > wide.specificity());
        }
    }

    #[test]
    fn mistakes_are_named() {
        let parse = |body: serde_json::Value| {
            let body: OverrideBody = serde_json::from_value(body).unwrap();
            OverrideDraft::parse(&body)
        };
        let good = serde_json::json!({"kind": "fan_speed", "bound": "lower", "level": "critical",
            "value": 500, "sensor": "FAN [1-4]", "sensor_is_regex": true});
        assert!(parse(good.clone()).is_ok());
        for (field, value) in [
            ("value", serde_json::json!(1e10)),
            ("sensor", serde_json::json!("a(")),
            ("sensor", serde_json::json!("a".repeat(257))),
            ("model", serde_json::json!("a\u{7}")),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert_eq!(parse(bad).unwrap_err()[0].field, field);
        }
        let no_value = serde_json::json!({"kind": "power", "bound": "upper", "level": "warning"});
        assert!(
            serde_json::from_value::<OverrideBody>(no_value).is_err(),
            "null is said, not left out"
        );
    }
}
