//! Requests that the BMC passes on to satellites: in whatever order the two
//! answers come, whatever is lost and however late a satellite is, an answer is
//! the answer to the very command that was asked.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rmcp_ipmi::Error;
use rmcp_ipmi::session::Event;
use rmcp_ipmi::wire::{
    CommandKey, CompletionCode, Hop, LanRequest, LanResponse, Lun, NetFn, Route, SEND_MESSAGE,
};
use rstest::rstest;

use crate::forge::{Forge, Incoming, Request, message};
use crate::pair::{AMPLE, GET_SENSOR_READING, PASSWORD, Pair, ms, seeds, settings};
use crate::peers::{Outgoing, Peer};

const NEAR: Route = Route::Satellite(Hop {
    channel: 6,
    address: 0x2c,
});
const FAR: Route = Route::Behind {
    transit: Hop {
        channel: 0,
        address: 0x82,
    },
    target: Hop {
        channel: 7,
        address: 0x72,
    },
};

/// How a BMC tells the two things that it has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// That the request was passed on, then the answer.
    Usual,
    /// The answer first.
    Reversed,
    /// The answer inside of what is said to Send Message.
    Embedded,
    /// The answer alone.
    AnswerAlone,
    /// That the request was passed on, and no answer.
    RelayAlone,
    /// Neither.
    Nothing,
    /// It cannot be passed on.
    Refused(u8),
}

/// A BMC with satellites on its buses; the values of all their sensors are the
/// test's.
struct Bridge {
    forge: Forge,
    /// What becomes of the next messages, the last one for ever.
    orders: Vec<Order>,
    /// How long a satellite takes.
    takes: Box<dyn FnMut() -> Duration>,
    values: HashMap<(u8, Lun, u8), Vec<u8>>,
    /// Messages for the console that are not due yet.
    queue: Vec<(Instant, Vec<u8>)>,
    /// How many messages were passed on.
    relayed: u32,
    /// In whose name answers of satellites come.
    own_name: bool,
}

/// Longer than this a packet cannot wait without its number getting too old.
const SEAL_AT_ONCE: Duration = Duration::from_millis(20);
/// After this a BMC has forgotten whom an answer is for.
const FORGOTTEN: Duration = Duration::from_secs(5);

impl Bridge {
    fn new(order: Order) -> Self {
        Self {
            forge: Forge::new(PASSWORD),
            orders: vec![order],
            takes: Box::new(|| ms(8)),
            values: HashMap::new(),
            queue: Vec::new(),
            relayed: 0,
            own_name: false,
        }
    }

    fn send(&mut self, now: Instant, delay: Duration, message: Vec<u8>, out: &mut Vec<Outgoing>) {
        if delay <= SEAL_AT_ONCE {
            let bytes = self.forge.seal_next(&message);
            out.push(Outgoing { delay, bytes });
        } else if delay <= FORGOTTEN {
            self.queue.push((now + delay, message));
        }
    }

    /// What a controller says to a request that has arrived there.
    fn execute(&self, address: u8, request: &LanRequest<'_>) -> (CompletionCode, Vec<u8>) {
        let number = request.data.first().copied().unwrap_or_default();
        self.values
            .get(&(address, request.lun, number))
            .map_or_else(
                || (CompletionCode::NOT_PRESENT, Vec::new()),
                |value| (CompletionCode::OK, value.clone()),
            )
    }

    /// Goes along the hops of a Send Message; gives the answer from their end.
    fn follow(&mut self, outer: &Request) -> Option<Vec<u8>> {
        let mut data = outer.data.clone();
        loop {
            let (channel, inner) = data.split_first()?;
            assert_eq!(channel & 0xf0, 0x40, "tracking");
            let request = LanRequest::decode(inner).ok()?;
            assert_eq!(request.requester, 0x20);
            assert_eq!(request.sequence, outer.sequence);
            self.relayed += 1;
            if request.command == SEND_MESSAGE && request.net_fn == NetFn::APP {
                data = request.data.to_vec();
                continue;
            }
            let (completion, value) = self.execute(request.responder, &request);
            return Some(message(&LanResponse {
                requester: 0x81,
                net_fn: request.net_fn.response(),
                requester_lun: Lun::BMC,
                responder: if self.own_name {
                    request.responder
                } else {
                    0x20
                },
                sequence: outer.sequence,
                responder_lun: if self.own_name { request.lun } else { Lun::BMC },
                command: request.command,
                completion,
                data: &value,
            }));
        }
    }

    fn pass_on(&mut self, now: Instant, request: &Request, out: &mut Vec<Outgoing>) {
        let order = if self.orders.len() > 1 {
            self.orders.remove(0)
        } else {
            self.orders[0]
        };
        let relay = |code, data: &[u8]| message(&request.response(CompletionCode(code), data));
        if let Order::Refused(code) = order {
            return self.send(now, Duration::ZERO, relay(code, &[]), out);
        }
        let before = self.relayed;
        let answer = self.follow(request).expect("a message for a satellite");
        let takes = (self.takes)();
        match order {
            Order::Usual => {
                // Each controller on the way says it.
                for _ in before..self.relayed {
                    self.send(now, Duration::ZERO, relay(0, &[]), out);
                }
                self.send(now, takes, answer, out);
            }
            Order::Reversed => {
                self.send(now, takes, answer, out);
                self.send(now, takes, relay(0, &[]), out);
            }
            Order::Embedded => self.send(now, takes, relay(0, &answer), out),
            Order::AnswerAlone => self.send(now, takes, answer, out),
            Order::RelayAlone => self.send(now, Duration::ZERO, relay(0, &[]), out),
            Order::Nothing | Order::Refused(_) => {}
        }
    }
}

impl Peer for Bridge {
    fn handle(&mut self, now: Instant, datagram: &[u8]) -> Vec<Outgoing> {
        let mut out = Vec::new();
        let (due, later) = self.queue.drain(..).partition(|(at, _)| *at <= now);
        self.queue = later;
        for (_, message) in due {
            self.send(now, Duration::ZERO, message, &mut out);
        }
        match self.forge.receive(datagram) {
            Some(Incoming::Request(request)) if request.command == SEND_MESSAGE => {
                self.pass_on(now, &request, &mut out);
            }
            Some(Incoming::Request(request)) if request.net_fn == NetFn::SENSOR_EVENT => {
                let number = request.data.first().copied().unwrap_or_default();
                let value = &self.values[&(0x20, request.lun, number)];
                let answer = message(&request.response(CompletionCode::OK, value));
                self.send(now, Duration::ZERO, answer, &mut out);
            }
            Some(incoming) => out.push(Outgoing {
                delay: Duration::ZERO,
                bytes: self.forge.answer(&incoming),
            }),
            None => {}
        }
        out
    }
}

fn opened(seed: u64, bridge: Bridge) -> Pair<Bridge> {
    let mut pair = Pair::with_peer(bridge, settings(PASSWORD), seed, Instant::now());
    pair.log_in();
    pair
}

fn address(route: Route) -> u8 {
    match route {
        Route::Bmc => 0x20,
        Route::Satellite(hop) | Route::Behind { target: hop, .. } => hop.address,
    }
}

const fn on_lun(lun: Lun) -> CommandKey {
    let (net_fn, _, command) = GET_SENSOR_READING;
    (net_fn, lun, command)
}

/// Reads a sensor with a value that only this one read can give.
fn read(
    pair: &mut Pair<Bridge>,
    route: Route,
    lun: Lun,
    mark: u16,
    within: Duration,
) -> Result<(), Error> {
    let [low, high] = mark.to_le_bytes();
    let number = u8::try_from(mark % 5).unwrap();
    let value = vec![address(route), 0xc0, low, high];
    let key = (address(route), lun, number);
    pair.bmc.values.insert(key, value.clone());
    let deadline = pair.now + within;
    pair.session
        .request_at(pair.now, deadline, route, on_lun(lun), &[number])?;
    match pair.event() {
        Event::Answered(code) => {
            assert!(code.is_ok(), "{code}");
            assert_eq!(pair.session.reply(), value, "somebody else's answer");
            Ok(())
        }
        Event::RequestFailed(error) => Err(error),
        other => panic!("a command ended in {other:?}"),
    }
}

#[rstest]
fn the_answer_counts_in_every_order(
    #[values(Order::Usual, Order::Reversed, Order::Embedded, Order::AnswerAlone)] order: Order,
    #[values(NEAR, FAR)] route: Route,
    #[values(false, true)] own_name: bool,
    #[values(0, 3)] lun: u8,
) {
    let mut pair = opened(
        1,
        Bridge {
            own_name,
            ..Bridge::new(order)
        },
    );
    let lun = Lun::from_low_bits(lun);
    for mark in 0..200 {
        let (time, result) = pair.time(|pair| read(pair, route, lun, mark, ms(5_000)));
        result.unwrap();
        assert!(time <= ms(12), "{time:?}");
        if mark % 3 == 0 {
            read(&mut pair, Route::Bmc, lun, mark, ms(5_000)).unwrap();
        }
    }
    let copies = 200 * u32::from(route.depth());
    assert_eq!(pair.bmc.relayed, copies, "nothing was asked twice");
}

#[test]
fn a_satellite_that_takes_its_time_is_waited_for() {
    for order in [Order::Usual, Order::AnswerAlone, Order::Embedded] {
        let mut pair = opened(2, Bridge::new(order));
        read(&mut pair, NEAR, Lun::BMC, 0, ms(5_000)).unwrap();
        pair.bmc.takes = Box::new(|| ms(700));
        let (time, result) = pair.time(|pair| read(pair, NEAR, Lun::BMC, 1, ms(5_000)));
        result.unwrap();
        assert!(time < ms(2_500), "{order:?} {time:?}");
        pair.bmc.takes = Box::new(|| ms(1));
        read(&mut pair, Route::Bmc, Lun::BMC, 2, ms(100)).unwrap();
    }
}

#[rstest]
#[case::passed_on(Order::RelayAlone)]
#[case::not_a_word(Order::Nothing)]
fn a_satellite_that_is_not_there_costs_five_seconds(#[case] order: Order) {
    let mut pair = opened(3, Bridge::new(order));
    let (time, result) = pair.time(|pair| read(pair, NEAR, Lun::BMC, 1, AMPLE));
    let error = result.unwrap_err();
    match order {
        Order::RelayAlone => assert_eq!(error.label(), "satellite_silent"),
        _ => assert_eq!(error.label(), "silent"),
    }
    assert!(time >= ms(5_000) && time < ms(5_100), "{time:?}");
    // Nor does it keep anybody else waiting.
    read(&mut pair, Route::Bmc, Lun::BMC, 2, ms(100)).unwrap();
}

#[test]
fn a_caller_with_less_time_hears_of_the_silence_too() {
    for (within, label) in [(400, "deadline"), (1_500, "satellite_silent")] {
        let mut pair = opened(4, Bridge::new(Order::RelayAlone));
        let (time, result) = pair.time(|pair| read(pair, NEAR, Lun::BMC, 1, ms(within)));
        assert_eq!(result.unwrap_err().label(), label);
        assert_eq!(time, ms(within));
    }
}

#[rstest]
#[case::gone(0xd3, 1)]
#[case::no_such_command(0xc1, 1)]
#[case::not_acknowledged(0x83, 3)]
#[case::lost_arbitration(0x81, 3)]
#[case::busy(0xc0, 3)]
#[case::timed_out(0xc3, 3)]
fn what_cannot_be_passed_on_is_told(#[case] code: u8, #[case] copies: u32) {
    let mut pair = opened(5, Bridge::new(Order::Refused(code)));
    let sent = pair.sent.len();
    let (time, result) = pair.time(|pair| read(pair, NEAR, Lun::BMC, 1, AMPLE));
    assert_eq!(result, Err(Error::Relay(CompletionCode(code))));
    assert_eq!(pair.sent.len() - sent, copies as usize);
    assert!(time < ms(400), "{time:?}");
    read(&mut pair, Route::Bmc, Lun::BMC, 2, ms(100)).unwrap();
    if copies > 1 {
        pair.bmc.orders = vec![Order::Refused(code), Order::Usual];
        read(&mut pair, NEAR, Lun::BMC, 3, AMPLE).unwrap();
    }
}

#[test]
fn a_refusal_of_the_satellite_is_an_answer() {
    for order in [Order::Usual, Order::Embedded] {
        let mut pair = opened(6, Bridge::new(order));
        let deadline = pair.now + AMPLE;
        pair.session
            .request_at(pair.now, deadline, NEAR, GET_SENSOR_READING, &[9])
            .unwrap();
        assert_eq!(
            pair.event(),
            Event::Answered(CompletionCode::NOT_PRESENT),
            "{order:?}"
        );
    }
}

#[test]
fn losses_are_made_good() {
    for order in [
        Order::Usual,
        Order::Reversed,
        Order::Embedded,
        Order::AnswerAlone,
    ] {
        for lost in [vec![0], vec![1], vec![0, 1], vec![0, 1, 2]] {
            let mut pair = opened(7, Bridge::new(order));
            read(&mut pair, NEAR, Lun::BMC, 0, ms(1_000)).unwrap();
            let next = pair.down.count;
            pair.down.lose = lost.iter().map(|nth| next + nth).collect();
            let (time, result) = pair.time(|pair| read(pair, NEAR, Lun::BMC, 1, AMPLE));
            assert_eq!(result, Ok(()), "{order:?}, lost {lost:?}");
            assert!(time < ms(4_000), "{order:?}, lost {lost:?}: {time:?}");
        }
    }
}

/// Links that lose, buses that are slow, callers that give up: plain and bridged
/// reads of the same sensor numbers never get each other's answers.
#[test]
fn random_schedules_with_satellites() {
    for seed in seeds(400) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut bridge = Bridge::new(Order::Usual);
        let mut dice = StdRng::seed_from_u64(seed ^ 1);
        let slowest = [10, 300, 2_000, 6_000][rng.random_range(0..4)];
        bridge.takes = Box::new(move || ms(dice.random_range(0..=slowest)));
        bridge.own_name = rng.random_bool(0.5);
        let mut pair = opened(seed, bridge);
        let loss = [0.0, 0.02, 0.2];
        pair.up.loss = loss[rng.random_range(0..3)];
        pair.down.loss = loss[rng.random_range(0..3)];
        pair.down.jitter = ms([0, 5, 50][rng.random_range(0..3)]);
        let (mut answered, mut failed) = (0, 0);
        for mark in 0..150 {
            pair.bmc.orders = vec![match rng.random_range(0..10) {
                0..4 => Order::Usual,
                4 => Order::Reversed,
                5 => Order::Embedded,
                6 => Order::AnswerAlone,
                7 => Order::RelayAlone,
                8 => Order::Refused([0xd3, 0xc0, 0x83][rng.random_range(0..3)]),
                _ => Order::Nothing,
            }];
            let route = [Route::Bmc, NEAR, FAR][rng.random_range(0..3)];
            let lun = Lun::from_low_bits(rng.random_range(0..2));
            let within = ms([30, 500, 3_000, 20_000][rng.random_range(0..4)]);
            match read(&mut pair, route, lun, mark, within) {
                Ok(()) => answered += 1,
                Err(Error::Misuse(reason)) => panic!("{reason}"),
                Err(_) => failed += 1,
            }
        }
        assert!(answered > 20, "{answered} answered, {failed} failed");
        pair.close();
    }
}

/// What the BMC says about passing a message on must not free its number: the
/// satellite's answer is still to come, and looks like one of the BMC's own.
#[test]
fn an_answer_that_nobody_waits_for_any_more_meets_no_other_request() {
    let mut dice = StdRng::seed_from_u64(8);
    let mut bridge = Bridge::new(Order::Usual);
    bridge.takes = Box::new(move || ms(dice.random_range(200..4_900)));
    let mut pair = opened(8, bridge);
    let mut mark = 0;
    for _ in 0..40 {
        for _ in 0..20 {
            mark += 1;
            // Given up before the BMC can have said a word.
            let error = read(&mut pair, NEAR, Lun::BMC, mark, ms(1)).unwrap_err();
            assert_eq!(error.label(), "deadline");
        }
        for _ in 0..300 {
            mark += 1;
            read(&mut pair, Route::Bmc, Lun::BMC, mark, AMPLE).unwrap();
        }
        pair.pass(ms(5_000));
    }
    assert!(pair.session.counters().late > 500);
}
