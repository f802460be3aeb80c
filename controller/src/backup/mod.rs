//! Backups of the store: made while it is in use, verified before they count,
//! kept so many.
//!
//! A backup is one file. Beside it lies a manifest (`NAME.json`) with what was
//! in the database, so that a later look tells whether the file is still that.
//! Secrets are sealed in it as they are in the store.

mod error;
mod files;
mod manifest;
mod postgres;
mod restore;
mod schedule;
mod snapshot;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::model::RunKind;
use crate::store::{Kind, NewRun, Store, StoreError};
use crate::telemetry::{Outcome, Telemetry};

pub use error::BackupError;
pub use files::BackupName;
pub use manifest::Manifest;
pub use restore::restore;
pub use schedule::Schedule;
pub use snapshot::Snapshots;

/// A backup that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Backup {
    /// Name of the file.
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a look at a backup found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BackupVerification)]
pub struct Verification {
    /// Whether it can be restored with the master key that is in use.
    pub intact: bool,
    /// What is wrong; empty when nothing is.
    pub problems: Vec<String>,
    /// Rows in all tables.
    pub rows: i64,
    /// Entries of the audit trail in it.
    pub audit_entries: i64,
}

/// Makes backups and looks after them. Cheap to clone.
#[derive(Clone)]
pub struct Backups {
    store: Store,
    telemetry: Arc<Telemetry>,
    url: Arc<str>,
    directory: Arc<Path>,
    keep: usize,
    turn: Arc<Mutex<()>>,
}

impl Backups {
    /// Backups as configured; `None` without a directory.
    #[must_use]
    pub fn new(config: &Config, store: Store, telemetry: Arc<Telemetry>) -> Option<Self> {
        Some(Self {
            store,
            telemetry,
            url: config.database_url().into(),
            directory: config.backup.directory.clone()?.into(),
            keep: usize::try_from(config.backup.keep).unwrap_or(usize::MAX),
            turn: Arc::default(),
        })
    }

    /// Makes one, verifies it, and removes those that are too many.
    ///
    /// # Errors
    /// [`BackupError::Busy`] while another one is made; else why there is none.
    pub async fn create(&self) -> Result<Backup, BackupError> {
        let turn = Arc::clone(&self.turn);
        let _turn = turn.try_lock_owned().map_err(|_| BackupError::Busy)?;
        let started_at = self.store.clock().now();
        let made = make(&self.store, &self.url, &self.directory).await;
        let (outcome, failure) = match &made {
            Ok(_) => (Outcome::Ok, None),
            Err(error) => (Outcome::Failed, Some(error.to_string())),
        };
        self.telemetry.run(RunKind::Backup, outcome);
        let name = made.as_ref().map(|made| made.name.clone());
        let bytes = made.as_ref().map_or(0, |made| made.bytes);
        self.note(&NewRun {
            kind: RunKind::Backup,
            name: name.as_deref().unwrap_or_default(),
            failure: failure.as_deref(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            started_at,
        })
        .await?;
        let made = made?;
        tracing::info!(backup = made.name, bytes = made.bytes, "A backup was made");
        self.prune().await?;
        Ok(made)
    }

    async fn note(&self, run: &NewRun<'_>) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.insert_run(run).await?;
        tx.commit().await
    }

    /// Removes the oldest ones that are too many.
    async fn prune(&self) -> Result<(), BackupError> {
        for old in self.list().await?.into_iter().skip(self.keep) {
            if let Some(name) = BackupName::parse(&old.name) {
                self.delete(&name).await?;
                tracing::info!(backup = old.name, "An old backup was removed");
            }
        }
        Ok(())
    }

    /// All that are there, the newest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn list(&self) -> Result<Vec<Backup>, BackupError> {
        let directory = Arc::clone(&self.directory);
        files::blocking(move || files::list(&directory)).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`BackupError::NotFound`].
    pub async fn get(&self, name: &BackupName) -> Result<Backup, BackupError> {
        let all = self.list().await?;
        all.into_iter()
            .find(|backup| backup.name == name.as_str())
            .ok_or_else(|| BackupError::NotFound(name.to_string()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self, name: &BackupName) -> PathBuf {
        self.directory.join(name.as_str())
    }

    /// Looks whether it is whole and fits the master key.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be looked at. What is wrong with
    /// the file itself is in the [`Verification`].
    pub async fn verify(&self, name: &BackupName) -> Result<Verification, BackupError> {
        self.get(name).await?;
        verify(&self.path(name), &self.store).await
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`BackupError::NotFound`], or when the file cannot be removed.
    pub async fn delete(&self, name: &BackupName) -> Result<(), BackupError> {
        let path = self.path(name);
        let name = name.to_string();
        files::blocking(move || files::remove(&path, &name)).await
    }
}

/// Makes a backup of a store in a directory, and verifies it.
///
/// # Errors
/// Why there is none; nothing half is left behind.
pub async fn make(store: &Store, url: &str, directory: &Path) -> Result<Backup, BackupError> {
    let suffix = match store.kind() {
        Kind::Sqlite => files::SQLITE,
        Kind::Postgres => files::POSTGRES,
    };
    let now = store.clock().now();
    let place = {
        let directory = directory.to_owned();
        files::blocking(move || files::Place::prepare(&directory, now, suffix)).await?
    };
    let manifest = match store.kind() {
        Kind::Sqlite => sqlite::dump(store, place.partial()).await?,
        Kind::Postgres => postgres::dump(store, url, place.partial()).await?,
    };
    let found = look(place.partial(), store.kind(), Some(&manifest), store).await?;
    if !found.intact {
        return Err(BackupError::Damaged(found.problems.join("; ")));
    }
    files::blocking(move || place.settle(&manifest)).await
}

/// Looks whether a file is a whole backup that fits the master key of a store.
///
/// # Errors
/// When it cannot be looked at.
pub async fn verify(path: &Path, store: &Store) -> Result<Verification, BackupError> {
    let kind = files::kind(path)?;
    let at = path.to_owned();
    let (manifest, sum) = files::blocking(move || {
        let manifest = Manifest::beside(&at)?;
        Ok((manifest, files::sum(&at)?))
    })
    .await?;
    let mut found = look(path, kind, manifest.as_ref(), store).await?;
    if let Some(manifest) = manifest
        && manifest.sha256 != sum
    {
        let problem = "the file is not the one that was written: its SHA-256 differs";
        found.problems.insert(0, problem.to_owned());
        found.intact = false;
    }
    Ok(found)
}

async fn look(
    path: &Path,
    kind: Kind,
    manifest: Option<&Manifest>,
    store: &Store,
) -> Result<Verification, BackupError> {
    let contents = match kind {
        Kind::Sqlite => sqlite::contents(path, store).await,
        Kind::Postgres => postgres::contents(path, store).await,
    };
    // What cannot be opened is no backup, which is an answer too.
    let contents = match contents {
        Ok(contents) => contents,
        Err(BackupError::Damaged(problem)) => {
            return Ok(Verification {
                problems: vec![problem],
                ..Verification::default()
            });
        }
        Err(error) => return Err(error),
    };
    let mut problems = contents.problems;
    if let Some(manifest) = manifest {
        problems.extend(manifest.differences(&contents.tables));
    }
    Ok(Verification {
        intact: problems.is_empty(),
        problems,
        rows: contents.tables.values().sum(),
        audit_entries: contents.tables.get("audit").copied().unwrap_or_default(),
    })
}
