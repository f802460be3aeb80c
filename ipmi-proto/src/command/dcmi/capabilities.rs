//! What a BMC has of DCMI.

use super::{GROUP, check_group};
use crate::command::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get DCMI Capabilities Info, supported capabilities (DCMI 1.5 section 6.1.1,
/// parameter 1).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetDcmiCapabilities;

/// What the BMC says that it has. It may be wrong either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DcmiCapabilities {
    /// DCMI version, major and minor.
    pub version: (u8, u8),
    /// Whether power can be measured; `None` in a short answer.
    pub power_management: Option<bool>,
}

impl Command for GetDcmiCapabilities {
    type Response = DcmiCapabilities;
    const NET_FN: NetFn = NetFn::GROUP_EXTENSION;
    const COMMAND: u8 = 0x01;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[GROUP, 0x01]);
    }

    fn decode(&self, data: &[u8]) -> Result<DcmiCapabilities, DecodeError> {
        let mut reader = Reader::new(data);
        check_group(&mut reader)?;
        let version = (reader.u8("DCMI version")?, reader.u8("DCMI version")?);
        reader.u8("parameter revision")?;
        // The first parameter byte, for mandatory functions, is reserved since
        // version 1.1.
        reader.optional_u8();
        Ok(DcmiCapabilities {
            version,
            power_management: reader.optional_u8().map(|flags| flags & 0x01 != 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn version_and_power_management() {
        let full = GetDcmiCapabilities.decode(&hex!("dc 01 05 02 00 01 07"));
        let expected = DcmiCapabilities {
            version: (1, 5),
            power_management: Some(true),
        };
        assert_eq!(full, Ok(expected));
        let short = GetDcmiCapabilities.decode(&hex!("dc 01 00 01")).unwrap();
        assert_eq!(short.power_management, None);
        assert!(GetDcmiCapabilities.decode(&hex!("dc 01 05")).is_err());
        assert!(GetDcmiCapabilities.decode(&hex!("01 05 02 00 01")).is_err());
    }
}
