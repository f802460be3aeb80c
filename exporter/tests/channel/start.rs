//! How an exporter starts that follows a controller.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::follower::{Home, get};
use crate::impostor::{Answer, Impostor};
use crate::lab::LIMIT;
use crate::support::ANY_PORT;
use crate::support::exporter::Exporter;
use crate::support::process::Process;
use crate::support::wait_for;

const GOOD: &str = r#"{"modules":{"bmc":{"user":"u","targets":["10.0.0.1"]}}}"#;

/// Starts the program, which must end with status 1, and gives its log.
fn fails(arguments: &[String]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_ipmi_exporter"));
    let mut process = Process::start(program, |command| {
        command.arg(ANY_PORT).args(arguments);
    });
    let status = wait_for("the program to end", LIMIT, || process.ended());
    assert_eq!(status.code(), Some(1), "{}", process.log());
    process.log()
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn what_cannot_work_is_said_at_the_start() {
    let home = Home::new("token");
    let url = nobody();
    let with = |more: &[String]| [home.arguments(&url, false), more.to_vec()].concat();
    let text = |text: &str| text.to_owned();
    let key = home.path("key");
    fs::write(&key, "zq7canary").unwrap();
    let ca = home.path("ca.pem");
    fs::write(&ca, "no certificate").unwrap();
    let token_file = format!("--controller.token-file={}", home.path("token").display());
    for (arguments, words) in [
        (
            vec![
                text("--controller.url=http://192.0.2.1"),
                token_file.clone(),
            ],
            "plain HTTP",
        ),
        (
            vec![text("--controller.url=https://c.example")],
            "needs '--controller.token-file'",
        ),
        (
            vec![token_file],
            "'--controller.token-file' needs '--controller.url'",
        ),
        (
            with(&[text("--config.file=/x.yml")]),
            "cannot be used with '--controller.url'",
        ),
        (
            vec![
                format!("--controller.url={url}"),
                text("--controller.token-file=/no/such"),
            ],
            "--controller.token-file: /no/such cannot be read",
        ),
        (
            vec![
                text("--controller.url=https://c.example"),
                format!("--controller.token-file={}", home.path("token").display()),
                format!("--controller.ca-file={}", ca.display()),
            ],
            "holds no certificate",
        ),
        (
            with(&[
                format!("--controller.cache-file={}", home.path("copy").display()),
                format!("--controller.cache-key-file={}", key.display()),
            ]),
            "is no key",
        ),
        (
            with(&[format!("--controller.cache-key-file={}", key.display())]),
            "needs '--controller.cache-file'",
        ),
    ] {
        let log = fails(&arguments);
        assert!(log.contains(words), "{words}: {log}");
        assert!(!log.contains("zq7canary"), "{log}");
    }
}

#[test]
fn with_neither_controller_nor_copy_it_is_not_ready_and_keeps_trying() {
    // The port is held without being served, and freed for the controller later.
    let home = Home::new("token");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let exporter = home.start(&format!("http://{address}"));
    for path in ["/-/ready", "/ipmi?target=10.0.0.1&module=bmc"] {
        let answer = get(&exporter, path);
        assert_eq!(answer.status, 503, "{path}");
        assert!(
            answer
                .body
                .contains("no configuration from the controller yet"),
            "{}",
            answer.body
        );
        assert!(
            answer.body.contains(&address.to_string()),
            "{}",
            answer.body
        );
    }
    assert_eq!(get(&exporter, "/-/healthy").status, 200);
    let refused = [("reason", "not_ready")];
    let metric = "ipmi_exporter_refused_scrapes_total";
    assert_eq!(crate::lab::own_metric(&exporter, metric, &refused), 1.0);
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let length = GOOD.len();
            let text = format!(
                "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{GOOD}"
            );
            let _ = stream.write_all(text.as_bytes());
        }
    });
    wait_for("the exporter to be ready", LIMIT, || {
        (get(&exporter, "/-/ready").status == 200).then_some(())
    });
}

#[test]
fn a_copy_that_is_not_its_own_counts_as_none_loudly() {
    let home = Home::new("token");
    let impostor = Impostor::start(Answer::Config("a", GOOD.to_owned()));
    let url = format!("http://{}", impostor.address);
    let exporter = home.start(&url);
    assert_eq!(get(&exporter, "/-/ready").status, 200);
    drop(exporter);
    impostor.set(Answer::Bytes(Vec::new()));
    let sealed = home.path("cache").join("controller.sealed");
    let good = fs::read(&sealed).unwrap();
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for bad in [damaged, Vec::new(), b"something else".to_vec()] {
        fs::write(&sealed, bad).unwrap();
        let exporter = home.start(&url);
        assert_eq!(get(&exporter, "/-/ready").status, 503);
        let log = exporter.process.log();
        assert!(
            log.contains("level=ERROR") && log.contains("counts as none"),
            "{log}"
        );
    }
    fs::write(&sealed, &good).unwrap();
    let exporter = home.start(&url);
    assert_eq!(
        get(&exporter, "/-/ready").status,
        200,
        "the good one is good still"
    );
    drop(exporter);
    // Another controller's.
    let exporter = home.start(&nobody());
    assert_eq!(get(&exporter, "/-/ready").status, 503);
}

#[test]
fn a_key_of_its_own_keeps_the_copy_apart_from_it() {
    let home = Home::new("token");
    let key = home.path("key");
    fs::write(&key, "ab".repeat(32)).unwrap();
    let impostor = Impostor::start(Answer::Config("a", GOOD.to_owned()));
    let mut arguments = home.arguments(&format!("http://{}", impostor.address), false);
    arguments.push(format!(
        "--controller.cache-file={}",
        home.path("copy").display()
    ));
    arguments.push(format!("--controller.cache-key-file={}", key.display()));
    drop(Exporter::ours_without_file(&arguments));
    assert!(!home.path("copy.key").exists(), "no other key is made");
    impostor.set(Answer::Bytes(Vec::new()));
    let exporter = Exporter::ours_without_file(&arguments);
    assert_eq!(get(&exporter, "/-/ready").status, 200);
    drop(exporter);
    fs::write(&key, "cd".repeat(32)).unwrap();
    let exporter = Exporter::ours_without_file(&arguments);
    assert_eq!(get(&exporter, "/-/ready").status, 503);
}
