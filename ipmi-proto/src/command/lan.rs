//! LAN configuration, read only.

use super::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get LAN Configuration Parameters for the channel that the request comes in
/// on (IPMI 2.0 section 23.2). Takes privilege Operator on most BMCs.
#[derive(Clone, Copy, Debug)]
pub struct GetLanParameter(pub LanParameter);

/// Which parameter (IPMI 2.0 table 23-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LanParameter {
    /// Four bytes.
    IpAddress = 3,
    /// Low nibble: see [`LanValue::address_source`].
    AddressSource = 4,
    /// Six bytes.
    MacAddress = 5,
    /// Number in bits 11:0; bit 15: used.
    VlanId = 20,
}

/// The data of one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanValue(Vec<u8>);

/// Where the BMC has its address from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressSource {
    /// It does not say.
    Unspecified,
    /// Configured.
    Static,
    /// DHCP.
    Dhcp,
    /// From the machine's BIOS or other software.
    Bios,
    /// Another protocol.
    Other,
}

impl LanValue {
    /// An IPv4 address; `None` when fewer bytes came.
    pub fn ip_address(&self) -> Option<[u8; 4]> {
        self.0.first_chunk().copied()
    }

    /// A MAC address; `None` when fewer bytes came.
    pub fn mac_address(&self) -> Option<[u8; 6]> {
        self.0.first_chunk().copied()
    }

    /// A source of addresses.
    pub fn address_source(&self) -> Option<AddressSource> {
        Some(match self.0.first()? & 0x0f {
            0 => AddressSource::Unspecified,
            1 => AddressSource::Static,
            2 => AddressSource::Dhcp,
            3 => AddressSource::Bios,
            _ => AddressSource::Other,
        })
    }

    /// The VLAN in use; `Some(None)` when there is none.
    pub fn vlan_id(&self) -> Option<Option<u16>> {
        let raw = u16::from_le_bytes(*self.0.first_chunk()?);
        Some((raw & 0x8000 != 0).then_some(raw & 0x0fff))
    }
}

impl Command for GetLanParameter {
    type Response = LanValue;
    const NET_FN: NetFn = NetFn::TRANSPORT;
    const COMMAND: u8 = 0x02;

    fn encode(&self, data: &mut Vec<u8>) {
        /// Stands for the channel that the request comes in on.
        const THIS_CHANNEL: u8 = 0x0e;
        data.extend_from_slice(&[THIS_CHANNEL, self.0 as u8, 0, 0]);
    }

    fn decode(&self, data: &[u8]) -> Result<LanValue, DecodeError> {
        /// No parameter here is longer.
        const MAX_BYTES: usize = 16;
        let mut reader = Reader::new(data);
        reader.u8("parameter revision")?;
        Ok(LanValue(
            reader.rest().iter().copied().take(MAX_BYTES).collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn decode(parameter: LanParameter, data: &[u8]) -> LanValue {
        GetLanParameter(parameter).decode(data).unwrap()
    }

    #[test]
    fn the_present_channel_is_asked() {
        let mut data = Vec::new();
        GetLanParameter(LanParameter::VlanId).encode(&mut data);
        assert_eq!(data, hex!("0e 14 00 00"));
    }

    #[test]
    fn values_by_their_meaning() {
        let value = decode(LanParameter::IpAddress, &hex!("11 c0000219"));
        assert_eq!(value.ip_address(), Some([192, 0, 2, 25]));
        let value = decode(LanParameter::MacAddress, &hex!("11 020000000001 ff"));
        assert_eq!(value.mac_address(), Some([2, 0, 0, 0, 0, 1]));
        let value = decode(LanParameter::AddressSource, &hex!("11 f2"));
        assert_eq!(value.address_source(), Some(AddressSource::Dhcp));
        let value = decode(LanParameter::VlanId, &hex!("11 6480"));
        assert_eq!(value.vlan_id(), Some(Some(100)));
        let value = decode(LanParameter::VlanId, &hex!("11 6400"));
        assert_eq!(value.vlan_id(), Some(None));
    }

    #[test]
    fn short_values_are_none_and_nothing_is_refused() {
        let value = decode(LanParameter::MacAddress, &hex!("11 0200"));
        assert_eq!(value.mac_address(), None);
        let value = decode(LanParameter::VlanId, &hex!("11"));
        assert_eq!(value.vlan_id(), None);
        assert_eq!(value.address_source(), None);
        assert!(GetLanParameter(LanParameter::VlanId).decode(&[]).is_err());
    }
}
