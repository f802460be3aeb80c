//! Reading a repository from a source that answers as it likes.
//!
//! Must hold: the walk ends, within its limits, for every source.

use rmcp_ipmi::sdr::repository::{
    DeviceWalk, MAX_BYTES, MAX_RECORDS, MAX_REQUESTS, Outcome, ReadSize, Source, Step, Walk,
};

use super::input::Input;

/// Requests, and a wait behind each of them.
const MAX_STEPS: u32 = 2 * MAX_REQUESTS + 1_000;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let source = if flags & 1 == 0 {
        Source::Repository
    } else {
        Source::Device
    };
    let read_size = match flags >> 1 {
        0 => ReadSize::Whole,
        size => ReadSize::Pieces(size),
    };
    let mut answer = Answers {
        input,
        repeat: flags & 0x80 != 0,
        last: 0,
    };
    if flags & 0x41 == 0x41 {
        return walk_over_luns(answer, read_size);
    }
    let mut walk = Walk::new(source, read_size);
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps <= MAX_STEPS, "the walk never ends");
        let step = walk.step();
        match step {
            Step::Done => break,
            Step::Wait(_) => walk.feed(Outcome::Waited),
            Step::GetInfo | Step::Reserve | Step::GetSdr(_) => {
                answer.feed(&mut |outcome| walk.feed(outcome), step);
            }
        }
        assert!(walk.records().len() <= MAX_RECORDS);
        let (done, _) = walk.progress();
        assert!(done <= MAX_RECORDS);
    }
    let Ok(repository) = walk.finish() else {
        return;
    };
    assert!(repository.records.len() <= MAX_RECORDS);
    let bytes: usize = repository
        .records
        .iter()
        .map(|record| record.bytes.len())
        .sum();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}

/// The same for the walk over Device SDRs, four LUNs twice at most.
fn walk_over_luns(mut answer: Answers<'_>, read_size: ReadSize) {
    let mut walk = DeviceWalk::new(read_size);
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps <= 8 * MAX_STEPS, "the walk never ends");
        let step = walk.step();
        match step {
            Step::Done => break,
            Step::Wait(_) => walk.feed(Outcome::Waited),
            Step::GetInfo | Step::Reserve | Step::GetSdr(_) => {
                answer.feed(&mut |outcome| walk.feed(outcome), step);
            }
        }
        assert!(walk.record_count() <= 2 * MAX_RECORDS);
    }
    if let Ok(found) = walk.finish() {
        assert!(found.records.len() <= MAX_RECORDS);
    }
}

struct Answers<'a> {
    input: Input<'a>,
    /// At the end of the input go on with the last kind of answer.
    repeat: bool,
    last: u8,
}

impl Answers<'_> {
    fn feed(&mut self, feed: &mut dyn FnMut(Outcome<'_>), step: Step) {
        if !self.input.is_empty() {
            self.last = self.input.byte();
        } else if !self.repeat {
            feed(Outcome::Silence);
            return;
        }
        match self.last % 8 {
            0 => feed(Outcome::Silence),
            1 => feed(Outcome::Refused(self.input.byte().max(1))),
            2 => feed(Outcome::Data(self.input.slice())),
            // A whole or partial answer as an honest BMC gives it; the next id
            // follows, or comes from the input.
            kind => {
                let next = if kind == 3 {
                    Some(self.input.u16())
                } else {
                    None
                };
                let body_length = self.input.byte();
                let answer = honest(step, next, body_length);
                feed(Outcome::Data(&answer));
            }
        }
    }
}

fn honest(step: Step, next: Option<u16>, body_length: u8) -> Vec<u8> {
    let request = match step {
        Step::Reserve => return vec![0x34, 0x12],
        Step::GetInfo => return vec![0x51, 3, 0, 0xff, 0xff, 1, 0, 0, 0, 1, 0, 0, 0, 0x22],
        Step::GetSdr(request) => request,
        Step::Wait(_) | Step::Done => return Vec::new(),
    };
    let [low, high] = request.record_id.0.to_le_bytes();
    let mut record = vec![low, high, 0x51, 0xc0, body_length];
    record.extend((0..body_length).map(|n| n.wrapping_mul(37)));
    let next = next.unwrap_or_else(|| request.record_id.0.wrapping_add(1));
    let mut answer = next.to_le_bytes().to_vec();
    answer.extend(
        record
            .iter()
            .skip(usize::from(request.offset))
            .take(usize::from(request.count)),
    );
    answer
}
