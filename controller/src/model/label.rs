//! Labels that go on every series of a server, by Prometheus' rules.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Most labels of one server.
const MAX_LABELS: usize = 32;
/// Longest value, in bytes.
const MAX_VALUE: usize = 1024;

/// Names that an operator's label must not have: the controller sets the first
/// six itself, and the exporter's own series carry the others. A target label of
/// such a name would push the sensor's own label aside (Prometheus renames it to
/// `exported_…`), and break every rule and dashboard that reads it.
pub const RESERVED_LABELS: &[&str] = &[
    "instance",
    "job",
    "server_id",
    "server_name",
    "group",
    "manufacturer",
    "action",
    "bmc_url",
    "collector",
    "exported_instance",
    "exported_job",
    "firmware_revision",
    "id",
    "interrupt",
    "manufacturer_id",
    "name",
    "state",
    "system_firmware_version",
    "type",
];

/// A label name that may stand on a target: letters, digits and underscores, no
/// digit first, not beginning with two underscores, not
/// [reserved](RESERVED_LABELS).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct LabelName(String);

impl LabelName {
    /// Checks a name.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut characters = text.chars();
        let first_is_good = characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        let rest_is_good = characters.all(|other| other.is_ascii_alphanumeric() || other == '_');
        if !first_is_good || !rest_is_good {
            return Err(format!(
                "\"{text}\" is no label name; letters, digits and underscores are allowed, and a digit not in front"
            ));
        }
        if text.starts_with("__") {
            return Err(format!(
                "\"{text}\" begins with two underscores, which Prometheus keeps for itself"
            ));
        }
        if RESERVED_LABELS.contains(&text) {
            return Err(format!(
                "\"{text}\" is a label that the system sets or that sensors carry; choose another name"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An operator's labels of a server, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = BTreeMap<String, String>)]
pub struct Labels(BTreeMap<LabelName, String>);

impl Labels {
    /// Checks names, values and their number.
    ///
    /// # Errors
    /// A sentence for the first thing that is wrong.
    pub fn parse(labels: &BTreeMap<String, String>) -> Result<Self, String> {
        if labels.len() > MAX_LABELS {
            return Err(format!(
                "has {} labels; at most {MAX_LABELS} are allowed",
                labels.len()
            ));
        }
        let mut checked = BTreeMap::new();
        for (name, value) in labels {
            let name = LabelName::parse(name)?;
            if value.is_empty() {
                return Err(format!(
                    "the value of \"{}\" is empty, which to Prometheus is no label; leave it out",
                    name.as_str()
                ));
            }
            if value.len() > MAX_VALUE {
                return Err(format!(
                    "the value of \"{}\" has {} bytes; at most {MAX_VALUE} are allowed",
                    name.as_str(),
                    value.len()
                ));
            }
            checked.insert(name, value.clone());
        }
        Ok(Self(checked))
    }

    /// The form that [`Self::parse`] reads.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        self.iter().map(owned).collect()
    }

    /// All labels, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_prometheus_and_leave_sensors_their_labels() {
        for good in ["rack", "_x", "Data_Center2"] {
            assert!(LabelName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "server-id",
            "2u",
            "a b",
            "__param_x",
            "name",
            "id",
            "type",
            "collector",
            "größe",
        ] {
            assert!(LabelName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_there_and_bounded() {
        let with =
            |value: &str| Labels::parse(&BTreeMap::from([("rack".to_owned(), value.to_owned())]));
        assert!(with("r12 ü").is_ok());
        assert!(with("").is_err());
        assert!(with(&"x".repeat(1025)).is_err());
    }
}
