//! Alertmanager's counters of notifications, out of all of its metrics.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::monitoring::exposition;

/// Notifications that it tried to send.
const SENT: &str = "alertmanager_notifications_total";
/// Those that failed for good.
const FAILED: &str = "alertmanager_notifications_failed_total";
/// Most counters that are kept.
const MAX_KEYS: usize = 10_000;

/// Whose counter it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The kind, such as `email`.
    pub(super) integration: String,
    /// The receiver, where Alertmanager tells.
    pub(super) receiver: Option<String>,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    pub(super) sent: f64,
    pub(super) failed: f64,
    pub(super) reasons: BTreeMap<String, f64>,
}

/// All counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts(pub(super) BTreeMap<Key, Counted>);

impl Counts {
    /// Reads Alertmanager's metrics.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let ours: String = text
            .lines()
            .filter(|line| line.starts_with("alertmanager_notifications_"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let series = exposition::parse(&ours, Timestamp(0))
            .map_err(|error| format!("Alertmanager's metrics cannot be read: {error}"))?;
        let mut counts = Self::default();
        for one in series {
            let label = |name: &str| one.labels.get(name).cloned();
            let Some(integration) = label("integration") else {
                continue;
            };
            let value = one.points.first().map_or(0.0, |point| point.value);
            let name = label("__name__").unwrap_or_default();
            let key = Key {
                integration,
                receiver: label("receiver_name"),
            };
            if counts.0.len() >= MAX_KEYS && !counts.0.contains_key(&key) {
                continue;
            }
            match name.as_str() {
                SENT => counts.0.entry(key).or_default().sent += value,
                FAILED => {
                    let counted = counts.0.entry(key).or_default();
                    counted.failed += value;
                    if let Some(reason) = label("reason").filter(|_| value > 0.0) {
                        *counted.reasons.entry(reason).or_default() += value;
                    }
                }
                _ => {}
            }
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_all_versions_are_read() {
        let text = "# HELP x y\n\
            alertmanager_notifications_total{integration=\"email\"} 7\n\
            alertmanager_notifications_failed_total{integration=\"email\",reason=\"other\"} 1\n\
            alertmanager_notifications_failed_total{integration=\"email\",reason=\"authError\"} 2\n\
            alertmanager_notifications_failed_total{integration=\"email\",reason=\"clientError\"} 0\n\
            alertmanager_notifications_total{integration=\"webhook\",receiver_name=\"ops\"} 3\n\
            alertmanager_notification_latency_seconds_sum{integration=\"email\"} NaN\n\
            go_goroutines 12\n";
        let counts = Counts::parse(text).unwrap().0;
        let of = |integration: &str, receiver: Option<&str>| {
            let key = Key {
                integration: integration.to_owned(),
                receiver: receiver.map(str::to_owned),
            };
            counts.get(&key).cloned().unwrap_or_default()
        };
        let email = of("email", None);
        assert_eq!((email.sent, email.failed), (7.0, 3.0));
        assert_eq!(email.reasons.len(), 2);
        assert_eq!(of("webhook", Some("ops")).sent, 3.0);
        assert!(Counts::parse("alertmanager_notifications_total{ 1\n").is_err());
    }
}
