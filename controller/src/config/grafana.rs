//! The key `grafana`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::endpoint::check_url;
use super::{Config, EndpointConfig};
use crate::dashboards::{Language, Options};

/// Longest title of the folder, in characters: Grafana's own limit.
const MAX_FOLDER: usize = 189;
/// Longest unique name at Grafana.
const MAX_UID: usize = 40;

/// What becomes of edits that people make in Grafana.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// They are undone.
    #[default]
    Repair,
    /// They are wanted from then on.
    Adopt,
    /// They stay, and are told.
    Leave,
}

/// The Grafana that people look at, and in which dashboards are kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct GrafanaConfig {
    /// Where the controller reaches it.
    pub url: Option<Url>,
    /// Where browsers reach it, when that is elsewhere.
    pub public_url: Option<Url>,
    /// File with the token of a service account. Without it nothing is kept there.
    pub token_file: Option<PathBuf>,
    /// File with the authorities of its certificate, where the system has them not.
    pub ca_file: Option<PathBuf>,
    /// Title of the dashboards' folder.
    pub folder: String,
    /// Language of the dashboards.
    pub language: Language,
    /// What becomes of edits.
    pub drift: Drift,
    /// Where browsers reach the controller's page; without it no dashboard leads
    /// there.
    pub page_url: Option<Url>,
    /// Seconds between two looks, 5 to 3,600.
    pub interval_seconds: u32,
    /// Takes away what was made there.
    pub remove: bool,
    /// The data source that the dashboards ask.
    pub data_source: DataSourceConfig,
}

impl Default for GrafanaConfig {
    fn default() -> Self {
        Self {
            url: None,
            public_url: None,
            token_file: None,
            ca_file: None,
            folder: "IPMI".to_owned(),
            language: Language::En,
            drift: Drift::Repair,
            page_url: None,
            interval_seconds: 60,
            remove: false,
            data_source: DataSourceConfig::default(),
        }
    }
}

/// How Grafana asks Prometheus.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct DataSourceConfig {
    /// Unique name of one that is there already and that nobody touches.
    pub existing: Option<String>,
    /// Where Grafana reaches Prometheus; `query.url` or that of each Prometheus
    /// when absent.
    pub url: Option<Url>,
    /// User for basic authentication.
    pub username: Option<String>,
    /// File with that user's password.
    pub password_file: Option<PathBuf>,
    /// File with a bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// File with the authorities of Prometheus' certificate.
    pub ca_file: Option<PathBuf>,
}

/// One data source that is to be in Grafana.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSource {
    /// Unique name.
    pub uid: String,
    /// Name that people see.
    pub name: String,
    /// Where Grafana reaches it, and how it signs in.
    pub endpoint: EndpointConfig,
    /// File with the authorities of its certificate.
    pub ca_file: Option<PathBuf>,
}

impl GrafanaConfig {
    /// Where it answers; whether it is well it says to anybody.
    #[must_use]
    pub fn endpoint(&self) -> EndpointConfig {
        EndpointConfig {
            url: self.url.clone(),
            ..EndpointConfig::default()
        }
    }

    /// Where browsers reach it.
    #[must_use]
    pub fn public_url(&self) -> Option<&Url> {
        self.public_url.as_ref().or(self.url.as_ref())
    }

    /// Time between two looks.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds.into())
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for (key, url) in [
            ("grafana", &self.url),
            ("grafana.public", &self.public_url),
            ("grafana.page", &self.page_url),
        ] {
            if let Some(url) = url {
                check_url(url, key).map_err(|message| match key {
                    "grafana" => message,
                    _ => message.replace(&format!("{key}.url"), &format!("{key}_url")),
                })?;
            }
        }
        if self.token_file.is_some() && self.url.is_none() {
            return Err("grafana.url: is missing, but grafana.token_file is given".to_owned());
        }
        if self.remove && self.token_file.is_none() {
            return Err("grafana.token_file: is missing; grafana.remove needs it".to_owned());
        }
        let title = self.folder.trim();
        if title.is_empty() || title.chars().count() > MAX_FOLDER || title != self.folder {
            return Err(format!(
                "grafana.folder: {:?} is no title; 1 to {MAX_FOLDER} characters without blanks around them are possible",
                self.folder
            ));
        }
        if !(5..=3_600).contains(&self.interval_seconds) {
            return Err(format!(
                "grafana.interval_seconds: {} is not between 5 and 3600",
                self.interval_seconds
            ));
        }
        self.data_source.check()
    }
}

impl DataSourceConfig {
    fn endpoint(&self) -> EndpointConfig {
        EndpointConfig {
            url: self.url.clone(),
            username: self.username.clone(),
            password_file: self.password_file.clone(),
            bearer_token_file: self.bearer_token_file.clone(),
        }
    }

    fn check(&self) -> Result<(), String> {
        if let Some(uid) = &self.existing {
            let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if uid.is_empty() || uid.len() > MAX_UID || !uid.chars().all(is_good) {
                return Err(format!(
                    "grafana.data_source.existing: {uid:?} is no unique name of Grafana"
                ));
            }
            let alone = Self {
                existing: Some(uid.clone()),
                ..Self::default()
            };
            if *self != alone {
                return Err(
                    "grafana.data_source: has more than `existing`, but that one is not touched"
                        .to_owned(),
                );
            }
        }
        self.endpoint().check("grafana.data_source")?;
        if self.ca_file.is_some() && self.url.is_none() {
            return Err(
                "grafana.data_source.url: is missing, but grafana.data_source.ca_file is given"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// Unique name of the data source, or the beginning of those of several.
const SOURCE_UID: &str = "ipmi-prometheus";
/// Name of it that people see.
const SOURCE_NAME: &str = "IPMI Prometheus";

impl Config {
    /// The data sources that are to be in Grafana: what the configuration says
    /// there; else what answers queries; else each Prometheus.
    #[must_use]
    pub fn data_sources(&self) -> Vec<DataSource> {
        let keyed = &self.grafana.data_source;
        if keyed.existing.is_some() {
            return Vec::new();
        }
        let one = |endpoint: EndpointConfig, ca_file: Option<PathBuf>| DataSource {
            uid: SOURCE_UID.to_owned(),
            name: SOURCE_NAME.to_owned(),
            endpoint,
            ca_file,
        };
        if keyed.url.is_some() {
            return vec![one(keyed.endpoint(), keyed.ca_file.clone())];
        }
        if self.query.url.is_some() {
            return vec![one(self.query.clone(), None)];
        }
        let all = self.prometheus.iter().filter(|server| server.url.is_some());
        all.enumerate()
            .map(|(place, server)| {
                let only = one(server.endpoint(), None);
                if place == 0 {
                    return only;
                }
                DataSource {
                    uid: source_uid(&server.name),
                    name: format!("{SOURCE_NAME} {}", server.name),
                    ..only
                }
            })
            .collect()
    }

    /// For whom dashboards are written.
    #[must_use]
    pub fn dashboard_options(&self) -> Options {
        Options {
            language: self.grafana.language,
            data_source: self.first_data_source(),
            page: self.grafana.page_url.as_ref().map(ToString::to_string),
        }
    }

    /// Unique name of the data source that dashboards choose at first.
    fn first_data_source(&self) -> Option<String> {
        let existing = self.grafana.data_source.existing.clone();
        existing.or_else(|| self.data_sources().first().map(|source| source.uid.clone()))
    }
}

/// A unique name for the data source of a Prometheus, as long as Grafana takes.
fn source_uid(name: &str) -> String {
    use sha2::Digest;
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let uid = format!("{SOURCE_UID}-{plain}");
    if uid.len() <= MAX_UID && plain == name {
        return uid;
    }
    // Names that look alike, and those that are too long, are told apart.
    let digest = hex::encode(sha2::Sha256::digest(name));
    format!("{SOURCE_UID}-{}", digest.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        for (value, key) in [
            (serde_json::json!({"url": "ftp://x"}), "grafana.url"),
            (
                serde_json::json!({"public_url": "ftp://x"}),
                "grafana.public_url",
            ),
            (
                serde_json::json!({"page_url": "http://x/?a"}),
                "grafana.page_url",
            ),
            (serde_json::json!({"token_file": "/t"}), "grafana.url"),
            (
                serde_json::json!({"url": "http://x", "remove": true}),
                "grafana.token_file",
            ),
            (serde_json::json!({"folder": ""}), "grafana.folder"),
            (
                serde_json::json!({"interval_seconds": 4}),
                "grafana.interval_seconds",
            ),
            (
                serde_json::json!({"data_source": {"existing": "a b"}}),
                "grafana.data_source.existing",
            ),
            (
                serde_json::json!({"data_source": {"existing": "a", "url": "http://x"}}),
                "grafana.data_source",
            ),
            (
                serde_json::json!({"data_source": {"url": "http://x", "username": "u"}}),
                "grafana.data_source.password_file",
            ),
            (
                serde_json::json!({"data_source": {"ca_file": "/c"}}),
                "grafana.data_source.url",
            ),
        ] {
            let config: GrafanaConfig = serde_json::from_value(value).unwrap();
            let message = config.check().unwrap_err();
            assert!(message.contains(key), "{message}");
        }
        assert_eq!(GrafanaConfig::default().check(), Ok(()));
    }

    #[test]
    fn each_prometheus_is_a_data_source_unless_one_has_it_all() {
        let sources = |value: serde_json::Value| {
            let config: Config = serde_json::from_value(value).unwrap();
            let sources = config.data_sources();
            let uids: Vec<String> = sources.into_iter().map(|source| source.uid).collect();
            (uids, config.first_data_source())
        };
        let first = || Some("ipmi-prometheus".to_owned());
        let servers = serde_json::json!([{"name": "a", "url": "http://a"}, {"name": "b"},
            {"name": "c", "url": "http://c"}, {"name": "c.1", "url": "http://d"}]);
        let (uids, chosen) = sources(serde_json::json!({"prometheus": servers}));
        assert_eq!(chosen, first());
        assert_eq!(uids[..2], ["ipmi-prometheus", "ipmi-prometheus-c"]);
        assert!(uids[2].len() <= MAX_UID && uids.len() == 3, "{uids:?}");
        let one = serde_json::json!({"prometheus": servers, "query": {"url": "http://q"}});
        assert_eq!(sources(one), (vec!["ipmi-prometheus".to_owned()], first()));
        let existing = serde_json::json!({"grafana": {"data_source": {"existing": "mine"}}});
        assert_eq!(sources(existing), (Vec::new(), Some("mine".to_owned())));
        assert_eq!(sources(serde_json::json!({})), (Vec::new(), None));
    }
}
