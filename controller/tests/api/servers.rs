//! Servers: fields, versions, groups.

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::Lab;

#[tokio::test]
async fn a_server_is_made_changed_and_taken_away() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "n1", "address": "BMC-1.example.org", "labels": {"dc": "fra1"}});
    let made = admin.post("/api/v1/servers", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.etag.as_deref(), Some("\"v1\""));
    assert_eq!(made.body["address"], "bmc-1.example.org");
    assert_eq!(made.body["port"], 623);
    assert_eq!(made.body["labels"]["dc"], "fra1");
    let path = format!("/api/v1/servers/{}", made.body["id"]);
    let moved = json!({"name": "n1", "address": "192.0.2.9"});
    let put = admin
        .ask(Method::PUT, &path, Some(&moved), &[("if-match", "\"v1\"")])
        .await;
    assert_eq!(
        (put.status, put.etag.as_deref()),
        (StatusCode::OK, Some("\"v2\""))
    );
    let late = admin
        .ask(Method::PUT, &path, Some(&moved), &[("if-match", "\"v1\"")])
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{late:?}");
    let found = admin
        .get("/api/v1/servers?search=192.0.2.9&sort=name")
        .await;
    assert_eq!(found.body["total"], 1);
    assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
    lab.stop().await;
}

#[tokio::test]
async fn mistakes_are_named_by_field() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let post = async |body| admin.post("/api/v1/servers", &body).await;
    let wrong = post(json!({"name": "", "address": "a b", "labels": {"type": "x"}})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> = wrong.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["name", "address", "labels"]);
    assert!(
        wrong.body["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
    let unknown = post(json!({"name": "a", "address": "b", "adress": "c"})).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text.contains("adress"), "{}", unknown.text);
    let dangling = post(json!({"name": "a", "address": "b", "credential_id": 5})).await;
    assert_eq!(dangling.body["errors"][0]["field"], "credential_id");
    post(json!({"name": "a", "address": "b"})).await;
    let twice = post(json!({"name": "a", "address": "c"})).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    for query in [
        "limit=0",
        "limit=1001",
        "offset=-1",
        "sort=price",
        "group_id=x",
    ] {
        let answer = admin.get(&format!("/api/v1/servers?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn who_is_limited_to_groups_sees_and_touches_no_others() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let group = async |name: &str| {
        let made = admin.post("/api/v1/groups", &json!({"name": name})).await;
        made.body["id"].as_i64().unwrap()
    };
    let (east, west) = (group("east").await, group("west").await);
    let server = async |name: &str, group: i64| {
        let body = json!({"name": name, "address": format!("bmc-{name}"), "group_id": group});
        admin.post("/api/v1/servers", &body).await.body["id"]
            .as_i64()
            .unwrap()
    };
    let mine = server("mine", east).await;
    let other = server("other", west).await;
    let eve = lab.user("eve", Role::Operator, Some(&[east])).await;
    let list = eve.get("/api/v1/servers").await;
    assert_eq!(list.body["total"], 1);
    assert_eq!(list.body["items"][0]["name"], "mine");
    let groups = eve.get("/api/v1/groups").await;
    assert_eq!(groups.body["total"], 1);
    let others = format!("/api/v1/servers/{other}");
    assert_eq!(eve.get(&others).await.status, StatusCode::NOT_FOUND);
    assert_eq!(eve.delete(&others).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        eve.get(&format!("/api/v1/groups/{west}")).await.status,
        StatusCode::NOT_FOUND
    );
    let body = |group: i64| json!({"name": "mine", "address": "bmc-x", "group_id": group});
    let path = format!("/api/v1/servers/{mine}");
    let pushed = eve.put(&path, &body(west)).await;
    assert_eq!(
        pushed.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "not into another group"
    );
    assert_eq!(eve.put(&path, &body(east)).await.status, StatusCode::OK);
    let outside = eve
        .post("/api/v1/servers", &json!({"name": "z", "address": "z"}))
        .await;
    assert_eq!(outside.status, StatusCode::UNPROCESSABLE_ENTITY);
    lab.stop().await;
}
