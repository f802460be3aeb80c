//! Storage commands: sensor data records and the event log.

use super::Command;
use crate::sdr::repository::{self, RepositoryInfo};
use crate::sel::walk::Step;
use crate::sel::{EntryId, LogInfo};
use crate::wire::{DecodeError, NetFn, Reader};

/// Get SDR Repository Info (IPMI 2.0 section 33.9).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSdrRepositoryInfo;

impl Command for GetSdrRepositoryInfo {
    type Response = RepositoryInfo;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x20;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<RepositoryInfo, DecodeError> {
        RepositoryInfo::decode(data)
    }
}

/// Reserve SDR Repository (IPMI 2.0 section 33.11); gives the reservation id.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReserveSdr;

impl Command for ReserveSdr {
    type Response = u16;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x22;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<u16, DecodeError> {
        Reader::new(data).u16("reservation id")
    }
}

/// Get SDR (IPMI 2.0 section 33.12); gives the next record id and the bytes that
/// were asked for, as a [walk](crate::sdr::repository::Walk) wants them.
#[derive(Clone, Copy, Debug)]
pub struct GetSdr(pub repository::GetSdr);

impl Command for GetSdr {
    type Response = Vec<u8>;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x23;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&self.0.encode());
    }

    fn decode(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(data.to_vec())
    }
}

/// Get SEL Info (IPMI 2.0 section 31.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSelInfo;

impl Command for GetSelInfo {
    type Response = LogInfo;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x40;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<LogInfo, DecodeError> {
        LogInfo::decode(data)
    }
}

/// Get SEL Allocation Info (IPMI 2.0 section 31.3); only whether it works
/// matters here.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSelAllocationInfo;

impl Command for GetSelAllocationInfo {
    type Response = ();
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x41;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, _data: &[u8]) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Get SEL Entry, a whole one without reservation (IPMI 2.0 section 31.5); gives
/// the next entry id and the entry, as a [walk](crate::sel::walk::Walk) wants
/// them.
#[derive(Clone, Copy, Debug)]
pub struct GetSelEntry(pub EntryId);

impl Command for GetSelEntry {
    type Response = Vec<u8>;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x43;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&Step::entry_request(self.0));
    }

    fn decode(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(data.to_vec())
    }
}
