//! Sensor descriptions are read once, kept over restarts, and read again when
//! they may have changed.

use std::fs;
use std::path::{Path, PathBuf};

use bmc_sim::{AnalogSensor, DeviceBuilder, SensorKey, SimHandle};
use tempfile::TempDir;

use crate::lab::{Lab, Scrape, config, machine, module, own_metric, scrape};
use crate::support::ANY_PORT;
use crate::support::exporter::Exporter;

const SENSORS: u16 = 6;

fn exporter_with_cache(directory: &Path) -> Exporter {
    Exporter::ours_bare(&module(""), |_| vec![cache_dir(directory)])
}

fn cache_dir(directory: &Path) -> String {
    format!("--cache.dir={}", directory.display())
}

/// One life of an exporter: start, scrape, end. Gives the scrape and how many
/// records were read for it.
fn one_life(directory: &Path, sim: &SimHandle) -> (Scrape, u64) {
    let before = sim.counters().sdr_reads;
    let mut exporter = exporter_with_cache(directory);
    let scrape = scrape(&exporter, sim);
    assert!(scrape.is_complete(), "{:?}", scrape.up());
    assert!(exporter.process.terminate().success());
    (scrape, sim.counters().sdr_reads - before)
}

fn only_file(directory: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the cache directory")
        .map(|entry| entry.expect("an entry").path())
        // What log-ins have taught lies beside.
        .filter(|path| path.extension().is_some_and(|kind| kind == "sdr"))
        .collect();
    let [file] = files.as_slice() else {
        panic!("not one file: {files:?}");
    };
    file.clone()
}

#[test]
fn a_restart_reads_no_record_again() {
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let home = TempDir::new().unwrap();
    let cache = home.path().join("made/by/the/exporter");
    let (first, reads) = one_life(&cache, &sim);
    assert_eq!(reads, u64::from(SENSORS));
    for _ in 0..2 {
        let (again, reads) = one_life(&cache, &sim);
        assert_eq!(reads, 0);
        assert_eq!(again.values(), first.values());
    }
    only_file(&cache);
}

#[test]
fn a_damaged_file_is_ignored_and_written_again() {
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let cache = TempDir::new().unwrap();
    let (first, _) = one_life(cache.path(), &sim);
    let file = only_file(cache.path());
    let good = fs::read(&file).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x10;
    let other_version = String::from_utf8_lossy(&good).replacen("sdr cache ", "sdr cache 9", 1);
    for damaged in [
        flipped,
        good[..good.len() - 7].to_vec(),
        Vec::new(),
        vec![0xff; 5000],
        other_version.into_bytes(),
    ] {
        fs::write(&file, &damaged).unwrap();
        let (again, reads) = one_life(cache.path(), &sim);
        assert_eq!(reads, u64::from(SENSORS));
        assert_eq!(again.values(), first.values());
        assert_eq!(fs::read(&file).unwrap(), good);
    }
    // Whatever else may lie in its place.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let (again, reads) = one_life(cache.path(), &sim);
    assert_eq!(
        (again.values(), reads),
        (first.values(), u64::from(SENSORS))
    );
}

#[test]
fn another_bmc_at_the_same_address_is_not_taken_for_the_first() {
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let cache = TempDir::new().unwrap();
    one_life(cache.path(), &sim);
    let other = DeviceBuilder::new()
        .vendor(674, 256)
        .analogs(3)
        .dcmi_power(99)
        .build();
    let sim = lab.start_in_place_of(sim, &config(), &other);
    let (scrape, reads) = one_life(cache.path(), &sim);
    assert_eq!((scrape.values().len(), reads), (3, 3));
}

#[test]
fn records_that_were_added_or_removed_are_noticed_by_the_next_scrape() {
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let cache = TempDir::new().unwrap();
    let exporter = exporter_with_cache(cache.path());
    assert_eq!(scrape(&exporter, &sim).values().len(), usize::from(SENSORS));
    let more = DeviceBuilder::new()
        .analogs(SENSORS)
        .analog(AnalogSensor::temperature("Added", 77))
        .build();
    let record = more.sdr.records().last().unwrap().bytes.clone();
    sim.device(|device| {
        device.sdr.insert(record);
        device.set_reading(SensorKey::bmc(7), 77);
    });
    let with_new = scrape(&exporter, &sim);
    assert_eq!(with_new.sensor(7), Some(77.0));
    sim.device(|device| assert!(device.sdr.remove(2)));
    let without = scrape(&exporter, &sim);
    assert_eq!(
        Vec::from_iter(without.values().into_keys()),
        [1, 3, 4, 5, 6, 7]
    );
    let read = [("result", "bmc")];
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_sdr_cache_total", &read),
        3.0
    );
    drop(exporter);
    // The file followed.
    assert_eq!(one_life(cache.path(), &sim).1, 0);
}

#[test]
fn new_firmware_makes_the_records_be_read_again() {
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let cache = TempDir::new().unwrap();
    one_life(cache.path(), &sim);
    // While the exporter is down, and while it runs.
    sim.device(|device| device.device_id[3] = 0x31);
    let (_, reads) = one_life(cache.path(), &sim);
    assert_eq!(reads, u64::from(SENSORS));
    let exporter = exporter_with_cache(cache.path());
    assert!(scrape(&exporter, &sim).is_complete());
    let before = sim.counters().sdr_reads;
    sim.device(|device| device.device_id[3] = 0x32);
    assert!(scrape(&exporter, &sim).is_complete());
    assert_eq!(sim.counters().sdr_reads - before, u64::from(SENSORS));
}

#[test]
fn a_directory_that_cannot_be_used_is_a_clear_mistake_at_start() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let directory = file.join("cache");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ipmi_exporter"))
        .arg(ANY_PORT)
        .arg(cache_dir(&directory))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8_lossy(&output.stderr);
    let expected = format!(
        "--cache.dir: cannot use {}: Not a directory",
        directory.display()
    );
    assert!(log.contains(&expected), "{log}");
}

#[test]
fn without_a_directory_records_are_kept_in_memory() {
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let exporter = Exporter::ours_bare(&module(""), |_| Vec::new());
    for _ in 0..3 {
        assert!(scrape(&exporter, &sim).is_complete());
    }
    assert_eq!(sim.counters().sdr_reads, u64::from(SENSORS));
}
