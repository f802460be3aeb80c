//! schemathesis asks every operation what its description allows, and what it
//! does not: no answer may be a failure of ours, or one that is not described.
//!
//! `SCHEMATHESIS_EXAMPLES=200` asks more; `SCHEMATHESIS_ONLY=/api/v1/alerts`
//! only paths that begin so.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "operation/program.rs"]
mod program;
#[path = "support/python.rs"]
mod python;
#[path = "support/wait.rs"]
mod wait;

use std::process::Command;

use program::{Client, Service, configure, init};
use python::python;
use serde_json::json;

/// Questions for each operation, of each kind.
const EXAMPLES: &str = "12";
/// The same questions each time.
const SEED: &str = "4711";
/// What an answer has to keep to.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth";
/// Left out, because it ends the log-in with which all others are asked; it is
/// asked below.
const LOG_OUT: &str = "/api/v1/auth/logout";
/// Left out, because its answer has no end; `tests/api/events.rs` reads it.
const EVENTS: &str = "/api/v1/events";

#[tokio::test]
async fn every_answer_is_described_and_none_is_a_failure() {
    let home = tempfile::tempdir().expect("a directory");
    let more = format!(
        "log: {{level: 'warn,ipmi_controller=info,access=off'}}\n\
         backup: {{directory: {}/backups, interval_hours: 0, keep: 2}}\n",
        home.path().display()
    );
    let config = configure(home.path(), &more);
    init(home.path(), &config);
    let mut service = Service::start(&config, &home.path().join("log")).await;
    service.signal("TERM");
    assert!(service.end().await);
    // Nobody guesses the number of the user whose token asks.
    renumber(&format!("sqlite://{}", home.path().join("c.db").display())).await;
    let service = Service::start(&config, &home.path().join("log")).await;
    let admin = Client::admin(&service.address).await;
    let (status, token) = admin
        .post("/api/v1/tokens", &json!({"name": "schemathesis"}))
        .await;
    assert_eq!(status, 201, "{token}");
    let token = token["token"].as_str().expect("a token");

    let examples = std::env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let only = std::env::var("SCHEMATHESIS_ONLY").unwrap_or_else(|_| "/".to_owned());
    let mut command = Command::new(python("schemathesis"));
    command
        .current_dir(home.path())
        .env("NO_COLOR", "1")
        .args([
            "run",
            &format!("http://{}/api/v1/openapi.json", service.address),
        ])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args([
            "--checks",
            CHECKS,
            "--phases",
            "examples,coverage,fuzzing,stateful",
        ])
        .args([
            "--max-examples",
            &examples,
            "--seed",
            SEED,
            "--workers",
            "2",
        ])
        .args(["--include-path-regex", &format!("^{only}")])
        .args(["--exclude-path", LOG_OUT, "--exclude-path", EVENTS])
        .args([
            "--request-timeout",
            "30",
            "--no-shrink",
            "--continue-on-failure",
        ])
        // Its advice about the description is no failure.
        .args(["--warnings", "off", "--suppress-health-check", "all"]);
    let judged = tokio::task::spawn_blocking(move || command.output()).await;
    let judged = judged.expect("no panic").expect("schemathesis starts");
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    let log = service.log();
    assert!(
        judged.status.success(),
        "{said}\n{}\nlog of the controller:\n{}",
        String::from_utf8_lossy(&judged.stderr),
        log.lines().rev().take(40).collect::<Vec<_>>().join("\n")
    );
    println!("{said}");
    assert!(!log.contains("level=ERROR"), "{log}");
    // Had its token ended on the way, everything would have been 401.
    let asker = Client {
        token: token.to_owned(),
        ..admin.clone()
    };
    let (status, me) = asker.get("/api/v1/auth/me").await;
    assert_eq!(status, 200, "{me}");
    let (status, _) = admin.post(LOG_OUT, &json!({})).await;
    assert_eq!(status, 204);
    let (status, _) = admin.post(LOG_OUT, &json!({})).await;
    assert_eq!(status, 401);
}

/// Moves the only user and the next token far away.
async fn renumber(url: &str) {
    use sqlx::{Connection, Executor};
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(url)
        .await
        .expect("the database");
    for statement in [
        "UPDATE users SET id = 47114711",
        "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'users'",
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('tokens', 47114711)",
    ] {
        connection.execute(statement).await.expect("changed");
    }
    connection.close().await.expect("closed");
}
