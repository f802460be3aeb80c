//! Writes a BMC down: everything that `bmc_sim` needs to stand in for it.
//!
//! Only reads: the commands are the table in `reads`, the walks over records,
//! log and inventory, and sensor readings. What the BMC says is kept as it was
//! said; what says whose machine it is is [taken out](personal) before anything
//! is written.

mod ask;
mod facts;
pub mod personal;
mod reads;
mod sensors;
mod summary;
mod walks;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use bmc_recording::{Controller, Machine, NO_LICENCE, Provenance, Recording, Satellite};
use rmcp_ipmi::Error;
use rmcp_ipmi::command::oem::{NodeManagerAddress, manufacturer};
use rmcp_ipmi::command::{Command, DeviceId, GetDeviceId};
use rmcp_ipmi::fru::Fru;
use rmcp_ipmi::sdr::{OwnerId, Record};
use rmcp_ipmi::wire::{BMC_ADDRESS, Route};

pub use summary::Summary;

use crate::bmc::Bmc;
use crate::collect::manufacturer_text;
use crate::config::Collector;
use ask::{Asker, Request};

/// Provides device SDRs: bit 7 of the revision in Get Device ID.
const HAS_DEVICE_SDRS: u8 = 0x80;

/// What is to be recorded, and how.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// How often each sensor is read.
    pub samples: u32,
    /// Collectors whose questions are to be answered, too.
    pub collectors: Vec<Collector>,
    /// Leave in what says whose machine it is.
    pub keep_personal: bool,
    /// SPDX identifier of the licence of the recording.
    pub licence: Option<String>,
    /// Today, as `2026-01-31`.
    pub date: String,
    /// When to give up.
    pub deadline: Instant,
}

/// Why there is no recording.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The BMC cannot be asked (any more).
    #[error(transparent)]
    Bmc(Error),
    /// It took too long.
    #[error("the time limit was reached; --timeout allows more")]
    TimeLimit,
    /// It has nothing to tell.
    #[error("the BMC refuses everything that was asked")]
    NothingThere,
}

/// Something that could be read only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What.
    pub what: &'static str,
    /// Why.
    pub cause: String,
}

impl Gap {
    fn new(what: &'static str, cause: impl Into<String>) -> Self {
        Self {
            what,
            cause: cause.into(),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

/// Reads everything from `bmc`. `progress` is told what is being read, how much
/// of it has been read, and how much there is.
///
/// # Errors
/// When the BMC cannot be asked, or not to the end: half a machine is none.
pub async fn record(
    bmc: &mut Bmc,
    options: &RecordOptions,
    progress: &mut (dyn FnMut(&str, usize, Option<usize>) + Send),
) -> Result<(Recording, Summary), RecordError> {
    let mut asker = Asker::new(bmc, options.deadline, progress);
    let mut gaps = Vec::new();
    let mut absent = Vec::new();
    asker.progress("identity", 0, None);
    let mut recording = Recording::default();
    // The first answer is late by the log-in: another one is timed.
    identity(&mut asker, &mut Controller::default()).await?;
    asker.forget();
    let identity = identity(&mut asker, &mut recording.bmc).await?;
    recording.sessionless = facts::sessionless(&mut asker).await?;
    let answers = facts::answers(
        &mut asker,
        identity.map(|identity| identity.manufacturer),
        options,
    )
    .await?;
    recording.bmc.answers.extend(answers);

    recording.bmc.repository = walks::repository(&mut asker, &mut gaps).await?;
    if identity.is_some_and(|identity| identity.device_revision & HAS_DEVICE_SDRS != 0) {
        recording.bmc.device_sdrs = walks::device_sdrs(&mut asker, &mut gaps).await?;
    }
    let records = decoded(&recording.bmc);
    let own = sensors::of_controller(&records, BMC_ADDRESS);
    recording.bmc.sensors = sensors::read(&mut asker, &own, options.samples).await?;
    recording.bmc.log = walks::log(&mut asker, &mut gaps).await?;
    let ids = walks::fru_ids(&records, BMC_ADDRESS);
    for (index, id) in ids.iter().enumerate() {
        asker.progress("inventory", index, Some(ids.len()));
        let fru = walks::inventory(&mut asker, *id, &mut gaps).await?;
        recording.bmc.frus.extend(fru);
    }
    let node_manager = node_manager(identity.as_ref(), &records);
    let behind = satellites(&records).into_iter().chain(node_manager);
    for (channel, address) in behind.collect::<BTreeSet<_>>() {
        let mut controller = satellite(
            &mut asker,
            channel,
            address,
            &records,
            options.samples,
            &mut gaps,
        )
        .await?;
        if controller.is_none() {
            absent.push((channel, address));
        } else if node_manager == Some((channel, address)) {
            asker.go_to(Route::to(channel, address));
            let answers = facts::node_manager(&mut asker).await?;
            asker.go_to(Route::Bmc);
            if let Some(controller) = &mut controller {
                controller.answers.extend(answers);
            }
        }
        recording
            .satellites
            .extend(controller.map(|controller| Satellite {
                channel,
                address,
                controller,
            }));
    }
    let summary = Summary::new(&asker, gaps, absent);
    recording.timing = asker.timing();
    drop(asker);
    let said_anything = recording.bmc.answers.iter().any(|row| row.data().is_some());
    if !said_anything && recording.bmc.device_id.is_none() && records.is_empty() {
        return Err(RecordError::NothingThere);
    }
    recording.machine = machine(identity.as_ref(), &recording.bmc);
    recording.provenance = Provenance {
        source: "recorded over the network with ipmi_exporter record".to_owned(),
        revision: None,
        date: Some(options.date.clone()),
        licence: options
            .licence
            .clone()
            .unwrap_or_else(|| NO_LICENCE.to_owned()),
        program: Some(format!("ipmi_exporter {}", env!("CARGO_PKG_VERSION"))),
        recorded: vec!["Everything, byte for byte as the BMC gave it.".to_owned()],
        assembled: Vec::new(),
        removed: Vec::new(),
    };
    Ok((recording, summary))
}

/// Get Device ID, as data where it was answered.
async fn identity(
    asker: &mut Asker<'_>,
    controller: &mut Controller,
) -> Result<Option<DeviceId>, RecordError> {
    let request = Request::new(GetDeviceId::NET_FN, GetDeviceId::COMMAND, &[]);
    let answer = asker.ask(request).await?;
    let decoded = answer.data().and_then(|data| GetDeviceId.decode(data).ok());
    if decoded.is_some() {
        controller.device_id = Some(answer.response);
    } else {
        controller.answers.push(bmc_recording::Exchange {
            name: Some("Get Device ID".to_owned()),
            ..bmc_recording::Exchange::new(GetDeviceId::NET_FN.0, GetDeviceId::COMMAND, &[], answer)
        });
    }
    Ok(decoded)
}

/// All records of a controller that can be decoded.
fn decoded(controller: &Controller) -> Vec<Record> {
    let repository = controller.repository.iter().flat_map(|sdr| &sdr.records);
    let own = controller.device_sdrs.iter().flat_map(|sdrs| &sdrs.records);
    repository
        .chain(own)
        .filter_map(|record| Record::decode(&record.bytes).ok())
        .collect()
}

/// Controllers that own sensors, or say in a locator that they have some.
fn satellites(records: &[Record]) -> BTreeSet<(u8, u8)> {
    let owners = records.iter().filter_map(|record| match record {
        Record::Sensor(sensor) => Some((sensor.key.channel, sensor.key.owner)),
        Record::Controller(locator) => Some((locator.channel, OwnerId(locator.address))),
        _ => None,
    });
    owners
        .filter(|(_, owner)| owner.0 != BMC_ADDRESS && !owner.is_software())
        .map(|(channel, owner)| (channel, owner.0))
        .collect()
}

/// Channel and address of the management engine: where a record announces it, or
/// where it is on Intel's own boards.
fn node_manager(identity: Option<&DeviceId>, records: &[Record]) -> Option<(u8, u8)> {
    let is_intels = identity.is_some_and(|identity| identity.manufacturer == manufacturer::INTEL);
    let usual = is_intels.then_some(NodeManagerAddress::USUAL);
    let place = NodeManagerAddress::announced_in(records).or(usual)?;
    Some((place.channel, place.address))
}

/// What a controller behind the BMC says; `None` when it is not there.
async fn satellite(
    asker: &mut Asker<'_>,
    channel: u8,
    address: u8,
    records: &[Record],
    samples: u32,
    gaps: &mut Vec<Gap>,
) -> Result<Option<Controller>, RecordError> {
    asker.go_to(Route::to(channel, address));
    asker.progress("satellite controllers", 0, None);
    let mut controller = Controller::default();
    let identity = identity(asker, &mut controller).await?;
    let result = match identity {
        Some(identity) => {
            if identity.device_revision & HAS_DEVICE_SDRS != 0 {
                controller.device_sdrs = walks::device_sdrs(asker, gaps).await?;
            }
            let mut known = decoded(&controller);
            known.extend_from_slice(records);
            let own = sensors::of_controller(&known, address);
            controller.sensors = sensors::read(asker, &own, samples).await?;
            Some(controller)
        }
        None => None,
    };
    asker.go_to(Route::Bmc);
    Ok(result)
}

/// What people call the machine, as far as it says so.
fn machine(identity: Option<&DeviceId>, bmc: &Controller) -> Machine {
    let product = bmc.frus.iter().find_map(|fru| {
        let labels = Fru::decode(&fru.image).ok()?.labels();
        let names = [labels.product_name, labels.board_name];
        names.into_iter().find(|name| !name.is_empty())
    });
    Machine {
        vendor: identity
            .map(|identity| manufacturer_text(identity.manufacturer))
            .unwrap_or_default(),
        model: product.unwrap_or_default().to_string(),
        firmware: identity
            .map(DeviceId::firmware_revision)
            .unwrap_or_default(),
    }
}
