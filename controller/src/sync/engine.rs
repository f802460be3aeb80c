//! The loop that reconciles: one round looks at everything and does what is due.
//!
//! Rounds happen when the desired state changes (once for a burst of changes),
//! when somebody asks, and every few seconds to see whether the file is still
//! what was written. A round decides in the store first and writes afterwards.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::file::{self, Fingerprint};
use super::handle::{Handle, Prepared, SyncError, is_refused_before, prepare};
use super::plan::Guard;
use super::prometheus::{Counters, Prometheus, Verdict};
use super::published::Published;
use super::status::{ArtefactStatus, State};
use crate::channel;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::model::{Artefact, Id, SyncOutcome, SyncReason, SyncState};
use crate::prometheus::PrometheusError;
use crate::store::{NewSyncVersion, Store, StoreError};

const ARTEFACT: Artefact = Artefact::PrometheusTargets;
/// How often a controller that does not lead looks at what is published.
const FOLLOW: Duration = Duration::from_secs(1);
/// A burst of changes has ended when nothing changed for so long.
const QUIET: Duration = Duration::from_millis(300);
/// A burst is cut off after so long.
const BURST: Duration = Duration::from_secs(2);
/// How often the file is looked at.
const WATCH: Duration = Duration::from_secs(5);
/// How often a version that is live is looked at again.
const REVERIFY: Duration = Duration::from_secs(60);
/// How often a new version is looked for: file discovery takes up to 5 s.
const LOOK: Duration = Duration::from_secs(1);
/// After so long without success it is looked for less often.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest time that a change waits for the server's counters.
const COUNTERS: Duration = Duration::from_secs(2);
/// Longest time that a change waits for exporters to take it. One that is away
/// must not hold up the others.
const EXPORTERS: Duration = Duration::from_secs(2);
/// First and longest pause after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Reconciles until it is told to stop.
pub struct Engine {
    store: Store,
    guard: Guard,
    file: Option<PathBuf>,
    prometheus: Option<Prometheus>,
    nudge: Arc<Notify>,
    status: watch::Sender<ArtefactStatus>,
    published: watch::Sender<Option<Arc<Published>>>,
    planned: Option<Planned>,
    /// The file as it was left, with the version that is in it.
    written: Option<(Id, Fingerprint)>,
    live: Live,
    failures: u32,
    /// Exporters learn of a target before Prometheus does.
    exporters: Option<channel::Handle>,
}

/// What was decided, and on which grounds. Other grounds need another decision.
#[derive(Clone, Debug, PartialEq)]
struct Planned {
    revision: i64,
    state: SyncState,
    verdict: Option<(State, String)>,
}

/// What is known of the published version at the server.
#[derive(Clone, Debug)]
struct Live {
    since: Timestamp,
    since_instant: Instant,
    before: Option<Counters>,
    state: State,
    message: String,
    next_look: Instant,
    failures: u32,
}

impl Live {
    fn unknown(since: Timestamp, before: Option<Counters>) -> Self {
        Self {
            since,
            since_instant: Instant::now(),
            before,
            state: State::Pending,
            message: "waiting for Prometheus".to_owned(),
            next_look: Instant::now(),
            failures: 0,
        }
    }
}

impl Engine {
    /// An engine for what the configuration names, and the handle for the API.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(store: Store, config: &Config) -> Result<(Self, Handle), PrometheusError> {
        let nudge = Arc::new(Notify::new());
        let status = watch::channel(ArtefactStatus::default()).0;
        let published = watch::channel(None).0;
        let engine = Self {
            guard: config.sync.guard(),
            file: config.prometheus.targets_file.clone(),
            prometheus: Prometheus::new(&config.prometheus)?,
            nudge,
            status,
            published,
            planned: None,
            written: None,
            live: Live::unknown(store.clock().now(), None),
            failures: 0,
            exporters: None,
            store,
        };
        let handle = Handle {
            store: engine.store.clone(),
            guard: engine.guard,
            file: engine.file.clone(),
            nudge: Arc::clone(&engine.nudge),
            status: engine.status.subscribe(),
            published: engine.published.subscribe(),
        };
        Ok((engine, handle))
    }

    /// Hands out what another controller publishes, until `shutdown` is
    /// cancelled; changes nothing.
    pub async fn follow(&mut self, shutdown: CancellationToken) {
        // What is decided here is from before the other one's term.
        self.planned = None;
        while !shutdown.is_cancelled() {
            let look = async {
                if let Err(error) = self.try_follow().await {
                    tracing::warn!(%error, "What is published could not be read");
                }
                tokio::time::sleep(FOLLOW).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = look => {}
            }
        }
    }

    async fn try_follow(&mut self) -> Result<(), SyncError> {
        let mut tx = self.store.read().await?;
        let revision = tx.revision().await?;
        let state = tx.sync_state(ARTEFACT).await?;
        drop(tx);
        if self.version() != state.published_id {
            let published = match state.published_id {
                None => None,
                Some(id) => {
                    let content = self.store.read().await?.sync_content(id).await?;
                    Some(Arc::new(Published::new(id, content)?))
                }
            };
            self.published.send_replace(published);
        }
        let is_good = state.published_id.is_some() && state.good_id == state.published_id;
        (self.live.state, self.live.message) = if is_good {
            (State::InSync, String::new())
        } else {
            (
                State::Pending,
                "another controller leads; ask it for more".to_owned(),
            )
        };
        self.planned = Some(Planned {
            revision,
            state,
            verdict: None,
        });
        self.tell();
        // The next leader decides for itself.
        self.planned = None;
        Ok(())
    }

    /// Lets exporters that are on the channel take a change before it is published.
    #[must_use]
    pub fn after_exporters(mut self, exporters: channel::Handle) -> Self {
        self.exporters = Some(exporters);
        self
    }

    /// Reconciles until `shutdown` is cancelled.
    pub async fn run(&mut self, shutdown: CancellationToken) {
        self.planned = None;
        self.live = Live::unknown(self.store.clock().now(), None);
        let mut revisions = self.store.revisions();
        while !shutdown.is_cancelled() {
            revisions.mark_unchanged();
            // Cut off anywhere, a round leaves nothing half: transactions roll
            // back, and a file is replaced as a whole.
            let wait = tokio::select! {
                () = shutdown.cancelled() => break,
                wait = self.round() => wait,
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = revisions.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    quiet(&mut revisions).await;
                }
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One look at everything; gives the time until the next.
    async fn round(&mut self) -> Duration {
        match self.try_round().await {
            Ok(wait) => {
                self.failures = 0;
                wait
            }
            Err(error) => {
                let wait = back_off(self.failures);
                self.failures = self.failures.saturating_add(1);
                tracing::warn!(%error, retry_in = ?wait, "Targets could not be published");
                self.status.send_modify(|status| {
                    status.state = State::Failed;
                    status.message = error.to_string();
                });
                wait
            }
        }
    }

    async fn try_round(&mut self) -> Result<Duration, SyncError> {
        let mut tx = self.store.read().await?;
        let revision = tx.revision().await?;
        let state = tx.sync_state(ARTEFACT).await?;
        drop(tx);
        self.load(state.published_id).await?;
        let is_planned = self
            .planned
            .as_ref()
            .is_some_and(|planned| planned.revision == revision && planned.state == state);
        if !is_planned {
            self.decide(state).await?;
        }
        self.write_file().await?;
        let wait = self.look().await?;
        self.tell();
        Ok(wait)
    }

    /// Makes the version that is to be live the one in memory.
    async fn load(&mut self, id: Option<Id>) -> Result<(), SyncError> {
        let loaded = self.version();
        if loaded == id {
            return Ok(());
        }
        let published = match id {
            None => None,
            Some(id) => {
                let content = self.store.read().await?.sync_content(id).await?;
                Some(Arc::new(Published::new(id, content)?))
            }
        };
        let before = self.counters().await;
        self.live = Live::unknown(self.store.clock().now(), before);
        self.published.send_replace(published);
        Ok(())
    }

    fn version(&self) -> Option<Id> {
        self.published.borrow().as_ref().map(|p| p.version)
    }

    /// The server's counters, unless it is down; a change must not wait for it.
    async fn counters(&self) -> Option<Counters> {
        let counters = self.prometheus.as_ref()?.counters();
        tokio::time::timeout(COUNTERS, counters).await.ok()?.ok()
    }

    /// Compares the desired state with what is published, and publishes it when
    /// nothing speaks against it.
    async fn decide(&mut self, state: SyncState) -> Result<(), SyncError> {
        let published = self.published.borrow().clone();
        let is_published = published.is_some();
        let prepared = prepare(&self.store, self.guard, self.file.as_deref(), published).await?;
        let latest = self
            .store
            .read()
            .await?
            .latest_sync_version(ARTEFACT)
            .await?;
        let is_confirmed = state.confirmed_revision == Some(prepared.revision);
        let is_same = prepared.plan.is_empty();
        let verdict = if state.is_held {
            Some((
                State::Held,
                "changes are held back after a return to an older version; resume when it is time"
                    .to_owned(),
            ))
        } else if is_same && is_published {
            None
        } else if !is_confirmed && is_refused_before(latest.as_ref(), &prepared.document) {
            let detail = latest.map(|latest| latest.outcome_detail);
            Some((State::Failed, detail.unwrap_or_default()))
        } else if let Some(objection) = prepared.objection.clone().filter(|_| !is_confirmed) {
            let is_nothing = is_same && prepared.plan.counts.entries == 0;
            Some(if is_nothing {
                (State::Empty, objection)
            } else {
                (
                    State::AwaitingConfirmation,
                    format!("{objection}; confirm revision {}", prepared.revision),
                )
            })
        } else {
            self.publish(prepared, state).await?;
            return Ok(());
        };
        let waiting = (!is_same).then_some(prepared.plan.counts);
        self.status.send_modify(|status| {
            status.waiting = waiting;
            status.blind_spots = count(prepared.blind_spots.len());
        });
        self.planned = Some(Planned {
            revision: prepared.revision,
            state,
            verdict,
        });
        Ok(())
    }

    /// Keeps the new version and makes it the published one, in one transaction.
    async fn publish(&mut self, prepared: Prepared, seen: SyncState) -> Result<(), SyncError> {
        if let Some(exporters) = &self.exporters {
            exporters.settled(prepared.revision, EXPORTERS).await;
        }
        let before = self.counters().await;
        let mut tx = self.store.write().await?;
        if tx.sync_state(ARTEFACT).await? != seen {
            // Somebody decided otherwise meanwhile; the next round sees it.
            self.nudge.notify_one();
            return Ok(());
        }
        let confirmed_by = seen.confirmed_by.as_deref();
        let is_confirmed = seen.confirmed_revision == Some(prepared.revision);
        let version = tx
            .insert_sync_version(&NewSyncVersion {
                artefact: ARTEFACT,
                revision: prepared.revision,
                author: confirmed_by.filter(|_| is_confirmed),
                reason: if is_confirmed {
                    SyncReason::Confirmed
                } else {
                    SyncReason::Change
                },
                digest: prepared.document.digest(),
                counts: prepared.plan.counts,
                diff: &prepared.plan.changes,
                content: prepared.document.bytes(),
            })
            .await?;
        let state = SyncState {
            published_id: Some(version.id),
            good_id: seen.good_id,
            ..SyncState::default()
        };
        tx.set_sync_state(ARTEFACT, &state).await?;
        tx.commit().await?;
        tracing::info!(
            version = version.id,
            revision = version.revision,
            added = version.counts.added,
            removed = version.counts.removed,
            changed = version.counts.changed,
            "Publishing targets"
        );
        self.live = Live::unknown(self.store.clock().now(), before);
        self.published
            .send_replace(Some(Arc::new(Published::from_document(
                version.id,
                prepared.document,
            ))));
        self.status.send_modify(|status| {
            status.waiting = None;
            status.blind_spots = count(prepared.blind_spots.len());
        });
        self.planned = Some(Planned {
            revision: prepared.revision,
            state,
            verdict: None,
        });
        Ok(())
    }

    /// Makes the file hold what is published, whoever changed it.
    async fn write_file(&mut self) -> Result<(), SyncError> {
        let (Some(path), Some(published)) = (self.file.clone(), self.published.borrow().clone())
        else {
            return Ok(());
        };
        let version = published.version;
        let known = self.written;
        let work = move || -> Result<(Option<Fingerprint>, bool), file::FileError> {
            let found = file::fingerprint(&path)?;
            if found.is_some() && known == found.map(|found| (version, found)) {
                return Ok((found, false));
            }
            let bytes = published.document.bytes();
            if file::read(&path)?.as_deref() == Some(bytes) {
                return Ok((found, false));
            }
            file::write(&path, bytes)?;
            Ok((file::fingerprint(&path)?, true))
        };
        let (fingerprint, is_written) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| SyncError::Ending)??;
        if is_written {
            let now = self.store.clock().now();
            let is_repair = known.is_some_and(|(before, _)| before == version);
            if is_repair {
                tracing::warn!("The targets file was changed by somebody else; it is repaired");
                self.status.send_modify(|status| {
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
        }
        self.written = fingerprint.map(|fingerprint| (version, fingerprint));
        Ok(())
    }

    /// Looks at the server when it is time, and gives the time until it is again.
    async fn look(&mut self) -> Result<Duration, SyncError> {
        let (Some(prometheus), Some(published)) =
            (self.prometheus.clone(), self.published.borrow().clone())
        else {
            self.live.state = State::Unverified;
            self.live.message = "no Prometheus is configured to look at".to_owned();
            return Ok(WATCH);
        };
        if Instant::now() >= self.live.next_look {
            let verdict = prometheus
                .verdict(
                    &published,
                    self.live.before.as_ref(),
                    self.live.since,
                    self.live.since_instant.elapsed(),
                )
                .await;
            let pause = match verdict {
                Ok(Verdict::Live) => {
                    self.settle_good(published.version).await?;
                    self.live.state = State::InSync;
                    self.live.message.clear();
                    self.live.failures = 0;
                    REVERIFY
                }
                Ok(Verdict::Refused(reason)) => {
                    return self.take_back(published.version, &reason).await;
                }
                Ok(Verdict::NotYet(message)) => {
                    self.live.state = State::Pending;
                    self.live.message = message;
                    self.live.failures = 0;
                    if self.live.since_instant.elapsed() < PATIENCE {
                        LOOK
                    } else {
                        WATCH
                    }
                }
                Err(error) => {
                    self.live.state = State::Pending;
                    self.live.message = error.to_string();
                    let pause = back_off(self.live.failures);
                    self.live.failures = self.live.failures.saturating_add(1);
                    pause
                }
            };
            self.live.next_look = Instant::now() + pause;
        }
        let until = self
            .live
            .next_look
            .saturating_duration_since(Instant::now());
        Ok(until.min(WATCH))
    }

    /// Notes that a version is live: what later ones may fall back to.
    async fn settle_good(&mut self, version: Id) -> Result<(), StoreError> {
        let now = self.store.clock().now();
        self.status
            .send_modify(|status| status.verified_at = Some(now));
        let mut tx = self.store.read().await?;
        let is_settled = tx.sync_state(ARTEFACT).await?.good_id == Some(version);
        drop(tx);
        if is_settled {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let mut state = tx.sync_state(ARTEFACT).await?;
        state.good_id = Some(version);
        tx.set_sync_state(ARTEFACT, &state).await?;
        tx.settle_sync_version(version, SyncOutcome::Verified, "")
            .await?;
        tx.commit().await?;
        // The same decision on the same grounds, but for what is good.
        if let Some(planned) = &mut self.planned {
            planned.state.good_id = Some(version);
        }
        Ok(())
    }

    /// Returns to the last good version after the server refused one.
    async fn take_back(&mut self, version: Id, reason: &str) -> Result<Duration, SyncError> {
        let mut tx = self.store.write().await?;
        let mut state = tx.sync_state(ARTEFACT).await?;
        let Some(good) = state.good_id.filter(|good| *good != version) else {
            drop(tx);
            // It was good once, or there is nothing else: leave it and say so.
            self.live.state = State::Failed;
            self.live.message = format!("{reason}; there is no other good version to return to");
            self.live.next_look = Instant::now() + WATCH;
            return Ok(WATCH);
        };
        tracing::error!(
            version,
            good,
            reason,
            "Prometheus refused the targets; returning to the last good version"
        );
        state.published_id = Some(good);
        state.confirmed_revision = None;
        state.confirmed_by = None;
        tx.set_sync_state(ARTEFACT, &state).await?;
        tx.settle_sync_version(version, SyncOutcome::Refused, reason)
            .await?;
        tx.commit().await?;
        self.planned = None;
        Ok(Duration::ZERO)
    }

    /// Makes the status what this round found.
    fn tell(&self) {
        let published = self.published.borrow().clone();
        let (revision, good, verdict) = match &self.planned {
            Some(planned) => (
                planned.revision,
                planned.state.good_id,
                planned.verdict.clone(),
            ),
            None => (0, None, None),
        };
        let (state, message) =
            verdict.unwrap_or_else(|| (self.live.state, self.live.message.clone()));
        self.status.send_modify(|status| {
            status.state = state;
            status.message = message;
            status.revision = revision;
            status.good_version = good;
            status.published_version = published.as_ref().map(|p| p.version);
            status.targets = published
                .as_ref()
                .map_or(0, |p| count(p.document.entries().len()));
        });
    }
}

/// Waits until nothing changes any more, but not for ever.
async fn quiet(revisions: &mut watch::Receiver<i64>) {
    let end = Instant::now() + BURST;
    while Instant::now() < end {
        match tokio::time::timeout(QUIET, revisions.changed()).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}

/// The pause after so many failures in a row: doubled each time, with jitter.
fn back_off(failures: u32) -> Duration {
    let (first, longest) = BACK_OFF;
    let pause = first.saturating_mul(1 << failures.min(10)).min(longest);
    pause.mul_f64(rand::rng().random_range(0.8..1.0))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
