//! Recorded machines, replayed by our own simulator: the stock exporter and ours
//! see the same series.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bmc_sim::{BmcConfig, Device, Sim, User};

use crate::allowed::ALLOWED;
use crate::cases::{CASES, Case, Reference};
use crate::compare;
use crate::support::exporter::Exporter;
use crate::support::exposition::Exposition;
use crate::support::ipmi_sim_file;

/// Every recorded machine that has a reading or a record.
const MACHINES: [&str; 9] = [
    "dell-poweredge-c6320",
    "dell-poweredge-r630",
    "dell-poweredge-r640",
    "dell-poweredge-r730",
    "dell-poweredge-r730xd",
    "dell-poweredge-r740xd",
    "quanta-d51",
    "quanta-t41",
    "unnamed-ast2500-node",
];

/// Machines that are compared at once.
const PARALLEL: usize = 3;

/// Fewer series than all machines have together.
const LEAST_SERIES: usize = 1_600;

fn folder(machine: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/bmcs")
        .join(machine)
}

#[test]
fn recorded_machines_have_stocks_series() {
    let next = AtomicUsize::new(0);
    let compared = AtomicUsize::new(0);
    let report = Mutex::new(Vec::new());
    // Processes belong to the thread that started them.
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some(machine) = MACHINES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let unexplained = unexplained(machine, &compared);
                    report
                        .lock()
                        .expect("no machine panicked")
                        .extend(unexplained);
                }
            });
        }
    });
    let mut report = report.into_inner().expect("no machine panicked");
    report.sort();
    assert!(
        report.is_empty(),
        "{} unexplained differences:\n  {}",
        report.len(),
        report.join("\n  ")
    );
    let compared = compared.into_inner();
    println!(
        "{compared} series of {} machines are stock's",
        MACHINES.len()
    );
    assert!(compared >= LEAST_SERIES, "only {compared} series");
}

/// Scrapes one machine with both; gives the differences that nobody explains.
fn unexplained(machine: &'static str, compared: &AtomicUsize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime for the simulator");
    let device = Device::load(&folder(machine)).expect("a valid recording");
    // As the module `sim` of the configuration has it.
    let config = BmcConfig::new().user(User::administrator("admin", "secret"));
    let sim = runtime
        .block_on(Sim::start(config, device))
        .expect("a free UDP port on loopback");
    let target = sim.addr().to_string();
    let configuration = ipmi_sim_file("modules.yml");
    let scrape = |exporter: &Exporter| {
        let answer = exporter.ipmi(&target, "sim").expect("an answer");
        assert_eq!(answer.status, 200, "{machine}: {}", answer.body);
        Exposition::parse(&answer.body)
    };
    let stock = scrape(&Exporter::stock(&configuration));
    let ours = scrape(&Exporter::ours(&configuration));
    compared.fetch_add(stock.series.len(), Ordering::Relaxed);
    let case = Case {
        name: machine,
        machine: CASES[0].machine,
        module: "sim",
        reference: Reference::Stock,
        ours_has: &[],
    };
    compare::differences(&stock, &ours)
        .into_iter()
        // The same rows as for all other machines explain what differs here.
        .filter(|difference| !ALLOWED.iter().any(|row| row.explains(difference, &case)))
        .map(|difference| format!("{machine}: {difference}"))
        .collect()
}
