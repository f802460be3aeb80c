//! Where everything in Grafana stands, for the API.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::model::{Artefact, SyncKey};
use crate::sync::{ArtefactStatus, State, StatusSource};

/// Name of the Grafana in the list of what is published.
pub const SERVER: &str = "grafana";

/// Where one object stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// It is as it is wanted.
    InSync,
    /// It is as people made it, which is wanted.
    Adopted,
    /// Somebody changed it or took it away, and the configuration leaves that.
    Drifted,
    /// A file owns it, and it is as it is wanted.
    Provisioned,
    /// It is to be taken away and is not there any more.
    Removed,
    /// It could not be looked at or written.
    Failed,
}

/// One object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectStatus {
    /// Where it stands.
    pub state: ObjectState,
    /// Why, and what to do; empty when all is well.
    pub message: String,
    /// Grafana's version of it.
    pub version: Option<i64>,
    /// Who edited it last, where somebody has.
    pub editor: String,
}

/// What is kept of one kind of artefact: its row, and its objects by unique name.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) row: ArtefactStatus,
    pub(super) objects: Vec<(String, ObjectStatus)>,
}

impl Section {
    fn new(artefact: Artefact, now: Timestamp) -> Self {
        Self {
            row: ArtefactStatus::new(&SyncKey::new(artefact, SERVER), now),
            objects: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Sections {
    pub(super) sources: Section,
    pub(super) dashboards: Section,
}

/// Where everything stands. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Board(Arc<Mutex<Sections>>);

impl Board {
    /// Nobody has looked yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Sections {
            sources: Section::new(Artefact::GrafanaDataSources, now),
            dashboards: Section::new(Artefact::GrafanaDashboards, now),
        })))
    }

    /// Where a dashboard stands.
    #[must_use]
    pub fn dashboard(&self, uid: &str) -> ObjectStatus {
        let found = self.with(|sections| {
            let mut objects = sections.dashboards.objects.iter();
            objects.find(|(known, _)| known == uid).cloned()
        });
        found.map(|(_, status)| status).unwrap_or_default()
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Sections) -> T) -> T {
        // What a panic left is overwritten by the next look.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StatusSource for Board {
    fn statuses(&self) -> Vec<ArtefactStatus> {
        self.with(|sections| {
            vec![
                sections.sources.row.clone(),
                sections.dashboards.row.clone(),
            ]
        })
    }
}

/// The state of a row that has these objects.
pub(super) fn state_of(objects: &[(String, ObjectStatus)], is_removed: bool) -> (State, String) {
    let in_state = |state: ObjectState| {
        let mut of = objects
            .iter()
            .filter(move |(_, status)| status.state == state);
        of.next()
            .map(|(uid, status)| format!("{uid}: {}", status.message))
    };
    if let Some(message) = in_state(ObjectState::Failed) {
        return (State::Failed, message);
    }
    if let Some(message) = in_state(ObjectState::Drifted) {
        return (State::Drifted, message);
    }
    match is_removed {
        true => (
            State::Empty,
            "grafana.remove is set: what was made there is taken away".to_owned(),
        ),
        false => (State::InSync, String::new()),
    }
}
