//! Reading the records of one BMC: its repository, where that does not have them
//! the BMC's Device SDRs, and those of satellites.

use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{
    Command, DeviceId, GetDeviceSdr, GetDeviceSdrInfo, GetSdr, GetSdrRepositoryInfo,
    ReserveDeviceSdr, ReserveSdr,
};
use rmcp_ipmi::sdr::repository::{
    DeviceSdrInfo, DeviceWalk, ReadSize, RepositoryInfo, Source, Step, Walk, WalkError,
};
use rmcp_ipmi::sdr::{OwnerId, RawRecord, Record};
use rmcp_ipmi::walk::Outcome;
use rmcp_ipmi::wire::{CommandKey, Lun, NetFn, Route};

use super::{LoadedRepository, SatelliteRecords};
use crate::bmc::Bmc;
use crate::collect::exchange::exchange;
use crate::collect::{BACKGROUND_REQUEST, BUSY_WAIT, CollectError};

/// A walk that goes on from scrape to scrape until it is done.
pub(super) struct Loading {
    pub(super) identity: DeviceId,
    stage: Stage,
}

enum Stage {
    Repository(Walk),
    /// The BMC's own Device SDRs, and what the repository had.
    Device(DeviceWalk, Partial),
}

/// What the repository had.
struct Partial {
    info: Option<RepositoryInfo>,
    records: Vec<RawRecord>,
    read_size: ReadSize,
    /// Why there is nothing of it.
    error: Option<WalkError>,
}

/// The walk over a satellite's Device SDRs.
pub(super) struct LoadingSatellite {
    pub(super) route: Route,
    walk: DeviceWalk,
}

impl Loading {
    pub(super) fn new(identity: DeviceId, read_size: ReadSize) -> Self {
        Self {
            identity,
            stage: Stage::Repository(Walk::new(Source::Repository, read_size)),
        }
    }

    /// Records read so far, and how many there are.
    pub(super) fn progress(&self) -> (usize, Option<u16>) {
        match &self.stage {
            Stage::Repository(walk) => walk.progress(),
            Stage::Device(walk, partial) => (partial.records.len() + walk.record_count(), None),
        }
    }

    /// Does one request. Gives what was found, at the end.
    pub(super) async fn step(
        &mut self,
        bmc: &mut Bmc,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LoadedRepository>, CollectError> {
        match &mut self.stage {
            Stage::Repository(walk) => {
                let step = walk.step();
                if step == Step::Done {
                    return self.repository_read();
                }
                let outcome = step_outcome(bmc, Route::Bmc, step, repository_key, reply).await?;
                walk.feed(outcome);
            }
            Stage::Device(walk, _) => {
                let step = walk.step();
                if step == Step::Done {
                    return self.device_read().map(Some);
                }
                let key = device_key(walk.lun());
                let outcome = step_outcome(bmc, Route::Bmc, step, key, reply).await?;
                walk.feed(outcome);
            }
        }
        Ok(None)
    }

    /// The end of the walk over the repository. A repository without any of the
    /// BMC's own sensors is not the only place to look for them.
    fn repository_read(&mut self) -> Result<Option<LoadedRepository>, CollectError> {
        let fresh = Walk::new(Source::Repository, ReadSize::Whole);
        let Stage::Repository(walk) = std::mem::replace(&mut self.stage, Stage::Repository(fresh))
        else {
            return Ok(None);
        };
        let partial = match walk.finish() {
            Ok(found) => Partial {
                info: found.info,
                records: found.records,
                read_size: found.read_size,
                error: None,
            },
            // Whoever does not answer, does not answer other questions either.
            Err(error @ (WalkError::Silent | WalkError::Busy)) => return Err(error.into()),
            Err(error) => Partial {
                info: None,
                records: Vec::new(),
                read_size: ReadSize::Whole,
                error: Some(error),
            },
        };
        if self.identity.may_have_device_sdrs() && !has_own_sensor(&partial.records) {
            let walk = DeviceWalk::new(partial.read_size);
            self.stage = Stage::Device(walk, partial);
            return Ok(None);
        }
        partial.into_loaded(self.identity, None, None).map(Some)
    }

    fn device_read(&mut self) -> Result<LoadedRepository, CollectError> {
        let fresh = Walk::new(Source::Repository, ReadSize::Whole);
        let Stage::Device(walk, mut partial) =
            std::mem::replace(&mut self.stage, Stage::Repository(fresh))
        else {
            return Err(CollectError::NoRecords);
        };
        // Those who have none refuse, which is no failure of the repository.
        let (info, read_size) = match walk.finish() {
            Ok(found) => {
                partial.records.extend(found.records);
                (found.info, Some(found.read_size))
            }
            Err(_) => (None, None),
        };
        partial.into_loaded(self.identity, info, read_size)
    }
}

impl Partial {
    fn into_loaded(
        self,
        identity: DeviceId,
        device_info: Option<DeviceSdrInfo>,
        device_read_size: Option<ReadSize>,
    ) -> Result<LoadedRepository, CollectError> {
        if self.records.is_empty() {
            return Err(self
                .error
                .map_or(CollectError::NoRecords, CollectError::from));
        }
        Ok(LoadedRepository {
            identity,
            info: self.info,
            device_info,
            records: self.records.into(),
            read_size: device_read_size.unwrap_or(self.read_size),
            satellites: Vec::new(),
        })
    }
}

impl LoadingSatellite {
    pub(super) fn new(route: Route) -> Self {
        Self {
            route,
            walk: DeviceWalk::new(ReadSize::BRIDGED),
        }
    }

    /// Does one request. Gives what was found, at the end; a satellite without
    /// Device SDRs has found none.
    pub(super) async fn step(
        &mut self,
        bmc: &mut Bmc,
        reply: &mut Vec<u8>,
    ) -> Result<Option<SatelliteRecords>, CollectError> {
        let step = self.walk.step();
        if step != Step::Done {
            let key = device_key(self.walk.lun());
            let outcome = step_outcome(bmc, self.route, step, key, reply).await?;
            self.walk.feed(outcome);
            return Ok(None);
        }
        let walk = std::mem::replace(&mut self.walk, DeviceWalk::new(ReadSize::BRIDGED));
        let found = match walk.finish() {
            Ok(found) => found,
            Err(WalkError::Silent) => return Err(WalkError::Silent.into()),
            Err(_) => {
                return Ok(Some(SatelliteRecords {
                    route: self.route,
                    info: None,
                    records: Vec::new(),
                }));
            }
        };
        Ok(Some(SatelliteRecords {
            route: self.route,
            info: found.info,
            records: found.records,
        }))
    }
}

/// Does one step of a walk.
async fn step_outcome<'r>(
    bmc: &mut Bmc,
    route: Route,
    step: Step,
    key: impl Fn(Step) -> CommandKey,
    reply: &'r mut Vec<u8>,
) -> Result<Outcome<'r>, CollectError> {
    let data = match step {
        Step::GetSdr(request) => request.encode().to_vec(),
        Step::Wait(_) | Step::Done => {
            tokio::time::sleep(BUSY_WAIT).await;
            return Ok(Outcome::Waited);
        }
        Step::GetInfo | Step::Reserve => Vec::new(),
    };
    let deadline = Instant::now() + BACKGROUND_REQUEST;
    match exchange(bmc, route, key(step), &data, deadline, reply).await {
        // So long a deadline is silence.
        Err(Error::Deadline { .. }) if bmc.is_open() => Ok(Outcome::Silence),
        Err(error) => Err(error.into()),
        Ok(outcome) => Ok(outcome),
    }
}

fn repository_key(step: Step) -> CommandKey {
    let command = match step {
        Step::GetInfo => GetSdrRepositoryInfo::COMMAND,
        Step::Reserve => ReserveSdr::COMMAND,
        _ => GetSdr::COMMAND,
    };
    (NetFn::STORAGE, Lun::BMC, command)
}

fn device_key(lun: Lun) -> impl Fn(Step) -> CommandKey {
    move |step| {
        let command = match step {
            Step::GetInfo => GetDeviceSdrInfo::COMMAND,
            Step::Reserve => ReserveDeviceSdr::COMMAND,
            _ => GetDeviceSdr::COMMAND,
        };
        (NetFn::SENSOR_EVENT, lun, command)
    }
}

fn has_own_sensor(records: &[RawRecord]) -> bool {
    records.iter().any(|raw| {
        matches!(Record::decode(&raw.bytes),
            Ok(Record::Sensor(sensor)) if sensor.key.owner == OwnerId::BMC)
    })
}

/// Controllers that the BMC's records speak of, that have sensors, and whose sensors
/// those records leave out.
pub(super) fn unlisted_satellites(records: &[RawRecord]) -> Vec<Route> {
    let decoded: Vec<Record> = records
        .iter()
        .filter_map(|raw| Record::decode(&raw.bytes).ok())
        .collect();
    let is_listed = |address: u8| {
        decoded
            .iter()
            .filter_map(Record::as_sensor)
            .any(|sensor| sensor.key.owner.0 == address)
    };
    let mut routes: Vec<Route> = decoded
        .iter()
        .filter_map(|record| match record {
            Record::Controller(locator) => Some(locator),
            _ => None,
        })
        .filter(|locator| locator.has_sensors() && !OwnerId(locator.address).is_software())
        .filter(|locator| locator.route().is_bridged() && !is_listed(locator.address))
        .map(rmcp_ipmi::sdr::ControllerLocator::route)
        .collect();
    routes.sort_unstable();
    routes.dedup();
    routes
}
