//! One session per BMC, kept while it is needed and closed when it is not, and
//! one request in flight.

use std::thread;
use std::time::{Duration, Instant};

use bmc_sim::{Fault, User};
use rmcp_ipmi::wire::NetFn;

use crate::lab::{
    LIMIT, Lab, assert_one_session_and_one_request, config, machine, module, modules, own_metric,
    scrape, scrape_with, scrape_within,
};
use crate::support::exporter::Exporter;
use crate::support::http;
use crate::support::wait_for;

#[test]
fn a_warm_scrape_costs_one_request_a_sensor_and_five() {
    const SENSORS: u16 = 40;
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    for _ in 0..3 {
        let before = sim.counters();
        let warm = scrape(&exporter, &sim);
        assert!(warm.is_complete());
        assert_eq!(warm.values().len(), usize::from(SENSORS));
        warm.assert_served(&sim);
        let after = sim.counters();
        let requests = after.commands - before.commands;
        assert!(requests <= u64::from(SENSORS) + 5, "{requests} requests");
        assert_eq!(
            after.datagrams_received - before.datagrams_received,
            requests
        );
        assert_eq!(after.sdr_reads, before.sdr_reads);
        assert_eq!((after.logins, after.sessions_closed), (1, 0));
    }
    assert_one_session_and_one_request(&sim.counters());
}

#[test]
fn scrapes_at_the_same_time_share_one_collection() {
    const SENSORS: u16 = 6;
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    sim.set_fault(Fault::Delay(Duration::from_millis(60)));
    let before = sim.counters();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let shared = scrape(&exporter, &sim);
                assert!(shared.is_complete());
                assert_eq!(shared.values().len(), usize::from(SENSORS));
            });
        }
    });
    let after = sim.counters();
    let served = after.readings_served - before.readings_served;
    assert_eq!(served, u64::from(SENSORS));
    let shared = own_metric(&exporter, "ipmi_exporter_shared_collections_total", &[]);
    assert_eq!(shared, 9.0);
    assert_one_session_and_one_request(&after);
}

#[test]
fn modules_with_different_users_never_hold_two_sessions() {
    let lab = Lab::new();
    let config = config()
        .user(User::administrator("second", "other secret"))
        .slots(1);
    let sim = lab.start_with(config, machine(4));
    let exporter = Exporter::ours(&format!(
        "{}  second:\n    user: second\n    pass: other secret\n",
        modules(&[("bmc", ""), ("same", "    collectors: [ipmi]")])
    ));
    for module in ["bmc", "second", "bmc", "second"] {
        assert!(
            scrape_with(&exporter, &sim, module).is_complete(),
            "{module}"
        );
    }
    thread::scope(|scope| {
        for module in ["bmc", "second", "same", "bmc", "second", "same"] {
            let (exporter, sim) = (&exporter, &sim);
            scope.spawn(move || {
                let scrape = scrape_with(exporter, sim, module);
                assert!(scrape.is_complete(), "{module}: {:?}", scrape.up());
            });
        }
    });
    let counters = sim.counters();
    assert_one_session_and_one_request(&counters);
    assert_eq!(counters.open_session_refusals, 0);
    assert_eq!(counters.logins, counters.sessions_closed + 1);
}

#[test]
fn modules_with_the_same_user_share_the_session() {
    let lab = Lab::new();
    let sim = lab.start(machine(4));
    let exporter = Exporter::ours(&modules(&[("bmc", ""), ("same", "    collectors: [ipmi]")]));
    for module in ["bmc", "same", "bmc", "same"] {
        assert!(
            scrape_with(&exporter, &sim, module).is_complete(),
            "{module}"
        );
    }
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_closed), (1, 0));
    // The records are the BMC's, whoever asks.
    assert_eq!(counters.sdr_reads, 4);
}

#[test]
fn a_target_that_nobody_asks_for_is_dropped_and_its_session_closed() {
    let lab = Lab::new();
    let sim = lab.start(machine(4));
    let exporter =
        Exporter::ours_with(&module(""), |_| vec!["--target.idle-timeout=1s".to_owned()]);
    assert!(scrape(&exporter, &sim).is_complete());
    assert_eq!(own_metric(&exporter, "ipmi_exporter_targets", &[]), 1.0);
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_sessions_open", &[]),
        1.0
    );
    lab.wait_for(&sim, LIMIT, |counters| counters.sessions_closed == 1);
    wait_for("an exporter without targets", LIMIT, || {
        let left = own_metric(&exporter, "ipmi_exporter_targets", &[])
            + own_metric(&exporter, "ipmi_exporter_sessions_open", &[]);
        (left == 0.0).then_some(())
    });
    let again = scrape(&exporter, &sim);
    assert!(again.is_complete());
    let counters = sim.counters();
    assert_eq!(counters.logins, 2);
    assert_one_session_and_one_request(&counters);
}

#[test]
fn the_end_of_the_exporter_closes_every_session() {
    let lab = Lab::new();
    let sims: Vec<_> = (0..8).map(|_| lab.start(machine(3))).collect();
    let mut exporter = Exporter::ours(&module(""));
    for sim in &sims {
        assert!(scrape(&exporter, sim).is_complete());
    }
    let started = Instant::now();
    let status = exporter.process.terminate();
    assert!(status.success(), "{status}");
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    for sim in &sims {
        let counters = sim.counters();
        assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
        assert_eq!(counters.slots_in_use, 0);
    }
}

#[test]
fn the_end_of_the_exporter_in_the_middle_of_scrapes_closes_every_session() {
    let lab = Lab::new();
    let sim = lab.start(machine(40));
    sim.set_fault(Fault::Delay(Duration::from_millis(200)));
    let mut exporter = Exporter::ours(&modules(&[("bmc", ""), ("queued", "")]));
    let address = exporter.address;
    thread::scope(|scope| {
        let ask = |module: &str| {
            let path = format!("/ipmi?target={}&module={module}", sim.addr());
            http::get(address, &path)
        };
        let running = scope.spawn(move || ask("bmc"));
        lab.wait_for(&sim, LIMIT, |counters| counters.readings_served >= 2);
        let queued = scope.spawn(move || ask("queued"));
        wait_for("a second scrape", LIMIT, || {
            let known = own_metric(&exporter, "ipmi_exporter_targets", &[]);
            (known == 1.0).then_some(())
        });
        let started = Instant::now();
        let status = exporter.process.terminate();
        assert!(status.success(), "{status}");
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{:?}",
            started.elapsed()
        );
        // Both get an answer: what is known, or that it is too late.
        let answer = running.join().expect("no panic").expect("an answer");
        assert_eq!(answer.status, 200);
        if let Ok(answer) = queued.join().expect("no panic") {
            assert!([200, 503].contains(&answer.status), "{}", answer.status);
        }
    });
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
    assert_eq!(counters.slots_in_use, 0);
}

#[test]
fn a_log_in_that_is_under_way_at_the_end_is_closed_too() {
    let lab = Lab::new();
    let sims: Vec<_> = (0..4).map(|_| lab.start(machine(1))).collect();
    let mut exporter = Exporter::ours(&module(""));
    let address = exporter.address;
    thread::scope(|scope| {
        for sim in &sims {
            sim.set_fault(Fault::LateHandshake(Duration::from_millis(400)));
            let path = format!("/ipmi?target={}&module=bmc", sim.addr());
            scope.spawn(move || http::get(address, &path));
        }
        // The BMCs count them as logged in; the exporter does not know yet.
        for sim in &sims {
            lab.wait_for(sim, LIMIT, |counters| counters.rakp3_with_code == 1);
        }
        let started = Instant::now();
        assert!(exporter.process.terminate().success());
        assert!(started.elapsed() < Duration::from_secs(4));
    });
    for sim in &sims {
        let counters = sim.counters();
        assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
        assert_eq!(counters.slots_in_use, 0);
    }
}

#[test]
fn work_in_the_background_does_not_keep_the_exporter_from_ending() {
    let lab = Lab::new();
    let sim = lab.start(machine(100));
    sim.set_fault(Fault::Delay(Duration::from_millis(100)));
    let mut exporter = Exporter::ours(&module(""));
    assert!(!scrape_within(&exporter, &sim, "2").is_complete());
    let so_far = sim.counters().sdr_reads;
    lab.wait_for(&sim, LIMIT, |counters| counters.sdr_reads > so_far);
    sim.set_fault(Fault::DropReplies(1.0));
    let started = Instant::now();
    assert!(exporter.process.terminate().success());
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(sim.counters().sessions_closed, 1);
}

#[test]
fn a_bmc_that_never_says_goodbye_does_not_keep_the_exporter_from_ending() {
    let lab = Lab::new();
    let sims: Vec<_> = (0..5).map(|_| lab.start(machine(1))).collect();
    let mut exporter = Exporter::ours(&module(""));
    for sim in &sims {
        assert!(scrape(&exporter, sim).is_complete());
        sim.set_fault(Fault::CloseSilent);
    }
    let started = Instant::now();
    assert!(exporter.process.terminate().success());
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    for sim in &sims {
        assert_eq!(sim.counters().sessions_closed, 1);
    }
}

/// The exporter keeps sessions alive every 20 s; this test waits for one turn.
#[test]
fn an_idle_session_outlives_the_bmcs_idle_limit() {
    let lab = Lab::new();
    let config = config().idle_timeout(Duration::from_secs(22));
    let sim = lab.start_with(config, machine(2));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    let idle = sim.counters().commands;
    let limit = Duration::from_secs(22);
    let counters = lab.wait_for(&sim, limit, |counters| counters.commands > idle);
    assert_eq!(counters.commands, idle + 1, "one request keeps it alive");
    assert_eq!(counters.sessions_open, 1);
    let again = scrape(&exporter, &sim);
    assert!(again.is_complete());
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_expired), (1, 0));
}

#[test]
fn nothing_but_reading_commands_is_ever_sent() {
    /// Network function and command of everything that may be asked.
    const READS: [(u8, u8); 17] = [
        (0x00, 0x01), // Get Chassis Status
        (0x04, 0x2d), // Get Sensor Reading
        (0x06, 0x01), // Get Device ID
        (0x06, 0x25), // Get Watchdog Timer
        (0x06, 0x3b), // Set Session Privilege Level
        (0x06, 0x3c), // Close Session
        (0x06, 0x59), // Get System Info Parameters
        (0x0a, 0x20), // Get SDR Repository Info
        (0x0a, 0x22), // Reserve SDR Repository
        (0x0a, 0x23), // Get SDR
        (0x0a, 0x40), // Get SEL Info
        (0x0a, 0x41), // Get SEL Allocation Info
        (0x0a, 0x42), // Reserve SEL
        (0x0a, 0x43), // Get SEL Entry
        (0x2c, 0x02), // DCMI Get Power Reading
        (0x30, 0x70), // Supermicro's LAN mode, of which only "get" is known here
        (0x04, 0x27), // Get Sensor Thresholds
    ];
    let lab = Lab::new();
    let sim = lab.start(machine(3));
    let mut exporter = Exporter::ours(&module(
        "    collectors: [ipmi, dcmi, bmc, bmc-watchdog, chassis, sel, sel-events, sm-lan-mode]",
    ));
    for _ in 0..2 {
        scrape(&exporter, &sim);
    }
    assert!(exporter.process.terminate().success());
    let sent = sim.counters().commands_by_kind;
    assert!(sent.len() > 10, "{sent:?}");
    for (kind, count) in sent {
        assert!(READS.contains(&kind), "{count} times {kind:02x?}");
    }
    assert_eq!(sim.counters().command(NetFn::APP, 0x3c), 1);
}
