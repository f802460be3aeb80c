//! A file with rules as Prometheus reads it.
//!
//! Groups stand in the order of their names and rules in their own, keys are in
//! order and every text is in quotes, so equal rules are equal bytes, and no word
//! of an operator is anything but text to the reader. Nothing in it depends on
//! time: Prometheus keeps pending and firing alerts over a reload only while
//! file, group, name and labels of a rule stay the same.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::PublishedGroup;
use crate::promql::check::{self, ExpressionError};

/// First line: by it the file is known for one of ours.
const HEADER: &str = "# Written by ipmi_controller, which undoes changes of this file.\n";
/// Most nodes of a file, some ten for each rule.
const MAX_NODES: usize = 4_000_000;
/// Most text in a file, in bytes.
const MAX_TEXT: usize = 64 * 1024 * 1024;

/// Why bytes are no rules of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFileError {
    /// The first line is missing: another program's file, or half of one.
    #[error("it does not begin as the files of this program do")]
    Foreign,
    /// It cannot be read, or cannot be written.
    #[error("{0}")]
    Syntax(String),
    /// Two groups have the same name, or they are out of order.
    #[error("group \"{0}\" is out of order, or there twice")]
    Order(String),
}

/// Rules with their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    bytes: Vec<u8>,
    groups: Vec<PublishedGroup>,
}

#[derive(Serialize)]
struct Rendered<'a> {
    groups: &'a [PublishedGroup],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    groups: Vec<PublishedGroup>,
}

impl RuleFile {
    /// A file without rules, which Prometheus accepts.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            bytes: format!("{HEADER}groups: []\n").into_bytes(),
            groups: Vec::new(),
        }
    }

    /// Writes groups, in whatever order they come. What was written is read again:
    /// it must say the same.
    ///
    /// # Errors
    /// When two groups have the same name, or the text does not say what was
    /// meant: a fault of this program, found before it does harm.
    pub fn render(mut groups: Vec<PublishedGroup>) -> Result<Self, RuleFileError> {
        if groups.is_empty() {
            return Ok(Self::empty());
        }
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let options = serde_saphyr::ser_options! {
            quote_all: true,
            prefer_block_scalars: false,
        };
        let rendered = Rendered { groups: &groups };
        let text = serde_saphyr::to_string_with_options(&rendered, options)
            .map_err(|error| RuleFileError::Syntax(error.to_string()))?;
        let file = Self::parse(format!("{HEADER}{text}").into_bytes())?;
        if file.groups != groups {
            return Err(RuleFileError::Syntax(
                "what was written says something else than was meant".to_owned(),
            ));
        }
        Ok(file)
    }

    /// Checks bytes: that they are ours, in form and in order.
    ///
    /// # Errors
    /// See [`RuleFileError`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, RuleFileError> {
        let text = std::str::from_utf8(&bytes).map_err(|_| RuleFileError::Foreign)?;
        let text = text.strip_prefix(HEADER).ok_or(RuleFileError::Foreign)?;
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_anchors: 0,
                max_aliases: 0,
                max_nodes: MAX_NODES,
                max_events: MAX_NODES,
                max_total_scalar_bytes: MAX_TEXT,
                max_reader_input_bytes: Some(MAX_TEXT),
            },
        };
        let parsed: Parsed = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| RuleFileError::Syntax(error.to_string()))?;
        let mut last = None;
        for group in &parsed.groups {
            if last.is_some_and(|last| last >= group.name.as_str()) {
                return Err(RuleFileError::Order(group.name.clone()));
            }
            last = Some(group.name.as_str());
        }
        Ok(Self {
            bytes,
            groups: parsed.groups,
        })
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The groups, by name.
    #[must_use]
    pub fn groups(&self) -> &[PublishedGroup] {
        &self.groups
    }

    /// How many rules there are.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.groups.iter().map(|group| group.rules.len()).sum()
    }

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// The first expressions that are no PromQL, as sentences. Those that are too
    /// long for our parser, as joined thresholds can be, are left to others.
    #[must_use]
    pub fn mistakes(&self, at_most: usize) -> Vec<String> {
        let rules = self.groups.iter().flat_map(|group| {
            let rules = group.rules.iter();
            rules.map(|rule| (group.name.as_str(), rule))
        });
        rules
            .filter_map(|(group, rule)| {
                let error = check::expression(&rule.expr).err()?;
                if matches!(error, ExpressionError::TooLong(_)) {
                    return None;
                }
                Some(format!("group {group}, rule {}: expr {error}", rule.name()))
            })
            .take(at_most)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{PromDuration, Rule};

    fn group(name: &str, rules: Vec<Rule>) -> PublishedGroup {
        PublishedGroup {
            name: name.to_owned(),
            interval: None,
            rules,
        }
    }

    fn alert(name: &str, expr: &str, summary: &str) -> Rule {
        Rule {
            alert: Some(name.to_owned()),
            expr: expr.to_owned(),
            hold: Some(PromDuration::parse("5m").unwrap()),
            labels: BTreeMap::from([("severity".to_owned(), "critical".to_owned())]),
            annotations: BTreeMap::from([("summary".to_owned(), summary.to_owned())]),
            enabled: true,
            ..Rule::default()
        }
    }

    #[test]
    fn a_file_is_what_prometheus_reads() {
        let mut first = group("a", vec![alert("Fan", "x == 2", "{{ $labels.name }}: 坏")]);
        first.interval = Some(PromDuration::parse("30s").unwrap());
        let record = Rule {
            record: Some("j:up:sum".to_owned()),
            expr: "sum by (job) (up)".to_owned(),
            enabled: true,
            ..Rule::default()
        };
        let file = RuleFile::render(vec![group("b", vec![record]), first]).unwrap();
        let text = std::str::from_utf8(file.bytes()).unwrap();
        assert_eq!(
            text.strip_prefix(HEADER).unwrap(),
            "groups:\n\
             - name: 'a'\n  interval: '30s'\n  rules:\n  - alert: 'Fan'\n    expr: 'x == 2'\n    \
             for: '5m'\n    labels:\n      severity: 'critical'\n    annotations:\n      \
             summary: '{{ $labels.name }}: 坏'\n\
             - name: 'b'\n  rules:\n  - record: 'j:up:sum'\n    expr: 'sum by (job) (up)'\n"
        );
        assert_eq!(file.rules(), 2);
        assert_eq!(RuleFile::parse(file.bytes().to_vec()).unwrap(), file);
        assert_eq!(RuleFile::render(Vec::new()).unwrap(), RuleFile::empty());
        let empty = RuleFile::parse(RuleFile::empty().bytes().to_vec()).unwrap();
        assert_eq!(empty, RuleFile::empty());
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let good = RuleFile::render(vec![group("a", vec![alert("A", "up", "")])]).unwrap();
        let good = String::from_utf8(good.bytes().to_vec()).unwrap();
        for bad in [
            String::new(),
            "groups: []\n".to_owned(),
            good.replace("alert:", "alarm:"),
            good.replace("rules:", "limit: 1\n  rules:"),
            good.split_at(good.len() - 20).0.to_owned(),
            format!("{HEADER}groups: &a [*a]\n"),
        ] {
            assert!(RuleFile::parse(bad.clone().into()).is_err(), "{bad}");
        }
        let twice = vec![group("a", Vec::new()), group("a", Vec::new())];
        assert_eq!(
            RuleFile::render(twice),
            Err(RuleFileError::Order("a".to_owned()))
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_rule() {
        let rules = vec![alert("A", "up == 0", ""), alert("B", "up ==", "")];
        let file = RuleFile::render(vec![group("g", rules)]).unwrap();
        let mistakes = file.mistakes(10);
        assert_eq!(mistakes.len(), 1);
        assert!(
            mistakes[0].starts_with("group g, rule B: expr"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn very_many_rules_can_be_read_again() {
        let rules = (0..40)
            .map(|n| alert(&format!("A{n}"), "up == 0", "x"))
            .collect();
        let group = group("g", rules);
        let groups = (0..500).map(|n| PublishedGroup {
            name: format!("g{n:03}"),
            ..group.clone()
        });
        assert_eq!(RuleFile::render(groups.collect()).unwrap().rules(), 20_000);
    }

    proptest! {
        #[test]
        fn no_text_is_anything_but_text(name in "\\PC{1,20}", text in any::<String>()) {
            let rules = vec![alert(&name, "up == 0", &text)];
            // Rendering reads it back and compares.
            let file = RuleFile::render(vec![group("g", rules)]);
            prop_assert!(file.is_ok(), "{:?}", file);
        }
    }
}
