//! Episodes of alerts, as the journal shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Id;
use crate::clock::Timestamp;

/// Declares an enum of words for the store and the interface.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }

        impl $name {
            /// The word in the store and in the interface.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads [`Self::as_str`].
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// How an episode stands.
    AlertState {
        /// It fires as far as anybody knows.
        Firing = "firing",
        /// It ended.
        Resolved = "resolved",
        /// Nobody renewed it; what became of the fault is not known.
        Expired = "expired",
    }
}

words! {
    /// Why an episode ended.
    EndReason {
        /// The condition was no longer true.
        Recovered = "recovered",
        /// The server is no longer monitored.
        TargetRemoved = "target_removed",
        /// Prometheus went on, but no longer with this alert: its rule was
        /// taken away or got other labels.
        RuleChanged = "rule_changed",
        /// Prometheus was not heard any more, or forgot the alert in a restart.
        PrometheusLost = "prometheus_lost",
        /// Only Alertmanager told of it, and it was silenced when it ended, so
        /// nobody was told of the end.
        Silenced = "silenced",
        /// Only Alertmanager told of it, and does not say why.
        Unknown = "unknown",
    }
}

words! {
    /// What happened in an episode's life.
    AlertEventKind {
        /// The condition became true; its rule waits before it fires.
        Pending = "pending",
        /// It began to fire.
        Firing = "firing",
        /// Its annotations read so; the first time is how they began.
        Updated = "updated",
        /// Alertmanager notified a receiver.
        Notified = "notified",
        /// A silence keeps notifications of it back.
        Silenced = "silenced",
        /// Another alert keeps notifications of it back.
        Inhibited = "inhibited",
        /// Nothing keeps notifications of it back any more.
        Unsuppressed = "unsuppressed",
        /// It was read from Prometheus' records, for nobody had told of it or of
        /// its end.
        Reconstructed = "reconstructed",
        /// Somebody took notice.
        Acknowledged = "acknowledged",
        /// Somebody took that back.
        Unacknowledged = "unacknowledged",
        /// Somebody wrote something.
        Commented = "commented",
        /// Somebody is to see to it.
        Assigned = "assigned",
        /// Nobody renewed it: from then on there is a gap in what is known.
        Expired = "expired",
        /// It ended.
        Resolved = "resolved",
    }
}

pub(super) use words;

/// An episode: one time that an alert fired.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Alert {
    /// Number of the episode.
    pub id: Id,
    /// Which alert, as Alertmanager numbers it: 16 hexadecimal digits.
    pub fingerprint: String,
    /// How it stands.
    pub state: AlertState,
    /// The label `alertname`.
    pub alertname: String,
    /// The label `severity`; empty when absent.
    pub severity: String,
    /// The server, from the label `server_id`, if that is a number.
    pub server_id: Option<Id>,
    /// All labels.
    #[schema(value_type = BTreeMap<String, String>)]
    pub labels: BTreeMap<String, String>,
    /// The newest annotations.
    #[schema(value_type = BTreeMap<String, String>)]
    pub annotations: BTreeMap<String, String>,
    /// Where the rule can be looked at.
    pub generator_url: String,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended, or until when it was known to fire.
    pub ends_at: Option<Timestamp>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Whether Alertmanager notified anybody; silenced, inhibited and short
    /// alerts are in the journal too.
    pub notified: bool,
    /// When somebody took notice.
    pub acknowledged_at: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// Name of the user who sees to it.
    pub assignee: Option<String>,
}

/// Something that happened in an episode's life.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertEvent {
    /// What.
    pub kind: AlertEventKind,
    /// When.
    pub at: Timestamp,
    /// Who did it, where somebody did.
    pub actor: Option<String>,
    /// More about it, by kind: `receiver`, `group_key` and `status` of a
    /// notification, `annotations`, `text` of a comment, `assignee`, `reason`
    /// of an end, `gap_from` and `gap_until` of an expiry, these two and
    /// `source` of what was reconstructed, `silences` (their ids), `inhibited_by`
    /// (fingerprints of alerts).
    pub detail: serde_json::Value,
}

/// An episode with its life.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertLife {
    /// The episode.
    #[serde(flatten)]
    pub alert: Alert,
    /// What happened, the earliest first.
    pub events: Vec<AlertEvent>,
}

/// Which episodes are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AlertFilter {
    /// How it stands.
    #[param(inline)]
    pub state: Option<AlertState>,
    /// Exactly this severity.
    pub severity: Option<String>,
    /// Exactly this name.
    pub alertname: Option<String>,
    /// Number of a server.
    pub server_id: Option<Id>,
    /// Number of a group: alerts of the servers that are in it now.
    pub group_id: Option<Id>,
    /// Whether Alertmanager notified anybody.
    pub notified: Option<bool>,
    /// Whether somebody took notice.
    pub acknowledged: Option<bool>,
    /// Exactly this user sees to it.
    pub assignee: Option<String>,
    /// Began not before this moment (RFC 3339).
    pub since: Option<Timestamp>,
    /// Began before this moment (RFC 3339).
    pub until: Option<Timestamp>,
    /// Part of a label's value or of an annotation; case does not matter.
    pub search: Option<String>,
}

/// By what episodes are ordered; the number decides between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertSort {
    /// When it began.
    #[default]
    StartsAt,
    /// When it ended; what has not ended is last.
    EndsAt,
    /// Name.
    Alertname,
    /// Severity, as text.
    Severity,
    /// When it came into the journal.
    Id,
}

/// Figures about episodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct AlertStatistics {
    /// How many.
    pub count: i64,
    /// How many by state.
    pub by_state: BTreeMap<String, i64>,
    /// How many by severity.
    pub by_severity: BTreeMap<String, i64>,
    /// How many by reason of their end.
    pub by_end_reason: BTreeMap<String, i64>,
    /// How many somebody took notice of.
    pub acknowledged: i64,
    /// Seconds from begin to notice, on average; null without any.
    pub mean_seconds_to_acknowledge: Option<i64>,
    /// Seconds from begin to a known end, on average; null without any.
    pub mean_seconds_to_resolve: Option<i64>,
    /// The ten names that fired most.
    pub noisiest_alertnames: Vec<Noise>,
    /// The ten servers with most alerts.
    pub noisiest_servers: Vec<Noise>,
}

/// How often something fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Noise {
    /// What: a name of an alert, or the number of a server.
    pub of: String,
    /// How often.
    pub count: i64,
}
