//! What the kernel knows about an exporter, and how long its scrapes take.

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::exporter::Exporter;

/// Clock ticks a second in `/proc` (`USER_HZ`): 100 on every Linux of today.
const TICKS: f64 = 100.0;

/// CPU time of a process and of all its children that have ended and been
/// waited for, grandchildren included (`utime`, `stime`, `cutime`, `cstime` of
/// `proc(5)`), in seconds. Resolution 10 ms: measure over many scrapes.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = read(process, "stat");
    // The name, in parentheses, may hold blanks; times are fields 14 to 17.
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: f64 = after_name
        .split(' ')
        .skip(11)
        .take(4)
        .map(|field| field.parse::<f64>().expect("times are numbers"))
        .sum();
    ticks / TICKS
}

/// CPU time of a process's own threads, those that have ended left out, in
/// seconds: exact (`schedstat`), where [`cpu_seconds`] counts in steps of 10 ms.
pub(crate) fn own_cpu_seconds(process: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e9
}

/// CPU time of the calling thread, exact, in seconds.
pub(crate) fn thread_cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat is there");
    let spent = text
        .split(' ')
        .next()
        .and_then(|text| text.parse::<f64>().ok());
    spent.expect("schedstat begins with a number") / 1e9
}

/// Resident memory in bytes.
pub(crate) fn resident_bytes(process: u32) -> f64 {
    let status = read(process, "status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().nth(1))
        .expect("VmRSS is there");
    kibibytes.parse::<f64>().expect("VmRSS is a number") * 1024.0
}

fn read(process: u32, file: &str) -> String {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Counts the processes that come to life below `process` while `work` runs, by
/// looking all the time: a process that lives for less than about a
/// millisecond may be missed.
pub(crate) fn processes_started(process: u32, work: impl FnOnce()) -> usize {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let mut seen = HashSet::new();
            while !done.load(Ordering::Relaxed) {
                collect_descendants(process, &mut seen);
                std::thread::sleep(Duration::from_micros(200));
            }
            seen.len()
        });
        work();
        done.store(true, Ordering::Relaxed);
        observer.join().expect("the observer does not panic")
    })
}

fn collect_descendants(process: u32, seen: &mut HashSet<u32>) {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return;
    };
    for thread in threads.flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children
            .split_whitespace()
            .filter_map(|child| child.parse().ok())
        {
            seen.insert(child);
            collect_descendants(child, seen);
        }
    }
}

/// One scrape; whether the given collector is up in it, and how long it took.
pub(crate) fn scrape(exporter: &Exporter, target: &str, module: &str) -> (bool, Duration) {
    let start = Instant::now();
    let answer = exporter
        .ipmi(target, module)
        .unwrap_or_else(|error| panic!("no answer: {error}\n{}", exporter.process.log()));
    let took = start.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.body);
    (
        answer.body.contains("\nipmi_up{collector=\"ipmi\"} 1\n"),
        took,
    )
}

/// A scrape that must be complete; how long it took.
pub(crate) fn good_scrape(exporter: &Exporter, target: &str) -> Duration {
    let (up, took) = scrape(exporter, target, "bench");
    assert!(
        up,
        "the sensors of {target} are not up\n{}",
        exporter.process.log()
    );
    took
}

/// The middle one of some figures; NaN of none.
pub(crate) fn median_of(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
