//! What Alertmanager has at one moment, as its answer to `GET /api/v2/alerts`
//! tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::delivery::{BadDelivery, RefusedAlert, moment};
use super::sighting::{AlertLabels, Description, Sighting, What};
use crate::clock::Timestamp;

/// Most silences, and most alerts, that are named as what keeps one back.
const MAX_NAMED: usize = 50;
/// Longest id of a silence and longest fingerprint that is taken.
const MAX_NAME_BYTES: usize = 100;

/// What Alertmanager has at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// When it was asked.
    pub at: Timestamp,
    /// The alerts that it has: all fire.
    pub alerts: Vec<HeldAlert>,
    /// Alerts that cannot be right.
    pub refused: Vec<RefusedAlert>,
}

/// An alert that Alertmanager has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAlert {
    /// Which alert.
    pub labels: AlertLabels,
    /// When it began to fire. Alertmanager keeps the first start of alerts that
    /// begin anew before it has dropped the old one.
    pub starts_at: Timestamp,
    /// What it says about itself.
    pub description: Description,
    /// Ids of the silences that keep notifications back.
    pub silences: BTreeSet<String>,
    /// Fingerprints of the alerts that keep notifications back.
    pub inhibited_by: BTreeSet<String>,
}

impl HeldAlert {
    /// As if it had been told of.
    #[must_use]
    pub fn sighting(&self, what: What, starts_at: Timestamp) -> Sighting {
        Sighting {
            labels: self.labels.clone(),
            starts_at,
            what,
            description: self.description.clone(),
            notification: None,
            pending_since: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
}

/// Reads an answer to a question that was asked at `at`.
///
/// # Errors
/// When it is no list of alerts.
pub fn parse_look(body: &[u8], at: Timestamp) -> Result<Look, BadDelivery> {
    let answered: Vec<Answered> = serde_json::from_slice(body)?;
    let mut look = Look {
        at,
        alerts: Vec::with_capacity(answered.len()),
        refused: Vec::new(),
    };
    for (index, alert) in answered.into_iter().enumerate() {
        match held(alert, at) {
            Ok(Some(alert)) => look.alerts.push(alert),
            Ok(None) => {}
            Err(message) => look.refused.push(RefusedAlert { index, message }),
        }
    }
    Ok(look)
}

/// The alert, unless it has ended.
fn held(alert: Answered, at: Timestamp) -> Result<Option<HeldAlert>, String> {
    let labels = AlertLabels::parse(alert.labels)?;
    let fingerprint = labels.fingerprint().to_string();
    if fingerprint != alert.fingerprint {
        return Err(format!(
            "its fingerprint is \"{}\", that of its labels {fingerprint}",
            alert.fingerprint
        ));
    }
    let starts_at = moment("startsAt", alert.starts_at.as_deref())?
        .ok_or_else(|| "it has no startsAt".to_owned())?;
    if moment("endsAt", alert.ends_at.as_deref())?.is_some_and(|end| end <= at) {
        return Ok(None);
    }
    let description = Description {
        by_prometheus: false,
        // As a webhook that says it fires.
        until: Timestamp(0),
        annotations: alert.annotations,
        generator_url: alert.generator_url,
    };
    Ok(Some(HeldAlert {
        labels,
        starts_at,
        description: description.check()?,
        silences: named(alert.status.silenced_by)?,
        inhibited_by: named(alert.status.inhibited_by)?,
    }))
}

fn named(names: Vec<String>) -> Result<BTreeSet<String>, String> {
    if let Some(name) = names
        .iter()
        .find(|name| name.len() > MAX_NAME_BYTES || name.contains('\0'))
    {
        let bytes = name.len();
        return Err(format!(
            "a name of {bytes} bytes, or with a zero byte, keeps it back"
        ));
    }
    let names: BTreeSet<String> = names.into_iter().collect();
    Ok(names.into_iter().take(MAX_NAMED).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERTS: &str = include_str!("../../tests/data/alerts/alertmanager-alerts.json");

    fn at() -> Timestamp {
        Timestamp::parse("2026-11-22T18:50:00Z").unwrap()
    }

    #[test]
    fn what_alertmanager_has_is_read() {
        let look = parse_look(ALERTS.as_bytes(), at()).unwrap();
        assert_eq!((look.alerts.len(), look.refused.len()), (3, 0));
        let silenced: Vec<&HeldAlert> = look
            .alerts
            .iter()
            .filter(|alert| !alert.silences.is_empty())
            .collect();
        assert_eq!(silenced.len(), 1);
        assert!(look.alerts.iter().all(|alert| alert.starts_at < at()));
    }

    #[test]
    fn what_cannot_be_right_is_set_aside() {
        let mut alerts: serde_json::Value = serde_json::from_str(ALERTS).unwrap();
        alerts[0]["labels"]["more"] = "x".into();
        alerts[1]["endsAt"] = "2026-11-22T18:49:00Z".into();
        alerts[2]["status"]["silencedBy"] = serde_json::json!(["x".repeat(101)]);
        let look = parse_look(alerts.to_string().as_bytes(), at()).unwrap();
        assert_eq!((look.alerts.len(), look.refused.len()), (0, 2));
        assert!(look.refused[0].message.contains("fingerprint"));
        assert_eq!(look.refused[1].index, 2);
        for body in ["", "{}", "null", "[1]", "[{}]", "<html>"] {
            assert!(parse_look(body.as_bytes(), at()).is_err(), "{body}");
        }
    }
}
