//! The collectors: what is asked of a BMC, and what is known afterwards.
//!
//! Those of the stock exporter give typed values, which [`crate::metrics`] turns
//! into its families word for word. The additional ones give [`Samples`].

mod additional;
mod asker;
mod bmc_info;
mod collection;
mod event_log;
mod exchange;
mod failure;
mod habit;
mod manufacturer;
mod reading_factors;
mod repository;
mod sample;
mod sel_events;
mod sensor_table;
mod sensors;
mod shared;
pub mod store;
mod thresholds;
mod watchdog;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::command::{
    ChassisStatus, DeviceId, GetChassisStatus, GetDeviceId, GetPowerReading, GetSelAllocationInfo,
    GetSelInfo, GetSupermicroLanMode, LanMode, PowerReading,
};
use rmcp_ipmi::sel::LogInfo;
use rmcp_ipmi::sensor::NonCritical;
use tracing::{debug, info, warn};

pub use additional::metric::METRICS;
pub use bmc_info::BmcInfo;
pub use collection::{Collection, Profile};
pub use failure::CollectError;
pub(crate) use manufacturer::manufacturer_text;
pub use repository::{LoadedRepository, SatelliteRecords};
pub use sample::{Kind, Metric, Sample, Samples};
pub use sel_events::SelEventCounts;
pub use sensor_table::{SensorFamily, SensorTable};
pub use sensors::{SensorReadings, SensorSample};
pub use thresholds::SensorThresholds;
pub use watchdog::Watchdog;

use store::Store;

use crate::bmc::Bmc;
use crate::config::{Collector, Module};
use crate::telemetry::Telemetry;

/// What the command line says about collecting.
#[derive(Clone, Copy, Debug)]
pub struct CollectOptions {
    /// What a crossed non-critical threshold counts as, where the module does
    /// not say.
    pub non_critical: NonCritical,
    /// Most sensors of one BMC that get series.
    pub max_sensors: usize,
}

impl CollectOptions {
    /// More sensors than the largest machines have: firmware that makes up names at
    /// each start must not fill the time series database.
    pub const DEFAULT_MAX_SENSORS: usize = 2000;
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            non_critical: NonCritical::default(),
            max_sensors: Self::DEFAULT_MAX_SENSORS,
        }
    }
}

/// All that one collection has found out so far.
#[derive(Clone, Default)]
pub struct Results {
    /// Which collectors have finished well.
    pub up: [bool; Collector::COUNT],
    /// Sensor readings; not all of them while the collector is not up.
    pub sensors: Option<SensorReadings>,
    /// Identity of the BMC.
    pub bmc: Option<Arc<BmcInfo>>,
    /// Watchdog timer.
    pub watchdog: Option<Watchdog>,
    /// Chassis status.
    pub chassis: Option<ChassisStatus>,
    /// Power of the machine, when the BMC measures it.
    pub power: Option<PowerReading>,
    /// Fill level of the event log.
    pub sel: Option<LogInfo>,
    /// Contents of the event log.
    pub sel_events: Option<Arc<SelEventCounts>>,
    /// Supermicro's choice of network interface.
    pub lan_mode: Option<LanMode>,
    /// What the additional collectors tell.
    pub additional: BTreeMap<Collector, Arc<Samples>>,
    /// Sensor records read so far, and how many there are, while they are read.
    pub loading: Option<(usize, Option<u16>)>,
    /// What went wrong last, in words for a person.
    pub failure: Option<String>,
}

impl Results {
    /// Whether `collector` has finished well.
    pub fn is_up(&self, collector: Collector) -> bool {
        self.up.get(collector as usize).copied().unwrap_or_default()
    }
}

/// What one BMC's collectors remember between collections.
pub struct Collectors {
    address: SocketAddr,
    options: CollectOptions,
    telemetry: Arc<Telemetry>,
    identity: Option<(u64, DeviceId)>,
    bmc_info: bmc_info::Cache,
    repository: repository::Cache,
    sensors: sensors::Cache,
    event_log: event_log::Cache,
    additional: additional::Cache,
    power_was_on: Option<bool>,
    /// Where the last collection was cut off: that one goes first next time.
    cut_at: Option<Collector>,
    failing: HashMap<Collector, &'static str>,
}

impl Collectors {
    /// The collectors of the BMC at `address`, knowing nothing yet.
    pub fn new(
        address: SocketAddr,
        options: CollectOptions,
        store: Arc<Store>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            address,
            options,
            sensors: sensors::Cache::new(Arc::clone(&store)),
            repository: repository::Cache::new(address, store, Arc::clone(&telemetry)),
            telemetry,
            identity: None,
            bmc_info: bmc_info::Cache::default(),
            event_log: event_log::Cache::default(),
            additional: additional::Cache::default(),
            power_was_on: None,
            cut_at: None,
            failing: HashMap::new(),
        }
    }

    /// Runs the module's collectors for as long as anybody waits.
    pub async fn run(&mut self, bmc: &mut Bmc, job: &Collection) {
        let module = Arc::clone(&job.profile.module);
        bmc.begin(&job.profile.settings).await;
        if let Some(reason) = module.driver.unsupported() {
            job.update(|results| results.failure = Some(reason.to_owned()));
            return;
        }
        let order = self.order(&module.collectors);
        self.cut_at = None;
        for (position, collector) in order.into_iter().enumerate() {
            if Instant::now() >= job.deadline() {
                self.cut_at.get_or_insert(collector);
                break;
            }
            let started = Instant::now();
            let mut result = self.collect(collector, bmc, job, &module).await;
            while is_cut_off(&result) && Instant::now() < job.deadline() {
                // Somebody with more time has joined meanwhile.
                result = self.collect(collector, bmc, job, &module).await;
            }
            debug!(
                target.address = %self.address,
                collector = collector.as_str(),
                duration = ?started.elapsed(),
                up = result.is_ok(),
                "Collected"
            );
            match &result {
                Ok(()) => job.update(|results| {
                    if let Some(up) = results.up.get_mut(collector as usize) {
                        *up = true;
                    }
                }),
                Err(error) => job.update(|results| {
                    results.failure = Some(format!("{}: {error}", collector.as_str()));
                }),
            }
            // One that a whole deadline was too short for lets the others go first.
            if result.is_err() && position > 0 && Instant::now() >= job.deadline() {
                self.cut_at = Some(collector);
            }
            self.report(collector, result.err(), bmc.is_open());
        }
    }

    /// Cheap collectors first, but the one that was cut off last time before them.
    fn order(&self, wanted: &[Collector]) -> Vec<Collector> {
        let mut order = wanted.to_vec();
        order.sort_by_key(|collector| collector.turn());
        if let Some(first) = self.cut_at
            && let Some(position) = order.iter().position(|collector| *collector == first)
        {
            order.rotate_left(position);
        }
        order
    }

    async fn collect(
        &mut self,
        collector: Collector,
        bmc: &mut Bmc,
        job: &Collection,
        module: &Module,
    ) -> Result<(), CollectError> {
        let deadline = job.deadline();
        match collector {
            Collector::Chassis => {
                let chassis = bmc.call(&GetChassisStatus, deadline).await?;
                self.note_power(chassis.is_power_on());
                job.update(|results| results.chassis = Some(chassis));
            }
            Collector::Dcmi => {
                let power = bmc.call(&GetPowerReading, deadline).await?;
                // What an idle meter says is no reading.
                job.update(|results| results.power = Some(power).filter(|power| power.is_active));
            }
            Collector::Bmc => {
                let identity = bmc.call(&GetDeviceId, deadline).await?;
                self.identity = Some((bmc.generation(), identity));
                let info = self.bmc_info.refresh(bmc, identity, deadline).await?;
                job.update(|results| results.bmc = Some(info));
            }
            Collector::BmcWatchdog => {
                let watchdog = watchdog::ask(bmc, module, deadline).await?;
                job.update(|results| results.watchdog = Some(watchdog));
            }
            Collector::SmLanMode => {
                let mode = bmc.call(&GetSupermicroLanMode, deadline).await?;
                job.update(|results| results.lan_mode = Some(mode));
            }
            Collector::Sel => {
                let info = bmc.call(&GetSelInfo, deadline).await?;
                if info.operations.allocation_info() {
                    // Nothing of it is exported, but a log that cannot tell its
                    // own layout is broken, and has always counted as down.
                    bmc.call(&GetSelAllocationInfo, deadline).await?;
                }
                job.update(|results| results.sel = Some(info));
            }
            Collector::Ipmi => self.collect_sensors(bmc, job, module).await?,
            Collector::SelEvents => {
                let log = self.event_log(bmc, job).await?;
                job.update(|results| results.sel_events = Some(log.counts));
            }
            _ => {
                let samples = self.collect_additional(collector, bmc, job, module).await?;
                job.update(|results| {
                    results.additional.insert(collector, Arc::new(samples));
                });
            }
        }
        Ok(())
    }

    async fn event_log(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
    ) -> Result<event_log::Log, CollectError> {
        let identity = self.identity(bmc, job.deadline()).await?;
        let repository = self.repository.get(bmc, job, identity).await?;
        self.event_log
            .refresh(bmc, job, &repository, &identity)
            .await
    }

    async fn collect_additional(
        &mut self,
        collector: Collector,
        bmc: &mut Bmc,
        job: &Collection,
        module: &Module,
    ) -> Result<Samples, CollectError> {
        let deadline = job.deadline();
        match collector {
            Collector::BmcDetails => {
                let (identity, samples) = additional::collect_bmc_details(bmc, deadline).await?;
                if let Some(identity) = identity {
                    self.identity = Some((bmc.generation(), identity));
                }
                return Ok(samples);
            }
            Collector::SelEntries => {
                return Ok(self.event_log(bmc, job).await?.entries.samples());
            }
            Collector::Thresholds => {
                let (table, found) = self.sensor_thresholds(bmc, job, module).await?;
                return Ok(additional::threshold_samples(&table, &found));
            }
            _ => {}
        }
        let identity = self.identity(bmc, deadline).await?;
        let repository = if additional::needs_records(collector) {
            Some(self.repository.get(bmc, job, identity).await?)
        } else {
            None
        };
        let known = additional::Known {
            identity,
            chassis: job.look(|results| results.chassis),
            power_was_on: self.power_was_on,
            records: repository.as_ref(),
            bridges: module.bridge_sensors,
        };
        self.additional
            .collect(collector, bmc, deadline, &known)
            .await
    }

    async fn collect_sensors(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        module: &Module,
    ) -> Result<(), CollectError> {
        let table = self.sensor_table(bmc, job, module).await?;
        let non_critical = module
            .noncritical
            .map_or(self.options.non_critical, Into::into);
        let judgement = sensors::Judgement::new(module, non_critical);
        self.sensors
            .read(bmc, job, table, judgement, &self.telemetry)
            .await
    }

    /// The sensors that `module` wants to see.
    async fn sensor_table(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        module: &Module,
    ) -> Result<Arc<SensorTable>, CollectError> {
        let identity = self.identity(bmc, job.deadline()).await?;
        let repository = if module.bridge_sensors {
            self.repository
                .get_with_satellites(bmc, job, identity)
                .await?
        } else {
            self.repository.get(bmc, job, identity).await?
        };
        let limit = self.options.max_sensors;
        Ok(self
            .sensors
            .table(&repository, module, limit, &self.telemetry))
    }

    /// The sensors that `module` wants to see and their thresholds: live ones as far
    /// as they were asked for, a few in each collection, hourly and after a change of
    /// state; else those of the records.
    ///
    /// # Errors
    /// When the BMC or its records cannot be asked at all.
    async fn sensor_thresholds(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        module: &Module,
    ) -> Result<(Arc<SensorTable>, Vec<SensorThresholds>), CollectError> {
        let table = self.sensor_table(bmc, job, module).await?;
        let thresholds = self.sensors.thresholds(bmc, job, &table).await?;
        Ok((table, thresholds))
    }

    /// Who the BMC is, asked once a session.
    async fn identity(
        &mut self,
        bmc: &mut Bmc,
        deadline: Instant,
    ) -> Result<DeviceId, CollectError> {
        match self.identity {
            Some((generation, identity)) if generation == bmc.generation() => Ok(identity),
            _ => {
                let identity = bmc.call(&GetDeviceId, deadline).await?;
                self.identity = Some((bmc.generation(), identity));
                Ok(identity)
            }
        }
    }

    /// A machine that was switched on or off has other sensors, and may have
    /// another BIOS.
    fn note_power(&mut self, is_on: bool) {
        if self.power_was_on.replace(is_on) != Some(is_on) {
            self.sensors.forget_absences();
            self.bmc_info.forget();
            self.additional.note_power_change();
        }
    }

    /// Whether something that outlives a scrape was begun and not finished.
    pub fn has_unfinished_business(&self) -> bool {
        self.bmc_info.is_unfinished()
            || self.repository.is_loading()
            || self.additional.is_unfinished()
    }

    /// Does a few requests of what was begun.
    pub async fn go_on(&mut self, bmc: &mut Bmc) {
        if self.bmc_info.is_unfinished() {
            let deadline = Instant::now() + BACKGROUND_REQUEST;
            self.bmc_info.go_on(bmc, deadline).await;
        } else if self.repository.is_loading() {
            self.repository.go_on(bmc).await;
        } else {
            self.additional.go_on(bmc).await;
        }
    }

    /// Says once when a collector begins to fail, and once when it works again.
    fn report(&mut self, collector: Collector, error: Option<CollectError>, has_session: bool) {
        let target = self.address;
        let name = collector.as_str();
        match error {
            None => {
                if self.failing.remove(&collector).is_some() {
                    info!(%target, name, "Collector works again");
                }
            }
            Some(error) => {
                let label = error.label();
                let is_known = self.failing.insert(collector, label) == Some(label);
                // Why there is no session has been said once, for all collectors.
                if is_known || !has_session {
                    debug!(%target, name, %error, "Collector failed");
                } else {
                    warn!(%target, name, %error, "Collector failed");
                }
            }
        }
    }
}

fn is_cut_off(result: &Result<(), CollectError>) -> bool {
    matches!(
        result,
        Err(CollectError::Ipmi(rmcp_ipmi::Error::Deadline { .. }))
    )
}

/// How long a piece of background work may take, one request of it.
const BACKGROUND_REQUEST: Duration = Duration::from_secs(30);
/// How long a store that is busy or being erased is left alone.
const BUSY_WAIT: Duration = Duration::from_millis(500);
