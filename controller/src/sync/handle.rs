//! What the API may ask of the engine, and how both come to a plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::file::{self, FileError};
use super::plan::{Guard, MAX_CHANGES, Plan};
use super::published::Published;
use super::status::{ArtefactStatus, BlindSpotBody, PlanBody, SyncStatus};
use crate::model::{Artefact, AuditEvent, Id, SyncOutcome, SyncReason, SyncVersion};
use crate::render::{self, BlindSpot, Document, DocumentError};
use crate::store::{NewSyncVersion, Store, StoreError};

/// Why the engine could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// What was rendered or kept is not what Prometheus accepts.
    #[error("the list of targets is not good: {0}")]
    Document(#[from] DocumentError),
    /// Nothing waits for a confirmation of this revision.
    #[error(
        "revision {asked} is not the present one; the desired state is at {current}: look at the plan again"
    )]
    OtherRevision {
        /// The revision that was to be confirmed.
        asked: i64,
        /// The revision of the desired state.
        current: i64,
    },
    /// A computation ended early, as the program does.
    #[error("the controller is ending")]
    Ending,
}

/// The engine as others see it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) store: Store,
    pub(super) guard: Guard,
    pub(super) file: Option<PathBuf>,
    pub(super) nudge: Arc<Notify>,
    pub(super) status: watch::Receiver<ArtefactStatus>,
    pub(super) published: watch::Receiver<Option<Arc<Published>>>,
}

impl Handle {
    /// Where everything stands.
    #[must_use]
    pub fn status(&self) -> SyncStatus {
        SyncStatus {
            artefacts: vec![self.status.borrow().clone()],
        }
    }

    /// The published targets; `None` until they are loaded, and as long as
    /// nothing was ever published.
    #[must_use]
    pub fn published(&self) -> Option<Arc<Published>> {
        self.published.borrow().clone()
    }

    /// What publishing the desired state now would change.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub async fn plan(&self) -> Result<PlanBody, SyncError> {
        let prepared = prepare(
            &self.store,
            self.guard,
            self.file.as_deref(),
            self.published(),
        )
        .await?;
        let blind_spots = prepared.blind_spots.into_iter().take(MAX_CHANGES);
        Ok(PlanBody {
            artefact: Artefact::PrometheusTargets,
            revision: prepared.revision,
            counts: prepared.plan.counts,
            changes: prepared.plan.changes,
            needs_confirmation: prepared.objection.is_some(),
            objection: prepared.objection,
            blind_spots: blind_spots
                .map(|spot| BlindSpotBody {
                    server_id: spot.server_id,
                    server_name: spot.server_name,
                    reason: spot.reason.to_owned(),
                })
                .collect(),
        })
    }

    /// Lets the changes of a revision through that were held back for what they
    /// remove, or because the server refused them before.
    ///
    /// # Errors
    /// [`SyncError::OtherRevision`] when the desired state has moved on.
    pub async fn confirm(&self, revision: i64, event: &AuditEvent) -> Result<(), SyncError> {
        let mut tx = self.store.write().await?;
        let current = tx.revision().await?;
        if current != revision {
            return Err(SyncError::OtherRevision {
                asked: revision,
                current,
            });
        }
        let mut state = tx.sync_state(Artefact::PrometheusTargets).await?;
        state.confirmed_revision = Some(revision);
        state.confirmed_by = Some(event.actor.clone());
        tx.set_sync_state(Artefact::PrometheusTargets, &state)
            .await?;
        tx.append_audit(event).await?;
        tx.commit().await?;
        self.nudge.notify_one();
        Ok(())
    }

    /// Publishes an older version again, and holds later changes back until
    /// [`Self::resume`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such version, or it is too old
    /// to be kept.
    pub async fn restore(&self, id: Id, event: &AuditEvent) -> Result<SyncVersion, SyncError> {
        let mut tx = self.store.write().await?;
        let old = tx.sync_version(id).await?;
        let content = tx.sync_content(id).await?;
        let document = Document::parse(content)?;
        let published = self.published();
        let plan = Plan::between(published.as_deref().map(|p| &p.document), &document);
        let version = tx
            .insert_sync_version(&NewSyncVersion {
                artefact: old.artefact,
                revision: old.revision,
                author: Some(&event.actor),
                reason: SyncReason::Restored,
                digest: document.digest(),
                counts: plan.counts,
                diff: &plan.changes,
                content: document.bytes(),
            })
            .await?;
        let mut state = tx.sync_state(old.artefact).await?;
        state.published_id = Some(version.id);
        state.is_held = true;
        state.confirmed_revision = None;
        state.confirmed_by = None;
        tx.set_sync_state(old.artefact, &state).await?;
        tx.append_audit(&event.clone().with(None, Some(&version)))
            .await?;
        tx.commit().await?;
        self.nudge.notify_one();
        Ok(version)
    }

    /// Publishes changes of the desired state again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, event: &AuditEvent) -> Result<(), SyncError> {
        let mut tx = self.store.write().await?;
        let mut state = tx.sync_state(Artefact::PrometheusTargets).await?;
        state.is_held = false;
        tx.set_sync_state(Artefact::PrometheusTargets, &state)
            .await?;
        tx.append_audit(event).await?;
        tx.commit().await?;
        self.nudge.notify_one();
        Ok(())
    }
}

/// The desired state, rendered and compared with what is published.
pub(super) struct Prepared {
    pub(super) revision: i64,
    pub(super) document: Document,
    pub(super) blind_spots: Vec<BlindSpot>,
    pub(super) plan: Plan,
    pub(super) objection: Option<String>,
}

/// What a plan is compared with.
enum Baseline {
    Published(Arc<Published>),
    /// Written by a controller whose store is gone, or by another one.
    File(Box<Document>),
    /// A file that is not one of ours.
    Foreign(PathBuf),
    Nothing,
}

/// Renders and compares, away from the threads that answer requests.
pub(super) async fn prepare(
    store: &Store,
    guard: Guard,
    file: Option<&Path>,
    published: Option<Arc<Published>>,
) -> Result<Prepared, SyncError> {
    let inventory = store.read().await?.inventory().await?;
    let file = file.map(Path::to_owned);
    let work = move || -> Result<Prepared, SyncError> {
        let baseline = baseline(published, file)?;
        let rendered = render::targets(&inventory)?;
        let before = match &baseline {
            Baseline::Published(published) => Some(&published.document),
            Baseline::File(document) => Some(&**document),
            Baseline::Foreign(_) | Baseline::Nothing => None,
        };
        let plan = Plan::between(before, &rendered.document);
        let is_published = matches!(baseline, Baseline::Published(_));
        let objection = match &baseline {
            Baseline::Foreign(path) => Some(format!(
                "{} was not written by this program and would be replaced",
                path.display()
            )),
            // What is published already needs no second look.
            _ if plan.is_empty() && (is_published || plan.counts.entries > 0) => None,
            _ => guard.objection(&plan),
        };
        Ok(Prepared {
            revision: inventory.revision,
            document: rendered.document,
            blind_spots: rendered.blind_spots,
            plan,
            objection,
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SyncError::Ending)?
}

fn baseline(
    published: Option<Arc<Published>>,
    file: Option<PathBuf>,
) -> Result<Baseline, FileError> {
    if let Some(published) = published {
        return Ok(Baseline::Published(published));
    }
    let Some(path) = file else {
        return Ok(Baseline::Nothing);
    };
    Ok(match file::read(&path)? {
        None => Baseline::Nothing,
        Some(bytes) if matches!(bytes.trim_ascii(), b"" | b"[]") => Baseline::Nothing,
        Some(bytes) => match Document::parse(bytes) {
            Ok(document) => Baseline::File(Box::new(document)),
            Err(_) => Baseline::Foreign(path),
        },
    })
}

/// Whether the newest version is what the server refused already.
pub(super) fn is_refused_before(latest: Option<&SyncVersion>, document: &Document) -> bool {
    latest.is_some_and(|latest| {
        latest.outcome == SyncOutcome::Refused && latest.digest == hex::encode(document.digest())
    })
}
