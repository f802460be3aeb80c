//! A client of Alertmanager: what it has, and what it is told. Its answers are
//! bounded and checked; what it says when it refuses is handed on.

mod silence;

pub use silence::{HeldSilence, HeldSilences, HeldState, parse_silences};

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::config::{AlertmanagerConfig, EndpointConfig};
use crate::model::{MatchOperator, Matcher};
use crate::prometheus::{Answer, Client, PrometheusError};

/// Longest message of Alertmanager that is handed on, in characters.
const MAX_REASON: usize = 1000;
/// Longest id of a silence that is taken, in bytes.
const MAX_ID: usize = 100;

/// Why Alertmanager did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertmanagerError {
    /// It cannot be asked.
    #[error("Alertmanager cannot be asked: {0}")]
    Unreachable(String),
    /// It answers something else than what was asked for.
    #[error("Alertmanager answers {0}")]
    Answer(String),
    /// It will not do that, however often it is asked.
    #[error("Alertmanager refuses it: {0}")]
    Refused(String),
    /// It has nothing of that name.
    #[error("Alertmanager has no such silence")]
    NotFound,
}

impl From<PrometheusError> for AlertmanagerError {
    fn from(error: PrometheusError) -> Self {
        match error {
            PrometheusError::Unreachable { url, cause } => {
                Self::Unreachable(format!("{url}: {cause}"))
            }
            PrometheusError::TimedOut { url } => {
                Self::Unreachable(format!("{url}: no answer in time"))
            }
            PrometheusError::Answer { url, what } => {
                Self::Unreachable(format!("{url} answers with {what}"))
            }
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// A silence as Alertmanager is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSilence {
    /// The one whose place it takes.
    pub replaces: Option<String>,
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// From when. Alertmanager makes the present of the past, unless the silence
    /// that is replaced has the same begin.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who made it.
    pub author: String,
    /// What it says about itself.
    pub comment: String,
}

/// One Alertmanager. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    client: Client,
}

impl Alertmanager {
    /// The Alertmanager of the configuration; `None` when it names none.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(config: &AlertmanagerConfig) -> Result<Option<Self>, PrometheusError> {
        let client = Client::at_endpoint(&config.endpoint())?;
        Ok(client.map(|client| Self { client }))
    }

    /// One at an address, which asks for no log-in.
    ///
    /// # Errors
    /// When no client can be made, or the address is none.
    pub fn at(url: &str) -> Result<Self, AlertmanagerError> {
        let none = || AlertmanagerError::Unreachable(format!("{url} is no address"));
        let endpoint = EndpointConfig {
            url: Some(url.parse().map_err(|_| none())?),
            ..EndpointConfig::default()
        };
        let client = Client::at_endpoint(&endpoint)?.ok_or_else(none)?;
        Ok(Self { client })
    }

    /// Where it answers.
    #[must_use]
    pub fn name(&self) -> &str {
        self.client.url().as_str()
    }

    /// All alerts that it has, as it answers.
    ///
    /// # Errors
    /// [`AlertmanagerError::Unreachable`].
    pub async fn alerts(&self) -> Result<Vec<u8>, AlertmanagerError> {
        let query = [
            ("active", "true"),
            ("silenced", "true"),
            ("inhibited", "true"),
            ("unprocessed", "true"),
        ];
        Ok(self.client.get("api/v2/alerts", &query).await?)
    }

    /// All silences that it has, also those that are over and not forgotten yet.
    ///
    /// # Errors
    /// [`AlertmanagerError::Unreachable`], [`AlertmanagerError::Answer`].
    pub async fn silences(&self) -> Result<HeldSilences, AlertmanagerError> {
        let body = self.client.get("api/v2/silences", &[]).await?;
        let parsed = tokio::task::spawn_blocking(move || parse_silences(&body)).await;
        parsed
            .map_err(|_| AlertmanagerError::Answer("what cannot be read".to_owned()))?
            .map_err(|error| AlertmanagerError::Answer(format!("no list of silences: {error}")))
    }

    /// One silence.
    ///
    /// # Errors
    /// See [`AlertmanagerError`].
    pub async fn silence(&self, id: &str) -> Result<HeldSilence, AlertmanagerError> {
        let answer = success(self.client.get_any(&silence_path(id), &[]).await?)?;
        silence::parse_silence(&answer.body)
            .map_err(|error| AlertmanagerError::Answer(format!("no silence: {error}")))
    }

    /// Gives it a silence, and tells the id that it has there.
    ///
    /// # Errors
    /// See [`AlertmanagerError`]; [`AlertmanagerError::NotFound`] when there is
    /// nothing to be replaced.
    pub async fn put_silence(&self, wanted: &WantedSilence) -> Result<String, AlertmanagerError> {
        let mut body = json!({
            "matchers": wanted.matchers.iter().map(matcher).collect::<Vec<_>>(),
            "startsAt": wanted.starts_at,
            "endsAt": wanted.ends_at,
            "createdBy": wanted.author,
            "comment": wanted.comment,
        });
        if let Some(id) = &wanted.replaces {
            body["id"] = id.as_str().into();
        }
        let answer = self.client.post_json("api/v2/silences", &body).await?;
        let answer = success(answer)?;
        let made: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| AlertmanagerError::Answer(format!("no JSON: {error}")))?;
        match made["silenceID"].as_str() {
            Some(id) if !id.is_empty() && id.len() <= MAX_ID && !id.contains('\0') => {
                Ok(id.to_owned())
            }
            _ => Err(AlertmanagerError::Answer(
                "no id of a silence, and no reason".to_owned(),
            )),
        }
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// See [`AlertmanagerError`].
    pub async fn expire_silence(&self, id: &str) -> Result<(), AlertmanagerError> {
        success(self.client.delete(&silence_path(id)).await?).map(|_| ())
    }

    /// Its metrics, as it answers.
    ///
    /// # Errors
    /// [`AlertmanagerError::Unreachable`].
    pub async fn metrics(&self) -> Result<Vec<u8>, AlertmanagerError> {
        Ok(self.client.get("metrics", &[]).await?)
    }

    /// Tells it of alerts.
    ///
    /// # Errors
    /// See [`AlertmanagerError`].
    pub async fn tell(&self, alerts: &Value) -> Result<(), AlertmanagerError> {
        success(self.client.post_json("api/v2/alerts", alerts).await?).map(|_| ())
    }
}

fn silence_path(id: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    format!("api/v2/silence/{encoded}")
}

fn matcher(matcher: &Matcher) -> Value {
    let (is_regex, is_equal) = match matcher.operator {
        MatchOperator::Equal => (false, true),
        MatchOperator::NotEqual => (false, false),
        MatchOperator::Regex => (true, true),
        MatchOperator::NotRegex => (true, false),
    };
    json!({"name": matcher.name, "value": matcher.value, "isRegex": is_regex, "isEqual": is_equal})
}

/// The answer, if it is one of success.
fn success(answer: Answer) -> Result<Answer, AlertmanagerError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    let reason = reason(&answer.body);
    // Versions before 0.26 answer 500 for a silence that there is not.
    if status.as_u16() == 404 || reason == "silence not found" {
        return Err(AlertmanagerError::NotFound);
    }
    let text = if reason.is_empty() {
        format!("with status {status}")
    } else {
        reason
    };
    // What a proxy in front of it says is not its word.
    Err(match status.as_u16() {
        400 | 422 => AlertmanagerError::Refused(text),
        _ => AlertmanagerError::Answer(format!("{status}: {text}")),
    })
}

/// What it says about an error: a text in quotes, an object with a message, or
/// plain text.
fn reason(body: &[u8]) -> String {
    let text = match serde_json::from_slice(body) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(object)) => match object.get("message") {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        },
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let shown = text.trim().chars().filter(|character| *character != '\0');
    shown.take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn refusals_are_told_from_failures() {
        let judge = |status: u16, body: &str| {
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                body: body.as_bytes().to_vec(),
            };
            success(answer).map(|_| ())
        };
        assert_eq!(judge(200, ""), Ok(()));
        assert_eq!(
            judge(400, "\"end time must not be in the past\"\n"),
            Err(AlertmanagerError::Refused(
                "end time must not be in the past".to_owned()
            ))
        );
        assert_eq!(
            judge(
                422,
                r#"{"code":612,"message":"matchers in body should have at least 1 items"}"#
            ),
            Err(AlertmanagerError::Refused(
                "matchers in body should have at least 1 items".to_owned()
            ))
        );
        for (status, body) in [
            (404, "\"silence not found\""),
            (500, "\"silence not found\""),
        ] {
            assert_eq!(judge(status, body), Err(AlertmanagerError::NotFound));
        }
        for status in [301, 401, 500, 502] {
            let found = judge(status, &"x".repeat(2000)).unwrap_err();
            assert!(
                matches!(&found, AlertmanagerError::Answer(text) if text.len() < 1100),
                "{found}"
            );
        }
        let nothing = judge(400, "").unwrap_err().to_string();
        assert!(nothing.contains("400"), "{nothing}");
    }
}
