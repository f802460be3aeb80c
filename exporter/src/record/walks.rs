//! The stores of a BMC, read whole: sensor records, event log, inventory.

use std::collections::BTreeSet;

use bmc_recording::{DeviceSdrs, EventLog, Fru, LogEntry, Repository, SdrRecord, Unreadable};
use rmcp_ipmi::command::{
    Command, GetFruAreaInfo, GetSdr, GetSdrRepositoryInfo, GetSelEntry, GetSelInfo, ReadFru,
    ReserveSdr,
};
use rmcp_ipmi::fru;
use rmcp_ipmi::fru::walk::Access;
use rmcp_ipmi::sdr::repository::{self as sdr, ChainEnd, Outcome, ReadSize, Source};
use rmcp_ipmi::sdr::{RawRecord, Record};
use rmcp_ipmi::sel;
use rmcp_ipmi::sel::walk::LogEnd;
use rmcp_ipmi::wire::{Lun, NetFn};

use super::ask::{Asker, Request, outcome};
use super::{Gap, RecordError};

/// Device SDRs are read with the sensor commands (IPMI 2.0 section 35.2 to 35.4).
const GET_DEVICE_SDR_INFO: u8 = 0x20;
const GET_DEVICE_SDR: u8 = 0x21;
const RESERVE_DEVICE_SDR: u8 = 0x22;
/// "Count the records" in a request for information.
const COUNT_RECORDS: u8 = 0x01;
/// Bytes that a FRU device has at least.
const FRU_SIZE_BYTES: usize = 2;

/// Reads the SDR repository; `None` when there is none.
pub(super) async fn repository(
    asker: &mut Asker<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Option<Repository>, RecordError> {
    let info = Request::new(NetFn::STORAGE, GetSdrRepositoryInfo::COMMAND, &[]);
    let info = asker.ask(info).await?;
    let commands = Commands {
        net_fn: NetFn::STORAGE,
        lun: Lun::BMC,
        reserve: ReserveSdr::COMMAND,
        get: GetSdr::COMMAND,
    };
    let read = records(asker, commands, "sensor data records", gaps).await?;
    if read.records.is_empty() && info.data().is_none() {
        return Ok(None);
    }
    Ok(Some(Repository {
        info: info.data().map(<[u8]>::to_vec),
        largest_read: read.largest_read,
        records: read.records,
    }))
}

/// Reads the Device SDRs of all LUNs that have their own.
pub(super) async fn device_sdrs(
    asker: &mut Asker<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<DeviceSdrs>, RecordError> {
    let mut all: Vec<DeviceSdrs> = Vec::new();
    for lun in (0..4).map(Lun::from_low_bits) {
        let info = Request::new(NetFn::SENSOR_EVENT, GET_DEVICE_SDR_INFO, &[COUNT_RECORDS]);
        let info = asker.ask(info.on(lun)).await?;
        let Some(info) = info.data() else {
            break;
        };
        let commands = Commands {
            net_fn: NetFn::SENSOR_EVENT,
            lun,
            reserve: RESERVE_DEVICE_SDR,
            get: GET_DEVICE_SDR,
        };
        let read = records(asker, commands, "device records", gaps).await?;
        // Many give the same records on every LUN.
        let is_known = all.iter().any(|known| known.records == read.records);
        if !read.records.is_empty() && !is_known {
            all.push(DeviceSdrs {
                lun: lun.value(),
                info: Some(info.to_vec()),
                records: read.records,
            });
        }
    }
    Ok(all)
}

/// The commands of one kind of record store.
#[derive(Clone, Copy)]
struct Commands {
    net_fn: NetFn,
    lun: Lun,
    reserve: u8,
    get: u8,
}

struct Records {
    records: Vec<SdrRecord>,
    largest_read: Option<u8>,
}

async fn records(
    asker: &mut Asker<'_>,
    commands: Commands,
    what: &'static str,
    gaps: &mut Vec<Gap>,
) -> Result<Records, RecordError> {
    let source = match commands.net_fn {
        NetFn::STORAGE => Source::Repository,
        _ => Source::Device,
    };
    let mut walk = sdr::Walk::new(source, ReadSize::Whole);
    loop {
        let (command, data) = match walk.step() {
            sdr::Step::GetInfo => (GetSdrRepositoryInfo::COMMAND, Vec::new()),
            sdr::Step::Reserve => (commands.reserve, Vec::new()),
            sdr::Step::GetSdr(request) => (commands.get, request.encode().to_vec()),
            sdr::Step::Wait(_) => {
                asker.wait().await;
                walk.feed(Outcome::Waited);
                continue;
            }
            sdr::Step::Done => break,
        };
        let request = Request::new(commands.net_fn, command, &data).on(commands.lun);
        let answer = asker.ask(request).await?;
        walk.feed(outcome(&answer));
        let (done, of) = walk.progress();
        asker.progress(what, done, of.map(usize::from));
    }
    let so_far = as_recorded(walk.records());
    Ok(match walk.finish() {
        Ok(found) => {
            let skipped = found.skipped.iter();
            gaps.extend(skipped.map(|id| Gap::new(what, format!("record {id} can't be read"))));
            if found.end != ChainEnd::Mark {
                let cause = match found.end {
                    ChainEnd::Loop => "their chain leads back",
                    ChainEnd::Limit => "there are more than can be kept",
                    _ => "the last one can't be read",
                };
                gaps.push(Gap::new(what, cause));
            }
            if found.changed {
                gaps.push(Gap::new(what, "they changed while they were read"));
            }
            Records {
                records: as_recorded(&found.records),
                largest_read: match found.read_size {
                    ReadSize::Whole => None,
                    ReadSize::Pieces(bytes) => Some(bytes),
                },
            }
        }
        Err(error) => {
            // No record at all is what a BMC without a store looks like.
            if !so_far.is_empty() {
                gaps.push(Gap::new(what, error.to_string()));
            }
            Records {
                records: so_far,
                largest_read: None,
            }
        }
    })
}

fn as_recorded(records: &[RawRecord]) -> Vec<SdrRecord> {
    let mut ids = BTreeSet::new();
    let records = records.iter().enumerate().map(|(index, record)| {
        let inside = SdrRecord::new(record.bytes.to_vec());
        SdrRecord {
            // The first one is asked for by "the first one".
            requested: match (index, record.requested.0) {
                (0, 0) => inside.requested,
                (_, requested) => requested,
            },
            ..inside
        }
    });
    records
        .filter(|record| ids.insert(record.requested))
        .collect()
}

/// Reads the event log; `None` when there is none.
pub(super) async fn log(
    asker: &mut Asker<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Option<EventLog>, RecordError> {
    const WHAT: &str = "event log";
    let info = Request::new(NetFn::STORAGE, GetSelInfo::COMMAND, &[]);
    let info = asker.ask(info).await?;
    let mut walk = sel::walk::Walk::new(None);
    loop {
        let (command, data) = match walk.step() {
            sel::walk::Step::GetInfo => (GetSelInfo::COMMAND, Vec::new()),
            sel::walk::Step::GetEntry(id) => {
                let data = sel::walk::Step::entry_request(id);
                (GetSelEntry::COMMAND, data.to_vec())
            }
            sel::walk::Step::Wait => {
                asker.wait().await;
                walk.feed(Outcome::Waited);
                continue;
            }
            sel::walk::Step::Done => break,
        };
        let answer = asker
            .ask(Request::new(NetFn::STORAGE, command, &data))
            .await?;
        walk.feed(outcome(&answer));
        let (done, of) = walk.progress();
        asker.progress(WHAT, done, of.map(usize::from));
    }
    let info = info.data().map(<[u8]>::to_vec);
    let entries = match walk.finish() {
        Ok(read) => {
            if read.end != LogEnd::Complete {
                gaps.push(Gap::new(WHAT, "its end was not reached"));
            }
            let entries = read.entries.iter().enumerate();
            let entries = entries.map(|(index, entry)| match (index, entry.requested.0) {
                (0, 0) => LogEntry::new(entry.bytes),
                (_, requested) => LogEntry {
                    requested,
                    bytes: entry.bytes,
                },
            });
            entries.collect()
        }
        Err(_) if info.is_none() => return Ok(None),
        Err(error) => {
            gaps.push(Gap::new(WHAT, error.to_string()));
            Vec::new()
        }
    };
    Ok(Some(EventLog { info, entries }))
}

/// Ids of the inventory devices: the BMC's own, and those that it has according
/// to its records.
pub(super) fn fru_ids(records: &[Record], address: u8) -> BTreeSet<u8> {
    let located = records.iter().filter_map(|record| match record {
        Record::Fru(locator) if locator.logical && locator.address == address => {
            Some(locator.device)
        }
        _ => None,
    });
    located.chain([0]).collect()
}

/// Reads one inventory device; `None` when it has nothing to read.
pub(super) async fn inventory(
    asker: &mut Asker<'_>,
    id: u8,
    gaps: &mut Vec<Gap>,
) -> Result<Option<Fru>, RecordError> {
    let mut walk = fru::walk::Walk::new(fru::walk::ReadSize::default());
    let mut last_code = Some(0);
    loop {
        let mut data = Vec::new();
        let command = match walk.step() {
            fru::walk::Step::GetAreaInfo => {
                GetFruAreaInfo(id).encode(&mut data);
                GetFruAreaInfo::COMMAND
            }
            fru::walk::Step::Read(piece) => {
                ReadFru { device: id, piece }.encode(&mut data);
                ReadFru::COMMAND
            }
            fru::walk::Step::Wait => {
                asker.wait().await;
                walk.feed(Outcome::Waited);
                continue;
            }
            fru::walk::Step::Done => break,
        };
        let answer = asker
            .ask(Request::new(NetFn::STORAGE, command, &data))
            .await?;
        last_code = answer.completion_code;
        walk.feed(outcome(&answer));
    }
    let Ok(read) = walk.finish() else {
        return Ok(None);
    };
    let mut fru = Fru {
        id,
        size: Some(read.info.size),
        words: read.info.access == Access::Words,
        image: read.bytes,
        unreadable: Vec::new(),
    };
    if read.end == fru::walk::ReadEnd::Partial {
        let offset = u16::try_from(fru.image.len()).unwrap_or(u16::MAX);
        let length = read.info.size.saturating_sub(offset);
        gaps.push(Gap::new(
            "inventory",
            format!("device {id} can't be read from byte {offset} on"),
        ));
        if usize::from(length) >= FRU_SIZE_BYTES {
            fru.unreadable.push(Unreadable {
                offset,
                length,
                completion_code: last_code,
            });
        }
    }
    // Words at the end may reach beyond what was announced.
    fru.size = fru
        .size
        .map(|size| size.max(u16::try_from(fru.image.len()).unwrap_or(u16::MAX)));
    Ok(Some(fru))
}
