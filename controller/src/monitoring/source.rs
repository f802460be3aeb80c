//! Asks whatever answers queries, and says whose fault it is when that fails.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Semaphore;

use super::data::{self, Series};
use crate::clock::Timestamp;
use crate::prometheus::{Answer, Client, PrometheusError};

/// Questions that are asked at once. Each answer may take tens of megabytes.
const MAX_AT_ONCE: usize = 16;
/// Longest wait for a turn.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// After so long Prometheus gives a question up: before the client does, which
/// would leave it working for nobody.
const EVALUATION_TIMEOUT: &str = "12s";
/// Longest message of Prometheus that is handed on, in characters.
const MAX_REASON: usize = 1000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Nobody to ask.
    #[error("the controller has no Prometheus to ask; set `prometheus.url` or `query.url`")]
    NotConfigured,
    /// The question is wrong.
    #[error("Prometheus refuses the query: {reason}")]
    Refused {
        /// Whether it was understood, and could not be computed.
        is_understood: bool,
        /// What Prometheus says.
        reason: String,
    },
    /// It took too long.
    #[error("Prometheus did not answer in time; ask for less, or for a shorter range")]
    TimedOut,
    /// Prometheus is down or answers nonsense.
    #[error("{0}")]
    Failed(String),
    /// Too many others ask.
    #[error("too many queries are running; try again")]
    Busy,
}

/// What answers queries: a Prometheus, or a store that speaks like one.
#[derive(Clone, Debug)]
pub struct Source {
    client: Option<Client>,
    turns: Arc<Semaphore>,
}

/// Part of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: String,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    data: Option<IgnoredAny>,
}

/// How a question is sent.
enum Method {
    Get,
    Post,
}

impl Source {
    /// A source behind a client, if there is one.
    #[must_use]
    pub fn new(client: Option<Client>) -> Self {
        Self {
            client,
            turns: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }

    /// Whether there is anybody to ask.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.client.is_some()
    }

    /// Its whole answer, unchanged, to a form at a path below `api/v1/`. It is
    /// JSON, and an answer of success.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, QueryError> {
        self.ask(&Method::Post, path, form).await
    }

    /// The same for what only answers a GET.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, QueryError> {
        self.ask(&Method::Get, path, query).await
    }

    /// Its whole answer to an expression at a moment (now when absent).
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn query(&self, query: &str, time: Option<&str>) -> Result<Vec<u8>, QueryError> {
        let mut form = vec![("query", query), ("timeout", EVALUATION_TIMEOUT)];
        form.extend(time.map(|time| ("time", time)));
        self.post("query", &form).await
    }

    /// Its whole answer to an expression over a range.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn query_range(
        &self,
        query: &str,
        [start, end, step]: [&str; 3],
    ) -> Result<Vec<u8>, QueryError> {
        let form = [
            ("query", query),
            ("start", start),
            ("end", end),
            ("step", step),
            ("timeout", EVALUATION_TIMEOUT),
        ];
        self.post("query_range", &form).await
    }

    /// The series of an expression at a moment.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn series_at(&self, query: &str, at: Timestamp) -> Result<Vec<Series>, QueryError> {
        let body = self.query(query, Some(&data::seconds(at))).await?;
        read(body).await
    }

    /// The series of an expression from `start` to `end`, both included, every
    /// `step`.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn series_over(
        &self,
        query: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Vec<Series>, QueryError> {
        let (start, end) = (data::seconds(start), data::seconds(end));
        let step = format!("{}ms", step.as_millis());
        read(self.query_range(query, [&start, &end, &step]).await?).await
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, QueryError> {
        let client = self.client.as_ref().ok_or(QueryError::NotConfigured)?;
        let turn = tokio::time::timeout(MAX_WAIT, self.turns.acquire());
        let _turn = turn.await.map_err(|_| QueryError::Busy)?;
        let path = format!("api/v1/{path}");
        let answer = match method {
            Method::Get => client.get_any(&path, parameters).await,
            Method::Post => client.post(&path, parameters).await,
        };
        let answer = answer.map_err(|error| failure(&error))?;
        tokio::task::spawn_blocking(move || judge(answer))
            .await
            .map_err(|_| QueryError::Failed("the controller is ending".to_owned()))?
    }
}

/// What kept it from answering, without what is nobody's business.
fn failure(error: &PrometheusError) -> QueryError {
    match error {
        PrometheusError::TimedOut { .. } => QueryError::TimedOut,
        PrometheusError::Unreachable { .. }
        | PrometheusError::Answer { .. }
        | PrometheusError::TooLarge { .. } => QueryError::Failed(error.to_string()),
        PrometheusError::Client(_) | PrometheusError::Secret { .. } | PrometheusError::Other(_) => {
            tracing::error!(error = %error, "Prometheus cannot be asked");
            QueryError::Failed(
                "the controller cannot sign in at Prometheus; its log says why".to_owned(),
            )
        }
    }
}

/// Sorts an answer by who is at fault.
fn judge(answer: Answer) -> Result<Vec<u8>, QueryError> {
    let envelope: Result<Envelope, _> = serde_json::from_slice(&answer.body);
    let status = answer.status.as_u16();
    let failed = || QueryError::Failed(format!("Prometheus answers with status {status}"));
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(_) if status == 200 => {
            return Err(QueryError::Failed(
                "Prometheus answers with something that is not its JSON".to_owned(),
            ));
        }
        Err(_) => return Err(failed()),
    };
    let reason = || envelope.error.chars().take(MAX_REASON).collect();
    match (status, envelope.error_type.as_str()) {
        (200, _) if envelope.status == "success" && envelope.data.is_some() => Ok(answer.body),
        (400, _) if envelope.status == "error" => Err(QueryError::Refused {
            is_understood: false,
            reason: reason(),
        }),
        (422, _) => Err(QueryError::Refused {
            is_understood: true,
            reason: reason(),
        }),
        (503, "timeout" | "canceled") => Err(QueryError::TimedOut),
        _ => Err(failed()),
    }
}

async fn read(body: Vec<u8>) -> Result<Vec<Series>, QueryError> {
    tokio::task::spawn_blocking(move || data::parse(&body))
        .await
        .map_err(|_| QueryError::Failed("the controller is ending".to_owned()))?
        .map_err(|error| {
            QueryError::Failed(format!(
                "Prometheus answers with other data than expected: {error}"
            ))
        })
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn an_answer_is_judged_by_who_is_at_fault() {
        let judged = |status: u16, body: &str| {
            judge(Answer {
                status: StatusCode::from_u16(status).unwrap(),
                body: body.as_bytes().to_vec(),
            })
        };
        let good = r#"{"status":"success","data":{}}"#;
        assert_eq!(judged(200, good), Ok(good.as_bytes().to_vec()));
        let error =
            |kind: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"e"}}"#);
        assert_eq!(
            judged(400, &error("bad_data")),
            Err(QueryError::Refused {
                is_understood: false,
                reason: "e".to_owned()
            })
        );
        assert_eq!(
            judged(422, &error("execution")),
            Err(QueryError::Refused {
                is_understood: true,
                reason: "e".to_owned()
            })
        );
        assert_eq!(judged(503, &error("timeout")), Err(QueryError::TimedOut));
        for (status, body) in [
            (200, ""),
            (200, "<html>"),
            (200, r#"{"status":"success"}"#),
            (200, &error("x")),
            (302, ""),
            (400, "<html>"),
            (401, "no"),
            (500, &error("internal")),
            (503, "nobody"),
        ] {
            let judged = judged(status, body);
            assert!(
                matches!(judged, Err(QueryError::Failed(_))),
                "{status} {body}"
            );
        }
    }
}
