//! An artefact at a server, as the loop that publishes it and the API share it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::content::{Content, Published, Shelf};
use super::desired::{Desired, Wanted};
use super::file::{self, FileError};
use super::handle::SyncError;
use super::plan::{Guard, Plan, count};
use super::status::{ArtefactStatus, State};
use super::subject::Subject;
use crate::clock::Timestamp;
use crate::model::{Id, SyncKey, SyncOutcome, SyncVersion};
use crate::store::Store;

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

    /// Makes a version the one in memory; tells whether it was another before.
    pub(super) async fn load(&self, store: &Store, id: Option<Id>) -> Result<bool, SyncError> {
        let is_known = !matches!(&*self.shelf.borrow(), Shelf::Unknown);
        if is_known && self.shelf.borrow().version() == id {
            return Ok(false);
        }
        let shelf = match id {
            None => Shelf::Empty,
            Some(version) => {
                let bytes = store.read().await?.sync_content(version).await?;
                let content = Content::parse(self.key.artefact, bytes)?;
                Shelf::Holds(Published { version, content })
            }
        };
        self.shelf.send_replace(shelf);
        Ok(true)
    }

    /// Shows what another controller, which leads, has published.
    pub(super) async fn follow(&self, store: &Store) -> Result<(), SyncError> {
        let mut tx = store.read().await?;
        let revision = tx.revision().await?;
        let state = tx.sync_state(&self.key).await?;
        drop(tx);
        self.load(store, state.published_id).await?;
        let is_good = state.published_id.is_some() && state.good_id == state.published_id;
        let (stand, message) = if is_good {
            (State::InSync, String::new())
        } else {
            let message = "another controller leads; ask it for more";
            (State::Pending, message.to_owned())
        };
        let entries = self.published().map_or(0, |p| count(p.content.entries()));
        let now = store.clock().now();
        self.status.send_modify(|status| {
            status.stand(stand, message, now);
            status.revision = revision;
            status.published_version = state.published_id;
            status.good_version = state.good_id;
            status.entries = entries;
        });
        Ok(())
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
        Some(bytes) => match Content::found(unit.key.artefact, bytes) {
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
