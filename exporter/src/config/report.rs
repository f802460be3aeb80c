//! Collects what is wrong with a file while it is read, and reads the shapes that keys have.
//!
//! Reading does not stop at the first mistake: each reader reports and goes on, so that one run
//! of `check-config` shows everything. What is returned after an error does not matter, because a
//! file with an error is never used.

use std::path::Path;
use std::rc::Rc;

use super::diagnostic::{ConfigError, Diagnostic, Position};
use super::excerpt::{announces_a_secret, excerpt};
use super::source::Source;
use super::suggest::{hint, list, nearest};
use super::yaml::{Entry, Node, Scalar, Value, YamlError, printable};

/// Most errors that are kept; a file with more has one cause.
const MAX_ERRORS: usize = 50;

/// Where a thing stands and how wide its token is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) at: Position,
    pub(crate) width: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) mark: Mark,
}

impl Node {
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            width: self.width,
        }
    }
}

impl Entry {
    pub(crate) fn key_mark(&self) -> Mark {
        Mark {
            at: self.key_at,
            width: self.key.chars().count(),
        }
    }
}

/// The errors and warnings of one file.
pub(crate) struct Report<'a> {
    source: &'a Source,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self {
            source,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn source(&self) -> &'a Source {
        self.source
    }

    pub(crate) fn error(&mut self, mark: Mark, key: &str, message: impl Into<String>) {
        // Among the arguments may be K_g or a password, on this line or the next.
        // A document of one line has them on every line.
        if key.contains("custom_args") || self.source.is_remote() {
            self.secret_error(mark, key, message);
            return;
        }
        if self.errors.len() < MAX_ERRORS {
            let excerpt = excerpt(self.source.text(), mark.at, mark.width);
            let mut diagnostic = self.diagnostic(Some(mark.at), key, message.into());
            diagnostic.excerpt = excerpt;
            self.errors.push(diagnostic);
        }
    }

    /// An error without an excerpt, for values that may be secret.
    pub(crate) fn secret_error(&mut self, mark: Mark, key: &str, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            let diagnostic = self.diagnostic(Some(mark.at), key, message.into());
            self.errors.push(diagnostic);
        }
    }

    pub(crate) fn syntax_error(&mut self, error: YamlError) {
        let mark = Mark {
            at: error.at,
            width: error.width,
        };
        if error.is_syntax {
            self.secret_error(mark, &error.key, error.message);
        } else {
            self.error(mark, &error.key, error.message);
        }
    }

    pub(crate) fn warn(&mut self, mark: Mark, key: &str, message: impl Into<String>) {
        let diagnostic = self.diagnostic(Some(mark.at), key, message.into());
        self.warnings.push(diagnostic);
    }

    pub(crate) fn file_warning(&mut self, message: impl Into<String>) {
        let diagnostic = self.diagnostic(None, "", message.into());
        self.warnings.push(diagnostic);
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, or everything when there was an error; both in the order of the file.
    pub(crate) fn finish(mut self) -> Result<Vec<Diagnostic>, ConfigError> {
        self.errors.sort_by_key(|diagnostic| diagnostic.at);
        self.warnings.sort_by_key(|diagnostic| diagnostic.at);
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(ConfigError {
                errors: self.errors,
                warnings: self.warnings,
            })
        }
    }

    fn diagnostic(&self, at: Option<Position>, key: &str, message: String) -> Diagnostic {
        Diagnostic {
            file: std::sync::Arc::<Path>::clone(self.source.path()),
            at,
            key: key.to_owned(),
            message,
            excerpt: None,
        }
    }

    /// The entries of a map; `null` is an empty one.
    pub(crate) fn map<'n>(&mut self, key: &str, node: &'n Node) -> &'n [Entry] {
        match &node.value {
            Value::Mapping(entries) => entries,
            _ if node.is_null() => &[],
            _ => {
                self.wrong_kind(key, node, "a map");
                &[]
            }
        }
    }

    /// The items of a list; `null` is an empty one, null items are errors.
    pub(crate) fn list<'n>(&mut self, key: &str, node: &'n Node) -> Vec<&'n Node> {
        match &node.value {
            Value::Sequence(items) => {
                let items = items.iter().enumerate();
                items
                    .filter_map(|(index, item)| self.item(key, index, item))
                    .collect()
            }
            _ if node.is_null() => Vec::new(),
            _ => {
                self.wrong_kind(key, node, "a list");
                Vec::new()
            }
        }
    }

    fn item<'n>(&mut self, key: &str, index: usize, item: &'n Rc<Node>) -> Option<&'n Node> {
        if item.is_null() {
            self.error(item.mark(), &indexed(key, index), "the item is empty");
            return None;
        }
        Some(item)
    }

    /// A text; `null` is none.
    pub(crate) fn text(&mut self, key: &str, node: &Node) -> Option<Located<String>> {
        let scalar = self.scalar(key, node, "a text")?;
        Some(Located {
            value: scalar.text.as_str().to_owned(),
            mark: node.mark(),
        })
    }

    /// A list of texts, with their index.
    pub(crate) fn texts(&mut self, key: &str, node: &Node) -> Vec<Located<String>> {
        let items = self.list(key, node);
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match &item.value {
                Value::Scalar(scalar) => texts.push(Located {
                    value: scalar.text.as_str().to_owned(),
                    mark: item.mark(),
                }),
                _ => self.wrong_kind(&indexed(key, index), item, "a text"),
            }
        }
        texts
    }

    /// A whole number from `min` to `max`; `null` is none.
    pub(crate) fn integer(
        &mut self,
        key: &str,
        node: &Node,
        what: &str,
        min: i64,
        max: i64,
    ) -> Option<Located<i64>> {
        let scalar = self.scalar(key, node, "a number")?;
        let value = if scalar.plain {
            parse_integer(&scalar.text)
        } else {
            None
        };
        match value.filter(|value| (min..=max).contains(value)) {
            Some(value) => Some(Located {
                value,
                mark: node.mark(),
            }),
            None => {
                let quoted = if scalar.plain { "" } else { "the quoted text " };
                let found = printable(&scalar.text);
                let range = if (min, max) == (i64::MIN, i64::MAX) {
                    String::new()
                } else {
                    format!(" from {min} to {max}")
                };
                let message = format!("must be {what}{range}, found {quoted}`{found}`");
                self.error(node.mark(), key, message);
                None
            }
        }
    }

    /// `true` or `false`, or YAML 1.1's other words for them; `null` is none.
    pub(crate) fn boolean(&mut self, key: &str, node: &Node) -> Option<bool> {
        let scalar = self.scalar(key, node, "true or false")?;
        let value = match scalar.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" if scalar.plain => Some(true),
            "false" | "no" | "off" if scalar.plain => Some(false),
            _ => None,
        };
        if value.is_none() {
            let found = printable(&scalar.text);
            self.error(
                node.mark(),
                key,
                format!("must be true or false, found `{found}`"),
            );
        }
        value
    }

    /// A scalar; `null` is none.
    pub(crate) fn scalar<'n>(
        &mut self,
        key: &str,
        node: &'n Node,
        wanted: &str,
    ) -> Option<&'n Scalar> {
        match &node.value {
            _ if node.is_null() => None,
            Value::Scalar(scalar) => Some(scalar),
            _ => {
                self.wrong_kind(key, node, wanted);
                None
            }
        }
    }

    pub(crate) fn unknown_key(&mut self, path: &str, entry: &Entry, allowed: &[&str]) {
        if is_suspicious(&entry.key) || entry.key.contains(char::is_whitespace) {
            // `{pass:hunter2}` without the blank is one key, which must not be shown; nor is
            // the text of a value that became part of a key.
            let message = "unknown key that is no single word; is a colon or a blank behind a \
                           colon missing?";
            return self.secret_error(entry.key_mark(), path, message);
        }
        if entry.value.is_null() && nearest(&entry.key, allowed).is_none() {
            // A value that lost its key looks like a key without a value.
            let message = format!("unknown key without a value; allowed: {}", list(allowed));
            return self.secret_error(entry.key_mark(), path, message);
        }
        self.error(
            entry.key_mark(),
            &joined(path, &entry.key),
            format!("unknown key{}", hint(&entry.key, allowed)),
        );
    }

    pub(crate) fn wrong_kind(&mut self, key: &str, node: &Node, wanted: &str) {
        self.error(
            node.mark(),
            key,
            format!("must be {wanted}, found {}", node.kind()),
        );
    }
}

/// `path.key`, with quotes around keys that are no plain words, such as addresses.
pub(crate) fn joined(path: &str, key: &str) -> String {
    let key = if is_word(key) {
        printable(key)
    } else {
        format!("\"{}\"", shown_key(key))
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// Letters, digits, `_` and `-` only.
fn is_word(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A key for a message; not shown when it may hold a password that was meant as its value.
pub(crate) fn shown_key(key: &str) -> String {
    if is_suspicious(key) {
        "…".to_owned()
    } else {
        printable(key)
    }
}

fn is_suspicious(key: &str) -> bool {
    !is_word(key) && announces_a_secret(key)
}

/// `path[index]`.
pub(crate) fn indexed(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// Decimal or `0x` hexadecimal, with `_` between digits as YAML 1.1 allows. A leading zero is
/// refused: it means octal to some readers and nothing to others.
fn parse_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    let magnitude = if let Some(hex) = digits.strip_prefix("0x") {
        if hex.starts_with(['+', '-']) {
            return None;
        }
        i128::from_str_radix(hex, 16).ok()?
    } else {
        let legal = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !legal || digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        digits.parse().ok()?
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_yaml_writes_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("+5", Some(5)),
            ("10_000", Some(10_000)),
            ("0x1F", Some(31)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("010", None),
            ("1.5", None),
            ("", None),
            ("-", None),
            ("0x", None),
            ("0x-1", None),
            ("ten", None),
        ] {
            assert_eq!(parse_integer(text), value, "{text}");
        }
    }

    #[test]
    fn keys_that_are_no_words_are_quoted() {
        assert_eq!(joined("modules", "default"), "modules.default");
        assert_eq!(joined("modules", "10.0.0.1"), "modules.\"10.0.0.1\"");
        assert_eq!(joined("", "a b"), "\"a b\"");
        assert_eq!(indexed("collectors", 2), "collectors[2]");
    }
}
