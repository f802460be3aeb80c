//! The name of a sensor or device: a type/length byte and up to 16 bytes, or up
//! to 31 where the length says so.
//!
//! Names become label values, so the result is always valid UTF-8. Blanks and
//! control characters are kept: existing series bear them. For 8-bit names the
//! length bits are not trusted in either direction, since firmware in the field
//! gets them wrong and the record's own end is known: what counts is the bytes
//! up to the first NUL, which is also what FreeIPMI prints.
//! Encodings: IPMI 2.0 section 43.15.

/// Longest id string in bytes that the specification allows. Five length bits
/// can say more, and a record that says more and has it means it.
const MAX_BYTES: usize = 16;

/// Characters of the BCD-plus encoding, by nibble.
const BCD_PLUS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ' ', '-', '.', ':', ',', '_',
];

/// Decodes the id string that starts at the type/length byte and runs to the
/// end of the record.
///
/// An empty field is an empty name.
pub(super) fn decode(field: &[u8]) -> Box<str> {
    let Some((&type_length, bytes)) = field.split_first() else {
        return Box::default();
    };
    let declared = usize::from(type_length & 0x1f);
    let bytes = bytes.get(..declared.max(MAX_BYTES)).unwrap_or(bytes);
    match type_length >> 6 {
        0b01 => bcd_plus(bytes.get(..declared).unwrap_or(bytes)),
        0b10 => packed_ascii(bytes, declared),
        // 8-bit and "Unicode", which is UTF-8 in practice.
        _ => text(bytes),
    }
    .into_boxed_str()
}

/// UTF-8 when the bytes are that, else Latin-1, up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    let bytes = end.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

fn bcd_plus(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|&byte| [byte >> 4, byte & 0x0f])
        .filter_map(|nibble| BCD_PLUS.get(usize::from(nibble)))
        .collect()
}

/// Six bits a character, low bits first, from blank (0) to underscore (63).
///
/// The specification counts characters, most firmware counts bytes. Bytes are
/// believed when that many are there; otherwise only the count of characters
/// can be meant.
fn packed_ascii(bytes: &[u8], declared: usize) -> String {
    let (bytes, limit) = match bytes.get(..declared) {
        Some(bytes) => (bytes, bytes.len().saturating_mul(8) / 6),
        None => (bytes, declared),
    };
    let mut characters = String::with_capacity(limit);
    let mut buffer: u32 = 0;
    let mut bits = 0_u32;
    for &byte in bytes {
        buffer |= u32::from(byte) << bits;
        bits = bits.saturating_add(8);
        while bits >= 6 {
            if characters.len() < limit {
                let code = u8::try_from(buffer & 0x3f).unwrap_or(0);
                characters.push(char::from(b' '.saturating_add(code)));
            }
            buffer >>= 6;
            bits = bits.saturating_sub(6);
        }
    }
    characters
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain(&hex!("c4 46414e31"), "FAN1")]
    #[case::blanks_stay(&hex!("c5 2044494d4d20"), " DIMM ")]
    #[case::length_too_small(&hex!("c2 46414e31"), "FAN1")]
    #[case::length_too_big(&hex!("df 46414e31"), "FAN1")]
    #[case::length_zero(&hex!("c0 46414e31"), "FAN1")]
    #[case::empty(&hex!("c0"), "")]
    #[case::no_field(&[], "")]
    #[case::stops_at_nul(&hex!("c6 4641 00 4e31"), "FA")]
    #[case::cut_at_sixteen(&hex!("cf 303132333435363738394142434445464748"), "0123456789ABCDEF")]
    #[case::longer_where_said(&hex!("d1 303132333435363738394142434445464748"), "0123456789ABCDEFG")]
    #[case::latin1(&hex!("c4 4b fc 68 6c"), "Kühl")]
    #[case::utf8_in_8bit(&hex!("c5 4b c3bc 68 6c"), "Kühl")]
    #[case::unicode_is_utf8(&hex!("05 4b c3bc 68 6c"), "Kühl")]
    #[case::unicode_not_utf8(&hex!("04 4b fc 68 6c"), "Kühl")]
    #[case::control_bytes_stay(&hex!("c3 41 0a 42"), "A\nB")]
    #[case::bcd(&hex!("44 12 ab cd ef"), "12 -.:,_")]
    // Counted in bytes, as most firmware does.
    #[case::six_bit_bytes(&hex!("86 f04a0274d9c2"), "PKD TEMP")]
    // "IPMI" is the specification's example; three bytes, four characters.
    #[case::six_bit_characters(&hex!("84 29dca6"), "IPMI")]
    #[case::six_bit_counted_in_bytes(&hex!("83 29dca6"), "IPMI")]
    fn decodes(#[case] field: &[u8], #[case] name: &str) {
        assert_eq!(&*decode(field), name);
    }

    proptest! {
        #[test]
        fn any_field_gives_a_short_name(field in proptest::collection::vec(any::<u8>(), 0..64)) {
            // 31 bytes; two digits a byte in BCD-plus.
            prop_assert!(decode(&field).chars().count() <= 62);
        }

        #[test]
        fn ascii_names_come_back(name in "[ -~]{0,16}") {
            let mut field = vec![0xc0 | u8::try_from(name.len()).unwrap()];
            field.extend_from_slice(name.as_bytes());
            prop_assert_eq!(&*decode(&field), name.as_str());
        }
    }
}
