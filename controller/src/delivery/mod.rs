//! Watches what Alertmanager counts of the notifications that it sends and of those
//! that fail.
//!
//! Its counters have an integration's kind, and a receiver only where the server is
//! told to have that (`--enable-feature=receiver-name-in-metrics`, since 0.27). They
//! begin anew with each start of it. Times are those of looks, in memory.

mod count;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::alertmanager::Alertmanager;
use crate::clock::{Clock, Timestamp};
use count::{Counted, Counts, Key};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(15);

/// What one Alertmanager tells of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct DeliveryReport {
    /// Which Alertmanager, by its address.
    pub alertmanager: String,
    /// When its counters were read last.
    pub looked_at: Option<Timestamp>,
    /// Why they could not be read since.
    pub problem: Option<String>,
    /// Since when they are watched.
    pub watched_since: Option<Timestamp>,
    /// By kind of integration.
    pub integrations: Vec<IntegrationDelivery>,
}

/// What Alertmanager counts of one kind of integration.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct IntegrationDelivery {
    /// The kind in Alertmanager's words, such as `email`.
    pub integration: String,
    /// Whether the figures are of this receiver; otherwise they are of all receivers
    /// that have this kind.
    pub of_receiver: bool,
    /// Notifications that it tried to send since it started.
    pub sent: f64,
    /// Those that failed for good.
    pub failed: f64,
    /// Those of them by reason, where it tells.
    pub reasons: BTreeMap<String, f64>,
    /// When the last failure was seen: it was between this and the look before.
    pub last_failure_at: Option<Timestamp>,
    /// The look before.
    pub last_failure_after: Option<Timestamp>,
    /// When a notification was last seen to have gone through.
    pub last_success_at: Option<Timestamp>,
}

/// What is remembered of one counter.
#[derive(Clone, Debug, Default)]
struct Memory {
    counted: Counted,
    failure: Option<(Timestamp, Timestamp)>,
    success: Option<Timestamp>,
}

/// What is remembered of one Alertmanager.
#[derive(Clone, Debug, Default)]
struct Watched {
    since: Option<Timestamp>,
    looked_at: Option<Timestamp>,
    problem: Option<String>,
    memories: BTreeMap<Key, Memory>,
}

/// Watches the deliveries of some Alertmanagers. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    watched: Arc<[(Alertmanager, Mutex<Watched>)]>,
    clock: Clock,
}

impl Deliveries {
    /// Watches these.
    #[must_use]
    pub fn new(alertmanagers: &[Alertmanager], clock: Clock) -> Self {
        let watched = alertmanagers
            .iter()
            .map(|alertmanager| (alertmanager.clone(), Mutex::default()));
        Self {
            watched: watched.collect(),
            clock,
        }
    }

    /// Looks again and again until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let turn = async {
                ticks.tick().await;
                self.look().await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = turn => {}
            }
        }
    }

    /// Looks once.
    pub async fn look(&self) {
        for (alertmanager, watched) in self.watched.iter() {
            let counts = match alertmanager.metrics().await {
                Ok(text) => Counts::parse(&String::from_utf8_lossy(&text)),
                Err(error) => Err(error.to_string()),
            };
            let now = self.clock.now();
            let mut watched = watched
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            match counts {
                Ok(counts) => watched.note(counts, now),
                Err(problem) => watched.problem = Some(problem),
            }
        }
    }

    /// What is known about a receiver with these kinds of integrations, in
    /// Alertmanager's words.
    #[must_use]
    pub fn of(&self, receiver: &str, kinds: &[&str]) -> Vec<DeliveryReport> {
        let reports = self.watched.iter().map(|(alertmanager, watched)| {
            let watched = watched
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            watched.report(alertmanager.name(), receiver, kinds)
        });
        reports.collect()
    }
}

impl Watched {
    fn note(&mut self, counts: Counts, now: Timestamp) {
        let before = self.looked_at;
        for (key, counted) in counts.0 {
            let memory = self.memories.entry(key).or_default();
            // A counter that has become less began anew.
            let since = |now: f64, then: f64| if now >= then { now - then } else { now };
            let failed = since(counted.failed, memory.counted.failed);
            let sent = since(counted.sent, memory.counted.sent);
            if let Some(before) = before {
                if failed > 0.0 {
                    memory.failure = Some((before, now));
                }
                if sent > failed {
                    memory.success = Some(now);
                }
            }
            memory.counted = counted;
        }
        self.since.get_or_insert(now);
        self.looked_at = Some(now);
        self.problem = None;
    }

    fn report(&self, name: &str, receiver: &str, kinds: &[&str]) -> DeliveryReport {
        let integrations = kinds.iter().filter_map(|kind| {
            let of = |receiver: Option<&str>| {
                let key = Key {
                    integration: (*kind).to_owned(),
                    receiver: receiver.map(str::to_owned),
                };
                Some((receiver.is_some(), self.memories.get(&key)?))
            };
            let (of_receiver, memory) = of(Some(receiver)).or_else(|| of(None))?;
            Some(IntegrationDelivery {
                integration: (*kind).to_owned(),
                of_receiver,
                sent: memory.counted.sent,
                failed: memory.counted.failed,
                reasons: memory.counted.reasons.clone(),
                last_failure_at: memory.failure.map(|(_, at)| at),
                last_failure_after: memory.failure.map(|(after, _)| after),
                last_success_at: memory.success,
            })
        });
        DeliveryReport {
            alertmanager: name.to_owned(),
            looked_at: self.looked_at,
            problem: self.problem.clone(),
            watched_since: self.since,
            integrations: integrations.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sent: u32, failed: u32) -> String {
        format!(
            "alertmanager_notifications_total{{integration=\"email\"}} {sent}\n\
             alertmanager_notifications_failed_total{{integration=\"email\"}} {failed}\n"
        )
    }

    #[test]
    fn failures_have_the_time_between_two_looks() {
        let mut watched = Watched::default();
        let mut look = |sent, failed, at| {
            let counts = Counts::parse(&text(sent, failed)).unwrap();
            watched.note(counts, Timestamp(at));
            watched
                .report("am", "ops", &["email", "slack"])
                .integrations
                .remove(0)
        };
        // What was before the first look has no time.
        let first = look(10, 4, 1000);
        assert_eq!((first.sent, first.failed), (10.0, 4.0));
        assert_eq!((first.last_failure_at, first.last_success_at), (None, None));
        let second = look(11, 5, 2000);
        assert_eq!(second.last_failure_at, Some(Timestamp(2000)));
        assert_eq!(second.last_failure_after, Some(Timestamp(1000)));
        assert_eq!(second.last_success_at, None, "the one that was sent failed");
        let third = look(12, 5, 3000);
        assert_eq!(third.last_failure_at, Some(Timestamp(2000)));
        assert_eq!(third.last_success_at, Some(Timestamp(3000)));
        // It was started anew, and has failed since.
        let fourth = look(1, 1, 4000);
        assert_eq!(fourth.last_failure_at, Some(Timestamp(4000)));
        assert_eq!(fourth.failed, 1.0);
    }
}
