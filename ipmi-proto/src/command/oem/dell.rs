//! Dell: power, energy and headroom.

use crate::command::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// The family under which Dell keeps its own commands.
const DELL: NetFn = NetFn(0x30);

/// Power and current as measured now, of all supplies together.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetDellPower;

/// What the machine draws now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DellPower {
    /// Watts.
    pub watts: u16,
    /// Tenths of amperes.
    pub deciamperes: u16,
}

impl Command for GetDellPower {
    type Response = DellPower;
    const NET_FN: NetFn = DELL;
    const COMMAND: u8 = 0xb3;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[0x0a, 0x00]);
    }

    fn decode(&self, data: &[u8]) -> Result<DellPower, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(DellPower {
            watts: reader.u16("power")?,
            deciamperes: reader.u16("current")?,
        })
    }
}

/// Energy since a point in time, and the peaks since another.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetDellEnergy;

/// What the machine has drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DellEnergy {
    /// Since when energy is counted, in seconds since 1970 by the BMC's clock.
    pub since: u32,
    /// Watt hours.
    pub watt_hours: u32,
    /// Since when peaks are kept.
    pub peaks_since: u32,
    /// Highest current, in tenths of amperes.
    pub current: DellPeak,
    /// Highest power, in watts.
    pub power: DellPeak,
}

/// A highest value and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DellPeak {
    /// Seconds since 1970 by the BMC's clock.
    pub at: u32,
    /// The value.
    pub value: u32,
}

impl Command for GetDellEnergy {
    type Response = DellEnergy;
    const NET_FN: NetFn = DELL;
    const COMMAND: u8 = 0x9c;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[0x07, 0x01]);
    }

    /// The peak current has two bytes in some generations and four in others;
    /// only the length of the answer tells.
    fn decode(&self, data: &[u8]) -> Result<DellEnergy, DecodeError> {
        const LENGTH_OF_WIDE: usize = 26;
        let mut reader = Reader::new(data);
        let since = reader.u32("energy start")?;
        let watt_hours = reader.u32("energy")?;
        let peaks_since = reader.u32("peak start")?;
        let current = DellPeak {
            at: reader.u32("peak current time")?,
            value: if data.len() < LENGTH_OF_WIDE {
                u32::from(reader.u16("peak current")?)
            } else {
                reader.u32("peak current")?
            },
        };
        let power = DellPeak {
            at: reader.u32("peak power time")?,
            value: u32::from(reader.u16("peak power")?),
        };
        Ok(DellEnergy {
            since,
            watt_hours,
            peaks_since,
            current,
            power,
        })
    }
}

/// How much more the supplies could give.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetDellHeadroom;

/// Watts to spare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DellHeadroom {
    /// Against the power that is drawn now.
    pub instantaneous_watts: u16,
    /// Against the highest power.
    pub peak_watts: u16,
}

impl Command for GetDellHeadroom {
    type Response = DellHeadroom;
    const NET_FN: NetFn = DELL;
    const COMMAND: u8 = 0xbb;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<DellHeadroom, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(DellHeadroom {
            instantaneous_watts: reader.u16("headroom")?,
            peak_watts: reader.u16("peak headroom")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn power_now() {
        let mut request = Vec::new();
        GetDellPower.encode(&mut request);
        assert_eq!(request, hex!("0a 00"));
        let power = GetDellPower.decode(&hex!("9e00 0700 000000")).unwrap();
        assert_eq!((power.watts, power.deciamperes), (158, 7));
        assert!(GetDellPower.decode(&hex!("9e00 07")).is_err());
    }

    #[test]
    fn the_length_tells_how_wide_the_peak_current_is() {
        let narrow = hex!("00f1535e 40e20100 01f1535e 02f1535e 1700 03f1535e 9001");
        let wide = hex!("00f1535e 40e20100 01f1535e 02f1535e 17000000 03f1535e 9001");
        let expected = DellEnergy {
            since: 0x5e53_f100,
            watt_hours: 123_456,
            peaks_since: 0x5e53_f101,
            current: DellPeak {
                at: 0x5e53_f102,
                value: 23,
            },
            power: DellPeak {
                at: 0x5e53_f103,
                value: 400,
            },
        };
        assert_eq!(GetDellEnergy.decode(&narrow), Ok(expected));
        assert_eq!(GetDellEnergy.decode(&wide), Ok(expected));
        assert!(GetDellEnergy.decode(&narrow[..23]).is_err());
    }

    #[test]
    fn headroom() {
        let room = GetDellHeadroom.decode(&hex!("f401 2c01")).unwrap();
        assert_eq!((room.instantaneous_watts, room.peak_watts), (500, 300));
        assert!(GetDellHeadroom.decode(&hex!("f401 2c")).is_err());
    }
}
