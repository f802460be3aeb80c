//! An artefact at a server, as the loop that publishes it and the API share it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::content::{Content, Published, Shelf};
use super::desired::{Desired, Wanted};
use super::file::{self, FileError};
use super::handle::SyncError;
use super::plan::{Guard, Plan};
use super::status::ArtefactStatus;
use super::subject::Subject;
use crate::clock::Timestamp;
use crate::model::{SyncKey, SyncOutcome, SyncVersion};

/// An artefact at a server.
pub(super) struct Unit {
    pub(super) key: SyncKey,
    /// Word that those ask with who want only their part.
    pub(super) shard: String,
    pub(super) guard: Guard,
    /// The file that the server reads; `None` when it asks over HTTP.
    pub(super) file: Option<PathBuf>,
    pub(super) subject: Box<dyn Subject>,
    pub(super) nudge: Notify,
    pub(super) status: watch::Sender<ArtefactStatus>,
    pub(super) shelf: watch::Sender<Shelf>,
}

impl Unit {
    pub(super) fn new(
        key: SyncKey,
        shard: &str,
        guard: Guard,
        file: Option<PathBuf>,
        subject: Box<dyn Subject>,
        now: Timestamp,
    ) -> Self {
        Self {
            status: watch::channel(ArtefactStatus::new(&key, now)).0,
            shelf: watch::channel(Shelf::Unknown).0,
            nudge: Notify::new(),
            shard: shard.to_owned(),
            key,
            guard,
            file,
            subject,
        }
    }

    /// What is published.
    pub(super) fn published(&self) -> Option<Published> {
        self.shelf.borrow().published().cloned()
    }
}

/// What is wanted of a unit, compared with what is published.
pub(super) struct Prepared {
    pub(super) revision: i64,
    pub(super) wanted: Wanted,
    /// What it was compared with.
    pub(super) before: Option<Content>,
    pub(super) plan: Plan,
    pub(super) is_same: bool,
    pub(super) objection: Option<String>,
}

/// What a plan is compared with.
enum Baseline {
    Published(Content),
    /// Written by a controller whose store is gone, or by another one.
    File(Content),
    /// A file that is not one of ours.
    Foreign(PathBuf),
    Nothing,
}

/// Compares, away from the threads that answer requests.
pub(super) async fn prepare(
    unit: &Arc<Unit>,
    desired: &Arc<Desired>,
) -> Result<Prepared, SyncError> {
    let (unit, desired) = (Arc::clone(unit), Arc::clone(desired));
    let work = move || -> Result<Prepared, SyncError> {
        let wanted = unit.subject.wanted(&desired).map_err(SyncError::Render)?;
        let (before, is_published, foreign) = match baseline(&unit)? {
            Baseline::Published(content) => (Some(content), true, None),
            Baseline::File(content) => (Some(content), false, None),
            Baseline::Foreign(path) => (None, false, Some(path)),
            Baseline::Nothing => (None, false, None),
        };
        let plan = Plan::between(before.as_ref(), &wanted.content);
        let is_same = match &before {
            Some(before) => before.bytes() == wanted.content.bytes(),
            None => wanted.content.entries() == 0,
        };
        let objection = match foreign {
            Some(path) => Some(format!(
                "{} was not written by this program and would be replaced",
                path.display()
            )),
            // What is published already needs no second look.
            None if is_same && (is_published || plan.counts.entries > 0) => None,
            None => unit.guard.objection(&plan, unit.subject.words()),
        };
        Ok(Prepared {
            revision: desired.revision,
            wanted,
            before,
            plan,
            is_same,
            objection,
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SyncError::Ending)?
}

fn baseline(unit: &Unit) -> Result<Baseline, FileError> {
    if let Some(published) = unit.published() {
        return Ok(Baseline::Published(published.content));
    }
    let Some(path) = &unit.file else {
        return Ok(Baseline::Nothing);
    };
    Ok(match file::read(path)? {
        None => Baseline::Nothing,
        Some(bytes) if unit.subject.is_blank(&bytes) => Baseline::Nothing,
        Some(bytes) => match Content::parse(unit.key.artefact, bytes) {
            Ok(content) => Baseline::File(content),
            Err(_) => Baseline::Foreign(path.clone()),
        },
    })
}

/// Why the newest version was refused, if that has the same bytes.
pub(super) fn refused_before(latest: Option<SyncVersion>, content: &Content) -> Option<String> {
    latest
        .filter(|latest| {
            latest.outcome == SyncOutcome::Refused && latest.digest == hex::encode(content.digest())
        })
        .map(|latest| latest.outcome_detail)
}
