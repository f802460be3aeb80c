//! Servers out of files and into files.

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Lab};

const IMPORT: &str = "/api/v1/servers/import";

async fn csv(client: &Client, query: &str, file: &str) -> Answer {
    let path = format!("{IMPORT}?{query}");
    client
        .send(Method::POST, &path, "text/csv", file.to_owned())
        .await
}

async fn total(client: &Client) -> i64 {
    client.get("/api/v1/servers").await.body["total"]
        .as_i64()
        .expect("a number")
}

/// What became of each row: line and outcome.
fn outcomes(answer: &Answer) -> Vec<(i64, &str)> {
    let lines = answer.body["lines"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer:?}"));
    lines
        .iter()
        .map(|line| {
            (
                line["line"].as_i64().expect("a number"),
                line["outcome"].as_str().expect("a word"),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_file_becomes_servers_all_or_none() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    admin.post("/api/v1/groups", &json!({"name": "east"})).await;
    admin
        .post("/api/v1/credentials", &json!({"name": "lab"}))
        .await;
    admin
        .post(
            "/api/v1/exporters",
            &json!({"name": "exp", "url": "http://e:9290"}),
        )
        .await;
    let good = "name,address,credential,group,exporter,tags,label.dc\r\n\
        n1,BMC-1,lab,east,exp,a;b,fra1\r\n\
        \r\n\
        n2,bmc-2,,,,,\r\n";
    let dry = csv(&admin, "dry_run=true", good).await;
    assert_eq!(dry.status, StatusCode::OK, "{dry:?}");
    assert_eq!(outcomes(&dry), [(2, "created"), (4, "created")]);
    assert_eq!(
        (&dry.body["dry_run"], &dry.body["applied"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(total(&admin).await, 0);

    let wrong =
        format!("{good}n3,bmc-3,nobody,,,,\r\nn2,bmc-4,,,,,\r\nn5,bmc-2,,,,,\r\n,x,,,,,\r\n");
    let refused = csv(&admin, "", &wrong).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    let (failed, created) = (&refused.body["failed"], &refused.body["created"]);
    assert_eq!((failed, created), (&json!(4), &json!(2)));
    assert!(
        refused.body["detail"]
            .as_str()
            .unwrap()
            .contains("4 of 6 rows")
    );
    let fields: Vec<&Value> = refused.body["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line["errors"].get(0).map(|error| &error["field"]))
        .collect();
    assert_eq!(fields, ["credential", "name", "address", "name"]);
    assert_eq!(total(&admin).await, 0, "nothing, for it is all or none");

    let some = csv(&admin, "partial=true&report=errors", &wrong).await;
    assert_eq!(some.status, StatusCode::OK, "{some:?}");
    assert_eq!(
        (&some.body["created"], &some.body["applied"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(outcomes(&some).len(), 4, "only the wrong ones are told");
    let found = admin.get("/api/v1/servers?search=n1").await.body["items"][0].clone();
    assert_eq!(found["address"], "bmc-1");
    assert_eq!(
        (&found["group_id"], &found["credential_id"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&found["exporter_id"], &found["monitoring_enabled"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(
        (&found["tags"], &found["labels"]),
        (&json!(["a", "b"]), &json!({"dc": "fra1"}))
    );
    let entries = admin.get("/api/v1/audit?action=server.create").await;
    assert_eq!(entries.body["total"], 2, "each server is in the trail");
    assert_eq!(entries.body["items"][1]["after"]["name"], "n1");
    lab.stop().await;
}

#[tokio::test]
async fn a_file_changes_what_it_mentions() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    csv(
        &admin,
        "",
        "name,address,rack,label.dc\nn1,bmc-1,r1,fra1\nn2,bmc-2,r1,\n",
    )
    .await;
    let there = csv(&admin, "", "name,address\nn1,bmc-9\n").await;
    assert_eq!(there.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = csv(&admin, "mode=update", "name,rack\nn9,r1\n").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    let file = "name,address,rack\nn1,bmc-2,r2\nn2,bmc-1,r1\nn3,bmc-3,r1\nn4,,r1\n";
    let some = csv(&admin, "mode=upsert&partial=true", file).await;
    assert_eq!(
        outcomes(&some),
        [(2, "error"), (3, "error"), (4, "created"), (5, "error")],
        "another's address, twice, and none"
    );
    let file = "name,address,rack\nn1,bmc-8,r2\nn2,bmc-1,r1\nn3,bmc-3,r1\n";
    for (dry, applied) in [("&dry_run=true", false), ("", true)] {
        let done = csv(&admin, &format!("mode=upsert{dry}"), file).await;
        assert_eq!(done.body["applied"], applied, "{done:?}");
        assert_eq!(
            outcomes(&done),
            [(2, "updated"), (3, "updated"), (4, "unchanged")]
        );
    }
    let found = admin.get("/api/v1/servers?sort=name").await.body["items"][0].clone();
    assert_eq!(
        (&found["address"], &found["rack"]),
        (&json!("bmc-8"), &json!("r2"))
    );
    assert_eq!(
        (&found["labels"], &found["version"]),
        (&json!({"dc": "fra1"}), &json!(2))
    );
    lab.stop().await;
}

#[tokio::test]
async fn user_and_password_become_one_profile_that_nobody_reads() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let file = "name,ipmi_ip,ipmi_username,ipmi_password,ipmi_port\n\
        a,10.0.0.1,admin,zq7canaryA,623\n\
        b,10.0.0.2,admin,zq7canaryA,\n\
        c,10.0.0.3,admin,zq7canaryB,6230\n\
        d,10.0.0.4,root,zq7canaryA,\n";
    let dry = csv(&admin, "dry_run=true", file).await;
    let names = json!(["login-admin", "login-admin-2", "login-root"]);
    assert_eq!(dry.body["new_credentials"], names, "{dry:?}");
    let done = csv(&admin, "", file).await;
    assert_eq!(done.body["new_credentials"], names, "{done:?}");
    let again = csv(&admin, "mode=upsert", file).await;
    assert_eq!(
        (&again.body["unchanged"], &again.body["new_credentials"]),
        (&json!(4), &json!([]))
    );
    let profiles = admin.get("/api/v1/credentials").await;
    let count = |index: usize| profiles.body["items"][index]["server_count"].clone();
    assert_eq!(
        (count(0), count(1), count(2)),
        (json!(2), json!(1), json!(1))
    );
    for (rows, field) in [
        ("e,10.0.0.5,admin,,", "password"),
        ("e,10.0.0.5,,zq7canaryA,", "username"),
        (
            "e,10.0.0.5,admin,zq7canary-is-too-long-for-ipmi,",
            "password",
        ),
    ] {
        let header = "name,ipmi_ip,ipmi_username,ipmi_password,ipmi_port";
        let wrong = csv(&admin, "", &format!("{header}\n{rows}\n")).await;
        assert_eq!(
            wrong.body["lines"][0]["errors"][0]["field"], field,
            "{wrong:?}"
        );
    }
    let mut told = done.text + &again.text + &profiles.text;
    for path in [
        "/api/v1/audit?limit=1000",
        "/api/v1/servers",
        "/api/v1/servers/export",
    ] {
        told += &admin.get(path).await.text;
    }
    assert!(!told.contains("zq7canary"));
    lab.stop().await;
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let object = json!([
        {"name": "=n1", "address": "bmc-1", "group": "east", "tags": ["a;b", "c\\"],
            "labels": {"dc": "fra1"}, "description": "two\r\nlines, \"quoted\""},
        {"name": "n2", "address": "bmc-2", "port": 7, "monitoring_enabled": false,
            "rack": "-1", "labels": {"row": "@x"}},
    ]);
    let path = format!("{IMPORT}?create_groups=true");
    let made = admin.post(&path, &object).await;
    assert_eq!(made.body["new_groups"], json!(["east"]), "{made:?}");
    let as_json = admin.get("/api/v1/servers/export").await;
    let as_csv = admin.get("/api/v1/servers/export?format=csv").await;
    assert!(as_csv.text.contains("\"'=n1\""), "{}", as_csv.text);
    let second = Lab::start().await;
    let other = second.user("root", Role::Admin, None).await;
    let done = csv(&other, "create_groups=true", &as_csv.text).await;
    assert_eq!(done.body["created"], 2, "{done:?}");
    assert_eq!(other.get("/api/v1/servers/export").await.body, as_json.body);
    let path = format!("{IMPORT}?mode=upsert");
    let same = other.post(&path, &as_json.body).await;
    assert_eq!(same.body["unchanged"], 2, "{same:?}");
    let one = admin.get("/api/v1/servers/export?search=n2").await;
    assert_eq!(one.body.as_array().map(Vec::len), Some(1));
    lab.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn an_import_reaches_no_further_than_its_author() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let file = "name,address,group\nmine,bmc-1,east\nother,bmc-2,west\n";
    csv(&admin, "create_groups=true", file).await;
    let eve = lab.user("eve", Role::Operator, Some(&[1])).await;
    let none = csv(&eve, "create_groups=true", "name,address\n").await;
    assert_eq!(none.status, StatusCode::FORBIDDEN, "{none:?}");
    let file = "name,address,group,rack\n\
        mine,bmc-1,east,r1\nother,bmc-2,east,r1\nnew,bmc-3,west,r1\nnowhere,bmc-4,,r1\n";
    let some = csv(&eve, "mode=upsert&partial=true", file).await;
    assert_eq!(
        outcomes(&some),
        [(2, "updated"), (3, "error"), (4, "error"), (5, "error")],
        "{some:?}"
    );
    let away = csv(&eve, "mode=update", "name,group\nmine,west\n").await;
    assert_eq!(away.status, StatusCode::UNPROCESSABLE_ENTITY);
    let export = eve.get("/api/v1/servers/export").await;
    assert_eq!(export.body.as_array().map(Vec::len), Some(1));
    assert_eq!(export.body[0]["name"], "mine");
    lab.stop().await;
}

#[tokio::test]
async fn what_is_no_file_changes_nothing() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let xml = admin
        .send(Method::POST, IMPORT, "text/xml", "<a/>".to_owned())
        .await;
    assert_eq!(xml.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for (media_type, file) in [
        ("text/csv", "name,adress\n"),
        ("text/csv", ""),
        ("application/json", "{}"),
        (
            "application/json",
            "[{\"name\": \"a\", \"address\": \"b\"}, ",
        ),
    ] {
        let path = format!("{IMPORT}?partial=true");
        let answer = admin
            .send(Method::POST, &path, media_type, file.to_owned())
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{file}: {answer:?}");
    }
    let large = "x".repeat(64 * 1024 * 1024 + 1);
    let answer = admin.send(Method::POST, IMPORT, "text/csv", large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(total(&admin).await, 0);
    lab.stop().await;
}
