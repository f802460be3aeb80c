//! Which addresses are scanned, and which never are.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use super::block::{Block, v4};

/// More addresses than a /16 has are scanned only when somebody insists.
pub const MAX_ADDRESSES: u64 = 1 << 16;
/// More addresses than a /8 has are never scanned: at the highest rate it would
/// take more than an hour and more memory than was thought of.
pub const MAX_FORCED_ADDRESSES: u64 = 1 << 24;

/// Why a network is not scanned. `Display` is one sentence for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Addresses that no single machine can have.
    #[error("{block} has {kind} addresses, which are never scanned")]
    NotUnicast {
        /// What was to be scanned.
        block: Block,
        /// Which addresses.
        kind: &'static str,
    },
    /// Addresses of the whole internet.
    #[error(
        "{block} is public: BMCs do not belong there, and to scan what is not yours is \
         forbidden in many places; --force scans it all the same"
    )]
    Public {
        /// What was to be scanned.
        block: Block,
    },
    /// More than [`MAX_ADDRESSES`].
    #[error(
        "{addresses} addresses are more than the {MAX_ADDRESSES} of a /16; --force scans them \
         all the same"
    )]
    Large {
        /// How many were to be scanned.
        addresses: u128,
    },
    /// More than [`MAX_FORCED_ADDRESSES`].
    #[error(
        "{addresses} addresses are more than the {MAX_FORCED_ADDRESSES} of a /8, which is the \
         most that can be forced"
    )]
    TooLarge {
        /// How many were to be scanned.
        addresses: u128,
    },
}

/// Addresses to scan, each once, in ascending order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Ascending and apart; each with the number of addresses before it.
    blocks: Vec<(u64, Block)>,
    len: u64,
}

impl Plan {
    /// Takes blocks that may overlap. With `force` they may be public, and more
    /// than a /16.
    ///
    /// # Errors
    /// [`Refused`], for the first block that may not be scanned, or for all
    /// together.
    pub fn new(mut blocks: Vec<Block>, force: bool) -> Result<Self, Refused> {
        for block in &blocks {
            admit(block, force)?;
        }
        blocks.sort_unstable();
        let mut merged: Vec<Block> = Vec::new();
        for block in blocks {
            match merged.last_mut() {
                Some(last) if last.join(&block).is_some() => {
                    *last = last.join(&block).unwrap_or(block);
                }
                _ => merged.push(block),
            }
        }
        let addresses = merged
            .iter()
            .fold(0_u128, |sum, block| sum.saturating_add(block.addresses()));
        if addresses > u128::from(MAX_FORCED_ADDRESSES) {
            return Err(Refused::TooLarge { addresses });
        }
        if addresses > u128::from(MAX_ADDRESSES) && !force {
            return Err(Refused::Large { addresses });
        }
        let mut len = 0;
        let blocks = merged
            .into_iter()
            .map(|block| {
                let before = len;
                // Bounded by the largest plan.
                len += u64::try_from(block.addresses()).unwrap_or(u64::MAX);
                (before, block)
            })
            .collect();
        Ok(Self { blocks, len })
    }

    /// How many addresses there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The address with this number, from 0.
    #[must_use]
    pub fn address(&self, number: u64) -> Option<IpAddr> {
        let behind = self.blocks.partition_point(|(before, _)| *before <= number);
        let (before, block) = self.blocks.get(behind.checked_sub(1)?)?;
        block.nth(u128::from(number - before))
    }

    /// The number of an address; `None` when it is not part of the plan.
    #[must_use]
    pub fn number(&self, address: IpAddr) -> Option<u64> {
        let single = Block::single(address);
        // The last block that begins at or before the address.
        let behind = self
            .blocks
            .partition_point(|(_, block)| block.begins_by(&single));
        let (before, block) = self.blocks.get(behind.checked_sub(1)?)?;
        let place = u64::try_from(block.place(address)?).ok()?;
        Some(before + place)
    }

    /// Whether there are addresses of IPv4, and of IPv6.
    #[must_use]
    pub fn families(&self) -> (bool, bool) {
        let has = |v6: bool| self.blocks.iter().any(|(_, block)| block.is_v6() == v6);
        (has(false), has(true))
    }
}

/// Whether a block may be scanned, however many addresses it has.
fn admit(block: &Block, force: bool) -> Result<(), Refused> {
    for (kind, network) in never() {
        if block.touches(&network) {
            return Err(Refused::NotUnicast {
                block: *block,
                kind,
            });
        }
    }
    if force || own().iter().any(|network| block.is_within(network)) {
        return Ok(());
    }
    Err(Refused::Public { block: *block })
}

/// Networks in which no single machine has an address.
fn never() -> [(&'static str, IpNet); 6] {
    [
        ("unspecified", v4(0, 0, 0, 0, 8)),
        ("multicast", v4(224, 0, 0, 0, 4)),
        ("broadcast", v4(255, 255, 255, 255, 32)),
        ("reserved", v4(240, 0, 0, 0, 4)),
        ("unspecified", v6(0, 128)),
        ("multicast", v6(0xff00, 8)),
    ]
}

/// Networks whose addresses are not routed in the internet, by the registries of
/// special-purpose addresses (RFC 6890).
fn own() -> [IpNet; 14] {
    [
        v4(10, 0, 0, 0, 8),
        v4(172, 16, 0, 0, 12),
        v4(192, 168, 0, 0, 16),
        v4(127, 0, 0, 0, 8),
        v4(169, 254, 0, 0, 16),
        // Between a provider and its customers (RFC 6598).
        v4(100, 64, 0, 0, 10),
        // Benchmarks (RFC 2544) and documentation (RFC 5737).
        v4(198, 18, 0, 0, 15),
        v4(192, 0, 2, 0, 24),
        v4(198, 51, 100, 0, 24),
        v4(203, 0, 113, 0, 24),
        IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        v6(0xfc00, 7),
        v6(0xfe80, 10),
        Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32).into(),
    ]
}

fn v6(first: u16, prefix: u8) -> IpNet {
    Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0), prefix).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(networks: &[&str], force: bool) -> Result<Plan, Refused> {
        let blocks = networks.iter().map(|text| text.parse().unwrap());
        Plan::new(blocks.collect(), force)
    }

    /// What happens without and with `--force`: fine, or a word of the reason.
    #[test]
    fn what_is_refused_is_refused_with_its_reason() {
        const FINE: &str = "";
        for (network, without, with) in [
            ("10.0.0.0/16", FINE, FINE),
            ("172.31.255.255", FINE, FINE),
            ("192.168.1.0/24", FINE, FINE),
            ("127.0.0.1", FINE, FINE),
            ("169.254.10.10", FINE, FINE),
            ("100.64.0.1", FINE, FINE),
            ("192.0.2.1", FINE, FINE),
            ("::1", FINE, FINE),
            ("fd00:1::/112", FINE, FINE),
            ("fe80::1", FINE, FINE),
            ("2001:db8::1", FINE, FINE),
            ("8.8.8.8", "is public", FINE),
            ("172.32.0.1", "is public", FINE),
            ("100.128.0.1", "is public", FINE),
            ("9.255.255.0-10.0.0.5", "is public", FINE),
            ("10.255.255.250-11.0.0.1", "is public", FINE),
            ("2600::/120", "is public", FINE),
            ("10.0.0.0/15", "more than the 65536", FINE),
            ("10.0.0.0/8", "more than the 65536", FINE),
            ("fd00::/111", "more than the 65536", FINE),
            (
                "fd00::/64",
                "most that can be forced",
                "most that can be forced",
            ),
            ("1.0.0.0/7", "outside its mask", "outside its mask"),
            ("2.0.0.0/7", "is public", "most that can be forced"),
            ("0.0.0.0", "unspecified", "unspecified"),
            ("0.1.2.3", "unspecified", "unspecified"),
            ("0.0.0.0/0", "unspecified", "unspecified"),
            ("::", "unspecified", "unspecified"),
            ("::/0", "unspecified", "unspecified"),
            ("224.0.0.1", "multicast", "multicast"),
            ("223.255.255.255-224.0.0.0", "multicast", "multicast"),
            ("ff02::1", "multicast", "multicast"),
            ("fe80::-ffff::", "multicast", "multicast"),
            ("255.255.255.255", "broadcast", "broadcast"),
            ("240.0.0.1", "reserved", "reserved"),
        ] {
            for (force, expected) in [(false, without), (true, with)] {
                let said = match network.parse::<Block>() {
                    Ok(block) => Plan::new(vec![block], force)
                        .err()
                        .map(|error| error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                match said {
                    None => assert_eq!(expected, FINE, "{network}, force {force}"),
                    Some(said) => assert!(
                        expected != FINE && said.contains(expected),
                        "{network}, force {force}: {said}"
                    ),
                }
            }
        }
    }

    #[test]
    fn the_bound_is_for_all_networks_together() {
        assert_eq!(
            plan(&["10.0.0.0/17", "10.1.0.0/17"], false).unwrap().len(),
            65_532
        );
        let halves = ["10.0.0.0-10.0.255.255", "10.1.0.0"];
        let refused = plan(&halves, false).unwrap_err();
        assert_eq!(refused, Refused::Large { addresses: 65_537 });
        assert!(plan(&halves, true).is_ok());
    }

    #[test]
    fn each_address_has_one_number_however_often_it_is_named() {
        let plan = plan(
            &[
                "fd00::1",
                "10.0.0.9",
                "10.0.0.0/29",
                "10.0.0.4-10.0.0.5",
                "10.0.0.7-10.0.0.8",
                "fd00::1-fd00::3",
                "192.168.0.1",
            ],
            false,
        )
        .unwrap();
        let addresses: Vec<String> = (0..plan.len())
            .map(|number| plan.address(number).unwrap().to_string())
            .collect();
        assert_eq!(
            addresses.join(" "),
            "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9 \
             192.168.0.1 fd00::1 fd00::2 fd00::3"
        );
        for (number, address) in (0..).zip(&addresses) {
            assert_eq!(plan.number(address.parse().unwrap()), Some(number));
        }
        assert_eq!(plan.address(plan.len()), None);
        for outside in [
            "10.0.0.0",
            "10.0.0.10",
            "192.168.0.0",
            "fd00::",
            "::1",
            "1.1.1.1",
        ] {
            assert_eq!(plan.number(outside.parse().unwrap()), None, "{outside}");
        }
        assert_eq!(plan.families(), (true, true));
    }
}
