//! A BMC's sensor data records: read once, kept in memory and on disk, read
//! again when the BMC says that they changed.

mod loading;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{DeviceId, GetDeviceSdrInfo, GetSdrRepositoryInfo};
use rmcp_ipmi::sdr::repository::{DeviceSdrInfo, ReadSize, RepositoryInfo};
use rmcp_ipmi::sdr::{RawRecord, Record};
use rmcp_ipmi::wire::{Lun, Route};
use tracing::debug;

use super::store::Store;
use super::{CollectError, Collection};
use crate::bmc::Bmc;
use crate::telemetry::Telemetry;
use loading::{Loading, LoadingSatellite, unlisted_satellites};

/// Records are read again at least this often: some BMCs change them without
/// moving any stamp.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// Records of satellites, which are asked less willingly, at most this often.
const SATELLITE_CHECK: Duration = Duration::from_secs(3600);
/// Satellites of one BMC whose records are read; an IPMB has no room for more.
const MAX_SATELLITES: usize = 64;

/// Sensor data records and what they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedRepository {
    /// The BMC that they were read from.
    pub identity: DeviceId,
    /// What the repository said of itself, if it said anything.
    pub info: Option<RepositoryInfo>,
    /// What the BMC said of its Device SDRs, where these had to be read.
    pub device_info: Option<DeviceSdrInfo>,
    /// The BMC's records, in their order; one copy for all BMCs that have the same.
    pub records: Arc<[RawRecord]>,
    /// The read size that worked, for the next time.
    pub read_size: ReadSize,
    /// What satellites keep that the BMC does not.
    pub satellites: Vec<SatelliteRecords>,
}

/// The Device SDRs of a satellite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SatelliteRecords {
    /// The way to it.
    pub route: Route,
    /// What it said of them, if it said anything.
    pub info: Option<DeviceSdrInfo>,
    /// The records; none when it keeps none.
    pub records: Vec<RawRecord>,
}

impl LoadedRepository {
    /// Decodes the records; those that do not parse are left out.
    pub fn decoded(&self) -> Vec<Record> {
        let (_, records) = self.decoded_by_keeper();
        records
    }

    /// Decodes the records, and says of each who keeps it.
    pub fn decoded_by_keeper(&self) -> (Vec<Route>, Vec<Record>) {
        let own = (Route::Bmc, &*self.records);
        let satellites = self
            .satellites
            .iter()
            .map(|satellite| (satellite.route, satellite.records.as_slice()));
        std::iter::once(own)
            .chain(satellites)
            .flat_map(|(route, records)| records.iter().map(move |raw| (route, raw)))
            .filter_map(|(route, raw)| Some((route, Record::decode(&raw.bytes).ok()?)))
            .unzip()
    }

    /// Whether these records are still those of a BMC that is `identity` and
    /// that says `now`.
    fn is_current(&self, identity: &DeviceId, now: &Stamps) -> bool {
        let same_stamps = match now {
            Stamps::Repository(now) => match (&self.info, now) {
                (Some(then), Some(now)) => then.still_valid(now),
                (None, None) => true,
                _ => false,
            },
            Stamps::Device(now) => match (&self.device_info, now) {
                (Some(then), Some(now)) => then.still_valid(now),
                _ => true,
            },
            Stamps::Fixed => true,
        };
        self.identity == *identity && same_stamps
    }
}

/// What tells whether records still hold.
enum Stamps {
    Repository(Option<RepositoryInfo>),
    Device(Option<DeviceSdrInfo>),
    /// Device SDRs of sensors that never come nor go.
    Fixed,
}

pub(super) struct Cache {
    address: SocketAddr,
    store: Arc<Store>,
    telemetry: Arc<Telemetry>,
    loaded: Option<(Instant, Arc<LoadedRepository>)>,
    /// In which collection the BMC said last that the records still hold.
    checked_in: Option<Instant>,
    loading: Option<Loading>,
    satellite: Option<LoadingSatellite>,
    /// Satellites of the loaded records, and when they were asked last.
    satellites_asked: Vec<(Route, Instant)>,
    looked_on_disk: bool,
    reply: Vec<u8>,
}

impl Cache {
    pub(super) fn new(address: SocketAddr, store: Arc<Store>, telemetry: Arc<Telemetry>) -> Self {
        Self {
            address,
            store,
            telemetry,
            loaded: None,
            checked_in: None,
            loading: None,
            satellite: None,
            satellites_asked: Vec::new(),
            looked_on_disk: false,
            reply: Vec::new(),
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        self.loading.is_some() || self.satellite.is_some()
    }

    /// The records, as good as they can be had before the job's deadline.
    pub(super) async fn get(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        identity: DeviceId,
    ) -> Result<Arc<LoadedRepository>, CollectError> {
        if self
            .loading
            .as_ref()
            .is_none_or(|loading| loading.identity != identity)
        {
            self.loading = None;
            if let Some(current) = self.current(bmc, job, identity).await? {
                return Ok(current);
            }
            let read_size = self
                .loaded
                .as_ref()
                .map_or_else(ReadSize::default, |(_, loaded)| loaded.read_size);
            self.loading = Some(Loading::new(identity, read_size));
        }
        while let Some(loading) = &self.loading {
            let progress = loading.progress();
            job.update(|results| results.loading = Some(progress));
            if Instant::now() >= job.deadline() {
                return Err(CollectError::RepositoryLoading {
                    records: progress.0,
                });
            }
            self.step(bmc).await?;
        }
        job.update(|results| results.loading = None);
        self.checked_in = Some(job.created());
        self.loaded
            .as_ref()
            .map(|(_, loaded)| Arc::clone(loaded))
            .ok_or(CollectError::NoRecords)
    }

    /// As [`Self::get`], with what satellites keep and the BMC does not, as far as it
    /// can be had in half of the time that is left; the rest goes on in the
    /// background. A satellite that does not answer takes nothing else along.
    pub(super) async fn get_with_satellites(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        identity: DeviceId,
    ) -> Result<Arc<LoadedRepository>, CollectError> {
        let mut loaded = self.get(bmc, job, identity).await?;
        let now = Instant::now();
        let until = now + job.deadline().saturating_duration_since(now) / 2;
        while self.begin_satellite(&loaded) && Instant::now() < until {
            self.step_satellite(bmc).await;
            if let Some((_, now)) = &self.loaded {
                loaded = Arc::clone(now);
            }
        }
        Ok(loaded)
    }

    /// Whether the records of a satellite are being read; begins with the next one
    /// that is due.
    fn begin_satellite(&mut self, loaded: &LoadedRepository) -> bool {
        if self.satellite.is_none() {
            let next = unlisted_satellites(&loaded.records)
                .into_iter()
                .take(MAX_SATELLITES)
                .find(|route| self.is_due(loaded, *route));
            self.satellite = next.map(LoadingSatellite::new);
        }
        self.satellite.is_some()
    }

    /// Whether a satellite is to be asked for its records.
    fn is_due(&self, loaded: &LoadedRepository, route: Route) -> bool {
        let mut asked = self.satellites_asked.iter();
        let asked = asked.find(|(asked, _)| *asked == route);
        let mut known = loaded.satellites.iter();
        let known = known.find(|satellite| satellite.route == route);
        // Fixed populations are asked again together with the BMC's records.
        let is_fixed = known
            .and_then(|known| known.info)
            .is_some_and(|info| !info.is_dynamic());
        match asked {
            Some((_, at)) => !is_fixed && at.elapsed() >= SATELLITE_CHECK,
            // Those from disk are good for now.
            None => known.is_none() || !is_fixed,
        }
    }

    async fn step_satellite(&mut self, bmc: &mut Bmc) {
        let Some(satellite) = &mut self.satellite else {
            return;
        };
        let route = satellite.route;
        let found = match satellite.step(bmc, &mut self.reply).await {
            Ok(None) => return,
            Ok(Some(found)) => Some(found),
            Err(error) => {
                debug!(target = %self.address, ?route, %error, "A satellite's records cannot be read");
                None
            }
        };
        self.satellite = None;
        self.satellites_asked.retain(|(asked, _)| *asked != route);
        self.satellites_asked.push((route, Instant::now()));
        let (Some(found), Some((read_at, loaded))) = (found, &self.loaded) else {
            return;
        };
        if loaded.satellites.contains(&found) {
            return;
        }
        let mut with = LoadedRepository::clone(loaded);
        with.satellites.retain(|satellite| satellite.route != route);
        with.satellites.push(found);
        let with = Arc::new(with);
        self.loaded = Some((*read_at, Arc::clone(&with)));
        self.save(with).await;
    }

    /// The records in memory or on disk, if the BMC says that they still hold.
    async fn current(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        identity: DeviceId,
    ) -> Result<Option<Arc<LoadedRepository>>, CollectError> {
        if self.loaded.is_none() && !self.looked_on_disk {
            self.looked_on_disk = true;
            let store = Arc::clone(&self.store);
            let address = self.address;
            let found = tokio::task::spawn_blocking(move || store.load(address)).await;
            if let Ok(Some(repository)) = found {
                self.loaded = Some((Instant::now(), Arc::new(repository)));
                self.telemetry.sdr_cache("disk");
            }
        }
        let Some((read_at, loaded)) = &self.loaded else {
            return Ok(None);
        };
        if self.checked_in == Some(job.created()) {
            return Ok(Some(Arc::clone(loaded)));
        }
        let stamps = stamps(bmc, job, loaded).await?;
        if loaded.is_current(&identity, &stamps) && read_at.elapsed() < MAX_AGE {
            self.telemetry.sdr_cache("memory");
            self.checked_in = Some(job.created());
            return Ok(Some(Arc::clone(loaded)));
        }
        Ok(None)
    }

    /// Does one request of a walk that a deadline has cut off.
    pub(super) async fn go_on(&mut self, bmc: &mut Bmc) {
        if self.loading.is_some() {
            // Whatever goes wrong ends the walk; the next scrape starts another and
            // says why it fails.
            let _ = self.step(bmc).await;
        } else {
            self.step_satellite(bmc).await;
        }
    }

    async fn step(&mut self, bmc: &mut Bmc) -> Result<(), CollectError> {
        let Some(loading) = &mut self.loading else {
            return Ok(());
        };
        match loading.step(bmc, &mut self.reply).await {
            Ok(None) => Ok(()),
            Ok(Some(found)) => {
                self.loading = None;
                self.finish(found).await;
                Ok(())
            }
            Err(error) => {
                self.loading = None;
                Err(error)
            }
        }
    }

    async fn finish(&mut self, found: LoadedRepository) {
        let loaded = Arc::new(self.store.share(found));
        self.telemetry.sdr_cache("bmc");
        self.loaded = Some((Instant::now(), Arc::clone(&loaded)));
        self.satellite = None;
        self.satellites_asked.clear();
        self.save(loaded).await;
    }

    async fn save(&self, loaded: Arc<LoadedRepository>) {
        let store = Arc::clone(&self.store);
        let address = self.address;
        // A cache that cannot be written costs time, nothing else; the store
        // says so in the log.
        let _ = tokio::task::spawn_blocking(move || store.save(address, &loaded)).await;
    }
}

/// Asks for what tells whether `loaded` still holds: at most one request.
async fn stamps(
    bmc: &mut Bmc,
    job: &Collection,
    loaded: &LoadedRepository,
) -> Result<Stamps, CollectError> {
    let deadline = job.deadline();
    match (loaded.device_info, &loaded.info) {
        // The sensors are there, whatever the repository says.
        (Some(info), _) if info.is_dynamic() => {
            told(bmc.call(&GetDeviceSdrInfo(Lun::BMC), deadline).await).map(Stamps::Device)
        }
        (Some(_), None) => Ok(Stamps::Fixed),
        _ => told(bmc.call(&GetSdrRepositoryInfo, deadline).await).map(Stamps::Repository),
    }
}

/// Some BMCs have records but do not talk about them.
fn told<T>(result: Result<T, Error>) -> Result<Option<T>, CollectError> {
    match result {
        Ok(info) => Ok(Some(info)),
        Err(Error::Completion(_) | Error::Malformed(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
