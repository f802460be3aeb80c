//! Puts a backup in the place of the database, while no controller runs.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, at, blocking};
use super::{BackupError, make, postgres, verify};
use crate::clock::Clock;
use crate::config::Config;
use crate::leader::{Occupation, sqlite_file, vacancy};
use crate::store::{Kind, Sealer, Store};

/// Restores a backup into the configured database. Gives where the state before
/// is kept, if there was one.
///
/// # Errors
/// When a controller runs, the file is not whole, the master key does not fit,
/// or there is something and `force` is not set. Then nothing was changed.
pub async fn restore(
    config: &Config,
    sealer: Sealer,
    file: &Path,
    force: bool,
) -> Result<Option<PathBuf>, BackupError> {
    let url = config.database_url();
    let kind = Kind::of(&url);
    if Some(files::kind(file)?) != kind {
        return Err(BackupError::Damaged(format!(
            "{} is of another kind of database than the configured one",
            file.display()
        )));
    }
    let _occupation = Occupation::take(&url)?;
    match sqlite_file(&url)? {
        Some(target) => restore_file(&target, sealer, file, force).await,
        None => restore_server(config, sealer, file, force).await,
    }
}

async fn expect_intact(file: &Path, store: &Store) -> Result<(), BackupError> {
    let found = verify(file, store).await?;
    if found.intact {
        return Ok(());
    }
    Err(BackupError::Damaged(format!(
        "{} is not restored: {}",
        file.display(),
        found.problems.join("; ")
    )))
}

async fn restore_file(
    target: &Path,
    sealer: Sealer,
    file: &Path,
    force: bool,
) -> Result<Option<PathBuf>, BackupError> {
    // Only what opens secrets is needed of a store.
    let judge = Store::in_memory(sealer, Clock::System).await?;
    expect_intact(file, &judge).await?;
    let stamp = files::stamp(judge.clock().now());
    judge.close().await;
    let (target, file) = (target.to_owned(), file.to_owned());
    blocking(move || replace_file(&target, &file, &stamp, force)).await
}

fn replace_file(
    target: &Path,
    file: &Path,
    stamp: &str,
    force: bool,
) -> Result<Option<PathBuf>, BackupError> {
    let is_there = fs::metadata(target).is_ok_and(|found| found.len() > 0);
    if is_there && !force {
        return Err(BackupError::Occupied(format!(
            "{} is there",
            target.display()
        )));
    }
    let with = |end: &str| -> PathBuf {
        let mut path = target.as_os_str().to_owned();
        path.push(end);
        path.into()
    };
    let fresh = with(".restoring");
    let _ = fs::remove_file(&fresh);
    let copied = files::private(&fresh).and_then(|mut to| {
        std::io::copy(&mut fs::File::open(file)?, &mut to)?;
        to.sync_all()
    });
    if let Err(error) = copied {
        let _ = fs::remove_file(&fresh);
        return Err(at(&fresh)(error));
    }
    let kept = with(&format!(".replaced-{stamp}"));
    // The log belongs to its database: under the new file it would be poison.
    for end in ["", "-wal", "-shm"] {
        let from = with(end);
        if from.exists() {
            let to = with(&format!(".replaced-{stamp}{end}"));
            fs::rename(&from, &to).map_err(at(&from))?;
        }
    }
    fs::rename(&fresh, target).map_err(at(target))?;
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    files::sync_directory(directory)?;
    Ok(is_there.then_some(kept))
}

async fn restore_server(
    config: &Config,
    sealer: Sealer,
    file: &Path,
    force: bool,
) -> Result<Option<PathBuf>, BackupError> {
    let url = config.database_url();
    // Nobody leads as long as this lives.
    let _vacancy = vacancy(&url).await?;
    let store = Store::inspect_at(&url, sealer, Clock::System).await?;
    expect_intact(file, &store).await?;
    let tables: Vec<String> = {
        let mut tx = store.read().await?;
        tx.table_counts().await?.into_keys().collect()
    };
    let mut kept = None;
    if !tables.is_empty() {
        if !force {
            return Err(BackupError::Occupied("the database has tables".to_owned()));
        }
        let beside = file.parent().unwrap_or_else(|| Path::new("."));
        let directory = config.backup.directory.as_deref().unwrap_or(beside);
        kept = Some(directory.join(make(&store, &url, directory).await?.name));
    }
    store.close().await;
    postgres::replace(&postgres::Login::parse(&url)?, file, &tables).await?;
    Ok(kept)
}
