//! A file that another program reads: replaced as a whole, and watched.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Largest file that is read back.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// The reader runs as another user, and nothing in it is secret.
pub(super) const OPEN: u32 = 0o644;
/// It has secrets in it: for the same user, or for those of one group.
pub(super) const OWN: u32 = 0o600;
pub(super) const GROUP: u32 = 0o640;

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {action}: {cause}", path.display())]
pub struct FileError {
    path: PathBuf,
    action: &'static str,
    cause: std::io::Error,
}

/// What tells that nobody touched a file, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The fingerprint of a file; `None` when there is none.
pub(super) fn fingerprint(path: &Path) -> Result<Option<Fingerprint>, FileError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(Fingerprint {
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(failed(path, "cannot be looked at", cause)),
    }
}

/// The content of a file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if ErrorKind::NotFound == std::io::Error::kind(&error) => Ok(None),
        Err(cause) => Err(failed(path, "cannot be read", cause)),
    }
}

/// A failure with a file that is not the published one but beside it.
pub(super) fn beside(path: &Path, cause: std::io::Error) -> FileError {
    failed(path, "cannot be written", cause)
}

/// Replaces a file as a whole: whoever reads it sees the old or the new content,
/// also after the power failed.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let temporary = temporary(path);
    let result = fill(&temporary, bytes, mode).and_then(|()| {
        std::fs::rename(&temporary, path)?;
        // Until the directory is on the disk, the old name could come back.
        File::open(directory(path))?.sync_all()
    });
    result.map_err(|cause| {
        // What is left of a write that failed takes space that is missing already.
        let _ = std::fs::remove_file(&temporary);
        failed(path, "cannot be written, the old content stays", cause)
    })
}

fn fill(temporary: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    // A crash may have left one, with other permissions.
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody else reads it before it has its mode.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWN)
        .open(temporary)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Beside the file, so that a rename is possible; hidden and with another end,
/// so that no `*.json` of Prometheus matches it.
fn temporary(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn failed(path: &Path, action: &'static str, cause: std::io::Error) -> FileError {
    FileError {
        path: path.to_owned(),
        action,
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("targets.json");
        assert_eq!(fingerprint(&path).unwrap(), None);
        assert_eq!(read(&path).unwrap(), None);
        write(&path, b"one", OPEN).unwrap();
        let first = fingerprint(&path).unwrap();
        // As a crash would leave it.
        std::fs::write(directory.path().join(".targets.json.tmp"), "half").unwrap();
        write(&path, b"two", OWN).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"two"[..]));
        assert_ne!(fingerprint(&path).unwrap(), first);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWN);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_names_the_file_and_leaves_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/targets.json");
        let error = write(&path, b"x", OPEN).unwrap_err().to_string();
        assert!(error.contains("missing/targets.json"), "{error}");
        // A directory in the file's place cannot be replaced.
        let path = directory.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        assert!(write(&path, b"x", OPEN).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
