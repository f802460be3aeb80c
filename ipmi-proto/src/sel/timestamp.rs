//! Time stamps of log entries (IPMI 2.0 section 37).

/// A time stamp as logged.
///
/// The BMC's clock may be wrong or in local time; this is its raw value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u32);

impl Timestamp {
    /// Largest value that counts seconds since the BMC started, not since 1970.
    pub const LAST_SINCE_START: u32 = 0x2000_0000;

    /// Seconds since 1970-01-01 by the BMC's clock. `None` when the clock was
    /// not set yet, or when the stamp is unspecified.
    pub const fn unix_seconds(self) -> Option<u32> {
        if self.is_since_start() || self.is_unspecified() {
            None
        } else {
            Some(self.0)
        }
    }

    /// Whether the stamp counts seconds since the BMC started.
    pub const fn is_since_start(self) -> bool {
        self.0 <= Self::LAST_SINCE_START
    }

    /// Whether there was no time at all.
    pub const fn is_unspecified(self) -> bool {
        self.0 == u32::MAX
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::at_start(0, None)]
    #[case::last_since_start(0x2000_0000, None)]
    #[case::first_date(0x2000_0001, Some(0x2000_0001))]
    #[case::date(1_700_000_000, Some(1_700_000_000))]
    #[case::last_date(0xffff_fffe, Some(0xffff_fffe))]
    #[case::unspecified(0xffff_ffff, None)]
    fn only_dates_are_dates(#[case] raw: u32, #[case] seconds: Option<u32>) {
        assert_eq!(Timestamp(raw).unix_seconds(), seconds);
    }
}
