//! Inventory images, and reading one from a device that answers as it likes.
//!
//! Must hold: what is decoded is no longer than the image; texts are short; the
//! walk ends, within its limits, for every device.

use rmcp_ipmi::fru::Fru;
use rmcp_ipmi::fru::walk::{MAX_BYTES, MAX_REQUESTS, ReadSize, Step, Walk};
use rmcp_ipmi::walk::Outcome;

use super::input::Input;

/// A field has up to 63 bytes; BCD and packed letters grow, UTF-16 too.
const MAX_TEXT_BYTES: usize = 63 * 4;
/// Each request may be met with a wait.
const MAX_STEPS: usize = 2 * MAX_REQUESTS as usize + 1_000;

pub fn run(data: &[u8]) {
    image(data);
    walk(data);
}

fn image(data: &[u8]) {
    let Ok(fru) = Fru::decode(data) else {
        return;
    };
    let _ = fru.checksums_match();
    let labels = fru.labels();
    let texts = [
        labels.board_manufacturer,
        labels.board_name,
        labels.board_serial,
        labels.board_part_number,
        labels.product_manufacturer,
        labels.product_name,
        labels.product_serial,
        labels.product_part_number,
        labels.product_version,
        labels.asset_tag,
        labels.chassis_serial,
        labels.chassis_part_number,
    ];
    for text in texts {
        assert!(text.len() <= MAX_TEXT_BYTES, "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    let records = fru.multi_records.iter().flat_map(|area| &area.records);
    let mut bytes = 0;
    for record in records {
        bytes += record.data.len();
        let _ = record.power_supply();
    }
    assert!(bytes <= data.len());
}

fn walk(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let mut walk = Walk::new(ReadSize::new(input.byte()));
    let mut steps = 0;
    let mut kind = 0;
    loop {
        steps += 1;
        assert!(steps <= MAX_STEPS, "the walk never ends");
        let piece = match walk.step() {
            Step::Done => break,
            Step::Wait => {
                walk.feed(Outcome::Waited);
                continue;
            }
            Step::GetAreaInfo => None,
            Step::Read(piece) => Some(piece),
        };
        if !input.is_empty() {
            kind = input.byte();
        } else if flags & 0x80 == 0 {
            kind = 0;
        }
        match (kind % 5, piece) {
            (0, _) => walk.feed(Outcome::Silence),
            (1, _) => walk.feed(Outcome::Refused(input.byte().max(1))),
            (2, _) => walk.feed(Outcome::Data(input.slice())),
            (_, None) => walk.feed(Outcome::Data(&[input.byte(), input.byte(), flags & 1])),
            (_, Some(piece)) => {
                let mut answer = vec![piece.count];
                answer.resize(usize::from(piece.count) + 1, input.byte());
                walk.feed(Outcome::Data(&answer));
            }
        }
        assert!(walk.bytes().len() <= MAX_BYTES);
    }
    if let Ok(read) = walk.finish() {
        assert!(!read.bytes.is_empty() && read.bytes.len() <= MAX_BYTES);
    }
}
