//! What a person is told about a configuration file: where, which key, what is wrong, what is
//! allowed.
//!
//! A diagnostic never holds a secret. Its text is composed by the checks, which do not quote the
//! values of secret keys, and its excerpt is cut by [`excerpt`](super::excerpt).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in a text file; both numbers start at 1 and columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One error or warning about a configuration file.
///
/// [`Display`](fmt::Display) writes one line, `FILE:LINE:COLUMN: KEY: MESSAGE`, leaving out what
/// does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the operator named it.
    pub file: Arc<Path>,
    /// Where in the file; `None` when the file as a whole is meant.
    pub at: Option<Position>,
    /// Path of the key, such as `modules.default.collectors[1]`; empty when none is meant.
    pub key: String,
    /// The cause, as one line without a full stop.
    pub message: String,
    /// The line of the file with a marker below it, ready to print; `None` where showing it could
    /// show a secret.
    pub excerpt: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(Position { line, column }) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why a configuration file was refused: everything that was found in one pass, in the order of
/// the file.
///
/// `Display` is one line: the first cause, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The causes; never empty.
    pub errors: Vec<Diagnostic>,
    /// Warnings that were found on the way.
    pub warnings: Vec<Diagnostic>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.as_slice() {
            [] => f.write_str("the configuration was refused"),
            [only] => only.fmt(f),
            [first, second] => write!(f, "{first} (and 1 more error, line {})", line_of(second)),
            [first, rest @ ..] => write!(f, "{first} (and {} more errors)", rest.len()),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Diagnostic {
    /// A diagnostic about a file as a whole.
    pub(crate) fn whole_file(path: &Path, message: String) -> Self {
        Self {
            file: PathBuf::from(path).into(),
            at: None,
            key: String::new(),
            message,
            excerpt: None,
        }
    }
}

fn line_of(diagnostic: &Diagnostic) -> String {
    diagnostic
        .at
        .map_or_else(|| "?".to_owned(), |at| at.line.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(line: usize) -> Diagnostic {
        Diagnostic {
            file: PathBuf::from("ipmi.yml").into(),
            at: Some(Position { line, column: 5 }),
            key: "modules.a.user".to_owned(),
            message: "must be a text".to_owned(),
            excerpt: None,
        }
    }

    #[test]
    fn a_diagnostic_is_one_line_with_file_position_and_key() {
        assert_eq!(
            diagnostic(3).to_string(),
            "ipmi.yml:3:5: modules.a.user: must be a text"
        );
        assert_eq!(
            Diagnostic::whole_file(Path::new("x.yml"), "no such file".to_owned()).to_string(),
            "x.yml: no such file"
        );
    }

    #[test]
    fn an_error_names_the_first_cause_and_counts_the_rest() {
        let error = |lines: &[usize]| ConfigError {
            errors: lines.iter().copied().map(diagnostic).collect(),
            warnings: Vec::new(),
        };
        assert_eq!(
            error(&[3, 9]).to_string(),
            "ipmi.yml:3:5: modules.a.user: must be a text (and 1 more error, line 9)"
        );
        assert!(
            error(&[3, 9, 11])
                .to_string()
                .ends_with("(and 2 more errors)")
        );
    }
}
