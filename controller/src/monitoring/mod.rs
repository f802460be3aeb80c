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
use crate::model::Id;
use crate::prometheus::{Client, PrometheusError};
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
    grafana_client: Option<Client>,
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
    pub fn new(config: &Config) -> Result<Self, PrometheusError> {
        let client = match Client::at_endpoint(&config.query)? {
            Some(client) => Some(client),
            None => Client::new(config.prometheus.first())?,
        };
        Ok(Self {
            source: Source::new(client),
            alertmanager: Client::at_endpoint(&config.alertmanager.endpoint())?,
            grafana: config.grafana.url.clone().map(Arc::new),
            grafana_client: Client::at_endpoint(&config.grafana.endpoint())?,
            limiting: Arc::new(Semaphore::new(LIMITED_AT_ONCE)),
            collector: collect::Collector::new().map_err(PrometheusError::Client)?,
        })
    }

    /// The dashboard of a server: its unique name at Grafana, and where it is if
    /// a Grafana is configured.
    #[must_use]
    pub fn dashboard(&self, server: Id) -> (String, Option<String>) {
        let uid = format!("ipmi-server-{server}");
        let url = self.grafana.as_ref().map(|grafana| {
            let base = grafana.as_str().trim_end_matches('/');
            format!("{base}/d/{uid}")
        });
        (uid, url)
    }
}
