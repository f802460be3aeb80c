//! The configuration: a YAML file, every key of which can also come from the
//! environment.
//!
//! `IPMI_CONTROLLER_` and the key in capitals is its variable, with two
//! underscores between the parts of a nested key:
//! `IPMI_CONTROLLER_TLS__CERT_FILE`. A variable wins over the file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

mod alertmanager;
mod backup;
mod channel;
mod discovery;
mod endpoint;
mod exporters;
mod grafana;
mod log;
mod metrics;
mod oidc;
mod sandbox;
mod silences;
mod sync;
mod tls;

pub use alertmanager::{AlertmanagerConfig, AlertmanagerServers};
pub use backup::{BackupConfig, SnapshotConfig};
pub use channel::ChannelConfig;
pub use discovery::DiscoveryConfig;
pub use endpoint::EndpointConfig;
pub use exporters::ExportersConfig;
pub use grafana::{DataSource, DataSourceConfig, Drift, GrafanaConfig};
pub use log::{LogConfig, LogFormat};
pub use metrics::MetricsConfig;
pub use oidc::OidcConfig;
pub(crate) use oidc::check_encrypted;
pub use sandbox::SandboxConfig;
pub use silences::SilenceConfig;
pub use sync::{PrometheusConfig, PrometheusServers, SyncConfig};
pub use tls::{TlsConfig, TlsFiles};

/// Beginning of the names of our variables.
const PREFIX: &str = "IPMI_CONTROLLER_";
/// Variable with the master key itself, for those who have no file for it.
const MASTER_KEY: &str = "IPMI_CONTROLLER_MASTER_KEY";
/// Largest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the controller is told at start.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the interface listens.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// `sqlite:///path/to/file.db` or `postgres://user@host/database`.
    #[serde(default = "default_database")]
    pub database: String,
    /// File with the master keys, one on a line in hexadecimal, the active one first.
    #[serde(default)]
    pub master_key_file: Option<PathBuf>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<IpNet>,
    /// The Prometheus servers that are kept in step.
    #[serde(default)]
    pub prometheus: PrometheusServers,
    /// How what is published may change.
    #[serde(default)]
    pub sync: SyncConfig,
    /// The alert journal.
    #[serde(default)]
    pub alerts: AlertSettings,
    /// What answers queries, where that is not `prometheus`: a store that holds
    /// more, and speaks Prometheus' query interface.
    #[serde(default)]
    pub query: EndpointConfig,
    /// The Alertmanagers that are kept in step and asked about alerts.
    #[serde(default)]
    pub alertmanager: AlertmanagerServers,
    /// Where receivers are tried out.
    #[serde(default)]
    pub sandbox: SandboxConfig,
    /// How silences may be made.
    #[serde(default)]
    pub silences: SilenceConfig,
    /// The Grafana that dashboards are kept in and linked to.
    #[serde(default)]
    pub grafana: GrafanaConfig,
    /// How log lines look, and which are written.
    #[serde(default)]
    pub log: LogConfig,
    /// Encrypted connections.
    #[serde(default)]
    pub tls: TlsConfig,
    /// Who may read the metrics.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Backups of the store.
    #[serde(default)]
    pub backup: BackupConfig,
    /// Snapshots of Prometheus' data.
    #[serde(default)]
    pub snapshot: SnapshotConfig,
    /// Log-in by an OpenID Connect provider.
    #[serde(default)]
    pub oidc: OidcConfig,
    /// The exporters' configuration channel.
    #[serde(default)]
    pub channel: ChannelConfig,
    /// How the controller signs in at exporters.
    #[serde(default)]
    pub exporters: ExportersConfig,
    /// Scans for BMCs.
    #[serde(default)]
    pub discovery: DiscoveryConfig,
}

/// How the alert journal is kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// Days that alerts are kept after their end.
    pub retention_days: u32,
    /// Days that are looked back at most for what was missed, 1 to 365.
    pub recovery_days: u32,
    /// Seconds that pass before Prometheus' records are read, 1 to 86,400.
    /// Until then Prometheus tells of an end by itself.
    pub recovery_lag_seconds: u32,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            retention_days: 400,
            recovery_days: 7,
            // Prometheus sends what has ended for 15 minutes.
            recovery_lag_seconds: 16 * 60,
        }
    }
}

impl AlertSettings {
    /// How long alerts are kept after their end.
    #[must_use]
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days) * 24 * 3600)
    }

    /// How far is looked back at most for what was missed.
    #[must_use]
    pub fn recovery_reach(&self) -> Duration {
        Duration::from_secs(u64::from(self.recovery_days) * 24 * 3600)
    }

    /// How old Prometheus' records are when they are read.
    #[must_use]
    pub fn recovery_lag(&self) -> Duration {
        Duration::from_secs(self.recovery_lag_seconds.into())
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=365).contains(&self.recovery_days) {
            return Err(format!(
                "alerts.recovery_days: {} is not between 1 and 365",
                self.recovery_days
            ));
        }
        if !(1..=86_400).contains(&self.recovery_lag_seconds) {
            return Err(format!(
                "alerts.recovery_lag_seconds: {} is not between 1 and 86400",
                self.recovery_lag_seconds
            ));
        }
        Ok(())
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_database() -> String {
    "sqlite:///var/lib/ipmi_controller/controller.db".to_owned()
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file is no YAML.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// What and where.
        message: String,
    },
    /// A key has a value that it must not have.
    #[error("{origin}: {message}")]
    Value {
        /// The file, and the variables if there are any.
        origin: String,
        /// Key, what was found, what is allowed.
        message: String,
    },
    /// The master key is missing.
    #[error(
        "no master key: set `master_key_file` in the configuration, or {MASTER_KEY}; make one with `openssl rand -hex 32`"
    )]
    NoMasterKey,
}

impl Config {
    /// Reads the file, if one is given, and the environment.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut origin = "the built-in defaults".to_owned();
        let mut tree = Map::new();
        if let Some(path) = path {
            origin = path.display().to_string();
            tree = parse(path, &read(path)?)?;
        }
        let variables: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX) && name != MASTER_KEY)
            .collect();
        for (name, value) in &variables {
            origin.push_str(" and ");
            origin.push_str(name);
            set(&mut tree, name.trim_start_matches(PREFIX), value);
        }
        let wrong = |message: String| ConfigError::Value {
            origin: origin.clone(),
            message,
        };
        let config: Self = serde_path_to_error::deserialize(Value::Object(tree))
            .map_err(|error| wrong(with_key(&error)))?;
        config.prometheus.check().map_err(&wrong)?;
        config.sync.check().map_err(&wrong)?;
        config.query.check("query").map_err(&wrong)?;
        config.alertmanager.check().map_err(&wrong)?;
        config.grafana.check().map_err(&wrong)?;
        config.log.check().map_err(&wrong)?;
        config.tls.check().map_err(&wrong)?;
        config.backup.check().map_err(&wrong)?;
        config.snapshot.check(&config.prometheus).map_err(&wrong)?;
        config.oidc.check().map_err(&wrong)?;
        config.discovery.check().map_err(&wrong)?;
        config.exporters.check().map_err(&wrong)?;
        config.alerts.check().map_err(&wrong)?;
        Ok(config)
    }

    /// Where an Alertmanager reaches this controller.
    ///
    /// # Errors
    /// When no address can be made of `listen`: a fault of this program.
    pub fn controller_url(&self, server: &AlertmanagerConfig) -> Result<Url, url::ParseError> {
        if let Some(url) = &server.controller_url {
            return Ok(url.clone());
        }
        let scheme = if self.tls.cert_file.is_some() {
            "https"
        } else {
            "http"
        };
        let port = self.listen.port();
        let address = match self.listen.ip() {
            // Everywhere is also here.
            any if any.is_unspecified() => format!("127.0.0.1:{port}"),
            _ => self.listen.to_string(),
        };
        Url::parse(&format!("{scheme}://{address}"))
    }

    /// The connection string, with which a SQLite file is made when there is none.
    #[must_use]
    pub fn database_url(&self) -> String {
        let mut url = self.database.clone();
        if url.starts_with("sqlite:") && !url.contains("mode=") {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str("mode=rwc");
        }
        url
    }

    /// The master keys' text.
    ///
    /// # Errors
    /// When there is none, or the file cannot be read.
    pub fn master_key(&self) -> Result<Zeroizing<String>, ConfigError> {
        match &self.master_key_file {
            Some(path) => read(path),
            None => std::env::var(MASTER_KEY)
                .map(Zeroizing::new)
                .map_err(|_| ConfigError::NoMasterKey),
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let unreadable = |cause: String| ConfigError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("is not a file".to_owned()));
    }
    if metadata.len() > MAX_BYTES {
        return Err(unreadable(format!("is larger than {MAX_BYTES} bytes")));
    }
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| unreadable(error.to_string()))
}

/// What is wrong, with the key that has it.
fn with_key(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let (key, what) = (error.path().to_string(), error.inner());
    // A mistake at the top has no key but the one that it names itself.
    if key == "." {
        what.to_string()
    } else {
        format!("{key}: {what}")
    }
}

fn parse(path: &Path, text: &str) -> Result<Map<String, Value>, ConfigError> {
    let syntax = |message: String| ConfigError::Syntax {
        path: path.to_owned(),
        message,
    };
    match serde_saphyr::from_str(text).map_err(|error| syntax(error.to_string()))? {
        Value::Object(tree) => Ok(tree),
        Value::Null => Ok(Map::new()),
        _ => Err(syntax("is not a list of keys with values".to_owned())),
    }
}

/// Puts a variable's value where its name says.
fn set(tree: &mut Map<String, Value>, name: &str, value: &str) {
    let name = name.to_lowercase();
    match name.split_once("__") {
        None => {
            // Lists and numbers are written as in YAML; what is no YAML is text.
            let value = serde_saphyr::from_str(value).unwrap_or_else(|_| Value::from(value));
            tree.insert(name, value);
        }
        Some((section, rest)) => {
            let entry = tree
                .entry(section)
                .or_insert_with(|| Value::Object(Map::new()));
            match entry {
                Value::Object(section) => set(section, rest, value),
                Value::Array(list) => {
                    let place = rest.split_once("__");
                    let item = place.and_then(|(index, rest)| {
                        let item = list.get_mut(index.parse::<usize>().ok()?)?;
                        Some((item.as_object_mut()?, rest))
                    });
                    match item {
                        Some((item, rest)) => set(item, rest, value),
                        // A key that does not exist, which is an error; the list
                        // must not silently be gone.
                        None => {
                            tree.insert(name.clone(), Value::from(value));
                        }
                    }
                }
                _ => {
                    let mut section = Map::new();
                    set(&mut section, rest, value);
                    *entry = Value::Object(section);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("controller.yml");
        std::fs::write(&path, text).unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(Some(&path), variables)
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = load("", &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config, Config::load(None, []).unwrap());
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let file = "listen: 127.0.0.1:1\ntrusted_proxies: [192.0.2.0/24]\n";
        let config = load(
            file,
            &[
                ("IPMI_CONTROLLER_LISTEN", "127.0.0.1:2"),
                ("IPMI_CONTROLLER_MASTER_KEY", "secret"),
                ("HOME", "/root"),
            ],
        )
        .unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.trusted_proxies.len(), 1);
    }

    #[test]
    fn a_variable_names_an_entry_of_a_list_by_its_place() {
        let file = "prometheus: [{name: a}, {name: b}]\n";
        let url = "http://192.0.2.1:9090/";
        let config = load(file, &[("IPMI_CONTROLLER_PROMETHEUS__1__URL", url)]).unwrap();
        let urls: Vec<_> = config.prometheus.iter().map(|p| p.url.is_some()).collect();
        assert_eq!(urls, [false, true]);
        for wrong in [
            "PROMETHEUS__URL",
            "PROMETHEUS__2__URL",
            "PROMETHEUS__B__URL",
        ] {
            let variable = format!("IPMI_CONTROLLER_{wrong}");
            let error = load(file, &[(&variable, url)]).unwrap_err().to_string();
            assert!(error.contains(&wrong.to_lowercase()), "{error}");
        }
        let whole = [("IPMI_CONTROLLER_PROMETHEUS", "[{name: c}]")];
        assert_eq!(load(file, &whole).unwrap().prometheus.first().name, "c");
    }

    #[test]
    fn mistakes_name_file_key_and_value() {
        let text =
            |file: &str, variables: &[(&str, &str)]| load(file, variables).unwrap_err().to_string();
        let unknown = text("listenn: 127.0.0.1:1\n", &[]);
        assert!(
            unknown.contains("controller.yml") && unknown.contains("listenn"),
            "{unknown}"
        );
        let value = text("listen: here\n", &[]);
        assert!(value.contains("socket address"), "{value}");
        let nested = text("", &[("IPMI_CONTROLLER_PROMETHEUS__URL", "ftp://x")]);
        assert!(nested.contains("prometheus.url"), "{nested}");
        let lag = text("alerts: {recovery_lag_seconds: 0}\n", &[]);
        assert!(lag.contains("alerts.recovery_lag_seconds"), "{lag}");
        let days = text("alerts: {recovery_days: 366}\n", &[]);
        assert!(days.contains("alerts.recovery_days"), "{days}");
        let hourly = "snapshot: {interval_hours: 1}\n";
        let nowhere = text(hourly, &[]);
        assert!(nowhere.contains("prometheus.url"), "{nowhere}");
        let two = "prometheus: [{name: a, url: 'http://a'}, {name: b, url: 'http://b'}]\n";
        assert!(load(&format!("{two}{hourly}"), &[]).is_ok());
        let one_place = "snapshot: {interval_hours: 1, directory: /x}\n";
        let both = text(&format!("{two}{one_place}"), &[]);
        assert!(both.contains("snapshot.directory"), "{both}");
        assert!(both.contains("prometheus.snapshot_directory"), "{both}");
        let shared =
            "prometheus: [{name: a, snapshot_directory: /x}, {name: b, snapshot_directory: /x}]\n";
        let shared = text(shared, &[]);
        assert!(shared.contains("each needs its own"), "{shared}");
        let other = text("alertmanager: {url: 'ftp://x'}\n", &[]);
        assert!(other.contains("alertmanager.url"), "{other}");
        let variable = text("", &[("IPMI_CONTROLLER_LISTEN", "here")]);
        assert!(variable.contains("IPMI_CONTROLLER_LISTEN"), "{variable}");
        assert!(text("- a\n", &[]).contains("controller.yml"));
        assert!(text("a: [", &[]).contains("controller.yml"));
    }
}
