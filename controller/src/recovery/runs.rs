//! From samples to the times that alerts fired.
//!
//! Prometheus writes two series of each alert at each evaluation: `ALERTS` while
//! it is firing, and `ALERTS_FOR_STATE`, whose value is the second at which the
//! condition became true. The second tells an alert that resolved and fired
//! again from one of which an evaluation was missed, and it tells the true start
//! after a restart: then Prometheus evaluates twice before it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::answer::{LabelMap, Rule, Series};
use super::relabel::Relabelling;
use crate::alert::{Afterwards, AlertLabels, Loss, Record};
use crate::clock::Timestamp;

/// Rules that wait for less than this begin anew after a restart; others take up
/// their wait again (`--rules.alert.for-grace-period`).
const FOR_GRACE: Duration = Duration::from_secs(600);
/// So many slots without a scrape, and Prometheus did not run.
const DEAD_SLOTS: u32 = 3;

/// A time of which records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first moment of which there are samples.
    pub(super) from: Timestamp,
    /// The last one.
    pub(super) until: Timestamp,
}

/// When Prometheus ran, as far as its scrapes show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alive {
    /// Ends of slots of time in which something was scraped.
    pub(super) slots: BTreeSet<Timestamp>,
    /// Length of a slot; `None` when nothing is scraped at all, so that nothing
    /// can be told.
    pub(super) slot: Option<Duration>,
}

impl Alive {
    /// From a series of how many scrapes there were in each slot.
    pub(super) fn of(series: &[Series], slot: Option<Duration>) -> Self {
        let slots = series
            .iter()
            .flat_map(|series| &series.samples)
            .filter(|(_, scrapes)| *scrapes > 0.0)
            .map(|(at, _)| *at)
            .collect();
        Self { slots, slot }
    }

    /// Whether Prometheus ran some time in between.
    fn is_between(&self, from: Timestamp, until: Timestamp) -> bool {
        let Some(slot) = self.slot else {
            return true;
        };
        let first = from.after(slot);
        first <= until && self.slots.range(first..=until).next().is_some()
    }

    /// Times in which it did not run, after `before`, when it was last known to;
    /// and when it is last known to now.
    pub(super) fn holes(
        &self,
        before: Timestamp,
        at_least: Duration,
    ) -> (Vec<(Timestamp, Timestamp)>, Timestamp) {
        let mut holes = Vec::new();
        let mut last = before;
        let Some(slot) = self.slot else {
            return (holes, last);
        };
        let limit = at_least.max(slot.saturating_mul(DEAD_SLOTS));
        for at in self.slots.range(before..) {
            let begin = at.before(slot);
            if begin.since(last) >= limit {
                holes.push((last, begin));
            }
            last = *at;
        }
        (holes, last)
    }
}

/// What is known besides samples.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) rules: Vec<Rule>,
    pub(super) relabelling: Relabelling,
    /// Time between two evaluations where nothing else tells it.
    pub(super) interval: Duration,
    /// Length of a slot of [`Alive`].
    pub(super) slot: Option<Duration>,
}

impl Facts {
    /// How long after its last sample it takes to tell what followed.
    pub(super) fn patience(&self, interval: Duration) -> Duration {
        let missed = interval.saturating_mul(5) / 2;
        missed.max(interval.saturating_mul(2).saturating_add(self.dead_after()))
    }

    /// How long before a window samples are to be read with it, so that what
    /// began or ended at its edge is seen whole.
    pub(super) fn margin(&self) -> Duration {
        let longest = self.rules.iter().map(|rule| rule.interval).max();
        let longest = longest.unwrap_or_default().max(self.interval);
        self.patience(longest)
            .saturating_add(longest.saturating_mul(2))
    }

    fn dead_after(&self) -> Duration {
        self.slot.unwrap_or_default().saturating_mul(DEAD_SLOTS)
    }

    /// The rule of an alert: its name, and its labels among the alert's.
    fn rule(&self, labels: &LabelMap) -> Option<&Rule> {
        let name = labels.get("alertname")?;
        self.rules.iter().find(|rule| {
            rule.name == *name
                && rule
                    .labels
                    .iter()
                    .all(|(name, value)| value.is_empty() || labels.get(name) == Some(value))
        })
    }
}

/// Samples of one alert.
#[derive(Default)]
struct Samples {
    firing: BTreeSet<Timestamp>,
    /// The second in which the condition became true.
    active: BTreeMap<Timestamp, i64>,
}

/// The times that alerts fired, those of one alert together.
pub(super) fn records(series: &[Series], span: Span, alive: &Alive, facts: &Facts) -> Vec<Record> {
    let mut alerts: BTreeMap<LabelMap, Samples> = BTreeMap::new();
    for series in series {
        let mut labels = series.labels.clone();
        let name = labels.remove("__name__").unwrap_or_default();
        let state = labels.remove("alertstate");
        let samples = alerts.entry(labels).or_default();
        match (name.as_str(), state.as_deref()) {
            ("ALERTS", Some("firing")) => {
                let firing = series.samples.iter().filter(|(_, value)| *value > 0.0);
                samples.firing.extend(firing.map(|(at, _)| *at));
            }
            ("ALERTS_FOR_STATE", None) => samples.active.extend(
                series
                    .samples
                    .iter()
                    .filter_map(|(at, value)| Some((*at, whole(*value)?))),
            ),
            _ => {}
        }
    }
    let evaluated: BTreeSet<Timestamp> = alerts
        .values()
        .flat_map(|samples| samples.active.keys().chain(&samples.firing))
        .copied()
        .collect();
    let mut records = Vec::new();
    for (labels, samples) in alerts {
        let rule = facts.rule(&labels);
        // What cannot be an alert of ours is left out; there is no one to tell.
        let Ok(told) = AlertLabels::parse(facts.relabelling.apply(labels)) else {
            continue;
        };
        let alert = Alert {
            labels: told,
            interval: interval(rule, &samples.firing, facts.interval),
            samples,
            rule,
            facts,
            span,
            alive,
            evaluated: &evaluated,
        };
        records.extend(alert.records());
    }
    records
}

/// One alert with all that is needed to judge it.
struct Alert<'a> {
    labels: AlertLabels,
    samples: Samples,
    interval: Duration,
    rule: Option<&'a Rule>,
    facts: &'a Facts,
    span: Span,
    alive: &'a Alive,
    /// When any alert was evaluated.
    evaluated: &'a BTreeSet<Timestamp>,
}

/// Samples without a gap.
struct Run {
    first: Timestamp,
    last: Timestamp,
}

/// When a run began, as it can be told.
struct Start {
    at: Timestamp,
    pending_since: Option<Timestamp>,
    /// Prometheus had begun to run shortly before.
    is_restart: bool,
}

impl Alert<'_> {
    fn records(&self) -> Vec<Record> {
        let runs = self.runs();
        let starts: Vec<Start> = runs.iter().map(|run| self.start(run)).collect();
        let mut records = Vec::new();
        for (place, (run, start)) in runs.iter().zip(&starts).enumerate() {
            let next = runs.get(place + 1).zip(starts.get(place + 1));
            records.push(Record {
                labels: self.labels.clone(),
                starts_at: start.at,
                is_start_seen: self.is_start_seen(run),
                pending_since: start.pending_since,
                first: run.first,
                last: run.last,
                then: self.afterwards(run, next),
                interval: self.interval,
                annotations: self
                    .rule
                    .map(|rule| rule.annotations.clone())
                    .unwrap_or_default(),
            });
        }
        records
    }

    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for at in &self.samples.firing {
            match runs.last_mut() {
                Some(run) if self.goes_on(run.last, *at) => run.last = *at,
                _ => runs.push(Run {
                    first: *at,
                    last: *at,
                }),
            }
        }
        runs
    }

    /// Whether two samples that follow one another are of one episode.
    fn goes_on(&self, earlier: Timestamp, later: Timestamp) -> bool {
        let gap = later.since(earlier);
        if gap * 2 <= self.interval * 3 {
            return true;
        }
        let active = |at| self.samples.active.get(&at);
        let is_same = active(earlier).is_some() && active(earlier) == active(later);
        // An evaluation was missed. A restart takes longer, and begins anew; of
        // rules that wait for long it leaves no other trace.
        let keeps_over_restart = self.rule.is_none_or(|rule| rule.hold >= FOR_GRACE);
        is_same && (!keeps_over_restart || gap * 2 <= self.interval * 5)
    }

    fn is_start_seen(&self, run: &Run) -> bool {
        let room = self.interval.saturating_mul(2);
        run.first > self.span.from.after(room)
    }

    fn start(&self, run: &Run) -> Start {
        let hold = self.rule.map(|rule| rule.hold);
        let began = self.began(run.first);
        let mut start = Start {
            at: run.first,
            pending_since: began
                .filter(|began| *began < run.first && hold.is_some_and(|hold| !hold.is_zero())),
            is_restart: false,
        };
        let Some(began) = began else {
            return start;
        };
        if self.is_start_seen(run) && self.was_pending(run.first) {
            return start;
        }
        let waits = intervals(hold.unwrap_or_default(), self.interval);
        let fired = began.after(self.interval.saturating_mul(waits));
        let keeps_over_restart = hold.is_none_or(|hold| hold >= FOR_GRACE);
        if fired < run.first && (!keeps_over_restart || !self.is_start_seen(run)) {
            start.is_restart = self.is_start_seen(run)
                && run.first.since(fired) <= self.interval.saturating_mul(3);
            start.at = fired;
        }
        start
    }

    /// Whether it was evaluated before and did not fire yet: every evaluation is
    /// written after the first that is.
    fn was_pending(&self, first: Timestamp) -> bool {
        let active = &self.samples.active;
        let before = active.range(..first).next_back();
        before.is_some_and(|(_, second)| Some(second) == active.get(&first))
    }

    /// When the condition became true: the evaluation in the second that
    /// `ALERTS_FOR_STATE` has. Evaluations are a whole number of intervals apart.
    fn began(&self, first: Timestamp) -> Option<Timestamp> {
        let second = *self.samples.active.get(&first)?;
        let from = second.checked_mul(1_000)?;
        let interval = millis(self.interval).max(1);
        let back = first.0.checked_sub(from.checked_add(999)?)?;
        // The latest evaluation that is not after the second's end.
        let steps = if back > 0 {
            back.checked_add(interval - 1)? / interval
        } else {
            0
        };
        let began = first.0.checked_sub(steps.checked_mul(interval)?)?;
        (began >= from).then_some(Timestamp(began))
    }

    fn afterwards(&self, run: &Run, next: Option<(&Run, &Start)>) -> Afterwards {
        let patience = self.facts.patience(self.interval);
        if next.is_none() && run.last.after(patience) > self.span.until {
            return Afterwards::GoesOn;
        }
        let end = run.last.after(self.interval);
        let judged_until = end.after(self.interval).after(self.facts.dead_after());
        // The next one began while nothing was written: Prometheus had restarted.
        let has_restarted = next.is_some_and(|(next, start)| {
            let active = |at| self.samples.active.get(&at);
            let is_same = active(run.last).is_some() && active(run.last) == active(next.first);
            let is_near = start.at.since(run.last) <= self.interval.saturating_mul(5);
            is_same || (start.is_restart && is_near)
        });
        // Samples of the same second may be of other rule groups.
        let evaluated = run.last.after(self.interval * 9 / 10)..=judged_until;
        let is_alive = self.evaluated.range(evaluated).next().is_some()
            || self
                .alive
                .is_between(run.last.after(self.interval * 9 / 10), judged_until);
        if has_restarted || !is_alive {
            Afterwards::BreaksOff(Loss::PrometheusLost)
        } else if self.rule.is_none() {
            Afterwards::BreaksOff(Loss::RuleChanged)
        } else {
            Afterwards::Ended(end)
        }
    }
}

/// Time between two evaluations: the rule's, unless samples are nearer to one
/// another, or the rule has changed since.
fn interval(rule: Option<&Rule>, firing: &BTreeSet<Timestamp>, default: Duration) -> Duration {
    let smallest = firing
        .iter()
        .zip(firing.iter().skip(1))
        .map(|(earlier, later)| later.since(*earlier))
        .min();
    match (rule.map(|rule| rule.interval), smallest) {
        (Some(interval), Some(smallest)) if smallest * 10 >= interval * 9 => interval,
        (Some(interval), None) => interval,
        (_, Some(smallest)) => smallest.max(Duration::from_millis(1)),
        (None, None) => default,
    }
}

/// How many evaluations a rule waits before it fires.
fn intervals(hold: Duration, interval: Duration) -> u32 {
    let count = hold.as_millis().div_ceil(interval.as_millis().max(1));
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A number of seconds from a sample.
fn whole(value: f64) -> Option<i64> {
    if !(0.0..=1e10).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it was checked to be small"
    )]
    Some(value as i64)
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
