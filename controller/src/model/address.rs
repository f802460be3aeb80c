//! Where a BMC is.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

/// Longest host name: with a port it is what exporters take, 255 characters.
const MAX_NAME: usize = 249;

/// A host name or an IP address, without a port, in the form in which it is
/// published: lower case, IPv6 without brackets in its shortest form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, max_length = 249)]
pub struct Address(String);

impl Address {
    /// Checks an address. Multicast, broadcast and unspecified addresses are no
    /// address of one BMC.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            // One machine has one form, also where IPv4 is written as IPv6.
            let address = address.to_canonical();
            let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
            if address.is_unspecified() || address.is_multicast() || broadcast {
                return Err(format!("{address} is not the address of one machine"));
            }
            return Ok(Self(address.to_string()));
        }
        if text.contains(':') {
            return Err(format!(
                "\"{text}\" is no host name or IP address; the port has a field of its own"
            ));
        }
        if !is_host_name(text) {
            return Err(format!(
                "\"{text}\" is no host name or IP address; a name has labels of letters, digits and hyphens, up to 63 characters each and {MAX_NAME} in all, and does not end in a number"
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as target of the exporter: with the port unless that is 623.
    #[must_use]
    pub fn target(&self, port: Port) -> String {
        let is_v6 = self.0.contains(':');
        match (port, is_v6) {
            (Port::IPMI, _) => self.0.clone(),
            (port, true) => format!("[{}]:{}", self.0, port.0),
            (port, false) => format!("{}:{}", self.0, port.0),
        }
    }
}

/// A UDP port, not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = u16, minimum = 1)]
pub struct Port(pub u16);

impl Port {
    /// Where BMCs listen by default (IPMI 2.0 section 13.1.2).
    pub const IPMI: Self = Self(623);

    /// Checks a port.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(number: i64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Self(port)),
            _ => Err(format!("{number} is no port; 1 to 65535 are allowed")),
        }
    }
}

/// RFC 1123, with an underscore tolerated: people have such names.
fn is_host_name(text: &str) -> bool {
    let label_is_good = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    // A name that ends in a number is an address in one of the old forms to a
    // resolver; exporters refuse it.
    let last = text.rsplit('.').next().unwrap_or(text).to_ascii_lowercase();
    let is_number = match last.strip_prefix("0x") {
        Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
        None => last.chars().all(|c| c.is_ascii_digit()),
    };
    text.len() <= MAX_NAME && !is_number && text.split('.').all(label_is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        let parsed = |text: &str| Address::parse(text).map(|a| a.as_str().to_owned());
        assert_eq!(
            parsed("BMC-1.Example.org").as_deref(),
            Ok("bmc-1.example.org")
        );
        assert_eq!(parsed("[2001:DB8::1]").as_deref(), Ok("2001:db8::1"));
        assert_eq!(parsed("10.0.0.1").as_deref(), Ok("10.0.0.1"));
        assert_eq!(parsed("::ffff:10.0.0.1").as_deref(), Ok("10.0.0.1"));
        for bad in [
            "",
            "a b",
            "10.0.0.256",
            "10.0.0.1:623",
            "-a",
            "0.0.0.0",
            "255.255.255.255",
            "ff02::1",
            "::ffff:0.0.0.0",
            "a..b",
            "http://x",
            "bmc.12",
            "bmc.0x1f",
            &format!("{0}.{0}.{0}.{1}", "x".repeat(63), "x".repeat(58)),
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_usual_port_is_left_out_of_a_target() {
        let v6 = Address::parse("2001:db8::1").unwrap();
        assert_eq!(v6.target(Port::IPMI), "2001:db8::1");
        assert_eq!(v6.target(Port(6230)), "[2001:db8::1]:6230");
        assert!(Port::parse(0).is_err() && Port::parse(65536).is_err());
    }
}
