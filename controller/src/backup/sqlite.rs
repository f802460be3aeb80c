//! Backups of SQLite: `VACUUM INTO`, which copies a consistent state while
//! others read and write.

use std::path::Path;

use super::manifest::{Contents, Manifest};
use super::{BackupError, files};
use crate::store::{Store, StoreError};

/// Copies the database into an empty file.
pub(super) async fn dump(store: &Store, to: &Path) -> Result<Manifest, BackupError> {
    // What is in the trail now must be in the copy.
    let (before, _) = store.read().await?.audit_head().await?;
    store.copy_into(to).await?;
    let copy = open(to, store).await?;
    let tables = {
        let mut tx = copy.read().await?;
        let (copied, _) = tx.audit_head().await?;
        if copied < before {
            return Err(BackupError::Damaged(format!(
                "the copy ends at entry {copied} of the audit trail, which had {before}"
            )));
        }
        tx.table_counts().await?
    };
    copy.close().await;
    Ok(Manifest::new(store.clock().now(), tables))
}

/// Looks at everything that a file holds.
pub(super) async fn contents(path: &Path, store: &Store) -> Result<Contents, BackupError> {
    let copy = open(path, store).await?;
    let looked = async {
        let mut tx = copy.read().await?;
        let mut contents = Contents {
            problems: tx.integrity_problems().await?,
            ..Contents::default()
        };
        if contents.problems.is_empty() {
            contents.tables = tx.table_counts().await?;
            if let Some(broken) = tx.verify_audit().await?.broken {
                contents.problems.push(format!(
                    "the audit trail is broken at entry {}: {}",
                    broken.sequence, broken.what
                ));
            }
            match tx.verify_master_key().await {
                Ok(()) => {}
                Err(StoreError::Seal(error)) => contents.problems.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(contents)
    }
    .await;
    copy.close().await;
    looked.map_err(|error| BackupError::Damaged(format!("{}: {error}", path.display())))
}

/// A file as it is: nothing is migrated and nothing written.
async fn open(path: &Path, store: &Store) -> Result<Store, BackupError> {
    std::fs::metadata(path).map_err(files::at(path))?;
    store.inspect_file(path).await.map_err(|error| {
        BackupError::Damaged(format!("{} is no database: {error}", path.display()))
    })
}
