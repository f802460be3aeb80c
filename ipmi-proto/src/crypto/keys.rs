//! The RAKP key exchange: four codes and the keys that come out of it
//! (IPMI 2.0 sections 13.28 to 13.32).

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    AesCbc, AuthenticationAlgorithm, CipherSuite, KeyedHash, Kg, MAX_HASH_BYTES, Password,
};
use crate::wire::Role;

/// A code of the exchange: up to 32 bytes, wiped when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ExchangeCode {
    bytes: [u8; MAX_HASH_BYTES],
    length: usize,
}

impl ExchangeCode {
    fn new(code: &[u8]) -> Self {
        let mut bytes = [0; MAX_HASH_BYTES];
        for (to, from) in bytes.iter_mut().zip(code) {
            *to = *from;
        }
        Self {
            bytes,
            length: code.len().min(MAX_HASH_BYTES),
        }
    }

    /// The code's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    /// Compares in constant time; the length must be exact.
    pub fn matches(&self, received: &[u8]) -> bool {
        self.as_bytes().ct_eq(received).into()
    }
}

/// Everything that both sides put into the codes.
pub struct KeyExchange<'a> {
    /// The suite in use.
    pub suite: &'static CipherSuite,
    /// The user's password.
    pub password: &'a Password,
    /// The BMC's own key, when one is set.
    pub k_g: Option<&'a Kg>,
    /// Session id that the BMC uses towards the console.
    pub console_session_id: u32,
    /// Session id that the console uses towards the BMC.
    pub bmc_session_id: u32,
    /// Random number of RAKP message 1.
    pub console_random: &'a [u8; 16],
    /// Random number of RAKP message 2.
    pub bmc_random: &'a [u8; 16],
    /// GUID of RAKP message 2.
    pub bmc_guid: &'a [u8; 16],
    /// Role of RAKP message 1, as sent.
    pub role: Role,
    /// User name of RAKP message 1.
    pub username: &'a [u8],
}

impl KeyExchange<'_> {
    fn hash(&self, key: &[u8]) -> Option<KeyedHash> {
        KeyedHash::for_authentication(self.suite.authentication, key)
    }

    /// Role, length of the name, name: the end of three of the four codes.
    fn role_and_length(&self) -> [u8; 2] {
        let length = u8::try_from(self.username.len()).unwrap_or(u8::MAX);
        [self.role.0, length]
    }

    /// The code of RAKP message 2, by which the BMC proves that it knows the
    /// password. `None` when the suite is not implemented.
    pub fn rakp2_code(&self) -> Option<ExchangeCode> {
        Some(self.hash(self.password.as_key())?.code(
            &[
                &self.console_session_id.to_le_bytes(),
                &self.bmc_session_id.to_le_bytes(),
                self.console_random,
                self.bmc_random,
                self.bmc_guid,
                &self.role_and_length(),
                self.username,
            ],
            ExchangeCode::new,
        ))
    }

    /// The code of RAKP message 3, by which the console proves that it knows the
    /// password. `None` when the suite is not implemented.
    pub fn rakp3_code(&self) -> Option<ExchangeCode> {
        Some(self.hash(self.password.as_key())?.code(
            &[
                self.bmc_random,
                &self.console_session_id.to_le_bytes(),
                &self.role_and_length(),
                self.username,
            ],
            ExchangeCode::new,
        ))
    }

    /// The key that all session keys derive from. `None` when the suite is not
    /// implemented.
    pub fn session_integrity_key(&self) -> Option<SessionIntegrityKey> {
        let key = self.k_g.map_or(self.password.as_key(), Kg::as_key);
        Some(SessionIntegrityKey {
            suite: self.suite,
            key: self.hash(key)?.code(
                &[
                    self.console_random,
                    self.bmc_random,
                    &self.role_and_length(),
                    self.username,
                ],
                ExchangeCode::new,
            ),
        })
    }

    /// The check value of RAKP message 4, by which the BMC proves that it has
    /// derived the same key. `None` when the suite is not implemented.
    pub fn rakp4_check(&self, sik: &SessionIntegrityKey) -> Option<ExchangeCode> {
        let check_bytes = match self.suite.authentication {
            AuthenticationAlgorithm::HmacSha1 => 12,
            _ => 16,
        };
        Some(self.hash(sik.as_bytes())?.code(
            &[
                self.console_random,
                &self.bmc_session_id.to_le_bytes(),
                self.bmc_guid,
            ],
            |code| ExchangeCode::new(code.get(..check_bytes).unwrap_or(code)),
        ))
    }
}

/// SIK, the session integrity key.
pub struct SessionIntegrityKey {
    suite: &'static CipherSuite,
    key: ExchangeCode,
}

impl SessionIntegrityKey {
    /// The key itself, for known-answer tests and simulators.
    pub fn as_bytes(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// K1 (`number` 1) or K2 (`number` 2): HMAC of twenty equal bytes. `None`
    /// when the suite is not implemented.
    pub fn additional_key(&self, number: u8) -> Option<ExchangeCode> {
        let hash = KeyedHash::for_authentication(self.suite.authentication, self.as_bytes())?;
        Some(hash.code(&[&[number; 20]], ExchangeCode::new))
    }

    /// The keys of the session, ready for use. `None` when the suite is not
    /// implemented.
    pub fn session_keys(&self) -> Option<SessionKeys> {
        let k1 = self.additional_key(1)?;
        let k2 = self.additional_key(2)?;
        Some(SessionKeys {
            integrity: KeyedHash::for_integrity(self.suite.integrity, k1.as_bytes())?,
            cipher: AesCbc::new(k2.as_bytes().first_chunk::<16>()?),
        })
    }
}

/// What protects the packets of one session.
pub struct SessionKeys {
    /// Integrity of packets, under K1.
    pub integrity: KeyedHash,
    /// Encryption of payloads, under K2.
    pub cipher: AesCbc,
}
