//! When an alert would have fired, from what its expression gave: the state machine
//! of Prometheus' alerting rules, pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::monitoring::data::SeriesLabels;

/// Most series that are followed at once.
pub const MAX_SERIES: usize = 50_000;

/// One time that an alert fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Labels of the series, without `__name__`.
    pub labels: SeriesLabels,
    /// First evaluation at which it fired.
    pub from: Timestamp,
    /// First evaluation at which it did not any more; absent when it still did at
    /// the last one.
    pub until: Option<Timestamp>,
}

/// More series than can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the expression has more than {MAX_SERIES} series at once; narrow it")]
pub struct TooManySeries;

/// A series for which the expression holds, or for which the alert goes on.
#[derive(Debug)]
struct Active {
    since: Timestamp,
    fired_at: Option<Timestamp>,
    /// Since when the alert goes on although the expression no longer holds.
    kept_since: Option<Timestamp>,
}

/// Follows an alert from evaluation to evaluation.
#[derive(Debug)]
pub struct Follower {
    hold: Duration,
    keep_firing_for: Duration,
    active: BTreeMap<SeriesLabels, Active>,
}

impl Follower {
    /// Follows a rule with these durations.
    #[must_use]
    pub fn new(hold: Duration, keep_firing_for: Duration) -> Self {
        Self {
            hold,
            keep_firing_for,
            active: BTreeMap::new(),
        }
    }

    /// One evaluation, later than the one before, with the series for which the
    /// expression holds. Tells `ended` of what fired and no longer does.
    ///
    /// # Errors
    /// [`TooManySeries`].
    pub fn evaluate(
        &mut self,
        at: Timestamp,
        holds: &BTreeSet<&SeriesLabels>,
        ended: &mut dyn FnMut(Firing),
    ) -> Result<(), TooManySeries> {
        for labels in holds {
            if !self.active.contains_key(*labels) {
                let active = Active {
                    since: at,
                    fired_at: None,
                    kept_since: None,
                };
                self.active.insert((*labels).clone(), active);
            }
        }
        if self.active.len() > MAX_SERIES {
            return Err(TooManySeries);
        }
        let (hold, keep) = (self.hold, self.keep_firing_for);
        self.active.retain(|labels, active| {
            if holds.contains(labels) {
                active.kept_since = None;
            } else {
                let kept_since = *active.kept_since.get_or_insert(at);
                let is_kept = active.fired_at.is_some() && at.since(kept_since) < keep;
                if !is_kept {
                    if let Some(from) = active.fired_at {
                        ended(Firing {
                            labels: labels.clone(),
                            from,
                            until: Some(at),
                        });
                    }
                    return false;
                }
            }
            if active.fired_at.is_none() && at.since(active.since) >= hold {
                active.fired_at = Some(at);
            }
            true
        });
        Ok(())
    }

    /// What still fires after the last evaluation.
    #[must_use]
    pub fn finish(self) -> Vec<Firing> {
        let active = self.active.into_iter();
        active
            .filter_map(|(labels, active)| {
                Some(Firing {
                    labels,
                    from: active.fired_at?,
                    until: None,
                })
            })
            .collect()
    }
}
