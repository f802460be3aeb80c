//! The keys `prometheus` and `sync`.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::EndpointConfig;
use crate::render::JOB;
use crate::sync::Guard;

/// The Prometheus that is kept in step. Without `targets_file` targets are given
/// out by HTTP service discovery only; without `url` nobody looks whether they
/// arrive.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct PrometheusConfig {
    /// Where it answers, such as `http://127.0.0.1:9090`.
    pub url: Option<Url>,
    /// File that its scrape job reads targets from; ends in `.json`.
    pub targets_file: Option<PathBuf>,
    /// Name of the scrape job.
    pub job: String,
    /// User for basic authentication.
    pub username: Option<String>,
    /// File with that user's password.
    pub password_file: Option<PathBuf>,
    /// File with a bearer token, for a proxy in front of it.
    pub bearer_token_file: Option<PathBuf>,
}

impl Default for PrometheusConfig {
    fn default() -> Self {
        Self {
            url: None,
            targets_file: None,
            job: JOB.to_owned(),
            username: None,
            password_file: None,
            bearer_token_file: None,
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

    pub(super) fn check(&self) -> Result<(), String> {
        self.endpoint().check("prometheus")?;
        if let Some(file) = &self.targets_file
            && file.extension().is_none_or(|extension| extension != "json")
        {
            return Err(format!(
                "prometheus.targets_file: {} does not end in .json, by which Prometheus knows the format",
                file.display()
            ));
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
        let check = |value: serde_json::Value| {
            let config: PrometheusConfig = serde_json::from_value(value).unwrap();
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
        ] {
            let message = check(value);
            assert!(message.contains(key), "{message}");
            assert!(!message.contains("u:p"), "{message}");
        }
        assert_eq!(PrometheusConfig::default().check(), Ok(()));
    }
}
