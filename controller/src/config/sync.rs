//! The keys `prometheus` and `sync`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::EndpointConfig;
use crate::model::{Artefact, SyncKey};
use crate::render::{JOB, Shard};
use crate::sync::Guard;

/// Most servers of the list.
const MAX_SERVERS: usize = 100;
/// Longest name of a server or a shard.
const MAX_NAME: usize = 64;
/// Greatest weight, as for exporters.
const MAX_WEIGHT: u32 = 10_000;
/// Targets that one Prometheus copes with: near 100,000 it takes most of a minute
/// to take up one more.
const MAX_TARGETS: usize = 15_000;

/// The Prometheus servers that are kept in step: one map, or a list of maps with
/// different names. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusServers(Vec<PrometheusConfig>);

impl Default for PrometheusServers {
    fn default() -> Self {
        Self(vec![PrometheusConfig::default()])
    }
}

impl Deref for PrometheusServers {
    type Target = [PrometheusConfig];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PrometheusServers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An untagged enum would not say which key is wrong.
        let servers = match Value::deserialize(deserializer)? {
            Value::Array(servers) => servers,
            one => vec![one],
        };
        let servers: Result<Vec<PrometheusConfig>, _> =
            servers.into_iter().map(serde_json::from_value).collect();
        servers.map(Self).map_err(D::Error::custom)
    }
}

impl PrometheusServers {
    /// The first one.
    #[must_use]
    pub fn first(&self) -> &PrometheusConfig {
        static DEFAULT: LazyLock<PrometheusConfig> = LazyLock::new(PrometheusConfig::default);
        self.0.first().unwrap_or(&DEFAULT)
    }

    /// The lists of targets that are published, one for each server.
    #[must_use]
    pub fn target_lists(&self) -> Vec<SyncKey> {
        let names = self.0.iter().map(|server| &server.name);
        names
            .map(|name| SyncKey::new(Artefact::PrometheusTargets, name))
            .collect()
    }

    /// The shards that targets are distributed among, by their first servers.
    #[must_use]
    pub fn shards(&self) -> Vec<Shard> {
        let mut shards: Vec<Shard> = Vec::new();
        for server in &self.0 {
            if shards.iter().all(|shard| shard.name != server.shard()) {
                shards.push(server.as_shard());
            }
        }
        shards
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=MAX_SERVERS).contains(&self.0.len()) {
            return Err(format!(
                "prometheus: {} servers; between 1 and {MAX_SERVERS} are possible",
                self.0.len()
            ));
        }
        let mut names = BTreeSet::new();
        let mut files = BTreeSet::new();
        let mut shards: BTreeMap<&str, &PrometheusConfig> = BTreeMap::new();
        for server in &self.0 {
            let name = server.name.as_str();
            server.check().map_err(|message| match self.0.len() {
                1 => message,
                _ => format!("prometheus {name}: {message}"),
            })?;
            if !names.insert(name) {
                return Err(format!("prometheus.name: {name} is there twice"));
            }
            let files_of = [
                &server.targets_file,
                &server.rules_file,
                &server.snapshot_directory,
            ];
            for file in files_of.into_iter().flatten() {
                if !files.insert(file) {
                    return Err(format!(
                        "prometheus {name}: {} is another server's as well; each needs its own",
                        file.display()
                    ));
                }
            }
            let first = shards.entry(server.shard()).or_insert(server);
            if first.as_shard() != server.as_shard() {
                return Err(format!(
                    "prometheus {name}: site, sites, weight and max_targets must be those of {}, which has the same shard",
                    first.name
                ));
            }
        }
        Ok(())
    }
}

/// A Prometheus that is kept in step. Without `targets_file` targets are given
/// out by HTTP service discovery only; without `url` nobody looks whether they
/// arrive.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct PrometheusConfig {
    /// Unique name, by which the store and the API know it.
    pub name: String,
    /// Where it answers, such as `http://127.0.0.1:9090`.
    pub url: Option<Url>,
    /// File that its scrape job reads targets from; ends in `.json`.
    pub targets_file: Option<PathBuf>,
    /// File that it reads rules from; ends in `.yml`. Under another name every
    /// alert begins anew.
    pub rules_file: Option<PathBuf>,
    /// Program that checks rules; `promtool` of the path when absent.
    pub promtool: Option<PathBuf>,
    /// Where it writes snapshots: `snapshots` in its data directory. Without it
    /// its old ones are not removed.
    pub snapshot_directory: Option<PathBuf>,
    /// Name of the scrape job.
    pub job: String,
    /// User for basic authentication.
    pub username: Option<String>,
    /// File with that user's password.
    pub password_file: Option<PathBuf>,
    /// File with a bearer token, for a proxy in front of it.
    pub bearer_token_file: Option<PathBuf>,
    /// Servers with the same word here have the same targets; its name when absent.
    pub shard: Option<String>,
    /// Site whose servers it takes first.
    pub site: Option<String>,
    /// More of them.
    pub sites: Vec<String>,
    /// Its share of the targets, in proportion to that of the others.
    pub weight: u32,
    /// Most targets, where there are other shards.
    pub max_targets: usize,
}

impl Default for PrometheusConfig {
    fn default() -> Self {
        Self {
            name: "prometheus".to_owned(),
            url: None,
            targets_file: None,
            rules_file: None,
            promtool: None,
            snapshot_directory: None,
            job: JOB.to_owned(),
            username: None,
            password_file: None,
            bearer_token_file: None,
            shard: None,
            site: None,
            sites: Vec::new(),
            weight: 100,
            max_targets: MAX_TARGETS,
        }
    }
}

impl PrometheusConfig {
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

    /// The name of its shard.
    #[must_use]
    pub fn shard(&self) -> &str {
        self.shard.as_deref().unwrap_or(&self.name)
    }

    fn as_shard(&self) -> Shard {
        Shard {
            name: self.shard().to_owned(),
            sites: self.site.iter().chain(&self.sites).cloned().collect(),
            weight: self.weight,
            max_targets: self.max_targets,
        }
    }

    fn check(&self) -> Result<(), String> {
        for (key, name) in [("name", self.name.as_str()), ("shard", self.shard())] {
            let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_good) {
                return Err(format!(
                    "prometheus.{key}: {name:?} is no name; up to {MAX_NAME} letters, digits, dots, hyphens and underscores are possible"
                ));
            }
        }
        if !(1..=MAX_WEIGHT).contains(&self.weight) {
            return Err(format!(
                "prometheus.weight: {} is not between 1 and {MAX_WEIGHT}",
                self.weight
            ));
        }
        if self.max_targets == 0 {
            return Err("prometheus.max_targets: 0 leaves room for no target".to_owned());
        }
        self.endpoint().check("prometheus")?;
        if let Some(file) = &self.targets_file
            && file.extension().is_none_or(|extension| extension != "json")
        {
            return Err(format!(
                "prometheus.targets_file: {} does not end in .json, by which Prometheus knows the format",
                file.display()
            ));
        }
        if let Some(file) = &self.rules_file {
            if file.extension().is_none_or(|extension| extension != "yml") {
                return Err(format!(
                    "prometheus.rules_file: {} does not end in .yml",
                    file.display()
                ));
            }
            if self.url.is_none() {
                return Err(
                    "prometheus.url: is missing; it is needed to load the rules of prometheus.rules_file"
                        .to_owned(),
                );
            }
        }
        if self.job.is_empty() {
            return Err("prometheus.job: is empty".to_owned());
        }
        Ok(())
    }
}

/// How what is published may change.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct SyncConfig {
    /// Share of the targets, in percent, above which a removal needs a
    /// confirmation. To remove all always does.
    pub max_removed_percent: u8,
    /// So many targets may go without one even if that is a greater share.
    pub always_removable: u32,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            max_removed_percent: 20,
            always_removable: 5,
        }
    }
}

impl SyncConfig {
    pub(super) fn check(self) -> Result<(), String> {
        if self.max_removed_percent > 100 {
            return Err(format!(
                "sync.max_removed_percent: {} is more than 100",
                self.max_removed_percent
            ));
        }
        Ok(())
    }

    /// The guard with these limits.
    #[must_use]
    pub fn guard(self) -> Guard {
        Guard {
            max_removed_percent: self.max_removed_percent,
            always_removable: self.always_removable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        let check = |value: Value| {
            let config: PrometheusServers = serde_json::from_value(value).unwrap();
            config.check().unwrap_err()
        };
        for (value, key) in [
            (serde_json::json!({"url": "ftp://x"}), "prometheus.url"),
            (serde_json::json!({"url": "http://u:p@x"}), "prometheus.url"),
            (
                serde_json::json!({"targets_file": "/a/b.txt"}),
                "prometheus.targets_file",
            ),
            (serde_json::json!({"job": ""}), "prometheus.job"),
            (
                serde_json::json!({"url": "http://x", "username": "u"}),
                "prometheus.password_file",
            ),
            (
                serde_json::json!({"bearer_token_file": "/t"}),
                "prometheus.url",
            ),
            (serde_json::json!({"name": "a b"}), "prometheus.name"),
            (serde_json::json!({"shard": ""}), "prometheus.shard"),
            (serde_json::json!({"weight": 0}), "prometheus.weight"),
            (
                serde_json::json!({"max_targets": 0}),
                "prometheus.max_targets",
            ),
            (
                serde_json::json!({"url": "http://x", "rules_file": "/a/b.yaml"}),
                "prometheus.rules_file",
            ),
            (
                serde_json::json!({"rules_file": "/a/b.yml"}),
                "prometheus.url",
            ),
            (serde_json::json!([]), "prometheus: 0 servers"),
            (serde_json::json!([{}, {}]), "is there twice"),
            (
                serde_json::json!([{"name": "a"}, {"name": "b", "url": "ftp://x"}]),
                "prometheus b: prometheus.url",
            ),
            (
                serde_json::json!([
                    {"name": "a", "targets_file": "/t.json"},
                    {"name": "b", "targets_file": "/t.json"},
                ]),
                "another server's",
            ),
            (
                serde_json::json!([
                    {"name": "a", "shard": "s"}, {"name": "b", "shard": "s", "site": "east"},
                ]),
                "prometheus b: site",
            ),
        ] {
            let message = check(value);
            assert!(message.contains(key), "{message}");
            assert!(!message.contains("u:p"), "{message}");
        }
        assert_eq!(PrometheusServers::default().check(), Ok(()));
        let unknown: Result<PrometheusServers, _> =
            serde_json::from_value(serde_json::json!({"ulr": "http://x"}));
        assert!(unknown.unwrap_err().to_string().contains("ulr"));
    }

    #[test]
    fn a_map_is_a_list_of_one_and_pairs_are_one_shard() {
        let servers = |value: Value| {
            let servers: PrometheusServers = serde_json::from_value(value).unwrap();
            servers.check().unwrap();
            servers
        };
        let one = servers(serde_json::json!({"url": "http://x"}));
        assert_eq!((one.len(), one.first().name.as_str()), (1, "prometheus"));
        let three = servers(serde_json::json!([
            {"name": "a1", "shard": "a", "site": "east"},
            {"name": "a2", "shard": "a", "sites": ["east"]},
            {"name": "b", "weight": 200, "max_targets": 10},
        ]));
        let shards = three.shards();
        let names: Vec<&str> = shards.iter().map(|shard| shard.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(shards[0].sites, ["east"]);
        assert_eq!((shards[1].weight, shards[1].max_targets), (200, 10));
    }
}
