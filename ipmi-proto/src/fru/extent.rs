//! How far an image has to be read.

use super::multi_record::{self, MAX_RECORDS};
use super::{CommonHeader, area};
use crate::wire::Reader;

/// How many bytes from the start are needed, as far as `prefix` tells. It never
/// shrinks as the prefix grows, and once it is covered, the image is read.
///
/// The announced size is not the measure: devices announce their whole memory,
/// most of which is empty, or more than they have.
pub(super) fn extent(prefix: &[u8]) -> usize {
    let Ok(header) = CommonHeader::decode(prefix) else {
        return CommonHeader::LENGTH;
    };
    let areas = [header.chassis, header.board, header.product]
        .into_iter()
        .flatten()
        .map(|offset| area_end(prefix, offset));
    let records = header
        .multi_records
        .map(|offset| records_end(prefix, offset));
    areas
        .chain(records)
        .max()
        .unwrap_or(0)
        .max(CommonHeader::LENGTH)
}

fn area_end(prefix: &[u8], offset: usize) -> usize {
    const UP_TO_LENGTH: usize = 2;
    let length = area::length(prefix.get(offset..).unwrap_or_default());
    offset.saturating_add(length.ok().flatten().unwrap_or(UP_TO_LENGTH))
}

fn records_end(prefix: &[u8], offset: usize) -> usize {
    let mut reader = Reader::new(prefix.get(offset..).unwrap_or_default());
    let mut end = offset;
    for _ in 0..MAX_RECORDS {
        let header = reader.array("multi-record header");
        end = end.saturating_add(multi_record::Header::LENGTH);
        let Some(header) = header.ok().and_then(multi_record::Header::decode) else {
            break;
        };
        let length = usize::from(header.length);
        end = end.saturating_add(length);
        if header.last || reader.take(length, "multi-record").is_err() {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_read(&[], 8)]
    #[case::blank(&[0xff; 65_535], 8)]
    #[case::no_areas(&hex!("01 01 00 00 00 00 00 fe"), 8)]
    #[case::up_to_the_length(&hex!("01 00 00 01 00 00 00 fe"), 10)]
    #[case::up_to_the_end(&hex!("01 00 00 01 00 00 00 fe 01 09"), 80)]
    #[case::no_area_there(&hex!("01 00 00 01 00 00 00 fe ff ff"), 10)]
    #[case::first_record(&hex!("01 00 00 00 00 01 00 fe"), 13)]
    #[case::its_data(&hex!("01 00 00 00 00 01 00 fe c0 02 02 fd 3f"), 15)]
    #[case::next_record(&hex!("01 00 00 00 00 01 00 fe c0 02 02 fd 3f 01 02"), 20)]
    #[case::last_record(&hex!("01 00 00 00 00 01 00 fe c0 82 02 fd bf 01 02"), 15)]
    fn reads_what_matters(#[case] prefix: &[u8], #[case] bytes: usize) {
        assert_eq!(extent(prefix), bytes);
    }

    proptest! {
        #[test]
        fn never_shrinks(
            areas in proptest::array::uniform5(0_u8..12),
            bytes in proptest::collection::vec(prop_oneof![Just(1_u8), Just(2), any::<u8>()], 0..120),
        ) {
            let mut image = vec![1];
            image.extend(areas);
            image.extend([0, 0]);
            image.extend(bytes);
            let mut last = 0;
            for end in 0..=image.len() {
                let next = extent(&image[..end]);
                prop_assert!(next >= last);
                last = next;
            }
        }
    }
}
