//! What Prometheus knows of servers, in the shapes that people ask for.
//!
//! [`kind`] says which metric is which kind of sensor. [`source`] asks whatever
//! answers queries; the rest makes sensors, states, exports and reports of the
//! answers.

pub mod data;
pub mod kind;
pub mod source;

use std::sync::Arc;

use url::Url;

use crate::config::Config;
use crate::prometheus::{Client, PrometheusError};
pub use source::{QueryError, Source};

/// Everything that monitoring asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// What answers queries.
    pub source: Source,
    /// The Alertmanager, if one is configured.
    pub alertmanager: Option<Client>,
    /// Where Grafana is, if it is configured.
    pub grafana: Option<Arc<Url>>,
}

impl Monitoring {
    /// What the configuration names. Queries go to `query` where that is set,
    /// else to `prometheus`.
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
            alertmanager: Client::at_endpoint(&config.alertmanager)?,
            grafana: config.grafana.url.clone().map(Arc::new),
        })
    }
}
