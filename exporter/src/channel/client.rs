//! What the controller is asked and told, and what its answers mean.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::connection::{Connection, body};
use super::endpoint::Endpoint;
use super::error::ChannelError;
use super::token::Token;
use crate::config::MAX_FILE_BYTES;

/// How long the head of an answer may take, beyond the wait that was asked for.
const HEAD: Duration = Duration::from_secs(10);
/// Largest configuration; the module file's bound.
const MAX_BODY: usize = 16 * 1024 * 1024;
const _: () = assert!(MAX_BODY as u64 == MAX_FILE_BYTES);
/// Largest answer that only says what is wrong.
const MAX_PROBLEM: usize = 16 * 1024;
/// Longest reason of the controller that is shown, in characters.
const MAX_DETAIL: usize = 300;
/// Longest ETag.
const MAX_ETAG: usize = 128;
const AGENT: &str = concat!("ipmi_exporter/", env!("CARGO_PKG_VERSION"));

/// What the controller said.
pub(super) enum Answer {
    /// This is the configuration.
    Config {
        /// Its name.
        etag: String,
        /// The text.
        text: Zeroizing<Vec<u8>>,
    },
    /// One of those that were named.
    Unchanged {
        /// Which.
        etag: Option<String>,
        /// When to ask again, if the controller cannot let us wait.
        retry_after: Option<Duration>,
    },
}

/// The controller, as exporters may ask it.
pub(super) struct Client {
    endpoint: Arc<Endpoint>,
    connection: Connection,
}

impl Client {
    pub(super) fn new(endpoint: Endpoint, ca_file: Option<PathBuf>) -> Self {
        let endpoint = Arc::new(endpoint);
        Self {
            connection: Connection::new(Arc::clone(&endpoint), ca_file),
            endpoint,
        }
    }

    /// Asks for a configuration that has none of the names in `known`, for `wait`.
    pub(super) async fn fetch(
        &mut self,
        token: &Token,
        known: &[&str],
        wait: Duration,
    ) -> Result<Answer, ChannelError> {
        let path = self
            .endpoint
            .path(&format!("config?wait={}s", wait.as_secs()));
        let mut request = self.request(Method::GET, &path, token)?;
        if !known.is_empty() {
            request = request.header(IF_NONE_MATCH, known.join(", "));
        }
        let response = self
            .connection
            .send(request, Bytes::new(), wait + HEAD)
            .await?;
        let etag = response
            .headers()
            .get(ETAG)
            .and_then(|value| value.to_str().ok())
            .filter(|etag| etag.len() <= MAX_ETAG && etag.starts_with('"'))
            .map(str::to_owned);
        match response.status() {
            StatusCode::OK => {
                let etag =
                    etag.ok_or_else(|| ChannelError::Garbled("it has no ETag".to_owned()))?;
                let text = body(response, MAX_BODY).await?;
                Ok(Answer::Config { etag, text })
            }
            StatusCode::NOT_MODIFIED if !known.is_empty() => {
                let seconds = response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(Answer::Unchanged {
                    etag,
                    retry_after: seconds.map(Duration::from_secs),
                })
            }
            _ => Err(refusal(response, token).await),
        }
    }

    /// Tells the controller how things stand.
    pub(super) async fn tell(&mut self, token: &Token, status: String) -> Result<(), ChannelError> {
        let path = self.endpoint.path("status");
        let request = self
            .request(Method::PUT, &path, token)?
            .header(CONTENT_TYPE, "application/json");
        let response = self.connection.send(request, status.into(), HEAD).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(refusal(response, token).await)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: &Token,
    ) -> Result<hyper::http::request::Builder, ChannelError> {
        Ok(Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.endpoint.authority())
            .header(USER_AGENT, AGENT)
            .header(AUTHORIZATION, token.header()?))
    }
}

/// What an answer says that gives nothing.
async fn refusal(response: Response<Incoming>, token: &Token) -> ChannelError {
    let status = response.status();
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    let detail = if is_problem {
        detail(response, token).await
    } else {
        String::new()
    };
    match status {
        StatusCode::UNAUTHORIZED => ChannelError::Unauthorized(detail),
        StatusCode::FORBIDDEN => ChannelError::Forbidden(detail),
        status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
            ChannelError::Status(
                status.as_u16(),
                ", which leads elsewhere and is not followed".to_owned(),
            )
        }
        status => ChannelError::Status(status.as_u16(), detail),
    }
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// The reason of a problem, short; empty when it gives none, or gives our token back.
async fn detail(response: Response<Incoming>, token: &Token) -> String {
    let Ok(text) = body(response, MAX_PROBLEM).await else {
        return String::new();
    };
    let Ok(problem) = serde_json::from_slice::<Problem>(&text) else {
        return String::new();
    };
    if token.is_in(&problem.detail) {
        return String::new();
    }
    let shown = problem.detail.chars().filter(|c| !c.is_control());
    let shown: String = shown.take(MAX_DETAIL).collect();
    format!(": {shown}")
}
