//! Bytes that are not what they should be, in every state of a session: each
//! prefix and each single-byte change of each datagram that a BMC sends.
//!
//! Nothing may panic, nothing may be believed that is wrong, and the exchange
//! under way must go on as if nothing had come.

use bmc_sim::Fault;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rmcp_ipmi::session::Event;

use crate::pair::{Pair, Setup, ms, opened, seeds, sensor};

/// Prefixes of `datagram`, and copies of it with one byte changed.
fn variations(datagram: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..datagram.len())
        .map(|length| datagram[..length].to_vec())
        .collect();
    for place in 0..datagram.len() {
        for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
            let mut copy = datagram.to_vec();
            copy[place] ^= change;
            all.push(copy);
        }
    }
    // Longer than declared.
    for more in [1, 4, 1_000] {
        let mut copy = datagram.to_vec();
        copy.extend(std::iter::repeat_n(0xff, more));
        all.push(copy);
    }
    all
}

/// The datagrams of the BMC in one log-in and two reads.
fn replies_of_a_session() -> Vec<Vec<u8>> {
    let mut pair = Setup::new(1).pair();
    pair.record();
    pair.log_in();
    pair.read(1, 1, ms(500)).unwrap();
    pair.read(2, 2, ms(500)).unwrap();
    pair.recorded()
}

#[test]
fn changed_bytes_in_a_session_do_nothing() {
    // The same seed: the datagrams are those that this very session will get.
    let replies = replies_of_a_session();
    let [_, _, _, _, _, first, second] = replies.as_slice() else {
        panic!("{} replies", replies.len());
    };
    let mut pair = Setup::new(1).pair();
    pair.log_in();
    for (mark, reply) in [(1, first), (2, second)] {
        let variations = variations(reply);
        pair.start_read(sensor(mark), mark);
        for variation in &variations {
            // Two bytes of the RMCP header mean nothing and are covered by nothing.
            let same = variation.len() == reply.len()
                && variation[..1] == reply[..1]
                && variation[3..] == reply[3..];
            if same {
                continue;
            }
            pair.inject(variation);
            assert!(pair.session.poll_event().is_none(), "{variation:02x?}");
        }
        let _ = pair.event();
    }
    pair.read(3, 3, ms(500)).unwrap();
}

#[test]
fn changed_bytes_in_the_handshake_give_no_session() {
    let replies = replies_of_a_session();
    for step in 0..4 {
        for variation in variations(&replies[step]) {
            if variation == replies[step] {
                continue;
            }
            let mut pair = Setup::new(1).pair();
            pair.session.open(pair.now, pair.now + ms(5_000));
            let mut datagram = Vec::new();
            // As far as this step goes without change.
            for reply in &replies[..step] {
                while pair.session.poll_transmit(&mut datagram) {}
                pair.inject(reply);
            }
            while pair.session.poll_transmit(&mut datagram) {}
            pair.inject(&variation);
            // A later honest answer must not be led astray either: whatever
            // state this is in, the rest of the recorded session comes.
            let mut proofs = 0;
            for reply in &replies[step..] {
                while pair.session.poll_transmit(&mut datagram) {
                    proofs += u32::from(is_proof(&datagram));
                }
                pair.inject(reply);
                if let Some(event) = pair.session.poll_event() {
                    check(&event, &variation);
                }
            }
            assert!(proofs <= 1);
        }
    }
}

/// RAKP message 3 with a code.
fn is_proof(datagram: &[u8]) -> bool {
    datagram.len() > 24 && datagram[5] == 0x14 && datagram[17] == 0
}

fn check(event: &Event, variation: &[u8]) {
    match event {
        Event::Opened { .. } | Event::LoginFailed(_) => {}
        other => panic!("{other:?} after {variation:02x?}"),
    }
}

#[test]
fn runts_and_noise_do_nothing() {
    for seed in seeds(50) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut pair = opened(seed);
        for mark in 0..20 {
            pair.start_read(5, mark);
            for _ in 0..50 {
                let length = match rng.random_range(0..3) {
                    0 => rng.random_range(0..6),
                    1 => rng.random_range(0..100),
                    _ => rng.random_range(0..2_000),
                };
                let mut noise = vec![0; length];
                rng.fill_bytes(&mut noise);
                // Half of them look like RMCP, half of those like RMCP+.
                if rng.random_bool(0.5) {
                    for (to, from) in noise.iter_mut().zip([0x06, 0x00, 0xff, 0x07]) {
                        *to = from;
                    }
                    if let Some(kind) = noise.get_mut(4).filter(|_| rng.random_bool(0.5)) {
                        *kind = 0x06;
                    }
                }
                pair.inject(&noise);
                assert!(pair.session.poll_event().is_none());
            }
            let _ = pair.event();
        }
        pair.read(6, 1_000, ms(500)).unwrap();
    }
}

#[test]
fn noise_in_front_of_every_answer_does_nothing() {
    let mut pair = Setup::new(2).pair();
    pair.bmc.set_fault(Fault::Garbage(600));
    pair.log_in();
    for mark in 0..200 {
        pair.read(sensor(mark), mark, ms(500)).unwrap();
    }
    assert_eq!(pair.session.counters().retransmitted, 0);
}

#[test]
fn the_largest_datagrams_do_nothing() {
    let mut pair: Pair = opened(3);
    pair.start_read(1, 1);
    let mut datagram = vec![0xff; 65_507];
    datagram[..6].copy_from_slice(&[0x06, 0x00, 0xff, 0x07, 0x06, 0xc0]);
    for declared in [0_u16, 1, 1_000, 65_000, u16::MAX] {
        datagram[14..16].copy_from_slice(&declared.to_le_bytes());
        pair.inject(&datagram);
        assert!(pair.session.poll_event().is_none());
    }
    let _ = pair.event();
    pair.read(1, 2, ms(500)).unwrap();
}
