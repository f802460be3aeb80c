//! The raw figures, as they go into the JSON file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::driver::Scrape;
use crate::measure::median_of;

/// All scenarios that were run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) values: BTreeMap<String, Values>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) cost: BTreeMap<String, Vec<Cost>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) latency: Vec<Latency>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) throughput: BTreeMap<String, Throughput>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) growth: Vec<Growth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loss: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sick: Option<Sick>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cold: Option<Cold>,
}

/// Scrapes of machines whose values move.
#[derive(Debug, Serialize)]
pub(super) struct Values {
    pub(super) scrapes: usize,
    pub(super) complete: usize,
    pub(super) compared: usize,
    pub(super) wrong: usize,
}

/// One round of warm scrapes, one after the other.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cost {
    pub(super) scrapes: usize,
    pub(super) complete: usize,
    pub(super) wrong: usize,
    /// Milliseconds of CPU time for one scrape.
    pub(super) cpu_ms: Option<f64>,
    /// Median milliseconds of one scrape.
    pub(super) wall_ms: f64,
    /// Datagrams in both directions for one scrape.
    pub(super) datagrams: f64,
    pub(super) log_ins: u64,
    pub(super) resident_mib: Option<f64>,
    /// System calls of one scrape, of a run of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_calls: Option<f64>,
}

/// Warm scrapes of BMCs that take their time, beside the bare loop.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) latency_ms: u64,
    pub(super) requests: f64,
    /// Median milliseconds of a scrape, one for each round.
    pub(super) ours_ms: Vec<f64>,
    /// Milliseconds of the same requests by the bare loop.
    pub(super) floor_ms: Vec<f64>,
}

/// As many as go.
#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    pub(super) scrapes_per_second: Vec<f64>,
    /// Milliseconds of CPU time for one scrape.
    pub(super) cpu_ms: Vec<f64>,
    pub(super) at_a_time: usize,
    pub(super) incomplete: usize,
}

/// One fleet, scraped by Prometheus' schedule.
#[derive(Debug, Serialize)]
pub(super) struct Growth {
    pub(super) targets: usize,
    pub(super) interval_s: f64,
    pub(super) cold_s: f64,
    pub(super) summary: Summary,
    pub(super) scrapes_per_second: f64,
    pub(super) cpu_ms: f64,
    pub(super) simulator_cpu_ms: f64,
    pub(super) log_ins: u64,
    pub(super) datagrams: f64,
    pub(super) resident_mib_with_one: f64,
    pub(super) resident_mib: f64,
    pub(super) kib_per_target: f64,
}

/// Scrapes of one run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    pub(super) scrapes: usize,
    pub(super) complete: usize,
    pub(super) wrong: usize,
    pub(super) late: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

/// With and without lost datagrams.
#[derive(Debug, Serialize)]
pub(super) struct Loss {
    pub(super) without: Vec<Summary>,
    pub(super) with: Vec<Summary>,
}

/// The healthy ones of a fleet, with and without sick ones beside them.
#[derive(Debug, Serialize)]
pub(super) struct Sick {
    pub(super) without: Vec<Summary>,
    pub(super) with: Vec<Summary>,
}

/// A start without any cache.
#[derive(Debug, Serialize)]
pub(super) struct Cold {
    pub(super) targets: usize,
    pub(super) log_in_rate: u32,
    /// Requests of a cold scrape.
    pub(super) requests: f64,
    /// Milliseconds of one round trip, by the bare loop.
    pub(super) round_trip_ms: f64,
    /// Seconds until the last first scrape was complete.
    pub(super) took_s: f64,
    /// What log-in rate and round trips allow.
    pub(super) allowed_s: f64,
    pub(super) summary: Summary,
}

impl Summary {
    pub(super) fn of(scrapes: &[Scrape]) -> Self {
        let mut times: Vec<f64> = scrapes.iter().map(|s| s.took.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "an index from a share"
            )]
            let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
            times.get(index).copied().unwrap_or(f64::NAN)
        };
        Self {
            scrapes: scrapes.len(),
            complete: scrapes.iter().filter(|scrape| scrape.complete).count(),
            wrong: scrapes.iter().map(|scrape| scrape.wrong).sum(),
            late: scrapes.iter().filter(|scrape| scrape.late).count(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: at(1.0),
        }
    }
}

/// The median of one figure over the rounds.
pub(super) fn over<T>(rounds: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    let figures: Vec<f64> = rounds.iter().map(figure).collect();
    median_of(&figures)
}
