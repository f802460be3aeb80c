//! Whom the exporter believes to be the controller.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::source::cannot_read;

/// Largest file of authorities; that of a distribution has 250 KiB.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;

/// A client that believes the authorities of a file, or those of the system.
///
/// # Errors
/// What is wrong with them, for the operator. Blocks on files.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let roots = match ca_file {
        Some(path) => roots_of_file(path)
            .map_err(|what| format!("--controller.ca-file: {} {what}", path.display()))?,
        None => roots_of_system()?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots_of_file(path: &Path) -> Result<RootCertStore, String> {
    let mut pem = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_CA_BYTES + 1).read_to_end(&mut pem));
    read.map_err(|error| cannot_read(&error))?;
    if pem.len() as u64 > MAX_CA_BYTES {
        return Err(format!("has more than {MAX_CA_BYTES} bytes"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| "is not valid PEM".to_owned())?;
        roots
            .add(certificate)
            .map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err("holds no certificate in PEM form".to_owned());
    }
    Ok(roots)
}

fn roots_of_system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (_, ignored) = roots.add_parsable_certificates(found.certs);
    if ignored > 0 {
        tracing::debug!(ignored, "Some of the system's authorities cannot be used");
    }
    if roots.is_empty() {
        return Err(
            "the system has no certificate authorities; install ca-certificates, or give \
             --controller.ca-file"
                .to_owned(),
        );
    }
    Ok(roots)
}
