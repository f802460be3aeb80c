//! Secrets at rest: sealed under a master key that is not in the database.
//!
//! XChaCha20-Poly1305 with random nonces. What is sealed is bound to its place
//! (purpose and row), so that a stolen ciphertext cannot be moved into another
//! row and read through that. Several keys may be known: the first seals, all
//! open, which is what a rotation needs.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::RngExt;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a master key.
const KEY_BYTES: usize = 32;
/// Bytes of the name of a key: the beginning of its SHA-256.
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;

/// Why a secret could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is no key at all.
    #[error(
        "no master key; set `master_key_file` or IPMI_CONTROLLER_MASTER_KEY to 64 hexadecimal digits, for example from `openssl rand -hex 32`"
    )]
    NoKey,
    /// A line is no key.
    #[error("line {line} of the master key is not {} hexadecimal digits", 2 * KEY_BYTES)]
    BadKey {
        /// Counted from 1, without empty lines and comments.
        line: usize,
    },
    /// It was sealed with another key.
    #[error(
        "a secret was sealed with the master key {needed}, which is not among the given ones ({known}); give the key that was used before, on a line of its own below the new one"
    )]
    UnknownKey {
        /// Name of the key that is needed.
        needed: String,
        /// Names of the keys that are known.
        known: String,
    },
    /// It was changed, or moved from another place.
    #[error("a sealed secret is damaged or was moved from another place")]
    Damaged,
}

/// Name of a key, safe to show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// The bytes that are stored with each secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Key {
    id: KeyId,
    cipher: XChaCha20Poly1305,
    /// For [`Sealer::fingerprint`]; a key of its own, made from the master key.
    names: Zeroizing<[u8; KEY_BYTES]>,
}

/// Where a secret belongs; part of what is authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What the secret is for, such as `credential.password`.
    pub purpose: &'a str,
    /// The row.
    pub id: &'a str,
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        // The length in front keeps ("ab", "c") from being ("a", "bc").
        let mut bytes = Vec::with_capacity(8 + self.purpose.len() + self.id.len());
        bytes.extend_from_slice(&(self.purpose.len() as u64).to_le_bytes());
        bytes.extend_from_slice(self.purpose.as_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }
}

/// Seals and opens secrets. Keys are wiped when it is dropped.
pub struct Sealer {
    keys: Vec<Key>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| key.id))
            .finish()
    }
}

impl Sealer {
    /// Reads keys, one on a line in hexadecimal, the one to seal with first.
    /// Empty lines and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// When there is none, or a line is no key.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut keys = Vec::new();
        for (index, line) in lines.enumerate() {
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            hex::decode_to_slice(line, bytes.as_mut())
                .map_err(|_| SealError::BadKey { line: index + 1 })?;
            keys.push(Key::new(&bytes));
        }
        if keys.is_empty() {
            return Err(SealError::NoKey);
        }
        Ok(Self { keys })
    }

    /// The key that seals.
    #[must_use]
    pub fn active(&self) -> KeyId {
        self.first().id
    }

    fn first(&self) -> &Key {
        self.keys
            .first()
            .expect("`parse` gives no sealer without a key")
    }

    /// Seals a secret for its place. Nonce and ciphertext.
    ///
    /// # Errors
    /// Never with the lengths that occur here; the cipher has a bound of 256 GiB.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload {
            msg: secret,
            aad: &place.bytes(),
        };
        let ciphertext = self
            .first()
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::Damaged)?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what [`Self::seal`] gave for the same place.
    ///
    /// # Errors
    /// When the key is unknown, or anything was changed.
    pub fn open(
        &self,
        place: Place<'_>,
        key_id: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let key = self
            .keys
            .iter()
            .find(|key| key.id.as_bytes() == key_id)
            .ok_or_else(|| SealError::UnknownKey {
                needed: hex::encode(key_id),
                known: self.known(),
            })?;
        let (nonce, ciphertext) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SealError::Damaged)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &place.bytes(),
        };
        key.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| SealError::Damaged)
    }

    /// A name for what the parts say: the same parts have the same name, and
    /// without the key it tells nothing about them.
    #[must_use]
    pub fn fingerprint<'a>(
        &self,
        purpose: &'a str,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> [u8; 32] {
        let mut mac = keyed(&self.first().names);
        for part in std::iter::once(purpose.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn known(&self) -> String {
        let ids: Vec<String> = self.keys.iter().map(|key| key.id.to_string()).collect();
        ids.join(", ")
    }
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut id = [0; KEY_ID_BYTES];
        // A prefix, so that the name of the key is no hash used elsewhere.
        let digest = Sha256::new()
            .chain_update(b"ipmi_controller key id")
            .chain_update(bytes)
            .finalize();
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        let mut names = Zeroizing::new([0; KEY_BYTES]);
        let mut mac = keyed(bytes);
        mac.update(b"ipmi_controller fingerprints");
        names.copy_from_slice(&mac.finalize().into_bytes());
        Self {
            id: KeyId(id),
            cipher: XChaCha20Poly1305::new(&(*bytes).into()),
            names,
        }
    }
}

fn keyed(key: &[u8; KEY_BYTES]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    const NEW: &str = "0202020202020202020202020202020202020202020202020202020202020202";
    const PLACE: Place<'_> = Place {
        purpose: "credential.password",
        id: "7",
    };

    #[test]
    fn a_secret_opens_only_in_its_place() {
        let sealer = Sealer::parse(OLD).unwrap();
        let sealed = sealer.seal(PLACE, b"tr0ub4dor").unwrap();
        let id = sealer.active();
        let opened = sealer.open(PLACE, id.as_bytes(), &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"tr0ub4dor");
        for place in [
            Place { id: "8", ..PLACE },
            Place {
                purpose: "credential.password7",
                id: "",
            },
        ] {
            let moved = sealer.open(place, id.as_bytes(), &sealed);
            assert_eq!(moved, Err(SealError::Damaged));
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let sealer = Sealer::parse(OLD).unwrap();
        let sealed = sealer.seal(PLACE, b"secret").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            let opened = sealer.open(PLACE, sealer.active().as_bytes(), &changed);
            assert_eq!(opened, Err(SealError::Damaged), "byte {position}");
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = Sealer::parse(OLD).unwrap();
        let sealed = old.seal(PLACE, b"secret").unwrap();
        let both = Sealer::parse(&format!("# new\n{NEW}\n\n{OLD}\n")).unwrap();
        assert_ne!(both.active(), old.active());
        assert!(both.open(PLACE, old.active().as_bytes(), &sealed).is_ok());
        let new = Sealer::parse(NEW).unwrap();
        let error = new
            .open(PLACE, old.active().as_bytes(), &sealed)
            .unwrap_err();
        assert!(error.to_string().contains(&old.active().to_string()));
    }

    #[test]
    fn a_fingerprint_depends_on_key_purpose_and_parts() {
        let name = |key: &str, purpose: &str, parts: &[&[u8]]| {
            let sealer = Sealer::parse(key).unwrap();
            sealer.fingerprint(purpose, parts.iter().copied())
        };
        let first = name(OLD, "a", &[b"bc", b"d"]);
        assert_eq!(first, name(OLD, "a", &[b"bc", b"d"]));
        for other in [
            name(NEW, "a", &[b"bc", b"d"]),
            name(OLD, "b", &[b"bc", b"d"]),
            name(OLD, "a", &[b"b", b"cd"]),
            name(OLD, "a", &[b"bcd"]),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_bad_key_is_named_by_line_and_never_shown() {
        assert!(matches!(Sealer::parse("# none\n"), Err(SealError::NoKey)));
        let text = format!("{NEW}\nc0ffee");
        let error = Sealer::parse(&text).unwrap_err();
        assert_eq!(error, SealError::BadKey { line: 2 });
        assert!(!error.to_string().contains("c0ffee"));
        assert!(!format!("{:?}", Sealer::parse(NEW)).contains("0202"));
    }
}
