//! YAML as a tree that remembers where everything stood and how scalars were written.
//!
//! A configuration needs more from YAML than values: the line and column of every key for
//! messages, the source text of plain scalars (`pass: 0123` and `user: yes` are the texts `0123`
//! and `yes`, as in the stock exporter), duplicate keys as errors, and merge keys. So the tree is
//! built here from the parser's events instead of going through serde.
//!
//! Aliases share their target's node, so that they cost nothing; their *expanded* size is counted
//! and bounded, because whoever walks the tree visits them again each time.

mod builder;

use std::rc::Rc;

use zeroize::Zeroizing;

use super::diagnostic::Position;
pub(crate) use builder::parse;

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    /// Length of the token in characters, for the marker below an excerpt.
    pub(crate) width: usize,
    pub(crate) value: Value,
    /// Nodes in this subtree, itself and expanded aliases included.
    nodes: usize,
}

#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<Entry>),
}

/// A scalar as written.
pub(crate) struct Scalar {
    /// The text; wiped on drop, since it may be a password.
    pub(crate) text: Zeroizing<String>,
    /// Written without quotes, so that `~` or `true` mean more than their letters.
    pub(crate) plain: bool,
}

/// One key of a mapping.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Rc<str>,
    pub(crate) key_at: Position,
    pub(crate) value: Rc<Node>,
}

/// Why a text is not one YAML document of our kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) at: Position,
    pub(crate) width: usize,
    /// Path of the key where it went wrong; empty when none was open.
    pub(crate) key: String,
    pub(crate) message: String,
    /// The text does not parse, so that nobody knows which part of the line is a secret.
    pub(crate) is_syntax: bool,
}

// Not derived: a scalar may be a password.
impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scalar")
            .field("plain", &self.plain)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// Nothing, `~` or `null`, without quotes.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.plain
            && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What the node is, in words for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }
}

/// A text from the file, short and without control characters, for a message.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(escape).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

fn escape(c: char) -> impl Iterator<Item = char> {
    let escaped: Vec<char> = if c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    };
    escaped.into_iter()
}

#[cfg(test)]
mod tests;
