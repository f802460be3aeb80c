//! What the API may ask of the engine.

use std::sync::Arc;

use tokio::sync::Notify;

use super::content::{Content, ContentError, Published, Shelf};
use super::desired;
use super::diff;
use super::file::FileError;
use super::lists::TargetLists;
use super::plan::{MAX_CHANGES, Plan};
use super::status::{ArtefactPlanBody, BlindSpotBody, PlanBody, StatusSource, SyncStatus};
use super::subject::Check;
use super::unit::{Unit, prepare};
use crate::model::{
    Artefact, AuditEvent, Id, SyncFilter, SyncKey, SyncReason, SyncState, SyncVersion,
};
use crate::render::Shard;
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
    /// What is kept is not what was.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The desired state could not be rendered.
    #[error("what is wanted could not be rendered: {0}")]
    Render(String),
    /// The desired state could not be read.
    #[error("what is wanted could not be read: {0}")]
    Desired(Arc<str>),
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
    /// Nothing that is published is meant.
    #[error(
        "nothing that is published has this artefact and server; GET /api/v1/sync lists what is"
    )]
    NoSuchUnit,
    /// The server of a version is no longer configured.
    #[error("{0} is no longer published: the configuration has no such server")]
    Gone(SyncKey),
    /// An older version is no longer good.
    #[error("this version cannot be published again: {0}")]
    Refused(String),
    /// A computation ended early, as the program does.
    #[error("the controller is ending")]
    Ending,
}

/// Why there are no targets to hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoTargets {
    /// The configuration has no shard of that name.
    #[error("there is no shard of this name; the configuration names them at prometheus.shard")]
    NoSuchShard,
    /// They are not loaded yet, or nothing was ever published.
    #[error("nothing is published yet")]
    NotPublished,
}

/// The engine as others see it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) store: Store,
    pub(super) shards: Arc<[Shard]>,
    pub(super) units: Arc<[Arc<Unit>]>,
    pub(super) sources: Vec<Arc<dyn StatusSource>>,
    /// Wakes what renders the desired state.
    pub(super) nudge: Arc<Notify>,
}

impl Handle {
    /// The same, telling also of what somebody else publishes.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn StatusSource>) -> Self {
        self.sources.push(source);
        self
    }

    /// Where everything stands. Cheap: nothing is asked.
    #[must_use]
    pub fn status(&self) -> SyncStatus {
        let own = self.units.iter().map(|unit| unit.status.borrow().clone());
        let others = self.sources.iter().flat_map(|source| source.statuses());
        SyncStatus {
            artefacts: own.chain(others).collect(),
        }
    }

    /// The published targets of one shard, or of all.
    ///
    /// # Errors
    /// See [`NoTargets`]. Not published is also what is not loaded yet: a list
    /// without the targets of a shard would end them.
    pub fn targets(&self, shard: Option<&str>) -> Result<TargetLists, NoTargets> {
        let mut lists = Vec::new();
        let names = self.shards.iter().map(|shard| shard.name.as_str());
        let mut is_known = false;
        let mut is_loaded = true;
        for name in names.filter(|name| shard.is_none_or(|shard| shard == *name)) {
            is_known = true;
            let servers = self.units.iter().filter(|unit| {
                unit.key.artefact == Artefact::PrometheusTargets && unit.shard == name
            });
            // Those of a shard have the same; the first that has any says which.
            for unit in servers {
                match &*unit.shelf.borrow() {
                    Shelf::Unknown => is_loaded = false,
                    Shelf::Empty => {}
                    Shelf::Holds(published) => {
                        lists.extend(published.content.targets().cloned());
                        break;
                    }
                }
            }
        }
        match (is_known, is_loaded && !lists.is_empty()) {
            (false, _) => Err(NoTargets::NoSuchShard),
            (true, false) => Err(NoTargets::NotPublished),
            (true, true) => Ok(TargetLists::new(lists)),
        }
    }

    /// What publishing the desired state now would change.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub async fn plan(&self, filter: &SyncFilter) -> Result<PlanBody, SyncError> {
        let units = self.matching(filter)?;
        let desired = Arc::new(desired::render(&self.store, &self.shards).await?);
        let plans = units.into_iter().map(async |unit| {
            let prepared = prepare(unit, &desired).await?;
            let (before, after) = (prepared.before.as_ref(), &prepared.wanted.content);
            let refusal = async {
                let is_new = !prepared.is_same;
                let check = match is_new {
                    true => unit.subject.check(after, before).await,
                    false => Check::Good,
                };
                match check {
                    Check::Good => None,
                    Check::Refused(reason) | Check::Later(reason) => Some(reason),
                }
            };
            let impact = unit.subject.impact(before, after);
            let diff = diff::between(before.cloned(), after.clone());
            let (refusal, impact, diff) = futures_util::join!(refusal, impact, diff);
            let blind_spots = prepared.wanted.blind_spots.iter().take(MAX_CHANGES);
            Ok::<_, SyncError>(ArtefactPlanBody {
                artefact: unit.key.artefact,
                server: unit.key.server.clone(),
                counts: prepared.plan.counts,
                changes: prepared.plan.changes,
                diff: diff?,
                needs_confirmation: prepared.objection.is_some(),
                objection: prepared.objection,
                refusal,
                warnings: prepared.wanted.warnings.clone(),
                blind_spots: blind_spots
                    .map(|spot| BlindSpotBody {
                        server_id: spot.server_id,
                        server_name: spot.server_name.clone(),
                        reason: spot.reason.to_owned(),
                    })
                    .collect(),
                impact,
            })
        });
        let artefacts = futures_util::future::try_join_all(plans).await?;
        Ok(PlanBody {
            revision: desired.revision,
            artefacts,
        })
    }

    /// Lets the changes of a revision through that were held back for what they
    /// remove, or because they were refused before.
    ///
    /// # Errors
    /// [`SyncError::OtherRevision`] when the desired state has moved on.
    pub async fn confirm(
        &self,
        revision: i64,
        filter: &SyncFilter,
        event: &AuditEvent,
    ) -> Result<(), SyncError> {
        let mut tx = self.store.read().await?;
        let current = tx.revision().await?;
        drop(tx);
        if current != revision {
            return Err(SyncError::OtherRevision {
                asked: revision,
                current,
            });
        }
        self.change_states(filter, event, |state| {
            state.confirmed_revision = Some(revision);
            state.confirmed_by = Some(event.actor.clone());
        })
        .await
    }

    /// Publishes changes of the desired state again.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub async fn resume(&self, filter: &SyncFilter, event: &AuditEvent) -> Result<(), SyncError> {
        self.change_states(filter, event, |state| state.is_held = false)
            .await
    }

    /// Changes what is published of those that are meant, and wakes their loops.
    async fn change_states(
        &self,
        filter: &SyncFilter,
        event: &AuditEvent,
        change: impl Fn(&mut SyncState),
    ) -> Result<(), SyncError> {
        let units = self.matching(filter)?;
        let mut tx = self.store.write().await?;
        for unit in &units {
            let mut state = tx.sync_state(&unit.key).await?;
            change(&mut state);
            tx.set_sync_state(&unit.key, &state).await?;
        }
        tx.append_audit(event).await?;
        tx.commit().await?;
        self.nudge.notify_one();
        for unit in units {
            unit.nudge.notify_one();
        }
        Ok(())
    }

    fn matching(&self, filter: &SyncFilter) -> Result<Vec<&Arc<Unit>>, SyncError> {
        let units: Vec<_> = self
            .units
            .iter()
            .filter(|unit| filter.matches(&unit.key))
            .collect();
        if units.is_empty() {
            return Err(SyncError::NoSuchUnit);
        }
        Ok(units)
    }

    /// Publishes an older version again, and holds later changes of the same
    /// artefact at the same server back until [`Self::resume`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such version, or it is too old
    /// to be kept; [`SyncError::Refused`] when it is no longer good.
    pub async fn restore(&self, id: Id, event: &AuditEvent) -> Result<SyncVersion, SyncError> {
        let mut tx = self.store.read().await?;
        let old = tx.sync_version(id).await?;
        let bytes = tx.sync_content(id).await?;
        drop(tx);
        let key = SyncKey::new(old.artefact, &old.server);
        let unit = self.units.iter().find(|unit| unit.key == key);
        let unit = unit.ok_or_else(|| SyncError::Gone(key.clone()))?;
        let content = Content::parse(old.artefact, bytes)?;
        let published = unit.published();
        let before = published.as_ref().map(|Published { content, .. }| content);
        if let Check::Refused(reason) | Check::Later(reason) =
            unit.subject.check(&content, before).await
        {
            return Err(SyncError::Refused(reason));
        }
        let plan = Plan::between(before, &content);
        let mut tx = self.store.write().await?;
        let version = tx
            .insert_sync_version(&NewSyncVersion {
                key: &key,
                revision: old.revision,
                author: Some(&event.actor),
                reason: SyncReason::Restored,
                digest: content.digest(),
                counts: plan.counts,
                diff: &plan.changes,
                content: &content.kept(),
            })
            .await?;
        let mut state = tx.sync_state(&key).await?;
        state.published_id = Some(version.id);
        state.is_held = true;
        state.confirmed_revision = None;
        state.confirmed_by = None;
        tx.set_sync_state(&key, &state).await?;
        tx.append_audit(&event.clone().with(None, Some(&version)))
            .await?;
        tx.commit().await?;
        unit.nudge.notify_one();
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ArtefactStatus, Engine, State};
    use super::*;
    use crate::clock::{Clock, Timestamp};
    use crate::config::Config;
    use crate::store::Sealer;

    struct Channel;

    impl StatusSource for Channel {
        fn statuses(&self) -> Vec<ArtefactStatus> {
            let key = SyncKey::new(Artefact::PrometheusTargets, "elsewhere");
            let mut status = ArtefactStatus::new(&key, Timestamp(0));
            status.stand(State::InSync, String::new(), Timestamp(1));
            vec![status]
        }
    }

    #[tokio::test]
    async fn others_tell_of_what_they_publish() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/c.db?mode=rwc", directory.path().display());
        let sealer = Sealer::parse(&"07".repeat(32)).unwrap();
        let store = Store::open(&url, sealer, Clock::System).await.unwrap();
        let config = Config::load(None, []).unwrap();
        let (_engine, handle) = Engine::new(store, &config).unwrap();
        assert_eq!(handle.status().artefacts.len(), 1);
        assert_eq!(handle.targets(None).unwrap_err(), NoTargets::NotPublished);
        assert_eq!(
            handle.targets(Some("x")).unwrap_err(),
            NoTargets::NoSuchShard
        );
        let handle = handle.with_source(Arc::new(Channel));
        let artefacts = handle.status().artefacts;
        let stands: Vec<_> = artefacts
            .iter()
            .map(|status| (status.server.as_str(), status.state))
            .collect();
        assert_eq!(
            stands,
            [
                ("prometheus", State::Starting),
                ("elsewhere", State::InSync)
            ]
        );
    }
}
