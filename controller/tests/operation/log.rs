//! The access log, the numbers of requests, and the headers of every answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::program::{Client, Service, configure, init};
use crate::wait::wait_for;

/// The line of a request in a log of JSON lines.
async fn line(service: &Service, id: &str) -> Value {
    wait_for("a line in the access log", async || {
        service
            .log()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["msg"] == "Answered" && line["request_id"] == id)
    })
    .await
}

#[tokio::test]
async fn every_request_has_a_line_with_who_what_and_from_where() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(
        home.path(),
        "log: {format: json}\ntrusted_proxies: [127.0.0.0/8]\n",
    );
    init(home.path(), &config);
    let service = Service::start(&config, &home.path().join("log")).await;
    let admin = Client::admin(&service.address).await;
    let answer = admin
        .http
        .get(format!(
            "{}/api/v1/servers/7?token=zq7canaryQUERY",
            admin.base
        ))
        .bearer_auth(&admin.token)
        .header("x-request-id", "my-request.1")
        // Who is left of our proxies' entry wrote it himself.
        .header("x-forwarded-for", "203.0.113.9, 198.51.100.7, 127.0.0.9")
        .send()
        .await
        .expect("an answer");
    let headers: BTreeMap<String, String> = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                value.to_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    assert_eq!(headers["x-request-id"], "my-request.1");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers["content-security-policy"].contains("frame-ancestors 'none'"));
    let body = answer.text().await.expect("a body");

    let line = line(&service, "my-request.1").await;
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/api/v1/servers/{id}");
    // The path takes no parameters.
    assert_eq!(line["status"], "400");
    assert_eq!(line["principal"], "root");
    assert_eq!(line["source"], "198.51.100.7");
    assert_eq!(line["bytes"], body.len().to_string());
    assert!(
        line["seconds"]
            .as_str()
            .and_then(|text| text.parse::<f64>().ok())
            .is_some()
    );
    assert!(!service.log().contains("zq7canaryQUERY"));

    // What could break a line or a header is not taken over.
    let answer = admin
        .http
        .get(format!("{}/-/healthy", admin.base))
        .header("x-request-id", "a b=\"c\"")
        .send()
        .await
        .expect("an answer");
    let given = answer.headers()["x-request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(!given.contains(' ') && given.len() == 36, "{given}");
}

#[tokio::test]
async fn strangers_cannot_name_another_source() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(
        home.path(),
        "log: {format: json}\ntrusted_proxies: [192.0.2.0/24]\n",
    );
    init(home.path(), &config);
    let service = Service::start(&config, &home.path().join("log")).await;
    let http = reqwest::Client::new();
    http.get(format!("http://{}/-/healthy", service.address))
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-request-id", "spoofed")
        .send()
        .await
        .expect("an answer");
    assert_eq!(line(&service, "spoofed").await["source"], "127.0.0.1");
}

#[tokio::test]
async fn lines_are_logfmt_by_default_and_the_level_can_be_chosen() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(home.path(), "log: {level: 'info,access=off'}\n");
    init(home.path(), &config);
    let mut service = Service::start(&config, &home.path().join("log")).await;
    let admin = Client::admin(&service.address).await;
    admin.post("/api/v1/groups", &json!({"name": "g"})).await;
    service.signal("TERM");
    assert!(service.end().await, "it ends well");
    let log = service.log();
    assert!(log.lines().all(|line| line.starts_with("time=")), "{log}");
    assert!(!log.contains("Answered"), "{log}");
}
