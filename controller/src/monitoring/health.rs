//! Whether the servers that monitoring stands on answer.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Monitoring, QueryError};
use crate::grafana::GrafanaError;
use crate::model::{Exporter, Id};
use crate::prometheus::{Client, PrometheusError};

/// Longest time for one check.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for all exporters; those that were not reached by then count as
/// not healthy.
const EXPORTERS_TIMEOUT: Duration = Duration::from_secs(10);
/// Exporters that are asked at once.
const AT_ONCE: usize = 16;

/// How everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Health {
    /// Whether Prometheus answers a query.
    pub prometheus: bool,
    /// Whether Grafana says that it is well.
    pub grafana: bool,
    /// Whether the Alertmanager says so.
    pub alertmanager: bool,
    /// Whether every enabled exporter answers.
    pub exporters: bool,
    /// Whether all that is configured is well.
    pub overall: bool,
    /// Each with what is wrong.
    pub components: Vec<Component>,
}

/// How one server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Component {
    /// `prometheus`, `grafana`, `alertmanager`, or `exporter` and its name.
    pub name: String,
    /// Whether there is one.
    pub is_configured: bool,
    /// Whether it is well.
    pub is_healthy: bool,
    /// What is wrong with it.
    pub message: Option<String>,
}

impl Component {
    fn judged(name: &str, result: Option<Result<(), String>>) -> Self {
        Self {
            name: name.to_owned(),
            is_configured: result.is_some(),
            is_healthy: matches!(result, Some(Ok(()))),
            message: result.and_then(Result::err),
        }
    }
}

impl Monitoring {
    /// Asks all of them at once.
    pub async fn health(&self, exporters: &[Exporter]) -> Health {
        let (prometheus, grafana, alertmanager, exporters) = tokio::join!(
            self.prometheus_health(),
            self.grafana_health(),
            self.alertmanager_health(),
            self.exporters_health(exporters),
        );
        let named = [
            Component::judged("prometheus", prometheus),
            Component::judged("grafana", grafana),
            Component::judged("alertmanager", alertmanager),
        ];
        let are_well = exporters.iter().all(|exporter| exporter.is_healthy);
        let is_overall = named
            .iter()
            .chain(&exporters)
            .all(|component| component.is_healthy || !component.is_configured);
        Health {
            prometheus: named[0].is_healthy,
            grafana: named[1].is_healthy,
            alertmanager: named[2].is_healthy,
            exporters: are_well,
            // Without a Prometheus nothing is monitored.
            overall: is_overall && named[0].is_healthy,
            components: named.into_iter().chain(exporters).collect(),
        }
    }

    async fn prometheus_health(&self) -> Option<Result<(), String>> {
        if !self.source.is_configured() {
            return None;
        }
        let asked = in_time(self.source.query("vector(1)", None)).await;
        Some(match asked {
            None => Err(late()),
            Some(Ok(_)) => Ok(()),
            Some(Err(QueryError::TimedOut)) => Err(late()),
            Some(Err(error)) => Err(error.to_string()),
        })
    }

    async fn alertmanager_health(&self) -> Option<Result<(), String>> {
        let client = self.alertmanager.as_ref()?;
        Some(healthy(client, "-/healthy").await.map(|_| ()))
    }

    async fn grafana_health(&self) -> Option<Result<(), String>> {
        let client = self.grafana_client.as_ref()?;
        Some(match in_time(client.health()).await {
            None => Err(late()),
            Some(Ok(_)) => Ok(()),
            Some(Err(GrafanaError::TimedOut { .. })) => Err(late()),
            Some(Err(GrafanaError::Unreachable { cause, .. })) => {
                Err(format!("it does not answer: {cause}"))
            }
            Some(Err(error)) => Err(error.to_string()),
        })
    }

    async fn exporters_health(&self, exporters: &[Exporter]) -> Vec<Component> {
        let enabled: Vec<&Exporter> = exporters.iter().filter(|e| e.enabled).collect();
        let urls: Vec<(Id, String)> = enabled.iter().map(|e| (e.id, e.url.clone())).collect();
        let checks = futures_util::stream::iter(urls).map(|(id, url)| {
            let collector = self.collector.clone();
            async move { (id, collector.is_alive(&url, TIMEOUT).await) }
        });
        let mut checks = std::pin::pin!(checks.buffer_unordered(AT_ONCE));
        let mut results = BTreeMap::new();
        let all = async {
            while let Some((id, result)) = checks.next().await {
                results.insert(id, result);
            }
        };
        // What is missing is told below.
        let _ = tokio::time::timeout(EXPORTERS_TIMEOUT, all).await;
        enabled
            .iter()
            .map(|exporter| {
                let result = results
                    .remove(&exporter.id)
                    .unwrap_or_else(|| Err("there was no time to ask it".to_owned()));
                Component::judged(&format!("exporter {}", exporter.name), Some(result))
            })
            .collect()
    }
}

async fn in_time<T>(check: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(TIMEOUT, check).await.ok()
}

fn late() -> String {
    format!("it does not answer within {} s", TIMEOUT.as_secs())
}

/// The body of a good answer; else a sentence without anything secret.
async fn healthy(client: &Client, path: &str) -> Result<Vec<u8>, String> {
    match in_time(client.get(path, &[])).await {
        None | Some(Err(PrometheusError::TimedOut { .. })) => Err(late()),
        Some(Ok(body)) => Ok(body),
        Some(Err(PrometheusError::Unreachable { cause, .. })) => {
            Err(format!("it does not answer: {cause}"))
        }
        Some(Err(PrometheusError::Answer { what, .. })) => Err(format!("it answers with {what}")),
        Some(Err(PrometheusError::TooLarge { .. })) => Err("its answer is too large".to_owned()),
        Some(Err(
            error @ (PrometheusError::Client(_)
            | PrometheusError::Secret { .. }
            | PrometheusError::Other(_)),
        )) => {
            tracing::error!(error = %error, "A server that is monitored cannot be asked");
            Err("the controller cannot sign in there; its log says why".to_owned())
        }
    }
}
