//! Asking a BMC now, where it cannot be read. The exporter's tests have one that
//! can: `exporter/tests/channel/collect.rs`.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::prometheus::free_address;
use crate::support::{Client, Lab};

/// A controller with an exporter, the profile `bmc` and a server.
async fn lab(exporter: &str, target: SocketAddr) -> (Lab, Client) {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    for (path, body) in [
        ("exporters", json!({"name": "exp-1", "url": exporter})),
        (
            "credentials",
            json!({"name": "bmc", "username": "monitor", "password": "correct horse"}),
        ),
        (
            "servers",
            json!({"name": "node-1", "address": target.ip().to_string(),
                "port": target.port(), "credential_id": 1}),
        ),
    ] {
        let made = admin.post(&format!("/api/v1/{path}"), &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }
    (lab, admin)
}

const COLLECT: &str = "/api/v1/monitoring/servers/1/collect";

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_bmc_from_being_read_is_told() {
    let bmc = free_address();
    for (status, body, expected) in [
        (403, "target not allowed", "status 403: target not allowed"),
        (200, "<html>", "no metrics: line 1"),
        (200, "other 1\n", "no ipmi_up"),
        (
            200,
            "ipmi_up{collector=\"ipmi\"} 0\n",
            "ipmi: the collector failed",
        ),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let app = Router::new().route("/ipmi", get(move || async move { (status, body) }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let (lab, admin) = lab(&format!("http://{address}"), bmc).await;
        let answer = admin.post(COLLECT, &json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.body["status"], "error", "{answer:?}");
        assert_eq!(answer.body["collected_metrics"], json!([]));
        let error = answer.body["errors"][0].as_str().unwrap();
        assert!(error.contains(expected), "{error}");
        lab.stop().await;
    }
    let (lab, admin) = lab(&format!("http://{}", free_address()), bmc).await;
    let answer = admin.post(COLLECT, &json!({})).await;
    let error = answer.body["errors"][0].as_str().unwrap();
    assert!(error.contains("exp-1 does not answer"), "{error}");
    let viewer = lab.user("eve", Role::Viewer, None).await;
    let refused = viewer.post(COLLECT, &json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let paths = [("exporters/1", "exporter"), ("servers/1", "switched off")];
    for (path, expected) in paths {
        let path = format!("/api/v1/{path}");
        let body = if path.contains("exporters") {
            json!({"name": "exp-1", "url": "http://x:1", "enabled": false})
        } else {
            json!({"name": "node-1", "address": "bmc", "monitoring_enabled": false})
        };
        assert_eq!(admin.put(&path, &body).await.status, StatusCode::OK);
        let answer = admin.post(COLLECT, &json!({})).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{detail}");
    }
    lab.stop().await;
}
