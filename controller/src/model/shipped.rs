//! The groups of rules that come with the program: `controller/rules/*.yml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{RuleGroupBody, RuleGroupDraft};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The files with their texts.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../rules/", $name)))),*];
    };
}

files![
    "bmc.yml",
    "chassis.yml",
    "event-log.yml",
    "fan.yml",
    "power.yml",
    "reachability.yml",
    "sensors.yml",
    "temperature.yml",
    "topology.yml",
    "voltage.yml",
];

/// A rule file of Prometheus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<RuleGroupBody>,
}

/// The groups, each with the comment at the head of its file as description. A
/// file that cannot be read has none; a test sees to it that all can.
#[must_use]
pub fn shipped_rule_groups() -> &'static [RuleGroupDraft] {
    static GROUPS: LazyLock<Vec<RuleGroupDraft>> = LazyLock::new(|| {
        let files = FILES.iter().map(|(name, text)| (name, read(text)));
        files
            .flat_map(|(name, groups)| {
                groups.unwrap_or_else(|error| {
                    tracing::error!(file = name, error, "A file of default rules is wrong");
                    Vec::new()
                })
            })
            .collect()
    });
    &GROUPS
}

/// The shipped group of that name.
#[must_use]
pub fn shipped_rule_group(name: &str) -> Option<&'static RuleGroupDraft> {
    let mut groups = shipped_rule_groups().iter();
    groups.find(|group| group.name.as_str() == name)
}

fn read(text: &str) -> Result<Vec<RuleGroupDraft>, String> {
    let head = text.lines().map_while(|line| line.strip_prefix("# "));
    let description = head.collect::<Vec<_>>().join(" ");
    let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let drafts = file.groups.into_iter().map(|mut body| {
        body.description.clone_from(&description);
        RuleGroupDraft::parse(&body).map_err(|problems| format!("{problems:?}"))
    });
    drafts.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::promql::check;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");

    #[test]
    fn every_file_is_compiled_in_and_readable() {
        let on_disk: BTreeSet<String> = std::fs::read_dir(FOLDER)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".yml"))
            .collect();
        let compiled: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(on_disk, compiled);
        for (name, text) in FILES {
            let groups = read(text).unwrap();
            assert_eq!(groups.len(), 1, "{name}");
            assert!(!groups[0].description.as_str().is_empty(), "{name}");
        }
        assert_eq!(shipped_rule_groups().len(), FILES.len());
    }

    #[test]
    fn every_alert_is_explained_in_two_languages() {
        let texts = ["description", "runbook", "summary"];
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let mut names = BTreeSet::new();
        for rule in shipped_rule_groups().iter().flat_map(|group| &group.rules) {
            if rule.alert.is_none() {
                continue;
            }
            let name = rule.name();
            assert!(names.insert(name), "{name} is there twice");
            let severity = rule.labels["severity"].as_str();
            assert!(
                ["critical", "warning"].contains(&severity),
                "{name}: {severity}"
            );
            for text in texts {
                assert!(!is_chinese(&rule.annotations[text]), "{name}: {text}");
                let chinese = &rule.annotations[&format!("{text}_zh")];
                assert!(is_chinese(chinese), "{name}: {text}_zh");
            }
            let parsed = check::expression(&rule.expr).unwrap();
            assert!(check::has_condition(&parsed), "{name} fires all the time");
        }
    }

    #[test]
    fn every_expression_reads_only_what_is_documented() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        let docs = std::fs::read_to_string(docs).unwrap();
        let documented: BTreeSet<&str> = docs
            .split('`')
            .filter(|word| word.starts_with("ipmi_"))
            .collect();
        let rules = || shipped_rule_groups().iter().flat_map(|group| &group.rules);
        // What Prometheus itself and our own rules record.
        let mut known: BTreeSet<&str> = ["up", "ALERTS", crate::render::OVERRIDE_METRIC].into();
        known.extend(rules().filter_map(|rule| rule.record.as_deref()));
        for rule in rules() {
            let names = check::metric_names(&check::expression(&rule.expr).unwrap());
            assert!(!names.is_empty(), "{}", rule.name());
            for name in names {
                let is_known = known.contains(name.as_str()) || documented.contains(name.as_str());
                assert!(is_known, "{}: {name} is in no documentation", rule.name());
            }
        }
        assert!(!documented.contains("ipmi_no_such_metric"));
    }

    #[derive(Deserialize)]
    struct TestFile {
        rule_files: Vec<String>,
        tests: Vec<TestCase>,
    }

    #[derive(Deserialize)]
    struct TestCase {
        promql_expr_test: Vec<Expectation>,
    }

    #[derive(Deserialize)]
    struct Expectation {
        expr: String,
        exp_samples: Vec<serde_json::Value>,
    }

    #[test]
    fn promtool_says_that_every_alert_fires_when_it_must_and_only_then() {
        let mut fires = BTreeSet::new();
        let mut is_quiet = BTreeSet::new();
        let mut tested = BTreeSet::new();
        let mut files = Vec::new();
        for entry in std::fs::read_dir(format!("{FOLDER}/tests")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let file: TestFile = serde_saphyr::from_str(&text).unwrap();
            tested.extend(
                file.rule_files
                    .iter()
                    .map(|file| file.trim_start_matches("../").to_owned()),
            );
            for case in file.tests.iter().flat_map(|test| &test.promql_expr_test) {
                let (_, rest) = case.expr.split_once("ALERTS{alertname=\"").unwrap();
                let (alert, rest) = rest.split_once('"').unwrap();
                assert_eq!(
                    rest, ",alertstate=\"firing\"}",
                    "the form that is counted here"
                );
                let seen = match case.exp_samples.is_empty() {
                    true => &mut is_quiet,
                    false => &mut fires,
                };
                seen.insert(alert.to_owned());
            }
            files.push(path);
        }
        let all: BTreeSet<String> = shipped_rule_groups()
            .iter()
            .flat_map(|group| &group.rules)
            .filter_map(|rule| rule.alert.clone())
            .collect();
        assert_eq!(fires, all, "a case for each in which it fires");
        assert_eq!(is_quiet, all, "a case for each in which it must not");
        let compiled: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(tested, compiled);
        let promtool = std::process::Command::new("promtool")
            .args(["test", "rules"])
            .args(&files)
            .output()
            .expect("`promtool` of the Debian package `prometheus`; `make setup` installs it");
        assert!(
            promtool.status.success(),
            "{}{}",
            String::from_utf8_lossy(&promtool.stdout),
            String::from_utf8_lossy(&promtool.stderr)
        );
        let lint = std::process::Command::new("promtool")
            .args(["check", "rules", "--lint-fatal"])
            .args(FILES.iter().map(|(name, _)| format!("{FOLDER}/{name}")))
            .output()
            .unwrap();
        assert!(
            lint.status.success(),
            "{}",
            String::from_utf8_lossy(&lint.stderr)
        );
    }
}
