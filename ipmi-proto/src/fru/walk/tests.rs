//! The walk against devices that behave, and against those that don't.

use hex_literal::hex;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// A board area of 24 bytes behind the header, then a record of 6 bytes.
const IMAGE: [u8; 46] = hex!(
    "01 00 00 01 00 05 00 f9"
    "01 03 19 5a 8f b0 c4 44 45 4c 4c c2 4e 4e c2 53 53 c2 50 50 c1 00 00 97"
    "00 00 00 00 00 00 00 00"
    "c0 82 01 ff be 01"
);

/// A device, and how much it gives out.
struct Device {
    image: Vec<u8>,
    announced: u16,
    access: Access,
    /// Reads of more bytes than this are refused with this code; `None` is
    /// silence.
    too_many: (u8, Option<u8>),
    /// Reads beyond the image.
    beyond: u8,
    reads: Vec<Piece>,
}

impl Device {
    fn new(image: &[u8]) -> Self {
        Self {
            image: image.to_vec(),
            announced: u16::try_from(image.len()).unwrap(),
            access: Access::Bytes,
            too_many: (u8::MAX, None),
            beyond: 0xc9,
            reads: Vec::new(),
        }
    }

    fn answer(&mut self, step: Step) -> Result<Vec<u8>, Option<u8>> {
        let piece = match step {
            Step::GetAreaInfo => {
                let [low, high] = self.announced.to_le_bytes();
                return Ok(vec![low, high, u8::from(self.access == Access::Words)]);
            }
            Step::Read(piece) => piece,
            other => panic!("nothing to answer: {other:?}"),
        };
        self.reads.push(piece);
        let unit = usize::from(self.access.unit());
        let offset = usize::from(piece.offset) * unit;
        let count = usize::from(piece.count) * unit;
        if count > usize::from(self.too_many.0) {
            return Err(self.too_many.1);
        }
        match self.image.get(offset..offset + count) {
            Some(bytes) => Ok([&[piece.count], bytes].concat()),
            None => Err(Some(self.beyond)),
        }
    }

    fn read(&mut self, size: ReadSize) -> Result<FruRead, WalkError> {
        let mut walk = Walk::new(size);
        while walk.step() != Step::Done {
            match self.answer(walk.step()) {
                Ok(data) => walk.feed(Outcome::Data(&data)),
                Err(Some(code)) => walk.feed(Outcome::Refused(code)),
                Err(None) => walk.feed(Outcome::Silence),
            }
        }
        walk.finish()
    }
}

#[test]
fn reads_up_to_the_last_area_and_no_farther() {
    let mut image = IMAGE.to_vec();
    image.resize(65_535, 0xff);
    let mut device = Device::new(&image);
    let read = device.read(ReadSize::default()).unwrap();
    assert_eq!(read.end, ReadEnd::Complete);
    assert_eq!(read.bytes, image[..64]);
    assert_eq!(device.reads.len(), 2);
}

#[rstest]
#[case::cannot_return_that_many(Some(0xca))]
#[case::field_too_long(Some(0xc8))]
#[case::wrong_length(Some(0xc7))]
#[case::time_out(Some(0xc3))]
#[case::unspecified(Some(0xff))]
#[case::silence(None)]
fn size_shrinks_until_it_fits_and_is_learned(#[case] refusal: Option<u8>) {
    let mut device = Device::new(&IMAGE);
    device.too_many = (16, refusal);
    let read = device.read(ReadSize::default()).unwrap();
    assert_eq!(read.bytes, IMAGE);
    assert_eq!(read.end, ReadEnd::Complete);
    assert_eq!(read.read_size, ReadSize::new(16));

    let mut device = Device::new(&IMAGE);
    device.too_many = (16, refusal);
    let read = device.read(read.read_size).unwrap();
    assert_eq!(read.bytes, IMAGE);
    assert_eq!(device.reads.len(), 3);
}

#[rstest]
#[case::even(46)]
// The last word reaches beyond what is needed.
#[case::odd(45)]
fn words(#[case] announced: u16) {
    let mut device = Device::new(&IMAGE);
    device.access = Access::Words;
    device.announced = announced;
    let read = device.read(ReadSize::default()).unwrap();
    assert_eq!(read.bytes, IMAGE);
    let pieces = [(0, 16), (16, 7)].map(|(offset, count)| Piece { offset, count });
    assert_eq!(device.reads, pieces);
}

#[rstest]
#[case::out_of_range(0xc9)]
#[case::too_many(0xca)]
fn a_size_that_lies_costs_nothing_that_is_needed(#[case] beyond: u8) {
    let mut device = Device::new(&IMAGE);
    device.announced = 2048;
    device.beyond = beyond;
    let read = device.read(ReadSize::default()).unwrap();
    assert_eq!(read.bytes, IMAGE);
    assert_eq!(read.end, ReadEnd::Complete);
    assert_eq!(read.read_size, ReadSize::default());
}

#[test]
fn what_arrived_before_an_error_is_kept() {
    let mut device = Device::new(&IMAGE[..40]);
    device.announced = 2048;
    let read = device.read(ReadSize::new(8)).unwrap();
    assert_eq!(read.bytes, IMAGE[..40]);
    assert_eq!(read.end, ReadEnd::Partial);
}

#[test]
fn a_size_that_is_too_small_is_said() {
    let mut device = Device::new(&IMAGE);
    device.announced = 20;
    let read = device.read(ReadSize::default()).unwrap();
    assert_eq!(read.bytes, IMAGE[..20]);
    assert_eq!(read.end, ReadEnd::AnnouncedSize);
}

#[test]
fn the_longest_image_ends_at_the_limit() {
    // Records without end, in the middle of 64 KiB.
    let mut image = hex!("01 00 00 00 00 ff 00 00").to_vec();
    image.resize(2040, 0);
    for _ in 0..240 {
        image.extend(hex!("c0 02 ff 00 00"));
        image.extend([0; 255]);
    }
    let read = Device::new(&image).read(ReadSize::default()).unwrap();
    assert_eq!(read.bytes.len(), MAX_BYTES);
    assert_eq!(read.end, ReadEnd::Limit);
}

#[test]
fn blank_devices_are_read_once() {
    let mut device = Device::new(&[0xff; 65_535]);
    let read = device.read(ReadSize::default()).unwrap();
    assert_eq!(read.end, ReadEnd::Complete);
    assert_eq!(device.reads.len(), 1);
}

#[rstest]
#[case::counts_too_much(&[16, 1, 2], 8, Some(&[1, 2][..]))]
#[case::stray_bytes(&[2, 1, 2, 3, 4], 8, Some(&[1, 2][..]))]
#[case::more_than_asked(&[4, 1, 2, 3, 4], 2, Some(&[1, 2][..]))]
#[case::nothing(&[0], 8, None)]
#[case::no_count(&[], 8, None)]
fn answers_are_taken_for_what_they_hold(
    #[case] data: &[u8],
    #[case] count: u8,
    #[case] expected: Option<&[u8]>,
) {
    let reading = Reading {
        access: Access::Bytes,
        limit: 64,
        count,
    };
    assert_eq!(piece(data, reading), expected);
    // Words come whole.
    let words = Reading {
        access: Access::Words,
        ..reading
    };
    assert_eq!(
        piece(&[2, 1, 2, 3], words),
        Some(&[1, 2][..count.min(2).into()])
    );
}

#[test]
fn busy_devices_are_waited_for() {
    let mut walk = Walk::new(ReadSize::default());
    walk.feed(Outcome::Refused(0xc0));
    assert_eq!(walk.step(), Step::Wait);
    walk.feed(Outcome::Waited);
    assert_eq!(walk.step(), Step::GetAreaInfo);
    walk.feed(Outcome::Data(&[8, 0, 0]));
    walk.feed(Outcome::Refused(0x81));
    assert_eq!(walk.step(), Step::Wait);
    walk.feed(Outcome::Waited);
    assert_eq!(
        walk.step(),
        Step::Read(Piece {
            offset: 0,
            count: 8
        })
    );
    for _ in 0..MAX_WAITS {
        walk.feed(Outcome::Refused(0x81));
        walk.feed(Outcome::Waited);
    }
    assert_eq!(walk.finish(), Err(WalkError::Busy));
}

#[rstest]
#[case::silence(Outcome::Silence, WalkError::Silent)]
#[case::no_such_device(Outcome::Refused(0xcb), WalkError::Refused(0xcb))]
#[case::short(Outcome::Data(&[1]), WalkError::Malformed)]
#[case::no_bytes(Outcome::Data(&[0, 0, 0]), WalkError::Empty)]
fn nothing_to_read(#[case] outcome: Outcome<'_>, #[case] error: WalkError) {
    let mut walk = Walk::new(ReadSize::default());
    walk.feed(outcome);
    assert_eq!(walk.step(), Step::Done);
    assert_eq!(walk.finish(), Err(error));
}

#[test]
fn silence_costs_few_time_outs() {
    let mut walk = Walk::new(ReadSize::default());
    walk.feed(Outcome::Data(&[0, 8, 0]));
    for _ in 0..MAX_SILENCES {
        assert!(matches!(walk.step(), Step::Read(_)));
        walk.feed(Outcome::Silence);
    }
    assert_eq!(walk.finish(), Err(WalkError::Silent));
}

#[test]
fn a_walk_may_be_finished_early() {
    let walk = Walk::new(ReadSize::default());
    assert_eq!(walk.finish(), Err(WalkError::Unfinished));

    let mut walk = Walk::new(ReadSize::new(16));
    walk.feed(Outcome::Data(&[0, 8, 0]));
    let data = [&[16], &IMAGE[..16]].concat();
    walk.feed(Outcome::Data(&data));
    assert_eq!(walk.bytes(), &IMAGE[..16]);
    let read = walk.finish().unwrap();
    assert_eq!((read.end, read.bytes.len()), (ReadEnd::Partial, 16));
}

#[test]
fn odd_sizes_from_an_old_cache_are_taken() {
    assert_eq!(ReadSize::new(0).bytes(), ReadSize::FLOOR);
    assert_eq!(ReadSize::new(17).bytes(), 16);
    assert_eq!(ReadSize::new(255).bytes(), 254);
    assert_eq!(ReadSize::new(4).smaller(3), None);
}

fn any_answer() -> impl Strategy<Value = Result<Vec<u8>, Option<u8>>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Ok),
        4 => proptest::collection::vec(Just(2_u8), 1..40).prop_map(|mut data| {
            data[0] = 255;
            Ok(data)
        }),
        2 => Just(Ok([&[46], &IMAGE[..]].concat())),
        1 => Just(Ok(vec![0xff; 65_535])),
        1 => any::<u8>().prop_map(|code| Err(Some(code))),
        1 => Just(Err(Some(0x81))),
        1 => Just(Err(None)),
    ]
}

proptest! {
    #[test]
    fn walk_ends_whatever_the_answers(
        answers in proptest::collection::vec(any_answer(), 1..40),
        info in any::<Option<[u8; 3]>>(),
        size in any::<u8>(),
    ) {
        let mut walk = Walk::new(ReadSize::new(size));
        if let Some(info) = info {
            walk.feed(Outcome::Data(&info));
        }
        let mut steps = 0;
        for answer in answers.iter().cycle() {
            match walk.step() {
                Step::Done => break,
                Step::Wait => walk.feed(Outcome::Waited),
                _ => match answer {
                    Ok(data) => walk.feed(Outcome::Data(data)),
                    Err(Some(code)) => walk.feed(Outcome::Refused(*code)),
                    Err(None) => walk.feed(Outcome::Silence),
                },
            }
            steps += 1;
            prop_assert!(steps <= usize::from(MAX_REQUESTS) + 2 * usize::from(MAX_WAITS) + 2);
        }
        if let Ok(read) = walk.finish() {
            prop_assert!(read.bytes.len() <= MAX_BYTES);
            let _ = crate::fru::Fru::decode(&read.bytes);
        }
    }

    #[test]
    fn every_device_is_read_whole(
        size in any::<u8>(),
        most in 4_u8..40,
        code in prop_oneof![Just(0xc3), Just(0xc7), Just(0xc8), Just(0xca), Just(0xff)],
        words in any::<bool>(),
        announced in 46_u16..,
    ) {
        let mut device = Device::new(&IMAGE);
        device.too_many = (most, Some(code));
        device.announced = announced;
        if words {
            device.access = Access::Words;
        }
        let read = device.read(ReadSize::new(size)).unwrap();
        prop_assert_eq!(&read.bytes[..IMAGE.len()], &IMAGE[..]);
        prop_assert_eq!(read.end, ReadEnd::Complete);
    }
}
