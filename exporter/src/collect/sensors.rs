//! Collector `ipmi`: one request for each sensor that can have a reading.

use std::sync::Arc;
use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, GetSensorReading};
use rmcp_ipmi::sensor::{Answer, NonCritical, ReadingPolicy};
use rmcp_ipmi::wire::CompletionCode;

use super::sensor_table::{SensorEntry, SensorTable, TableOptions};
use super::{CollectError, Collection, LoadedRepository};
use crate::bmc::Bmc;
use crate::config::{Module, Workaround};
use crate::telemetry::Telemetry;

/// After this many answers in a row that a sensor is not there, it is asked
/// only at every [`PROBE_EVERY`]th collection.
const ABSENT_AFTER: u8 = 3;
const PROBE_EVERY: usize = 5;
/// A sensor that was busy in this many collections in a row gets no second
/// chance within one: some boards answer "busy" for hardware that is not there.
const BUSY_AFTER: u8 = 3;
/// Sensors that the BMC never answers, in one collection, before the rest is
/// given up: each costs many seconds.
const MAX_SILENT: usize = 2;

/// What the sensors said.
#[derive(Clone, Debug)]
pub struct SensorReadings {
    /// What the indices mean.
    pub table: Arc<SensorTable>,
    /// In the order of the table; sensors without a reading are left out.
    pub samples: Vec<SensorSample>,
}

/// What one sensor said.
#[derive(Clone, Copy, Debug)]
pub struct SensorSample {
    /// Index into the table.
    pub index: usize,
    /// In the unit of the family; NaN when there is no value.
    pub value: f64,
    /// 0 nominal, 1 warning, 2 critical; NaN when it is not known.
    pub state: f64,
}

#[derive(Default)]
pub(super) struct Cache {
    table: Option<Table>,
    reply: Vec<u8>,
    round: usize,
}

struct Table {
    repository: Arc<LoadedRepository>,
    options: TableOptions,
    table: Arc<SensorTable>,
    /// By index into the table.
    habits: Vec<Habit>,
}

/// What was learned of a sensor.
#[derive(Clone, Copy, Default)]
struct Habit {
    absent: u8,
    busy: u8,
}

/// How one pass over the sensors went.
#[derive(Default)]
struct Tally {
    read: usize,
    silent: usize,
    refused: usize,
    last_refusal: Option<CompletionCode>,
}

impl Cache {
    /// The table for `module`, made anew when the records or the module's
    /// choices have changed.
    pub(super) fn table(
        &mut self,
        repository: &Arc<LoadedRepository>,
        module: &Module,
        telemetry: &Telemetry,
    ) -> Arc<SensorTable> {
        let options = TableOptions::of(module);
        if let Some(known) = &self.table
            && Arc::ptr_eq(&known.repository, repository)
            && known.options == options
        {
            return Arc::clone(&known.table);
        }
        let table = Arc::new(SensorTable::new(&repository.decoded(), &options));
        telemetry.duplicate_sensors(table.duplicates() as u64);
        self.table = Some(Table {
            repository: Arc::clone(repository),
            options,
            habits: vec![Habit::default(); table.entries().len()],
            table: Arc::clone(&table),
        });
        table
    }

    /// Sensors that were absent are asked again.
    pub(super) fn forget_absences(&mut self) {
        if let Some(known) = &mut self.table {
            known.habits.fill(Habit::default());
        }
    }

    /// Reads all sensors of `table`, handing each sample over as it comes.
    pub(super) async fn read(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        table: Arc<SensorTable>,
        module: &Module,
        non_critical: NonCritical,
    ) -> Result<(), CollectError> {
        let policy = if module
            .workarounds
            .contains(&Workaround::IgnoreScanningDisabled)
        {
            ReadingPolicy::IgnoreScanningDisabled
        } else {
            ReadingPolicy::Standard
        };
        self.round = self.round.wrapping_add(1);
        job.update(|results| {
            results.sensors = Some(SensorReadings {
                samples: Vec::with_capacity(table.entries().len()),
                table: Arc::clone(&table),
            });
        });
        let mut tally = Tally::default();
        let mut busy = Vec::new();
        for (index, sensor) in table.entries().iter().enumerate() {
            if self.is_skipped(index) {
                continue;
            }
            match self.ask(bmc, job, sensor, policy, &mut tally).await? {
                Some(Answer::Busy) => busy.push(index),
                Some(answer) => {
                    self.learn(index, &answer);
                    tally.note(job, index, sensor, &answer, non_critical);
                }
                None => {}
            }
        }
        for index in busy {
            self.read_busy(bmc, job, &table, index, policy, non_critical, &mut tally)
                .await?;
        }
        // Back into the order of the table, which the busy ones have left.
        job.update(|results| {
            if let Some(readings) = &mut results.sensors {
                readings.samples.sort_by_key(|sample| sample.index);
            }
        });
        tally.conclude()
    }

    /// A second chance for a sensor that was busy; then it counts as there, but
    /// without value and state.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of `read`, with its locals"
    )]
    async fn read_busy(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        table: &SensorTable,
        index: usize,
        policy: ReadingPolicy,
        non_critical: NonCritical,
        tally: &mut Tally,
    ) -> Result<(), CollectError> {
        let Some(sensor) = table.entries().get(index) else {
            return Ok(());
        };
        let mut answer = Some(Answer::Busy);
        if self
            .habit(index)
            .is_some_and(|habit| habit.busy < BUSY_AFTER)
        {
            answer = self.ask(bmc, job, sensor, policy, tally).await?;
        }
        if let Some(answer) = answer {
            self.learn(index, &answer);
            tally.note(job, index, sensor, &answer, non_critical);
        }
        Ok(())
    }

    /// Asks one sensor; `None` when the BMC lives but leaves this unanswered.
    async fn ask(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        sensor: &SensorEntry,
        policy: ReadingPolicy,
        tally: &mut Tally,
    ) -> Result<Option<Answer>, CollectError> {
        let deadline = job.deadline();
        if Instant::now() >= deadline {
            return Err(CollectError::Ipmi(Error::Deadline {
                stage: rmcp_ipmi::Stage::Request,
            }));
        }
        let key = (
            GetSensorReading::NET_FN,
            sensor.lun,
            GetSensorReading::COMMAND,
        );
        let result = bmc
            .call_bytes(key, &[sensor.number], deadline, &mut self.reply)
            .await;
        match result {
            Ok(code) => Ok(Some(Answer::judge(code.0, &self.reply, policy))),
            Err(error @ Error::Silent { .. }) => {
                tally.silent += 1;
                if !bmc.is_open() || tally.silent > MAX_SILENT {
                    return Err(error.into());
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn habit(&self, index: usize) -> Option<&Habit> {
        self.table.as_ref()?.habits.get(index)
    }

    /// Whether a sensor that was never there is left out this time.
    fn is_skipped(&self, index: usize) -> bool {
        // Spread, so that the probes do not fall on one collection.
        let is_turn = (self.round.wrapping_add(index)).is_multiple_of(PROBE_EVERY);
        !is_turn
            && self
                .habit(index)
                .is_some_and(|habit| habit.absent >= ABSENT_AFTER)
    }

    fn learn(&mut self, index: usize, answer: &Answer) {
        let Some(habit) = self
            .table
            .as_mut()
            .and_then(|known| known.habits.get_mut(index))
        else {
            return;
        };
        match answer {
            Answer::Absent(_) => habit.absent = habit.absent.saturating_add(1),
            Answer::Busy => habit.busy = habit.busy.saturating_add(1),
            _ => *habit = Habit::default(),
        }
    }
}

impl Tally {
    fn note(
        &mut self,
        job: &Collection,
        index: usize,
        sensor: &SensorEntry,
        answer: &Answer,
        non_critical: NonCritical,
    ) {
        let (value, state) = match answer {
            Answer::Reading(reading) => (
                sensor.value(reading),
                sensor.state(reading.states, non_critical),
            ),
            Answer::Busy => (f64::NAN, f64::NAN),
            Answer::Refused(code) => {
                self.refused += 1;
                self.last_refusal = Some(CompletionCode(*code));
                return;
            }
            // Not there: no series.
            _ => return,
        };
        self.read += 1;
        job.update(|results| {
            if let Some(readings) = &mut results.sensors {
                readings.samples.push(SensorSample {
                    index,
                    value,
                    state,
                });
            }
        });
    }

    /// One odd sensor does not spoil the others; but when nothing at all could
    /// be read, the collector has failed.
    fn conclude(&self) -> Result<(), CollectError> {
        match self.last_refusal {
            Some(code) if self.read == 0 => Err(CollectError::NoSensor(self.refused, code)),
            _ => Ok(()),
        }
    }
}
