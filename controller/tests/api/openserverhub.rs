//! The calls of OpenServerHub's front end, as it makes them, with the fields that
//! it reads.

use std::collections::BTreeSet;

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Lab, PASSWORD};

/// What its HTTP library accepts.
const AXIOS: [(&str, &str); 1] = [("accept", "application/json, text/plain, */*")];

async fn ask(client: &Client, method: Method, path: &str, body: Option<Value>) -> Answer {
    let path = format!("/api/v1/{path}");
    let answer = match body {
        Some(body) => client.ask(method, &path, Some(&body), &AXIOS).await,
        None => client.ask(method, &path, None, &AXIOS).await,
    };
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer
}

fn fields(value: &Value) -> BTreeSet<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
    object.keys().map(String::as_str).collect()
}

/// Fields of its type `Server`.
const SERVER: [&str; 19] = [
    "id",
    "name",
    "ipmi_ip",
    "ipmi_username",
    "ipmi_port",
    "monitoring_enabled",
    "manufacturer",
    "model",
    "serial_number",
    "description",
    "tags",
    "group_id",
    "status",
    "power_state",
    "last_seen",
    "redfish_supported",
    "redfish_version",
    "created_at",
    "updated_at",
];

fn create(name: &str, ip: &str) -> Value {
    json!({"name": name, "ipmi_ip": ip, "ipmi_username": "admin", "ipmi_password": "zq7canaryBMC"})
}

/// Everything that its services put into a query, with the values that they do.
#[tokio::test]
async fn no_parameter_of_its_calls_is_unknown() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    ask(
        &admin,
        Method::POST,
        "servers/",
        Some(create("n1", "10.0.0.1")),
    )
    .await;
    for path in [
        "servers/?skip=0&limit=100&group_id=1",
        "servers/stats?group_id=1",
        "monitoring/servers/1/metrics?hours=24",
        "monitoring/servers/1/metrics?metric_type=temperature&hours=24",
        "monitoring/prometheus/query?query=up&time=1700000000",
        "monitoring/prometheus/query?query=up&time_param=1700000000",
        "monitoring/prometheus/query_range?query=up&start=1&end=2&step=60s",
        "audit-logs?skip=0&limit=20&action=server.create&operator_id=1&resource_type=server\
            &resource_id=1&start_date=2026-01-01&end_date=2026-01-02",
        "audit-logs/stats/summary?days=7",
        "audit-logs/export/csv?action=server.create&start_date=2026-01-01",
    ] {
        let url = format!("/api/v1/{path}");
        let answer = admin.ask(Method::GET, &url, None, &AXIOS).await;
        // Without a Prometheus there is nothing to ask.
        let expected = if path.starts_with("monitoring/") {
            StatusCode::CONFLICT
        } else {
            StatusCode::OK
        };
        assert_eq!(answer.status, expected, "{path}: {answer:?}");
    }
    let misspelt = admin
        .ask(Method::GET, "/api/v1/servers/?skp=1", None, &AXIOS)
        .await;
    assert_eq!(misspelt.status, StatusCode::BAD_REQUEST);
    lab.stop().await;
}

#[tokio::test]
async fn servers_are_made_listed_changed_and_taken_away() {
    let lab = Lab::start().await;
    let operator = lab.user("op", Role::Operator, None).await;
    let mut body = create("n1", "10.0.0.1");
    body["tags"] = json!("rack 1, blade");
    body["monitoring_enabled"] = json!(true);
    let made = ask(&operator, Method::POST, "servers/", Some(body)).await;
    assert!(
        fields(&made.body).is_superset(&BTreeSet::from(SERVER)),
        "{made:?}"
    );
    assert!(!made.text.contains("zq7canary"));
    let id = made.body["id"].as_i64().unwrap();
    for (field, value) in [
        ("name", json!("n1")),
        ("ipmi_ip", json!("10.0.0.1")),
        ("ipmi_username", json!("admin")),
        ("ipmi_port", json!(623)),
        ("monitoring_enabled", json!(true)),
        ("manufacturer", Value::Null),
        ("tags", json!("rack 1,blade")),
        ("group_id", Value::Null),
        ("status", json!("unknown")),
        ("power_state", json!("unknown")),
        ("last_seen", Value::Null),
        ("redfish_supported", Value::Null),
    ] {
        assert_eq!(made.body[field], value, "{field}");
    }
    ask(
        &operator,
        Method::POST,
        "servers/",
        Some(create("n2", "10.0.0.2")),
    )
    .await;
    let list = ask(&operator, Method::GET, "servers/?skip=0&limit=100", None).await;
    let names: Vec<&Value> = list
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["n1", "n2"]);
    assert_eq!(
        list.body[1]["monitoring_enabled"], false,
        "not unless it is said"
    );
    assert_eq!(
        list.body[0]["credential_id"], list.body[1]["credential_id"],
        "one profile"
    );
    let second = ask(&operator, Method::GET, "servers/?skip=1&limit=1", None).await;
    assert_eq!(second.body.as_array().map(Vec::len), Some(1));
    assert_eq!(second.body[0], list.body[1]);

    let path = format!("servers/{id}");
    let one = ask(&operator, Method::GET, &path, None).await;
    assert_eq!(one.body, list.body[0]);
    let own = operator.get(&format!("/api/v1/{path}")).await;
    assert_eq!(
        own.body["tags"],
        json!(["rack 1", "blade"]),
        "others get our words"
    );

    let change =
        json!({"name": "n1b", "ipmi_password": "zq7canaryNEW", "tags": "x", "model": "R740"});
    let changed = ask(&operator, Method::PUT, &path, Some(change)).await;
    assert!(fields(&changed.body).is_superset(&BTreeSet::from(SERVER)));
    for (field, value) in [
        ("name", json!("n1b")),
        ("ipmi_ip", json!("10.0.0.1")),
        ("ipmi_username", json!("admin")),
        ("model", json!("R740")),
        ("tags", json!("x")),
        ("monitoring_enabled", json!(true)),
    ] {
        assert_eq!(changed.body[field], value, "{field}");
    }
    assert_ne!(
        changed.body["credential_id"], one.body["credential_id"],
        "another password"
    );
    let only = json!({"ipmi_password": "zq7canaryTHIRD"});
    ask(&operator, Method::PUT, &path, Some(only)).await;
    let profiles = operator.get("/api/v1/credentials").await;
    assert_eq!(
        profiles.body["total"], 2,
        "a password that no server has is not kept"
    );
    let stale = [("if-match", "\"v1\"")];
    let path = format!("/api/v1/{path}");
    let late = operator
        .ask(Method::PUT, &path, Some(&json!({"model": "x"})), &stale)
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    for (change, field) in [
        (json!({"ipmi_username": "root"}), "ipmi_password"),
        (json!({"ipmi_ip": "a b"}), "ipmi_ip"),
        (json!({"ipmi_port": 0}), "ipmi_port"),
        (json!({"adress": "x"}), "adress"),
    ] {
        let wrong = operator.put(&path, &change).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        assert!(
            wrong.body["detail"].as_str().unwrap().contains(field),
            "{wrong:?}"
        );
    }
    let twice = operator
        .post("/api/v1/servers/", &create("n2", "10.0.0.9"))
        .await;
    assert!(twice.status.is_client_error());
    assert!(
        twice.body["detail"].as_str().unwrap().contains("name"),
        "{twice:?}"
    );
    let viewer = lab.user("viewer", Role::Viewer, None).await;
    let seen = ask(&viewer, Method::GET, "servers/", None).await;
    assert_eq!(
        seen.body[0]["ipmi_username"], "",
        "who reads no profiles reads no users"
    );
    assert_eq!(operator.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(operator.get(&path).await.status, StatusCode::NOT_FOUND);
    lab.stop().await;
}

#[tokio::test]
async fn figures_and_batches_have_their_fields() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let group = ask(
        &admin,
        Method::POST,
        "servers/groups/",
        Some(json!({"name": "g"})),
    )
    .await;
    let group = group.body["id"].as_i64().unwrap();
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        let mut body = create(name, &format!("10.0.0.{}", number + 1));
        if number == 0 {
            body["group_id"] = json!(group);
        }
        ask(&admin, Method::POST, "servers/", Some(body)).await;
    }
    let figures = ask(&admin, Method::GET, "servers/stats", None).await;
    assert_eq!(
        figures.body,
        json!({
            "total_servers": 3, "online_servers": 0, "offline_servers": 0, "unknown_servers": 3,
            "power_on_servers": 0, "power_off_servers": 0,
            "group_stats": {group.to_string(): 1, "未分组": 2}, "manufacturer_stats": {},
        })
    );
    let one = ask(
        &admin,
        Method::GET,
        &format!("servers/stats?group_id={group}"),
        None,
    )
    .await;
    assert_eq!(one.body["total_servers"], 1);
    let body = json!({"server_ids": [1, 2, 99], "monitoring_enabled": true});
    let done = ask(&admin, Method::POST, "servers/batch/monitoring", Some(body)).await;
    assert_eq!(
        (
            &done.body["total_count"],
            &done.body["success_count"],
            &done.body["failed_count"]
        ),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(
        fields(&done.body["results"][0]),
        BTreeSet::from(["server_id", "server_name", "success", "message", "error"])
    );
    assert_eq!(done.body["results"][0]["server_name"], "a");
    assert_eq!(done.body["results"][2]["success"], false);
    let list = ask(&admin, Method::GET, "servers/", None).await;
    let enabled: Vec<&Value> = list
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["monitoring_enabled"])
        .collect();
    assert_eq!(enabled, [true, true, false]);
    lab.stop().await;
}

#[tokio::test]
async fn groups_are_made_listed_changed_and_taken_away() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let made = ask(
        &admin,
        Method::POST,
        "servers/groups/",
        Some(json!({"name": "east", "description": "d"})),
    )
    .await;
    let expected = BTreeSet::from(["id", "name", "description", "created_at", "updated_at"]);
    assert_eq!(fields(&made.body), expected);
    let path = format!("servers/groups/{}", made.body["id"]);
    let list = ask(&admin, Method::GET, "servers/groups/", None).await;
    assert_eq!(list.body, json!([made.body]));
    assert_eq!(ask(&admin, Method::GET, &path, None).await.body, made.body);
    let changed = ask(&admin, Method::PUT, &path, Some(json!({"name": "west"}))).await;
    assert_eq!(
        (&changed.body["name"], &changed.body["description"]),
        (&json!("west"), &Value::Null)
    );
    ask(&admin, Method::DELETE, &path, None).await;
    let gone = admin.get(&format!("/api/v1/{path}")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    lab.stop().await;
}

/// A form as a browser sends it.
fn form(parts: &[(&str, Option<&str>, &str)]) -> (String, String) {
    let mut body = String::new();
    for (name, file, text) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body += &format!(
            "--limit\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n"
        );
    }
    (
        "multipart/form-data; boundary=limit".to_owned(),
        body + "--limit--\r\n",
    )
}

#[tokio::test]
async fn files_and_found_machines_become_servers() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    ask(
        &admin,
        Method::POST,
        "servers/groups/",
        Some(json!({"name": "g"})),
    )
    .await;
    let template = ask(&admin, Method::GET, "discovery/csv-template", None).await;
    let header = "name,ipmi_ip,ipmi_username,ipmi_password,ipmi_port,manufacturer,model,\
                  serial_number,description\r\n";
    assert!(template.text.starts_with(header), "{}", template.text);
    assert_eq!(template.text.lines().count(), 3);
    let file =
        format!("{header}a,10.0.0.1,admin,pw,623,Dell,R740,S1,d\r\nb,10.0.0.1,admin,pw,,,,,\r\n");
    let (media_type, body) = form(&[("csv_file", Some("s.csv"), &file), ("group_id", None, "1")]);
    let path = "/api/v1/discovery/csv-import";
    let done = admin.send(Method::POST, path, &media_type, body).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(
        (&done.body["success_count"], &done.body["failed_count"]),
        (&json!(1), &json!(1))
    );
    let detail = &done.body["failed_details"][0];
    assert_eq!(
        fields(detail),
        BTreeSet::from(["row", "name", "ipmi_ip", "error"])
    );
    assert_eq!(
        (&detail["row"], &detail["name"], &detail["ipmi_ip"]),
        (&json!(3), &json!("b"), &json!("10.0.0.1"))
    );
    let list = ask(&admin, Method::GET, "servers/?group_id=1", None).await;
    assert_eq!(
        (&list.body[0]["manufacturer"], &list.body[0]["group_id"]),
        (&json!("Dell"), &json!(1))
    );

    let text = json!({"csv_content": format!("{header}c,10.0.0.3,admin,pw,x,,,,\nd,10.0.0.4,admin,pw,,,,,\n")});
    let done = ask(
        &admin,
        Method::POST,
        "discovery/csv-import-text",
        Some(text),
    )
    .await;
    assert_eq!(
        (&done.body["total_count"], &done.body["success_count"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(done.body["failed_details"][0]["row"], 2);

    let devices = json!({
        "devices": [
            {"ip": "10.0.1.1", "port": 623, "username": "", "password": "", "manufacturer": "Dell Inc.",
                "model": "PowerEdge R740", "serial_number": "S", "bmc_version": "2.1", "accessible": true},
            {"ip": "10.0.1.2", "username": "root", "password": "pw2"},
            {"ip": "10.0.0.4"},
        ],
        "default_username": "admin", "default_password": "pw", "group_id": 1,
    });
    let done = ask(
        &admin,
        Method::POST,
        "discovery/batch-import",
        Some(devices),
    )
    .await;
    assert_eq!(
        (
            &done.body["total_count"],
            &done.body["success_count"],
            &done.body["failed_count"]
        ),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(
        fields(&done.body["failed_details"][0]),
        BTreeSet::from(["ip", "error"])
    );
    assert_eq!(done.body["failed_details"][0]["ip"], "10.0.0.4");
    let list = ask(&admin, Method::GET, "servers/?group_id=1", None).await;
    let names: Vec<&Value> = list
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(
        names,
        ["a", "DellInc-PowerEdgeR-10-0-1-1", "Server-10-0-1-2"]
    );
    let examples = ask(&admin, Method::GET, "discovery/network-examples", None).await;
    assert_eq!(
        fields(&examples.body),
        BTreeSet::from([
            "cidr_examples",
            "range_examples",
            "single_ip_examples",
            "description"
        ])
    );
    let nobody = json!({"csv_content": header, "group_id": 77});
    let refused = admin
        .post("/api/v1/discovery/csv-import-text", &nobody)
        .await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    lab.stop().await;
}

#[tokio::test]
async fn people_log_in_by_form_and_have_its_roles() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let (media_type, body) = form(&[("username", None, "root"), ("password", None, PASSWORD)]);
    let path = "/api/v1/auth/login";
    let signed_in = lab
        .nobody()
        .send(Method::POST, path, &media_type, body)
        .await;
    assert_eq!(signed_in.status, StatusCode::OK, "{signed_in:?}");
    assert_eq!(signed_in.body["token_type"], "bearer");
    assert!(signed_in.body["access_token"].is_string());
    let user = [
        "id",
        "username",
        "email",
        "role",
        "is_active",
        "last_login_at",
        "created_at",
        "updated_at",
    ];
    assert!(fields(&signed_in.body["user"]).is_superset(&BTreeSet::from(user)));
    let plain = format!("username=root&password={PASSWORD}");
    let media_type = "application/x-www-form-urlencoded";
    let signed_in = lab
        .nobody()
        .send(Method::POST, path, media_type, plain)
        .await;
    assert_eq!(signed_in.status, StatusCode::OK);
    let (media_type, body) = form(&[("username", None, "root"), ("password", None, "wrong")]);
    let refused = lab
        .nobody()
        .send(Method::POST, path, &media_type, body)
        .await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    for role in ["user", "readonly"] {
        let body = json!({"username": role, "role": role, "password": PASSWORD});
        let made = admin.post("/api/v1/users", &body).await;
        assert_eq!(
            (made.status, &made.body["role"]),
            (StatusCode::CREATED, &json!("viewer"))
        );
    }
    lab.stop().await;
}
