//! Every route with every role: what a role may not do, no path lets it do.

use ipmi_controller::api::description;
use ipmi_controller::auth::access::{Access, RULES};
use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Client, Lab};

/// What a role gets at a route, as far as access goes.
async fn is_let_in(client: &Client, method: &Method, path: &str) -> bool {
    // No such row: whoever is let in changes nothing.
    let path = path.replace("{id}", "987654321");
    let body = (*method == Method::POST || *method == Method::PUT).then(|| json!({}));
    let answer = client.ask(method.clone(), &path, body.as_ref(), &[]).await;
    assert!(
        !answer.status.is_server_error(),
        "{method} {path}: {answer:?}"
    );
    !matches!(
        answer.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let lab = Lab::start().await;
    let nobody = lab.nobody();
    let users = [
        (Role::Viewer, lab.user("viewer", Role::Viewer, None).await),
        (
            Role::Operator,
            lab.user("operator", Role::Operator, None).await,
        ),
        (Role::Admin, lab.user("admin", Role::Admin, None).await),
    ];
    for rule in RULES {
        // Signing out is what the one does, and the other's answer has no end; they
        // are tested on their own.
        if rule.path.ends_with("/logout") || rule.path.ends_with("/events") {
            continue;
        }
        let method = Method::from_bytes(rule.method.as_str().as_bytes()).unwrap();
        let route = format!("{method} {}", rule.path);
        if !matches!(rule.access, Access::Public | Access::Scrape) {
            assert!(
                !is_let_in(&nobody, &method, rule.path).await,
                "{route}: nobody"
            );
        }
        for (role, client) in &users {
            let expected = match rule.access {
                Access::Public | Access::Scrape | Access::SignedIn => true,
                Access::Role(least) => *role >= least,
                Access::Service(_) => false,
            };
            // A log-in with an empty body is refused for other reasons.
            if rule.access == Access::Public && method == Method::POST {
                continue;
            }
            assert_eq!(
                is_let_in(client, &method, rule.path).await,
                expected,
                "{route}: {role:?}"
            );
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_token_does_only_what_its_scopes_say() {
    let lab = Lab::start().await;
    let admin = lab.user("admin", Role::Admin, None).await;
    let body = json!({"name": "reader", "scopes": ["servers:read"]});
    let made = admin.post("/api/v1/tokens", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let mut reader = lab.nobody();
    reader.token = made.body["token"].as_str().map(str::to_owned);
    assert_eq!(reader.get("/api/v1/servers").await.status, StatusCode::OK);
    for (method, path) in [
        (Method::POST, "/api/v1/servers"),
        (Method::GET, "/api/v1/users"),
        (Method::POST, "/api/v1/tokens"),
    ] {
        let answer = reader.ask(method, path, Some(&json!({})), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {answer:?}");
    }
    let id = made.body["id"].as_i64().unwrap();
    let gone = admin.delete(&format!("/api/v1/tokens/{id}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let answer = reader.get("/api/v1/servers").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    lab.stop().await;
}

#[tokio::test]
async fn a_service_token_opens_no_route_of_people() {
    let lab = Lab::start().await;
    let admin = lab.user("admin", Role::Admin, None).await;
    let body = json!({"name": "exp", "url": "http://192.0.2.1:9290"});
    let exporter = admin.post("/api/v1/exporters", &body).await;
    for kind in ["discovery", "inlet", "exporter"] {
        let mut body = json!({"name": kind, "kind": kind});
        if kind == "exporter" {
            body["exporter_id"] = exporter.body["id"].clone();
        }
        let made = admin.post("/api/v1/tokens", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let mut service = lab.nobody();
        service.token = made.body["token"].as_str().map(str::to_owned);
        for path in ["/api/v1/servers", "/api/v1/auth/me", "/api/v1/users"] {
            let answer = service.get(path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{kind} {path}");
        }
    }
    lab.stop().await;
}

#[test]
fn the_description_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let now = description().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        now == committed,
        "the interface differs from controller/openapi.json; if that is meant, \
         UPDATE_OPENAPI=1 cargo test -p ipmi-controller writes it anew"
    );
}
