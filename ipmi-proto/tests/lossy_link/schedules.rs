//! Everything at once, at random: links that lose, delay, copy and reorder,
//! BMCs that restart, misbehave and pass messages on, callers that give up,
//! both generations of IPMI.
//!
//! A schedule follows from its seed alone. Whatever happens in it: no answer is
//! that of another request, every operation ends, and once the network is well
//! again the session can be opened, used and closed, and the BMC has none left
//! that was not closed.
//!
//! `SCHEDULES=<n>` runs that many, on all processors, and prints figures
//! (`make schedules`); `LINK_SEED=<seed>` runs one alone.

use std::any::Any;
use std::fmt;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bmc_sim::device::Satellite;
use bmc_sim::{DeviceBuilder, Fault, SensorKey, V15Config};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rmcp_ipmi::Error;
use rmcp_ipmi::crypto::AuthType;
use rmcp_ipmi::session::{Event, Generation, Settings};
use rmcp_ipmi::wire::{Hop, Route as Way};

use crate::pair::{GET_SENSOR_READING, Pair, Route, Setup, ms, seeds};

/// How many run with the other tests.
const FEW: u64 = 1_000;
const OPERATIONS: u32 = 14;
/// Seeds that once found something, and what.
const ONCE_BAD: [(u64, &str); 11] = [
    (18, "full slots were told as a missing suite"),
    (
        16_658,
        "answers of an IPMI 1.5 session that was over counted",
    ),
    (
        4_015,
        "an IPMI 1.5 session could not be closed after an outage",
    ),
    (5_614, "the same"),
    (6_044, "the same"),
    (7_618, "the same"),
    (21_074, "the same"),
    (49_126, "the same"),
    (
        718_307,
        "the same, where a late answer held the next copy back",
    ),
    (863_499, "the same"),
    (
        189_224,
        "late answers to a log-in of IPMI 1.5 counted for the next",
    ),
];
/// Where the satellite is.
const CHANNEL: u8 = 6;
const ADDRESS: u8 = 0x2c;
const SATELLITE: Way = Way::Satellite(Hop {
    channel: CHANNEL,
    address: ADDRESS,
});
/// After this a BMC has forgotten whatever was not closed.
const SLOTS_EXPIRE: Duration = ms(65_000);
/// How often a log-in may fail on a good link before the session counts as
/// stuck: slots that others left behind, back-off of the BMC.
const PATIENCE: u32 = 4;

/// What came of some schedules.
#[derive(Clone, Debug, Default)]
struct Figures {
    schedules: u64,
    answered: u64,
    bridged: u64,
    failed: u64,
    log_ins: u64,
    failed_log_ins: u64,
    restarts: u64,
    retransmitted: u64,
    /// On the clock of the schedules.
    simulated: Duration,
    wrong: u64,
    stuck: u64,
    unclosed: u64,
    other: u64,
    /// Seeds of what went wrong; a few of them.
    bad: Vec<(u64, String)>,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.answered += other.answered;
        self.bridged += other.bridged;
        self.failed += other.failed;
        self.log_ins += other.log_ins;
        self.failed_log_ins += other.failed_log_ins;
        self.restarts += other.restarts;
        self.retransmitted += other.retransmitted;
        self.simulated += other.simulated;
        self.wrong += other.wrong;
        self.stuck += other.stuck;
        self.unclosed += other.unclosed;
        self.other += other.other;
        self.bad.extend(other.bad);
        self.bad.truncate(20);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  schedules          {}", self.schedules)?;
        writeln!(
            f,
            "  requests           {} answered ({} by a satellite), {} given up, {} repeated",
            self.answered, self.bridged, self.failed, self.retransmitted
        )?;
        writeln!(
            f,
            "  log-ins            {}, and {} that failed",
            self.log_ins, self.failed_log_ins
        )?;
        writeln!(f, "  restarts of a BMC  {}", self.restarts)?;
        writeln!(
            f,
            "  simulated time     {} days",
            self.simulated.as_secs() / 86_400
        )?;
        writeln!(f, "  wrong values       {}", self.wrong)?;
        writeln!(f, "  stuck              {}", self.stuck)?;
        writeln!(f, "  unclosed sessions  {}", self.unclosed)?;
        write!(f, "  other surprises    {}", self.other)?;
        for (seed, what) in &self.bad {
            write!(f, "\n  LINK_SEED={seed}: {what}")?;
        }
        Ok(())
    }
}

impl Figures {
    fn is_good(&self) -> bool {
        self.wrong + self.stuck + self.unclosed + self.other == 0
    }

    /// Books a schedule that ended in a panic.
    fn book(&mut self, seed: u64, panic: &(dyn Any + Send)) {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        let kind = match text {
            text if text.contains("somebody else's answer") => &mut self.wrong,
            text if text.contains("no end") || text.contains("stuck") => &mut self.stuck,
            text if text.contains("nothing is left") => &mut self.stuck,
            text if text.contains("unclosed") => &mut self.unclosed,
            _ => &mut self.other,
        };
        *kind += 1;
        let line = text.lines().next().unwrap_or_default();
        self.bad.push((seed, line.to_owned()));
    }
}

#[test]
fn random_schedules() {
    let started = Instant::now();
    let count = std::env::var("SCHEDULES").map(|text| text.parse().expect("a number"));
    let figures = match count {
        Ok(count) => run_all(count),
        Err(_) => {
            let mut figures = Figures::default();
            for seed in once_bad().chain(seeds(FEW)) {
                // Panics as they come, with their backtrace.
                figures += run(seed);
            }
            figures
        }
    };
    let took = started.elapsed();
    println!(
        "random schedules:\n{figures}\n  took               {:.1} s, {:.0} schedules a second",
        took.as_secs_f64(),
        figures.schedules as f64 / took.as_secs_f64()
    );
    assert!(figures.is_good(), "see above");
    assert!(figures.answered > 3 * figures.schedules);
    assert!(figures.bridged > 0 || figures.schedules < 100);
}

fn once_bad() -> impl Iterator<Item = u64> {
    let is_replay = std::env::var_os("LINK_SEED").is_some();
    let seeds = ONCE_BAD.into_iter().map(|(seed, _)| seed);
    seeds.filter(move |_| !is_replay)
}

/// Schedules 0 to `count`, on all processors.
fn run_all(count: u64) -> Figures {
    /// So many are taken at a time.
    const PORTION: u64 = 500;
    let next = AtomicU64::new(0);
    let total = Mutex::new(Figures::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    // What went wrong is told at the end, with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(PORTION, Ordering::Relaxed);
                    if first >= count {
                        return;
                    }
                    let mut figures = Figures::default();
                    for seed in first..count.min(first + PORTION) {
                        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
                            Ok(one) => figures += one,
                            Err(panic) => {
                                figures.schedules += 1;
                                figures.book(seed, panic.as_ref());
                            }
                        }
                    }
                    let mut total = total.lock().unwrap();
                    *total += figures;
                    if total.schedules.is_multiple_of(50_000) {
                        println!("... {} of {count}", total.schedules);
                    }
                }
            });
        }
    });
    drop(std::panic::take_hook());
    total.into_inner().unwrap()
}

/// One schedule under way.
struct Schedule {
    rng: StdRng,
    pair: Pair,
    settings: Settings,
    figures: Figures,
    /// Sessions that the client had, as far as it knows.
    opened: u64,
    mark: u16,
}

fn run(seed: u64) -> Figures {
    let mut rng = StdRng::seed_from_u64(seed);
    let (setup, settings) = setup(seed, &mut rng);
    let mut pair = setup.pair();
    let start = pair.now;
    for fault in faults(&mut rng) {
        pair.bmc.set_fault(fault);
    }
    let (up, down) = (route(&mut rng), route(&mut rng));
    (pair.up, pair.down) = (up, down);
    let mut schedule = Schedule {
        rng,
        pair,
        settings,
        figures: Figures::default(),
        opened: 0,
        mark: 0,
    };
    schedule.log_in();
    for _ in 0..OPERATIONS {
        schedule.operate();
    }
    schedule.recover();
    let mut figures = schedule.figures;
    figures.schedules = 1;
    figures.log_ins = schedule.opened;
    figures.retransmitted += schedule.pair.session.counters().take().retransmitted;
    figures.simulated = schedule.pair.now - start;
    figures
}

/// The two ends.
fn setup(seed: u64, rng: &mut StdRng) -> (Setup, Settings) {
    let satellite = DeviceBuilder::satellite_at(ADDRESS).build();
    let delay = [0, 5, 300, 2_000][rng.random_range(0..4)];
    let satellite = Satellite::new(satellite).delay(ms(delay));
    let mut setup = Setup::new(seed);
    setup.device = DeviceBuilder::new()
        .satellite(CHANNEL, "Engine", satellite)
        .build();
    // Some of these links are slower than the three seconds after which a BMC
    // gives up a log-in; nobody could get in there.
    setup.config.half_open_timeout = ms(60_000);
    // Sequence numbers that wrap are as good as any.
    setup.config.first_sequence = [1, 0, u32::MAX - 5, 0x7fff_fff0][rng.random_range(0..4)];
    if rng.random_bool(0.2) {
        const TYPES: [AuthType; 3] = [AuthType::Md5, AuthType::Md2, AuthType::Password];
        let theirs = [
            bmc_sim::AuthType::Md5,
            bmc_sim::AuthType::Md2,
            bmc_sim::AuthType::Password,
        ];
        let auth_type = theirs[rng.random_range(0..3)];
        setup.config = setup.config.v15_only(V15Config::new(&[auth_type]));
        setup.settings = setup
            .settings
            .with_generation(Generation::V15)
            .with_auth_types(&TYPES);
    } else {
        // The usual, and each kind of integrity and confidentiality.
        let theirs: &[u8] =
            [&[3, 17][..], &[3], &[17], &[12], &[14], &[2], &[19]][rng.random_range(0..7)];
        setup = setup.suites(&[17, 3, 12, 14, 2, 19], theirs);
    }
    let settings = setup.settings.clone();
    (setup, settings)
}

fn route(rng: &mut StdRng) -> Route {
    let loss = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3];
    let latency = [0, 1, 20, 200, 1_000];
    Route {
        latency: ms(latency[rng.random_range(0..latency.len())]),
        jitter: ms(latency[rng.random_range(0..latency.len())]),
        loss: loss[rng.random_range(0..loss.len())],
        copy: loss[rng.random_range(0..loss.len())],
        copy_delay: ms(rng.random_range(0..5_000)),
        straggle: loss[rng.random_range(0..loss.len())],
        straggle_delay: ms(rng.random_range(0..5_000)),
        ..Route::default()
    }
}

/// Up to two things that this BMC does wrong all the time.
fn faults(rng: &mut StdRng) -> Vec<Fault> {
    let count = rng.random_range(0..3);
    (0..count)
        .map(|_| match rng.random_range(0..12) {
            0 => Fault::SeqSkip,
            1 => Fault::ConfPad16,
            2 => Fault::DuplicateReply(ms(rng.random_range(0..3_000))),
            3 => Fault::DuplicateRequest,
            4 => Fault::Delay(ms(rng.random_range(0..1_000))),
            5 => Fault::Garbage(200),
            6 => Fault::SessionLostSilent(rng.random_range(0..20)),
            7 => Fault::Reordered(ms(300)),
            8 => Fault::RakpTagZero,
            9 => Fault::BridgeReorder,
            10 => Fault::BridgeEmbedded,
            _ => Fault::SeqJump(rng.random_range(0..1_000)),
        })
        .collect()
}

impl Schedule {
    /// Does one of the things that callers and the world do.
    fn operate(&mut self) {
        match self.rng.random_range(0..20) {
            0 => {
                // The BMC restarts.
                self.pair.bmc.forget_sessions();
                self.figures.restarts += 1;
            }
            1 => {
                // The cable is out for a while.
                let (up, down) = (self.pair.up.loss, self.pair.down.loss);
                (self.pair.up.loss, self.pair.down.loss) = (1.0, 1.0);
                self.read(ms(20_000));
                (self.pair.up.loss, self.pair.down.loss) = (up, down);
            }
            2 => {
                // Nobody asks for so long that sessions end.
                let pause = ms(self.rng.random_range(0..90_000));
                self.pair.pass(pause);
            }
            3 => self.close(),
            // Callers without patience.
            4..7 => {
                let within = ms(self.rng.random_range(1..300));
                self.read(within);
            }
            7..11 => self.read_satellite(),
            _ => self.read(ms(60_000)),
        }
    }

    fn log_in(&mut self) {
        match self.pair.open() {
            Event::Opened { .. } => self.opened += 1,
            Event::LoginFailed(Error::NoSlots(_)) => {
                // What was not heard of the last sessions' ends.
                self.figures.failed_log_ins += 1;
                self.pair.pass(SLOTS_EXPIRE);
            }
            // Refused: on slow links the BMC gives the half-open session up
            // before the next message is there, and a copy comes too late. No
            // suite: what was said to the right one got lost, twice.
            Event::LoginFailed(
                Error::Silent { .. }
                | Error::Deadline { .. }
                | Error::LoginRefused { .. }
                | Error::NoCommonSuite { .. }
                | Error::ActivationIgnored,
            ) => self.figures.failed_log_ins += 1,
            other => panic!("a log-in ended in {other:?}"),
        }
    }

    /// A session, unless the log-in fails.
    fn has_session(&mut self) -> bool {
        if !self.pair.session.is_open() {
            self.figures.retransmitted += self.pair.session.counters().take().retransmitted;
            let memory = self.pair.session.memory();
            self.pair.renew(self.settings.clone(), memory);
            self.log_in();
        }
        self.pair.session.is_open()
    }

    /// The mark of a read, which differs from those of all others.
    fn next_mark(&mut self) -> (u8, u16) {
        self.mark += 1;
        (self.rng.random_range(1..=200), self.mark)
    }

    fn read(&mut self, within: Duration) {
        if !self.has_session() {
            return;
        }
        let (number, mark) = self.next_mark();
        let result = self.pair.read(number, mark, within);
        self.judge(result, false);
    }

    fn read_satellite(&mut self) {
        if !self.has_session() {
            return;
        }
        let (number, mark) = self.next_mark();
        let [low, high] = mark.to_le_bytes();
        let value = vec![number, 0xc0, low, high | 0x80];
        let sensor = SensorKey {
            owner: ADDRESS,
            lun: 0,
            number,
        };
        let bridge = self.pair.bmc.device_mut().bridge.as_mut();
        let satellites = &mut bridge.expect("it has one").satellites;
        let satellite = satellites.get_mut(&(CHANNEL, ADDRESS)).expect("set up");
        satellite.device.set_response(sensor, value.clone());
        let deadline = self.pair.now + ms(60_000);
        let asked = self.pair.session.request_at(
            self.pair.now,
            deadline,
            SATELLITE,
            GET_SENSOR_READING,
            &[number],
        );
        let result = asked.and_then(|()| match self.pair.event() {
            Event::Answered(code) => {
                assert!(code.is_ok(), "sensor {number}: {code}");
                let reply = self.pair.session.reply();
                assert_eq!(reply, value, "sensor {number} got somebody else's answer");
                Ok(())
            }
            Event::RequestFailed(error) => Err(error),
            other => panic!("a command ended in {other:?}"),
        });
        self.judge(result, true);
    }

    fn judge(&mut self, result: Result<(), Error>, is_bridged: bool) {
        match result {
            Ok(()) => {
                self.figures.answered += 1;
                self.figures.bridged += u64::from(is_bridged);
            }
            Err(Error::Misuse(reason)) => panic!("{reason}"),
            Err(Error::Silent { .. }) if !is_bridged => {
                self.figures.failed += 1;
                self.close();
            }
            Err(_) => self.figures.failed += 1,
        }
    }

    /// Closes the session, on a link that is well for that moment: whether a BMC
    /// hears of it must not be up to the dice.
    fn close(&mut self) {
        let (up, down) = (self.pair.up.clone(), self.pair.down.clone());
        self.pair.routes(&Route::default());
        let took = self.pair.close();
        assert!(took <= ms(1_000), "stuck: closing took {took:?}");
        // Also what was sent last gets there.
        self.pair.pass(ms(50));
        (self.pair.up, self.pair.down) = (up, down);
    }

    /// All is well again: the session must be so, too.
    fn recover(&mut self) {
        self.pair.routes(&Route::default());
        self.pair.bmc.clear_faults();
        let mut tries = 0;
        loop {
            tries += 1;
            assert!(tries <= PATIENCE, "stuck: {tries} log-ins on a good link");
            if !self.has_session() {
                continue;
            }
            let (number, mark) = self.next_mark();
            match self.pair.read(number, mark, ms(60_000)) {
                Ok(()) => break,
                // The BMC has lost the session while the network was ill.
                Err(Error::Silent { .. }) => self.close(),
                Err(error) => panic!("stuck: {error} on a good link"),
            }
        }
        self.figures.answered += 1;
        self.close();
        self.pair.pass(ms(20_000));
        let counters = self.pair.bmc.counters();
        // A log-in whose last message was lost leaves a session that the client
        // never had; it says good-bye to that once, and the BMC ends it in time.
        let never_had = counters.logins - self.opened.min(counters.logins);
        let left = counters.sessions_open;
        assert!(left <= never_had, "{left} sessions are unclosed");
        self.pair.pass(SLOTS_EXPIRE);
        self.pair.bmc.tick(self.pair.now);
        let left = self.pair.bmc.counters().slots_in_use;
        assert_eq!(left, 0, "slots are unclosed");
    }
}

#[test]
fn a_schedule_follows_from_its_seed() {
    for seed in [1, 77, 4_711] {
        let (one, two) = (run(seed), run(seed));
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }
}
