//! Datagrams that arrive more than once, late, or in another order.

use bmc_sim::Fault;
use rmcp_ipmi::session::RejectReason;

use crate::pair::{Route, Setup, ms, opened, seeds, sensor};

#[test]
fn every_packet_many_times_changes_nothing() {
    for copies in [1, 2, 5, 49] {
        for delay in [0, 10, 3_000, 120_000] {
            for seed in seeds(2) {
                let mut pair = Setup::new(seed)
                    .config(|config| config.idle_timeout(ms(300_000)))
                    .pair();
                pair.routes(&Route {
                    copies,
                    copy_delay: ms(delay),
                    ..Route::default()
                });
                pair.log_in();
                for mark in 0..20 {
                    let (time, result) = pair.time(|pair| pair.read(sensor(mark), mark, ms(5_000)));
                    result.unwrap();
                    assert_eq!(time, ms(4), "copies cost time");
                }
                // Half of the copies come when nobody waits any more.
                pair.pass(ms(delay / 2));
                pair.read(100, 1_000, ms(5_000)).unwrap();
                assert_eq!(pair.close(), ms(4));
                let counters = pair.bmc.counters();
                assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
                assert_eq!(pair.session.counters().retransmitted, 0);
            }
        }
    }
}

#[test]
fn replays_are_told_apart_from_answers() {
    let mut pair = opened(1);
    pair.down.copies = 3;
    pair.down.copy_delay = ms(1);
    for mark in 0..40 {
        pair.read(5, mark, ms(5_000)).unwrap();
    }
    pair.pass(ms(1_000));
    assert_eq!(pair.rejected(RejectReason::Replayed), 120);
}

#[test]
fn a_bmc_that_answers_everything_twice_is_understood() {
    for later in [0, 1, 50, 5_000] {
        let mut pair = Setup::new(2).pair();
        pair.bmc.set_fault(Fault::DuplicateReply(ms(later)));
        pair.log_in();
        for mark in 0..100 {
            pair.read(sensor(mark), mark, ms(5_000)).unwrap();
        }
        pair.pass(ms(10_000));
        assert!(pair.close() <= ms(4));
    }
}

#[test]
fn answers_that_overtake_each_other_are_sorted_out() {
    // Each second answer is later than the wait for it: the answer to the
    // repetition overtakes it.
    let mut pair = opened(3);
    pair.bmc.set_fault(Fault::Reordered(ms(900)));
    for mark in 0..50 {
        pair.read(sensor(mark), mark, ms(10_000)).unwrap();
    }
    pair.pass(ms(5_000));
    assert!(pair.session.counters().late > 0);
}

#[test]
fn a_delayed_answer_counts_for_its_own_request_while_that_waits() {
    let mut pair = opened(4);
    pair.read(1, 0, ms(1_000)).unwrap();
    pair.bmc.set_fault(Fault::LateReplyNth {
        nth: 1,
        delay: ms(300),
    });
    // The first copy's answer comes when the second copy is under way and lost.
    pair.down.lose = [pair.down.count + 1].into();
    let (time, result) = pair.time(|pair| pair.read(2, 1, ms(5_000)));
    result.unwrap();
    assert_eq!(time, ms(304), "the late answer was good");
    assert_eq!(pair.session.counters().late, 1);
}

#[test]
fn nothing_that_was_recorded_can_be_played_back_into_another_session() {
    // An eavesdropper records a whole session and plays all of it into the next
    // one, with the same user, password and BMC.
    let mut first = opened(5);
    first.record();
    for mark in 0..20 {
        first.read(7, mark, ms(500)).unwrap();
    }
    let heard = first.recorded();
    assert!(heard.len() >= 20);
    let mut second = opened(6);
    for mark in 0..20 {
        second.start_read(7, mark);
        for datagram in &heard {
            second.inject(datagram);
            assert!(second.session.poll_event().is_none());
        }
        let _ = second.event();
        second.read(7, 100 + mark, ms(500)).unwrap();
    }
    assert!(second.rejected(RejectReason::ForeignSession) >= 400);
}
