//! What the controller does on a schedule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Id;
use crate::clock::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A backup of the store.
    Backup,
    /// A snapshot of Prometheus' data.
    Snapshot,
}

impl RunKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Backup, Self::Snapshot];

    /// The word in the store and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Snapshot => "snapshot",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One time that it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Run {
    /// Number of the run.
    pub id: Id,
    /// What was done.
    pub kind: RunKind,
    /// The file, or the Prometheus and its snapshot as `SERVER/SNAPSHOT`. Without
    /// the file or the snapshot when none came of it.
    pub name: String,
    /// Whether it worked.
    pub is_ok: bool,
    /// Why it did not; empty when it did.
    pub detail: String,
    /// Bytes of the file; 0 when nobody knows.
    pub bytes: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}
