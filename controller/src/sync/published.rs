//! What is published now, ready to be handed out.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::model::Id;
use crate::render::{Document, DocumentError};

/// The published targets with the version that they are.
#[derive(Clone, Debug)]
pub struct Published {
    /// Number of the version.
    pub version: Id,
    /// The targets.
    pub document: Document,
}

impl Published {
    /// Checks the content of a version.
    ///
    /// # Errors
    /// When it is no list of targets.
    pub fn new(version: Id, content: Vec<u8>) -> Result<Self, DocumentError> {
        Ok(Self::from_document(version, Document::parse(content)?))
    }

    /// What was rendered, as the version that it became.
    #[must_use]
    pub fn from_document(version: Id, document: Document) -> Self {
        Self { version, document }
    }

    /// The answer of HTTP service discovery for one exporter, and its ETag, which
    /// stays the same as long as the answer does.
    #[must_use]
    pub fn for_exporter(&self, name: &str) -> (Vec<u8>, String) {
        let body = self.document.of_exporter(name);
        let etag = format!("\"{}\"", hex::encode(Sha256::digest(&body)));
        (body, etag)
    }

    /// The targets as Prometheus must show them, by number of their server.
    pub(super) fn expected(&self) -> BTreeMap<String, Expected> {
        let entries = self.document.entries().iter();
        entries
            .filter_map(|entry| {
                let parsed: Parsed = serde_json::from_slice(self.document.text(entry)).ok()?;
                let [authority] = parsed.targets;
                Some((
                    entry.server_id.to_string(),
                    Expected::new(&authority, parsed.labels)?,
                ))
            })
            .collect()
    }
}

#[derive(serde::Deserialize)]
struct Parsed {
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

/// What Prometheus must show of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// Labels that the series bear.
    pub labels: BTreeMap<String, String>,
    /// What is asked.
    pub url: url::Url,
}

impl Expected {
    fn new(authority: &str, labels: BTreeMap<String, String>) -> Option<Self> {
        let hidden = |name: &str| labels.get(name).map(String::as_str).unwrap_or_default();
        let text = format!(
            "{}://{authority}{}",
            hidden("__scheme__"),
            hidden("__metrics_path__")
        );
        let mut url = url::Url::parse(&text).ok()?;
        url.query_pairs_mut()
            .append_pair("module", hidden("__param_module"))
            .append_pair("target", hidden("__param_target"));
        let visible = labels
            .into_iter()
            .filter(|(name, _)| !name.starts_with("__"));
        Some(Self {
            labels: visible.collect(),
            url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(count: usize) -> Published {
        let lines: Vec<String> = (1..=count)
            .map(|id| {
                format!(
                    "{{\"targets\":[\"192.0.2.1:9290\"],\"labels\":{{\"__meta_ipmi_exporter\":\"exp-{}\",\
                     \"__metrics_path__\":\"/ipmi\",\"__param_module\":\"default\",\
                     \"__param_target\":\"bmc-{id}.example.org\",\"__scheme__\":\"http\",\
                     \"instance\":\"bmc-{id}.example.org\",\"job\":\"ipmi-servers\",\
                     \"server_id\":\"{id}\",\"server_name\":\"node-{id}\"}}}}",
                    id % 2
                )
            })
            .collect();
        let text = format!("[\n{}\n]\n", lines.join(",\n"));
        Published::new(1, text.into()).unwrap()
    }

    #[test]
    fn an_etag_changes_with_its_own_exporter_only() {
        let (four, five) = (published(4), published(5));
        assert_eq!(four.for_exporter("exp-0"), five.for_exporter("exp-0"));
        assert_ne!(four.for_exporter("exp-1").1, five.for_exporter("exp-1").1);
    }

    #[test]
    fn what_is_expected_is_the_url_of_the_scrape() {
        let expected = published(1).expected();
        assert_eq!(
            expected["1"].url.as_str(),
            "http://192.0.2.1:9290/ipmi?module=default&target=bmc-1.example.org"
        );
        assert!(!expected["1"].labels.contains_key("__scheme__"));
    }
}
