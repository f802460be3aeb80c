//! What Prometheus' records show of an alert, and which episode that is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::sighting::{Afterwards, AlertLabels, Description, Sighting, What};
use crate::clock::Timestamp;

/// How far apart two moments may be that mean the same evaluation.
const SAME_EVALUATION: Duration = Duration::from_secs(1);
/// After a start, Prometheus evaluates twice before it records alerts, so the
/// first record may be so many intervals later than the start that it tells.
const SILENT_INTERVALS: u32 = 3;
/// So many intervals later may a paired Prometheus begin to fire: one for the
/// scrape, one for the evaluation, one because it had just missed both.
const PAIRED_INTERVALS: u32 = 3;

/// One time that an alert fired, as Prometheus' records show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which alert, as Prometheus tells it to others.
    pub labels: AlertLabels,
    /// When it began to fire; an estimate unless `is_start_seen`.
    pub starts_at: Timestamp,
    /// Whether its begin is in the records that were read.
    pub is_start_seen: bool,
    /// When the condition began to be true, where the rule waits before it fires.
    pub pending_since: Option<Timestamp>,
    /// The first moment in the records that were read.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// What followed.
    pub then: Afterwards,
    /// Time between two evaluations.
    pub interval: Duration,
    /// Annotations of the rule that are the same for all its alerts.
    pub annotations: BTreeMap<String, String>,
}

/// An episode that the journal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended, or until when it was known to fire; absent while it fires.
    pub ended_at: Option<Timestamp>,
    /// Whether it is known to have ended then.
    pub is_ended: bool,
}

impl Record {
    /// As if it had been told of the episode that began then.
    #[must_use]
    pub fn sighting(&self, starts_at: Timestamp) -> Sighting {
        Sighting {
            labels: self.labels.clone(),
            starts_at,
            what: What::Recorded {
                last: self.last,
                then: self.then,
            },
            description: Description {
                by_prometheus: false,
                // Anything that is told is newer.
                until: Timestamp(-1),
                annotations: self.annotations.clone(),
                generator_url: String::new(),
            },
            notification: None,
            pending_since: self.pending_since.filter(|since| *since < starts_at),
        }
    }

    /// How far the start of an episode is from this one's; `None` when it is
    /// another episode.
    fn distance(&self, known: &Known) -> Option<i64> {
        let is_over = known.is_ended && known.ended_at.is_some_and(|end| end <= self.first);
        let distance = self.starts_at.0.abs_diff(known.starts_at.0);
        let distance = i64::try_from(distance).unwrap_or(i64::MAX);
        if self.is_start_seen {
            let is_same = distance <= millis(SAME_EVALUATION);
            let earliest = millis(self.interval.saturating_mul(SILENT_INTERVALS));
            let is_near = known.starts_at.0 >= self.starts_at.0.saturating_sub(earliest)
                && known.starts_at <= self.first.after(SAME_EVALUATION);
            // As a paired Prometheus has it, which scrapes and evaluates at moments
            // of its own: it begins while this one fires. Of one Prometheus two
            // episodes never overlap.
            let latest = self
                .starts_at
                .after(self.interval.saturating_mul(PAIRED_INTERVALS));
            let is_paired =
                known.starts_at > self.first && known.starts_at <= latest.min(self.last);
            return (is_same || (is_near && !is_over) || is_paired).then_some(distance);
        }
        // Given up long before this began: another one.
        let is_long_ago = known.ended_at.is_some_and(|end| end < self.starts_at);
        (known.starts_at <= self.first.after(SAME_EVALUATION) && !is_over && !is_long_ago)
            .then_some(distance)
    }
}

/// Which episode each of the records of one alert is about, by its place among
/// the known ones; `None` for one that is not known. No episode is given twice.
#[must_use]
pub fn assign(records: &[&Record], known: &[Known]) -> Vec<Option<usize>> {
    let mut pairs: Vec<(bool, i64, usize, usize)> = Vec::new();
    for (place, record) in records.iter().enumerate() {
        for (episode, candidate) in known.iter().enumerate() {
            if let Some(distance) = record.distance(candidate) {
                pairs.push((!record.is_start_seen, distance, place, episode));
            }
        }
    }
    // Those that are certain first, of these the nearest.
    pairs.sort_unstable();
    let mut assigned = vec![None; records.len()];
    let mut taken = vec![false; known.len()];
    for (_, _, place, episode) in pairs {
        if let (Some(slot @ None), Some(is_taken @ false)) =
            (assigned.get_mut(place), taken.get_mut(episode))
        {
            *slot = Some(episode);
            *is_taken = true;
        }
    }
    assigned
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;

    fn record(starts: i64, first: i64, last: i64, is_start_seen: bool) -> Record {
        let labels = BTreeMap::from([("alertname".to_owned(), "A".to_owned())]);
        Record {
            labels: AlertLabels::parse(labels).unwrap(),
            starts_at: Timestamp(starts * SECOND),
            is_start_seen,
            pending_since: None,
            first: Timestamp(first * SECOND),
            last: Timestamp(last * SECOND),
            then: Afterwards::Ended(Timestamp((last + 15) * SECOND)),
            interval: Duration::from_secs(15),
            annotations: BTreeMap::new(),
        }
    }

    fn known(starts: i64, ended: Option<i64>, is_ended: bool) -> Known {
        Known {
            starts_at: Timestamp(starts * SECOND),
            ended_at: ended.map(|ended| Timestamp(ended * SECOND)),
            is_ended,
        }
    }

    #[test]
    fn records_are_about_the_episode_that_began_with_them() {
        let begun = record(1_000, 1_000, 1_300, true);
        let brief = record(1_000, 1_000, 1_010, true);
        let running = record(1_000, 1_200, 1_300, false);
        for (record, episode, is_same) in [
            (&begun, known(1_000, None, false), true),
            (&begun, known(1_000, Some(1_315), true), true),
            // Of the same evaluation, as another clock has it.
            (&begun, known(1_001, None, false), true),
            // After a restart the first evaluations are not recorded.
            (&begun, known(970, None, false), true),
            (&begun, known(970, Some(1_000), true), false),
            (&begun, known(900, None, false), false),
            // As a paired Prometheus has it.
            (&begun, known(1_015, None, false), true),
            (&begun, known(1_045, Some(1_330), true), true),
            (&begun, known(1_060, None, false), false),
            (&brief, known(1_015, None, false), false),
            (&running, known(1_000, None, false), true),
            (&running, known(500, None, false), true),
            (&running, known(1_100, Some(1_240), false), true),
            (&running, known(1_000, Some(1_150), true), false),
            (&running, known(100, Some(340), false), false),
            (&running, known(1_215, None, false), false),
        ] {
            let expected = is_same.then_some(0);
            assert_eq!(assign(&[record], &[episode]), [expected], "{episode:?}");
        }
    }

    #[test]
    fn an_alert_that_flaps_is_not_one_episode() {
        let first = record(1_000, 1_000, 1_015, true);
        let second = record(1_045, 1_045, 1_060, true);
        let only_first = [known(1_000, None, false)];
        assert_eq!(assign(&[&second, &first], &only_first), [None, Some(0)]);
        let both = [known(1_045, None, false), known(1_000, None, false)];
        assert_eq!(assign(&[&first, &second], &both), [Some(1), Some(0)]);
    }
}
