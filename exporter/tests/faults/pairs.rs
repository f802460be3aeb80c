//! Two transport faults at a time, and losses against latencies.
//!
//! A seeded sample by default. `FAULT_PAIRS=all` runs all 190 pairs with 20
//! scrapes each, `FAULT_GRID=all` all 112 cells with 50; `FAULT_SEED=N` draws
//! another sample.

use std::env;
use std::fmt;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::lab::{Lab, machine, module, scrape_within};
use crate::row::{Expect, Row, row};
use crate::run::{in_parallel, run};
use crate::support::exporter::Exporter;

/// Faults of links, packets and sessions that a log-in survives.
const TRANSPORT: [&str; 20] = [
    "close_silent",
    "conf_pad_16",
    "delay_ms=20",
    "drop_p=0.05",
    "dup_reply=5",
    "dup_request",
    "garbage=200",
    "jitter=40",
    "late_reply_nth=9:700",
    "latency_ms=20",
    "one_at_a_time=c0",
    "reap_fast=19",
    "reordered=30",
    "retry_ignored",
    "seq_jump=400",
    "seq_skip",
    "session_lost_silent=7",
    "slow_decay=1",
    "torn_reply",
    "wrong_len_trailer",
];

/// How many pairs and cells are drawn by default.
const PAIRS_DRAWN: usize = 12;
const CELLS_DRAWN: usize = 5;

const LOSSES: [f64; 7] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5];
const LATENCIES: [u64; 4] = [1, 20, 200, 1_000];
/// Sensors of the machines of the grid, and Prometheus' time-out in seconds.
const SENSORS: u16 = 30;
const TIMEOUT: &str = "10";
/// Up to this loss and this latency practically every scrape is complete.
const BEARABLE: (f64, u64) = (0.1, 200);
const COMPLETE_SHARE: f64 = 0.999;

fn is_all(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| value == "all")
}

fn seed() -> u64 {
    let seed = env::var("FAULT_SEED").ok();
    seed.and_then(|seed| seed.parse().ok()).unwrap_or(7)
}

#[test]
fn no_pair_of_transport_faults_makes_a_wrong_value() {
    let all = is_all("FAULT_PAIRS");
    let mut pairs: Vec<[&'static str; 2]> = Vec::new();
    for (index, first) in TRANSPORT.iter().enumerate() {
        pairs.extend(
            TRANSPORT[index + 1..]
                .iter()
                .map(|second| [*first, *second]),
        );
    }
    assert_eq!(pairs.len(), 190);
    if !all {
        println!("FAULT_SEED={}", seed());
        let mut rng = StdRng::seed_from_u64(seed());
        pairs = pairs.sample(&mut rng, PAIRS_DRAWN).copied().collect();
    }
    let rows: Vec<Row> = pairs
        .into_iter()
        .map(|[first, second]| {
            // A table of this test program's life.
            let with: &'static [&'static str] = Vec::leak(vec![second]);
            row(first, Expect::NeverWrong)
                .with(with)
                .timeout(TIMEOUT)
                .scrapes(if all { 20 } else { 2 })
                .recovers_within(12)
        })
        .collect();
    run(&rows);
}

/// One cell of the grid.
#[derive(Clone, Copy)]
struct Cell {
    /// Of a request together with its answer.
    loss: f64,
    latency: u64,
    copies: bool,
    disorder: bool,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "loss {}, latency {} ms, copies {}, disorder {}",
            self.loss, self.latency, self.copies, self.disorder
        )
    }
}

impl Cell {
    fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for loss in LOSSES {
            for latency in LATENCIES {
                for (copies, disorder) in
                    [(false, false), (false, true), (true, false), (true, true)]
                {
                    cells.push(Self {
                        loss,
                        latency,
                        copies,
                        disorder,
                    });
                }
            }
        }
        cells
    }

    fn is_bearable(&self) -> bool {
        self.loss <= BEARABLE.0 && self.latency <= BEARABLE.1
    }

    /// How many of these scrapes were complete.
    fn complete(&self, lab: &Lab, scrapes: usize) -> usize {
        let sim = lab.start(machine(SENSORS));
        let exporter = Exporter::ours(&module("    collectors: [ipmi, chassis]"));
        let one_way = 1.0 - (1.0 - self.loss).sqrt();
        let mut faults = vec![
            format!("drop_p={one_way}"),
            format!("latency_ms={}", self.latency),
        ];
        if self.copies {
            faults.push("dup_reply=3".to_owned());
        }
        if self.disorder {
            faults.push("reordered=5".to_owned());
        }
        // Records are read once in a life; the grid is about what comes every time.
        scrape_within(&exporter, &sim, "20");
        for fault in faults {
            sim.set_fault(fault.parse().expect("a fault"));
        }
        let is_complete = |_: &usize| {
            let scrape = scrape_within(&exporter, &sim, TIMEOUT);
            scrape.assert_served(&sim);
            assert!(scrape.took < Duration::from_secs(10), "{:?}", scrape.took);
            scrape.is_complete() && scrape.values().len() == usize::from(SENSORS)
        };
        (0..scrapes).filter(is_complete).count()
    }
}

#[test]
fn losses_and_latencies_cost_scrapes_only_where_they_must() {
    let (cells, scrapes) = if is_all("FAULT_GRID") {
        (Cell::all(), 50)
    } else {
        println!("FAULT_SEED={}", seed());
        let mut rng = StdRng::seed_from_u64(seed());
        let mut bearable = Cell::all();
        bearable.retain(Cell::is_bearable);
        let drawn = bearable.sample(&mut rng, CELLS_DRAWN).copied().collect();
        (drawn, 3)
    };
    let lab = Lab::new();
    in_parallel(&cells, |cell: &Cell| {
        let complete = cell.complete(&lab, scrapes);
        println!("{cell}: {complete} of {scrapes} scrapes complete");
        if cell.is_bearable() {
            #[expect(clippy::cast_precision_loss, reason = "tens of scrapes")]
            let share = complete as f64 / scrapes as f64;
            assert!(share >= COMPLETE_SHARE, "{complete} of {scrapes} complete");
        }
    });
}
