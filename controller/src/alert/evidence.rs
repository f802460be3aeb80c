//! What is known of one episode, and how it stands.
//!
//! Two kinds of moments arrive: until when it is certain to fire, and when it
//! ended. An end that was read off a delivery can be wrong: a delivery that was
//! held up, or is played again, says "fires until" of a moment that is past by
//! now, which looks just like an end. What else is known sets that right,
//! without a clock of ours:
//!
//! * Prometheus vouches for an alert for a fixed time after each evaluation. The
//!   first moment that it gave, less the start, is that time. So the latest
//!   moment tells when it was last seen firing, and nothing before is an end.
//! * A moment that was given as validity is taken for an end only when no other
//!   is known, and the latest of them never.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::What;
use crate::clock::Timestamp;

/// How many renewals are remembered, the latest.
const RENEWALS: usize = 24;
/// How many renewals may lie beyond a true end: four of each Prometheus that
/// evaluates the rule, with room for four of those. It counts where the first
/// renewal was missed.
const RENEWALS_BEYOND_END: usize = 16;
/// How many ends are remembered, the earliest. Honest senders give one.
const ENDS: usize = 8;

/// What is known of one episode. The order in which it became known does not
/// matter, and neither does how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// When it began to fire.
    start: i64,
    /// The first moment of `renewals` that there ever was.
    first_renewal: Option<i64>,
    /// Until when it was certain to fire, the latest moments.
    renewals: BTreeSet<i64>,
    /// When it may have ended, and whether Prometheus says so.
    ends: BTreeMap<i64, bool>,
    /// Nobody renewed it, and this moment passed.
    expired: Option<i64>,
}

/// How an episode stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It fires as far as anybody knows.
    Firing,
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// Whether it is known that the condition was evaluated and no longer
        /// true. Without a word of Prometheus it may have been lost just as well.
        is_certain: bool,
    },
    /// It was not renewed and is no longer certain since then.
    Expired(Timestamp),
}

impl Evidence {
    /// Nothing but that it began.
    #[must_use]
    pub fn new(starts_at: Timestamp) -> Self {
        Self {
            start: starts_at.0,
            first_renewal: None,
            renewals: BTreeSet::new(),
            ends: BTreeMap::new(),
            expired: None,
        }
    }

    /// Adds what a delivery says.
    pub fn add(&mut self, what: What) {
        match what {
            What::Fires => {
                // Without renewals, this is all that can revive it.
                if self.renewals.is_empty() {
                    self.expired = None;
                }
            }
            What::FiresUntil(until) => {
                let first = self.first_renewal.get_or_insert(until.0);
                *first = until.0.min(*first);
                self.renewals.insert(until.0);
                if self.renewals.len() > RENEWALS {
                    self.renewals.pop_first();
                }
            }
            What::Ended { at, by_prometheus } => {
                *self.ends.entry(at.0).or_default() |= by_prometheus;
            }
        }
        let seen_firing = self.last_seen_firing();
        let renewals = &self.renewals;
        // What is belied stays so: knowledge only grows.
        self.ends.retain(|end, _| {
            seen_firing.is_none_or(|seen| *end > seen)
                && renewals.range(end + 1..).count() <= RENEWALS_BEYOND_END
        });
        while self.ends.len() > ENDS {
            self.ends.pop_last();
        }
    }

    /// When Prometheus last evaluated the condition and found it true, at the
    /// earliest.
    fn last_seen_firing(&self) -> Option<i64> {
        let validity = self.first_renewal?.saturating_sub(self.start);
        Some(self.renewals.last()?.saturating_sub(validity))
    }

    /// The end that is believed, and whether Prometheus says so.
    fn end(&self) -> Option<(i64, bool)> {
        let ends = || self.ends.iter().map(|(end, by)| (*end, *by));
        let is_renewal = |end: i64| self.renewals.contains(&end);
        let latest = self.renewals.last().copied();
        ends().find(|(end, _)| !is_renewal(*end)).or_else(|| {
            // Alertmanager ends an alert at the moment that nobody renewed.
            ends().find(|(end, by_prometheus)| *by_prometheus && Some(*end) != latest)
        })
    }

    /// Notes that `moment` passed and nobody renewed it.
    pub fn expire(&mut self, moment: Timestamp) {
        self.expired = self.expired.max(Some(moment.0));
    }

    /// Until when it is certain to fire, as far as Prometheus said.
    #[must_use]
    pub fn renewed_until(&self) -> Option<Timestamp> {
        self.renewals.last().copied().map(Timestamp)
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if let Some((at, by_prometheus)) = self.end() {
            return Standing::Ended {
                at: Timestamp(at),
                // Had Alertmanager merely heard no more, the end would be one
                // of the renewals.
                is_certain: by_prometheus || !self.renewals.is_empty(),
            };
        }
        match (self.expired, self.renewals.last()) {
            (Some(expired), Some(renewed)) if expired < *renewed => Standing::Firing,
            (Some(expired), _) => Standing::Expired(Timestamp(expired)),
            (None, _) => Standing::Firing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn fires_until(minute: i64) -> What {
        What::FiresUntil(Timestamp(minute * MINUTE))
    }

    fn ended(minute: i64) -> What {
        What::Ended {
            at: Timestamp(minute * MINUTE),
            by_prometheus: true,
        }
    }

    fn evidence(whats: impl IntoIterator<Item = What>) -> Evidence {
        let mut evidence = Evidence::new(Timestamp(0));
        for what in whats {
            evidence.add(what);
        }
        evidence
    }

    fn ended_at(minute: i64) -> Standing {
        Standing::Ended {
            at: Timestamp(minute * MINUTE),
            is_certain: true,
        }
    }

    /// An hour of an alert that Prometheus renews each minute for four.
    fn an_hour() -> Vec<What> {
        (4..64).map(fires_until).chain([ended(60)]).collect()
    }

    #[test]
    fn an_end_counts_although_the_validity_went_on() {
        assert_eq!(evidence(an_hour()).standing(), ended_at(60));
    }

    #[test]
    fn deliveries_that_come_again_late_are_no_ends() {
        // Played again an hour later, "fires until" is of the past.
        for minute in 4..64 {
            let whats = an_hour().into_iter().chain([ended(minute)]);
            assert_eq!(evidence(whats).standing(), ended_at(60), "{minute}");
        }
        // The first ones missed, and an end between two renewals.
        let half = What::Ended {
            at: Timestamp(60 * MINUTE - 1),
            by_prometheus: true,
        };
        for minute in 30..64 {
            let whats = (30..64).map(fires_until).chain([half, ended(minute)]);
            let Standing::Ended { at, .. } = evidence(whats).standing() else {
                panic!("it ended");
            };
            assert_eq!(at.0, 60 * MINUTE - 1, "{minute}");
        }
    }

    #[test]
    fn an_end_that_renewals_belie_is_forgotten() {
        let mut held_up = evidence([fires_until(4), ended(5)]);
        assert_eq!(held_up.standing(), ended_at(5));
        for minute in 6..9 {
            held_up.add(fires_until(minute));
            assert_eq!(held_up.standing(), ended_at(5));
        }
        held_up.add(fires_until(9));
        assert_eq!(held_up.standing(), Standing::Firing);
    }

    #[test]
    fn what_is_not_renewed_expires_and_a_renewal_revives_it() {
        let mut lost = evidence([fires_until(4)]);
        lost.expire(Timestamp(4 * MINUTE));
        assert_eq!(lost.standing(), Standing::Expired(Timestamp(4 * MINUTE)));
        lost.add(fires_until(4));
        assert_eq!(lost.standing(), Standing::Expired(Timestamp(4 * MINUTE)));
        lost.add(fires_until(90));
        assert_eq!(lost.standing(), Standing::Firing);
        lost.add(ended(88));
        assert_eq!(lost.standing(), ended_at(88));
    }

    #[test]
    fn alertmanager_alone_cannot_tell_an_end_from_a_loss() {
        let mut told = Evidence::new(Timestamp(0));
        told.add(What::Fires);
        told.add(What::Ended {
            at: Timestamp(MINUTE),
            by_prometheus: false,
        });
        assert_eq!(
            told.standing(),
            Standing::Ended {
                at: Timestamp(MINUTE),
                is_certain: false
            }
        );
        // What Alertmanager calls resolved when the validity passed is a loss.
        let lost = evidence([
            fires_until(4),
            What::Ended {
                at: Timestamp(4 * MINUTE),
                by_prometheus: false,
            },
        ]);
        assert_eq!(lost.standing(), Standing::Firing, "until the watchdog says");
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_matters(
            length in 1_i64..90,
            has_ended in any::<bool>(),
            order in any::<Vec<prop::sample::Index>>(),
        ) {
            let mut whats: Vec<What> = (4..4 + length).map(fires_until).collect();
            whats.push(What::Fires);
            if has_ended {
                whats.push(ended(length));
                whats.push(What::Ended { at: Timestamp(length * MINUTE), by_prometheus: false });
            }
            let straight = evidence(whats.clone());
            // Each once more at random places, in random order.
            let mut shuffled: Vec<What> = order.iter().map(|index| *index.get(&whats)).collect();
            shuffled.extend(whats.iter().rev());
            shuffled.extend(order.iter().map(|index| *index.get(&whats)));
            prop_assert_eq!(evidence(shuffled), straight);
        }
    }
}
