//! HMAC under one of the algorithms that IPMI names.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::suite::{AuthenticationAlgorithm, IntegrityAlgorithm};

/// The longest code of any algorithm.
pub const MAX_HASH_BYTES: usize = 32;

/// A keyed hash, ready to be used many times: the key is absorbed once.
#[derive(Clone)]
pub struct KeyedHash {
    engine: Engine,
    /// Codes are cut to this length (the "-96" and "-128" of the names).
    code_bytes: usize,
}

#[derive(Clone)]
enum Engine {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

impl KeyedHash {
    /// The hash of the key exchange, not cut. `None` for algorithms that are not
    /// implemented.
    pub fn for_authentication(algorithm: AuthenticationAlgorithm, key: &[u8]) -> Option<Self> {
        match algorithm {
            AuthenticationAlgorithm::HmacSha1 => Self::sha1(key, 20),
            AuthenticationAlgorithm::HmacSha256 => Self::sha256(key, 32),
            AuthenticationAlgorithm::None | AuthenticationAlgorithm::HmacMd5 => None,
        }
    }

    /// The hash that protects packets. `None` for algorithms that are not
    /// implemented.
    pub fn for_integrity(algorithm: IntegrityAlgorithm, key: &[u8]) -> Option<Self> {
        match algorithm {
            IntegrityAlgorithm::HmacSha1_96 => Self::sha1(key, 12),
            IntegrityAlgorithm::HmacSha256_128 => Self::sha256(key, 16),
            IntegrityAlgorithm::None
            | IntegrityAlgorithm::HmacMd5_128
            | IntegrityAlgorithm::Md5_128 => None,
        }
    }

    fn sha1(key: &[u8], code_bytes: usize) -> Option<Self> {
        Some(Self {
            engine: Engine::Sha1(Hmac::new_from_slice(key).ok()?),
            code_bytes,
        })
    }

    fn sha256(key: &[u8], code_bytes: usize) -> Option<Self> {
        Some(Self {
            engine: Engine::Sha256(Hmac::new_from_slice(key).ok()?),
            code_bytes,
        })
    }

    /// How long the codes are, in bytes.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// The code over the concatenation of `parts`; the first
    /// [`Self::code_bytes`] of the result count.
    fn digest(&self, parts: &[&[u8]]) -> [u8; MAX_HASH_BYTES] {
        fn run(mut mac: impl Mac, parts: &[&[u8]]) -> [u8; MAX_HASH_BYTES] {
            for part in parts {
                mac.update(part);
            }
            let mut code = [0; MAX_HASH_BYTES];
            for (to, from) in code.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
            code
        }
        match &self.engine {
            Engine::Sha1(mac) => run(mac.clone(), parts),
            Engine::Sha256(mac) => run(mac.clone(), parts),
        }
    }

    /// Computes the code over the concatenation of `parts` and hands it, cut to
    /// its length, to `take`.
    pub fn code<R>(&self, parts: &[&[u8]], take: impl FnOnce(&[u8]) -> R) -> R {
        let mut code = self.digest(parts);
        let taken = take(code.get(..self.code_bytes).unwrap_or(&code));
        code.zeroize();
        taken
    }

    /// Compares a received code in constant time; its length must be exact.
    pub fn verify(&self, parts: &[&[u8]], received: &[u8]) -> bool {
        self.code(parts, |code| code.ct_eq(received).into())
    }
}
