//! A recording that is played back gives the series that the BMC gave.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bmc_recording::Recording;
use bmc_sim::device::{Factors, Satellite, Watchdog};
use bmc_sim::{AnalogSensor, BmcConfig, Device, DeviceBuilder, DiscreteSensor, SensorKey, User};
use rmcp_ipmi::sdr::{Record, SensorRecord};
use rmcp_ipmi::sensor::{RawThresholds, Threshold};
use serde_json::Value;

use crate::lab::{Lab, Scrape, module, scrape_target};
use crate::record::Recorder;
use crate::support::exporter::Exporter;
use crate::support::exposition::{Series, same};
use crate::support::simulator::{Machine, Simulator};

/// Every collector but those that tell the time or poke about on a bus: what the
/// clock says is another second each time.
const COLLECTORS: &str = "collectors: [bmc, bmc-details, bmc-watchdog, chassis, chassis-details, \
     dcmi, dcmi-statistics, dcmi-temperatures, fru, guid, ipmi, lan, power-on-hours, sel, \
     sel-entries, sel-events, self-test, sm-lan-mode, thresholds]";
/// Machines with readings.
const MACHINES: [&str; 8] = [
    "dell-poweredge-c6320",
    "dell-poweredge-r630",
    "dell-poweredge-r640",
    "dell-poweredge-r730",
    "dell-poweredge-r730xd",
    "dell-poweredge-r740xd",
    "quanta-d51",
    "quanta-t41",
];

fn folder(machine: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/bmcs")
        .join(machine)
}

/// All series but those that tell the time.
fn series(scrape: &Scrape) -> BTreeMap<&Series, f64> {
    scrape
        .exposition
        .series
        .iter()
        .filter(|(series, _)| series.name != "ipmi_scrape_duration_seconds")
        .map(|(series, value)| (series, *value))
        .collect()
}

#[track_caller]
fn assert_same(name: &str, original: &Scrape, replayed: &Scrape) -> usize {
    let (original, replayed) = (series(original), series(replayed));
    for (series, value) in &original {
        let found = replayed.get(series);
        assert!(
            found.is_some_and(|found| same(*found, *value)),
            "{name}: {series} was {value}, is {found:?}"
        );
    }
    for series in replayed.keys() {
        assert!(original.contains_key(series), "{name}: {series} is new");
    }
    original.len()
}

/// A recorded machine with something for every collector.
fn complete(machine: &str) -> Device {
    let mut device = Device::load(&folder(machine)).unwrap();
    device.watchdog = Some(Watchdog {
        timer_use: 0x44,
        action: 0x21,
        pre_timeout_seconds: 10,
        expired_flags: 0,
        initial_count: 3000,
        present_count: 2900,
    });
    device.dcmi_power = Some(bmc_sim::device::DcmiPower::steady(231));
    device
        .system_info
        .set(1, "2.4.3 of some length, over two blocks");
    device.chassis_status = vec![0x21, 0x10, 0x0c, 0x50];
    for number in 0..20 {
        device.sel.add([
            0, 0, 2, number, 1, 2, 3, 0x20, 0, 4, 1, number, 1, 0x57, 1, 2,
        ]);
    }
    device.sel.overflow = true;
    device
}

#[test]
fn a_recorded_machine_gives_the_same_series_again() {
    let lab = Lab::new();
    let configuration = module(&format!("    {COLLECTORS}"));
    let exporter = Exporter::ours(&configuration);
    let mut compared = 0;
    for machine in MACHINES {
        let sim = lab.start(complete(machine));
        let target = sim.addr().to_string();
        let original = scrape_target(&exporter, &target, "bmc", Some("30"));
        assert!(
            original.is_up("ipmi") && original.is_up("sel-events"),
            "{machine}"
        );

        let recorder = Recorder::new(&configuration);
        recorder.record(&target, &["--keep-personal"]);
        let replay = lab.start(Device::load(&recorder.output()).unwrap());
        let replayed = scrape_target(&exporter, &replay.addr().to_string(), "bmc", Some("30"));
        compared += assert_same(machine, &original, &replayed);

        // And what was recorded of the recording is the recording.
        let again = Recorder::new(&configuration);
        let (mut second, _) = again.record(&replay.addr().to_string(), &["--keep-personal"]);
        let mut first = Recording::read(&recorder.output()).unwrap();
        for recording in [&mut first, &mut second] {
            without_times(recording);
        }
        assert_eq!(first.bmc, second.bmc, "{machine}");
        assert_eq!(first.sessionless, second.sessionless, "{machine}");
    }
    assert!(compared > 1500, "{compared}");
}

/// Takes out what is another number each time.
fn without_times(recording: &mut Recording) {
    let bmc = &mut recording.bmc;
    for sensor in &mut bmc.sensors {
        sensor.reading.micros = None;
        for answer in sensor.later.iter_mut().chain(&mut sensor.thresholds) {
            answer.micros = None;
        }
    }
    for row in bmc.answers.iter_mut().chain(&mut recording.sessionless) {
        row.micros = None;
        // Clocks and counters of the simulator.
        if matches!(
            (row.net_fn, row.command),
            (0x0a, 0x48) | (0x2c, 0x02) | (0x00, 0x0f)
        ) {
            row.response.clear();
        }
    }
}

/// Sensors of the BMC in Device SDRs, and of a controller behind it.
#[test]
fn controllers_behind_the_bmc_give_the_same_series_again() {
    let satellite = DeviceBuilder::satellite_at(0x2c)
        .analog(AnalogSensor::temperature("PCH Temp", 55))
        .discrete(DiscreteSensor::power_supply("ME PS", 0x0009))
        .build();
    let device = DeviceBuilder::new()
        .analogs(5)
        .described_satellite(6, "ME", Satellite::new(satellite))
        .device_sdrs()
        .build();
    let lab = Lab::new();
    let configuration = module("    collectors: [ipmi]\n    bridge_sensors: true");
    let exporter = Exporter::ours(&configuration);
    let sim = lab.start(device);
    let original = scrape_target(&exporter, &sim.addr().to_string(), "bmc", Some("30"));
    assert!(original.is_complete(), "{}", original.body);
    assert_eq!(original.values().len(), 7, "{}", original.body);

    let recorder = Recorder::new(&configuration);
    let (recording, _) = recorder.record(&sim.addr().to_string(), &[]);
    assert_eq!(recording.bmc.sensors.len(), 5);
    assert_eq!(recording.bmc.device_sdrs[0].records.len(), 5);
    let behind = &recording.satellites[0];
    assert_eq!((behind.channel, behind.address), (6, 0x2c));
    assert_eq!(behind.controller.sensors.len(), 2);
    assert_eq!(behind.controller.device_sdrs[0].records.len(), 2);

    let replay = lab.start(Device::load(&recorder.output()).unwrap());
    let replayed = scrape_target(&exporter, &replay.addr().to_string(), "bmc", Some("30"));
    assert_same("satellite", &original, &replayed);
}

/// A non-linear sensor has other factors for each reading: the whole table is
/// recorded, also for readings that come later.
#[test]
fn a_non_linear_sensor_gives_the_same_series_again() {
    let key = SensorKey::bmc(1);
    let factors = |m| Factors {
        m,
        ..Factors::default()
    };
    let mut device = DeviceBuilder::new()
        .analog(AnalogSensor {
            linearisation: 0x70,
            ..AnalogSensor::temperature("Curved", 60)
        })
        .build();
    let table = [(10, factors(1)), (50, factors(3)), (200, factors(-2))];
    device.sensors.get_mut(&key).unwrap().factors = table.into();
    let lab = Lab::new();
    let configuration = module("    collectors: [ipmi]");
    let exporter = Exporter::ours(&configuration);
    let sim = lab.start(device);
    let original = scrape_target(&exporter, &sim.addr().to_string(), "bmc", Some("30"));
    assert_eq!(original.sensor(1), Some(180.0));

    let recorder = Recorder::new(&configuration);
    let (recording, _) = recorder.record(&sim.addr().to_string(), &[]);
    assert!(recording.bmc.sensors[0].factors.len() >= 4);
    let replay = lab.start(Device::load(&recorder.output()).unwrap());
    let replayed = scrape_target(&exporter, &replay.addr().to_string(), "bmc", Some("30"));
    assert_same("non-linear", &original, &replayed);
    for (raw, value) in [(12, 12.0), (190, -380.0)] {
        replay.set_reading(key, raw);
        let moved = scrape_target(&exporter, &replay.addr().to_string(), "bmc", Some("30"));
        assert_eq!(moved.sensor(1), Some(value));
    }
}

/// OpenIPMI's simulator shares no code with ours: what it says is what a foreign
/// BMC says.
#[test]
fn a_foreign_bmc_gives_the_same_series_again() {
    let configuration = format!(
        "modules:\n  bmc:\n    user: admin\n    pass: secret\n    privilege: admin\n    {COLLECTORS}\n"
    );
    let exporter = Exporter::ours(&configuration);
    let lab = Lab::new();
    let mut compared = 0;
    for (records, events, extras) in [
        ("varied", "varied", Some("08=na 13=C0 09=CB 45=CD")),
        ("clean", "clean", Some("")),
        ("shared", "clean", None),
        ("conversion", "clean", None),
    ] {
        let simulator = Simulator::start(&Machine {
            records,
            events,
            extras,
        });
        let target = simulator.target();
        let original = scrape_target(&exporter, &target, "bmc", Some("30"));
        assert!(original.is_up("ipmi"), "{records}: {:?}", original.up());

        let recorder = Recorder::new(&configuration);
        let (recording, _) = recorder.record(&target, &["--keep-personal"]);
        assert!(!recording.cipher_suites().is_empty() || extras.is_none());
        let config = BmcConfig::new().user(User::administrator("admin", "secret"));
        let replay = lab.start_with(config, Device::load(&recorder.output()).unwrap());
        let replayed = scrape_target(&exporter, &replay.addr().to_string(), "bmc", Some("30"));
        compared += assert_same(records, &original, &replayed);
    }
    assert!(compared > 250, "{compared}");
}

/// How much there was to compare.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    values: usize,
    states: usize,
    absent: usize,
    thresholds: usize,
}

/// The whole path: recording, simulator, network, exporter; against what an
/// independent decoder and FreeIPMI made of the same bytes.
#[test]
fn recorded_machines_have_the_values_states_and_thresholds_that_others_see() {
    let lab = Lab::new();
    let configuration = module("    collectors: [ipmi]");
    let exporter = Exporter::ours(&configuration);
    let mut compared = Compared::default();
    for machine in MACHINES {
        let sim = lab.start(Device::load(&folder(machine)).unwrap());
        let target = sim.addr().to_string();
        let scrape = scrape_target(&exporter, &target, "bmc", Some("30"));
        assert!(scrape.is_complete(), "{machine}");
        let recorder = Recorder::new(&configuration);
        let (recording, _) = recorder.record(&target, &[]);
        let expected = fs::read_to_string(folder(machine).join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let records = &recording.bmc.repository.as_ref().unwrap().records;
        let expected = expected["records"].as_array().unwrap();
        assert_eq!(records.len(), expected.len());
        for (record, expected) in records.iter().zip(expected) {
            let Ok(Record::Sensor(sensor)) = Record::decode(&record.bytes) else {
                continue;
            };
            let context = format!("{machine}: {expected}");
            compare_series(&scrape, expected, &context, &mut compared);
            compare_thresholds(&recording, &sensor, expected, &context, &mut compared);
        }
    }
    assert_eq!(
        compared,
        Compared {
            values: 221,
            states: 714,
            absent: 488,
            thresholds: 378,
        }
    );
}

fn compare_series(scrape: &Scrape, expected: &Value, context: &str, compared: &mut Compared) {
    let id = expected["record_id"].as_u64().unwrap().to_string();
    let name = expected["name"].as_str().unwrap();
    let of_sensor = |series: &Series| {
        series.labels.get("id") == Some(&id) && series.labels.get("name").is_some_and(|n| n == name)
    };
    let mut value = None;
    let mut state = None;
    for (series, sample) in &scrape.exposition.series {
        if of_sensor(series) {
            let place = if series.name.ends_with("_state") {
                &mut state
            } else {
                &mut value
            };
            assert!(place.replace(*sample).is_none(), "{context}");
        }
    }
    let freeipmi = &expected["freeipmi"];
    let is_absent = expected["owner"] != 0x20 || expected["unavailable"] == true;
    if is_absent {
        assert_eq!((value, state), (None, None), "{context}");
        assert_eq!(freeipmi["state"], "N/A", "{context}");
        compared.absent += 1;
        return;
    }
    let state = state.unwrap_or_else(|| panic!("no state: {context}"));
    let wanted = match freeipmi["state"].as_str().unwrap() {
        "Nominal" => 0.0,
        "Warning" => 1.0,
        "Critical" => 2.0,
        _ => f64::NAN,
    };
    // Where a bit beyond the table is set, FreeIPMI has no word for the others.
    let is_skipped = freeipmi["events"]
        .as_str()
        .unwrap()
        .contains("Unrecognized");
    if !is_skipped {
        assert!(same(state, wanted), "state {state}: {context}");
        compared.states += 1;
    }
    match expected.get("value").and_then(Value::as_f64) {
        Some(wanted) => {
            let value = value.unwrap_or_else(|| panic!("no value: {context}"));
            // Fans in percent are ratios.
            let is_close = |value: f64| (value - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
            assert!(
                is_close(value) || is_close(value * 100.0),
                "{value}: {context}"
            );
            compared.values += 1;
        }
        None => assert!(value.is_none_or(f64::is_nan), "{value:?}: {context}"),
    }
}

fn compare_thresholds(
    recording: &Recording,
    sensor: &SensorRecord,
    expected: &Value,
    context: &str,
    compared: &mut Compared,
) {
    let Some(wanted) = expected.get("thresholds").and_then(Value::as_object) else {
        return;
    };
    let row = recording
        .bmc
        .sensors
        .iter()
        .find(|row| (row.lun, row.sensor) == (sensor.key.lun.value(), sensor.key.number.0));
    let Some(answer) = row.and_then(|row| row.thresholds.as_ref()) else {
        assert!(wanted.is_empty() || expected["owner"] != 0x20, "{context}");
        return;
    };
    let (readable, raw) = RawThresholds::decode_response(answer.data().unwrap()).unwrap();
    let conversion = &sensor.analog().unwrap().conversion;
    let thresholds = raw.convert(conversion, readable);
    for (threshold, key) in Threshold::ALL
        .into_iter()
        .zip(["lnc", "lc", "lnr", "unc", "uc", "unr"])
    {
        let wanted = wanted.get(key).and_then(Value::as_f64);
        let found = thresholds.get(threshold);
        assert_eq!(found.is_some(), wanted.is_some(), "{key}: {context}");
        if let (Some(found), Some(wanted)) = (found, wanted) {
            assert!(
                (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
                "{key}: {context}"
            );
            compared.thresholds += 1;
        }
    }
}
