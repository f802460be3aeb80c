//! Scans on a virtual clock, against simulated BMCs without sockets and against
//! whoever wants to be taken for one.

use std::net::IpAddr;

use bmc_sim::{AuthType, Bmc as SimulatedBmc, BmcConfig, DeviceBuilder, Fault, User, V15Config};
use proptest::prelude::*;
use rmcp_ipmi::wire::{
    BMC_ADDRESS, CompletionCode, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence,
    encode_sessionless_v15,
};

use super::*;
use crate::scan::network::Network;

const PORT: u16 = 623;
const MS: Duration = Duration::from_millis(1);
const SETTINGS: ScanSettings = ScanSettings {
    port: PORT,
    rate: 1000,
    timeout: Duration::from_secs(1),
    tries: 2,
};
const CONSOLE: &str = "10.9.9.9:40000";

/// A datagram on its way to the scanner: how long it takes, and from where.
type Reply = (Duration, SocketAddr, Vec<u8>);
/// Who answers questions in the name of others.
type Forger<'a> = dyn Fn(&[u8]) -> Vec<(SocketAddr, Vec<u8>)> + 'a;
/// What the scanner sent: when since the start, whereto, what.
type Sent = (Duration, SocketAddr, Vec<u8>);

fn plan(networks: &[&str]) -> Plan {
    let blocks = networks.iter().map(|text| match text.parse() {
        Ok(Network::Addresses(block)) => block,
        other => panic!("{text}: {other:?}"),
    });
    Plan::new(blocks.collect(), true).unwrap()
}

fn at(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse::<IpAddr>().unwrap(), PORT)
}

/// Runs a scan to its end; `world` answers each datagram.
fn scan(
    networks: &[&str],
    settings: ScanSettings,
    mut world: impl FnMut(Instant, SocketAddr, &[u8]) -> Vec<Reply>,
) -> (Scanner, Vec<Sent>, Duration) {
    let start = Instant::now();
    let mut now = start;
    let mut scanner = Scanner::new(plan(networks), settings, now);
    let (mut sent, mut under_way, mut order) = (Vec::new(), BTreeMap::new(), 0_u64);
    let mut datagram = Vec::new();
    loop {
        while let Some(to) = scanner.poll_transmit(now, &mut datagram) {
            sent.push((now - start, to, datagram.clone()));
            for (delay, from, bytes) in world(now, to, &datagram) {
                order += 1;
                under_way.insert((now + delay, order), (from, bytes));
            }
        }
        let Some(wake_at) = scanner.poll_timeout() else {
            assert!(scanner.is_finished());
            return (scanner, sent, now - start);
        };
        assert!(sent.len() < 1_000_000, "the scan never ends");
        match under_way.first_key_value() {
            Some((&(arrives, _), _)) if arrives <= wake_at => {
                now = now.max(arrives);
                if let Some((_, (from, bytes))) = under_way.pop_first() {
                    scanner.handle_datagram(now, from, &bytes);
                }
            }
            _ => now = now.max(wake_at),
        }
    }
}

fn silence(_: Instant, _: SocketAddr, _: &[u8]) -> Vec<Reply> {
    Vec::new()
}

fn simulated(config: BmcConfig, faults: &[Fault]) -> SimulatedBmc {
    let device = DeviceBuilder::new().build();
    let mut bmc = SimulatedBmc::new(config, device, Instant::now());
    for fault in faults {
        bmc.set_fault(fault.clone());
    }
    bmc
}

fn good() -> BmcConfig {
    BmcConfig::new().user(User::administrator("monitor", "secret"))
}

/// A world with one BMC.
fn one<'a>(
    ip: &str,
    bmc: &'a mut SimulatedBmc,
    delay: Duration,
) -> impl FnMut(Instant, SocketAddr, &[u8]) -> Vec<Reply> + 'a {
    let address = at(ip);
    move |now, to, datagram| {
        if to != address {
            return Vec::new();
        }
        bmc.handle(now, CONSOLE.parse().unwrap(), datagram)
            .into_iter()
            .map(|out| (delay + out.delay, address, out.bytes))
            .collect()
    }
}

/// An answer of IPMI outside a session.
fn answer(sequence: RequestSequence, command: u8, completion: u8, data: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    LanResponse {
        requester: REMOTE_CONSOLE_ADDRESS,
        net_fn: NetFn::APP.response(),
        requester_lun: Lun::BMC,
        responder: BMC_ADDRESS,
        sequence,
        responder_lun: Lun::BMC,
        command,
        completion: CompletionCode(completion),
        data,
    }
    .encode(&mut message);
    let mut datagram = Vec::new();
    encode_sessionless_v15(&mut datagram, &message);
    datagram
}

/// Sequence number, command and first data byte of a question; `None` for a ping.
fn question(datagram: &[u8]) -> Option<(RequestSequence, u8, u8)> {
    match datagram {
        [0x06, 0x00, 0xff, 0x06, ..] => None,
        // RMCP, session header, length, three bytes, requester, sequence, command.
        [
            _,
            _,
            _,
            0x07,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            0x20,
            0x18,
            _,
            0x81,
            sequence,
            command,
            data,
            ..,
        ] => Some((
            RequestSequence::from_low_bits(sequence >> 2),
            *command,
            *data,
        )),
        other => panic!("{other:02x?} is none of the questions"),
    }
}

fn pong(ping: &[u8], entities: u8) -> Vec<u8> {
    let mut pong = vec![0x06, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x40, ping[9], 0, 16];
    pong.extend_from_slice(&[0, 0, 0x11, 0xbe, 0, 0, 0, 0, entities, 0, 0, 0, 0, 0, 0, 0]);
    pong
}

#[test]
fn the_rate_is_kept_exactly_and_used_up() {
    for rate in [1, 7, 50, 333, 1000, 10_000] {
        let settings = ScanSettings {
            rate,
            tries: 1,
            ..SETTINGS
        };
        let (_, sent, _) = scan(&["10.0.0.0/25"], settings, silence);
        let interval = Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(rate)));
        let burst = u32::max(1, rate / 50);
        // Two for each address: the burst at once, then one in each interval.
        assert_eq!(sent.len(), 2 * 126);
        for (nth, (when, ..)) in (0_u32..).zip(&sent) {
            let expected = interval * (nth + 1).saturating_sub(burst);
            assert_eq!(*when, expected, "rate {rate}, datagram {nth}");
        }
    }
}

#[test]
fn the_rate_holds_for_answers_and_retries_too() {
    let settings = ScanSettings {
        rate: 100,
        tries: 3,
        timeout: 70 * MS,
        ..SETTINGS
    };
    let mut bmcs: HashMap<SocketAddr, SimulatedBmc> = HashMap::new();
    let (scanner, sent, _) = scan(&["10.0.0.0/26"], settings, |now, to, datagram| {
        let bmc = bmcs.entry(to).or_insert_with(|| simulated(good(), &[]));
        let out = bmc.handle(now, CONSOLE.parse().unwrap(), datagram);
        let late = Duration::from_millis(datagram.len() as u64 * 3);
        out.into_iter().map(|out| (late, to, out.bytes)).collect()
    });
    assert_eq!(scanner.progress().bmcs, 62);
    let times: Vec<Duration> = sent.iter().map(|(when, ..)| *when).collect();
    for window in times.windows(103) {
        // A burst of two, and a hundred in a second.
        assert!(window[102] - window[0] > Duration::from_secs(1));
    }
}

#[test]
fn the_silent_are_asked_as_often_as_told_and_both_ways() {
    let (scanner, sent, took) = scan(&["10.0.0.1"], SETTINGS, silence);
    let questions: Vec<_> = sent
        .iter()
        .map(|(when, _, datagram)| (when.as_millis(), question(datagram).map(|(_, c, d)| (c, d))))
        .collect();
    assert_eq!(
        questions,
        [
            (0, None),
            (0, Some((0x38, 0x8e))),
            (1000, None),
            (1000, Some((0x38, 0x0e))),
        ]
    );
    let sequence = |nth: usize| question(&sent[nth].2).unwrap().0;
    assert_eq!(
        sequence(1).next(),
        sequence(3),
        "each copy has its own number"
    );
    assert_eq!(took.as_millis(), 2000);
    assert_eq!((scanner.waiting(), scanner.bmcs().count()), (0, 0));
    assert_eq!(scanner.sent(), 4);
}

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

/// A /16 in which nobody answers: what is remembered are the addresses that are
/// waited for, which the rate and the time bound.
#[test]
fn unanswered_addresses_do_not_grow_the_memory() {
    let settings = ScanSettings {
        rate: 10_000,
        ..SETTINGS
    };
    let start = Instant::now();
    let mut now = start;
    let mut scanner = Scanner::new(plan(&["10.20.0.0/16"]), settings, now);
    let mut datagram = Vec::new();
    let (mut most, mut datagrams) = (0, 0_u32);
    while let Some(wake_at) = scanner.poll_timeout() {
        now = now.max(wake_at);
        while scanner.poll_transmit(now, &mut datagram).is_some() {
            datagrams += 1;
        }
        most = most.max(scanner.waiting());
        assert!(scanner.due.len() <= scanner.waiting());
        assert!(scanner.line.len() <= 2 * scanner.waiting());
    }
    assert_eq!(datagrams, 65_534 * 4);
    // No more than are begun within the two waits of a second.
    assert!(most <= 10_001, "{most}");
    assert!(scanner.asked.capacity() <= 4 * most);
    assert!(scanner.line.capacity() <= 4 * most);
    assert_eq!((scanner.waiting(), scanner.found.len()), (0, 0));
    assert_eq!(scanner.progress().done, 65_534);
    let took = now - start;
    assert!((28..=29).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn no_more_are_waited_for_than_can_be_remembered() {
    let settings = ScanSettings {
        rate: 10_000,
        timeout: Duration::from_secs(60),
        tries: 1,
        ..SETTINGS
    };
    let mut now = Instant::now();
    let mut scanner = Scanner::new(plan(&["10.20.0.0/16"]), settings, now);
    let mut datagram = Vec::new();
    while let Some(wake_at) = scanner.poll_timeout() {
        now = now.max(wake_at);
        while scanner.poll_transmit(now, &mut datagram).is_some() {}
        assert!(scanner.waiting() <= MAX_WAITING);
    }
    assert_eq!(scanner.sent(), 65_534 * 2);
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
