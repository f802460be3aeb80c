//! Runs the controller until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{self, AppState};
use crate::auth::{Authenticator, PasswordHasher};
use crate::backup::{Backups, Schedule, Snapshots};
use crate::channel::Keeper;
use crate::clock::Clock;
use crate::config::Config;
use crate::discovery::Discovery;
use crate::events::Hub;
use crate::fleet::Fleet;
use crate::leader::{Election, Occupation};
use crate::monitoring::Monitoring;
use crate::oidc::Oidc;
use crate::page::Page;
use crate::prometheus::Client;
use crate::promtool::Promtool;
use crate::recovery::{Lookout, Recovery};
use crate::rules;
use crate::store::{Kind, Sealer, Store};
use crate::sync::Engine;
use crate::telemetry::Telemetry;
use crate::watchdog::Watchdog;
use crate::web::{self, Tls};

/// How often it is looked whether another controller has changed something.
const LOOK_FOR_CHANGES: Duration = Duration::from_millis(500);
/// Rest after a term that ended by a mistake of ours.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Opens the store that the configuration names.
///
/// # Errors
/// When it cannot be opened, or the master key is not the right one.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let sealer = Sealer::parse(&config.master_key()?)?;
    Ok(Store::open(&config.database_url(), sealer, Clock::System).await?)
}

/// A controller that listens and is ready to serve.
pub struct Controller {
    listener: TcpListener,
    state: AppState,
    duties: Duties,
    keeper: Keeper,
    hub: Hub,
    election: Election,
    hangups: watch::Sender<u64>,
    _occupation: Occupation,
}

/// What only the leader does. A term that ended in a panic leaves them to the next.
#[derive(Clone)]
struct Duties {
    engine: Arc<Engine>,
    watchdog: Watchdog,
    recoveries: Vec<Recovery>,
    lookout: Option<Lookout>,
    schedule: Arc<Schedule>,
}

impl Controller {
    /// Opens the store and the port.
    ///
    /// # Errors
    /// When either cannot be had.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let tls = config.tls.files().map(Tls::open).transpose()?;
        let occupation = Occupation::take(&config.database_url())?;
        let store = open_store(config).await?;
        rules::install(&store).await?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| anyhow::anyhow!("listen: {}: {error}", config.listen))?;
        let authenticator = Authenticator::new(store.clone(), PasswordHasher::new()?);
        let (engine, sync) = Engine::new(store.clone(), config)?;
        let (keeper, channel) = Keeper::new(store.clone(), config.prometheus.target_lists());
        let engine = engine.after_exporters(channel.clone());
        let mut recoveries = Vec::new();
        for server in config.prometheus.iter() {
            if let Some(client) = Client::new(server)? {
                recoveries.push(Recovery::new(store.clone(), client, &config.alerts));
            }
        }
        let lookout = Lookout::new(store.clone(), &config.alertmanager)?;
        let can_ask = !recoveries.is_empty();
        let watchdog = Watchdog::new(store.clone(), config.alerts.retention(), can_ask);
        let sources: Vec<&str> = recoveries.iter().map(Recovery::name).collect();
        let mut tx = store.write().await?;
        if tx.keep_recovery_sources(&sources).await? > 0 {
            tx.commit().await?;
        } else {
            drop(tx);
        }
        let election = Election::new(&config.database);
        let telemetry = Arc::new(Telemetry::new(store.times()));
        let backups = Backups::new(config, store.clone(), Arc::clone(&telemetry));
        let snapshots = Snapshots::new(config, store.clone(), Arc::clone(&telemetry))?;
        let schedule = Schedule::new(config, store.clone(), backups.as_ref(), snapshots);
        let (hub, events) = Hub::new(store.clone(), sync.clone());
        let monitoring = Monitoring::new(config)?;
        let fleet = Fleet::new(store.clone(), monitoring.source.clone());
        let state = AppState {
            events,
            fleet,
            page: Page::built(),
            discovery: Discovery::new(config.discovery.clone(), store.clock().clone()),
            sync,
            telemetry,
            backups,
            channel,
            oidc: Oidc::new(&config.oidc)?,
            store,
            authenticator,
            allow_plain_http: config.channel.allow_plain_http,
            trusted_proxies: config.trusted_proxies.clone().into(),
            monitoring,
            metrics: config.metrics,
            standing: election.standing(),
            tls,
            promtool: Promtool::new(config.prometheus.first().promtool.clone()),
        };
        Ok(Self {
            listener,
            state,
            duties: Duties {
                engine: Arc::new(engine),
                watchdog,
                recoveries,
                lookout,
                schedule: Arc::new(schedule),
            },
            keeper,
            hub,
            election,
            hangups: watch::channel(0).0,
            _occupation: occupation,
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

    /// Where it is told of SIGHUP: files that can be renewed are read anew.
    #[must_use]
    pub fn hangups(&self) -> watch::Sender<u64> {
        self.hangups.clone()
    }

    /// Answers until `shutdown` is cancelled; then running requests get ten
    /// seconds, and the store is closed.
    ///
    /// # Errors
    /// When serving fails altogether.
    pub async fn serve(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let store = self.state.store.clone();
        let discovery = self.state.discovery.clone();
        let tls = self.state.tls.clone();
        let renewal = tls
            .clone()
            .map(|tls| tokio::spawn(tls.watch(self.hangups.subscribe(), shutdown.clone())));
        let changes = tokio::spawn(look_for_changes(store.clone(), shutdown.clone()));
        let keeper = tokio::spawn(self.keeper.run(shutdown.clone()));
        let hub = tokio::spawn(self.hub.run(shutdown.clone()));
        let terms = tokio::spawn(terms(self.election, self.duties, shutdown.clone()));
        let router = api::router(self.state);
        web::serve(
            self.listener,
            router,
            tls,
            web::Options::default(),
            shutdown,
        )
        .await;
        discovery.shut_down();
        for task in [Some(terms), Some(keeper), Some(hub), Some(changes), renewal]
            .into_iter()
            .flatten()
        {
            if task.await.is_err() {
                tracing::error!("A part of the controller ended in a panic");
            }
        }
        store.close().await;
        Ok(())
    }
}

/// Leads whenever it can, and follows in between.
async fn terms(mut election: Election, duties: Duties, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let follow = shutdown.child_token();
        let following = tokio::spawn({
            let (duties, follow) = (duties.clone(), follow.clone());
            async move { duties.engine.follow(follow).await }
        });
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = election.win() => {}
        }
        follow.cancel();
        if following.await.is_err() {
            tracing::error!("Following ended in a panic");
        }
        if shutdown.is_cancelled() {
            break;
        }
        let term = shutdown.child_token();
        let mut tasks = duties.begin(&term);
        let is_broken = tokio::select! {
            () = shutdown.cancelled() => false,
            () = election.hold() => false,
            ended = tasks.join_next() => ended.is_some(),
        };
        if is_broken {
            tracing::error!("A duty of the leader ended in a panic; beginning anew");
        }
        // Nothing of this term may outlive it.
        term.cancel();
        while tasks.join_next().await.is_some() {}
        election.resign().await;
        if is_broken {
            tokio::time::sleep(RESTART_PAUSE).await;
        }
    }
}

impl Duties {
    fn begin(&self, term: &CancellationToken) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let (engine, token) = (Arc::clone(&self.engine), term.clone());
        tasks.spawn(async move { engine.run(token).await });
        tasks.spawn(self.watchdog.clone().run(term.clone()));
        for recovery in &self.recoveries {
            tasks.spawn(recovery.clone().run(term.clone()));
        }
        if let Some(lookout) = self.lookout.clone() {
            tasks.spawn(lookout.run(term.clone()));
        }
        let (schedule, token) = (Arc::clone(&self.schedule), term.clone());
        tasks.spawn(async move { schedule.run(token).await });
        tasks
    }
}

/// Wakes those who wait for a new revision when another controller made it.
async fn look_for_changes(store: Store, shutdown: CancellationToken) {
    if store.kind() != Kind::Postgres {
        return;
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_FOR_CHANGES) => {}
        }
        if let Err(error) = store.look_for_revision().await {
            tracing::debug!(%error, "The revision could not be read");
        }
    }
}
