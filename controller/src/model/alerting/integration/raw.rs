//! Any other integration of Alertmanager, in its own words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::words;
use super::fields::Fields;

/// Most nodes of a raw integration.
const MAX_RAW_NODES: usize = 1_000;
/// Deepest value of a raw integration.
const MAX_RAW_DEPTH: usize = 8;
/// Keys of an integration that the controller writes itself.
const OWN_RAW_KEYS: [&str; 1] = ["send_resolved"];

/// An integration in Alertmanager's own words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSettings {
    /// Its key in a receiver, such as `pushover_configs`.
    pub kind: String,
    /// What stands there. Secrets are not in it but in `secrets`, by their place:
    /// `token`, or `http_config.authorization.credentials`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub config: Map<String, Value>,
}

impl RawSettings {
    /// Where its secrets may be sent.
    pub(super) fn destination(&self) -> Vec<&str> {
        let mut found = vec![self.kind.as_str()];
        addresses(&self.config, &mut found);
        found
    }

    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        let is_kind = self.kind.strip_suffix("_configs").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !is_kind {
            fields.add(
                "kind",
                format!(
                    "\"{}\" is no integration of Alertmanager; their keys end in _configs, as pushover_configs does",
                    self.kind
                ),
            );
        }
        let mut left = MAX_RAW_NODES;
        for (key, value) in &self.config {
            let field = format!("config.{key}");
            if OWN_RAW_KEYS.contains(&key.as_str()) {
                fields.add(&field, "is a field of the integration");
            }
            check_raw(key, value, &field, MAX_RAW_DEPTH, &mut left, fields);
        }
        if left == 0 {
            fields.add("config", format!("has more than {MAX_RAW_NODES} values"));
        }
    }
}

fn check_raw(
    key: &str,
    value: &Value,
    field: &str,
    depth: usize,
    left: &mut usize,
    fields: &mut Fields<'_>,
) {
    let Some(less) = left.checked_sub(1) else {
        return;
    };
    *left = less;
    let Some(deeper) = depth.checked_sub(1) else {
        return fields.add(field, format!("lies deeper than {MAX_RAW_DEPTH} keys"));
    };
    fields.check(field, words::required_word(key));
    match value {
        Value::String(text) => {
            if looks_secret(key) && !text.is_empty() {
                fields.add(
                    field,
                    "looks like a secret; write it into secrets, under its place in config",
                );
            }
            fields.check(field, words::template(text));
        }
        Value::Array(values) => {
            for (nth, value) in values.iter().enumerate() {
                check_raw(key, value, &format!("{field}[{nth}]"), deeper, left, fields);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                check_raw(key, value, &format!("{field}.{key}"), deeper, left, fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a key of Alertmanager's is one that holds a secret, in any version.
fn looks_secret(key: &str) -> bool {
    const ENDS: [&str; 7] = [
        "password",
        "secret",
        "token",
        "_key",
        "credentials",
        "webhook_url",
        "authorization",
    ];
    ENDS.iter().any(|end| key.ends_with(end))
}

/// Addresses in a raw integration: to where its secrets may be sent.
fn addresses<'a>(map: &'a Map<String, Value>, found: &mut Vec<&'a str>) {
    const PARTS: [&str; 4] = ["url", "host", "address", "server"];
    for (key, value) in map {
        match value {
            Value::String(text) if PARTS.iter().any(|part| key.contains(part)) => {
                found.push(text);
            }
            Value::Object(map) => addresses(map, found),
            _ => {}
        }
    }
}
