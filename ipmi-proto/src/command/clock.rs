//! The clock of the event log.

use super::Command;
use crate::sel::Timestamp;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get SEL Time (IPMI 2.0 section 31.10).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSelTime;

impl Command for GetSelTime {
    type Response = Timestamp;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x48;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<Timestamp, DecodeError> {
        Reader::new(data).u32("SEL time").map(Timestamp)
    }
}

/// Get SEL Time UTC Offset (IPMI 2.0 section 31.11a).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetSelTimeUtcOffset;

/// By how many minutes the clock is ahead of UTC, -1440 to 1440; `None` when
/// the BMC does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UtcOffset(pub Option<i16>);

impl Command for GetSelTimeUtcOffset {
    type Response = UtcOffset;
    const NET_FN: NetFn = NetFn::STORAGE;
    const COMMAND: u8 = 0x5c;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<UtcOffset, DecodeError> {
        const MINUTES_A_DAY: u16 = 1440;
        // 07FFh is "unspecified"; what is more than a day makes no sense.
        let minutes = Reader::new(data).u16("UTC offset")?.cast_signed();
        let is_offset = minutes.unsigned_abs() <= MINUTES_A_DAY;
        Ok(UtcOffset(is_offset.then_some(minutes)))
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use rstest::rstest;

    use super::*;

    #[test]
    fn times_are_raw() {
        // iDRAC9 in an emulator: its clock is years off.
        assert_eq!(
            GetSelTime.decode(&hex!("c42e675f")),
            Ok(Timestamp(1_600_597_700))
        );
        assert!(GetSelTime.decode(&hex!("c42e67")).is_err());
    }

    #[rstest]
    #[case::utc(hex!("0000"), Some(0))]
    #[case::east(hex!("3c00"), Some(60))]
    #[case::west(hex!("88ff"), Some(-120))]
    #[case::unspecified(hex!("ff07"), None)]
    #[case::nonsense(hex!("0080"), None)]
    fn offsets_are_signed(#[case] data: [u8; 2], #[case] minutes: Option<i16>) {
        assert_eq!(GetSelTimeUtcOffset.decode(&data), Ok(UtcOffset(minutes)));
    }

    #[test]
    fn a_short_offset_is_refused() {
        assert!(GetSelTimeUtcOffset.decode(&[0]).is_err());
    }
}
