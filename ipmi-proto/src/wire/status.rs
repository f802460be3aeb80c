//! RMCP+ status codes: what Open Session and RAKP responses say (IPMI 2.0 table 13-15).

use std::fmt;

/// Status byte of an Open Session response or a RAKP message.
///
/// BMCs also put other bytes there (C7h was seen), so it keeps every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RmcpStatus(pub u8);

impl RmcpStatus {
    /// No error.
    pub const OK: Self = Self(0x00);
    /// No resources for another session (some boards: suite not enabled).
    pub const NO_RESOURCES: Self = Self(0x01);
    /// The session id is not known (any more).
    pub const INVALID_SESSION_ID: Self = Self(0x02);
    /// The authentication algorithm is not supported.
    pub const INVALID_AUTH_ALGORITHM: Self = Self(0x04);
    /// The integrity algorithm is not supported.
    pub const INVALID_INTEGRITY_ALGORITHM: Self = Self(0x05);
    /// The session is not active (any more).
    pub const INACTIVE_SESSION_ID: Self = Self(0x08);
    /// The requested role does not exist.
    pub const INVALID_ROLE: Self = Self(0x09);
    /// The user may not have the requested role.
    pub const UNAUTHORIZED_ROLE: Self = Self(0x0a);
    /// No resources for another session at that role.
    pub const NO_RESOURCES_AT_ROLE: Self = Self(0x0b);
    /// The user name is not known, or may not log in here.
    pub const UNAUTHORIZED_NAME: Self = Self(0x0d);
    /// A key exchange code did not verify.
    pub const INVALID_INTEGRITY_CHECK: Self = Self(0x0f);
    /// The confidentiality algorithm is not supported.
    pub const INVALID_CONFIDENTIALITY_ALGORITHM: Self = Self(0x10);
    /// No cipher suite matches the three algorithms.
    pub const NO_MATCHING_CIPHER_SUITE: Self = Self(0x11);

    /// Whether the message reports success.
    pub fn is_ok(self) -> bool {
        self == Self::OK
    }

    /// What the specification calls this status.
    pub fn name(self) -> &'static str {
        NAMES
            .get(usize::from(self.0))
            .copied()
            .unwrap_or("not an RMCP+ status")
    }
}

/// Indexed by status.
const NAMES: [&str; 0x13] = [
    "no errors",
    "insufficient resources to create a session",
    "invalid session id",
    "invalid payload type",
    "invalid authentication algorithm",
    "invalid integrity algorithm",
    "no matching authentication payload",
    "no matching integrity payload",
    "inactive session id",
    "invalid role",
    "unauthorized role or privilege level requested",
    "insufficient resources to create a session at the requested role",
    "invalid name length",
    "unauthorized name",
    "unauthorized GUID",
    "invalid integrity check value",
    "invalid confidentiality algorithm",
    "no cipher suite match with proposed security algorithms",
    "illegal or unrecognized parameter",
];

impl fmt::Display for RmcpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}h ({})", self.0, self.name())
    }
}
