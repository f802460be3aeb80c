//! The loop that keeps one artefact at one server in step: a round looks at
//! everything and does what is due.
//!
//! Rounds happen when the desired state was rendered anew, when somebody asks,
//! and every few seconds to see whether the file is still what was written. A
//! round decides in the store first and writes afterwards. Every artefact at
//! every server has a loop of its own, so that none waits for another's server.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::content::{Published, Shelf};
use super::decide::{Decision, Facts, decide};
use super::desired::{Desired, Told};
use super::file::Fingerprint;
use super::handle::SyncError;
use super::look::Live;
use super::plan::count;
use super::status::State;
use super::subject::Check;
use super::targets::Counters;
use super::unit::{Prepared, Unit, prepare, refused_before};
use crate::model::{Id, SyncCounts, SyncState};
use crate::store::Store;

/// How often the file is looked at.
pub(super) const WATCH: Duration = Duration::from_secs(5);
/// Longest time that a change waits for the server's counters.
const COUNTERS: Duration = Duration::from_secs(2);
/// First and longest pause after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Keeps one artefact at one server in step.
pub(super) struct Reconciler {
    pub(super) store: Store,
    pub(super) unit: Arc<Unit>,
    pub(super) told: watch::Receiver<Told>,
    pub(super) planned: Option<Planned>,
    /// The file as it was left, with the version that is in it.
    pub(super) written: Option<(Id, Fingerprint)>,
    pub(super) live: Live,
    failures: u32,
    /// How often in a row nobody could say whether a content is good.
    unchecked: u32,
}

/// What was decided, and on which grounds. Other grounds need another decision.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) revision: i64,
    pub(super) state: SyncState,
    /// How much waits.
    waiting: Option<SyncCounts>,
    /// Servers that are no target anywhere.
    blind_spots: i64,
    verdict: Option<(State, String)>,
    warnings: Vec<String>,
    /// When it has to be decided again, on whatever grounds.
    again_at: Option<Instant>,
}

impl Reconciler {
    pub(super) fn new(store: Store, unit: Arc<Unit>, told: watch::Receiver<Told>) -> Self {
        Self {
            live: Live::unknown(store.clock().now(), None),
            store,
            unit,
            told,
            planned: None,
            written: None,
            failures: 0,
            unchecked: 0,
        }
    }

    /// Reconciles until `shutdown` is cancelled.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            self.told.mark_unchanged();
            // Cut off anywhere, a round leaves nothing half: transactions roll
            // back, and a file is replaced as a whole.
            let wait = tokio::select! {
                () = shutdown.cancelled() => break,
                wait = self.round() => wait,
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = self.told.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
                () = self.unit.nudge.notified() => {}
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
                let key = &self.unit.key;
                tracing::warn!(%key, %error, retry_in = ?wait, "Could not be published");
                let now = self.store.clock().now();
                self.unit.status.send_modify(|status| {
                    status.fail(now);
                    status.stand(State::Failed, error.to_string(), now);
                });
                wait
            }
        }
    }

    async fn try_round(&mut self) -> Result<Duration, SyncError> {
        let state = self.store.read().await?.sync_state(&self.unit.key).await?;
        self.load(state.published_id).await?;
        let told = self.told.borrow().clone();
        let unreadable = match told {
            None => None,
            Some(Ok(desired)) => {
                if !self.is_planned(desired.revision, &state) {
                    self.decide(&desired, state).await?;
                }
                None
            }
            Some(Err(error)) => Some(error),
        };
        self.write_file().await?;
        let wait = self.look().await?;
        match unreadable {
            Some(error) => Err(SyncError::Desired(error)),
            None => {
                self.tell();
                let again_at = self.planned.as_ref().and_then(|planned| planned.again_at);
                let until = again_at.map(|at| at.saturating_duration_since(Instant::now()));
                Ok(until.map_or(wait, |until| wait.min(until)))
            }
        }
    }

    fn is_planned(&self, revision: i64, state: &SyncState) -> bool {
        self.planned.as_ref().is_some_and(|planned| {
            planned.revision == revision
                && planned.state == *state
                && planned.again_at.is_none_or(|at| Instant::now() < at)
        })
    }

    /// Makes the version that is to be live the one in memory.
    async fn load(&mut self, id: Option<Id>) -> Result<(), SyncError> {
        if self.unit.load(&self.store, id).await? {
            let before = self.counters().await;
            self.live = Live::unknown(self.store.clock().now(), before);
        }
        Ok(())
    }

    /// The server's counters, unless it is down; a change must not wait for it.
    pub(super) async fn counters(&self) -> Option<Counters> {
        let counters = self.unit.subject.counters();
        tokio::time::timeout(COUNTERS, counters).await.ok()?
    }

    /// Compares the desired state with what is published, and publishes it when
    /// nothing speaks against it.
    async fn decide(&mut self, desired: &Arc<Desired>, state: SyncState) -> Result<(), SyncError> {
        let prepared = prepare(&self.unit, desired).await?;
        let mut tx = self.store.read().await?;
        let latest = tx.latest_sync_version(&self.unit.key).await?;
        drop(tx);
        let refused = refused_before(latest, &prepared.wanted.content);
        let published = self.unit.published();
        let decision = decide(Facts {
            revision: prepared.revision,
            is_held: state.is_held,
            is_published: published.is_some(),
            is_same: prepared.is_same,
            is_nothing: prepared.plan.counts.entries == 0,
            is_confirmed: state.confirmed_revision == Some(prepared.revision),
            refused: refused.as_deref(),
            objection: prepared.objection.as_deref(),
        });
        match decision {
            Decision::Keep => {
                // Equal bytes, which others have in memory as well.
                if let Some(Published { version, .. }) = published {
                    let content = prepared.wanted.content.clone();
                    let published = Published { version, content };
                    self.unit.shelf.send_replace(Shelf::Holds(published));
                }
                self.settle_plan(&prepared, state, None, None);
            }
            Decision::Wait(why, message) => {
                self.settle_plan(&prepared, state, Some((why, message)), None);
            }
            Decision::Publish => {
                let content = &prepared.wanted.content;
                let live = published.as_ref().map(|published| &published.content);
                let mut verdict = self.unit.subject.check(content, live).await;
                if verdict == Check::Good {
                    verdict = self.unit.subject.ready().await;
                }
                match verdict {
                    Check::Good => self.publish(prepared, state).await?,
                    Check::Refused(reason) => self.refuse(&prepared, state, &reason).await?,
                    Check::Later(reason) => {
                        let again_at = Instant::now() + back_off(self.unchecked);
                        self.unchecked = self.unchecked.saturating_add(1);
                        let verdict = Some((State::Pending, reason));
                        self.settle_plan(&prepared, state, verdict, Some(again_at));
                        return Ok(());
                    }
                }
            }
        }
        self.unchecked = 0;
        Ok(())
    }

    /// Remembers what was decided, so that it is not decided again, and tells it at
    /// once: writing and looking may take a while.
    pub(super) fn settle_plan(
        &mut self,
        prepared: &Prepared,
        state: SyncState,
        verdict: Option<(State, String)>,
        again_at: Option<Instant>,
    ) {
        let is_waiting = verdict.is_some() && !prepared.is_same;
        self.planned = Some(Planned {
            revision: prepared.revision,
            state,
            waiting: is_waiting.then_some(prepared.plan.counts),
            blind_spots: count(prepared.wanted.blind_spots.len()),
            verdict,
            warnings: prepared.wanted.warnings.clone(),
            again_at,
        });
        self.tell();
    }

    /// Makes the status what is known.
    fn tell(&self) {
        let published = self.unit.published();
        let planned = self.planned.as_ref();
        let verdict = planned.and_then(|planned| planned.verdict.clone());
        let (state, message) = match (verdict, planned) {
            (Some(verdict), _) => verdict,
            (None, Some(_)) => (self.live.state, self.live.message.clone()),
            (None, None) => (State::Starting, String::new()),
        };
        let mut warnings = planned.map_or_else(Vec::new, |planned| planned.warnings.clone());
        warnings.extend_from_slice(&self.live.warnings);
        let now = self.store.clock().now();
        self.unit.status.send_modify(|status| {
            status.stand(state, message, now);
            status.warnings = warnings;
            status.waiting = planned.and_then(|planned| planned.waiting);
            status.blind_spots = planned.map_or(0, |planned| planned.blind_spots);
            status.revision = planned.map_or(0, |planned| planned.revision);
            status.good_version = planned.and_then(|planned| planned.state.good_id);
            status.published_version = published.as_ref().map(|p| p.version);
            status.entries = published.as_ref().map_or(0, |p| count(p.content.entries()));
        });
    }
}

/// The pause after so many failures in a row: doubled each time, with jitter.
pub(super) fn back_off(failures: u32) -> Duration {
    let (first, longest) = BACK_OFF;
    let pause = first.saturating_mul(1 << failures.min(10)).min(longest);
    pause.mul_f64(rand::rng().random_range(0.8..1.0))
}
