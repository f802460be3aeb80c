//! The loop that follows a controller.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Rfc3339};
use zeroize::Zeroizing;

use super::client::{Answer, Client};
use super::endpoint::Endpoint;
use super::error::ChannelError;
use super::sealed::SealedCopy;
use super::tls;
use super::token::Token;
use crate::app::App;

/// How long the controller is asked to wait for a change: its own bound, and
/// less than proxies usually wait.
const WAIT: Duration = Duration::from_secs(55);
/// Shortest time between two requests that bring nothing new, and after one that
/// does: a controller that answers too soon is not asked in a circle.
const PACE: Duration = Duration::from_secs(1);
const PACE_CHANGED: Duration = Duration::from_millis(200);
/// First and longest pause after a failure. Each is cut by chance to between a
/// half and the whole, so that a fleet does not come back all at once.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Longest pause that a controller may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long a request for a refresh waits for its outcome.
const REFRESH: Duration = Duration::from_secs(30);
/// Refreshes that may wait at once.
const MAX_REFRESHES: usize = 16;
/// Longest error that is told, in characters.
const MAX_ERROR: usize = 1000;
/// How much of a version's name is shown in metrics, in characters.
const SHOWN_VERSION: usize = 12;

/// How to reach a controller, and what to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it is.
    pub endpoint: Endpoint,
    /// File with the token.
    pub token_file: PathBuf,
    /// Authorities that vouch for it; those of the system when absent.
    pub ca_file: Option<PathBuf>,
    /// Where the last configuration is kept; nowhere when absent.
    pub cache_file: Option<PathBuf>,
    /// What it is sealed with; a key beside it when absent.
    pub cache_key_file: Option<PathBuf>,
}

type Outcome = Result<(), String>;

/// Asks a follower to look at once.
pub struct Handle {
    asks: mpsc::Sender<oneshot::Sender<Outcome>>,
}

impl Handle {
    /// Asks the controller now, and waits for what comes of it.
    ///
    /// # Errors
    /// Why there is nothing usable; the old configuration stays.
    pub async fn refresh(&self) -> Outcome {
        let (sender, outcome) = oneshot::channel();
        let asked = async {
            self.asks.send(sender).await.ok()?;
            outcome.await.ok()
        };
        match tokio::time::timeout(REFRESH, asked).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err("the exporter is shutting down".to_owned()),
            Err(_) => Err("the controller has not answered yet".to_owned()),
        }
    }
}

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

/// Follows a controller: see the [module documentation](super).
pub struct Follower {
    state: State,
    asks: mpsc::Receiver<oneshot::Sender<Outcome>>,
    /// Told when the first request has come to an end.
    first: oneshot::Sender<()>,
}

/// What a follower knows.
struct State {
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

impl Settings {
    /// Makes sure that token, authorities and key can be used.
    ///
    /// # Errors
    /// What is wrong, for the operator. Blocks on files.
    fn check(&self) -> Result<Option<SealedCopy>, String> {
        Token::read(&self.token_file).map_err(|error| error.to_string())?;
        if self.endpoint.is_tls {
            tls::client_config(self.ca_file.as_deref())?;
        }
        let copy = self
            .cache_file
            .clone()
            .map(|file| SealedCopy::open(file, self.cache_key_file.as_deref(), &self.endpoint));
        copy.transpose()
    }
}

impl Follower {
    /// Begins with the sealed copy, if there is one. The receiver is told when
    /// the controller has been asked for the first time.
    ///
    /// # Errors
    /// What is wrong with the settings, for the operator. Blocks on files.
    pub fn start(
        settings: Settings,
        app: Arc<App>,
    ) -> Result<(Self, oneshot::Receiver<()>), String> {
        let copy = settings.check()?.map(Arc::new);
        if copy.is_none() {
            warn!(
                "Neither --controller.cache-file nor --cache.dir is given: started while the \
                 controller is away, this exporter will have no modules"
            );
        }
        let (asks_sender, asks) = mpsc::channel(MAX_REFRESHES);
        app.follow(Arc::new(Handle { asks: asks_sender }));
        app.explain_not_ready("no configuration from the controller yet".to_owned());
        let (first, first_ended) = oneshot::channel();
        info!(controller = %settings.endpoint, "Following a controller");
        let mut state = State {
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
        };
        state.begin_with_copy();
        let follower = Self { state, asks, first };
        Ok((follower, first_ended))
    }

    /// Follows until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self {
            mut state,
            mut asks,
            first,
        } = self;
        let mut first = Some(first);
        let mut wait = Duration::ZERO;
        let mut asker: Option<oneshot::Sender<Outcome>> = None;
        loop {
            let began = Instant::now();
            let asked = tokio::select! {
                () = shutdown.cancelled() => return,
                fetched = state.fetch(wait) => Ok(fetched),
                ask = asks.recv(), if asker.is_none() => Err(ask),
            };
            let fetched = match asked {
                Ok(fetched) => fetched,
                Err(ask) => {
                    if ask.is_none() {
                        return;
                    }
                    // Asks anew, without waiting.
                    asker = ask;
                    wait = Duration::ZERO;
                    continue;
                }
            };
            // Not cut off: what is applied is also kept and told.
            let result = match fetched {
                Ok(answer) => state.take(answer).await,
                Err(error) => Err(error),
            };
            let outcome = state.outcome(&result);
            if let Some(asker) = asker.take() {
                let _ = asker.send(outcome);
            }
            let pause = state.conclude(result);
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = state.tell() => {}
            }
            if let Some(first) = first.take() {
                let _ = first.send(());
            }
            // Failures pause in full; answers are paced from their request on.
            let pause = match pause {
                Pause::Full(pause) => pause,
                Pause::Since(pace) => pace.saturating_sub(began.elapsed()),
            };
            // After a failure it is seen at once whether all is well again.
            wait = if state.failures > 0 {
                Duration::ZERO
            } else {
                WAIT
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                ask = asks.recv() => {
                    asker = ask;
                    wait = Duration::ZERO;
                }
            }
        }
    }
}

impl State {
    fn begin_with_copy(&mut self) {
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

    async fn fetch(&mut self, wait: Duration) -> Result<Answer, ChannelError> {
        let token = read_token(&self.token_file).await?;
        let known: Vec<&str> = [&self.standing.applied, &self.standing.refused]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        self.client.fetch(&token, &known, wait).await
    }

    /// Makes the most of an answer. The pause that the controller asks for.
    async fn take(&mut self, answer: Answer) -> Result<Option<Duration>, ChannelError> {
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
    fn outcome<T>(&self, result: &Result<T, ChannelError>) -> Outcome {
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
    fn conclude(&mut self, result: Result<Option<Duration>, ChannelError>) -> Pause {
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

    /// Tells the controller how things stand, if it does not know. That it cannot
    /// be told is no failure: the next request will say more.
    async fn tell(&mut self) {
        if self.failures > 0 || self.told.as_ref() == Some(&self.standing) {
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
enum Pause {
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
