//! The promise "same series as the stock exporter", held against the stock
//! exporter itself: both scrape the same simulated BMCs, and every series must
//! agree in name, labels, value, type and help text.
//!
//! What may differ is listed row by row in `allowed.rs`, with reasons. A
//! difference without a row fails, and so does a row without a difference.

#[path = "../support/mod.rs"]
mod support;

mod allowed;
mod cases;
mod compare;
mod events;
mod formats;
mod recorded;
mod requests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use allowed::ALLOWED;
use cases::{CASES, Case, Reference};
use compare::Difference;
use support::exporter::Exporter;
use support::exposition::{Exposition, Series, same};
use support::ipmi_sim_file;
use support::simulator::Simulator;

/// Fewer series than all cases have together: the comparison must not succeed
/// for want of anything to compare.
const LEAST_SERIES: usize = 1_900;

/// Cases that run at once; each has a simulator and two exporters of its own.
const PARALLEL: usize = 4;

#[test]
fn every_series_is_stocks_or_the_difference_is_explained() {
    let next = AtomicUsize::new(0);
    let used: Vec<AtomicUsize> = ALLOWED.iter().map(|_| AtomicUsize::new(0)).collect();
    let report = Mutex::new(Vec::new());
    let compared = AtomicUsize::new(0);
    // Processes belong to the thread that started them, so each thread runs whole cases.
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // A panic ends one case, not the report about the others.
                    let found = std::panic::catch_unwind(|| run(case, &compared))
                        .unwrap_or_else(|_| vec![Difference::failed("panicked, see above")]);
                    let unexplained: Vec<String> = found
                        .into_iter()
                        .filter(|difference| !explained(difference, case, &used))
                        .map(|difference| format!("{}: {difference}", case.name))
                        .collect();
                    report.lock().expect("no case panicked").extend(unexplained);
                }
            });
        }
    });
    let mut report = report.into_inner().expect("no case panicked");
    report.sort();
    let dead: Vec<String> = ALLOWED
        .iter()
        .zip(&used)
        .filter(|(_, uses)| uses.load(Ordering::Relaxed) == 0)
        .map(|(row, _)| {
            format!(
                "{:?} {} in {} ({})",
                row.kind, row.metric, row.case, row.reason
            )
        })
        .collect();
    assert!(
        report.is_empty() && dead.is_empty(),
        "{} unexplained differences:\n  {}\n{} rows of ALLOWED match nothing:\n  {}",
        report.len(),
        report.join("\n  "),
        dead.len(),
        dead.join("\n  "),
    );
    let compared = compared.into_inner();
    println!(
        "{compared} series of {} cases are stock's, or explained",
        CASES.len()
    );
    assert!(
        compared >= LEAST_SERIES,
        "only {compared} series were compared"
    );
}

fn explained(difference: &Difference, case: &Case, used: &[AtomicUsize]) -> bool {
    // Every matching row counts as used: rows may overlap without hiding each other.
    let mut found = false;
    for (row, uses) in ALLOWED.iter().zip(used) {
        if row.explains(difference, case) {
            uses.fetch_add(1, Ordering::Relaxed);
            found = true;
        }
    }
    found
}

/// Scrapes one machine with both and lists every difference.
fn run(case: &Case, compared: &AtomicUsize) -> Vec<Difference> {
    let simulator = Simulator::start(&case.machine);
    let target = simulator.target();
    let reference = match case.reference {
        Reference::Recorded(file) => Ok(ipmi_sim_file(&format!("expected/{file}.prom"))),
        Reference::Stock => {
            let stock = Exporter::stock(&ipmi_sim_file("modules.yml"));
            match stock.ipmi(&target, case.module) {
                Ok(answer) if answer.status == 200 => Ok(answer.body),
                Ok(answer) => Err(format!("stock answers {}", answer.status)),
                Err(error) => Err(format!("stock does not answer: {error}")),
            }
        }
    };
    let exporter = Exporter::ours(&ipmi_sim_file(case.reference.modules()));
    let answer = match exporter.ipmi(&target, case.module) {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => {
            let reason = format!("ours answers {}: {}", answer.status, answer.body);
            return vec![Difference::failed(&reason)];
        }
        Err(error) => {
            return vec![Difference::failed(&format!(
                "ours does not answer: {error}"
            ))];
        }
    };
    let ours = Exposition::parse(&answer.body);

    let mut differences: Vec<Difference> = case
        .ours_has
        .iter()
        .filter_map(|&(name, labels, value)| {
            let found = ours.value(name, labels);
            (!found.is_some_and(|found| same(found, value)))
                .then(|| Difference::promised(&Series::new(name, labels), value, found))
        })
        .collect();
    match reference {
        Ok(text) => {
            let reference = Exposition::parse(&text);
            compared.fetch_add(reference.series.len(), Ordering::Relaxed);
            differences.extend(compare::differences(&reference, &ours));
        }
        Err(reason) => differences.push(Difference::no_answer(&reason)),
    }
    differences
}
