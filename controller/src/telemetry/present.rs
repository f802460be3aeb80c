//! What is looked up when the metrics are asked for.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::PREFIX;
use crate::clock::Timestamp;
use crate::model::RunKind;
use crate::store::{PoolLoad, Store, StoreError};
use crate::sync::SyncStatus;

/// One artefact at one server.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncSample {
    /// Which artefact.
    pub artefact: String,
    /// Name of the server in the configuration; empty when there is but one.
    pub server: String,
    /// Word of its state.
    pub state: String,
    /// Entries in the published version.
    pub entries: i64,
    /// Monitored servers that are in none.
    pub blind_spots: i64,
    /// Somebody else's changes that were undone since the start.
    pub repairs: u64,
    /// When it was seen live last.
    pub verified_at: Option<Timestamp>,
}

/// Everything that has a value now.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// Where the artefacts stand.
    pub sync: Vec<SyncSample>,
    /// How busy the database's connections are.
    pub pools: Vec<PoolLoad>,
    /// What the store says; `None` when it does not answer.
    pub store: Option<StoreFacts>,
    /// Revision that this controller knows of.
    pub revision: i64,
    /// Whether this controller leads.
    pub leads: bool,
    /// Until when the served certificate is valid.
    pub certificate_ends: Option<Timestamp>,
    /// Whether newer files of the certificate are refused.
    pub certificate_refused: bool,
}

/// What the store says.
#[derive(Clone, Debug, Default)]
pub struct StoreFacts {
    bytes: i64,
    audit_sequence: i64,
    /// When the last good run of each kind ended.
    last_good: Vec<(RunKind, Timestamp)>,
}

impl StoreFacts {
    /// Asks the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(store: &Store) -> Result<Self, StoreError> {
        let mut tx = store.read().await?;
        let mut last_good = Vec::new();
        for kind in RunKind::ALL {
            if let (_, Some(run)) = tx.last_runs(kind, "").await? {
                last_good.push((kind, run.ended_at));
            }
        }
        Ok(Self {
            bytes: tx.database_bytes().await?,
            audit_sequence: tx.audit_head().await?.0,
            last_good,
        })
    }
}

/// Where the artefacts stand, as metrics tell it.
#[must_use]
pub fn sync_samples(status: &SyncStatus) -> Vec<SyncSample> {
    let word = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    };
    status
        .artefacts
        .iter()
        .map(|artefact| SyncSample {
            artefact: word(serde_json::to_value(artefact.artefact)),
            server: artefact.server.clone(),
            state: word(serde_json::to_value(artefact.state)),
            entries: artefact.entries,
            blind_spots: artefact.blind_spots,
            repairs: artefact.repairs,
            verified_at: artefact.verified_at,
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    artefact: String,
    server: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ArtefactLabels {
    artefact: String,
    server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabels {
    pool: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

/// A gauge with labels of a kind.
type Gauges<L> = Family<L, Gauge>;
/// Moments: seconds with parts.
type Moments<L> = Family<L, Gauge<f64, std::sync::atomic::AtomicU64>>;

impl Present {
    /// The values as metrics.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        self.sync(&mut registry);
        self.store(&mut registry);
        let mut gauge = |name: &str, help: &str, value: i64| {
            let metric = Gauge::<i64>::default();
            metric.set(value);
            registry.register(name, help, metric);
        };
        gauge(
            "desired_state_revision",
            "Revision of the desired state",
            self.revision,
        );
        gauge(
            "leader",
            "Whether this controller publishes and makes backups",
            i64::from(self.leads),
        );
        if let Some(ends) = self.certificate_ends {
            gauge(
                "tls_certificate_not_after_timestamp_seconds",
                "Until when the served certificate is valid",
                ends.0 / 1000,
            );
            gauge(
                "tls_certificate_refused",
                "Whether newer files of the certificate are refused",
                i64::from(self.certificate_refused),
            );
        }
        registry
    }

    fn sync(&self, registry: &mut Registry) {
        let states = Gauges::<StateLabels>::default();
        let entries = Gauges::<ArtefactLabels>::default();
        let blind_spots = Gauges::<ArtefactLabels>::default();
        let repairs = Gauges::<ArtefactLabels>::default();
        let verified = Moments::<ArtefactLabels>::default();
        for sample in &self.sync {
            let labels = ArtefactLabels {
                artefact: sample.artefact.clone(),
                server: sample.server.clone(),
            };
            let state = StateLabels {
                artefact: sample.artefact.clone(),
                server: sample.server.clone(),
                state: sample.state.clone(),
            };
            states.get_or_create(&state).set(1);
            entries.get_or_create(&labels).set(sample.entries);
            blind_spots.get_or_create(&labels).set(sample.blind_spots);
            let repaired = i64::try_from(sample.repairs).unwrap_or(i64::MAX);
            repairs.get_or_create(&labels).set(repaired);
            if let Some(at) = sample.verified_at {
                verified.get_or_create(&labels).set(seconds(at));
            }
        }
        registry.register(
            "sync_state",
            "1 for the state that an artefact is in",
            states,
        );
        registry.register("sync_entries", "Entries in the published version", entries);
        registry.register(
            "sync_blind_spots",
            "Monitored servers that are no target",
            blind_spots,
        );
        registry.register(
            "sync_repairs",
            "Changes by somebody else that were undone since the start",
            repairs,
        );
        registry.register(
            "sync_verified_timestamp_seconds",
            "When the published version was seen live last",
            verified,
        );
    }

    fn store(&self, registry: &mut Registry) {
        let connections = Gauges::<PoolLabels>::default();
        for load in &self.pools {
            for (state, count) in [("idle", load.idle), ("busy", load.busy)] {
                let pool = load.pool;
                let labels = PoolLabels { pool, state };
                connections.get_or_create(&labels).set(i64::from(count));
            }
        }
        registry.register(
            "store_connections",
            "Connections to the database",
            connections,
        );
        let up = Gauge::<i64>::default();
        up.set(i64::from(self.store.is_some()));
        registry.register("store_up", "Whether the database answers", up);
        let Some(facts) = &self.store else {
            return;
        };
        let bytes = Gauge::<i64>::default();
        bytes.set(facts.bytes);
        registry.register("store_bytes", "Size of the database", bytes);
        let sequence = u64::try_from(facts.audit_sequence).unwrap_or_default();
        registry.register(
            "audit_entries",
            "Entries of the audit trail",
            ConstCounter::new(sequence),
        );
        let last = Moments::<KindLabels>::default();
        for (kind, at) in &facts.last_good {
            let kind = kind.as_str();
            last.get_or_create(&KindLabels { kind }).set(seconds(*at));
        }
        registry.register(
            "run_last_success_timestamp_seconds",
            "When the last good backup or snapshot was complete",
            last,
        );
    }
}

fn seconds(at: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
    let milliseconds = at.0 as f64;
    milliseconds / 1000.0
}
