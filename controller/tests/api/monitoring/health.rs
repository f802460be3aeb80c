//! Health: real checks, in bounded time, without secrets.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ipmi_controller::model::Role;
use serde_json::{Value, json};

use super::lab_with;
use crate::support::Lab;
use crate::support::prometheus::{Prometheus, free_address};

/// Answers a path so; gives the URL.
async fn stand_in(path: &'static str, body: &'static str) -> String {
    let app = Router::new().route(path, get(move || async move { body }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn health(lab: &Lab, exporters: &[(&str, &str, bool)]) -> (Value, String) {
    let admin = lab.user("root", Role::Admin, None).await;
    for (name, url, enabled) in exporters {
        let body = json!({"name": name, "url": url, "enabled": enabled});
        let made = admin.post("/api/v1/exporters", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let answer = admin.get("/api/v1/monitoring/health").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.body, answer.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_answers_is_well() {
    let prometheus = Prometheus::with_samples("# TYPE t gauge\nt 1 1\n# EOF\n").await;
    let grafana = stand_in("/api/health", "{\"database\": \"ok\"}").await;
    let alertmanager = stand_in("/-/healthy", "OK").await;
    let exporter = stand_in("/-/healthy", "Healthy").await;
    // The stock exporter has no such page.
    let stock = stand_in("/metrics", "").await;
    let more = [
        ("IPMI_CONTROLLER_PROMETHEUS__URL", prometheus.url()),
        ("IPMI_CONTROLLER_GRAFANA__URL", grafana),
        ("IPMI_CONTROLLER_ALERTMANAGER__URL", alertmanager),
    ];
    let lab = lab_with(Arc::new(tempfile::tempdir().unwrap()), &more).await;
    let exporters = [
        ("ours", exporter.as_str(), true),
        ("stock", &stock, true),
        ("gone", "http://127.0.0.1:1", false),
    ];
    let (health, _) = health(&lab, &exporters).await;
    for field in [
        "prometheus",
        "grafana",
        "alertmanager",
        "exporters",
        "overall",
    ] {
        assert_eq!(health[field], true, "{field}: {health}");
    }
    let components = health["components"].as_array().unwrap();
    assert_eq!(components.len(), 5, "{health}");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_well_says_why_and_no_secret() {
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let grafana = stand_in("/api/health", "<html>Sign in</html>").await;
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let password = directory.path().join("password");
    std::fs::write(&password, "zq7canary\u{7}4711").unwrap();
    let more = [
        (
            "IPMI_CONTROLLER_QUERY__URL",
            format!("http://{}", silent.local_addr().unwrap()),
        ),
        ("IPMI_CONTROLLER_GRAFANA__URL", grafana),
        (
            "IPMI_CONTROLLER_ALERTMANAGER__URL",
            "http://127.0.0.1:1".to_owned(),
        ),
        ("IPMI_CONTROLLER_ALERTMANAGER__USERNAME", "admin".to_owned()),
        (
            "IPMI_CONTROLLER_ALERTMANAGER__PASSWORD_FILE",
            "/nowhere/zq7canary".to_owned(),
        ),
    ];
    let lab = lab_with(directory, &more).await;
    let gone = format!("http://{}", free_address());
    let (health, text) = health(&lab, &[("gone", &gone, true)]).await;
    for field in [
        "prometheus",
        "grafana",
        "alertmanager",
        "exporters",
        "overall",
    ] {
        assert_eq!(health[field], false, "{field}: {health}");
    }
    assert!(!text.contains("zq7canary"), "{text}");
    let message = |name: &str| {
        let mut components = health["components"].as_array().unwrap().iter();
        let found = components.find(|component| component["name"] == name);
        found.unwrap()["message"].as_str().unwrap().to_owned()
    };
    assert!(message("prometheus").contains("within 5 s"));
    assert!(message("grafana").contains("not Grafana"));
    assert!(message("alertmanager").contains("cannot sign in"));
    assert!(message("exporter gone").contains("does not answer"));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_prometheus_nothing_is_well() {
    let lab = Lab::start().await;
    let (health, _) = health(&lab, &[]).await;
    let expected = json!({"prometheus": false, "grafana": false, "alertmanager": false,
        "exporters": true, "overall": false});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&health[field], value, "{field}");
    }
    lab.stop().await;
}
