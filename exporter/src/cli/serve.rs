//! Flags of the server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::{ControllerArgs, LogArgs, path, positive_duration};
use crate::channel::Settings;
use crate::config::{Noncritical, duration};
use crate::web::address::ListenAddress;

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

impl ServeArgs {
    /// The module file; `None` is legal and means no modules.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        path(&self.config_file)
    }

    /// The controller that modules come from, in place of a file; `None` without one.
    ///
    /// # Errors
    /// What is wrong with its flags. What [`parse`](super::parse) gave out has none.
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

fn noncritical(text: &str) -> Result<Noncritical, String> {
    Noncritical::parse(text)
        .ok_or_else(|| format!("enum value must be one of nominal,warning, got '{text}'"))
}
