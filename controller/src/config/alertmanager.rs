//! The key `alertmanager`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::EndpointConfig;

/// The Alertmanager that is asked about alerts. Without `url` nobody asks it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct AlertmanagerConfig {
    /// Where it answers, such as `http://127.0.0.1:9093`.
    pub url: Option<Url>,
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
            url: None,
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

    pub(super) fn check(&self) -> Result<(), String> {
        self.endpoint().check("alertmanager")?;
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
        ] {
            let config: AlertmanagerConfig = serde_json::from_value(value).unwrap();
            let message = config.check().unwrap_err();
            assert!(message.contains(key), "{message}");
            assert!(!message.contains("u:p"), "{message}");
        }
        assert_eq!(AlertmanagerConfig::default().check(), Ok(()));
    }
}
