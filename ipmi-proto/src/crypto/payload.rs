//! One door to all ciphers of a payload.

use super::cipher::{AesCbc, CipherError, IV_BYTES};
use super::suite::ConfidentialityAlgorithm;
use super::xrc4::{KeyStream, XRc4, XRc4Strength};

/// What hides the payloads of one session; may be nothing.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each session, and nearly always it is the large one"
)]
pub enum PayloadCipher {
    /// Payloads travel in clear text.
    None,
    /// AES-CBC-128.
    AesCbc(AesCbc),
    /// xRC4-128 or xRC4-40.
    XRc4(XRc4),
}

impl PayloadCipher {
    /// Takes the first 16 bytes of K2.
    pub fn new(algorithm: ConfidentialityAlgorithm, k2: &[u8; 16]) -> Self {
        match algorithm {
            ConfidentialityAlgorithm::None => Self::None,
            ConfidentialityAlgorithm::AesCbc128 => Self::AesCbc(AesCbc::new(k2)),
            ConfidentialityAlgorithm::XRc4_128 => Self::XRc4(XRc4::new(k2, XRc4Strength::Bits128)),
            ConfidentialityAlgorithm::XRc4_40 => Self::XRc4(XRc4::new(k2, XRc4Strength::Bits40)),
        }
    }

    /// Whether payloads are encrypted at all: what the packets' flag must say.
    pub fn encrypts(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Appends the payload for `message`.
    ///
    /// `iv` must be fresh and random for every call.
    pub fn encrypt(&self, iv: [u8; IV_BYTES], message: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::None => out.extend_from_slice(message),
            Self::AesCbc(cipher) => cipher.encrypt(iv, message, out),
            Self::XRc4(cipher) => cipher.encrypt(iv, message, out),
        }
    }

    /// The length of the payload for a message of `length` bytes.
    pub fn encrypted_bytes(&self, length: usize) -> usize {
        match self {
            Self::None => length,
            Self::AesCbc(_) => AesCbc::encrypted_bytes(length),
            Self::XRc4(_) => XRc4::encrypted_bytes(length),
        }
    }

    /// Decrypts `payload` in place and gives the message inside. `stream` is that
    /// of the payload's sender; only xRC4 has one.
    ///
    /// # Errors
    /// When length, padding or place in the stream are not possible.
    pub fn decrypt<'p>(
        &self,
        payload: &'p mut [u8],
        stream: &mut KeyStream,
    ) -> Result<&'p [u8], CipherError> {
        match self {
            Self::None => Ok(payload),
            Self::AesCbc(cipher) => cipher.decrypt(payload),
            Self::XRc4(cipher) => cipher.decrypt(payload, stream),
        }
    }
}
