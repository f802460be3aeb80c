//! The key `discovery`.

use ipnet::IpNet;
use serde::Deserialize;

/// Highest rate that is allowed, in datagrams a second: more is lost on the way
/// back.
const MAX_RATE: u32 = 10_000;
/// Most addresses of a scan that are allowed: a /8.
const MAX_ADDRESSES: u64 = 1 << 24;

/// Which networks may be scanned for BMCs, and how fast.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct DiscoveryConfig {
    /// Networks whose addresses may be scanned, each for itself. Empty forbids all
    /// scans.
    pub networks: Vec<IpNet>,
    /// Most addresses of one scan.
    pub max_addresses: u64,
    /// Most datagrams a second of one scan.
    pub max_rate: u32,
}

impl Default for DiscoveryConfig {
    /// Private networks (RFC 1918, RFC 4193), without loopback and link-local ones.
    fn default() -> Self {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
        Self {
            networks: private
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            max_addresses: 1 << 16,
            max_rate: 1000,
        }
    }
}

impl DiscoveryConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=MAX_ADDRESSES).contains(&self.max_addresses) {
            return Err(format!(
                "discovery.max_addresses: {} is not between 1 and {MAX_ADDRESSES}",
                self.max_addresses
            ));
        }
        if !(1..=MAX_RATE).contains(&self.max_rate) {
            return Err(format!(
                "discovery.max_rate: {} is not between 1 and {MAX_RATE}",
                self.max_rate
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_networks_are_scanned_unless_somebody_says_so() {
        let config = DiscoveryConfig::default();
        assert_eq!(config.networks.len(), 4);
        let covers = |address: &str| {
            let address: std::net::IpAddr = address.parse().unwrap();
            config
                .networks
                .iter()
                .any(|network| network.contains(&address))
        };
        assert!(covers("10.1.2.3") && covers("172.31.0.1") && covers("fd00::1"));
        for not in [
            "127.0.0.1",
            "::1",
            "8.8.8.8",
            "169.254.1.1",
            "fe80::1",
            "172.32.0.1",
        ] {
            assert!(!covers(not), "{not}");
        }
        assert_eq!(config.check(), Ok(()));
        for (key, wrong) in [
            ("max_rate", serde_json::json!({"max_rate": 0})),
            ("max_addresses", serde_json::json!({"max_addresses": 0})),
        ] {
            let config: DiscoveryConfig = serde_json::from_value(wrong).unwrap();
            assert!(config.check().unwrap_err().contains(key));
        }
    }
}
