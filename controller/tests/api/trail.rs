//! Every route that changes something is walked, and each leaves its entry in the
//! audit trail.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipmi_controller::auth::access::RULES;
use ipmi_controller::model::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::wait::wait_for;
use crate::support::{Answer, Client, Lab, PASSWORD};

/// Routes that are not read with GET and yet change nothing of anybody's: they
/// look, they tell of alerts and exporters, or they renew what is written down.
const NO_CHANGE: &[(&str, &str)] = &[
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/rules/validate"),
    ("POST", "/api/v1/rules/backtest"),
    ("POST", "/api/v1/sync/plan"),
    ("POST", "/api/v1/dashboards/look"),
    ("PUT", "/api/v1/exporters/{name}/status"),
    ("POST", "/api/v1/monitoring/alerts/webhook"),
    ("POST", "/api/v1/monitoring/alerts/relay/{id}/{key}"),
    ("POST", "/api/v1/routes/test"),
    ("POST", "/api/v2/alerts"),
    ("POST", "/api/v1/monitoring/prometheus/query"),
    ("POST", "/api/v1/monitoring/prometheus/query_range"),
    ("POST", "/api/v1/monitoring/servers/{id}/collect"),
    ("POST", "/api/v1/audit/verify"),
    ("POST", "/api/v1/backups/{name}/verify"),
    ("POST", "/api/v1/backup/verify"),
    // It says how to, and does not.
    ("POST", "/api/v1/backup/restore"),
    ("POST", "/api/v1/silences/preview"),
    ("POST", "/api/v1/maintenance-windows/occurrences"),
];

/// Routes that need a server of another kind, and where their entries are looked for.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("POST", "/api/v1/auth/oidc/token", "operation/oidc.rs"),
    ("POST", "/api/v1/auth/session/oidc", "operation/oidc.rs"),
    ("POST", "/api/v1/discovery/{id}/import", "discovery.rs"),
    ("POST", "/api/v1/dashboards/{uid}/reset", "grafana/drift.rs"),
];

/// Who walks, and what was walked.
struct Walk<'a> {
    admin: &'a Client,
    done: BTreeSet<(String, String)>,
}

impl Walk<'_> {
    /// The number of the newest entry of an action, or of all.
    async fn newest(&self, action: &str) -> (i64, Value) {
        let path = format!("/api/v1/audit?limit=1{action}");
        let found = self.admin.get(&path).await.body["items"][0].clone();
        (found["sequence"].as_i64().unwrap_or(0), found)
    }

    /// Sends a request to a route, whose parameter is `at`, and looks for its entry.
    async fn sends<F: Future<Output = Answer>>(
        &mut self,
        (method, route): (Method, &str),
        action: &str,
        request: F,
    ) -> Answer {
        let (before, _) = self.newest("").await;
        let answer = request.await;
        assert!(answer.status.is_success(), "{method} {route}: {answer:?}");
        let (number, entry) = self.newest(&format!("&action={action}")).await;
        assert!(number > before, "{method} {route} leaves no {action}");
        let actor = entry["actor"].as_str().unwrap_or_default();
        assert!(["root", "eve"].contains(&actor), "{route}: {entry}");
        self.done.insert((method.to_string(), route.to_owned()));
        answer
    }

    /// The same, as the administrator and in JSON.
    async fn step(
        &mut self,
        method: Method,
        (route, at): (&str, &str),
        body: Value,
        action: &str,
    ) -> Answer {
        let path = route.replace("{id}", at).replace("{name}", at);
        let admin = self.admin;
        let body = (!body.is_null()).then_some(&body);
        let request = admin.ask(method.clone(), &path, body, &[]);
        self.sends((method, route), action, request).await
    }

    /// Makes a row, changes it and gives its number.
    async fn row(&mut self, word: &str, path: &str, body: Value) -> String {
        let made = self
            .step(
                Method::POST,
                (path, ""),
                body.clone(),
                &format!("{word}.create"),
            )
            .await;
        let id = made.body["id"].to_string();
        let one = format!("{path}/{{id}}");
        let update = format!("{word}.update");
        self.step(Method::PUT, (&one, &id), body, &update).await;
        id
    }
}

/// A controller with a place for backups and for targets.
async fn lab() -> Lab {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let at = |name: &str| directory.path().join(name).display().to_string();
    let more = [
        (
            "IPMI_CONTROLLER_PROMETHEUS__TARGETS_FILE",
            at("targets.json"),
        ),
        ("IPMI_CONTROLLER_BACKUP__DIRECTORY", at("backups")),
        // Nobody listens there; silences wait.
        (
            "IPMI_CONTROLLER_ALERTMANAGER__URL",
            "http://127.0.0.1:9".to_owned(),
        ),
        ("IPMI_CONTROLLER_BACKUP__INTERVAL_HOURS", "0".to_owned()),
        (
            "IPMI_CONTROLLER_DISCOVERY__NETWORKS",
            "[127.83.0.0/16]".to_owned(),
        ),
    ];
    Lab::start_in(Arc::clone(&directory), &more).await
}

#[tokio::test]
async fn every_route_that_changes_something_leaves_an_entry() {
    let lab = lab().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let mut walk = Walk {
        admin: &admin,
        done: BTreeSet::new(),
    };
    people(&lab, &mut walk).await;
    inventory(&mut walk).await;
    found(&mut walk).await;
    rules(&mut walk).await;
    alerting(&mut walk).await;
    alerts(&lab, &mut walk).await;
    silences(&mut walk).await;
    published(&mut walk).await;
    backups(&mut walk).await;

    let named = NO_CHANGE.iter().map(|(method, path)| (*method, *path));
    let elsewhere = ELSEWHERE.iter().map(|(method, path, _)| (*method, *path));
    for (method, path) in named.chain(elsewhere) {
        let is_new = walk.done.insert((method.to_owned(), path.to_owned()));
        assert!(is_new, "{method} {path} is named twice");
    }
    let changing: BTreeSet<(String, String)> = RULES
        .iter()
        .filter(|rule| rule.method.as_str() != "GET")
        .map(|rule| (rule.method.to_string(), rule.path.to_owned()))
        .collect();
    assert_eq!(walk.done, changing);
    lab.stop().await;
}

async fn people(lab: &Lab, walk: &mut Walk<'_>) {
    let eve = lab.user("eve", Role::Viewer, None).await;
    let login = json!({"username": "eve", "password": PASSWORD});
    let route = (Method::POST, "/api/v1/auth/login");
    let nobody = lab.nobody();
    let request = nobody.post(route.1, &login);
    let session = walk.sends(route, "auth.login", request).await;
    let mut second = lab.nobody();
    second.token = session.body["access_token"].as_str().map(str::to_owned);
    let route = (Method::POST, "/api/v1/auth/session");
    let request = nobody.post(route.1, &login);
    walk.sends(route, "auth.login", request).await;
    let route = (Method::POST, "/api/v1/auth/logout");
    let request = second.ask(Method::POST, route.1, None, &[]);
    walk.sends(route, "auth.logout", request).await;
    let change = json!({"current_password": PASSWORD, "new_password": "a new password"});
    let route = (Method::POST, "/api/v1/auth/password");
    let request = eve.post(route.1, &change);
    walk.sends(route, "user.password", request).await;

    let user = json!({"username": "bob", "role": "viewer", "password": "zq7canaryUSER"});
    let id = walk.row("user", "/api/v1/users", user).await;
    let at = ("/api/v1/users/{id}", id.as_str());
    walk.step(Method::DELETE, at, Value::Null, "user.delete")
        .await;
    let token = json!({"name": "t", "scopes": ["servers:read"]});
    let at = ("/api/v1/tokens", "");
    let made = walk.step(Method::POST, at, token, "token.create").await;
    let id = made.body["id"].to_string();
    let at = ("/api/v1/tokens/{id}", id.as_str());
    walk.step(Method::DELETE, at, Value::Null, "token.delete")
        .await;
}

async fn inventory(walk: &mut Walk<'_>) {
    for (word, path, body) in [
        ("group", "/api/v1/groups", json!({"name": "g"})),
        ("credential", "/api/v1/credentials", json!({"name": "c"})),
        (
            "exporter",
            "/api/v1/exporters",
            json!({"name": "e", "url": "http://192.0.2.1:9290"}),
        ),
        (
            "server",
            "/api/v1/servers",
            json!({"name": "s", "address": "192.0.2.2"}),
        ),
    ] {
        let id = walk.row(word, path, body).await;
        let one = format!("{path}/{{id}}");
        let delete = format!("{word}.delete");
        walk.step(Method::DELETE, (&one, &id), Value::Null, &delete)
            .await;
    }
    let groups = "/api/v1/servers/groups/";
    let body = json!({"name": "hub"});
    let made = walk
        .step(Method::POST, (groups, ""), body.clone(), "group.create")
        .await;
    let id = made.body["id"].to_string();
    let at = ("/api/v1/servers/groups/{id}", id.as_str());
    walk.step(Method::PUT, at, body, "group.update").await;
    walk.step(Method::DELETE, at, Value::Null, "group.delete")
        .await;

    let body = json!({"name": "h", "ipmi_ip": "192.0.2.3", "ipmi_username": "u",
        "ipmi_password": "zq7canaryBMC"});
    let at = ("/api/v1/servers/", "");
    let made = walk.step(Method::POST, at, body, "server.create").await;
    let id = &made.body["id"];
    let batch = json!({"server_ids": [id], "monitoring_enabled": true});
    let at = ("/api/v1/servers/batch/monitoring", "");
    walk.step(Method::POST, at, batch, "server.update").await;
    let bulk = json!({"ids": [id], "changes": {"rack": "r1"}});
    let at = ("/api/v1/servers/bulk", "");
    walk.step(Method::POST, at, bulk, "server.update").await;
    let bulk = json!({"ids": [id], "delete": true});
    walk.step(Method::POST, at, bulk, "server.delete").await;
    let route = (Method::POST, "/api/v1/servers/import");
    let admin = walk.admin;
    let file = "name,address\r\ni1,192.0.2.4\r\n";
    let request = admin.send(Method::POST, route.1, "text/csv", file);
    walk.sends(route, "server.create", request).await;
}

async fn found(walk: &mut Walk<'_>) {
    let header = "name,ipmi_ip,ipmi_username,ipmi_password\r\n";
    let form = format!(
        "--limit\r\ncontent-disposition: form-data; name=\"csv_file\"; filename=\"s.csv\"\r\n\r\n\
         {header}f1,192.0.2.5,u,pw\r\n\r\n--limit--\r\n"
    );
    let route = (Method::POST, "/api/v1/discovery/csv-import");
    let admin = walk.admin;
    let request = admin.send(
        Method::POST,
        route.1,
        "multipart/form-data; boundary=limit",
        form,
    );
    walk.sends(route, "server.create", request).await;
    for (route, body, action) in [
        (
            "/api/v1/discovery/csv-import-text",
            json!({"csv_content": format!("{header}f2,192.0.2.6,u,pw\r\n")}),
            "server.create",
        ),
        (
            "/api/v1/discovery/batch-import",
            json!({"devices": [{"ip": "192.0.2.7", "username": "u", "password": "pw"}]}),
            "server.create",
        ),
        (
            "/api/v1/discovery/network-scan",
            json!({"network": "127.83.1.1", "timeout": 1}),
            "discovery.start",
        ),
    ] {
        walk.step(Method::POST, (route, ""), body, action).await;
    }
    let slow = json!({"networks": ["127.83.0.0/20"], "rate": 1, "timeout_ms": 30000});
    let at = ("/api/v1/discovery", "");
    let begun = walk.step(Method::POST, at, slow, "discovery.start").await;
    let id = begun.body["id"].to_string();
    let at = ("/api/v1/discovery/{id}/cancel", id.as_str());
    walk.step(Method::POST, at, Value::Null, "discovery.cancel")
        .await;
}

async fn rules(walk: &mut Walk<'_>) {
    let group = json!({"name": "r", "rules": [{"alert": "A", "expr": "up == 0"}]});
    let id = walk.row("rule_group", "/api/v1/rules", group).await;
    let at = ("/api/v1/rules/{id}", id.as_str());
    walk.step(Method::DELETE, at, Value::Null, "rule_group.delete")
        .await;
    let shipped = walk.admin.get("/api/v1/rules?origin=default").await;
    let id = shipped.body["items"][0]["id"].to_string();
    let at = ("/api/v1/rules/{id}/reset", id.as_str());
    walk.step(Method::POST, at, Value::Null, "rule_group.reset")
        .await;
    let threshold =
        json!({"kind": "temperature", "bound": "upper", "level": "critical", "value": 70});
    let id = walk.row("threshold", "/api/v1/thresholds", threshold).await;
    let at = ("/api/v1/thresholds/{id}", id.as_str());
    walk.step(Method::DELETE, at, Value::Null, "threshold.delete")
        .await;
}

async fn alerting(walk: &mut Walk<'_>) {
    let matcher = json!([{"name": "a", "value": "b"}]);
    for (word, path, body) in [
        ("receiver", "/api/v1/receivers", json!({"name": "r"})),
        (
            "inhibition",
            "/api/v1/inhibitions",
            json!({"name": "i", "source": matcher, "target": matcher}),
        ),
        (
            "time_interval",
            "/api/v1/time-intervals",
            json!({"name": "t", "spans": [{}]}),
        ),
        (
            "notification_template",
            "/api/v1/notification-templates",
            json!({"name": "t", "content": ""}),
        ),
    ] {
        let id = walk.row(word, path, body).await;
        let one = format!("{path}/{{id}}");
        let delete = format!("{word}.delete");
        walk.step(Method::DELETE, (&one, &id), Value::Null, &delete)
            .await;
    }
    for (path, body, action) in [
        ("/api/v1/routes", json!({"route": {}}), "routes.update"),
        (
            "/api/v1/alerting/settings",
            json!({}),
            "alerting_settings.update",
        ),
    ] {
        walk.step(Method::PUT, (path, ""), body, action).await;
    }
}

async fn alerts(lab: &Lab, walk: &mut Walk<'_>) {
    let body = json!({"name": "prometheus", "kind": "inlet"});
    let made = walk.admin.post("/api/v1/tokens", &body).await;
    let mut inlet = lab.nobody();
    inlet.token = made.body["token"].as_str().map(str::to_owned);
    let alert = json!([{"labels": {"alertname": "A"}, "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2199-01-01T00:00:00Z"}]);
    let told = inlet.post("/api/v2/alerts", &alert).await;
    assert!(told.status.is_success(), "{told:?}");
    let list = walk.admin.get("/api/v1/alerts").await;
    let id = list.body["items"][0]["id"].to_string();
    for (method, what, body, action) in [
        (Method::POST, "acknowledge", json!({}), "alert.acknowledge"),
        (
            Method::DELETE,
            "acknowledge",
            Value::Null,
            "alert.unacknowledge",
        ),
        (
            Method::POST,
            "comments",
            json!({"text": "x"}),
            "alert.comment",
        ),
        (
            Method::PUT,
            "assignee",
            json!({"assignee": "eve"}),
            "alert.assign",
        ),
    ] {
        let route = format!("/api/v1/alerts/{{id}}/{what}");
        walk.step(method, (&route, &id), body, action).await;
    }
}

async fn silences(walk: &mut Walk<'_>) {
    let receiver = json!({"name": "tried"});
    let at = ("/api/v1/receivers/test", "");
    walk.step(
        Method::POST,
        at,
        json!({"receiver": receiver}),
        "receiver.test",
    )
    .await;
    let made = walk.admin.post("/api/v1/receivers", &receiver).await;
    let id = made.body["id"].to_string();
    let at = ("/api/v1/receivers/{id}/test", id.as_str());
    walk.step(Method::POST, at, json!({}), "receiver.test")
        .await;
    let path = "/api/v1/silences";
    let body = json!({"matchers": [{"name": "alertname", "value": "A"}], "duration": "1h"});
    let made = walk
        .step(Method::POST, (path, ""), body, "silence.create")
        .await;
    let id = made.body["id"].to_string();
    let at = ("/api/v1/silences/{id}", id.as_str());
    let body = json!({"reason": "x"});
    walk.step(Method::PUT, at, body, "silence.update").await;
    let at = ("/api/v1/silences/{id}/expire", id.as_str());
    walk.step(Method::POST, at, Value::Null, "silence.expire")
        .await;
    let group = walk
        .admin
        .post("/api/v1/groups", &json!({"name": "w"}))
        .await;
    let window = json!({"name": "w", "group_id": group.body["id"], "when": {
        "repeat": "daily", "start": "22:00", "duration": "1h", "time_zone": "UTC"}});
    let path = "/api/v1/maintenance-windows";
    let id = walk.row("maintenance_window", path, window).await;
    let at = ("/api/v1/maintenance-windows/{id}", id.as_str());
    walk.step(Method::DELETE, at, Value::Null, "maintenance_window.delete")
        .await;
}

async fn published(walk: &mut Walk<'_>) {
    let admin = walk.admin;
    // Nothing is published without a server that somebody can ask.
    for (path, body) in [
        (
            "exporters",
            json!({"name": "p", "url": "http://192.0.2.1:9290"}),
        ),
        ("credentials", json!({"name": "p"})),
    ] {
        let made = admin.post(&format!("/api/v1/{path}"), &body).await;
        assert!(made.status.is_success(), "{made:?}");
    }
    let profiles = admin.get("/api/v1/credentials?search=p").await;
    let body = json!({"name": "p", "address": "192.0.2.9",
        "credential_id": profiles.body["items"][0]["id"]});
    let made = admin.post("/api/v1/servers", &body).await;
    assert!(made.status.is_success(), "{made:?}");
    let id = wait_for("a version", async || {
        let versions = admin.get("/api/v1/sync/versions").await;
        let id = &versions.body["items"][0]["id"];
        id.is_number().then(|| id.to_string())
    })
    .await;
    let at = ("/api/v1/sync/versions/{id}/restore", id.as_str());
    walk.step(Method::POST, at, Value::Null, "sync.restore")
        .await;
    let at = ("/api/v1/sync/resume", "");
    walk.step(Method::POST, at, Value::Null, "sync.resume")
        .await;
    let plan = admin.post("/api/v1/sync/plan", &json!({})).await;
    let body = json!({"revision": plan.body["revision"]});
    let at = ("/api/v1/sync/confirm", "");
    walk.step(Method::POST, at, body, "sync.confirm").await;
}

async fn backups(walk: &mut Walk<'_>) {
    for (create, delete) in [
        ("/api/v1/backups", "/api/v1/backups/{name}"),
        ("/api/v1/backup/create", "/api/v1/backup/delete"),
    ] {
        let at = (create, "");
        let made = walk
            .step(Method::POST, at, Value::Null, "backup.create")
            .await;
        let name = made.body["name"]
            .as_str()
            .or_else(|| made.body["filename"].as_str());
        let name = name.expect("a name");
        let body = match delete.contains('{') {
            true => Value::Null,
            false => json!({"filename": name}),
        };
        walk.step(Method::DELETE, (delete, name), body, "backup.delete")
            .await;
    }
}
