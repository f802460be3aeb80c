//! How many bytes of a record a BMC gives out at once.

/// The read size that works with a BMC: learned during a walk, to be handed to
/// the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadSize {
    /// Header first, then pieces of at most this many bytes.
    Pieces(u8),
    /// A whole record at once.
    #[default]
    Whole,
}

/// Sizes of pieces, tried from the front. Most BMCs that refuse whole records
/// give out 24-32 bytes; the last size is what every BMC has to manage.
const LADDER: [u8; 7] = [30, 24, 20, 16, 12, 8, 5];

impl ReadSize {
    /// Smallest piece that is tried.
    pub const FLOOR: u8 = 5;

    /// What to begin with behind a bridge: messages on an IPMB have 32 bytes, ten of
    /// which are not the record's, and satellites may not answer at all to more.
    pub const BRIDGED: Self = Self::Pieces(22);

    /// The byte count of a Get SDR command that asks for a whole record.
    pub(super) const WHOLE_COUNT: u8 = 0xff;

    /// Size of pieces, the largest if whole records still work.
    pub(super) fn piece(self) -> u8 {
        match self {
            Self::Whole => LADDER[0],
            Self::Pieces(size) => size.max(Self::FLOOR),
        }
    }

    /// The next smaller size; `None` below the floor.
    pub(super) fn smaller(self) -> Option<Self> {
        match self {
            Self::Whole => Some(Self::Pieces(LADDER[0])),
            Self::Pieces(size) => LADDER
                .iter()
                .copied()
                .find(|&step| step < size)
                .map(Self::Pieces),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_shrink_to_the_floor_and_end() {
        let mut size = ReadSize::Whole;
        let mut steps = Vec::new();
        while let Some(smaller) = size.smaller() {
            assert!(smaller < size);
            steps.push(smaller.piece());
            size = smaller;
        }
        assert_eq!(steps, LADDER);
        assert_eq!(size, ReadSize::Pieces(ReadSize::FLOOR));
    }

    #[test]
    fn odd_sizes_from_an_old_cache_are_taken() {
        assert_eq!(ReadSize::Pieces(0).piece(), ReadSize::FLOOR);
        assert_eq!(ReadSize::Pieces(17).smaller(), Some(ReadSize::Pieces(16)));
        assert_eq!(ReadSize::Pieces(1).smaller(), None);
    }
}
