//! Single losses, enumerated: which packet is lost must not matter, and costs
//! little.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::pair::{Pair, Setup, ms, opened};

/// A log-in, a read and a close: 6 packets each way when nothing is lost.
const PACKETS: u64 = 6;

fn run(lose_up: Option<u64>, lose_down: Option<u64>, suite: u8) -> (Pair, Duration) {
    let mut pair = Setup::new(1).suites(&[suite], &[3, 17]).pair();
    pair.up.lose = lose_up.into_iter().collect();
    pair.down.lose = lose_down.into_iter().collect();
    let (time, ()) = pair.time(|pair| {
        pair.log_in();
        pair.read(9, 1, ms(5_000)).unwrap();
        pair.close();
    });
    (pair, time)
}

#[test]
fn any_one_packet_may_be_lost() {
    let (pair, straight) = run(None, None, 17);
    assert_eq!((pair.up.count, pair.down.count), (PACKETS, PACKETS));
    for suite in [3, 17] {
        for nth in 0..PACKETS {
            for (up, down) in [(Some(nth), None), (None, Some(nth))] {
                let (pair, time) = run(up, down, suite);
                let extra = time.saturating_sub(straight);
                let limit = match nth {
                    // The first question: nothing is known of the BMC yet.
                    0 => ms(500),
                    // The key exchange begins again.
                    1..4 => ms(900),
                    4 => ms(250),
                    // Close Session: a BMC that has closed the session says
                    // nothing to the second one.
                    _ => ms(800),
                };
                assert!(extra <= limit, "lost {up:?} {down:?}: {extra:?}");
                assert!(extra >= ms(150), "lost {up:?} {down:?}: nothing was lost");
                assert!(!pair.session.is_open());
            }
        }
    }
}

#[test]
fn any_two_packets_may_be_lost() {
    for first in 0..PACKETS + 4 {
        for second in first..PACKETS + 4 {
            for (up, down) in [
                (vec![first, second], vec![]),
                (vec![first], vec![second]),
                (vec![], vec![first, second]),
            ] {
                let mut pair = Setup::new(1).pair();
                pair.up.lose = up.into_iter().collect();
                pair.down.lose = down.into_iter().collect();
                pair.log_in();
                pair.read(9, 1, ms(5_000)).unwrap();
                assert!(pair.close() <= ms(800));
            }
        }
    }
}

#[test]
fn a_lost_command_costs_a_time_learned_from_the_bmc() {
    for lost_requests in [true, false] {
        for (latency, most) in [(1, 250), (20, 300), (100, 600)] {
            let mut pair = Setup::new(2).pair();
            pair.up.latency = ms(latency);
            pair.down.latency = ms(latency);
            pair.log_in();
            for mark in 0..20 {
                pair.read(1, mark, ms(5_000)).unwrap();
            }
            let (straight, ()) = pair.time(|pair| pair.read(2, 100, ms(5_000)).unwrap());
            assert_eq!(straight, ms(2 * latency));
            let route = if lost_requests {
                &mut pair.up
            } else {
                &mut pair.down
            };
            route.lose = BTreeSet::from([route.count]);
            let (time, ()) = pair.time(|pair| pair.read(2, 101, ms(5_000)).unwrap());
            let extra = time - straight;
            assert!(extra <= ms(most), "round trip {straight:?}: {extra:?}");
            assert!(extra >= ms(2 * latency));
        }
    }
}

#[test]
fn four_losses_in_a_row_are_survived_and_five_are_told() {
    for lost in 1..=5 {
        let mut pair = opened(3);
        pair.read(1, 0, ms(1_000)).unwrap();
        let next = pair.up.count;
        pair.up.lose = (next..next + lost).collect();
        let result = pair.read(2, 1, ms(60_000));
        assert_eq!(result.is_ok(), lost < 5, "{lost} lost: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.label(), "silent");
        }
        pair.read(3, 2, ms(1_000)).unwrap();
    }
}

/// RAKP message 4 lost: the BMC has a session that the client does not know of.
/// It must not stay, or four such losses fill the BMC.
#[test]
fn a_lost_rakp4_leaves_no_session_behind() {
    let mut pair = Setup::new(4).config(|config| config.slots(2)).pair();
    for round in 0..8 {
        // Asked for once.
        let list = u64::from(round == 0);
        pair.down.lose = BTreeSet::from([pair.down.count + list + 3]);
        pair.log_in();
        assert_eq!(pair.bmc.counters().sessions_open, 1, "round {round}");
        pair.close();
        let counters = pair.bmc.counters();
        assert_eq!(counters.sessions_open, 0, "round {round}");
        assert_eq!(counters.logins, 2 * (round + 1));
        assert_eq!(counters.sessions_closed, counters.logins);
    }
}
