//! Overrides of thresholds as recording rules.
//!
//! For each kind of sensor and each threshold that has overrides there is one
//! rule, which records [`OVERRIDE_METRIC`] for the sensors that they cover, and
//! for no others. An alert reads it with the hardware's own threshold behind it:
//! `ipmi:threshold_override{…} or on (instance, id, name) ipmi_sensor_threshold{…}`.
//!
//! The parts of a rule are joined with `or` in the order of precedence, so that
//! of several overrides the first has the word. A part selects by labels: it is
//! one for each override, however many servers that covers.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::{
    Bound, Level, OWN_GROUP_PREFIX, PublishedGroup, Rule, ThresholdKind, ThresholdOverride,
    sort_by_precedence, threshold_word,
};

/// What is recorded: the threshold, with the labels `instance`, `server_id`, `id`
/// and `name` of the sensor, `kind`, `threshold`, and `override` with the number of
/// the override. Infinite where an override says that there is to be none.
pub const OVERRIDE_METRIC: &str = "ipmi:threshold_override";

/// The group of recording rules, if there are any overrides. Each comes with the
/// name of the group that it names.
#[must_use]
pub fn thresholds(overrides: &[(ThresholdOverride, Option<String>)]) -> Option<PublishedGroup> {
    let names: BTreeMap<i64, &str> = overrides
        .iter()
        .filter_map(|(one, name)| Some((one.group_id?, name.as_deref()?)))
        .collect();
    let mut rules: BTreeMap<(ThresholdKind, Bound, Level), Vec<ThresholdOverride>> =
        BTreeMap::new();
    for (one, _) in overrides {
        let key = (one.kind, one.bound, one.level);
        rules.entry(key).or_default().push(one.clone());
    }
    let rules: Vec<Rule> = rules
        .into_iter()
        .map(|((kind, bound, level), mut overrides)| {
            sort_by_precedence(&mut overrides);
            let parts: Vec<String> = overrides.iter().map(|one| part(one, &names)).collect();
            Rule {
                record: Some(OVERRIDE_METRIC.to_owned()),
                expr: parts.join("\nor on (instance, id, name)\n"),
                labels: BTreeMap::from([
                    ("kind".to_owned(), kind.as_str().to_owned()),
                    (
                        "threshold".to_owned(),
                        threshold_word(bound, level).to_owned(),
                    ),
                ]),
                enabled: true,
                ..Rule::default()
            }
        })
        .collect();
    (!rules.is_empty()).then(|| PublishedGroup {
        name: format!("{OWN_GROUP_PREFIX}thresholds"),
        interval: None,
        rules,
    })
}

/// The sensors of one override, each with the override's value. `group` is 1 for
/// every sensor, also for one whose value is not a number.
fn part(one: &ThresholdOverride, names: &BTreeMap<i64, &str>) -> String {
    let server = one.server_id.map(|id| id.to_string());
    // A group without a name is none; the database does not let that be.
    let group = one
        .group_id
        .map(|id| names.get(&id).copied().unwrap_or("\u{0}"));
    let sensor = (!one.sensor.is_empty()).then_some(one.sensor.as_str());
    let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
    let operator = if one.sensor_is_regex { "=~" } else { "=" };
    let matchers = [
        ("server_id", "=", server.as_deref()),
        ("group", "=", group),
        ("model", "=", some(one.model.as_str())),
        ("site", "=", some(one.site.as_str())),
        ("name", operator, sensor),
    ];
    let matchers: Vec<String> = matchers
        .into_iter()
        .filter_map(|(label, operator, value)| Some(format!("{label}{operator}{}", quoted(value?))))
        .collect();
    format!(
        "label_replace(group by (instance, server_id, id, name) ({}{{{}}}) * {}, \"override\", \"{}\", \"\", \"\")",
        one.kind.metric(),
        matchers.join(","),
        number(one.limit()),
        one.id
    )
}

/// A number as PromQL reads it.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// A text between quotes as PromQL reads it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => {
                // Writing into a text cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::threshold::tests::an_override;
    use crate::promql::check;

    #[test]
    fn one_rule_for_a_threshold_and_one_part_for_an_override() {
        let all = [
            (an_override(1, |_| ()), None),
            (
                an_override(2, |o| {
                    o.group_id = Some(7);
                    o.value = None;
                    o.sensor = "a\"\\b".to_owned();
                }),
                Some("db \"x\"".to_owned()),
            ),
            (
                an_override(3, |o| {
                    o.kind = ThresholdKind::FanSpeed;
                    o.bound = Bound::Lower;
                    o.value = Some(-0.5);
                    o.server_id = Some(12);
                    o.sensor = "FAN[1-4]".to_owned();
                    o.sensor_is_regex = true;
                }),
                None,
            ),
        ];
        let group = thresholds(&all).unwrap();
        let texts: Vec<&str> = group.rules.iter().map(|rule| rule.expr.as_str()).collect();
        assert_eq!(
            texts,
            [
                concat!(
                    r#"label_replace(group by (instance, server_id, id, name) (ipmi_temperature_celsius{group="db \"x\"",name="a\"\\b"}) * Inf, "override", "2", "", "")"#,
                    "\nor on (instance, id, name)\n",
                    r#"label_replace(group by (instance, server_id, id, name) (ipmi_temperature_celsius{}) * 80, "override", "1", "", "")"#,
                ),
                r#"label_replace(group by (instance, server_id, id, name) (ipmi_fan_speed_rpm{server_id="12",name=~"FAN[1-4]"}) * -0.5, "override", "3", "", "")"#,
            ]
        );
        for text in texts {
            assert!(check::expression(text).is_ok(), "{text}");
        }
        assert_eq!(group.rules[1].labels["threshold"], "lower_critical");
        assert_eq!(thresholds(&[]), None);
    }
}
