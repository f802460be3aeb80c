//! Silences, with a real Alertmanager that keeps them.

pub(crate) mod alertmanager;
mod kept;
mod mine;
mod windows;

use std::sync::Arc;

use alertmanager::Alertmanager;
use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::wait::wait_for;
use crate::support::{Client, Lab};

const SILENCES: &str = "/api/v1/silences";
const START: &str = "2026-01-01T00:00:00Z";
const NEVER: &str = "2199-01-01T00:00:00Z";

/// A controller whose silences an Alertmanager keeps, and its administrator.
async fn start(alertmanager: &Alertmanager) -> (Lab, Client) {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let more = [
        ("IPMI_CONTROLLER_ALERTMANAGER__URL", alertmanager.url()),
        (
            "IPMI_CONTROLLER_ALERTMANAGER__INTERVAL_SECONDS",
            "1".to_owned(),
        ),
    ];
    let lab = Lab::start_in(directory, &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    (lab, admin)
}

/// Makes something; gives its number.
async fn make(client: &Client, path: &str, body: &Value) -> i64 {
    let made = client.post(path, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{path}: {made:?}");
    made.body["id"].as_i64().expect("a number")
}

/// Makes a server in a group.
async fn server(admin: &Client, name: &str, group: Option<i64>) -> i64 {
    let body = json!({"name": name, "address": format!("bmc-{name}"), "group_id": group});
    make(admin, "/api/v1/servers", &body).await
}

/// Tells the journal of alerts that fire: name, labels besides.
async fn fire(lab: &Lab, admin: &Client, alerts: &[(&str, Value)]) {
    let body = json!({"name": "prometheus", "kind": "inlet"});
    let made = admin.post("/api/v1/tokens", &body).await;
    let mut inlet = lab.nobody();
    inlet.token = made.body["token"].as_str().map(str::to_owned);
    let alerts: Vec<Value> = alerts
        .iter()
        .map(|(name, more)| alert(name, more))
        .collect();
    let told = inlet.post("/api/v2/alerts", &json!(alerts)).await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
}

/// An alert that fires for long.
fn alert(name: &str, more: &Value) -> Value {
    let mut labels = json!({"alertname": name, "severity": "warning"});
    for (label, value) in more.as_object().expect("labels") {
        labels[label] = value.clone();
    }
    json!({"labels": labels, "startsAt": START, "endsAt": NEVER,
        "generatorURL": "http://prometheus.example:9090/graph"})
}

/// Waits until a silence is in a state, and gives it.
async fn in_state(client: &Client, id: i64, state: &str) -> Value {
    wait_for(state, async || {
        let found = client.get(&format!("{SILENCES}/{id}")).await.body;
        (found["state"] == state).then_some(found)
    })
    .await
}

/// The fields that a refusal names.
fn fields(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().expect("errors").iter();
    errors
        .map(|error| error["field"].as_str().expect("a field"))
        .collect()
}

/// The actions of the trail about a silence, the newest first, with their actors.
async fn trail(admin: &Client, id: i64) -> Vec<(String, String)> {
    let path = format!("/api/v1/audit?resource=silences/{id}");
    let found = admin.get(&path).await;
    let items = found.body["items"].as_array().expect("entries").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    items
        .map(|item| (text(&item["action"]), text(&item["actor"])))
        .collect()
}
