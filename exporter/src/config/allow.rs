//! Which targets a module's credentials may be sent to.
//!
//! As soon as one module of the configuration has `targets:`, credentials follow the target and
//! not the query:
//!
//! * a target is served only with a module whose list contains it;
//! * a target that no list contains is served with no module;
//! * a module without a list serves nobody;
//! * a target that two lists contain may be asked for with either module.
//!
//! Without any list every target is allowed with every module, as in the stock exporter.
//!
//! Names are compared as text; networks are compared with literal addresses and with what a name
//! resolves to. The caller resolves once, hands every address in, and connects to one of those
//! that come back, so that a second look-up cannot lead elsewhere. An entry without port covers
//! port 623 only, `:PORT` that port, `:*` every port.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::target_address::{
    DEFAULT_PORT, Host, HostText, TargetAddress, TargetError, is_unicast, parse_host, parse_name,
    parse_port, split,
};

/// The `targets:` of one module. Looking a target up takes a few steps, however long the list
/// is.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    /// Networks by their address and prefix length; single addresses are the longest prefixes.
    networks: BTreeMap<IpNet, Ports>,
    /// Prefix lengths that occur, per family, so that a look-up tries only these.
    v4_prefixes: BTreeSet<u8>,
    v6_prefixes: BTreeSet<u8>,
    names: BTreeMap<Box<str>, Ports>,
    /// What follows `*.`; matches any name below it.
    suffixes: BTreeMap<Box<str>, Ports>,
    entries: usize,
}

/// Ports that an entry covers.
#[derive(Clone, Debug, Default)]
struct Ports {
    any: bool,
    listed: BTreeSet<u16>,
}

impl Ports {
    fn cover(&self, port: u16) -> bool {
        self.any || self.listed.contains(&port)
    }

    fn add(&mut self, port: PortRule) {
        match port {
            PortRule::Any => self.any = true,
            PortRule::One(port) => {
                self.listed.insert(port);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PortRule {
    Any,
    One(u16),
}

/// What one entry of a list turned out to be, for warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Every address of a family.
    Everything,
    /// Anything narrower.
    Ordinary,
}

/// Why an entry of `targets:` is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Not a host, and not a network either.
    #[error("{0}")]
    Target(TargetError),
    /// `10.0.0.0/33`, `10.0.0/24` and the like.
    #[error("is not a network; write it as 10.0.0.0/24 or 2001:db8::/32")]
    Network,
    /// `10.0.0.5/24`: address bits below the mask.
    #[error("has address bits outside its mask")]
    HostBits,
    /// `*` anywhere but in front.
    #[error("may have `*` only in front, as in `*.example.com`")]
    Wildcard,
    /// A zone in a list.
    #[error("must not have a zone; list the address without `%…`")]
    Zone,
}

impl AllowList {
    /// Number of entries that were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Does the list serve nobody?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Adds one entry as written in the configuration.
    pub(crate) fn add(&mut self, text: &str) -> Result<EntryKind, EntryError> {
        let kind = self.insert(text)?;
        self.entries += 1;
        Ok(kind)
    }

    fn insert(&mut self, text: &str) -> Result<EntryKind, EntryError> {
        let (host, port) = split(text).map_err(EntryError::Target)?;
        let port = match port {
            None => PortRule::One(DEFAULT_PORT),
            Some("*") => PortRule::Any,
            Some(port) => PortRule::One(parse_port(port).map_err(EntryError::Target)?),
        };
        let host = match host {
            HostText::Bare(host) | HostText::Bracketed(host) => host,
        };
        if host.contains('%') {
            return Err(EntryError::Zone);
        }
        if host.contains('/') {
            return self.insert_network(host, port);
        }
        if let Some(suffix) = host.strip_prefix("*.") {
            if suffix.contains('*') {
                return Err(EntryError::Wildcard);
            }
            let suffix = parse_name(suffix).map_err(EntryError::Target)?;
            self.suffixes.entry(suffix).or_default().add(port);
            return Ok(EntryKind::Ordinary);
        }
        if host.contains('*') {
            return Err(EntryError::Wildcard);
        }
        match parse_host(host).map_err(EntryError::Target)? {
            Host::Name(name) => self.names.entry(name).or_default().add(port),
            Host::Address { ip, .. } => self.insert_prefix(IpNet::from(ip), port),
        }
        Ok(EntryKind::Ordinary)
    }

    fn insert_network(&mut self, text: &str, port: PortRule) -> Result<EntryKind, EntryError> {
        let network: IpNet = text.parse().map_err(|_| EntryError::Network)?;
        if network.trunc() != network {
            return Err(EntryError::HostBits);
        }
        self.insert_prefix(network, port);
        Ok(if network.prefix_len() == 0 {
            EntryKind::Everything
        } else {
            EntryKind::Ordinary
        })
    }

    fn insert_prefix(&mut self, network: IpNet, port: PortRule) {
        match network {
            IpNet::V4(_) => self.v4_prefixes.insert(network.prefix_len()),
            IpNet::V6(_) => self.v6_prefixes.insert(network.prefix_len()),
        };
        self.networks.entry(network).or_default().add(port);
    }

    fn has_name(&self, name: &str, port: u16) -> bool {
        if self.names.get(name).is_some_and(|ports| ports.cover(port)) {
            return true;
        }
        let mut rest = name;
        while let Some((_, parent)) = rest.split_once('.') {
            if self
                .suffixes
                .get(parent)
                .is_some_and(|ports| ports.cover(port))
            {
                return true;
            }
            rest = parent;
        }
        false
    }

    fn has_address(&self, ip: IpAddr, port: u16) -> bool {
        let prefixes = match ip {
            IpAddr::V4(_) => &self.v4_prefixes,
            IpAddr::V6(_) => &self.v6_prefixes,
        };
        prefixes.iter().any(|&prefix| {
            IpNet::new(ip, prefix).is_ok_and(|network| {
                self.networks
                    .get(&network.trunc())
                    .is_some_and(|ports| ports.cover(port))
            })
        })
    }

    /// Could the target be allowed, whatever it resolves to?
    fn may_allow(&self, target: &TargetAddress) -> bool {
        match &target.host {
            Host::Name(name) => self.has_name(name, target.port) || !self.networks.is_empty(),
            Host::Address { ip, .. } => self.has_address(*ip, target.port),
        }
    }

    fn allows(&self, target: &TargetAddress, ip: IpAddr) -> bool {
        if self.has_address(ip, target.port) {
            return true;
        }
        match &target.host {
            Host::Address { .. } => false,
            Host::Name(name) => {
                // A name is controlled by whoever runs its DNS. It must not turn a listed BMC
                // into the exporter's own machine or its neighbours.
                self.has_name(name, target.port) && (&**name == "localhost" || !is_nearby(ip))
            }
        }
    }
}

/// Loopback and link-local addresses.
fn is_nearby(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

/// A target may not be asked with this module. Nothing has been sent to it, nor may be.
///
/// `Display` is the sentence for the answer; it says nothing about which other module would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("target is not listed in the targets of this module")
    }
}

impl std::error::Error for Denied {}

/// The rule for one module of one configuration.
#[derive(Clone, Copy, Debug)]
pub struct Permission<'a> {
    /// Does any module of the configuration have a list?
    restricted: bool,
    list: Option<&'a AllowList>,
}

impl<'a> Permission<'a> {
    /// `restricted` is whether any module of the configuration has a list; `list` is this
    /// module's.
    #[must_use]
    pub fn new(restricted: bool, list: Option<&'a AllowList>) -> Self {
        Self { restricted, list }
    }

    /// Before a name is resolved: is the answer no, whatever it resolves to?
    ///
    /// # Errors
    /// [`Denied`] then, so that an unlisted target does not even cause a DNS query where names
    /// alone decide.
    pub fn check_name(&self, target: &TargetAddress) -> Result<(), Denied> {
        match (self.restricted, self.list) {
            (false, _) => Ok(()),
            (true, Some(list)) if list.may_allow(target) => Ok(()),
            (true, _) => Err(Denied),
        }
    }

    /// Those of the resolved addresses that may be contacted, in the same order. For a literal
    /// address `resolved` is that address.
    ///
    /// # Errors
    /// [`Denied`] when none may.
    pub fn filter(
        &self,
        target: &TargetAddress,
        resolved: &[IpAddr],
    ) -> Result<Vec<IpAddr>, Denied> {
        self.check_name(target)?;
        let allowed: Vec<IpAddr> = resolved
            .iter()
            .copied()
            .filter(|ip| {
                let plain = ip.to_canonical();
                is_unicast(plain)
                    && (!self.restricted
                        || self.list.is_some_and(|list| list.allows(target, plain)))
            })
            .collect();
        if allowed.is_empty() {
            Err(Denied)
        } else {
            Ok(allowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowList {
        let mut list = AllowList::default();
        for entry in entries {
            list.add(entry).unwrap_or_else(|e| panic!("{entry}: {e}"));
        }
        list
    }

    fn decide(entries: &[&str], target: &str, resolved: &[&str]) -> bool {
        let list = list(entries);
        let target: TargetAddress = target.parse().unwrap();
        let resolved: Vec<IpAddr> = match target.ip() {
            Some(ip) => vec![ip],
            None => resolved.iter().map(|ip| ip.parse().unwrap()).collect(),
        };
        Permission::new(true, Some(&list))
            .filter(&target, &resolved)
            .is_ok()
    }

    #[test]
    fn a_list_decides_by_network_address_name_and_port() {
        let nets = ["10.0.0.0/24", "192.0.2.7", "2001:db8::/32"];
        let names = [
            "bmc.example",
            "*.rack.example",
            "odd.example:9623",
            "any.example:*",
        ];
        for (entries, target, resolved, expected) in [
            (&nets[..], "10.0.0.9", &[][..], true),
            (&nets, "10.0.1.9", &[], false),
            (&nets, "10.0.0.9:9623", &[], false),
            (&nets, "192.0.2.7", &[], true),
            (&nets, "192.0.2.8", &[], false),
            (&nets, "2001:db8:1::5", &[], true),
            (&nets, "[2001:db9::5]", &[], false),
            (&nets, "::ffff:10.0.0.9", &[], true),
            (&nets, "host.example", &["10.0.0.9"], true),
            (&nets, "host.example", &["10.0.1.9"], false),
            (&nets, "host.example", &["10.0.1.9", "10.0.0.9"], true),
            (&nets, "host.example", &[], false),
            (&names, "BMC.Example.", &["198.51.100.1"], true),
            (&names, "xbmc.example", &["198.51.100.1"], false),
            (&names, "a.rack.example", &["198.51.100.1"], true),
            (&names, "a.b.rack.example", &["198.51.100.1"], true),
            (&names, "rack.example", &["198.51.100.1"], false),
            (&names, "evilrack.example", &["198.51.100.1"], false),
            (&names, "odd.example", &["198.51.100.1"], false),
            (&names, "odd.example:9623", &["198.51.100.1"], true),
            (&names, "any.example:1", &["198.51.100.1"], true),
            (&names, "198.51.100.1", &[], false),
            (&[][..], "10.0.0.9", &[], false),
        ] {
            assert_eq!(
                decide(entries, target, resolved),
                expected,
                "{entries:?} {target} {resolved:?}"
            );
        }
    }

    #[test]
    fn a_listed_name_does_not_lead_to_loopback_or_neighbours() {
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.1.1",
            "fe80::1",
            "224.0.0.1",
            "0.0.0.0",
            "::ffff:127.0.0.1",
        ] {
            assert!(
                !decide(&["bmc.example"], "bmc.example", &[address]),
                "{address}"
            );
        }
        assert!(decide(
            &["bmc.example", "127.0.0.0/8"],
            "bmc.example",
            &["127.0.0.1"]
        ));
        assert!(decide(&["localhost:*"], "localhost:16230", &["127.0.0.1"]));
    }

    #[test]
    fn only_the_allowed_addresses_come_back() {
        let list = list(&["10.0.0.0/24"]);
        let target = "host.example".parse().unwrap();
        let resolved = ["10.9.9.9", "10.0.0.2", "10.0.0.1"].map(|ip| ip.parse().unwrap());
        assert_eq!(
            Permission::new(true, Some(&list))
                .filter(&target, &resolved)
                .unwrap(),
            resolved[1..]
        );
    }

    #[test]
    fn names_alone_are_judged_without_resolving() {
        let names = list(&["bmc.example"]);
        let nets = list(&["10.0.0.0/8"]);
        let other: TargetAddress = "other.example".parse().unwrap();
        assert_eq!(
            Permission::new(true, Some(&names)).check_name(&other),
            Err(Denied)
        );
        assert_eq!(
            Permission::new(true, Some(&nets)).check_name(&other),
            Ok(())
        );
        assert_eq!(Permission::new(true, None).check_name(&other), Err(Denied));
    }

    #[test]
    fn without_any_list_everything_that_can_be_a_bmc_is_allowed() {
        let free = Permission::new(false, None);
        let target = "host.example".parse().unwrap();
        assert!(
            free.filter(&target, &["127.0.0.1".parse().unwrap()])
                .is_ok()
        );
        assert!(
            free.filter(&target, &["224.0.0.1".parse().unwrap()])
                .is_err()
        );
    }

    #[test]
    fn wrong_entries_say_why() {
        for (entry, start) in [
            ("10.0.0.0/33", "is not a network"),
            ("10.0.0.5/24", "has address bits outside"),
            ("10.0.0/24", "is not a network"),
            ("*", "may have `*` only in front"),
            ("a.*.example", "may have `*` only in front"),
            ("*.*.example", "may have `*` only in front"),
            ("fe80::1%eth0", "must not have a zone"),
            ("host:0", "target has a bad port"),
            ("10.0.0.[1-9]", "target must be one host"),
            ("", "target is empty"),
        ] {
            let message = AllowList::default().add(entry).unwrap_err().to_string();
            assert!(message.starts_with(start), "{entry}: {message}");
        }
    }

    #[test]
    fn a_network_with_port_is_written_in_brackets_for_ipv6() {
        assert!(decide(&["10.0.0.0/8:9623"], "10.0.0.1:9623", &[]));
        assert!(decide(&["[2001:db8::/32]:9623"], "[2001:db8::1]:9623", &[]));
        assert!(decide(&["127.0.0.0/8:*"], "127.0.0.1:16230", &[]));
    }
}
