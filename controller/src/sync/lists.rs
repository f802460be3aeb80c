//! The published targets as HTTP service discovery hands them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::Id;
use crate::render::{Document, list};

/// The published lists of one shard, or of all. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TargetLists(Vec<Arc<Document>>);

impl TargetLists {
    /// The lists of several shards.
    #[must_use]
    pub fn new(lists: Vec<Arc<Document>>) -> Self {
        Self(lists)
    }

    /// The answer of HTTP service discovery for one exporter, and its ETag, which
    /// stays the same as long as the answer does.
    #[must_use]
    pub fn for_exporter(&self, name: &str) -> (Vec<u8>, String) {
        let body = match self.0.as_slice() {
            [one] => one.of_exporter(name),
            many => merge(many, name),
        };
        let etag = format!("\"{}\"", hex::encode(Sha256::digest(&body)));
        (body, etag)
    }
}

/// Every server once: while one moves between shards, both lists may have it.
fn merge(lists: &[Arc<Document>], exporter: &str) -> Vec<u8> {
    let mut targets: BTreeMap<Id, &[u8]> = BTreeMap::new();
    for document in lists {
        for entry in document.entries().iter().filter(|e| e.is_of(exporter)) {
            targets.insert(entry.server_id, document.text(entry));
        }
    }
    list(targets.into_values())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(ids: impl IntoIterator<Item = usize>) -> Arc<Document> {
        let lines: Vec<String> = ids
            .into_iter()
            .map(|id| {
                format!(
                    "{{\"targets\":[\"192.0.2.1:9290\"],\"labels\":{{\"__meta_ipmi_exporter\":\"exp-{}\",\
                     \"server_id\":\"{id}\"}}}}",
                    id % 2
                )
            })
            .collect();
        let text = format!("[\n{}\n]\n", lines.join(",\n"));
        Arc::new(Document::parse(text.into()).unwrap())
    }

    #[test]
    fn an_etag_changes_with_its_own_exporter_only() {
        let lists = |count| TargetLists::new(vec![document(1..=count)]);
        let (four, five) = (lists(4), lists(5));
        assert_eq!(four.for_exporter("exp-0"), five.for_exporter("exp-0"));
        assert_ne!(four.for_exporter("exp-1").1, five.for_exporter("exp-1").1);
    }

    #[test]
    fn all_shards_together_are_the_list_of_one() {
        let whole = TargetLists::new(vec![document(1..=6)]);
        let parts = TargetLists::new(vec![document([2, 3, 6]), document([1, 3, 4, 5])]);
        for exporter in ["exp-0", "exp-1", "none"] {
            assert_eq!(whole.for_exporter(exporter), parts.for_exporter(exporter));
        }
    }
}
