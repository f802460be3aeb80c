//! The goals, and whether they are met.

use super::figures::{Cost, Figures, Growth, Summary, over};
use crate::report::{Goal, Row};

/// The table, as far as its scenarios were run.
pub(super) fn rows(figures: &Figures) -> Vec<Row> {
    let mut rows = Vec::new();
    cost(figures, &mut rows);
    for latency in &figures.latency {
        let ratios: Vec<f64> = latency
            .ours_ms
            .iter()
            .zip(&latency.floor_ms)
            .map(|(ours, floor)| ours / floor)
            .collect();
        let what = match latency.latency_ms {
            3 => "time of a warm scrape over bare round trips, 3 ms",
            _ => "time of a warm scrape over bare round trips, 20 ms",
        };
        rows.push(Row::ours(what, over(&ratios, |r| *r), Goal::AtMost(1.05)));
    }
    let rate = |name: &str| {
        let found = figures.throughput.get(name)?;
        Some(over(&found.scrapes_per_second, |rate| *rate))
    };
    if let Some(ours) = rate("ours") {
        rows.push(Row {
            what: "scrapes a second",
            stock: rate("stock"),
            ours,
            goal: Goal::Shown,
        });
    }
    let cpu = |name: &str| {
        let found = figures.throughput.get(name)?;
        (!found.cpu_ms.is_empty()).then(|| over(&found.cpu_ms, |cpu| *cpu))
    };
    if let Some(ours) = cpu("ours") {
        rows.push(Row {
            what: "  CPU of a scrape among so many, ms",
            stock: cpu("stock"),
            ours,
            goal: Goal::Shown,
        });
    }
    if let [few, many] = &figures.growth[..] {
        growth(few, many, &mut rows);
    }
    if let Some(loss) = &figures.loss {
        let median = |rounds: &[Summary]| over(rounds, |summary| summary.p50_ms);
        let ratio = median(&loss.with) / median(&loss.without);
        rows.push(Row::ours(
            "scrape time at 2 % loss each way over none",
            ratio,
            Goal::AtMost(1.3),
        ));
        rows.push(Row::ours(
            "incomplete scrapes at 2 % loss",
            incomplete(&loss.with),
            Goal::AtMost(0.0),
        ));
    }
    if let Some(sick) = &figures.sick {
        let p99 = |rounds: &[Summary]| over(rounds, |summary| summary.p99_ms);
        let ratio = p99(&sick.with) / p99(&sick.without);
        rows.push(Row::ours(
            "p99 of the healthy with 20 % sick over none",
            ratio,
            Goal::AtMost(1.05),
        ));
        rows.push(Row::ours(
            "incomplete scrapes of the healthy",
            incomplete(&sick.with),
            Goal::AtMost(0.0),
        ));
    }
    if let Some(cold) = &figures.cold {
        rows.push(Row::ours(
            "cold start of 1,000 over what is allowed",
            cold.took_s / cold.allowed_s,
            Goal::AtMost(1.1),
        ));
        let incomplete = incomplete(std::slice::from_ref(&cold.summary));
        rows.push(Row::ours(
            "incomplete scrapes of the cold start",
            incomplete,
            Goal::AtMost(0.0),
        ));
    }
    wrong(figures, &mut rows);
    rows
}

fn cost(figures: &Figures, rows: &mut Vec<Row>) {
    let of = |name: &str, figure: fn(&Cost) -> Option<f64>| {
        let rounds = figures.cost.get(name)?;
        let median = over(rounds, |round| figure(round).unwrap_or(f64::NAN));
        (!median.is_nan()).then_some(median)
    };
    let Some(ours) = of("ours", |round| round.cpu_ms) else {
        return;
    };
    let stock = of("stock", |round| round.cpu_ms);
    let datagrams = of("ours", |round| Some(round.datagrams)).unwrap_or(f64::NAN);
    rows.push(Row {
        what: "CPU of a warm scrape, ms",
        stock,
        ours,
        goal: Goal::TimesLess(60.0),
    });
    if let Some(floor) = of("floor", |round| round.cpu_ms) {
        rows.push(Row::ours("CPU of the floor, ms", floor, Goal::Shown));
        rows.push(Row::ours(
            "CPU of a warm scrape over the floor's",
            ours / floor,
            Goal::AtMost(1.5),
        ));
    }
    rows.push(Row::ours(
        "CPU of an IPMI request, ms",
        ours / (datagrams / 2.0),
        Goal::AtMost(0.015),
    ));
    rows.push(Row {
        what: "time of a warm scrape, no latency, ms",
        stock: of("stock", |round| Some(round.wall_ms)),
        ours: of("ours", |round| Some(round.wall_ms)).unwrap_or(f64::NAN),
        goal: Goal::Shown,
    });
    rows.push(Row {
        what: "datagrams of a warm scrape",
        stock: of("stock", |round| Some(round.datagrams)),
        ours: datagrams,
        // Every machine of the benchmark has a reading for each sensor.
        goal: of("floor", |round| Some(round.datagrams)).map_or(Goal::Shown, Goal::AtMost),
    });
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    rows.push(Row {
        what: "log-ins of a round",
        stock: of("stock", |round| Some(round.log_ins as f64)),
        ours: of("ours", |round| Some(round.log_ins as f64)).unwrap_or(f64::NAN),
        goal: Goal::AtMost(0.0),
    });
    if let Some(calls) = of("ours", |round| round.system_calls) {
        rows.push(Row::ours(
            "system calls of a warm scrape",
            calls,
            Goal::Shown,
        ));
    }
}

fn growth(few: &Growth, many: &Growth, rows: &mut Vec<Row>) {
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let number = |count: usize| count as f64;
    let missing = many.summary.scrapes - many.summary.complete;
    rows.extend([
        Row::ours(
            "targets of the large fleet",
            number(many.targets),
            Goal::AtLeast(10_000.0),
        ),
        Row::ours(
            "  late scrapes",
            number(many.summary.late),
            Goal::AtMost(0.0),
        ),
        Row::ours("  incomplete scrapes", number(missing), Goal::AtMost(0.0)),
        Row::ours(
            "  wrong values",
            number(many.summary.wrong),
            Goal::AtMost(0.0),
        ),
        Row::ours("  p99 of a scrape, ms", many.summary.p99_ms, Goal::Shown),
        Row::ours("  CPU of a scrape, ms", many.cpu_ms, Goal::Shown),
        Row::ours(
            "  CPU of a scrape over that with 100 targets",
            many.cpu_ms / few.cpu_ms,
            Goal::AtMost(1.1),
        ),
        Row::ours(
            "memory of a target, KiB",
            many.kib_per_target,
            Goal::AtMost(16.0),
        ),
        Row::ours(
            "  over that with 100 targets",
            many.kib_per_target / few.kib_per_target,
            Goal::AtMost(1.1),
        ),
        Row::ours(
            "memory with one target, MiB",
            many.resident_mib_with_one,
            Goal::AtMost(12.0),
        ),
    ]);
}

fn wrong(figures: &Figures, rows: &mut Vec<Row>) {
    let wrong = |name: &str| {
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        figures.values.get(name).map(|values| values.wrong as f64)
    };
    if let Some(ours) = wrong("ours") {
        rows.push(Row {
            what: "values that the serve-log has not got",
            stock: wrong("stock"),
            ours,
            goal: Goal::AtMost(0.0),
        });
    }
}

fn incomplete(rounds: &[Summary]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    rounds
        .iter()
        .map(|round| (round.scrapes - round.complete) as f64)
        .sum()
}
