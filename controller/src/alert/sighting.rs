//! One alert in one delivery.

use std::collections::BTreeMap;

use super::Fingerprint;
use crate::clock::Timestamp;

/// Most bytes of an alert's labels and annotations together. Templates in
/// annotations can grow without a bound that Prometheus knows of.
const MAX_BYTES: usize = 64 * 1024;

/// Labels of an alert: at least one, no empty name, no empty value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertLabels(BTreeMap<String, String>);

impl AlertLabels {
    /// Checks labels. To Prometheus an empty value is no label; it is left out.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(mut labels: BTreeMap<String, String>) -> Result<Self, String> {
        labels.retain(|_, value| !value.is_empty());
        if labels.is_empty() {
            return Err("it has no labels".to_owned());
        }
        if labels.contains_key("") {
            return Err("a label has no name".to_owned());
        }
        check_size("labels", &labels)?;
        Ok(Self(labels))
    }

    /// The value of a label; empty when it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// All of them by name.
    #[must_use]
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Which alert has them.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }
}

/// What an alert says about itself besides its labels.
///
/// The order decides which of two is the newer: a later end of validity, of
/// equals the word of Prometheus, of equals any fixed order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Description {
    /// The word of Prometheus counts more than that of Alertmanager, which may
    /// be older.
    pub by_prometheus: bool,
    /// Until when the sender vouches for it, or when it ended.
    pub until: Timestamp,
    /// Annotations by name.
    pub annotations: BTreeMap<String, String>,
    /// Where the rule can be looked at.
    pub generator_url: String,
}

impl Description {
    /// Checks what the sender wrote.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn check(self) -> Result<Self, String> {
        check_size("annotations", &self.annotations)?;
        if self.generator_url.len() > MAX_BYTES {
            return Err(format!("its generatorURL is over {MAX_BYTES} bytes"));
        }
        if self.generator_url.contains('\0') {
            return Err("its generatorURL contains a zero byte".to_owned());
        }
        Ok(self)
    }

    /// Which Prometheus made it: scheme, host and port of its address. Empty
    /// when the alert does not say.
    #[must_use]
    pub fn origin(&self) -> String {
        url::Url::parse(&self.generator_url)
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default()
    }
}

/// What a delivery says of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It fires, and unless renewed that holds until then.
    FiresUntil(Timestamp),
    /// It fires; no word of how long that holds.
    Fires,
    /// It ended at that moment.
    Ended {
        /// When.
        at: Timestamp,
        /// Whether Prometheus itself says so; Alertmanager also calls an alert
        /// resolved of which it merely heard no more.
        by_prometheus: bool,
    },
    /// Prometheus' records show it firing until `last`; read afterwards.
    Recorded {
        /// When it was last evaluated and found true.
        last: Timestamp,
        /// What the records show after that.
        then: Afterwards,
    },
    /// Alertmanager had it, firing, at that moment.
    Held(Timestamp),
    /// Alertmanager has it no longer; at that moment it had it for the last time.
    Dropped(Timestamp),
}

/// What Prometheus' records show after an alert was last found true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// Nothing yet; they end there, as far as they were read.
    GoesOn,
    /// It was evaluated again at that moment, and no longer true.
    Ended(Timestamp),
    /// It was not evaluated any more, so what became of it is not known.
    BreaksOff(Loss),
}

/// Why an alert was not evaluated any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Prometheus did not run, or forgot the alert in a restart.
    PrometheusLost,
    /// Its rule is not there any more, or gives other labels.
    RuleChanged,
}

/// That Alertmanager notified somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Name of the receiver.
    pub receiver: String,
    /// Which group of alerts the notification was about.
    pub group_key: String,
}

/// One alert in one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which alert.
    pub labels: AlertLabels,
    /// Which of its episodes: when it began to fire.
    pub starts_at: Timestamp,
    /// What is said of it.
    pub what: What,
    /// What it says about itself.
    pub description: Description,
    /// Whom Alertmanager notified, when it is the one who tells.
    pub notification: Option<Notification>,
    /// When the condition began to be true, where that is known.
    pub pending_since: Option<Timestamp>,
}

fn check_size(what: &str, texts: &BTreeMap<String, String>) -> Result<(), String> {
    let bytes: usize = texts
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_BYTES {
        return Err(format!(
            "its {what} have {bytes} bytes; at most {MAX_BYTES} are taken"
        ));
    }
    // PostgreSQL cannot store it.
    if texts
        .iter()
        .any(|(name, value)| name.contains('\0') || value.contains('\0'))
    {
        return Err(format!("its {what} contain a zero byte"));
    }
    Ok(())
}
