//! What became of each row of a file.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Id, Invalid};

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is a new server.
    Created,
    /// A server was changed.
    Updated,
    /// The server is so already.
    Unchanged,
    /// Nothing, because something is wrong with it.
    Error,
}

/// A row and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportLine)]
pub struct Line {
    /// Line of the file at which it begins, the first is 1; in JSON which object it
    /// is, from 1.
    pub line: u64,
    /// Name of the server, as far as it can be read.
    pub name: String,
    /// What became of it, or would have, had nothing else been wrong.
    pub outcome: Outcome,
    /// The server; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Invalid>,
}

impl Line {
    /// A row with which something is wrong.
    pub(super) fn wrong(line: u64, name: &str, errors: Vec<Invalid>) -> Self {
        Self {
            line,
            name: name.to_owned(),
            outcome: Outcome::Error,
            id: None,
            errors,
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct Report {
    /// Whether nothing was to be changed.
    pub dry_run: bool,
    /// Whether what the lines say has happened.
    pub applied: bool,
    /// Rows of the file.
    pub rows: u64,
    /// New servers.
    pub created: u64,
    /// Changed servers.
    pub updated: u64,
    /// Servers that are so already.
    pub unchanged: u64,
    /// Rows with which something is wrong.
    pub failed: u64,
    /// Names of new groups.
    pub new_groups: Vec<String>,
    /// Names of new credential profiles, for rows with user name and password.
    pub new_credentials: Vec<String>,
    /// Each row, or those with which something is wrong.
    pub lines: Vec<Line>,
}

impl Report {
    /// Counts a row, and keeps it if it is to be told.
    pub(super) fn add(&mut self, line: Line, errors_only: bool) {
        self.rows += 1;
        let count = match line.outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Error => &mut self.failed,
        };
        *count += 1;
        if !errors_only || line.outcome == Outcome::Error {
            self.lines.push(line);
        }
    }
}
