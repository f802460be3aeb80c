//! The networks to scan as people write them: CIDR, range, address or name.

use std::str::FromStr;

use bmc_scan::{Block, BlockError};

use crate::config::{Host, TargetAddress, TargetError};

/// One argument of `scan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// Addresses that need no name service.
    Addresses(Block),
    /// A host name, for all of its addresses.
    Name(Box<str>),
}

/// Why a text names no addresses. `Display` is one sentence for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Something that looks like addresses and is none.
    #[error(transparent)]
    Block(BlockError),
    /// A port in the text.
    #[error("has a port; give it with --port")]
    Port,
    /// A zone, which shared sockets have no use for.
    #[error("has a zone (%), which scan does not know")]
    Zone,
    /// Not a host either.
    #[error(transparent)]
    Host(#[from] TargetError),
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        match text.parse::<Block>() {
            Ok(block) => return Ok(Self::Addresses(block)),
            Err(BlockError::Address) => {}
            Err(error) => return Err(NetworkError::Block(error)),
        }
        let has_port = |target: &str| {
            let behind = target.rsplit(']').next().unwrap_or(target);
            behind.contains(':')
        };
        match text.parse::<TargetAddress>()?.host {
            Host::Address { zone: Some(_), .. } => Err(NetworkError::Zone),
            _ if has_port(text) => Err(NetworkError::Port),
            Host::Address { ip, .. } => Ok(Self::Addresses(Block::single(ip))),
            Host::Name(name) => Ok(Self::Name(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_network_is_read() {
        for (text, expected, len) in [
            ("10.0.0.0/24", "10.0.0.1-10.0.0.254", 254),
            ("10.0.0.0/30", "10.0.0.1-10.0.0.2", 2),
            ("10.0.0.0/31", "10.0.0.0-10.0.0.1", 2),
            ("10.0.0.7/32", "10.0.0.7", 1),
            ("10.0.0.7", "10.0.0.7", 1),
            ("::ffff:10.0.0.7", "10.0.0.7", 1),
            ("[fd00::7]", "fd00::7", 1),
            ("10.0.0.1-10.0.0.50", "10.0.0.1-10.0.0.50", 50),
            ("10.0.0.255 - 10.0.1.0", "10.0.0.255-10.0.1.0", 2),
            ("fd00::/120", "fd00::-fd00::ff", 256),
            ("fd00::1-fd00::ffff", "fd00::1-fd00::ffff", 65_535),
        ] {
            let Ok(Network::Addresses(block)) = text.parse() else {
                panic!("{text}: {:?}", text.parse::<Network>());
            };
            assert_eq!(
                (block.to_string().as_str(), block.addresses()),
                (expected, len)
            );
        }
        assert_eq!(
            "BMC-1.example.".parse(),
            Ok(Network::Name("bmc-1.example".into()))
        );
    }

    #[test]
    fn mistakes_are_told_apart() {
        for (text, expected) in [
            ("10.0.0.0/33", NetworkError::Block(BlockError::Cidr)),
            ("10.0.0/24", NetworkError::Block(BlockError::Cidr)),
            ("bmc.example/24", NetworkError::Block(BlockError::Cidr)),
            ("http://10.0.0.1/", NetworkError::Block(BlockError::Cidr)),
            (
                "10.0.0.5/24",
                NetworkError::Block(BlockError::HostBits("10.0.0.0/24".parse().unwrap())),
            ),
            ("10.0.0.9-10.0.0.1", NetworkError::Block(BlockError::Range)),
            ("10.0.0.1-fd00::1", NetworkError::Block(BlockError::Range)),
            ("10.0.0.1-50", NetworkError::Block(BlockError::Range)),
            (
                "::ffff:10.0.0.0/120",
                NetworkError::Block(BlockError::Mapped),
            ),
            (
                "::ffff:10.0.0.1-::ffff:10.0.0.2",
                NetworkError::Block(BlockError::Mapped),
            ),
            ("10.0.0.1:624", NetworkError::Port),
            ("[fd00::1]:624", NetworkError::Port),
            ("bmc.example:624", NetworkError::Port),
            ("fe80::1%eth0", NetworkError::Zone),
            ("", NetworkError::Host(TargetError::Empty)),
            ("10.1", NetworkError::Host(TargetError::NotIpv4)),
            ("a,b", NetworkError::Host(TargetError::NotOneHost)),
        ] {
            assert_eq!(text.parse::<Network>(), Err(expected), "{text}");
        }
    }
}
