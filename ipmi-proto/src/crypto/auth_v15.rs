//! How packets of an IPMI 1.5 session are authenticated: a code of 16 bytes that
//! the password goes into (IPMI 2.0 section 22.17.1, table 13-8).

use std::fmt;
use std::ops::Deref;

use md2::Md2;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Password;
use super::secret::{MAX_V15_PASSWORD_BYTES, SecretError};

/// Length of an authentication code, in bytes.
pub const AUTH_CODE_BYTES: usize = 16;

/// An authentication code. With [`AuthType::Password`] it is the password itself,
/// so it is wiped when dropped and never shown.
#[derive(Clone, Default)]
pub struct AuthCode(Zeroizing<[u8; AUTH_CODE_BYTES]>);

impl Deref for AuthCode {
    type Target = [u8; AUTH_CODE_BYTES];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// How an IPMI 1.5 session authenticates packets (IPMI 2.0 table 13-8). The OEM
/// type, 5, is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AuthType {
    /// Not at all: anybody can log in as anybody, and forge packets.
    None = 0,
    /// With MD2 over password and packet.
    Md2 = 1,
    /// With MD5 over password and packet.
    Md5 = 2,
    /// With the password in clear text in every packet.
    Password = 4,
}

impl AuthType {
    /// All of them, the strongest first.
    pub const STRONGEST_FIRST: [Self; 4] = [Self::Md5, Self::Md2, Self::Password, Self::None];

    /// The type with this number on the wire.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::STRONGEST_FIRST
            .into_iter()
            .find(|auth_type| auth_type.number() == number)
    }

    /// The number on the wire.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// A word for metrics and configurations.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Md2 => "md2",
            Self::Md5 => "md5",
            Self::Password => "password",
        }
    }

    /// Whether the password stays secret, and packets cannot be forged without it.
    pub fn is_digest(self) -> bool {
        matches!(self, Self::Md2 | Self::Md5)
    }
}

impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The password of an IPMI 1.5 session: at most 16 bytes, zero-padded; wiped
/// when dropped, never shown.
#[derive(Clone)]
pub struct AuthKey(Zeroizing<[u8; AUTH_CODE_BYTES]>);

impl AuthKey {
    /// Takes the password.
    ///
    /// # Errors
    /// When it is longer than 16 bytes: such a password opens no IPMI 1.5 session
    /// (IPMI 2.0 section 22.30).
    pub fn new(password: &Password) -> Result<Self, SecretError> {
        let padded = password.as_key();
        match padded.split_first_chunk() {
            Some((key, rest)) if rest.iter().all(|byte| *byte == 0) => {
                Ok(Self(Zeroizing::new(*key)))
            }
            _ => Err(SecretError::PasswordTooLongForV15(
                padded
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(MAX_V15_PASSWORD_BYTES, |last| last + 1),
            )),
        }
    }

    /// The code of a packet with this header and message (IPMI 2.0 section 22.17.1).
    pub fn code(
        &self,
        auth_type: AuthType,
        session_id: u32,
        sequence: u32,
        message: &[u8],
    ) -> AuthCode {
        match auth_type {
            AuthType::None => AuthCode::default(),
            AuthType::Password => AuthCode(self.0.clone()),
            AuthType::Md2 => self.digest::<Md2>(session_id, sequence, message),
            AuthType::Md5 => self.digest::<Md5>(session_id, sequence, message),
        }
    }

    fn digest<D: Digest>(&self, session_id: u32, sequence: u32, message: &[u8]) -> AuthCode {
        let digest = D::new_with_prefix(*self.0)
            .chain_update(session_id.to_le_bytes())
            .chain_update(message)
            .chain_update(sequence.to_le_bytes())
            .chain_update(*self.0)
            .finalize();
        let mut code = AuthCode::default();
        for (to, from) in code.0.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        code
    }

    /// Compares a received code in constant time. Nothing stands behind a packet
    /// of type [`AuthType::None`].
    pub fn verify(
        &self,
        auth_type: AuthType,
        session_id: u32,
        sequence: u32,
        message: &[u8],
        received: &[u8],
    ) -> bool {
        auth_type == AuthType::None
            || self
                .code(auth_type, session_id, sequence, message)
                .as_slice()
                .ct_eq(received)
                .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    fn key(password: &[u8]) -> Result<AuthKey, SecretError> {
        AuthKey::new(&Password::new(password).unwrap())
    }

    /// ipmitool's Activate Session to a Dell iDRAC6, as the project zipmi
    /// (github.com/zenfish/zipmi, commit 3a6c59bc, MIT licence,
    /// `tests/unit/test_auth.py`) prints it.
    #[test]
    fn md5_gives_the_code_that_an_idrac6_accepted() {
        let message = hex!("2018c8810c3a0204ee04ff3a75700eef7d37edf338d94cb26299a415cf");
        let session_id = u32::from_le_bytes(hex!("00070002"));
        let key = key(b"calvin").unwrap();
        let code = key.code(AuthType::Md5, session_id, 0, &message);
        assert_eq!(*code, hex!("ea3fa0d86b6a8c585a201ec58f6da5c7"));
        assert!(key.verify(AuthType::Md5, session_id, 0, &message, &code[..]));
        for index in 0..message.len() {
            let mut forged = message;
            forged[index] ^= 1;
            assert!(!key.verify(AuthType::Md5, session_id, 0, &forged, &code[..]));
        }
        assert!(!key.verify(AuthType::Md5, session_id, 1, &message, &code[..]));
        assert!(!key.verify(AuthType::Md5, !session_id, 0, &message, &code[..]));
        assert!(!key.verify(AuthType::Md5, session_id, 0, &message, &code[1..]));
        assert!(!key.verify(AuthType::Md2, session_id, 0, &message, &code[..]));
    }

    #[test]
    fn the_straight_password_is_its_own_code_and_none_proves_nothing() {
        let key = key(b"sixteen-byte-pw!").unwrap();
        assert_eq!(
            *key.code(AuthType::Password, 1, 2, b"x"),
            *b"sixteen-byte-pw!"
        );
        assert!(!key.verify(AuthType::Password, 1, 2, b"x", b"sixteen-byte-pw?"));
        assert!(key.verify(AuthType::None, 1, 2, b"x", &[]));
    }

    #[test]
    fn longer_passwords_open_no_session() {
        for length in 17..=20 {
            let password = [b'x'; 20];
            assert_eq!(
                key(&password[..length]).err(),
                Some(SecretError::PasswordTooLongForV15(length))
            );
        }
        assert!(key(b"").is_ok());
    }

    #[test]
    fn types_have_the_numbers_of_the_specification() {
        for (number, label) in [(0, "none"), (1, "md2"), (2, "md5"), (4, "password")] {
            let auth_type = AuthType::from_number(number).unwrap();
            assert_eq!((auth_type.number(), auth_type.label()), (number, label));
        }
        assert_eq!(AuthType::from_number(3), None);
        assert_eq!(AuthType::from_number(5), None);
        let digests = AuthType::STRONGEST_FIRST.map(AuthType::is_digest);
        assert_eq!(digests, [true, true, false, false]);
    }
}
