//! From the TLS settings of the web configuration to what rustls serves with.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{
    Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::client_auth::{ClientAuth, verifier};

/// What a TLS server needs; contents are loaded, names are resolved. Without `Debug`: it holds the
/// private key.
pub(crate) struct TlsSettings {
    /// PEM text of the certificate and its intermediates.
    pub(crate) certificate: Zeroizing<Vec<u8>>,
    /// PEM text of the private key.
    pub(crate) key: Zeroizing<Vec<u8>>,
    /// PEM text of the authorities that sign clients.
    pub(crate) client_ca: Option<Zeroizing<Vec<u8>>>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) client_allowed_sans: Vec<String>,
    pub(crate) min_version: TlsVersion,
    pub(crate) max_version: TlsVersion,
    /// Suites of TLS 1.2; `None` is all. Those of TLS 1.3 cannot be chosen, as in Go.
    pub(crate) cipher_suites: Option<Vec<SupportedCipherSuite>>,
    pub(crate) prefer_server_cipher_suites: bool,
    /// Key exchange groups by preference; `None` is all.
    pub(crate) curves: Option<Vec<&'static dyn SupportedKxGroup>>,
    pub(crate) http2: bool,
}

/// A protocol version by the name of the web configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsVersion {
    pub(crate) const NAMES: [&'static str; 2] = ["TLS12", "TLS13"];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "TLS12" => Some(Self::Tls12),
            "TLS13" => Some(Self::Tls13),
            _ => None,
        }
    }
}

/// What a name of `cipher_suites` stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SuiteName {
    /// A suite of TLS 1.2.
    Tls12(SupportedCipherSuite),
    /// A suite of TLS 1.3, which is always on.
    Tls13,
}

/// Go's names that can be served, with Go's two short forms.
const SUITES: [(&str, SuiteName); 11] = {
    use ring::cipher_suite as suite;
    [
        (
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            SuiteName::Tls12(suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            SuiteName::Tls12(suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            SuiteName::Tls12(suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
            SuiteName::Tls12(suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
        ),
        (
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            SuiteName::Tls12(suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            SuiteName::Tls12(suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
        ),
        (
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            SuiteName::Tls12(suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
        ),
        (
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
            SuiteName::Tls12(suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
        ),
        ("TLS_AES_128_GCM_SHA256", SuiteName::Tls13),
        ("TLS_AES_256_GCM_SHA384", SuiteName::Tls13),
        ("TLS_CHACHA20_POLY1305_SHA256", SuiteName::Tls13),
    ]
};

impl SuiteName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        SUITES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, suite)| *suite)
    }

    pub(crate) fn names() -> Vec<&'static str> {
        SUITES.iter().map(|(name, _)| *name).collect()
    }
}

/// Names of `curve_preferences` that can be served.
pub(crate) const CURVES: [&str; 3] = ["X25519", "CurveP256", "CurveP384"];

/// The key exchange group of that name.
pub(crate) fn curve(name: &str) -> Option<&'static dyn SupportedKxGroup> {
    match name {
        "X25519" => Some(ring::kx_group::X25519),
        "CurveP256" => Some(ring::kx_group::SECP256R1),
        "CurveP384" => Some(ring::kx_group::SECP384R1),
        _ => None,
    }
}

/// Which setting is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsPart {
    Certificate,
    Key,
    ClientCa,
    Other,
}

/// Puts the settings together.
///
/// # Errors
/// Which setting is wrong, and why.
pub(crate) fn server_config(
    settings: &TlsSettings,
) -> Result<Arc<ServerConfig>, (TlsPart, String)> {
    let chain = certificates(&settings.certificate).map_err(|why| (TlsPart::Certificate, why))?;
    let key = private_key(&settings.key).map_err(|why| (TlsPart::Key, why))?;
    let authorities = settings
        .client_ca
        .as_deref()
        .map(|pem| authorities(pem))
        .transpose()
        .map_err(|why| (TlsPart::ClientCa, why))?;
    let provider = Arc::new(provider(settings));
    let other = |why: String| (TlsPart::Other, why);
    let verifier = verifier(
        settings.client_auth,
        authorities,
        &settings.client_allowed_sans,
        &provider,
    )
    .map_err(|why| (TlsPart::ClientCa, why))?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(|error| other(error.to_string()))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                (TlsPart::Key, "is not the key of the certificate".to_owned())
            }
            Error::InvalidCertificate(why) => {
                (TlsPart::Certificate, format!("is not a certificate: {why}"))
            }
            error => (TlsPart::Key, format!("cannot be used: {error}")),
        })?;
    config.ignore_client_order = settings.prefer_server_cipher_suites;
    config.alpn_protocols = if settings.http2 {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    } else {
        vec![b"http/1.1".to_vec()]
    };
    Ok(Arc::new(config))
}

/// Why the server's certificate is not valid now; `None` when it is.
pub(crate) fn validity_problem(pem: &[u8]) -> Option<String> {
    let first = certificates(pem).ok()?.into_iter().next()?;
    let (_, certificate) = X509Certificate::from_der(&first).ok()?;
    let validity = certificate.validity();
    if validity.is_valid() {
        return None;
    }
    Some(format!(
        "the certificate is valid from {} to {}, which is not now",
        validity.not_before, validity.not_after
    ))
}

fn provider(settings: &TlsSettings) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if let Some(chosen) = &settings.cipher_suites {
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some());
        provider.cipher_suites.extend(chosen);
    }
    if let Some(curves) = &settings.curves {
        provider.kx_groups.clone_from(curves);
    }
    provider
}

fn versions(settings: &TlsSettings) -> Vec<&'static SupportedProtocolVersion> {
    [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)]
        .into_iter()
        .filter(|(version, _)| (settings.min_version..=settings.max_version).contains(version))
        .map(|(_, supported)| supported)
        .collect()
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

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    if pem.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err("is encrypted; a server needs a key without a pass phrase".to_owned());
    }
    // The cause is not passed on: it may quote the key.
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| "holds no private key in PEM form".to_owned())
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem)? {
        store
            .add(certificate)
            .map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    Ok(store)
}
