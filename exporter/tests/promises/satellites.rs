//! Sensors of controllers behind the BMC: read when the module says so, in
//! whatever order the BMC answers, and never at the cost of the BMC's own.

use std::time::Duration;

use bmc_sim::device::{Satellite, Unreachable};
use bmc_sim::{AnalogSensor, Device, DeviceBuilder, Fault, SensorKey, Sim, SimHandle, V15Config};
use rmcp_ipmi::wire::{CompletionCode, NetFn};
use tempfile::TempDir;

use crate::lab::{
    Lab, PASSWORD, Scrape, USER, config, modules, own_metric, scrape, scrape_target, scrape_with,
};
use crate::support::exporter::Exporter;
use crate::support::process::{program, run};

const CHANNEL: u8 = 6;
const ENGINE: u8 = 0x2c;
const GET_SENSOR_READING: u8 = 0x2d;
const GET_DEVICE_SDR: u8 = 0x21;

/// A controller with two sensors on its first LUN and one on its third.
fn engine() -> Satellite {
    Satellite::new(
        DeviceBuilder::satellite_at(ENGINE)
            .analog(AnalogSensor::temperature("PCH Temp", 51).on_channel(CHANNEL))
            .analog(AnalogSensor::temperature("DIMM Temp", 43).on_channel(CHANNEL))
            .analog(
                AnalogSensor::temperature("Riser Temp", 38)
                    .on_channel(CHANNEL)
                    .on_lun(3),
            )
            .only_device_sdrs()
            .build(),
    )
}

/// A machine with three sensors of its own, and with the engine, whose sensors the
/// machine's repository has or leaves out.
fn machine(is_described: bool) -> Device {
    let builder = DeviceBuilder::new().analogs(3);
    if is_described {
        builder.described_satellite(CHANNEL, "ME", engine()).build()
    } else {
        builder.satellite(CHANNEL, "ME", engine()).build()
    }
}

fn configuration() -> String {
    modules(&[
        ("bmc", "    collectors: [ipmi]\n    bridge_sensors: true"),
        ("plain", "    collectors: [ipmi]"),
        (
            "stock",
            "    collectors: [ipmi]\n    custom_args: {ipmi: [--bridge-sensors]}",
        ),
        (
            "old",
            "    collectors: [ipmi]\n    bridge_sensors: true\n    driver: LAN",
        ),
        (
            "owner",
            "    collectors: [ipmi]\n    workaround_flags: [assumebmcowner]",
        ),
    ])
}

/// Names and values of the temperatures.
fn temperatures(scrape: &Scrape) -> Vec<(String, f64)> {
    let family = scrape.family("ipmi_temperature_celsius");
    family
        .into_iter()
        .map(|(series, value)| (series.labels["name"].clone(), value))
        .collect()
}

fn of_the_engine(scrape: &Scrape) -> Vec<(String, f64)> {
    let mut all = temperatures(scrape);
    all.retain(|(name, _)| !name.starts_with("Sensor "));
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn expected(values: [f64; 3]) -> Vec<(String, f64)> {
    let names = ["DIMM Temp", "PCH Temp", "Riser Temp"];
    names.map(str::to_owned).into_iter().zip(values).collect()
}

fn engine_sensor(lun: u8, number: u8) -> SensorKey {
    SensorKey {
        owner: ENGINE,
        lun,
        number,
    }
}

fn bridged_reads(sim: &SimHandle, command: u8) -> u64 {
    sim.counters().bridged(ENGINE, NetFn::SENSOR_EVENT, command)
}

#[test]
fn sensors_of_satellites_are_read_when_the_module_says_so() {
    let lab = Lab::new();
    let sim = lab.start(machine(true));
    let exporter = Exporter::ours(&configuration());
    let plain = scrape_with(&exporter, &sim, "plain");
    assert!(plain.is_complete());
    assert_eq!(temperatures(&plain).len(), 3);
    assert_eq!(bridged_reads(&sim, GET_SENSOR_READING), 0);
    for module in ["bmc", "stock"] {
        let scrape = scrape_with(&exporter, &sim, module);
        assert!(scrape.is_complete());
        assert_eq!(temperatures(&scrape).len(), 6);
        assert_eq!(of_the_engine(&scrape), expected([43.0, 51.0, 38.0]));
    }
    sim.set_reading(engine_sensor(0, 1), 77);
    sim.set_reading(engine_sensor(3, 1), 12);
    let moved = scrape(&exporter, &sim);
    assert_eq!(of_the_engine(&moved), expected([43.0, 77.0, 12.0]));
    // One request each, and nothing else on the bus: there is nothing to look up.
    assert_eq!(bridged_reads(&sim, GET_SENSOR_READING), 9);
    assert_eq!(bridged_reads(&sim, GET_DEVICE_SDR), 0);
}

#[test]
fn the_order_of_the_answers_does_not_matter() {
    for fault in [
        None,
        Some(Fault::BridgeReorder),
        Some(Fault::BridgeEmbedded),
    ] {
        for keeps_addresses in [false, true] {
            let lab = Lab::new();
            let mut device = machine(true);
            device.bridge_mut().keeps_addresses = keeps_addresses;
            let sim = lab.start(device);
            if let Some(fault) = &fault {
                sim.set_fault(fault.clone());
            }
            let exporter = Exporter::ours(&configuration());
            for _ in 0..3 {
                let scrape = scrape(&exporter, &sim);
                assert!(scrape.is_complete(), "{fault:?}");
                assert_eq!(of_the_engine(&scrape), expected([43.0, 51.0, 38.0]));
            }
            assert_eq!(bridged_reads(&sim, GET_SENSOR_READING), 9, "{fault:?}");
        }
    }
}

#[test]
fn ipmi_1_5_bridges_too() {
    let lab = Lab::new();
    let config = config().v15_only(V15Config::default());
    let sim = lab.start_with(config, machine(true));
    let exporter = Exporter::ours(&configuration());
    for _ in 0..2 {
        let scrape = scrape_with(&exporter, &sim, "old");
        assert!(scrape.is_complete(), "{}", exporter.process.log());
        assert_eq!(of_the_engine(&scrape), expected([43.0, 51.0, 38.0]));
    }
}

/// One look at the repository, and one request for each sensor.
#[test]
fn a_warm_scrape_costs_one_request_for_each_sensor() {
    let lab = Lab::new();
    let sim = lab.start(machine(false));
    let exporter = Exporter::ours(&configuration());
    for (module, sensors) in [("plain", 3), ("bmc", 6)] {
        scrape_with(&exporter, &sim, module);
        scrape_with(&exporter, &sim, module);
        let before = sim.counters().commands;
        let scrape = scrape_with(&exporter, &sim, module);
        assert!(scrape.is_complete());
        let cost = sim.counters().commands - before;
        assert_eq!(cost, sensors + 1, "{module}");
    }
}

#[test]
fn records_that_only_the_satellite_has_are_read_once() {
    let lab = Lab::new();
    let sim = lab.start(machine(false));
    let cache = TempDir::new().unwrap();
    let start = || {
        let directory = cache.path().display().to_string();
        Exporter::ours_bare(&configuration(), |_| {
            vec![format!("--cache.dir={directory}")]
        })
    };
    let exporter = start();
    let first = scrape(&exporter, &sim);
    assert!(first.is_complete());
    assert_eq!(of_the_engine(&first), expected([43.0, 51.0, 38.0]));
    let labels = [("id", "1@6.2c"), ("name", "PCH Temp")];
    let value = first.exposition.value("ipmi_temperature_celsius", &labels);
    assert_eq!(value, Some(51.0));
    let reads = bridged_reads(&sim, GET_DEVICE_SDR);
    assert!(reads > 0);
    for _ in 0..3 {
        let again = scrape(&exporter, &sim);
        assert_eq!(of_the_engine(&again), expected([43.0, 51.0, 38.0]));
    }
    // Who does not bridge sees what stock sees, also now.
    assert_eq!(
        temperatures(&scrape_with(&exporter, &sim, "plain")).len(),
        3
    );
    drop(exporter);
    let after_restart = scrape(&start(), &sim);
    assert_eq!(of_the_engine(&after_restart), expected([43.0, 51.0, 38.0]));
    assert_eq!(bridged_reads(&sim, GET_DEVICE_SDR), reads, "it is on disk");
}

/// Whatever a BMC makes of a controller that is not there, its own sensors come
/// first, and the next scrapes do not ask again.
#[test]
fn a_missing_satellite_costs_one_attempt_and_no_sensor() {
    for missing in [
        Unreachable::Refused(CompletionCode::DESTINATION_UNAVAILABLE),
        Unreachable::Refused(CompletionCode(0x83)),
        Unreachable::TimedOut(Duration::from_millis(300)),
        Unreachable::Silent,
    ] {
        for is_described in [true, false] {
            let lab = Lab::new();
            let mut device = machine(is_described);
            device.satellite_mut(CHANNEL, ENGINE).unwrap().unreachable = Some(missing);
            let sim = lab.start(device);
            let exporter = Exporter::ours(&configuration());
            let first = scrape(&exporter, &sim);
            assert!(first.is_complete(), "{missing:?} {is_described}");
            assert_eq!(temperatures(&first).len(), 3);
            assert!(
                first.took < Duration::from_secs(8),
                "{missing:?} {:?}",
                first.took
            );
            let sent = sim.counters().command(NetFn::APP, 0x34);
            for _ in 0..3 {
                let again = scrape(&exporter, &sim);
                assert!(again.is_complete());
                assert!(
                    again.took < Duration::from_secs(2),
                    "{missing:?} {:?}",
                    again.took
                );
            }
            let asked = sim.counters().command(NetFn::APP, 0x34) - sent;
            assert_eq!(asked, 0, "{missing:?} {is_described}");
            assert_eq!(sim.counters().logins, 1);
        }
    }
}

#[test]
fn a_satellite_that_goes_away_takes_only_its_own_sensors_along() {
    let lab = Lab::new();
    let sim = lab.start(machine(true));
    let exporter = Exporter::ours(&configuration());
    assert_eq!(temperatures(&scrape(&exporter, &sim)).len(), 6);
    let set = |missing| {
        sim.device(|device| device.satellite_mut(CHANNEL, ENGINE).unwrap().unreachable = missing);
    };
    set(Some(Unreachable::Silent));
    for _ in 0..3 {
        let without = scrape(&exporter, &sim);
        assert!(without.is_complete());
        assert_eq!(temperatures(&without).len(), 3);
    }
    assert_eq!(sim.counters().logins, 1, "the session lives");
    let reason = [("reason", "satellite_silent")];
    let failures = own_metric(&exporter, "ipmi_exporter_request_failures_total", &reason);
    assert!(failures >= 2.0);
}

/// Ten controllers that are not there, at seconds each, do not fill a scrape.
#[test]
fn many_missing_satellites_take_turns() {
    let mut builder = DeviceBuilder::new().analogs(3);
    for address in (0x40..0x54).step_by(2) {
        let mut missing = Satellite::new(
            DeviceBuilder::satellite_at(address)
                .analog(AnalogSensor::temperature("far", 30))
                .only_device_sdrs()
                .build(),
        );
        missing.unreachable = Some(Unreachable::Silent);
        builder = builder.described_satellite(0, "missing", missing);
    }
    let device = builder.described_satellite(CHANNEL, "ME", engine()).build();
    let lab = Lab::new();
    let sim = lab.start(device);
    let exporter = Exporter::ours(&configuration());
    // The engine stands behind them, and is asked when the first has cost its time.
    let mut found = Vec::new();
    for _ in 0..12 {
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        assert!(scrape.took < Duration::from_secs(4), "{:?}", scrape.took);
        found.push(temperatures(&scrape).len());
    }
    assert!(found.iter().all(|count| *count >= 3), "{found:?}");
    assert_eq!(found.last(), Some(&6), "{found:?}");
    let back = found.iter().position(|count| *count == 6).unwrap();
    assert!(found[back..].iter().all(|count| *count == 6), "{found:?}");
}

#[test]
fn slow_satellites_are_waited_for() {
    let lab = Lab::new();
    let mut device = machine(true);
    device.satellite_mut(CHANNEL, ENGINE).unwrap().delay = Duration::from_millis(250);
    let sim = lab.start(device);
    let exporter = Exporter::ours(&configuration());
    for _ in 0..3 {
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        assert_eq!(of_the_engine(&scrape), expected([43.0, 51.0, 38.0]));
    }
}

#[test]
fn links_that_lose_mix_nothing_up() {
    let lab = Lab::new();
    let sim = lab.start(machine(true));
    sim.set_fault(Fault::DropReplies(0.1));
    sim.set_fault(Fault::DuplicateReply(Duration::from_millis(30)));
    let exporter = Exporter::ours(&configuration());
    for round in 0..20_u8 {
        for number in 1..=2 {
            sim.set_reading(engine_sensor(0, number), 10 * number + round % 7);
            sim.set_reading(SensorKey::bmc(number), 100 + 10 * number + round % 7);
        }
        let scrape = scrape(&exporter, &sim);
        for (name, value) in temperatures(&scrape) {
            let base = match name.as_str() {
                "PCH Temp" => 10,
                "DIMM Temp" => 20,
                "Sensor 1" => 110,
                "Sensor 2" => 120,
                _ => continue,
            };
            assert_eq!(value, f64::from(base + round % 7), "{name}");
        }
    }
}

/// Boards whose records name other owners although the BMC answers itself.
#[test]
fn assume_bmc_owner_reads_everything_from_the_bmc() {
    let lab = Lab::new();
    let mut device = machine(true);
    device
        .sensors
        .insert(SensorKey::bmc(1), bmc_sim::device::Sensor::analog(21));
    let sim = lab.start(device);
    let exporter = Exporter::ours(&configuration());
    let scrape = scrape_with(&exporter, &sim, "owner");
    // The numbers 1 and 2 of the engine are the BMC's own sensors of that number.
    let values = of_the_engine(&scrape);
    assert_eq!(values, expected([22.0, 21.0, 21.0]));
    assert_eq!(sim.counters().command(NetFn::APP, 0x34), 0);
}

#[test]
fn only_reading_commands_go_over_the_bridge() {
    let lab = Lab::new();
    let sim: Sim = lab.start(machine(false));
    let exporter = Exporter::ours(&configuration());
    let target = sim.addr().to_string();
    for _ in 0..2 {
        scrape_target(&exporter, &target, "bmc", Some("20"));
    }
    const READING: [(u8, u8); 4] = [(0x04, 0x20), (0x04, 0x21), (0x04, 0x22), (0x04, 0x2d)];
    for (_, net_fn, command) in sim.counters().bridged_by_kind.keys() {
        assert!(
            READING.contains(&(*net_fn, *command)),
            "{net_fn:02x} {command:02x}"
        );
    }
}

/// FreeIPMI reads the same sensors over the same bridge, and prints the same values.
#[test]
fn freeipmi_says_the_same_of_every_satellite() {
    let far = Satellite::new(
        DeviceBuilder::satellite_at(0x72)
            .analog(AnalogSensor::voltage("Backplane 12V", 195))
            .analog(AnalogSensor::temperature("Backplane Temp", 33))
            .only_device_sdrs()
            .build(),
    );
    let device = DeviceBuilder::new()
        .analogs(3)
        .described_satellite(CHANNEL, "ME", engine())
        .described_satellite(0, "Backplane", far)
        .build();
    let lab = Lab::new();
    let sim = lab.start(device);
    let home = TempDir::new().unwrap();
    let cache = format!("--sdr-cache-directory={}", home.path().display());
    let csv = run(
        &program("ipmi-sensors", "freeipmi-tools"),
        &[
            &cache,
            "-h",
            &sim.addr().to_string(),
            "-u",
            USER,
            "-p",
            PASSWORD,
            "-D",
            "LAN_2_0",
            "-l",
            "USER",
            "--bridge-sensors",
            "--quiet-cache",
            "--sdr-cache-recreate",
            "--comma-separated-output",
            "--no-header-output",
        ],
    );
    let theirs: Vec<(String, String, f64)> = csv
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split(',').collect();
            let [id, name, _kind, reading, ..] = columns.as_slice() else {
                panic!("{line}");
            };
            (
                (*id).to_owned(),
                (*name).to_owned(),
                reading.parse().unwrap(),
            )
        })
        .collect();
    assert_eq!(theirs.len(), 8, "{csv}");
    let exporter = Exporter::ours(&configuration());
    let scrape = scrape(&exporter, &sim);
    assert!(scrape.is_complete());
    for (id, name, reading) in theirs {
        let labels = [("id", id.as_str()), ("name", name.as_str())];
        let ours = ["ipmi_temperature_celsius", "ipmi_voltage_volts"]
            .into_iter()
            .find_map(|family| scrape.exposition.value(family, &labels));
        let ours = ours.unwrap_or_else(|| panic!("no {name}"));
        assert!((ours - reading).abs() < 0.0051, "{name}: {ours}, {reading}");
    }
}
