//! Log-ins that fail: what the user hears, and what the other side gets to see.

use std::time::Instant;

use bmc_sim::{Fault, User};
use rmcp_ipmi::crypto::Kg;
use rmcp_ipmi::wire::{AlgorithmTriple, CompletionCode, RmcpStatus};
use rmcp_ipmi::{Error, Retry};

use crate::forge::{Forge, Incoming, refuse};
use crate::pair::{PASSWORD, Pair, Setup, USER, ms, settings};
use crate::peers::{Peer, Scripted};

/// A pair whose BMC answers with `script`.
fn scripted<F>(password: &str, script: F) -> Pair<Scripted<F>>
where
    F: FnMut(&mut Forge, Incoming) -> Vec<Vec<u8>>,
{
    let peer = Scripted {
        forge: Forge::new(password),
        script,
    };
    Pair::with_peer(peer, settings(PASSWORD), 1, Instant::now())
}

#[test]
fn a_wrong_password_costs_one_exchange_and_gives_nothing_away() {
    for suite in [3, 17] {
        let mut setup = Setup::new(1).suites(&[suite], &[3, 17]);
        setup.config.users = vec![User::administrator(USER, "another password")];
        let mut pair = setup.pair();
        let error = pair.fail_to_log_in();
        assert_eq!(error, Error::WrongPassword);
        assert_eq!(error.retry(), Retry::AfterMinutes);
        pair.pass(ms(60_000));
        let counters = pair.bmc.counters();
        assert_eq!(counters.open_session_requests, 1);
        assert_eq!(counters.rakp1, 1);
        assert_eq!(counters.rakp3_with_code, 0, "a code left");
        assert_eq!(counters.rakp3_with_error, 1);
        assert_eq!(counters.slots_in_use, 0, "the slot was not given back");
    }
}

#[test]
fn a_bmc_without_the_password_never_gets_a_code() {
    let mut pair = scripted("does not matter", |forge, incoming| {
        let Incoming::Rakp1 { tag } = incoming else {
            return vec![forge.answer(&incoming)];
        };
        vec![forge.rakp2(tag, 0)]
    });
    assert_eq!(pair.fail_to_log_in(), Error::WrongPassword);
    pair.pass(ms(60_000));
    assert_eq!(pair.bmc.forge.proofs, 0);
}

#[test]
fn a_code_of_another_length_is_not_a_proof() {
    let mut pair = Setup::new(2).pair();
    pair.bmc.set_fault(Fault::CodeLenPlus1);
    assert_eq!(pair.fail_to_log_in(), Error::WrongPassword);
    assert_eq!(pair.bmc.counters().rakp3_with_code, 0);

    // Cut short, down to nothing.
    let mut short = 0;
    while short < 32 {
        let mut pair = scripted(PASSWORD, move |forge, incoming| {
            let Incoming::Rakp1 { tag } = incoming else {
                return vec![forge.answer(&incoming)];
            };
            let mut datagram = forge.rakp2(tag, 0);
            let length = datagram.len() - 32 + short;
            datagram.truncate(length);
            // The payload length stands in bytes 14 and 15.
            let payload = u16::try_from(length - 16).unwrap().to_le_bytes();
            datagram[14..16].copy_from_slice(&payload);
            vec![datagram]
        });
        assert_eq!(pair.fail_to_log_in(), Error::WrongPassword, "{short} bytes");
        assert_eq!(pair.bmc.forge.proofs, 0);
        short += 1;
    }
}

#[test]
fn every_wrong_bit_of_rakp2_is_noticed() {
    for bit in 0..8 {
        let mut pair = scripted(PASSWORD, move |forge, incoming| {
            let Incoming::Rakp1 { tag } = incoming else {
                return vec![forge.answer(&incoming)];
            };
            vec![forge.rakp2(tag, 1 << bit)]
        });
        assert_eq!(pair.fail_to_log_in(), Error::WrongPassword);
        assert_eq!(pair.bmc.forge.proofs, 0);
    }
}

#[test]
fn a_wrong_rakp4_is_not_a_session() {
    let mut pair = Setup::new(3).pair();
    pair.bmc.set_fault(Fault::Rakp4BadMac);
    assert_eq!(pair.fail_to_log_in(), Error::WrongKey);
    assert!(!pair.session.is_open());
    assert_eq!(pair.bmc.counters().rakp3_with_code, 1);
    pair.pass(ms(10));
    let counters = pair.bmc.counters();
    assert_eq!(
        counters.sessions_open, 0,
        "the BMC's session was left behind"
    );
}

#[test]
fn a_wrong_k_g_is_told_from_a_wrong_password() {
    let key = |first| {
        let mut key = [7; 20];
        key[0] = first;
        key
    };
    let ours_theirs = [
        (Some(key(1)), Some(key(2))),
        (None, Some(key(2))),
        (Some(key(1)), None),
        // A key may begin with a zero byte.
        (Some(key(0)), None),
    ];
    for (ours, theirs) in ours_theirs {
        let mut setup = Setup::new(4);
        setup.config.k_g = theirs;
        let mut pair = setup
            .settings(|settings| settings.with_k_g(ours.and_then(Kg::new)))
            .pair();
        assert_eq!(
            pair.fail_to_log_in(),
            Error::WrongKey,
            "{ours:?} {theirs:?}"
        );
        assert_eq!(pair.bmc.counters().rakp1, 1);
    }
}

#[test]
fn an_unknown_user_is_looked_up_in_three_ways_and_not_more() {
    let mut setup = Setup::new(5);
    setup.config.users = vec![User::administrator("somebody", PASSWORD)];
    let mut pair = setup.pair();
    let error = pair.fail_to_log_in();
    assert_eq!(
        error,
        Error::UnknownUser(RmcpStatus::UNAUTHORIZED_NAME.into())
    );
    assert_eq!(error.retry(), Retry::AfterMinutes);
    let counters = pair.bmc.counters();
    assert_eq!((counters.rakp1, counters.rakp1_refusals), (3, 3));
    assert_eq!(counters.rakp3_with_code, 0);
}

#[test]
fn full_slots_are_told_and_not_hammered() {
    let mut pair = Setup::new(6).pair();
    pair.bmc.set_fault(Fault::SlotsExhausted);
    let error = pair.fail_to_log_in();
    assert!(matches!(error, Error::NoSlots(_)), "{error}");
    assert_eq!(error.retry(), Retry::WhenSlotsExpire);
    // One for each suite: some boards mean the suite.
    assert_eq!(pair.bmc.counters().open_session_requests, 2);
}

#[test]
fn full_slots_at_the_level_are_told_at_once() {
    let mut rakp1 = 0;
    let mut pair = scripted(PASSWORD, |forge, incoming| {
        let Incoming::Rakp1 { tag } = incoming else {
            return vec![forge.answer(&incoming)];
        };
        rakp1 += 1;
        let mut answer = forge.rakp2(tag, 0);
        refuse(&mut answer, RmcpStatus::NO_RESOURCES_AT_ROLE.0);
        vec![answer]
    });
    let error = pair.fail_to_log_in();
    assert_eq!(
        error,
        Error::NoSlots(RmcpStatus::NO_RESOURCES_AT_ROLE.into())
    );
    drop(pair);
    assert_eq!(rakp1, 1);
}

#[test]
fn no_common_suite_is_told() {
    let mut pair = Setup::new(7).suites(&[17, 3], &[]).pair();
    let error = pair.fail_to_log_in();
    assert!(matches!(error, Error::NoCommonSuite { .. }), "{error}");
    assert_eq!(error.retry(), Retry::AfterMinutes);
}

#[test]
fn a_downgrade_is_refused() {
    let mut pair = Setup::new(8).pair();
    pair.bmc.set_fault(Fault::AlgorithmDowngrade);
    assert!(matches!(pair.fail_to_log_in(), Error::Misbehaved(_)));
    assert_eq!(pair.bmc.counters().rakp1, 0);

    // Any other triple than the proposed one, also stronger or weaker in one part.
    for (authentication, integrity, confidentiality) in
        [(3, 4, 0), (3, 0, 1), (0, 4, 1), (3, 4, 2), (3, 1, 1)]
    {
        let mut pair = scripted(PASSWORD, move |forge, incoming| match incoming {
            Incoming::OpenSession(request) => vec![forge.accept(
                request.tag,
                AlgorithmTriple {
                    authentication,
                    integrity,
                    confidentiality,
                },
            )],
            other => vec![forge.answer(&other)],
        });
        assert!(matches!(pair.fail_to_log_in(), Error::Misbehaved(_)));
        assert_eq!(pair.sent.len(), 4, "suites 17 and 3 are proposed, no more");
    }
}

/// What pyghmi's server does: it has one suite and agrees to that, whatever is
/// proposed.
#[test]
fn a_bmc_that_always_agrees_to_one_suite_is_asked_for_that_one() {
    let mut pair = scripted(PASSWORD, |forge, incoming| match incoming {
        Incoming::OpenSession(request) => vec![forge.accept(
            request.tag,
            AlgorithmTriple {
                authentication: 1,
                integrity: 1,
                confidentiality: 1,
            },
        )],
        other => vec![forge.answer(&other)],
    });
    assert_eq!(pair.log_in(), 3);
}

/// Every status, in every answer of the handshake: the log-in ends soon, in an
/// error, with a bounded number of packets, and never sends a proof before the
/// BMC has given its own.
#[test]
fn every_status_of_every_answer_ends_the_log_in_soon() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum At {
        Open,
        Rakp2,
        Rakp4,
    }
    for at in [At::Open, At::Rakp2, At::Rakp4] {
        for status in 1..=u8::MAX {
            let mut pair = scripted(PASSWORD, move |forge, incoming| {
                let mut answer = forge.answer(&incoming);
                let this = match incoming {
                    Incoming::OpenSession(_) => At::Open,
                    Incoming::Rakp1 { .. } => At::Rakp2,
                    Incoming::Rakp3 { .. } => At::Rakp4,
                    _ => return vec![answer],
                };
                if this == at {
                    refuse(&mut answer, status);
                }
                vec![answer]
            });
            let (time, error) = pair.time(Pair::fail_to_log_in);
            assert!(time < ms(1_000), "{at:?} {status:#x}: {time:?}");
            assert!(
                pair.sent.len() <= 30,
                "{at:?} {status:#x}: {}",
                pair.sent.len()
            );
            assert_ne!(error.retry(), Retry::Now, "{at:?} {status:#x}: {error}");
            assert!(at == At::Rakp4 || pair.bmc.forge.proofs == 0);
        }
    }
}

#[test]
fn a_session_id_of_zero_is_refused() {
    let mut pair = scripted(PASSWORD, |forge, incoming| {
        let mut answer = forge.answer(&incoming);
        if matches!(incoming, Incoming::OpenSession(_)) {
            answer[24..28].fill(0);
        }
        vec![answer]
    });
    assert!(matches!(pair.fail_to_log_in(), Error::Misbehaved(_)));
}

#[test]
fn answers_that_come_before_they_are_asked_for_do_nothing() {
    // RAKP messages 2 and 4 instead of the Open Session response, and so on:
    // the log-in goes on as if they had not come.
    let mut early = 0;
    let mut pair = scripted(PASSWORD, |forge, incoming| {
        let honest = forge.answer(&incoming);
        let mut answers = vec![forge.rakp4(1, 0), forge.rakp2(0, 0)];
        if matches!(incoming, Incoming::Rakp1 { .. }) {
            answers.pop();
        }
        if matches!(incoming, Incoming::Rakp3 { .. }) {
            answers.clear();
        }
        early += answers.len();
        answers.push(honest);
        answers
    });
    assert_eq!(pair.log_in(), 17);
    drop(pair);
    assert!(early > 3);
}

#[test]
fn a_dead_target_costs_one_wait() {
    let mut pair = Setup::new(9).pair();
    pair.bmc.set_fault(Fault::Silent);
    let (time, error) = pair.time(Pair::fail_to_log_in);
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert_eq!(time, ms(3_500));
    assert_eq!(pair.sent.len(), 3);
}

#[test]
fn a_handshake_that_stops_half_way_ends() {
    // Silence from each step on.
    for answered in 0..4 {
        let mut pair = Setup::new(10).pair();
        pair.bmc.set_fault(Fault::SilentAfter(answered));
        let (time, error) = pair.time(Pair::fail_to_log_in);
        assert!(matches!(error, Error::Silent { .. }), "{answered}: {error}");
        assert!(time <= ms(20_000), "{answered}: {time:?}");
    }
}

#[test]
fn the_log_in_deadline_is_exact_at_every_step() {
    for answered in 0..4 {
        for deadline in [1, 50, 100, 777, 1_500, 5_000] {
            let mut pair = Setup::new(11).pair();
            pair.bmc.set_fault(Fault::SilentAfter(answered));
            let start = pair.now;
            pair.session.open(start, start + ms(deadline));
            let event = pair.event();
            let time = pair.now - start;
            assert!(!pair.session.is_open());
            assert!(
                time <= ms(deadline),
                "{answered} {deadline}: {event:?} {time:?}"
            );
            if time < ms(deadline) {
                assert!(
                    deadline > 3_500,
                    "{answered} {deadline}: {event:?} {time:?}"
                );
            }
        }
    }
}

#[test]
fn a_fake_bmc_cannot_make_the_log_in_loop() {
    // Says "lost your session" for ever.
    let mut pair = Setup::new(12).pair();
    pair.bmc.set_fault(Fault::Rakp1Ignored);
    pair.fail_to_log_in();
    assert!(pair.sent.len() <= 15, "{}", pair.sent.len());

    struct Echo;
    impl Peer for Echo {
        fn handle(&mut self, _: Instant, datagram: &[u8]) -> Vec<crate::peers::Outgoing> {
            vec![crate::peers::Outgoing {
                delay: ms(1),
                bytes: datagram.to_vec(),
            }]
        }
    }
    // Our own packets come back.
    let mut pair = Pair::with_peer(Echo, settings(PASSWORD), 1, Instant::now());
    let (time, error) = pair.time(Pair::fail_to_log_in);
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert!(time <= ms(4_000));
}

#[test]
fn an_answer_in_a_session_that_is_not_there_is_nothing() {
    let mut pair = scripted(PASSWORD, |forge, incoming| {
        let honest = forge.answer(&incoming);
        // Sealed before the keys exist on the other side.
        let early = forge.seal_next(&[0; 16]);
        vec![early, honest]
    });
    pair.log_in();
    let (code, _) = pair.call(crate::pair::GET_DEVICE_ID, &[], ms(500)).unwrap();
    assert_eq!(code, CompletionCode::OK);
}
