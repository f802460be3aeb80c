//! Compares the exporter with Debian's stock exporter, both in one run on the
//! same simulated BMC with 100 sensors, and prints one table.
//!
//! How each figure is measured:
//!
//! * *CPU*: user and system time of the exporter and of all children that it
//!   waited for, from `/proc/PID/stat`, over many warm scrapes;
//! * *wall time*: median over the same scrapes, seen by the client;
//! * *processes*: new process ids below the exporter while it scrapes, by
//!   looking all the time;
//! * *requests, log-ins*: datagrams and Open Session requests that pass a relay
//!   between exporter and BMC;
//! * *lost packet*: median extra time of scrapes of which the relay swallows
//!   one request;
//! * *memory*: `VmRSS` of our exporter with one target, then with many. The
//!   further targets are further relays; simulators are added because each
//!   takes only so many sessions.

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::runtime::{Builder, Handle};

use crate::measure::{cpu_seconds, good_scrape, median, processes_started, resident_bytes, scrape};
use crate::relay::Relay;
use crate::report::{Goal, Row, table};
use crate::support::exporter::Exporter;
use crate::support::simulator::{Machine, Simulator};

/// 100 sensors, all of them readable.
const MACHINE: Machine = Machine {
    records: "hundred",
    events: "varied",
    extras: Some(""),
};
const SENSORS: f64 = 100.0;

/// ipmi_sim has 63 session slots.
const TARGETS_PER_SIMULATOR: usize = 50;

const MODULES: &str = r#"
modules:
  default:
    collectors: []
  bench: &bench
    user: "admin"
    pass: "secret"
    driver: "LAN_2_0"
    privilege: "admin"
    workaround_flags: [opensesspriv]
    collectors: [ipmi, bmc, chassis, dcmi]
    custom_args:
      ipmi: ["--sdr-cache-directory=@SDR_CACHE@"]
  badpass:
    <<: *bench
    pass: "wrong"
  dead:
    <<: *bench
    timeout: 2000
"#;

/// What `fleet_bench comparison` is told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Our exporter, built for release.
    #[arg(long)]
    exporter: PathBuf,
    /// Warm scrapes of the stock exporter.
    #[arg(long, default_value_t = 30)]
    stock_scrapes: u32,
    /// Warm scrapes of ours; more, because CPU time is counted in steps of 10 ms.
    #[arg(long, default_value_t = 500)]
    our_scrapes: u32,
    /// Further targets for the memory figures.
    #[arg(long, default_value_t = 200)]
    targets: usize,
    /// End with status 1 if a goal is missed.
    #[arg(long)]
    check: bool,
}

/// Measures and prints; the exit code is that of the program.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the relays");
    let simulator = Simulator::start(&MACHINE);
    let stock = Exporter::stock(MODULES);
    let ours = Exporter::at(&arguments.exporter, MODULES, |_| Vec::new());
    eprintln!("stock exporter: {} warm scrapes", arguments.stock_scrapes);
    let stock = figures(
        runtime.handle(),
        &simulator,
        &stock,
        arguments.stock_scrapes,
    );
    eprintln!("ours: {} warm scrapes", arguments.our_scrapes);
    let our = figures(runtime.handle(), &simulator, &ours, arguments.our_scrapes);
    drop(ours);
    eprintln!("memory: 1 target, then {} more", arguments.targets);
    let ours = Exporter::at(&arguments.exporter, MODULES, |_| Vec::new());
    let (one, growth) = memory(runtime.handle(), &ours, arguments.targets);

    let rows = rows(&stock, &our, one, growth);
    println!("\n{}", table(&rows));
    let missed = rows
        .iter()
        .filter(|row| row.reached() == Some(false))
        .count();
    println!("{missed} goals missed");
    ExitCode::from(u8::from(arguments.check && missed > 0))
}

/// What is measured with either exporter.
struct Figures {
    cpu: f64,
    wall: Duration,
    cold: Duration,
    processes: f64,
    requests: f64,
    log_ins: f64,
    lost_packet: Duration,
    wrong_password: f64,
    dead_target: Duration,
}

fn figures(runtime: &Handle, simulator: &Simulator, exporter: &Exporter, scrapes: u32) -> Figures {
    let relay = Relay::start(runtime, simulator.address()).expect("a relay");
    let target = relay.target();
    let process = exporter.process.id();
    let cold = good_scrape(exporter, &target);
    // The second one settles what the first began in the background.
    good_scrape(exporter, &target);

    let (counts, cpu) = (relay.counts(), cpu_seconds(process));
    let times = (0..scrapes)
        .map(|_| good_scrape(exporter, &target))
        .collect();
    let (counts, cpu) = (relay.counts() - counts, cpu_seconds(process) - cpu);
    let wall = median(times);
    let per_scrape = |count: u64| count as f64 / f64::from(scrapes);

    let processes = processes_started(process, || {
        for _ in 0..5 {
            good_scrape(exporter, &target);
        }
    });
    let lost = (0..5)
        .map(|_| {
            relay.drop_next();
            good_scrape(exporter, &target)
        })
        .collect();

    let locked = Relay::start(runtime, simulator.address()).expect("a relay");
    for _ in 0..3 {
        let (up, _) = scrape(exporter, &locked.target(), "badpass");
        assert!(!up, "a wrong password must not work");
    }
    // Bound and never read: a BMC that is gone, without the kernel saying so.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a silent port");
    let dead = silent.local_addr().expect("its address").to_string();
    let (_, dead_target) = scrape(exporter, &dead, "dead");

    Figures {
        cpu: cpu / f64::from(scrapes),
        wall,
        cold,
        processes: processes as f64 / 5.0,
        requests: per_scrape(counts.requests),
        log_ins: per_scrape(counts.log_ins),
        lost_packet: median(lost).saturating_sub(wall),
        wrong_password: locked.counts().key_exchanges as f64,
        dead_target,
    }
}

/// Resident bytes with one target, and what each further one adds.
fn memory(runtime: &Handle, exporter: &Exporter, further: usize) -> (f64, f64) {
    let simulators: Vec<Simulator> = (0..=further / TARGETS_PER_SIMULATOR)
        .map(|_| Simulator::start(&MACHINE))
        .collect();
    let relays: Vec<Relay> = (0..=further)
        .map(|index| {
            let simulator = &simulators[index / TARGETS_PER_SIMULATOR];
            Relay::start(runtime, simulator.address()).expect("a relay")
        })
        .collect();
    let process = exporter.process.id();
    let rounds = |relays: &[Relay]| {
        for relay in relays.iter().chain(relays) {
            good_scrape(exporter, &relay.target());
        }
    };
    for _ in 0..10 {
        rounds(&relays[..1]);
    }
    let one = resident_bytes(process);
    rounds(&relays);
    let all = resident_bytes(process);
    (one, (all - one) / further.max(1) as f64)
}

fn rows(stock: &Figures, ours: &Figures, one: f64, growth: f64) -> Vec<Row> {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let row = |what, measured: fn(&Figures) -> f64, goal| Row {
        what,
        stock: Some(measured(stock)),
        ours: measured(ours),
        goal,
    };
    vec![
        row(
            "CPU of a warm scrape, ms",
            |f| f.cpu * 1e3,
            Goal::TimesLess(30.0),
        ),
        Row {
            what: "time of a warm scrape, ms",
            stock: Some(milliseconds(stock.wall)),
            ours: milliseconds(ours.wall),
            goal: Goal::TimesLess(5.0),
        },
        Row {
            what: "time of the first scrape, ms",
            stock: Some(milliseconds(stock.cold)),
            ours: milliseconds(ours.cold),
            goal: Goal::Shown,
        },
        row(
            "processes started per scrape",
            |f| f.processes,
            Goal::AtMost(0.0),
        ),
        row(
            "requests per warm scrape",
            |f| f.requests,
            Goal::AtMost(SENSORS + 5.0),
        ),
        row("log-ins per warm scrape", |f| f.log_ins, Goal::AtMost(0.0)),
        Row {
            what: "a lost packet costs, ms",
            stock: Some(milliseconds(stock.lost_packet)),
            ours: milliseconds(ours.lost_packet),
            goal: Goal::AtMost(500.0),
        },
        row(
            "key exchanges, wrong password, 3 scrapes",
            |f| f.wrong_password,
            Goal::AtMost(1.0),
        ),
        Row {
            what: "dead target, time-out 2 s, ms",
            stock: Some(milliseconds(stock.dead_target)),
            ours: milliseconds(ours.dead_target),
            goal: Goal::AtMost(2_200.0),
        },
        Row {
            what: "resident memory, 1 target, MiB",
            stock: None,
            ours: one / 1024.0 / 1024.0,
            goal: Goal::AtMost(20.0),
        },
        Row {
            what: "more memory per further target, KiB",
            stock: None,
            ours: growth / 1024.0,
            goal: Goal::AtMost(64.0),
        },
    ]
}
