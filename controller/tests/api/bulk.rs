//! One change for many servers, and requests that are sent again.

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, Lab};

const BULK: &str = "/api/v1/servers/bulk";

/// Makes servers of these names, and gives their numbers.
async fn servers(client: &Client, names: &[&str], more: &Value) -> Vec<i64> {
    let mut ids = Vec::new();
    for name in names {
        let mut body = json!({"name": name, "address": format!("bmc-{name}")});
        let fields = more.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(fields);
        let made = client.post("/api/v1/servers", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        ids.push(made.body["id"].as_i64().expect("a number"));
    }
    ids
}

async fn total(client: &Client, path: &str) -> i64 {
    client.get(path).await.body["total"]
        .as_i64()
        .expect("a number")
}

#[tokio::test]
async fn many_servers_change_at_once_and_each_is_in_the_trail() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let group = admin
        .post("/api/v1/groups", &json!({"name": "east"}))
        .await
        .body["id"]
        .as_i64()
        .unwrap();
    let more = json!({"tags": ["old", "both"], "labels": {"dc": "fra1", "row": "7"}});
    let ids = servers(&admin, &["a", "b", "c"], &more).await;
    let changes = json!({
        "group_id": group, "monitoring_enabled": false, "site": "s1",
        "add_tags": ["new", "both"], "remove_tags": ["old"],
        "set_labels": {"dc": "ber2"}, "remove_labels": ["row"],
    });
    let before = total(&admin, "/api/v1/audit").await;
    let dry = json!({"ids": &ids[..2], "dry_run": true, "changes": changes});
    let told = admin.post(BULK, &dry).await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
    assert_eq!(
        (&told.body["dry_run"], &told.body["changed"]),
        (&json!(true), &json!(2))
    );
    let a = format!("/api/v1/servers/{}", ids[0]);
    assert_eq!(
        admin.get(&a).await.body["version"],
        1,
        "a dry run changes nothing"
    );
    assert_eq!(total(&admin, "/api/v1/audit").await, before);

    let done = admin
        .post(BULK, &json!({"ids": &ids[..2], "changes": changes}))
        .await;
    assert_eq!(done.body["changed"], 2);
    assert_eq!(
        done.body["servers"][0],
        json!({"id": ids[0], "name": "a", "outcome": "updated"})
    );
    let found = admin.get(&a).await.body;
    assert_eq!(found["tags"], json!(["both", "new"]));
    assert_eq!(found["labels"], json!({"dc": "ber2"}));
    assert_eq!(
        (
            &found["group_id"],
            &found["site"],
            &found["monitoring_enabled"],
            &found["version"]
        ),
        (&json!(group), &json!("s1"), &json!(false), &json!(2))
    );
    for id in &ids[..2] {
        let path = format!("/api/v1/audit?resource=servers/{id}&action=server.update");
        let entries = admin.get(&path).await;
        assert_eq!(entries.body["total"], 1, "{entries:?}");
        let entry = &entries.body["items"][0];
        assert_eq!(
            (&entry["before"]["site"], &entry["after"]["site"]),
            (&json!(""), &json!("s1"))
        );
        assert_eq!(entry["actor"], "root");
    }
    let again = admin
        .post(BULK, &json!({"ids": &ids[..2], "changes": changes}))
        .await;
    assert_eq!(
        (&again.body["changed"], &again.body["unchanged"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(admin.get(&a).await.body["version"], 2);

    let delete = json!({"filter": {"site": "s1"}, "expected_count": 2, "delete": true});
    let gone = admin.post(BULK, &delete).await;
    assert_eq!(gone.body["changed"], 2, "{gone:?}");
    assert_eq!(total(&admin, "/api/v1/servers").await, 1);
    let verified = admin.post("/api/v1/audit/verify", &json!({})).await;
    assert_eq!(verified.body["intact"], true);
    lab.stop().await;
}

#[tokio::test]
async fn what_was_not_meant_does_not_happen() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let ids = servers(&admin, &["a", "b"], &json!({})).await;
    let full: Vec<String> = (0..32).map(|number| format!("t{number}")).collect();
    let path = format!("/api/v1/servers/{}", ids[1]);
    let body = json!({"name": "b", "address": "bmc-b", "tags": full});
    admin.put(&path, &body).await;
    let off = json!({"monitoring_enabled": false});
    for (body, status, told) in [
        (
            json!({"filter": {}, "expected_count": 1, "delete": true}),
            StatusCode::CONFLICT,
            "2 servers",
        ),
        (
            json!({"ids": ids, "expected_count": 1, "delete": true}),
            StatusCode::CONFLICT,
            "2 servers",
        ),
        (
            json!({"filter": {}, "delete": true}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "expected_count",
        ),
        (
            json!({"filter": {"sight": "x"}, "expected_count": 2, "delete": true}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "sight",
        ),
        (
            json!({"delete": true}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "ids",
        ),
        (
            json!({"ids": ids, "filter": {}, "delete": true}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "ids",
        ),
        (
            json!({"ids": ids, "changes": {}}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "changes",
        ),
        (
            json!({"ids": ids, "changes": off, "delete": true}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "delete",
        ),
        (
            json!({"ids": [ids[0], 99], "changes": off}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "server 99",
        ),
        (
            json!({"ids": ids, "changes": {"credential_id": 7}}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "credential_id",
        ),
        (
            json!({"ids": ids, "changes": {"add_tags": ["one more"]}}),
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("servers/{}.tags", ids[1]),
        ),
        (
            json!({"ids": ids, "changes": {"set_labels": {"job": "x"}}}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "labels",
        ),
    ] {
        let answer = admin.post(BULK, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.text.contains(told), "{body}: {}", answer.text);
    }
    let first = admin.get(&format!("/api/v1/servers/{}", ids[0])).await;
    assert_eq!(first.body["version"], 1, "not even those that are right");
    lab.stop().await;
}

#[tokio::test]
async fn who_is_limited_to_groups_changes_no_others() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let mut groups = Vec::new();
    for name in ["east", "west"] {
        let made = admin.post("/api/v1/groups", &json!({"name": name})).await;
        groups.push(made.body["id"].as_i64().unwrap());
    }
    let mine = servers(&admin, &["mine"], &json!({"group_id": groups[0]})).await[0];
    let other = servers(&admin, &["other"], &json!({"group_id": groups[1]})).await[0];
    let eve = lab.user("eve", Role::Operator, Some(&groups[..1])).await;
    let off = json!({"monitoring_enabled": false});
    let named = eve
        .post(BULK, &json!({"ids": [mine, other], "changes": off}))
        .await;
    assert_eq!(named.status, StatusCode::UNPROCESSABLE_ENTITY);
    let all = json!({"filter": {}, "expected_count": 1, "changes": off});
    assert_eq!(eve.post(BULK, &all).await.body["changed"], 1);
    let away = json!({"ids": [mine], "changes": {"group_id": groups[1]}});
    assert_eq!(
        eve.post(BULK, &away).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let nowhere = json!({"ids": [mine], "changes": {"group_id": null}});
    assert_eq!(
        eve.post(BULK, &nowhere).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let untouched = admin.get(&format!("/api/v1/servers/{other}")).await;
    assert_eq!(untouched.body["monitoring_enabled"], true);
    lab.stop().await;
}

#[tokio::test]
async fn a_request_with_a_key_happens_once() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "n1", "address": "bmc-1"});
    let post = async |client: &Client, path: &str, body: &Value, key: &str| {
        let headers = [("idempotency-key", key)];
        client.ask(Method::POST, path, Some(body), &headers).await
    };
    let path = "/api/v1/servers";
    let wrong = post(
        &admin,
        path,
        &json!({"name": "n1", "address": "a b"}),
        "\"k1\"",
    )
    .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let first = post(&admin, path, &body, "\"k1\"").await;
    assert_eq!(
        first.status,
        StatusCode::CREATED,
        "a refused request used up no key: {first:?}"
    );
    let again = post(&admin, path, &body, "k1").await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.etag, first.etag);
    assert_eq!(total(&admin, path).await, 1);
    let other = post(
        &admin,
        path,
        &json!({"name": "n2", "address": "bmc-2"}),
        "k1",
    )
    .await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.text.contains("Idempotency-Key"), "{}", other.text);
    let elsewhere = post(&admin, "/api/v1/groups", &body, "k1").await;
    assert_eq!(elsewhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    let eve = lab.user("eve", Role::Operator, None).await;
    let hers = post(&eve, path, &json!({"name": "n3", "address": "bmc-3"}), "k1").await;
    assert_eq!(hers.status, StatusCode::CREATED, "keys are each user's own");

    for (path, body) in [
        ("/api/v1/groups", json!({"name": "g"})),
        (
            "/api/v1/credentials",
            json!({"name": "c", "password": "zq7canaryBMC"}),
        ),
        (
            "/api/v1/exporters",
            json!({"name": "e", "url": "http://e:9290"}),
        ),
        (
            "/api/v1/users",
            json!({"username": "u", "role": "viewer", "password": "zq7canaryUSER"}),
        ),
        (
            "/api/v1/rules",
            json!({"name": "r", "rules": [{"alert": "A", "expr": "up == 0"}]}),
        ),
        (
            "/api/v1/thresholds",
            json!({"kind": "temperature", "bound": "upper", "level": "critical", "value": 70}),
        ),
    ] {
        let first = post(&admin, path, &body, path).await;
        assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
        assert_eq!(post(&admin, path, &body, path).await.text, first.text);
    }
    let delete = json!({"filter": {}, "expected_count": 2, "delete": true});
    let gone = post(&admin, BULK, &delete, "k2").await;
    assert_eq!(gone.body["changed"], 2, "{gone:?}");
    assert_eq!(post(&admin, BULK, &delete, "k2").await.text, gone.text);
    for bad in ["", "a b", &"x".repeat(256)] {
        let answer = post(&admin, path, &body, bad).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    let none = post(&admin, "/api/v1/tokens", &json!({"name": "t"}), "k").await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST, "{none:?}");
    lab.stop().await;
}

#[tokio::test]
async fn the_same_key_at_the_same_time_makes_one_server() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "n1", "address": "bmc-1"});
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (admin, body) = (admin.clone(), body.clone());
            tokio::spawn(async move {
                let headers = [("idempotency-key", "k")];
                let path = "/api/v1/servers";
                admin.ask(Method::POST, path, Some(&body), &headers).await
            })
        })
        .collect();
    for task in tasks {
        let answer = task.await.unwrap();
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["id"], 1);
    }
    assert_eq!(total(&admin, "/api/v1/servers").await, 1);
    lab.stop().await;
}

#[tokio::test]
async fn a_parameter_that_there_is_not_is_refused() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    for path in [
        "/api/v1/servers?serch=x",
        "/api/v1/servers?limit=1&Offset=1",
        "/api/v1/groups?name=x",
        "/api/v1/audit?user=x",
        "/api/v1/sync?verbose=1",
        "/api/v1/alerts/export?fmt=csv",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {answer:?}");
        assert!(answer.text.contains("this path"), "{}", answer.text);
    }
    let dry = admin
        .post("/api/v1/servers/import?dryrun=true", &json!([]))
        .await;
    assert_eq!(
        dry.status,
        StatusCode::BAD_REQUEST,
        "a dry run that is none: {dry:?}"
    );
    for path in [
        "/api/v1/groups?search=x&sort=updated_at&descending=true&limit=1",
        "/api/v1/credentials?driver=LAN_2_0&sort=id",
        "/api/v1/exporters?enabled=true&site=x",
        "/api/v1/users?role=admin&is_active=true",
        "/api/v1/audit?search=root&actor_id=1&source=127.0.0.1&oldest_first=true",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    }
    lab.stop().await;
}
