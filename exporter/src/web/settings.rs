//! The web configuration while the server runs: read again whenever one of its files changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hyper::header::HeaderMap;
use hyper::{Request, Response};
use rustls::ServerConfig;

use super::auth::{Verdict, Verifier};
use super::rate_limit::Bucket;
use super::response::{self, Body};
use super::stamp::Watched;
use super::web_config::{self, Attempt, WebConfig};
use crate::config::{ConfigError, Diagnostic};

/// TLS, users, headers and rate limit of the server, kept up to date with their files.
///
/// Before each connection and each request the files are looked at (a few system calls) and read
/// again when one changed. A file that became bad lets nobody in: every request is answered with
/// 500 until it is good again, and the reason is logged once. Whether TLS is used at all is
/// decided at the start.
#[derive(Debug)]
pub struct WebSettings {
    path: Option<PathBuf>,
    uses_tls: bool,
    state: Mutex<State>,
    verifier: Verifier,
    bucket: Mutex<Option<Bucket>>,
}

#[derive(Debug)]
struct State {
    watched: Watched,
    current: Result<Arc<WebConfig>, Arc<ConfigError>>,
    /// The last TLS set-up that worked, to answer 500 with while the file is bad.
    tls: Option<Arc<ServerConfig>>,
}

impl WebSettings {
    /// Reads the file for the first time. Without a file everybody is let in over plain HTTP.
    ///
    /// # Errors
    /// Whatever is wrong with the file or with one that it names.
    pub fn load(path: Option<&Path>) -> Result<(Self, Vec<Diagnostic>), ConfigError> {
        let (config, warnings, watched) = match path {
            None => (WebConfig::open(), Vec::new(), Watched::default()),
            Some(path) => {
                let Attempt { result, watched } = web_config::load(path);
                let (config, warnings) = result?;
                (config, warnings, watched)
            }
        };
        let tls = config.tls.clone();
        let settings = Self {
            path: path.map(PathBuf::from),
            uses_tls: tls.is_some(),
            state: Mutex::new(State {
                watched,
                current: Ok(Arc::new(config)),
                tls,
            }),
            verifier: Verifier::new(),
            bucket: Mutex::new(None),
        };
        Ok((settings, warnings))
    }

    /// Does the server speak TLS?
    #[must_use]
    pub fn uses_tls(&self) -> bool {
        self.uses_tls
    }

    /// Does the server ask for a user name and a password?
    #[must_use]
    pub fn has_users(&self) -> bool {
        self.current().is_ok_and(|config| !config.users.is_empty())
    }

    /// What to shake hands with; the last good set-up while the file is bad.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        // Refreshes.
        let _ = self.current();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tls.clone()
    }

    fn current(&self) -> Result<Arc<WebConfig>, Arc<ConfigError>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && state.watched.changed()
        {
            self.refresh(path, &mut state);
        }
        state.current.clone()
    }

    fn refresh(&self, path: &Path, state: &mut State) {
        let Attempt { result, watched } = web_config::load(path);
        state.watched = watched;
        let result = result.and_then(|(config, warnings)| {
            if config.tls.is_some() == self.uses_tls {
                Ok((config, warnings))
            } else {
                let change = if self.uses_tls { "off" } else { "on" };
                Err(ConfigError {
                    errors: vec![Diagnostic::whole_file(
                        path,
                        format!(
                            "TLS cannot be switched {change} while the exporter runs; restart it"
                        ),
                    )],
                    warnings,
                })
            }
        });
        state.current = match result {
            Ok((config, warnings)) => {
                tracing::info!(path = %path.display(), "Loaded web config file");
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                state.tls.clone_from(&config.tls);
                Ok(Arc::new(config))
            }
            Err(error) => {
                tracing::error!(%error, "Web config file is bad; every request gets 500 until it is good again");
                Err(Arc::new(error))
            }
        };
    }

    /// Lets a request in, or answers it. The headers of the configuration are set on the answer
    /// of `next` too.
    pub(crate) async fn guard<B, N, F>(&self, request: Request<B>, next: N) -> Response<Body>
    where
        N: FnOnce(Request<B>) -> F,
        F: Future<Output = Response<Body>>,
    {
        let Ok(config) = self.current() else {
            return response::internal_error();
        };
        let mut response = if self.is_within_rate(&config) {
            match self.authenticate(&config, request.headers()).await {
                Verdict::Granted => next(request).await,
                Verdict::Refused => response::unauthorized(),
                Verdict::Busy => response::too_many_requests(),
            }
        } else {
            response::too_many_requests()
        };
        for (name, value) in &config.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }

    async fn authenticate(&self, config: &WebConfig, headers: &HeaderMap) -> Verdict {
        if config.users.is_empty() {
            Verdict::Granted
        } else {
            self.verifier.check(&config.users, headers).await
        }
    }

    fn is_within_rate(&self, config: &WebConfig) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(limit) = config.rate_limit else {
            *bucket = None;
            return true;
        };
        let now = Instant::now();
        match &mut *bucket {
            // A changed file whose limit stayed the same does not refill the bucket.
            Some(bucket) if bucket.limit() == limit => bucket.allow(now),
            other => other.insert(Bucket::new(limit, now)).allow(now),
        }
    }
}
