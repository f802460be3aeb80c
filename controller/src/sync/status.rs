//! What is in sync, pending or failed, as the API tells it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::model::{Artefact, Id, SyncChange, SyncCounts, SyncKey};

/// Where an artefact stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The controller has just started.
    #[default]
    Starting,
    /// Nothing was ever published, and there is nothing to publish.
    Empty,
    /// What is wanted is live at the server.
    InSync,
    /// What is wanted is published; there is no server to look at.
    Unverified,
    /// It is published, and not seen live yet.
    Pending,
    /// It would remove too much; somebody has to confirm it.
    AwaitingConfirmation,
    /// Changes are held back after a return to an older version.
    Held,
    /// Somebody changed it, and the configuration leaves that.
    Drifted,
    /// It could not be published, or was refused.
    Failed,
}

/// One artefact at one server. Everything that is counted is counted since the
/// start.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ArtefactStatus {
    /// Which artefact.
    pub artefact: Artefact,
    /// Name of the server.
    pub server: String,
    /// Where it stands.
    pub state: State,
    /// When it came into this state.
    pub since: Timestamp,
    /// Why, and what to do; empty when all is well.
    pub message: String,
    /// What is not as it should be although it is published.
    pub warnings: Vec<String>,
    /// Revision of the desired state that was looked at last.
    pub revision: i64,
    /// The version that is published.
    pub published_version: Option<Id>,
    /// The last version that was seen live.
    pub good_version: Option<Id>,
    /// Targets, or rules, in the published version.
    pub entries: i64,
    /// Monitored servers that are no target anywhere; `POST sync/plan` names them.
    pub blind_spots: i64,
    /// What waits to be published.
    pub waiting: Option<SyncCounts>,
    /// When the published version was seen live last.
    pub verified_at: Option<Timestamp>,
    /// How often somebody else's change of the file was undone.
    pub repairs: u64,
    /// When that was last.
    pub repaired_at: Option<Timestamp>,
    /// How often the server was told to read its files again.
    pub reloads: u64,
    /// How often something failed or was refused.
    pub failures: u64,
    /// When that was last.
    pub failed_at: Option<Timestamp>,
}

impl ArtefactStatus {
    /// The status of what has just begun.
    #[must_use]
    pub fn new(key: &SyncKey, now: Timestamp) -> Self {
        Self {
            artefact: key.artefact,
            server: key.server.clone(),
            state: State::Starting,
            since: now,
            message: String::new(),
            warnings: Vec::new(),
            revision: 0,
            published_version: None,
            good_version: None,
            entries: 0,
            blind_spots: 0,
            waiting: None,
            verified_at: None,
            repairs: 0,
            repaired_at: None,
            reloads: 0,
            failures: 0,
            failed_at: None,
        }
    }

    /// Notes where it stands now.
    pub fn stand(&mut self, state: State, message: String, now: Timestamp) {
        if self.state != state {
            self.state = state;
            self.since = now;
        }
        self.message = message;
    }

    /// Counts a failure.
    pub fn fail(&mut self, now: Timestamp) {
        self.failures += 1;
        self.failed_at = Some(now);
    }
}

/// Somebody besides the engine who publishes, and knows where that stands.
pub trait StatusSource: Send + Sync {
    /// Where everything stands that it publishes. Asked often; must not wait.
    fn statuses(&self) -> Vec<ArtefactStatus>;
}

/// All artefacts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SyncStatus {
    /// One for each kind at each server.
    pub artefacts: Vec<ArtefactStatus>,
}

/// What publishing the desired state now would change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlanBody {
    /// Revision of the desired state; a confirmation names it.
    pub revision: i64,
    /// What changes, for each artefact at each server.
    pub artefacts: Vec<ArtefactPlanBody>,
}

/// What publishing one artefact would change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ArtefactPlanBody {
    /// Of what.
    pub artefact: Artefact,
    /// Name of the server.
    pub server: String,
    /// How much it changes.
    #[serde(flatten)]
    pub counts: SyncCounts,
    /// What changes, up to 200 entries.
    pub changes: Vec<SyncChange>,
    /// The difference of the file, as a unified diff.
    pub diff: DiffBody,
    /// Whether it waits for a confirmation.
    pub needs_confirmation: bool,
    /// Why.
    pub objection: Option<String>,
    /// Why it would not be published at all: what is wrong with it, or what is
    /// waited for.
    pub refusal: Option<String>,
    /// What is not as it should be although it would be published.
    pub warnings: Vec<String>,
    /// Monitored servers that are no target, up to 200.
    pub blind_spots: Vec<BlindSpotBody>,
    /// What would become of alerts.
    pub impact: ImpactBody,
}

/// The difference between two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DiffBody {
    /// A unified diff; empty when both are the same.
    pub text: String,
    /// Whether there is more of it than is shown.
    pub is_cut: bool,
}

/// What a publication would do to alerts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ImpactBody {
    /// Why some or all of it is not known.
    pub unknown: Option<String>,
    /// Alerting rules that lose what they know: what is pending begins anew, and
    /// what fires is resolved and may fire again.
    pub state_lost: Vec<StateLossBody>,
    /// Alerts that fire now and would end, though nothing was repaired.
    pub ending: AlertSetBody,
    /// Alerts whose condition of a new or changed rule holds now.
    pub beginning: AlertSetBody,
}

/// An alerting rule that loses its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateLossBody {
    /// Name of its group.
    pub group: String,
    /// Name of the alert.
    pub alert: String,
    /// What about it changes.
    pub reason: String,
    /// Alerts of it that are pending now.
    pub pending: i64,
    /// Alerts of it that fire now.
    pub firing: i64,
}

/// Some alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertSetBody {
    /// How many.
    pub count: i64,
    /// The first 50, with their labels.
    pub alerts: Vec<BTreeMap<String, String>>,
}

/// A monitored server that is no target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlindSpotBody {
    /// Number of the server.
    pub server_id: Id,
    /// Its name.
    pub server_name: String,
    /// Why, and what to do.
    pub reason: String,
}
