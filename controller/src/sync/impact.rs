//! What a publication would do to alerts, as far as the live Prometheus can say.
//!
//! A rule keeps its pending and firing alerts over a reload while its group, its
//! name and its labels stay the same; a target that goes takes its alerts along.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::live_rules::{Answer, LiveAlert, LiveRule};
use super::plan::count;
use super::status::{AlertSetBody, ImpactBody, StateLossBody};
use crate::model::Rule;
use crate::prometheus::{Client, PrometheusError};
use crate::promql::check;
use crate::render::RuleFile;

/// Most alerts that are told one by one.
const MAX_ALERTS: usize = 50;
/// Most rules that are told to lose their state.
const MAX_LOSSES: usize = 200;
/// Most expressions that are evaluated.
const MAX_EVALUATED: usize = 50;
/// Longest time for everything.
const BUDGET: Duration = Duration::from_secs(15);
/// What Prometheus is told to take at most for an expression.
const EVALUATION: &str = "5s";

type LabelSet = BTreeMap<String, String>;

/// A rule with the name of its group.
type Placed<'a> = (&'a str, &'a Rule);

impl AlertSetBody {
    fn add(&mut self, labels: LabelSet) {
        self.count += 1;
        if self.alerts.len() < MAX_ALERTS {
            self.alerts.push(labels);
        }
    }
}

/// What a change of the rules would do.
pub(super) async fn of_rules(
    client: &Client,
    before: Option<&RuleFile>,
    after: &RuleFile,
) -> ImpactBody {
    let empty = RuleFile::empty();
    let before = before.unwrap_or(&empty);
    if before.bytes() == after.bytes() {
        return ImpactBody::default();
    }
    let end = Instant::now() + BUDGET;
    let (old, new) = (placed(before), placed(after));
    let alerts = match tokio::time::timeout_at(end, alerts_by_rule(client)).await {
        Ok(Ok(alerts)) => Some(alerts),
        Ok(Err(_)) | Err(_) => None,
    };
    let mut impact = ImpactBody::default();
    for (group, rule) in alerting(&old) {
        let live = alerts.as_ref().and_then(|all| of(all, group, rule));
        let live: &[LiveAlert] = live.map_or(&[], |live| &live.alerts);
        let Some(reason) = loss(group, rule, &new) else {
            continue;
        };
        let firing = live.iter().filter(|alert| alert.state == "firing");
        match reason {
            Loss::Removed => firing.for_each(|alert| impact.ending.add(alert.labels.clone())),
            Loss::State(reason) if impact.state_lost.len() < MAX_LOSSES => {
                let firing = count(firing.count());
                impact.state_lost.push(StateLossBody {
                    group: group.to_owned(),
                    alert: rule.name().to_owned(),
                    reason,
                    pending: count(live.len()) - firing,
                    firing,
                });
            }
            Loss::State(_) => {}
        }
    }
    let Some(alerts) = alerts else {
        impact.unknown = Some(
            "Prometheus does not answer: which alerts would end or begin is not known".to_owned(),
        );
        return impact;
    };
    let changed: Vec<Placed<'_>> = alerting(&new)
        .filter(|(group, rule)| {
            !old.iter()
                .any(|(g, r)| g == group && r.name() == rule.name() && is_equal(r, rule))
        })
        .collect();
    let mut unknown = Vec::new();
    if changed.len() > MAX_EVALUATED {
        unknown.push(format!(
            "only the first {MAX_EVALUATED} of {} new or changed rules were evaluated",
            changed.len()
        ));
    }
    for (group, rule) in changed.iter().take(MAX_EVALUATED) {
        let evaluated = tokio::time::timeout_at(end, evaluate(client, &rule.expr)).await;
        match evaluated {
            Ok(Ok(found)) => {
                let live = of(&alerts, group, rule);
                tell_change(&mut impact, rule, live, &found);
            }
            Ok(Err(error)) => {
                unknown.push(format!(
                    "rule {} could not be evaluated: {error}",
                    rule.name()
                ));
            }
            Err(_) => {
                unknown.push(format!(
                    "there was no time to evaluate rule {} and what comes after it",
                    rule.name()
                ));
                break;
            }
        }
    }
    unknown.extend(unrecorded(&old, &new, &changed));
    impact.unknown = (!unknown.is_empty()).then(|| unknown.join("; "));
    impact
}

/// What a change of the targets would do: alerts of `lost` servers end.
pub(super) async fn of_targets(client: Option<&Client>, lost: &BTreeSet<String>) -> ImpactBody {
    #[derive(Deserialize)]
    struct Alerts {
        data: AlertList,
    }
    #[derive(Deserialize)]
    struct AlertList {
        alerts: Vec<LiveAlert>,
    }
    let mut impact = ImpactBody::default();
    if lost.is_empty() {
        return impact;
    }
    let Some(client) = client else {
        impact.unknown = Some("no Prometheus is configured to ask for alerts".to_owned());
        return impact;
    };
    let asked = tokio::time::timeout(BUDGET, client.get("api/v1/alerts", &[])).await;
    let parsed = match asked {
        Ok(Ok(bytes)) => serde_json::from_slice::<Alerts>(&bytes).map_err(|e| e.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("Prometheus does not answer in time".to_owned()),
    };
    match parsed {
        Ok(answer) => {
            let ending = answer.data.alerts.into_iter().filter(|alert| {
                let server = alert.labels.get("server_id");
                alert.state == "firing" && server.is_some_and(|server| lost.contains(server))
            });
            ending.for_each(|alert| impact.ending.add(alert.labels));
        }
        Err(error) => {
            impact.unknown = Some(format!("which alerts would end is not known: {error}"));
        }
    }
    impact
}

fn placed(file: &RuleFile) -> Vec<Placed<'_>> {
    let groups = file.groups().iter();
    groups
        .flat_map(|group| group.rules.iter().map(|rule| (group.name.as_str(), rule)))
        .collect()
}

fn alerting<'a, 'b>(rules: &'b [Placed<'a>]) -> impl Iterator<Item = Placed<'a>> + use<'a, 'b> {
    rules
        .iter()
        .copied()
        .filter(|(_, rule)| rule.alert.is_some())
}

/// Whether nothing of a rule changes that says when it fires and how it is called.
fn is_equal(old: &Rule, new: &Rule) -> bool {
    old.expr == new.expr && old.labels == new.labels && old.alert == new.alert
}

/// How a rule loses its alerts.
#[derive(Debug, PartialEq, Eq)]
enum Loss {
    /// It goes.
    Removed,
    /// It begins anew, for a reason.
    State(String),
}

/// Whether a rule loses its alerts.
fn loss(group: &str, rule: &Rule, new: &[Placed<'_>]) -> Option<Loss> {
    let same_name = || new.iter().filter(|(_, r)| r.alert == rule.alert);
    if same_name().any(|(g, r)| *g == group && r.labels == rule.labels) {
        return None;
    }
    if same_name().any(|(g, _)| *g == group) {
        return Some(Loss::State("its labels change".to_owned()));
    }
    Some(match same_name().next() {
        Some((other, _)) => Loss::State(format!("it is in group {other} from now on")),
        None => Loss::Removed,
    })
}

/// The alerting rules of the server with their alerts.
async fn alerts_by_rule(client: &Client) -> Result<Vec<(String, LiveRule)>, PrometheusError> {
    let bytes = client.get("api/v1/rules", &[("type", "alert")]).await?;
    let answer: Answer =
        serde_json::from_slice(&bytes).map_err(|error| PrometheusError::Answer {
            url: client.url().clone(),
            what: format!("another list of rules than expected: {error}"),
        })?;
    let groups = answer.data.groups.into_iter();
    Ok(groups
        .flat_map(|group| {
            let name = group.name;
            group
                .rules
                .into_iter()
                .map(move |rule| (name.clone(), rule))
        })
        .collect())
}

fn of<'a>(all: &'a [(String, LiveRule)], group: &str, rule: &Rule) -> Option<&'a LiveRule> {
    let found = all
        .iter()
        .find(|(g, live)| g == group && live.name == rule.name() && live.labels == rule.labels);
    found.map(|(_, live)| live)
}

/// The label sets for which an expression holds now.
async fn evaluate(client: &Client, expression: &str) -> Result<Vec<LabelSet>, PrometheusError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Response {
        data: Option<Data>,
        #[serde(default)]
        error: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        result_type: String,
        result: serde_json::Value,
    }
    #[derive(Deserialize)]
    struct Sample {
        metric: LabelSet,
    }
    let form = [("query", expression), ("timeout", EVALUATION)];
    let answer = client.post("api/v1/query", &form).await?;
    let strange = |what: String| PrometheusError::Answer {
        url: client.url().clone(),
        what,
    };
    let response: Response =
        serde_json::from_slice(&answer.body).map_err(|error| strange(error.to_string()))?;
    let data = response.data.ok_or_else(|| strange(response.error))?;
    if data.result_type != "vector" {
        // A scalar is one alert without labels.
        return Ok(vec![LabelSet::new()]);
    }
    let samples: Vec<Sample> =
        serde_json::from_value(data.result).map_err(|error| strange(error.to_string()))?;
    Ok(samples.into_iter().map(|sample| sample.metric).collect())
}

/// Tells which alerts of a rule begin and which end.
fn tell_change(impact: &mut ImpactBody, rule: &Rule, live: Option<&LiveRule>, found: &[LabelSet]) {
    // Labels of the rule may be templates, so only what comes from the series is compared.
    let bare = |labels: &LabelSet| -> LabelSet {
        let own = |name: &str| {
            name == "__name__" || name == "alertname" || rule.labels.contains_key(name)
        };
        let series = labels.iter().filter(|(name, _)| !own(name));
        series
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let now: BTreeSet<LabelSet> = found.iter().map(bare).collect();
    let alerts: &[LiveAlert] = live.map_or(&[], |live| &live.alerts);
    let active: BTreeSet<LabelSet> = alerts.iter().map(|alert| bare(&alert.labels)).collect();
    for labels in now.difference(&active) {
        let mut labels = labels.clone();
        labels.insert("alertname".to_owned(), rule.name().to_owned());
        labels.extend(rule.labels.clone());
        impact.beginning.add(labels);
    }
    for alert in alerts.iter().filter(|alert| alert.state == "firing") {
        if !now.contains(&bare(&alert.labels)) {
            impact.ending.add(alert.labels.clone());
        }
    }
}

/// A warning when changed alerts read metrics that are not recorded yet.
fn unrecorded(old: &[Placed<'_>], new: &[Placed<'_>], changed: &[Placed<'_>]) -> Option<String> {
    let recorded = |rules: &[Placed<'_>]| -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, rule) in rules {
            if let Some(name) = &rule.record {
                all.entry(name.clone())
                    .or_default()
                    .insert(rule.expr.clone());
            }
        }
        all
    };
    let (old, new) = (recorded(old), recorded(new));
    let read = changed
        .iter()
        .filter_map(|(_, rule)| check::expression(&rule.expr).ok());
    let names: BTreeSet<String> = read
        .flat_map(|expression| check::metric_names(&expression))
        .filter(|name| new.get(name).is_some_and(|now| old.get(name) != Some(now)))
        .collect();
    (!names.is_empty()).then(|| {
        let names: Vec<String> = names.into_iter().take(5).collect();
        format!(
            "rules that read {} were evaluated with what is recorded there now",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: serde_json::Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_keeps_and_what_loses_its_alerts() {
        let old = rule(serde_json::json!({"alert": "A", "expr": "x > 1", "labels": {"s": "w"}}));
        let with = |key: &str, value: serde_json::Value| {
            let mut new = serde_json::to_value(&old).unwrap();
            new[key] = value;
            rule(new)
        };
        let lost = |group: &str, new: &Rule| loss("g", &old, &[(group, new)]);
        for kept in [
            with("expr", serde_json::json!("x > 2")),
            with("annotations", serde_json::json!({"a": "b"})),
            with("for", serde_json::json!("5m")),
        ] {
            assert_eq!(lost("g", &kept), None);
        }
        let labels = with("labels", serde_json::json!({"s": "c"}));
        assert!(matches!(lost("g", &labels), Some(Loss::State(why)) if why.contains("labels")));
        assert!(matches!(lost("h", &old), Some(Loss::State(why)) if why.contains("group h")));
        let other = with("alert", serde_json::json!("B"));
        assert_eq!(lost("g", &other), Some(Loss::Removed));
    }

    #[test]
    fn alerts_begin_and_end_by_their_series() {
        let rule = rule(serde_json::json!({
            "alert": "A", "expr": "x > 1", "labels": {"severity": "warning"}
        }));
        let live: LiveRule = serde_json::from_value(serde_json::json!({
            "name": "A", "query": "x > 2", "type": "alerting", "alerts": [
                {"state": "firing", "labels": {"alertname": "A", "severity": "warning", "i": "1"}},
                {"state": "firing", "labels": {"alertname": "A", "severity": "warning", "i": "2"}},
                {"state": "pending", "labels": {"alertname": "A", "severity": "warning", "i": "3"}},
            ]
        }))
        .unwrap();
        let set = |i: &str| -> LabelSet {
            [("__name__", "x"), ("i", i)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        };
        let mut impact = ImpactBody::default();
        tell_change(&mut impact, &rule, Some(&live), &[set("1"), set("4")]);
        assert_eq!(impact.ending.count, 1);
        assert_eq!(impact.ending.alerts[0]["i"], "2");
        assert_eq!(impact.beginning.count, 1);
        assert_eq!(impact.beginning.alerts[0]["i"], "4");
        assert_eq!(impact.beginning.alerts[0]["alertname"], "A");
        let many: Vec<LabelSet> = (10..200).map(|n| set(&n.to_string())).collect();
        tell_change(&mut impact, &rule, Some(&live), &many);
        assert_eq!(
            (impact.beginning.count, impact.beginning.alerts.len()),
            (191, MAX_ALERTS)
        );
    }

    #[test]
    fn a_metric_that_is_not_recorded_yet_is_named() {
        let alert = rule(serde_json::json!({"alert": "A", "expr": "x > r:limit"}));
        let record = rule(serde_json::json!({"record": "r:limit", "expr": "vector(1)"}));
        let changed = [("g", &alert)];
        let note = unrecorded(&[], &[("g", &record), ("g", &alert)], &changed);
        assert!(note.is_some_and(|note| note.contains("r:limit")));
        let known = [("g", &record)];
        assert_eq!(unrecorded(&known, &known, &changed), None);
    }
}
