//! One row of the table: a crowd of liars of one profile against one exporter.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bmc_sim::hostile::{HostileHandle, HostileSim, Profile};
use bmc_sim::{SensorKey, SimHandle, User};
use tokio::runtime::Runtime;

use crate::canary::leaked;
use crate::lab::{self, Lab, Scrape};
use crate::support::exporter::Exporter;
use crate::support::exposition::same;
use crate::support::http;
use crate::table::{Outcome, Row, Values};

/// The password of every liar's user. No quoting changes it.
pub(crate) const PASSWORD: &str = "zq7canaryHOSTILE4711";
/// The key of every liar.
pub(crate) const K_G: &str = "zq7kgCANARYlies08150";

/// How many times each liar is scraped: once without a session, then with one,
/// or with a back-off.
const ROUNDS: u32 = 2;
/// Liars that are scraped at once.
const CROWD: usize = 8;
/// Prometheus' time-out for a liar, of which the exporter leaves half a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same where the truth arrives in the middle of a storm: how long all of
/// it takes depends on the machine.
const PATIENCE_IN_STORMS: Duration = Duration::from_secs(25);
/// A scrape must be answered within Prometheus' time-out; what comes on top is
/// what a machine with two processors and fifty programs needs.
const SLACK: Duration = Duration::from_millis(1_500);
const HONEST_SENSORS: u16 = 4;

/// What the process may grow by at its peak, in KiB, whoever lies to it.
pub(crate) const MEMORY_LIMIT: u64 = 8 * 1024;
/// And for each BMC that it knows: it keeps up to 1 MiB of records of each, and
/// what it made of them.
const MEMORY_FOR_EACH: u64 = 2 * 1024;
/// After how long it forgets them...
const FORGOTTEN_AFTER: &str = "--target.idle-timeout=5s";
/// ...which makes no more than these at a time.
const MOST_KNOWN: usize = 10 * CROWD;

/// What came of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) scrapes: u64,
    pub(crate) slowest: Duration,
    pub(crate) lies: u64,
    pub(crate) rakp3_with_code: u64,
    pub(crate) rakp3_to_a_lie: u64,
    pub(crate) values: u64,
    pub(crate) grown_kib: i64,
    pub(crate) honest_scrapes: u64,
    pub(crate) honest_slowest: Duration,
}

/// Collectors that a machine of the liars has answers for.
const CORE: [&str; 8] = [
    "bmc",
    "bmc-watchdog",
    "chassis",
    "dcmi",
    "ipmi",
    "sel",
    "sel-events",
    "sm-lan-mode",
];
/// The others ask too; whether they are answered depends on the profile.
const MORE: [&str; 14] = [
    "bmc-details",
    "bmc-clock",
    "self-test",
    "guid",
    "chassis-details",
    "power-on-hours",
    "dcmi-statistics",
    "dcmi-temperatures",
    "lan",
    "thresholds",
    "sel-entries",
    "fru",
    "dell-power",
    "intel-node-manager",
];

/// The module for liars, and the one for the honest BMC.
pub(crate) fn configuration() -> String {
    format!(
        "modules:\n\
         \x20 bmc:\n\
         \x20   user: {user}\n\
         \x20   pass: {PASSWORD}\n\
         \x20   k_g: {K_G}\n\
         \x20   collectors: [{collectors}]\n\
         \x20   sel_events:\n\
         \x20     - name: over\n\
         \x20       regex: 'Critical'\n\
         \x20 honest:\n\
         \x20   user: {user}\n\
         \x20   pass: {password}\n",
        user = lab::USER,
        password = lab::PASSWORD,
        collectors = [&CORE[..], &MORE].concat().join(", "),
    )
}

/// Runs a row with at least this many log-ins to liars.
pub(crate) fn run(row: &Row, sessions: usize) -> Figures {
    let profile = Profile::find(row.name).expect("a profile for each row");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let lab = Lab::new();
    let honest = lab.start(lab::machine(HONEST_SENSORS));
    let mut exporter = Exporter::ours_with(&configuration(), |_| {
        ["--login.rate=1000", "--log.level=debug", FORGOTTEN_AFTER]
            .map(str::to_owned)
            .to_vec()
    });
    let mut figures = Figures::default();
    let mut secrets = BTreeSet::from([PASSWORD.as_bytes().to_vec(), K_G.as_bytes().to_vec()]);
    scrape_honest(&exporter, &honest, &mut figures);
    let before = peak_memory_kib(&exporter);

    let mut seed = 0;
    while seed < sessions {
        let crowd: Vec<_> = (seed..sessions.min(seed + CROWD))
            .map(|seed| start(&runtime, profile, seed as u64))
            .collect();
        seed += crowd.len();
        let done = AtomicBool::new(false);
        let results = thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let mut figures = Figures::default();
                while !done.load(Ordering::Relaxed) {
                    scrape_honest(&exporter, &honest, &mut figures);
                }
                figures
            });
            let scrapes: Vec<_> = crowd
                .iter()
                .map(|liar| scope.spawn(|| scrape_liar(row, &exporter, liar)))
                .collect();
            let mut results: Vec<_> = scrapes
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect();
            done.store(true, Ordering::Relaxed);
            results.push(beside.join());
            results
        });
        for result in results {
            figures.add(&result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        for liar in &crowd {
            let liar = liar.liar();
            let ledger = liar.ledger();
            figures.lies += ledger.lies;
            figures.rakp3_with_code += ledger.rakp3_with_code;
            figures.rakp3_to_a_lie += ledger.rakp3_to_a_lie;
            secrets.extend(ledger.secrets().take(8).map(<[u8]>::to_vec));
        }
    }
    scrape_honest(&exporter, &honest, &mut figures);

    let grown = peak_memory_kib(&exporter).saturating_sub(before);
    figures.grown_kib = i64::try_from(grown).unwrap();
    let limit = MEMORY_LIMIT + MEMORY_FOR_EACH * sessions.min(MOST_KNOWN) as u64;
    assert!(grown <= limit, "{}: grew by {grown} KiB", row.name);
    judge(row, &figures);
    assert_clean(&mut exporter, &secrets);
    figures
}

fn start(runtime: &Runtime, profile: &'static Profile, seed: u64) -> HostileSim {
    let user = User::administrator(lab::USER, PASSWORD);
    runtime
        .block_on(HostileSim::start(profile, user, Some(K_G.as_bytes()), seed))
        .expect("a free UDP port on loopback")
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.scrapes += other.scrapes;
        self.slowest = self.slowest.max(other.slowest);
        self.values += other.values;
        self.honest_scrapes += other.honest_scrapes;
        self.honest_slowest = self.honest_slowest.max(other.honest_slowest);
    }
}

/// One sick BMC never disturbs another: this one is always whole and true.
fn scrape_honest(exporter: &Exporter, honest: &SimHandle, figures: &mut Figures) {
    let target = honest.addr().to_string();
    let scrape = lab::scrape_target(exporter, &target, "honest", Some("10"));
    assert!(scrape.is_complete(), "honest: {:?}", scrape.up());
    assert_eq!(scrape.values().len(), usize::from(HONEST_SENSORS));
    scrape.assert_served(honest);
    figures.honest_scrapes += 1;
    figures.honest_slowest = figures.honest_slowest.max(scrape.took);
}

fn scrape_liar(row: &Row, exporter: &Exporter, liar: &HostileHandle) -> Figures {
    let mut figures = Figures::default();
    let target = liar.addr().to_string();
    let patience = match row.outcome {
        Outcome::Whole => PATIENCE_IN_STORMS,
        Outcome::Nothing | Outcome::Partly => PATIENCE,
    };
    let timeout = patience.as_secs().to_string();
    for round in 0..ROUNDS {
        let started = Instant::now();
        let scrape = lab::scrape_target(exporter, &target, "bmc", Some(&timeout));
        assert!(
            scrape.took <= patience + SLACK,
            "{}: took {:?}",
            row.name,
            scrape.took
        );
        let what = format!(
            "{} round {round}: {:?}\n{}",
            row.name,
            scrape.up(),
            scrape.body
        );
        match row.outcome {
            Outcome::Whole => {
                let is_whole = CORE.iter().all(|collector| scrape.is_up(collector));
                assert!(is_whole, "not whole: {what}");
            }
            Outcome::Nothing => assert!(scrape.is_empty(), "something: {what}"),
            Outcome::Partly => {}
        }
        figures.values += judge_values(row, &scrape, liar, started);
        figures.scrapes += 1;
        figures.slowest = figures.slowest.max(scrape.took);
    }
    figures
}

/// Holds every value against what the liar said while this scrape ran.
fn judge_values(row: &Row, scrape: &Scrape, liar: &HostileHandle, started: Instant) -> u64 {
    let liar = liar.liar();
    let mut judged = 0;
    for (id, value) in scrape.values() {
        if value.is_nan() {
            continue;
        }
        judged += 1;
        let is_true = match row.values {
            Values::Constant(constant) => same(value, constant),
            Values::Finite => value.is_finite(),
            Values::AsSaid => {
                // The id is the number; where a chain never ends, it wraps.
                let [number, _] = id.to_le_bytes();
                let sensor = SensorKey::bmc(number);
                liar.ledger().said.of(sensor).any(|said| {
                    let raw = said.data.first().copied().map(f64::from);
                    said.at >= started && raw.is_some_and(|raw| same(raw, value))
                })
            }
        };
        assert!(is_true, "{}: sensor {id} never said {value}", row.name);
    }
    judged
}

/// What must hold of a row as a whole.
fn judge(row: &Row, figures: &Figures) {
    let name = row.name;
    assert_eq!(figures.rakp3_to_a_lie, 0, "{name}: {figures:?}");
    if row.gets_codes {
        assert!(
            figures.rakp3_with_code > 0 || row.outcome != Outcome::Whole,
            "{name}"
        );
    } else {
        assert_eq!(figures.rakp3_with_code, 0, "{name}: {figures:?}");
    }
    // A row whose profile behaves proves nothing. These lie with their records,
    // strings, delays and ports.
    let is_honest_on_the_wire = ["mb2", "mb5", "mb21", "mb22", "mb23", "mb24", "mb28", "mb29"];
    assert!(
        figures.lies > 0 || is_honest_on_the_wire.contains(&name),
        "{name} told no lie"
    );
    assert!(
        figures.values > 0 || row.outcome != Outcome::Whole,
        "{name}"
    );
}

/// No panic, and no secret in metrics, landing page, log and standard output.
fn assert_clean(exporter: &mut Exporter, secrets: &BTreeSet<Vec<u8>>) {
    let mut texts = Vec::new();
    for path in [
        "/metrics",
        "/",
        "/ipmi?target=%22&module=bmc",
        "/ipmi?module=bmc",
    ] {
        let answer = http::get(exporter.address, path).expect("the exporter answers");
        texts.push((path, answer.body));
    }
    assert_eq!(exporter.process.ended(), None, "the exporter ended");
    let log = exporter.process.log();
    assert!(!log.contains("panicked"), "{log}");
    for line in log.lines() {
        assert!(line.starts_with("time="), "a forged log line: {line}");
    }
    texts.push(("the log", log));
    texts.push(("the standard output", exporter.process.stdout()));
    for (place, text) in texts {
        for secret in secrets {
            if let Some(spelling) = leaked(secret, &text) {
                panic!("{place} shows {spelling}");
            }
        }
    }
}

/// The most memory that the exporter has had so far.
fn peak_memory_kib(exporter: &Exporter) -> u64 {
    let path = format!("/proc/{}/status", exporter.process.id());
    let status = std::fs::read_to_string(path).expect("the exporter's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let text = line.expect("peak memory").trim().trim_end_matches(" kB");
    text.parse().expect("a number")
}
