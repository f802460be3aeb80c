//! Notices that a file changed, from what the file system says about it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Identity, size and times of a file; `None` when there is none. Symbolic links are followed, so
/// that switching a link (as Kubernetes does with mounted secrets) is a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

/// Files as they were just before they were read: a change during the reading is noticed too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    files: Vec<(PathBuf, Option<Stamp>)>,
}

impl Watched {
    /// Takes a file's stamp; call it before reading the file.
    pub(crate) fn add(&mut self, path: &Path) {
        self.files.push((path.to_owned(), stamp(path)));
    }

    /// Is any of the files another one now? A few system calls.
    pub(crate) fn changed(&self) -> bool {
        self.files.iter().any(|(path, seen)| stamp(path) != *seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_changing_a_file_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let watch = || {
            let mut watched = Watched::default();
            watched.add(&path);
            watched
        };
        let missing = watch();
        assert!(!missing.changed());
        fs::write(&path, "one").unwrap();
        assert!(missing.changed());

        let present = watch();
        assert!(!present.changed());
        let other = directory.path().join("other");
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(present.changed());

        let renamed = watch();
        fs::remove_file(&path).unwrap();
        assert!(renamed.changed());
    }
}
