//! A BMC's sensor data records: read once, kept in memory and on disk, read
//! again when the BMC says that they changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, DeviceId, GetSdr, GetSdrRepositoryInfo, ReserveSdr};
use rmcp_ipmi::sdr::repository::{Outcome, ReadSize, RepositoryInfo, Source, Step, Walk};
use rmcp_ipmi::sdr::{RawRecord, Record};
use rmcp_ipmi::wire::Lun;

use super::store::Store;
use super::{BACKGROUND_REQUEST, BUSY_WAIT, CollectError, Collection};
use crate::bmc::Bmc;
use crate::telemetry::Telemetry;

/// Records are read again at least this often: some BMCs change them without
/// moving any stamp.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Sensor data records and what they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedRepository {
    /// The BMC that they were read from.
    pub identity: DeviceId,
    /// What the repository said of itself, if it said anything.
    pub info: Option<RepositoryInfo>,
    /// The records, in their order.
    pub records: Vec<RawRecord>,
    /// The read size that worked, for the next time.
    pub read_size: ReadSize,
}

impl LoadedRepository {
    /// Decodes the records; those that do not parse are left out.
    pub fn decoded(&self) -> Vec<Record> {
        self.records
            .iter()
            .filter_map(|raw| Record::decode(&raw.bytes).ok())
            .collect()
    }

    /// Whether these records are still those of a BMC that is `identity` and
    /// whose repository says `info`.
    fn is_current(&self, identity: &DeviceId, info: Option<&RepositoryInfo>) -> bool {
        let same_stamps = match (&self.info, info) {
            (Some(then), Some(now)) => then.still_valid(now),
            (None, None) => true,
            _ => false,
        };
        self.identity == *identity && same_stamps
    }
}

pub(super) struct Cache {
    address: SocketAddr,
    store: Arc<Store>,
    telemetry: Arc<Telemetry>,
    loaded: Option<(Instant, Arc<LoadedRepository>)>,
    /// In which collection the BMC said last that the records still hold.
    checked_in: Option<Instant>,
    loading: Option<Loading>,
    looked_on_disk: bool,
    reply: Vec<u8>,
}

/// A walk that goes on from scrape to scrape until it is done.
struct Loading {
    walk: Walk,
    identity: DeviceId,
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
            looked_on_disk: false,
            reply: Vec::new(),
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        self.loading.is_some()
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
            self.loading = Some(Loading {
                walk: Walk::new(Source::Repository, read_size),
                identity,
            });
        }
        while let Some(loading) = &self.loading {
            let progress = loading.walk.progress();
            job.update(|results| results.loading = Some(progress));
            if Instant::now() >= job.deadline() {
                return Err(CollectError::RepositoryLoading {
                    records: loading.walk.progress().0,
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
        let info = match bmc.call(&GetSdrRepositoryInfo, job.deadline()).await {
            Ok(info) => Some(info),
            // Some BMCs have records but do not talk about them.
            Err(Error::Completion(_) | Error::Malformed(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if loaded.is_current(&identity, info.as_ref()) && read_at.elapsed() < MAX_AGE {
            self.telemetry.sdr_cache("memory");
            self.checked_in = Some(job.created());
            return Ok(Some(Arc::clone(loaded)));
        }
        Ok(None)
    }

    /// Does one request of a walk that a deadline has cut off.
    pub(super) async fn go_on(&mut self, bmc: &mut Bmc) {
        // Whatever goes wrong ends the walk; the next scrape starts another and
        // says why it fails.
        let _ = self.step(bmc).await;
    }

    async fn step(&mut self, bmc: &mut Bmc) -> Result<(), CollectError> {
        let result = self.try_step(bmc).await;
        if result.is_err() {
            self.loading = None;
        }
        result
    }

    async fn try_step(&mut self, bmc: &mut Bmc) -> Result<(), CollectError> {
        let Some(loading) = &mut self.loading else {
            return Ok(());
        };
        let (command, data) = match loading.walk.step() {
            Step::GetInfo => (GetSdrRepositoryInfo::COMMAND, Vec::new()),
            Step::Reserve => (ReserveSdr::COMMAND, Vec::new()),
            Step::GetSdr(request) => (GetSdr::COMMAND, request.encode().to_vec()),
            Step::Wait(_) => {
                tokio::time::sleep(BUSY_WAIT).await;
                loading.walk.feed(Outcome::Waited);
                return Ok(());
            }
            Step::Done => return self.finish().await,
        };
        let deadline = Instant::now() + BACKGROUND_REQUEST;
        let key = (GetSdr::NET_FN, Lun::BMC, command);
        match bmc.call_bytes(key, &data, deadline, &mut self.reply).await {
            Ok(code) if code.is_ok() => loading.walk.feed(Outcome::Data(&self.reply)),
            Ok(code) => loading.walk.feed(Outcome::Refused(code.0)),
            Err(Error::Silent { .. } | Error::Deadline { .. }) if bmc.is_open() => {
                loading.walk.feed(Outcome::Silence);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), CollectError> {
        let Some(loading) = self.loading.take() else {
            return Ok(());
        };
        let found = loading.walk.finish()?;
        if found.records.is_empty() {
            return Err(CollectError::NoRecords);
        }
        let loaded = Arc::new(LoadedRepository {
            identity: loading.identity,
            info: found.info,
            records: found.records,
            read_size: found.read_size,
        });
        self.telemetry.sdr_cache("bmc");
        self.loaded = Some((Instant::now(), Arc::clone(&loaded)));
        let store = Arc::clone(&self.store);
        let address = self.address;
        // A cache that cannot be written costs time, nothing else; the store
        // says so in the log.
        let _ = tokio::task::spawn_blocking(move || store.save(address, &loaded)).await;
        Ok(())
    }
}
