//! Files of backups: their names, written as a whole, readable by nobody else.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Backup, BackupError, Manifest};
use crate::clock::Timestamp;
use crate::store::Kind;

/// End of the name of a SQLite file.
pub(super) const SQLITE: &str = ".db";
/// End of the name of an archive of `pg_dump`.
pub(super) const POSTGRES: &str = ".dump";
const PREFIX: &str = "controller-";
/// Beginning of the names of what is not complete.
const PARTIAL: &str = ".partial-";
/// Longest name.
const MAX_NAME: usize = 64;
/// Files that one second may have.
const MAX_PER_SECOND: u32 = 100;

/// Name of a backup: a file in the directory, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupName(String);

impl BackupName {
    /// `None` for what we would not have named so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let middle = text.strip_prefix(PREFIX)?;
        let middle = middle
            .strip_suffix(SQLITE)
            .or_else(|| middle.strip_suffix(POSTGRES))?;
        let is_good = !middle.is_empty()
            && text.len() <= MAX_NAME
            && middle
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z' | b'-'));
        is_good.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs what may block on the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| BackupError::Ending)?
}

pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |cause| BackupError::File {
        path: path.to_owned(),
        cause,
    }
}

/// Which database a file is of, by its name.
pub(super) fn kind(path: &Path) -> Result<Kind, BackupError> {
    let name = path.to_string_lossy();
    if name.ends_with(POSTGRES) {
        Ok(Kind::Postgres)
    } else if name.ends_with(SQLITE) {
        Ok(Kind::Sqlite)
    } else {
        Err(BackupError::Damaged(format!(
            "{name} ends neither in {SQLITE} nor in {POSTGRES}, so it is no backup"
        )))
    }
}

/// A place for a new backup. What is there when it is dropped unsettled goes.
pub(super) struct Place {
    directory: PathBuf,
    name: String,
    partial: PathBuf,
    created_at: Timestamp,
}

impl Place {
    /// Makes the directory, clears away what was left half, and makes an empty
    /// file that only we can read.
    pub(super) fn prepare(
        directory: &Path,
        now: Timestamp,
        suffix: &str,
    ) -> Result<Self, BackupError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(at(directory))?;
        for entry in fs::read_dir(directory).map_err(at(directory))? {
            let entry = entry.map_err(at(directory))?;
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
            }
        }
        let stamp = stamp(now);
        let name = (0..MAX_PER_SECOND)
            .map(|number| match number {
                0 => format!("{PREFIX}{stamp}{suffix}"),
                _ => format!("{PREFIX}{stamp}-{number}{suffix}"),
            })
            .find(|name| !directory.join(name).exists())
            .ok_or(BackupError::Busy)?;
        let partial = directory.join(format!("{PARTIAL}{name}"));
        let place = Self {
            directory: directory.to_owned(),
            name,
            partial,
            created_at: now,
        };
        private(&place.partial).map_err(at(&place.partial))?;
        Ok(place)
    }

    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the complete file its name, durably.
    pub(super) fn settle(self, manifest: &Manifest) -> Result<Backup, BackupError> {
        let file = File::open(&self.partial).map_err(at(&self.partial))?;
        file.sync_all().map_err(at(&self.partial))?;
        let bytes = file.metadata().map_err(at(&self.partial))?.len();
        let manifest = Manifest {
            sha256: sum(&self.partial)?,
            ..manifest.clone()
        };
        let path = self.directory.join(&self.name);
        manifest.write(&path)?;
        fs::rename(&self.partial, &path).map_err(at(&path))?;
        sync_directory(&self.directory)?;
        Ok(Backup {
            name: self.name.clone(),
            bytes,
            created_at: self.created_at,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // After `settle` there is none.
        let _ = fs::remove_file(&self.partial);
    }
}

/// A new file that only we can read.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes renames in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), BackupError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(at(directory))
}

/// `20261123T034949Z`.
pub(super) fn stamp(now: Timestamp) -> String {
    let moment = now.to_string();
    let seconds = moment.split('.').next().unwrap_or_default();
    let digits: String = seconds
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .collect();
    format!("{digits}Z")
}

/// All backups of a directory, the newest first.
pub(super) fn list(directory: &Path) -> Result<Vec<Backup>, BackupError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(directory)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(directory))?;
        let Some(name) = entry.file_name().to_str().and_then(BackupName::parse) else {
            continue;
        };
        let path = entry.path();
        // It may have been removed meanwhile.
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let modified = metadata.modified().map_err(at(&path))?;
        let since = modified
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        found.push(Backup {
            name: name.0,
            bytes: metadata.len(),
            created_at: Timestamp(0).after(since),
        });
    }
    // Names of one second have a number; moments tell the others apart.
    found.sort_by(|a, b| (b.created_at, &b.name).cmp(&(a.created_at, &a.name)));
    Ok(found)
}

/// Removes a backup and its manifest.
pub(super) fn remove(path: &Path, name: &str) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(BackupError::NotFound(name.to_owned()));
        }
        Err(error) => return Err(at(path)(error)),
    }
    match fs::remove_file(Manifest::path(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn sum(path: &Path) -> Result<String, BackupError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(at(path))?;
        if read == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(buffer.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for (text, good) in [
            ("controller-20261123T034949Z.db", true),
            ("controller-20261123T034949Z-1.dump", true),
            ("controller-../../etc/passwd.db", false),
            ("controller-.db", false),
            ("/etc/passwd", false),
            ("master.key", false),
            ("controller-20261123T034949Z.db.json", false),
        ] {
            assert_eq!(BackupName::parse(text).is_some(), good, "{text}");
        }
        assert_eq!(stamp(Timestamp(1_700_000_000_123)), "20231114T221320Z");
    }

    #[test]
    fn what_is_half_goes() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("backups");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(".partial-controller-1.db"), "half").unwrap();
        let place = Place::prepare(&directory, Timestamp(0), SQLITE).unwrap();
        drop(place);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}
