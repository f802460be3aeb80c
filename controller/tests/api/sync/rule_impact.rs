//! What a plan says of alerts is what becomes of them.

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::rule_lab::{alert, lab_for, prometheus_for, put_rules, wait_for_rules};
use super::{directory, wait_until};
use crate::support::Client;
use crate::support::prometheus::{Prometheus, free_address};

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
    wait_until("an alert", async || {
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
    wait_until("the new text", async || {
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
    wait_until("the new label", async || {
        let alert = alert_of(&prometheus, "Fires").await;
        alert.is_some_and(|alert| alert["labels"]["severity"] == "critical")
    })
    .await;
    let anew = alert_of(&prometheus, "Fires").await.unwrap();
    assert_ne!(anew["activeAt"], first["activeAt"]);
    wait_until("the alert that was foretold", async || {
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
