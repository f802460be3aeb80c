//! Chassis, board and product info areas (FRU specification sections 10-12).

use super::field::Fields;
use super::{Checksum, Field, Language};
use crate::wire::{DecodeError, Reader};

/// An area and how far it can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area<T> {
    /// What it says.
    pub info: T,
    /// Its checksum.
    pub checksum: Checksum,
    /// Whether the fields ran to their end mark within the area's length. If
    /// not, the last ones may be missing.
    pub complete: bool,
}

/// Why an area can't be read although the header points at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AreaError {
    /// It begins behind the last byte that was read.
    #[error("the area begins at {offset}, behind the end of the image")]
    Outside {
        /// Where it should begin, in bytes.
        offset: usize,
    },
    /// Another format than version 1.
    #[error("area format version {0} is not known")]
    Version(u8),
    /// It says that it has no bytes.
    #[error("the area has the length 0")]
    NoLength,
    /// The image ends before the first field.
    #[error("the area ends before its first field")]
    Cut,
}

/// What holds the boards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chassis {
    /// Enclosure type as SMBIOS numbers them (17h: rack mount chassis).
    pub chassis_type: u8,
    /// The maker's part number.
    pub part_number: Field,
    /// Serial number.
    pub serial: Field,
    /// What else its maker put there; empty fields are left out.
    pub custom: Vec<Field>,
}

/// The board that the image is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Language of the fields.
    pub language: Language,
    /// When it was made.
    pub made_at: MadeAt,
    /// Who made it.
    pub manufacturer: Field,
    /// What it is called.
    pub name: Field,
    /// Serial number.
    pub serial: Field,
    /// The maker's part number.
    pub part_number: Field,
    /// Version of the file that the image was made from.
    pub file_id: Field,
    /// What else its maker put there; empty fields are left out.
    pub custom: Vec<Field>,
}

/// The product that the board is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Language of the fields.
    pub language: Language,
    /// Who made it.
    pub manufacturer: Field,
    /// What it is called.
    pub name: Field,
    /// Part or model number.
    pub part_number: Field,
    /// Version.
    pub version: Field,
    /// Serial number.
    pub serial: Field,
    /// What its owner calls it.
    pub asset_tag: Field,
    /// Version of the file that the image was made from.
    pub file_id: Field,
    /// What else its maker put there; empty fields are left out.
    pub custom: Vec<Field>,
}

/// When a board was made: minutes since 1996-01-01 00:00 UTC, 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MadeAt(pub u32);

impl MadeAt {
    /// 1996-01-01 00:00 UTC in seconds since 1970.
    const EPOCH: u64 = 820_454_400;

    /// Seconds since 1970-01-01 UTC; `None` if the maker did not say (0).
    pub fn unix_seconds(self) -> Option<u64> {
        (self.0 != 0).then(|| {
            u64::from(self.0)
                .saturating_mul(60)
                .saturating_add(Self::EPOCH)
        })
    }
}

/// An area's contents, from behind version and length to the last field.
pub(super) trait Contents: Sized {
    fn read(reader: Reader<'_>) -> Result<(Self, bool), DecodeError>;
}

impl Contents for Chassis {
    fn read(mut reader: Reader<'_>) -> Result<(Self, bool), DecodeError> {
        let chassis_type = reader.u8("chassis type")?;
        // This area has no language code.
        let mut fields = Fields::new(reader.rest(), Language::ENGLISH);
        let chassis = Self {
            chassis_type,
            part_number: fields.text(),
            serial: fields.text(),
            custom: fields.custom(),
        };
        Ok((chassis, fields.are_complete()))
    }
}

impl Contents for Board {
    fn read(mut reader: Reader<'_>) -> Result<(Self, bool), DecodeError> {
        let language = Language(reader.u8("board language")?);
        let made_at = MadeAt(reader.u24("manufacturing date")?);
        let mut fields = Fields::new(reader.rest(), language);
        let board = Self {
            language,
            made_at,
            manufacturer: fields.text(),
            name: fields.text(),
            serial: fields.english(),
            part_number: fields.english(),
            file_id: fields.english(),
            custom: fields.custom(),
        };
        Ok((board, fields.are_complete()))
    }
}

impl Contents for Product {
    fn read(mut reader: Reader<'_>) -> Result<(Self, bool), DecodeError> {
        let language = Language(reader.u8("product language")?);
        let mut fields = Fields::new(reader.rest(), language);
        let product = Self {
            language,
            manufacturer: fields.text(),
            name: fields.text(),
            part_number: fields.text(),
            version: fields.text(),
            serial: fields.english(),
            asset_tag: fields.text(),
            file_id: fields.english(),
            custom: fields.custom(),
        };
        Ok((product, fields.are_complete()))
    }
}

/// Decodes the area at `offset` of `image`.
pub(super) fn decode<T: Contents>(image: &[u8], offset: usize) -> Result<Area<T>, AreaError> {
    let bytes = image.get(offset..).unwrap_or_default();
    if bytes.is_empty() {
        return Err(AreaError::Outside { offset });
    }
    let length = length(bytes)?.ok_or(AreaError::Cut)?;
    let (bytes, checksum) = match bytes.get(..length) {
        Some(area) => (area, Checksum::over(area)),
        None => (bytes, Checksum::Missing),
    };
    // The last byte of a whole area is its checksum, not a field's.
    let contents = match (checksum, bytes.split_last()) {
        (Checksum::Right | Checksum::Wrong, Some((_, contents))) => contents,
        _ => bytes,
    };
    let reader = Reader::new(contents.get(2..).unwrap_or_default());
    let (info, complete) = T::read(reader).map_err(|_| AreaError::Cut)?;
    Ok(Area {
        info,
        checksum,
        complete,
    })
}

/// Length in bytes of the area that begins `bytes`: 8-2040. `None` if they end
/// before they say.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, AreaError> {
    const VERSION: u8 = 1;
    let mut bytes = bytes.iter().copied();
    match bytes.next().map(|version| version & 0x0f) {
        None => return Ok(None),
        Some(VERSION) => {}
        Some(version) => return Err(AreaError::Version(version)),
    }
    match bytes.next() {
        Some(0) => Err(AreaError::NoLength),
        multiple => Ok(multiple.map(|multiple| usize::from(multiple).saturating_mul(8))),
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use rstest::rstest;

    use super::*;

    fn text(field: &Field) -> &str {
        &field.text
    }

    #[test]
    fn chassis_fields_in_order() {
        let image = hex!("01 02 17 c2 50 4e c2 53 4e c2 58 58 c1 00 00 0a");
        let area: Area<Chassis> = decode(&image, 0).unwrap();
        assert_eq!(area.info.chassis_type, 0x17);
        assert_eq!(text(&area.info.part_number), "PN");
        assert_eq!(text(&area.info.serial), "SN");
        assert_eq!(area.info.custom.len(), 1);
        assert!(area.complete);
    }

    #[test]
    fn product_in_another_language() {
        let image = hex!(
            "01 05 1e c2 4d 00 c2 4e 00 c2 50 00 c2 56 00 c2 53 4e c2 41 00 c2 46 49"
            "c2 43 00 c1 00 00 00 00 00 00 00 00 00 00 00 00"
        );
        let area: Area<Product> = decode(&image, 0).unwrap();
        let info = &area.info;
        let texts = [
            &info.manufacturer,
            &info.name,
            &info.part_number,
            &info.version,
            &info.serial,
            &info.asset_tag,
            &info.file_id,
            &info.custom[0],
        ]
        .map(text);
        assert_eq!(texts, ["M", "N", "P", "V", "SN", "A", "FI", "C"]);
        assert_eq!(area.checksum, Checksum::Wrong);
    }

    #[test]
    fn fields_that_end_early_are_empty() {
        let image = hex!("01 02 19 c2 4d 4d c1 00 00 00 00 00 00 00 00 48");
        let area: Area<Product> = decode(&image, 0).unwrap();
        assert_eq!(text(&area.info.manufacturer), "MM");
        assert!(area.info.serial.is_empty());
        assert!(area.complete);
    }

    #[test]
    fn what_arrived_of_an_area_is_read() {
        let image = hex!("01 04 17 c2 50 4e c4 53 4e");
        let area: Area<Chassis> = decode(&image, 0).unwrap();
        assert_eq!(text(&area.info.part_number), "PN");
        assert!(area.info.serial.is_empty());
        assert_eq!(area.checksum, Checksum::Missing);
        assert!(!area.complete);
    }

    #[test]
    fn fields_end_where_the_area_ends() {
        // The second field would reach into the next area.
        let image = hex!("01 01 17 c1 c2 00 00 00 c2 50 4e");
        let area: Area<Chassis> = decode(&image, 0).unwrap();
        assert!(area.info.custom.is_empty());
        let image = hex!("01 01 17 c8 50 4e 50 4e 50 4e 50 4e");
        let area: Area<Chassis> = decode(&image, 0).unwrap();
        assert_eq!(area.info.part_number, Field::default());
        assert!(!area.complete);
    }

    #[rstest]
    #[case::behind_the_end(&[], AreaError::Outside { offset: 0 })]
    #[case::other_format(&[0xff; 64], AreaError::Version(15))]
    #[case::no_length(&[1, 0, 1, 0], AreaError::NoLength)]
    #[case::ends_at_the_length(&[1], AreaError::Cut)]
    #[case::ends_in_the_date(&[1, 9, 25, 0, 0], AreaError::Cut)]
    fn unreadable(#[case] image: &[u8], #[case] error: AreaError) {
        assert_eq!(decode::<Board>(image, 0), Err(error));
    }

    #[test]
    fn dates_count_from_1996() {
        assert_eq!(MadeAt(0).unix_seconds(), None);
        assert_eq!(MadeAt(1).unix_seconds(), Some(820_454_460));
        assert_eq!(MadeAt(0x00ff_ffff).unix_seconds(), Some(1_827_087_300));
    }
}
