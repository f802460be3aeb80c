//! Addresses in a row, as people write them: CIDR, range or single.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// IPv4 networks with longer prefixes than this one have no network and broadcast address.
const LONGEST_PREFIX_WITH_BROADCAST: u8 = 30;

/// Networks with this prefix and longer ones are one family or the other.
const MAPPED_PREFIX: u8 = 96;

/// Adjoining addresses of one family, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// Orders IPv4 before IPv6.
    is_v6: bool,
    first: u128,
    last: u128,
}

impl Block {
    /// A single address.
    #[must_use]
    pub fn single(address: IpAddr) -> Self {
        let (is_v6, bits) = bits(address.to_canonical());
        Self {
            is_v6,
            first: bits,
            last: bits,
        }
    }

    /// From one address to another; `None` when they are of two families or in
    /// the wrong order.
    #[must_use]
    pub fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        let ((is_v6, first), (last_is_v6, last)) = (bits(first), bits(last));
        (is_v6 == last_is_v6 && first <= last).then_some(Self { is_v6, first, last })
    }

    /// How many addresses there are, one at least; saturates for all of IPv6.
    #[must_use]
    pub fn addresses(&self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    /// The address at this place, from 0; `None` behind the end.
    #[must_use]
    pub fn nth(&self, place: u128) -> Option<IpAddr> {
        let bits = self.first.checked_add(place)?;
        (bits <= self.last).then(|| address(self.is_v6, bits))
    }

    /// The place of an address in it.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Option<u128> {
        let (is_v6, bits) = bits(address);
        (is_v6 == self.is_v6 && (self.first..=self.last).contains(&bits)).then(|| bits - self.first)
    }

    pub(super) fn is_v6(&self) -> bool {
        self.is_v6
    }

    /// Whether it begins at or before the beginning of another one.
    pub(super) fn begins_by(&self, other: &Self) -> bool {
        (self.is_v6, self.first) <= (other.is_v6, other.first)
    }

    /// Whether every address of it is in `network`.
    #[must_use]
    pub fn is_within(&self, network: &IpNet) -> bool {
        let network = Self::of(network);
        self.is_v6 == network.is_v6 && network.first <= self.first && self.last <= network.last
    }

    /// Whether any address of it is in `network`.
    pub(super) fn touches(&self, network: &IpNet) -> bool {
        let network = Self::of(network);
        self.is_v6 == network.is_v6 && network.first <= self.last && self.first <= network.last
    }

    /// One block, if no address lies between the two.
    pub(super) fn join(&self, next: &Self) -> Option<Self> {
        let adjoins = self.is_v6 == next.is_v6
            && self.first <= next.first
            && next.first <= self.last.saturating_add(1);
        adjoins.then(|| Self {
            last: self.last.max(next.last),
            ..*self
        })
    }

    /// All of a network.
    fn of(network: &IpNet) -> Self {
        let (is_v6, first) = bits(network.network());
        let (_, last) = bits(network.broadcast());
        Self { is_v6, first, last }
    }

    /// What a machine in the network can have: not the network's own address, and
    /// not the one that all machines listen to.
    fn hosts(network: &IpNet) -> Self {
        let mut block = Self::of(network);
        let has_broadcast = matches!(
            network,
            IpNet::V4(network) if network.prefix_len() <= LONGEST_PREFIX_WITH_BROADCAST
        );
        if has_broadcast {
            block.first += 1;
            block.last -= 1;
        }
        block
    }
}

/// `10.0.0.1`, or `10.0.0.1-10.0.0.50`.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        address(self.is_v6, self.first).fmt(f)?;
        if self.first == self.last {
            return Ok(());
        }
        write!(f, "-{}", address(self.is_v6, self.last))
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (false, u128::from(address.to_bits())),
        IpAddr::V6(address) => (true, address.to_bits()),
    }
}

fn address(is_v6: bool, bits: u128) -> IpAddr {
    if is_v6 {
        Ipv6Addr::from_bits(bits).into()
    } else {
        // Blocks of IPv4 are made from IPv4 addresses only.
        Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).into()
    }
}

/// Why a text names no addresses. `Display` is one sentence for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// Something with a slash that is no CIDR.
    #[error("is not a network; write it as 10.0.0.0/24 or 2001:db8::/120")]
    Cidr,
    /// `10.0.0.5/24`: most likely a mistake about which network it is.
    #[error("has address bits outside its mask; write {0}")]
    HostBits(IpNet),
    /// A range that ends before it begins, or in the other family.
    #[error("is not a range; write it as 10.0.0.1-10.0.0.50, the lower address first")]
    Range,
    /// An IPv4 network in the guise of IPv6.
    #[error("is IPv4 written as IPv6; write it as IPv4")]
    Mapped,
    /// None of the three forms.
    #[error(
        "is no address, no range and no network; write it as 10.0.0.1, 10.0.0.1-10.0.0.50 or 10.0.0.0/24"
    )]
    Address,
}

/// A network in CIDR, a range or a single address. Of a network, what machines can
/// have: not its own address, and not the one that all listen to.
impl FromStr for Block {
    type Err = BlockError;

    fn from_str(text: &str) -> Result<Self, BlockError> {
        if text.contains('/') {
            return cidr(text);
        }
        if let Some((first, last)) = text.split_once('-')
            && let Ok(first) = first.trim().parse::<IpAddr>()
        {
            let last: IpAddr = last.trim().parse().map_err(|_| BlockError::Range)?;
            if is_mapped(first) || is_mapped(last) {
                return Err(BlockError::Mapped);
            }
            return Self::between(first, last).ok_or(BlockError::Range);
        }
        // What no BMC can have is refused later, with a reason of its own.
        text.parse::<IpAddr>()
            .map(Self::single)
            .map_err(|_| BlockError::Address)
    }
}

fn cidr(text: &str) -> Result<Block, BlockError> {
    let network: IpNet = text.parse().map_err(|_| BlockError::Cidr)?;
    if is_mapped(network.network()) && network.prefix_len() >= MAPPED_PREFIX {
        return Err(BlockError::Mapped);
    }
    if network.trunc() != network {
        return Err(BlockError::HostBits(network.trunc()));
    }
    Ok(Block::hosts(&network))
}

fn is_mapped(address: IpAddr) -> bool {
    address.to_canonical() != address
}

/// A network of a table.
pub(super) fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix).into()
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
            ("10.0.0.1-10.0.0.50", "10.0.0.1-10.0.0.50", 50),
            ("10.0.0.255 - 10.0.1.0", "10.0.0.255-10.0.1.0", 2),
            ("fd00::/120", "fd00::-fd00::ff", 256),
            ("fd00::1-fd00::ffff", "fd00::1-fd00::ffff", 65_535),
        ] {
            let block: Block = text.parse().unwrap();
            assert_eq!(
                (block.to_string().as_str(), block.addresses()),
                (expected, len)
            );
        }
    }

    #[test]
    fn mistakes_are_told_apart() {
        for (text, expected) in [
            ("10.0.0.0/33", BlockError::Cidr),
            ("10.0.0/24", BlockError::Cidr),
            ("bmc.example/24", BlockError::Cidr),
            ("http://10.0.0.1/", BlockError::Cidr),
            ("10.0.0.5/24", BlockError::HostBits(v4(10, 0, 0, 0, 24))),
            ("10.0.0.9-10.0.0.1", BlockError::Range),
            ("10.0.0.1-fd00::1", BlockError::Range),
            ("10.0.0.1-50", BlockError::Range),
            ("::ffff:10.0.0.0/120", BlockError::Mapped),
            ("::ffff:10.0.0.1-::ffff:10.0.0.2", BlockError::Mapped),
            ("bmc.example", BlockError::Address),
            ("", BlockError::Address),
        ] {
            assert_eq!(text.parse::<Block>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn places_and_addresses_are_each_others_inverse() {
        let block: Block = "10.0.255.250-10.1.0.5".parse().unwrap();
        for place in 0..block.addresses() {
            let address = block.nth(place).unwrap();
            assert_eq!(block.place(address), Some(place));
        }
        assert_eq!(block.nth(block.addresses()), None);
        for outside in ["10.0.255.249", "10.1.0.6", "::a00:fffa"] {
            assert_eq!(block.place(outside.parse().unwrap()), None, "{outside}");
        }
    }
}
