//! The key `exporters`: how the controller signs in at exporters, which it asks
//! about one server at a time and whether they are well.

use std::path::PathBuf;

use serde::Deserialize;

/// One log-in for all exporters; without any nobody signs in.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ExportersConfig {
    /// User for basic authentication.
    pub username: Option<String>,
    /// File with that user's password.
    pub password_file: Option<PathBuf>,
    /// Certificate to show (PEM), where exporters want one.
    pub cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub key_file: Option<PathBuf>,
}

impl ExportersConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.username.is_some() != self.password_file.is_some() {
            return Err(
                "exporters.username, exporters.password_file: one needs the other".to_owned(),
            );
        }
        if self.cert_file.is_some() != self.key_file.is_some() {
            return Err("exporters.cert_file, exporters.key_file: one needs the other".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_another_key_is_named() {
        for (value, key) in [
            (serde_json::json!({"username": "u"}), "password_file"),
            (serde_json::json!({"password_file": "/p"}), "username"),
            (serde_json::json!({"cert_file": "/c"}), "key_file"),
            (serde_json::json!({"key_file": "/k"}), "cert_file"),
        ] {
            let config: ExportersConfig = serde_json::from_value(value).unwrap();
            let message = config.check().unwrap_err();
            assert!(message.contains(key), "{message}");
        }
        assert_eq!(ExportersConfig::default().check(), Ok(()));
    }
}
