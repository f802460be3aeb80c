//! Mistakes in a web configuration, with the message that a person sees.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A directory with a certificate, its key and another key.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let home = Self { directory };
        home.write("cert.pem", &own.cert.pem());
        home.write("key.pem", &own.signing_key.serialize_pem());
        home.write("other-key.pem", &other.signing_key.serialize_pem());
        home.write("empty.pem", "");
        home
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn load(&self, text: &str) -> Result<(WebConfig, Vec<Diagnostic>), ConfigError> {
        self.write("web.yml", text);
        load(&self.path("web.yml")).result
    }

    /// All errors, without the directory.
    fn errors(&self, text: &str) -> Vec<String> {
        let error = self.load(text).expect_err(text);
        let directory = format!("{}/", self.directory.path().display());
        let errors = error.errors.iter();
        errors
            .map(|error| error.to_string().replace(&directory, ""))
            .collect()
    }
}

/// A TLS section that is good as far as it goes, followed by more of it.
fn tls(more: &str) -> String {
    format!("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{more}")
}

#[test]
fn every_mistake_has_its_place_and_its_cause() {
    let home = Home::new();
    for (text, expected) in [
        (
            "tls_config: {}".to_owned(),
            "web.yml:1:1: tls_config: unknown key; allowed: `tls_server_config`, `http_server_config`, `basic_auth_users`, `rate_limit`",
        ),
        (
            "tls_server_config: {cert_file: cert.pem}".to_owned(),
            "web.yml:1:1: tls_server_config: needs `cert_file` and `key_file` (or `cert` and `key`)",
        ),
        (
            "tls_server_config: {cert_file: cert.pem, key_file: gone.pem}".to_owned(),
            "web.yml:1:52: tls_server_config.key_file: gone.pem cannot be read: no such file or directory",
        ),
        (
            "tls_server_config: {cert_file: empty.pem, key_file: key.pem}".to_owned(),
            "web.yml:1:32: tls_server_config.cert_file: empty.pem holds no certificate in PEM form",
        ),
        (
            "tls_server_config: {cert_file: cert.pem, key_file: cert.pem}".to_owned(),
            "web.yml:1:52: tls_server_config.key_file: cert.pem holds no private key in PEM form",
        ),
        (
            "tls_server_config: {cert_file: cert.pem, key_file: other-key.pem}".to_owned(),
            "web.yml:1:52: tls_server_config.key_file: other-key.pem is not the key of the certificate",
        ),
        (
            tls("  cert: x\n"),
            "web.yml:4:9: tls_server_config.cert: stands beside `tls_server_config.cert_file`; give one of the two",
        ),
        (
            tls("  min_version: TLS10\n"),
            "web.yml:4:16: tls_server_config.min_version: `TLS10` is broken and not supported; allowed: `TLS12`, `TLS13`",
        ),
        (
            tls("  min_version: SSL3\n"),
            "web.yml:4:16: tls_server_config.min_version: unknown value `SSL3`; allowed: `TLS12`, `TLS13`",
        ),
        (
            tls("  min_version: TLS13\n  max_version: TLS12\n"),
            "web.yml:1:1: tls_server_config: `min_version` is above `max_version`",
        ),
        (
            tls("  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n"),
            "web.yml:4:19: tls_server_config.cipher_suites[0]: cipher suite `TLS_RSA_WITH_AES_128_CBC_SHA` is not supported; allowed: `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`, `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`, `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`, `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305`, `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`, `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`, `TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256`, `TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305`, `TLS_AES_128_GCM_SHA256`, `TLS_AES_256_GCM_SHA384`, `TLS_CHACHA20_POLY1305_SHA256`",
        ),
        (
            tls("  curve_preferences: [CurveP521]\n"),
            "web.yml:4:23: tls_server_config.curve_preferences[0]: curve `CurveP521` is not supported; allowed: `X25519`, `CurveP256`, `CurveP384`",
        ),
        (
            tls("  client_auth_type: Verify\n"),
            "web.yml:4:21: tls_server_config.client_auth_type: unknown value `Verify`; allowed: `NoClientCert`, `RequestClientCert`, `RequireAnyClientCert`, `VerifyClientCertIfGiven`, `RequireAndVerifyClientCert`",
        ),
        (
            tls("  client_ca_file: cert.pem\n"),
            "web.yml:1:1: tls_server_config: has client authorities, but no `client_auth_type` uses them",
        ),
        (
            tls("  client_allowed_sans: [a]\n"),
            "web.yml:1:1: tls_server_config: has `client_allowed_sans`, but no `client_auth_type` uses it",
        ),
        (
            tls("  client_auth_type: RequireAndVerifyClientCert\n"),
            "web.yml:1:1: tls_server_config: needs `client_ca_file` to verify clients with this `client_auth_type`",
        ),
        (
            tls("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: empty.pem\n"),
            "web.yml:5:19: tls_server_config.client_ca_file: empty.pem holds no certificate in PEM form",
        ),
        (
            tls("  prefer_server_cipher_suites: maybe\n"),
            "web.yml:4:32: tls_server_config.prefer_server_cipher_suites: must be true or false, found `maybe`",
        ),
        (
            "http_server_config: {http3: true}".to_owned(),
            "web.yml:1:22: http_server_config.http3: unknown key; did you mean `http2`?",
        ),
        (
            "http_server_config: {headers: {Server: x}}".to_owned(),
            "web.yml:1:32: http_server_config.headers.Server: this header cannot be set; allowed: `Strict-Transport-Security`, `X-Content-Type-Options`, `X-Frame-Options`, `X-XSS-Protection`, `Content-Security-Policy`",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}".to_owned(),
            "web.yml:1:49: http_server_config.headers.X-Frame-Options: unknown value `allow`; allowed: `deny`, `sameorigin`",
        ),
        (
            "http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}".to_owned(),
            "web.yml:1:50: http_server_config.headers.X-XSS-Protection: is not a legal header value",
        ),
        (
            "basic_auth_users: {alice: canary}".to_owned(),
            "web.yml:1:27: basic_auth_users.alice: is not a bcrypt hash; make one with `htpasswd -nBC 10 USER`",
        ),
        (
            "basic_auth_users: {alice: }".to_owned(),
            "web.yml:1:20: basic_auth_users.alice: needs a bcrypt hash",
        ),
        (
            format!("basic_auth_users: {{alice: $2y$18${}}}", ".".repeat(53)),
            "web.yml:1:27: basic_auth_users.alice: the bcrypt cost 18 takes too long; the limit is 17",
        ),
        (
            "rate_limit: {interval: soon}".to_owned(),
            "web.yml:1:24: rate_limit.interval: `soon`: not a duration; write a number with a unit, such as 500ms, 30s or 1m30s",
        ),
        (
            "rate_limit: {interval: 1s, burst: -1}".to_owned(),
            "web.yml:1:35: rate_limit.burst: must be a whole number from 0 to 4294967295, found `-1`",
        ),
    ] {
        assert_eq!(home.errors(&text), [expected], "{text}");
    }
}

#[test]
fn a_full_file_is_understood() {
    let home = Home::new();
    let hash = bcrypt::hash("x", 4).unwrap();
    let (config, warnings) = home
        .load(&format!(
            "{}http_server_config:\n  http2: false\n  headers:\n    x-frame-options: DENY\n\
             basic_auth_users:\n  alice: {hash}\nrate_limit:\n  interval: 10ms\n  burst: 5\n",
            tls(
                "  min_version: TLS12\n  max_version: TLS13\n  cipher_suites:\n  \
                 - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n  - TLS_AES_128_GCM_SHA256\n  \
                 curve_preferences: [CurveP521, X25519]\n  prefer_server_cipher_suites: false\n  \
                 client_auth_type: RequireClientCert\n  client_allowed_sans: [a.example]\n"
            )
        ))
        .unwrap();
    let texts: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(texts, ["`CurveP521` is not supported and left out"]);
    let server = config.tls.unwrap();
    assert_eq!(server.alpn_protocols, [b"http/1.1".to_vec()]);
    assert!(!server.ignore_client_order);
    assert_eq!(config.headers.len(), 1);
    assert_eq!(Vec::from_iter(config.users.keys()), ["alice"]);
    assert_eq!(config.rate_limit.unwrap().burst, 5);
}

#[test]
fn an_empty_file_lets_everybody_in() {
    let (config, warnings) = Home::new().load("").unwrap();
    assert!(config.tls.is_none() && config.users.is_empty() && config.rate_limit.is_none());
    assert!(warnings.is_empty());
}

#[test]
fn an_expired_certificate_is_warned_about() {
    let home = Home::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    home.write("cert.pem", &params.self_signed(&key).unwrap().pem());
    home.write("key.pem", &key.serialize_pem());
    let (_, warnings) = home.load(&tls("")).unwrap();
    assert!(
        warnings[0].message.ends_with("which is not now"),
        "{warnings:?}"
    );
    assert_eq!(warnings[0].key, "tls_server_config.cert_file");
}

#[test]
fn no_message_contains_a_hash_or_a_key() {
    let home = Home::new();
    for text in [
        "basic_auth_users: {alice: canary, bogus: [canary]}",
        "tls_server_config: {key: canary, cert: canary}",
        "tls_server_config:\n  key: |\n    canary\n   canary\n",
        "basic_auth_users:\n  alice: \"canary\n",
    ] {
        let error = home.load(text).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{text}: {error:?}"
        );
    }
}
