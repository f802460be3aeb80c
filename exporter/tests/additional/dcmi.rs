//! DCMI: pages, meters that do not measure, and limits that are not in force.

use bmc_sim::DeviceBuilder;
use bmc_sim::device::{Answer, DcmiPower};
use rmcp_ipmi::wire::{CompletionCode, NetFn};

use crate::lab::{Lab, Scrape, scrape};
use crate::machine::{built, everything, exporter, series};

const TEMPERATURES: u8 = 0x10;
const POWER_READING: u8 = 0x02;
const POWER_LIMIT: u8 = 0x03;

fn celsius(told: &Scrape, entity: &str) -> Vec<(u8, f64)> {
    let mut found: Vec<(u8, f64)> = told
        .family("ipmi_dcmi_temperature_celsius")
        .into_iter()
        .filter(|(series, _)| series.labels["entity"] == entity)
        .map(|(series, value)| (series.labels["instance"].parse().unwrap(), value))
        .collect();
    found.sort_by_key(|(instance, _)| *instance);
    found
}

#[test]
fn temperatures_come_eight_at_a_time() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("dcmi-temperatures");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(celsius(&told, "inlet"), [(1, 22.0), (2, -3.0)]);
    let cpus: Vec<(u8, f64)> = (1..=11).map(|n| (n, f64::from(n) + 40.0)).collect();
    assert_eq!(celsius(&told, "cpu"), cpus);
    assert_eq!(celsius(&told, "baseboard"), []);

    // One page, two pages; the board has none by either id, which is remembered.
    let before = sim.counters().command(NetFn::GROUP_EXTENSION, TEMPERATURES);
    scrape(&exporter, &sim);
    let after = sim.counters().command(NetFn::GROUP_EXTENSION, TEMPERATURES);
    assert_eq!(after - before, 3);
}

#[test]
fn ids_of_ipmi_are_tried_where_those_of_dcmi_are_not_known() {
    let lab = Lab::new();
    let device = DeviceBuilder::new()
        .dcmi_temperatures(0x37, &[25])
        .dcmi_temperatures(0x03, &[50, 51])
        .build();
    let sim = lab.start(device);
    let exporter = exporter("dcmi-temperatures");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(celsius(&told, "inlet"), [(1, 25.0)]);
    assert_eq!(celsius(&told, "cpu"), [(1, 50.0), (2, 51.0)]);
}

#[test]
fn the_same_page_for_every_start_ends_the_reading() {
    let lab = Lab::new();
    let mut device = built(everything());
    device.dcmi_temperatures.ignores_start = true;
    let sim = lab.start(device);
    let exporter = exporter("dcmi-temperatures");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(celsius(&told, "cpu").len(), 8);
}

#[test]
fn statistics_and_the_limit() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("dcmi-statistics");
    let told = scrape(&exporter, &sim);
    for (metric, value) in [
        ("ipmi_dcmi_power_minimum_watts", 213.0),
        ("ipmi_dcmi_power_maximum_watts", 487.0),
        ("ipmi_dcmi_power_average_watts", 222.0),
        ("ipmi_dcmi_power_reporting_period_seconds", 300.0),
        ("ipmi_dcmi_power_limit_active", 1.0),
        ("ipmi_dcmi_power_limit_watts", 500.0),
        ("ipmi_dcmi_power_limit_correction_seconds", 1.5),
        ("ipmi_dcmi_power_limit_sampling_seconds", 30.0),
    ] {
        assert_eq!(told.plain(metric), Some(value), "{metric}");
    }
    assert_eq!(
        series(&told, "ipmi_dcmi_info"),
        ["power_management=yes,version=1.5 1"]
    );
}

/// A refusal with the whole answer behind it, as several BMCs give it.
#[test]
fn a_limit_that_is_not_in_force_is_told_as_such() {
    let lab = Lab::new();
    let mut device = built(everything());
    let answer = Answer {
        completion: CompletionCode(0x80),
        data: vec![
            0xdc, 0, 0, 0x11, 0x90, 0x01, 0xe8, 0x03, 0, 0, 0, 0, 0x01, 0x00,
        ],
    };
    device.set_answer(NetFn::GROUP_EXTENSION, POWER_LIMIT, None, answer);
    let sim = lab.start(device);
    let exporter = exporter("dcmi-statistics");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(told.plain("ipmi_dcmi_power_limit_active"), Some(0.0));
    assert_eq!(told.plain("ipmi_dcmi_power_limit_watts"), Some(400.0));

    sim.device(|device| {
        let answer = Answer::error(CompletionCode(0x80));
        device.set_answer(NetFn::GROUP_EXTENSION, POWER_LIMIT, None, answer);
    });
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(told.plain("ipmi_dcmi_power_limit_watts"), None);
    assert_eq!(told.plain("ipmi_dcmi_power_average_watts"), Some(222.0));
}

#[test]
fn a_meter_that_does_not_measure_has_no_samples() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("chassis, dcmi-statistics");
    let average = |current: u16, active: bool, on: bool| {
        sim.device(|device| {
            device.set_power(on);
            device.dcmi_power = Some(DcmiPower {
                current,
                active,
                ..DcmiPower::steady(222)
            });
        });
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        told.plain("ipmi_dcmi_power_average_watts")
    };
    assert_eq!(average(222, true, true), Some(222.0));
    assert_eq!(average(222, false, true), None);
    assert_eq!(average(0, true, true), None);
    assert_eq!(average(0, true, false), Some(222.0));
}

#[test]
fn a_bmc_without_dcmi_is_asked_once_until_its_firmware_changes() {
    let lab = Lab::new();
    let sim = lab.start(DeviceBuilder::new().analogs(1).build());
    let exporter = exporter("bmc-details, dcmi-statistics");
    let asked = || {
        sim.counters()
            .command(NetFn::GROUP_EXTENSION, POWER_READING)
    };
    for _ in 0..3 {
        let told = scrape(&exporter, &sim);
        assert!(!told.is_up("dcmi-statistics"));
        assert_eq!(asked(), 1);
    }
    // An update brings it.
    sim.device(|device| {
        device.device_id[3] = 0x99;
        device.dcmi_power = Some(DcmiPower::steady(99));
    });
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(told.plain("ipmi_dcmi_power_average_watts"), Some(99.0));
}
