//! The server: from flags to sockets, until a signal ends it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::{App, AppOptions};
use crate::channel::{Follower, Settings};
use crate::cli::ServeArgs;
use crate::collect::CollectOptions;
use crate::collect::store::Store;
use crate::config::ConfigHolder;
use crate::targets::{Limits, Workers};
use crate::web::{self, Server, ServerOptions, WebSettings, route};

/// How long shutting down may take: one Close Session for each BMC.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// How long the start waits for the first answer of a controller.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Options of the application from the server's flags.
pub fn app_options(arguments: &ServeArgs) -> AppOptions {
    AppOptions {
        timeout_offset: arguments.collect.timeout_offset,
        default_timeout: arguments.collect.default_timeout,
        login_rate: arguments.limits.login_rate,
        limits: Limits {
            max_targets: arguments.limits.targets_max as usize,
            max_concurrent: arguments.limits.max_concurrent as usize,
            idle_timeout: arguments.limits.target_idle_timeout,
        },
        collect: CollectOptions {
            non_critical: arguments.collect.sensors.noncritical.into(),
            max_sensors: arguments.collect.sensors.limit as usize,
        },
    }
}

/// Runs the server until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps it from starting, in words for a person.
pub async fn run(arguments: ServeArgs) -> anyhow::Result<()> {
    info!(
        version = env!("CARGO_PKG_VERSION"),
        "Starting ipmi_exporter"
    );
    for warning in arguments.warnings() {
        warn!("{warning}");
    }
    let controller = arguments.controller().map_err(anyhow::Error::msg)?;
    let holder = match &controller {
        Some(_) => ConfigHolder::waiting(),
        None => load_file(&arguments)?,
    };
    let app = App::new(
        holder,
        open_store(arguments.collect.sensors.cache_dir().as_deref())?,
        Workers::start().context("cannot start threads")?,
        app_options(&arguments),
    );

    let (settings, warnings) = WebSettings::load(arguments.web.config_file().as_deref())?;
    for warning in warnings {
        warn!("{warning}");
    }
    let listeners = if arguments.web.systemd_socket() {
        web::bind::from_systemd()?
    } else {
        web::bind::listen(&arguments.web.listen_addresses).await?
    };
    let server = Server::new(
        listeners,
        Arc::new(settings),
        ServerOptions {
            max_connections: arguments.web.max_connections as usize,
            ..ServerOptions::default()
        },
    );
    let shutdown = CancellationToken::new();
    let following = match controller {
        Some(settings) => Some(follow(settings, &app, &shutdown).await?),
        None => None,
    };
    let serving = {
        let app = Arc::clone(&app);
        tokio::spawn(server.serve(
            move |request, _peer| route::handle(Arc::clone(&app), request),
            shutdown.clone(),
        ))
    };
    wait_for_end(&app).await?;
    info!("Shutting down");
    let deadline = Instant::now() + SHUTDOWN_LIMIT;
    shutdown.cancel();
    app.shut_down(deadline).await;
    let _ = tokio::time::timeout_at(deadline.into(), serving).await;
    if let Some(following) = following {
        let _ = tokio::time::timeout_at(deadline.into(), following).await;
    }
    Ok(())
}

/// Reads the module file for the first time.
fn load_file(arguments: &ServeArgs) -> anyhow::Result<ConfigHolder> {
    let (holder, warnings) = ConfigHolder::start(arguments.config_file().as_deref())?;
    for warning in warnings {
        warn!("{warning}");
    }
    if let Some(path) = holder.path() {
        info!(path = %path.display(), "Loaded config file");
    }
    let config = holder.current();
    if !config.restricts_targets()
        && config
            .modules
            .values()
            .any(|module| module.has_credentials())
    {
        warn!(
            "No module has `targets`: whoever reaches this exporter decides where the credentials \
             of its modules are sent"
        );
    }
    Ok(holder)
}

/// Follows a controller. Without a sealed copy to begin with, its first answer is
/// waited for a moment, so that scrapes need not be refused.
async fn follow(
    settings: Settings,
    app: &Arc<App>,
    shutdown: &CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    let (follower, first) =
        Follower::start(settings, Arc::clone(app)).map_err(anyhow::Error::msg)?;
    let following = tokio::spawn(follower.run(shutdown.clone()));
    if app.not_ready().is_some() {
        let _ = tokio::time::timeout(FIRST_ANSWER, first).await;
    }
    Ok(following)
}

/// Opens the directory of cache files.
///
/// # Errors
/// When it cannot be used, with the flag that named it.
pub fn open_store(directory: Option<&Path>) -> anyhow::Result<Store> {
    Store::open(directory).with_context(|| {
        let directory = directory.unwrap_or_else(|| Path::new(""));
        format!("--cache.dir: cannot use {}", directory.display())
    })
}

/// Reloads at SIGHUP; returns at SIGTERM and SIGINT.
async fn wait_for_end(app: &Arc<App>) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                let app = Arc::clone(app);
                // Both log what comes of it.
                if let Some(follower) = app.follower().cloned() {
                    tokio::spawn(async move { drop(follower.refresh().await) });
                } else if tokio::task::spawn_blocking(move || drop(app.reload())).await.is_err() {
                    error!("The reload was cut off");
                }
            }
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
    }
}
