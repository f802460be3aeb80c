//! The loop that follows a controller.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::endpoint::Endpoint;
use super::sealed::SealedCopy;
use super::state::{Pause, State};
use super::tls;
use super::token::Token;
use crate::app::App;

/// How long the controller is asked to wait for a change: its own bound, and
/// less than proxies usually wait.
const WAIT: Duration = Duration::from_secs(55);
/// How long a request for a refresh waits for its outcome.
const REFRESH: Duration = Duration::from_secs(30);
/// Refreshes that may wait at once.
const MAX_REFRESHES: usize = 16;

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

pub(super) type Outcome = Result<(), String>;

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

/// Follows a controller: see the [module documentation](super).
pub struct Follower {
    state: State,
    asks: mpsc::Receiver<oneshot::Sender<Outcome>>,
    /// Told when the first request has come to an end.
    first: oneshot::Sender<()>,
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
        let mut state = State::new(settings, app, copy);
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
            wait = if state.has_failed() {
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
