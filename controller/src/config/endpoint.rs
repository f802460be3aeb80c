//! The key `query`, and what others have in common with it: servers that are asked,
//! and how to sign in.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

/// A server that is asked over HTTP. Without `url` it is not asked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointConfig {
    /// Where it answers, such as `http://127.0.0.1:9093`; a path stays in front
    /// of what is asked.
    pub url: Option<Url>,
    /// User for basic authentication.
    pub username: Option<String>,
    /// File with that user's password.
    pub password_file: Option<PathBuf>,
    /// File with a bearer token.
    pub bearer_token_file: Option<PathBuf>,
}

impl EndpointConfig {
    /// Checks the keys of a section.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub(super) fn check(&self, section: &str) -> Result<(), String> {
        if let Some(url) = &self.url {
            check_url(url, section)?;
        }
        if self.username.is_some() != self.password_file.is_some() {
            return Err(format!(
                "{section}.username, {section}.password_file: one needs the other"
            ));
        }
        if self.username.is_some() && self.bearer_token_file.is_some() {
            return Err(format!(
                "{section}.username, {section}.bearer_token_file: only one is possible"
            ));
        }
        let has_login = self.username.is_some() || self.bearer_token_file.is_some();
        if has_login && self.url.is_none() {
            return Err(format!("{section}.url: is missing, but a log-in is given"));
        }
        Ok(())
    }
}

pub(super) fn check_url(url: &Url, section: &str) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{section}.url: names a user; set {section}.username and {section}.password_file"
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!(
            "{section}.url: {url} is no http or https URL with a host"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "{section}.url: has a query or a fragment; a path is allowed"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named_with_its_section() {
        for (value, key) in [
            (serde_json::json!({"url": "ftp://x"}), "alertmanager.url"),
            (
                serde_json::json!({"url": "http://x/?a=b"}),
                "alertmanager.url",
            ),
            (
                serde_json::json!({"url": "ftp://u:p@x"}),
                "alertmanager.url",
            ),
            (
                serde_json::json!({"username": "u"}),
                "alertmanager.password_file",
            ),
            (
                serde_json::json!({"bearer_token_file": "/t"}),
                "alertmanager.url",
            ),
        ] {
            let config: EndpointConfig = serde_json::from_value(value).unwrap();
            let message = config.check("alertmanager").unwrap_err();
            assert!(message.contains(key), "{message}");
            assert!(!message.contains("u:p"), "{message}");
        }
        assert_eq!(EndpointConfig::default().check("query"), Ok(()));
    }
}
