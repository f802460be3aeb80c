//! The controller is killed at bad moments, and nothing is half afterwards.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipmi_controller::model::Role;
use serde_json::{Value, json};

use super::process::{PROGRAM, Process};
use super::wait_until;
use crate::support::Lab;
use crate::support::prometheus::free_address;

/// The rack in the targets file; `None` as long as there is no file. What is
/// there must be whole at every moment.
fn rack(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    let groups: Value = serde_json::from_slice(&bytes).expect("a whole file");
    let rack = groups[0]["labels"]["rack"].as_str();
    Some(rack.expect("a target").to_owned())
}

#[tokio::test]
async fn a_kill_at_any_moment_leaves_a_whole_file_and_is_made_good() {
    let lab = Lab::start().await;
    let directory = lab.directory();
    let admin = lab.user("root", Role::Admin, None).await;
    let exporter = json!({"name": "exp", "url": "http://127.0.0.1:9"});
    admin.post("/api/v1/exporters", &exporter).await;
    let credential = admin
        .post("/api/v1/credentials", &json!({"name": "default"}))
        .await;
    let body = |rack: u64| {
        json!({"name": "n", "address": "192.0.2.1", "rack": format!("r{rack}"),
            "credential_id": credential.body["id"]})
    };
    let made = admin.post("/api/v1/servers", &body(0)).await;
    let token = admin.token.clone().expect("a token");
    lab.stop().await;

    let file = directory.path().join("targets.json");
    let http = reqwest::Client::new();
    let mut last = 0;
    for round in 1..=12_u64 {
        let address = free_address();
        let command = [PROGRAM, "serve"];
        let variable = ("IPMI_CONTROLLER_PROMETHEUS__TARGETS_FILE", file.as_path());
        let controller = Process::start(&command, directory.path(), address, variable);
        // Ready means that the change below can be answered.
        controller.ready().await;
        let put = http
            .put(format!(
                "http://{address}/api/v1/servers/{}",
                made.body["id"]
            ))
            .bearer_auth(&token)
            .json(&body(round))
            .send()
            .await
            .expect("an answer");
        assert!(put.status().is_success(), "{put:?}");
        last = round;
        // A burst ends 300 ms after a change: around that is the moment.
        tokio::time::sleep(Duration::from_millis(250 + round * 10)).await;
        drop(controller);
        rack(&file);
    }
    let variable = (
        "IPMI_CONTROLLER_PROMETHEUS__TARGETS_FILE",
        file.display().to_string(),
    );
    let lab = Lab::start_in(Arc::clone(&directory), &[variable]).await;
    wait_until("the last rack", async || {
        rack(&file) == Some(format!("r{last}"))
    })
    .await;
    lab.stop().await;
}
