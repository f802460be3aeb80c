//! The collectors that the stock exporter does not have. None of them runs
//! unless a module names it.
//!
//! Each is a file with a function that asks and gives [`Samples`]; their metrics
//! are one table in [`metric`].

mod bmc_clock;
mod bmc_details;
mod chassis_details;
mod dcmi_statistics;
mod dcmi_temperatures;
mod dell_power;
mod fru;
mod guid;
mod intel_node_manager;
mod lan;
mod lenovo_energy;
mod lenovo_fpc_power;
pub(super) mod metric;
mod power_on_hours;
pub(super) mod sel_entries;
mod self_test;
mod sm_power_supplies;
mod thresholds;

pub(super) use bmc_details::collect as collect_bmc_details;
pub(super) use thresholds::samples as threshold_samples;

use std::sync::Arc;
use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{ChassisStatus, DeviceId, GetSystemGuid, Guid, UtcOffset};

use super::asker::{Asker, Kept, Refusals};
use super::sample::Samples;
use super::{CollectError, LoadedRepository};
use crate::bmc::Bmc;
use crate::config::Collector;

/// What the additional collectors remember between collections.
#[derive(Default)]
pub(super) struct Cache {
    machine: Option<Machine>,
    kept: KeptOfMachine,
}

/// Whose descriptions are kept. An address may be given to another machine of
/// the same kind, which only its GUID tells apart.
#[derive(Clone, Copy)]
struct Machine {
    identity: DeviceId,
    /// In which session it was looked at.
    generation: u64,
    /// `None` when it has none.
    guid: Option<Guid>,
    /// It does not even answer the question, which costs seconds.
    is_silent: bool,
}

impl Machine {
    fn is_same_as(&self, earlier: &Self) -> bool {
        self.identity == earlier.identity
            && (self.generation == earlier.generation
                || (self.guid.is_some() && self.guid == earlier.guid))
    }
}

/// What belongs to one machine with one firmware.
#[derive(Default)]
struct KeptOfMachine {
    refusals: Refusals,
    utc_offset: Kept<Option<UtcOffset>>,
    chassis_capabilities: Kept<Samples>,
    dcmi_capabilities: Kept<Samples>,
    dcmi_temperatures: dcmi_temperatures::Cache,
    lan: lan::Cache,
    lenovo_energy: lenovo_energy::Cache,
    sm_power_supplies: sm_power_supplies::Cache,
    fru: fru::Cache,
}

/// What a collector may need that was read by others.
pub(super) struct Known<'a> {
    /// Who the BMC is.
    pub(super) identity: DeviceId,
    /// Chassis status of the same collection.
    pub(super) chassis: Option<ChassisStatus>,
    /// Whether the machine was on when it was last looked at.
    pub(super) power_was_on: Option<bool>,
    /// Sensor records, for collectors that [need them](needs_records).
    pub(super) records: Option<&'a Arc<LoadedRepository>>,
    /// Whether the module wants to hear of satellite controllers.
    pub(super) bridges: bool,
}

/// Whether the collector cannot work without the sensor records.
pub(super) fn needs_records(collector: Collector) -> bool {
    matches!(collector, Collector::Fru | Collector::IntelNodeManager)
}

impl Cache {
    /// A machine that was switched on or off may have other parts, and other
    /// commands that work.
    pub(super) fn note_power_change(&mut self) {
        self.kept.refusals.forget();
        self.kept.fru.forget();
        self.kept.sm_power_supplies = sm_power_supplies::Cache::default();
    }

    /// Whether a deadline has cut something off that goes on between scrapes.
    pub(super) fn is_unfinished(&self) -> bool {
        self.kept.fru.is_loading()
    }

    /// Does one request of it.
    pub(super) async fn go_on(&mut self, bmc: &mut Bmc) {
        self.kept.fru.go_on(bmc).await;
    }

    /// Asks once a session whether this is still the same machine, and forgets
    /// everything about another one.
    async fn look_who_it_is(
        &mut self,
        bmc: &mut Bmc,
        deadline: Instant,
        identity: DeviceId,
    ) -> Result<(), CollectError> {
        let earlier = self.machine;
        let is_known = earlier.is_some_and(|earlier| {
            earlier.identity == identity && earlier.generation == bmc.generation()
        });
        if is_known {
            return Ok(());
        }
        let was_silent =
            earlier.is_some_and(|earlier| earlier.identity == identity && earlier.is_silent);
        let (guid, is_silent) = if was_silent {
            (None, true)
        } else {
            match bmc.call(&GetSystemGuid, deadline).await {
                Ok(guid) => (Some(guid).filter(|guid| !guid.is_unset()), false),
                Err(Error::Completion(_) | Error::Malformed(_)) => (None, false),
                Err(Error::Silent { .. }) if bmc.is_open() => (None, true),
                Err(error) => return Err(error.into()),
            }
        };
        let machine = Machine {
            identity,
            generation: bmc.generation(),
            guid,
            is_silent,
        };
        if !earlier.is_some_and(|earlier| machine.is_same_as(&earlier)) {
            self.kept = KeptOfMachine::default();
        }
        self.machine = Some(machine);
        Ok(())
    }

    /// Runs one collector.
    pub(super) async fn collect(
        &mut self,
        collector: Collector,
        bmc: &mut Bmc,
        deadline: Instant,
        known: &Known<'_>,
    ) -> Result<Samples, CollectError> {
        self.look_who_it_is(bmc, deadline, known.identity).await?;
        let kept = &mut self.kept;
        let mut asker = Asker {
            bmc,
            refusals: &mut kept.refusals,
            identity: known.identity,
            deadline,
        };
        let asker = &mut asker;
        match collector {
            Collector::BmcClock => bmc_clock::collect(asker, &mut kept.utc_offset).await,
            Collector::SelfTest => self_test::collect(asker).await,
            Collector::Guid => guid::collect(asker).await,
            Collector::ChassisDetails => {
                chassis_details::collect(asker, known.chassis, &mut kept.chassis_capabilities).await
            }
            Collector::PowerOnHours => power_on_hours::collect(asker).await,
            Collector::DcmiStatistics => {
                dcmi_statistics::collect(asker, known.power_was_on, &mut kept.dcmi_capabilities)
                    .await
            }
            Collector::DcmiTemperatures => {
                dcmi_temperatures::collect(asker, &mut kept.dcmi_temperatures).await
            }
            Collector::Lan => lan::collect(asker, &mut kept.lan).await,
            Collector::Fru => kept.fru.collect(asker, known).await,
            Collector::DellPower => dell_power::collect(asker).await,
            Collector::LenovoEnergy => lenovo_energy::collect(asker, &mut kept.lenovo_energy).await,
            Collector::LenovoFpcPower => lenovo_fpc_power::collect(asker).await,
            Collector::IntelNodeManager => intel_node_manager::collect(asker, known).await,
            Collector::SmPowerSupplies => {
                sm_power_supplies::collect(asker, &mut kept.sm_power_supplies).await
            }
            _ => Ok(Samples::default()),
        }
    }
}
