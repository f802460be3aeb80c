//! Log entries give the names, types, states and texts that FreeIPMI prints for
//! the same bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rmcp_ipmi::sdr::{EventReadingType, Record, SensorDirectory};
use rmcp_ipmi::sel::{Board, Direction, Entry, Interpreter, Timestamp};
use rmcp_ipmi::sensor::{
    NonCritical, SensorType, Severity, StateBits, event_text, severity as sensor_severity,
};

/// A line of `ipmi-sel --comma-separated-output`. Texts may contain commas.
#[derive(Debug)]
struct Line {
    id: u16,
    date: String,
    time: String,
    name: String,
    sensor_type: String,
    state: String,
    event: String,
}

fn data(name: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name),
    )
    .unwrap()
}

fn lines(name: &str) -> Vec<Line> {
    data(name)
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.splitn(7, ',').collect();
            let [id, date, time, name, sensor_type, state, event] = fields[..] else {
                panic!("not seven fields: {line}");
            };
            Line {
                id: id.parse().unwrap(),
                date: date.into(),
                time: time.into(),
                name: name.into(),
                sensor_type: sensor_type.into(),
                state: state.into(),
                event: event.into(),
            }
        })
        .collect()
}

fn hex_lines(name: &str) -> Vec<Vec<u8>> {
    data(name)
        .lines()
        .map(|line| hex::decode(line).unwrap())
        .collect()
}

fn records(name: &str) -> Vec<Record> {
    hex_lines(name)
        .iter()
        .map(|bytes| Record::decode(bytes).unwrap())
        .collect()
}

/// `Nov-14-2023` and `22:13:20` as seconds since 1970.
fn unix_seconds(date: &str, time: &str) -> u32 {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    // Good until 2099.
    let leap = |year: u32| year.is_multiple_of(4);
    let fields: Vec<&str> = date.split('-').collect();
    let month = MONTHS.iter().position(|month| *month == fields[0]).unwrap();
    let day: u32 = fields[1].parse().unwrap();
    let year: u32 = fields[2].parse().unwrap();
    let years: u32 = (1970..year).map(|year| 365 + u32::from(leap(year))).sum();
    let months: u32 = DAYS[..month].iter().sum::<u32>() + u32::from(month > 1 && leap(year));
    let clock = time.split(':').fold(0, |seconds, part| {
        seconds * 60 + part.parse::<u32>().unwrap()
    });
    (years + months + day - 1) * 86_400 + clock
}

fn check_time(line: &Line, time: Option<Timestamp>) {
    match (line.date.as_str(), time) {
        ("N/A", time) => assert_eq!(time, None),
        ("PostInit", Some(time)) => assert!(time.is_since_start()),
        ("Unspec.", Some(time)) => assert!(time.is_unspecified()),
        (date, Some(time)) => {
            assert_eq!(time.unix_seconds(), Some(unix_seconds(date, &line.time)));
        }
        (_, None) => panic!("no time in {line:?}"),
    }
}

/// Which name FreeIPMI was asked to print.
#[derive(Clone, Copy)]
enum Naming {
    Plain,
    WithEntity,
}

/// Compares a file of entries with FreeIPMI's lines; returns how many entries
/// were compared, and how many FreeIPMI has no line for.
fn compare(
    entries: &str,
    expected: &str,
    sdr: &str,
    naming: Naming,
    board: Option<Board>,
) -> (usize, usize) {
    let records = records(sdr);
    let directory = SensorDirectory::new(&records);
    let interpreter = Interpreter::new(Some(&directory), board);
    let lines: BTreeMap<u16, Line> = lines(expected)
        .into_iter()
        .map(|line| (line.id, line))
        .collect();
    let mut compared = 0;
    let mut without_line = 0;
    for bytes in hex_lines(entries) {
        let entry = Entry::decode(&bytes).unwrap();
        let Some(line) = lines.get(&entry.id.0) else {
            assert_eq!(interpreter.event_text(&entry), None);
            without_line += 1;
            continue;
        };
        check_time(line, entry.time());
        let name = match naming {
            Naming::WithEntity => interpreter.sensor_name(&entry),
            Naming::Plain => entry.event().map(|event| {
                directory
                    .find(event.generator, event.sensor_number)
                    .and_then(|found| found.record.name())
                    .map_or_else(|| format!("Sensor #{}", event.sensor_number), str::to_owned)
            }),
        };
        let context = hex::encode(&bytes);
        assert_eq!(name.as_deref().unwrap_or("N/A"), line.name, "{context}");
        assert_eq!(
            interpreter.type_text(&entry).unwrap_or("N/A"),
            line.sensor_type,
            "{context}"
        );
        let state = interpreter.severity(&entry).map_or("N/A", Severity::text);
        if is_newer_rule(&entry) {
            assert_eq!(line.state, "N/A", "{context}");
        } else {
            assert_eq!(state, line.state, "{context}");
        }
        assert_eq!(
            interpreter.event_text(&entry).as_deref(),
            Some(line.event.as_str()),
            "{context}"
        );
        compared += 1;
    }
    (compared, without_line)
}

/// The one difference in states that is allowed: FreeIPMI 1.6.13 learned to
/// judge State (03h) events of Physical Security sensors (05h); the lines are
/// of 1.6.10.
fn is_newer_rule(entry: &Entry) -> bool {
    entry.event().is_some_and(|event| {
        event.event_type == EventReadingType(0x03)
            && event.sensor_type == SensorType(0x05)
            && event.offset() < 2
    })
}

const DELL: Board = Board {
    manufacturer_id: 674,
    product_id: 256,
};

#[test]
fn tables_are_walked() {
    // The entry without a line has record type 7Fh, which FreeIPMI refuses.
    let amount = compare(
        "sel/walk.hex",
        "sel/walk.freeipmi.csv",
        "sel/walk.sdr.hex",
        Naming::Plain,
        None,
    );
    assert_eq!(amount, (995, 1));
}

#[test]
fn simulated_board() {
    let amount = compare(
        "sel/simulator.hex",
        "sel/simulator.freeipmi.csv",
        "sel/simulator.sdr.hex",
        Naming::WithEntity,
        Some(DELL),
    );
    assert_eq!(amount, (17, 0));
}

#[test]
fn all_flags_of_event_data() {
    let amount = compare(
        "sel/flags.hex",
        "sel/flags.freeipmi.csv",
        "sel/simulator.sdr.hex",
        Naming::WithEntity,
        Some(DELL),
    );
    assert_eq!(amount, (995, 0));
}

#[test]
fn all_texts_of_event_data() {
    let amount = compare(
        "sel/texts.hex",
        "sel/texts.freeipmi.csv",
        "sel/simulator.sdr.hex",
        Naming::WithEntity,
        None,
    );
    assert_eq!(amount, (980, 0));
}

/// What FreeIPMI says that we don't: texts that it builds by code from event
/// data 2 and 3 of single boards. Manufacturer, and a part of the text.
const VENDOR_TEXTS_NOT_BUILT: [(u32, &str); 10] = [
    // Processor, PCI and mezzanine places beside those in `sel::dell`.
    (674, "; APIC ID "),
    (674, "; Bus 133"),
    (674, "; Mezzanine"),
    // A note about FreeIPMI itself, since Fujitsu's texts come by a command
    // that needs more privilege than reading.
    (
        10368,
        "[Fujitsu OEM decoding requires administrator privilege]",
    ),
    // PCI addresses, sockets and the like, which Intel's boards give for events
    // of their firmware even where event data is flagged as unspecified.
    (343, "; Bus 255"),
    (343, "; PCI Bus Number"),
    (343, "; CPU = "),
    (343, "; Socket 255"),
    (343, "; Target of update = "),
    (343, "; Failed register = "),
];

#[test]
fn vendors_boards() {
    let text = data("sel/vendors.tsv");
    let mut compared = 0;
    let mut shorter = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [manufacturer, product, entry, sensor_type, state, event] = fields[..] else {
            panic!("not six fields: {line}");
        };
        let board = Board {
            manufacturer_id: manufacturer.parse().unwrap(),
            product_id: product.parse().unwrap(),
        };
        let entry = Entry::decode(&hex::decode(entry).unwrap()).unwrap();
        let interpreter = Interpreter::new(None, Some(board));
        assert_eq!(interpreter.type_text(&entry), Some(sensor_type), "{line}");
        let ours = interpreter.severity(&entry).map_or("N/A", Severity::text);
        assert_eq!(ours, state, "{line}");
        let ours = interpreter.event_text(&entry).unwrap();
        let not_built = VENDOR_TEXTS_NOT_BUILT
            .iter()
            .any(|(id, part)| *id == board.manufacturer_id && event.contains(part));
        if not_built {
            assert_ne!(ours, event, "no longer a difference: {line}");
            shorter += 1;
        } else {
            assert_eq!(ours, event, "{line}");
            compared += 1;
        }
    }
    assert_eq!((compared, shorter), (1092, 38));
}

/// Rows of a table with tabs, comments left out.
fn table(name: &str) -> Vec<Vec<String>> {
    data(name)
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

fn byte(field: &str) -> u8 {
    u8::from_str_radix(field, 16).unwrap()
}

#[test]
fn sensor_states_are_freeipmis() {
    let rows = table("freeipmi-sensor-states.tsv");
    let mut known = BTreeMap::new();
    for row in &rows {
        let event_type = byte(&row[0]);
        let sensor_type = match row[1].as_str() {
            "*" => 0x01,
            code => byte(code),
        };
        let bits = match row[2].as_str() {
            "none" => 0,
            bit => 1 << bit.parse::<u16>().unwrap(),
        };
        let state = |bits| {
            sensor_severity(
                EventReadingType(event_type),
                SensorType(sensor_type),
                StateBits::new(bits),
                NonCritical::Nominal,
            )
        };
        assert_eq!(
            state(bits).map(Severity::text),
            Some(row[3].as_str()),
            "{row:?}"
        );
        *known.entry((event_type, sensor_type)).or_insert(0_u16) |= bits;
    }
    assert_eq!(rows.len(), 519);

    // The table was observed before FreeIPMI 1.6.13 added this pair.
    known.insert((0x03, 0x05), 0b11);

    // What is in no row: the pair is unknown, or the bit is skipped.
    for event_type in 0x02..=0x7f {
        for sensor_type in 0x00..=0xff {
            for bit in 0..16 {
                let state = sensor_severity(
                    EventReadingType(event_type),
                    SensorType(sensor_type),
                    StateBits::new(1 << bit),
                    NonCritical::Nominal,
                );
                match known.get(&(event_type, sensor_type)) {
                    None => assert_eq!(state, None),
                    Some(bits) if bits & (1 << bit) == 0 => {
                        assert_eq!(state, Some(Severity::Nominal));
                    }
                    Some(_) => assert!(state.is_some()),
                }
            }
        }
    }
}

/// An event entry with data that nothing but its offset says anything of.
fn entry(event_type: u8, sensor_type: u8, offset: u8, direction: Direction) -> Entry {
    let direction = match direction {
        Direction::Asserted => 0x00,
        Direction::Deasserted => 0x80,
    };
    let bytes = [
        1,
        0,
        2,
        0,
        0,
        0,
        0x65,
        0x20,
        0,
        4,
        sensor_type,
        1,
        direction | event_type,
        offset,
        0xff,
        0xff,
    ];
    Entry::decode(&bytes).unwrap()
}

#[test]
fn event_states_are_freeipmis() {
    let interpreter = Interpreter::new(None, None);
    let rows = table("freeipmi-sel-states.tsv");
    let mut known = BTreeMap::new();
    for row in &rows {
        let event_type = byte(&row[0]);
        let offset: u8 = row[2].parse().unwrap();
        let (sensor_type, every) = match row[1].as_str() {
            "*" => (0x01, true),
            code => (byte(code), false),
        };
        for (direction, state) in [
            (Direction::Asserted, &row[3]),
            (Direction::Deasserted, &row[4]),
        ] {
            let entry = entry(event_type, sensor_type, offset, direction);
            let ours = interpreter.severity(&entry).map(Severity::text);
            assert_eq!(ours, Some(state.as_str()), "{row:?}");
        }
        let types = if every {
            0x00..=0xff
        } else {
            sensor_type..=sensor_type
        };
        for sensor_type in types {
            *known.entry((event_type, sensor_type)).or_insert(0_u16) |= 1 << offset;
        }
    }
    assert_eq!(rows.len(), 472);
    // The table was observed before FreeIPMI 1.6.13 added this pair.
    known.insert((0x03, 0x05), 0b11);

    for event_type in 0x00..=0x7f {
        for sensor_type in 0x00..=0xff {
            let offsets = known.get(&(event_type, sensor_type)).copied().unwrap_or(0);
            for offset in (0..16).filter(|offset| offsets & (1 << offset) == 0) {
                let entry = entry(event_type, sensor_type, offset, Direction::Asserted);
                assert_eq!(interpreter.severity(&entry), None);
            }
        }
    }
}

#[test]
fn event_texts_are_freeipmis() {
    let interpreter = Interpreter::new(None, None);
    let rows = table("freeipmi-sel-event-texts.tsv");
    let mut known = BTreeMap::new();
    for row in &rows {
        let event_type = byte(&row[0]);
        let sensor_type = match row[1].as_str() {
            "*" => 0x0b,
            code => byte(code),
        };
        let offset: u8 = row[2].parse().unwrap();
        let entry = entry(event_type, sensor_type, offset, Direction::Asserted);
        assert_eq!(
            interpreter.event_text(&entry).as_ref(),
            Some(&row[3]),
            "{row:?}"
        );
        let text = event_text(
            EventReadingType(event_type),
            SensorType(sensor_type),
            offset,
        );
        assert_eq!(text, Some(row[3].as_str()), "{row:?}");
        *known.entry((event_type, sensor_type)).or_insert(0_u16) |= 1 << offset;
    }
    assert_eq!(rows.len(), 265);
    for sensor_type in 0x00..=0xff {
        let offsets = known.get(&(0x6f, sensor_type)).copied().unwrap_or(0);
        for offset in (0..16).filter(|offset| offsets & (1 << offset) == 0) {
            let entry = entry(0x6f, sensor_type, offset, Direction::Asserted);
            assert_eq!(
                interpreter.event_text(&entry),
                Some(format!("Event Offset = {offset:02X}h"))
            );
        }
    }
}
