//! The controller is killed while it publishes to Alertmanager, again and again.

use std::sync::Arc;
use std::time::Duration;

use ipmi_controller::model::Role;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::alertmanager::{lab_for, wait_for_config};
use super::process::{PROGRAM, Process};
use super::{directory, wait_until};
use crate::support::alertmanager::Alertmanager;
use crate::support::prometheus::free_address;

/// Rounds of a normal run; `ALERTMANAGER_KILLS=100` makes more.
const ROUNDS: u64 = 6;

#[tokio::test]
async fn a_kill_at_any_moment_leaves_a_whole_configuration_and_the_last_change_arrives() {
    let rounds = std::env::var("ALERTMANAGER_KILLS").ok();
    let rounds = rounds.map_or(ROUNDS, |text| text.parse().expect("a number"));
    let seed: u64 = rand::rng().random();
    eprintln!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let (directory, at) = (directory(), free_address());
    let file = directory.path().join("alertmanager.yml");
    let lab = lab_for(&directory, at, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    wait_until("the file", async || file.exists()).await;
    let alertmanager = Alertmanager::start(at, &file).await;
    let receiver = json!({"name": "ops", "integrations": []});
    assert!(
        admin
            .post("/api/v1/receivers", &receiver)
            .await
            .status
            .is_success()
    );
    let token = admin.token.clone().expect("a token");
    lab.stop().await;

    let http = reqwest::Client::new();
    // Longer than a version: a file that is cut off somewhere is noticed.
    let tree = |round: u64| {
        let routes: Vec<_> = (0..200)
            .map(|nth| json!({"matchers": [{"name": "round", "value": format!("{round}-{nth}")}]}))
            .collect();
        json!({"route": {"receiver": "ops", "routes": routes}})
    };
    let environment = [
        format!("IPMI_CONTROLLER_ALERTMANAGER__URL=http://{at}"),
        format!(
            "IPMI_CONTROLLER_ALERTMANAGER__CONFIG_FILE={}",
            file.display()
        ),
    ];
    for round in 1..=rounds {
        let listen = free_address();
        let mut command = vec!["env"];
        command.extend(environment.iter().map(String::as_str));
        command.extend([PROGRAM, "serve"]);
        let level = ("IPMI_CONTROLLER_LOG__LEVEL", "warn".as_ref());
        let controller = Process::start(&command, directory.path(), listen, level);
        controller.ready().await;
        let put = http
            .put(format!("http://{listen}/api/v1/routes"))
            .bearer_auth(&token)
            .json(&tree(round))
            .send()
            .await
            .expect("an answer");
        assert!(put.status().is_success(), "round {round}: {put:?}");
        // A burst ends 300 ms after a change; checking, writing, reloading follow.
        let moment = random.random_range(0..700);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        drop(controller);
        let text = std::fs::read_to_string(&file).expect("a file");
        let judged = std::process::Command::new("amtool")
            .arg("check-config")
            .arg(&file)
            .output()
            .expect("amtool runs");
        assert!(
            judged.status.success() && text.starts_with("# Written by ipmi_controller"),
            "round {round}, killed after {moment} ms: {judged:?}"
        );
    }
    let lab = lab_for(&Arc::clone(&directory), at, &[]).await;
    let mut admin = lab.nobody();
    admin.token = Some(token);
    let last = format!("round=\"{rounds}-199\"");
    wait_until("the last acknowledged version", async || {
        alertmanager.config().await.contains(&last)
    })
    .await;
    wait_for_config(&admin, |status| status["state"] == "in_sync").await;
    lab.stop().await;
}
