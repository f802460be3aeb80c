//! The key promise: whatever the network does, an answer is the answer to the
//! very command that was asked, and none other.
//!
//! [`Pair::read`] gives the sensor a value that only this one read can give, so
//! the answer of another sensor and of an earlier read of the same sensor are
//! both noticed.

use std::time::Duration;

use bmc_sim::Fault;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rmcp_ipmi::Error;
use rmcp_ipmi::session::Event;

use crate::pair::{GET_SENSOR_READING, PASSWORD, Pair, Route, Setup, ms, seeds, settings};

/// Reads random sensors until `reads` were answered; logs in again whenever the
/// session is lost. Gives how many requests were repeated, and how many answers
/// came late.
fn read_many(pair: &mut Pair, rng: &mut StdRng, reads: u32, within: Duration) -> (u64, u64) {
    let (mut answered, mut failed) = (0, 0);
    let (mut repeated, mut late) = (0, 0);
    let mut mark = 0_u16;
    while answered < reads {
        assert!(
            failed <= reads.max(100),
            "{failed} reads failed and {answered} did not"
        );
        if !pair.session.is_open() {
            let counters = pair.session.counters().take();
            repeated += counters.retransmitted;
            late += counters.late;
            let memory = pair.session.memory();
            pair.renew(settings(PASSWORD), memory);
            match pair.open() {
                // Refused: on slow links the BMC gives the half-open session up
                // before the next message is there.
                Event::LoginFailed(
                    Error::Silent { .. } | Error::Deadline { .. } | Error::LoginRefused { .. },
                ) => failed += 1,
                Event::LoginFailed(Error::NoSlots(_)) => {
                    // Every Close Session of the last minute was lost.
                    pair.pass(ms(65_000));
                    failed += 1;
                }
                Event::LoginFailed(other) => panic!("{other}"),
                _ => {}
            }
            continue;
        }
        mark = mark.wrapping_add(1);
        match pair.read(rng.random_range(1..=200), mark, within) {
            Ok(()) => answered += 1,
            Err(Error::Deadline { .. }) => failed += 1,
            Err(Error::Silent { .. }) => {
                failed += 1;
                pair.close();
            }
            Err(other) => panic!("{other}"),
        }
    }
    let counters = pair.session.counters().take();
    (repeated + counters.retransmitted, late + counters.late)
}

#[test]
fn ten_thousand_reads_over_a_bad_link_get_their_own_answers() {
    for seed in seeds(10) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut pair = Setup::new(seed).pair();
        pair.routes(&Route {
            jitter: ms(30),
            straggle: 0.02,
            straggle_delay: ms(3_000),
            loss: 0.2,
            copy: 0.05,
            copy_delay: ms(2_000),
            ..Route::default()
        });
        let (repeated, late) = read_many(&mut pair, &mut rng, 1_000, ms(60_000));
        assert!(repeated > 300, "{repeated} repetitions: the link was good");
        assert!(late > 0, "no answer came late");
    }
}

#[test]
fn reads_given_up_early_never_meet_the_next_read() {
    // The caller's patience is about one round trip: half of the reads are given
    // up, and their answers come while another read is under way.
    for seed in seeds(20) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut pair = Setup::new(seed).pair();
        pair.routes(&Route {
            jitter: ms(60),
            loss: 0.02,
            copy: 0.05,
            copy_delay: ms(500),
            ..Route::default()
        });
        pair.log_in();
        for mark in 0..500 {
            let number = rng.random_range(1..=200);
            let _ = pair.read(number, mark, ms(rng.random_range(1..100)));
        }
    }
}

#[test]
fn a_slow_bmc_and_a_hasty_caller_never_mix_up() {
    // Commands queue inside the BMC and answers come many seconds late; the
    // caller gives up after a few milliseconds, again and again.
    for (work, patience) in [(50, 5), (200, 10), (500, 40), (2_000, 20), (2_000, 100)] {
        for seed in seeds(4) {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut pair = Setup::new(seed).pair();
            pair.log_in();
            pair.bmc.set_fault(Fault::Delay(ms(work)));
            let mut answered = 0;
            for mark in 0..1_500 {
                let number = rng.random_range(1..=200);
                let within = ms(rng.random_range(1..=patience));
                answered += u32::from(pair.read(number, mark, within).is_ok());
            }
            // None of these can have been answered in time but by mistake.
            let possible = patience >= work;
            assert!(possible || answered == 0, "{work} {patience}: {answered}");
        }
    }
}

#[test]
fn a_dropped_wait_never_meets_the_next_read() {
    // What a caller that goes away leaves behind.
    for seed in seeds(20) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut pair = Setup::new(seed).pair();
        pair.down.jitter = ms(40);
        pair.log_in();
        for mark in 0..300 {
            if rng.random_bool(0.5) {
                let number = rng.random_range(1..=200);
                let deadline = pair.now + ms(5_000);
                pair.session
                    .request(pair.now, deadline, GET_SENSOR_READING, &[number])
                    .unwrap();
                pair.pass_until_sent();
                pair.session.abandon_request();
                pair.pass(ms(rng.random_range(0..20)));
            }
            pair.read(rng.random_range(1..=200), mark, ms(5_000))
                .unwrap();
        }
    }
}
