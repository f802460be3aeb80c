//! Vendors' own commands that read.

use super::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Supermicro: which network interface the BMC uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSupermicroLanMode;

/// The BMC's network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LanMode {
    /// Its own port.
    Dedicated = 0,
    /// The first port of the machine.
    Shared = 1,
    /// Its own port, the shared one when that has no link.
    Failover = 2,
}

impl Command for GetSupermicroLanMode {
    type Response = LanMode;
    const NET_FN: NetFn = NetFn(0x30);
    const COMMAND: u8 = 0x70;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[0x0c, 0x00]);
    }

    fn decode(&self, data: &[u8]) -> Result<LanMode, DecodeError> {
        match Reader::new(data).u8("LAN mode")? {
            0 => Ok(LanMode::Dedicated),
            1 => Ok(LanMode::Shared),
            2 => Ok(LanMode::Failover),
            other => Err(DecodeError::Invalid {
                field: "LAN mode",
                value: u32::from(other),
            }),
        }
    }
}
