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
mod scan;
mod version;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::channel::Settings;
use crate::config::{Noncritical, duration};
use crate::web::address::ListenAddress;

pub use controller::ControllerArgs;
pub use scan::ScanArgs;
pub use service_basics::health::HealthArgs;

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
    /// Ask a running server whether it is well.
    Health(HealthArgs),
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
        Some(SubCommand::Health(health)) => Command::Health(health),
    })
}

/// The command line as it is described, for manual pages and completions.
#[must_use]
pub fn description() -> clap::Command {
    Cli::command()
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
    /// Ask a running server whether it is well: exit status 0 or 1
    Health(HealthArgs),
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

/// Flags of the server.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct ServeArgs {
    /// Path to the module configuration; without one there are no modules
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    config_file: String,

    /// Flags about a controller.
    #[command(flatten)]
    controller: ControllerArgs,

    /// Accepted for compatibility, without effect: no external programs are run
    #[arg(long = "freeipmi.path", value_name = "DIR")]
    freeipmi_path: Option<String>,

    /// Accepted for compatibility, without effect: collection is always native
    #[arg(long = "native-ipmi", conflicts_with = "no_native_ipmi")]
    native_ipmi: bool,
    #[arg(long = "no-native-ipmi", hide = true)]
    no_native_ipmi: bool,

    /// Flags about listening.
    #[command(flatten)]
    pub web: WebArgs,

    /// Flags about collecting.
    #[command(flatten)]
    pub collect: CollectArgs,

    /// Flags about many targets.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// Flags about log lines.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags about listening.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct WebArgs {
    /// Addresses to listen on; can be given several times
    #[arg(
        long = "web.listen-address",
        value_name = "HOST:PORT",
        default_value = ":9290",
        action = ArgAction::Append
    )]
    pub listen_addresses: Vec<ListenAddress>,

    /// Take the listening sockets from systemd instead of opening them
    #[arg(long = "web.systemd-socket", conflicts_with = "no_systemd_socket")]
    systemd_socket: bool,
    #[arg(long = "no-web.systemd-socket", hide = true)]
    no_systemd_socket: bool,

    /// Path to a file that enables TLS or authentication
    #[arg(
        long = "web.config.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    web_config_file: String,

    /// Most connections at once; beyond it, idle ones are closed
    #[arg(
        long = "web.max-connections",
        value_name = "N",
        default_value = "512",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub max_connections: u32,
}

/// Flags about collecting.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct CollectArgs {
    /// Time before Prometheus' own time-out at which a scrape answers with what it has
    #[arg(
        long = "scrape.timeout-offset",
        value_name = "DURATION",
        default_value = "500ms",
        value_parser = duration::parse
    )]
    pub timeout_offset: Duration,

    /// Longest time for a scrape when neither Prometheus nor the module sets one
    #[arg(
        long = "scrape.default-timeout",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = positive_duration
    )]
    pub default_timeout: Duration,

    /// Flags that the sub-commands share.
    #[command(flatten)]
    pub sensors: SensorArgs,
}

/// Flags about what is collected, for the server and for `probe`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct SensorArgs {
    /// What a reading beyond a non-critical threshold is: nominal (state 0, as stock) or warning
    /// (state 1)
    #[arg(
        long = "sensors.noncritical",
        value_name = "STATE",
        default_value = "nominal",
        value_parser = noncritical
    )]
    pub noncritical: Noncritical,

    /// Most sensors of one BMC that get series; the rest is counted
    #[arg(
        long = "sensors.limit",
        value_name = "N",
        default_value = "2000",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub limit: u32,

    /// Directory for sensor descriptions of known BMCs, so that a restart does not read them
    /// anew; without one they are kept in memory only
    #[arg(
        long = "cache.dir",
        value_name = "DIR",
        default_value = "",
        hide_default_value = true
    )]
    cache_dir: String,
}

/// Flags about many targets.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct LimitArgs {
    /// Most log-ins per second over all targets
    #[arg(
        long = "login.rate",
        value_name = "N",
        default_value = "50",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub login_rate: u32,

    /// Time without a scrape after which a target's session is closed and forgotten
    #[arg(
        long = "target.idle-timeout",
        value_name = "DURATION",
        default_value = "10m",
        value_parser = positive_duration
    )]
    pub target_idle_timeout: Duration,

    /// Most targets that are known at once
    #[arg(
        long = "targets.max",
        value_name = "N",
        default_value = "20000",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub targets_max: u32,

    /// Most targets that are collected from at once
    #[arg(
        long = "collect.max-concurrent",
        value_name = "N",
        default_value = "4096",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub max_concurrent: u32,
}

/// Flags about log lines.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogArgs {
    /// Only log messages with the given severity or above
    #[arg(
        id = "log.level",
        long = "log.level",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub level: LogLevel,

    /// Output format of log messages
    #[arg(
        id = "log.format",
        long = "log.format",
        value_name = "FORMAT",
        default_value = "logfmt"
    )]
    pub format: LogFormat,
}

/// Lowest severity that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What is odd.
    Warn,
    /// What is wrong.
    Error,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// One BMC, and how to log in to it.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct BmcArgs {
    /// Address of the BMC.
    #[arg(help = "Address of the BMC: host, host:port or [v6]:port")]
    pub target: String,

    /// Module to use
    #[arg(long, short = 'm', value_name = "NAME")]
    pub module: String,

    /// Path to the module configuration
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    config_file: String,
}

/// Flags of `probe`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct ProbeArgs {
    /// Which BMC, and how.
    #[command(flatten)]
    pub bmc: BmcArgs,

    /// Output: a table for people, exposition text, or JSON
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: ProbeFormat,

    /// Longest time for the scrape [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub timeout: Option<Duration>,

    /// Flags that are the server's too.
    #[command(flatten)]
    pub sensors: SensorArgs,

    /// Flags about log lines, which go to standard error.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `record`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct RecordArgs {
    /// Which BMC, and how.
    #[command(flatten)]
    pub bmc: BmcArgs,

    /// Folder for the recording; must be new or empty
    #[arg(long, short = 'o', value_name = "DIR")]
    pub output: PathBuf,

    /// How often each sensor is read
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub samples: u32,

    /// Keep serial numbers, asset tags, host names, GUIDs and addresses, which are overwritten
    /// otherwise
    #[arg(long = "keep-personal")]
    pub keep_personal: bool,

    /// SPDX identifier of the licence under which the recording may be passed on [default: NONE]
    #[arg(long, value_name = "LICENCE")]
    pub licence: Option<String>,

    /// Longest time for all of it [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub timeout: Option<Duration>,

    /// Flags about log lines, which go to standard error.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Output of `probe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeFormat {
    /// For a person.
    Table,
    /// Text that Prometheus reads.
    Prom,
    /// For programs.
    Json,
}

impl ServeArgs {
    /// The module file; `None` is legal and means no modules.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        path(&self.config_file)
    }

    /// The controller that modules come from, in place of a file; `None` without one.
    ///
    /// # Errors
    /// What is wrong with its flags. What [`parse`] gave out has none.
    pub fn controller(&self) -> Result<Option<Settings>, String> {
        if self.controller.url.is_some() && self.config_file().is_some() {
            return Err(
                "'--config.file' cannot be used with '--controller.url': modules come from one \
                 of them"
                    .to_owned(),
            );
        }
        self.controller.settings(self.collect.sensors.cache_dir())
    }

    /// One warning for each flag that was given and has no effect here.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.freeipmi_path.is_some() {
            warnings.push("--freeipmi.path has no effect: no external programs are run".to_owned());
        }
        if self.native_ipmi {
            warnings.push("--native-ipmi has no effect: collection is always native".to_owned());
        }
        if self.no_native_ipmi {
            warnings.push("--no-native-ipmi has no effect: collection is always native".to_owned());
        }
        warnings
    }
}

impl WebArgs {
    /// The file that enables TLS and authentication, if any.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        path(&self.web_config_file)
    }

    /// Are the listening sockets systemd's?
    #[must_use]
    pub fn systemd_socket(&self) -> bool {
        self.systemd_socket
    }
}

impl SensorArgs {
    /// Directory for SDR caches; `None` keeps them in memory only.
    #[must_use]
    pub fn cache_dir(&self) -> Option<PathBuf> {
        path(&self.cache_dir)
    }
}

impl BmcArgs {
    /// The module file; `None` means that no module exists.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        path(&self.config_file)
    }
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

fn noncritical(text: &str) -> Result<Noncritical, String> {
    Noncritical::parse(text)
        .ok_or_else(|| format!("enum value must be one of nominal,warning, got '{text}'"))
}

#[cfg(test)]
mod tests;
