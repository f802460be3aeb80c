//! FRU inventory commands: how large a device is, and its bytes.

use super::Command;
use crate::fru::walk::{AreaInfo, Piece};
use crate::wire::{DecodeError, NetFn};

/// Get FRU Inventory Area Info (IPMI 2.0 section 34.1) of the device with this
/// id.
#[derive(Clone, Copy, Debug)]
pub struct GetFruAreaInfo(pub u8);

impl Command for GetFruAreaInfo {
    type Response = AreaInfo;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x10;

    fn encode(&self, data: &mut Vec<u8>) {
        data.push(self.0);
    }

    fn decode(&self, data: &[u8]) -> Result<AreaInfo, DecodeError> {
        AreaInfo::decode(data)
    }
}

/// Read FRU Data (IPMI 2.0 section 34.2); gives the count and the bytes, as a
/// [walk](crate::fru::walk::Walk) wants them.
#[derive(Clone, Copy, Debug)]
pub struct ReadFru {
    /// Id of the device.
    pub device: u8,
    /// What to read of it.
    pub piece: Piece,
}

impl Command for ReadFru {
    type Response = Vec<u8>;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x11;

    fn encode(&self, data: &mut Vec<u8>) {
        let [low, high] = self.piece.offset.to_le_bytes();
        data.extend_from_slice(&[self.device, low, high, self.piece.count]);
    }

    fn decode(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(data.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::fru::walk::Access;

    #[test]
    fn area_info() {
        let mut data = Vec::new();
        GetFruAreaInfo(3).encode(&mut data);
        assert_eq!(data, [3]);
        let info = GetFruAreaInfo(3).decode(&hex!("00 08 ff"));
        let expected = AreaInfo {
            size: 2048,
            access: Access::Words,
        };
        assert_eq!(info, Ok(expected));
        assert!(GetFruAreaInfo(3).decode(&hex!("00 08")).is_err());
    }

    #[test]
    fn read() {
        let read = ReadFru {
            device: 3,
            piece: Piece {
                offset: 0x0120,
                count: 16,
            },
        };
        let mut data = Vec::new();
        read.encode(&mut data);
        assert_eq!(data, hex!("03 20 01 10"));
        assert_eq!(read.decode(&hex!("01 ff")), Ok(vec![1, 0xff]));
    }
}
