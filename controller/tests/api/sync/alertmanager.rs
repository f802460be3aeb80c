//! The configuration of real Alertmanagers: published, proved, refused, repaired.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{directory, wait_for_status, wait_until};
use crate::support::alertmanager::Alertmanager;
use crate::support::prometheus::free_address;
use crate::support::wait::wait_for;
use crate::support::{Answer, Client, Lab};

const CANARY: &str = "zq7canaryROUTE4711";

/// A controller that publishes to an Alertmanager, with more configuration.
pub(super) async fn lab_for(
    directory: &Arc<TempDir>,
    alertmanager: SocketAddr,
    more: &[(&str, String)],
) -> Lab {
    let file = directory.path().join("alertmanager.yml");
    let listen = free_address();
    let mut variables = vec![
        ("IPMI_CONTROLLER_LISTEN", listen.to_string()),
        (
            "IPMI_CONTROLLER_ALERTMANAGER__CONFIG_FILE",
            file.display().to_string(),
        ),
        (
            "IPMI_CONTROLLER_ALERTMANAGER__URL",
            format!("http://{alertmanager}"),
        ),
    ];
    variables.extend_from_slice(more);
    Lab::start_in(Arc::clone(directory), &variables).await
}

pub(super) async fn wait_for_config(admin: &Client, good: impl Fn(&Value) -> bool) -> Value {
    wait_for_status(admin, ("alertmanager_config", "alertmanager"), good).await
}

fn in_sync(status: &Value) -> bool {
    status["state"] == "in_sync"
}

/// Starts an Alertmanager as soon as its file is there.
async fn alertmanager_for(directory: &TempDir, at: SocketAddr) -> (Alertmanager, PathBuf) {
    let file = directory.path().join("alertmanager.yml");
    wait_until("the file", async || file.exists()).await;
    (Alertmanager::start(at, &file).await, file)
}

async fn make(admin: &Client, path: &str, body: &Value) -> i64 {
    let made = admin.post(&format!("/api/v1/{path}"), body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body["id"].as_i64().expect("a number")
}

async fn routes(admin: &Client, receiver: &str) {
    let body = json!({"route": {"receiver": receiver, "group_wait": "0s"}});
    let put = admin.put("/api/v1/routes", &body).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
}

/// An integration that our own checks and `amtool` let through or not, but no
/// Alertmanager.
fn nonsense() -> Value {
    json!({"name": "odd", "integrations": [{"key": "odd",
        "settings": {"type": "raw", "kind": "nonsense_configs", "config": {"a": "b"}},
        "secrets": {"token": CANARY}}]})
}

#[tokio::test]
async fn what_people_make_is_live_with_its_secrets_and_shown_without() {
    let (directory, at) = (directory(), free_address());
    let lab = lab_for(&directory, at, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let (alertmanager, file) = alertmanager_for(&directory, at).await;
    wait_for_config(&admin, in_sync).await;
    let template = json!({"name": "own", "content": "{{ define \"own\" }}x{{ end }}"});
    make(&admin, "notification-templates", &template).await;
    let receiver = json!({"name": "ops", "integrations": [
        {"key": "pd", "settings": {"type": "pagerduty"}, "secrets": {"routing_key": CANARY}}]});
    make(&admin, "receivers", &receiver).await;
    routes(&admin, "ops").await;
    let plan = admin.post("/api/v1/sync/plan", &json!({})).await;
    wait_until("the receiver", async || {
        alertmanager.config().await.contains("name: ops")
    })
    .await;
    let status = wait_for_config(&admin, |status| {
        in_sync(status) && status["good_version"] == status["published_version"]
    })
    .await;
    let text = std::fs::read_to_string(&file).expect("a file");
    assert!(text.contains(CANARY), "Alertmanager needs it");
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(status["published_version"].is_i64(), "{status:#}");
    let all = admin.get("/api/v1/sync/versions").await;
    let mut answers = vec![plan, admin.get("/api/v1/audit").await];
    for version in all.body["items"].as_array().expect("a list") {
        let path = format!("/api/v1/sync/versions/{}", version["id"]);
        answers.push(admin.get(&path).await);
    }
    answers.push(all);
    let is_marked = |answer: &Answer| answer.text.contains("\"routing_key\":\"<secret ");
    assert!(answers.iter().any(is_marked), "{answers:?}");
    for answer in answers {
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
    }
    let store = std::fs::read(directory.path().join("c.db")).expect("a file");
    let is_there = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
    assert!(!is_there(&store), "sealed");

    // Somebody else's change is undone, and so is that of a template.
    std::fs::write(&file, "route: {receiver: x}\nreceivers: [{name: x}]\n").expect("a file");
    wait_for_config(&admin, |status| in_sync(status) && status["repairs"] == 1).await;
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
    let templates = directory.path().join("ipmi_controller_templates");
    let own = std::fs::read_dir(&templates).expect("a directory");
    let own = own.map(|found| found.expect("a file").path());
    let is_own = |path: &PathBuf| path.to_string_lossy().contains("/own-");
    let own = own.into_iter().find(is_own).expect("the template");
    std::fs::write(&own, "").expect("a file");
    wait_until("the template", async || {
        std::fs::read_to_string(&own).is_ok_and(|text| text.contains("define"))
    })
    .await;
    lab.stop().await;
}

#[tokio::test]
async fn what_alertmanager_refuses_never_replaces_what_runs() {
    let (directory, at) = (directory(), free_address());
    // An amtool that finds everything good: only Alertmanager itself is left to judge.
    let more = [(
        "IPMI_CONTROLLER_ALERTMANAGER__AMTOOL",
        "/bin/true".to_owned(),
    )];
    let lab = lab_for(&directory, at, &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let (alertmanager, file) = alertmanager_for(&directory, at).await;
    let good = wait_for_config(&admin, in_sync).await["published_version"].clone();
    let hash = alertmanager.metric("alertmanager_config_hash").await;
    let before = std::fs::read(&file).expect("a file");
    make(&admin, "receivers", &nonsense()).await;
    let failed = wait_for_config(&admin, |status| {
        status["state"] == "failed" && status["published_version"] == good
    })
    .await;
    let message = failed["message"].as_str().expect("a message");
    assert!(message.contains("nonsense_configs not found"), "{failed:#}");
    assert!(!failed.to_string().contains(CANARY), "{failed:#}");
    assert_eq!(std::fs::read(&file).expect("a file"), before);
    assert_eq!(alertmanager.metric("alertmanager_config_hash").await, hash);
    wait_until("a good reload", async || {
        let name = "alertmanager_config_last_reload_successful";
        alertmanager.metric(name).await > 0.0
    })
    .await;
    lab.stop().await;
}

#[tokio::test]
async fn what_amtool_refuses_is_not_written() {
    let (directory, at) = (directory(), free_address());
    let lab = lab_for(&directory, at, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let (alertmanager, file) = alertmanager_for(&directory, at).await;
    wait_for_config(&admin, in_sync).await;
    let before = std::fs::metadata(&file)
        .expect("a file")
        .modified()
        .expect("a time");
    make(&admin, "receivers", &nonsense()).await;
    let failed = wait_for_config(&admin, |status| status["state"] == "failed").await;
    let message = failed["message"].as_str().expect("a message");
    assert!(message.starts_with("amtool: "), "{failed:#}");
    assert!(message.contains("nonsense_configs not found"), "{failed:#}");
    let after = std::fs::metadata(&file)
        .expect("a file")
        .modified()
        .expect("a time");
    assert_eq!(before, after);
    assert!(!alertmanager.log().contains("nonsense"));
    lab.stop().await;
}

#[tokio::test]
async fn another_programs_file_waits_for_a_confirmation_and_comes_back_when_ours_is_refused() {
    let (directory, at) = (directory(), free_address());
    let file = directory.path().join("alertmanager.yml");
    let foreign = "route: {receiver: theirs}\nreceivers: [{name: theirs}]\n";
    std::fs::write(&file, foreign).expect("a file");
    let alertmanager = Alertmanager::start(at, &file).await;
    let more = [(
        "IPMI_CONTROLLER_ALERTMANAGER__AMTOOL",
        "/bin/true".to_owned(),
    )];
    let lab = lab_for(&directory, at, &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    wait_for_config(&admin, |status| status["state"] == "awaiting_confirmation").await;
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), foreign);
    make(&admin, "receivers", &nonsense()).await;
    let plan = admin.post("/api/v1/sync/plan", &json!({})).await;
    let revision = json!({"revision": plan.body["revision"]});
    let answer = admin.post("/api/v1/sync/confirm", &revision).await;
    assert!(answer.status.is_success(), "{answer:?}");
    wait_for_config(&admin, |status| status["state"] == "failed").await;
    wait_until("their file", async || {
        std::fs::read_to_string(&file).expect("a file") == foreign
    })
    .await;
    assert!(alertmanager.config().await.contains("theirs"));
    lab.stop().await;
}

#[tokio::test]
async fn one_alertmanager_that_is_down_delays_no_other() {
    let directory = directory();
    let (up, down) = (free_address(), free_address());
    let file = |name: &str| directory.path().join(name).display().to_string();
    let servers = json!([
        {"name": "a", "url": format!("http://{up}"), "config_file": file("a.yml")},
        {"name": "b", "url": format!("http://{down}"), "config_file": file("b.yml")},
    ]);
    let more = [("IPMI_CONTROLLER_ALERTMANAGER", servers.to_string())];
    let lab = Lab::start_in(Arc::clone(&directory), &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    wait_until("the files", async || {
        ["a.yml", "b.yml"]
            .iter()
            .all(|name| directory.path().join(name).exists())
    })
    .await;
    let _up = Alertmanager::start(up, &directory.path().join("a.yml")).await;
    wait_for_status(&admin, ("alertmanager_config", "a"), in_sync).await;
    let status = wait_for_status(&admin, ("alertmanager_config", "b"), |status| {
        status["state"] == "pending"
    })
    .await;
    let message = status["message"].as_str().expect("a message");
    assert!(
        message.contains("Alertmanager does not answer"),
        "{status:#}"
    );
    let _down = Alertmanager::start(down, &directory.path().join("b.yml")).await;
    wait_for_status(&admin, ("alertmanager_config", "b"), in_sync).await;
    lab.stop().await;
}

/// A robot that takes every message and passes its body on.
async fn robot() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let taken = |State(sender): State<mpsc::UnboundedSender<Value>>, body: Bytes| async move {
        let _ = sender.send(serde_json::from_slice(&body).expect("JSON"));
        "{\"code\":0,\"msg\":\"success\"}"
    };
    let service = Router::new().route("/hook", post(taken)).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, service).await });
    (format!("http://{address}/hook"), receiver)
}

#[tokio::test]
async fn an_alert_reaches_a_robot_and_the_journal() {
    let (directory, at) = (directory(), free_address());
    let lab = lab_for(&directory, at, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let (alertmanager, _) = alertmanager_for(&directory, at).await;
    let (url, mut taken) = robot().await;
    let receiver = json!({"name": "ops", "integrations": [
        {"key": "feishu", "language": "zh", "settings": {"type": "feishu", "at_all": true},
         "secrets": {"url": url, "signing_key": CANARY}}]});
    make(&admin, "receivers", &receiver).await;
    routes(&admin, "ops").await;
    wait_until("the receiver", async || {
        alertmanager.config().await.contains("receiver: ops")
    })
    .await;
    let labels = json!({"alertname": "IpmiFanFailed", "severity": "critical", "server_id": "1"});
    alertmanager.fire(&labels).await;
    let message = tokio::time::timeout(crate::support::wait::PATIENCE, taken.recv()).await;
    let message = message.expect("in time").expect("a message");
    let text = message["content"]["text"].as_str().expect("a text");
    assert!(text.contains("[告警:1] 风扇 1 故障"), "{message}");
    assert!(message["sign"].is_string(), "{message}");
    wait_for("the journal", async || {
        let found = admin.get("/api/v1/alerts?alertname=IpmiFanFailed").await;
        (found.body["total"] == 1).then_some(())
    })
    .await;
    lab.stop().await;
}
