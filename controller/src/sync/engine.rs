//! Everything that is published, together: one loop that renders the desired
//! state, and one for each artefact at each server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::alertmanager::AlertmanagerAt;
use super::desired::{Renderer, Told};
use super::handle::Handle;
use super::reconcile::Reconciler;
use super::rules::RulesAt;
use super::targets::TargetsAt;
use super::unit::Unit;
use crate::channel;
use crate::config::Config;
use crate::model::{Artefact, SyncKey};
use crate::prometheus::PrometheusError;
use crate::render::Shard;
use crate::store::Store;

/// How often a controller that does not lead looks at what is published.
const FOLLOW: Duration = Duration::from_secs(1);

/// Publishes until it is told to stop.
pub struct Engine {
    store: Store,
    renderer: Renderer,
    units: Arc<[Arc<Unit>]>,
    told: watch::Receiver<Told>,
}

impl Engine {
    /// An engine for what the configuration names, and the handle for the API.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(store: Store, config: &Config) -> Result<(Self, Handle), PrometheusError> {
        let shards: Arc<[Shard]> = config.prometheus.shards().into();
        let units: Arc<[Arc<Unit>]> = units(&store, config)?.into();
        let nudge = Arc::new(Notify::new());
        let (sender, told) = watch::channel(None);
        let handle = Handle {
            store: store.clone(),
            shards: Arc::clone(&shards),
            units: Arc::clone(&units),
            sources: Vec::new(),
            nudge: Arc::clone(&nudge),
        };
        let renderer = Renderer {
            store: store.clone(),
            shards,
            nudge,
            told: sender,
            exporters: None,
            has_alertmanager: units
                .iter()
                .any(|unit| unit.key.artefact == Artefact::AlertmanagerConfig),
        };
        let engine = Self {
            store,
            renderer,
            units,
            told,
        };
        Ok((engine, handle))
    }

    /// Lets exporters that are on the channel take a change before it is published.
    #[must_use]
    pub fn after_exporters(mut self, exporters: channel::Handle) -> Self {
        self.renderer.exporters = Some(exporters);
        self
    }

    /// Hands out what another controller publishes, until `shutdown` is
    /// cancelled; changes nothing.
    pub async fn follow(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let look = async {
                for unit in self.units.iter() {
                    if let Err(error) = unit.follow(&self.store).await {
                        tracing::warn!(key = %unit.key, %error, "What is published could not be read");
                    }
                }
                tokio::time::sleep(FOLLOW).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = look => {}
            }
        }
    }

    /// Publishes until `shutdown` is cancelled.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut loops = JoinSet::new();
        loops.spawn(self.renderer.clone().run(shutdown.clone()));
        for unit in self.units.iter() {
            let reconciler =
                Reconciler::new(self.store.clone(), Arc::clone(unit), self.told.clone());
            loops.spawn(reconciler.run(shutdown.clone()));
        }
        while let Some(ended) = loops.join_next().await {
            if ended.is_err() {
                tracing::error!("A loop of the sync engine ended in a panic");
            }
        }
    }
}

/// What is published to whom.
fn units(store: &Store, config: &Config) -> Result<Vec<Arc<Unit>>, PrometheusError> {
    let now = store.clock().now();
    let guard = config.sync.guard();
    let mut units = Vec::new();
    for server in config.prometheus.iter() {
        units.push(Arc::new(Unit::new(
            SyncKey::new(Artefact::PrometheusTargets, &server.name),
            server.shard(),
            guard,
            server.targets_file.clone(),
            Box::new(TargetsAt::new(server)?),
            now,
        )));
        if let Some(rules) = RulesAt::new(server)? {
            units.push(Arc::new(Unit::new(
                SyncKey::new(Artefact::PrometheusRules, &server.name),
                server.shard(),
                guard,
                server.rules_file.clone(),
                Box::new(rules),
                now,
            )));
        }
    }
    for server in config.alertmanager.iter() {
        let url = config
            .controller_url(server)
            .map_err(|error| PrometheusError::Other(format!("listen: {error}")))?;
        if let Some(subject) = AlertmanagerAt::new(server, url)? {
            units.push(Arc::new(Unit::new(
                SyncKey::new(Artefact::AlertmanagerConfig, &server.name),
                "",
                guard,
                server.config_file.clone(),
                Box::new(subject),
                now,
            )));
        }
    }
    Ok(units)
}
