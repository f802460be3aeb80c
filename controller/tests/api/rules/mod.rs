//! Rule groups and thresholds over the interface.

mod backtest;
mod defaults;
mod fleet;
mod thresholds;

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::Lab;

#[tokio::test]
async fn a_rule_group_is_made_changed_and_taken_away() {
    let lab = Lab::start().await;
    let operator = lab.user("op", Role::Operator, None).await;
    let body = json!({"name": "own", "interval": "30s", "rules": [
        {"alert": "InletHot", "expr": "ipmi_temperature_celsius{name=\"Inlet Temp\"} > 35",
         "for": "10m", "labels": {"severity": "warning"},
         "annotations": {"summary": "{{ $labels.server_name }} breathes {{ $value }} °C"}},
    ]});
    let made = operator.post("/api/v1/rules", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.etag.as_deref(), Some("\"v1\""));
    assert_eq!(made.body["origin"], "operator");
    assert_eq!(made.body["rules"][0]["for"], "10m");
    let path = format!("/api/v1/rules/{}", made.body["id"]);
    let mut wrong = body.clone();
    wrong["rules"][0]["expr"] = json!("ipmi_temperature_celsius >");
    let refused = operator.put(&path, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["errors"][0]["field"], "rules[0].expr");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("InletHot") && detail.contains("line 1, column 27"),
        "{detail}"
    );
    let mut off = body.clone();
    off["rules"][0]["enabled"] = json!(false);
    let put = operator
        .ask(Method::PUT, &path, Some(&off), &[("if-match", "\"v1\"")])
        .await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    assert_eq!(put.body["rules"][0]["enabled"], false);
    let late = operator
        .ask(Method::PUT, &path, Some(&off), &[("if-match", "\"v1\"")])
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{late:?}");
    let found = operator
        .get("/api/v1/rules?search=inlethot&origin=operator")
        .await;
    assert_eq!(found.body["total"], 1, "{found:?}");
    assert_eq!(operator.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(operator.get(&path).await.status, StatusCode::NOT_FOUND);
    let admin = lab.user("root", Role::Admin, None).await;
    let trail = admin.get("/api/v1/audit?limit=1000").await;
    for action in [
        "rule_group.create",
        "rule_group.update",
        "rule_group.delete",
    ] {
        assert!(trail.text.contains(action), "{action}: {}", trail.text);
    }
    lab.stop().await;
}

#[tokio::test]
async fn who_is_limited_to_groups_changes_no_rules() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let east = admin.post("/api/v1/groups", &json!({"name": "east"})).await;
    let east = east.body["id"].as_i64().unwrap();
    let limited = lab.user("eve", Role::Operator, Some(&[east])).await;
    let body = json!({"name": "own", "rules": [{"alert": "A", "expr": "up == 0"}]});
    let refused = limited.post("/api/v1/rules", &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(limited.get("/api/v1/rules").await.status, StatusCode::OK);
    lab.stop().await;
}
