//! Which alert it is: the number that Prometheus and Alertmanager compute from
//! an alert's labels.

use std::collections::BTreeMap;
use std::fmt;

/// The 64-bit FNV-1a hash of an alert's labels, as Alertmanager computes it and
/// shows it in webhooks: names in order, each name and each value followed by a
/// byte that UTF-8 does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

/// Start value of FNV-1a with 64 bits.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
/// Factor of FNV-1a with 64 bits.
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// Ends a name or a value.
const SEPARATOR: u8 = 0xff;

impl Fingerprint {
    /// Computes it. A `BTreeMap` of texts is in the order of their bytes, which
    /// is the order that Go sorts names in.
    #[must_use]
    pub fn of(labels: &BTreeMap<String, String>) -> Self {
        let bytes = labels.iter().flat_map(|(name, value)| {
            let name = name.bytes().chain([SEPARATOR]);
            name.chain(value.bytes()).chain([SEPARATOR])
        });
        Self(bytes.fold(OFFSET, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        }))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_alertmanager_shows() {
        let mut seen = 0;
        for body in [
            include_str!("../../tests/data/alerts/webhook-firing.json"),
            include_str!("../../tests/data/alerts/webhook-mixed.json"),
            include_str!("../../tests/data/alerts/webhook-resolved.json"),
            include_str!("../../tests/data/alerts/webhook-truncated.json"),
        ] {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            for alert in body["alerts"].as_array().unwrap() {
                let labels = serde_json::from_value(alert["labels"].clone()).unwrap();
                assert_eq!(
                    Fingerprint::of(&labels).to_string(),
                    alert["fingerprint"].as_str().unwrap()
                );
                seen += 1;
            }
        }
        assert_eq!(seen, 11);
    }

    #[test]
    fn no_labels_are_the_start_value() {
        assert_eq!(
            Fingerprint::of(&BTreeMap::new()).to_string(),
            "cbf29ce484222325"
        );
    }
}
