//! The key `tls`.

use std::path::PathBuf;

use serde::Deserialize;

/// Encrypted connections; without files the interface speaks plain HTTP.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The certificate and its intermediates (PEM).
    pub cert_file: Option<PathBuf>,
    /// The certificate's private key (PEM).
    pub key_file: Option<PathBuf>,
    /// Authorities that sign clients (PEM). When given, a client without a
    /// certificate of theirs is refused.
    pub client_ca_file: Option<PathBuf>,
}

/// Files that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate with intermediates.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// Authorities that sign clients.
    pub client_ca: Option<PathBuf>,
}

impl TlsConfig {
    /// The files; `None` when TLS is off.
    #[must_use]
    pub fn files(&self) -> Option<TlsFiles> {
        Some(TlsFiles {
            certificate: self.cert_file.clone()?,
            key: self.key_file.clone()?,
            client_ca: self.client_ca_file.clone(),
        })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.cert_file, &self.key_file, &self.client_ca_file) {
            (Some(_), None, _) => {
                Err("tls.key_file: is missing; tls.cert_file needs it".to_owned())
            }
            (None, Some(_), _) => {
                Err("tls.cert_file: is missing; tls.key_file needs it".to_owned())
            }
            (None, None, Some(_)) => {
                Err("tls.client_ca_file: needs tls.cert_file and tls.key_file".to_owned())
            }
            _ => Ok(()),
        }
    }
}
