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
    /// In which collection it was slow, or last had its turn.
    slow_in: usize,
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
        let slow = self.slow_one();
        if let Some(habit) = slow.and_then(|index| self.habits.get_mut(index)) {
            // Also if a deadline comes before it: the next one has its turn then.
            habit.slow_in = self.round;
        }
        for (index, (entry, habit)) in entries.iter().zip(&self.habits).enumerate() {
            let rank = if habit.slow {
                if slow != Some(index) {
                    continue;
                }
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

    /// Of the slow sensors the one that was left alone for longest, if that is long
    /// enough.
    fn slow_one(&self) -> Option<usize> {
        let slow = self
            .habits
            .iter()
            .enumerate()
            .filter(|(_, habit)| habit.slow);
        let age = |habit: &Habit| self.round.wrapping_sub(habit.slow_in);
        let (index, oldest) = slow.max_by_key(|(_, habit)| age(habit))?;
        (age(oldest) >= PROBE_SLOW_EVERY).then_some(index)
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
        let round = self.round;
        let Some(habit) = self.habits.get_mut(index) else {
            return;
        };
        match answer {
            None => {
                *habit = Habit {
                    absent: ABSENT_AFTER,
                    slow: true,
                    slow_in: round,
                    ..Habit::default()
                };
            }
            Some(Answer::Absent(_)) => {
                let more = if is_expected { ABSENT_AFTER } else { 1 };
                habit.absent = habit.absent.saturating_add(more);
                habit.slow = took >= SLOW;
                habit.slow_in = round;
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

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use rmcp_ipmi::sdr::Record;
    use rmcp_ipmi::sensor::{Absence, ReadingPolicy};
    use rmcp_ipmi::wire::Route;

    use super::*;
    use crate::collect::sensor_table::{SensorTable, TableOptions};
    use crate::config::Module;

    const QUICK: Duration = Duration::from_millis(3);
    const ABSENT: Answer = Answer::Absent(Absence::Unavailable);

    /// Compact records of the BMC's; the last two sensors are a satellite's.
    fn table(count: u8) -> SensorTable {
        let records: Vec<Record> = (1..=count)
            .map(|number| {
                let owner = if number > count - 2 { 0x2c } else { 0x20 };
                let mut bytes = vec![
                    number, 0, 0x51, 0x02, 28, owner, 0, number, 0x20, 1, 0, 0x80,
                ];
                bytes.extend([
                    0x0c, 0x6f, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
                ]);
                bytes.extend([0xc1, b'@' + number]);
                bytes[4] = u8::try_from(bytes.len() - 5).unwrap();
                Record::decode(&bytes).unwrap()
            })
            .collect();
        let keepers = vec![Route::Bmc; records.len()];
        let module = Module {
            bridge_sensors: true,
            ..Module::builtin()
        };
        let table = SensorTable::new(&keepers, &records, &TableOptions::of(&module, 100));
        assert_eq!(table.entries().len(), usize::from(count));
        table
    }

    fn reading() -> Answer {
        Answer::judge(0, &[0, 0xc0, 1, 0], ReadingPolicy::Standard)
    }

    /// Indices of the BMC's sensors and of the satellite's, as sorted into the table.
    fn satellites(entries: &[SensorEntry]) -> Vec<usize> {
        (0..entries.len())
            .filter(|index| entries[*index].place.route.is_bridged())
            .collect()
    }

    #[test]
    fn who_answers_comes_first_and_satellites_after_the_bmc() {
        let table = table(6);
        let entries = table.entries();
        let mut habits = Habits::new(entries.len());
        let far = satellites(entries);
        assert!(habits.turn(entries).ends_with(&far));
        habits.learn(3, &entries[3], Some(&reading()), QUICK);
        habits.learn(1, &entries[1], Some(&ABSENT), QUICK);
        let turn = habits.turn(entries);
        assert_eq!((turn.len(), turn[0]), (6, 3));
    }

    #[test]
    fn absent_sensors_are_asked_every_fifth_time() {
        let table = table(4);
        let entries = table.entries();
        let mut habits = Habits::new(entries.len());
        let mut asked = 0;
        for _ in 0..53 {
            if habits.turn(entries).contains(&0) {
                asked += 1;
                habits.learn(0, &entries[0], Some(&ABSENT), QUICK);
            }
        }
        assert_eq!(asked, 3 + 10);
        habits.forget_absences();
        assert!(habits.turn(entries).contains(&0));
    }

    /// Thirty absent sensors at five seconds each would fill every scrape.
    #[test]
    fn slow_absences_are_learned_at_once_and_probed_one_at_a_time() {
        let table = table(32);
        let entries = table.entries();
        let mut habits = Habits::new(entries.len());
        let slow = Duration::from_secs(5);
        let mut times = vec![0; entries.len()];
        for round in 0..200 {
            let mut here = 0;
            for index in habits.turn(entries) {
                if index < 30 {
                    here += 1;
                    times[index] += 1;
                    let answer = (index % 2 == 0).then_some(&ABSENT);
                    habits.learn(index, &entries[index], answer, slow);
                } else {
                    habits.learn(index, &entries[index], Some(&reading()), QUICK);
                }
            }
            assert!(
                round == 0 || here <= 1,
                "{here} slow sensors in one collection"
            );
        }
        // None is given up for good, and none is favoured.
        assert!(
            times[..30].iter().all(|times| (6..=8).contains(times)),
            "{times:?}"
        );
    }

    #[test]
    fn absence_is_learned_faster_where_the_entity_is_absent() {
        let table = table(4);
        let entries = table.entries();
        let mut habits = Habits::new(entries.len());
        let entity = entries[0].entity;
        habits.turn(entries);
        habits.note_presence(entries, entity, StateBits::new(ENTITY_ABSENT));
        habits.learn(0, &entries[0], Some(&ABSENT), QUICK);
        habits.learn(1, &entries[1], Some(&reading()), QUICK);
        let asked = |habits: &mut Habits, index| {
            (0..5)
                .filter(|_| habits.turn(entries).contains(&index))
                .count()
        };
        assert_eq!(asked(&mut habits, 0), 1);
        assert_eq!(
            asked(&mut habits, 1),
            5,
            "what answers is asked, whatever is guessed"
        );
        habits.note_presence(entries, entity, StateBits::new(ENTITY_PRESENT));
        assert_eq!(asked(&mut habits, 0), 5);
    }

    /// Whatever was answered: every sensor is asked again within bounded rounds.
    #[test]
    fn no_sensor_is_forgotten() {
        let table = table(8);
        let entries = table.entries();
        for seed in 0..300 {
            let mut dice = StdRng::seed_from_u64(seed);
            let mut habits = Habits::new(entries.len());
            for _ in 0..dice.random_range(0..200) {
                let index = dice.random_range(0..entries.len());
                let took = if dice.random_bool(0.5) {
                    Duration::from_secs(5)
                } else {
                    QUICK
                };
                let answer = match dice.random_range(0..5) {
                    0 => None,
                    1 => Some(ABSENT),
                    2 => Some(Answer::Busy),
                    3 => Some(Answer::Refused(0xc1)),
                    _ => Some(reading()),
                };
                habits.turn(entries);
                habits.learn(index, &entries[index], answer.as_ref(), took);
            }
            let mut seen = HashSet::new();
            for _ in 0..PROBE_SLOW_EVERY + entries.len() {
                seen.extend(habits.turn(entries));
            }
            assert_eq!(seen.len(), entries.len(), "seed {seed}");
        }
    }
}
