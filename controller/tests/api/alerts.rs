//! Alerts: both inlets, who sees what, what people do with them.

use std::time::Duration;

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, Lab};

const PUSH: &str = "/api/v2/alerts";
const WEBHOOK: &str = "/api/v1/monitoring/alerts/webhook";
const FIRING: &str = include_str!("../data/alerts/webhook-firing.json");
const RESOLVED: &str = include_str!("../data/alerts/webhook-resolved.json");
const PUSHED: &str = include_str!("../data/alerts/push-resolved.json");

/// Somebody with an inlet's token.
pub(super) async fn inlet(lab: &Lab, admin: &Client) -> Client {
    let body = json!({"name": "prometheus", "kind": "inlet"});
    let made = admin.post("/api/v1/tokens", &body).await;
    let mut inlet = lab.nobody();
    inlet.token = made.body["token"].as_str().map(str::to_owned);
    inlet
}

/// An alert that fires for another hour.
pub(super) fn alert(name: &str, server_id: i64) -> Value {
    json!({
        "labels": {"alertname": name, "server_id": server_id.to_string(), "severity": "warning"},
        "annotations": {"summary": "=cmd()"},
        "startsAt": "2026-01-01T00:00:00.5Z",
        "endsAt": "2199-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph",
    })
}

#[tokio::test]
async fn both_inlets_tell_of_one_episode() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let inlet = inlet(&lab, &admin).await;
    let captured: Value = serde_json::from_str(PUSHED).unwrap();
    let pushed = inlet.post(PUSH, &captured["body"]).await;
    assert_eq!((pushed.status, pushed.text.as_str()), (StatusCode::OK, ""));
    for body in [RESOLVED, FIRING, RESOLVED] {
        let told = inlet
            .post(WEBHOOK, &serde_json::from_str(body).unwrap())
            .await;
        assert_eq!(told.status, StatusCode::OK, "{told:?}");
        assert_eq!(told.body["status"], "success");
        assert!(told.body["message"].is_string());
    }
    let list = admin.get("/api/v1/alerts?sort=alertname").await;
    assert_eq!(list.body["total"], 3, "{list:?}");
    let found = admin.get("/api/v1/alerts?search=10.20.0.3").await;
    let found = &found.body["items"][0];
    assert_eq!(found["fingerprint"], "7a373cdef651fbca");
    assert_eq!(found["state"], "resolved");
    assert_eq!(found["end_reason"], "recovered");
    assert_eq!(found["ends_at"], "2026-11-22T18:51:35.807Z");
    let life = admin.get(&format!("/api/v1/alerts/{}", found["id"])).await;
    let kinds: Vec<&str> = life.body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        (kinds[0], kinds[1]),
        ("firing", "resolved"),
        "by their own moments"
    );
    assert_eq!(kinds.iter().filter(|kind| **kind == "notified").count(), 2);
    let silent = admin.get("/api/v1/alerts?state=firing").await;
    assert_eq!(silent.body["items"][0]["server_id"], 2);
    lab.stop().await;
}

#[tokio::test]
async fn what_can_never_be_right_is_refused_and_the_rest_is_kept() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let inlet = inlet(&lab, &admin).await;
    let bad = json!({"labels": {"alertname": "NoStart"}});
    let answer = inlet.post(PUSH, &json!([bad, alert("Good", 1)])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("alert 0") && detail.contains("startsAt"),
        "{detail}"
    );
    assert_eq!(admin.get("/api/v1/alerts").await.body["total"], 1);
    for path in [PUSH, WEBHOOK] {
        let answer = inlet.post(path, &json!({"alerts": 1})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let zipped = inlet
            .ask(
                Method::POST,
                path,
                Some(&json!([])),
                &[("content-encoding", "gzip")],
            )
            .await;
        assert_eq!(zipped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        let stranger = lab.nobody().post(path, &json!([alert("X", 1)])).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
        let person = admin.post(path, &json!([alert("X", 1)])).await;
        assert_eq!(
            person.status,
            StatusCode::FORBIDDEN,
            "an inlet is for programs"
        );
    }
    let body = json!({"name": "sd", "kind": "discovery"});
    let made = admin.post("/api/v1/tokens", &body).await;
    let mut other = lab.nobody();
    other.token = made.body["token"].as_str().map(str::to_owned);
    let answer = other.post(PUSH, &json!([alert("X", 1)])).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "another kind of token"
    );
    let empty = inlet.post(PUSH, &json!([])).await;
    assert_eq!(empty.status, StatusCode::OK);
    assert_eq!(admin.get("/api/v1/alerts").await.body["total"], 1);
    lab.stop().await;
}

/// Sends a head and a part of a body by hand, and gives the line of the status.
async fn trickle(lab: &Lab, token: &str, length: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(lab.address).await.expect("it listens");
    let head = format!(
        "POST {PUSH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{length}\r\n\r\n"
    );
    for part in [head.as_bytes(), body] {
        stream.write_all(part).await.expect("it reads");
    }
    let mut answer = vec![0; 12];
    let read = stream.read_exact(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(30), read).await;
    read.expect("an answer in time").expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn large_and_slow_deliveries_are_bounded() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let token = inlet(&lab, &admin).await.token.unwrap();
    let huge = trickle(&lab, &token, "content-length: 99999999999", b"[").await;
    assert_eq!(huge, "HTTP/1.1 413");
    let slow = trickle(&lab, &token, "content-length: 1000", b"[").await;
    assert_eq!(slow, "HTTP/1.1 408");
    let stranger = trickle(&lab, "x", "content-length: 99999999999", b"[").await;
    assert_eq!(stranger, "HTTP/1.1 401", "before any of the body is read");
    lab.stop().await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_confirmed() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let inlet = inlet(&lab, &admin).await;
    assert_eq!(inlet.post(PUSH, &json!([])).await.status, StatusCode::OK);
    // Nobody else can write while this is open.
    let lock = lab.store.write().await.unwrap();
    let refused = inlet.post(PUSH, &json!([alert("A", 1)])).await;
    assert_eq!(
        refused.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{refused:?}"
    );
    assert_eq!(admin.get("/api/v1/alerts").await.body["total"], 0);
    drop(lock);
    let taken = inlet.post(PUSH, &json!([alert("A", 1)])).await;
    assert_eq!(taken.status, StatusCode::OK);
    assert_eq!(admin.get("/api/v1/alerts").await.body["total"], 1);
    lab.stop().await;
}

#[tokio::test]
async fn ten_thousand_alerts_in_one_delivery_are_taken() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let inlet = inlet(&lab, &admin).await;
    let many: Vec<Value> = (0..10_000).map(|server| alert("Many", server)).collect();
    let answer = inlet.post(PUSH, &Value::from(many)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let list = admin.get("/api/v1/alerts?limit=1").await;
    assert_eq!(list.body["total"], 10_000);
    let export = admin.get("/api/v1/alerts/export").await;
    assert_eq!(export.body.as_array().unwrap().len(), 10_000);
    lab.stop().await;
}

#[tokio::test]
async fn who_is_limited_to_groups_sees_and_touches_only_their_alerts() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let inlet = inlet(&lab, &admin).await;
    let made = admin.post("/api/v1/groups", &json!({"name": "east"})).await;
    let east = made.body["id"].as_i64().unwrap();
    let server = async |name: &str, group: Option<i64>| {
        let body = json!({"name": name, "address": format!("bmc-{name}"), "group_id": group});
        let made = admin.post("/api/v1/servers", &body).await;
        made.body["id"].as_i64().unwrap()
    };
    let (mine, other) = (
        server("mine", Some(east)).await,
        server("other", None).await,
    );
    let alerts = json!([
        alert("Mine", mine),
        alert("Other", other),
        alert("Unknown", 999)
    ]);
    assert_eq!(inlet.post(PUSH, &alerts).await.status, StatusCode::OK);
    let eve = lab.user("eve", Role::Operator, Some(&[east])).await;
    let list = eve.get("/api/v1/alerts").await;
    assert_eq!(list.body["total"], 1);
    assert_eq!(list.body["items"][0]["alertname"], "Mine");
    for path in ["statistics", "export", "export?format=csv"] {
        let answer = eve.get(&format!("/api/v1/alerts/{path}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.text.contains("Mine") && !answer.text.contains("Other"),
            "{path}: {}",
            answer.text
        );
    }
    let found = admin.get("/api/v1/alerts?alertname=Other").await;
    let others = format!("/api/v1/alerts/{}", found.body["items"][0]["id"]);
    assert_eq!(eve.get(&others).await.status, StatusCode::NOT_FOUND);
    for (method, path, body) in [
        (Method::POST, "acknowledge", json!({})),
        (Method::DELETE, "acknowledge", json!({})),
        (Method::POST, "comments", json!({"text": "x"})),
        (Method::PUT, "assignee", json!({"assignee": "eve"})),
    ] {
        let path = format!("{others}/{path}");
        let answer = eve.ask(method, &path, Some(&body), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn acknowledging_commenting_and_assigning_leave_a_trail() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let inlet = inlet(&lab, &admin).await;
    assert_eq!(
        inlet.post(PUSH, &json!([alert("A", 1)])).await.status,
        StatusCode::OK
    );
    let operator = lab.user("olga", Role::Operator, None).await;
    let viewer = lab.user("vera", Role::Viewer, None).await;
    let id = viewer.get("/api/v1/alerts").await.body["items"][0]["id"]
        .as_i64()
        .unwrap();
    let at = |what: &str| format!("/api/v1/alerts/{id}/{what}");
    let refused = viewer.post(&at("acknowledge"), &json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let acknowledged = operator
        .post(&at("acknowledge"), &json!({"comment": "on it"}))
        .await;
    assert_eq!(acknowledged.body["acknowledged_by"], "olga");
    let commented = operator
        .post(&at("comments"), &json!({"text": "fan ordered"}))
        .await;
    let last = commented.body["events"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        (&last["kind"], &last["actor"]),
        (&json!("commented"), &json!("olga"))
    );
    assert_eq!(last["detail"]["text"], "fan ordered");
    let empty = operator.post(&at("comments"), &json!({"text": " "})).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let assigned = operator
        .put(&at("assignee"), &json!({"assignee": "vera"}))
        .await;
    assert_eq!(assigned.body["assignee"], "vera");
    let nobody = operator
        .put(&at("assignee"), &json!({"assignee": "nobody"}))
        .await;
    assert_eq!(nobody.body["errors"][0]["field"], "assignee");
    let taken_back = operator.delete(&at("acknowledge")).await;
    assert_eq!(taken_back.body["acknowledged_at"], Value::Null);
    let trail = admin
        .get(&format!("/api/v1/audit?resource=alerts/{id}"))
        .await;
    let actions: Vec<&str> = trail.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "alert.unacknowledge",
            "alert.assign",
            "alert.comment",
            "alert.acknowledge"
        ]
    );
    let csv = viewer.get("/api/v1/alerts/export?format=csv").await;
    assert!(
        csv.text.starts_with("id,fingerprint,state,"),
        "{}",
        csv.text
    );
    assert_eq!(csv.text.lines().count(), 2);
    let statistics = viewer.get("/api/v1/alerts/statistics").await;
    assert_eq!(
        statistics.body["noisiest_alertnames"][0],
        json!({"of": "A", "count": 1})
    );
    lab.stop().await;
}
