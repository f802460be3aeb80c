//! `ipmi_controller`: parses the command line and runs what it says.

use std::process::ExitCode;

use clap::Parser;
use ipmi_controller::command::{
    Cli, Command, ConfigArgs, Level, check, run_admin, write_dashboards,
};
use ipmi_controller::config::Config;
use ipmi_controller::logging;
use ipmi_controller::serve::Controller;
use service_basics::health;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ipmi_controller: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(args) => {
            let config = load(&args)?;
            logging::start(&config.log).map_err(anyhow::Error::msg)?;
            let shutdown = cancelled_by_signals()?;
            let controller = tokio::select! {
                started = Controller::start(&config) => started?,
                () = shutdown.cancelled() => return Ok(ExitCode::SUCCESS),
            };
            tracing::info!(address = %controller.address()?, "Listening");
            tokio::spawn(tell_of_hangups(controller.hangups()));
            controller.serve(shutdown).await?;
        }
        Command::Check(args) => {
            let findings = check(&args, environment()).await;
            let worst = findings.iter().map(|finding| finding.level).max();
            for finding in &findings {
                println!("{finding}");
            }
            if worst == Some(Level::Error) {
                anyhow::bail!("the service would not work so");
            }
        }
        Command::Health(args) => return Ok(health::run(&args).await),
        Command::Dashboards(args) => {
            let count = write_dashboards(&args)?;
            println!("{count} files are in {}", args.out.display());
        }
        Command::Admin { config, command } => {
            let config = load(&config)?;
            logging::start(&config.log).map_err(anyhow::Error::msg)?;
            run_admin(&config, command).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn load(args: &ConfigArgs) -> anyhow::Result<Config> {
    Ok(Config::load(args.config.as_deref(), environment())?)
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| name != "IPMI_CONTROLLER_CONFIG_FILE")
}

/// A token that SIGTERM and SIGINT cancel. They are waited for from here on: one that
/// comes right after the start ends the service as every later one does.
fn cancelled_by_signals() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let cancelled = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(shutdown)
}

async fn tell_of_hangups(hangups: watch::Sender<u64>) {
    let Ok(mut signals) = signal(SignalKind::hangup()) else {
        return;
    };
    while signals.recv().await.is_some() {
        hangups.send_modify(|count| *count += 1);
    }
}
