//! `ipmi_controller`: parses the command line and runs what it says.

use std::process::ExitCode;

use clap::Parser;
use ipmi_controller::command::{Cli, Command, ConfigArgs, run_admin};
use ipmi_controller::config::Config;
use ipmi_controller::serve::{Controller, open_store};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let result = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ipmi_controller: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => {
            let controller = Controller::start(&load(&args)?).await?;
            tracing::info!(address = %controller.address()?, "Listening");
            let shutdown = CancellationToken::new();
            tokio::spawn(cancel_on_signal(shutdown.clone()));
            controller.serve(shutdown).await
        }
        Command::Admin { config, command } => {
            let store = open_store(&load(&config)?).await?;
            let result = run_admin(&store, command).await;
            store.close().await;
            result
        }
    }
}

fn load(args: &ConfigArgs) -> anyhow::Result<Config> {
    let environment = std::env::vars().filter(|(name, _)| name != "IPMI_CONTROLLER_CONFIG_FILE");
    Ok(Config::load(args.config.as_deref(), environment)?)
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    shutdown.cancel();
}
