//! Rule files arrive in a real Prometheus as a whole, or not at all, and the API
//! says why.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipmi_controller::model::{Name, PageRequest, Role, RuleGroupDraft, RuleGroupFilter, Text};
use ipmi_controller::store::Store;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::prometheus::{Prometheus, free_address};
use crate::support::{Client, Lab};

const LIMIT: Duration = Duration::from_secs(40);
/// A program that finds every rule good: a promtool of another version.
const LENIENT: &str = "/usr/bin/true";

/// Waits until a question has the answer yes.
async fn wait_for<F: Future<Output = bool>>(what: &str, mut question: impl FnMut() -> F) {
    let end = Instant::now() + LIMIT;
    while !question().await {
        assert!(Instant::now() < end, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the status of the rules is as it should be, and gives it.
async fn wait_for_rules(admin: &Client, good: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = admin.get("/api/v1/sync").await;
        let all = answer.body["artefacts"].as_array().expect("a list").clone();
        let rules = all
            .into_iter()
            .find(|status| status["artefact"] == "prometheus_rules")
            .expect("rules are published");
        if good(&rules) {
            return rules;
        }
        assert!(Instant::now() < end, "not in time: {rules:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes the group `g` have these rules, whatever the interface would say to them,
/// and one that is always there: to take all away needs a confirmation.
async fn put_rules(store: &Store, rules: Value) {
    let mut rules = rules.as_array().expect("a list").clone();
    rules.push(json!({"record": "stays", "expr": "vector(1)"}));
    put_group(store, json!({"name": "g", "rules": rules})).await;
}

async fn put_group(store: &Store, body: Value) {
    let name = body["name"].as_str().expect("a name").to_owned();
    let body = serde_json::from_value(body).expect("a group");
    let draft = RuleGroupDraft::parse(&body).expect("a good group");
    let mut tx = store.write().await.expect("the store");
    let filter = RuleGroupFilter::default();
    let page = PageRequest::default();
    let known = tx.rule_groups(&filter, page).await.expect("the store");
    match known.items.into_iter().find(|group| group.name == name) {
        Some(group) => {
            let changed = tx.update_rule_group(group.id, None, &draft).await;
            changed.expect("a change");
        }
        None => {
            tx.insert_rule_group(&draft).await.expect("a new group");
        }
    }
    tx.commit().await.expect("the store");
}

fn alert(name: &str, expr: &str) -> Value {
    json!({"alert": name, "expr": expr, "labels": {"severity": "warning"},
        "annotations": {"summary": "it is"}})
}

/// What Prometheus refuses, and our own check of it does not.
fn bad_template() -> Value {
    let mut rule = alert("Bad", "up == 0");
    rule["annotations"]["summary"] = json!("{{ $labels.job | nofunc }}");
    rule
}

fn directory() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a directory"))
}

/// Makes a store in which the default rules are disabled, and gives a user of it.
async fn prepare(directory: &Arc<TempDir>) -> Client {
    let lab = Lab::start_in(Arc::clone(directory), &[]).await;
    let mut tx = lab.store.write().await.expect("the store");
    let page = PageRequest {
        limit: 1000,
        ..PageRequest::default()
    };
    let groups = tx.rule_groups(&RuleGroupFilter::default(), page).await;
    for group in groups.expect("the store").items {
        let draft = RuleGroupDraft {
            name: Name::parse(&group.name).expect("a name"),
            description: Text::parse(&group.description).expect("a text"),
            interval: group.interval,
            enabled: false,
            rules: group.rules,
        };
        let changed = tx.update_rule_group(group.id, None, &draft).await;
        changed.expect("a change");
    }
    tx.commit().await.expect("the store");
    let admin = lab.user("root", Role::Admin, None).await;
    lab.stop().await;
    admin
}

/// A controller with rules for the Prometheus at an address, in a store without
/// default rules.
async fn lab_for(directory: &Arc<TempDir>, at: SocketAddr, promtool: Option<&str>) -> Lab {
    if !directory.path().join("c.db").exists() {
        prepare(directory).await;
    }
    let file = directory.path().join("rules.yml").display().to_string();
    let mut variables = vec![
        ("IPMI_CONTROLLER_PROMETHEUS__RULES_FILE", file),
        ("IPMI_CONTROLLER_PROMETHEUS__URL", format!("http://{at}")),
    ];
    if let Some(promtool) = promtool {
        variables.push(("IPMI_CONTROLLER_PROMETHEUS__PROMTOOL", promtool.to_owned()));
    }
    Lab::start_in(Arc::clone(directory), &variables).await
}

/// A Prometheus that reads the rules in a directory.
async fn prometheus_for(directory: &TempDir, at: SocketAddr) -> Prometheus {
    Prometheus::start_with(at, &config(directory, at), &["--web.enable-lifecycle"]).await
}

fn config(directory: &TempDir, at: SocketAddr) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{}']\n\
         scrape_configs: [{{job_name: self, static_configs: [{{targets: ['{at}']}}]}}]\n",
        directory.path().join("rules.yml").display()
    )
}

/// The rules of the group `g` at Prometheus.
async fn live(prometheus: &Prometheus) -> Vec<Value> {
    let mut rules = prometheus.rules().await;
    rules.retain(|rule| rule["group"] == "g");
    rules
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
    wait_for("the thresholds", async || {
        let rules = prometheus.rules().await;
        rules
            .iter()
            .any(|rule| rule["name"] == "ipmi:threshold_override")
    })
    .await;
    let live = prometheus.rules().await.len();
    assert!(live > 20, "{live}");
    wait_for_rules(&admin, |s| s["state"] == "in_sync" && s["entries"] == live).await;
    wait_for("an evaluation of every rule", async || {
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
    wait_for("a good reload", async || prometheus.is_reloaded().await).await;
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
    wait_for("the last good file", async || {
        std::fs::read(lab.path("rules.yml")).is_ok_and(|bytes| bytes == file)
    })
    .await;
    wait_for("a good reload", async || prometheus.is_reloaded().await).await;
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
    wait_for("the file", async || lab.path("rules.yml").exists()).await;
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
    wait_for("the repair", async || live(&prometheus).await == before).await;
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
    wait_for("the new rule", async || {
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
    wait_for("the new rule", async || {
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
    wait_for("the second rule", async || {
        live(&prometheus).await[0]["name"] == "Second"
    })
    .await;
    wait_for_rules(&admin, |s| s["state"] == "in_sync").await;
    lab.stop().await;
}

/// The one alert of a name that Prometheus has.
async fn alert_of(prometheus: &Prometheus, name: &str) -> Option<Value> {
    let alerts = prometheus.alerts().await;
    alerts
        .into_iter()
        .find(|alert| alert["labels"]["alertname"] == name)
}

/// Holds changes back, so that a plan can be looked at before it is carried out.
async fn hold(admin: &Client) {
    let status = wait_for_rules(admin, |s| {
        s["state"] == "in_sync" && s["waiting"] == Value::Null && s["entries"] != 0
    })
    .await;
    let path = format!(
        "/api/v1/sync/versions/{}/restore",
        status["published_version"]
    );
    let restored = admin.post(&path, &json!({})).await;
    assert_eq!(restored.status, StatusCode::ACCEPTED, "{restored:?}");
    wait_for_rules(admin, |s| s["state"] == "held").await;
}

async fn plan(admin: &Client) -> Value {
    let path = "/api/v1/sync/plan?artefact=prometheus_rules";
    let plan = admin.post(path, &json!({})).await;
    assert_eq!(plan.status, StatusCode::OK, "{plan:?}");
    plan.body["artefacts"][0].clone()
}

async fn resume(admin: &Client) {
    let path = "/api/v1/sync/resume?artefact=prometheus_rules&server=prometheus";
    let resumed = admin.post(path, &json!({})).await;
    assert_eq!(resumed.status, StatusCode::ACCEPTED, "{resumed:?}");
    wait_for_rules(admin, |s| {
        s["state"] == "in_sync"
            && s["waiting"] == Value::Null
            && s["good_version"] == s["published_version"]
    })
    .await;
}

#[tokio::test]
async fn a_plan_says_what_becomes_of_alerts_and_that_is_what_happens() {
    let (directory, at) = (directory(), free_address());
    let prometheus = prometheus_for(&directory, at).await;
    let lab = lab_for(&directory, at, None).await;
    let admin = lab.user("tester", Role::Admin, None).await;
    let mut fires = alert("Fires", "up{job=\"self\"} == 1");
    fires["for"] = json!("1s");
    put_rules(&lab.store, json!([fires])).await;
    wait_for("an alert", async || {
        alert_of(&prometheus, "Fires")
            .await
            .is_some_and(|alert| alert["state"] == "firing")
    })
    .await;
    let first = alert_of(&prometheus, "Fires").await.unwrap();

    // Another threshold and another text: the alert stays.
    hold(&admin).await;
    fires["expr"] = json!("up{job=\"self\"} > 0");
    fires["annotations"]["summary"] = json!("it is so");
    put_rules(&lab.store, json!([fires])).await;
    wait_for_rules(&admin, |s| s["waiting"]["changed"] == 1).await;
    let planned = plan(&admin).await;
    let impact = &planned["impact"];
    assert_eq!(impact["unknown"], Value::Null, "{planned:#}");
    assert_eq!(impact["state_lost"], json!([]));
    assert_eq!(
        (&impact["ending"]["count"], &impact["beginning"]["count"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(planned["changes"][0]["rule"], "g/Fires");
    let diff = planned["diff"]["text"].as_str().unwrap();
    assert!(
        diff.contains("\n-    expr: 'up{job=\"self\"} == 1'\n"),
        "{diff}"
    );
    assert!(
        diff.contains("\n+    expr: 'up{job=\"self\"} > 0'\n"),
        "{diff}"
    );
    resume(&admin).await;
    wait_for("the new text", async || {
        let alert = alert_of(&prometheus, "Fires").await;
        alert.is_some_and(|alert| alert["annotations"]["summary"] == "it is so")
    })
    .await;
    let kept = alert_of(&prometheus, "Fires").await.unwrap();
    assert_eq!(
        (&kept["state"], &kept["activeAt"]),
        (&first["state"], &first["activeAt"])
    );

    // Another label, and a rule more: the alert begins anew, and one is added.
    hold(&admin).await;
    fires["labels"]["severity"] = json!("critical");
    put_rules(
        &lab.store,
        json!([fires, alert("More", "up{job=\"self\"} >= 1")]),
    )
    .await;
    wait_for_rules(&admin, |s| s["waiting"]["added"] == 1).await;
    let planned = plan(&admin).await;
    let impact = &planned["impact"];
    let lost = &impact["state_lost"][0];
    assert_eq!(
        (&lost["alert"], &lost["firing"]),
        (&json!("Fires"), &json!(1)),
        "{planned:#}"
    );
    assert_eq!(lost["reason"], "its labels change");
    let beginning = impact["beginning"]["alerts"].as_array().unwrap();
    let more = beginning
        .iter()
        .find(|labels| labels["alertname"] == "More")
        .unwrap();
    assert_eq!(
        (&more["job"], &more["severity"]),
        (&json!("self"), &json!("warning"))
    );
    resume(&admin).await;
    wait_for("the new label", async || {
        let alert = alert_of(&prometheus, "Fires").await;
        alert.is_some_and(|alert| alert["labels"]["severity"] == "critical")
    })
    .await;
    let anew = alert_of(&prometheus, "Fires").await.unwrap();
    assert_ne!(anew["activeAt"], first["activeAt"]);
    wait_for("the alert that was foretold", async || {
        alert_of(&prometheus, "More")
            .await
            .is_some_and(|alert| alert["state"] == "firing")
    })
    .await;

    // A rule goes while its alert fires.
    hold(&admin).await;
    put_rules(&lab.store, json!([fires])).await;
    wait_for_rules(&admin, |s| s["waiting"]["removed"] == 1).await;
    let planned = plan(&admin).await;
    let ending = &planned["impact"]["ending"];
    assert_eq!(ending["count"], 1, "{planned:#}");
    assert_eq!(ending["alerts"][0]["alertname"], "More");
    // Without Prometheus the plan says so, and what it knows.
    drop(prometheus);
    let planned = plan(&admin).await;
    assert_eq!(planned["removed"], 1);
    let unknown = planned["impact"]["unknown"].as_str().unwrap();
    assert!(unknown.contains("does not answer"), "{unknown}");
    lab.stop().await;
}

/// A controller as a process in a mount namespace of its own, with a small disk
/// for the rules.
struct OnSmallDisk {
    child: std::process::Child,
}

impl Drop for OnSmallDisk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OnSmallDisk {
    fn start(directory: &Path, listen: SocketAddr, at: SocketAddr) -> Self {
        let disk = directory.join("disk");
        std::fs::create_dir(&disk).expect("a directory");
        // `exec` keeps the process id, by which the disk is reached from outside.
        let script = format!(
            "mount -t tmpfs -o size=64k small '{}' && exec '{}' serve",
            disk.display(),
            env!("CARGO_BIN_EXE_ipmi_controller")
        );
        let database = format!("sqlite://{}", directory.join("c.db").display());
        let child = std::process::Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .args([
                "unshare",
                "--mount",
                "--user",
                "--map-root-user",
                "sh",
                "-c",
                &script,
            ])
            .env("IPMI_CONTROLLER_LISTEN", listen.to_string())
            .env("IPMI_CONTROLLER_DATABASE", database)
            .env(
                "IPMI_CONTROLLER_MASTER_KEY_FILE",
                directory.join("master.key"),
            )
            .env(
                "IPMI_CONTROLLER_PROMETHEUS__RULES_FILE",
                disk.join("rules.yml"),
            )
            .env("IPMI_CONTROLLER_PROMETHEUS__URL", format!("http://{at}"))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the controller starts");
        Self { child }
    }

    /// Where the disk is seen from outside.
    fn path(&self, directory: &Path, name: &str) -> std::path::PathBuf {
        let root = format!("/proc/{}/root", self.child.id());
        let inside = directory.join("disk").join(name);
        Path::new(&root).join(inside.strip_prefix("/").expect("an absolute path"))
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_the_old_file_whole() {
    let directory = directory();
    let mut admin = prepare(&directory).await;
    let (listen, at) = (free_address(), free_address());
    let controller = OnSmallDisk::start(directory.path(), listen, at);
    admin.base = format!("http://{listen}");
    let ready = format!("http://{listen}/-/ready");
    wait_for("the controller", async || {
        reqwest::get(&ready)
            .await
            .is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    let body = |name: &str| {
        let stays = json!({"record": "stays", "expr": "vector(1)"});
        json!({"name": "g", "rules": [alert(name, "up == 0"), stays]})
    };
    let made = admin.post("/api/v1/rules", &body("First")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let file = controller.path(directory.path(), "rules.yml");
    wait_for("the first file", async || file.exists()).await;
    let first = std::fs::read(&file).unwrap();
    // Fill the disk to the last byte.
    let filler = controller.path(directory.path(), "filler");
    let full = std::fs::write(&filler, vec![b'x'; 128 * 1024]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let path = format!("/api/v1/rules/{}", made.body["id"]);
    let put = admin.put(&path, &body("Second")).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let failed = wait_for_rules(&admin, |s| s["state"] == "failed").await;
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("No space left"), "{message}");
    assert!(
        message.contains("rules.yml") && message.contains("old content stays"),
        "{message}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), first);
    // With room it goes on by itself.
    std::fs::remove_file(&filler).unwrap();
    wait_for("the second file", async || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("Second"))
    })
    .await;
    wait_for_rules(&admin, |s| s["state"] == "pending").await;
}
