//! Application commands about the controller's health and identifier.

use super::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get Self Test Results (IPMI 2.0 section 20.4).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSelfTestResults;

/// What the controller's test of itself found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SelfTest {
    /// 55h: no error.
    Passed,
    /// 56h: the controller has no self test.
    NotImplemented,
    /// 57h: data or devices are corrupted or cannot be reached; which, as bits:
    /// see [`FAULTS`](Self::FAULTS).
    Faults(u8),
    /// 58h: fatal hardware error, with the maker's detail.
    Fatal(u8),
    /// Any other result, defined by the maker: result and detail.
    Specific(u8, u8),
}

impl SelfTest {
    /// What the bits of [`Faults`](Self::Faults) stand for, from bit 0 on.
    pub const FAULTS: [SelfTestFault; 8] = [
        SelfTestFault::OperationalFirmware,
        SelfTestFault::BootBlock,
        SelfTestFault::InternalUseArea,
        SelfTestFault::EmptySdrRepository,
        SelfTestFault::Ipmb,
        SelfTestFault::FruDevice,
        SelfTestFault::SdrRepository,
        SelfTestFault::Sel,
    ];

    /// Whether this fault was found. `None` when the test says nothing about
    /// single devices.
    pub fn has(self, fault: SelfTestFault) -> Option<bool> {
        match self {
            Self::Passed => Some(false),
            Self::Faults(bits) => Some(bits & (1 << fault as u8) != 0),
            _ => None,
        }
    }
}

/// A device that the self test may find at fault; the value is its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SelfTestFault {
    /// The operational firmware is corrupted.
    OperationalFirmware = 0,
    /// The boot block is corrupted.
    BootBlock = 1,
    /// The internal use area of the BMC's FRU device is corrupted.
    InternalUseArea = 2,
    /// The SDR repository is empty.
    EmptySdrRepository = 3,
    /// The IPMB signal lines do not respond.
    Ipmb = 4,
    /// The BMC's FRU device cannot be reached.
    FruDevice = 5,
    /// The SDR repository cannot be reached.
    SdrRepository = 6,
    /// The event log cannot be reached.
    Sel = 7,
}

impl Command for GetSelfTestResults {
    type Response = SelfTest;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x04;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<SelfTest, DecodeError> {
        let mut reader = Reader::new(data);
        let result = reader.u8("self test result")?;
        // Only some results have a detail that means anything.
        let detail = reader.optional_u8().unwrap_or_default();
        Ok(match result {
            0x55 => SelfTest::Passed,
            0x56 => SelfTest::NotImplemented,
            0x57 => SelfTest::Faults(detail),
            0x58 => SelfTest::Fatal(detail),
            other => SelfTest::Specific(other, detail),
        })
    }
}

/// Get System GUID (IPMI 2.0 section 22.14).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSystemGuid;

/// An identifier of 16 bytes as it came.
///
/// Makers disagree about the order of its bytes, so each of the three texts is
/// right for some: compare with one and the same, and take none for more than a
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// Whether the maker has not set it: all bytes 00h, or all FFh.
    pub fn is_unset(self) -> bool {
        self.0 == [0x00; 16] || self.0 == [0xff; 16]
    }

    /// In the order of the specification, last byte first.
    pub fn ipmi_text(self) -> String {
        let mut bytes = self.0;
        bytes.reverse();
        text(bytes)
    }

    /// In the order of RFC 4122: as it came.
    pub fn rfc4122_text(self) -> String {
        text(self.0)
    }

    /// In the order of SMBIOS: the first three fields last byte first.
    pub fn smbios_text(self) -> String {
        let [a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..] = self.0;
        let [d0, d1, e0, e1, e2, e3, e4, e5] = rest;
        text([
            a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, e0, e1, e2, e3, e4, e5,
        ])
    }
}

fn text(bytes: [u8; 16]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Command for GetSystemGuid {
    type Response = Guid;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x37;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<Guid, DecodeError> {
        Reader::new(data).array("GUID").map(Guid)
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // As iDRAC9, OpenBMC and Supermicro X14 firmware answer.
    #[case::passed(&hex!("5500"), SelfTest::Passed)]
    #[case::no_test(&hex!("5600"), SelfTest::NotImplemented)]
    #[case::faults(&hex!("5748"), SelfTest::Faults(0x48))]
    #[case::fatal(&hex!("5801"), SelfTest::Fatal(1))]
    #[case::maker(&hex!("7b02"), SelfTest::Specific(0x7b, 2))]
    #[case::without_detail(&hex!("55"), SelfTest::Passed)]
    #[case::stray_bytes(&hex!("5500ffffff"), SelfTest::Passed)]
    fn self_tests(#[case] data: &[u8], #[case] expected: SelfTest) {
        assert_eq!(GetSelfTestResults.decode(data), Ok(expected));
    }

    #[test]
    fn an_empty_self_test_is_refused() {
        assert!(GetSelfTestResults.decode(&[]).is_err());
    }

    #[test]
    fn fault_bits_have_names() {
        let found: Vec<SelfTestFault> = SelfTest::FAULTS
            .into_iter()
            .filter(|fault| SelfTest::Faults(0x48).has(*fault) == Some(true))
            .collect();
        assert_eq!(
            found,
            [
                SelfTestFault::EmptySdrRepository,
                SelfTestFault::SdrRepository
            ]
        );
        assert_eq!(SelfTest::Passed.has(SelfTestFault::Sel), Some(false));
        assert_eq!(SelfTest::Fatal(0x80).has(SelfTestFault::Sel), None);
    }

    #[test]
    fn a_guid_has_three_texts() {
        // ipmitool prints these for the same bytes with its options `ipmi`,
        // `rfc4122` and `smbios`.
        let guid = GetSystemGuid
            .decode(&hex!("44454c4c 5300 1039 8032 c8c04f313332 ff"))
            .unwrap();
        assert_eq!(guid.ipmi_text(), "3233314f-c0c8-3280-3910-00534c4c4544");
        assert_eq!(guid.rfc4122_text(), "44454c4c-5300-1039-8032-c8c04f313332");
        assert_eq!(guid.smbios_text(), "4c4c4544-0053-3910-8032-c8c04f313332");
        assert!(!guid.is_unset());
        assert!(Guid([0; 16]).is_unset());
        assert!(Guid([0xff; 16]).is_unset());
        assert!(GetSystemGuid.decode(&[0; 15]).is_err());
    }
}
