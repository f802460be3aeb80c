//! Collector `ipmi`: one request for each sensor that can have a reading.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, GetSensorReading};
use rmcp_ipmi::sensor::{Answer, Comparison, NonCritical, Reading, ReadingPolicy, StateBits};
use rmcp_ipmi::wire::{CompletionCode, Route};

use super::habit::Habits;
use super::reading_factors::Factors;
use super::sensor_table::{SensorEntry, SensorTable, TableOptions};
use super::store::Store;
use super::thresholds::{self, SensorThresholds};
use super::{CollectError, Collection, LoadedRepository};
use crate::bmc::Bmc;
use crate::config::{Module, ThresholdStates, Workaround};
use crate::telemetry::Telemetry;

/// Sensors that the BMC never answers, in one collection, before the rest is
/// given up: each costs many seconds.
const MAX_SILENT: usize = 2;

/// How much time of one collection controllers may cost that do not answer. Then
/// only those are asked that do; the next collection goes on with the others.
const MAX_LOST: Duration = Duration::from_secs(1);

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

impl SensorReadings {
    /// Sensors are not asked in the order in which they are written.
    fn insert(&mut self, sample: SensorSample) {
        let at = self
            .samples
            .partition_point(|known| known.index < sample.index);
        self.samples.insert(at, sample);
    }
}

/// How to judge readings: what the module and the command line say.
#[derive(Clone, Copy)]
pub(super) struct Judgement {
    policy: ReadingPolicy,
    non_critical: NonCritical,
    states: ThresholdStates,
}

impl Judgement {
    pub(super) fn new(module: &Module, non_critical: NonCritical) -> Self {
        let ignores_scanning = module
            .workarounds
            .contains(&Workaround::IgnoreScanningDisabled);
        Self {
            policy: if ignores_scanning {
                ReadingPolicy::IgnoreScanningDisabled
            } else {
                ReadingPolicy::Standard
            },
            non_critical,
            states: module.threshold_states,
        }
    }
}

pub(super) struct Cache {
    store: Arc<Store>,
    table: Option<Table>,
    factors: Factors,
    thresholds: thresholds::Cache,
    reply: Vec<u8>,
}

struct Table {
    repository: Arc<LoadedRepository>,
    options: TableOptions,
    table: Arc<SensorTable>,
    habits: Habits,
}

/// How one pass over the sensors went.
#[derive(Default)]
struct Tally {
    read: usize,
    silent: usize,
    /// Controllers behind the BMC that did not answer, and what that has cost.
    lost_routes: Vec<Route>,
    lost: Duration,
    refused: usize,
    disagreeing: u64,
    last_refusal: Option<CompletionCode>,
}

impl Cache {
    /// Knowing nothing yet; tables are shared with all who use `store`.
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            table: None,
            factors: Factors::default(),
            thresholds: thresholds::Cache::default(),
            reply: Vec::new(),
        }
    }

    /// The table for `module`, made anew when the records or the module's
    /// choices have changed.
    pub(super) fn table(
        &mut self,
        repository: &Arc<LoadedRepository>,
        module: &Module,
        limit: usize,
        telemetry: &Telemetry,
    ) -> Arc<SensorTable> {
        let options = TableOptions::of(module, limit);
        if let Some(known) = &self.table
            && Arc::ptr_eq(&known.repository, repository)
            && known.options == options
        {
            return Arc::clone(&known.table);
        }
        let is_same_bmc = self
            .table
            .as_ref()
            .is_some_and(|known| known.repository.identity == repository.identity);
        if !is_same_bmc {
            self.factors.clear();
            self.thresholds.clear();
        }
        let make = || {
            let (keepers, records) = repository.decoded_by_keeper();
            SensorTable::new(&keepers, &records, &options)
        };
        let table = if repository.satellites.is_empty() {
            let shared = self.store.shared();
            shared.table(&repository.records, &options, make)
        } else {
            Arc::new(make())
        };
        telemetry.duplicate_sensors(table.duplicates() as u64);
        telemetry.sensors_over_limit(table.over_limit() as u64);
        self.table = Some(Table {
            repository: Arc::clone(repository),
            options,
            habits: Habits::new(table.entries().len()),
            table: Arc::clone(&table),
        });
        table
    }

    /// Sensors that were absent are asked again.
    pub(super) fn forget_absences(&mut self) {
        if let Some(known) = &mut self.table {
            known.habits.forget_absences();
        }
    }

    /// The thresholds of the sensors of `table`, after some of them were asked for
    /// anew: a few in each collection, as nobody shall wait for them.
    ///
    /// # Errors
    /// When the BMC cannot be asked at all.
    pub(super) async fn thresholds(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        table: &SensorTable,
    ) -> Result<Vec<SensorThresholds>, CollectError> {
        self.thresholds.refresh(bmc, job, table).await?;
        Ok(self.thresholds.all(table))
    }

    /// Reads all sensors of `table`, handing each sample over as it comes.
    pub(super) async fn read(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        table: Arc<SensorTable>,
        judgement: Judgement,
        telemetry: &Telemetry,
    ) -> Result<(), CollectError> {
        job.update(|results| {
            results.sensors = Some(SensorReadings {
                samples: Vec::with_capacity(table.entries().len()),
                table: Arc::clone(&table),
            });
        });
        let mut tally = Tally::default();
        let result = self.ask_all(bmc, job, &table, judgement, &mut tally).await;
        telemetry.threshold_disagreements(tally.disagreeing);
        result?;
        if judgement.states == ThresholdStates::Computed {
            // For the next collection: this one has its states.
            self.thresholds.refresh(bmc, job, &table).await?;
        }
        tally.conclude()
    }

    async fn ask_all(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        table: &SensorTable,
        judgement: Judgement,
        tally: &mut Tally,
    ) -> Result<(), CollectError> {
        let turn = match &mut self.table {
            Some(known) => known.habits.turn(table.entries()),
            None => Vec::new(),
        };
        let mut busy = Vec::new();
        for index in turn {
            let Some(sensor) = table.entries().get(index) else {
                continue;
            };
            match self.ask(bmc, job, index, sensor, judgement, tally).await? {
                Some(Answer::Busy) if self.has_second_chance(index) => busy.push((index, sensor)),
                Some(answer) => {
                    self.take(bmc, job, (index, sensor), &answer, judgement, tally)
                        .await?;
                }
                None => {}
            }
        }
        // A second chance for those that were busy; then they count as there, but
        // without value and state.
        for (index, sensor) in busy {
            if let Some(answer) = self.ask(bmc, job, index, sensor, judgement, tally).await? {
                self.take(bmc, job, (index, sensor), &answer, judgement, tally)
                    .await?;
            }
        }
        Ok(())
    }

    fn has_second_chance(&self, index: usize) -> bool {
        self.table
            .as_ref()
            .is_some_and(|known| known.habits.has_second_chance(index))
    }

    /// Asks one sensor; `None` when it is left unanswered, but the BMC lives.
    async fn ask(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        index: usize,
        sensor: &SensorEntry,
        judgement: Judgement,
        tally: &mut Tally,
    ) -> Result<Option<Answer>, CollectError> {
        let deadline = job.deadline();
        let started = Instant::now();
        if started >= deadline {
            return Err(CollectError::Ipmi(Error::Deadline {
                stage: rmcp_ipmi::Stage::Request,
            }));
        }
        let route = sensor.place.route;
        let is_hopeless =
            tally.lost_routes.contains(&route) || (tally.lost >= MAX_LOST && !bmc.answers(route));
        if is_hopeless {
            return Ok(None);
        }
        let key = (
            GetSensorReading::NET_FN,
            sensor.place.lun,
            GetSensorReading::COMMAND,
        );
        let data = [sensor.place.number.0];
        let result = bmc
            .call_bytes_at(route, key, &data, deadline, &mut self.reply)
            .await;
        match result {
            Ok(code) => {
                let answer = Answer::judge(code.0, &self.reply, judgement.policy);
                match answer {
                    Answer::Busy => {}
                    // How long absence takes to be told matters, nothing else.
                    Answer::Absent(_) => {
                        self.learn(index, sensor, Some(&answer), started.elapsed());
                    }
                    _ => self.learn(index, sensor, Some(&answer), Duration::ZERO),
                }
                Ok(Some(answer))
            }
            // Its satellite is not there; that is kept account of elsewhere.
            Err(Error::Relay(_) | Error::SatelliteSilent { .. }) => {
                tally.lost_routes.push(route);
                tally.lost += started.elapsed();
                Ok(None)
            }
            Err(error @ Error::Silent { .. }) => {
                tally.silent += 1;
                if bmc.is_open() {
                    self.learn(index, sensor, None, started.elapsed());
                }
                if !bmc.is_open() || tally.silent > MAX_SILENT {
                    return Err(error.into());
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn learn(
        &mut self,
        index: usize,
        sensor: &SensorEntry,
        answer: Option<&Answer>,
        took: Duration,
    ) {
        if let Some(known) = &mut self.table {
            known.habits.learn(index, sensor, answer, took);
        }
    }

    /// Turns an answer into a sample.
    async fn take(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        (index, sensor): (usize, &SensorEntry),
        answer: &Answer,
        judgement: Judgement,
        tally: &mut Tally,
    ) -> Result<(), CollectError> {
        let (value, state) = match answer {
            Answer::Reading(reading) => {
                self.note(sensor, reading);
                let states = self.states(sensor, reading, judgement.states, tally);
                let value = self.value(bmc, job, sensor, reading).await?;
                (value, sensor.state(states, judgement.non_critical))
            }
            Answer::Busy => {
                self.learn(index, sensor, Some(answer), Duration::ZERO);
                (f64::NAN, f64::NAN)
            }
            Answer::Refused(code) => {
                tally.refused += 1;
                tally.last_refusal = Some(CompletionCode(*code));
                return Ok(());
            }
            // Not there: no series.
            _ => return Ok(()),
        };
        tally.read += 1;
        job.update(|results| {
            if let Some(readings) = &mut results.sensors {
                readings.insert(SensorSample {
                    index,
                    value,
                    state,
                });
            }
        });
        Ok(())
    }

    /// Takes note of what a reading says about other questions.
    fn note(&mut self, sensor: &SensorEntry, reading: &Reading) {
        self.thresholds.note_states(sensor, reading.states);
        if sensor.tells_presence()
            && let Some(known) = &mut self.table
        {
            let entries = known.table.entries();
            known
                .habits
                .note_presence(entries, sensor.entity, reading.states);
        }
    }

    /// The states to judge by. Bits that the reading contradicts are counted in
    /// either case, unless the thresholds may have been changed since the record.
    fn states(
        &self,
        sensor: &SensorEntry,
        reading: &Reading,
        wanted: ThresholdStates,
        tally: &mut Tally,
    ) -> StateBits {
        let compared = sensor
            .thresholds
            .zip(self.thresholds.known(sensor))
            .filter(|(record, known)| known.is_live || !record.settable)
            .and_then(|(record, known)| {
                Comparison::new(
                    reading.raw,
                    reading.states,
                    sensor.conversion?.format,
                    &known.raw,
                    known.mask & record.compared,
                    record.hysteresis,
                )
            });
        match compared {
            Some(comparison) if comparison.disagrees => {
                tally.disagreeing += 1;
                match wanted {
                    ThresholdStates::Reported => reading.states,
                    ThresholdStates::Computed => StateBits::new(comparison.bits.into()),
                }
            }
            _ => reading.states,
        }
    }

    async fn value(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        sensor: &SensorEntry,
        reading: &Reading,
    ) -> Result<f64, CollectError> {
        if !sensor.is_non_linear() {
            return Ok(sensor.value(reading));
        }
        let factors = self
            .factors
            .get(bmc, sensor.place, reading.raw, job.deadline())
            .await?;
        Ok(factors.map_or(f64::NAN, |factors| sensor.value_with(reading, &factors)))
    }
}

impl Tally {
    /// One odd sensor does not spoil the others; but when nothing at all could
    /// be read, the collector has failed.
    fn conclude(&self) -> Result<(), CollectError> {
        match self.last_refusal {
            Some(code) if self.read == 0 => Err(CollectError::NoSensor(self.refused, code)),
            _ => Ok(()),
        }
    }
}
