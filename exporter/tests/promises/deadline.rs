//! Every scrape answers inside its deadline with what is true by then, and what
//! it could not finish is there for a later one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bmc_sim::{DeviceBuilder, Fault, SensorKey};
use rmcp_ipmi::wire::{CompletionCode, NetFn};

use crate::lab::{
    LIMIT, Lab, Scrape, machine, module, own_metric, scrape, scrape_target, scrape_within,
};
use crate::support::exporter::Exporter;
use crate::support::wait_for;

#[test]
fn scrapes_of_a_bmc_that_takes_two_seconds_a_command_end_in_time_with_the_truth() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    sim.set_fault(Fault::Delay(Duration::from_secs(2)));
    let exporter = Exporter::ours(&module(""));
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let scrape = scrape_within(&exporter, &sim, "3");
        assert!(scrape.took < Duration::from_secs(3), "{:?}", scrape.took);
        scrape.assert_served(&sim);
        seen.extend(names_of_up(&scrape));
    }
    // One command fits into the first scrape, before a backlog builds up.
    assert!(seen.contains("chassis"), "{seen:?}");
    assert_eq!(sim.counters().logins, 1);
}

/// The same four times as fast, which proves the same in less time.
#[test]
fn scrapes_of_a_slow_bmc_learn_everything_in_the_end() {
    const COMMAND: Duration = Duration::from_millis(500);
    const TIME_OUT: Duration = Duration::from_millis(1200);
    const INTERVAL: Duration = Duration::from_secs(2);
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    sim.set_fault(Fault::Delay(COMMAND));
    let exporter = Exporter::ours(&module(""));
    let mut seen = BTreeSet::new();
    let end = Instant::now() + Duration::from_secs(40);
    // All sensors together take longer than the deadline: they come below.
    while !["bmc", "chassis", "dcmi"]
        .iter()
        .all(|name| seen.contains(*name))
    {
        assert!(Instant::now() < end, "seen {seen:?}");
        let next = Instant::now() + INTERVAL;
        let scrape = scrape_within(&exporter, &sim, "1.2");
        assert!(scrape.took < TIME_OUT, "{:?}", scrape.took);
        scrape.assert_served(&sim);
        seen.extend(names_of_up(&scrape));
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    // What the short scrapes began has been finished between them.
    lab.wait_for(&sim, LIMIT, |counters| counters.sdr_reads == 2);
    let whole = scrape_within(&exporter, &sim, "20");
    assert!(whole.is_complete(), "{:?}", whole.up());
    assert_eq!(whole.values().len(), 2);
    whole.assert_served(&sim);
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sdr_reads), (1, 2));
}

fn names_of_up(scrape: &Scrape) -> Vec<String> {
    let up = scrape.up().into_iter().filter(|(_, up)| *up);
    up.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn labels_do_not_change_with_the_pace_of_the_bmc() {
    let lab = Lab::new();
    let device = DeviceBuilder::new()
        .analogs(1)
        .system_info(1, "2.19.1")
        .build();
    let sim = lab.start(device);
    sim.set_fault(Fault::SlowCommand {
        net_fn: NetFn::APP,
        command: 0x59,
        delay: Duration::from_millis(900),
    });
    let exporter = Exporter::ours(&module("    collectors: [bmc]"));
    let info = |scrape: &Scrape| -> Vec<String> {
        let series = scrape.family("ipmi_bmc_info").into_keys();
        series
            .map(|series| series.labels["system_firmware_version"].clone())
            .collect()
    };
    // The text is not there yet, so nothing is said about it.
    let first = scrape_within(&exporter, &sim, "1");
    assert!(!first.is_up("bmc"));
    assert_eq!(info(&first), Vec::<String>::new());
    wait_for("the text", LIMIT, || {
        let scrape = scrape_within(&exporter, &sim, "1");
        let expected: &[&str] = if scrape.is_up("bmc") {
            &["2.19.1"]
        } else {
            &[]
        };
        assert_eq!(info(&scrape), expected);
        scrape.is_up("bmc").then_some(())
    });
}

#[test]
fn a_slow_log_in_is_finished_for_the_next_scrape() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    sim.set_fault(Fault::LateHandshake(Duration::from_millis(700)));
    let exporter = Exporter::ours(&module(""));
    let first = scrape_within(&exporter, &sim, "1");
    assert!(first.took < Duration::from_secs(1), "{:?}", first.took);
    assert!(first.is_empty(), "{}", first.body);
    lab.wait_for(&sim, Duration::from_secs(10), |counters| {
        counters.logins == 1
    });
    sim.clear_faults();
    let second = scrape(&exporter, &sim);
    assert!(second.is_complete(), "{:?}", second.up());
    assert_eq!(sim.counters().logins, 1);
}

#[test]
fn without_prometheus_time_out_the_modules_counts_and_then_the_flags() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    sim.set_fault(Fault::Delay(Duration::from_secs(30)));
    let target = sim.addr().to_string();
    let own = Exporter::ours(&module("    timeout: 900"));
    let scrape = scrape_target(&own, &target, "bmc", None);
    assert_between(scrape.took, 850, 2000);
    // The header has the last word, also when it is longer.
    let scrape = scrape_within(&own, &sim, "2.5");
    assert_between(scrape.took, 1950, 2500);

    let flag = Exporter::ours_with(&module(""), |_| {
        vec!["--scrape.default-timeout=700ms".to_owned()]
    });
    let scrape = scrape_target(&flag, &target, "bmc", None);
    assert_between(scrape.took, 650, 2000);
    assert!(scrape.is_empty(), "{}", scrape.body);
}

#[test]
fn a_time_out_shorter_than_the_offset_leaves_half_of_itself() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    // Warm, 0.2 s are enough.
    assert!(scrape_within(&exporter, &sim, "0.4").is_complete());
    sim.set_fault(Fault::Delay(Duration::from_secs(30)));
    let late = scrape_within(&exporter, &sim, "0.4");
    assert_between(late.took, 190, 400);
    assert!(late.is_empty(), "{}", late.body);
}

#[test]
fn a_senseless_time_out_is_none() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    let exporter = Exporter::ours(&module(""));
    for header in ["", "soon", "-3", "0", "NaN", "1e400", "inf"] {
        assert!(
            scrape_within(&exporter, &sim, header).is_complete(),
            "{header:?}"
        );
    }
}

#[test]
fn nothing_stale_is_ever_shown() {
    let lab = Lab::new();
    let sim = lab.start(machine(3));
    let exporter = Exporter::ours(&module(""));
    for value in [41, 42, 200, 0] {
        sim.set_reading(SensorKey::bmc(2), value);
        let scrape = scrape(&exporter, &sim);
        assert_eq!(scrape.sensor(2), Some(f64::from(value)));
        scrape.assert_served(&sim);
    }
    sim.fail_sensor(SensorKey::bmc(2), CompletionCode(0xcb));
    let without = scrape(&exporter, &sim);
    assert!(without.is_complete());
    assert_eq!(Vec::from_iter(without.values().into_keys()), [1, 3]);

    sim.set_fault(Fault::Silent);
    let silent = scrape_within(&exporter, &sim, "1");
    assert!(silent.is_empty(), "{}", silent.body);
}

#[test]
fn a_bmc_that_falls_silent_half_way_leaves_the_truth_so_far() {
    let lab = Lab::new();
    let sim = lab.start(machine(8));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    // Chassis, power, identity, repository info, and four sensors.
    sim.set_fault(Fault::SilentAfter(8));
    let part = scrape_within(&exporter, &sim, "2");
    assert!(part.took < Duration::from_secs(2), "{:?}", part.took);
    let up = part.up();
    assert_eq!(
        Vec::from_iter(up),
        [
            ("bmc", true),
            ("chassis", true),
            ("dcmi", true),
            ("ipmi", false)
        ]
    );
    assert_eq!(Vec::from_iter(part.values().into_keys()), [1, 2, 3, 4]);
    part.assert_served(&sim);
    let partial = [("result", "partial")];
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_scrapes_total", &partial),
        1.0
    );
}

fn assert_between(took: Duration, least_ms: u64, most_ms: u64) {
    let expected = Duration::from_millis(least_ms)..=Duration::from_millis(most_ms);
    assert!(expected.contains(&took), "{took:?} is not in {expected:?}");
}
