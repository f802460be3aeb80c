//! Collector `fru`: the inventory of all devices that the BMC gives out itself.
//!
//! Read once, kept, and read again when the firmware, the sensor records or the
//! power state change, or after a day. What does not fit before a deadline goes
//! on in the background.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, GetFruAreaInfo, ReadFru};
use rmcp_ipmi::fru::Fru;
use rmcp_ipmi::fru::walk::{FruRead, Outcome, ReadEnd, ReadSize, Step, Walk, WalkError};
use rmcp_ipmi::sdr::Record;
use rmcp_ipmi::wire::{BMC_ADDRESS, Hop, Lun, Route};

use super::Known;
use super::metric::{FRU_CHECKSUMS, FRU_COMPLETE, FRU_INFO, FRU_MADE};
use crate::bmc::Bmc;
use crate::collect::asker::Asker;
use crate::collect::exchange::exchange;
use crate::collect::sample::Samples;
use crate::collect::{BACKGROUND_REQUEST, BUSY_WAIT, CollectError, LoadedRepository};

/// How long an inventory is believed while nothing else has changed.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// Most devices that are read. Blade enclosures have some dozens.
const MAX_DEVICES: usize = 128;
/// What the BMC's own device is called where no record names it.
const BUILTIN: &str = "Builtin FRU Device";

#[derive(Default)]
pub(super) struct Cache {
    loaded: Option<Loaded>,
    loading: Option<Loading>,
    /// What works with this BMC.
    read_size: ReadSize,
    reply: Vec<u8>,
}

/// What an inventory belongs to: the records that say which devices there are,
/// and whether those behind satellites count.
#[derive(Clone)]
struct Source {
    records: Arc<LoadedRepository>,
    bridges: bool,
}

impl Source {
    /// Records are read again every day and are then other ones that say the
    /// same.
    fn is_same(&self, other: &Self) -> bool {
        self.bridges == other.bridges
            && (Arc::ptr_eq(&self.records, &other.records)
                || self.records.records == other.records.records)
    }
}

/// A whole inventory.
struct Loaded {
    since: Instant,
    source: Source,
    samples: Samples,
}

/// Reading device after device, from scrape to scrape until it is done.
struct Loading {
    source: Source,
    devices: Vec<Device>,
    /// Which device is being read.
    index: usize,
    walk: Walk,
    read: usize,
    last_failure: Option<WalkError>,
    samples: Samples,
}

/// Where an inventory is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    route: Route,
    lun: Lun,
    id: u8,
    name: String,
}

impl Cache {
    /// Everything is read again.
    pub(super) fn forget(&mut self) {
        self.loaded = None;
        self.loading = None;
    }

    pub(super) fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    pub(super) async fn collect(
        &mut self,
        asker: &mut Asker<'_>,
        known: &Known<'_>,
    ) -> Result<Samples, CollectError> {
        let source = Source {
            records: Arc::clone(known.records.ok_or(CollectError::NoRecords)?),
            bridges: known.bridges,
        };
        if self
            .loaded
            .as_ref()
            .is_some_and(|loaded| !loaded.source.is_same(&source))
        {
            self.loaded = None;
        }
        if self
            .loading
            .as_ref()
            .is_some_and(|loading| !loading.source.is_same(&source))
        {
            self.loading = None;
        }
        let is_fresh = self
            .loaded
            .as_ref()
            .is_some_and(|loaded| loaded.since.elapsed() < MAX_AGE);
        if !is_fresh && self.loading.is_none() {
            self.loading = Some(Loading::new(source, self.read_size));
        }
        while let Some(loading) = &self.loading {
            if Instant::now() >= asker.deadline {
                let devices = loading.index;
                // One that has only grown old is still good.
                return match &self.loaded {
                    Some(loaded) => Ok(loaded.samples.clone()),
                    None => Err(CollectError::InventoryLoading { devices }),
                };
            }
            self.step(asker.bmc).await?;
        }
        match &self.loaded {
            Some(loaded) => Ok(loaded.samples.clone()),
            None => Err(CollectError::NoRecords),
        }
    }

    /// Does one request of what a deadline has cut off.
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
        let Some(device) = loading.devices.get(loading.index) else {
            return self.finish();
        };
        let mut data = Vec::with_capacity(4);
        let command = match loading.walk.step() {
            Step::GetAreaInfo => {
                GetFruAreaInfo(device.id).encode(&mut data);
                GetFruAreaInfo::COMMAND
            }
            Step::Read(piece) => {
                let device = device.id;
                ReadFru { device, piece }.encode(&mut data);
                ReadFru::COMMAND
            }
            Step::Wait => {
                tokio::time::sleep(BUSY_WAIT).await;
                loading.walk.feed(Outcome::Waited);
                return Ok(());
            }
            Step::Done => {
                self.read_size = loading.next_device();
                return Ok(());
            }
        };
        let deadline = Instant::now() + BACKGROUND_REQUEST;
        let key = (ReadFru::NET_FN, device.lun, command);
        let reply = &mut self.reply;
        match exchange(bmc, device.route, key, &data, deadline, reply).await {
            Ok(outcome) => loading.walk.feed(outcome),
            Err(Error::Deadline { .. }) => loading.walk.feed(Outcome::Silence),
            // A satellite that is not there takes nothing else along.
            Err(_) if device.route.is_bridged() && bmc.is_open() => {
                self.read_size = loading.next_device();
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CollectError> {
        let Some(loading) = self.loading.take() else {
            return Ok(());
        };
        match loading.last_failure {
            Some(last) if loading.read == 0 => Err(CollectError::NoInventory {
                devices: loading.devices.len(),
                last,
            }),
            _ => {
                self.loaded = Some(Loaded {
                    since: Instant::now(),
                    source: loading.source,
                    samples: loading.samples,
                });
                Ok(())
            }
        }
    }
}

impl Loading {
    fn new(source: Source, read_size: ReadSize) -> Self {
        Self {
            devices: devices(&source.records.decoded(), source.bridges),
            source,
            index: 0,
            walk: Walk::new(read_size),
            read: 0,
            last_failure: None,
            samples: Samples::default(),
        }
    }

    /// Keeps what was read of one device and goes on to the next; gives the read
    /// size that worked.
    fn next_device(&mut self) -> ReadSize {
        let read_size = self.walk.read_size();
        let walk = std::mem::replace(&mut self.walk, Walk::new(read_size));
        match walk.finish() {
            Ok(found) => {
                self.read += 1;
                if let Some(device) = self.devices.get(self.index) {
                    put(&mut self.samples, device, &found);
                }
            }
            // Not there, or not readable: no series.
            Err(failure) => self.last_failure = Some(failure),
        }
        self.index += 1;
        read_size
    }
}

/// The devices that can be asked for: number 0 of the BMC, which every BMC should
/// have, and those of the records; those of satellites where they are wanted.
fn devices(records: &[Record], bridges: bool) -> Vec<Device> {
    let mut devices = vec![Device {
        route: Route::Bmc,
        lun: Lun::BMC,
        id: 0,
        name: BUILTIN.to_owned(),
    }];
    for record in records {
        let Record::Fru(locator) = record else {
            continue;
        };
        let route = match locator.address {
            BMC_ADDRESS => Route::Bmc,
            address => Route::Satellite(Hop {
                channel: locator.channel,
                address,
            }),
        };
        // One that is not logical is a bare memory on a bus that is none of our
        // business.
        if !locator.logical || (route.is_bridged() && !bridges) {
            continue;
        }
        let device = Device {
            route,
            lun: Lun::from_low_bits(locator.lun_and_bus >> 3),
            id: locator.device,
            name: locator.name.to_string(),
        };
        let is_full = devices.len() >= MAX_DEVICES;
        let known = devices.iter_mut().find(|known| known.is_same_as(&device));
        match known {
            Some(known) if known.name == BUILTIN => *known = device,
            Some(_) => {}
            None if is_full => {}
            None => devices.push(device),
        }
    }
    devices
}

impl Device {
    fn is_same_as(&self, other: &Self) -> bool {
        (self.route, self.lun, self.id) == (other.route, other.lun, other.id)
    }

    /// Value of the label `fru`: the number, with its LUN in front where that is
    /// another, and with address and channel of a satellite in front of all.
    fn label(&self) -> String {
        let number = match self.lun {
            Lun::BMC => self.id.to_string(),
            lun => format!("{}.{}", lun.value(), self.id),
        };
        match self.route {
            Route::Satellite(hop) => format!("{:#04x}.{}.{number}", hop.address, hop.channel),
            _ => number,
        }
    }
}

/// Adds what one device says of itself.
fn put(samples: &mut Samples, device: &Device, found: &FruRead) {
    // An image that is none: a device that was never written.
    let Ok(fru) = Fru::decode(&found.bytes) else {
        return;
    };
    let identity = || vec![("fru", device.label()), ("name", device.name.clone())];
    samples.put_flag(&FRU_CHECKSUMS, identity(), fru.checksums_match());
    let is_complete = found.end == ReadEnd::Complete;
    samples.put_flag(&FRU_COMPLETE, identity(), is_complete);
    let made = fru.board().and_then(|board| board.made_at.unix_seconds());
    if let Some(seconds) = made.and_then(|seconds| u32::try_from(seconds).ok()) {
        samples.put_with(&FRU_MADE, identity(), f64::from(seconds));
    }
    let labels = fru.labels();
    if labels.are_empty() {
        return;
    }
    let mut all = identity();
    all.extend([
        ("asset_tag", labels.asset_tag),
        ("board_manufacturer", labels.board_manufacturer),
        ("board_part_number", labels.board_part_number),
        ("board_product", labels.board_name),
        ("board_serial", labels.board_serial),
        ("chassis_part_number", labels.chassis_part_number),
        ("chassis_serial", labels.chassis_serial),
        ("product_manufacturer", labels.product_manufacturer),
        ("product_name", labels.product_name),
        ("product_part_number", labels.product_part_number),
        ("product_serial", labels.product_serial),
        ("product_version", labels.product_version),
    ]);
    samples.put_with(&FRU_INFO, all, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A FRU device locator record: controller, device, access byte.
    fn locator(address: u8, device: u8, access: u8, name: &str) -> Record {
        let mut record = vec![1, 0, 0x51, 0x11, 0];
        record.extend([address, device, access, 0, 0, 0x10, 0, 0x0a, 1, 0]);
        record.push(0xc0 | u8::try_from(name.len()).unwrap());
        record.extend_from_slice(name.as_bytes());
        record[4] = u8::try_from(record.len() - 5).unwrap();
        Record::decode(&record).unwrap()
    }

    const RECORDS: [(u8, u8, u8, &str); 6] = [
        (0x20, 1, 0x80, "PS1"),
        (0x20, 1, 0x80, "PS1 again"),
        (0x20, 0, 0x80, "Board"),
        (0x20, 1, 0x88, "LUN 1"),
        (0x2c, 2, 0x80, "satellite"),
        (0x20, 0xa0, 0x00, "bare EEPROM"),
    ];

    fn found(bridges: bool) -> Vec<(String, String)> {
        let records =
            RECORDS.map(|(address, device, access, name)| locator(address, device, access, name));
        devices(&records, bridges)
            .iter()
            .map(|device| (device.label(), device.name.clone()))
            .collect()
    }

    fn pair(label: &str, name: &str) -> (String, String) {
        (label.to_owned(), name.to_owned())
    }

    #[test]
    fn each_device_is_read_once_and_satellites_only_when_wanted() {
        let own = [pair("0", "Board"), pair("1", "PS1"), pair("1.1", "LUN 1")];
        assert_eq!(found(false), own);
        let satellite = pair("0x2c.0.2", "satellite");
        assert_eq!(found(true), [&own[..], &[satellite]].concat());
    }

    #[test]
    fn no_repository_makes_more_devices_than_are_read() {
        let records: Vec<Record> = (0..=255)
            .map(|device| locator(0x20, device, 0x80, "x"))
            .collect();
        assert_eq!(devices(&records, true).len(), MAX_DEVICES);
    }
}
