//! Reads a configuration file as text: bounded, decoded, and refused early when it is no text.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::diagnostic::{Diagnostic, Position};

/// Largest configuration file that is read, in bytes. A fleet of 100,000 listed targets needs
/// about 10 MiB; more is a mistake such as a device or a log.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// A configuration file in memory. The text is wiped on drop because it may hold passwords.
pub(crate) struct Source {
    path: Arc<Path>,
    text: Zeroizing<String>,
    /// Permission bits; `None` for text that did not come from a file.
    mode: Option<u32>,
    is_remote: bool,
}

impl Source {
    /// Text that is not read from a file; `path` is only for messages and relative paths.
    pub(crate) fn from_text(path: &Path, text: String) -> Result<Self, Diagnostic> {
        Self::decode(path, text.into_bytes(), None)
    }

    /// Text that another machine sent. It may not name files or variables of this
    /// one, every module in it needs its targets, and no message quotes its lines.
    pub(crate) fn remote(name: &Path, text: &str) -> Result<Self, Diagnostic> {
        let mut source = Self::decode(name, text.as_bytes().to_vec(), None)?;
        source.is_remote = true;
        Ok(source)
    }

    /// Whether another machine sent the text.
    pub(crate) fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, is a directory or a pipe, is larger than [`MAX_FILE_BYTES`], or is
    /// not UTF-8 without a byte order mark.
    pub(crate) fn read(path: &Path) -> Result<Self, Diagnostic> {
        let whole = |message: String| Diagnostic::whole_file(path, message);
        // Looked at before it is opened: opening a pipe would wait for a writer.
        let metadata = fs::metadata(path).map_err(|error| whole(cannot_read(&error)))?;
        if let Some(kind) = unreadable_kind(&metadata) {
            return Err(whole(format!("is {kind}, not a file")));
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err(whole(format!(
                "has {} bytes; the limit is {MAX_FILE_BYTES} (16 MiB)",
                metadata.len()
            )));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| whole(cannot_read(&error)))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(whole(format!(
                "has more than {MAX_FILE_BYTES} bytes (16 MiB), the limit"
            )));
        }
        Self::decode(path, bytes, Some(metadata.permissions().mode()))
    }

    fn decode(path: &Path, bytes: Vec<u8>, mode: Option<u32>) -> Result<Self, Diagnostic> {
        let bytes = Zeroizing::new(bytes);
        let whole = |message: &str| Diagnostic::whole_file(path, message.to_owned());
        if bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xFF, 0xFE]) {
            return Err(whole("is UTF-16; save it as UTF-8"));
        }
        if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
            return Err(whole(
                "starts with a byte order mark; save it as UTF-8 without one",
            ));
        }
        if bytes.iter().take(4).filter(|byte| **byte == 0).count() > 0 {
            return Err(whole(
                "holds zero bytes: it is UTF-16 or no text at all; save it as UTF-8",
            ));
        }
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(error) => {
                let mut diagnostic = whole("is not UTF-8 from here on; save the file as UTF-8");
                diagnostic.at = Some(position_of(&bytes[..error.valid_up_to()]));
                return Err(diagnostic);
            }
        };
        Ok(Self {
            path: PathBuf::from(path).into(),
            text,
            mode,
            is_remote: false,
        })
    }

    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// May users that are neither the owner nor in the group read the file?
    pub(crate) fn is_world_readable(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o004 != 0)
    }

    /// May they change it?
    pub(crate) fn is_world_writable(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o002 != 0)
    }

    /// A path from the file, relative to the file's own directory.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        match self.path.parent() {
            Some(directory) => directory.join(path),
            None => PathBuf::from(path),
        }
    }
}

/// What the path names when it cannot be read like a file.
pub(crate) fn unreadable_kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        None
    }
}

/// The operating system's reason without its number, which tells operators nothing.
pub(crate) fn cannot_read(error: &io::Error) -> String {
    format!("cannot be read: {}", io_reason(error))
}

/// The operating system's reason without `(os error N)`.
pub(crate) fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

fn position_of(before: &[u8]) -> Position {
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    Position {
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count()
            + 1,
    }
}
