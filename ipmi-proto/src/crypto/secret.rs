//! What a log-in needs to know: user name, password, K_g.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The longest user name (IPMI 2.0 section 22.28).
pub const MAX_USERNAME_BYTES: usize = 16;
/// The longest password of an IPMI 2.0 session (IPMI 2.0 section 22.30).
pub const MAX_PASSWORD_BYTES: usize = 20;
/// The longest password of an IPMI 1.5 session (IPMI 2.0 section 22.30).
pub const MAX_V15_PASSWORD_BYTES: usize = 16;
/// The length of K_g, the BMC's own key (IPMI 2.0 section 22.25).
pub const KG_BYTES: usize = 20;

/// Why a credential cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The user name is too long.
    #[error("the user name has {0} bytes; IPMI allows at most {MAX_USERNAME_BYTES}")]
    UsernameTooLong(usize),
    /// The password is too long.
    #[error("the password has {0} bytes; IPMI 2.0 allows at most {MAX_PASSWORD_BYTES}")]
    PasswordTooLong(usize),
    /// The password is too long for IPMI 1.5.
    #[error("the password has {0} bytes; IPMI 1.5 allows at most {MAX_V15_PASSWORD_BYTES}")]
    PasswordTooLongForV15(usize),
}

/// A user name, at most 16 bytes; empty for the null user.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Username(Box<[u8]>);

impl Username {
    /// Takes a name as it goes over the wire.
    ///
    /// # Errors
    /// When it is longer than [`MAX_USERNAME_BYTES`].
    pub fn new(name: &[u8]) -> Result<Self, SecretError> {
        if name.len() > MAX_USERNAME_BYTES {
            return Err(SecretError::UsernameTooLong(name.len()));
        }
        Ok(Self(name.into()))
    }

    /// The bytes that go over the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A user name may be shown: it travels in clear text anyway.
impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({:?})", String::from_utf8_lossy(&self.0))
    }
}

/// A password, at most 20 bytes, zero-padded; wiped when dropped, never shown.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Password([u8; MAX_PASSWORD_BYTES]);

impl Password {
    /// Takes a password of any bytes.
    ///
    /// # Errors
    /// When it is longer than [`MAX_PASSWORD_BYTES`].
    pub fn new(password: &[u8]) -> Result<Self, SecretError> {
        let mut padded = Self::default();
        let Some(start) = padded.0.get_mut(..password.len()) else {
            return Err(SecretError::PasswordTooLong(password.len()));
        };
        start.copy_from_slice(password);
        Ok(padded)
    }

    /// Compares in constant time.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Its first 16 bytes, as BMCs from the days of IPMI 1.5 take it.
    pub(crate) fn cut(&self) -> Self {
        let mut cut = self.clone();
        for byte in cut.0.iter_mut().skip(MAX_V15_PASSWORD_BYTES) {
            *byte = 0;
        }
        cut
    }

    /// K_UID: the password as an HMAC key (IPMI 2.0 section 13.31).
    pub(crate) fn as_key(&self) -> &[u8] {
        &self.0
    }
}

/// K_g, the key of "two-key" log-ins; all zeros mean that none is set.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Kg([u8; KG_BYTES]);

impl Kg {
    /// Takes a key; `None` when it is all zeros, which means "not set".
    pub fn new(key: [u8; KG_BYTES]) -> Option<Self> {
        (key != [0; KG_BYTES]).then_some(Self(key))
    }

    /// Compares in constant time.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn as_key(&self) -> &[u8] {
        &self.0
    }
}
