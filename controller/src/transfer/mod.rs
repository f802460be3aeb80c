//! Servers as files: what is read from CSV and JSON and becomes servers, and how
//! servers are written so that the same comes out again.
//!
//! A file is read on a thread that may block, some hundred rows at a time; what
//! they become is written in one transaction. Rows name groups, profiles and
//! exporters, because numbers mean nothing elsewhere.

mod csv;
mod import;
mod json;
mod login;
mod report;
mod row;

pub use csv::{COLUMNS, Field, LABEL, push_fields, push_line, write_header, write_row};
pub use import::{ImportError, Importer, Mode, Settings, import};
pub use json::to_object;
pub use login::{LOGIN_PREFIX, Logins};
pub use report::{Line, Outcome, Report};
pub use row::{Row, RowNames};

use tokio::sync::mpsc::Sender;

/// Most rows of one file: twice the fleet that the controller is made for.
pub const MAX_ROWS: u64 = 200_000;
/// Rows that go through at a time.
const CHUNK: usize = 500;

/// In which form rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values with a line of names (RFC 4180).
    Csv,
    /// An array of objects.
    Json,
}

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is not text.
    #[error("the file is not UTF-8 at byte {at}; save it as \"CSV UTF-8\"")]
    Encoding {
        /// Where, from 0.
        at: usize,
    },
    /// There is no line of names.
    #[error("the file is empty; its first line names the columns")]
    NoHeader,
    /// A column that there is not.
    #[error("line 1: there is no column \"{name}\"; there are {known} and {LABEL}<name>")]
    Column {
        /// What stands there.
        name: String,
        /// What there is.
        known: String,
    },
    /// Two columns for one field.
    #[error("line 1: the column \"{name}\" is there twice")]
    Twice {
        /// The later of the two.
        name: String,
    },
    /// Without these columns there are no servers.
    #[error("line 1: the column \"{name}\" is missing")]
    Missing {
        /// What is missing.
        name: &'static str,
    },
    /// It is broken in the middle.
    #[error("{0}")]
    Syntax(String),
    /// It is too long.
    #[error("the file has more than {MAX_ROWS} rows; import it in parts")]
    TooMany,
}

/// A row, or what is wrong with it.
pub type Parsed = Result<Row, Line>;

/// Reads a file and hands its rows on, until nobody takes them any more. Blocks.
///
/// # Errors
/// When the file as a whole cannot be read; what was handed on until then must not
/// be kept.
pub fn parse(bytes: &[u8], form: Form, to: &Sender<Vec<Parsed>>) -> Result<(), FileError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| FileError::Encoding {
        at: error.valid_up_to(),
    })?;
    let mut outlet = Outlet {
        to,
        waiting: Vec::with_capacity(CHUNK),
        rows: 0,
    };
    match form {
        Form::Csv => csv::read(text, &mut outlet)?,
        Form::Json => json::read(text, &mut outlet)?,
    }
    outlet.flush();
    Ok(())
}

/// Where rows go, some hundred at a time.
struct Outlet<'a> {
    to: &'a Sender<Vec<Parsed>>,
    waiting: Vec<Parsed>,
    rows: u64,
}

impl Outlet<'_> {
    /// Hands a row on. Gives whether more are wanted.
    fn push(&mut self, row: Parsed) -> Result<bool, FileError> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(FileError::TooMany);
        }
        self.waiting.push(row);
        Ok(self.waiting.len() < CHUNK || self.flush())
    }

    fn flush(&mut self) -> bool {
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK));
        rows.is_empty() || self.to.blocking_send(rows).is_ok()
    }
}

#[cfg(test)]
mod tests;
