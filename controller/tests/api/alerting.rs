//! Receivers, routes and what belongs to them, as people edit them.

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Lab};

const CANARY: &str = "zq7canaryHOOK0815";

fn hook(name: &str, secrets: &Value) -> Value {
    json!({"name": name, "integrations": [
        {"key": "hook", "settings": {"type": "webhook"}, "secrets": secrets}]})
}

fn fields(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().expect("errors");
    errors
        .iter()
        .filter_map(|one| one["field"].as_str())
        .collect()
}

#[tokio::test]
async fn a_receivers_secrets_are_in_no_answer() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let url = format!("https://hooks.example.org/{CANARY}");
    let secrets = json!({"url": url, "bearer_token": CANARY});
    let made = admin
        .post("/api/v1/receivers", &hook("ops", &secrets))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let place = &made.body["integrations"][0]["secrets"]["url"];
    assert_eq!(place["hint"], "https://hooks.example.org");
    let path = format!("/api/v1/receivers/{}", made.body["id"]);
    let kept = admin.put(&path, &hook("ops", &json!({}))).await;
    assert_eq!(&kept.body["integrations"][0]["secrets"]["url"], place);
    let moved = json!({"url": "https://evil.example.org/"});
    let moved = admin.put(&path, &hook("ops", &moved)).await;
    assert_eq!(moved.status, StatusCode::UNPROCESSABLE_ENTITY, "{moved:?}");
    assert_eq!(fields(&moved), ["integrations[0].secrets.bearer_token"]);
    let mail = json!({"mail": {"smarthost": "mail:587", "from": "a@example.org", "username": "u"},
        "mail_password": CANARY});
    let mail = admin.put("/api/v1/alerting/settings", &mail).await;
    assert_eq!(mail.status, StatusCode::OK, "{mail:?}");
    let list = admin.get("/api/v1/receivers").await;
    let trail = admin.get("/api/v1/audit").await;
    for answer in [made, kept, moved, mail, list, trail] {
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
    }
    let gone = admin.delete(&path).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    lab.stop().await;
}

#[tokio::test]
async fn the_tree_and_what_it_names_stay_together() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let secrets = json!({"url": "https://hooks.example.org/x"});
    let made = admin
        .post("/api/v1/receivers", &hook("ops", &secrets))
        .await;
    let receiver = format!("/api/v1/receivers/{}", made.body["id"]);
    let nights =
        json!({"name": "nights", "spans": [{"times": [{"start": "22:00", "end": "24:00"}]}]});
    let made = admin.post("/api/v1/time-intervals", &nights).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let interval = format!("/api/v1/time-intervals/{}", made.body["id"]);
    let tree = |receiver: &str| {
        json!({"route": {"receiver": receiver, "routes": [
            {"matchers": [{"name": "severity", "value": "info"}],
             "mute_time_intervals": ["nights"], "receiver": receiver}]}})
    };
    let unknown = admin.put("/api/v1/routes", &tree("nobody")).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields(&unknown), ["receiver", "routes[0].receiver"]);
    let first = admin.get("/api/v1/routes").await;
    assert_eq!(
        (&first.body["version"], first.etag.as_deref()),
        (&json!(0), Some("\"v0\""))
    );
    let put = admin.put("/api/v1/routes", &tree("ops")).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let late = [("if-match", "\"v0\"")];
    let late = admin
        .ask(Method::PUT, "/api/v1/routes", Some(&tree("ops")), &late)
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{late:?}");

    for used in [&receiver, &interval] {
        let kept = admin.delete(used).await;
        assert_eq!(kept.status, StatusCode::CONFLICT, "{kept:?}");
    }
    let renamed = admin.put(&receiver, &hook("night shift", &json!({}))).await;
    assert_eq!(renamed.status, StatusCode::OK, "{renamed:?}");
    let mut nights = nights;
    nights["name"] = json!("quiet");
    admin.put(&interval, &nights).await;
    let after = admin.get("/api/v1/routes").await.body["route"].clone();
    assert_eq!(after["receiver"], "night shift");
    assert_eq!(after["routes"][0]["mute_time_intervals"], json!(["quiet"]));

    let test = json!({"alerts": [{"severity": "info"}, {"severity": "critical"}]});
    let tested = admin.post("/api/v1/routes/test", &test).await;
    let ways = |nth: usize| -> Vec<(String, Value)> {
        let found = tested.body["alerts"][nth]
            .as_array()
            .expect("a list")
            .clone();
        let way = |one: Value| {
            (
                one["receiver"].as_str().unwrap().to_owned(),
                one["path"].clone(),
            )
        };
        found.into_iter().map(way).collect()
    };
    let journal = || ("ipmi-controller:journal".to_owned(), Value::Null);
    let shift = |path| ("night shift".to_owned(), path);
    assert_eq!(ways(0), [journal(), shift(json!([0]))]);
    assert_eq!(ways(1), [journal(), shift(json!([]))]);
    lab.stop().await;
}

#[tokio::test]
async fn a_mistake_is_named_with_its_field_and_who_is_limited_may_only_look() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let group = admin.post("/api/v1/groups", &json!({"name": "g"})).await;
    let group = group.body["id"].as_i64().expect("a number");
    let limited = lab.user("eve", Role::Operator, Some(&[group])).await;
    let mail = json!({"name": "m", "integrations": [
        {"key": "mail", "settings": {"type": "email", "to": "a@example.org"}}]});
    let bad = json!({"name": "x", "source": [], "target": [{"name": "a", "operator": "=~", "value": "["}]});
    let tree = json!({"route": {"receiver": "x", "routes": [{"group_by": ["a-b"]}]}});
    for (path, body, expected) in [
        (
            "receivers",
            mail.clone(),
            vec![
                "integrations[0].settings.smarthost",
                "integrations[0].settings.from",
            ],
        ),
        (
            "receivers",
            hook("h", &json!({})),
            vec!["integrations[0].secrets.url"],
        ),
        ("inhibitions", bad, vec!["source", "target[0]"]),
        (
            "time-intervals",
            json!({"name": "t", "spans": [{"weekdays": ["friday:monday"]}]}),
            vec!["spans[0].weekdays[0]"],
        ),
        (
            "notification-templates",
            json!({"name": "a/b", "content": "{{ define"}),
            vec!["name", "content"],
        ),
    ] {
        let path = format!("/api/v1/{path}");
        let refused = admin.post(&path, &body).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{refused:?}"
        );
        assert_eq!(fields(&refused), expected);
        assert_eq!(
            limited.post(&path, &body).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(limited.get(&path).await.status, StatusCode::OK);
    }
    let refused = admin.put("/api/v1/routes", &tree).await;
    assert_eq!(fields(&refused), ["route.routes[0].group_by"]);
    assert_eq!(
        limited.put("/api/v1/routes", &tree).await.status,
        StatusCode::FORBIDDEN
    );
    // A mail server that somebody needs does not go.
    let server = json!({"mail": {"smarthost": "mail:25", "from": "a@example.org"}});
    let put = admin.put("/api/v1/alerting/settings", &server).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let made = admin.post("/api/v1/receivers", &mail).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let none = admin.put("/api/v1/alerting/settings", &json!({})).await;
    assert_eq!(fields(&none), ["mail.smarthost"]);
    lab.stop().await;
}
