//! What a BMC, or a stranger, may put into the packets of a session.

use std::time::Instant;

use bmc_sim::Fault;
use rmcp_ipmi::Error;
use rmcp_ipmi::crypto::{CipherSuiteId, SUITES};
use rmcp_ipmi::session::RejectReason;
use rmcp_ipmi::wire::{CompletionCode, Lun, NetFn, PayloadType};

use crate::forge::{Envelope, Forge, Incoming, Request, message};
use crate::pair::{GET_SENSOR_READING, PASSWORD, Pair, Setup, ms, opened, sensor, settings};
use crate::peers::Scripted;

type Script = Box<dyn FnMut(&mut Forge, Incoming) -> Vec<Vec<u8>>>;

/// An open session whose BMC answers requests with `answer`.
fn answering<F>(answer: F) -> Pair<Scripted<Script>>
where
    F: FnMut(&mut Forge, &Request) -> Vec<Vec<u8>> + 'static,
{
    answering_with(17, answer)
}

/// The same with this cipher suite.
fn answering_with<F>(suite: u8, mut answer: F) -> Pair<Scripted<Script>>
where
    F: FnMut(&mut Forge, &Request) -> Vec<Vec<u8>> + 'static,
{
    let script: Script = Box::new(move |forge, incoming| match &incoming {
        Incoming::Request(request) => answer(forge, request),
        _ => vec![forge.answer(&incoming)],
    });
    let peer = Scripted {
        forge: Forge::new(PASSWORD),
        script,
    };
    let settings = settings(PASSWORD).with_suites(&[CipherSuiteId(suite)]);
    let mut pair = Pair::with_peer(peer, settings, 1, Instant::now());
    assert_eq!(pair.log_in(), suite);
    pair
}

const READING: [u8; 3] = [0x2a, 0xc0, 0xc0];

fn reading(request: &Request) -> Vec<u8> {
    message(&request.response(CompletionCode::OK, &READING))
}

/// A good answer in a spoiled packet: it must not count, and a good packet
/// after it must.
fn is_rejected(reason: RejectReason, spoil: impl FnMut(&mut Forge, &Request) -> Vec<u8> + 'static) {
    is_rejected_with(17, reason, spoil);
}

/// The same with this cipher suite.
fn is_rejected_with(
    suite: u8,
    reason: RejectReason,
    mut spoil: impl FnMut(&mut Forge, &Request) -> Vec<u8> + 'static,
) {
    let mut pair = answering_with(suite, move |forge, request| {
        let spoiled = spoil(forge, request);
        let good = forge.seal_next(&reading(request));
        vec![spoiled, good]
    });
    for n in 1..=5 {
        let answer = pair.call(GET_SENSOR_READING, &[1], ms(500));
        assert_eq!(answer, Ok((CompletionCode::OK, READING.to_vec())));
        let counters = *pair.session.counters();
        assert_eq!(
            counters.rejected(reason),
            n,
            "{}: {counters:?}",
            reason.label()
        );
    }
}

/// A wrong reading, to tell it from the right one.
fn lie(request: &Request) -> Vec<u8> {
    message(&request.response(CompletionCode::OK, &[0x66, 0xc0, 0xc0]))
}

fn sealed_lie(forge: &mut Forge, request: &Request, change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
    let mut envelope = forge.envelope();
    change(&mut envelope);
    forge.seal(envelope, &lie(request))
}

#[test]
fn replies_without_the_authenticated_flag_are_rejected() {
    is_rejected(RejectReason::Unprotected, |forge, request| {
        sealed_lie(forge, request, |envelope| envelope.authenticated = false)
    });
}

#[test]
fn replies_without_the_encrypted_flag_are_rejected() {
    is_rejected(RejectReason::Unprotected, |forge, request| {
        sealed_lie(forge, request, |envelope| envelope.encrypted = false)
    });
}

/// In both directions: more protection than agreed is as wrong as less.
#[test]
fn flags_that_were_not_agreed_are_rejected_with_every_suite() {
    for suite in SUITES.map(|suite| suite.id.0) {
        is_rejected_with(suite, RejectReason::Unprotected, |forge, request| {
            sealed_lie(forge, request, |envelope| {
                envelope.authenticated = !envelope.authenticated;
            })
        });
        is_rejected_with(suite, RejectReason::Unprotected, |forge, request| {
            sealed_lie(forge, request, |envelope| {
                envelope.encrypted = !envelope.encrypted;
            })
        });
    }
}

#[test]
fn without_integrity_nothing_may_follow_the_payload() {
    for suite in [0, 1, 6, 15] {
        is_rejected_with(suite, RejectReason::Malformed, |forge, request| {
            let mut datagram = forge.seal_next(&lie(request));
            datagram.push(0);
            datagram
        });
    }
}

/// A forged number far ahead would shut the BMC's own packets out.
#[test]
fn numbers_may_jump_only_where_packets_are_authenticated() {
    for suite in SUITES {
        let mut pair = answering_with(suite.id.0, move |forge, request| {
            let mut envelope = forge.envelope();
            if envelope.sequence == 3 {
                envelope.sequence = 1000;
            }
            let far = forge.seal(envelope, &reading(request));
            let near = forge.seal_next(&reading(request));
            vec![far, near]
        });
        let strict = matches!(suite.id.0, 0 | 1 | 6 | 15);
        for _ in 0..2 {
            let answer = pair.call(GET_SENSOR_READING, &[1], ms(500));
            assert_eq!(answer, Ok((CompletionCode::OK, READING.to_vec())));
        }
        let counters = *pair.session.counters();
        assert_eq!(counters.sequence_jumps > 0, !strict, "{:?}", suite.id);
        let replayed = counters.rejected(RejectReason::Replayed);
        assert_eq!(replayed > 0, strict, "{:?}: {counters:?}", suite.id);
    }
}

#[test]
fn foreign_session_ids_are_rejected() {
    for flip in [1, 0x8000_0000, u32::MAX] {
        is_rejected(RejectReason::ForeignSession, move |forge, request| {
            sealed_lie(forge, request, |envelope| envelope.session_id ^= flip)
        });
    }
    is_rejected(RejectReason::ForeignSession, |forge, request| {
        sealed_lie(forge, request, |envelope| envelope.session_id = 0)
    });
}

#[test]
fn payloads_that_nobody_asked_for_are_rejected() {
    for number in [0x01, 0x10, 0x11, 0x13, 0x15, 0x20, 0x27, 0x3f] {
        is_rejected(RejectReason::UnexpectedPayload, move |forge, request| {
            sealed_lie(forge, request, |envelope| {
                envelope.payload_type = PayloadType(number);
            })
        });
    }
}

#[test]
fn one_wrong_bit_anywhere_spoils_a_packet() {
    // RMCP, session header, vector, one block, pad, code.
    let bytes = 16 + 16 + 16 + 4 + 16;
    let mut place = 0;
    let mut pair = answering(move |forge, request| {
        let mut datagram = forge.seal_next(&lie(request));
        assert_eq!(datagram.len(), bytes);
        datagram[place / 8] ^= 1 << (place % 8);
        place += 1;
        let good = forge.seal_next(&reading(request));
        vec![datagram, good]
    });
    for bit in 0..8 * bytes {
        let (_, data) = pair.call(GET_SENSOR_READING, &[1], ms(500)).unwrap();
        // The RMCP header's reserved and sequence bytes are covered by nothing
        // and mean nothing.
        if (8..24).contains(&bit) || data == READING {
            continue;
        }
        panic!("bit {bit} of the packet was changed, and its lie believed");
    }
}

#[test]
fn wrong_checksums_are_rejected() {
    for place in [2, 6] {
        is_rejected(RejectReason::BadChecksum, move |forge, request| {
            let mut message = lie(request);
            let place = if place == 6 { message.len() - 1 } else { place };
            message[place] ^= 0x10;
            forge.seal_next(&message)
        });
    }
    let mut pair = opened(1);
    pair.bmc.set_fault(Fault::BadChecksum);
    let error = pair.read(1, 1, ms(60_000)).unwrap_err();
    assert_eq!(error.label(), "silent");
    assert!(pair.rejected(RejectReason::BadChecksum) > 0);
}

#[test]
fn wrong_padding_is_rejected() {
    for payload_bytes in [0, 1, 15, 16, 17, 31, 33, 47, 49, 250] {
        is_rejected(RejectReason::BadPadding, move |forge, _| {
            let envelope = forge.envelope();
            forge.seal_payload(envelope, &vec![0x3c; payload_bytes])
        });
    }
    let mut pair = opened(1);
    pair.bmc.set_fault(Fault::ConfPadGarbage);
    let error = pair.read(1, 1, ms(60_000)).unwrap_err();
    assert_eq!(error.label(), "silent");
    assert!(pair.rejected(RejectReason::BadPadding) > 0);
}

#[test]
fn a_surplus_block_of_padding_is_accepted() {
    let mut pair = opened(1);
    pair.bmc.set_fault(Fault::ConfPad16);
    for mark in 0..50 {
        pair.read(sensor(mark), mark, ms(500)).unwrap();
    }
    // Of all lengths, so that some need no padding at all.
    for command in 0..=0xff {
        let (code, _) = pair
            .call((NetFn::APP, Lun::BMC, command), &[], ms(500))
            .unwrap();
        assert_ne!(code.0, 0xff);
        if command == 0x3b {
            break;
        }
    }
    assert_eq!(pair.session.counters().retransmitted, 0);
}

#[test]
fn answers_to_something_else_are_rejected() {
    type Spoil = fn(&mut rmcp_ipmi::wire::LanResponse<'_>);
    let spoils: [Spoil; 6] = [
        |response| response.command ^= 1,
        |response| response.net_fn = NetFn::APP.response(),
        |response| response.sequence = response.sequence.next(),
        |response| response.requester ^= 2,
        |response| response.responder_lun = Lun::from_low_bits(1),
        |response| response.net_fn = NetFn(response.net_fn.0 ^ 8),
    ];
    for spoil in spoils {
        is_rejected(RejectReason::Unmatched, move |forge, request| {
            let mut response = request.response(CompletionCode::OK, &[0x66, 0xc0, 0xc0]);
            spoil(&mut response);
            forge.seal_next(&message(&response))
        });
    }
}

#[test]
fn our_own_requests_sent_back_are_no_answers() {
    is_rejected(RejectReason::BadChecksum, |forge, request| {
        // A request is even where a response is odd.
        let mut response = request.response(CompletionCode::OK, &READING);
        response.net_fn = request.net_fn;
        forge.seal_next(&message(&response))
    });
}

#[test]
fn five_hundred_valid_answers_to_one_request_are_one_answer() {
    let mut pair = answering(|forge, request| {
        (0..500)
            .map(|_| forge.seal_next(&reading(request)))
            .collect()
    });
    let before = pair.session.rtt();
    for _ in 0..20 {
        let (code, data) = pair.call(GET_SENSOR_READING, &[1], ms(500)).unwrap();
        assert_eq!((code, data), (CompletionCode::OK, READING.to_vec()));
        pair.pass(ms(50));
    }
    assert_eq!(pair.rejected(RejectReason::Unmatched), 20 * 499);
    assert_eq!(pair.session.counters().retransmitted, 0);
    assert!(pair.session.rtt().timeout(0) <= before.timeout(0));
}

#[test]
fn answers_to_requests_not_yet_sent_are_dropped() {
    // All 64 numbers are answered in advance, for the command to come.
    let mut pair = answering(|forge, request| {
        let mut answers = vec![forge.seal_next(&reading(request))];
        let mut next = request.clone();
        for _ in 0..64 {
            next.sequence = next.sequence.next();
            answers.push(forge.seal_next(&lie(&next)));
        }
        answers
    });
    for _ in 0..100 {
        let (_, data) = pair.call(GET_SENSOR_READING, &[1], ms(500)).unwrap();
        assert_eq!(data, READING);
        pair.pass(ms(50));
    }
}

#[test]
fn cfh_is_not_the_answer() {
    // "Duplicate request": the answer to the first copy is still to come.
    let mut pair = answering(|forge, request| {
        let duplicate = message(&request.response(CompletionCode::DUPLICATE_REQUEST, &[]));
        vec![
            forge.seal_next(&duplicate),
            forge.seal_next(&reading(request)),
        ]
    });
    for _ in 0..10 {
        let (code, data) = pair.call(GET_SENSOR_READING, &[1], ms(500)).unwrap();
        assert_eq!((code, data), (CompletionCode::OK, READING.to_vec()));
    }
    // For ever: the request ends all the same.
    let mut pair = answering(|forge, request| {
        let duplicate = message(&request.response(CompletionCode::DUPLICATE_REQUEST, &[]));
        vec![forge.seal_next(&duplicate)]
    });
    let error = pair.call(GET_SENSOR_READING, &[1], ms(60_000)).unwrap_err();
    assert!(matches!(error, Error::Silent { .. }), "{error}");
}

#[test]
fn every_completion_code_with_and_without_data_is_told() {
    for length in [0, 1, 3, 200] {
        let mut code = 0_u8;
        let mut pair = answering(move |forge, request| {
            let data = vec![0x5a; length];
            let answer = message(&request.response(CompletionCode(code), &data));
            code = code.wrapping_add(1);
            vec![forge.seal_next(&answer)]
        });
        for code in (0..=u8::MAX).map(CompletionCode) {
            if code == CompletionCode::DUPLICATE_REQUEST {
                // Not an answer; and asking again gets the next code.
                let (next, _) = pair.call(GET_SENSOR_READING, &[1], ms(5_000)).unwrap();
                assert_eq!(next.0, code.0 + 1);
                continue;
            }
            if code.0 == CompletionCode::DUPLICATE_REQUEST.0 + 1 {
                continue;
            }
            let answer = pair.call(GET_SENSOR_READING, &[1], ms(5_000));
            assert_eq!(answer, Ok((code, vec![0x5a; length])));
        }
    }
}

#[test]
fn the_bmcs_numbers_may_skip_jump_and_wrap() {
    for first_sequence in [1, 0x7fff_fffa, u32::MAX - 10, u32::MAX] {
        for fault in [None, Some(Fault::SeqSkip), Some(Fault::SeqJump(500))] {
            let mut setup = Setup::new(1);
            setup.config.first_sequence = first_sequence;
            let mut pair = setup.pair();
            pair.log_in();
            for mark in 0..30 {
                if let Some(fault) = fault.clone().filter(|_| mark % 10 == 5) {
                    pair.bmc.set_fault(fault);
                }
                pair.read(1, mark, ms(500)).unwrap();
            }
            assert_eq!(pair.session.counters().retransmitted, 0);
            let jumps = pair.session.counters().sequence_jumps;
            let expected = if matches!(fault, Some(Fault::SeqJump(_))) {
                3
            } else {
                0
            };
            assert_eq!(jumps, expected, "{first_sequence:#x} {fault:?}");
        }
    }
}

#[test]
fn numbers_that_stand_still_or_go_back_are_replays() {
    let mut pair = opened(1);
    pair.read(1, 0, ms(500)).unwrap();
    pair.bmc.set_fault(Fault::SeqStuck);
    let _ = pair.read(1, 1, ms(500));
    let error = pair.read(1, 2, ms(60_000)).unwrap_err();
    assert_eq!(error.label(), "silent");
    assert!(pair.rejected(RejectReason::Replayed) > 0);

    for back in [17, 1_000, 1 << 31] {
        is_rejected_after_a_while(back);
    }
}

/// The BMC's number is `back` behind the highest one.
fn is_rejected_after_a_while(back: u32) {
    let mut pair = answering(move |forge, request| {
        let envelope = forge.envelope();
        let good = forge.seal(envelope, &reading(request));
        let mut behind = envelope;
        // The highest number so far is the one before this.
        behind.sequence = envelope.sequence.wrapping_sub(1).wrapping_sub(back);
        // Before the first answer there is nothing to be behind of.
        if envelope.sequence == 1 {
            return vec![good];
        }
        vec![forge.seal(behind, &lie(request)), good]
    });
    for _ in 0..40 {
        let (_, data) = pair.call(GET_SENSOR_READING, &[1], ms(500)).unwrap();
        assert_eq!(data, READING, "{back} behind");
    }
    assert_eq!(pair.rejected(RejectReason::Replayed), 39);
}

#[test]
fn our_numbers_rise_by_one_with_every_packet() {
    let mut pair = opened(1);
    pair.down.loss = 0.3;
    for mark in 0..100 {
        // Five losses in a row do happen at this rate.
        let _ = pair.read(1, mark, ms(60_000));
    }
    let numbers: Vec<u32> = pair
        .sent
        .iter()
        .filter(|datagram| datagram[4] == 0x06 && datagram[5] == 0xc0)
        .map(|datagram| u32::from_le_bytes(datagram[10..14].try_into().unwrap()))
        .collect();
    assert!(numbers.len() > 120);
    assert!(numbers.iter().zip(1..).all(|(number, nth)| *number == nth));
}

#[test]
fn no_two_packets_share_a_vector() {
    let mut pair = opened(1);
    for mark in 0..500 {
        pair.read(1, mark, ms(500)).unwrap();
    }
    let vectors: std::collections::HashSet<&[u8]> = pair
        .sent
        .iter()
        .filter(|datagram| datagram[5] == 0xc0)
        .map(|datagram| &datagram[16..32])
        .collect();
    assert_eq!(vectors.len(), 500);
}
