//! The collector `sel-events`, counted a second time from what FreeIPMI's
//! `ipmi-sel` prints about the same BMC.
//!
//! Stock 1.6.1 has no such collector, and later versions drop every line whose
//! text has a comma. The count here splits lines at the first six commas only,
//! so it is what stock means to count.

use std::collections::BTreeMap;

use regex::Regex;

use crate::support::exporter::Exporter;
use crate::support::exposition::{Exposition, Series};
use crate::support::ipmi_sim_file;
use crate::support::process::{program, run};
use crate::support::simulator::{Machine, Simulator};

/// The `sel_events` of the module `events` in `modules-head.yml`.
const PATTERNS: [(&str, &str); 7] = [
    ("memory", "memory"),
    ("anything", ""),
    ("readings", "Sensor Reading = [0-9.]+ [CV]"),
    ("oem", "^OEM defined"),
    ("comma", ","),
    ("twice", "Hard Reset"),
    ("twice", "^Drive Fault$"),
];

/// One line of `ipmi-sel`.
struct Entry {
    /// Seconds since 1970, 0 for a time that is not a date.
    time: f64,
    state: String,
    text: String,
}

#[test]
fn sel_events_are_what_ipmi_sel_lists() {
    for (events, least) in [("varied", 17), ("clean", 15), ("commas", 22)] {
        let machine = Machine {
            records: "varied",
            events,
            extras: None,
        };
        let simulator = Simulator::start(&machine);
        let exporter = Exporter::ours(&ipmi_sim_file("modules-head.yml"));
        let entries = ipmi_sel(&simulator, &exporter);
        assert_eq!(entries.len(), least, "{events}");

        let answer = exporter
            .ipmi(&simulator.target(), "events")
            .expect("ours answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let ours: BTreeMap<Series, f64> = Exposition::parse(&answer.body)
            .series
            .into_iter()
            .filter(|(series, _)| series.name.starts_with("ipmi_sel_events_"))
            .collect();
        assert_eq!(listing(&ours), listing(&counted(&entries)), "{events}");
    }
}

fn ipmi_sel(simulator: &Simulator, exporter: &Exporter) -> Vec<Entry> {
    let cache = format!("--sdr-cache-directory={}", exporter.home().display());
    let csv = run(
        &program("ipmi-sel", "freeipmi-tools"),
        &[
            &cache,
            "-h",
            &simulator.target(),
            "-u",
            "admin",
            "-p",
            "secret",
            "-D",
            "LAN_2_0",
            "-l",
            "OPERATOR",
            "-W",
            "opensesspriv",
            "--quiet-cache",
            "--sdr-cache-recreate",
            "--comma-separated-output",
            "--no-header-output",
            "--output-event-state",
            "--interpret-oem-data",
            "--entity-sensor-names",
        ],
    );
    csv.lines()
        .map(|line| {
            let [_, date, time, _name, _kind, state, text] = columns(line);
            Entry {
                time: seconds(date, time).unwrap_or(0.0),
                state: state.to_owned(),
                text: text.to_owned(),
            }
        })
        .collect()
}

/// The seven columns of a line; only the last may contain commas.
fn columns(line: &str) -> [&str; 7] {
    let columns: Vec<&str> = line.splitn(7, ',').collect();
    columns
        .try_into()
        .unwrap_or_else(|_| panic!("not a line of ipmi-sel: {line}"))
}

/// `Nov-14-2023` and `22:13:20` as Unix time; `None` for `PostInit` and the like.
fn seconds(date: &str, time: &str) -> Option<f64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut date = date.split('-');
    let month = u32::try_from(MONTHS.find(date.next()?)? / 3).ok()? + 1;
    let day: u32 = date.next()?.parse().ok()?;
    let year: u32 = date.next()?.parse().ok()?;
    // Days since 1970, the year taken to begin in March (proleptic Gregorian).
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let clock = time
        .split(':')
        .try_fold(0, |sum, part| Some(sum * 60 + part.parse::<u32>().ok()?))?;
    Some(f64::from(days - 719_469) * 86_400.0 + f64::from(clock))
}

fn counted(entries: &[Entry]) -> BTreeMap<Series, f64> {
    let mut series = BTreeMap::new();
    for entry in entries {
        let by_state = Series::new("ipmi_sel_events_count_by_state", &[("state", &entry.state)]);
        *series.entry(by_state).or_insert(0.0) += 1.0;
    }
    for (name, pattern) in PATTERNS {
        let pattern = Regex::new(pattern).expect("the patterns above are valid");
        let matches = entries.iter().filter(|entry| pattern.is_match(&entry.text));
        let by_name = Series::new("ipmi_sel_events_count_by_name", &[("name", name)]);
        let latest = Series::new("ipmi_sel_events_latest_timestamp", &[("name", name)]);
        series.entry(by_name.clone()).or_insert(0.0);
        series.entry(latest.clone()).or_insert(0.0);
        for entry in matches {
            series
                .entry(by_name.clone())
                .and_modify(|count| *count += 1.0);
            series
                .entry(latest.clone())
                .and_modify(|time| *time = f64::max(*time, entry.time));
        }
    }
    series
}

/// One line per series, so that a failure shows which.
fn listing(series: &BTreeMap<Series, f64>) -> Vec<String> {
    series
        .iter()
        .map(|(series, value)| format!("{series} {value}"))
        .collect()
}

#[test]
fn dates_of_ipmi_sel_are_read_as_utc() {
    for (date, time, expected) in [
        ("Jan-01-1970", "00:00:01", Some(1.0)),
        ("Nov-14-2023", "22:13:20", Some(1_700_000_000.0)),
        ("Feb-29-2024", "12:00:00", Some(1_709_208_000.0)),
        ("PostInit", "PostInit", None),
        ("Unspec.", "Unspec.", None),
    ] {
        assert_eq!(seconds(date, time), expected, "{date} {time}");
    }
}

#[test]
fn the_recorded_log_counts_as_upstream_counted_it() {
    // The varied log has no text with a comma, so both ways of counting agree on it.
    let simulator = Simulator::start(&Machine {
        records: "varied",
        events: "varied",
        extras: None,
    });
    let home = Exporter::stock(&ipmi_sim_file("modules.yml"));
    let counts = counted(&ipmi_sel(&simulator, &home));
    let recorded = Exposition::parse(&ipmi_sim_file("expected/head-varied.prom"));
    for (series, value) in recorded
        .series
        .iter()
        .filter(|(series, _)| series.name == "ipmi_sel_events_count_by_state")
    {
        assert_eq!(counts.get(series), Some(value), "{series}");
    }
}
