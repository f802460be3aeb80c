//! Runs a table of rows, several at a time: most of their time is waiting.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bmc_sim::{Fault, Sim};

use crate::judge::{assert_expected, assert_nothing_wrong, is_whole};
use crate::lab::{Lab, Scrape, module, scrape, scrape_within};
use crate::machine::move_values;
use crate::row::{Recovery, Row, When};
use crate::support::exporter::Exporter;

/// Rows of one table that run at the same time.
const AT_ONCE: usize = 6;
/// The longest that one row may take with its own number of scrapes.
const LIMIT: Duration = Duration::from_secs(90);
/// What the collector `sel-events` counts.
const EVENTS: &str = "    sel_events: [{name: memory, regex: '(?i)memory'}]";

/// Runs all rows, and fails with the list of those that fail. `FAULT_ONLY=NAME`
/// runs the rows of one fault.
pub(crate) fn run(rows: &[Row]) {
    let only = std::env::var("FAULT_ONLY").ok();
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            let name = row.fault.split('=').next();
            only.is_none() || only.as_deref() == name
        })
        .collect();
    let lab = Lab::new();
    in_parallel(&rows, |row| {
        let started = Instant::now();
        one(&lab, row);
        let took = started.elapsed();
        assert!(took < limit(row), "took {took:?}");
    });
}

/// Does the same with all items, some at the same time, and fails with the list of
/// those that it fails for.
pub(crate) fn in_parallel<T: Sync + fmt::Display>(items: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(item))) {
                        let line = format!("{item}: {}", text_of(panic.as_ref()));
                        failures.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n  {}",
        failures.len(),
        items.len(),
        failures.join("\n  ")
    );
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

fn limit(row: &Row) -> Duration {
    let more = scrapes(row).div_ceil(row.scrapes);
    LIMIT.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX))
}

/// How often is scraped under a fault.
fn scrapes(row: &Row) -> usize {
    std::env::var("FAULT_SCRAPES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(row.scrapes)
}

fn one(lab: &Lab, row: &Row) {
    let sim = lab.start_with((row.config)(), (row.machine)());
    let collectors = row.collectors;
    let mut modules = module(&format!("    collectors: [{collectors}]\n{EVENTS}"));
    if !row.module.is_empty() {
        modules.push_str(row.module);
        modules.push('\n');
    }
    let mut exporter = Exporter::ours(&modules);
    let mut round = 0;
    if row.when == When::Running {
        move_values(&sim, round);
        let first = scrape(&exporter, &sim);
        assert!(is_whole(&first), "before the fault: {}", first.body);
    }
    for fault in row.with.iter().chain([&row.fault]) {
        sim.set_fault(parse(fault));
    }
    for _ in 0..scrapes(row) {
        round += 1;
        move_values(&sim, round);
        let scrape = scrape_within(&exporter, &sim, row.timeout);
        assert_expected(row, &sim, &scrape);
        if let Some(look) = row.look {
            look(&exporter, &sim, &scrape);
        }
    }
    if matches!(row.recovery, Recovery::KeepsTheFault(_)) {
        return;
    }
    sim.clear_faults();
    if matches!(row.recovery, Recovery::Restart(_)) {
        drop(exporter);
        // Slots that the killed exporter could not free.
        sim.forget_sessions();
        exporter = Exporter::ours(&modules);
    }
    recover(row, &exporter, &sim, round);
}

fn parse(text: &str) -> Fault {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn recover(row: &Row, exporter: &Exporter, sim: &Sim, mut round: usize) {
    let limit = match row.recovery {
        Recovery::Within(seconds) => Duration::from_secs(seconds),
        Recovery::AtOnce | Recovery::Restart(_) | Recovery::KeepsTheFault(_) => Duration::ZERO,
    };
    let end = Instant::now() + limit;
    loop {
        round += 1;
        move_values(sim, round);
        let scrape: Scrape = scrape(exporter, sim);
        assert_nothing_wrong(row, sim, &scrape);
        if is_whole(&scrape) {
            return;
        }
        assert!(
            Instant::now() < end,
            "not whole after the fault: {:?}\n{}",
            scrape.up(),
            scrape.body
        );
        thread::sleep(Duration::from_millis(100));
    }
}
