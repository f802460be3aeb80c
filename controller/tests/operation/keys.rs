//! The documentation names every key of the configuration, and no others.

use std::collections::BTreeSet;

use ipmi_controller::config::Config;
use serde_json::json;

/// A key that there is not.
const NONE: &str = "no_such_key";

const CONTROLLER: &str = include_str!("../../../docs/controller.md");
const ALERTING: &str = include_str!("../../../docs/alerting.md");
const GRAFANA: &str = include_str!("../../../docs/grafana.md");
const MONITORING: &str = include_str!("../../../docs/monitoring.md");
const OPERATION: &str = include_str!("../../../docs/operation.md");

/// The keys of a section, by what is said of one that there is not; `None` for
/// what is no section.
fn keys(section: Option<&str>) -> Option<Vec<String>> {
    let mut asked = json!({NONE: 1});
    if let Some(section) = section {
        asked = json!({section: asked});
    }
    let error = serde_json::from_value::<Config>(asked).expect_err("there is no such key");
    let text = error.to_string();
    let (_, expected) = text
        .strip_prefix(&format!("unknown field `{NONE}`"))?
        .split_once("expected")?;
    Some(quoted(expected))
}

/// What is between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn all() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for key in keys(None).expect("a section") {
        match keys(Some(&key)) {
            None => drop(all.insert(key)),
            Some(inner) => all.extend(inner.into_iter().map(|inner| format!("{key}.{inner}"))),
        }
    }
    all
}

/// The keys that tables name in their first column, and those of an example.
fn documented() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for page in [ALERTING, CONTROLLER, GRAFANA, MONITORING, OPERATION] {
        let mut lines = page.lines();
        while lines.any(|line| line.starts_with("| key |")) {
            let rows = lines.by_ref().skip(1).take_while(|line| !line.is_empty());
            for row in rows {
                let first = row.split('|').nth(1).unwrap_or_default();
                let keys = quoted(first).into_iter().filter(|key| !key.contains('…'));
                found.extend(keys.map(|key| section(&key)));
            }
        }
    }
    let example = OPERATION.lines().skip_while(|line| *line != "oidc:");
    for line in example.skip(1).take_while(|line| *line != "```") {
        let line = line.trim_start_matches([' ', '#']);
        let (key, _) = line.split_once(':').expect("a key");
        found.insert(format!("oidc.{key}"));
    }
    found
}

/// A key within a section, without those within it.
fn section(key: &str) -> String {
    let parts: Vec<&str> = key.splitn(3, '.').take(2).collect();
    parts.join(".")
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_one() {
    let (all, documented) = (all(), documented());
    assert!(all.contains("prometheus.snapshot_directory"), "{all:?}");
    assert!(documented.contains("oidc.issuer"), "{documented:?}");
    let missing: Vec<&String> = all.difference(&documented).collect();
    let invented: Vec<&String> = documented.difference(&all).collect();
    assert_eq!((missing, invented), (Vec::new(), Vec::new()));
}
