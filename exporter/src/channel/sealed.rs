//! The last good configuration on disk, sealed, for a start while the controller
//! is away.
//!
//! XChaCha20-Poly1305 under a key from a file of its own. The key is not made
//! from the token: a token is replaced now and then, and the copy must open
//! after that too. The copy is bound to the controller's URL, so one from
//! elsewhere does not open. Whoever has the copy and the key has the passwords.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngExt;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use crate::config::MAX_FILE_BYTES;
use crate::config::source::{cannot_read, io_reason};

const MAGIC: &[u8] = b"ipmi_exporter controller copy 1\n";
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
/// Largest key file.
const MAX_KEY_FILE: u64 = 4096;
/// What stands before the text: ETag and a line break.
const MAX_PREFIX: usize = 256;

/// Where the copy is, and what opens it.
pub(super) struct SealedCopy {
    path: PathBuf,
    cipher: XChaCha20Poly1305,
    /// What the copy belongs to; authenticated with it.
    place: Vec<u8>,
}

/// What was kept.
pub(super) struct Kept {
    /// Its name.
    pub(super) etag: String,
    /// The modules.
    pub(super) text: Zeroizing<String>,
}

impl SealedCopy {
    /// Uses the key of `key_file`; without one, that of `PATH.key`, which is made
    /// if need be.
    ///
    /// # Errors
    /// What is wrong with the key, for the operator.
    pub(super) fn open(
        path: PathBuf,
        key_file: Option<&Path>,
        endpoint: &Endpoint,
    ) -> Result<Self, String> {
        let key = match key_file {
            Some(file) => read_key(file).map_err(|what| {
                format!("--controller.cache-key-file: {} {what}", file.display())
            })?,
            None => {
                let mut file = path.clone().into_os_string();
                file.push(".key");
                own_key(Path::new(&file))
                    .map_err(|what| format!("--controller.cache-file: {} {what}", file.display()))?
            }
        };
        Ok(Self {
            path,
            cipher: XChaCha20Poly1305::new(&(*key).into()),
            place: [MAGIC, endpoint.to_string().as_bytes()].concat(),
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept; `None` when there is nothing.
    ///
    /// # Errors
    /// Why what is there counts as nothing.
    pub(super) fn load(&self) -> Result<Option<Kept>, String> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot_read(&error)),
        };
        let most = MAX_FILE_BYTES + (MAGIC.len() + NONCE_BYTES + TAG_BYTES + MAX_PREFIX) as u64;
        let mut bytes = Vec::new();
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cannot_read(&error))?;
        let sealed = bytes
            .strip_prefix(MAGIC)
            .filter(|_| bytes.len() as u64 <= most)
            .and_then(|rest| rest.split_first_chunk::<NONCE_BYTES>());
        let Some((nonce, ciphertext)) = sealed else {
            return Err("is no sealed copy of this program's".to_owned());
        };
        let payload = Payload {
            msg: ciphertext,
            aad: &self.place,
        };
        let opened = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| {
                "is damaged, or was sealed with another key or for another controller".to_owned()
            })?;
        let no_text = || "holds no text".to_owned();
        let opened = std::str::from_utf8(&opened).map_err(|_| no_text())?;
        let (etag, text) = opened.split_once('\n').ok_or_else(no_text)?;
        Ok(Some(Kept {
            etag: etag.to_owned(),
            text: Zeroizing::new(text.to_owned()),
        }))
    }

    /// Keeps a configuration: beside the file first, then in its place, so that a
    /// crash leaves the old or the new one.
    ///
    /// # Errors
    /// Why it could not be written.
    pub(super) fn save(&self, etag: &str, text: &str) -> Result<(), String> {
        let plain = Zeroizing::new([etag.as_bytes(), b"\n", text.as_bytes()].concat());
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload {
            msg: &plain,
            aad: &self.place,
        };
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| "cannot be sealed".to_owned())?;
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let write = || -> io::Result<()> {
            create_private(&beside, &[MAGIC, &nonce, &ciphertext])?;
            fs::rename(&beside, &self.path)?;
            sync_directory(&self.path)
        };
        write().map_err(|error| format!("cannot be written: {}", io_reason(&error)))
    }
}

/// Makes a file that only its owner reads, in place of one that a crash left.
fn create_private(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // Not through a link that somebody else put there.
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The key beside the copy; a new one when there is none.
fn own_key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, String> {
    if path.exists() {
        return read_key(path);
    }
    let key = Zeroizing::new(rand::rng().random::<[u8; KEY_BYTES]>());
    let text = Zeroizing::new(hex::encode(key.as_slice()) + "\n");
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| format!("cannot be made: {}", io_reason(&error)))?;
    }
    create_private(path, &[text.as_bytes()])
        .and_then(|()| sync_directory(path))
        .map_err(|error| format!("cannot be made: {}", io_reason(&error)))?;
    Ok(key)
}

/// A key of 64 hexadecimal digits.
fn read_key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, String> {
    let metadata = fs::metadata(path).map_err(|error| cannot_read(&error))?;
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut text = Zeroizing::new(Vec::with_capacity(8192));
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_FILE).read_to_end(&mut text))
        .map_err(|error| cannot_read(&error))?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    hex::decode_to_slice(text.trim_ascii(), key.as_mut()).map_err(|_| {
        format!(
            "is no key: {} hexadecimal digits, for example from `openssl rand -hex {KEY_BYTES}`",
            2 * KEY_BYTES
        )
    })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o007 != 0 {
        tracing::warn!(
            path = %path.display(),
            "The key can be read by every user of this machine (mode {mode:04o}); use 0600"
        );
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"modules\":{\"a\":{\"pass\":\"zq7canarySEALED\",\"targets\":[]}}}";

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::parse(url, false).unwrap()
    }

    fn open(directory: &Path) -> SealedCopy {
        SealedCopy::open(directory.join("copy"), None, &endpoint("https://c")).unwrap()
    }

    #[test]
    fn what_is_kept_comes_back_and_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let copy = open(directory.path());
        assert!(copy.load().unwrap().is_none());
        copy.save("\"a\"", "an older one").unwrap();
        copy.save("\"b\"", TEXT).unwrap();
        let kept = open(directory.path()).load().unwrap().unwrap();
        assert_eq!((kept.etag.as_str(), kept.text.as_str()), ("\"b\"", TEXT));
        for entry in fs::read_dir(directory.path()).unwrap() {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            let bytes = fs::read(&path).unwrap();
            assert!(
                !bytes.windows(9).any(|w| w == b"zq7canary"),
                "{}",
                path.display()
            );
        }
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            2,
            "copy and key"
        );
    }

    #[test]
    fn what_is_not_the_copy_counts_as_none() {
        let directory = tempfile::tempdir().unwrap();
        let copy = open(directory.path());
        copy.save("\"a\"", TEXT).unwrap();
        let path = directory.path().join("copy");
        let good = fs::read(&path).unwrap();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(copy.load().is_err(), "byte {position}");
        }
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert!(copy.load().is_err(), "{length} bytes");
        }
        fs::write(&path, &good).unwrap();
        assert!(copy.load().unwrap().is_some());
        let elsewhere = SealedCopy::open(path.clone(), None, &endpoint("https://d")).unwrap();
        assert!(elsewhere.load().is_err(), "of another controller");
        fs::remove_file(directory.path().join("copy.key")).unwrap();
        assert!(open(directory.path()).load().is_err(), "another key");
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key");
        let copy = || {
            SealedCopy::open(
                directory.path().join("copy"),
                Some(&key),
                &endpoint("https://c"),
            )
        };
        let error = |text: &str| {
            fs::write(&key, text).unwrap();
            copy().err().unwrap()
        };
        for text in ["", "zq7canary", &"0".repeat(63), &"0".repeat(66)] {
            let error = error(text);
            assert!(
                error.starts_with("--controller.cache-key-file: "),
                "{error}"
            );
            assert!(
                error.contains("is no key") && !error.contains("zq7canary"),
                "{error}"
            );
        }
        fs::remove_file(&key).unwrap();
        assert!(
            copy().err().unwrap().contains("cannot be read"),
            "it is not made"
        );
        fs::write(&key, "ab".repeat(32)).unwrap();
        copy().unwrap().save("\"a\"", TEXT).unwrap();
        assert!(copy().unwrap().load().unwrap().is_some());
    }
}
