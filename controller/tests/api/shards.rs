//! Several Prometheus servers, each with its part of the targets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::prometheus::{Prometheus, StandIn, free_address};
use crate::support::{Client, Lab};

const LIMIT: Duration = Duration::from_secs(40);

/// Waits until the targets at a server are as they should be.
async fn wait_for_targets(admin: &Client, server: &str, good: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = admin.get("/api/v1/sync").await;
        let all = answer.body["artefacts"].as_array().expect("a list").clone();
        let status = all
            .into_iter()
            .find(|s| s["server"] == server && s["artefact"] == "prometheus_targets")
            .expect("targets are published");
        if good(&status) {
            return status;
        }
        assert!(Instant::now() < end, "not in time: {status:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn create(admin: &Client, what: &str, body: Value) -> i64 {
    let made = admin.post(&format!("/api/v1/{what}"), &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body["id"].as_i64().expect("a number")
}

/// The names in an answer of HTTP discovery.
async fn discovered(client: &Client, shard: Option<&str>) -> BTreeSet<String> {
    let query = shard.map_or_else(String::new, |shard| format!("?shard={shard}"));
    let path = format!("/api/v1/sd/prometheus/exp{query}");
    let answer = client.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let targets = answer.body.as_array().expect("a list").clone();
    targets
        .iter()
        .map(|target| {
            target["labels"]["server_name"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn each_has_its_part_and_one_that_is_down_delays_no_other() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (east_at, west_at) = (free_address(), free_address());
    let servers = json!([
        {"name": "east", "site": "east", "url": format!("http://{east_at}"),
         "targets_file": file("east.json"), "rules_file": file("east.yml")},
        {"name": "west-1", "shard": "west", "url": format!("http://{west_at}"),
         "targets_file": file("west-1.json")},
        {"name": "west-2", "shard": "west", "targets_file": file("west-2.json")},
    ]);
    let variable = ("IPMI_CONTROLLER_PROMETHEUS", servers.to_string());
    let lab = Lab::start_in(Arc::clone(&directory), std::slice::from_ref(&variable)).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let stand_in = StandIn::start().await;
    let exporter = json!({"name": "exp", "url": format!("http://{}", stand_in.address)});
    create(&admin, "exporters", exporter).await;
    let credential = create(&admin, "credentials", json!({"name": "default"})).await;
    let jobs = |name: &str| {
        format!(
            "- {{job_name: ipmi-servers, file_sd_configs: [{{files: ['{}']}}]}}\n",
            file(name)
        )
    };
    // West is down all the time until the end.
    let east = Prometheus::start(east_at, &jobs("east.json")).await;
    for (name, site) in [("e1", "east"), ("e2", "east"), ("w1", "west"), ("w2", "")] {
        let body = json!({"name": name, "address": format!("bmc-{name}.example.org"),
            "site": site, "credential_id": credential});
        create(&admin, "servers", body).await;
    }
    let status = wait_for_targets(&admin, "east", |s| s["state"] == "in_sync").await;
    assert_eq!(status["entries"], 2);
    let names: Vec<String> = east
        .targets("ipmi-servers")
        .await
        .into_iter()
        .map(|t| t.0)
        .collect();
    assert_eq!(names, ["e1", "e2"]);
    let waits = wait_for_targets(&admin, "west-1", |s| s["entries"] == 2).await;
    assert_eq!(waits["state"], "pending", "{waits:#}");
    wait_for_targets(&admin, "west-2", |s| s["state"] == "unverified").await;
    let west = std::fs::read(file("west-1.json")).unwrap();
    assert_eq!(
        std::fs::read(file("west-2.json")).unwrap(),
        west,
        "a pair has the same"
    );

    let token = json!({"name": "prometheus", "kind": "discovery"});
    let made = admin.post("/api/v1/tokens", &token).await;
    let mut discovery = lab.nobody();
    discovery.token = made.body["token"].as_str().map(str::to_owned);
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let all: BTreeSet<String> = set(&["e1", "e2", "w1", "w2"]);
    assert_eq!(discovered(&discovery, None).await, all);
    assert_eq!(
        discovered(&discovery, Some("east")).await,
        set(&["e1", "e2"])
    );
    assert_eq!(
        discovered(&discovery, Some("west")).await,
        set(&["w1", "w2"])
    );
    let unknown = discovery.get("/api/v1/sd/prometheus/exp?shard=north").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{unknown:?}");

    // What waits at one server is let through there only.
    let plan = admin
        .post("/api/v1/sync/plan?server=east", &json!({}))
        .await;
    let artefacts = plan.body["artefacts"].as_array().unwrap();
    assert_eq!(artefacts.len(), 2, "targets and rules: {plan:?}");
    let nobody = admin
        .post("/api/v1/sync/plan?server=north", &json!({}))
        .await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{nobody:?}");

    let _west = Prometheus::start(west_at, &jobs("west-1.json")).await;
    wait_for_targets(&admin, "west-1", |s| s["state"] == "in_sync").await;
    // After a restart every list is known before any is handed out.
    lab.stop().await;
    let lab = Lab::start_in(Arc::clone(&directory), &[variable]).await;
    let mut discovery = lab.nobody();
    discovery.token = made.body["token"].as_str().map(str::to_owned);
    let end = Instant::now() + LIMIT;
    loop {
        let answer = discovery.get("/api/v1/sd/prometheus/exp").await;
        if answer.status == StatusCode::OK {
            assert_eq!(answer.body.as_array().map(Vec::len), Some(4), "{answer:?}");
            break;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert!(Instant::now() < end, "not in time: {answer:?}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn too_many_for_all_is_told_with_what_to_do() {
    let servers = json!([
        {"name": "a", "max_targets": 1}, {"name": "b", "max_targets": 1},
    ]);
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let variable = ("IPMI_CONTROLLER_PROMETHEUS", servers.to_string());
    let lab = Lab::start_in(directory, &[variable]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let exporter = json!({"name": "exp", "url": "http://127.0.0.1:9"});
    create(&admin, "exporters", exporter).await;
    let credential = create(&admin, "credentials", json!({"name": "default"})).await;
    for name in ["n1", "n2", "n3"] {
        let body = json!({"name": name, "address": format!("bmc-{name}.example.org"),
            "credential_id": credential});
        create(&admin, "servers", body).await;
    }
    for server in ["a", "b"] {
        let status = wait_for_targets(&admin, server, |s| s["blind_spots"] == 1).await;
        assert_eq!(status["entries"], 1, "{status:#}");
    }
    let plan = admin.post("/api/v1/sync/plan", &json!({})).await;
    let blind = &plan.body["artefacts"][0]["blind_spots"][0];
    assert_eq!(blind["server_name"], "n3");
    assert!(
        blind["reason"].as_str().unwrap().contains("max_targets"),
        "{blind}"
    );
    lab.stop().await;
}
