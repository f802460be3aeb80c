//! The keyed hashes that IPMI names: HMACs, and one older construction.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::Password;
use super::suite::{AuthenticationAlgorithm, IntegrityAlgorithm};

/// The longest code of any algorithm.
pub const MAX_HASH_BYTES: usize = 32;

/// A keyed hash, ready to be used many times: the key is absorbed once.
///
/// The hash of the algorithm "none" has codes of no bytes at all.
#[derive(Clone)]
pub struct KeyedHash {
    engine: Engine,
    /// Codes are cut to this length (the "-96" and "-128" of the names).
    code_bytes: usize,
}

#[derive(Clone)]
enum Engine {
    None,
    HmacMd5(Hmac<Md5>),
    HmacSha1(Hmac<Sha1>),
    HmacSha256(Hmac<Sha256>),
    /// MD5 over the padded password, the message and the padded password again
    /// (IPMI 2.0 section 13.28.4): no HMAC, and keyed with the password, not K1.
    PasswordMd5(Password),
}

/// HMAC with any hash; its only error is a key length that it cannot take.
fn hmac<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl KeyedHash {
    /// The hash of the key exchange, not cut.
    pub fn for_authentication(algorithm: AuthenticationAlgorithm, key: &[u8]) -> Self {
        Self {
            engine: match algorithm {
                AuthenticationAlgorithm::None => Engine::None,
                AuthenticationAlgorithm::HmacSha1 => Engine::HmacSha1(hmac(key)),
                AuthenticationAlgorithm::HmacMd5 => Engine::HmacMd5(hmac(key)),
                AuthenticationAlgorithm::HmacSha256 => Engine::HmacSha256(hmac(key)),
            },
            code_bytes: algorithm.code_bytes(),
        }
    }

    /// The hash that protects packets: under K1, but for
    /// [`IntegrityAlgorithm::Md5_128`], which takes the password.
    pub fn for_integrity(algorithm: IntegrityAlgorithm, k1: &[u8], password: &Password) -> Self {
        Self {
            engine: match algorithm {
                IntegrityAlgorithm::None => Engine::None,
                IntegrityAlgorithm::HmacSha1_96 => Engine::HmacSha1(hmac(k1)),
                IntegrityAlgorithm::HmacMd5_128 => Engine::HmacMd5(hmac(k1)),
                IntegrityAlgorithm::Md5_128 => Engine::PasswordMd5(password.clone()),
                IntegrityAlgorithm::HmacSha256_128 => Engine::HmacSha256(hmac(k1)),
            },
            code_bytes: algorithm.code_bytes(),
        }
    }

    /// How long the codes are, in bytes; 0 for "none".
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// The code over the concatenation of `parts`; the first
    /// [`Self::code_bytes`] of the result count.
    fn digest(&self, parts: &[&[u8]]) -> [u8; MAX_HASH_BYTES] {
        fn filled(code: &[u8]) -> [u8; MAX_HASH_BYTES] {
            let mut filled = [0; MAX_HASH_BYTES];
            if let Some(place) = filled.get_mut(..code.len()) {
                place.copy_from_slice(code);
            }
            filled
        }
        fn run(mut mac: impl Mac, parts: &[&[u8]]) -> [u8; MAX_HASH_BYTES] {
            for part in parts {
                mac.update(part);
            }
            filled(&mac.finalize().into_bytes())
        }
        match &self.engine {
            Engine::None => [0; MAX_HASH_BYTES],
            Engine::HmacMd5(mac) => run(mac.clone(), parts),
            Engine::HmacSha1(mac) => run(mac.clone(), parts),
            Engine::HmacSha256(mac) => run(mac.clone(), parts),
            Engine::PasswordMd5(password) => {
                let mut hash = Md5::new_with_prefix(password.as_key());
                for part in parts {
                    hash.update(part);
                }
                filled(&hash.chain_update(password.as_key()).finalize())
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code(hash: &KeyedHash, parts: &[&[u8]]) -> String {
        hash.code(parts, |code| hex::encode(code))
    }

    /// RFC 2202 section 2, test cases 1 and 2.
    #[test]
    fn hmac_md5_gives_the_published_codes() {
        for (key, message, expected) in [
            (
                &[0x0b; 16][..],
                &b"Hi There"[..],
                "9294727a3638bb1c13f48ef8158bfc9d",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "750c783e6ab0b503eaa86e310a5db738",
            ),
        ] {
            let exchange = KeyedHash::for_authentication(AuthenticationAlgorithm::HmacMd5, key);
            assert_eq!(code(&exchange, &[message]), expected);
            let packets = KeyedHash::for_integrity(
                IntegrityAlgorithm::HmacMd5_128,
                key,
                &Password::default(),
            );
            assert_eq!(code(&packets, &[message]), expected);
        }
    }

    /// Computed with `md5sum` over the bytes in a row: twenty zeros, the message,
    /// twenty zeros; and the same with a password of twenty bytes.
    #[test]
    fn md5_128_stands_between_two_padded_passwords() {
        let hash = |password: &[u8], k1: &[u8]| {
            let password = Password::new(password).unwrap();
            KeyedHash::for_integrity(IntegrityAlgorithm::Md5_128, k1, &password)
        };
        let empty = hash(b"", b"any K1");
        assert_eq!(code(&empty, &[b"message ", b"digest"]), EMPTY_PASSWORD);
        let full = hash(b"twenty-byte-passwd!!", b"another");
        assert_eq!(code(&full, &[b"message digest"]), FULL_PASSWORD);
        assert!(!full.verify(&[b"message digest"], &[]));
    }

    const EMPTY_PASSWORD: &str = "d2a78f8e9a6d95f9f2c041766a8815de";
    const FULL_PASSWORD: &str = "3aa58c9a10c5324eefee009be19a6c3a";

    #[test]
    fn none_has_codes_of_no_bytes() {
        let none = KeyedHash::for_authentication(AuthenticationAlgorithm::None, b"key");
        assert_eq!(
            (none.code_bytes(), code(&none, &[b"x"])),
            (0, String::new())
        );
        assert!(none.verify(&[b"x"], &[]));
        assert!(!none.verify(&[b"x"], &[0]));
    }
}
