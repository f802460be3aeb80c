//! How many bytes of an image a BMC gives out at once.

/// The read size that works with a BMC: learned during a walk, to be handed to
/// the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadSize(u8);

/// Sizes that are tried, from the front. Even, for devices that count words.
const LADDER: [u8; 6] = [32, 24, 16, 12, 8, 4];

impl Default for ReadSize {
    fn default() -> Self {
        Self(LADDER[0])
    }
}

impl ReadSize {
    /// Smallest size that is tried.
    pub const FLOOR: u8 = 4;

    /// Takes a size in bytes, for instance from a cache. Odd ones are rounded
    /// down, small ones raised to [`FLOOR`](Self::FLOOR).
    pub fn new(bytes: u8) -> Self {
        Self((bytes & !1).max(Self::FLOOR))
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u8 {
        self.0
    }

    /// The next size of at most `limit` bytes; `None` below the floor.
    pub(super) fn smaller(self, limit: u8) -> Option<Self> {
        LADDER
            .into_iter()
            .find(|&step| step < self.0 && step <= limit)
            .map(Self)
    }
}
