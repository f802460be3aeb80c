//! BMCs without a repository: their Device SDRs are read in its place, LUN by LUN,
//! and read again when the BMC says that sensors came or went.

use bmc_sim::{AnalogSensor, Device, DeviceBuilder, SimHandle};
use rmcp_ipmi::wire::NetFn;
use tempfile::TempDir;

use crate::lab::{Lab, module, scrape};
use crate::support::exporter::Exporter;

const GET_DEVICE_SDR_INFO: u8 = 0x20;
const GET_DEVICE_SDR: u8 = 0x21;

fn sensors() -> DeviceBuilder {
    DeviceBuilder::new()
        .analogs(5)
        .analog(AnalogSensor::temperature("Upstairs", 61).on_lun(1))
        .analog(AnalogSensor::temperature("Attic", 63).on_lun(3))
        .only_device_sdrs()
}

fn asked(sim: &SimHandle, command: u8) -> u64 {
    sim.counters().command(NetFn::SENSOR_EVENT, command)
}

const ALL: [u16; 7] = [1, 2, 3, 4, 5, 6, 7];

fn assert_all_are_read(device: Device) {
    let lab = Lab::new();
    let sim = lab.start(device);
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    let first = scrape(&exporter, &sim);
    assert!(first.is_complete());
    let values = first.values();
    assert_eq!(Vec::from_iter(values.keys().copied()), ALL);
    assert_eq!((values[&1], values[&6], values[&7]), (21.0, 61.0, 63.0));
    let reads = asked(&sim, GET_DEVICE_SDR);
    for _ in 0..3 {
        assert_eq!(scrape(&exporter, &sim).values().len(), ALL.len());
    }
    assert_eq!(asked(&sim, GET_DEVICE_SDR), reads);
}

#[test]
fn device_sdrs_stand_in_for_a_repository() {
    assert_all_are_read(sensors().build());
}

#[test]
fn each_lun_is_asked_for_its_own_records() {
    assert_all_are_read(sensors().device_sdrs_by_lun().build());
}

#[test]
fn short_answers_are_put_together() {
    assert_all_are_read(sensors().max_sdr_read_bytes(16).build());
}

#[test]
fn a_repository_comes_first_where_there_is_one() {
    let lab = Lab::new();
    let sim = lab.start(DeviceBuilder::new().analogs(4).device_sdrs().build());
    let exporter = Exporter::ours(&module("    collectors: [ipmi]"));
    assert_eq!(scrape(&exporter, &sim).values().len(), 4);
    assert_eq!(asked(&sim, GET_DEVICE_SDR), 0);
}

#[test]
fn sensors_that_come_and_go_are_noticed() {
    let lab = Lab::new();
    let sim = lab.start(sensors().dynamic_population(1000).build());
    let cache = TempDir::new().unwrap();
    let start = || {
        let directory = cache.path().display().to_string();
        Exporter::ours_bare(&module("    collectors: [ipmi]"), |_| {
            vec![format!("--cache.dir={directory}")]
        })
    };
    let exporter = start();
    assert_eq!(scrape(&exporter, &sim).values().len(), 7);
    let reads = asked(&sim, GET_DEVICE_SDR);
    let infos = asked(&sim, GET_DEVICE_SDR_INFO);
    assert_eq!(scrape(&exporter, &sim).values().len(), 7);
    assert_eq!(asked(&sim, GET_DEVICE_SDR), reads);
    assert_eq!(
        asked(&sim, GET_DEVICE_SDR_INFO),
        infos + 1,
        "one look is enough"
    );
    let gone = sim.device(|device| device.device_sdrs.as_mut().unwrap().remove(3));
    assert!(gone);
    let without = scrape(&exporter, &sim);
    assert_eq!(
        Vec::from_iter(without.values().into_keys()),
        [1, 2, 4, 5, 6, 7]
    );
    assert!(asked(&sim, GET_DEVICE_SDR) > reads);
    // A restart reads nothing: the stamp is kept with the records.
    let reads = asked(&sim, GET_DEVICE_SDR);
    drop(exporter);
    assert_eq!(scrape(&start(), &sim).values().len(), 6);
    assert_eq!(asked(&sim, GET_DEVICE_SDR), reads);
}
