//! The list of cipher suites that is asked for before the first log-in: a hint,
//! and nothing that could stop a log-in.

use std::time::Instant;

use bmc_sim::Fault;
use rmcp_ipmi::crypto::CipherSuiteId;
use rmcp_ipmi::wire::{CompletionCode, encode_sessionless_v15};

use crate::forge::{Forge, Incoming, Request, message};
use crate::pair::{PASSWORD, Pair, Setup, ms, settings};
use crate::peers::{Peer, Scripted};

/// Log-ins that were started, by the packets that were sent: Open Session is
/// RMCP+ payload type 10h.
fn opens<P: Peer>(pair: &Pair<P>) -> usize {
    pair.sent
        .iter()
        .filter(|datagram| datagram[4] == 0x06 && datagram[5] == 0x10)
        .count()
}

/// Requests for a page.
fn questions<P: Peer>(pair: &Pair<P>) -> usize {
    pair.sent
        .iter()
        .filter(|datagram| datagram[4] == 0 && datagram[19] == 0x54)
        .count()
}

/// A page as an answer to `request`.
fn page(request: &Request, bytes: &[u8]) -> Vec<u8> {
    let data = [&[0x01], bytes].concat();
    let mut out = Vec::new();
    let response = message(&request.response(CompletionCode::OK, &data));
    encode_sessionless_v15(&mut out, &response);
    out
}

#[test]
fn what_the_bmc_lists_is_tried_first() {
    for (enabled, expected) in [(&[3][..], 3), (&[3, 17], 17), (&[0, 3, 8], 3)] {
        let mut pair = Setup::new(1).suites(&[17, 3], enabled).pair();
        assert_eq!(pair.log_in(), expected);
        assert_eq!(opens(&pair), 1, "{enabled:?}");
        let listed: Vec<u8> = pair
            .session
            .offered_suites()
            .unwrap()
            .iter()
            .map(|suite| suite.id)
            .collect();
        assert_eq!(listed, enabled);
    }
}

#[test]
fn a_long_list_is_read_to_its_end_once() {
    let all: Vec<u8> = (0..=19).collect();
    let mut pair = Setup::new(1).suites(&[17, 3], &all).pair();
    assert_eq!(pair.log_in(), 17);
    // Twenty records of five bytes, sixteen bytes a page.
    assert_eq!((questions(&pair), opens(&pair)), (7, 1));
    assert_eq!(pair.session.offered_suites().unwrap().len(), 20);

    let memory = pair.session.memory();
    pair.close();
    pair.renew(settings(PASSWORD), memory);
    assert_eq!(pair.log_in(), 17);
    assert_eq!(questions(&pair), 7, "what is remembered is not asked again");
}

#[test]
fn without_a_usable_list_the_order_is_ours() {
    let faults = [
        Fault::CipherListRefused,
        Fault::CipherPagesBad,
        Fault::CipherListedButRefused(17),
    ];
    for fault in faults {
        for enabled in [&[3][..], &[3, 17]] {
            let mut pair = Setup::new(2).suites(&[17, 3], enabled).pair();
            pair.bmc.set_fault(fault.clone());
            let suite = pair.log_in();
            assert!(enabled.contains(&suite), "{fault}: {suite}");
            assert!(questions(&pair) <= 2 && opens(&pair) <= 2, "{fault}");
            pair.read(1, 1, ms(500)).unwrap();
        }
    }
}

#[test]
fn a_bmc_that_does_not_answer_the_question_is_logged_in_to_all_the_same() {
    let peer = Scripted {
        forge: Forge::new(PASSWORD),
        script: |forge: &mut Forge, incoming: Incoming| match incoming {
            Incoming::Sessionless(_) => Vec::new(),
            other => vec![forge.answer(&other)],
        },
    };
    let mut pair = Pair::with_peer(peer, settings(PASSWORD), 3, Instant::now());
    let (time, suite) = pair.time(Pair::log_in);
    assert_eq!(suite, 17);
    assert_eq!(questions(&pair), 2);
    assert!(time < ms(1_000), "{time:?}");
}

#[test]
fn lost_and_repeated_pages_do_no_harm() {
    let all: Vec<u8> = (0..=19).collect();
    for lost in 1..8 {
        let mut pair = Setup::new(4).suites(&[17, 3], &all).pair();
        pair.down.lose = [lost].into();
        pair.down.copies = 2;
        pair.down.copy_delay = ms(9);
        assert_eq!(pair.log_in(), 17);
        assert_eq!(pair.session.offered_suites().unwrap().len(), 20, "{lost}");
        pair.read(1, 1, ms(500)).unwrap();
    }
}

/// Pages without end, of another content each time; the answers of a BMC that was
/// asked for something else; a list of suites that nobody has.
#[test]
fn a_hostile_list_costs_a_bounded_number_of_packets() {
    type Pages = fn(u8) -> Vec<u8>;
    let lists: [(Pages, usize); 5] = [
        (|asked| vec![asked; 16], 64),
        (
            |asked| [&[0xc0, 17, 3, 0x44], &[0x81; 12][..], &[asked]].concat(),
            2,
        ),
        (|_| vec![0xff; 200], 2),
        (|_| Vec::new(), 1),
        (|_| vec![0xc1; 16], 2),
    ];
    for (index, (bytes, most)) in lists.into_iter().enumerate() {
        let mut asked = 0;
        let peer = Scripted {
            forge: Forge::new(PASSWORD),
            script: |forge: &mut Forge, incoming: Incoming| match incoming {
                Incoming::Sessionless(request) => {
                    asked += 1;
                    vec![page(&request, &bytes(asked))]
                }
                other => vec![forge.answer(&other)],
            },
        };
        let ids = [CipherSuiteId(17), CipherSuiteId(3)];
        let settings = settings(PASSWORD).with_suites(&ids);
        let mut pair = Pair::with_peer(peer, settings, 5, Instant::now());
        assert_eq!(pair.log_in(), 17, "list {index}");
        assert!(
            questions(&pair) <= most,
            "list {index}: {}",
            questions(&pair)
        );
    }
}
