//! How long transactions take, and how busy the connections are.

use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use sqlx::AnyPool;

/// Whether a transaction reads or changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TransactionLabels {
    kind: &'static str,
}

/// Histograms by kind of transaction.
pub type TransactionFamily = Family<TransactionLabels, Histogram, fn() -> Histogram>;

/// Histograms of the time from the beginning of a transaction to its end, in
/// seconds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TransactionTimes {
    /// Both, for the registry.
    pub family: TransactionFamily,
    pub(super) read: Histogram,
    pub(super) write: Histogram,
}

impl Default for TransactionTimes {
    fn default() -> Self {
        let histogram: fn() -> Histogram =
            // From half a millisecond to 16 seconds.
            || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let family = TransactionFamily::new_with_constructor(histogram);
        let of = |kind| family.get_or_create(&TransactionLabels { kind }).clone();
        Self {
            read: of("read"),
            write: of("write"),
            family,
        }
    }
}

/// Observes the time until it is dropped.
pub(super) struct Timer {
    histogram: Histogram,
    started: Instant,
}

impl Timer {
    pub(super) fn start(histogram: &Histogram) -> Self {
        Self {
            histogram: histogram.clone(),
            started: Instant::now(),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.histogram.observe(self.started.elapsed().as_secs_f64());
    }
}

/// Connections of a pool at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLoad {
    /// Which pool.
    pub pool: &'static str,
    /// Connections that do nothing.
    pub idle: u32,
    /// Connections in use.
    pub busy: u32,
}

impl PoolLoad {
    pub(super) fn of(pool: &'static str, connections: &AnyPool) -> Self {
        let idle = u32::try_from(connections.num_idle()).unwrap_or(u32::MAX);
        Self {
            pool,
            idle,
            busy: connections.size().saturating_sub(idle),
        }
    }
}
