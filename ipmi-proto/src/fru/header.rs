//! The common header: where the areas are (FRU specification section 8).

use super::Checksum;
use crate::wire::Reader;

/// The first eight bytes of an image. Offsets are in bytes; `None` where there
/// is no such area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommonHeader {
    /// Internal use area: private to the controller that owns the image.
    pub internal_use: Option<usize>,
    /// Chassis info area.
    pub chassis: Option<usize>,
    /// Board info area.
    pub board: Option<usize>,
    /// Product info area.
    pub product: Option<usize>,
    /// First of the multi-records.
    pub multi_records: Option<usize>,
    /// The header's own checksum.
    pub checksum: Checksum,
}

/// Why an image is no inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Fewer bytes than a header.
    #[error("{available} bytes are too few for a FRU header")]
    Short {
        /// How many there are.
        available: usize,
    },
    /// The header is erased or was never written: all 00h or all FFh.
    #[error("the FRU is blank")]
    Blank,
    /// Another format than version 1: nothing is known about these bytes.
    #[error("FRU format version {0} is not known")]
    Version(u8),
}

impl CommonHeader {
    /// Bytes of a header.
    pub const LENGTH: usize = 8;
    /// The only version there is.
    pub(super) const VERSION: u8 = 1;

    /// Decodes the header at the start of `image`.
    ///
    /// # Errors
    /// When there is none, or one of an unknown version. A wrong checksum is
    /// marked only.
    pub fn decode(image: &[u8]) -> Result<Self, HeaderError> {
        let short = HeaderError::Short {
            available: image.len(),
        };
        let Ok(bytes) = Reader::new(image).array::<{ Self::LENGTH }>("FRU header") else {
            return Err(short);
        };
        if bytes == [0; Self::LENGTH] || bytes == [0xff; Self::LENGTH] {
            return Err(HeaderError::Blank);
        }
        let [
            version,
            internal_use,
            chassis,
            board,
            product,
            multi_records,
            _pad,
            _sum,
        ] = bytes;
        if version & 0x0f != Self::VERSION {
            return Err(HeaderError::Version(version & 0x0f));
        }
        Ok(Self {
            internal_use: offset(internal_use),
            chassis: offset(chassis),
            board: offset(board),
            product: offset(product),
            multi_records: offset(multi_records),
            checksum: Checksum::over(&bytes),
        })
    }
}

/// Bytes from a count of 8 bytes; 0 says that there is nothing. No other value
/// lies within the header.
fn offset(multiple: u8) -> Option<usize> {
    (multiple != 0).then(|| usize::from(multiple).saturating_mul(8))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use rstest::rstest;

    use super::*;

    #[test]
    fn offsets_are_multiples_of_eight() {
        let header = CommonHeader::decode(&hex!("01 0a 00 01 ff 0d 00 e8")).unwrap();
        assert_eq!(
            header,
            CommonHeader {
                internal_use: Some(80),
                chassis: None,
                board: Some(8),
                product: Some(2040),
                multi_records: Some(104),
                checksum: Checksum::Right,
            }
        );
    }

    #[test]
    fn wrong_checksum_is_marked() {
        let header = CommonHeader::decode(&hex!("01 00 00 01 00 00 00 00")).unwrap();
        assert_eq!(header.checksum, Checksum::Wrong);
        assert_eq!(header.board, Some(8));
    }

    #[rstest]
    #[case::nothing(&[], HeaderError::Short { available: 0 })]
    #[case::too_short(&[1; 7], HeaderError::Short { available: 7 })]
    #[case::erased(&[0xff; 64], HeaderError::Blank)]
    #[case::never_written(&[0; 64], HeaderError::Blank)]
    #[case::other_format(&hex!("02 00 00 01 00 00 00 fd"), HeaderError::Version(2))]
    fn no_inventory(#[case] image: &[u8], #[case] error: HeaderError) {
        assert_eq!(CommonHeader::decode(image), Err(error));
    }
}
