//! What was in the database when a backup was made.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BackupError;
use super::files::{at, private};
use crate::clock::Timestamp;

/// Largest manifest that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// The file beside a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When the backup was made.
    pub created_at: Timestamp,
    /// Version of the program that made it.
    pub program: String,
    /// Rows of each table.
    pub tables: BTreeMap<String, i64>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// What was found in a backup.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) tables: BTreeMap<String, i64>,
    pub(super) problems: Vec<String>,
}

impl Manifest {
    pub(super) fn new(created_at: Timestamp, tables: BTreeMap<String, i64>) -> Self {
        Self {
            created_at,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            tables,
            sha256: String::new(),
        }
    }

    /// Where the manifest of a backup is.
    pub(super) fn path(backup: &Path) -> PathBuf {
        let mut path = backup.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    /// The manifest of a backup; `None` when there is none, as after a download.
    pub(super) fn beside(backup: &Path) -> Result<Option<Self>, BackupError> {
        let path = Self::path(backup);
        let Ok(metadata) = std::fs::metadata(&path) else {
            return Ok(None);
        };
        let damaged = |why: String| BackupError::Damaged(format!("{}: {why}", path.display()));
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(damaged("is no manifest".to_owned()));
        }
        let text = std::fs::read_to_string(&path).map_err(at(&path))?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| damaged(error.to_string()))
    }

    pub(super) fn write(&self, backup: &Path) -> Result<(), BackupError> {
        let path = Self::path(backup);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| BackupError::Damaged(error.to_string()))?;
        let mut file = private(&path).map_err(at(&path))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(at(&path))
    }

    /// Tables that have another number of rows than they had.
    pub(super) fn differences(&self, found: &BTreeMap<String, i64>) -> Vec<String> {
        let mut problems = Vec::new();
        for (table, rows) in &self.tables {
            let has = found.get(table).copied();
            if has != Some(*rows) {
                let has =
                    has.map_or_else(|| "is missing".to_owned(), |has| format!("has {has} rows"));
                problems.push(format!("table {table} {has}; it had {rows}"));
            }
        }
        problems
    }
}
