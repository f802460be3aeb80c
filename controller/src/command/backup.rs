//! `ipmi_controller admin backup`, `verify-backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::backup::{self, Verification};
use crate::config::Config;
use crate::store::{Sealer, Store};

/// Makes a backup in a directory, or in the configured one.
///
/// # Errors
/// With what to do about it.
pub(super) async fn make(
    config: &Config,
    store: &Store,
    directory: Option<PathBuf>,
) -> anyhow::Result<()> {
    let directory = directory
        .or_else(|| config.backup.directory.clone())
        .context("where to? give --directory, or set backup.directory")?;
    let made = backup::make(store, &config.database_url(), &directory).await?;
    println!("{}", directory.join(made.name).display());
    Ok(())
}

/// Looks whether a file is a whole backup.
///
/// # Errors
/// With everything that is wrong with it.
pub(super) async fn verify(config: &Config, file: &Path) -> anyhow::Result<()> {
    let judge = Store::in_memory(sealer(config)?, crate::clock::Clock::System).await?;
    let found = backup::verify(file, &judge).await;
    judge.close().await;
    match found? {
        Verification {
            intact: true,
            rows,
            audit_entries,
            ..
        } => {
            println!(
                "The backup is whole: {rows} rows, {audit_entries} of them of the audit trail."
            );
            Ok(())
        }
        found => bail!("{}: {}", file.display(), found.problems.join("; ")),
    }
}

/// Puts a backup in the place of the database.
///
/// # Errors
/// When nothing was restored, with the reason.
pub(super) async fn restore(config: &Config, file: &Path, force: bool) -> anyhow::Result<()> {
    let kept = backup::restore(config, sealer(config)?, file, force).await?;
    println!("{} was restored.", file.display());
    if let Some(kept) = kept {
        println!("What was there before is in {}.", kept.display());
    }
    Ok(())
}

fn sealer(config: &Config) -> anyhow::Result<Sealer> {
    Ok(Sealer::parse(&config.master_key()?)?)
}
