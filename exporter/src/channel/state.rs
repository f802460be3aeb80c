//! What a follower knows, and what it makes of answers and failures.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use serde::Serialize;
use tracing::{debug, error, info, warn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Rfc3339};
use zeroize::Zeroizing;

use super::client::{Answer, Client};
use super::error::ChannelError;
use super::follower::{Outcome, Settings};
use super::sealed::SealedCopy;
use super::token::Token;
use crate::app::App;

/// Shortest time between two requests that bring nothing new, and after one that
/// does: a controller that answers too soon is not asked in a circle.
const PACE: Duration = Duration::from_secs(1);
const PACE_CHANGED: Duration = Duration::from_millis(200);
/// First and longest pause after a failure. Each is cut by chance to between a
/// half and the whole, so that a fleet does not come back all at once.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Longest pause that a controller may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// Longest error that is told, in characters.
const MAX_ERROR: usize = 1000;
/// How much of a version's name is shown in metrics, in characters.
const SHOWN_VERSION: usize = 12;

/// Where the configuration in use is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    None,
    Controller,
    Cache,
}

impl Source {
    fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Controller => "controller",
            Self::Cache => "cache",
        }
    }
}

/// What the controller is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Standing {
    applied: Option<String>,
    refused: Option<String>,
    error: String,
    version: &'static str,
    started_at: String,
    source: Source,
}

/// What a follower knows.
pub(super) struct State {
    app: Arc<App>,
    client: Client,
    token_file: PathBuf,
    copy: Option<Arc<SealedCopy>>,
    standing: Standing,
    /// What the controller knows of it.
    told: Option<Standing>,
    failures: u32,
    complaint: Option<String>,
}

impl State {
    /// Knows nothing of the controller yet.
    pub(super) fn new(settings: Settings, app: Arc<App>, copy: Option<Arc<SealedCopy>>) -> Self {
        Self {
            app,
            client: Client::new(settings.endpoint, settings.ca_file),
            token_file: settings.token_file,
            copy,
            standing: Standing {
                applied: None,
                refused: None,
                error: String::new(),
                version: env!("CARGO_PKG_VERSION"),
                started_at: now(),
                source: Source::None,
            },
            told: None,
            failures: 0,
            complaint: None,
        }
    }

    pub(super) fn begin_with_copy(&mut self) {
        let Some(copy) = &self.copy else { return };
        let path = copy.path().display().to_string();
        match copy.load() {
            Ok(None) => {}
            Ok(Some(kept)) => match self.app.apply(&kept.text) {
                Ok(()) => {
                    info!(path, "Began with the sealed copy of the last configuration");
                    self.works_with(kept.etag, Source::Cache);
                }
                Err(error) => {
                    error!(path, %error, "The sealed copy is refused and counts as none");
                }
            },
            Err(reason) => error!(
                path,
                reason, "The sealed copy cannot be used and counts as none"
            ),
        }
    }

    pub(super) async fn fetch(&mut self, wait: Duration) -> Result<Answer, ChannelError> {
        let token = read_token(&self.token_file).await?;
        let known: Vec<&str> = [&self.standing.applied, &self.standing.refused]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        self.client.fetch(&token, &known, wait).await
    }

    /// Makes the most of an answer. The pause that the controller asks for.
    pub(super) async fn take(&mut self, answer: Answer) -> Result<Option<Duration>, ChannelError> {
        match answer {
            Answer::Unchanged { etag, retry_after } => {
                self.app.telemetry().controller_answered("unchanged");
                let is_confirmed = etag.is_some() && etag == self.standing.applied;
                if let Some(etag) = etag.filter(|_| is_confirmed)
                    && self.standing.source == Source::Cache
                {
                    self.works_with(etag, Source::Controller);
                }
                Ok(retry_after.map(|pause| pause.min(MAX_RETRY_AFTER)))
            }
            Answer::Config { etag, text } => {
                self.app.telemetry().controller_answered("changed");
                self.apply(etag, text).await.map(|()| None)
            }
        }
    }

    async fn apply(&mut self, etag: String, text: Zeroizing<Vec<u8>>) -> Result<(), ChannelError> {
        let app = Arc::clone(&self.app);
        let copy = self.copy.clone();
        let name = etag.clone();
        // Many targets take a while to read, and a disk to write.
        let work = move || -> Result<(), String> {
            let text = std::str::from_utf8(&text).map_err(|_| "it is no UTF-8 text".to_owned())?;
            app.apply(text).map_err(|error| error.to_string())?;
            if let Some(copy) = copy
                && let Err(reason) = copy.save(&name, text)
            {
                error!(path = %copy.path().display(), reason, "The configuration could not be kept");
            }
            Ok(())
        };
        let applied = tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err("the exporter could not read it to its end".to_owned()));
        match applied {
            Ok(()) => {
                self.works_with(etag, Source::Controller);
                Ok(())
            }
            Err(reason) => {
                self.standing.refused = Some(etag);
                self.standing.error = reason.chars().take(MAX_ERROR).collect();
                Err(ChannelError::Config(reason))
            }
        }
    }

    fn works_with(&mut self, etag: String, source: Source) {
        let version: String = etag.trim_matches('"').chars().take(SHOWN_VERSION).collect();
        self.app
            .telemetry()
            .controller_config(source.label(), &version);
        self.standing.applied = Some(etag);
        self.standing.refused = None;
        self.standing.error.clear();
        self.standing.source = source;
    }

    /// What somebody is told who asked for a refresh.
    pub(super) fn outcome<T>(&self, result: &Result<T, ChannelError>) -> Outcome {
        match result {
            // What the controller has is what was refused before.
            Ok(_) if self.standing.refused.is_some() => {
                let reason = self.standing.error.clone();
                Err(ChannelError::Config(reason).to_string())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Logs and counts what came of a request, and gives the time until the next.
    pub(super) fn conclude(&mut self, result: Result<Option<Duration>, ChannelError>) -> Pause {
        let error = match result {
            Ok(asked) => {
                if self.complaint.take().is_some() {
                    info!("The controller gives usable answers again");
                }
                self.failures = 0;
                return match asked {
                    Some(pause) => Pause::Full(jittered(pause)),
                    None if self.told.as_ref() == Some(&self.standing) => Pause::Since(PACE),
                    None => Pause::Since(PACE_CHANGED),
                };
            }
            Err(error) => error,
        };
        self.app.telemetry().controller_failed(error.label());
        let text = error.to_string();
        self.app
            .explain_not_ready(format!("no configuration from the controller yet: {text}"));
        if self.complaint.as_ref() == Some(&text) {
            debug!(error = text, "The controller gives no usable answer");
        } else if matches!(error, ChannelError::Config(_)) {
            error!(error = text, "The old configuration stays in use");
        } else {
            warn!(
                error = text,
                "The controller gives no usable answer; trying again"
            );
        }
        self.complaint = Some(text);
        if matches!(error, ChannelError::Config(_)) {
            // It answers well; what it has is wrong until it changes.
            self.failures = 0;
            return Pause::Since(PACE);
        }
        // What it knew of us may be gone with its store.
        self.told = None;
        let (first, longest) = BACK_OFF;
        let pause = first
            .saturating_mul(1 << self.failures.min(10))
            .min(longest);
        self.failures = self.failures.saturating_add(1);
        Pause::Full(jittered(pause))
    }

    /// Whether there was no answer the last time.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Tells the controller how things stand, if it does not know. That it cannot
    /// be told is no failure: the next request will say more.
    pub(super) async fn tell(&mut self) {
        if self.has_failed() || self.told.as_ref() == Some(&self.standing) {
            return;
        }
        let told = async {
            let token = read_token(&self.token_file).await?;
            let status = serde_json::to_string(&self.standing)
                .map_err(|error| ChannelError::Garbled(error.to_string()))?;
            self.client.tell(&token, status).await
        };
        match told.await {
            Ok(()) => self.told = Some(self.standing.clone()),
            Err(error) => debug!(%error, "The controller could not be told how things stand"),
        }
    }
}

/// How long to wait before the next request.
pub(super) enum Pause {
    /// From now.
    Full(Duration),
    /// From the beginning of the last request.
    Since(Duration),
}

/// The present as RFC 3339 in UTC.
fn now() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = Rfc3339.format_time(&mut Writer::new(&mut text));
    text
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..1.0))
}

async fn read_token(path: &std::path::Path) -> Result<Token, ChannelError> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || Token::read(&path))
        .await
        .unwrap_or_else(|_| Err(ChannelError::Token("cannot be read".to_owned())))
}
