//! Why there is no backup, or none that is any good.

use std::path::PathBuf;

use crate::leader::LeaderError;
use crate::prometheus::PrometheusError;
use crate::store::StoreError;

/// Why something about backups failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is no such file.
    #[error("there is no backup {0}")]
    NotFound(String),
    /// Another one is made just now.
    #[error("a backup is being made; wait until it is complete")]
    Busy,
    /// It is not whole, or of another master key.
    #[error("{0}")]
    Damaged(String),
    /// What is there would be lost.
    #[error("{0}; with --force it is kept under another name and replaced")]
    Occupied(String),
    /// A file or directory cannot be used.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("{program}: {message}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        message: String,
    },
    /// Another controller uses the database.
    #[error(transparent)]
    Leader(#[from] LeaderError),
    /// Prometheus failed.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program ends.
    #[error("the controller is ending")]
    Ending,
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
