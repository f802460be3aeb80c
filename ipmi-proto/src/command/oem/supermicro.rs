//! Supermicro: the network interface, and supplies of some boards.

use super::manufacturer;
use crate::command::{Command, DeviceId};
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

/// How a board's supplies tell their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SupplyGeneration {
    /// A microcontroller on the bus.
    Controller,
    /// A PMBus device.
    PmBus,
}

/// The supplies of boards that are known to have them where they are looked
/// for. Everything else on the bus is left alone: a read of the wrong device can
/// disturb it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupermicroSupplies(());

impl SupermicroSupplies {
    /// Supplies that are looked for.
    pub const NUMBERS: [u8; 3] = [1, 2, 3];

    /// Boards by manufacturer and product: the X8DT family and the X8DTU-6+.
    const BOARDS: [(u32, u16); 2] = [
        (manufacturer::SUPERMICRO_UNASSIGNED, 43_707),
        (manufacturer::SUPERMICRO_UNASSIGNED, 1_549),
    ];

    /// `None` for a board that is not known.
    pub fn of(board: &DeviceId) -> Option<Self> {
        Self::BOARDS
            .contains(&(board.manufacturer, board.product))
            .then_some(Self(()))
    }

    /// The request for the supply `number`; `None` for a number that no board
    /// has.
    pub fn status(self, generation: SupplyGeneration, number: u8) -> Option<ReadSupplyStatus> {
        let index = Self::NUMBERS.iter().position(|known| *known == number)?;
        Some(ReadSupplyStatus { generation, index })
    }
}

/// Master Write-Read of one byte (IPMI 2.0 section 22.11), with one of six fixed
/// requests and no other: the state of one supply. Gives whether it is good.
#[derive(Clone, Copy, Debug)]
pub struct ReadSupplyStatus {
    generation: SupplyGeneration,
    index: usize,
}

/// Bus, address, count of bytes, register; for the supplies 1 to 3.
const CONTROLLER: [[u8; 4]; 3] = [
    [0x07, 0x70, 0x01, 0x0c],
    [0x07, 0x72, 0x01, 0x0c],
    [0x07, 0x74, 0x01, 0x0c],
];
const PM_BUS: [[u8; 4]; 3] = [
    [0x07, 0x78, 0x01, 0x78],
    [0x07, 0x7a, 0x01, 0x78],
    [0x07, 0x7c, 0x01, 0x78],
];

impl Command for ReadSupplyStatus {
    type Response = bool;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x52;

    fn encode(&self, data: &mut Vec<u8>) {
        let table = match self.generation {
            SupplyGeneration::Controller => &CONTROLLER,
            SupplyGeneration::PmBus => &PM_BUS,
        };
        data.extend(table.get(self.index).into_iter().flatten());
    }

    fn decode(&self, data: &[u8]) -> Result<bool, DecodeError> {
        const GOOD: u8 = 0x01;
        Ok(Reader::new(data).u8("supply status")? == GOOD)
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::command::GetDeviceId;

    fn board(data: &[u8]) -> Option<SupermicroSupplies> {
        SupermicroSupplies::of(&GetDeviceId.decode(data).unwrap())
    }

    #[test]
    fn only_known_boards_have_requests() {
        // Manufacturer 47488, product 43707.
        let known = board(&hex!("20 01 02 30 02 bf 80b900 bbaa")).unwrap();
        let request = |generation, number| {
            let mut data = Vec::new();
            known.status(generation, number)?.encode(&mut data);
            Some(data)
        };
        use SupplyGeneration::{Controller, PmBus};
        assert_eq!(request(Controller, 1).unwrap(), hex!("07 70 01 0c"));
        assert_eq!(request(Controller, 3).unwrap(), hex!("07 74 01 0c"));
        assert_eq!(request(PmBus, 2).unwrap(), hex!("07 7a 01 78"));
        assert_eq!(request(PmBus, 0), None);
        assert_eq!(request(PmBus, 4), None);
        for other in [
            hex!("20 01 02 30 02 bf 7c2a00 bbaa"),
            hex!("20 01 02 30 02 bf 80b900 0001"),
            hex!("20 01 02 30 02 bf a20200 0001"),
        ] {
            assert_eq!(board(&other), None);
        }
    }

    #[test]
    fn only_one_status_is_good() {
        let known = board(&hex!("20 01 02 30 02 bf 80b900 0d06")).unwrap();
        let command = known.status(SupplyGeneration::PmBus, 1).unwrap();
        for (status, is_good) in [(0x00, false), (0x01, true), (0x02, false), (0x48, false)] {
            assert_eq!(command.decode(&[status]), Ok(is_good));
        }
        assert!(command.decode(&[]).is_err());
    }

    #[test]
    fn lan_modes_are_three() {
        assert_eq!(GetSupermicroLanMode.decode(&[2]), Ok(LanMode::Failover));
        assert!(GetSupermicroLanMode.decode(&[3]).is_err());
    }
}
