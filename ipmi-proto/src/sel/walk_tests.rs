//! The walk against a small log with every known misbehaviour.

use proptest::prelude::*;

use super::*;

struct Bmc {
    /// `(id, own bytes)`, in order.
    log: Vec<(u16, [u8; 16])>,
    erase_time: u32,
    count: Option<u16>,
    info_code: u8,
    end: u16,
    erasing_for: u32,
    requests: u32,
}

fn entry(id: u16, seed: u8) -> [u8; 16] {
    let mut bytes = [seed; 16];
    let [low, high] = id.to_le_bytes();
    (bytes[0], bytes[1], bytes[2]) = (low, high, 2);
    bytes
}

impl Bmc {
    fn new(entries: u16) -> Self {
        Self {
            log: (1..=entries).map(|id| (id, entry(id, 7))).collect(),
            erase_time: 50,
            count: None,
            info_code: 0,
            end: 0xffff,
            erasing_for: 0,
            requests: 0,
        }
    }

    fn add(&mut self, seed: u8) {
        let id = self.log.last().map_or(1, |&(id, _)| id + 1);
        self.log.push((id, entry(id, seed)));
    }

    fn clear(&mut self) {
        self.log.clear();
        self.erase_time += 1;
    }

    fn answer(&mut self, step: Step) -> Result<Vec<u8>, u8> {
        self.requests += 1;
        if self.erasing_for > 0 {
            self.erasing_for -= 1;
            return Err(0x81);
        }
        match step {
            Step::GetInfo if self.info_code != 0 => Err(self.info_code),
            Step::GetInfo => {
                let count = u16::try_from(self.log.len()).unwrap();
                let mut data = vec![0x51];
                data.extend(self.count.unwrap_or(count).to_le_bytes());
                data.extend([0xf0, 0x3d]);
                data.extend(100_u32.to_le_bytes());
                data.extend(self.erase_time.to_le_bytes());
                data.push(2);
                Ok(data)
            }
            Step::GetEntry(id) => {
                let index = if id == EntryId::FIRST {
                    0
                } else {
                    let found = self.log.iter().position(|&(known, _)| known == id.0);
                    found.ok_or(0xcb)?
                };
                let (_, bytes) = self.log.get(index).ok_or(0xcb)?;
                let next = self.log.get(index + 1).map_or(self.end, |&(id, _)| id);
                let mut data = next.to_le_bytes().to_vec();
                data.extend(bytes);
                Ok(data)
            }
            Step::Wait | Step::Done => panic!("not a request: {step:?}"),
        }
    }
}

fn drive(bmc: &mut Bmc, resume: Option<Position>) -> Result<LogRead, WalkError> {
    let mut walk = Walk::new(resume);
    for _ in 0..100_000 {
        match walk.step() {
            Step::Done => return walk.finish(),
            Step::Wait => walk.feed(Outcome::Waited),
            step => match bmc.answer(step) {
                Ok(data) => walk.feed(Outcome::Data(&data)),
                Err(code) => walk.feed(Outcome::Refused(code)),
            },
        }
    }
    panic!("the walk goes on for ever");
}

fn ids(read: &LogRead) -> Vec<u16> {
    read.entries
        .iter()
        .map(|entry| own_id(&entry.bytes).0)
        .collect()
}

#[test]
fn first_walk_reads_all_and_the_next_only_what_is_new() {
    let mut bmc = Bmc::new(5);
    let read = drive(&mut bmc, None).unwrap();
    assert_eq!(ids(&read), [1, 2, 3, 4, 5]);
    assert_eq!((read.start, read.end), (Start::Fresh, LogEnd::Complete));
    assert_eq!(bmc.requests, 6);

    let before = bmc.requests;
    let read = drive(&mut bmc, read.position).unwrap();
    assert_eq!((ids(&read), read.start), (vec![], Start::Resumed));
    assert_eq!(bmc.requests - before, 2);

    bmc.add(9);
    bmc.add(9);
    let read = drive(&mut bmc, read.position).unwrap();
    assert_eq!((ids(&read), read.start), (vec![6, 7], Start::Resumed));
    assert_eq!(read.position.unwrap().id, EntryId(7));
}

#[test]
fn empty_log() {
    let mut bmc = Bmc::new(0);
    let read = drive(&mut bmc, None).unwrap();
    assert_eq!((ids(&read), read.end), (vec![], LogEnd::Complete));
    assert_eq!(read.position, None);
    // Without a summary, only CBh tells.
    bmc.info_code = 0xc1;
    let read = drive(&mut bmc, None).unwrap();
    assert_eq!((ids(&read), read.end), (vec![], LogEnd::Complete));
}

#[test]
fn cleared_log_is_read_from_its_start() {
    // With and without a summary that shows it.
    for info_code in [0x00, 0xd4] {
        let mut bmc = Bmc {
            info_code,
            ..Bmc::new(3)
        };
        let position = drive(&mut bmc, None).unwrap().position;
        bmc.clear();
        for _ in 0..4 {
            bmc.add(1);
        }
        let read = drive(&mut bmc, position).unwrap();
        assert_eq!(ids(&read), [1, 2, 3, 4]);
        assert_eq!(read.start, Start::Restarted);
    }
}

#[test]
fn log_that_was_cleared_and_is_empty_restarts() {
    let mut bmc = Bmc::new(3);
    let position = drive(&mut bmc, None).unwrap().position;
    bmc.clear();
    let read = drive(&mut bmc, position).unwrap();
    assert_eq!((read.start, read.position), (Start::Restarted, None));
}

#[test]
fn wrapped_log_is_read_from_its_start() {
    let mut bmc = Bmc::new(3);
    let position = drive(&mut bmc, None).unwrap().position;
    // The oldest entries are overwritten, the stamps stay.
    bmc.log = (2..=4).map(|id| (id, entry(id, 8))).collect();
    let read = drive(&mut bmc, position).unwrap();
    assert_eq!((ids(&read), read.start), (vec![2, 3, 4], Start::Restarted));
}

#[test]
fn log_of_one_entry_resumes() {
    let mut bmc = Bmc::new(1);
    let read = drive(&mut bmc, None).unwrap();
    assert_eq!(read.position.unwrap().id, EntryId(1));
    bmc.add(3);
    let read = drive(&mut bmc, read.position).unwrap();
    assert_eq!((ids(&read), read.start), (vec![2], Start::Resumed));
}

#[test]
fn loops_are_cut() {
    for end in [0, 1, 2, 3] {
        let mut bmc = Bmc { end, ..Bmc::new(3) };
        let read = drive(&mut bmc, None).unwrap();
        assert_eq!((ids(&read), read.end), (vec![1, 2, 3], LogEnd::Loop));
    }
}

#[test]
fn missing_end_mark_is_an_end() {
    let mut bmc = Bmc {
        end: 0x77,
        ..Bmc::new(3)
    };
    let read = drive(&mut bmc, None).unwrap();
    assert_eq!((ids(&read), read.end), (vec![1, 2, 3], LogEnd::Complete));
}

#[test]
fn entry_under_two_ids_counts_once() {
    for copied in 1..=3 {
        let mut bmc = Bmc::new(3);
        let position = usize::from(copied);
        bmc.log.insert(position, (0x20, entry(copied, 7)));
        let read = drive(&mut bmc, None).unwrap();
        assert_eq!(ids(&read), [1, 2, 3]);
        let again = drive(&mut bmc, read.position).unwrap();
        assert_eq!((again.start, ids(&again)), (Start::Resumed, vec![]));
    }
}

#[test]
fn announced_count_and_slack_bound_the_walk() {
    let mut bmc = Bmc {
        count: Some(10),
        ..Bmc::new(500)
    };
    let read = drive(&mut bmc, None).unwrap();
    assert_eq!(read.end, LogEnd::Limit);
    assert_eq!(read.entries.len(), 10 + ENTRY_SLACK);
    // The next walk goes on there.
    let read = drive(&mut bmc, read.position).unwrap();
    assert_eq!(read.start, Start::Resumed);
    assert_eq!(ids(&read).first(), Some(&75));
}

#[test]
fn erase_in_progress_is_waited_for_within_bounds() {
    let mut bmc = Bmc {
        erasing_for: 4,
        ..Bmc::new(2)
    };
    assert_eq!(ids(&drive(&mut bmc, None).unwrap()), [1, 2]);
    bmc.erasing_for = u32::MAX;
    assert_eq!(drive(&mut bmc, None), Err(WalkError::Busy));
}

#[test]
fn walk_can_stop_anywhere() {
    let mut bmc = Bmc::new(6);
    let mut position = None;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let mut walk = Walk::new(position);
        for _ in 0..4 {
            match walk.step() {
                Step::Done => break,
                step => {
                    let data = bmc.answer(step).unwrap();
                    walk.feed(Outcome::Data(&data));
                }
            }
        }
        let read = walk.finish().unwrap();
        seen.extend(ids(&read));
        position = read.position;
        if read.end == LogEnd::Complete {
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn walk_stopped_before_it_looked_keeps_its_position() {
    let position = drive(&mut Bmc::new(3), None).unwrap().position;
    let read = Walk::new(position).finish().unwrap();
    assert_eq!((read.position, read.start), (position, Start::Resumed));
    let read = Walk::new(None).finish().unwrap();
    assert_eq!((read.position, read.start), (None, Start::Fresh));
}

#[test]
fn refusal_and_silence_are_errors_at_the_first_entry_only() {
    let mut walk = Walk::new(None);
    walk.feed(Outcome::Refused(0xc1));
    walk.feed(Outcome::Refused(0xd4));
    assert_eq!(walk.finish(), Err(WalkError::Refused(0xd4)));
    let mut walk = Walk::new(None);
    walk.feed(Outcome::Refused(0xc1));
    let mut data = vec![2, 0];
    data.extend(entry(1, 1));
    walk.feed(Outcome::Data(&data));
    walk.feed(Outcome::Silence);
    let read = walk.finish().unwrap();
    assert_eq!((ids(&read), read.end), (vec![1], LogEnd::Partial));
}

#[test]
fn request_bytes() {
    assert_eq!(
        Step::entry_request(EntryId(0x1234)),
        [0, 0, 0x34, 0x12, 0, 0xff]
    );
}

fn any_answer() -> impl Strategy<Value = Result<Vec<u8>, Option<u8>>> {
    prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 0..30).prop_map(Ok),
        8 => (0_u16..300, 0_u16..300, any::<u8>()).prop_map(|(next, id, seed)| {
            let mut data = next.to_le_bytes().to_vec();
            data.extend(entry(id, seed));
            Ok(data)
        }),
        1 => prop::sample::select(vec![0x81_u8, 0xc0, 0xc5, 0xcb, 0xd4])
            .prop_map(|code| Err(Some(code))),
        1 => Just(Err(None)),
    ]
}

proptest! {
    #[test]
    fn walk_ends_whatever_the_answers(
        answers in proptest::collection::vec(any_answer(), 1..40),
        resume in any::<Option<([u8; 16], u16)>>(),
    ) {
        let resume = resume.map(|(bytes, entries)| Position {
            id: own_id(&bytes),
            bytes,
            erase_time: Timestamp(1),
            entries,
        });
        let mut walk = Walk::new(resume);
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
            prop_assert!(steps <= MAX_ENTRIES + 2 * usize::from(MAX_WAITS) + 4);
        }
        if let Ok(read) = walk.finish() {
            prop_assert!(read.entries.len() <= MAX_ENTRIES);
        }
    }
}
