//! The command line: the stock exporter's flags, ours, and the sub-commands.
//!
//! The stock exporter's parser has habits that scripts rely on, and they are kept: help and
//! version go to standard output, every mistake is one line `ipmi_exporter: error: …, try --help`
//! with exit status 1, booleans have a `--no-` form, a flag that is not a list may stand once,
//! and `@FILE` stands for the lines of a file. No environment variable is read for a flag, and no
//! flag takes a secret.

mod controller;
mod expand;
mod failure;
mod log;
mod one_bmc;
mod scan;
mod serve;
mod version;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::duration;

pub use controller::ControllerArgs;
pub use log::{LogArgs, LogFormat, LogLevel};
pub use one_bmc::{BmcArgs, ProbeArgs, ProbeFormat, RecordArgs};
pub use scan::ScanArgs;
pub use serve::{CollectArgs, LimitArgs, SensorArgs, ServeArgs, WebArgs};

/// The name in messages, whatever the binary is called.
const NAME: &str = "ipmi_exporter";

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Serve scrapes.
    Serve(Box<ServeArgs>),
    /// Judge a configuration file.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Scrape one target once and print it.
    Probe(Box<ProbeArgs>),
    /// Write one BMC down.
    Record(Box<RecordArgs>),
    /// Find BMCs.
    Scan(Box<ScanArgs>),
}

/// Why the program ends before it does anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// What to print, with its line break.
    pub text: String,
    /// To standard error, with exit status 1; else to standard output, with 0.
    pub is_error: bool,
}

impl Exit {
    /// Exit status of the program.
    #[must_use]
    pub fn code(&self) -> u8 {
        u8::from(self.is_error)
    }

    fn information(text: String) -> Self {
        Self {
            text,
            is_error: false,
        }
    }

    fn error(reason: &str) -> Self {
        Self {
            text: format!("{NAME}: error: {reason}, try --help\n"),
            is_error: true,
        }
    }
}

/// Parses the arguments, the first of which is the program's name.
///
/// # Errors
/// [`Exit`] for help, version and every mistake.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Exit> {
    let arguments = expand::expand(arguments)?;
    let mut command = Cli::command();
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Exit::information(error.to_string())
            }
            _ => Exit::error(&failure::reason(&error)),
        })?;
    let cli =
        Cli::from_arg_matches(&matches).map_err(|error| Exit::error(&failure::reason(&error)))?;
    if let Some(text) = information(&cli.builtin, &mut command) {
        return Err(Exit::information(text));
    }
    if cli.command.is_none() {
        cli.serve
            .controller()
            .map_err(|reason| Exit::error(&reason))?;
    }
    Ok(match cli.command {
        None => Command::Serve(Box::new(cli.serve)),
        Some(SubCommand::CheckConfig { file }) => Command::CheckConfig { file },
        Some(SubCommand::Probe(probe)) => Command::Probe(Box::new(probe)),
        Some(SubCommand::Record(record)) => Command::Record(Box::new(record)),
        Some(SubCommand::Scan(scan)) => Command::Scan(Box::new(scan)),
    })
}

/// What one of the built-in flags prints instead of starting.
fn information(builtin: &BuiltinArgs, command: &mut clap::Command) -> Option<String> {
    if builtin.version {
        Some(version::text())
    } else if builtin.help_long || builtin.help_man {
        Some(command.render_long_help().to_string())
    } else if builtin.completion_bash {
        Some(flag_names(command))
    } else if builtin.completion_script_bash {
        Some(format!(
            "_{NAME}() {{ COMPREPLY=($(compgen -W \"$(\"${{COMP_WORDS[0]}}\" --completion-bash)\" \
             -- \"${{COMP_WORDS[COMP_CWORD]}}\")); }}\ncomplete -F _{NAME} -o default {NAME}\n"
        ))
    } else if builtin.completion_script_zsh {
        Some(format!(
            "#compdef {NAME}\n_{NAME}() {{ compadd -- $(\"${{words[1]}}\" --completion-bash) }}\n\
             compdef _{NAME} {NAME}\n"
        ))
    } else {
        None
    }
}

/// Long flags and sub-commands, one a line: what a shell completes from.
fn flag_names(command: &clap::Command) -> String {
    let flags = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| argument.get_long())
        .map(|long| format!("--{long}\n"));
    let commands = command
        .get_subcommands()
        .map(|sub| format!("{}\n", sub.get_name()));
    flags.chain(commands).collect()
}

/// Prometheus exporter for IPMI: sensors, power, chassis, event log and more of many BMCs, read
/// over the network without external programs.
#[derive(Debug, Parser)]
#[command(
    name = NAME,
    bin_name = NAME,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,

    #[command(flatten)]
    builtin: BuiltinArgs,

    #[command(subcommand)]
    command: Option<SubCommand>,
}

#[derive(Debug, Subcommand)]
enum SubCommand {
    /// Check a module file as the server would read it: exit status 0 or 1
    CheckConfig {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Scrape one target once and print what it says
    Probe(ProbeArgs),
    /// Write one BMC down, for bmc_sim to replay; reads only
    Record(RecordArgs),
    /// Find BMCs and what is weak about them, without logging in
    Scan(ScanArgs),
}

#[derive(Debug, Args)]
struct BuiltinArgs {
    /// Show application version
    #[arg(long)]
    version: bool,
    #[arg(long = "help-long", hide = true)]
    help_long: bool,
    #[arg(long = "help-man", hide = true)]
    help_man: bool,
    #[arg(long = "completion-bash", hide = true)]
    completion_bash: bool,
    #[arg(long = "completion-script-bash", hide = true)]
    completion_script_bash: bool,
    #[arg(long = "completion-script-zsh", hide = true)]
    completion_script_zsh: bool,
}

/// Paths are taken as text because an empty one is legal and means none.
fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        Duration::ZERO => Err("must be more than zero".to_owned()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests;
