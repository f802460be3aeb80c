//! Fields with a type/length byte (FRU specification section 13).

use super::Language;
use crate::wire::Reader;

/// The type/length byte that ends an area's fields. It would also announce a
/// text of one byte; there are no such texts for this reason.
const END_OF_FIELDS: u8 = 0xc1;

/// Characters of the BCD-plus encoding, by nibble. The last three are reserved
/// in this specification; the letters are what other decoders print.
const BCD_PLUS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ' ', '-', '.', ':', ',', '_',
];

/// How a field's bytes stand for its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Binary or unspecified (00b); the text is hexadecimal.
    Binary,
    /// BCD-plus (01b): digits, blank, dash, period.
    BcdPlus,
    /// Six bits a character (10b).
    PackedAscii,
    /// One byte a character (11b in English): Latin-1, or UTF-8 where the bytes
    /// are that.
    Latin1,
    /// Two bytes a character, low byte first (11b in other languages).
    Utf16,
}

/// A field of an area.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// How the bytes stood for the text.
    pub encoding: Encoding,
    /// The text up to the first NUL, with the padding that makers like. At most
    /// 126 characters.
    pub text: Box<str>,
}

impl Default for Field {
    fn default() -> Self {
        Self {
            encoding: Encoding::Binary,
            text: Box::default(),
        }
    }
}

impl Field {
    /// The text without the blanks and control characters around it.
    pub fn trimmed(&self) -> &str {
        self.text
            .trim_matches(|c: char| c.is_whitespace() || c.is_control())
    }

    /// Whether nothing but padding is in the field.
    pub fn is_empty(&self) -> bool {
        self.trimmed().is_empty()
    }

    fn decode(type_length: u8, bytes: &[u8], language: Language) -> Self {
        let (encoding, text) = match type_length >> 6 {
            0b00 => (Encoding::Binary, hexadecimal(bytes)),
            0b01 => (Encoding::BcdPlus, bcd_plus(bytes)),
            0b10 => (Encoding::PackedAscii, packed_ascii(bytes)),
            _ => match utf16(bytes, language) {
                Some(text) => (Encoding::Utf16, text),
                None => (Encoding::Latin1, latin1(bytes)),
            },
        };
        Self {
            encoding,
            text: text.into_boxed_str(),
        }
    }
}

/// Reads the fields of an area one after the other.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
    language: Language,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The end mark was there.
    Ended,
    /// The bytes ended first.
    Cut,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], language: Language) -> Self {
        Self {
            reader: Reader::new(bytes),
            language,
            state: State::Reading,
        }
    }

    /// The next field in the area's language; empty at the end.
    pub(super) fn text(&mut self) -> Field {
        self.next(self.language).unwrap_or_default()
    }

    /// The next field, English in every language: numbers given by makers.
    pub(super) fn english(&mut self) -> Field {
        self.next(Language::ENGLISH).unwrap_or_default()
    }

    /// All further fields that hold anything.
    pub(super) fn custom(&mut self) -> Vec<Field> {
        let mut fields = Vec::new();
        while let Some(field) = self.next(self.language) {
            if !field.text.is_empty() {
                fields.push(field);
            }
        }
        fields
    }

    /// Whether the end mark was reached.
    pub(super) fn are_complete(&self) -> bool {
        self.state == State::Ended
    }

    fn next(&mut self, language: Language) -> Option<Field> {
        if self.state != State::Reading {
            return None;
        }
        let Some(type_length) = self.reader.optional_u8() else {
            self.state = State::Cut;
            return None;
        };
        if type_length == END_OF_FIELDS {
            self.state = State::Ended;
            return None;
        }
        let Ok(bytes) = self
            .reader
            .take(usize::from(type_length & 0x3f), "FRU field")
        else {
            self.state = State::Cut;
            return None;
        };
        Some(Field::decode(type_length, bytes, language))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    by_nibble(bytes, &DIGITS)
}

fn bcd_plus(bytes: &[u8]) -> String {
    by_nibble(bytes, &BCD_PLUS)
}

fn by_nibble(bytes: &[u8], characters: &[char; 16]) -> String {
    bytes
        .iter()
        .flat_map(|&byte| [byte >> 4, byte & 0x0f])
        .filter_map(|nibble| characters.get(usize::from(nibble)))
        .collect()
}

/// Six bits a character, low bits first, from blank (0) to underscore (63).
/// The length counts bytes; bits that are left over mean nothing.
fn packed_ascii(bytes: &[u8]) -> String {
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let packed = chunk
                .iter()
                .rev()
                .fold(0_u32, |packed, &byte| packed << 8 | u32::from(byte));
            let characters = chunk.len().saturating_mul(8) / 6;
            [0, 6, 12, 18]
                .into_iter()
                .take(characters)
                .map(move |shift| packed >> shift & 0x3f)
        })
        .filter_map(|code| char::from_u32(code.saturating_add(u32::from(b' '))))
        .collect()
}

/// `None` if the language has one byte a character, or if these bytes can't be
/// UTF-16: firmware that was set up with a wrong language code.
fn utf16(bytes: &[u8], language: Language) -> Option<String> {
    let (units, odd) = bytes.as_chunks::<2>();
    if language.is_english() || !odd.is_empty() {
        return None;
    }
    char::decode_utf16(units.iter().map(|&unit| u16::from_le_bytes(unit)))
        .take_while(|unit| !matches!(unit, Ok('\0')))
        .collect::<Result<String, _>>()
        .ok()
}

/// UTF-8 when the bytes are that, else Latin-1, up to the first NUL.
fn latin1(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const GERMAN: Language = Language(30);

    #[rstest]
    #[case::empty(&hex!("c0"), Language::ENGLISH, Encoding::Latin1, "")]
    #[case::unspecified(&hex!("00"), Language::ENGLISH, Encoding::Binary, "")]
    #[case::binary(&hex!("03 00 7b ff"), Language::ENGLISH, Encoding::Binary, "007bff")]
    #[case::bcd(&hex!("43 12 ab c9"), Language::ENGLISH, Encoding::BcdPlus, "12 -.9")]
    // "IPMI" is the specification's example.
    #[case::six_bit(&hex!("83 29 dc a6"), Language::ENGLISH, Encoding::PackedAscii, "IPMI")]
    #[case::six_bit_one(&hex!("81 29"), Language::ENGLISH, Encoding::PackedAscii, "I")]
    #[case::six_bit_two(&hex!("82 29 dc"), Language::ENGLISH, Encoding::PackedAscii, "IP")]
    #[case::six_bit_five(&hex!("85 29 dc a6 29 dc"), Language::ENGLISH, Encoding::PackedAscii, "IPMIIP")]
    #[case::text(&hex!("c4 44 45 4c 4c"), Language::ENGLISH, Encoding::Latin1, "DELL")]
    #[case::code_zero_is_english(&hex!("c4 44 45 4c 4c"), Language(0), Encoding::Latin1, "DELL")]
    #[case::latin1(&hex!("c4 4b fc 68 6c"), Language::ENGLISH, Encoding::Latin1, "Kühl")]
    #[case::utf8(&hex!("c5 4b c3 bc 68 6c"), Language::ENGLISH, Encoding::Latin1, "Kühl")]
    #[case::nul(&hex!("c4 41 42 00 43"), Language::ENGLISH, Encoding::Latin1, "AB")]
    #[case::utf16(&hex!("c4 4b 00 fc 00"), GERMAN, Encoding::Utf16, "Kü")]
    #[case::utf16_nul(&hex!("c6 4b 00 00 00 4b 00"), GERMAN, Encoding::Utf16, "K")]
    #[case::utf16_pair(&hex!("c4 3d d8 00 de"), GERMAN, Encoding::Utf16, "\u{1f600}")]
    #[case::half_a_pair(&hex!("c2 3d d8"), GERMAN, Encoding::Latin1, "=Ø")]
    #[case::odd_length(&hex!("c3 41 42 43"), GERMAN, Encoding::Latin1, "ABC")]
    fn decodes(
        #[case] bytes: &[u8],
        #[case] language: Language,
        #[case] encoding: Encoding,
        #[case] text: &str,
    ) {
        let field = Fields::new(bytes, language).text();
        assert_eq!((field.encoding, &*field.text), (encoding, text));
    }

    #[test]
    fn serial_numbers_are_english_everywhere() {
        let bytes = hex!("c2 41 42 c2 41 00 c1");
        let mut fields = Fields::new(&bytes, GERMAN);
        assert_eq!(&*fields.english().text, "AB");
        assert_eq!(&*fields.text().text, "A");
        assert!(fields.custom().is_empty());
        assert!(fields.are_complete());
    }

    #[test]
    fn a_field_that_is_cut_off_is_left_out() {
        let bytes = hex!("c2 41 42 c4 41 42 43");
        let mut fields = Fields::new(&bytes, Language::ENGLISH);
        assert_eq!(&*fields.text().text, "AB");
        assert_eq!(fields.text(), Field::default());
        assert!(!fields.are_complete());
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let bytes = hex!("c1 c2 41 42");
        let mut fields = Fields::new(&bytes, Language::ENGLISH);
        assert_eq!(fields.text(), Field::default());
        assert_eq!(fields.text(), Field::default());
        assert!(fields.are_complete());
    }

    #[rstest]
    #[case::blanks("  X \t", "X")]
    #[case::controls("\u{1}X Y\u{7f}", "X Y")]
    #[case::nothing(" \n ", "")]
    fn padding_is_trimmed(#[case] text: &str, #[case] trimmed: &str) {
        let field = Field {
            encoding: Encoding::Latin1,
            text: text.into(),
        };
        assert_eq!(field.trimmed(), trimmed);
        assert_eq!(field.is_empty(), trimmed.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_give_short_fields(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            language in any::<u8>(),
        ) {
            let mut fields = Fields::new(&bytes, Language(language));
            for field in fields.custom() {
                prop_assert!(field.text.chars().count() <= 126);
            }
            prop_assert!(fields.next(Language::ENGLISH).is_none());
        }

        #[test]
        fn texts_come_back(text in "[ -~]{2,63}") {
            let mut bytes = vec![0xc0 | u8::try_from(text.len()).unwrap()];
            bytes.extend_from_slice(text.as_bytes());
            prop_assert_eq!(&*Fields::new(&bytes, Language::ENGLISH).text().text, text.as_str());
        }
    }
}
