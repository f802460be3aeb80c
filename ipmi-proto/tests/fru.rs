//! Recorded inventory images give what ipmitool and FreeIPMI print for the same
//! bytes, and read piece by piece they give what they give as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use rmcp_ipmi::fru::walk::{Outcome, Piece, ReadEnd, ReadSize, Step, Walk};
use rmcp_ipmi::fru::{Checksum, Encoding, Field, Fru, HeaderError, Labels};
use rstest::rstest;

/// Machine and device id.
type Id = (String, u8);
/// Lines of a tool: what, value.
type Lines = Vec<(String, String)>;

fn manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn images() -> BTreeMap<Id, Vec<u8>> {
    let mut images = BTreeMap::new();
    for machine in fs::read_dir(manifest("../fixtures/bmcs")).unwrap() {
        let machine = machine.unwrap();
        if !machine.file_type().unwrap().is_dir() {
            continue;
        }
        for file in fs::read_dir(machine.path()).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            let Some(device) = name
                .strip_prefix("fru")
                .and_then(|name| name.strip_suffix(".hex"))
            else {
                continue;
            };
            let text: String = fs::read_to_string(file.path())
                .unwrap()
                .split_whitespace()
                .collect();
            let machine = machine.file_name().into_string().unwrap();
            images.insert(
                (machine, device.parse().unwrap()),
                hex::decode(text).unwrap(),
            );
        }
    }
    images
}

fn printed_by(tool: &str) -> BTreeMap<Id, Lines> {
    let mut printed: BTreeMap<Id, Lines> = BTreeMap::new();
    for line in fs::read_to_string(manifest("tests/data/fru/tools.tsv"))
        .unwrap()
        .lines()
    {
        let columns: Vec<&str> = line.split('\t').collect();
        let [machine, device, by, what, value] = columns[..] else {
            panic!("not five columns: {line}");
        };
        if by != tool {
            continue;
        }
        let lines = printed
            .entry((machine.into(), device.parse().unwrap()))
            .or_default();
        if what != "device" && !value.is_empty() {
            lines.push((what.into(), value.into()));
        }
    }
    printed
}

/// Collects lines as a tool prints them.
#[derive(Default)]
struct Printer(Lines);

impl Printer {
    fn line(&mut self, what: &str, value: impl Into<String>) {
        self.0.push((what.into(), value.into()));
    }

    /// Fields without text are not compared: FreeIPMI prints them if there are
    /// NULs in them.
    fn field(&mut self, what: &str, field: &Field) {
        if !field.text.is_empty() {
            self.line(what, &*field.text);
        }
    }
}

/// Seconds since 1970 as `%m/%d/%y - %H:%M:%S`.
fn date(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!(
        "{month:02}/{day:02}/{:02} - {hour:02}:{minute:02}:00",
        year % 100
    )
}

/// Year, month and day of a day since 1970, by counting.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn as_ipmitool(fru: &Fru) -> Lines {
    let mut out = Printer::default();
    if let Some(chassis) = fru.chassis() {
        assert_eq!(chassis.chassis_type, 0x17);
        out.line("Chassis Type", "Rack Mount Chassis");
        out.field("Chassis Part Number", &chassis.part_number);
        out.field("Chassis Serial", &chassis.serial);
    }
    if let Some(board) = fru.board() {
        out.line(
            "Board Mfg Date",
            date(board.made_at.unix_seconds().unwrap()),
        );
        out.field("Board Mfg", &board.manufacturer);
        out.field("Board Product", &board.name);
        out.field("Board Serial", &board.serial);
        out.field("Board Part Number", &board.part_number);
        for field in &board.custom {
            out.field("Board Extra", field);
        }
    }
    if let Some(product) = fru.product() {
        out.field("Product Manufacturer", &product.manufacturer);
        out.field("Product Name", &product.name);
        out.field("Product Part Number", &product.part_number);
        out.field("Product Version", &product.version);
        out.field("Product Serial", &product.serial);
        out.field("Product Asset Tag", &product.asset_tag);
        for field in &product.custom {
            out.field("Product Extra", field);
        }
    }
    out.0
}

fn as_freeipmi(image: &[u8]) -> Lines {
    let mut out = Printer::default();
    let fru = match Fru::decode(image) {
        Ok(fru) => fru,
        Err(HeaderError::Blank) => return out.0,
        Err(_) => {
            out.line("Error", "common header checksum invalid");
            return out.0;
        }
    };
    if let Some(chassis) = fru.chassis() {
        assert_eq!(chassis.chassis_type, 0x17);
        out.line("Chassis Type", "Rack Mount Chassis");
        out.field("Chassis Part Number", &chassis.part_number);
        out.field("Chassis Serial Number", &chassis.serial);
        chassis
            .custom
            .iter()
            .for_each(|field| out.field("Chassis Custom Info", field));
    }
    if let Some(board) = fru.board() {
        assert!(board.language.is_english());
        out.line("Board Language", "English");
        out.line(
            "Board Manufacturing Date/Time",
            date(board.made_at.unix_seconds().unwrap()),
        );
        out.field("Board Manufacturer", &board.manufacturer);
        out.field("Board Product Name", &board.name);
        out.field("Board Serial Number", &board.serial);
        out.field("Board Part Number", &board.part_number);
        out.field("FRU File ID", &file_id(&board.file_id));
        for field in &board.custom {
            out.field("Board Custom Info", field);
        }
    }
    if let Some(product) = fru.product() {
        assert!(product.language.is_english());
        out.line("Product Language", "English");
        out.field("Product Manufacturer Name", &product.manufacturer);
        out.field("Product Name", &product.name);
        out.field("Product Part/Model Number", &product.part_number);
        out.field("Product Version", &product.version);
        out.field("Product Serial Number", &product.serial);
        out.field("Product Asset Tag", &product.asset_tag);
        out.field("FRU File ID", &file_id(&product.file_id));
        for field in &product.custom {
            out.field("Product Custom Info", field);
        }
    }
    let records = fru.multi_records.iter().flat_map(|area| &area.records);
    for record in records {
        if record.data_checksum != Checksum::Right || record.header_checksum != Checksum::Right {
            out.line("Error", "multirecord area checksum invalid");
        }
    }
    out.0
}

/// FreeIPMI prints BCD as a number and bytes with an `h`.
fn file_id(field: &Field) -> Field {
    let text = match field.encoding {
        Encoding::BcdPlus => field.text.trim_start_matches('0').into(),
        Encoding::Binary if !field.text.is_empty() => {
            return Field {
                encoding: Encoding::Latin1,
                text: format!("{}h", field.text).into(),
            };
        }
        _ => field.text.clone(),
    };
    Field {
        text,
        ..field.clone()
    }
}

/// ipmitool writes `Sun Dec 31 10:34:00 2017 UTC`.
fn ipmitool_date(text: &str) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, month, day, time, year, "UTC"] = words[..] else {
        panic!("no date: {text}");
    };
    let month = MONTHS.find(month).unwrap() / 3 + 1;
    let day: u8 = day.parse().unwrap();
    format!("{month:02}/{day:02}/{} - {time}", &year[2..])
}

#[test]
fn images_say_what_ipmitool_prints() {
    let images = images();
    let mut compared = 0;
    for (id, mut lines) in printed_by("ipmitool") {
        for (what, value) in &mut lines {
            if what == "Board Mfg Date" {
                *value = ipmitool_date(value);
            }
        }
        let ours = Fru::decode(&images[&id]).map_or_else(|_| Lines::new(), |fru| as_ipmitool(&fru));
        compared += lines.len();
        assert_eq!(ours, lines, "{id:?}");
    }
    assert_eq!(compared, 210);
}

#[test]
fn images_say_what_freeipmi_prints() {
    let images = images();
    let mut compared = 0;
    for (id, lines) in printed_by("freeipmi") {
        compared += lines.len();
        assert_eq!(as_freeipmi(&images[&id]), lines, "{id:?}");
    }
    assert_eq!(compared, 307);
}

#[test]
fn labels_of_a_server() {
    let images = images();
    let fru = Fru::decode(&images[&("dell-poweredge-r640".into(), 0)]).unwrap();
    assert_eq!(
        fru.labels(),
        Labels {
            board_manufacturer: "DELL".into(),
            board_name: "PowerEdge R640".into(),
            board_serial: "CNIVC007CT0227".into(),
            board_part_number: "0W23H8A00".into(),
            product_manufacturer: "DELL".into(),
            product_name: "PowerEdge R640".into(),
            product_serial: "1DJDLN2".into(),
            product_version: "01".into(),
            ..Labels::default()
        }
    );
    assert!(fru.checksums_match());
}

#[rstest]
#[case::r640("dell-poweredge-r640", 1, 750)]
#[case::r630("dell-poweredge-r630", 2, 1100)]
fn supplies_with_wrong_checksums_are_read(
    #[case] machine: &str,
    #[case] device: u8,
    #[case] watts: u16,
) {
    let fru = Fru::decode(&images()[&(machine.into(), device)]).unwrap();
    let records = fru.multi_records.unwrap().records;
    let supply = records.iter().find_map(|record| record.power_supply());
    assert_eq!(supply.unwrap().capacity_watts, watts);
}

/// Reads `image` through a walk, at most `most` bytes at once.
fn walk(image: &[u8], unit: usize, most: usize) -> (Vec<u8>, ReadEnd, usize) {
    let mut walk = Walk::new(ReadSize::default());
    let mut requests = 0;
    loop {
        match walk.step() {
            Step::GetAreaInfo => {
                let [low, high] = u16::try_from(image.len()).unwrap().to_le_bytes();
                walk.feed(Outcome::Data(&[low, high, u8::from(unit == 2)]));
            }
            Step::Read(Piece { offset, count }) => {
                let start = usize::from(offset) * unit;
                let bytes = usize::from(count) * unit;
                if bytes > most {
                    walk.feed(Outcome::Refused(0xca));
                } else {
                    let data = [&[count], &image[start..start + bytes]].concat();
                    walk.feed(Outcome::Data(&data));
                }
            }
            Step::Wait => panic!("nobody is busy"),
            Step::Done => break,
        }
        requests += 1;
    }
    let read = walk.finish().unwrap();
    (read.bytes, read.end, requests)
}

#[test]
fn pieces_give_what_the_whole_image_gives() {
    let images = images();
    assert_eq!(images.len(), 65);
    let mut ends = BTreeSet::new();
    for (id, image) in &images {
        for (unit, most) in [(1, 255), (1, 32), (1, 17), (2, 16), (1, 4)] {
            let (bytes, end, requests) = walk(image, unit, most);
            assert_eq!(Fru::decode(&bytes), Fru::decode(image), "{id:?} {most}");
            assert!(
                requests <= 2 + 6 + 1024 / most.min(32),
                "{id:?}: {requests}"
            );
            ends.insert(format!("{end:?}"));
        }
    }
    assert_eq!(ends, BTreeSet::from(["Complete".to_owned()]));
}

/// Images that are a bit like real ones: a header that points about, versions
/// and lengths that are often right.
fn any_image() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(1_u8), Just(2), Just(0xc1), Just(0xff), any::<u8>()];
    (
        proptest::array::uniform5(prop_oneof![0_u8..8, any::<u8>()]),
        proptest::collection::vec(byte, 0..400),
    )
        .prop_map(|(offsets, bytes)| [&[1], &offsets[..], &[0, 0], &bytes].concat())
}

fn exercise(image: &[u8]) -> Result<(), TestCaseError> {
    let Ok(fru) = Fru::decode(image) else {
        return Ok(());
    };
    let labels = fru.labels();
    for label in [&labels.board_serial, &labels.product_name] {
        prop_assert!(label.chars().count() <= 126);
        prop_assert!(!label.contains(char::is_control));
    }
    let kept: usize = fru
        .multi_records
        .iter()
        .flat_map(|area| &area.records)
        .map(|record| {
            let _ = record.power_supply();
            record.data.len()
        })
        .sum();
    prop_assert!(kept <= image.len());
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_survived(image in proptest::collection::vec(any::<u8>(), 0..300)) {
        exercise(&image)?;
    }

    #[test]
    fn hostile_images_are_survived(image in any_image()) {
        exercise(&image)?;
        let (bytes, _, _) = walk(&image, 1, 32);
        prop_assert!(bytes.len() <= image.len());
        exercise(&bytes)?;
    }

    #[test]
    fn a_cut_image_tells_no_lies(cut in 8_usize..600) {
        static IMAGES: LazyLock<BTreeMap<Id, Vec<u8>>> = LazyLock::new(images);
        for (id, image) in IMAGES.iter().filter(|(id, _)| id.1 == 0) {
            let whole = Fru::decode(image).unwrap().labels();
            let part = Fru::decode(&image[..cut.min(image.len())]).unwrap().labels();
            let pairs = [
                (&part.board_serial, &whole.board_serial),
                (&part.board_name, &whole.board_name),
                (&part.product_serial, &whole.product_serial),
                (&part.product_name, &whole.product_name),
            ];
            for (part, whole) in pairs {
                prop_assert!(part.is_empty() || part == whole, "{:?}", id);
            }
        }
    }
}

#[test]
fn the_longest_images_are_survived() {
    let mut pointing_at_itself = vec![1, 1, 1, 1, 1, 1, 0, 0];
    pointing_at_itself.resize(65_535, 1);
    for image in [
        vec![0xff; 65_535],
        vec![0; 65_535],
        vec![1; 65_535],
        pointing_at_itself,
    ] {
        exercise(&image).unwrap();
    }
}
