//! A whole image.

use super::{
    Area, AreaError, Board, Chassis, Checksum, CommonHeader, HeaderError, MultiRecordArea, Product,
    area,
};

/// What an inventory device says. `None` where the header names no such area,
/// `Some(Err(_))` where it does and nothing can be read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fru {
    /// Where the areas are.
    pub header: CommonHeader,
    /// What holds the boards.
    pub chassis: Option<Result<Area<Chassis>, AreaError>>,
    /// The board.
    pub board: Option<Result<Area<Board>, AreaError>>,
    /// The product.
    pub product: Option<Result<Area<Product>, AreaError>>,
    /// Further records.
    pub multi_records: Option<MultiRecordArea>,
}

impl Fru {
    /// Decodes an image, or as much of one as could be read.
    ///
    /// # Errors
    /// When the first bytes are no header. All else costs an area at most.
    pub fn decode(image: &[u8]) -> Result<Self, HeaderError> {
        let header = CommonHeader::decode(image)?;
        Ok(Self {
            header,
            chassis: header.chassis.map(|offset| area::decode(image, offset)),
            board: header.board.map(|offset| area::decode(image, offset)),
            product: header.product.map(|offset| area::decode(image, offset)),
            multi_records: header
                .multi_records
                .map(|offset| MultiRecordArea::decode(image.get(offset..).unwrap_or_default())),
        })
    }

    /// The chassis, if it is readable.
    pub fn chassis(&self) -> Option<&Chassis> {
        readable(&self.chassis).map(|area| &area.info)
    }

    /// The board, if it is readable.
    pub fn board(&self) -> Option<&Board> {
        readable(&self.board).map(|area| &area.info)
    }

    /// The product, if it is readable.
    pub fn product(&self) -> Option<&Product> {
        readable(&self.product).map(|area| &area.info)
    }

    /// Whether every checksum of the header and the three areas is there and
    /// right. Multi-records have their own: they label nothing.
    pub fn checksums_match(&self) -> bool {
        [
            Some(self.header.checksum),
            readable(&self.chassis).map(|area| area.checksum),
            readable(&self.board).map(|area| area.checksum),
            readable(&self.product).map(|area| area.checksum),
        ]
        .into_iter()
        .flatten()
        .all(|checksum| checksum == Checksum::Right)
    }
}

fn readable<T>(area: &Option<Result<Area<T>, AreaError>>) -> Option<&Area<T>> {
    area.as_ref()?.as_ref().ok()
}
