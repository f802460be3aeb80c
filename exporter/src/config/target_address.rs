//! The address of one BMC as a query or an allow-list names it.
//!
//! Exactly one host. The lists and ranges that FreeIPMI expands (`a,b`, `10.0.0.[1-9]`) are
//! refused, because one request would fan out to many machines; so are the short IPv4 forms that
//! a resolver would read as another address than they look like (`127.1`, `0x7f000001`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// UDP port of IPMI over LAN (IPMI 2.0, 13.1.2).
pub const DEFAULT_PORT: u16 = 623;

/// Longest text that is looked at, in bytes: the longest host name plus a port.
const MAX_LENGTH: usize = 255;

/// Host and UDP port of one BMC. Two texts that mean the same address compare equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetAddress {
    /// The host.
    pub host: Host,
    /// UDP port, never 0.
    pub port: u16,
}

/// A host, by name or by address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A DNS name in lower case without the closing dot.
    Name(Box<str>),
    /// An address as written; an IPv4-mapped IPv6 address has become the IPv4 address.
    Address {
        /// The address.
        ip: IpAddr,
        /// Zone of a link-local IPv6 address (`eth0` in `fe80::1%eth0`).
        zone: Option<Box<str>>,
    },
}

/// Why a text is not the address of one BMC. `Display` is one sentence for the person who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Nothing was given.
    #[error("target is empty")]
    Empty,
    /// More than 255 bytes.
    #[error("target is longer than 255 bytes")]
    TooLong,
    /// Blanks, line breaks or control characters.
    #[error("target contains a blank or a control character")]
    Whitespace,
    /// A list or a range of hosts.
    #[error("target must be one host, not a list or a range")]
    NotOneHost,
    /// A scheme, a path or a user, as in a URL.
    #[error("target must be a host or host:port, not a URL")]
    Url,
    /// `[` without `]`, or text between `]` and `:`.
    #[error("target has unbalanced brackets; write an IPv6 address with port as [2001:db8::1]:623")]
    Brackets,
    /// Brackets around something else than an IPv6 address.
    #[error("target has brackets around something that is not an IPv6 address")]
    NotIpv6,
    /// The port is not 1 to 65535.
    #[error("target has a bad port; it must be a number from 1 to 65535")]
    Port,
    /// Several colons, but not an IPv6 address.
    #[error("target has several colons but is not an IPv6 address")]
    Colons,
    /// Digits and dots, but not four numbers up to 255.
    #[error("target looks like an IPv4 address but is not one; write four numbers from 0 to 255")]
    NotIpv4,
    /// Not a legal host name.
    #[error("target is not a valid host name")]
    Name,
    /// A zone on something that is not an IPv6 address, or an illegal one.
    #[error("target has a zone (%) that is only legal behind an IPv6 address")]
    Zone,
    /// Unspecified, multicast or broadcast: no BMC can have it.
    #[error("target is an unspecified, multicast or broadcast address, which no BMC can have")]
    NotUnicast,
}

impl TargetAddress {
    /// The address text without the port, as a resolver takes it.
    #[must_use]
    pub fn host_text(&self) -> String {
        self.host.to_string()
    }

    /// The literal address, when the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Address { ip, .. } => Some(*ip),
            Host::Name(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address { ip, zone: None } => ip.fmt(f),
            Self::Address {
                ip,
                zone: Some(zone),
            } => write!(f, "{ip}%{zone}"),
        }
    }
}

/// `host`, or `host:port` when the port is not 623.
impl fmt::Display for TargetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            host if self.port == DEFAULT_PORT => host.fmt(f),
            host @ Host::Address {
                ip: IpAddr::V6(_), ..
            } => write!(f, "[{host}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl FromStr for TargetAddress {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (host, port) = split(text)?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => parse_port(port)?,
        };
        let host = match host {
            HostText::Bracketed(inner) => parse_ipv6(inner)?.ok_or(TargetError::NotIpv6)?,
            HostText::Bare(host) => parse_host(host)?,
        };
        if let Host::Address { ip, .. } = &host
            && !is_unicast(*ip)
        {
            return Err(TargetError::NotUnicast);
        }
        Ok(Self { host, port })
    }
}

/// Can a single machine have this address?
pub(crate) fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()),
        IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_multicast()),
    }
}

/// The host part of a text, and whether it stood in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostText<'a> {
    Bracketed(&'a str),
    Bare(&'a str),
}

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port` and bare IPv6, without judging the parts.
pub(crate) fn split(text: &str) -> Result<(HostText<'_>, Option<&str>), TargetError> {
    if text.is_empty() {
        return Err(TargetError::Empty);
    }
    if text.len() > MAX_LENGTH {
        return Err(TargetError::TooLong);
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(TargetError::Whitespace);
    }
    if text.contains("://") {
        return Err(TargetError::Url);
    }
    if text.contains(',') {
        return Err(TargetError::NotOneHost);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, after) = rest.split_once(']').ok_or(TargetError::Brackets)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((HostText::Bracketed(inner), Some(port))),
            None if after.is_empty() => Ok((HostText::Bracketed(inner), None)),
            None => Err(TargetError::Brackets),
        };
    }
    if text.contains(['[', ']']) {
        return Err(TargetError::NotOneHost);
    }
    match text.bytes().filter(|byte| *byte == b':').count() {
        0 => Ok((HostText::Bare(text), None)),
        1 => match text.split_once(':') {
            Some((host, port)) => Ok((HostText::Bare(host), Some(port))),
            None => Ok((HostText::Bare(text), None)),
        },
        _ => Ok((HostText::Bare(text), None)),
    }
}

/// A port as people write it; `+80`, `080` and 0 are mistakes.
pub(crate) fn parse_port(text: &str) -> Result<u16, TargetError> {
    if text.starts_with(['0', '+']) {
        return Err(TargetError::Port);
    }
    text.parse().map_err(|_| TargetError::Port)
}

/// A host without port and without brackets.
pub(crate) fn parse_host(text: &str) -> Result<Host, TargetError> {
    if text.is_empty() {
        return Err(TargetError::Empty);
    }
    if text.contains(['/', '@', '?', '#']) {
        return Err(TargetError::Url);
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address {
            ip: ip.into(),
            zone: None,
        });
    }
    if text.contains(':') {
        return parse_ipv6(text)?.ok_or(TargetError::Colons);
    }
    if text.contains('%') {
        return Err(TargetError::Zone);
    }
    Ok(Host::Name(parse_name(text)?))
}

/// An IPv6 address with an optional zone; `None` when it is not one.
fn parse_ipv6(text: &str) -> Result<Option<Host>, TargetError> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let Ok(ip) = address.parse::<Ipv6Addr>() else {
        return Ok(None);
    };
    if let Some(zone) = zone {
        let legal = !zone.is_empty()
            && zone.len() <= 15
            && zone
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
        if !legal {
            return Err(TargetError::Zone);
        }
    }
    Ok(Some(Host::Address {
        ip: IpAddr::V6(ip).to_canonical(),
        zone: zone.map(Into::into),
    }))
}

/// A host name in lower case (RFC 1123, and `_`, which people use).
pub(crate) fn parse_name(text: &str) -> Result<Box<str>, TargetError> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() > 253 {
        return Err(TargetError::TooLong);
    }
    let legal_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if !name.split('.').all(legal_label) {
        return Err(TargetError::Name);
    }
    // A resolver takes a name that ends in a number for an address in one of the old forms.
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_number {
        return Err(TargetError::NotIpv4);
    }
    Ok(name.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_host_is_read() {
        for (text, canonical, host, port) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.3", 623),
            ("10.1.2.3:9623", "10.1.2.3:9623", "10.1.2.3", 9623),
            ("10.1.2.3:623", "10.1.2.3", "10.1.2.3", 623),
            ("bmc.example", "bmc.example", "bmc.example", 623),
            ("BMC.Example.", "bmc.example", "bmc.example", 623),
            (
                "bmc-1_a.example:65535",
                "bmc-1_a.example:65535",
                "bmc-1_a.example",
                65535,
            ),
            ("2001:db8::1", "2001:db8::1", "2001:db8::1", 623),
            ("2001:DB8:0::1", "2001:db8::1", "2001:db8::1", 623),
            ("[2001:db8::1]", "2001:db8::1", "2001:db8::1", 623),
            (
                "[2001:db8::1]:9623",
                "[2001:db8::1]:9623",
                "2001:db8::1",
                9623,
            ),
            ("fe80::1%eth0", "fe80::1%eth0", "fe80::1%eth0", 623),
            (
                "[fe80::1%eth0.10]:624",
                "[fe80::1%eth0.10]:624",
                "fe80::1%eth0.10",
                624,
            ),
            ("::1", "::1", "::1", 623),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1", 623),
            ("localhost", "localhost", "localhost", 623),
            ("3com.example", "3com.example", "3com.example", 623),
        ] {
            let target: TargetAddress = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(target.to_string(), canonical, "{text}");
            assert_eq!(
                (target.host_text().as_str(), target.port),
                (host, port),
                "{text}"
            );
            assert_eq!(canonical.parse(), Ok(target), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        use TargetError as E;
        let long_name = format!("{}.example", "a".repeat(250));
        let long_label = format!("{}.example", "a".repeat(64));
        for (text, expected) in [
            ("", E::Empty),
            (":623", E::Empty),
            (" 10.0.0.1", E::Whitespace),
            ("10.0.0.1\n", E::Whitespace),
            ("a b", E::Whitespace),
            ("a,b", E::NotOneHost),
            ("10.0.0.[1-200]", E::NotOneHost),
            ("node[1-3]", E::NotOneHost),
            ("[2001:db8::1", E::Brackets),
            ("[2001:db8::1]623", E::Brackets),
            ("[10.0.0.1]", E::NotIpv6),
            ("[node]:623", E::NotIpv6),
            ("[]", E::NotIpv6),
            ("host:0", E::Port),
            ("host:70000", E::Port),
            ("host:abc", E::Port),
            ("host:", E::Port),
            ("host:+623", E::Port),
            ("host:0623", E::Port),
            ("host:-1", E::Port),
            ("a:b:c", E::Colons),
            ("10.0.0.1:623:1", E::Colons),
            ("10.0.0.300", E::NotIpv4),
            ("10.0.0", E::NotIpv4),
            ("127.1", E::NotIpv4),
            ("2130706433", E::NotIpv4),
            ("0x7f000001", E::NotIpv4),
            ("010.0.0.1", E::NotIpv4),
            ("http://bmc/", E::Url),
            ("bmc/", E::Url),
            ("10.0.0.0/24", E::Url),
            ("admin@bmc", E::Url),
            ("-h", E::Name),
            ("a..b", E::Name),
            (".", E::Name),
            ("*.example.com", E::Name),
            ("bücher.example", E::Name),
            (long_label.as_str(), E::Name),
            (long_name.as_str(), E::TooLong),
            ("bmc%eth0", E::Zone),
            ("fe80::1%", E::Zone),
            ("fe80::1%a;b", E::Zone),
            ("0.0.0.0", E::NotUnicast),
            ("255.255.255.255", E::NotUnicast),
            ("224.0.0.1", E::NotUnicast),
            ("ff02::1", E::NotUnicast),
            ("::", E::NotUnicast),
        ] {
            assert_eq!(text.parse::<TargetAddress>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn reasons_are_one_plain_sentence() {
        for text in ["", "a b", "a,b", "host:0", "10.0.0.300"] {
            let message = text.parse::<TargetAddress>().unwrap_err().to_string();
            assert!(message.starts_with("target "), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
