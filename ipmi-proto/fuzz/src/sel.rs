//! Event log entries, their words, and reading a log from a source that answers
//! as it likes.
//!
//! Must hold: an entry encodes to the bytes that it came from; texts are short;
//! the walk ends, within its limits, for every source.

use rmcp_ipmi::sdr::{Record, SensorDirectory};
use rmcp_ipmi::sel::walk::{MAX_ENTRIES, Outcome, Position, Step, Walk};
use rmcp_ipmi::sel::{Board, Entry, EntryId, Interpreter, LogInfo, Timestamp};

use super::input::Input;

const MAX_TEXT_BYTES: usize = 512;
/// One request for each entry, the information, and waits.
const MAX_STEPS: usize = 2 * MAX_ENTRIES + 1_000;

pub fn run(data: &[u8]) {
    entry(data);
    let _ = LogInfo::decode(data);
    walk(data);
}

fn entry(data: &[u8]) {
    // A board, an entry, and the record of a sensor.
    let mut input = Input::new(data);
    let board = Board {
        manufacturer_id: input.u32() & 0x0f_ffff,
        product_id: input.u16(),
    };
    let bytes = input.rest();
    let record = bytes
        .get(Entry::LENGTH..)
        .and_then(|bytes| Record::decode(bytes).ok());
    let records: Vec<Record> = record.into_iter().collect();
    let directory = SensorDirectory::new(&records);
    for entry in [Entry::decode(bytes), Entry::decode_assuming_event(bytes)] {
        let Ok(entry) = entry else {
            assert!(bytes.len() < Entry::LENGTH);
            return;
        };
        assert_eq!(Some(&entry.encode()[..]), bytes.get(..Entry::LENGTH));
        let _ = entry.time();
        for board in [None, Some(board)] {
            for directory in [None, Some(&directory)] {
                let interpreter = Interpreter::new(directory, board);
                let _ = interpreter.severity(&entry);
                let _ = interpreter.type_text(&entry);
                for text in [
                    interpreter.sensor_name(&entry),
                    interpreter.event_text(&entry),
                ] {
                    let text = text.unwrap_or_default();
                    assert!(text.len() <= MAX_TEXT_BYTES, "{text}");
                }
            }
        }
    }
}

fn walk(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let resume = (flags & 1 != 0).then(|| Position {
        id: EntryId(input.u16()),
        bytes: [input.byte(); Entry::LENGTH],
        erase_time: Timestamp(input.u32()),
        entries: input.u16(),
    });
    let mut walk = Walk::new(resume);
    let mut kind = 0;
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps <= MAX_STEPS, "the walk never ends");
        let step = walk.step();
        let id = match step {
            Step::Done => break,
            Step::Wait => {
                walk.feed(Outcome::Waited);
                continue;
            }
            Step::GetInfo => EntryId(0),
            Step::GetEntry(id) => id,
        };
        if !input.is_empty() {
            kind = input.byte();
        } else if flags & 0x80 == 0 {
            kind = 0;
        }
        match kind % 6 {
            0 => walk.feed(Outcome::Silence),
            1 => walk.feed(Outcome::Refused(input.byte().max(1))),
            2 => walk.feed(Outcome::Data(input.slice())),
            3 => walk.feed(Outcome::Data(&honest(step, input.u16(), id))),
            _ => {
                let next = id.0.wrapping_add(1);
                walk.feed(Outcome::Data(&honest(step, next, id)));
            }
        }
        assert!(walk.progress().0 <= MAX_ENTRIES);
    }
    if let Ok(log) = walk.finish() {
        assert!(log.entries.len() <= MAX_ENTRIES);
        assert!(log.position.is_some() || log.entries.is_empty());
    }
}

fn honest(step: Step, next: u16, id: EntryId) -> Vec<u8> {
    if step == Step::GetInfo {
        return vec![0x51, 0xff, 0xff, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0x02];
    }
    let mut answer = next.to_le_bytes().to_vec();
    answer.extend_from_slice(&id.0.to_le_bytes());
    answer.extend_from_slice(&[0x02, 1, 0, 0, 0, 0x20, 0, 4, 1, 7, 1, 0x57, 41, 42]);
    answer
}
