//! Everything that is asked once: the table of [`reads`], and what takes several
//! requests to read (texts, temperatures, suites, energy).

use bmc_recording::{Answer, Exchange};
use rmcp_ipmi::wire::{NetFn, Reader};

use super::ask::{Asker, Request};
use super::reads::{
    CAPABILITIES, ENERGY_HANDLE_AT, GET_CIPHER_SUITES, GET_ENERGY, GET_SYSTEM_INFO,
    GET_TEMPERATURES, MAX_SUITE_PARTS, MAX_TEMPERATURES, MAX_TEXT_BLOCKS, NODE_MANAGER, READS,
    Read, SUITES_PART_BYTES, SYSTEM_TEXTS, TEMPERATURE_ENTITIES, TEMPERATURES_PER_ANSWER, When,
    suites_request,
};
use super::{RecordError, RecordOptions};

/// What the BMC tells to everybody.
pub(super) async fn sessionless(asker: &mut Asker<'_>) -> Result<Vec<Exchange>, RecordError> {
    let mut rows = Vec::new();
    for read in CAPABILITIES {
        rows.push(ask(asker, read).await?);
    }
    for part in 0..MAX_SUITE_PARTS {
        let request = suites_request(part);
        let name = "Get Channel Cipher Suites";
        let row = exchange(asker, name, NetFn::APP, GET_CIPHER_SUITES, &request).await?;
        let is_last = row.data().is_none_or(|data| data.len() < SUITES_PART_BYTES);
        rows.push(row);
        if is_last {
            break;
        }
    }
    Ok(rows)
}

/// Answers to single commands of a machine by this maker.
pub(super) async fn answers(
    asker: &mut Asker<'_>,
    manufacturer: Option<u32>,
    options: &RecordOptions,
) -> Result<Vec<Exchange>, RecordError> {
    let mut rows = Vec::new();
    let wanted = |read: &&Read| match read.when {
        When::Always => true,
        When::Vendor(makers, collector) => {
            manufacturer.is_some_and(|maker| makers.contains(&maker))
                || options.collectors.contains(&collector)
        }
        When::Personal => options.keep_personal,
    };
    let reads: Vec<&Read> = READS.iter().filter(wanted).collect();
    for (index, read) in reads.iter().enumerate() {
        asker.progress("single answers", index, Some(reads.len()));
        let row = ask(asker, read).await?;
        let is_energy = read.net_fn == NetFn::OEM_GROUP;
        let handle = row
            .data()
            .and_then(|data| data.get(ENERGY_HANDLE_AT))
            .copied();
        if let Some(handle) = handle.filter(|_| is_energy) {
            for side in [0x01, 0x00] {
                let maker = read.request.iter().take(3).copied();
                let request: Vec<u8> = maker.chain([handle, 0x01, 0x82, side, 8]).collect();
                let name = "Energy";
                rows.push(exchange(asker, name, NetFn::OEM_GROUP, GET_ENERGY, &request).await?);
            }
        }
        rows.push(row);
    }
    for (parameter, _) in SYSTEM_TEXTS {
        text(asker, *parameter, &mut rows).await?;
    }
    for entity in TEMPERATURE_ENTITIES {
        temperatures(asker, entity, &mut rows).await?;
    }
    Ok(rows)
}

/// What a Node Manager measures; it is asked where the asker is.
pub(super) async fn node_manager(asker: &mut Asker<'_>) -> Result<Vec<Exchange>, RecordError> {
    let mut rows = Vec::new();
    for read in &NODE_MANAGER {
        rows.push(ask(asker, read).await?);
    }
    Ok(rows)
}

async fn ask(asker: &mut Asker<'_>, read: &Read) -> Result<Exchange, RecordError> {
    exchange(asker, read.name, read.net_fn, read.command, read.request).await
}

async fn exchange(
    asker: &mut Asker<'_>,
    name: &str,
    net_fn: NetFn,
    command: u8,
    request: &[u8],
) -> Result<Exchange, RecordError> {
    let answer: Answer = asker.ask(Request::new(net_fn, command, request)).await?;
    Ok(Exchange {
        name: Some(name.to_owned()),
        ..Exchange::new(net_fn.0, command, request, answer)
    })
}

/// A text of the system, block by block.
async fn text(
    asker: &mut Asker<'_>,
    parameter: u8,
    rows: &mut Vec<Exchange>,
) -> Result<(), RecordError> {
    let mut total = 0;
    let mut have = 0;
    for block in 0..MAX_TEXT_BLOCKS {
        let request = [0, parameter, block, 0];
        let name = "Get System Info Parameters";
        let row = exchange(asker, name, NetFn::APP, GET_SYSTEM_INFO, &request).await?;
        let got = row.data().map(|data| {
            let mut reader = Reader::new(data);
            // Revision and block; in the first one encoding and length, too.
            let head = reader.array::<2>("block").is_ok();
            if block == 0 {
                let described: Option<[u8; 2]> = reader.array("text").ok();
                total = described.map_or(0, |[_, length]| usize::from(length));
            }
            if head { reader.remaining() } else { 0 }
        });
        rows.push(row);
        have += got.unwrap_or(0);
        if got.unwrap_or(0) == 0 || have >= total {
            break;
        }
    }
    Ok(())
}

/// Temperatures of one kind of part, eight at a time.
async fn temperatures(
    asker: &mut Asker<'_>,
    entity: u8,
    rows: &mut Vec<Exchange>,
) -> Result<(), RecordError> {
    let mut start = 1;
    while start < MAX_TEMPERATURES {
        // Temperature sensors, all instances.
        let request = [0xdc, 0x01, entity, 0x00, start];
        let name = "DCMI: temperatures";
        let net_fn = NetFn::GROUP_EXTENSION;
        let row = exchange(asker, name, net_fn, GET_TEMPERATURES, &request).await?;
        let total = row.data().and_then(|data| data.get(1)).copied();
        rows.push(row);
        start += TEMPERATURES_PER_ANSWER;
        if total.is_none_or(|total| total < start) {
            break;
        }
    }
    Ok(())
}
