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

    /// Whether this crate implements all three algorithms.
    pub fn is_implemented(&self) -> bool {
        matches!(
            self.authentication,
            AuthenticationAlgorithm::HmacSha1 | AuthenticationAlgorithm::HmacSha256
        ) && matches!(
            self.integrity,
            IntegrityAlgorithm::HmacSha1_96 | IntegrityAlgorithm::HmacSha256_128
        ) && self.confidentiality == ConfidentialityAlgorithm::AesCbc128
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
    fn suites_3_and_17_are_implemented_and_no_weak_one_is() {
        let implemented: Vec<u8> = SUITES
            .iter()
            .filter(|suite| suite.is_implemented())
            .map(|suite| suite.id.0)
            .collect();
        assert_eq!(implemented, [3, 17]);
    }
}
