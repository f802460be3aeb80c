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

use rmcp_ipmi::command::{ChassisStatus, DeviceId, UtcOffset};

use super::asker::{Asker, Kept, Refusals};
use super::sample::Samples;
use super::{CollectError, LoadedRepository};
use crate::bmc::Bmc;
use crate::config::Collector;

/// What the additional collectors remember between collections. All of it
/// belongs to one BMC with one firmware.
#[derive(Default)]
pub(super) struct Cache {
    identity: Option<DeviceId>,
    refusals: Refusals,
    utc_offset: Kept<Option<UtcOffset>>,
    chassis_capabilities: Kept<Samples>,
    dcmi_capabilities: Kept<Samples>,
    dcmi_temperatures: dcmi_temperatures::Cache,
    guid: Kept<Samples>,
    lan: Kept<Samples>,
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
        self.refusals.forget();
        self.fru.forget();
        self.sm_power_supplies = sm_power_supplies::Cache::default();
    }

    /// Whether a deadline has cut something off that goes on between scrapes.
    pub(super) fn is_unfinished(&self) -> bool {
        self.fru.is_loading()
    }

    /// Does one request of it.
    pub(super) async fn go_on(&mut self, bmc: &mut Bmc) {
        self.fru.go_on(bmc).await;
    }

    /// Runs one collector.
    pub(super) async fn collect(
        &mut self,
        collector: Collector,
        bmc: &mut Bmc,
        deadline: Instant,
        known: &Known<'_>,
    ) -> Result<Samples, CollectError> {
        if self.identity.replace(known.identity) != Some(known.identity) {
            *self = Self {
                identity: Some(known.identity),
                ..Self::default()
            };
        }
        let mut asker = Asker {
            bmc,
            refusals: &mut self.refusals,
            identity: known.identity,
            deadline,
        };
        let asker = &mut asker;
        match collector {
            Collector::BmcClock => bmc_clock::collect(asker, &mut self.utc_offset).await,
            Collector::SelfTest => self_test::collect(asker).await,
            Collector::Guid => guid::collect(asker, &mut self.guid).await,
            Collector::ChassisDetails => {
                chassis_details::collect(asker, known.chassis, &mut self.chassis_capabilities).await
            }
            Collector::PowerOnHours => power_on_hours::collect(asker).await,
            Collector::DcmiStatistics => {
                dcmi_statistics::collect(asker, known.power_was_on, &mut self.dcmi_capabilities)
                    .await
            }
            Collector::DcmiTemperatures => {
                dcmi_temperatures::collect(asker, &mut self.dcmi_temperatures).await
            }
            Collector::Lan => lan::collect(asker, &mut self.lan).await,
            Collector::Fru => self.fru.collect(asker, known).await,
            Collector::DellPower => dell_power::collect(asker).await,
            Collector::LenovoEnergy => lenovo_energy::collect(asker, &mut self.lenovo_energy).await,
            Collector::LenovoFpcPower => lenovo_fpc_power::collect(asker).await,
            Collector::IntelNodeManager => intel_node_manager::collect(asker, known).await,
            Collector::SmPowerSupplies => {
                sm_power_supplies::collect(asker, &mut self.sm_power_supplies).await
            }
            _ => Ok(Samples::default()),
        }
    }
}
