//! Commands of the Data Center Manageability Interface (DCMI 1.5).

use super::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// The defining body of DCMI, first byte of every request and answer.
const GROUP: u8 = 0xdc;

/// Get Power Reading, system power statistics (DCMI 1.5 section 6.6.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetPowerReading;

/// Power drawn by the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerReading {
    /// Now, in watts.
    pub current_watts: u16,
    /// Lowest over the period, in watts.
    pub minimum_watts: u16,
    /// Highest over the period, in watts.
    pub maximum_watts: u16,
    /// Average over the period, in watts.
    pub average_watts: u16,
    /// The BMC's time stamp.
    pub timestamp: u32,
    /// The period, in milliseconds.
    pub period_ms: u32,
    /// Whether the BMC measures at all; the other fields mean nothing if not.
    pub is_active: bool,
}

impl Command for GetPowerReading {
    type Response = PowerReading;
    const NET_FN: NetFn = NetFn::GROUP_EXTENSION;
    const COMMAND: u8 = 0x02;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[GROUP, 0x01, 0x00, 0x00]);
    }

    fn decode(&self, data: &[u8]) -> Result<PowerReading, DecodeError> {
        let mut reader = Reader::new(data);
        let group = reader.u8("group extension")?;
        if group != GROUP {
            return Err(DecodeError::Invalid {
                field: "group extension",
                value: u32::from(group),
            });
        }
        Ok(PowerReading {
            current_watts: reader.u16("current power")?,
            minimum_watts: reader.u16("minimum power")?,
            maximum_watts: reader.u16("maximum power")?,
            average_watts: reader.u16("average power")?,
            timestamp: reader.u32("time stamp")?,
            period_ms: reader.u32("reporting period")?,
            is_active: reader.u8("power reading state")? & 0x40 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn power_is_read_and_the_group_is_checked() {
        let answer = hex!("dc 9e00 0100 9201 9f00 00000000 e8030000 40");
        let reading = GetPowerReading.decode(&answer).unwrap();
        assert_eq!(reading.current_watts, 158);
        assert_eq!(reading.maximum_watts, 402);
        assert!(reading.is_active);
        assert!(GetPowerReading.decode(&answer[1..]).is_err());
        assert!(GetPowerReading.decode(&answer[..17]).is_err());
    }
}
