//! Files that hold what could be found out again: one for each BMC and kind,
//! checksummed. A file that is missing, damaged or of another version counts as
//! none, and deleting one is always safe.

use std::fs;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A kind of file.
pub(crate) struct CacheFile {
    /// First words of the file; a number in them changes with the format.
    pub(crate) magic: &'static str,
    /// How the file's name ends.
    pub(crate) extension: &'static str,
    /// Larger files are not read.
    pub(crate) max_bytes: u64,
}

impl CacheFile {
    /// The file of the BMC at `address`.
    pub(crate) fn path(&self, directory: &Path, address: SocketAddr) -> PathBuf {
        let name: String = address
            .to_string()
            .chars()
            .map(|character| match character {
                'a'..='z' | '0'..='9' | '.' => character,
                _ => '_',
            })
            .collect();
        directory.join(format!("{name}.{}", self.extension))
    }

    /// What stands behind the first line, if that fits it.
    pub(crate) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = fs::File::open(path).ok()?;
        file.take(self.max_bytes + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > self.max_bytes {
            return None;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (first_line, content) = bytes.split_at_checked(end)?;
        let content = content.get(1..)?;
        (first_line == self.head(content).as_bytes()).then(|| content.to_vec())
    }

    /// Writes beside the file and renames, so that a crash leaves the old or the
    /// new one.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let beside = path.with_extension(format!("{}.new", self.extension));
        let mut file = fs::File::create(&beside)?;
        file.write_all(self.head(content).as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    }

    fn head(&self, content: &[u8]) -> String {
        format!("{} {:08x}", self.magic, crc32fast::hash(content))
    }
}
