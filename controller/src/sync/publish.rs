//! Makes a version the published one, in the store and in the file, and takes it
//! back.

use std::sync::Arc;

use super::content::{Published, Shelf};
use super::file::{self, Fingerprint};
use super::handle::SyncError;
use super::look::Live;
use super::plan::Plan;
use super::reconcile::Reconciler;
use super::status::State;
use super::unit::Prepared;
use crate::model::{Id, SyncChange, SyncOutcome, SyncReason, SyncState};
use crate::store::{NewSyncVersion, StoreError, WriteTx};

/// Longest reason that is kept, in characters.
const MAX_REASON: usize = 4_000;
/// Most rules that are named with a reason.
const MAX_SUSPECTS: usize = 10;

impl Reconciler {
    /// Keeps the new version and makes it the published one, in one transaction.
    pub(super) async fn publish(
        &mut self,
        prepared: Prepared,
        seen: SyncState,
    ) -> Result<(), SyncError> {
        let before = self.counters().await;
        let Some(mut tx) = self.write_unless_changed(&seen).await? else {
            return Ok(());
        };
        let kept = prepared.wanted.content.kept();
        let version = tx
            .insert_sync_version(&self.version(&prepared, &seen, &kept))
            .await?;
        let state = SyncState {
            published_id: Some(version.id),
            good_id: seen.good_id,
            ..SyncState::default()
        };
        tx.set_sync_state(&self.unit.key, &state).await?;
        tx.commit().await?;
        tracing::info!(
            key = %self.unit.key,
            version = version.id,
            revision = version.revision,
            added = version.counts.added,
            removed = version.counts.removed,
            changed = version.counts.changed,
            "Publishing"
        );
        self.live = Live::unknown(self.store.clock().now(), before);
        self.unit.shelf.send_replace(Shelf::Holds(Published {
            version: version.id,
            content: prepared.wanted.content.clone(),
        }));
        self.settle_plan(&prepared, state, None, None);
        Ok(())
    }

    /// Keeps a version that was found wrong before it was written. What is
    /// published stays.
    pub(super) async fn refuse(
        &mut self,
        prepared: &Prepared,
        seen: SyncState,
        reason: &str,
    ) -> Result<(), SyncError> {
        let reason = cut(reason);
        let Some(mut tx) = self.write_unless_changed(&seen).await? else {
            return Ok(());
        };
        let kept = prepared.wanted.content.kept();
        let version = tx
            .insert_sync_version(&self.version(prepared, &seen, &kept))
            .await?;
        tx.settle_sync_version(version.id, SyncOutcome::Refused, &reason)
            .await?;
        let state = SyncState {
            confirmed_revision: None,
            confirmed_by: None,
            ..seen
        };
        tx.set_sync_state(&self.unit.key, &state).await?;
        tx.commit().await?;
        let key = &self.unit.key;
        tracing::error!(%key, version = version.id, reason, "Refused before it was written");
        self.note_failure();
        self.settle_plan(prepared, state, Some((State::Failed, reason)), None);
        Ok(())
    }

    /// A transaction, unless somebody has decided otherwise since `seen`: then the
    /// next round sees it.
    async fn write_unless_changed(&self, seen: &SyncState) -> Result<Option<WriteTx>, StoreError> {
        let mut tx = self.store.write().await?;
        if tx.sync_state(&self.unit.key).await? == *seen {
            return Ok(Some(tx));
        }
        self.unit.nudge.notify_one();
        Ok(None)
    }

    fn version<'a>(
        &'a self,
        prepared: &'a Prepared,
        seen: &'a SyncState,
        kept: &'a [u8],
    ) -> NewSyncVersion<'a> {
        let is_confirmed = seen.confirmed_revision == Some(prepared.revision);
        NewSyncVersion {
            key: &self.unit.key,
            revision: prepared.revision,
            author: seen.confirmed_by.as_deref().filter(|_| is_confirmed),
            reason: if is_confirmed {
                SyncReason::Confirmed
            } else {
                SyncReason::Change
            },
            digest: prepared.wanted.content.digest(),
            counts: prepared.plan.counts,
            diff: &prepared.plan.changes,
            content: kept,
        }
    }

    /// Makes the file hold what is published, whoever changed it.
    pub(super) async fn write_file(&mut self) -> Result<(), SyncError> {
        let (Some(path), Some(published)) = (self.unit.file.clone(), self.unit.published()) else {
            return Ok(());
        };
        let version = published.version;
        let known = self.written;
        let unit = Arc::clone(&self.unit);
        let work = move || -> Result<(Option<Fingerprint>, bool), file::FileError> {
            let content = &published.content;
            // What it names is there before it is.
            let is_beside_written = unit.subject.write_beside(content, &path)?;
            let found = file::fingerprint(&path)?;
            if found.is_some() && known == found.map(|found| (version, found)) {
                return Ok((found, is_beside_written));
            }
            let bytes = content.bytes();
            if file::read(&path)?.as_deref() == Some(bytes) {
                return Ok((found, is_beside_written));
            }
            file::write(&path, bytes, unit.subject.mode())?;
            unit.subject.tidy_beside(content, &path);
            Ok((file::fingerprint(&path)?, true))
        };
        let (fingerprint, is_written) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| SyncError::Ending)??;
        if is_written {
            let now = self.store.clock().now();
            let is_repair = known.is_some_and(|(before, _)| before == version);
            if is_repair {
                let key = &self.unit.key;
                tracing::warn!(%key, "The file was changed by somebody else; it is repaired");
                self.unit.status.send_modify(|status| {
                    status.repairs += 1;
                    status.repaired_at = Some(now);
                });
            }
            // What the other's file did to the counters is not ours.
            let before = if is_repair {
                self.counters().await
            } else {
                self.live.before
            };
            self.live = Live::unknown(now, before);
            self.live.owes_reload = true;
        }
        self.written = fingerprint.map(|fingerprint| (version, fingerprint));
        Ok(())
    }

    /// Notes that a version is live: what later ones may fall back to.
    pub(super) async fn settle_good(&mut self, version: Id) -> Result<(), StoreError> {
        let key = &self.unit.key;
        let now = self.store.clock().now();
        let verified = Some(now);
        self.unit
            .status
            .send_modify(|status| status.verified_at = verified);
        let mut tx = self.store.read().await?;
        let is_settled = tx.sync_state(key).await?.good_id == Some(version);
        drop(tx);
        if is_settled {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let mut state = tx.sync_state(key).await?;
        state.good_id = Some(version);
        tx.set_sync_state(key, &state).await?;
        tx.settle_sync_version(version, SyncOutcome::Verified, "")
            .await?;
        tx.commit().await?;
        // The same decision on the same grounds, but for what is good.
        if let Some(planned) = &mut self.planned {
            planned.state.good_id = Some(version);
        }
        Ok(())
    }

    /// Returns to the last good version after the server refused one. Where there
    /// is none, nothing takes its place, if that is possible; says whether
    /// something did.
    pub(super) async fn take_back(&mut self, refused: Id, reason: &str) -> Result<bool, SyncError> {
        let key = self.unit.key.clone();
        let mut tx = self.store.write().await?;
        let mut state = tx.sync_state(&key).await?;
        let changes = tx.sync_diff(refused).await?;
        let reason = cut(&format!("{reason}{}", suspects(&changes)));
        let good = state.good_id.filter(|good| *good != refused);
        let good = match (good, self.unit.subject.nothing()) {
            (Some(good), _) => good,
            // It was good once: another server's fault, or somebody's at this one.
            (None, Some(nothing)) if state.good_id.is_none() => {
                let old = tx.sync_version(refused).await?;
                let published = self.unit.published();
                let before = published.as_ref().map(|published| &published.content);
                let plan = Plan::between(before, &nothing);
                let version = tx
                    .insert_sync_version(&NewSyncVersion {
                        key: &key,
                        revision: old.revision,
                        author: None,
                        reason: SyncReason::Withdrawn,
                        digest: nothing.digest(),
                        counts: plan.counts,
                        diff: &plan.changes,
                        content: &nothing.kept(),
                    })
                    .await?;
                version.id
            }
            (None, _) => return Ok(false),
        };
        tracing::error!(
            %key,
            version = refused,
            good,
            reason,
            "The server refused it; returning to the last good version"
        );
        state.published_id = Some(good);
        state.confirmed_revision = None;
        state.confirmed_by = None;
        tx.set_sync_state(&key, &state).await?;
        tx.settle_sync_version(refused, SyncOutcome::Refused, &reason)
            .await?;
        tx.commit().await?;
        self.note_failure();
        self.planned = None;
        Ok(true)
    }

    pub(super) fn note_failure(&self) {
        let now = self.store.clock().now();
        self.unit.status.send_modify(|status| status.fail(now));
    }
}

/// The rules among which the one is that the server did not like.
fn suspects(changes: &[SyncChange]) -> String {
    let mut names = changes
        .iter()
        .filter(|change| change.after.is_some())
        .filter_map(|change| change.rule.as_deref());
    let first: Vec<&str> = names.by_ref().take(MAX_SUSPECTS).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    if first.is_empty() {
        return String::new();
    }
    format!("; new or changed were {}{more}", first.join(", "))
}

/// The reason without what nobody reads.
fn cut(reason: &str) -> String {
    let reason = reason.trim();
    match reason.char_indices().nth(MAX_REASON) {
        Some((at, _)) => format!("{}…", reason.split_at(at).0),
        None => reason.to_owned(),
    }
}
