//! `ipmi_exporter record`: everything that the BMC says, nothing that says whose
//! it is, and a folder that is whole or not there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use bmc_recording::{Exchange, Recording};
use bmc_sim::device::Watchdog;
use bmc_sim::{AnalogSensor, BmcConfig, Device, DeviceBuilder, DiscreteSensor, Fault, User};
use tempfile::TempDir;

use crate::lab::{LIMIT, Lab, PASSWORD, USER, config, deaf_port, heard, module};
use crate::support::process::Process;
use crate::support::wait_for;

/// What every personal text of [`personal`] has in it.
const CANARY: &str = "CANARY";

/// A place for a recording, and the configuration to make it with.
pub(crate) struct Recorder {
    home: TempDir,
    configuration: PathBuf,
}

impl Recorder {
    pub(crate) fn new(configuration: &str) -> Self {
        let home = TempDir::new().unwrap();
        let path = home.path().join("ipmi.yml");
        fs::write(&path, configuration).unwrap();
        Self {
            home,
            configuration: path,
        }
    }

    /// Where the recording goes.
    pub(crate) fn output(&self) -> PathBuf {
        self.home.path().join("recordings/one")
    }

    fn arguments(&self, target: &str, more: &[&str]) -> Vec<String> {
        let mut arguments = vec![
            "record".to_owned(),
            target.to_owned(),
            "--module=bmc".to_owned(),
            format!("--output={}", self.output().display()),
            format!("--config.file={}", self.configuration.display()),
        ];
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        arguments
    }

    pub(crate) fn run(&self, target: &str, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ipmi_exporter"))
            .args(self.arguments(target, more))
            .output()
            .expect("the exporter can be started")
    }

    /// Records, which must succeed, and gives the recording and the summary.
    pub(crate) fn record(&self, target: &str, more: &[&str]) -> (Recording, String) {
        let output = self.run(target, more);
        assert!(output.status.success(), "{}{}", out(&output), err(&output));
        let recording = Recording::read(&self.output()).unwrap();
        (recording, out(&output))
    }

    /// What is in the folder where recordings go.
    fn left(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.home.path().join("recordings")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    // What every file with a password in it that others can read gets.
    let lines = text.lines().filter(|line| !line.starts_with("warning: "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// A FRU image with a product area: maker, name, part, version, serial number,
/// asset tag, and a custom field.
fn inventory(fields: [&str; 6]) -> Vec<u8> {
    let [maker, name, part, serial, tag, custom] = fields;
    let mut area = vec![1, 0, 25];
    for text in [maker, name, part, "v1", serial, tag, "", custom] {
        area.push(0xc0 | u8::try_from(text.len()).unwrap());
        area.extend(text.as_bytes());
    }
    area.push(0xc1);
    while area.len() % 8 != 7 {
        area.push(0);
    }
    area[1] = u8::try_from((area.len() + 1) / 8).unwrap();
    let sum = area.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    area.push(0_u8.wrapping_sub(sum));
    let header = [1, 0, 0, 0, 1, 0, 0, 0xfe];
    [&header[..], &area].concat()
}

/// A locator of the FRU device with this id at the BMC.
fn locator(record_id: u8, device: u8) -> Vec<u8> {
    let name = b"PSU";
    let mut record = vec![
        record_id, 0, 0x51, 0x11, 0, 0x20, device, 0x80, 0, 0, 0x10, 0,
    ];
    record.extend([0x0a, 1, 0, 0xc0 | 3]);
    record.extend(name);
    record[4] = u8::try_from(record.len() - 5).unwrap();
    record
}

fn machine() -> DeviceBuilder {
    DeviceBuilder::new()
        .vendor(674, 256)
        .firmware(2, 0x30)
        .analog(AnalogSensor::temperature("Inlet", 21))
        .analog(AnalogSensor::fan("Fan 1", 56))
        .discrete(DiscreteSensor::power_supply("PS1", 0x0001))
        .sdr(locator(99, 3))
        .dcmi_power(158)
        .watchdog(Watchdog {
            timer_use: 0x44,
            action: 0x01,
            pre_timeout_seconds: 0,
            expired_flags: 0,
            initial_count: 3000,
            present_count: 2900,
        })
        .sel_event(1_700_000_000, 0x08, 3, 0x6f, [0x01, 0xff, 0xff])
}

/// The same, full of canaries.
fn personal() -> Device {
    let mut panic = [0; 16];
    (panic[0], panic[2]) = (2, 0xf0);
    panic[5..].copy_from_slice(b"CANARY-oops");
    machine()
        .guid(*b"CANARY-GUID-1234")
        .system_info(1, "2.19.1")
        .system_info(2, "CANARY-host.example.org")
        .system_info(3, "CANARY-Linux")
        .system_info(6, "https://CANARY-bmc.example.org/")
        .fru(
            0,
            inventory([
                "Maker",
                "Server 1",
                "P1",
                "CANARY-S0",
                "CANARY-T0",
                "CANARY-C0",
            ]),
        )
        .fru(
            3,
            inventory([
                "Maker",
                "Supply",
                "P2",
                "CANARY-S3",
                "CANARY-T3",
                "CANARY-C3",
            ]),
        )
        .sel_record(panic)
        // A vendor's record that repeats the host's name.
        .sdr(b"\x63\x01\x51\xc0\x1a\xa2\x02\x00CANARY-host.example.org".to_vec())
        .build()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            for (inner, text) in self::files(&path) {
                files.insert(format!("{name}/{inner}"), text);
            }
        } else {
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files
}

/// The text and its hexadecimal forms.
fn shows(text: &[u8], secret: &str) -> bool {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let text = String::from_utf8_lossy(text).replace('\n', "");
    text.contains(secret) || text.to_lowercase().contains(&hex)
}

#[test]
fn everything_that_the_bmc_says_is_written_down() {
    let lab = Lab::new();
    let sim = lab.start(
        machine()
            .fru(0, inventory(["Maker", "Server 1", "Part", "", "", ""]))
            .build(),
    );
    let recorder = Recorder::new(&module(""));
    let (recording, summary) = recorder.record(&sim.addr().to_string(), &["--samples=3"]);

    assert_eq!(recording.machine.vendor, "Dell Inc. (674)");
    assert_eq!(recording.machine.model, "Server 1");
    assert_eq!(recording.machine.firmware, "2.30");
    let bmc = &recording.bmc;
    assert_eq!(bmc.device_id.as_ref().unwrap()[..4], [0x20, 0x01, 2, 0x30]);
    let repository = bmc.repository.as_ref().unwrap();
    assert_eq!(repository.records.len(), 4);
    assert!(repository.info.is_some());
    assert_eq!(bmc.sensors.len(), 3);
    for sensor in &bmc.sensors {
        assert_eq!(sensor.later.len(), 2);
        assert!(sensor.reading.micros.is_some());
    }
    assert_eq!(bmc.sensors[0].reading.response, [21, 0xc0, 0xc0]);
    assert_eq!(
        bmc.sensors[0].thresholds.as_ref().unwrap().response.len(),
        7
    );
    assert_eq!(bmc.sensors[2].thresholds, None);
    assert_eq!(bmc.log.as_ref().unwrap().entries.len(), 1);
    assert_eq!(bmc.frus.len(), 1);
    let answer = |net_fn, command, request: &[u8]| -> &Exchange {
        let mut rows = bmc.answers.iter();
        let wanted = |row: &&Exchange| {
            (row.net_fn, row.command, row.request.as_deref()) == (net_fn, command, Some(request))
        };
        rows.find(wanted).unwrap()
    };
    assert_eq!(answer(0x00, 0x01, &[]).response[0], 0x21);
    assert_eq!(answer(0x2c, 0x02, &[0xdc, 1, 0, 0]).response[1], 158);
    assert_eq!(answer(0x06, 0x25, &[]).response.len(), 8);
    // A device that a locator names and that is not there: refused, and no FRU.
    assert_eq!(recording.cipher_suites(), [3, 17]);
    let timed = |command| recording.timing.iter().find(|row| row.command == command);
    assert_eq!(timed(0x2d).unwrap().samples, 9);
    assert_eq!(recording.provenance.licence, "NONE");

    for line in [
        "Dell Inc. (674), Server 1, 2.30\n",
        "Sensor data records      4\n",
        "Sensors                  3\n",
        "Log entries              1\n",
        "Inventory devices        1\n",
        "Get FRU Area Info (0ah 10h)                1 x cbh",
    ] {
        assert!(summary.contains(line), "{line}\n{summary}");
    }
    // One session, closed; and never two requests at once.
    let counters = lab.wait_for(&sim, LIMIT, |counters| counters.sessions_closed == 1);
    assert_eq!((counters.logins, counters.commands_in_work_peak), (1, 1));
}

#[test]
fn what_says_whose_machine_it_is_comes_into_no_file() {
    let lab = Lab::new();
    let sim = lab.start(personal());
    let recorder = Recorder::new(&module(""));
    let (recording, summary) = recorder.record(&sim.addr().to_string(), &["--licence=CC0-1.0"]);
    for (name, text) in files(&recorder.output()) {
        for secret in [CANARY, USER, PASSWORD, "127.0.0.1"] {
            assert!(!shows(&text, secret), "{secret} in {name}");
        }
    }
    assert!(!summary.contains(CANARY) && !summary.contains(PASSWORD));
    assert_eq!(recording.provenance.removed.len(), 5, "{summary}");
    assert!(
        summary.contains("Removed:\n  Serial numbers, asset tags"),
        "{summary}"
    );
    assert_eq!(recording.provenance.licence, "CC0-1.0");

    // What does not is kept, and checksums are right.
    for (id, name) in [(0, "Server 1"), (3, "Supply")] {
        let fru = recording.bmc.frus.iter().find(|fru| fru.id == id).unwrap();
        let decoded = rmcp_ipmi::fru::Fru::decode(&fru.image).unwrap();
        assert!(decoded.checksums_match());
        let labels = decoded.labels();
        assert_eq!(
            (&*labels.product_name, &*labels.product_serial),
            (name, "XXXXXXXXX")
        );
    }
    let version = |row: &&Exchange| row.request.as_deref() == Some(&[0, 1, 0, 0]);
    let version = recording.bmc.answers.iter().find(version).unwrap();
    assert_eq!(&version.response[4..10], b"2.19.1");
}

#[test]
fn it_is_kept_on_request() {
    let lab = Lab::new();
    let sim = lab.start(personal());
    let recorder = Recorder::new(&module(""));
    let (recording, summary) = recorder.record(&sim.addr().to_string(), &["--keep-personal"]);
    let files = files(&recorder.output());
    for (name, secret) in [
        ("recording.json", "CANARY-GUID-1234"),
        ("recording.json", "CANARY-host.ex"),
        ("fru3.hex", "CANARY-S3"),
        ("sel.hex", "CANARY-oops"),
    ] {
        assert!(shows(&files[name], secret), "{secret} not in {name}");
    }
    assert_eq!(recording.provenance.removed, [""; 0]);
    assert!(summary.contains("\nNothing was removed.\n"), "{summary}");
    // User names and passwords are never there.
    assert!(
        files
            .values()
            .all(|text| !shows(text, USER) && !shows(text, PASSWORD))
    );
}

#[test]
fn nothing_is_overwritten_and_nothing_is_asked_for_it() {
    let deaf = deaf_port();
    let recorder = Recorder::new(&module(""));
    fs::create_dir_all(recorder.output()).unwrap();
    fs::write(recorder.output().join("mine.txt"), "keep").unwrap();
    let output = recorder.run(&deaf.local_addr().unwrap().to_string(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let folder = recorder.output();
    assert_eq!(
        err(&output),
        format!(
            "ipmi_exporter: error: --output: {}: exists and is not an empty folder\n",
            folder.display()
        )
    );
    assert_eq!(heard(&deaf), 0);
    assert_eq!(fs::read(folder.join("mine.txt")).unwrap(), b"keep");
}

#[test]
fn a_target_that_is_not_listed_gets_no_packet() {
    let deaf = deaf_port();
    let recorder = Recorder::new(&module("    targets: [192.0.2.0/24]"));
    let output = recorder.run(&deaf.local_addr().unwrap().to_string(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "ipmi_exporter: error: target is not listed in the targets of this module\n"
    );
    assert_eq!(heard(&deaf), 0);
    assert_eq!(recorder.left(), [""; 0]);
}

#[test]
fn a_bmc_that_cannot_be_asked_leaves_nothing_behind() {
    let lab = Lab::new();
    let account = User::administrator(USER, "another");
    let wrong = lab.start_with(BmcConfig::new().user(account), machine().build());
    let slow = lab.start(machine().build());
    slow.set_fault(Fault::Delay(Duration::from_millis(100)));
    let recorder = Recorder::new(&module(""));
    for (target, more, expected) in [
        (wrong.addr(), &[][..], "error: wrong password"),
        (
            slow.addr(),
            &["--timeout=1s"],
            "error: the time limit was reached",
        ),
    ] {
        let output = recorder.run(&target.to_string(), more);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains(expected), "{}", err(&output));
        assert_eq!(recorder.left(), [""; 0]);
    }
}

#[test]
fn an_interrupted_recording_leaves_nothing_behind() {
    let lab = Lab::new();
    let sim = lab.start(machine().build());
    sim.set_fault(Fault::Delay(Duration::from_millis(50)));
    let recorder = Recorder::new(&module(""));
    let arguments = recorder.arguments(&sim.addr().to_string(), &[]);
    let path = Path::new(env!("CARGO_BIN_EXE_ipmi_exporter"));
    let mut process = Process::start(path, |command| {
        command.args(arguments);
    });
    // A client of another test may still ask a BMC that had this address.
    wait_for("the recorder's first line", LIMIT, || {
        process.log().contains("warning").then_some(())
    });
    lab.wait_for(&sim, LIMIT, |counters| counters.logins >= 1);
    process.signal("INT");
    let status = wait_for("the end of the recorder", LIMIT, || process.ended());
    assert_eq!(status.code(), Some(1));
    assert!(process.log().contains("interrupted, nothing is written"));
    assert_eq!(recorder.left(), [""; 0]);
    lab.wait_for(&sim, LIMIT, |counters| {
        counters.sessions_closed == counters.logins
    });
}

/// Half of a store is worth having, but it is not the whole machine.
#[test]
fn what_cannot_be_read_is_told_in_the_summary_and_the_exit_status() {
    let lab = Lab::new();
    let mut device = machine().build();
    // A record that is longer than it says it can be read.
    device.frus.insert(0, {
        let mut image = inventory(["Maker", "Name", "Part", "", "", ""]);
        // Points behind the end of the image.
        image[3] = 0x7f;
        image[7] = 0x7f_u8.wrapping_neg().wrapping_add(0xfe);
        image
    });
    device.frus.insert(3, vec![1, 0, 0, 0, 1, 0, 0, 0xfe, 1, 4]);
    let area_info = bmc_sim::device::Answer::ok(vec![0x00, 0x04, 0x00]);
    device.set_answer(rmcp_ipmi::wire::NetFn::STORAGE, 0x10, Some(&[3]), area_info);
    let sim = lab.start_with(config(), device);
    let recorder = Recorder::new(&module(""));
    let output = recorder.run(&sim.addr().to_string(), &[]);
    let summary = out(&output);
    assert_eq!(output.status.code(), Some(1), "{summary}{}", err(&output));
    assert!(
        summary.contains("\nNot read:\n  inventory: device 3 can't be read from byte 10 on\n"),
        "{summary}"
    );
    let recording = Recording::read(&recorder.output()).unwrap();
    let fru = recording.bmc.frus.iter().find(|fru| fru.id == 3).unwrap();
    assert_eq!((fru.image.len(), fru.size), (10, Some(1024)));
    assert_eq!(fru.unreadable[0].completion_code, Some(0xc9));
}
