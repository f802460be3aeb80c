//! Compares silences with Alertmanager again and again, and does what the plan says.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::plan::{Step, Why, foreign, plan};
use super::windows::due;
use crate::alertmanager::{Alertmanager, AlertmanagerError, HeldSilences};
use crate::clock::Timestamp;
use crate::model::{
    AuditEvent, Id, MaintenanceWindow, Matcher, Occurrence, Recurrence, Scope, SilenceDraft,
    SilenceSubject, Text, Version,
};
use crate::store::{NewSilence, Store, StoreError, WriteTx};

/// How often is looked whether something is to be done at once.
const LOOK: Duration = Duration::from_millis(500);
/// How often all is compared. Between a crash of Alertmanager and the next
/// comparison its newest silences are missing.
const COMPARE: Duration = Duration::from_secs(10);
/// How long silences of ours are remembered after their end.
const KEEP: Duration = Duration::from_secs(90 * 86_400);
/// Who does what people did not do here.
const CONTROLLER: &str = "controller";
/// Who does what others do there.
const ALERTMANAGER: &str = "Alertmanager";
/// Who ends silences that a window needs no more.
const WINDOW: &str = "maintenance window";

/// Why silences could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// Alertmanager cannot be asked.
    #[error(transparent)]
    Alertmanager(#[from] AlertmanagerError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a silence without anybody's doing here.
enum News {
    /// It was ended in Alertmanager.
    Ended(Timestamp),
    /// It got other times in Alertmanager.
    Moved {
        times: (Timestamp, Timestamp),
        updated_at: Timestamp,
    },
    /// Alertmanager had lost it.
    PutBack {
        version: Version,
        alertmanager_id: String,
        seen: Option<Timestamp>,
    },
}

/// Keeps the silences of a store in Alertmanager.
#[derive(Clone)]
pub struct Keeper {
    store: Store,
    alertmanagers: Vec<Alertmanager>,
    is_failing: bool,
}

impl Keeper {
    /// One for these Alertmanagers, which share their silences: the first that
    /// answers is asked.
    #[must_use]
    pub fn new(store: Store, alertmanagers: Vec<Alertmanager>) -> Self {
        Self {
            store,
            alertmanagers,
            is_failing: false,
        }
    }

    /// Compares again and again until `shutdown` is cancelled, and at once when
    /// something was changed here.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut done = None;
        let mut compared: Option<tokio::time::Instant> = None;
        loop {
            let turn = async {
                ticks.tick().await;
                let revision = self.revision().await;
                let is_changed = revision.is_some() && revision != done;
                if is_changed || compared.is_none_or(|at| at.elapsed() >= COMPARE) {
                    self.turn().await;
                    done = revision;
                    compared = Some(tokio::time::Instant::now());
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = turn => {}
            }
        }
    }

    async fn revision(&self) -> Option<i64> {
        let mut tx = self.store.read().await.ok()?;
        tx.silence_revision().await.ok()
    }

    async fn turn(&mut self) {
        match self.compare().await {
            Ok(()) => self.is_failing = false,
            Err(error) => {
                // It is told once, not with each comparison.
                if !self.is_failing {
                    tracing::warn!(%error, "Silences could not be compared with Alertmanager");
                }
                self.is_failing = true;
            }
        }
    }

    /// Compares once.
    ///
    /// # Errors
    /// See [`KeepError`]; what was done by then is done.
    pub async fn compare(&self) -> Result<(), KeepError> {
        self.make_due().await?;
        match self.compare_with_alertmanager().await {
            Err(KeepError::Alertmanager(error)) => {
                let mut tx = self.store.write().await?;
                tx.note_silences_looked(Some(&error.to_string())).await?;
                tx.commit().await?;
                Err(error.into())
            }
            other => other,
        }
    }

    async fn compare_with_alertmanager(&self) -> Result<(), KeepError> {
        let (alertmanager, held) = self.ask().await?;
        if let Some(reason) = held.refused.first() {
            tracing::warn!(
                silences = held.refused.len(),
                reason,
                "Silences of Alertmanager are left out"
            );
        }
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let ours = tx.open_silences().await?;
        drop(tx);
        for step in plan(&ours, &held.silences, now) {
            self.take(alertmanager, step).await?;
        }
        let mut tx = self.store.write().await?;
        let (ids, references) = tx.known_silences().await?;
        let others = foreign(&held.silences, &ids, &references);
        tx.mirror_foreign(&others).await?;
        tx.forget_silences(now.before(KEEP)).await?;
        tx.note_silences_looked(None).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The silences of the first Alertmanager that answers.
    async fn ask(&self) -> Result<(&Alertmanager, HeldSilences), AlertmanagerError> {
        let mut failure = AlertmanagerError::Unreachable("the configuration names none".to_owned());
        for alertmanager in &self.alertmanagers {
            match alertmanager.silences().await {
                Ok(held) => return Ok((alertmanager, held)),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn take(&self, alertmanager: &Alertmanager, step: Step) -> Result<(), KeepError> {
        match step {
            Step::Put {
                id,
                version,
                wanted,
                why,
            } => match alertmanager.put_silence(&wanted).await {
                Ok(there) => {
                    // What Alertmanager says of it tells later whose change is newer.
                    let held = alertmanager.silence(&there).await.ok();
                    let seen = held.map(|held| held.updated_at);
                    self.placed(id, version, &there, (why, seen)).await?;
                }
                // What was to be replaced has gone since the look; the next one sees it.
                Err(AlertmanagerError::NotFound) => {}
                Err(AlertmanagerError::Refused(reason)) => {
                    let problem = AlertmanagerError::Refused(reason).to_string();
                    let mut tx = self.store.write().await?;
                    tx.note_refused(id, &problem).await?;
                    tx.commit().await?;
                }
                Err(error) => return Err(error.into()),
            },
            Step::Expire {
                id,
                alertmanager_id,
                version,
            } => {
                match alertmanager.expire_silence(&alertmanager_id).await {
                    Ok(()) | Err(AlertmanagerError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
                if let Some(version) = version {
                    self.settled(id, version).await?;
                }
            }
            Step::Settled { id, version } => self.settled(id, version).await?,
            Step::Found {
                id,
                version,
                alertmanager_id,
                updated_at,
            } => {
                let mut tx = self.store.write().await?;
                let seen = Some(updated_at);
                tx.note_placed(id, version, &alertmanager_id, seen, false)
                    .await?;
                tx.commit().await?;
            }
            Step::Seen { id, updated_at } => {
                let mut tx = self.store.write().await?;
                tx.note_seen(id, updated_at).await?;
                tx.commit().await?;
            }
            Step::Ended { id, at } => self.note(id, &News::Ended(at)).await?,
            Step::Moved {
                id,
                starts_at,
                ends_at,
                updated_at,
            } => {
                let times = (starts_at, ends_at);
                self.note(id, &News::Moved { times, updated_at }).await?;
            }
        }
        Ok(())
    }

    async fn placed(
        &self,
        id: Id,
        version: Version,
        alertmanager_id: &str,
        (why, seen): (Why, Option<Timestamp>),
    ) -> Result<(), StoreError> {
        if why == Why::Lost {
            tracing::warn!(
                silence = id,
                "Alertmanager had lost a silence; it has it again"
            );
            let alertmanager_id = alertmanager_id.to_owned();
            let news = News::PutBack {
                version,
                alertmanager_id,
                seen,
            };
            return self.note(id, &news).await;
        }
        let mut tx = self.store.write().await?;
        tx.note_placed(id, version, alertmanager_id, seen, false)
            .await?;
        tx.commit().await
    }

    async fn settled(&self, id: Id, version: Version) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.note_settled(id, version).await?;
        tx.commit().await
    }

    /// Writes down what became of a silence, with an entry in the audit trail.
    async fn note(&self, id: Id, news: &News) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.take_turn().await?;
        let before = tx.silence(id, &Scope::All).await?;
        let (action, actor) = match news {
            News::Ended(at) => {
                tx.note_ended(id, *at, ALERTMANAGER).await?;
                ("silence.expire", ALERTMANAGER)
            }
            News::Moved { times, updated_at } => {
                tx.note_moved(id, *times, *updated_at).await?;
                ("silence.update", ALERTMANAGER)
            }
            News::PutBack {
                version,
                alertmanager_id,
                seen,
            } => {
                tx.note_placed(id, *version, alertmanager_id, *seen, true)
                    .await?;
                ("silence.put_back", CONTROLLER)
            }
        };
        let after = tx.silence(id, &Scope::All).await?;
        let event = event(action, actor, id).with(Some(&before), Some(&after));
        tx.append_audit(&event).await?;
        tx.commit().await
    }

    /// Makes the silences that maintenance windows need for the time ahead, ends
    /// those that they need no more, and follows groups to their new names.
    async fn make_due(&self) -> Result<(), StoreError> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let mut plans = Vec::new();
        for window in tx.all_maintenance_windows().await? {
            let made = tx.silences_of_window(window.id).await?;
            // It was checked when it was made; a time zone may be gone since.
            let recurrence = match Recurrence::parse(&window.when) {
                Ok(recurrence) => recurrence,
                Err(problems) => {
                    let problem = problems.first().map(ToString::to_string);
                    tracing::warn!(window = window.name, problem, "A window makes no silences");
                    continue;
                }
            };
            let due = due(&recurrence, window.enabled, window.version, &made, now);
            plans.push((window, due));
        }
        let orphans = tx.silences_without_window().await?;
        drop(tx);
        for (window, due) in plans {
            if !due.make.is_empty() || !due.end.is_empty() {
                match self.serve_window(&window, &due.make, &due.end).await {
                    // The others go on.
                    Err(error @ StoreError::TooMany { .. }) => {
                        tracing::warn!(window = window.name, %error, "A window makes no silences");
                    }
                    other => other?,
                }
            }
        }
        if !orphans.is_empty() {
            let mut tx = self.store.write().await?;
            end(&mut tx, &orphans).await?;
            tx.commit().await?;
        }
        let mut tx = self.store.write().await?;
        if tx.follow_group_names().await? > 0 {
            tx.commit().await?;
        }
        Ok(())
    }

    async fn serve_window(
        &self,
        window: &MaintenanceWindow,
        make: &[Occurrence],
        ended: &[Id],
    ) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.take_turn().await?;
        // It may have been changed meanwhile; then the next turn sees to it.
        let current = match tx.maintenance_window(window.id, &Scope::All).await {
            Ok(current) => current,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        if current.version != window.version {
            return Ok(());
        }
        let group = tx.group(window.group_id, &Scope::All).await?;
        let matchers = [Matcher::equal("group", &group.name)];
        for occurrence in make {
            let reason = if window.reason.is_empty() {
                window.name.as_str()
            } else {
                &window.reason
            };
            let draft = SilenceDraft {
                subject: SilenceSubject::Group {
                    group_id: window.group_id,
                },
                matchers: Vec::new(),
                starts_at: occurrence.starts_at,
                ends_at: occurrence.ends_at,
                reason: Text::parse(reason).map_err(StoreError::Damaged)?,
            };
            let silence = tx
                .insert_silence(&NewSilence {
                    draft: &draft,
                    matchers: &matchers,
                    author: &window.author,
                    window: Some((window.id, window.version, *occurrence)),
                })
                .await?;
            let event = event("silence.create", WINDOW, silence.id).with(None, Some(&silence));
            tx.append_audit(&event).await?;
        }
        end(&mut tx, ended).await?;
        tx.commit().await
    }
}

/// Ends silences that no window needs.
async fn end(tx: &mut WriteTx, ids: &[Id]) -> Result<(), StoreError> {
    for id in ids {
        let (before, after) = tx.end_silence(*id, None, WINDOW).await?;
        if before != after {
            let event = event("silence.expire", WINDOW, *id).with(Some(&before), Some(&after));
            tx.append_audit(&event).await?;
        }
    }
    Ok(())
}

fn event(action: &'static str, actor: &str, id: Id) -> AuditEvent {
    AuditEvent {
        actor: actor.to_owned(),
        actor_id: None,
        source: None,
        action,
        resource: format!("silences/{id}"),
        before: None,
        after: None,
    }
}
