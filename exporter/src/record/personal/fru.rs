//! Personal data of a FRU image: bytes are overwritten where they are, since
//! everything behind a field hangs on its length.
//!
//! Format: IPMI Platform Management FRU Information Storage Definition v1.0
//! revision 1.3. [`rmcp_ipmi::fru`] decodes images; here it matters where
//! things stand.

use std::ops::Range;

use super::FILLER;

const HEADER_BYTES: usize = 8;
const VERSION: u8 = 1;
const END_OF_FIELDS: u8 = 0xc1;
/// Most records of a chain that are looked at.
const MAX_MULTI_RECORDS: usize = 256;
const MULTI_RECORD_HEADER: usize = 5;
const MANAGEMENT_ACCESS: u8 = 0x03;
const FIRST_OEM_RECORD: u8 = 0xc0;

/// An info area: where the header points at it, where its fields begin, and
/// which of them stay. The ones behind the list are custom fields.
struct Kind {
    pointer: usize,
    fields_at: usize,
    /// Language byte, for areas that have one.
    language_at: Option<usize>,
    stays: &'static [bool],
}

const KINDS: [Kind; 3] = [
    // Chassis: part number, serial number.
    Kind {
        pointer: 2,
        fields_at: 3,
        language_at: None,
        stays: &[true, false],
    },
    // Board: maker, name, serial number, part number, file id.
    Kind {
        pointer: 3,
        fields_at: 6,
        language_at: Some(2),
        stays: &[true, true, false, true, true],
    },
    // Product: maker, name, part number, version, serial number, asset tag, file id.
    Kind {
        pointer: 4,
        fields_at: 3,
        language_at: Some(2),
        stays: &[true, true, true, true, false, false, true],
    },
];

/// Overwrites everything personal; gives what stood there.
pub(super) fn remove(image: &mut [u8]) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    keep_checksums(image, |image| secrets = overwrite(image));
    secrets
}

/// Lets `change` overwrite bytes, and changes the checksums by as much as what
/// they cover: right ones stay right, wrong ones stay wrong.
pub(super) fn keep_checksums(image: &mut [u8], change: impl FnOnce(&mut [u8])) {
    let before = image.to_vec();
    change(image);
    let areas = KINDS
        .iter()
        .filter_map(|kind| area(&before, kind))
        .filter(|area| area.end <= before.len());
    for area in areas {
        let Some(last) = area.end.checked_sub(1) else {
            continue;
        };
        correct(image, &before, area.start..last, last);
    }
    for record in multi_records(&before) {
        correct(image, &before, record.data(), record.start + 3);
        correct(
            image,
            &before,
            record.start..record.start + 4,
            record.start + 4,
        );
    }
}

/// Sets the checksum at `at` for a change of the bytes in `range`.
fn correct(image: &mut [u8], before: &[u8], range: Range<usize>, at: usize) {
    let sum = |bytes: Option<&[u8]>| {
        let bytes = bytes.unwrap_or_default().iter();
        bytes.fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
    };
    let delta = sum(image.get(range.clone())).wrapping_sub(sum(before.get(range)));
    if let (Some(checksum), Some(old)) = (image.get_mut(at), before.get(at)) {
        *checksum = old.wrapping_sub(delta);
    }
}

fn overwrite(image: &mut [u8]) -> Vec<Vec<u8>> {
    let is_blank = image.iter().all(|byte| Some(byte) == image.first());
    if is_blank {
        return Vec::new();
    }
    let mut secrets = Vec::new();
    if image
        .first()
        .is_none_or(|version| version & 0x0f != VERSION)
    {
        // Nobody knows what is in there.
        wipe(image, HEADER_BYTES..image.len(), &mut secrets);
        return secrets;
    }
    let mut covered = Vec::from([(0, HEADER_BYTES)]);
    for kind in &KINDS {
        if let Some(area) = area(image, kind) {
            covered.push((area.start, area.end));
            fields(image, kind, area, &mut secrets);
        }
    }
    for record in multi_records(image) {
        covered.push((record.start, record.data().end));
        let kept = match record.kind {
            // What it is about.
            MANAGEMENT_ACCESS => 1,
            // Whose record it is.
            FIRST_OEM_RECORD.. => 3,
            _ => continue,
        };
        let data = record.data();
        wipe(image, data.start + kept..data.end, &mut secrets);
    }
    // What lies between the areas: the internal use area, and leftovers.
    covered.push((image.len(), image.len()));
    covered.sort_unstable();
    let mut end = 0;
    for (start, next) in covered {
        if start > end {
            wipe(image, end..start, &mut secrets);
        }
        end = end.max(next);
    }
    secrets
}

/// Where an info area is, by the header's and its own words; it may reach beyond
/// the image.
fn area(image: &[u8], kind: &Kind) -> Option<Range<usize>> {
    let start = usize::from(*image.get(kind.pointer).filter(|pointer| **pointer != 0)?) * 8;
    let version = image.get(start)?;
    let length = usize::from(*image.get(start + 1)?) * 8;
    (version & 0x0f == VERSION && length > 0).then_some(start..start + length)
}

fn fields(image: &mut [u8], kind: &Kind, area: Range<usize>, secrets: &mut Vec<Vec<u8>>) {
    let is_whole = area.end <= image.len();
    // The last byte of a whole area is its checksum.
    let end = if is_whole { area.end - 1 } else { image.len() };
    let language = kind.language_at.and_then(|at| image.get(area.start + at));
    let is_english = language.is_none_or(|language| matches!(language, 0 | 25));
    let mut stays = kind.stays.iter();
    let mut at = area.start + kind.fields_at;
    while at < end {
        let Some(type_length) = image.get(at).copied() else {
            return;
        };
        at += 1;
        if type_length == END_OF_FIELDS {
            wipe(image, at..end, secrets);
            return;
        }
        let field = at..(at + usize::from(type_length & 0x3f)).min(end);
        at = field.end;
        if *stays.next().unwrap_or(&false) {
            continue;
        }
        let Some(bytes) = image.get_mut(field) else {
            return;
        };
        if bytes.iter().all(|byte| matches!(byte, 0 | b' ' | 0xff)) {
            continue;
        }
        secrets.push(bytes.to_vec());
        match type_length >> 6 {
            // One byte a character.
            0b11 if is_english => bytes.fill(FILLER),
            // Two, the low one first.
            0b11 => {
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = if index % 2 == 0 { FILLER } else { 0 };
                }
            }
            // Binary, digits, packed letters: zeros, and blanks.
            _ => bytes.fill(0),
        }
    }
}

/// Sets bytes to zero, but leaves erased memory alone.
fn wipe(image: &mut [u8], range: Range<usize>, secrets: &mut Vec<Vec<u8>>) {
    let Some(bytes) = image.get_mut(range) else {
        return;
    };
    let is_empty = |value| bytes.iter().all(|byte| *byte == value);
    if bytes.is_empty() || is_empty(0) || is_empty(0xff) {
        return;
    }
    // Texts between other bytes are worth looking for elsewhere.
    let texts = bytes.split(|byte| !matches!(byte, b' '..=b'~'));
    secrets.extend(texts.filter(|text| text.len() >= 8).map(<[u8]>::to_vec));
    bytes.fill(0);
}

struct MultiRecord {
    start: usize,
    kind: u8,
    length: usize,
}

impl MultiRecord {
    fn data(&self) -> Range<usize> {
        let start = self.start + MULTI_RECORD_HEADER;
        start..start + self.length
    }
}

/// The chain of records, as far as it is whole.
fn multi_records(image: &[u8]) -> Vec<MultiRecord> {
    const POINTER: usize = 5;
    const RECORD_VERSION: u8 = 2;
    let mut records = Vec::new();
    let is_inventory = image
        .first()
        .is_some_and(|version| version & 0x0f == VERSION);
    let Some(pointer) = image.get(POINTER).filter(|_| is_inventory) else {
        return records;
    };
    let mut start = usize::from(*pointer) * 8;
    while start > 0 && records.len() < MAX_MULTI_RECORDS {
        let header = image.get(start..).and_then(<[u8]>::first_chunk);
        let Some([kind, flags, length, _, _]) = header.copied() else {
            break;
        };
        let record = MultiRecord {
            start,
            kind,
            length: length.into(),
        };
        let end = record.data().end;
        if flags & 0x0f != RECORD_VERSION || end > image.len() {
            break;
        }
        records.push(record);
        start = if flags & 0x80 == 0 { end } else { 0 };
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rmcp_ipmi::fru::{Checksum, Fru};

    /// Appends an area of these contents, behind version and length.
    fn push_area(image: &mut Vec<u8>, pointer: usize, head: &[u8], fields: &[(u8, &[u8])]) {
        let start = image.len();
        image[pointer] = u8::try_from(start / 8).unwrap();
        image.extend([VERSION, 0]);
        image.extend(head);
        for (encoding, text) in fields {
            image.push(encoding << 6 | u8::try_from(text.len()).unwrap());
            image.extend(*text);
        }
        image.push(END_OF_FIELDS);
        image.extend(b"residue");
        while !(image.len() - start + 1).is_multiple_of(8) {
            image.push(0);
        }
        image[start + 1] = u8::try_from((image.len() - start + 1) / 8).unwrap();
        let sum = image[start..]
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        image.push(0_u8.wrapping_sub(sum));
    }

    fn push_record(image: &mut Vec<u8>, kind: u8, last: bool, data: &[u8]) {
        let sum = |bytes: &[u8]| {
            let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
            0_u8.wrapping_sub(sum)
        };
        let flags = if last { 0x82 } else { 0x02 };
        let length = u8::try_from(data.len()).unwrap();
        let mut header = vec![kind, flags, length, sum(data)];
        header.push(sum(&header));
        image.extend(header);
        image.extend(data);
    }

    fn image() -> Vec<u8> {
        let mut image = vec![VERSION, 0, 0, 0, 0, 0, 0, 0];
        push_area(
            &mut image,
            2,
            &[0x17],
            &[(3, b"CHASSIS-PART"), (3, b"CANARY-1"), (3, b"CANARY-2")],
        );
        push_area(
            &mut image,
            3,
            &[25, 1, 2, 3],
            &[
                (3, b"Maker"),
                (3, b"Board"),
                (3, b"CANARY-3"),
                (3, b"PART"),
                (0, &[1]),
                (1, &[0x12, 0x34]),
            ],
        );
        push_area(
            &mut image,
            4,
            &[0],
            &[
                (3, b"Maker"),
                (3, b"Product"),
                (3, b"PART"),
                (3, b"v1"),
                (3, b"CANARY-4"),
                (3, b"CANARY-5"),
                (3, b"file"),
                (2, &[0x29, 0xdc, 0xa6]),
            ],
        );
        image[1] = u8::try_from(image.len() / 8).unwrap();
        image.extend(b"\x01internal CANARY-6 use  ");
        image[5] = u8::try_from(image.len() / 8).unwrap();
        push_record(&mut image, 0x00, false, &[7; 24]);
        push_record(&mut image, 0x03, false, b"\x01CANARY-7");
        push_record(&mut image, 0xc0, true, b"\xa2\x02\x00CANARY-8");
        image.extend(b"behind all: CANARY-9");
        let sum = image[..7]
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        image[7] = 0_u8.wrapping_sub(sum);
        image
    }

    #[test]
    fn what_is_personal_is_gone_and_the_rest_is_as_it_was() {
        let mut changed = image();
        let secrets = remove(&mut changed);
        assert_eq!(changed.len(), image().len());
        let gone = |text: &[u8]| !changed.windows(text.len()).any(|window| window == text);
        assert!(gone(b"CANARY"));
        assert!(gone(b"residue"));
        assert!(secrets.contains(&b"CANARY-5".to_vec()));

        let fru = Fru::decode(&changed).unwrap();
        assert!(fru.checksums_match());
        let labels = fru.labels();
        assert_eq!(
            (&*labels.board_name, &*labels.product_name),
            ("Board", "Product")
        );
        assert_eq!(labels.board_part_number, "PART");
        assert_eq!(labels.product_serial, "XXXXXXXX");
        assert_eq!(&*fru.product().unwrap().version.text, "v1");
        assert_eq!(&*fru.board().unwrap().custom[0].text, "0000");
        let records = fru.multi_records.unwrap().records;
        assert_eq!(records.len(), 3);
        assert!(records.iter().all(|record| {
            record.data_checksum == Checksum::Right && record.header_checksum == Checksum::Right
        }));
        assert_eq!(*records[0].data, [7; 24]);
        assert_eq!(*records[2].data, *b"\xa2\x02\x00\0\0\0\0\0\0\0\0");
        // A second time there is nothing left to do.
        let again = changed.clone();
        remove(&mut changed);
        assert_eq!(changed, again);
    }

    #[test]
    fn a_wrong_checksum_stays_as_wrong() {
        let mut odd = image();
        odd[15] ^= 0x40;
        let before = Fru::decode(&odd)
            .unwrap()
            .chassis
            .unwrap()
            .unwrap()
            .checksum;
        remove(&mut odd);
        let after = Fru::decode(&odd)
            .unwrap()
            .chassis
            .unwrap()
            .unwrap()
            .checksum;
        assert_eq!((before, after), (Checksum::Wrong, Checksum::Wrong));
    }

    #[test]
    fn blank_images_stay_and_unknown_ones_are_emptied() {
        for blank in [vec![0xff; 64], vec![0; 64], Vec::new()] {
            let mut image = blank.clone();
            assert!(remove(&mut image).is_empty());
            assert_eq!(image, blank);
        }
        let mut unknown = b"\x00\x01\x02\x03\x04\x05\x06\x07what is this?".to_vec();
        remove(&mut unknown);
        assert_eq!(
            unknown,
            b"\x00\x01\x02\x03\x04\x05\x06\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"
        );
    }

    proptest! {
        #[test]
        fn any_image_is_survived(
            mut image in proptest::collection::vec(prop_oneof![Just(1_u8), Just(2), any::<u8>()], 0..300),
        ) {
            let length = image.len();
            let decodes = Fru::decode(&image).is_ok();
            remove(&mut image);
            prop_assert_eq!(image.len(), length);
            prop_assert_eq!(Fru::decode(&image).is_ok(), decodes);
        }
    }
}
