//! The walk against a small repository with every known misbehaviour.

use proptest::prelude::*;

use super::*;

/// A BMC with a repository of `records`; fields switch misbehaviours on.
struct Bmc {
    records: Vec<Vec<u8>>,
    /// Most data bytes in an answer, next id not counted.
    most: usize,
    /// What a too long read gets.
    too_long: Option<u8>,
    info_code: u8,
    reserve_code: u8,
    count: u16,
    stamp: u32,
    reservation: u16,
    /// Partial reads before the reservation is lost.
    lose_reservation_every: u32,
    partial_reads: u32,
    last_is_refused: bool,
    end: u16,
    requests: u32,
    stamps_move: bool,
    busy_for: u32,
}

fn record(id: u16, length: u8) -> Vec<u8> {
    let [low, high] = id.to_le_bytes();
    let mut bytes = vec![low, high, 0x51, 0xc0, length];
    bytes.extend((0..length).map(|byte| byte ^ low));
    bytes
}

impl Bmc {
    fn new() -> Self {
        let records: Vec<Vec<u8>> = [43, 64, 7, 0, 59, 20, 51]
            .into_iter()
            .zip(1_u16..)
            .map(|(length, id)| record(id, length))
            .collect();
        Self {
            count: u16::try_from(records.len()).unwrap(),
            records,
            most: 255,
            too_long: Some(0xca),
            info_code: 0,
            reserve_code: 0,
            stamp: 1000,
            reservation: 0,
            lose_reservation_every: u32::MAX,
            partial_reads: 0,
            last_is_refused: false,
            end: 0xffff,
            requests: 0,
            stamps_move: false,
            busy_for: 0,
        }
    }

    fn answer(&mut self, step: Step) -> Result<Vec<u8>, Option<u8>> {
        self.requests += 1;
        if self.busy_for > 0 {
            self.busy_for -= 1;
            return Err(Some(0xc0));
        }
        match step {
            Step::GetInfo if self.info_code != 0 => Err(Some(self.info_code)),
            Step::GetInfo => {
                if self.stamps_move {
                    self.stamp += 1;
                }
                Ok(RepositoryInfo {
                    version: 0x51,
                    record_count: self.count,
                    free_bytes: 0,
                    addition_time: self.stamp,
                    erase_time: 5,
                    operations: super::super::OperationSupport(2),
                }
                .encode()
                .to_vec())
            }
            Step::Reserve if self.reserve_code != 0 => Err(Some(self.reserve_code)),
            Step::Reserve => {
                self.reservation += 1;
                Ok(self.reservation.to_le_bytes().to_vec())
            }
            Step::GetSdr(request) => self.get_sdr(request),
            Step::Wait(_) | Step::Done => panic!("not a request: {step:?}"),
        }
    }

    fn get_sdr(&mut self, request: GetSdr) -> Result<Vec<u8>, Option<u8>> {
        let index = usize::from(request.record_id.0).saturating_sub(1);
        let last = index + 1 == self.records.len();
        if last && self.last_is_refused {
            return Err(Some(0xc3));
        }
        if request.offset != 0 {
            self.partial_reads += 1;
            if self
                .partial_reads
                .is_multiple_of(self.lose_reservation_every)
            {
                self.reservation += 1;
            }
            if self.reserve_code == 0 && request.reservation != self.reservation {
                return Err(Some(0xc5));
            }
        }
        let record = self.records.get(index).ok_or(Some(0xcb))?;
        let from = usize::from(request.offset);
        let to = match request.count {
            0xff => record.len(),
            count => (from + usize::from(count)).min(record.len()),
        };
        let next = if last {
            self.end
        } else {
            u16::try_from(index + 2).unwrap()
        };
        let mut data = next.to_le_bytes().to_vec();
        if to - from > self.most {
            match self.too_long {
                Some(0) => data.extend_from_slice(&record[from..from + self.most]),
                code => return Err(code),
            }
        } else {
            data.extend_from_slice(&record[from..to]);
        }
        Ok(data)
    }
}

fn drive(bmc: &mut Bmc, mut walk: Walk) -> Result<Repository, WalkError> {
    for _ in 0..MAX_REQUESTS + 10 {
        match walk.step() {
            Step::Done => return walk.finish(),
            Step::Wait(_) => walk.feed(Outcome::Waited),
            step => match bmc.answer(step) {
                Ok(data) => walk.feed(Outcome::Data(&data)),
                Err(Some(code)) => walk.feed(Outcome::Refused(code)),
                Err(None) => walk.feed(Outcome::Silence),
            },
        }
    }
    panic!("the walk goes on for ever");
}

fn walk(bmc: &mut Bmc) -> Repository {
    drive(bmc, Walk::new(Source::Repository, ReadSize::Whole)).unwrap()
}

fn bytes(repository: &Repository) -> Vec<Vec<u8>> {
    repository
        .records
        .iter()
        .map(|record| record.bytes.to_vec())
        .collect()
}

#[test]
fn whole_records_cost_one_request_each() {
    let mut bmc = Bmc::new();
    let repository = walk(&mut bmc);
    assert_eq!(bytes(&repository), bmc.records);
    assert_eq!(repository.end, ChainEnd::Mark);
    assert_eq!(repository.read_size, ReadSize::Whole);
    assert!(!repository.changed && repository.skipped.is_empty());
    // Two for the info before and after, none for a reservation.
    assert_eq!(bmc.requests, 7 + 2);
    assert_eq!(repository.info.unwrap().record_count, 7);
}

#[test]
fn piece_size_is_learned_and_handed_on() {
    for (most, size) in [(33, 30), (30, 30), (29, 24), (16, 16), (10, 8), (5, 5)] {
        for too_long in [
            Some(0xca),
            Some(0xff),
            Some(0xc8),
            Some(0xc7),
            Some(0),
            None,
        ] {
            let mut bmc = Bmc {
                most,
                too_long,
                ..Bmc::new()
            };
            let repository = walk(&mut bmc);
            assert_eq!(bytes(&repository), bmc.records, "{most} {too_long:?}");
            assert_eq!(
                repository.read_size,
                ReadSize::Pieces(size),
                "{most} {too_long:?}"
            );
            let first = bmc.requests;
            let again = drive(
                &mut bmc,
                Walk::new(Source::Repository, repository.read_size),
            );
            assert_eq!(bytes(&again.unwrap()), bmc.records);
            assert!(
                bmc.requests - first < first,
                "the second walk knows the size"
            );
        }
    }
}

#[test]
fn longest_records_are_read_whole_and_in_pieces() {
    let longest = vec![record(1, 255), record(2, 9)];
    for most in [260, 33, 24, 20, 16, 12, 8, 5] {
        let mut bmc = Bmc {
            records: longest.clone(),
            count: 2,
            most,
            ..Bmc::new()
        };
        assert_eq!(bytes(&walk(&mut bmc)), longest, "{most}");
    }
}

#[test]
fn one_silent_whole_read_does_not_end_whole_reads() {
    let mut bmc = Bmc::new();
    let mut walk = Walk::new(Source::Repository, ReadSize::Whole);
    let info = bmc.answer(walk.step()).unwrap();
    walk.feed(Outcome::Data(&info));
    walk.feed(Outcome::Silence);
    let repository = drive(&mut bmc, walk).unwrap();
    assert_eq!(bytes(&repository), bmc.records);
    assert_eq!(repository.read_size, ReadSize::Whole);
}

#[test]
fn reservation_is_renewed_and_the_record_read_again() {
    let mut bmc = Bmc {
        most: 20,
        lose_reservation_every: 7,
        ..Bmc::new()
    };
    assert_eq!(bytes(&walk(&mut bmc)), bmc.records);
    let mut bmc = Bmc {
        most: 20,
        lose_reservation_every: 1,
        ..Bmc::new()
    };
    assert_eq!(
        drive(&mut bmc, Walk::new(Source::Repository, ReadSize::Whole)),
        Err(WalkError::ReservationLost)
    );
}

#[test]
fn refused_info_and_reservation_do_not_matter() {
    for code in [0xc1, 0xd4] {
        let mut bmc = Bmc {
            most: 20,
            info_code: code,
            reserve_code: code,
            ..Bmc::new()
        };
        let repository = walk(&mut bmc);
        assert_eq!(bytes(&repository), bmc.records);
        assert_eq!(repository.info, None);
    }
}

#[test]
fn last_record_that_is_refused_is_left_out() {
    let mut bmc = Bmc {
        last_is_refused: true,
        ..Bmc::new()
    };
    let repository = walk(&mut bmc);
    assert_eq!(bytes(&repository), bmc.records[..6]);
    assert_eq!(repository.skipped, [RecordId(7)]);
    assert_eq!(repository.end, ChainEnd::LastUnreadable);
}

#[test]
fn other_record_that_is_refused_ends_the_walk() {
    let mut bmc = Bmc {
        last_is_refused: true,
        count: 20,
        ..Bmc::new()
    };
    assert_eq!(
        drive(&mut bmc, Walk::new(Source::Repository, ReadSize::Whole)),
        Err(WalkError::Unreadable {
            record_id: RecordId(7),
            code: 0xc3
        })
    );
}

#[test]
fn loops_are_cut() {
    for end in [0, 1, 2, 4, 7] {
        let mut bmc = Bmc { end, ..Bmc::new() };
        let repository = walk(&mut bmc);
        assert_eq!(bytes(&repository), bmc.records, "back to {end}");
        assert_eq!(repository.end, ChainEnd::Loop);
    }
}

#[test]
fn ids_inside_records_need_not_match() {
    let mut bmc = Bmc::new();
    bmc.records[2][0] = 0x77;
    let repository = walk(&mut bmc);
    assert_eq!(bytes(&repository), bmc.records);
    assert_eq!(repository.records[2].requested, RecordId(3));
}

#[test]
fn change_during_the_walk_reads_again_once() {
    let mut bmc = Bmc {
        stamps_move: true,
        ..Bmc::new()
    };
    let repository = walk(&mut bmc);
    assert_eq!(bytes(&repository), bmc.records);
    assert!(repository.changed);
    assert_eq!(bmc.requests, 3 + 2 * 7);
}

#[test]
fn busy_is_waited_for_within_bounds() {
    let mut bmc = Bmc {
        busy_for: 5,
        ..Bmc::new()
    };
    assert_eq!(bytes(&walk(&mut bmc)), bmc.records);
    let mut bmc = Bmc {
        busy_for: u32::MAX,
        ..Bmc::new()
    };
    assert_eq!(
        drive(&mut bmc, Walk::new(Source::Repository, ReadSize::Whole)),
        Err(WalkError::Busy)
    );
}

#[test]
fn dead_bmc_is_noticed_at_once() {
    let mut walk = Walk::new(Source::Repository, ReadSize::Whole);
    walk.feed(Outcome::Silence);
    assert_eq!(walk.step(), Step::Done);
    assert_eq!(walk.finish(), Err(WalkError::Silent));
}

#[test]
fn device_records_need_no_info() {
    let mut bmc = Bmc::new();
    let walk = Walk::new(Source::Device, ReadSize::Whole);
    assert!(matches!(walk.step(), Step::GetSdr(_)));
    let repository = drive(&mut bmc, walk).unwrap();
    assert_eq!(bytes(&repository), bmc.records);
    assert_eq!(bmc.requests, 7);
}

#[test]
fn endless_chain_stops_at_the_record_limit() {
    let mut walk = Walk::new(Source::Device, ReadSize::Whole);
    while let Step::GetSdr(request) = walk.step() {
        let id = request.record_id.0;
        let mut data = (id + 1).to_le_bytes().to_vec();
        data.extend(record(id, 3));
        walk.feed(Outcome::Data(&data));
    }
    let repository = walk.finish().unwrap();
    assert_eq!(repository.records.len(), MAX_RECORDS);
    assert_eq!(repository.end, ChainEnd::Limit);
}

#[test]
fn unfinished_walk_has_no_result() {
    let walk = Walk::new(Source::Repository, ReadSize::Whole);
    assert_eq!(walk.finish(), Err(WalkError::Unfinished));
}

#[test]
fn request_bytes() {
    let request = GetSdr {
        reservation: 0x1234,
        record_id: RecordId(0x5678),
        offset: 5,
        count: 30,
    };
    assert_eq!(request.encode(), [0x34, 0x12, 0x78, 0x56, 5, 30]);
}

/// What a hostile BMC may come up with.
fn any_answer() -> impl Strategy<Value = Result<Vec<u8>, Option<u8>>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(Ok),
        // Records with a header that fits, in a chain that goes anywhere.
        8 => (0_u16..40, 0_u16..40, 0_u8..40).prop_map(|(next, id, length)| {
            let mut data = next.to_le_bytes().to_vec();
            data.extend(record(id, length));
            Ok(data)
        }),
        2 => prop::sample::select(vec![0xc0_u8, 0xc1, 0xc3, 0xc5, 0xca, 0xcb, 0xd0, 0xff, 0x80])
            .prop_map(|code| Err(Some(code))),
        1 => Just(Err(None)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn walk_ends_whatever_the_answers(answers in proptest::collection::vec(any_answer(), 1..60), device in any::<bool>()) {
        let source = if device { Source::Device } else { Source::Repository };
        let mut walk = Walk::new(source, ReadSize::Whole);
        let mut steps = 0_u32;
        for answer in answers.iter().cycle() {
            match walk.step() {
                Step::Done => break,
                Step::Wait(_) => walk.feed(Outcome::Waited),
                _ => match answer {
                    Ok(data) => walk.feed(Outcome::Data(data)),
                    Err(Some(code)) => walk.feed(Outcome::Refused(*code)),
                    Err(None) => walk.feed(Outcome::Silence),
                },
            }
            steps += 1;
            prop_assert!(steps <= MAX_REQUESTS + 1);
        }
        prop_assert!(walk.records().len() <= MAX_RECORDS);
        if let Ok(repository) = walk.finish() {
            let bytes: usize = repository.records.iter().map(|record| record.bytes.len()).sum();
            prop_assert!(bytes <= MAX_BYTES);
        }
    }
}
