//! Odd sensors, odd names and odd logs cost their own series at most, and never
//! show a value that is not there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bmc_recording::{Recording, Repository, SdrRecord};
use bmc_sim::device::{Sensor, Thresholds, Watchdog};
use bmc_sim::{AnalogSensor, Device, DeviceBuilder, DiscreteSensor, SensorKey, SimHandle};
use rmcp_ipmi::wire::CompletionCode;

use crate::lab::{Lab, Scrape, machine, module, modules, own_metric, scrape, scrape_with};
use crate::support::exporter::Exporter;

/// Where the id string of a full record begins, with its type and length.
const FULL_NAME: usize = 47;
/// Byte with the count of sensors that share a compact record.
const COMPACT_SHARING: usize = 23;

/// The record of the last sensor of a machine.
fn last_record(builder: DeviceBuilder) -> Vec<u8> {
    let device = builder.build();
    device.sdr.records().last().expect("a record").bytes.clone()
}

/// A temperature sensor's record with this id and number and any id string.
fn named(id: u8, type_length: u8, name: &[u8]) -> Vec<u8> {
    let sensor = AnalogSensor::temperature("x", 0).numbered(id);
    let mut record = last_record(DeviceBuilder::new().analog(sensor));
    record[0] = id;
    record.truncate(FULL_NAME);
    record.push(type_length);
    record.extend_from_slice(name);
    record[4] = u8::try_from(record.len() - 5).expect("a short record");
    record
}

fn name_of(scrape: &Scrape, id: &str) -> Option<String> {
    let temperatures = scrape.family("ipmi_temperature_celsius").into_keys();
    temperatures
        .filter(|series| series.labels["id"] == id)
        .map(|series| series.labels["name"].clone())
        .next()
}

/// How often a sensor was asked so far.
fn asked(sim: &SimHandle, number: u8) -> usize {
    let sensor = SensorKey::bmc(number);
    sim.served()
        .iter()
        .filter(|served| served.sensor == sensor)
        .count()
}

#[test]
fn names_of_every_kind_arrive_whole() {
    let names: [(u8, &[u8], &str); 9] = [
        (0xc0, b"CPU, \"left\", 1", "CPU, \"left\", 1"),
        (0xc0, b"two\nlines\\n", "two\nlines\\n"),
        (0xc0, b"Geh\xe4use 25\xb0", "Geh\u{e4}use 25\u{b0}"),
        (0xc0, "\u{6e29}\u{5ea6}".as_bytes(), "\u{6e29}\u{5ea6}"),
        // "IPMI" in six bits a character, the specification's own example.
        (0x80, &[0x29, 0xdc, 0xa6], "IPMI"),
        (0x40, &[0x12, 0x3b], "123-"),
        (0xc0, b"", ""),
        (0xc0, b"{x=\"y\"} 1 # EOF", "{x=\"y\"} 1 # EOF"),
        // Claims more bytes than there are.
        (0xdf, b"short", "short"),
    ];
    let mut builder = DeviceBuilder::new();
    for (index, (kind, name, _)) in names.iter().enumerate() {
        let id = u8::try_from(index + 1).unwrap();
        let length = u8::try_from(name.len()).unwrap();
        builder = builder
            .sdr(named(id, kind | length, name))
            .sensor(SensorKey::bmc(id), Sensor::analog(20 + id));
    }
    let lab = Lab::new();
    let sim = lab.start(builder.build());
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    let scrape = scrape(&exporter, &sim);
    assert!(scrape.is_complete());
    for (index, (_, _, name)) in names.iter().enumerate() {
        let id = (index + 1).to_string();
        assert_eq!(name_of(&scrape, &id).as_deref(), Some(*name));
    }
    assert_eq!(scrape.values().len(), names.len());
}

/// Machines exist whose records all bear the same id inside.
#[test]
fn records_with_the_same_id_lose_only_what_cannot_be_told_apart() {
    let record = |number: u8, name: &[u8]| {
        let length = u8::try_from(name.len()).unwrap();
        let mut bytes = named(number, 0xc0 | length, name);
        bytes[0] = 1;
        SdrRecord {
            requested: number.into(),
            next: None,
            bytes,
        }
    };
    let mut recording = Recording::default();
    recording.bmc.repository = Some(Repository {
        records: vec![record(1, b"one"), record(2, b"two"), record(3, b"one")],
        ..Repository::default()
    });
    let mut device = Device::from_recording(&recording);
    for number in 1..=3 {
        device
            .sensors
            .insert(SensorKey::bmc(number), Sensor::analog(30 + number));
    }
    let lab = Lab::new();
    let sim = lab.start(device);
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    let scrape = scrape(&exporter, &sim);
    assert!(scrape.is_complete());
    let value = |name: &str| {
        let labels = [("id", "1"), ("name", name)];
        scrape.exposition.value("ipmi_temperature_celsius", &labels)
    };
    assert_eq!((value("one"), value("two")), (Some(31.0), Some(32.0)));
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_duplicate_sensors_total", &[]),
        1.0
    );
}

#[test]
fn a_sensor_that_is_refused_does_not_take_the_others_along() {
    let lab = Lab::new();
    let sim = lab.start(machine(6));
    for (number, code) in [(2, 0xc1), (3, 0xd4), (4, 0xff), (5, 0x80)] {
        sim.fail_sensor(SensorKey::bmc(number), CompletionCode(code));
    }
    let exporter = Exporter::ours(&module(""));
    let scrape = scrape(&exporter, &sim);
    assert!(scrape.is_complete(), "{:?}", scrape.up());
    assert_eq!(Vec::from_iter(scrape.values().into_keys()), [1, 6]);
    assert_eq!(sim.counters().logins, 1);
}

#[test]
fn a_bmc_that_refuses_every_sensor_is_not_up() {
    let lab = Lab::new();
    let sim = lab.start(machine(3));
    for number in 1..=3 {
        sim.fail_sensor(SensorKey::bmc(number), CompletionCode(0xd4));
    }
    let exporter = Exporter::ours(&module(""));
    let all_refused = scrape(&exporter, &sim);
    assert!(!all_refused.is_up("ipmi"));
    assert!(all_refused.is_up("chassis") && all_refused.is_up("bmc"));
    assert!(all_refused.values().is_empty());
    let log = exporter.process.log();
    assert!(log.contains("refuses to read any of 3 sensors"), "{log}");
    sim.set_reading(SensorKey::bmc(1), 44);
    let again = scrape(&exporter, &sim);
    assert!(again.is_complete());
    assert_eq!(again.sensor(1), Some(44.0));
}

#[test]
fn a_sensor_that_is_always_busy_is_there_without_a_value_and_costs_little() {
    let lab = Lab::new();
    let sim = lab.start(machine(3));
    sim.fail_sensor(SensorKey::bmc(2), CompletionCode(0xc0));
    let exporter = Exporter::ours(&module(""));
    for round in 0..5 {
        let before = asked(&sim, 2);
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        assert!(scrape.sensor(2).is_some_and(f64::is_nan));
        assert_eq!(
            (scrape.sensor(1), scrape.sensor(3)),
            (Some(21.0), Some(23.0))
        );
        let times = asked(&sim, 2) - before;
        assert!((1..=2).contains(&times));
        assert!(round < 3 || times == 1, "no second chance in round {round}");
    }
    sim.set_reading(SensorKey::bmc(2), 50);
    assert_eq!(scrape(&exporter, &sim).sensor(2), Some(50.0));
}

#[test]
fn sensors_that_say_that_they_have_no_reading_have_none() {
    let lab = Lab::new();
    let sim = lab.start(machine(4));
    sim.device(|device| {
        device.set_response(SensorKey::bmc(1), vec![99, 0xe0, 0xc0]);
        device.set_response(SensorKey::bmc(2), vec![99, 0x80, 0xc0]);
        device.set_response(SensorKey::bmc(3), vec![99]);
    });
    let exporter = Exporter::ours(&modules(&[
        ("bmc", ""),
        ("scanning", "    workaround_flags: [ignorescanningdisabled]"),
    ]));
    let standard = scrape(&exporter, &sim);
    assert!(standard.is_complete());
    assert_eq!(Vec::from_iter(standard.values().into_keys()), [4]);
    let ignoring = scrape_with(&exporter, &sim, "scanning");
    assert_eq!(Vec::from_iter(ignoring.values().into_keys()), [2, 4]);
    assert_eq!(ignoring.sensor(2), Some(99.0));
}

#[test]
fn values_that_make_no_sense_are_no_number_and_never_infinite() {
    let sensor = |name: &str, raw: u8| AnalogSensor::new(name, 0x0b, 0x06, raw);
    let device = DeviceBuilder::new()
        .analog(AnalogSensor {
            m: 0,
            b: 7,
            ..sensor("M is zero", 200)
        })
        .analog(AnalogSensor {
            linearisation: 1,
            ..sensor("ln of zero", 0)
        })
        .analog(AnalogSensor {
            linearisation: 2,
            b: -300,
            ..sensor("log of negative", 5)
        })
        .analog(AnalogSensor {
            linearisation: 10,
            b: -300,
            ..sensor("root of negative", 5)
        })
        .analog(AnalogSensor {
            linearisation: 5,
            m: 511,
            ..sensor("power overflow", 255)
        })
        .analog(AnalogSensor {
            linearisation: 7,
            ..sensor("one by zero", 0)
        })
        .analog(AnalogSensor {
            linearisation: 0x70,
            ..sensor("factors to be asked", 5)
        })
        .analog(AnalogSensor {
            linearisation: 0x33,
            ..sensor("reserved function", 5)
        })
        .analog(AnalogSensor {
            units_1: 0xc0,
            ..sensor("no number", 5)
        })
        .analog(AnalogSensor {
            m: 511,
            r_exponent: 7,
            ..sensor("large", 255)
        })
        .build();
    let lab = Lab::new();
    let sim = lab.start(device);
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    let scrape = scrape(&exporter, &sim);
    assert!(scrape.is_complete());
    assert!(!scrape.body.contains("Inf"), "{}", scrape.body);
    let values = scrape.values();
    for id in [1, 2, 3, 4, 5, 8] {
        assert!(values[&id].is_nan(), "sensor {id} is {}", values[&id]);
    }
    // What the formula gives; 1/0 is 0 for stock too. The seventh has asked for its
    // factors.
    assert_eq!(
        (values[&6], values[&7], values[&10]),
        (0.0, 5.0, 511.0 * 255.0 * 1e7)
    );
}

#[test]
fn coulombs_are_not_celsius() {
    let device = DeviceBuilder::new()
        .analog(AnalogSensor::new("Battery charge", 0x29, 0x08, 60))
        .build();
    let lab = Lab::new();
    let sim = lab.start(device);
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    let scrape = scrape(&exporter, &sim);
    let labels = [("id", "1"), ("name", "Battery charge"), ("type", "Battery")];
    assert_eq!(
        scrape.exposition.value("ipmi_sensor_value", &labels),
        Some(60.0)
    );
    assert!(scrape.family("ipmi_temperature_celsius").is_empty());
}

#[test]
fn non_critical_readings_are_nominal_or_warnings_as_wanted() {
    let device = DeviceBuilder::new()
        .analog(AnalogSensor::temperature("fine", 40))
        .analog(AnalogSensor::temperature("warm", 90))
        .analog(AnalogSensor::temperature("hot", 99))
        .analog(AnalogSensor {
            thresholds: Thresholds {
                lower_non_critical: Some(10),
                ..Thresholds::default()
            },
            ..AnalogSensor::voltage("low", 9)
        })
        .build();
    let lab = Lab::new();
    let sim = lab.start(device);
    let configuration = modules(&[
        ("bmc", ""),
        ("nominal", "    noncritical: nominal"),
        ("warning", "    noncritical: warning"),
    ]);
    let states = |scrape: &Scrape| -> Vec<f64> {
        let temperatures = scrape.family("ipmi_temperature_state").into_values();
        temperatures
            .chain(scrape.family("ipmi_voltage_state").into_values())
            .collect()
    };
    let (nominal, warning) = ([0.0, 0.0, 2.0, 0.0], [0.0, 1.0, 2.0, 1.0]);
    let stock = Exporter::ours(&configuration);
    let flag = Exporter::ours_with(&configuration, |_| {
        vec!["--sensors.noncritical=warning".to_owned()]
    });
    for (exporter, module, expected) in [
        (&stock, "bmc", nominal),
        (&stock, "warning", warning),
        (&flag, "bmc", warning),
        (&flag, "nominal", nominal),
    ] {
        assert_eq!(
            states(&scrape_with(exporter, &sim, module)),
            expected,
            "{module}"
        );
    }
}

#[test]
fn shared_records_and_entity_names_are_there_when_asked_for() {
    let dimm = DiscreteSensor {
        entity: 0x20,
        ..DiscreteSensor::new("DIMM", 0x0c, 0x0001).numbered(0x50)
    };
    let mut shared = last_record(DeviceBuilder::new().discrete(dimm));
    // Three sensors, numbered from 1, each an entity instance of its own.
    shared[COMPACT_SHARING] = 0x03;
    shared[COMPACT_SHARING + 1] = 0x81;
    let cpu = |instance: u8| AnalogSensor {
        entity: 0x03,
        instance,
        ..AnalogSensor::temperature("Temp", 50 + instance)
    };
    let mut builder = DeviceBuilder::new()
        .sdr(shared)
        .analog(cpu(1))
        .analog(cpu(2));
    for number in 0x50..0x53 {
        builder = builder.sensor(SensorKey::bmc(number), Sensor::discrete(0x0001));
    }
    let lab = Lab::new();
    let sim = lab.start(builder.build());
    let exporter = Exporter::ours(&modules(&[
        ("bmc", ""),
        ("shared", "    custom_args: {ipmi: [--shared-sensors]}"),
        (
            "entity",
            "    custom_args: {ipmi: [--shared-sensors, --entity-sensor-names]}",
        ),
    ]));
    let names = |module: &str| -> Vec<String> {
        let scrape = scrape_with(&exporter, &sim, module);
        assert!(scrape.is_up("ipmi"));
        let discrete = scrape.family("ipmi_sensor_state").into_keys();
        let analog = scrape.family("ipmi_temperature_celsius").into_keys();
        discrete
            .chain(analog)
            .map(|series| series.labels["name"].clone())
            .collect()
    };
    assert_eq!(names("bmc"), ["DIMM", "Temp", "Temp"]);
    assert_eq!(
        names("shared"),
        ["DIMM 1", "DIMM 2", "DIMM 3", "Temp", "Temp"]
    );
    assert_eq!(
        names("entity"),
        [
            "Memory Device 1 DIMM 1",
            "Memory Device 2 DIMM 2",
            "Memory Device 3 DIMM 3",
            "Processor 1 Temp",
            "Processor 2 Temp"
        ]
    );
}

#[test]
fn excluded_sensors_are_not_even_asked() {
    let lab = Lab::new();
    let sim = lab.start(machine(5));
    let exporter = Exporter::ours(&module("    exclude_sensor_ids: [2, 4, 999]"));
    let scrape = scrape(&exporter, &sim);
    assert!(scrape.is_complete());
    assert_eq!(Vec::from_iter(scrape.values().into_keys()), [1, 3, 5]);
    assert_eq!((asked(&sim, 2), asked(&sim, 4)), (0, 0));
}

#[test]
fn absent_sensors_are_asked_rarely_and_come_back_with_the_power() {
    let lab = Lab::new();
    let sim = lab.start(machine(6));
    sim.device(|device| device.set_power(false));
    for number in 1..=4 {
        sim.fail_sensor(SensorKey::bmc(number), CompletionCode(0xcb));
    }
    let exporter = Exporter::ours(&module(""));
    const ROUNDS: usize = 13;
    for _ in 0..ROUNDS {
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        assert_eq!(Vec::from_iter(scrape.values().into_keys()), [5, 6]);
    }
    for number in 1..=4 {
        // Three times to learn it, then every fifth time.
        let times = asked(&sim, number);
        assert!((3..=3 + ROUNDS.div_ceil(5)).contains(&times), "{times}");
    }
    assert_eq!(asked(&sim, 5), ROUNDS);

    sim.device(|device| {
        device.set_power(true);
        for number in 1..=4 {
            device.set_reading(SensorKey::bmc(number), 60 + number);
        }
    });
    let powered = scrape(&exporter, &sim);
    assert_eq!(
        Vec::from_iter(powered.values().into_keys()),
        [1, 2, 3, 4, 5, 6]
    );
    powered.assert_served(&sim);
}

#[test]
fn an_absent_sensor_that_appears_is_found_within_a_few_scrapes() {
    let lab = Lab::new();
    let sim = lab.start(machine(3));
    sim.fail_sensor(SensorKey::bmc(2), CompletionCode(0xcb));
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    for _ in 0..6 {
        assert_eq!(scrape(&exporter, &sim).sensor(2), None);
    }
    sim.set_reading(SensorKey::bmc(2), 77);
    let found = (1..=5).find(|_| scrape(&exporter, &sim).sensor(2) == Some(77.0));
    assert!(found.is_some());
    for _ in 0..5 {
        assert_eq!(scrape(&exporter, &sim).sensor(2), Some(77.0));
    }
}

/// Some BMCs never say that their watchdog timer runs.
#[test]
fn a_watchdog_timer_that_moves_runs_when_its_word_is_not_taken() {
    let lab = Lab::new();
    let timer = Watchdog {
        timer_use: 0x04,
        action: 0x01,
        pre_timeout_seconds: 0,
        expired_flags: 0,
        initial_count: 3_000,
        present_count: 2_500,
    };
    let sim = lab.start(DeviceBuilder::new().watchdog(timer).build());
    let exporter = Exporter::ours(&modules(&[
        ("word", "    collectors: [bmc-watchdog]"),
        (
            "movement",
            "    collectors: [bmc-watchdog]\n    workaround_flags: [ignorestateflag]",
        ),
    ]));
    let state =
        |module: &str| scrape_with(&exporter, &sim, module).plain("ipmi_bmc_watchdog_timer_state");
    assert_eq!((state("word"), state("movement")), (Some(0.0), Some(0.0)));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // A timer counts tenths of seconds.
            while !done.load(Ordering::Relaxed) {
                sim.device(|device| {
                    if let Some(timer) = &mut device.watchdog {
                        timer.present_count -= 1;
                    }
                });
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let states = (state("word"), state("movement"));
        done.store(true, Ordering::Relaxed);
        assert_eq!(states, (Some(0.0), Some(1.0)));
    });
}
