//! Keys and what is done with them: the cipher suite table, the RAKP key
//! exchange, integrity and confidentiality of packets, and the authentication
//! codes of IPMI 1.5.
//!
//! Nothing here keeps state between packets, and nothing here that holds key
//! material has a `Debug` form or outlives its use un-wiped.

mod auth_v15;
mod cipher;
mod hash;
mod keys;
mod payload;
mod secret;
mod suite;
mod xrc4;

pub use auth_v15::{AUTH_CODE_BYTES, AuthCode, AuthKey, AuthType};
pub use cipher::{AesCbc, CipherError, IV_BYTES};
pub use hash::{KeyedHash, MAX_HASH_BYTES};
pub use keys::{ExchangeCode, KeyExchange, SessionIntegrityKey, SessionKeys};
pub use payload::PayloadCipher;
pub use secret::{
    KG_BYTES, Kg, MAX_PASSWORD_BYTES, MAX_USERNAME_BYTES, MAX_V15_PASSWORD_BYTES, Password,
    SecretError, Username,
};
pub use suite::{
    AuthenticationAlgorithm, CipherSuite, CipherSuiteId, ConfidentialityAlgorithm,
    IntegrityAlgorithm, SUITES, Weakness,
};
pub use xrc4::{KeyStream, XRc4, XRc4Strength};
