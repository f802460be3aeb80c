//! Lenovo and IBM: energy counters, and the power of NeXtScale enclosures.

use crate::command::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Under whose number the commands are known: newer machines Lenovo's, older
/// ones IBM's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LenovoIana {
    /// 19046.
    Lenovo,
    /// 20301.
    Ibm,
}

impl LenovoIana {
    /// Both, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Lenovo, Self::Ibm];

    const fn bytes(self) -> [u8; 3] {
        match self {
            Self::Lenovo => [0x66, 0x4a, 0x00],
            Self::Ibm => [0x4d, 0x4f, 0x00],
        }
    }
}

/// Skips the number that OEM group answers begin with.
fn skip_iana(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    reader.u24("manufacturer id").map(drop)
}

/// Finds the module that counts energy.
#[derive(Clone, Copy, Debug)]
pub struct FindEnergyMeter(pub LenovoIana);

/// Where energy is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnergyMeter {
    /// How the module is addressed.
    pub iana: LenovoIana,
    /// Its handle.
    pub handle: u8,
}

impl Command for FindEnergyMeter {
    type Response = EnergyMeter;
    const NET_FN: NetFn = NetFn::OEM_GROUP;
    const COMMAND: u8 = 0x82;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&self.0.bytes());
        data.extend_from_slice(&[0x00, 0x00, 0x01]);
    }

    /// Refuses modules of another kind than energy control 2.1, 2.6 and 2.9.
    fn decode(&self, data: &[u8]) -> Result<EnergyMeter, DecodeError> {
        let mut reader = Reader::new(data);
        skip_iana(&mut reader)?;
        reader.u8("module")?;
        let [major, minor] = reader.array("module version")?;
        if !matches!((major, minor), (2, 1 | 6 | 9)) {
            return Err(DecodeError::Invalid {
                field: "module version",
                value: u32::from(u16::from_be_bytes([major, minor])),
            });
        }
        Ok(EnergyMeter {
            iana: self.0,
            handle: reader.u8("module handle")?,
        })
    }
}

/// Which side of the supplies is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Meter {
    /// What the machine takes; not all machines count it.
    Ac = 1,
    /// What the supplies give.
    Dc = 0,
}

/// Energy since the counter began, in millijoules.
#[derive(Clone, Copy, Debug)]
pub struct GetEnergy {
    /// Of which module.
    pub meter: EnergyMeter,
    /// On which side.
    pub side: Meter,
}

impl Command for GetEnergy {
    type Response = u64;
    const NET_FN: NetFn = NetFn::OEM_GROUP;
    const COMMAND: u8 = 0x81;

    fn encode(&self, data: &mut Vec<u8>) {
        const BYTES: u8 = 8;
        data.extend_from_slice(&self.meter.iana.bytes());
        data.extend_from_slice(&[self.meter.handle, 0x01, 0x82, self.side as u8, BYTES]);
    }

    /// Unlike everything else in IPMI, this number is big-endian.
    fn decode(&self, data: &[u8]) -> Result<u64, DecodeError> {
        let mut reader = Reader::new(data);
        skip_iana(&mut reader)?;
        reader.array("energy").map(u64::from_be_bytes)
    }
}

/// Power of a NeXtScale enclosure, as its fan and power controller measures it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GetFpcPower {
    /// What the enclosure takes.
    AcInput = 1,
    /// What its supplies give.
    DcOutput = 2,
    /// What its fans take.
    Fans = 3,
}

/// Power in hundredths of watts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FpcPower {
    /// Hundredths of watts.
    pub centiwatts: u32,
}

impl GetFpcPower {
    /// All three.
    pub const ALL: [Self; 3] = [Self::AcInput, Self::DcOutput, Self::Fans];
}

impl Command for GetFpcPower {
    type Response = FpcPower;
    const NET_FN: NetFn = NetFn(0x32);
    const COMMAND: u8 = 0x90;

    fn encode(&self, data: &mut Vec<u8>) {
        data.push(*self as u8);
    }

    /// Input and output are watts, the second of three numbers of 16 bits, behind
    /// a byte that some firmware leaves out. Fans are 24 bits of hundredths of
    /// watts behind one byte.
    fn decode(&self, data: &[u8]) -> Result<FpcPower, DecodeError> {
        const WITHOUT_FIRST_BYTE: usize = 6;
        let mut reader = Reader::new(data);
        let centiwatts = if *self == Self::Fans {
            reader.u8("fan power prefix")?;
            reader.u24("fan power")?
        } else {
            let before = if data.len() == WITHOUT_FIRST_BYTE {
                2
            } else {
                3
            };
            reader.take(before, "power prefix")?;
            u32::from(reader.u16("power")?).saturating_mul(100)
        };
        Ok(FpcPower { centiwatts })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const METER: EnergyMeter = EnergyMeter {
        iana: LenovoIana::Ibm,
        handle: 0x04,
    };

    #[test]
    fn a_meter_has_a_known_version() {
        let find = FindEnergyMeter(LenovoIana::Lenovo);
        let mut request = Vec::new();
        find.encode(&mut request);
        assert_eq!(request, hex!("664a00 000001"));
        let meter = find.decode(&hex!("664a00 01 0206 04 00")).unwrap();
        assert_eq!((meter.iana, meter.handle), (LenovoIana::Lenovo, 4));
        assert!(find.decode(&hex!("664a00 01 0205 04")).is_err());
        assert!(find.decode(&hex!("664a00 01 0206")).is_err());
    }

    #[test]
    fn energy_is_big_endian() {
        let get = |side| GetEnergy { meter: METER, side };
        let mut request = Vec::new();
        get(Meter::Ac).encode(&mut request);
        assert_eq!(request, hex!("4d4f00 04 01 82 01 08"));
        request.clear();
        get(Meter::Dc).encode(&mut request);
        assert_eq!(request, hex!("4d4f00 04 01 82 00 08"));
        let answer = hex!("4d4f00 000000e8d4a51000");
        assert_eq!(get(Meter::Dc).decode(&answer), Ok(1_000_000_000_000));
        assert!(get(Meter::Dc).decode(&answer[..10]).is_err());
        let most = hex!("4d4f00 ffffffffffffffff");
        assert_eq!(get(Meter::Dc).decode(&most), Ok(u64::MAX));
    }

    #[test]
    fn enclosure_power_is_found_in_both_layouts() {
        let watts =
            |what: GetFpcPower, data: &[u8]| what.decode(data).map(|power| power.centiwatts);
        let ac = GetFpcPower::AcInput;
        assert_eq!(watts(ac, &hex!("00 1002 2602 3003")), Ok(55_000));
        assert_eq!(watts(ac, &hex!("1002 2602 3003")), Ok(55_000));
        assert_eq!(watts(GetFpcPower::Fans, &hex!("00 6a1800")), Ok(6250));
        assert!(watts(ac, &hex!("00 1002 26")).is_err());
        assert!(watts(GetFpcPower::Fans, &hex!("00 6a18")).is_err());
    }
}
