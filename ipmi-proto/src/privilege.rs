//! Privilege levels (IPMI 2.0 section 6.8).

use std::fmt;

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PrivilegeLevel {
    /// May read.
    User = 2,
    /// May also act, but not change access.
    Operator = 3,
    /// May do everything.
    Administrator = 4,
}

impl PrivilegeLevel {
    /// All levels, the highest first.
    pub const DESCENDING: [Self; 3] = [Self::Administrator, Self::Operator, Self::User];

    /// The number on the wire.
    pub fn value(self) -> u8 {
        self as u8
    }

    /// The next lower level, if there is one.
    pub fn lower(self) -> Option<Self> {
        match self {
            Self::Administrator => Some(Self::Operator),
            Self::Operator => Some(Self::User),
            Self::User => None,
        }
    }
}

impl fmt::Display for PrivilegeLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "USER",
            Self::Operator => "OPERATOR",
            Self::Administrator => "ADMINISTRATOR",
        })
    }
}
