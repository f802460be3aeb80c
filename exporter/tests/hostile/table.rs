//! The table: which profile, and what must come of it.

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use bmc_sim::hostile::PROFILES;

use crate::row::{Figures, run};

/// What a scrape of a liar shows, beside the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything: the lies are for nobody, or harmless.
    Whole,
    /// Nothing but that the collectors are down.
    Nothing,
    /// What could be found out, which depends on the variant.
    Partly,
}

/// What a value of a sensor may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Values {
    /// The raw reading that was said last, of the sensor whose number is the
    /// record's id.
    AsSaid,
    /// This, of all sensors.
    Constant(f64),
    /// Anything finite.
    Finite,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The profile's name.
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) values: Values,
    /// Whether a client that is right ever sends a code: not when the handshake
    /// is a lie from the start.
    pub(crate) gets_codes: bool,
}

const fn row(name: &'static str, outcome: Outcome) -> Row {
    Row {
        name,
        outcome,
        values: Values::AsSaid,
        gets_codes: true,
    }
}

impl Row {
    const fn values(mut self, values: Values) -> Self {
        self.values = values;
        self
    }

    const fn no_codes(mut self) -> Self {
        self.gets_codes = false;
        self
    }
}

use Outcome::{Nothing, Partly, Whole};

/// All profiles but `mb30`, whose lie is told by the name service: see
/// [`crate::name`].
pub(crate) const ROWS: [Row; 29] = [
    row("mb1", Partly),
    row("mb2", Whole),
    // None of the sensors in its records exists.
    row("mb3", Partly),
    row("mb4", Partly),
    row("mb5", Whole),
    row("mb6", Partly),
    row("mb7", Partly),
    row("mb8", Whole),
    row("mb9", Nothing).no_codes(),
    row("mb10", Whole),
    row("mb11", Partly),
    row("mb12", Nothing),
    row("mb13", Whole),
    row("mb14", Partly),
    row("mb15", Nothing),
    row("mb16", Nothing).no_codes(),
    row("mb17", Nothing),
    row("mb18", Partly),
    row("mb19", Partly),
    row("mb20", Nothing),
    row("mb21", Whole).values(Values::Finite),
    row("mb22", Whole).values(Values::Constant(42.0)),
    row("mb23", Whole),
    row("mb24", Partly),
    row("mb25", Whole),
    row("mb26", Whole),
    row("mb27", Whole),
    row("mb28", Partly),
    row("mb29", Whole),
];

/// How many rows run at a time: more would measure how a busy machine
/// schedules, not the exporter.
const AT_ONCE: usize = 4;

/// Rows that `HOSTILE` picks, or all.
fn chosen() -> Vec<Row> {
    let names = std::env::var("HOSTILE").ok();
    let is_chosen = |row: &Row| {
        names
            .as_deref()
            .is_none_or(|names| names.split(',').any(|name| name == row.name))
    };
    ROWS.into_iter().filter(is_chosen).collect()
}

/// How many log-ins to liars each row makes at least.
fn sessions() -> usize {
    const FEW: usize = 6;
    let text = std::env::var("HOSTILE_SESSIONS").ok();
    text.map_or(FEW, |text| {
        text.parse().expect("HOSTILE_SESSIONS is a number")
    })
}

#[test]
fn every_profile_has_a_row() {
    let named: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    let profiles: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
    assert_eq!([&named[..], &["mb30"]].concat(), profiles);
}

#[test]
fn no_lie_gets_through() {
    let (rows, sessions) = (chosen(), sessions());
    let queue = Mutex::new(rows.iter());
    let failed = Mutex::new(Vec::new());
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(row) = queue.lock().unwrap().next() else {
                        return;
                    };
                    match std::panic::catch_unwind(|| run(row, sessions)) {
                        Ok(figures) => println!("{}", line(row, &figures)),
                        Err(_) => failed.lock().unwrap().push(row.name),
                    }
                }
            });
        }
    });
    println!("{} rows in {:.1?}", rows.len(), started.elapsed());
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "see above what failed in {failed:?}");
}

fn line(row: &Row, figures: &Figures) -> String {
    format!(
        "{:5} {:4} scrapes, slowest {:4} ms; {:6} lies told, {:4} codes sent of which {} to liars, \
         {:5} values judged; {:+6} KiB; honest {:3} scrapes, slowest {:4} ms",
        row.name,
        figures.scrapes,
        figures.slowest.as_millis(),
        figures.lies,
        figures.rakp3_with_code,
        figures.rakp3_to_a_lie,
        figures.values,
        figures.grown_kib,
        figures.honest_scrapes,
        figures.honest_slowest.as_millis(),
    )
}
