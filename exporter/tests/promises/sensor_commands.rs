//! What Get Sensor Reading alone does not tell: factors of non-linear sensors and
//! live thresholds; and what too many sensors, or contradictory ones, cost.

use bmc_sim::device::{Factors, Thresholds};
use bmc_sim::{AnalogSensor, DeviceBuilder, DiscreteSensor, SensorKey, SimHandle};
use rmcp_ipmi::wire::{CompletionCode, NetFn};

use crate::lab::{Lab, Scrape, machine, modules, own_metric, scrape, scrape_with};
use crate::support::exporter::Exporter;

const GET_SENSOR_READING_FACTORS: u8 = 0x23;
const GET_SENSOR_THRESHOLDS: u8 = 0x27;

fn asked(sim: &SimHandle, command: u8) -> u64 {
    sim.counters().command(NetFn::SENSOR_EVENT, command)
}

fn state(scrape: &Scrape, id: &str) -> Option<f64> {
    let states = scrape.family("ipmi_temperature_state");
    let found = states
        .into_iter()
        .find(|(series, _)| series.labels["id"] == id);
    found.map(|(_, value)| value)
}

fn only_sensors() -> String {
    modules(&[
        ("bmc", "    collectors: [ipmi]"),
        (
            "computed",
            "    collectors: [ipmi]\n    threshold_states: computed",
        ),
    ])
}

#[test]
fn factors_are_asked_once_for_each_reading() {
    let factors = |m: i16, b: i16| Factors {
        m,
        b,
        ..Factors::default()
    };
    let sensor = AnalogSensor {
        linearisation: 0x70,
        factors: vec![
            (0, factors(1, 0)),
            (50, factors(2, -50)),
            (100, factors(3, -150)),
        ],
        ..AnalogSensor::temperature("curve", 50)
    };
    let lab = Lab::new();
    let sim = lab.start(DeviceBuilder::new().analogs(2).analog(sensor).build());
    let exporter = Exporter::ours(&only_sensors());
    let curve = SensorKey::bmc(3);
    // Readings without an entry of their own get the nearest one.
    for (raw, value) in [(50, 50.0), (60, 70.0), (100, 150.0), (10, 10.0)] {
        sim.set_reading(curve, raw);
        let before = asked(&sim, GET_SENSOR_READING_FACTORS);
        for _ in 0..3 {
            assert_eq!(scrape(&exporter, &sim).sensor(3), Some(value), "raw {raw}");
        }
        assert_eq!(asked(&sim, GET_SENSOR_READING_FACTORS), before + 1);
    }
    sim.set_reading(curve, 60);
    assert_eq!(scrape(&exporter, &sim).sensor(3), Some(70.0));
    assert_eq!(asked(&sim, GET_SENSOR_READING_FACTORS), 4);
}

#[test]
fn without_factors_a_sensor_has_a_state_and_no_value() {
    let sensor = AnalogSensor {
        linearisation: 0x70,
        ..AnalogSensor::temperature("curve", 50)
    };
    let mut device = DeviceBuilder::new().analogs(2).analog(sensor).build();
    device.refuse(
        NetFn::SENSOR_EVENT,
        GET_SENSOR_READING_FACTORS,
        CompletionCode(0xc1),
        None,
    );
    let lab = Lab::new();
    let sim = lab.start(device);
    let exporter = Exporter::ours(&only_sensors());
    for _ in 0..5 {
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        assert!(scrape.sensor(3).is_some_and(f64::is_nan));
        assert_eq!(state(&scrape, "3"), Some(0.0));
        assert_eq!(scrape.sensor(1), Some(21.0));
    }
    assert_eq!(asked(&sim, GET_SENSOR_READING_FACTORS), 1);
}

/// What the bits say counts, as it does for stock; arithmetic when the module says
/// so, with the thresholds that the sensor works with now.
#[test]
fn states_follow_the_bits_or_the_thresholds_as_wanted() {
    let live = Thresholds {
        upper_critical: Some(60),
        ..Thresholds::default()
    };
    let device = DeviceBuilder::new()
        .analog(AnalogSensor::temperature("right", 40))
        .analog(AnalogSensor::temperature("shifted", 99))
        .analog(AnalogSensor::temperature("random", 40))
        .analog(AnalogSensor::temperature("lowered", 70).live_thresholds(live))
        .build();
    let lab = Lab::new();
    let sim = lab.start(device);
    sim.device(|device| {
        // Upper thresholds in the place of the lower ones, bits 7:6 clear.
        device.set_response(SensorKey::bmc(2), vec![99, 0xc0, 0x0c]);
        device.set_response(SensorKey::bmc(3), vec![40, 0xc0, 0xd8]);
        device.set_response(SensorKey::bmc(4), vec![70, 0xc0, 0xc0]);
    });
    let exporter = Exporter::ours(&only_sensors());
    let states = |module: &str| {
        let scrape = scrape_with(&exporter, &sim, module);
        assert!(scrape.is_complete());
        ["1", "2", "3", "4"].map(|id| state(&scrape, id).unwrap())
    };
    let reported = states("bmc");
    assert_eq!(
        asked(&sim, GET_SENSOR_THRESHOLDS),
        0,
        "nobody asked for them"
    );
    assert_eq!((reported[0], reported[2], reported[3]), (0.0, 2.0, 0.0));
    // The first collection asks for the thresholds, the second one has them.
    states("computed");
    assert_eq!(asked(&sim, GET_SENSOR_THRESHOLDS), 4);
    assert_eq!(states("computed"), [0.0, 2.0, 0.0, 2.0]);
    assert_eq!(asked(&sim, GET_SENSOR_THRESHOLDS), 4, "they are kept");
    assert_eq!(states("bmc"), reported);
    let counted = own_metric(
        &exporter,
        "ipmi_exporter_threshold_disagreements_total",
        &[],
    );
    assert!(counted >= 6.0, "{counted}");
    // A sensor that changes its state is asked again.
    sim.device(|device| device.set_response(SensorKey::bmc(1), vec![99, 0xc0, 0xd8]));
    assert_eq!(states("computed")[0], 2.0);
    assert_eq!(asked(&sim, GET_SENSOR_THRESHOLDS), 5);
}

#[test]
fn no_bmc_fills_the_database() {
    let lab = Lab::new();
    let sim = lab.start(machine(30));
    let exporter = Exporter::ours_with(&only_sensors(), |_| vec!["--sensors.limit=20".to_owned()]);
    for _ in 0..2 {
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        // The same ones every time.
        assert_eq!(
            Vec::from_iter(scrape.values().into_keys()),
            Vec::from_iter(1..=20)
        );
    }
    let counted = own_metric(&exporter, "ipmi_exporter_sensors_over_limit_total", &[]);
    assert_eq!(counted, 10.0);
}

/// A guess about what is not there only makes questions rarer: nothing that
/// answers is ever left out.
#[test]
fn an_absent_entity_hides_no_sensor_that_answers() {
    let presence = DiscreteSensor {
        entity: 0x20,
        ..DiscreteSensor::new("DIMM present", 0x25, 0x0002).numbered(0x40)
    };
    let dimm = |name: &str, number: u8| AnalogSensor {
        entity: 0x20,
        ..AnalogSensor::temperature(name, 30).numbered(number)
    };
    let lab = Lab::new();
    let device = DeviceBuilder::new()
        .discrete(presence)
        .analog(dimm("there", 0x41))
        .analog(dimm("gone", 0x42))
        .build();
    let sim = lab.start(device);
    sim.fail_sensor(SensorKey::bmc(0x42), CompletionCode(0xcb));
    let exporter = Exporter::ours(&only_sensors());
    for _ in 0..8 {
        let scrape = scrape(&exporter, &sim);
        assert!(scrape.is_complete());
        assert_eq!((scrape.sensor(2), scrape.sensor(3)), (Some(30.0), None));
    }
    // It comes back, and the presence sensor says so.
    sim.set_reading(SensorKey::bmc(0x42), 55);
    sim.device(|device| device.set_states(SensorKey::bmc(0x40), 0x0001));
    scrape(&exporter, &sim);
    assert_eq!(scrape(&exporter, &sim).sensor(3), Some(55.0));
}
