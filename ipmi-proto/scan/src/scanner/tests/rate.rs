//! When datagrams leave, how often, and how much is remembered meanwhile.

use super::*;

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
