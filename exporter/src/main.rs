//! `ipmi_exporter`: parse flags, build, run.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ipmi_exporter::cli::{self, Command};
use ipmi_exporter::command::{check_config, probe, record, scan};
use ipmi_exporter::{logging, serve};
use service_basics::health;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(exit) => {
            if exit.is_error {
                eprint!("{}", exit.text);
            } else {
                print!("{}", exit.text);
            }
            return ExitCode::from(exit.code());
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("ipmi_exporter: error: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match command {
        Command::Serve(arguments) => {
            logging::start(arguments.log);
            match runtime.block_on(serve::run(*arguments)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    // Context first, cause last, on one line.
                    tracing::error!("{error:#}");
                    ExitCode::FAILURE
                }
            }
        }
        Command::CheckConfig { file } => {
            match check_config::run(&file, &mut std::io::stdout(), &mut std::io::stderr()) {
                Ok(verdict) => ExitCode::from(verdict.exit_code()),
                Err(error) => {
                    eprintln!("ipmi_exporter: error: cannot print: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        Command::Probe(arguments) => runtime.block_on(probe::run(&arguments)),
        Command::Record(arguments) => runtime.block_on(record::run(&arguments)),
        Command::Scan(arguments) => runtime.block_on(scan::run(&arguments)),
        Command::Health(arguments) => runtime.block_on(health::run(&arguments)),
    }
}
