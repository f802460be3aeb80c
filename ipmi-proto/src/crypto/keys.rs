//! The RAKP key exchange: four codes and the keys that come out of it
//! (IPMI 2.0 sections 13.28 to 13.32).

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{CipherSuite, KeyedHash, Kg, MAX_HASH_BYTES, Password, PayloadCipher};
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

    /// Whether there is none: with RAKP-none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
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
    fn hash(&self, key: &[u8]) -> KeyedHash {
        KeyedHash::for_authentication(self.suite.authentication, key)
    }

    /// Role, length of the name, name: the end of three of the four codes.
    fn role_and_length(&self) -> [u8; 2] {
        let length = u8::try_from(self.username.len()).unwrap_or(u8::MAX);
        [self.role.0, length]
    }

    /// The code of RAKP message 2, by which the BMC proves that it knows the
    /// password. Empty with RAKP-none, where nobody proves anything.
    pub fn rakp2_code(&self) -> ExchangeCode {
        self.hash(self.password.as_key()).code(
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
        )
    }

    /// The code of RAKP message 3, by which the console proves that it knows the
    /// password. Empty with RAKP-none.
    pub fn rakp3_code(&self) -> ExchangeCode {
        self.hash(self.password.as_key()).code(
            &[
                self.bmc_random,
                &self.console_session_id.to_le_bytes(),
                &self.role_and_length(),
                self.username,
            ],
            ExchangeCode::new,
        )
    }

    /// The key that all session keys derive from. Empty with RAKP-none.
    pub fn session_integrity_key(&self) -> SessionIntegrityKey {
        let key = self.k_g.map_or(self.password.as_key(), Kg::as_key);
        SessionIntegrityKey {
            suite: self.suite,
            key: self.hash(key).code(
                &[
                    self.console_random,
                    self.bmc_random,
                    &self.role_and_length(),
                    self.username,
                ],
                ExchangeCode::new,
            ),
        }
    }

    /// The check value of RAKP message 4, by which the BMC proves that it has
    /// derived the same key. Empty with RAKP-none.
    pub fn rakp4_check(&self, sik: &SessionIntegrityKey) -> ExchangeCode {
        let check_bytes = self.suite.authentication.check_bytes();
        self.hash(sik.as_bytes()).code(
            &[
                self.console_random,
                &self.bmc_session_id.to_le_bytes(),
                self.bmc_guid,
            ],
            |code| ExchangeCode::new(code.get(..check_bytes).unwrap_or(code)),
        )
    }

    /// The same with the algorithm that protects packets, as old Intel boards have
    /// it. Empty without integrity.
    pub(crate) fn rakp4_check_by_integrity(&self, sik: &SessionIntegrityKey) -> ExchangeCode {
        KeyedHash::for_integrity(self.suite.integrity, sik.as_bytes(), self.password).code(
            &[
                self.console_random,
                &self.bmc_session_id.to_le_bytes(),
                self.bmc_guid,
            ],
            ExchangeCode::new,
        )
    }

    /// The same exchange with a role that does not say how the user is looked up.
    #[must_use]
    pub(crate) fn without_lookup_bit(&self) -> Self {
        Self {
            role: Role::new(self.role.privilege(), false),
            ..*self
        }
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

    /// K1 (`number` 1) or K2 (`number` 2): HMAC of twenty equal bytes. Empty with
    /// RAKP-none, whose only suite uses neither.
    pub fn additional_key(&self, number: u8) -> ExchangeCode {
        let hash = KeyedHash::for_authentication(self.suite.authentication, self.as_bytes());
        hash.code(&[&[number; 20]], ExchangeCode::new)
    }

    /// The keys of the session, ready for use. The password is that of the
    /// exchange; [`Md5_128`](super::IntegrityAlgorithm::Md5_128) is keyed with it.
    pub fn session_keys(&self, password: &Password) -> SessionKeys {
        let k1 = self.additional_key(1);
        // Whole whatever the hash: a code is at least 16 bytes long, or has no use.
        let k2 = Zeroizing::new(
            *self
                .additional_key(2)
                .bytes
                .first_chunk()
                .unwrap_or(&[0; 16]),
        );
        SessionKeys {
            integrity: KeyedHash::for_integrity(self.suite.integrity, k1.as_bytes(), password),
            cipher: PayloadCipher::new(self.suite.confidentiality, &k2),
        }
    }
}

/// What protects the packets of one session.
pub struct SessionKeys {
    /// Integrity of packets.
    pub integrity: KeyedHash,
    /// Encryption of payloads.
    pub cipher: PayloadCipher,
}
