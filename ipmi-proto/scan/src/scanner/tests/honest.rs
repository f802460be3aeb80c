//! BMCs as they are, and as links make them look.

use super::*;

/// Whatever is odd about a BMC, what a scan says of it is what it is.
#[test]
fn what_a_bmc_is_is_what_is_found() {
    let old = || good().v15_only(V15Config::default());
    for (name, config, faults, expected) in [
        ("good", good(), vec![], "-/2.0 3,17 "),
        ("no ping", good(), vec![Fault::NoPing], "-/2.0 3,17 "),
        (
            "no list",
            good(),
            vec![Fault::CipherListRefused],
            "-/2.0 ? ",
        ),
        (
            "endless list",
            good(),
            vec![Fault::CipherPagesBad],
            "-/2.0 3 ",
        ),
        (
            "refuses 8E",
            good(),
            vec![Fault::AuthcapRejects8e],
            "1.5/2.0 3,17 ",
        ),
        ("K_g", good().k_g("key"), vec![], "-/2.0 3,17 "),
        (
            "all suites",
            good().suites(&(0..20).collect::<Vec<u8>>()),
            vec![],
            "-/2.0 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19 \
             suite-0 no-integrity no-encryption",
        ),
        (
            "anonymous",
            good().user(User::administrator("", "")),
            vec![],
            "-/2.0 3,17 anonymous null-user",
        ),
        (
            "null user",
            good().user(User::administrator("", "secret")),
            vec![],
            "-/2.0 3,17 null-user",
        ),
        ("old", old(), vec![], "1.5/- ? 1.5-only"),
        (
            "old, no ping",
            old(),
            vec![Fault::NoPing],
            "1.5/- ? 1.5-only",
        ),
        (
            "old, refuses 8E",
            old(),
            vec![Fault::AuthcapRejects8e],
            "1.5/- ? 1.5-only",
        ),
        (
            "both, careless",
            good().v15(V15Config {
                per_message: false,
                user_level: false,
                ..V15Config::new(&[AuthType::None, AuthType::Md5])
            }),
            vec![],
            "1.5/2.0 3,17 auth-none user-auth-off message-auth-off",
        ),
    ] {
        let mut bmc = simulated(config, &faults);
        let (scanner, _, _) = scan(
            &["10.0.0.0/29"],
            SETTINGS,
            one("10.0.0.3", &mut bmc, 5 * MS),
        );
        let found: Vec<_> = scanner.bmcs().collect();
        let [(address, found)] = found.as_slice() else {
            panic!("{name}: {found:?}");
        };
        assert_eq!(*address, at("10.0.0.3"));
        assert_eq!(
            found.answers_ping,
            !faults.contains(&Fault::NoPing),
            "{name}"
        );
        let versions = found.versions().unwrap();
        let suites = found.suites.as_ref().map_or_else(
            || "?".to_owned(),
            |suites| {
                let suites = suites
                    .iter()
                    .map(|suite| suite.standard().unwrap().id.to_string());
                suites.collect::<Vec<_>>().join(",")
            },
        );
        let weak: Vec<_> = found.weaknesses().iter().map(|weak| weak.name()).collect();
        let text = format!(
            "{}/{} {suites} {}",
            if versions.v15 { "1.5" } else { "-" },
            if versions.v20 { "2.0" } else { "-" },
            weak.join(" ")
        );
        assert_eq!(text, expected, "{name}");
        // And nobody has logged in, or tried to.
        let counters = bmc.counters();
        assert_eq!((counters.logins, counters.slots_in_use), (0, 0), "{name}");
        assert_eq!(scanner.ignored().total(), 0, "{name}");
    }
}

#[test]
fn lost_datagrams_are_made_good_by_the_tries() {
    // Which datagrams to the BMC get lost, by their order.
    for lost in [
        vec![0],
        vec![1],
        vec![0, 1],
        vec![2],
        vec![3],
        vec![0, 1, 3],
        vec![1, 2],
    ] {
        let mut bmc = simulated(good(), &[]);
        let mut honest = one("10.0.0.1", &mut bmc, MS);
        let mut nth = 0;
        let settings = ScanSettings {
            tries: 3,
            ..SETTINGS
        };
        let (scanner, _, _) = scan(&["10.0.0.1"], settings, |now, to, datagram| {
            nth += 1;
            if lost.contains(&(nth - 1)) {
                return Vec::new();
            }
            honest(now, to, datagram)
        });
        let (_, found) = scanner.bmcs().next().unwrap();
        assert_eq!(found.suites.as_ref().map(Vec::len), Some(2), "{lost:?}");
        assert!(found.versions().unwrap().v20, "{lost:?}");
        assert!(
            !found.versions().unwrap().v15,
            "{lost:?}: only the answer to 8Eh says so"
        );
    }
}

#[test]
fn answers_that_come_after_the_last_try_still_count() {
    let settings = ScanSettings {
        rate: 10,
        timeout: 100 * MS,
        tries: 1,
        ..SETTINGS
    };
    // The BMC takes ten times as long as it is given; all else is silent.
    let mut bmc = simulated(good(), &[]);
    let mut slow = one("10.0.0.1", &mut bmc, 1000 * MS);
    let (scanner, sent, _) = scan(&["10.0.0.0/27"], settings, |now, to, datagram| {
        slow(now, to, datagram)
    });
    let (address, found) = scanner.bmcs().next().unwrap();
    assert_eq!(address, at("10.0.0.1"));
    assert!(found.answers_ping && found.answers_ipmi && found.capabilities.is_some());
    // The list was asked for, and given up in its time.
    let lists = sent.iter().filter_map(|(.., datagram)| question(datagram));
    assert_eq!(lists.filter(|(_, command, _)| *command == 0x54).count(), 1);
    assert_eq!(found.suites, None);
}

#[test]
fn duplicates_change_nothing_and_are_counted() {
    let mut bmc = simulated(good(), &[Fault::DuplicateReply(MS)]);
    let (scanner, sent, _) = scan(&["10.0.0.1"], SETTINGS, one("10.0.0.1", &mut bmc, MS));
    let mut honest = simulated(good(), &[]);
    let (expected, sent_to_honest, _) =
        scan(&["10.0.0.1"], SETTINGS, one("10.0.0.1", &mut honest, MS));
    assert_eq!(
        scanner.bmcs().collect::<Vec<_>>(),
        expected.bmcs().collect::<Vec<_>>()
    );
    assert_eq!(sent.len(), sent_to_honest.len());
    // The second answer to the last question comes when nobody listens any more.
    let repeated = scanner.ignored().repeated;
    assert!((2..=3).contains(&repeated), "{:?}", scanner.ignored());
    assert_eq!(scanner.ignored().total(), repeated);
}

#[test]
fn who_only_pings_is_a_bmc_if_it_says_so() {
    for (entities, bmcs, others) in [(0x81, 1, 0), (0x01, 0, 1)] {
        let (scanner, sent, _) = scan(&["10.0.0.1"], SETTINGS, |_, to, datagram| {
            match question(datagram) {
                None => vec![(MS, to, pong(datagram, entities))],
                Some(_) => Vec::new(),
            }
        });
        assert_eq!((scanner.bmcs().count(), scanner.others()), (bmcs, others));
        // The ping is not sent again once it is answered; the question is.
        assert_eq!(sent.len(), 3);
        for (_, bmc) in scanner.bmcs() {
            assert_eq!((bmc.versions(), bmc.weaknesses().len()), (None, 0));
        }
    }
}

#[test]
fn who_was_busy_is_asked_again() {
    // Which questions are met with "busy", by their order.
    for busy in [vec![0], vec![1], vec![0, 1], vec![0, 1, 3, 4], vec![2, 3]] {
        let mut bmc = simulated(good(), &[]);
        let mut honest = one("10.0.0.1", &mut bmc, MS);
        let mut nth = 0;
        let settings = ScanSettings {
            tries: 3,
            ..SETTINGS
        };
        let (scanner, ..) = scan(&["10.0.0.1"], settings, |now, to, datagram| {
            let Some((sequence, command, _)) = question(datagram) else {
                return honest(now, to, datagram);
            };
            nth += 1;
            if busy.contains(&(nth - 1)) {
                return vec![(MS, to, answer(sequence, command, 0xc0, &[]))];
            }
            honest(now, to, datagram)
        });
        let (_, found) = scanner.bmcs().next().unwrap();
        assert_eq!(found.suites.as_ref().map(Vec::len), Some(2), "{busy:?}");
        assert!(found.versions().unwrap().v20, "{busy:?}");
        assert_eq!(scanner.ignored().total(), 0, "{busy:?}");
    }
}
