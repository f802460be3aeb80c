//! Intel Node Manager: statistics of the management engine, which sits behind
//! the BMC and is reached over a bridge.

use crate::command::Command;
use crate::sdr::Record;
use crate::wire::{DecodeError, NetFn, Reader};

/// Intel's number, in front of every request and answer.
const IANA: [u8; 3] = [0x57, 0x01, 0x00];

/// Where the management engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeManagerAddress {
    /// Its slave address, 8-bit form.
    pub address: u8,
    /// The channel to it.
    pub channel: u8,
}

impl NodeManagerAddress {
    /// Where it is on all boards of Intel's own.
    pub const USUAL: Self = Self {
        address: 0x2c,
        channel: 0x06,
    };

    /// Looks for the record by which a board announces a Node Manager: an OEM
    /// record of Intel's number, subtype 0Dh, version 1.
    pub fn announced_in(records: &[Record]) -> Option<Self> {
        records.iter().find_map(|record| match record {
            Record::Other {
                record_type: 0xc0,
                body,
                ..
            } => Self::from_record_body(body),
            _ => None,
        })
    }

    fn from_record_body(body: &[u8]) -> Option<Self> {
        const SUBTYPE_AND_VERSION: [u8; 2] = [0x0d, 0x01];
        let mut reader = Reader::new(body);
        let is_announcement = reader.array("manufacturer id") == Ok(IANA)
            && reader.array("subtype and version") == Ok(SUBTYPE_AND_VERSION);
        let address = reader.optional_u8()?;
        // Bits 7:4; the LUN below is always 0.
        let channel = reader.optional_u8()? >> 4;
        is_announcement.then_some(Self { address, channel })
    }
}

/// Get Node Manager Statistics, of a whole domain.
#[derive(Clone, Copy, Debug)]
pub struct GetNodeManagerStatistics {
    /// Of what.
    pub mode: NodeManagerMode,
    /// Of which part of the machine.
    pub domain: NodeManagerDomain,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NodeManagerMode {
    /// Watts.
    Power = 0x01,
    /// Degrees Celsius of the air that comes in; only for the platform.
    InletTemperature = 0x02,
}

/// A part of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NodeManagerDomain {
    /// All of it.
    Platform = 0,
    /// Processors.
    Cpu = 1,
    /// Memory.
    Memory = 2,
    /// Input and output: accelerator cards.
    Io = 4,
}

impl NodeManagerDomain {
    /// All that have statistics of power.
    pub const ALL: [Self; 4] = [Self::Platform, Self::Cpu, Self::Memory, Self::Io];
}

/// Statistics over a period; in the unit of the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeManagerStatistics {
    /// Now.
    pub current: u16,
    /// Lowest.
    pub minimum: u16,
    /// Highest.
    pub maximum: u16,
    /// Average.
    pub average: u16,
    /// When, by the engine's clock.
    pub timestamp: u32,
    /// The period in seconds.
    pub period_seconds: u32,
    /// Whether it is measuring; the other fields mean nothing if not.
    pub is_measuring: bool,
}

impl Command for GetNodeManagerStatistics {
    type Response = NodeManagerStatistics;
    const NET_FN: NetFn = NetFn::OEM_GROUP;
    const COMMAND: u8 = 0xc8;

    fn encode(&self, data: &mut Vec<u8>) {
        const NO_POLICY: u8 = 0x00;
        data.extend_from_slice(&IANA);
        data.extend_from_slice(&[self.mode as u8, self.domain as u8, NO_POLICY]);
    }

    fn decode(&self, data: &[u8]) -> Result<NodeManagerStatistics, DecodeError> {
        let mut reader = Reader::new(data);
        let iana = reader.array("manufacturer id")?;
        if iana != IANA {
            let [low, middle, high] = iana;
            return Err(DecodeError::Invalid {
                field: "manufacturer id",
                value: u32::from_le_bytes([low, middle, high, 0]),
            });
        }
        Ok(NodeManagerStatistics {
            current: reader.u16("current value")?,
            minimum: reader.u16("lowest value")?,
            maximum: reader.u16("highest value")?,
            average: reader.u16("average value")?,
            timestamp: reader.u32("time stamp")?,
            period_seconds: reader.u32("reporting period")?,
            is_measuring: reader.u8("statistics state")? & 0x40 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::sdr::RecordId;

    const POWER: GetNodeManagerStatistics = GetNodeManagerStatistics {
        mode: NodeManagerMode::Power,
        domain: NodeManagerDomain::Memory,
    };

    #[test]
    fn statistics_are_read() {
        let mut request = Vec::new();
        POWER.encode(&mut request);
        assert_eq!(request, hex!("570100 01 02 00"));
        let answer = hex!("570100 9e00 0100 9201 9f00 00f1535e 100e0000 50");
        let statistics = POWER.decode(&answer).unwrap();
        assert_eq!((statistics.current, statistics.minimum), (158, 1));
        assert_eq!((statistics.maximum, statistics.average), (402, 159));
        assert_eq!(statistics.period_seconds, 3600);
        assert!(statistics.is_measuring);
        assert!(POWER.decode(&answer[..19]).is_err());
    }

    #[test]
    fn another_makers_answer_is_refused() {
        let answer = hex!("a20200 9e00 0100 9201 9f00 00f1535e 100e0000 50");
        assert!(POWER.decode(&answer).is_err());
    }

    #[test]
    fn boards_announce_where_it_is() {
        let record = |body: &[u8]| Record::Other {
            record_id: RecordId(1),
            record_type: 0xc0,
            body: body.into(),
        };
        let announced = NodeManagerAddress::announced_in(&[
            record(&hex!("570100 0e 01 2c 60")),
            record(&hex!("570100 0d")),
            record(&hex!("570100 0d 01 2e 60 18 19 1a 1b")),
        ]);
        let expected = NodeManagerAddress {
            address: 0x2e,
            channel: 6,
        };
        assert_eq!(announced, Some(expected));
        assert_eq!(NodeManagerAddress::announced_in(&[]), None);
    }
}
