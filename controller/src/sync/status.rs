//! What is in sync, pending or failed, as the API tells it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::model::{Artefact, Id, SyncChange, SyncCounts};

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
    /// It could not be published, or was refused.
    Failed,
}

/// One artefact.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ArtefactStatus {
    /// Which.
    pub artefact: Artefact,
    /// Where it stands.
    pub state: State,
    /// Why, and what to do; empty when all is well.
    pub message: String,
    /// Revision of the desired state that was looked at last.
    pub revision: i64,
    /// The version that is published.
    pub published_version: Option<Id>,
    /// The last version that was seen live.
    pub good_version: Option<Id>,
    /// Targets in the published version.
    pub targets: i64,
    /// Monitored servers that are no target; `POST sync/plan` names them.
    pub blind_spots: i64,
    /// What waits to be published.
    pub waiting: Option<SyncCounts>,
    /// When the published version was seen live last.
    pub verified_at: Option<Timestamp>,
    /// How often somebody else's change of the file was undone since the start.
    pub repairs: u64,
    /// When that was last.
    pub repaired_at: Option<Timestamp>,
}

impl Default for ArtefactStatus {
    fn default() -> Self {
        Self {
            artefact: Artefact::PrometheusTargets,
            state: State::Starting,
            message: String::new(),
            revision: 0,
            published_version: None,
            good_version: None,
            targets: 0,
            blind_spots: 0,
            waiting: None,
            verified_at: None,
            repairs: 0,
            repaired_at: None,
        }
    }
}

/// All artefacts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SyncStatus {
    /// One for each kind.
    pub artefacts: Vec<ArtefactStatus>,
}

/// What publishing the desired state now would change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlanBody {
    /// Of what.
    pub artefact: Artefact,
    /// Revision of the desired state; a confirmation names it.
    pub revision: i64,
    /// How much it changes.
    #[serde(flatten)]
    pub counts: SyncCounts,
    /// What changes, up to 200 entries.
    pub changes: Vec<SyncChange>,
    /// Whether it waits for a confirmation.
    pub needs_confirmation: bool,
    /// Why.
    pub objection: Option<String>,
    /// Monitored servers that are no target, up to 200.
    pub blind_spots: Vec<BlindSpotBody>,
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
