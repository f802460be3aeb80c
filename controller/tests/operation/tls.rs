//! Encrypted connections, their renewal, and connections that take too long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::program::{ADMIN, Client, Service, configure, init};
use crate::wait::wait_for;

pub(crate) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

/// A certificate of an authority, as PEM, with its key.
pub(crate) fn issue(authority: &Issuer, name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

pub(crate) fn install(directory: &Path, (certificate, key): &(String, String)) {
    std::fs::write(directory.join("key.pem"), key).expect("a file");
    std::fs::write(directory.join("cert.pem"), certificate).expect("a file");
}

pub(crate) fn trusting(authority: &Issuer) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("PEM");
    reqwest::Client::builder()
        .tls_certs_only([root])
        // Each question sees the certificate of its moment.
        .pool_max_idle_per_host(0)
}

pub(crate) fn text(directory: &Path, more: &str) -> String {
    format!(
        "tls: {{cert_file: {d}/cert.pem, key_file: {d}/key.pem{more}}}\n",
        d = directory.display()
    )
}

/// The name `localhost` leads to 127.0.0.1 and the right port.
pub(crate) fn base(service: &Service) -> String {
    let port = service.address.rsplit(':').next().expect("a port");
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn a_new_certificate_is_served_and_a_bad_one_never() {
    let home = tempfile::tempdir().expect("a directory");
    let (first, second) = (authority(), authority());
    install(home.path(), &issue(&first, "localhost"));
    let config = configure(home.path(), &text(home.path(), ""));
    init(home.path(), &config);
    let service = Service::start(&config, &home.path().join("log")).await;
    let base = base(&service);
    let old = trusting(&first).build().expect("a client");
    let new = trusting(&second).build().expect("a client");
    let healthy = format!("{base}/-/healthy");
    let answer = old.get(&healthy).send().await.expect("an answer");
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert!(answer.headers().contains_key("strict-transport-security"));
    assert!(new.get(&healthy).send().await.is_err(), "another authority");
    let admin = Client::sign_in(&base, old.clone()).await;

    // A key that is not the certificate's: the old pair stays, and it is said.
    let (certificate, _) = issue(&second, "localhost");
    let (_, other_key) = issue(&second, "localhost");
    install(home.path(), &(certificate, other_key));
    service.signal("HUP");
    wait_for("the refusal", async || {
        let log = service.log();
        log.contains("is not the key of").then_some(())
    })
    .await;
    assert!(old.get(&healthy).send().await.is_ok());
    let metrics = admin.text("/metrics").await;
    assert!(
        metrics.contains("ipmi_controller_tls_certificate_refused 1"),
        "{metrics}"
    );

    install(home.path(), &issue(&second, "localhost"));
    service.signal("HUP");
    wait_for("the new certificate", async || {
        new.get(&healthy).send().await.ok().map(|_| ())
    })
    .await;
    assert!(old.get(&healthy).send().await.is_err());

    // Without a signal, by looking at the files.
    install(home.path(), &issue(&first, "localhost"));
    wait_for("the certificate to be noticed", async || {
        old.get(&healthy).send().await.ok().map(|_| ())
    })
    .await;
    assert!(!service.log().contains(ADMIN.1));
}

#[tokio::test]
async fn clients_can_be_made_to_show_a_certificate() {
    let home = tempfile::tempdir().expect("a directory");
    let (servers, clients, strangers) = (authority(), authority(), authority());
    install(home.path(), &issue(&servers, "localhost"));
    std::fs::write(home.path().join("ca.pem"), clients.pem()).expect("a file");
    let more = format!(", client_ca_file: {}/ca.pem", home.path().display());
    let config = configure(home.path(), &text(home.path(), &more));
    let service = Service::start(&config, &home.path().join("log")).await;
    let healthy = format!("{}/-/healthy", base(&service));
    let with = |issuer: Option<&Issuer>| {
        let mut builder = trusting(&servers);
        if let Some(issuer) = issuer {
            let (certificate, key) = issue(issuer, "client");
            let pem = format!("{key}{certificate}");
            let identity = reqwest::Identity::from_pem(pem.as_bytes()).expect("PEM");
            builder = builder.identity(identity);
        }
        builder.build().expect("a client")
    };
    assert!(with(Some(&clients)).get(&healthy).send().await.is_ok());
    assert!(with(Some(&strangers)).get(&healthy).send().await.is_err());
    assert!(with(None).get(&healthy).send().await.is_err());
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(home.path(), "");
    let service = Service::start(&config, &home.path().join("log")).await;
    let address = service.address.clone();
    let cut_off = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .expect("a socket");
        stream
            .write_all(b"GET /-/healthy HTTP/1.1\r\n")
            .expect("sent");
        // A byte at a time, for ever.
        for _ in 0..100 {
            if stream.write_all(b"X").is_err() {
                return true;
            }
            let mut buffer = [0; 256];
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return true,
                _ => {}
            }
        }
        false
    });
    assert!(
        cut_off.await.expect("no panic"),
        "a slow head keeps its connection"
    );
    let http = reqwest::Client::new();
    let healthy = http.get(format!("http://{}/-/healthy", service.address));
    assert!(
        healthy
            .send()
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
}
