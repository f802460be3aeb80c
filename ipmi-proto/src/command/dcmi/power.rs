//! Power: what is drawn, and what may be drawn.

use super::{GROUP, check_group};
use crate::command::Command;
use crate::wire::{CompletionCode, DecodeError, NetFn, Reader};

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
        check_group(&mut reader)?;
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

/// Get Power Limit (DCMI 1.5 section 6.6.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetPowerLimit;

/// The limit that is set, whether it is in force or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerLimit {
    /// What happens when the limit cannot be kept: 0 nothing, 1 the machine is
    /// switched off, 2-10h the maker's, 11h an entry in the event log.
    pub exception_action: u8,
    /// The limit in watts.
    pub watts: u16,
    /// How long it may be exceeded, in milliseconds.
    pub correction_ms: u32,
    /// Over what time power is averaged, in seconds.
    pub sampling_seconds: u16,
}

impl GetPowerLimit {
    /// Completion code: no limit is in force. Many BMCs send the limit that is
    /// set along with it, so the data are worth [decoding](Command::decode).
    pub const NOT_ACTIVE: CompletionCode = CompletionCode(0x80);
}

impl Command for GetPowerLimit {
    type Response = PowerLimit;
    const NET_FN: NetFn = NetFn::GROUP_EXTENSION;
    const COMMAND: u8 = 0x03;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[GROUP, 0x00, 0x00]);
    }

    fn decode(&self, data: &[u8]) -> Result<PowerLimit, DecodeError> {
        let mut reader = Reader::new(data);
        check_group(&mut reader)?;
        reader.u16("reserved")?;
        let exception_action = reader.u8("exception action")?;
        let watts = reader.u16("power limit")?;
        let correction_ms = reader.u32("correction time")?;
        reader.u16("reserved")?;
        Ok(PowerLimit {
            exception_action,
            watts,
            correction_ms,
            sampling_seconds: reader.u16("sampling period")?,
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

    #[test]
    fn a_limit_is_read() {
        let answer = hex!("dc 0000 11 f401 e8030000 0000 0100");
        let limit = GetPowerLimit.decode(&answer).unwrap();
        let expected = PowerLimit {
            exception_action: 0x11,
            watts: 500,
            correction_ms: 1000,
            sampling_seconds: 1,
        };
        assert_eq!(limit, expected);
        assert!(GetPowerLimit.decode(&answer[..13]).is_err());
        assert!(GetPowerLimit.decode(&[]).is_err());
    }

    #[test]
    fn a_real_answer_with_another_byte_order_does_not_spoil_anything() {
        // A blade that means 164 W and puts the bytes the other way round.
        let answer = hex!("dc 00a4 ffff ffff ffff d9c1954c ffffffff 40");
        let reading = GetPowerReading.decode(&answer).unwrap();
        assert_eq!(reading.current_watts, 0xa400);
    }
}
