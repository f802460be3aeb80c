//! The vendors' own reads go to their machines and to no others.

use bmc_sim::Counters;
use bmc_sim::device::{FpcPower, LenovoEnergy, Oem};
use rmcp_ipmi::wire::NetFn;

use crate::lab::{Lab, scrape};
use crate::machine::{
    EVENT_TIME, VENDORS, all_vendors, built, engine, engine_record, everything, exporter, series,
};

const SEND_MESSAGE: u8 = 0x34;
const MASTER_WRITE_READ: u8 = 0x52;

/// How many commands of vendors, and of those that reach beyond the BMC, came.
fn vendor_commands(counters: &Counters) -> u64 {
    counters
        .commands_by_kind
        .iter()
        .filter(|((net_fn, command), _)| {
            *net_fn >= 0x2e
                || (*net_fn == 0x06 && [SEND_MESSAGE, MASTER_WRITE_READ].contains(command))
        })
        .map(|(_, count)| *count)
        .sum()
}

#[test]
fn a_strangers_bmc_gets_not_one_of_their_commands() {
    let lab = Lab::new();
    // Not HPE's, not an unknown maker's, and not of another product of a known
    // maker either.
    for (manufacturer, product) in [(11, 0x2000), (47_196, 1), (10_876, 2000), (47_488, 43_708)] {
        let sim = lab.start(built(
            everything()
                .vendor(manufacturer, product)
                .oem(all_vendors()),
        ));
        let exporter = exporter(VENDORS);
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        assert_eq!(vendor_commands(&sim.counters()), 0, "{manufacturer}");
        assert_eq!(told.exposition.families.len(), 2, "{}", told.body);
    }
}

#[test]
fn dell() {
    let lab = Lab::new();
    for wide in [false, true] {
        let mut oem = all_vendors();
        oem.dell.as_mut().unwrap().wide = wide;
        let sim = lab.start(built(everything().vendor(674, 256).oem(oem)));
        let exporter = exporter(VENDORS);
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        for (metric, value) in [
            ("ipmi_dell_power_watts", 158.0),
            ("ipmi_dell_current_amperes", 0.7),
            ("ipmi_dell_energy_joules_total", 444_441_600.0),
            (
                "ipmi_dell_energy_start_timestamp_seconds",
                f64::from(EVENT_TIME),
            ),
            ("ipmi_dell_peak_power_watts", 400.0),
            (
                "ipmi_dell_peak_power_timestamp_seconds",
                f64::from(EVENT_TIME + 100),
            ),
            ("ipmi_dell_peak_current_amperes", 2.3),
            (
                "ipmi_dell_peak_current_timestamp_seconds",
                f64::from(EVENT_TIME + 100),
            ),
        ] {
            assert_eq!(told.plain(metric), Some(value), "{metric}");
        }
        assert_eq!(
            series(&told, "ipmi_dell_power_headroom_watts"),
            ["against=instantaneous 500", "against=peak 300"]
        );
        // The first one twice: the session is raised when it is refused.
        assert_eq!(vendor_commands(&sim.counters()), 4);
    }
}

#[test]
fn lenovo_and_ibm() {
    let lab = Lab::new();
    let machine = |manufacturer, iana, ac_millijoules| {
        let oem = Oem {
            lenovo_energy: Some(LenovoEnergy {
                iana,
                ac_millijoules,
                dc_millijoules: 4_500_000_500,
            }),
            ..Oem::default()
        };
        lab.start(built(everything().vendor(manufacturer, 1).oem(oem)))
    };
    let exporter = exporter("lenovo-energy");
    let sim = machine(19_046, 19_046, Some(5_000_000_000));
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(
        series(&told, "ipmi_lenovo_energy_joules_total"),
        ["side=ac 5000000", "side=dc 4500000.5"]
    );
    // The module is looked for once; that is refused until the session is raised.
    assert_eq!(vendor_commands(&sim.counters()), 4);
    scrape(&exporter, &sim);
    assert_eq!(vendor_commands(&sim.counters()), 6);

    // Older machines know IBM's number only, and count only what they give.
    let sim = machine(20_301, 20_301, None);
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(
        series(&told, "ipmi_lenovo_energy_joules_total"),
        ["side=dc 4500000.5"]
    );
}

#[test]
fn nextscale_enclosures() {
    let lab = Lab::new();
    let exporter = exporter("lenovo-fpc-power");
    for short in [false, true] {
        let oem = Oem {
            lenovo_fpc: Some(FpcPower {
                ac_watts: 550,
                dc_watts: 500,
                fan_centiwatts: 6250,
                short,
            }),
            ..Oem::default()
        };
        let sim = lab.start(built(everything().vendor(19_046, 1063).oem(oem)));
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        assert_eq!(
            series(&told, "ipmi_lenovo_fpc_power_watts"),
            ["part=ac_input 550", "part=dc_output 500", "part=fans 62.5"]
        );
    }
}

#[test]
fn supplies_of_a_known_supermicro_board() {
    let lab = Lab::new();
    let sim = lab.start(built(
        everything().vendor(47_488, 43_707).oem(all_vendors()),
    ));
    let exporter = exporter(VENDORS);
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(
        series(&told, "ipmi_supermicro_power_supply_good"),
        ["supply=1 1", "supply=2 0"]
    );
    // Up to two ways for each of three supplies at first, and one refusal until
    // the session is raised; then only what answered.
    let asked = || sim.counters().command(NetFn::APP, MASTER_WRITE_READ);
    assert_eq!(asked(), 6);
    scrape(&exporter, &sim);
    assert_eq!(asked(), 8);
}

#[test]
fn the_node_manager_of_an_intel_board() {
    let lab = Lab::new();
    let mut device = built(everything().vendor(343, 111));
    device.add_satellite(6, engine(0x2c));
    let sim = lab.start(device);
    let exporter = exporter(VENDORS);
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(
        series(&told, "ipmi_node_manager_power_watts"),
        [
            "domain=cpu,statistic=average 55",
            "domain=cpu,statistic=current 60",
            "domain=cpu,statistic=maximum 90",
            "domain=cpu,statistic=minimum 20",
            "domain=platform,statistic=average 159",
            "domain=platform,statistic=current 158",
            "domain=platform,statistic=maximum 402",
            "domain=platform,statistic=minimum 100",
        ]
    );
    assert_eq!(
        series(&told, "ipmi_node_manager_inlet_temperature_celsius")[1],
        "statistic=current 24"
    );
    assert_eq!(
        series(&told, "ipmi_node_manager_reporting_period_seconds"),
        ["domain=cpu 3600", "domain=platform 3600"]
    );
}

/// Other makers' boards say in a record where the engine is.
#[test]
fn the_node_manager_that_a_board_announces() {
    let lab = Lab::new();
    let mut device = built(everything().vendor(10_876, 1).sdr(engine_record(0x2e)));
    device.add_satellite(6, engine(0x2e));
    let sim = lab.start(device);
    let exporter = exporter("intel-node-manager");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(series(&told, "ipmi_node_manager_power_watts").len(), 8);
}
