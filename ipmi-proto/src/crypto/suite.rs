//! The cipher suites of IPMI 2.0 (table 22-20), as data.

use std::fmt;

use crate::wire::AlgorithmTriple;

/// A cipher suite's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CipherSuiteId(pub u8);

impl fmt::Display for CipherSuiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CipherSuiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "suite {}", self.0)
    }
}

/// How the two sides prove that they know the password (table 13-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names of the specification's table")]
pub enum AuthenticationAlgorithm {
    None = 0,
    HmacSha1 = 1,
    HmacMd5 = 2,
    HmacSha256 = 3,
}

impl AuthenticationAlgorithm {
    /// Length of the codes in RAKP messages 2 and 3, in bytes.
    pub const fn code_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1 => 20,
            Self::HmacMd5 => 16,
            Self::HmacSha256 => 32,
        }
    }

    /// Length of the check value in RAKP message 4, in bytes.
    pub const fn check_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1 => 12,
            Self::HmacMd5 | Self::HmacSha256 => 16,
        }
    }
}

/// How packets are protected against change (table 13-18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names of the specification's table")]
pub enum IntegrityAlgorithm {
    None = 0,
    HmacSha1_96 = 1,
    HmacMd5_128 = 2,
    Md5_128 = 3,
    HmacSha256_128 = 4,
}

impl IntegrityAlgorithm {
    /// Length of the code behind each packet, in bytes; 0 when there is none.
    pub const fn code_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1_96 => 12,
            Self::HmacMd5_128 | Self::Md5_128 | Self::HmacSha256_128 => 16,
        }
    }
}

/// How payloads are hidden (table 13-19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names of the specification's table")]
pub enum ConfidentialityAlgorithm {
    None = 0,
    AesCbc128 = 1,
    XRc4_128 = 2,
    XRc4_40 = 3,
}

/// What a [weak](CipherSuite::is_weak) suite lacks. Each also lacks what stands
/// below it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Nobody proves to know the password: the BMC lets anybody in, and anybody
    /// can pretend to be the BMC. Suite 0.
    NoPasswordProof,
    /// Packets can be forged and altered once the session is open. Suites 1, 6, 15.
    NoIntegrity,
    /// Everybody on the way can read what is said. Suites 2, 7, 11, 16.
    NoEncryption,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite {
    /// The number people configure.
    pub id: CipherSuiteId,
    /// Key exchange.
    pub authentication: AuthenticationAlgorithm,
    /// Protection of packets.
    pub integrity: IntegrityAlgorithm,
    /// Encryption of payloads.
    pub confidentiality: ConfidentialityAlgorithm,
}

impl CipherSuite {
    /// The row with this number, if the specification has one.
    pub fn by_id(id: CipherSuiteId) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.id == id)
    }

    /// The algorithms as they are proposed. Peers are held to these, not to the
    /// number: one board is known to number its suites from 1.
    pub fn algorithms(&self) -> AlgorithmTriple {
        AlgorithmTriple {
            authentication: self.authentication as u8,
            integrity: self.integrity as u8,
            confidentiality: self.confidentiality as u8,
        }
    }

    /// What is missing of proof, integrity and encryption, if anything is.
    pub fn weakness(&self) -> Option<Weakness> {
        match (self.authentication, self.integrity, self.confidentiality) {
            (A::None, _, _) => Some(Weakness::NoPasswordProof),
            (_, I::None, _) => Some(Weakness::NoIntegrity),
            (_, _, C::None) => Some(Weakness::NoEncryption),
            _ => None,
        }
    }

    /// Whether the suite lacks password proof, integrity or encryption. Such a
    /// suite is not to be used unless somebody asked for it by its number.
    pub fn is_weak(&self) -> bool {
        self.weakness().is_some()
    }

    /// Whether one of the algorithms is out of date, though nothing is missing or
    /// may be missing besides: MD5 or RC4.
    pub fn is_outdated(&self) -> bool {
        self.authentication == A::HmacMd5
            || matches!(self.confidentiality, C::XRc4_128 | C::XRc4_40)
    }
}

use AuthenticationAlgorithm as A;
use ConfidentialityAlgorithm as C;
use IntegrityAlgorithm as I;

const fn row(id: u8, authentication: A, integrity: I, confidentiality: C) -> CipherSuite {
    CipherSuite {
        id: CipherSuiteId(id),
        authentication,
        integrity,
        confidentiality,
    }
}

/// Every suite that the specification numbers, in its order.
pub const SUITES: [CipherSuite; 20] = [
    row(0, A::None, I::None, C::None),
    row(1, A::HmacSha1, I::None, C::None),
    row(2, A::HmacSha1, I::HmacSha1_96, C::None),
    row(3, A::HmacSha1, I::HmacSha1_96, C::AesCbc128),
    row(4, A::HmacSha1, I::HmacSha1_96, C::XRc4_128),
    row(5, A::HmacSha1, I::HmacSha1_96, C::XRc4_40),
    row(6, A::HmacMd5, I::None, C::None),
    row(7, A::HmacMd5, I::HmacMd5_128, C::None),
    row(8, A::HmacMd5, I::HmacMd5_128, C::AesCbc128),
    row(9, A::HmacMd5, I::HmacMd5_128, C::XRc4_128),
    row(10, A::HmacMd5, I::HmacMd5_128, C::XRc4_40),
    row(11, A::HmacMd5, I::Md5_128, C::None),
    row(12, A::HmacMd5, I::Md5_128, C::AesCbc128),
    row(13, A::HmacMd5, I::Md5_128, C::XRc4_128),
    row(14, A::HmacMd5, I::Md5_128, C::XRc4_40),
    row(15, A::HmacSha256, I::None, C::None),
    row(16, A::HmacSha256, I::HmacSha256_128, C::None),
    row(17, A::HmacSha256, I::HmacSha256_128, C::AesCbc128),
    row(18, A::HmacSha256, I::HmacSha256_128, C::XRc4_128),
    row(19, A::HmacSha256, I::HmacSha256_128, C::XRc4_40),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_numbers() {
        for (index, suite) in SUITES.iter().enumerate() {
            assert_eq!(usize::from(suite.id.0), index);
        }
        assert_eq!(CipherSuite::by_id(CipherSuiteId(20)), None);
    }

    #[test]
    fn every_suite_that_lacks_something_is_weak() {
        for suite in &SUITES {
            let expected = match suite.id.0 {
                0 => Some(Weakness::NoPasswordProof),
                1 | 6 | 15 => Some(Weakness::NoIntegrity),
                2 | 7 | 11 | 16 => Some(Weakness::NoEncryption),
                _ => None,
            };
            assert_eq!(suite.weakness(), expected, "{:?}", suite.id);
        }
    }

    #[test]
    fn md5_and_rc4_are_outdated() {
        let current: Vec<u8> = SUITES
            .iter()
            .filter(|suite| !suite.is_outdated())
            .map(|suite| suite.id.0)
            .collect();
        assert_eq!(current, [0, 1, 2, 3, 15, 16, 17]);
    }

    /// IPMI 2.0 tables 13-17 and 13-18, and section 13.28: all lengths at once.
    #[test]
    fn lengths_of_codes_follow_from_the_algorithms() {
        let lengths = |suite: &CipherSuite| {
            (
                suite.authentication.code_bytes(),
                suite.authentication.check_bytes(),
                suite.integrity.code_bytes(),
            )
        };
        for suite in &SUITES {
            let expected = match suite.id.0 {
                0 => (0, 0, 0),
                1 => (20, 12, 0),
                2..=5 => (20, 12, 12),
                6 => (16, 16, 0),
                7..=14 => (16, 16, 16),
                15 => (32, 16, 0),
                _ => (32, 16, 16),
            };
            assert_eq!(lengths(suite), expected, "{:?}", suite.id);
        }
    }
}
