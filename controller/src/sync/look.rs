//! Looks at the live server, makes it read its files again where that is due,
//! and draws the consequences.

use std::time::Duration;

use tokio::time::Instant;

use super::content::Published;
use super::handle::SyncError;
use super::reconcile::{Reconciler, WATCH, back_off};
use super::status::State;
use super::subject::{Reload, Since, Verdict};
use super::targets::Counters;
use crate::clock::Timestamp;
use crate::prometheus::PrometheusError;

/// How often a version that is live is looked at again.
const REVERIFY: Duration = Duration::from_secs(60);
/// How often a new version is looked for: file discovery takes up to 5 s.
const LOOK: Duration = Duration::from_secs(1);
/// After so long without success it is looked for less often.
const PATIENCE: Duration = Duration::from_secs(20);
/// First and longest pause between two reloads that change nothing.
const RELOADS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What is known of the published version at the server.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) before: Option<Counters>,
    pub(super) state: State,
    pub(super) message: String,
    pub(super) warnings: Vec<String>,
    /// The file was written, and the server not told since.
    pub(super) owes_reload: bool,
    since: Timestamp,
    since_instant: Instant,
    next_look: Instant,
    next_reload: Instant,
    reloads: u32,
    failures: u32,
}

impl Live {
    pub(super) fn unknown(since: Timestamp, before: Option<Counters>) -> Self {
        let now = Instant::now();
        Self {
            before,
            state: State::Pending,
            message: "waiting for the server".to_owned(),
            warnings: Vec::new(),
            owes_reload: false,
            since,
            since_instant: now,
            next_look: now,
            next_reload: now,
            reloads: 0,
            failures: 0,
        }
    }

    fn stand(&mut self, state: State, message: String, warnings: Vec<String>) {
        self.state = state;
        self.message = message;
        self.warnings = warnings;
    }
}

impl Reconciler {
    /// Looks at the server when it is time, and gives the time until it is again.
    pub(super) async fn look(&mut self) -> Result<Duration, SyncError> {
        let Some(published) = self.unit.published() else {
            return Ok(WATCH);
        };
        if Instant::now() >= self.live.next_look {
            let verdict = self.verdict(&published).await;
            let pause = match verdict {
                Ok(Verdict::Refused(reason)) => {
                    if self.take_back(published.version, &reason).await? {
                        return Ok(Duration::ZERO);
                    }
                    let message = format!("{reason}; there is no other good version to return to");
                    self.live.stand(State::Failed, message, Vec::new());
                    WATCH
                }
                Ok(Verdict::Live { warnings, .. }) => {
                    self.settle_good(published.version).await?;
                    self.live.stand(State::InSync, String::new(), warnings);
                    self.live.failures = 0;
                    REVERIFY
                }
                Ok(Verdict::NotYet(message)) => {
                    self.live.stand(State::Pending, message, Vec::new());
                    self.live.failures = 0;
                    if self.live.since_instant.elapsed() < PATIENCE {
                        LOOK
                    } else {
                        WATCH
                    }
                }
                Ok(Verdict::Stuck(message)) => {
                    self.live.stand(State::Failed, message, Vec::new());
                    WATCH
                }
                Ok(Verdict::Unknown(message)) => {
                    self.live.stand(State::Unverified, message, Vec::new());
                    WATCH
                }
                Err(error) => {
                    self.live
                        .stand(State::Pending, error.to_string(), Vec::new());
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

    /// What the server says, after it has read its files again if that is due:
    /// when the file was written, when the server has something else, and once
    /// when its last reload failed.
    async fn verdict(&mut self, published: &Published) -> Result<Verdict, PrometheusError> {
        let verdict = self.ask(published).await?;
        let is_due = match &verdict {
            Verdict::NotYet(_) => true,
            Verdict::Live { is_reloaded, .. } => {
                self.live.owes_reload || (!is_reloaded && self.live.reloads == 0)
            }
            _ => false,
        };
        if !is_due || Instant::now() < self.live.next_reload {
            return Ok(verdict);
        }
        let Some(reload) = self.unit.subject.reload(&published.content).await? else {
            return Ok(verdict);
        };
        let (first, longest) = RELOADS;
        let pause = first.saturating_mul(1 << self.live.reloads.min(10));
        self.live.next_reload = Instant::now() + pause.min(longest);
        self.live.reloads = self.live.reloads.saturating_add(1);
        self.unit.status.send_modify(|status| status.reloads += 1);
        if reload == Reload::Done {
            self.live.owes_reload = false;
            return self.ask(published).await;
        }
        Ok(after_reload(verdict, reload))
    }

    async fn ask(&self, published: &Published) -> Result<Verdict, PrometheusError> {
        let since = Since {
            at: self.live.since,
            age: self.live.since_instant.elapsed(),
            before: self.live.before,
        };
        self.unit.subject.look(&published.content, &since).await
    }
}

/// What follows from a reload that did not go well, given what the server said
/// before it.
fn after_reload(verdict: Verdict, reload: Reload) -> Verdict {
    match (verdict, reload) {
        // What is published is live all the same: the fault is another's.
        (Verdict::Live { mut warnings, .. }, Reload::Refused(reason) | Reload::Broken(reason)) => {
            warnings.push(reason);
            Verdict::Live {
                warnings,
                is_reloaded: false,
            }
        }
        (Verdict::NotYet(_), Reload::Refused(reason)) => Verdict::Refused(reason),
        (Verdict::NotYet(_), Reload::Broken(reason)) => Verdict::NotYet(reason),
        (Verdict::NotYet(_), Reload::Forbidden(reason)) => Verdict::Stuck(reason),
        (verdict, _) => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_live_is_taken_back() {
        let reason = || "why".to_owned();
        let not_yet = || Verdict::NotYet("1 rule is missing".to_owned());
        let warned = Verdict::Live {
            warnings: vec![reason()],
            is_reloaded: false,
        };
        for (verdict, reload, expected) in [
            (
                not_yet(),
                Reload::Refused(reason()),
                Verdict::Refused(reason()),
            ),
            (
                not_yet(),
                Reload::Broken(reason()),
                Verdict::NotYet(reason()),
            ),
            (
                not_yet(),
                Reload::Forbidden(reason()),
                Verdict::Stuck(reason()),
            ),
            (Verdict::LIVE, Reload::Refused(reason()), warned.clone()),
            (Verdict::LIVE, Reload::Broken(reason()), warned),
            (Verdict::LIVE, Reload::Forbidden(reason()), Verdict::LIVE),
        ] {
            assert_eq!(after_reload(verdict, reload), expected);
        }
    }
}
