//! A session that is lost is replaced; a log-in that cannot succeed is left
//! alone for as long as its reason takes to go away.

use std::thread;
use std::time::{Duration, Instant};

use bmc_sim::{BmcConfig, DropReason, Fault, SimHandle, User};

use crate::lab::{
    LIMIT, Lab, PASSWORD, USER, assert_one_session_and_one_request, config, deaf_port, heard,
    machine, module, own_metric, scrape, scrape_target, scrape_with, scrape_within,
};
use crate::support::exporter::Exporter;
use crate::support::http;
use crate::support::wait_for;

/// A wrong secret costs no more than this when nothing is sent.
const AT_ONCE: Duration = Duration::from_millis(700);

/// Scrapes again and again: nothing may be sent, and the answers come at once.
fn assert_left_alone(exporter: &Exporter, sim: &SimHandle) {
    let before = sim.counters().datagrams_received;
    for _ in 0..10 {
        let blocked = scrape(exporter, sim);
        assert!(blocked.is_empty(), "{}", blocked.body);
        assert!(blocked.took < AT_ONCE, "{:?}", blocked.took);
    }
    assert_eq!(sim.counters().datagrams_received, before);
}

#[test]
fn a_session_that_was_lost_without_a_word_is_replaced_within_the_scrape() {
    let lab = Lab::new();
    let sim = lab.start(machine(5));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    sim.forget_sessions();
    let before = sim.counters();
    let again = scrape(&exporter, &sim);
    assert!(again.is_complete(), "{:?}", again.up());
    assert_eq!(again.values().len(), 5);
    let after = sim.counters();
    assert_eq!(after.logins, 2);
    assert_eq!(after.sdr_reads, before.sdr_reads);
}

#[test]
fn a_lost_session_is_replaced_in_the_end_although_every_scrape_is_too_short_to_notice() {
    let lab = Lab::new();
    let sim = lab.start(machine(5));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    sim.forget_sessions();
    wait_for("a complete scrape", Duration::from_secs(40), || {
        let short = scrape_within(&exporter, &sim, "2");
        assert!(short.took < Duration::from_secs(2), "{:?}", short.took);
        short.is_complete().then_some(())
    });
    assert_eq!(sim.counters().logins, 2);
}

#[test]
fn a_bmc_that_restarts_is_found_again_without_reading_its_records_again() {
    let lab = Lab::new();
    let sim = lab.start(machine(5));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    let sim = lab.start_in_place_of(sim, &config().seed(7), &machine(5));
    let again = scrape(&exporter, &sim);
    assert!(again.is_complete(), "{:?}", again.up());
    again.assert_served(&sim);
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sdr_reads), (1, 0));
    assert_one_session_and_one_request(&counters);
}

#[test]
fn a_lost_packet_costs_hundreds_of_milliseconds_and_no_sample() {
    const SENSORS: u16 = 12;
    let lab = Lab::new();
    let sim = lab.start(machine(SENSORS));
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_complete());
    for lose in [
        Fault::DropRequestNth(vec![1]),
        Fault::DropRequestNth(vec![9]),
        Fault::DropReplyNth(vec![9]),
    ] {
        let warm = scrape(&exporter, &sim);
        let before = sim.counters();
        sim.set_fault(lose.clone());
        let lossy = scrape(&exporter, &sim);
        sim.clear_faults();
        assert!(lossy.is_complete(), "{lose:?}");
        assert_eq!(lossy.values().len(), usize::from(SENSORS));
        lossy.assert_served(&sim);
        let after = sim.counters();
        assert_eq!(
            after.dropped(DropReason::Lost) - before.dropped(DropReason::Lost),
            u64::from(lose.name() == "drop_request_nth")
        );
        assert_eq!(after.logins, 1);
        let more = lossy.took.saturating_sub(warm.took);
        assert!(more < Duration::from_millis(900), "{lose:?}: {more:?} more");
    }
}

#[test]
fn a_dead_target_costs_one_wait() {
    let dead = deaf_port();
    let exporter = Exporter::ours(&module(""));
    let target = dead.local_addr().expect("bound").to_string();
    let first = scrape_target(&exporter, &target, "bmc", Some("10"));
    assert!(first.is_empty(), "{}", first.body);
    assert!(first.took < Duration::from_secs(5), "{:?}", first.took);
    assert!((1..=3).contains(&heard(&dead)));
    for _ in 0..5 {
        let next = scrape_target(&exporter, &target, "bmc", Some("10"));
        assert!(next.is_empty() && next.took < AT_ONCE, "{:?}", next.took);
    }
    assert_eq!(heard(&dead), 0);
}

#[test]
fn a_dead_target_costs_one_wait_for_all_modules_together() {
    let dead = deaf_port();
    let exporter = Exporter::ours(&format!(
        "{}  second:\n    user: second\n    pass: other secret\n",
        module("")
    ));
    let target = dead.local_addr().expect("bound").to_string();
    assert!(scrape_target(&exporter, &target, "bmc", Some("10")).is_empty());
    heard(&dead);
    for module in ["second", "bmc", "second"] {
        let next = scrape_target(&exporter, &target, module, Some("10"));
        assert!(next.is_empty() && next.took < AT_ONCE, "{:?}", next.took);
    }
    assert_eq!(heard(&dead), 0);
}

#[test]
fn a_bmc_without_a_free_slot_is_left_alone_for_a_while() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    sim.set_fault(Fault::SlotsExhausted);
    let exporter = Exporter::ours(&module(""));
    let first = scrape(&exporter, &sim);
    assert!(first.is_empty(), "{}", first.body);
    // "No resources" may also mean the cipher suite: both are tried.
    let counters = sim.counters();
    assert_eq!((counters.open_session_requests, counters.rakp1), (2, 0));
    assert_left_alone(&exporter, &sim);
    let failed = [("result", "no_slots")];
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_logins_total", &failed),
        1.0
    );
}

#[test]
fn a_wrong_password_costs_one_key_exchange_and_never_a_code() {
    let lab = Lab::new();
    let sim = lab.start_with(
        BmcConfig::new().user(User::administrator(USER, "another")),
        machine(2),
    );
    let exporter = Exporter::ours(&module(""));
    let first = scrape(&exporter, &sim);
    assert!(first.is_empty(), "{}", first.body);
    // The exporter says that it does not believe the BMC, so that the slot is free.
    let counters = lab.wait_for(&sim, LIMIT, |counters| counters.rakp3_with_error == 1);
    assert_eq!(counters.rakp1, 1);
    assert_eq!(counters.rakp3_with_code, 0);
    assert_eq!(counters.logins, 0);
    assert_left_alone(&exporter, &sim);
    let failed = [("result", "wrong_password")];
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_logins_total", &failed),
        1.0
    );
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_key_exchanges_total", &[]),
        1.0
    );
}

#[test]
fn an_unknown_user_is_tried_in_its_few_forms_and_then_left_alone() {
    let lab = Lab::new();
    let sim = lab.start_with(
        BmcConfig::new().user(User::administrator("somebody", PASSWORD)),
        machine(2),
    );
    let exporter = Exporter::ours(&module(""));
    assert!(scrape(&exporter, &sim).is_empty());
    let counters = sim.counters();
    assert!((1..=3).contains(&counters.rakp1), "{}", counters.rakp1);
    assert_eq!(counters.rakp3_with_code, 0);
    assert_left_alone(&exporter, &sim);
}

#[test]
fn a_wrong_password_stays_blocked_while_another_module_works() {
    let lab = Lab::new();
    let config = config().user(User::administrator("second", "other secret"));
    let sim = lab.start_with(config, machine(2));
    let exporter = Exporter::ours(&format!(
        "{}  wrong:\n    user: second\n    pass: mistyped\n",
        module("")
    ));
    for _ in 0..5 {
        assert!(scrape_with(&exporter, &sim, "bmc").is_complete());
        assert!(scrape_with(&exporter, &sim, "wrong").is_empty());
    }
    let failed = [("result", "wrong_password")];
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_logins_total", &failed),
        1.0
    );
    let counters = sim.counters();
    assert_eq!(counters.rakp1, counters.logins + 1);
    assert_eq!(counters.sessions_open_peak, 1);
}

#[test]
fn a_password_that_is_put_right_is_used_at_once() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    let right = module("");
    let exporter = Exporter::ours(&right.replace(PASSWORD, "mistyped"));
    assert!(scrape(&exporter, &sim).is_empty());
    std::fs::write(exporter.home().join("modules.yml"), right).expect("configuration file");
    let reload = http::request(exporter.address, "POST", "/-/reload", &[]);
    assert_eq!(reload.expect("an answer").status, 200);
    assert!(scrape(&exporter, &sim).is_complete());
}

#[test]
fn log_ins_over_all_targets_keep_to_the_rate() {
    const RATE: f64 = 5.0;
    let lab = Lab::new();
    let sims: Vec<_> = (0..20).map(|_| lab.start(machine(1))).collect();
    let exporter = Exporter::ours_with(&module(""), |_| vec![format!("--login.rate={RATE}")]);
    let logins = || sims.iter().map(|sim| sim.counters().logins).sum::<u64>();
    thread::scope(|scope| {
        for sim in &sims {
            let exporter = &exporter;
            scope.spawn(move || assert!(scrape(exporter, sim).is_complete()));
        }
        let started = Instant::now();
        while logins() < 20 {
            assert!(started.elapsed() < LIMIT);
            #[expect(clippy::cast_precision_loss, reason = "at most 20")]
            let so_far = logins() as f64;
            // One second's worth may have been saved up.
            let allowed = RATE * (started.elapsed().as_secs_f64() + 1.0) + 1.0;
            assert!(
                so_far <= allowed,
                "{so_far} log-ins after {:?}",
                started.elapsed()
            );
            thread::sleep(Duration::from_millis(10));
        }
        assert!(
            started.elapsed() > Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    });
}
