//! The sub-command `health`: asks a running service whether it is well. Images
//! have neither a shell nor curl for it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long the whole question may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest file of certificates or with a key.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whom to ask, and who asks.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct HealthArgs {
    /// What to ask; any answer below 500 is a good one, also one that wants a
    /// password
    #[arg(long, value_name = "URL")]
    pub url: Uri,

    /// Authorities of the service's certificate (PEM); needed for https
    #[arg(long = "ca-file", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Certificate to show (PEM), where the service wants one
    #[arg(long = "cert-file", value_name = "FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long = "key-file", value_name = "FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
}

/// Asks, prints one line, and gives the exit status: 0 or 1.
pub async fn run(arguments: &HealthArgs) -> ExitCode {
    let asked = timeout(TIMEOUT, ask(arguments)).await;
    let verdict = asked
        .unwrap_or_else(|_| Err(format!("does not answer within {} s", TIMEOUT.as_secs())))
        .and_then(|status| match status {
            ..500 => Ok(status),
            _ => Err(format!("answers with status {status}")),
        });
    match verdict {
        Ok(status) => {
            println!("{}: status {status}", arguments.url);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{}: {reason}", arguments.url);
            ExitCode::FAILURE
        }
    }
}

async fn ask(arguments: &HealthArgs) -> Result<u16, String> {
    let url = &arguments.url;
    let authority = url.authority().ok_or("names no host")?;
    let tls = match url.scheme_str() {
        Some("http") => None,
        Some("https") => Some(client_config(arguments)?),
        _ => return Err("must begin with http:// or https://".to_owned()),
    };
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority
        .port_u16()
        .unwrap_or_else(|| if tls.is_some() { 443 } else { 80 });
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| format!("cannot be reached: {error}"))?;
    let Some(tls) = tls else {
        return request(stream, url).await;
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| "names no host that a certificate can name".to_owned())?;
    let stream = TlsConnector::from(tls)
        .connect(name, stream)
        .await
        .map_err(|error| format!("TLS: {error}"))?;
    request(stream, url).await
}

async fn request(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    url: &Uri,
) -> Result<u16, String> {
    let failed = |error: hyper::Error| format!("does not answer: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    tokio::spawn(connection);
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    Ok(answer.status().as_u16())
}

fn client_config(arguments: &HealthArgs) -> Result<Arc<ClientConfig>, String> {
    let Some(ca_file) = &arguments.ca_file else {
        return Err("needs --ca-file for https".to_owned());
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca_file)? {
        roots
            .add(certificate)
            .map_err(|error| format!("{}: {error}", ca_file.display()))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let config = match (&arguments.cert_file, &arguments.key_file) {
        (Some(certificate), Some(key)) => {
            let pem = read(key)?;
            let key = PrivateKeyDer::from_pem_slice(&pem)
                .map_err(|_| format!("{}: holds no private key", key.display()))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(|error| format!("{}: {error}", certificate.display()))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{}: holds no certificate", path.display())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let metadata = std::fs::metadata(path).map_err(|error| wrong(&error))?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(wrong(&format_args!(
            "is no file of up to {MAX_BYTES} bytes"
        )));
    }
    std::fs::read(path).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// The verdict about a service that answers everybody with `status`.
    async fn verdict(status: &'static str) -> Result<u16, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        ask(&arguments(&format!("http://{address}/-/ready"))).await
    }

    fn arguments(url: &str) -> HealthArgs {
        HealthArgs {
            url: url.parse().unwrap(),
            ca_file: None,
            cert_file: None,
            key_file: None,
        }
    }

    #[tokio::test]
    async fn the_status_is_told_whatever_it_is() {
        assert_eq!(verdict("200 OK").await, Ok(200));
        assert_eq!(verdict("401 Unauthorized").await, Ok(401));
        assert_eq!(verdict("503 Service Unavailable").await, Ok(503));
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_told_with_the_reason() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        for (url, reason) in [
            (format!("http://{address}/"), "cannot be reached"),
            ("https://localhost/".to_owned(), "--ca-file"),
            ("ftp://localhost/".to_owned(), "http://"),
            ("/path".to_owned(), "names no host"),
        ] {
            let told = ask(&arguments(&url)).await.unwrap_err();
            assert!(told.contains(reason), "{url}: {told}");
        }
    }
}
