//! Who judges rules before they are written and after, and what they say.

use std::sync::Arc;

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::rule_lab::{alert, lab_for, live, prometheus_for, put_rules, wait_for_rules};
use super::{directory, wait_until};
use crate::support::Lab;
use crate::support::prometheus::free_address;

/// A program that finds every rule good: a promtool of another version.
const LENIENT: &str = "/usr/bin/true";

/// What Prometheus refuses, and our own check of it does not.
fn bad_template() -> Value {
    let mut rule = alert("Bad", "up == 0");
    rule["annotations"]["summary"] = json!("{{ $labels.job | nofunc }}");
    rule
}

#[tokio::test]
async fn the_default_rules_and_thresholds_go_live_and_can_be_evaluated() {
    let (directory, at) = (directory(), free_address());
    let prometheus = prometheus_for(&directory, at).await;
    let file = directory.path().join("rules.yml").display().to_string();
    let variables = [
        ("IPMI_CONTROLLER_PROMETHEUS__RULES_FILE", file),
        ("IPMI_CONTROLLER_PROMETHEUS__URL", format!("http://{at}")),
    ];
    let lab = Lab::start_in(Arc::clone(&directory), &variables).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    let body = json!({"kind": "temperature", "bound": "upper", "level": "critical", "value": 80});
    let made = admin.post("/api/v1/thresholds", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    wait_until("the thresholds", async || {
        let rules = prometheus.rules().await;
        rules
            .iter()
            .any(|rule| rule["name"] == "ipmi:threshold_override")
    })
    .await;
    let live = prometheus.rules().await.len();
    assert!(live > 20, "{live}");
    wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] == live).await;
    wait_until("an evaluation of every rule", async || {
        let answer = prometheus.get("/api/v1/rules").await;
        !answer.to_string().contains("\"health\":\"unknown\"")
    })
    .await;
    let answer = prometheus.get("/api/v1/rules").await.to_string();
    assert!(!answer.contains("\"health\":\"err\""), "{answer}");
    lab.stop().await;
}

#[tokio::test]
async fn good_rules_go_live_and_bad_ones_are_not_even_written() {
    let (directory, at) = (directory(), free_address());
    let prometheus = prometheus_for(&directory, at).await;
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    let mut rule = alert("Down", "sum by(job)(up{job=\"x\"})==0");
    rule["for"] = json!("90s");
    let body = json!({"name": "g", "interval": "2s", "rules": [
        rule, {"record": "stays", "expr": "sum(up) by (job)"}]});
    let made = admin.post("/api/v1/rules", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let status = wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] != 0).await;
    assert_eq!(status["good_version"], status["published_version"]);
    let before = live(&prometheus).await;
    assert_eq!(before.len(), 2);
    assert_eq!(before[0]["query"], "sum by (job) (up{job=\"x\"}) == 0");
    assert_eq!(before[0]["duration"], 90);
    let versions = "/api/v1/sync/versions?artefact=prometheus_rules";
    let newest = admin.get(versions).await.body["items"][0].clone();
    assert_eq!(newest["outcome"], "verified");
    // Who installed the default rules is behind the first version as well.
    let author = newest["author"].as_str().unwrap();
    assert!(author.ends_with("tester"), "{author}");

    let file = std::fs::read(lab.path("rules.yml")).unwrap();
    put_rules(&lab.store, json!([bad_template()])).await;
    let failed = wait_for_rules(&admin, |s| s["state"] == "failed").await;
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("\"nofunc\" not defined"), "{message}");
    assert!(message.contains("rule 1, \"Bad\""), "{message}");
    assert_eq!(
        failed["reloads"], status["reloads"],
        "Prometheus was not told"
    );
    assert_eq!(failed["published_version"], status["published_version"]);
    assert_eq!(std::fs::read(lab.path("rules.yml")).unwrap(), file);
    assert_eq!(live(&prometheus).await, before);
    let newest = admin.get(versions).await.body["items"][0].clone();
    assert_eq!(newest["outcome"], "refused");
    assert_eq!(newest["outcome_detail"], failed["message"]);
    let plan = admin
        .post("/api/v1/sync/plan?artefact=prometheus_rules", &json!({}))
        .await;
    let refusal = plan.body["artefacts"][0]["refusal"].as_str().unwrap();
    assert!(refusal.contains("nofunc"), "{refusal}");
    // A bad version cannot be returned to either.
    let restored = admin
        .post(
            &format!("/api/v1/sync/versions/{}/restore", newest["id"]),
            &json!({}),
        )
        .await;
    assert_eq!(restored.status, StatusCode::CONFLICT, "{restored:?}");

    put_rules(&lab.store, json!([alert("Good", "up == 0")])).await;
    wait_for_rules(&admin, |s| {
        s["state"] == "in_sync" && s["waiting"] == Value::Null
    })
    .await;
    assert_eq!(live(&prometheus).await[0]["name"], "Good");
    lab.stop().await;
}

#[tokio::test]
async fn what_only_prometheus_refuses_is_taken_back_and_named() {
    let (directory, at) = (directory(), free_address());
    let prometheus = prometheus_for(&directory, at).await;
    let lab = lab_for(&directory, at, Some(LENIENT)).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    // Nothing good is there yet: nothing bad may stay either.
    put_rules(&lab.store, json!([bad_template()])).await;
    let failed = wait_for_rules(&admin, |s| s["state"] == "failed" && s["entries"] == 0).await;
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("Prometheus refused to load the rules"),
        "{message}"
    );
    assert!(message.contains("error"), "what Prometheus says: {message}");
    assert!(message.contains("g/Bad"), "which rule it may be: {message}");
    wait_until("a good reload", async || prometheus.is_reloaded().await).await;
    let text = std::fs::read_to_string(lab.path("rules.yml")).unwrap();
    assert!(text.contains("groups: []"), "{text}");
    let versions = "/api/v1/sync/versions?artefact=prometheus_rules";
    let items = admin.get(versions).await.body["items"].clone();
    assert_eq!(items[0]["reason"], "withdrawn");
    assert_eq!(items[1]["outcome"], "refused");

    put_rules(&lab.store, json!([alert("Good", "up == 0")])).await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] != 0).await;
    let (before, file) = (
        live(&prometheus).await,
        std::fs::read(lab.path("rules.yml")).unwrap(),
    );
    put_rules(
        &lab.store,
        json!([alert("Good", "up == 0"), bad_template()]),
    )
    .await;
    let failed = wait_for_rules(&admin, |s| s["state"] == "failed").await;
    assert!(
        failed["message"].as_str().unwrap().contains("g/Bad"),
        "{failed:#}"
    );
    assert_eq!(failed["waiting"]["added"], 1);
    wait_until("the last good file", async || {
        std::fs::read(lab.path("rules.yml")).is_ok_and(|bytes| bytes == file)
    })
    .await;
    wait_until("a good reload", async || prometheus.is_reloaded().await).await;
    assert_eq!(live(&prometheus).await, before);
    // An expression that our parser takes: the server says where it is wrong, and
    // nothing is written.
    let newer = alert("Newer", "sort_by_label(up, \"job\") == 0");
    let refusals = failed["failures"].as_i64().unwrap();
    put_rules(&lab.store, json!([newer])).await;
    let failed = wait_for_rules(&admin, |s| s["failures"].as_i64().unwrap() > refusals).await;
    let failed = match failed["state"].as_str() {
        Some("failed") => failed,
        _ => wait_for_rules(&admin, |s| s["state"] == "failed").await,
    };
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("group g, rule Newer") && message.contains("sort_by_label"),
        "{message}"
    );
    assert_eq!(std::fs::read(lab.path("rules.yml")).unwrap(), file);
    lab.stop().await;
}

#[tokio::test]
async fn rules_that_nobody_can_judge_are_not_written() {
    let (directory, at) = (directory(), free_address());
    let missing = directory.path().join("promtool").display().to_string();
    let lab = lab_for(&directory, at, Some(&missing)).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    put_rules(&lab.store, json!([alert("A", "up == 0")])).await;
    let status = wait_for_rules(&admin, |s| {
        s["message"].as_str().unwrap().contains("cannot be run")
    })
    .await;
    assert_eq!(status["state"], "pending", "{status:#}");
    assert!(!lab.path("rules.yml").exists());
    std::os::unix::fs::symlink("/usr/bin/promtool", missing).unwrap();
    wait_for_rules(&admin, |s| s["entries"] != 0).await;
    wait_until("the file", async || lab.path("rules.yml").exists()).await;
    lab.stop().await;
}
