//! The controller's own metrics.

use std::io::Write;
use std::process::{Command, Stdio};

use ipmi_controller::model::Role;
use serde_json::{Value, json};

use crate::support::Lab;

/// The value of a series.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test]
async fn promtool_accepts_the_metrics_and_they_count() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let wrong = json!({"username": "root", "password": "zq7canaryWRONG"});
    lab.nobody().post("/api/v1/auth/login", &wrong).await;
    admin.get("/api/v1/servers/4711").await;
    admin.get("/api/v1/no/such/zq7canaryPATH").await;
    let made = admin
        .post("/api/v1/tokens", &json!({"name": "inlet", "kind": "inlet"}))
        .await;
    let mut inlet = lab.nobody();
    inlet.token = made.body["token"].as_str().map(str::to_owned);
    let alerts = json!([{"labels": {"alertname": "zq7canaryALERT"},
        "startsAt": "2026-01-01T00:00:00Z"}, {"labels": {}}]);
    inlet.post("/api/v2/alerts", &alerts).await;

    let text = lab.nobody().get("/metrics").await.text;
    for (series, expected) in [
        (
            "ipmi_controller_http_requests_total{method=\"GET\",route=\"/api/v1/servers/{id}\",status=\"4xx\"}",
            1.0,
        ),
        (
            "ipmi_controller_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"4xx\"}",
            1.0,
        ),
        (
            "ipmi_controller_http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/auth/login\"}",
            2.0,
        ),
        (
            "ipmi_controller_logins_total{method=\"password\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "ipmi_controller_logins_total{method=\"password\",outcome=\"refused\"}",
            1.0,
        ),
        (
            "ipmi_controller_journal_deliveries_total{inlet=\"prometheus\",outcome=\"refused\"}",
            1.0,
        ),
        (
            "ipmi_controller_journal_alerts_total{inlet=\"prometheus\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "ipmi_controller_journal_alerts_total{inlet=\"prometheus\",outcome=\"refused\"}",
            1.0,
        ),
        ("ipmi_controller_store_up", 1.0),
        ("ipmi_controller_leader", 1.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    for series in [
        "ipmi_controller_store_bytes",
        "ipmi_controller_audit_entries_total",
        "ipmi_controller_desired_state_revision",
        "ipmi_controller_store_transaction_duration_seconds_count{kind=\"write\"}",
        "process_resident_memory_bytes",
    ] {
        assert!(
            value(&text, series).is_some_and(|value| value > 0.0),
            "{series}\n{text}"
        );
    }
    assert!(
        text.contains("ipmi_controller_sync_state{artefact=\"prometheus_targets\""),
        "{text}"
    );
    assert!(!text.contains("zq7canary"), "{text}");

    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool of the Debian package `prometheus`");
    let mut input = promtool.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let judged = promtool.wait_with_output().expect("it ends");
    assert!(judged.status.success(), "{judged:?}");

    let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
    let open = lab
        .nobody()
        .ask(reqwest::Method::GET, "/metrics", None, &accept)
        .await;
    assert!(open.text.ends_with("# EOF\n"), "{}", open.text);
    assert_eq!(open.text.matches("# EOF").count(), 1);
    lab.stop().await;
}

#[tokio::test]
async fn a_token_can_be_demanded() {
    let directory = std::sync::Arc::new(tempfile::tempdir().expect("a directory"));
    let variable = ("IPMI_CONTROLLER_METRICS__REQUIRE_TOKEN", "true".to_owned());
    let lab = Lab::start_in(directory, &[variable]).await;
    assert_eq!(lab.nobody().get("/metrics").await.status, 401);
    let admin = lab.user("root", Role::Admin, None).await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    assert_eq!(viewer.get("/metrics").await.status, 200);
    let exporter = json!({"name": "e", "url": "http://192.0.2.7:9290"});
    let exporter = admin.post("/api/v1/exporters", &exporter).await;
    for (kind, exporter_id, expected) in [
        ("discovery", &Value::Null, 200),
        ("inlet", &Value::Null, 403),
        ("exporter", &exporter.body["id"], 403),
    ] {
        let body = json!({"name": kind, "kind": kind, "exporter_id": exporter_id});
        let made = admin.post("/api/v1/tokens", &body).await;
        let mut service = lab.nobody();
        service.token = made.body["token"].as_str().map(str::to_owned);
        assert_eq!(service.get("/metrics").await.status, expected, "{kind}");
    }
    lab.stop().await;
}
