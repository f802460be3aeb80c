//! Rule files in bad times: a server that is down, others who write, a kill, no
//! right to reload.

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::rule_lab::{alert, config, lab_for, live, prometheus_for, put_rules, wait_for_rules};
use super::{directory, wait_until};
use crate::support::prometheus::{Prometheus, free_address};

#[tokio::test]
async fn a_prometheus_that_is_down_gets_its_rules_when_it_is_back() {
    let (directory, at) = (directory(), free_address());
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    put_rules(&lab.store, json!([alert("First", "up == 0")])).await;
    let down = |s: &Value| {
        s["state"] == "pending" && s["message"].as_str().unwrap().contains("does not answer")
    };
    wait_for_rules(&admin, |s| down(s) && s["entries"] != 0).await;
    let prometheus = prometheus_for(&directory, at).await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync").await;
    assert_eq!(live(&prometheus).await[0]["name"], "First");
    drop(prometheus);
    put_rules(&lab.store, json!([alert("Second", "up == 0")])).await;
    wait_for_rules(&admin, down).await;
    let plan = admin.post("/api/v1/sync/plan", &json!({})).await;
    assert_eq!(plan.status, StatusCode::OK, "{plan:?}");
    let prometheus = prometheus_for(&directory, at).await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync").await;
    assert_eq!(live(&prometheus).await[0]["name"], "Second");
    lab.stop().await;
}

#[tokio::test]
async fn a_rule_file_that_others_change_is_repaired_and_loaded() {
    let (directory, at) = (directory(), free_address());
    let prometheus = prometheus_for(&directory, at).await;
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    put_rules(&lab.store, json!([alert("Ours", "up == 0")])).await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] != 0).await;
    let before = live(&prometheus).await;
    let theirs = "groups: [{name: g, rules: [{alert: Theirs, expr: up == 1}]}]\n";
    std::fs::write(lab.path("rules.yml"), theirs).unwrap();
    assert!(prometheus.reload().await);
    wait_until("the repair", async || live(&prometheus).await == before).await;
    let status = wait_for_rules(&admin, |s| s["state"] == "in_sync").await;
    assert_eq!(status["repairs"], 1, "{status:#}");
    lab.stop().await;
}

#[tokio::test]
async fn a_kill_between_write_and_reload_is_made_good() {
    let (directory, at) = (directory(), free_address());
    let prometheus = prometheus_for(&directory, at).await;
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    put_rules(&lab.store, json!([alert("Old", "up == 0")])).await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] != 0).await;
    let file = lab.path("rules.yml");
    let old = std::fs::read(&file).unwrap();
    put_rules(&lab.store, json!([alert("New", "up == 0")])).await;
    wait_until("the new rule", async || {
        live(&prometheus).await[0]["name"] == "New"
    })
    .await;
    let new = std::fs::read(&file).unwrap();
    lab.stop().await;
    // The file has what is wanted, and Prometheus what was before.
    std::fs::write(&file, old).unwrap();
    assert!(prometheus.reload().await);
    assert_eq!(live(&prometheus).await[0]["name"], "Old");
    std::fs::write(&file, new).unwrap();
    let lab = lab_for(&directory, at, None).await;
    wait_until("the new rule", async || {
        live(&prometheus).await[0]["name"] == "New"
    })
    .await;
    lab.stop().await;
}

#[tokio::test]
async fn without_the_right_to_reload_it_is_said_what_to_do() {
    let (directory, at) = (directory(), free_address());
    let prometheus = Prometheus::start_with(at, &config(&directory, at), &[]).await;
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    put_rules(&lab.store, json!([alert("A", "up == 0")])).await;
    let failed = wait_for_rules(&admin, |s| s["state"] == "failed").await;
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("--web.enable-lifecycle"), "{message}");
    prometheus.hang_up();
    wait_for_rules(&admin, |s| s["state"] == "in_sync").await;
    assert_eq!(live(&prometheus).await[0]["name"], "A");
    lab.stop().await;
}

#[tokio::test]
async fn what_is_broken_elsewhere_is_not_blamed_on_the_rules() {
    let (directory, at) = (directory(), free_address());
    let other = directory.path().join("other.yml");
    std::fs::write(&other, "groups: []\n").unwrap();
    let config = config(&directory, at).replace(
        "rule_files: [",
        &format!("rule_files: ['{}', ", other.display()),
    );
    let prometheus = Prometheus::start_with(at, &config, &["--web.enable-lifecycle"]).await;
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    put_rules(&lab.store, json!([alert("First", "up == 0")])).await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] != 0).await;
    std::fs::write(
        &other,
        "groups: [{name: x, rules: [{alert: X, expr: 'up =='}]}]\n",
    )
    .unwrap();
    assert!(!prometheus.reload().await);
    put_rules(&lab.store, json!([alert("Second", "up == 0")])).await;
    let waiting = wait_for_rules(&admin, |s| s["waiting"] != Value::Null).await;
    assert_eq!(waiting["state"], "pending", "{waiting:#}");
    let message = waiting["message"].as_str().unwrap();
    assert!(message.contains("until it is repaired"), "{message}");
    std::fs::write(&other, "groups: []\n").unwrap();
    wait_until("the second rule", async || {
        live(&prometheus).await[0]["name"] == "Second"
    })
    .await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync").await;
    lab.stop().await;
}
