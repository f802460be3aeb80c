//! Checksums of headers and areas.

/// Whether bytes and their checksum belong together. All bytes, the checksum
/// included, sum up to zero modulo 256.
///
/// Wrong ones are common on boards whose bytes are right, so this is a mark and
/// no reason to throw anything away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// It matches.
    Right,
    /// It does not.
    Wrong,
    /// The bytes end before all that it covers.
    Missing,
}

impl Checksum {
    /// Checks bytes of which one is the checksum.
    pub(super) fn over(bytes: &[u8]) -> Self {
        Self::of_sum(sum(bytes))
    }

    /// Checks bytes whose checksum is elsewhere.
    pub(super) fn of(bytes: &[u8], checksum: u8) -> Self {
        Self::of_sum(sum(bytes).wrapping_add(checksum))
    }

    const fn of_sum(sum: u8) -> Self {
        if sum == 0 { Self::Right } else { Self::Wrong }
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}
