//! The fields that people label metrics with.

use super::{Encoding, Field, Fru};

/// What a unit is and which one it is. Empty where the image says nothing.
///
/// Texts are trimmed and hold no control characters. Fields that hold bare
/// bytes are left out: makers use them for "nothing here".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    /// Who made the board.
    pub board_manufacturer: String,
    /// What the board is called.
    pub board_name: String,
    /// The board's serial number.
    pub board_serial: String,
    /// The board's part number.
    pub board_part_number: String,
    /// Who made the product.
    pub product_manufacturer: String,
    /// What the product is called.
    pub product_name: String,
    /// The product's serial number.
    pub product_serial: String,
    /// The product's part or model number.
    pub product_part_number: String,
    /// The product's version.
    pub product_version: String,
    /// What its owner calls the product.
    pub asset_tag: String,
    /// Serial number of what holds the boards.
    pub chassis_serial: String,
    /// Part number of what holds the boards.
    pub chassis_part_number: String,
}

impl Labels {
    /// Whether the image says nothing of all this.
    pub fn are_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Fru {
    /// The fields that people label metrics with.
    pub fn labels(&self) -> Labels {
        let mut labels = Labels::default();
        if let Some(chassis) = self.chassis() {
            labels.chassis_serial = label(&chassis.serial);
            labels.chassis_part_number = label(&chassis.part_number);
        }
        if let Some(board) = self.board() {
            labels.board_manufacturer = label(&board.manufacturer);
            labels.board_name = label(&board.name);
            labels.board_serial = label(&board.serial);
            labels.board_part_number = label(&board.part_number);
        }
        if let Some(product) = self.product() {
            labels.product_manufacturer = label(&product.manufacturer);
            labels.product_name = label(&product.name);
            labels.product_serial = label(&product.serial);
            labels.product_part_number = label(&product.part_number);
            labels.product_version = label(&product.version);
            labels.asset_tag = label(&product.asset_tag);
        }
        labels
    }
}

fn label(field: &Field) -> String {
    if field.encoding == Encoding::Binary {
        return String::new();
    }
    field
        .trimmed()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::padded(Encoding::Latin1, "PowerEdge R640   ", "PowerEdge R640")]
    #[case::control(Encoding::Latin1, "A\nB\u{1}", "A B")]
    #[case::digits(Encoding::BcdPlus, "05", "05")]
    #[case::bytes(Encoding::Binary, "00", "")]
    fn labels_are_clean(#[case] encoding: Encoding, #[case] text: &str, #[case] expected: &str) {
        let text = text.into();
        assert_eq!(label(&Field { encoding, text }), expected);
    }
}
