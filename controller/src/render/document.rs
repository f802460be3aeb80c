//! A list of targets as bytes: what a file holds and what HTTP discovery answers.
//!
//! One target stands on one line, in the order of the servers' numbers, and its
//! keys are in order. So equal lists are equal bytes, two lists are compared
//! line by line without taking them apart, and 100,000 targets cost no more
//! memory than their text.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::targets::{EXPORTER, SERVER_ID};
use crate::model::Id;

/// Why bytes are no list of targets of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The brackets around the list are missing: half a file, or none of ours.
    #[error("it is no list with one target on each line")]
    NoList,
    /// A line is no target.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// A checked list of targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where one target stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the server.
    pub server_id: Id,
    /// Name of its exporter.
    exporter: Box<str>,
    range: Range<usize>,
}

impl Entry {
    /// Whether the exporter of that name carries it.
    #[must_use]
    pub fn is_of(&self, exporter: &str) -> bool {
        &*self.exporter == exporter
    }
}

/// What is looked at in a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    targets: Vec<String>,
    labels: std::collections::BTreeMap<String, String>,
}

impl Document {
    /// Checks bytes: form, order, names of labels, that each target is one
    /// server and has one exporter. What Prometheus would refuse is refused here.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, DocumentError> {
        let body = bytes
            .strip_prefix(b"[\n")
            .and_then(|rest| rest.strip_suffix(b"]\n"))
            .ok_or(DocumentError::NoList)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut start = 2;
        let end = start + body.len();
        let mut number = 1;
        while start < end {
            number += 1;
            let wrong = |reason: String| DocumentError::Line {
                line: number,
                reason,
            };
            let rest = bytes.get(start..end).unwrap_or_default();
            let length = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or(DocumentError::NoList)?;
            let mut stop = start + length;
            let is_last = stop + 1 == end;
            let has_comma = rest.get(..length).is_some_and(|line| line.ends_with(b","));
            if has_comma == is_last {
                return Err(wrong("a comma too many or too few".to_owned()));
            }
            let next = stop + 1;
            stop -= usize::from(has_comma);
            let range = start..stop;
            let (server_id, exporter) =
                check(bytes.get(range.clone()).unwrap_or_default()).map_err(wrong)?;
            if entries
                .last()
                .is_some_and(|last| last.server_id >= server_id)
            {
                return Err(wrong(format!("server {server_id} is out of order")));
            }
            entries.push(Entry {
                server_id,
                exporter,
                range,
            });
            start = next;
        }
        Ok(Self { bytes, entries })
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The targets, by number of their server.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The text of one target.
    #[must_use]
    pub fn text(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.range.clone()).unwrap_or_default()
    }

    /// One target as JSON.
    #[must_use]
    pub fn value(&self, entry: &Entry) -> Value {
        serde_json::from_slice(self.text(entry)).unwrap_or_default()
    }

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// A list of the targets of one exporter only.
    #[must_use]
    pub fn of_exporter(&self, name: &str) -> Vec<u8> {
        let entries = self.entries.iter().filter(|entry| entry.is_of(name));
        list(entries.map(|entry| self.text(entry)))
    }
}

/// A list of targets, each of which is the text of an entry.
pub fn list<'a>(targets: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut list = ListWriter::default();
    for target in targets {
        list.begin().extend_from_slice(target);
    }
    list.finish()
}

fn check(line: &[u8]) -> Result<(Id, Box<str>), String> {
    let parsed: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if parsed.targets.len() != 1 {
        return Err(format!("has {} addresses", parsed.targets.len()));
    }
    for name in parsed.labels.keys() {
        let mut characters = name.chars();
        let first = characters.next();
        let is_good = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_good {
            return Err(format!("\"{name}\" is no name of a label"));
        }
    }
    let server_id = parsed
        .labels
        .get(SERVER_ID)
        .and_then(|id| id.parse().ok())
        .ok_or("has no server_id")?;
    let exporter = parsed.labels.get(EXPORTER).ok_or("has no exporter")?;
    Ok((server_id, exporter.as_str().into()))
}

/// Puts targets into the form of a [`Document`].
#[derive(Default)]
pub(super) struct ListWriter {
    bytes: Vec<u8>,
}

impl ListWriter {
    /// The place for the next target's text.
    pub(super) fn begin(&mut self) -> &mut Vec<u8> {
        let before: &[u8] = if self.bytes.is_empty() {
            b"[\n"
        } else {
            b",\n"
        };
        self.bytes.extend_from_slice(before);
        &mut self.bytes
    }

    /// The whole list.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let end: &[u8] = if self.bytes.is_empty() {
            b"[\n]\n"
        } else {
            b"\n]\n"
        };
        self.bytes.extend_from_slice(end);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = concat!(
        "[\n",
        r#"{"targets":["e:1"],"labels":{"__meta_ipmi_exporter":"a","server_id":"1"}},"#,
        "\n",
        r#"{"targets":["f:1"],"labels":{"__meta_ipmi_exporter":"b","server_id":"2"}}"#,
        "\n]\n"
    );

    #[test]
    fn a_list_is_taken_apart_by_exporter() {
        let document = Document::parse(GOOD.into()).unwrap();
        let ids: Vec<Id> = document.entries().iter().map(|e| e.server_id).collect();
        assert_eq!(ids, [1, 2]);
        let of_b = String::from_utf8(document.of_exporter("b")).unwrap();
        assert_eq!(
            of_b,
            "[\n{\"targets\":[\"f:1\"],\"labels\":{\"__meta_ipmi_exporter\":\"b\",\"server_id\":\"2\"}}\n]\n"
        );
        assert_eq!(document.of_exporter("c"), b"[\n]\n");
        assert!(
            Document::parse(b"[\n]\n".to_vec())
                .unwrap()
                .entries()
                .is_empty()
        );
    }

    #[test]
    fn what_prometheus_would_refuse_is_refused() {
        let bad = [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            GOOD[..GOOD.len() - 2].to_owned(),
            GOOD[..60].to_owned(),
            GOOD.replace("\"targets\"", "\"target\""),
            GOOD.replace("[\"f:1\"]", "[\"f:1\",\"g:1\"]"),
            GOOD.replace("[\"f:1\"]", "[]"),
            GOOD.replace("server_id\":\"2", "server-id\":\"2"),
            GOOD.replace("server_id\":\"2", "server_id\":\"1"),
            GOOD.replace("server_id\":\"2", "server_id\":\"x"),
            GOOD.replace("\"server_id\":\"2\"", "\"server_id\":2"),
            GOOD.replace("}},\n", "}}\n"),
            GOOD.replace("}}\n]", "}},\n]"),
        ];
        for text in bad {
            assert!(Document::parse(text.clone().into()).is_err(), "{text}");
        }
    }
}
