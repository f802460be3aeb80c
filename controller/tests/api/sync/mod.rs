//! What is published arrives at real Prometheus servers: targets, rules, at
//! several of them, and at bad moments.

mod alertmanager;
mod alertmanager_crash;
mod crash;
mod full_disk;
mod process;
mod rule_impact;
mod rule_lab;
mod rule_trouble;
mod rule_verdict;
mod shards;
mod targets;

use std::sync::Arc;
use std::time::Instant;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::wait::{PATIENCE, wait_for};
use crate::support::{Client, Lab};

/// Waits until a question has the answer yes.
async fn wait_until(what: &str, mut question: impl AsyncFnMut() -> bool) {
    wait_for(what, async || question().await.then_some(())).await;
}

/// Waits until an artefact at a server is as it should be, and gives its status.
async fn wait_for_status(
    admin: &Client,
    (artefact, server): (&str, &str),
    good: impl Fn(&Value) -> bool,
) -> Value {
    let end = Instant::now() + PATIENCE;
    wait_for("a status", async || {
        let answer = admin.get("/api/v1/sync").await;
        let all = answer.body["artefacts"].as_array().expect("a list");
        let status = all
            .iter()
            .find(|status| status["artefact"] == artefact && status["server"] == server)
            .unwrap_or_else(|| panic!("{artefact} is not published at {server}: {answer:?}"));
        assert!(
            status["state"] != "in_sync" || status["waiting"].is_null(),
            "what waits is not in sync: {status:#}"
        );
        // Which status it stayed at says more than that it took too long.
        assert!(Instant::now() < end, "not in time: {status:#}");
        good(status).then(|| status.clone())
    })
    .await
}

async fn create(admin: &Client, what: &str, body: Value) -> i64 {
    let made = admin.post(&format!("/api/v1/{what}"), &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body["id"].as_i64().expect("a number")
}

/// Prometheus, as it asks for its targets.
async fn discovery(lab: &Lab, admin: &Client) -> Client {
    let body = json!({"name": "prometheus", "kind": "discovery"});
    let made = admin.post("/api/v1/tokens", &body).await;
    let mut client = lab.nobody();
    client.token = made.body["token"].as_str().map(str::to_owned);
    client
}

fn directory() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a directory"))
}
