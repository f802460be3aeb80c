//! What a new configuration of Alertmanager changes, part by part, without its
//! secrets. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::plan::{MAX_CHANGES, Plan, count};
use crate::model::SyncChange;
use crate::render::alertmanager::AlertmanagerFile;

/// Lists whose entries have names, with the word for one.
const NAMED: [(&str, &str); 2] = [
    ("receivers", "receiver"),
    ("time_intervals", "time_interval"),
];

/// The parts of a configuration by kind and name, as anybody may see them. Those
/// of a file that was found are not known.
pub(super) fn parts(file: &AlertmanagerFile) -> BTreeMap<String, Value> {
    let mut parts = BTreeMap::new();
    let Ok(Value::Object(root)) = file.parsed() else {
        return parts;
    };
    for (list, word) in NAMED {
        for entry in root
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let name = entry
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            parts.insert(format!("{word}/{name}"), entry.clone());
        }
    }
    for key in ["route", "global"] {
        if let Some(value) = root.get(key) {
            parts.insert(key.to_owned(), value.clone());
        }
    }
    // They have no names: one with another text is another.
    let rules = root.get("inhibit_rules").and_then(Value::as_array);
    for rule in rules.into_iter().flatten() {
        parts.insert(format!("inhibition/{rule}"), rule.clone());
    }
    for (name, content) in file.templates() {
        // Without the hash of the content.
        let name = name
            .rsplit_once('-')
            .map_or(name.as_str(), |(name, _)| name);
        parts.insert(format!("template/{name}"), Value::String(content.clone()));
    }
    parts
}

/// Compares two configurations.
pub(super) fn between(before: Option<&AlertmanagerFile>, after: &AlertmanagerFile) -> Plan {
    let old = before.map(parts).unwrap_or_default();
    let new = parts(after);
    let mut plan = Plan {
        entries_before: count(old.len()),
        ..Plan::default()
    };
    plan.counts.entries = count(new.len());
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (gone, come) = (old.get(key), new.get(key));
        match (gone, come) {
            (Some(_), None) => plan.counts.removed += 1,
            (None, Some(_)) => plan.counts.added += 1,
            (Some(a), Some(b)) if a != b => plan.counts.changed += 1,
            _ => continue,
        }
        if plan.changes.len() < MAX_CHANGES {
            plan.changes.push(SyncChange {
                server_id: None,
                rule: None,
                part: Some(match key.split_once('/') {
                    Some(("inhibition", _)) => "inhibition".to_owned(),
                    _ => key.clone(),
                }),
                before: gone.cloned(),
                after: come.cloned(),
            });
        }
    }
    plan
}
