use std::collections::{BTreeMap, BTreeSet};

use super::model::{Values, Visual};
use super::*;
use crate::promql::check;

/// An expression as Grafana would send it.
fn sent(expr: &str) -> String {
    [
        ("$__rate_interval", "1m"),
        ("$__range_s", "3600"),
        ("$__range", "1h"),
        ("$site", ".*"),
        ("$group", ".*"),
        ("$rack", ".*"),
        ("$server", "a"),
        ("$sensor", ".*"),
        ("$by", "site"),
    ]
    .iter()
    .fold(expr.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    })
}

#[test]
fn names_are_unique_and_short_enough() {
    let uids: BTreeSet<&str> = all().iter().map(|dashboard| dashboard.uid).collect();
    assert_eq!(
        uids,
        BTreeSet::from([FLEET, SERVER, COMPARISON, POWER, COOLING, ALERTS, HEALTH])
    );
    assert!(uids.iter().all(|uid| uid.len() <= 40));
    for language in Language::ALL {
        let titles: BTreeSet<&str> = all().iter().map(|d| d.title.get(language)).collect();
        assert_eq!(titles.len(), uids.len(), "titles are unique in a folder");
    }
}

#[test]
fn every_panel_says_in_both_languages_what_it_is_and_asks_something() {
    for dashboard in all() {
        for panel in dashboard.panels() {
            let place = format!("{}: {}", dashboard.uid, panel.title.get(Language::En));
            for text in [panel.title, panel.description] {
                let (en, zh) = (text.get(Language::En), text.get(Language::Zh));
                assert!(
                    !en.is_empty() && en.is_ascii() || en.contains('°'),
                    "{place}"
                );
                let is_chinese = |c| ('\u{4e00}'..='\u{9fff}').contains(&c);
                assert!(zh == en || zh.chars().any(is_chinese), "{place}: {zh}");
            }
            assert!(
                panel.description.get(Language::En).ends_with('.'),
                "{place}"
            );
            assert!(
                panel.description.get(Language::Zh).ends_with('。'),
                "{place}"
            );
            assert!((1..=26).contains(&panel.queries.len()), "{place}");
            for query in &panel.queries {
                let expr = sent(&query.expr);
                assert!(
                    !expr.contains('$') || expr.contains("\"$1\""),
                    "{place}: {expr}"
                );
                assert!(check::expression(&expr).is_ok(), "{place}: {expr}");
            }
        }
    }
}

#[test]
fn variables_that_are_used_are_there() {
    for dashboard in all() {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for variable in &dashboard.variables {
            if let Values::Labels { query, .. } = &variable.values {
                for used in variables_in(query) {
                    assert!(known.contains(used), "{}: {used} in {query}", dashboard.uid);
                }
            }
            known.insert(variable.name);
        }
        for query in dashboard.panels().flat_map(|panel| &panel.queries) {
            for used in variables_in(&query.expr) {
                assert!(known.contains(used), "{}: {used}", dashboard.uid);
            }
        }
    }
}

fn variables_in(text: &str) -> Vec<&str> {
    text.split('$')
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
        .filter(|name| *name != "1" && !name.starts_with("__"))
        .collect()
}

#[test]
fn panels_do_not_overlap() {
    for dashboard in all() {
        let written = dashboard.write(&Options::default());
        let mut taken = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for panel in written["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64()), "an id is there twice");
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    let before = taken.insert((x, y), panel["title"].clone());
                    assert_eq!(before, None, "{}: {}", dashboard.uid, panel["title"]);
                }
            }
        }
    }
}

#[test]
fn columns_of_tables_come_from_queries_that_are_there() {
    for dashboard in all() {
        for panel in dashboard.panels() {
            let Visual::Table(columns) = &panel.visual else {
                continue;
            };
            for column in columns {
                let Some(letter) = column.field.strip_prefix("Value #") else {
                    continue;
                };
                let letters = (0..panel.queries.len()).map(|at| model::ref_id(at).to_string());
                assert!(letters.into_iter().any(|known| known == letter), "{letter}");
            }
        }
    }
}

#[test]
fn the_page_is_led_to_only_where_it_is_known() {
    let without = all_text(&Options::default());
    assert!(!without.contains("/alerts\""));
    let with = all_text(&Options {
        page: Some("https://c.example.org/".to_owned()),
        ..Options::default()
    });
    assert!(with.contains("\"https://c.example.org/alerts\""));
}

fn all_text(options: &Options) -> String {
    all().iter().map(|d| d.write(options).to_string()).collect()
}

#[test]
fn the_link_to_a_server_carries_its_name() {
    assert_eq!(
        server_path("node 1&x"),
        "d/ipmi-server?var-server=node+1%26x"
    );
}

#[test]
fn the_files_of_the_repository_are_what_the_program_writes() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/grafana");
    let advice = "run `ipmi_controller dashboards --out deploy/grafana`";
    let mut written = BTreeSet::new();
    for file in bundle::files(&Options::default()) {
        let path = std::path::Path::new(root).join(&file.path);
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == file.text, "{} is not current: {advice}", file.path);
        written.insert(path);
    }
    let mut folders = vec![std::path::PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert!(
                    written.contains(&path),
                    "{} is left over: {advice}",
                    path.display()
                );
            }
        }
    }
}
