//! Whatever a server answers, a good configuration stays in use.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::follower::{Home, failures, get, reload};
use crate::impostor::{Answer, Impostor, answer};
use crate::lab::{LIMIT, Lab, PASSWORD, USER, machine, own_metric, scrape_with};
use crate::support::exporter::Exporter;
use crate::support::wait_for;

const TOKEN: &str = "ipmi_exporter_zq7canaryTOKEN";

fn good(target: &str) -> String {
    format!(
        "{{\"modules\":{{\"bmc\":{{\"user\":\"{USER}\",\"pass\":\"{PASSWORD}\",\
         \"targets\":[\"{target}\"]}}}}}}"
    )
}

#[test]
fn bad_answers_never_replace_a_good_configuration() {
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    let config = good(&sim.addr().to_string());
    let impostor = Impostor::start(Answer::Config("good", config.clone()));
    let elsewhere = Impostor::start(Answer::Config("good", config.clone()));
    let home = Home::new(TOKEN);
    let exporter = home.start(&format!("http://{}", impostor.address));
    assert!(scrape_with(&exporter, &sim, "bmc").is_complete());

    let of = |text: &str| answer("200 OK", "ETag: \"bad\"\r\n", text);
    let redirect = format!("Location: http://{}/\r\n", elsewhere.address);
    let echo = format!("{{\"detail\":\"your header was Bearer {TOKEN}\"}}");
    let problem = "Content-Type: application/problem+json\r\n";
    let large = "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 99999999\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 100\r\n\r\n{";
    let fields = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-A: b\r\n".repeat(10_000));
    let cases: Vec<(Answer, &str, &str)> = vec![
        (Answer::Bytes(Vec::new()), "connect", ""),
        (
            Answer::Bytes(b"\x16\x03\x01\0\0 no HTTP at all\r\n\r\n".to_vec()),
            "garbled",
            "",
        ),
        (Answer::Bytes(fields.into_bytes()), "garbled", ""),
        (Answer::Bytes(cut.as_bytes().to_vec()), "connect", ""),
        (
            Answer::Bytes(large.as_bytes().to_vec()),
            "too_large",
            "16777216",
        ),
        (Answer::Endless, "too_large", "16777216"),
        (
            answer("200 OK", "", "<html>welcome</html>"),
            "garbled",
            "has no ETag",
        ),
        (answer("302 Found", &redirect, ""), "status", "not followed"),
        (answer("304 Not Modified", "", ""), "", ""),
        (
            answer("500 Oops", problem, "{\"detail\":\"it broke\"}"),
            "status",
            "it broke",
        ),
        (answer("503 Later", "", "<html>"), "status", "503"),
        (answer("401 No", problem, &echo), "unauthorized", "401"),
        (
            answer("403 No", problem, "{\"detail\":\"plain\\u0007\"}"),
            "forbidden",
            "plain",
        ),
        (of("<html>"), "config", "must be a map"),
        (
            of("{\"modules\":{\"a\":{\"pass\":\"zq7canary"),
            "config",
            "controller:1:",
        ),
        (
            of("{\"modules\":{\"bmc\":{\"user\":\"x\"}}}"),
            "config",
            "has no `targets`",
        ),
        (
            of("{\"modules\":{\"bmc\":{\"pass_file\":\"/etc/passwd\",\"targets\":[]}}}"),
            "config",
            "from afar",
        ),
        (
            of("{\"modules\":{\"bmc\":{\"passs\":\"zq7canary\",\"targets\":[]}}}"),
            "config",
            "did you mean",
        ),
        (
            of("{\"modules\":{\"bmc\":{\"pass\":\"zq7canaryzq7canaryzq7canary\",\"targets\":[]}}}"),
            "config",
            "27 bytes",
        ),
        (Answer::Hang(Vec::new()), "timeout", "in time"),
        (
            Answer::Hang(b"HTTP/1.1 200 OK\r\nETag: ".to_vec()),
            "timeout",
            "in time",
        ),
    ];
    for (bad, reason, words) in cases {
        let shown = format!("{bad:?}").chars().take(120).collect::<String>();
        impostor.set(bad);
        let before = failures(&exporter, reason);
        let answer = reload(&exporter);
        if reason.is_empty() {
            assert_eq!(answer.status, 200, "{shown}: nothing new is no failure");
        } else {
            assert_eq!(answer.status, 500, "{shown}");
            assert!(answer.body.contains(words), "{shown}: {}", answer.body);
            assert!(
                failures(&exporter, reason) > before,
                "{shown}: {}",
                answer.body
            );
        }
        assert!(!answer.body.contains("zq7canary"), "{}", answer.body);
        assert!(scrape_with(&exporter, &sim, "bmc").is_complete(), "{shown}");
        assert_eq!(get(&exporter, "/-/ready").status, 200, "{shown}");
    }
    assert_eq!(elsewhere.requests().len(), 0, "nobody is led elsewhere");
    assert_eq!(
        sim.counters().logins,
        1,
        "the session went on through all this"
    );
    let log = exporter.process.log();
    assert!(!log.contains("zq7canary"), "{log}");

    impostor.set(Answer::Config(
        "better",
        config.replace("\"bmc\":", "\"renamed\":"),
    ));
    assert_eq!(reload(&exporter).status, 200);
    assert!(scrape_with(&exporter, &sim, "renamed").is_complete());
}

#[test]
fn a_refused_configuration_is_told_once_and_not_fetched_again() {
    let impostor = Impostor::start(Answer::Config("good", good("10.0.0.1")));
    let home = Home::new(TOKEN);
    let exporter = home.start(&format!("http://{}", impostor.address));
    let applied = wait_for("a report", LIMIT, || impostor.told().pop());
    assert_eq!(
        (&applied["applied"], &applied["source"]),
        (&"\"good\"".into(), &"controller".into())
    );
    assert_eq!(
        (&applied["refused"], &applied["error"]),
        (&serde_json::Value::Null, &"".into())
    );
    impostor.set(Answer::Config(
        "bad",
        "{\"modules\":{\"a\":{\"pass\":\"zq7canary\"}}}".to_owned(),
    ));
    let refused = wait_for("a report of the refusal", LIMIT, || {
        impostor
            .told()
            .pop()
            .filter(|told| told["refused"] == "\"bad\"")
    });
    assert_eq!(refused["applied"], "\"good\"");
    let error = refused["error"].as_str().unwrap();
    assert!(
        error.contains("has no `targets`") && !error.contains("zq7canary"),
        "{error}"
    );
    let refusals = failures(&exporter, "config");
    let asked = impostor.requests().len();
    wait_for("some more requests", LIMIT, || {
        (impostor.requests().len() > asked + 2).then_some(())
    });
    assert_eq!(
        failures(&exporter, "config"),
        refusals,
        "it is not fetched again"
    );
    assert_eq!(
        own_metric(
            &exporter,
            "ipmi_exporter_config_last_reload_successful",
            &[]
        ),
        0.0
    );
    let requests = impostor.requests();
    assert!(
        requests
            .iter()
            .all(|head| head.contains(&format!("Bearer {TOKEN}")))
    );
    assert!(
        requests
            .last()
            .is_some_and(|head| head.contains("\"good\", \"bad\"")),
        "{requests:?}"
    );
    // A restart does not begin with what was refused.
    impostor.set(Answer::Bytes(Vec::new()));
    drop(exporter);
    let exporter = home.start(&format!("http://{}", impostor.address));
    assert!(get(&exporter, "/").body.contains(">bmc</option>"));
}

/// Writes an authority's certificate and gives a server of that name.
fn server(ca: &Path, name: &str) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(ca, authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        );
    Arc::new(config.unwrap())
}

fn follow_with_ca(home: &Home, impostor: &Impostor, ca: Option<&str>) -> Exporter {
    let mut arguments = home.arguments(&format!("https://{}", impostor.address), false);
    arguments.extend(ca.map(|ca| format!("--controller.ca-file={}", home.path(ca).display())));
    Exporter::ours_without_file(&arguments)
}

#[test]
fn nobody_gets_the_token_who_is_not_vouched_for() {
    let home = Home::new(TOKEN);
    let config = || Answer::Config("good", good("10.0.0.1"));
    let right = Impostor::start_with(config(), Some(server(&home.path("right.pem"), "127.0.0.1")));
    let misnamed =
        Impostor::start_with(config(), Some(server(&home.path("name.pem"), "c.example")));
    let exporter = follow_with_ca(&home, &right, Some("right.pem"));
    assert!(get(&exporter, "/").body.contains(">bmc</option>"));
    assert!(
        right
            .requests()
            .iter()
            .all(|head| head.contains("/api/v1/exporters/-/"))
    );
    let known = right.requests().len();
    drop(exporter);
    for (impostor, ca) in [
        (&right, Some("name.pem")),
        (&right, None),
        (&misnamed, Some("name.pem")),
    ] {
        let exporter = follow_with_ca(&home, impostor, ca);
        let answer = reload(&exporter);
        assert!(
            answer.status == 500 && answer.body.contains("TLS: "),
            "{ca:?}: {}",
            answer.body
        );
        assert!(failures(&exporter, "tls") > 0.0, "{ca:?}");
        assert_eq!(get(&exporter, "/-/ready").status, 503, "{ca:?}");
    }
    assert!(
        right.requests().len() <= known + 1,
        "only what was under way"
    );
    assert_eq!(misnamed.requests().len(), 0);
}
