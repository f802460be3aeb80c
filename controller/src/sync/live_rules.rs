//! The rules that a Prometheus has, as its API tells them, compared with a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{PromDuration, PublishedGroup, Rule};
use crate::promql::check;

/// The answer of `/api/v1/rules`.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) data: Groups,
}

#[derive(Deserialize)]
pub(super) struct Groups {
    pub(super) groups: Vec<LiveGroup>,
}

/// A group at the server.
#[derive(Debug, Deserialize)]
pub(super) struct LiveGroup {
    pub(super) name: String,
    pub(super) file: String,
    #[serde(default)]
    interval: f64,
    #[serde(default)]
    pub(super) rules: Vec<LiveRule>,
}

/// A rule at the server.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LiveRule {
    pub(super) name: String,
    pub(super) query: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    keep_firing_for: f64,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    pub(super) alerts: Vec<LiveAlert>,
}

/// An alert at the server.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct LiveAlert {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) state: String,
}

/// Whether the server has a rule, as far as can be told without asking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Same {
    Yes,
    No,
    /// All but the expression, which is written in another way.
    ButExpression,
}

/// What a server lacks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference<'a> {
    pub(super) missing: Vec<&'a str>,
    pub(super) different: Vec<&'a str>,
    pub(super) surplus: Vec<&'a str>,
    /// Pairs of expressions that only the server can compare: ours, its own.
    pub(super) unclear: Vec<(&'a str, &'a str)>,
}

impl<'a> Difference<'a> {
    /// Compares the groups of a file with those of the server that came from a
    /// file of that name.
    pub(super) fn between(wanted: &'a [PublishedGroup], live: &[&'a LiveGroup]) -> Self {
        let mut difference = Self::default();
        for group in wanted {
            let Some(found) = live.iter().find(|live| live.name == group.name) else {
                difference.missing.push(&group.name);
                continue;
            };
            let mut unclear = Vec::new();
            if has_all(group, found, &mut unclear) {
                difference.unclear.append(&mut unclear);
            } else {
                difference.different.push(&group.name);
            }
        }
        let is_wanted = |live: &&&LiveGroup| wanted.iter().any(|group| group.name == live.name);
        let surplus = live.iter().filter(|live| !is_wanted(live));
        difference.surplus = surplus.map(|live| live.name.as_str()).collect();
        difference
    }

    /// What is to be said of it; `None` when there is nothing.
    pub(super) fn message(&self, file: &str) -> Option<String> {
        let parts = [
            (&self.missing, "not there"),
            (&self.different, "not changed yet"),
            (&self.surplus, "not gone yet"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter_map(|(groups, what)| {
                let first = groups.first()?;
                Some(match groups.len() {
                    1 => format!("group {first} is {what}"),
                    more => format!("{more} groups are {what}, such as {first}"),
                })
            })
            .collect();
        let is_nowhere = !self.missing.is_empty() && self.different.is_empty();
        (!parts.is_empty()).then(|| {
            let advice = if is_nowhere {
                format!("; is {file} among the rule_files of this Prometheus?")
            } else {
                String::new()
            };
            format!("{}{advice}", parts.join(", "))
        })
    }
}

fn has_all<'a>(
    wanted: &'a PublishedGroup,
    live: &'a LiveGroup,
    unclear: &mut Vec<(&'a str, &'a str)>,
) -> bool {
    let is_paced = wanted
        .interval
        .as_ref()
        .is_none_or(|interval| is_as_long(Some(interval), live.interval));
    is_paced
        && wanted.rules.len() == live.rules.len()
        && wanted.rules.iter().zip(&live.rules).all(|(rule, live)| {
            let same = compare(rule, live);
            if same == Same::ButExpression {
                unclear.push((&rule.expr, &live.query));
            }
            same != Same::No
        })
}

fn compare(wanted: &Rule, live: &LiveRule) -> Same {
    let kind = if wanted.alert.is_some() {
        "alerting"
    } else {
        "recording"
    };
    let is_same = live.kind == kind
        && live.name == wanted.name()
        && live.labels == wanted.labels
        && live.annotations == wanted.annotations
        && is_as_long(wanted.hold.as_ref(), live.duration)
        && is_as_long(wanted.keep_firing_for.as_ref(), live.keep_firing_for);
    if !is_same {
        return Same::No;
    }
    // The server writes expressions in its own way.
    match (
        check::expression(&wanted.expr),
        check::expression(&live.query),
    ) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Same::Yes,
        _ => Same::ButExpression,
    }
}

fn is_as_long(wanted: Option<&PromDuration>, live: f64) -> bool {
    let wanted = wanted.map_or(0.0, |duration| duration.duration().as_secs_f64());
    (wanted - live).abs() < 0.000_5
}

/// Up to `at_most` rules that the server fails to evaluate.
pub(super) fn failing(live: &[&LiveGroup], at_most: usize) -> Vec<String> {
    let rules = live.iter().flat_map(|group| {
        let rules = group.rules.iter().filter(|rule| rule.health == "err");
        rules.map(|rule| {
            format!(
                "Prometheus cannot evaluate rule {} of group {}: {}",
                rule.name, group.name, rule.last_error
            )
        })
    });
    rules.take(at_most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(rule: &serde_json::Value) -> LiveGroup {
        serde_json::from_value(serde_json::json!({
            "name": "g", "file": "/etc/x/rules.yml", "interval": 30, "rules": [rule]
        }))
        .unwrap()
    }

    fn wanted() -> PublishedGroup {
        serde_json::from_value(serde_json::json!({
            "name": "g", "interval": "30s", "rules": [{
                "alert": "A", "expr": "sum(x{a=\"b\"})by(c)>1e3", "for": "5m",
                "labels": {"severity": "warning"}, "annotations": {"summary": "s"},
            }]
        }))
        .unwrap()
    }

    #[test]
    fn a_rule_is_live_with_everything_that_it_says() {
        let good = serde_json::json!({
            "name": "A", "type": "alerting", "query": "sum by (c) (x{a=\"b\"}) > 1000",
            "duration": 300, "keepFiringFor": 0, "labels": {"severity": "warning"},
            "annotations": {"summary": "s"}, "health": "ok",
        });
        let groups = [wanted()];
        let of = |rule: &serde_json::Value| {
            let live = live(rule);
            let difference = Difference::between(&groups, &[&live]);
            (difference.different.len(), difference.unclear.len())
        };
        assert_eq!(of(&good), (0, 0));
        for (key, value) in [
            ("name", serde_json::json!("B")),
            ("type", serde_json::json!("recording")),
            ("duration", serde_json::json!(299)),
            ("keepFiringFor", serde_json::json!(1)),
            ("labels", serde_json::json!({})),
            ("annotations", serde_json::json!({"summary": "t"})),
        ] {
            let mut other = good.clone();
            other[key] = value;
            assert_eq!(of(&other), (1, 0), "{key}");
        }
        let mut other = good.clone();
        other["query"] = serde_json::json!("sum by (c) (x{a=\"b\"}) > 1001");
        assert_eq!(of(&other), (0, 1), "the server is asked");
    }

    #[test]
    fn what_is_missing_or_too_much_is_told() {
        let groups = [wanted()];
        let nothing = Difference::between(&groups, &[]);
        let message = nothing.message("/r.yml").unwrap();
        assert!(message.contains("group g is not there"), "{message}");
        assert!(message.contains("/r.yml"), "{message}");
        let live = live(&serde_json::json!({"name": "A", "type": "alerting", "query": "x"}));
        let surplus = Difference::between(&[], &[&live]);
        assert_eq!(surplus.message("r").unwrap(), "group g is not gone yet");
        assert_eq!(Difference::default().message("r"), None);
    }
}
