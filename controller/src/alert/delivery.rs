//! The bodies of both inlets.
//!
//! Unknown fields are ignored: newer senders add some. An alert that is wrong
//! does not take the others of its delivery with it; it is told of, by number.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::sighting::{AlertLabels, Description, Notification, Sighting, What};
use crate::clock::Timestamp;

/// How long an alert without an end counts, as Alertmanager's
/// `resolve_timeout` has it by default. Prometheus always gives an end.
const DEFAULT_VALIDITY: std::time::Duration = std::time::Duration::from_secs(300);
/// The only version of the webhook that there has been since 2017.
const WEBHOOK_VERSION: &str = "4";

/// A delivery that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The alerts in it.
    pub sightings: Vec<Sighting>,
    /// Alerts that can never be right.
    pub refused: Vec<RefusedAlert>,
    /// Alerts that the sender only counted (`max_alerts` of Alertmanager).
    pub truncated: u64,
}

/// An alert that can never be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedAlert {
    /// Its place in the delivery, from 0.
    pub index: usize,
    /// A sentence saying what is wrong.
    pub message: String,
}

/// Why a delivery as a whole can never be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadDelivery {
    /// It is no JSON, or not of the form that is wanted.
    #[error("the body is not what is wanted here: {0}")]
    Form(#[from] serde_json::Error),
    /// A webhook of another version.
    #[error("the webhook has version \"{0}\"; this understands version \"{WEBHOOK_VERSION}\"")]
    Version(String),
}

/// An alert of `POST /api/v2/alerts`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PushedAlert {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Option<String>,
}

/// The body of a webhook.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    version: String,
    group_key: String,
    receiver: String,
    #[serde(default)]
    truncated_alerts: u64,
    alerts: Vec<NotifiedAlert>,
}

/// An alert of a webhook.
#[derive(Deserialize)]
struct NotifiedAlert {
    status: String,
    #[serde(flatten)]
    alert: PushedAlert,
}

/// Reads what Prometheus sends to its Alertmanagers, received at `now`.
///
/// # Errors
/// When nothing in it can be right.
pub fn parse_push(body: &[u8], now: Timestamp) -> Result<Delivery, BadDelivery> {
    let alerts: Vec<PushedAlert> = serde_json::from_slice(body)?;
    let mut delivery = Delivery::default();
    for (index, alert) in alerts.into_iter().enumerate() {
        delivery.add(index, pushed(alert, now));
    }
    Ok(delivery)
}

/// Reads what Alertmanager sends to its webhook receivers.
///
/// # Errors
/// When nothing in it can be right.
pub fn parse_webhook(body: &[u8]) -> Result<Delivery, BadDelivery> {
    let webhook: Webhook = serde_json::from_slice(body)?;
    if webhook.version != WEBHOOK_VERSION {
        return Err(BadDelivery::Version(webhook.version));
    }
    let notification = Notification {
        receiver: webhook.receiver,
        group_key: webhook.group_key,
    };
    let mut delivery = Delivery {
        truncated: webhook.truncated_alerts,
        ..Delivery::default()
    };
    for (index, alert) in webhook.alerts.into_iter().enumerate() {
        delivery.add(index, notified(alert, &notification));
    }
    Ok(delivery)
}

impl Delivery {
    fn add(&mut self, index: usize, sighting: Result<Sighting, String>) {
        match sighting {
            Ok(sighting) => self.sightings.push(sighting),
            Err(message) => self.refused.push(RefusedAlert { index, message }),
        }
    }
}

fn pushed(alert: PushedAlert, now: Timestamp) -> Result<Sighting, String> {
    let ends_at =
        moment("endsAt", alert.ends_at.as_deref())?.unwrap_or_else(|| now.after(DEFAULT_VALIDITY));
    let what = if ends_at > now {
        What::FiresUntil(ends_at)
    } else {
        What::Ended {
            at: ends_at,
            by_prometheus: true,
        }
    };
    sighting(alert, what, ends_at, true)
}

fn notified(alert: NotifiedAlert, notification: &Notification) -> Result<Sighting, String> {
    let ends_at = moment("endsAt", alert.alert.ends_at.as_deref())?;
    let what = match (alert.status.as_str(), ends_at) {
        ("firing", _) => What::Fires,
        ("resolved", Some(at)) => What::Ended {
            at,
            by_prometheus: false,
        },
        ("resolved", None) => return Err("it is resolved without endsAt".to_owned()),
        (other, _) => return Err(format!("its status \"{other}\" is unknown")),
    };
    let until = ends_at.unwrap_or(Timestamp(0));
    let mut sighting = sighting(alert.alert, what, until, false)?;
    sighting.notification = Some(notification.clone());
    Ok(sighting)
}

fn sighting(
    alert: PushedAlert,
    what: What,
    until: Timestamp,
    by_prometheus: bool,
) -> Result<Sighting, String> {
    // Without a start, a repeated delivery would be a new episode each time.
    let starts_at = moment("startsAt", alert.starts_at.as_deref())?
        .ok_or_else(|| "it has no startsAt".to_owned())?;
    let ends_before = match what {
        What::FiresUntil(at) | What::Ended { at, .. } => at < starts_at,
        _ => false,
    };
    if ends_before {
        return Err("its endsAt is before its startsAt".to_owned());
    }
    let description = Description {
        by_prometheus,
        until,
        annotations: alert.annotations.unwrap_or_default(),
        generator_url: alert.generator_url.unwrap_or_default(),
    };
    Ok(Sighting {
        labels: AlertLabels::parse(alert.labels)?,
        starts_at,
        what,
        description: description.check()?,
        notification: None,
        pending_since: None,
    })
}

/// A moment; Go writes the year 1 for one that is absent.
pub(super) fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let moment = Timestamp::parse(text)
        .map_err(|_| format!("its {field} \"{text}\" is no moment of RFC 3339"))?;
    Ok((moment.0 > 0).then_some(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRING: &str = include_str!("../../tests/data/alerts/webhook-firing.json");
    const TRUNCATED: &str = include_str!("../../tests/data/alerts/webhook-truncated.json");
    const PUSH: &str = include_str!("../../tests/data/alerts/push-resolved.json");

    fn captured_push() -> Vec<u8> {
        let captured: serde_json::Value = serde_json::from_str(PUSH).unwrap();
        serde_json::to_vec(&captured["body"]).unwrap()
    }

    #[test]
    fn both_inlets_meet_on_one_episode() {
        let now = Timestamp::parse("2026-11-22T18:51:00Z").unwrap();
        let webhook = parse_webhook(FIRING.as_bytes()).unwrap();
        let push = parse_push(&captured_push(), now).unwrap();
        let (told, pushed) = (&webhook.sightings[2], &push.sightings[0]);
        assert_eq!(told.labels, pushed.labels);
        assert_eq!(told.starts_at, pushed.starts_at);
        assert_eq!(told.what, What::Fires);
        assert_eq!(told.notification.as_ref().unwrap().receiver, "dflt");
        let end = Timestamp::parse("2026-11-22T18:51:35.807Z").unwrap();
        assert_eq!(pushed.what, What::FiresUntil(end), "still ahead");
        let later = parse_push(&captured_push(), end).unwrap();
        assert!(matches!(
            later.sightings[0].what,
            What::Ended {
                by_prometheus: true,
                ..
            }
        ));
    }

    #[test]
    fn alerts_that_were_left_out_are_counted() {
        let delivery = parse_webhook(TRUNCATED.as_bytes()).unwrap();
        assert_eq!((delivery.sightings.len(), delivery.truncated), (3, 4));
    }

    #[test]
    fn one_bad_alert_does_not_take_the_others_along() {
        let good = serde_json::json!({"labels": {"alertname": "A", "empty": ""},
            "startsAt": "2026-01-01T00:00:00Z"});
        let cases = [
            (
                serde_json::json!({"labels": {}, "startsAt": "2026-01-01T00:00:00Z"}),
                "no labels",
            ),
            (
                serde_json::json!({"labels": {"a": ""}, "startsAt": "2026-01-01T00:00:00Z"}),
                "no labels",
            ),
            (serde_json::json!({"labels": {"a": "b"}}), "no startsAt"),
            (
                serde_json::json!({"labels": {"a": "b"}, "startsAt": "now"}),
                "RFC 3339",
            ),
            (
                serde_json::json!({"labels": {"a": "b"}, "startsAt": "2026-01-01T00:00:00Z",
                    "endsAt": "2025-01-01T00:00:00Z"}),
                "before its startsAt",
            ),
            (
                serde_json::json!({"labels": {"a": "x".repeat(70_000)},
                    "startsAt": "2026-01-01T00:00:00Z"}),
                "bytes",
            ),
        ];
        for (bad, message) in cases {
            let body = serde_json::to_vec(&[&bad, &good]).unwrap();
            let delivery = parse_push(&body, Timestamp(1_800_000_000_000)).unwrap();
            assert_eq!(delivery.sightings.len(), 1, "{message}");
            assert_eq!(delivery.sightings[0].labels.get("empty"), "");
            assert_eq!(delivery.refused[0].index, 0);
            assert!(
                delivery.refused[0].message.contains(message),
                "{:?}",
                delivery.refused
            );
        }
    }

    #[test]
    fn what_is_no_delivery_is_refused_as_a_whole() {
        for body in ["", "{", "{}", "[1]", "null", "[{\"labels\": []}]"] {
            assert!(parse_push(body.as_bytes(), Timestamp(0)).is_err(), "{body}");
            assert!(parse_webhook(body.as_bytes()).is_err(), "{body}");
        }
        let other = FIRING.replace("\"version\": \"4\"", "\"version\": \"5\"");
        assert!(matches!(
            parse_webhook(other.as_bytes()),
            Err(BadDelivery::Version(_))
        ));
    }

    proptest::proptest! {
        #[test]
        fn damaged_bodies_are_read_or_refused(
            places in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(),
                proptest::prelude::any::<u8>()), 1..8),
            end in proptest::prelude::any::<proptest::sample::Index>(),
            is_cut in proptest::prelude::any::<bool>(),
        ) {
            for mut body in [FIRING.as_bytes().to_vec(), captured_push()] {
                for (place, byte) in &places {
                    let place = place.index(body.len());
                    body[place] = *byte;
                }
                if is_cut {
                    body.truncate(end.index(body.len()));
                }
                let now = Timestamp(1_800_000_000_000);
                for delivery in [parse_webhook(&body), parse_push(&body, now)] {
                    let sightings = delivery.map(|delivery| delivery.sightings).unwrap_or_default();
                    proptest::prop_assert!(
                        sightings.iter().all(|sighting| !sighting.labels.as_map().is_empty())
                    );
                }
            }
        }
    }
}
