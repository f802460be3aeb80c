//! What Prometheus knows of servers, in the shapes that people ask for.
//!
//! [`kind`] says which metric is which kind of sensor. [`source`] asks whatever
//! answers queries; the rest makes sensors, states, exports and reports of the
//! answers.

pub mod collect;
pub mod data;
pub mod exposition;
pub mod health;
pub mod kind;
pub mod measured;
pub mod report;
pub mod sensor;
pub mod source;
pub mod status;
pub mod timeline;

use std::sync::Arc;

use tokio::sync::Semaphore;
use url::Url;

use crate::config::Config;
use crate::dashboards;
use crate::grafana;
use crate::prometheus::Client;
pub use source::{QueryError, Source};

/// Expressions that are limited at once.
const LIMITED_AT_ONCE: usize = 4;

/// Everything that monitoring asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// What answers queries.
    pub source: Source,
    /// The Alertmanager, if one is configured.
    pub alertmanager: Option<Client>,
    /// Where Grafana is, if it is configured.
    pub grafana: Option<Arc<Url>>,
    grafana_client: Option<grafana::Client>,
    /// Who asks exporters.
    pub collector: collect::Collector,
    /// Turns for limiting expressions: each may need a deep stack.
    pub limiting: Arc<Semaphore>,
}

impl Monitoring {
    /// What the configuration names. Queries go to `query` where that is set,
    /// else to the first `prometheus`: several need a store that has the series
    /// of them all.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let client = match Client::at_endpoint(&config.query)? {
            Some(client) => Some(client),
            None => Client::new(config.prometheus.first())?,
        };
        Ok(Self {
            source: Source::new(client),
            alertmanager: Client::at_endpoint(&config.alertmanager.first().endpoint())?,
            grafana: config.grafana.public_url().cloned().map(Arc::new),
            grafana_client: grafana::Client::new(&config.grafana)?,
            limiting: Arc::new(Semaphore::new(LIMITED_AT_ONCE)),
            collector: collect::Collector::new(&config.exporters)?,
        })
    }

    /// The dashboard of the server with this name: its unique name at Grafana, which
    /// all servers share, and where it is if a Grafana is configured.
    #[must_use]
    pub fn dashboard(&self, server: &str) -> (String, Option<String>) {
        let url = self.at_grafana(&dashboards::server_path(server));
        (dashboards::SERVER.to_owned(), url)
    }

    /// A path at Grafana as browsers reach it.
    #[must_use]
    pub fn at_grafana(&self, path: &str) -> Option<String> {
        self.grafana.as_ref().map(|grafana| {
            let base = grafana.as_str().trim_end_matches('/');
            format!("{base}/{path}")
        })
    }
}
