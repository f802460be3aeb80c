//! Receivers are tried out in a second Alertmanager: a real one, with a mail server
//! and webhooks on loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ipmi_controller::clock::Timestamp;
use ipmi_controller::model::Role;
use ipmi_controller::model::alerting::{AlertingSettings, Integration, MailSettings, Receiver};
use ipmi_controller::render::alertmanager::{AlertmanagerFile, Uplink, Vault};
use ipmi_controller::sandbox::{Outcome, Sandbox, SandboxError};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::silences::alertmanager::Alertmanager;
use crate::support::prometheus::free_address;
use crate::support::smtp::{NOBODY, PASSWORD, Smtp, USER};
use crate::support::wait::{PATIENCE, wait_for};
use crate::support::{Answer, Lab};

/// An alert to tell of.
fn alert() -> Value {
    json!({
        "labels": {"alertname": "TestNotification", "severity": "info", "server_name": "n1"},
        "annotations": {"summary": "This is a test"},
    })
}

/// The file of a receiver with one integration, whose only secret has a name.
fn file(settings: &Value, secret: (&str, &str)) -> (AlertmanagerFile, Vault) {
    let integration = json!({
        "key": "it", "send_resolved": true, "language": "en", "settings": settings,
        "secrets": {secret.0: {"id": "s1"}},
    });
    let integration: Integration = serde_json::from_value(integration).expect("an integration");
    let receiver = Receiver {
        id: 1,
        name: "on call/night".to_owned(),
        description: String::new(),
        integrations: vec![integration],
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    let settings = AlertingSettings {
        resolve_timeout: None,
        mail: MailSettings::default(),
        mail_password: None,
        topology_inhibition: false,
        version: 1,
        updated_at: Timestamp(0),
    };
    let uplink = Uplink {
        url: "http://127.0.0.1:9".parse().expect("a URL"),
        token: "token".to_owned(),
        ca_file: None,
    };
    let vault: Vault = BTreeMap::from([
        ("s1".to_owned(), secret.1.to_owned().into()),
        ("token".to_owned(), "zq7canaryTOKEN".to_owned().into()),
    ]);
    let file = AlertmanagerFile::sandbox(&receiver, &settings, &[], &uplink, &vault);
    (file.expect("a file"), vault)
}

async fn try_out(file: &(AlertmanagerFile, Vault)) -> Result<Outcome, SandboxError> {
    // An error says that another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let begun = Instant::now();
    let outcome = Sandbox::new(None).try_out(&file.0, &alert(), &file.1).await;
    assert!(begun.elapsed() < PATIENCE, "{outcome:?}");
    outcome
}

fn email(smarthost: SocketAddr, to: &str) -> Value {
    json!({"type": "email", "to": to, "from": "monitor@example.org",
        "smarthost": smarthost.to_string(), "username": USER, "require_tls": false})
}

fn reason(outcome: Result<Outcome, SandboxError>) -> String {
    match outcome {
        Ok(Outcome::Failed(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_says_what_it_makes_of_a_receiver() {
    let smtp = Smtp::start().await;
    let right = file(
        &email(smtp.address, "ops@example.org"),
        ("password", PASSWORD),
    );
    assert_eq!(try_out(&right).await.expect("it runs"), Outcome::Delivered);
    let mails = smtp.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("This is a test"), "{}", mails[0]);
    assert!(mails[0].contains("To: ops@example.org"), "{}", mails[0]);

    let wrong = "zq7canaryWRONG";
    let login = file(&email(smtp.address, "ops@example.org"), ("password", wrong));
    let told = reason(try_out(&login).await);
    assert!(
        told.contains("535") && told.contains("authentication failed"),
        "{told}"
    );
    assert!(!told.contains(wrong), "{told}");

    let unknown = file(&email(smtp.address, NOBODY), ("password", PASSWORD));
    let told = reason(try_out(&unknown).await);
    assert!(
        told.contains("550") && told.contains("User unknown"),
        "{told}"
    );

    let nobody = file(
        &email(free_address(), "ops@example.org"),
        ("password", PASSWORD),
    );
    let told = reason(try_out(&nobody).await);
    assert!(told.contains("connection refused"), "{told}");
    assert_eq!(smtp.mails().len(), 1);
}

/// Answers every POST with a status; gives its address with a secret path.
async fn hook(status: StatusCode) -> String {
    let answer = move || async move { (status, "what is wrong") };
    let app = axum::Router::new().route("/{*path}", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/hooks/zq7canaryHOOK?key=zq7canaryKEY")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_posted_to_says_what_is_wrong_and_no_secret_comes_out() {
    let settings = json!({"type": "webhook"});
    let good = hook(StatusCode::OK).await;
    assert_eq!(
        try_out(&file(&settings, ("url", &good)))
            .await
            .expect("it runs"),
        Outcome::Delivered
    );
    let refused = format!("http://{}/zq7canaryHOOK", free_address());
    for (url, expected) in [
        (hook(StatusCode::INTERNAL_SERVER_ERROR).await, "500"),
        (hook(StatusCode::NOT_FOUND).await, "404"),
        (refused, "connection refused"),
    ] {
        let told = reason(try_out(&file(&settings, ("url", &url))).await);
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("zq7canary"), "{told}");
        // Of a line of another message nothing is left.
        assert!(!told.contains("notify retry canceled"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_alertmanager_does_not_take_or_is_not_there_is_told() {
    let raw = json!({"type": "raw", "kind": "webhook_configs",
        "config": {"url": "http://127.0.0.1:9/", "no_such_field": 1}});
    let refused = try_out(&file(&raw, ("http_config.bearer_token", "zq7canaryRAW"))).await;
    let Err(SandboxError::Refused(told)) = refused else {
        panic!("{refused:?}");
    };
    assert!(told.contains("no_such_field"), "{told}");
    assert!(!told.contains("zq7canary"), "{told}");
    let absent = Sandbox::new(Some(PathBuf::from("/no/such/alertmanager")));
    let good = file(&json!({"type": "webhook"}), ("url", "http://127.0.0.1:9/"));
    let told = absent.try_out(&good.0, &alert(), &good.1).await;
    assert!(matches!(told, Err(SandboxError::Absent)), "{told:?}");
    // Another program is none.
    let other = Sandbox::new(Some(PathBuf::from("/bin/false")));
    let told = other.try_out(&good.0, &alert(), &good.1).await;
    assert!(matches!(told, Err(SandboxError::Failed(_))), "{told:?}");
}

/// A mail and a webhook that nobody answers.
fn receiver(smtp: SocketAddr, dead: SocketAddr) -> Value {
    let mut mail = email(smtp, "ops@example.org");
    mail["subject"] = "Rack {{ .CommonLabels.rack }}".into();
    json!({"name": "ops", "integrations": [
        {"key": "mail", "settings": mail,
         "secrets": {"password": PASSWORD}},
        {"key": "hook", "settings": {"type": "webhook"},
         "secrets": {"url": format!("http://{dead}/zq7canaryHOOK")}},
    ]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_tried_out_before_it_is_saved_and_after() {
    let smtp = Smtp::start().await;
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = receiver(smtp.address, free_address());
    let check = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.body["way"], "sandbox");
        let tests = &answer.body["integrations"];
        assert_eq!(
            (&tests[0]["key"], &tests[0]["outcome"]),
            (&json!("mail"), &json!("delivered"))
        );
        assert_eq!(
            (&tests[1]["key"], &tests[1]["outcome"]),
            (&json!("hook"), &json!("failed"))
        );
        let message = tests[1]["message"].as_str().expect("a message");
        assert!(message.contains("connection refused"), "{message}");
        assert!(!answer.text.contains("zq7canary"), "{answer:?}");
    };
    let unsaved = json!({"receiver": body, "alert": {"labels": {"rack": "r12"}}});
    check(&admin.post("/api/v1/receivers/test", &unsaved).await);
    assert!(
        smtp.mails()[0].contains("Subject: Rack r12"),
        "{:?}",
        smtp.mails()
    );
    assert_eq!(admin.get("/api/v1/receivers").await.body["total"], 0);
    let made = admin.post("/api/v1/receivers", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let path = format!("/api/v1/receivers/{}", made.body["id"]);
    check(&admin.post(&format!("{path}/test"), &json!({})).await);
    // A change takes the secrets that are kept, and changes nothing.
    let mut change = body.clone();
    change["description"] = "other".into();
    for integration in change["integrations"].as_array_mut().expect("a list") {
        integration["secrets"] = json!({});
    }
    let changed = json!({"receiver": change, "id": made.body["id"]});
    check(&admin.post("/api/v1/receivers/test", &changed).await);
    assert_eq!(admin.get(&path).await.body, made.body);
    assert_eq!(smtp.mails().len(), 3);
    let trail = admin.get("/api/v1/audit?action=receiver.test").await;
    assert_eq!(trail.body["total"], 3, "{trail:?}");
    let eve = lab.user("eve", Role::Operator, Some(&[])).await;
    let refused = eve.post(&format!("{path}/test"), &json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_program_production_is_asked_if_its_routes_lead_there() {
    let alertmanager = Alertmanager::quiet().await;
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let more = [
        ("IPMI_CONTROLLER_ALERTMANAGER__URL", alertmanager.url()),
        (
            "IPMI_CONTROLLER_SANDBOX__ALERTMANAGER",
            "/no/such/alertmanager".to_owned(),
        ),
    ];
    let lab = Lab::start_in(directory, &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = receiver(free_address(), free_address());
    let made = admin.post("/api/v1/receivers", &body).await;
    let path = format!("/api/v1/receivers/{}/test", made.body["id"]);
    let refused = admin.post(&path, &json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let tree = admin.get("/api/v1/routes").await;
    let route = json!({"route": {"receiver": "ops"}});
    let set = admin.put("/api/v1/routes", &route).await;
    assert_eq!(set.status, StatusCode::OK, "{tree:?} {set:?}");
    let told = admin.post(&path, &json!({})).await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
    assert_eq!(told.body["way"], "production");
    assert_eq!(told.body["integrations"][0]["outcome"], "unknown");
    let alerts = alertmanager.get("alerts").await;
    assert_eq!(alerts[0]["labels"]["test"], "true", "{alerts}");
    assert_eq!(alerts[0]["labels"]["alertname"], "TestNotification");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_deliveries_are_shown_beside_the_receiver() {
    let dead = hook(StatusCode::NOT_FOUND).await;
    let mut alertmanager = Alertmanager::new(&format!(
        "route: {{receiver: ops, group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: ops, webhook_configs: [{{url: '{dead}'}}]}}]\n"
    ));
    alertmanager.start().await;
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let more = [("IPMI_CONTROLLER_ALERTMANAGER__URL", alertmanager.url())];
    let lab = Lab::start_in(directory, &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "ops", "integrations": [
        {"key": "hook", "settings": {"type": "webhook"}, "secrets": {"url": dead}}]});
    let made = admin.post("/api/v1/receivers", &body).await;
    let path = format!("/api/v1/receivers/{}/delivery", made.body["id"]);
    let report = async || admin.get(&path).await.body[0].clone();
    wait_for("the first look", async || {
        report().await["looked_at"].is_string().then_some(())
    })
    .await;
    alertmanager.post("alerts", &json!([alert()])).await;
    let failed = wait_for("the failure", async || {
        let it = report().await["integrations"][0].clone();
        it["last_failure_at"].is_string().then_some(it)
    })
    .await;
    assert_eq!(failed["integration"], "webhook");
    assert_eq!(failed["of_receiver"], false);
    assert!(failed["failed"].as_f64() >= Some(1.0), "{failed}");
    assert!(failed["last_failure_after"].as_str() < failed["last_failure_at"].as_str());
    lab.stop().await;
}
