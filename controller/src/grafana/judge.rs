//! What an object in Grafana needs: pure.
//!
//! Three things are compared: what is wanted, what was written last, and what is
//! there. Grafana may show an object in another form than it was given, and
//! another version of Grafana in yet another one. So what it showed after the last
//! write is remembered, and an object counts as edited only when both its version
//! and what it shows are others.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::client::FoundDashboard;
use crate::config::Drift;
use crate::dashboards::{FOLDER_UID, TAG};
use crate::model::GrafanaRecord;

/// Keys of a dashboard that say nothing about what it shows.
const OWN_KEYS: [&str; 3] = ["id", "version", "iteration"];

/// What a dashboard needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing.
    InPlace,
    /// Nothing in Grafana; only what is remembered of it is old.
    Remember,
    /// It is not there and is made.
    Make,
    /// It is not what is wanted: the program or the configuration changed.
    Update,
    /// Somebody edited it; the edit is undone.
    Repair,
    /// Somebody edited it; from now on that is wanted.
    Adopt,
    /// Somebody edited it or took it away, and that stays.
    Leave,
    /// A file owns it; whether it is what is wanted.
    Provisioned {
        /// Whether it is.
        is_wanted: bool,
    },
    /// It is somebody else's.
    Foreign,
}

/// What the dashboard `wanted` needs.
#[must_use]
pub fn dashboard(
    wanted: &Value,
    record: Option<&GrafanaRecord>,
    found: Option<&FoundDashboard>,
    drift: Drift,
) -> Verdict {
    let Some(found) = found else {
        let is_left = record.is_some_and(|record| !record.is_reset());
        return match drift {
            Drift::Leave if is_left => Verdict::Leave,
            _ => Verdict::Make,
        };
    };
    if found.is_provisioned {
        let is_wanted = covers(&found.content, wanted);
        return Verdict::Provisioned { is_wanted };
    }
    let Some(record) = record else {
        let tags = found.content["tags"].as_array();
        let is_ours = tags.is_some_and(|tags| tags.iter().any(|tag| tag == TAG));
        return match (is_ours, covers(&found.content, wanted)) {
            (false, _) => Verdict::Foreign,
            (true, true) => Verdict::Remember,
            (true, false) => Verdict::Update,
        };
    };
    if record.is_reset() {
        return Verdict::Update;
    }
    let (is_same_version, is_shown) = (
        found.version == record.version,
        digest(&found.content) == record.shown,
    );
    let is_moved = drift == Drift::Repair && found.folder != FOLDER_UID;
    if (!is_same_version && !is_shown) || is_moved {
        return match drift {
            Drift::Repair => Verdict::Repair,
            Drift::Adopt => Verdict::Adopt,
            Drift::Leave => Verdict::Leave,
        };
    }
    let is_adopted = record.adopted.is_some() && drift == Drift::Adopt;
    let is_wanted = record.adopted.is_none() && record.wanted == digest(wanted);
    match (is_adopted || is_wanted, is_same_version && is_shown) {
        (false, _) => Verdict::Update,
        (true, true) => Verdict::InPlace,
        // A newer Grafana shows it in another form, or another database was
        // restored, which may have an older one of the same version.
        (true, false) if is_shown || is_adopted || covers(&found.content, wanted) => {
            Verdict::Remember
        }
        (true, false) => Verdict::Update,
    }
}

/// What a data source needs. What it holds of secrets cannot be seen, only that
/// it holds some.
#[must_use]
pub fn data_source(
    wanted: &Value,
    wanted_digest: &str,
    record: Option<&GrafanaRecord>,
    found: Option<&Value>,
    drift: Drift,
) -> Verdict {
    let Some(found) = found else {
        return match drift {
            Drift::Leave if record.is_some() => Verdict::Leave,
            _ => Verdict::Make,
        };
    };
    let mut seen = wanted.clone();
    let secrets = seen
        .as_object_mut()
        .and_then(|wanted| wanted.remove("secureJsonData"));
    let holds = |name: &String| found["secureJsonFields"][name] == true;
    let has_secrets = secrets
        .as_ref()
        .and_then(Value::as_object)
        .is_none_or(|secrets| secrets.keys().all(holds));
    let is_wanted = has_secrets && covers(found, &seen);
    if found["readOnly"] == true {
        return Verdict::Provisioned { is_wanted };
    }
    match record {
        _ if found["type"] != wanted["type"] => Verdict::Foreign,
        None if is_wanted && secrets.is_none() => Verdict::Remember,
        // A secret that was there may be another one.
        None => Verdict::Update,
        Some(record) if record.wanted != wanted_digest => Verdict::Update,
        Some(_) if is_wanted => Verdict::InPlace,
        Some(_) if drift == Drift::Repair => Verdict::Repair,
        Some(_) => Verdict::Leave,
    }
}

/// A name for what a dashboard shows: the same for the same content.
#[must_use]
pub fn digest(content: &Value) -> String {
    let mut hash = Sha256::new();
    match content {
        Value::Object(keys) => {
            let kept = keys
                .iter()
                .filter(|(key, _)| !OWN_KEYS.contains(&key.as_str()));
            let kept: serde_json::Map<String, Value> = kept
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            feed(&mut hash, &Value::Object(kept));
        }
        other => feed(&mut hash, other),
    }
    hex::encode(hash.finalize())
}

/// Objects by their keys, whatever the order in which they came.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(keys) => {
            let mut sorted: Vec<_> = keys.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            hash.update(b"{");
            for (key, value) in sorted {
                feed(hash, &Value::from(key.as_str()));
                feed(hash, value);
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                feed(hash, item);
            }
            hash.update(b"]");
        }
        // 1 and 1.0 are the same to Grafana.
        Value::Number(number) => {
            let text = number
                .as_f64()
                .map_or_else(|| number.to_string(), |number| number.to_string());
            hash.update(text);
            hash.update(b",");
        }
        other => {
            hash.update(other.to_string());
            hash.update(b",");
        }
    }
}

/// Whether everything of `wanted` is in `found`, which may have more.
#[must_use]
pub fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| match found.get(key) {
                Some(found) => covers(found, wanted),
                None => wanted.is_null(),
            })
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found
                    .iter()
                    .zip(wanted)
                    .all(|(found, wanted)| covers(found, wanted))
        }
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        (found, wanted) => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted() -> Value {
        json!({"uid": "ipmi-x", "tags": [TAG], "title": "X", "schemaVersion": 38})
    }

    fn found(content: Value, version: i64) -> FoundDashboard {
        FoundDashboard {
            content,
            version,
            is_provisioned: false,
            folder: FOLDER_UID.to_owned(),
            editor: "eve".to_owned(),
        }
    }

    /// As it was after version 3 was written.
    fn record() -> GrafanaRecord {
        GrafanaRecord {
            wanted: digest(&wanted()),
            shown: digest(&wanted()),
            version: 3,
            is_made: true,
            adopted: None,
        }
    }

    fn edited() -> Value {
        json!({"uid": "ipmi-x", "tags": [TAG], "title": "Y", "schemaVersion": 38})
    }

    #[test]
    fn a_dashboard_gets_what_it_needs_and_nothing_else() {
        use Drift::{Adopt, Leave, Repair};
        use Verdict as V;
        let shown_otherwise = json!({"uid": "ipmi-x", "tags": [TAG], "title": "X",
            "schemaVersion": 38, "preload": false});
        let migrated = json!({"uid": "ipmi-x", "tags": [TAG], "title": "X", "schemaVersion": 42});
        let older = GrafanaRecord {
            wanted: "another".to_owned(),
            ..record()
        };
        let adopted = GrafanaRecord {
            adopted: Some(edited()),
            shown: digest(&edited()),
            ..record()
        };
        let reset = GrafanaRecord {
            wanted: String::new(),
            ..record()
        };
        let rows: Vec<(Option<GrafanaRecord>, Option<FoundDashboard>, [V; 3])> = vec![
            (None, None, [V::Make, V::Make, V::Make]),
            (Some(record()), None, [V::Make, V::Make, V::Leave]),
            (Some(reset.clone()), None, [V::Make, V::Make, V::Make]),
            (
                Some(record()),
                Some(found(wanted(), 3)),
                [V::InPlace, V::InPlace, V::InPlace],
            ),
            (
                Some(record()),
                Some(found(edited(), 4)),
                [V::Repair, V::Adopt, V::Leave],
            ),
            // Saved without a change, or edited and put back.
            (
                Some(record()),
                Some(found(wanted(), 5)),
                [V::Remember, V::Remember, V::Remember],
            ),
            (
                Some(record()),
                Some(found(shown_otherwise.clone(), 3)),
                [V::Remember, V::Remember, V::Remember],
            ),
            (
                Some(record()),
                Some(found(migrated, 3)),
                [V::Update, V::Update, V::Update],
            ),
            (
                Some(older.clone()),
                Some(found(wanted(), 3)),
                [V::Update, V::Update, V::Update],
            ),
            // An edit counts for more than a newer program.
            (
                Some(older),
                Some(found(edited(), 4)),
                [V::Repair, V::Adopt, V::Leave],
            ),
            (
                Some(adopted.clone()),
                Some(found(edited(), 3)),
                [V::Update, V::InPlace, V::Update],
            ),
            (
                Some(reset),
                Some(found(edited(), 4)),
                [V::Update, V::Update, V::Update],
            ),
            // Nothing is remembered: the store is new, or it was made by hand.
            (
                None,
                Some(found(wanted(), 7)),
                [V::Remember, V::Remember, V::Remember],
            ),
            (
                None,
                Some(found(edited(), 7)),
                [V::Update, V::Update, V::Update],
            ),
            (
                None,
                Some(found(json!({"title": "mine"}), 1)),
                [V::Foreign, V::Foreign, V::Foreign],
            ),
        ];
        for (at, (record, found, verdicts)) in rows.into_iter().enumerate() {
            for (drift, verdict) in [Repair, Adopt, Leave].into_iter().zip(verdicts) {
                let judged = dashboard(&wanted(), record.as_ref(), found.as_ref(), drift);
                assert_eq!(judged, verdict, "row {at}, {drift:?}");
            }
        }
        let moved = FoundDashboard {
            folder: "elsewhere".to_owned(),
            ..found(wanted(), 3)
        };
        let judged = |drift| dashboard(&wanted(), Some(&record()), Some(&moved), drift);
        assert_eq!(judged(Repair), V::Repair);
        assert_eq!(judged(Leave), V::InPlace);
        let file = FoundDashboard {
            is_provisioned: true,
            ..found(edited(), 1)
        };
        let judged = dashboard(&wanted(), None, Some(&file), Repair);
        assert_eq!(judged, V::Provisioned { is_wanted: false });
    }

    #[test]
    fn a_data_source_gets_what_it_needs_and_nothing_else() {
        let wanted = json!({"uid": "u", "type": "prometheus", "url": "http://p",
            "secureJsonData": {"basicAuthPassword": "x"}});
        let there = |url: &str, has_secret: bool| {
            json!({"uid": "u", "type": "prometheus", "url": url, "id": 7,
                "secureJsonFields": {"basicAuthPassword": has_secret}})
        };
        let record = GrafanaRecord {
            wanted: "d".to_owned(),
            ..record()
        };
        let judge = |found: Option<&Value>, record: Option<&GrafanaRecord>, digest: &str, drift| {
            data_source(&wanted, digest, record, found, drift)
        };
        let good = there("http://p", true);
        assert_eq!(judge(None, None, "d", Drift::Repair), Verdict::Make);
        assert_eq!(
            judge(None, Some(&record), "d", Drift::Leave),
            Verdict::Leave
        );
        assert_eq!(
            judge(Some(&good), Some(&record), "d", Drift::Repair),
            Verdict::InPlace
        );
        assert_eq!(
            judge(Some(&good), Some(&record), "e", Drift::Repair),
            Verdict::Update
        );
        assert_eq!(
            judge(Some(&good), None, "d", Drift::Repair),
            Verdict::Update
        );
        for bad in [there("http://q", true), there("http://p", false)] {
            assert_eq!(
                judge(Some(&bad), Some(&record), "d", Drift::Repair),
                Verdict::Repair
            );
            assert_eq!(
                judge(Some(&bad), Some(&record), "d", Drift::Adopt),
                Verdict::Leave
            );
        }
        let mut other = good.clone();
        other["type"] = json!("loki");
        assert_eq!(
            judge(Some(&other), Some(&record), "d", Drift::Repair),
            Verdict::Foreign
        );
        let mut file = good;
        file["readOnly"] = json!(true);
        let judged = judge(Some(&file), None, "d", Drift::Repair);
        assert_eq!(judged, Verdict::Provisioned { is_wanted: true });
    }

    #[test]
    fn a_digest_is_of_what_is_shown() {
        let one = json!({"id": 1, "version": 2, "a": {"x": 1, "y": [1.5, null]}});
        let same = json!({"a": {"y": [1.5, null], "x": 1.0}, "version": 9, "id": null});
        assert_eq!(digest(&one), digest(&same));
        for other in [
            json!({"a": {"x": 1, "y": [1.5]}}),
            json!({"a": {"x": "1", "y": [1.5, null]}}),
            json!({"a": {"x": 1, "y": [1.5, null]}, "b": 1}),
        ] {
            assert_ne!(digest(&one), digest(&other));
        }
    }
}
