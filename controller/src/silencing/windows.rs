//! Which silences a maintenance window needs now. Pure.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::{Id, Occurrence, Recurrence, Version};

/// How long ahead silences are made: so long Alertmanager does without this
/// program.
const AHEAD: Duration = Duration::from_secs(7 * 86_400);

/// A silence that a window made, and whose time is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeSilence {
    /// Number of the silence.
    pub id: Id,
    /// Which version of the window made it.
    pub window_version: Version,
    /// For when.
    pub occurrence: Occurrence,
    /// Whether it was ended before its time.
    pub is_ended: bool,
}

/// What is to be done for a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Times for which a silence is missing.
    pub make: Vec<Occurrence>,
    /// Silences that it needs no more.
    pub end: Vec<Id>,
}

/// What is to be done for a window that is enabled, or not, in a version.
///
/// One that somebody ended stays ended, unless the window is changed.
#[must_use]
pub fn due(
    recurrence: &Recurrence,
    is_enabled: bool,
    version: Version,
    made: &[MadeSilence],
    now: Timestamp,
) -> Due {
    let wanted = if is_enabled {
        recurrence.between(now, now.after(AHEAD), usize::MAX)
    } else {
        Vec::new()
    };
    let is_for = |made: &MadeSilence, wanted: &Occurrence| {
        made.window_version == version && made.occurrence == *wanted
    };
    let is_missing = |wanted: &&Occurrence| !made.iter().any(|made| is_for(made, wanted));
    let is_left =
        |made: &&MadeSilence| !made.is_ended && !wanted.iter().any(|wanted| is_for(made, wanted));
    Due {
        make: wanted.iter().filter(is_missing).copied().collect(),
        end: made.iter().filter(is_left).map(|made| made.id).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RecurrenceBody;

    fn daily() -> Recurrence {
        let body: RecurrenceBody = serde_json::from_value(serde_json::json!({
            "repeat": "daily", "start": "22:00", "duration": "4h", "time_zone": "UTC",
        }))
        .unwrap();
        Recurrence::parse(&body).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-05-01T23:00:00Z").unwrap()
    }

    fn made(wanted: &[Occurrence]) -> Vec<MadeSilence> {
        let made = (1..).zip(wanted).map(|(id, occurrence)| MadeSilence {
            id,
            window_version: 1,
            occurrence: *occurrence,
            is_ended: false,
        });
        made.collect()
    }

    #[test]
    fn silences_are_made_a_week_ahead_and_once() {
        let first = due(&daily(), true, 1, &[], now());
        assert_eq!(first.make.len(), 8, "the one that goes on, and seven");
        let made = made(&first.make);
        assert_eq!(due(&daily(), true, 1, &made, now()), Due::default());
        let tomorrow = now().after(Duration::from_secs(86_400));
        let next = due(&daily(), true, 1, &made[1..], tomorrow);
        assert_eq!((next.make.len(), next.end.len()), (1, 0));
    }

    #[test]
    fn what_somebody_ended_is_not_made_again() {
        let mut made = made(&due(&daily(), true, 1, &[], now()).make);
        made[0].is_ended = true;
        assert_eq!(due(&daily(), true, 1, &made, now()), Due::default());
    }

    #[test]
    fn a_window_that_changes_or_rests_takes_its_silences_along() {
        let mut made = made(&due(&daily(), true, 1, &[], now()).make);
        made[3].is_ended = true;
        let changed = due(&daily(), true, 2, &made, now());
        assert_eq!((changed.make.len(), changed.end.len()), (8, 7));
        let disabled = due(&daily(), false, 2, &made, now());
        assert_eq!((disabled.make.len(), disabled.end.len()), (0, 7));
    }
}
