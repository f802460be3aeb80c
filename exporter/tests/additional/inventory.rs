//! Inventory: read once, with the right marks, and again when it may have
//! changed.

use std::path::Path;
use std::time::Duration;

use bmc_sim::device::Satellite;
use bmc_sim::{Counters, Device, DeviceBuilder, Fault};
use rmcp_ipmi::wire::NetFn;

use crate::lab::{LIMIT, Lab, config, module, modules, scrape, scrape_with, scrape_within};
use crate::machine::{built, everything, exporter, fru_image, fru_locator, series};
use crate::support::exporter::Exporter;

const AREA_INFO: u8 = 0x10;
const READ: u8 = 0x11;

fn info(device: &str, name: &str, board: &str, product: &str) -> String {
    format!(
        "asset_tag=asset 7,board_manufacturer=ACME,board_part_number=PN-1,board_product=Mainboard,\
         board_serial={board},chassis_part_number=,chassis_serial=,fru={device},name={name},\
         product_manufacturer=ACME,product_name=Server 9,product_part_number=PN-2,\
         product_serial={product},product_version=v3 1"
    )
}

#[test]
fn all_devices_of_the_records_are_read_once() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("chassis, fru");
    let reads = || {
        let counters = sim.counters();
        (
            counters.command(NetFn::STORAGE, AREA_INFO),
            counters.command(NetFn::STORAGE, READ),
        )
    };
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    let expected = [
        info("0", "System Board", "BS-1", "PS-1"),
        info("3", "PS1", "BS-2", "PS-2"),
    ];
    assert_eq!(series(&told, "ipmi_fru_info"), expected);
    for metric in ["ipmi_fru_checksums_valid", "ipmi_fru_complete"] {
        assert_eq!(
            series(&told, metric),
            ["fru=0,name=System Board 1", "fru=3,name=PS1 1"],
            "{metric}"
        );
    }
    assert_eq!(
        series(&told, "ipmi_fru_board_manufacture_timestamp_seconds")[0],
        "fru=0,name=System Board 1577836800"
    );

    // Later scrapes ask nothing; a machine that was switched off and on again
    // may have other parts.
    let first = reads();
    assert_eq!(first.0, 2);
    assert_eq!(series(&scrape(&exporter, &sim), "ipmi_fru_info"), expected);
    assert_eq!(reads(), first);
    sim.device(|device| {
        device.frus.insert(3, fru_image("BS-3", "PS-3"));
        device.set_power(false);
    });
    let told = scrape(&exporter, &sim);
    assert_eq!(
        series(&told, "ipmi_fru_info")[1],
        info("3", "PS1", "BS-3", "PS-3")
    );
    assert_eq!(reads().0, 4);
}

/// Another machine of the same kind and firmware at the same address.
#[test]
fn a_machine_that_was_exchanged_is_read_again() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("fru, guid");
    assert!(scrape(&exporter, &sim).is_complete());
    let other = built(everything().guid([7; 16]).fru(0, fru_image("BS-8", "PS-8")));
    let sim = lab.start_in_place_of(sim, &config(), &other);
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(
        series(&told, "ipmi_fru_info")[1],
        info("0", "System Board", "BS-8", "PS-8")
    );
    assert!(series(&told, "ipmi_system_guid_info")[0].contains("07070707"));

    // The same machine in another session is not.
    let before = sim.counters().command(NetFn::STORAGE, READ);
    sim.forget_sessions();
    assert!(scrape(&exporter, &sim).is_complete());
    assert_eq!(sim.counters().command(NetFn::STORAGE, READ), before);
}

#[test]
fn wrong_checksums_and_lying_sizes_are_marked_and_read() {
    let lab = Lab::new();
    let mut wrong = fru_image("BS-1", "PS-1");
    let last = wrong.len() - 1;
    wrong[last] ^= 0x55;
    let mut cut = fru_image("BS-2", "PS-2");
    cut.truncate(72);
    let device = everything().fru(0, wrong).fru(3, cut);
    let sim = lab.start(built(device));
    let exporter = exporter("fru");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    let found = series(&told, "ipmi_fru_info");
    assert!(found.contains(&info("0", "System Board", "BS-1", "PS-1")));
    assert_eq!(
        series(&told, "ipmi_fru_checksums_valid"),
        ["fru=0,name=System Board 0", "fru=3,name=PS1 0"]
    );
    // What arrived of the second is told; its product's serial did not.
    assert_eq!(
        series(&told, "ipmi_fru_complete"),
        ["fru=0,name=System Board 1", "fru=3,name=PS1 0"]
    );
    let cut = found.iter().find(|series| series.contains("fru=3"));
    let cut = cut.expect("the second device");
    assert!(cut.contains("board_serial=BS-2"), "{cut}");
    assert!(cut.contains("product_serial=,"), "{cut}");
}

#[test]
fn a_device_that_is_not_there_has_no_series() {
    let lab = Lab::new();
    let device = DeviceBuilder::new()
        .analogs(1)
        .sdr(fru_locator(0x41, 3, "PS1"))
        .fru(3, fru_image("BS-2", "PS-2"))
        .build();
    let sim = lab.start(device);
    let exporter = exporter("fru");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(
        series(&told, "ipmi_fru_info"),
        [info("3", "PS1", "BS-2", "PS-2")]
    );
    // Without any, there is nothing to be up for.
    let sim = lab.start(DeviceBuilder::new().analogs(1).build());
    assert!(!scrape(&exporter, &sim).is_up("fru"));
}

#[test]
fn a_slow_bmc_is_read_in_the_background() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = Exporter::ours(&modules(&[
        ("warm", "    collectors: [self-test, thresholds]"),
        ("bmc", "    collectors: [fru]"),
    ]));
    // There is a session, and the records are read.
    assert!(scrape_with(&exporter, &sim, "warm").is_complete());
    sim.set_fault(Fault::Delay(Duration::from_millis(300)));
    let told = scrape_within(&exporter, &sim, "1.1");
    assert!(!told.is_up("fru"));
    let read = |counters: &Counters| counters.command(NetFn::STORAGE, READ);
    assert!(read(&sim.counters()) < 6);
    // Nobody asks, and it goes on.
    lab.wait_for(&sim, LIMIT, |counters| read(counters) == 6);
    let told = scrape_within(&exporter, &sim, "5");
    assert!(told.is_up("fru"), "{:?}", told.up());
    assert_eq!(series(&told, "ipmi_fru_info").len(), 2);
}

#[test]
fn devices_of_satellites_are_read_where_the_module_bridges() {
    let lab = Lab::new();
    let mut satellite = DeviceBuilder::new()
        .fru(2, fru_image("BS-9", "PS-9"))
        .build();
    satellite.address = 0x82;
    let mut locator = fru_locator(0x50, 2, "Mezzanine");
    locator[5] = 0x82;
    let mut device = built(everything().sdr(locator));
    device.add_satellite(0, Satellite::new(satellite));
    let sim = lab.start(device);
    let with = |more: &str| {
        let exporter = Exporter::ours(&module(&format!("    collectors: [fru]\n{more}")));
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        series(&told, "ipmi_fru_info")
    };
    assert_eq!(with("").len(), 2);
    let all = with("    custom_args: {ipmi: [--bridge-sensors]}");
    assert_eq!(all.len(), 3);
    assert!(
        all.contains(&info("0x82.0.2", "Mezzanine", "BS-9", "PS-9")),
        "{all:?}"
    );
}

/// Images of a real machine, with wrong checksums and empty areas among them.
#[test]
fn recorded_machines_have_their_inventory() {
    let lab = Lab::new();
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bmcs");
    for (machine, expected) in [
        ("dell-poweredge-r640", "board_serial=CNIVC007CT0227"),
        ("dell-poweredge-r730xd", "board_manufacturer=DELL"),
    ] {
        let device = Device::load(&recordings.join(machine)).unwrap();
        let sim = lab.start(device);
        let exporter = exporter("fru");
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{machine}: {:?}", told.up());
        let found = series(&told, "ipmi_fru_info");
        assert!(
            found.iter().any(|series| series.contains(expected)),
            "{found:?}"
        );
        assert!(found.len() > 3, "{found:?}");
    }
}
