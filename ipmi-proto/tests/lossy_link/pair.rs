//! A session and a BMC, coupled in memory, on a clock that a test moves.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bmc_sim::{Bmc, BmcConfig, Device, DeviceBuilder, SensorKey, User};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rmcp_ipmi::Error;
use rmcp_ipmi::crypto::{CipherSuiteId, Password, Username};
use rmcp_ipmi::session::{Event, LoginMemory, RejectReason, RttEstimator, Session, Settings};
use rmcp_ipmi::wire::{CompletionCode, Lun, NetFn};

use crate::peers::{Outgoing, Peer};

pub(crate) const USER: &str = "monitor";
pub(crate) const PASSWORD: &str = "correct horse";
/// How long each datagram travels unless a test says otherwise.
pub(crate) const LATENCY: Duration = Duration::from_millis(2);
/// Longer than anything that a test waits for.
pub(crate) const AMPLE: Duration = Duration::from_secs(120);
/// More things than these never happen in one operation; a session that talks
/// to itself for ever is stopped here.
const MAX_STEPS: u32 = 100_000;

pub(crate) const GET_SENSOR_READING: (NetFn, Lun, u8) = (NetFn::SENSOR_EVENT, Lun::BMC, 0x2d);
pub(crate) const GET_DEVICE_ID: (NetFn, Lun, u8) = (NetFn::APP, Lun::BMC, 0x01);

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A sensor for the read with this mark: another one for each of 200 in a row.
pub(crate) fn sensor(mark: u16) -> u8 {
    u8::try_from(mark % 200).unwrap_or_default() + 1
}

/// The seeds of a random test: `count` of them, or the one to replay.
pub(crate) fn seeds(count: u64) -> Range<u64> {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        Some(
            text.parse::<u64>()
                .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        )
    };
    match number("LINK_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..count * number("LINK_RUNS").unwrap_or(1),
    }
}

/// What happens to datagrams in one direction.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) latency: Duration,
    /// Up to this much longer, evenly distributed: overtaking follows.
    pub(crate) jitter: Duration,
    /// With this probability a datagram takes...
    pub(crate) straggle: f64,
    /// ...up to this much longer.
    pub(crate) straggle_delay: Duration,
    pub(crate) loss: f64,
    /// With this probability a datagram arrives once more...
    pub(crate) copy: f64,
    /// ...up to this much later.
    pub(crate) copy_delay: Duration,
    /// Each datagram arrives this many times more, whatever the dice say.
    pub(crate) copies: u32,
    /// Datagrams that are lost whatever the dice say, counted from 0.
    pub(crate) lose: BTreeSet<u64>,
    /// Datagrams so far.
    pub(crate) count: u64,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            latency: LATENCY,
            jitter: Duration::ZERO,
            straggle: 0.0,
            straggle_delay: Duration::ZERO,
            loss: 0.0,
            copy: 0.0,
            copy_delay: Duration::ZERO,
            copies: 0,
            lose: BTreeSet::new(),
            count: 0,
        }
    }
}

impl Route {
    /// When the copies of one datagram arrive, in time from now.
    fn arrivals(&mut self, rng: &mut StdRng) -> Vec<Duration> {
        let nth = self.count;
        self.count += 1;
        let mut part = |most: Duration| most.mul_f64(rng.random_range(0.0..=1.0));
        let mut travel = self.latency + part(self.jitter);
        let longer = part(self.straggle_delay);
        let copies: Vec<Duration> = (0..self.copies).map(|_| part(self.copy_delay)).collect();
        let late = part(self.copy_delay);
        if rng.random_bool(self.straggle) {
            travel += longer;
        }
        let mut arrivals = vec![travel];
        arrivals.extend(copies.into_iter().map(|later| travel + later));
        if rng.random_bool(self.copy) {
            arrivals.push(travel + late);
        }
        if self.lose.contains(&nth) || rng.random_bool(self.loss) {
            arrivals.clear();
        }
        arrivals
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Towards {
    Bmc,
    Session,
}

/// A datagram under way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrives: Instant,
    order: u64,
    towards: Towards,
    datagram: Vec<u8>,
}

pub(crate) struct Pair<P: Peer = Bmc> {
    pub(crate) session: Session,
    pub(crate) bmc: P,
    pub(crate) now: Instant,
    pub(crate) up: Route,
    pub(crate) down: Route,
    /// Everything that the session sent.
    pub(crate) sent: Vec<Vec<u8>>,
    /// Everything that the BMC sent, once [`Self::record`] was called.
    recording: Option<Vec<Vec<u8>>>,
    flights: BinaryHeap<Reverse<Flight>>,
    order: u64,
    rng: StdRng,
    seed: u64,
    /// How often the session was renewed.
    sessions: u64,
}

/// Users, machine and suites of the usual pair.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) config: BmcConfig,
    pub(crate) device: Device,
    pub(crate) seed: u64,
}

impl Setup {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            settings: settings(PASSWORD),
            config: BmcConfig::new().user(User::administrator(USER, PASSWORD)),
            // Sensors come into being when a test sets their values.
            device: DeviceBuilder::new().build(),
            seed,
        }
    }

    pub(crate) fn suites(mut self, ours: &[u8], theirs: &[u8]) -> Self {
        let ids: Vec<CipherSuiteId> = ours.iter().copied().map(CipherSuiteId).collect();
        self.settings = self.settings.with_suites(&ids);
        self.config = self.config.suites(theirs);
        self
    }

    pub(crate) fn settings(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(BmcConfig) -> BmcConfig) -> Self {
        self.config = change(self.config);
        self
    }

    pub(crate) fn pair(self) -> Pair {
        let now = Instant::now();
        let bmc = Bmc::new(self.config.seed(self.seed), self.device, now);
        Pair::with_peer(bmc, self.settings, self.seed, now)
    }
}

pub(crate) fn settings(password: &str) -> Settings {
    Settings::new(
        Username::new(USER.as_bytes()).unwrap(),
        Password::new(password.as_bytes()).unwrap(),
    )
}

/// An open session with the usual BMC, over a link without faults.
pub(crate) fn opened(seed: u64) -> Pair {
    let mut pair = Setup::new(seed).pair();
    pair.log_in();
    pair
}

impl<P: Peer> Pair<P> {
    pub(crate) fn with_peer(bmc: P, settings: Settings, seed: u64, now: Instant) -> Self {
        Self {
            session: Session::new(
                Arc::new(settings),
                None,
                RttEstimator::default(),
                StdRng::seed_from_u64(seed),
            ),
            bmc,
            now,
            up: Route::default(),
            down: Route::default(),
            sent: Vec::new(),
            recording: None,
            flights: BinaryHeap::new(),
            order: 0,
            rng: StdRng::seed_from_u64(seed ^ 0x11_4e_4b),
            seed,
            sessions: 0,
        }
    }

    /// A new session object, as after a session was given up: it knows what the
    /// old one learned, and hears what was still under way to the old one.
    pub(crate) fn renew(&mut self, settings: Settings, memory: Option<LoginMemory>) {
        self.sessions += 1;
        let rtt = self.session.rtt();
        let rng = StdRng::seed_from_u64(self.seed ^ self.sessions << 32);
        self.session = Session::new(Arc::new(settings), memory, rtt, rng);
    }

    /// Both directions alike.
    pub(crate) fn routes(&mut self, route: &Route) {
        self.up = route.clone();
        self.down = route.clone();
    }

    fn fly(&mut self, towards: Towards, delay: Duration, datagram: &[u8]) {
        let route = match towards {
            Towards::Bmc => &mut self.up,
            Towards::Session => &mut self.down,
        };
        for arrival in route.arrivals(&mut self.rng) {
            self.order += 1;
            self.flights.push(Reverse(Flight {
                arrives: self.now + delay + arrival,
                order: self.order,
                towards,
                datagram: datagram.to_vec(),
            }));
        }
    }

    fn send_what_is_due(&mut self) {
        let mut datagram = Vec::new();
        while self.session.poll_transmit(&mut datagram) {
            self.sent.push(datagram.clone());
            self.fly(Towards::Bmc, Duration::ZERO, &datagram);
        }
    }

    /// Moves to the next thing that happens, if that is before `limit`.
    fn step(&mut self, limit: Instant) -> bool {
        let arrival = self.flights.peek().map(|Reverse(flight)| flight.arrives);
        let timeout = self.session.poll_timeout();
        let Some(next) = [arrival, timeout].into_iter().flatten().min() else {
            return false;
        };
        if next > limit {
            return false;
        }
        self.now = self.now.max(next);
        // What arrives at the very instant of a timeout arrives in time.
        if arrival == Some(next)
            && let Some(Reverse(flight)) = self.flights.pop()
        {
            match flight.towards {
                Towards::Session => self.session.handle_datagram(self.now, &flight.datagram),
                Towards::Bmc => {
                    for Outgoing { delay, bytes } in self.bmc.handle(self.now, &flight.datagram) {
                        if let Some(recording) = &mut self.recording {
                            recording.push(bytes.clone());
                        }
                        self.fly(Towards::Session, delay, &bytes);
                    }
                }
            }
        } else {
            self.session.handle_timeout(self.now);
        }
        true
    }

    /// Runs until the session has something to tell.
    pub(crate) fn event(&mut self) -> Event {
        let limit = self.now + Duration::from_secs(3600);
        for _ in 0..MAX_STEPS {
            self.send_what_is_due();
            if let Some(event) = self.session.poll_event() {
                return event;
            }
            assert!(self.step(limit), "nothing is left that could happen");
        }
        panic!("no end after {MAX_STEPS} steps");
    }

    /// Lets time pass for a session that has nothing to tell.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.send_what_is_due();
        while self.step(until) {
            self.send_what_is_due();
            assert_eq!(
                self.session.poll_event(),
                None,
                "an event that nobody waits for"
            );
        }
        self.now = until;
    }

    /// Sends what is to be sent; nothing arrives yet.
    pub(crate) fn pass_until_sent(&mut self) {
        self.send_what_is_due();
    }

    /// Keeps what the BMC sends from now on.
    pub(crate) fn record(&mut self) {
        self.recording = Some(Vec::new());
    }

    /// What the BMC has sent since [`Self::record`].
    pub(crate) fn recorded(&mut self) -> Vec<Vec<u8>> {
        self.recording.take().unwrap_or_default()
    }

    /// Hands a datagram to the session.
    pub(crate) fn inject(&mut self, datagram: &[u8]) {
        self.session.handle_datagram(self.now, datagram);
    }

    pub(crate) fn open(&mut self) -> Event {
        self.session.open(self.now, self.now + AMPLE);
        self.event()
    }

    /// Logs in; the log-in must succeed. Gives the suite.
    pub(crate) fn log_in(&mut self) -> u8 {
        match self.open() {
            Event::Opened { negotiated, .. } => negotiated.suite().unwrap().0,
            other => panic!("the log-in ended in {other:?}"),
        }
    }

    /// Logs in; the log-in must fail.
    pub(crate) fn fail_to_log_in(&mut self) -> Error {
        match self.open() {
            Event::LoginFailed(error) => error,
            other => panic!("the log-in ended in {other:?}"),
        }
    }

    /// One command, to its end.
    pub(crate) fn call(
        &mut self,
        key: (NetFn, Lun, u8),
        data: &[u8],
        within: Duration,
    ) -> Result<(CompletionCode, Vec<u8>), Error> {
        self.session
            .request(self.now, self.now + within, key, data)?;
        match self.event() {
            Event::Answered(code) => Ok((code, self.session.reply().to_vec())),
            Event::RequestFailed(error) => Err(error),
            other => panic!("a command ended in {other:?}"),
        }
    }

    /// Closes the session; gives the time it took.
    pub(crate) fn close(&mut self) -> Duration {
        let start = self.now;
        self.session.close(self.now);
        assert_eq!(self.event(), Event::Closed);
        self.now - start
    }

    pub(crate) fn rejected(&mut self, reason: RejectReason) -> u64 {
        self.session.counters().rejected(reason)
    }

    /// How long `act` takes.
    pub(crate) fn time<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> (Duration, R) {
        let start = self.now;
        let result = act(self);
        (self.now - start, result)
    }
}

impl Pair {
    /// Reads a sensor with a value that only this one read can give: the answer
    /// must be it, not that of another sensor or of an earlier read.
    ///
    /// `mark` must differ from read to read.
    pub(crate) fn read(&mut self, number: u8, mark: u16, within: Duration) -> Result<(), Error> {
        let value = self.prepare(number, mark);
        let (code, data) = self.call(GET_SENSOR_READING, &[number], within)?;
        assert!(code.is_ok(), "sensor {number}: {code}");
        assert_eq!(data, value, "sensor {number} got somebody else's answer");
        Ok(())
    }

    /// The same, not waited for; [`Self::event`] does.
    pub(crate) fn start_read(&mut self, number: u8, mark: u16) {
        self.prepare(number, mark);
        self.session
            .request(self.now, self.now + AMPLE, GET_SENSOR_READING, &[number])
            .unwrap();
    }

    fn prepare(&mut self, number: u8, mark: u16) -> Vec<u8> {
        let [low, high] = mark.to_le_bytes();
        let value = vec![number, 0xc0, low, high];
        self.bmc
            .device_mut()
            .set_response(SensorKey::bmc(number), value.clone());
        value
    }
}

impl<P: Peer> Drop for Pair<P> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay this run with LINK_SEED={}", self.seed);
        }
    }
}
