//! The certificate that is served, and its renewal while the program runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::config::TlsFiles;

/// How often the files are looked at.
const WATCH: Duration = Duration::from_secs(5);
/// Largest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// What is wrong with which file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct TlsError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// What people want to know of the certificate that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// Why newer files are not served; `None` when they are.
    pub refused: Option<String>,
}

/// The files' contents; the key is wiped when it is dropped.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Zeroizing<Vec<u8>>>,
}

/// Certificate and key that can be renewed. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<ArcSwap<ServerConfig>>,
    certificate: watch::Sender<Certificate>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is wrong, and why.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let config = contents.server_config(&files)?;
        let (not_before, not_after) = validity(&files.certificate, &contents.certificate)?;
        let certificate = Certificate {
            not_before,
            not_after,
            refused: None,
        };
        Ok(Self {
            files,
            current: Arc::new(ArcSwap::new(config)),
            certificate: watch::channel(certificate).0,
        })
    }

    /// What new connections are served with.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// What is served, and whether newer files were refused.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        self.certificate.borrow().clone()
    }

    /// Serves what is in the files now; keeps what is served when they are bad.
    ///
    /// # Errors
    /// Which file is wrong, and why.
    pub fn reload(&self) -> Result<(), TlsError> {
        let renewed = Contents::read(&self.files).and_then(|contents| {
            let config = contents.server_config(&self.files)?;
            Ok((
                config,
                validity(&self.files.certificate, &contents.certificate)?,
            ))
        });
        match renewed {
            Ok((config, (not_before, not_after))) => {
                self.current.store(config);
                self.certificate.send_replace(Certificate {
                    not_before,
                    not_after,
                    refused: None,
                });
                tracing::info!(%not_after, "The certificate was read anew");
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                tracing::error!(error = %text, "The new certificate is not served; the old one stays");
                self.certificate
                    .send_modify(|certificate| certificate.refused = Some(text));
                Err(error)
            }
        }
    }

    /// Renews at SIGHUP, and when the files change, until `shutdown` is cancelled.
    pub async fn watch(self, mut hangups: watch::Receiver<u64>, shutdown: CancellationToken) {
        let mut seen = Contents::read(&self.files).ok();
        let mut ticks = tokio::time::interval(WATCH);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut can_hang_up = true;
        loop {
            let is_asked = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => false,
                changed = hangups.changed(), if can_hang_up => {
                    can_hang_up = changed.is_ok();
                    can_hang_up
                }
            };
            // A file that is being replaced is there again at the next look.
            let Ok(found) = Contents::read(&self.files) else {
                if is_asked {
                    // Says which file cannot be read.
                    let _ = self.reload();
                }
                continue;
            };
            if is_asked || seen.as_ref() != Some(&found) {
                let _ = self.reload();
                seen = Some(found);
            }
        }
    }
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    fn server_config(&self, files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        let wrong = |path: &Path, why: String| TlsError {
            path: path.to_owned(),
            why,
        };
        let chain =
            certificates(&self.certificate).map_err(|why| wrong(&files.certificate, why))?;
        // The cause is not passed on: it may quote the key.
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            wrong(
                &files.key,
                "holds no private key in PEM form without a pass phrase".to_owned(),
            )
        })?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&files.certificate, error.to_string()))?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(pem), Some(path)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(pem).map_err(|why| wrong(path, why))? {
                    roots
                        .add(authority)
                        .map_err(|error| wrong(path, error.to_string()))?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(|error| wrong(path, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => wrong(
                    &files.key,
                    format!("is not the key of {}", files.certificate.display()),
                ),
                Error::InvalidCertificate(why) => {
                    wrong(&files.certificate, format!("is not a certificate: {why}"))
                }
                error => wrong(&files.key, format!("cannot be used: {error}")),
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let wrong = |why: String| TlsError {
        path: path.to_owned(),
        why,
    };
    let metadata = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("is not a file".to_owned()));
    }
    if metadata.len() > MAX_BYTES {
        return Err(wrong(format!("is larger than {MAX_BYTES} bytes")));
    }
    std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| wrong(error.to_string()))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| "is not valid PEM".to_owned())?;
    if chain.is_empty() {
        return Err("holds no certificate in PEM form".to_owned());
    }
    Ok(chain)
}

fn validity(path: &Path, pem: &[u8]) -> Result<(Timestamp, Timestamp), TlsError> {
    let wrong = |why: String| TlsError {
        path: path.to_owned(),
        why,
    };
    let chain = certificates(pem).map_err(wrong)?;
    let first = chain.first().ok_or_else(|| wrong("is empty".to_owned()))?;
    let (_, certificate) = X509Certificate::from_der(first)
        .map_err(|error| wrong(format!("is not a certificate: {error}")))?;
    let validity = certificate.validity();
    let moment = |seconds: i64| Timestamp(seconds.saturating_mul(1000));
    Ok((
        moment(validity.not_before.timestamp()),
        moment(validity.not_after.timestamp()),
    ))
}
