//! What is published to other programs: versions, and what each changed.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Id;
use crate::clock::Timestamp;

/// A kind of thing that is published, with versions of its own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Artefact {
    /// The targets of Prometheus, for file and HTTP service discovery.
    PrometheusTargets,
    /// The file with alerting and recording rules that Prometheus reads.
    PrometheusRules,
    /// The file that Alertmanager reads. Its content is sealed.
    AlertmanagerConfig,
    /// The modules that an exporter on its channel is given. They have no versions:
    /// secrets are part of them.
    ExporterModules,
    /// How a Grafana asks Prometheus. Secrets are part of it, so there are no versions.
    GrafanaDataSources,
    /// The dashboards in a Grafana, which keeps their versions itself.
    GrafanaDashboards,
}

impl Artefact {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::PrometheusTargets,
        Self::PrometheusRules,
        Self::AlertmanagerConfig,
        Self::ExporterModules,
        Self::GrafanaDataSources,
        Self::GrafanaDashboards,
    ];

    /// The word in the store and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusTargets => "prometheus_targets",
            Self::PrometheusRules => "prometheus_rules",
            Self::AlertmanagerConfig => "alertmanager_config",
            Self::ExporterModules => "exporter_modules",
            Self::GrafanaDataSources => "grafana_data_sources",
            Self::GrafanaDashboards => "grafana_dashboards",
        }
    }

    /// Whether its content has secrets in it, and so is sealed.
    #[must_use]
    pub fn has_secrets(self) -> bool {
        matches!(self, Self::AlertmanagerConfig)
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An artefact at a server: what has versions and a state of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SyncKey {
    /// What is published.
    pub artefact: Artefact,
    /// Name of the server in the configuration.
    pub server: String,
}

impl SyncKey {
    /// An artefact at the server of that name.
    #[must_use]
    pub fn new(artefact: Artefact, server: &str) -> Self {
        Self {
            artefact,
            server: server.to_owned(),
        }
    }
}

impl std::fmt::Display for SyncKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.artefact.as_str(), self.server)
    }
}

/// Which of all that is published is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SyncFilter {
    /// Only this artefact.
    #[param(inline)]
    pub artefact: Option<Artefact>,
    /// Only what is published to the server of this name.
    pub server: Option<String>,
}

impl SyncFilter {
    /// Whether an artefact at a server is meant.
    #[must_use]
    pub fn matches(&self, key: &SyncKey) -> bool {
        self.artefact
            .is_none_or(|artefact| artefact == key.artefact)
            && self
                .server
                .as_ref()
                .is_none_or(|server| *server == key.server)
    }
}

/// Why a version came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncReason {
    /// The desired state changed.
    Change,
    /// Somebody confirmed a change that was held back.
    Confirmed,
    /// Somebody returned to an older version.
    Restored,
    /// The server refused a version, and nothing good was there to return to.
    Withdrawn,
}

impl SyncReason {
    const ALL: [Self; 4] = [
        Self::Change,
        Self::Confirmed,
        Self::Restored,
        Self::Withdrawn,
    ];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Confirmed => "confirmed",
            Self::Restored => "restored",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncOutcome {
    /// It is published, and was not seen live yet.
    Published,
    /// It was seen live at the server.
    Verified,
    /// It was refused, before it was written or by the server; the last good
    /// version stayed or took its place.
    Refused,
}

impl SyncOutcome {
    const ALL: [Self; 3] = [Self::Published, Self::Verified, Self::Refused];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Verified => "verified",
            Self::Refused => "refused",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How many entries a change touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SyncCounts {
    /// Entries after it.
    pub entries: i64,
    /// Entries that come.
    pub added: i64,
    /// Entries that go.
    pub removed: i64,
    /// Entries that stay and look different.
    pub changed: i64,
}

/// One entry that comes, goes or changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SyncChange {
    /// Number of the server, of a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<Id>,
    /// Group and name, of a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Kind and name, of a part of Alertmanager's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How it was; absent when it comes.
    pub before: Option<serde_json::Value>,
    /// How it is; absent when it goes.
    pub after: Option<serde_json::Value>,
}

/// A version of something published.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SyncVersion {
    /// Number of the version.
    pub id: Id,
    /// What it is a version of.
    pub artefact: Artefact,
    /// Name of the server that it was made for.
    pub server: String,
    /// Revision of the desired state.
    pub revision: i64,
    /// Who made the changes in it.
    pub author: String,
    /// Why it came to be.
    pub reason: SyncReason,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// What it changed.
    #[serde(flatten)]
    pub counts: SyncCounts,
    /// What became of it.
    pub outcome: SyncOutcome,
    /// More about that.
    pub outcome_detail: String,
    /// Whether it is still there to return to.
    pub is_kept: bool,
    /// When it was published.
    pub created_at: Timestamp,
    /// When its outcome was known.
    pub settled_at: Option<Timestamp>,
}

/// What of an artefact is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// The version that is to be live.
    pub published_id: Option<Id>,
    /// The last version that was seen live.
    pub good_id: Option<Id>,
    /// Whether later changes are held back, after a return to an older version.
    pub is_held: bool,
    /// The revision that somebody confirmed.
    pub confirmed_revision: Option<i64>,
    /// Who did.
    pub confirmed_by: Option<String>,
}
