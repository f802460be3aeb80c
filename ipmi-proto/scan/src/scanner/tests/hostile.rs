//! Whoever wants to be taken for a BMC, or to keep the scan busy.

use super::super::hearing::MAX_PAGES;
use super::*;

#[test]
fn forgeries_and_answers_nobody_asked_for_find_nothing() {
    let address = at("10.0.0.1");
    let forge = |name: &str, forged: &Forger<'_>| {
        let (scanner, _, _) = scan(&["10.0.0.1-10.0.0.9"], SETTINGS, |_, to, datagram| {
            let replies = if to == address {
                forged(datagram)
            } else {
                Vec::new()
            };
            replies
                .into_iter()
                .map(|(from, bytes)| (MS, from, bytes))
                .collect()
        });
        assert_eq!((scanner.bmcs().count(), scanner.others()), (0, 0), "{name}");
        scanner.ignored()
    };
    let capabilities = [0x01, 0x84, 0x04, 0x03, 0, 0, 0, 0];
    // A correct answer, were it from the right place.
    let correct = move |datagram: &[u8]| match question(datagram) {
        None => pong(datagram, 0x81),
        Some((sequence, command, _)) => answer(sequence, command, 0, &capabilities),
    };
    for stranger in [
        "10.0.0.10:623",
        "10.0.0.0:623",
        "10.0.0.1:624",
        "[::a00:1]:623",
    ] {
        let stranger: SocketAddr = stranger.parse().unwrap();
        let ignored = forge("stranger", &|datagram| vec![(stranger, correct(datagram))]);
        assert_eq!((ignored.strangers, ignored.total()), (4, 4), "{stranger}");
    }
    // Of an address that is part of the scan, but was not asked yet.
    let mut early = Scanner::new(plan(&["10.0.0.1-10.0.0.9"]), SETTINGS, Instant::now());
    early.handle_datagram(Instant::now(), address, &pong(&[0; 12], 0x81));
    assert_eq!(early.ignored().strangers, 1);
    // Another one of the scan answers in its place.
    let neighbour = at("10.0.0.2");
    let ignored = forge("wrong numbers", &|datagram| {
        let wrong = match question(datagram) {
            None => {
                let mut pong = pong(datagram, 0x81);
                pong[9] = pong[9].wrapping_add(1);
                pong
            }
            Some((sequence, command, _)) => {
                let off = RequestSequence::from_low_bits(sequence.value().wrapping_add(30));
                answer(off, command, 0, &capabilities)
            }
        };
        vec![(address, wrong)]
    });
    assert_eq!((ignored.unmatched, ignored.total()), (4, 4));
    // What answers no question, though the numbers are right.
    for (name, command) in [
        ("device id", 0x01),
        ("a challenge", 0x39),
        ("a session", 0x3a),
    ] {
        let ignored = forge(name, &|datagram| {
            let sequence = question(datagram).map(|(sequence, ..)| sequence);
            let bytes = answer(sequence.unwrap_or_default(), command, 0, &capabilities);
            vec![(address, bytes)]
        });
        assert_eq!((ignored.malformed, ignored.total()), (4, 4), "{name}");
    }
    // A list that nobody asked for yet.
    let ignored = forge("a list", &|datagram| {
        let sequence = question(datagram).map(|(sequence, ..)| sequence);
        let list = [0x01, 0xc0, 0, 0, 0x40, 0x80];
        vec![(
            address,
            answer(sequence.unwrap_or_default(), 0x54, 0, &list),
        )]
    });
    assert_eq!((ignored.unmatched, ignored.total()), (4, 4));
    let ignored = forge("nonsense", &|_| {
        vec![
            (address, Vec::new()),
            (address, vec![6]),
            (neighbour, vec![0xff; 1024]),
        ]
    });
    // The neighbour is asked after the first two.
    assert_eq!(ignored.malformed + ignored.strangers, 12);
}

#[test]
fn refusing_all_or_being_busy_for_ever_is_speaking_ipmi() {
    for completion in [0xc0, 0xc1, 0xcc, 0xcf, 0xd4, 0xff] {
        let (scanner, sent, took) = scan(&["10.0.0.1"], SETTINGS, |_, to, datagram| {
            question(datagram)
                .map(|(sequence, command, _)| (MS, to, answer(sequence, command, completion, &[])))
                .into_iter()
                .collect()
        });
        let (_, bmc) = scanner.bmcs().next().unwrap();
        assert!(
            bmc.answers_ipmi && bmc.capabilities.is_none(),
            "{completion:02x}"
        );
        assert!(
            sent.len() <= 8 && took <= Duration::from_secs(8),
            "{completion:02x}"
        );
        assert_eq!(scanner.waiting(), 0);
    }
}

#[test]
fn a_list_that_is_new_on_every_page_ends() {
    let mut record = 0_u8;
    let (scanner, sent, _) = scan(&["10.0.0.1"], SETTINGS, |_, to, datagram| {
        let Some((sequence, command, _)) = question(datagram) else {
            return Vec::new();
        };
        if command == 0x38 {
            let capabilities = [0x01, 0x84, 0x04, 0x03, 0, 0, 0, 0];
            return vec![(MS, to, answer(sequence, command, 0, &capabilities))];
        }
        let mut page = vec![0x01];
        for _ in 0..4 {
            record = record.wrapping_add(1);
            page.extend_from_slice(&[0xc0, record, record & 0x3f, 0x41]);
        }
        page.truncate(17);
        vec![(MS, to, answer(sequence, command, 0, &page))]
    });
    assert!(sent.len() <= 2 + usize::from(MAX_PAGES), "{}", sent.len());
    let (_, bmc) = scanner.bmcs().next().unwrap();
    assert!(
        bmc.suites
            .as_ref()
            .is_none_or(|suites| suites.len() <= MAX_SUITES)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Liars that echo numbers correctly and fill in what they like: the scan ends,
    /// sends nothing but its three questions, and sends each a bounded number of
    /// times.
    #[test]
    fn whatever_is_answered_the_scan_ends_and_only_asks(
        script in proptest::collection::vec(
            (0_u8..6, any::<u8>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20), 0_u64..1500),
            1..40,
        ),
        tries in 1_u8..=10,
    ) {
        let settings = ScanSettings { tries, ..SETTINGS };
        let mut turn = 0;
        let (scanner, sent, _) = scan(&["10.0.0.1-10.0.0.3"], settings, |_, to, datagram| {
            let mut replies = Vec::new();
            for _ in 0..2 {
                let (kind, odd, code, data, delay) = &script[turn % script.len()];
                turn += 1;
                let asked = question(datagram);
                let sequence = asked.map_or_else(|| RequestSequence::from_low_bits(*odd), |asked| asked.0);
                let command = asked.map_or(0x54, |asked| asked.1);
                let bytes = match kind {
                    0 => continue,
                    1 if asked.is_none() => pong(datagram, *odd),
                    1 | 2 => answer(sequence, command, 0, data),
                    3 => answer(sequence, command, *code, data),
                    4 => answer(RequestSequence::from_low_bits(*odd), *code, 0, data),
                    _ => data.clone(),
                };
                replies.push((Duration::from_millis(*delay), to, bytes));
            }
            replies
        });
        for (_, _, datagram) in &sent {
            prop_assert!(matches!(question(datagram), None | Some((_, 0x38 | 0x54, _))));
        }
        let most = usize::from(tries) * (2 * 2 + 2 + usize::from(MAX_PAGES));
        prop_assert!(sent.len() <= 3 * most, "{}", sent.len());
        prop_assert_eq!(scanner.waiting(), 0);
        prop_assert!(scanner.found.len() <= 3);
    }
}
