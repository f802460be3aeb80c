//! What each collector costs in requests, warm, as the documentation says it.

use crate::lab::{Lab, scrape};
use crate::machine::{all_vendors, built, everything, exporter};

/// Requests of one scrape with `collectors` after two others.
fn warm_cost(lab: &Lab, collectors: &str, vendor: (u32, u16)) -> u64 {
    let (manufacturer, product) = vendor;
    let sim = lab.start(built(
        everything()
            .vendor(manufacturer, product)
            .oem(all_vendors()),
    ));
    let exporter = exporter(collectors);
    for _ in 0..2 {
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{collectors}: {:?}", told.up());
    }
    let before = sim.counters().commands;
    scrape(&exporter, &sim);
    sim.counters().commands - before
}

#[test]
fn a_warm_scrape_costs_what_is_documented() {
    const DELL: (u32, u16) = (674, 256);
    let lab = Lab::new();
    for (collectors, requests) in [
        ("bmc-details", 1),
        ("bmc-clock", 1),
        ("self-test", 1),
        ("guid", 1),
        ("chassis-details", 2),
        // One of these is the other's.
        ("chassis, chassis-details", 2),
        ("power-on-hours", 1),
        ("dcmi-statistics", 2),
        ("dcmi-temperatures", 3),
        ("lan", 1),
        // The question whether the records still hold.
        ("thresholds", 1),
        ("fru", 1),
        ("thresholds, fru", 1),
        // That, the log's summary and its last entry.
        ("sel-entries", 3),
        ("sel-events, sel-entries", 3),
        ("dell-power", 3),
    ] {
        assert_eq!(warm_cost(&lab, collectors, DELL), requests, "{collectors}");
    }
    assert_eq!(warm_cost(&lab, "lenovo-energy", (19_046, 1)), 2);
    assert_eq!(warm_cost(&lab, "lenovo-fpc-power", (19_046, 1063)), 3);
    assert_eq!(warm_cost(&lab, "sm-power-supplies", (47_488, 43_707)), 2);
    assert_eq!(warm_cost(&lab, "dell-power, lenovo-energy", (11, 1)), 0);
}
