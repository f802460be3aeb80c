//! The key `alertmanager`.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::EndpointConfig;

/// Most servers of the list.
const MAX_SERVERS: usize = 100;
/// Longest name of a server.
const MAX_NAME: usize = 64;

/// The Alertmanagers that are kept in step: one map, or a list of maps with
/// different names. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertmanagerServers(Vec<AlertmanagerConfig>);

impl Default for AlertmanagerServers {
    fn default() -> Self {
        Self(vec![AlertmanagerConfig::default()])
    }
}

impl Deref for AlertmanagerServers {
    type Target = [AlertmanagerConfig];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de> Deserialize<'de> for AlertmanagerServers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An untagged enum would not say which key is wrong.
        let servers = match Value::deserialize(deserializer)? {
            Value::Array(servers) => servers,
            one => vec![one],
        };
        let servers: Result<Vec<AlertmanagerConfig>, _> =
            servers.into_iter().map(serde_json::from_value).collect();
        servers.map(Self).map_err(D::Error::custom)
    }
}

impl AlertmanagerServers {
    /// The first one: those of a cluster tell all the same.
    #[must_use]
    pub fn first(&self) -> &AlertmanagerConfig {
        static DEFAULT: LazyLock<AlertmanagerConfig> = LazyLock::new(AlertmanagerConfig::default);
        self.0.first().unwrap_or(&DEFAULT)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.0.is_empty() || self.0.len() > MAX_SERVERS {
            return Err(format!(
                "alertmanager: {} servers; 1 to {MAX_SERVERS} are possible",
                self.0.len()
            ));
        }
        let mut names = BTreeSet::new();
        let mut files = BTreeSet::new();
        for server in &self.0 {
            let name = server.name.as_str();
            server.check().map_err(|message| match self.0.len() {
                1 => message,
                _ => format!("alertmanager {name}: {message}"),
            })?;
            if !names.insert(name) {
                return Err(format!("alertmanager.name: {name} is there twice"));
            }
            if let Some(file) = &server.config_file
                && !files.insert(file)
            {
                return Err(format!(
                    "alertmanager {name}: {} is another server's as well; each needs its own",
                    file.display()
                ));
            }
        }
        Ok(())
    }
}

/// An Alertmanager. Without `url` nobody asks it about alerts; without
/// `config_file` nothing is published to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct AlertmanagerConfig {
    /// Unique name, by which the store and the API know it.
    pub name: String,
    /// Where it answers, such as `http://127.0.0.1:9093`.
    pub url: Option<Url>,
    /// The file that it reads its configuration from; ends in `.yml`.
    pub config_file: Option<PathBuf>,
    /// Whether those of the file's group may read it and the templates beside it.
    pub group_readable: bool,
    /// Program that checks configurations; `amtool` of the path when absent.
    pub amtool: Option<PathBuf>,
    /// Where it reaches the controller; the address of `listen` when absent.
    pub controller_url: Option<Url>,
    /// File with the authorities that it believes there, at its machine.
    pub controller_ca_file: Option<String>,
    /// User for basic authentication.
    pub username: Option<String>,
    /// File with that user's password.
    pub password_file: Option<PathBuf>,
    /// File with a bearer token, for a proxy in front of it.
    pub bearer_token_file: Option<PathBuf>,
    /// Seconds between two looks at its alerts, 1 to 3,600.
    pub interval_seconds: u32,
}

impl Default for AlertmanagerConfig {
    fn default() -> Self {
        Self {
            name: "alertmanager".to_owned(),
            url: None,
            config_file: None,
            group_readable: false,
            amtool: None,
            controller_url: None,
            controller_ca_file: None,
            username: None,
            password_file: None,
            bearer_token_file: None,
            interval_seconds: 60,
        }
    }
}

impl AlertmanagerConfig {
    /// Time between two looks at its alerts.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds.into())
    }

    /// Where it answers, and how to sign in.
    #[must_use]
    pub fn endpoint(&self) -> EndpointConfig {
        EndpointConfig {
            url: self.url.clone(),
            username: self.username.clone(),
            password_file: self.password_file.clone(),
            bearer_token_file: self.bearer_token_file.clone(),
        }
    }

    fn check(&self) -> Result<(), String> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(is_good) {
            return Err(format!(
                "alertmanager.name: {:?} is no name; up to {MAX_NAME} letters, digits, dots, hyphens and underscores are possible",
                self.name
            ));
        }
        self.endpoint().check("alertmanager")?;
        if let Some(file) = &self.config_file {
            if file.extension().is_none_or(|extension| extension != "yml") {
                return Err(format!(
                    "alertmanager.config_file: {} does not end in .yml",
                    file.display()
                ));
            }
            if self.url.is_none() {
                return Err(
                    "alertmanager.url: is missing; it is needed to load alertmanager.config_file"
                        .to_owned(),
                );
            }
        }
        if let Some(url) = &self.controller_url
            && (!matches!(url.scheme(), "http" | "https")
                || url.host_str().is_none()
                || !url.username().is_empty()
                || url.password().is_some()
                || url.query().is_some()
                || url.fragment().is_some())
        {
            return Err(
                "alertmanager.controller_url: is no plain http or https URL with a host".to_owned(),
            );
        }
        if !(1..=3_600).contains(&self.interval_seconds) {
            return Err(format!(
                "alertmanager.interval_seconds: {} is not between 1 and 3600",
                self.interval_seconds
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        for (value, key) in [
            (serde_json::json!({"url": "ftp://x"}), "alertmanager.url"),
            (
                serde_json::json!({"url": "http://u:p@x"}),
                "alertmanager.url",
            ),
            (
                serde_json::json!({"url": "http://x", "username": "u"}),
                "alertmanager.password_file",
            ),
            (
                serde_json::json!({"url": "http://x", "username": "u", "password_file": "/p",
                    "bearer_token_file": "/t"}),
                "alertmanager.bearer_token_file",
            ),
            (
                serde_json::json!({"bearer_token_file": "/t"}),
                "alertmanager.url",
            ),
            (
                serde_json::json!({"interval_seconds": 0}),
                "alertmanager.interval_seconds",
            ),
            (
                serde_json::json!({"config_file": "/a.yml"}),
                "alertmanager.url",
            ),
            (
                serde_json::json!({"url": "http://x", "config_file": "/a.yaml"}),
                "alertmanager.config_file",
            ),
            (
                serde_json::json!({"controller_url": "http://u:p@x"}),
                "alertmanager.controller_url",
            ),
            (serde_json::json!({"name": "a b"}), "alertmanager.name"),
            (serde_json::json!([]), "alertmanager: 0 servers"),
            (serde_json::json!([{}, {}]), "is there twice"),
            (
                serde_json::json!([
                    {"name": "a", "url": "http://a", "config_file": "/t.yml"},
                    {"name": "b", "url": "http://b", "config_file": "/t.yml"},
                ]),
                "another server's",
            ),
        ] {
            let config: AlertmanagerServers = serde_json::from_value(value).unwrap();
            let message = config.check().unwrap_err();
            assert!(message.contains(key), "{message}");
            assert!(!message.contains("u:p"), "{message}");
        }
        assert_eq!(AlertmanagerServers::default().check(), Ok(()));
        let one: AlertmanagerServers =
            serde_json::from_value(serde_json::json!({"url": "http://x"})).unwrap();
        assert_eq!((one.len(), one.first().name.as_str()), (1, "alertmanager"));
    }
}
