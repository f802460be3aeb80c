//! A server on a port of its own with certificates of its own, and clients for it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response, StatusCode};
use ipmi_exporter::web::listen::{Server, ServerOptions};
use ipmi_exporter::web::{WebSettings, bind, compress, response};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An authority and the directory that its certificates are in.
pub(crate) struct Home {
    pub(crate) directory: tempfile::TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Home {
    /// With `server.pem`, `server-key.pem` and `ca.pem`.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let home = Self {
            directory,
            authority,
        };
        home.write("ca.pem", &home.authority.pem());
        home.issue_server(&["127.0.0.1", "localhost"]);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaced as operators do: whole, by renaming.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    pub(crate) fn issue_server(&self, names: &[&str]) {
        let (certificate, key) = self.issue(names, ExtendedKeyUsagePurpose::ServerAuth);
        self.write("server-key.pem", &key);
        self.write("server.pem", &certificate);
    }

    /// A client's certificate and key.
    pub(crate) fn issue_client(&self, names: &[&str]) -> reqwest::Identity {
        let (certificate, key) = self.issue(names, ExtendedKeyUsagePurpose::ClientAuth);
        reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap()
    }

    fn issue(&self, names: &[&str], purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A web configuration with TLS and more.
    pub(crate) fn write_tls(&self, more: &str) {
        self.write(
            "web.yml",
            &format!(
                "tls_server_config:\n  cert_file: server.pem\n  key_file: server-key.pem\n{more}"
            ),
        );
    }

    /// A client that trusts this authority; every request of it is a new connection.
    pub(crate) fn client(&self, identity: Option<reqwest::Identity>) -> reqwest::Client {
        let authority = reqwest::Certificate::from_pem(self.authority.pem().as_bytes()).unwrap();
        let mut builder = client_builder().tls_certs_only([authority]);
        if let Some(identity) = identity {
            builder = builder.identity(identity);
        }
        builder.build().unwrap()
    }
}

/// A client that makes a new connection for every request.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    // Several tests of one process do this; the first one counts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(PATIENCE)
}

/// What the handler of the test server shares with the test.
#[derive(Default)]
pub(crate) struct Backstage {
    /// Requests that reached the handler.
    pub(crate) seen: AtomicUsize,
    /// Lets requests for `/wait` finish.
    pub(crate) release: Notify,
}

impl Backstage {
    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// Waits until the handler has seen that many requests.
    pub(crate) async fn wait_until_seen(&self, count: usize) {
        wait_until(|| self.seen() >= count).await;
    }
}

/// Waits for a condition that other tasks bring about.
pub(crate) async fn wait_until(condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the condition never held"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) backstage: Arc<Backstage>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Starts a server whose handler answers `/wait` only when told to, `/large` with a large text
/// and everything else with `hello VERSION`.
pub(crate) async fn start(home: &Home, options: ServerOptions) -> Running {
    let path = home.path("web.yml");
    let (settings, _) = WebSettings::load(path.exists().then_some(path.as_path())).unwrap();
    let listeners = bind::listen(&["127.0.0.1:0".parse().unwrap()])
        .await
        .unwrap();
    let server = Server::new(listeners, Arc::new(settings), options);
    let address = server.addresses()[0];
    let backstage = Arc::new(Backstage::default());
    let shutdown = CancellationToken::new();
    let handler = {
        let backstage = Arc::clone(&backstage);
        move |request: Request<hyper::body::Incoming>, _peer| {
            let backstage = Arc::clone(&backstage);
            async move {
                backstage.seen.fetch_add(1, Ordering::SeqCst);
                match request.uri().path() {
                    "/wait" => backstage.release.notified().await,
                    "/large" => {
                        let body = Bytes::from("ipmi_up{collector=\"ipmi\"} 1\n".repeat(500));
                        return compress::respond(request.headers(), Response::new(()), body);
                    }
                    _ => {}
                }
                let text = format!("hello {:?}", request.version());
                response::with_body(StatusCode::OK, response::TEXT_PLAIN, text)
            }
        }
    };
    let task = tokio::spawn(server.serve(handler, shutdown.clone()));
    Running {
        address,
        backstage,
        shutdown,
        task,
    }
}
