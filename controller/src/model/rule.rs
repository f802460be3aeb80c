//! Rules, in the words of Prometheus' rule files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Invalid, Problems, PromDuration};
use crate::promql::check;

/// Longest name of an alert or of a recorded metric, in bytes.
const MAX_NAME: usize = 200;
/// Most labels, and most annotations, of one rule.
const MAX_PAIRS: usize = 32;
/// Longest value of a label, in bytes.
const MAX_LABEL: usize = 1024;
/// Longest annotation, in bytes.
const MAX_ANNOTATION: usize = 8 * 1024;

/// A rule. Exactly one of `alert` and `record` is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name of the alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// Name of the metric that is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// PromQL, up to 8 KiB.
    pub expr: String,
    /// For how long the expression has to hold before the alert fires.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub hold: Option<PromDuration>,
    /// For how long it goes on firing afterwards. Prometheus 2.42 or newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_firing_for: Option<PromDuration>,
    /// Labels of the alert or of the recorded series; those of alerts are templates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Texts of the alert; templates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Whether it is published.
    #[serde(default = "enabled", skip_serializing_if = "Clone::clone")]
    #[schema(default = true)]
    pub enabled: bool,
}

fn enabled() -> bool {
    true
}

impl Rule {
    /// The name of the alert or of the recorded metric.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.alert.as_deref().or(self.record.as_deref());
        name.unwrap_or_default()
    }

    /// Notes what is wrong, with `place` in front of the fields, such as
    /// `rules[2].`, and the rule's name in the messages.
    pub(crate) fn check(&self, place: &str, problems: &mut Problems) {
        let mut found = Problems::default();
        match (&self.alert, &self.record) {
            (Some(name), None) => {
                found.check("alert", check_alert_name(name));
            }
            (None, Some(name)) => {
                found.check("record", check_metric_name(name));
                for (is_there, field) in [
                    (self.hold.is_some(), "for"),
                    (self.keep_firing_for.is_some(), "keep_firing_for"),
                    (!self.annotations.is_empty(), "annotations"),
                ] {
                    if is_there {
                        found.add(field, "is for alerts; a recording rule has none");
                    }
                }
            }
            _ => found.add("alert", "exactly one of alert and record must be there"),
        }
        match check::expression(&self.expr) {
            Err(error) => found.add("expr", error.to_string()),
            Ok(expression) => {
                if let Some(what) = check::no_samples(&expression) {
                    found.add(
                        "expr",
                        format!("gives {what}, not one value for each series"),
                    );
                }
            }
        }
        check_pairs(
            &self.labels,
            "labels",
            MAX_LABEL,
            check_label_name,
            &mut found,
        );
        check_pairs(
            &self.annotations,
            "annotations",
            MAX_ANNOTATION,
            check_word,
            &mut found,
        );
        let name = self.name();
        for Invalid { field, message } in found.found() {
            let of = match name {
                "" => String::new(),
                name => format!("of rule {name}: "),
            };
            problems.add(&format!("{place}{field}"), format!("{of}{message}"));
        }
    }
}

fn check_alert_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if name.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    at_most(name, MAX_NAME)
}

/// Letters, digits, underscores and colons, no digit first.
fn check_metric_name(name: &str) -> Result<(), String> {
    let is_good =
        |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    let first = name.chars().next();
    if !name.chars().all(is_good) || first.is_none_or(|first| first.is_ascii_digit()) {
        return Err(format!(
            "\"{name}\" is no metric name; letters, digits, underscores and colons are allowed, and a digit not in front"
        ));
    }
    at_most(name, MAX_NAME)
}

/// Letters, digits and underscores, no digit first: a label or an annotation.
fn check_word(name: &str) -> Result<(), String> {
    let is_good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let first = name.chars().next();
    if !name.chars().all(is_good) || first.is_none_or(|first| first.is_ascii_digit()) {
        return Err(format!(
            "\"{name}\" is no name; letters, digits and underscores are allowed, and a digit not in front"
        ));
    }
    at_most(name, MAX_NAME)
}

fn check_label_name(name: &str) -> Result<(), String> {
    check_word(name)?;
    if name.starts_with("__") || name == "alertname" {
        return Err(format!("\"{name}\" is a label that Prometheus sets"));
    }
    Ok(())
}

fn check_pairs(
    pairs: &BTreeMap<String, String>,
    field: &str,
    longest: usize,
    check_name: fn(&str) -> Result<(), String>,
    problems: &mut Problems,
) {
    if pairs.len() > MAX_PAIRS {
        problems.add(
            field,
            format!("has {}; at most {MAX_PAIRS} are allowed", pairs.len()),
        );
    }
    for (name, value) in pairs {
        problems.check(field, check_name(name));
        let place = format!("{field}.{name}");
        problems.check(&place, at_most(value, longest));
        problems.check(&place, check_template(value));
    }
}

fn at_most(text: &str, longest: usize) -> Result<(), String> {
    if text.len() > longest {
        return Err(format!(
            "has {} bytes; at most {longest} are allowed",
            text.len()
        ));
    }
    Ok(())
}

/// Every `{{` has its `}}`. What stands between them is promtool's to judge.
pub(super) fn check_template(text: &str) -> Result<(), String> {
    let mut rest = text;
    loop {
        let Some((before, action)) = rest.split_once("{{") else {
            return match rest.contains("}}") {
                true => Err("has }} without {{ before it".to_owned()),
                false => Ok(()),
            };
        };
        if before.contains("}}") {
            return Err("has }} without {{ before it".to_owned());
        }
        rest = after_action(action).ok_or("has {{ without }} after it")?;
    }
}

/// The text after the `}}` that ends an action; within texts it ends nothing.
fn after_action(action: &str) -> Option<&str> {
    if let Some(comment) = action.trim_start_matches(['-', ' ']).strip_prefix("/*") {
        let (_, after) = comment.split_once("*/")?;
        return after.trim_start_matches([' ', '-']).strip_prefix("}}");
    }
    let mut quote = None;
    let mut is_escaped = false;
    for (at, character) in action.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some('"' | '\'') if character == '\\' => is_escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None => {
                let (_, rest) = action.split_at(at);
                if rest.starts_with("{{") {
                    return None;
                }
                if let Some(after) = rest.strip_prefix("}}") {
                    return Some(after);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(rule: serde_json::Value) -> Vec<String> {
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let mut problems = Problems::default();
        rule.check("rules[0].", &mut problems);
        problems.found().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_as_prometheus_writes_them_are_taken() {
        for rule in [
            serde_json::json!({"alert": "Fan failed", "expr": "x == 2", "for": "5m",
                "keep_firing_for": "10m", "labels": {"severity": "critical"},
                "annotations": {"summary": "{{/* it's }} */}}{{ $labels.name }} has {{ printf \"%.1f }}\" $value }}"}}),
            serde_json::json!({"record": "job:up:sum", "expr": "sum by (job) (up)"}),
        ] {
            assert_eq!(problems(rule), Vec::<String>::new());
        }
    }

    #[test]
    fn every_mistake_is_named_with_rule_and_field() {
        let alert = |more: serde_json::Value| {
            let mut rule = serde_json::json!({"alert": "A", "expr": "up == 0"});
            for (key, value) in more.as_object().unwrap() {
                rule[key] = value.clone();
            }
            problems(rule)
        };
        for (more, field, word) in [
            (
                serde_json::json!({"expr": "up = 0"}),
                "rules[0].expr",
                "line 1, column 4",
            ),
            (
                serde_json::json!({"record": "x"}),
                "rules[0].alert",
                "exactly one",
            ),
            (
                serde_json::json!({"labels": {"a-b": "x"}}),
                "rules[0].labels",
                "a-b",
            ),
            (
                serde_json::json!({"labels": {"__x": "x"}}),
                "rules[0].labels",
                "__x",
            ),
            (
                serde_json::json!({"labels": {"alertname": "x"}}),
                "rules[0].labels",
                "alertname",
            ),
            (
                serde_json::json!({"annotations": {"1a": "x"}}),
                "rules[0].annotations",
                "1a",
            ),
            (
                serde_json::json!({"annotations": {"a": "{{ $value }"}}),
                "rules[0].annotations.a",
                "}}",
            ),
            (
                serde_json::json!({"annotations": {"a": "{{/* $value }}"}}),
                "rules[0].annotations.a",
                "}}",
            ),
            (
                serde_json::json!({"annotations": {"a": "x }}"}}),
                "rules[0].annotations.a",
                "{{",
            ),
            (
                serde_json::json!({"annotations": {"a": "{{ {{ }}"}}),
                "rules[0].annotations.a",
                "}}",
            ),
            (
                serde_json::json!({"expr": "up[5m]"}),
                "rules[0].expr",
                "range",
            ),
            (
                serde_json::json!({"expr": "\"up\""}),
                "rules[0].expr",
                "a text",
            ),
            (serde_json::json!({"alert": " "}), "rules[0].alert", "empty"),
        ] {
            let found = alert(more);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].starts_with(field) && found[0].contains(word),
                "{found:?}"
            );
        }
        let record = problems(serde_json::json!({"record": "a b", "expr": "up", "for": "1m"}));
        assert_eq!(record.len(), 2, "{record:?}");
        let duration = serde_json::from_value::<Rule>(
            serde_json::json!({"alert": "A", "expr": "up == 0", "for": "5 min"}),
        );
        assert!(duration.unwrap_err().to_string().contains("5 min"));
    }
}
