//! Asks a server's exporter now, as Prometheus would.
//!
//! A BMC is slow and fragile: one server is asked at most every ten seconds, and
//! few servers at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde::Serialize;
use tokio::sync::Semaphore;
use url::Url;
use utoipa::ToSchema;

use super::data::Series;
use super::exposition;
use super::sensor::{self, Sensor};
use crate::clock::Timestamp;
use crate::config::ExportersConfig;
use crate::model::Id;
use crate::prometheus::{PrometheusError, read_secret};

/// Shortest time between two questions about one server.
const INTERVAL: Duration = Duration::from_secs(10);
/// Servers that are asked about at once.
const MAX_AT_ONCE: usize = 8;
/// What the exporter is told that it may take: it answers with what it has by
/// then.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(20);
/// How much longer its answer is waited for.
const MARGIN: Duration = Duration::from_secs(3);
/// Longest time to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is taken.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Longest message of an exporter that is handed on, in characters.
const MAX_MESSAGE: usize = 300;

/// How a collection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CollectStatus {
    /// Everything was read.
    Success,
    /// Something was read, and something was not.
    PartialSuccess,
    /// Nothing was read.
    Error,
}

/// What came of a collection, in the shape of OpenServerHub.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Collected {
    /// How it ended.
    pub status: CollectStatus,
    /// What was read, such as `temperature:CPU1 Temp`.
    pub collected_metrics: Vec<String>,
    /// What was not, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// When.
    pub timestamp: Timestamp,
    /// Seconds that it took.
    pub api_execution_time: f64,
}

/// Why nobody was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The server was asked about a moment ago.
    #[error("the BMC was asked a moment ago; try again in {} s", retry_after.as_secs())]
    TooOften {
        /// When it may be asked again.
        retry_after: Duration,
    },
    /// Others wait already.
    #[error("too many servers are being asked; try again in a moment")]
    Busy,
}

/// What an exporter is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Number of the server.
    pub server: Id,
    /// Name of the exporter.
    pub exporter: String,
    /// Its URL, without `/ipmi`.
    pub url: String,
    /// Address of the BMC.
    pub target: String,
    /// Name of the credential profile.
    pub module: String,
}

/// Asks exporters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Collector {
    http: reqwest::Client,
    asked: Arc<Mutex<HashMap<Id, Instant>>>,
    turns: Arc<Semaphore>,
    /// User and file with the password, which is read for each question.
    login: Option<(String, PathBuf)>,
}

impl Collector {
    /// A collector that has asked nobody yet.
    ///
    /// # Errors
    /// When no HTTP client can be made, or certificate and key cannot be used.
    pub fn new(config: &ExportersConfig) -> Result<Self, PrometheusError> {
        // An error says that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(SCRAPE_TIMEOUT + MARGIN)
            // A redirect would take the password elsewhere.
            .redirect(reqwest::redirect::Policy::none());
        if let (Some(certificate), Some(key)) = (&config.cert_file, &config.key_file) {
            let mut pem = read_secret(certificate)?;
            pem.push('\n');
            pem.push_str(&read_secret(key)?);
            let identity = reqwest::Identity::from_pem(pem.as_bytes());
            builder = builder.identity(identity.map_err(PrometheusError::Client)?);
        }
        Ok(Self {
            http: builder.build().map_err(PrometheusError::Client)?,
            login: config.username.clone().zip(config.password_file.clone()),
            asked: Arc::default(),
            turns: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        })
    }

    /// Asks one exporter about one server. That it fails is an answer, too.
    ///
    /// # Errors
    /// See [`CollectError`].
    pub async fn collect(
        &self,
        question: &Question,
        now: Timestamp,
    ) -> Result<Collected, CollectError> {
        let _turn = self.turns.try_acquire().map_err(|_| CollectError::Busy)?;
        let start = Instant::now();
        self.take_turn(question.server, start)?;
        let read = self.read(question, now).await;
        let (sensors, errors) = match read {
            Ok(series) => judge(question.server, &series, now),
            Err(error) => (Vec::new(), vec![error]),
        };
        let collected_metrics = sensor::collected_names(&sensors);
        let status = match (collected_metrics.is_empty(), errors.is_empty()) {
            (_, true) => CollectStatus::Success,
            (false, false) => CollectStatus::PartialSuccess,
            (true, false) => CollectStatus::Error,
        };
        Ok(Collected {
            status,
            collected_metrics,
            errors,
            timestamp: now,
            api_execution_time: start.elapsed().as_secs_f64(),
        })
    }

    /// Whether an exporter answers at all; the stock one has no page of health.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub(super) async fn is_alive(&self, url: &str, timeout: Duration) -> Result<(), String> {
        let url = format!("{}/-/healthy", url.trim_end_matches('/'));
        let request = self
            .authorized(self.http.get(url))
            .map_err(|error| error.to_string())?;
        let answer = request.timeout(timeout).send().await;
        match answer {
            Ok(answer) if answer.status().is_server_error() => Err(format!(
                "it answers with status {}",
                answer.status().as_u16()
            )),
            Ok(_) => Ok(()),
            Err(error) if error.is_timeout() && !error.is_connect() => {
                Err(format!("it does not answer within {} s", timeout.as_secs()))
            }
            Err(error) => Err(format!("it does not answer: {}", innermost(&error))),
        }
    }

    fn authorized(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, PrometheusError> {
        Ok(match &self.login {
            Some((username, file)) => {
                let password = read_secret(file)?;
                request.basic_auth(username, Some(password.as_str()))
            }
            None => request,
        })
    }

    fn take_turn(&self, server: Id, now: Instant) -> Result<(), CollectError> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| now.saturating_duration_since(*at) < INTERVAL);
        if let Some(at) = asked.get(&server) {
            let since = now.saturating_duration_since(*at);
            // Rounded up: zero seconds would be told to try again at once.
            let left = (INTERVAL - since).as_secs() + 1;
            return Err(CollectError::TooOften {
                retry_after: Duration::from_secs(left),
            });
        }
        asked.insert(server, now);
        Ok(())
    }

    /// The exporter's series, or a sentence saying why there are none.
    async fn read(&self, question: &Question, now: Timestamp) -> Result<Vec<Series>, String> {
        let exporter = &question.exporter;
        let failed = |error: reqwest::Error| {
            let why = if error.is_timeout() {
                "does not answer in time".to_owned()
            } else {
                // Its causes name the URL again, with the BMC's address.
                format!("does not answer: {}", innermost(&error))
            };
            format!("the exporter {exporter} {why}")
        };
        let url = format!("{}/ipmi", question.url.trim_end_matches('/'));
        let query = [("target", &question.target), ("module", &question.module)];
        let url = Url::parse_with_params(&url, query)
            .map_err(|error| format!("the URL of the exporter {exporter} is none: {error}"))?;
        let request = self
            .authorized(self.http.get(url))
            .map_err(|error| format!("the exporter {exporter} cannot be asked: {error}"))?
            .header(
                "X-Prometheus-Scrape-Timeout-Seconds",
                SCRAPE_TIMEOUT.as_secs(),
            )
            .header("Accept", "text/plain;version=0.0.4");
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(format!(
                    "the exporter {exporter} answers with more than {MAX_BYTES} bytes"
                ));
            }
            body.extend_from_slice(&chunk);
        }
        if status != StatusCode::OK {
            let message = String::from_utf8_lossy(&body);
            let message: String = message.trim().chars().take(MAX_MESSAGE).collect();
            return Err(format!(
                "the exporter {exporter} answers with status {}: {message}",
                status.as_u16()
            ));
        }
        let text = String::from_utf8(body)
            .map_err(|_| format!("the exporter {exporter} answers with what is no text"))?;
        exposition::parse(&text, now)
            .map_err(|error| format!("the exporter {exporter} answers with no metrics: {error}"))
    }
}

/// The sensors among the series, and which collectors failed.
fn judge(server: Id, series: &[Series], now: Timestamp) -> (Vec<Sensor>, Vec<String>) {
    let sensors = sensor::sensors(server, series, &[], &[], now);
    let up: Vec<(&str, bool)> = series
        .iter()
        .filter(|series| series.name() == "ipmi_up")
        .filter_map(|series| {
            let point = series.last()?;
            Some((series.label("collector"), point.value > 0.5))
        })
        .collect();
    let mut errors: Vec<String> = up
        .iter()
        .filter(|(_, is_up)| !is_up)
        .map(|(collector, _)| {
            format!("{collector}: the collector failed, or could not finish in time")
        })
        .collect();
    if up.is_empty() {
        errors.push("the answer has no ipmi_up: it is no answer of an IPMI exporter".to_owned());
    }
    (sensors, errors)
}

/// The last cause: the outer ones repeat the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_is_not_asked_often() {
        let collector = Collector::new(&ExportersConfig::default()).unwrap();
        let now = Instant::now();
        assert_eq!(collector.take_turn(1, now), Ok(()));
        assert_eq!(collector.take_turn(2, now), Ok(()));
        let soon = now + Duration::from_secs(4);
        let refused = collector.take_turn(1, soon).unwrap_err();
        let retry_after = Duration::from_secs(7);
        assert_eq!(refused, CollectError::TooOften { retry_after });
        assert_eq!(collector.take_turn(1, now + INTERVAL), Ok(()));
        assert_eq!(collector.asked.lock().unwrap().len(), 1, "2 is forgotten");
    }

    #[test]
    fn collectors_that_failed_are_named() {
        let now = Timestamp(0);
        let text = "ipmi_up{collector=\"ipmi\"} 1\nipmi_up{collector=\"sel\"} 0\n\
                    ipmi_temperature_celsius{id=\"4\",name=\"CPU1 Temp\"} 40\n";
        let (sensors, errors) = judge(1, &exposition::parse(text, now).unwrap(), now);
        assert_eq!(sensors.len(), 1);
        assert!(
            errors.len() == 1 && errors[0].starts_with("sel:"),
            "{errors:?}"
        );
        let (_, errors) = judge(1, &[], now);
        assert_eq!(errors.len(), 1);
    }
}
