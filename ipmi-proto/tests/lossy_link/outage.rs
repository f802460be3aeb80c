//! BMCs that forget their sessions, restart, or are slow.

use std::time::Duration;

use bmc_sim::Fault;
use rmcp_ipmi::Error;
use rmcp_ipmi::session::Event;

use crate::pair::{PASSWORD, Pair, Setup, ms, opened, sensor, settings};

/// The longest that a command waits for a BMC whose round trips are short.
const SILENCE: Duration = Duration::from_millis(6_150);

fn log_in_anew(pair: &mut Pair) {
    let memory = pair.session.memory();
    pair.renew(settings(PASSWORD), memory);
    pair.log_in();
}

#[test]
fn a_silently_lost_session_ends_in_silence_within_a_bound() {
    let mut pair = opened(1);
    pair.read(1, 0, ms(1_000)).unwrap();
    pair.bmc.set_fault(Fault::SessionLostSilent(0));
    let (time, error) = pair.time(|pair| pair.read(1, 1, ms(60_000)).unwrap_err());
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert_eq!(time, SILENCE);
    log_in_anew(&mut pair);
    pair.read(1, 2, ms(1_000)).unwrap();
}

#[test]
fn a_restarted_bmc_is_logged_in_to_again() {
    let mut pair = opened(2);
    for round in 0..5 {
        pair.read(1, round, ms(1_000)).unwrap();
        pair.bmc.forget_sessions();
        assert!(pair.read(1, 100 + round, ms(60_000)).is_err());
        log_in_anew(&mut pair);
    }
}

#[test]
fn an_expired_session_is_noticed_at_the_next_command() {
    let mut pair = opened(3);
    pair.pass(ms(61_000));
    let error = pair.read(1, 1, ms(60_000)).unwrap_err();
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert_eq!(pair.bmc.counters().sessions_expired, 1);
}

/// A caller whose deadlines are shorter than the whole wait must find out too
/// that its session is dead, within a few commands: else every scrape of a lost
/// session would end at its deadline for ever.
#[test]
fn short_deadlines_find_out_as_well() {
    for deadline in [100, 500, 1_000, 3_000] {
        let mut pair = opened(4);
        pair.read(1, 0, ms(1_000)).unwrap();
        pair.bmc.forget_sessions();
        let start = pair.now;
        loop {
            let (time, error) = pair.time(|pair| pair.read(1, 1, ms(deadline)).unwrap_err());
            assert!(time <= ms(deadline));
            if let Error::Silent { .. } = error {
                break;
            }
            let waited = pair.now - start;
            assert!(waited < SILENCE, "deadline {deadline} ms: nobody notices");
        }
    }
}

/// A BMC accepts only numbers that are at most 15 ahead. When so many requests
/// were lost, the session is dead although both sides live, and must be seen to be.
#[test]
fn an_outage_longer_than_the_bmcs_window_is_overcome() {
    let mut pair = opened(5);
    pair.read(1, 0, ms(1_000)).unwrap();
    pair.up.loss = 1.0;
    let mut lost = 0;
    while pair.session.is_open() && lost < 40 {
        lost += 1;
        if let Err(Error::Silent { .. }) = pair.read(1, 1, ms(150)) {
            break;
        }
    }
    pair.up.loss = 0.0;
    assert!(lost < 40, "the session was never given up");
    log_in_anew(&mut pair);
    pair.read(1, 2, ms(1_000)).unwrap();
}

#[test]
fn a_slow_bmc_gets_its_time() {
    // Two seconds a command, one after the other.
    let mut pair = opened(6);
    for mark in 0..10 {
        pair.read(1, mark, ms(1_000)).unwrap();
    }
    pair.bmc.set_fault(Fault::Delay(ms(2_000)));
    let before = pair.session.counters().retransmitted;
    for mark in 100..130 {
        pair.read(sensor(mark), mark, ms(60_000)).unwrap();
    }
    let learning = pair.session.counters().retransmitted - before;
    assert!(
        learning <= 8,
        "{learning} repetitions before the time was learned"
    );
    let (time, ()) = pair.time(|pair| {
        for mark in 200..220 {
            pair.read(sensor(mark), mark, ms(60_000)).unwrap();
        }
    });
    assert_eq!(
        time,
        ms(2_004) * 20,
        "commands wait for nothing but the BMC"
    );
    assert_eq!(pair.session.counters().retransmitted - before, learning);
}

#[test]
fn a_bmc_that_slows_down_and_recovers_is_followed() {
    let mut pair = opened(7);
    let mut mark = 0;
    for delay in [0, 100, 500, 2_000, 4_000, 500, 0, 3_000, 0] {
        pair.bmc.set_fault(Fault::Delay(ms(delay)));
        for _ in 0..30 {
            mark += 1;
            pair.read(1, mark, ms(120_000)).unwrap();
        }
    }
    // Fast again: a loss costs hundreds of milliseconds again.
    pair.up.lose = [pair.up.count].into();
    let (time, ()) = pair.time(|pair| pair.read(1, 10_000, ms(5_000)).unwrap());
    assert!(time < ms(700), "{time:?}");
}

#[test]
fn a_bmc_that_ignores_repetitions_is_not_lost() {
    for fault in [Fault::RetryIgnored, Fault::OneAtATime(None)] {
        let mut pair = opened(8);
        pair.bmc.set_fault(fault.clone());
        pair.down.loss = 0.1;
        for mark in 0..100 {
            pair.read(1, mark, ms(60_000)).unwrap();
        }
    }
}

#[test]
fn one_command_that_is_never_answered_does_not_kill_the_session() {
    let mut pair = opened(9);
    pair.bmc.set_fault(Fault::SilentCommand {
        net_fn: crate::pair::GET_DEVICE_ID.0,
        command: crate::pair::GET_DEVICE_ID.2,
    });
    for mark in 0..5 {
        let result = pair.call(crate::pair::GET_DEVICE_ID, &[], ms(60_000));
        assert!(matches!(result, Err(Error::Silent { .. })), "{result:?}");
        assert!(pair.session.is_open());
        pair.read(1, mark, ms(1_000)).unwrap();
    }
}

#[test]
fn a_bmc_that_loses_its_session_during_log_in_is_logged_in_to() {
    // Forgets everything between any two packets of the log-in.
    for after in 1..4 {
        let mut pair = Setup::new(10).pair();
        pair.session.open(pair.now, pair.now + ms(60_000));
        pair.pass(ms(4 * after + 1));
        pair.bmc.forget_sessions();
        assert!(
            matches!(pair.event(), Event::Opened { .. }),
            "after {after}"
        );
        if pair.read(1, 1, ms(60_000)).is_err() {
            // Forgotten after the BMC had answered all.
            log_in_anew(&mut pair);
            pair.read(1, 2, ms(1_000)).unwrap();
        }
    }
}

#[test]
fn a_session_of_many_weeks_keeps_its_promises() {
    let mut setup = Setup::new(11);
    setup.config.idle_timeout = Duration::from_secs(u64::from(u32::MAX));
    let mut pair = setup.pair();
    pair.log_in();
    for week in 0..20 {
        pair.now += Duration::from_secs(7 * 24 * 3600);
        // A late answer, then as many requests as there are numbers.
        pair.bmc.set_fault(Fault::LateReplyNth {
            nth: 1,
            delay: ms(400),
        });
        assert!(pair.read(1, week * 100, ms(10)).is_err());
        for mark in 1..=80 {
            pair.read(sensor(mark), week * 100 + mark, ms(1_000))
                .unwrap();
        }
    }
}
