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
//!
//! Two more tell without being sent for: Prometheus' records, and looks at
//! Alertmanager. Of those the latest word of each kind counts, as long as
//! nothing later says that it still fired. Of several ends that of Prometheus
//! itself is believed first, then its records, then Alertmanager.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Afterwards, What};
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
    /// Until when Prometheus' records show it firing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<i64>,
    /// When it ended as these show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded_end: Option<i64>,
    /// Where these break off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    break_off: Option<i64>,
    /// When Alertmanager was last seen to have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<i64>,
    /// When Alertmanager had it for the last time before it had it no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dropped: Option<i64>,
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
            recorded: None,
            recorded_end: None,
            break_off: None,
            held: None,
            dropped: None,
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
            What::Recorded { last, then } => {
                self.recorded = self.recorded.max(Some(last.0));
                match then {
                    Afterwards::GoesOn => {}
                    Afterwards::Ended(at) => {
                        self.recorded_end = self.recorded_end.max(Some(at.0));
                    }
                    Afterwards::BreaksOff(_) => {
                        self.break_off = self.break_off.max(Some(last.0));
                    }
                }
            }
            What::Held(at) => self.held = self.held.max(Some(at.0)),
            What::Dropped(at) => self.dropped = self.dropped.max(Some(at.0)),
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
        self.recorded_end = self.recorded_end.filter(|end| Some(*end) > seen_firing);
        self.break_off = self.break_off.filter(|end| Some(*end) >= seen_firing);
        self.dropped = self.dropped.filter(|end| Some(*end) >= self.held);
    }

    /// When Prometheus last evaluated the condition and found it true, at the
    /// earliest.
    fn last_seen_firing(&self) -> Option<i64> {
        let renewed = || {
            let validity = self.first_renewal?.saturating_sub(self.start);
            Some(self.renewals.last()?.saturating_sub(validity))
        };
        renewed().max(self.recorded)
    }

    /// The end that Prometheus or Alertmanager told, and whether Prometheus says so.
    fn told_end(&self) -> Option<(i64, bool)> {
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

    /// Until when Prometheus' records show it firing.
    #[must_use]
    pub fn recorded_until(&self) -> Option<Timestamp> {
        self.recorded.map(Timestamp)
    }

    /// Whether all that is known of its end is that Alertmanager has it no longer.
    #[must_use]
    pub fn was_dropped(&self) -> bool {
        self.told_end().is_none() && self.recorded_end.is_none() && self.dropped_at().is_some()
    }

    /// When Alertmanager had it for the last time. It forgets what Prometheus
    /// does not renew, so where Prometheus itself is heard this says nothing.
    fn dropped_at(&self) -> Option<i64> {
        let is_heard = !self.renewals.is_empty() || self.break_off.is_some();
        self.dropped
            .filter(|at| !is_heard && Some(*at) > self.recorded)
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let ended = |at: i64, is_certain: bool| Standing::Ended {
            at: Timestamp(at),
            is_certain,
        };
        let told = self.told_end();
        if let Some((at, true)) = told {
            return ended(at, true);
        }
        if let Some(at) = self.recorded_end {
            return ended(at, true);
        }
        if let Some(at) = self.break_off {
            return Standing::Expired(Timestamp(at));
        }
        if let Some((at, _)) = told {
            // Had Alertmanager merely heard no more, the end would be one of the
            // renewals.
            return ended(at, !self.renewals.is_empty());
        }
        if let Some(at) = self.dropped_at() {
            return ended(at, false);
        }
        let renewed = self.renewals.last().copied();
        match self.expired {
            Some(expired) if Some(expired) >= renewed.max(self.recorded).max(self.held) => {
                Standing::Expired(Timestamp(expired))
            }
            _ => Standing::Firing,
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

    fn recorded(last: i64, then: Afterwards) -> What {
        What::Recorded {
            last: Timestamp(last * MINUTE),
            then,
        }
    }

    fn recorded_end(minute: i64) -> What {
        recorded(minute - 1, Afterwards::Ended(Timestamp(minute * MINUTE)))
    }

    #[test]
    fn records_end_what_nobody_told_of() {
        let mut missed = evidence([fires_until(4), fires_until(5)]);
        missed.expire(Timestamp(5 * MINUTE));
        missed.add(recorded_end(30));
        assert_eq!(missed.standing(), ended_at(30));
        // Prometheus' own word is better, and one of its future belies.
        missed.add(ended(31));
        assert_eq!(missed.standing(), ended_at(31));
        missed.add(recorded(40, Afterwards::GoesOn));
        assert_eq!(missed.standing(), Standing::Firing);
        missed.add(recorded_end(30));
        assert_eq!(missed.standing(), Standing::Firing, "read again");
    }

    #[test]
    fn records_that_break_off_are_no_end() {
        let lost = Afterwards::BreaksOff(crate::alert::Loss::PrometheusLost);
        let mut unknown = evidence([recorded(30, lost)]);
        assert_eq!(
            unknown.standing(),
            Standing::Expired(Timestamp(30 * MINUTE))
        );
        // Alertmanager ends it when it hears no more.
        unknown.add(What::Ended {
            at: Timestamp(33 * MINUTE),
            by_prometheus: false,
        });
        unknown.add(What::Fires);
        assert_eq!(
            unknown.standing(),
            Standing::Expired(Timestamp(30 * MINUTE))
        );
        unknown.add(recorded(45, Afterwards::GoesOn));
        assert_eq!(
            evidence([recorded(45, Afterwards::GoesOn), recorded(30, lost)]).standing(),
            Standing::Firing
        );
    }

    #[test]
    fn what_alertmanager_has_no_longer_has_ended_unless_prometheus_is_heard() {
        let at = |minute: i64| Timestamp(minute * MINUTE);
        let mut told = evidence([What::Fires, What::Held(at(3)), What::Dropped(at(5))]);
        let uncertain = Standing::Ended {
            at: at(5),
            is_certain: false,
        };
        assert_eq!((told.standing(), told.was_dropped()), (uncertain, true));
        told.add(What::Held(at(4)));
        assert_eq!(told.standing(), uncertain);
        told.add(What::Held(at(6)));
        assert_eq!(told.standing(), Standing::Firing, "it has it again");
        let renewed = evidence([fires_until(4), What::Dropped(at(5))]);
        assert_eq!(
            (renewed.standing(), renewed.was_dropped()),
            (Standing::Firing, false)
        );
        told.add(What::Dropped(at(7)));
        told.add(recorded_end(7));
        assert_eq!((told.standing(), told.was_dropped()), (ended_at(7), false));
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_matters(
            length in 1_i64..90,
            first in 0_usize..90,
            more in proptest::collection::vec((0..5, 1_i64..100), 0..6),
            has_ended in any::<bool>(),
            order in any::<Vec<prop::sample::Index>>(),
        ) {
            let mut whats: Vec<What> = (4..4 + length).map(fires_until).collect();
            whats.push(What::Fires);
            if has_ended {
                whats.push(ended(length));
                whats.push(What::Ended { at: Timestamp(length * MINUTE), by_prometheus: false });
            }
            let lost = Afterwards::BreaksOff(crate::alert::Loss::RuleChanged);
            whats.extend(more.iter().map(|(kind, minute)| match kind {
                0 => recorded(*minute, Afterwards::GoesOn),
                1 => recorded_end(*minute),
                2 => recorded(*minute, lost),
                3 => What::Held(Timestamp(minute * MINUTE)),
                _ => What::Dropped(Timestamp(minute * MINUTE)),
            }));
            let whats: Vec<What> = whats.into_iter().skip(first).collect();
            prop_assume!(!whats.is_empty());
            let straight = evidence(whats.clone());
            // Each once more at random places, in random order.
            let mut shuffled: Vec<What> = order.iter().map(|index| *index.get(&whats)).collect();
            shuffled.extend(whats.iter().rev());
            shuffled.extend(order.iter().map(|index| *index.get(&whats)));
            prop_assert_eq!(evidence(shuffled), straight);
        }
    }
}
