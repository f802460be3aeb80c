//! A client of one Prometheus, or of another server that signs in alike: bounds
//! time and size, and follows no redirect. What is asked and what an answer means
//! is its users' business.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use crate::config::{EndpointConfig, PrometheusConfig};

/// Longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is taken.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Largest file with a secret.
const MAX_SECRET: u64 = 64 * 1024;

/// Why Prometheus could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrometheusError {
    /// The program cannot make a client.
    #[error("no HTTP client: {0}")]
    Client(reqwest::Error),
    /// A file with a secret cannot be used.
    #[error("{}: {reason}", path.display())]
    Secret {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It does not answer.
    #[error("Prometheus does not answer at {url}: {cause}")]
    Unreachable {
        /// What was asked.
        url: Url,
        /// Why.
        cause: String,
    },
    /// It does not answer in time.
    #[error("Prometheus does not answer at {url} within {} s", TIMEOUT.as_secs())]
    TimedOut {
        /// What was asked.
        url: Url,
    },
    /// It answers something else than expected.
    #[error("Prometheus answers {url} with {what}")]
    Answer {
        /// What was asked.
        url: Url,
        /// What came.
        what: String,
    },
    /// Another server than Prometheus could not be asked.
    #[error("{0}")]
    Other(String),
    /// Its answer is larger than what is taken.
    #[error("the answer of {url} has more than {MAX_BYTES} bytes")]
    TooLarge {
        /// What was asked.
        url: Url,
    },
}

/// A Prometheus. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    login: Login,
}

/// How to sign in; secrets are read for each request, as they may be renewed.
#[derive(Clone, Debug)]
enum Login {
    None,
    Basic { username: String, file: PathBuf },
    Bearer { file: PathBuf },
}

/// What it answered, whatever the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client for the Prometheus of the configuration; `None` when it names none.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(config: &PrometheusConfig) -> Result<Option<Self>, PrometheusError> {
        Self::at_endpoint(&config.endpoint())
    }

    /// A client for the server of a section of the configuration; `None` when it
    /// names none.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn at_endpoint(config: &EndpointConfig) -> Result<Option<Self>, PrometheusError> {
        let Some(url) = config.url.clone() else {
            return Ok(None);
        };
        let login = match (&config.username, &config.password_file) {
            (Some(username), Some(file)) => Login::Basic {
                username: username.clone(),
                file: file.clone(),
            },
            _ => match &config.bearer_token_file {
                Some(file) => Login::Bearer { file: file.clone() },
                None => Login::None,
            },
        };
        // An error says that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect would take the password elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(PrometheusError::Client)?;
        Ok(Some(Self { http, url, login }))
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The body of a successful answer to a GET.
    ///
    /// # Errors
    /// When it cannot be asked, or its status is not one of success.
    pub async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, PrometheusError> {
        let answer = self.get_any(path, query).await?;
        if !answer.status.is_success() {
            return Err(PrometheusError::Answer {
                what: format!("status {}", answer.status),
                url: self.at(path),
            });
        }
        Ok(answer.body)
    }

    /// The answer to a GET, whatever its status.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn get_any(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Answer, PrometheusError> {
        let mut url = self.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.get(url);
        // A long query is not for the log.
        self.send(request, &self.at(path)).await
    }

    /// The answer to a POST with a form, whatever its status. Long queries fit
    /// in a form and in no URL.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer, PrometheusError> {
        let url = self.at(path);
        let request = self.http.request(Method::POST, url.clone()).form(form);
        self.send(request, &url).await
    }

    /// The answer to a POST of a JSON value, whatever its status.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn post_json(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<Answer, PrometheusError> {
        let url = self.at(path);
        let request = self.http.request(Method::POST, url.clone()).json(body);
        self.send(request, &url).await
    }

    /// The answer to a DELETE, whatever its status.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn delete(&self, path: &str) -> Result<Answer, PrometheusError> {
        let url = self.at(path);
        self.send(self.http.delete(url.clone()), &url).await
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url
    }

    async fn send(
        &self,
        mut request: reqwest::RequestBuilder,
        url: &Url,
    ) -> Result<Answer, PrometheusError> {
        if let Some(value) = self.authorization()? {
            request = request.header(AUTHORIZATION, value);
        }
        let unreachable = |error: reqwest::Error| {
            let url = url.clone();
            // A connection that is not made in time is one that is not there.
            if error.is_timeout() && !error.is_connect() {
                return PrometheusError::TimedOut { url };
            }
            PrometheusError::Unreachable {
                url,
                cause: innermost(&error),
            }
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(PrometheusError::TooLarge { url: url.clone() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            body,
        })
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, PrometheusError> {
        use base64::Engine;
        let (file, text) = match &self.login {
            Login::None => return Ok(None),
            Login::Basic { username, file } => {
                let pair = Zeroizing::new(format!("{username}:{}", read_secret(file)?.as_str()));
                let encoded = base64::prelude::BASE64_STANDARD.encode(pair.as_bytes());
                (file, Zeroizing::new(format!("Basic {encoded}")))
            }
            Login::Bearer { file } => {
                let token = read_secret(file)?;
                (file, Zeroizing::new(format!("Bearer {}", token.as_str())))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| PrometheusError::Secret {
            path: file.clone(),
            reason: "contains what no header can carry".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// The secret in a file, without the line's end.
///
/// # Errors
/// When it cannot be read, or is no file that can hold one.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, PrometheusError> {
    // To open a named pipe would wait for ever.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() || found.len() > MAX_SECRET) {
        return Err(PrometheusError::Secret {
            path: path.to_owned(),
            reason: format!("is not a file of up to {MAX_SECRET} bytes"),
        });
    }
    match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => Ok(Zeroizing::new(text.trim_end().to_owned())),
        Err(error) => Err(PrometheusError::Secret {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// The last cause: the outer ones repeat the address.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
