//! What was learned of each sensor, and whose turn it is: whoever answers comes
//! first, whoever is not there is asked rarely. Pure.
//!
//! Nothing here decides that a sensor is gone for good. Every sensor is asked
//! again once in a while, and one that answers is like any other.

use std::collections::HashSet;
use std::time::Duration;

use rmcp_ipmi::sdr::Entity;
use rmcp_ipmi::sensor::{Answer, StateBits};

use super::sensor_table::SensorEntry;

/// After this many answers in a row that a sensor is not there, it is asked
/// only at every [`PROBE_EVERY`]th collection.
const ABSENT_AFTER: u8 = 3;
const PROBE_EVERY: usize = 5;
/// A sensor that was busy in this many collections in a row gets no second
/// chance within one: some boards answer "busy" for hardware that is not there.
const BUSY_AFTER: u8 = 3;
/// A BMC that takes longer than this to say that a sensor is not there looks for
/// it in vain, and will again: some take five seconds for each.
const SLOW: Duration = Duration::from_secs(1);
const PROBE_SLOW_EVERY: usize = 20;
/// Offsets of an entity presence sensor (IPMI 2.0 table 42-3, type 25h).
const ENTITY_PRESENT: u16 = 0x01;
const ENTITY_ABSENT: u16 = 0x02;

/// What was learned of one sensor.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    /// How often in a row it was not there.
    absent: u8,
    busy: u8,
    /// It takes seconds to find out that it is not there.
    slow: bool,
    /// It has answered the last time.
    answered: bool,
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// By index into the table.
    habits: Vec<Habit>,
    absent_entities: HashSet<Entity>,
    round: usize,
}

impl Habits {
    /// Of `count` sensors that nothing is known of.
    pub(super) fn new(count: usize) -> Self {
        Self {
            habits: vec![Habit::default(); count],
            ..Self::default()
        }
    }

    /// Sensors that were absent are asked again.
    pub(super) fn forget_absences(&mut self) {
        self.habits.fill(Habit::default());
        self.absent_entities.clear();
    }

    /// Begins a collection: which sensors to ask, in this order. Those that answered
    /// the last time come before those that are not known, so that a deadline cuts
    /// off what is least likely to be missed; those that are slow not to be there
    /// come last, one in a collection. Satellites come after the BMC.
    pub(super) fn turn(&mut self, entries: &[SensorEntry]) -> Vec<usize> {
        self.round = self.round.wrapping_add(1);
        let mut turn: Vec<(u8, usize)> = Vec::with_capacity(entries.len());
        let mut has_slow = false;
        for (index, (entry, habit)) in entries.iter().zip(&self.habits).enumerate() {
            let rank = if habit.slow {
                if has_slow || !self.is_turn(index, PROBE_SLOW_EVERY) {
                    continue;
                }
                has_slow = true;
                6
            } else if habit.absent >= ABSENT_AFTER {
                if !self.is_turn(index, PROBE_EVERY) {
                    continue;
                }
                4
            } else if habit.answered {
                0
            } else {
                2
            };
            let is_bridged = entry.place.route.is_bridged();
            turn.push((rank + u8::from(is_bridged), index));
        }
        turn.sort_unstable();
        turn.into_iter().map(|(_, index)| index).collect()
    }

    /// Spread, so that the probes do not fall on one collection.
    fn is_turn(&self, index: usize, every: usize) -> bool {
        self.round.wrapping_add(index).is_multiple_of(every)
    }

    /// Whether a busy sensor is asked once more in the same collection.
    pub(super) fn has_second_chance(&self, index: usize) -> bool {
        self.habits
            .get(index)
            .is_some_and(|habit| habit.busy < BUSY_AFTER)
    }

    /// Learns from an answer that took `took`; `None` is no answer at all.
    pub(super) fn learn(
        &mut self,
        index: usize,
        entry: &SensorEntry,
        answer: Option<&Answer>,
        took: Duration,
    ) {
        // Absence is expected of what belongs to something that is not there.
        let is_expected = entry.ignore_if_absent && self.absent_entities.contains(&entry.entity);
        let Some(habit) = self.habits.get_mut(index) else {
            return;
        };
        match answer {
            None => {
                *habit = Habit {
                    absent: ABSENT_AFTER,
                    slow: true,
                    ..Habit::default()
                };
            }
            Some(Answer::Absent(_)) => {
                let more = if is_expected { ABSENT_AFTER } else { 1 };
                habit.absent = habit.absent.saturating_add(more);
                habit.slow = took >= SLOW;
                habit.answered = false;
            }
            Some(Answer::Busy) => {
                habit.busy = habit.busy.saturating_add(1);
                habit.answered = false;
            }
            Some(answer) => {
                *habit = Habit {
                    answered: matches!(answer, Answer::Reading(_)),
                    ..Habit::default()
                };
            }
        }
    }

    /// Takes note of what an entity presence sensor says. What belongs to an entity
    /// that has come back is asked again.
    pub(super) fn note_presence(
        &mut self,
        entries: &[SensorEntry],
        entity: Entity,
        states: StateBits,
    ) {
        if states.get() & ENTITY_ABSENT != 0 {
            self.absent_entities.insert(entity);
        } else if states.get() & ENTITY_PRESENT != 0 && self.absent_entities.remove(&entity) {
            for (entry, habit) in entries.iter().zip(&mut self.habits) {
                if entry.entity == entity {
                    *habit = Habit::default();
                }
            }
        }
    }
}
