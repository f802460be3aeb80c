//! Runs the controller until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{self, AppState};
use crate::auth::{Authenticator, PasswordHasher};
use crate::clock::Clock;
use crate::config::Config;
use crate::prometheus::Client;
use crate::recovery::{Lookout, Recovery};
use crate::store::{Sealer, Store};
use crate::sync::Engine;
use crate::watchdog::Watchdog;

/// How long running requests get after the shutdown began.
const DRAIN: Duration = Duration::from_secs(10);

/// Opens the store that the configuration names.
///
/// # Errors
/// When it cannot be opened, or the master key is not the right one.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let sealer = Sealer::parse(&config.master_key()?)?;
    // The file is made at the first start.
    let mut url = config.database.clone();
    if url.starts_with("sqlite:") && !url.contains("mode=") {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str("mode=rwc");
    }
    Ok(Store::open(&url, sealer, Clock::System).await?)
}

/// A controller that listens and is ready to serve.
pub struct Controller {
    listener: TcpListener,
    state: AppState,
    engine: Engine,
    watchdog: Watchdog,
    recovery: Option<Recovery>,
    lookout: Option<Lookout>,
}

impl Controller {
    /// Opens the store and the port.
    ///
    /// # Errors
    /// When either cannot be had.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let store = open_store(config).await?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| anyhow::anyhow!("listen: {}: {error}", config.listen))?;
        let authenticator = Authenticator::new(store.clone(), PasswordHasher::new()?);
        let (engine, sync) = Engine::new(store.clone(), config)?;
        let recovery = Client::new(&config.prometheus)?
            .map(|client| Recovery::new(store.clone(), client, &config.alerts));
        let lookout = Lookout::new(store.clone(), &config.alertmanager)?;
        let watchdog = Watchdog::new(store.clone(), config.alerts.retention(), recovery.is_some());
        let sources: Vec<&str> = recovery.iter().map(Recovery::name).collect();
        let mut tx = store.write().await?;
        if tx.keep_recovery_sources(&sources).await? > 0 {
            tx.commit().await?;
        } else {
            drop(tx);
        }
        let state = AppState {
            sync,
            store,
            authenticator,
            trusted_proxies: config.trusted_proxies.clone().into(),
        };
        Ok(Self {
            listener,
            state,
            engine,
            watchdog,
            recovery,
            lookout,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Its database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.state.store
    }

    /// Answers until `shutdown` is cancelled; then running requests get ten
    /// seconds, and the store is closed.
    ///
    /// # Errors
    /// When serving fails altogether.
    pub async fn serve(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let store = self.state.store.clone();
        let service = api::router(self.state).into_make_service_with_connect_info::<SocketAddr>();
        let engine = tokio::spawn(self.engine.run(shutdown.clone()));
        let watchdog = tokio::spawn(self.watchdog.run(shutdown.clone()));
        let recovery = self
            .recovery
            .map(|recovery| tokio::spawn(recovery.run(shutdown.clone())));
        let lookout = self
            .lookout
            .map(|lookout| tokio::spawn(lookout.run(shutdown.clone())));
        let stopping = shutdown.clone();
        let server = axum::serve(self.listener, service)
            .with_graceful_shutdown(async move { stopping.cancelled().await });
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            result = server => result?,
            () = late => tracing::warn!("Requests that did not end in time were cut off"),
        }
        if engine.await.is_err() {
            tracing::error!("The sync engine ended in a panic");
        }
        if watchdog.await.is_err() {
            tracing::error!("The watchdog of the alert journal ended in a panic");
        }
        for (task, what) in [
            (recovery, "The recovery of alerts"),
            (lookout, "The look at Alertmanager"),
        ] {
            if let Some(task) = task
                && task.await.is_err()
            {
                tracing::error!("{what} ended in a panic");
            }
        }
        store.close().await;
        Ok(())
    }
}
