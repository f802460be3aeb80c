//! Several Prometheus servers, each with its part of the targets.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{create, directory, discovery, wait_for_status, wait_until};
use crate::support::prometheus::{Prometheus, StandIn, free_address};
use crate::support::{Client, Lab};

/// Waits until the targets at a server are as they should be.
async fn wait_for_targets(admin: &Client, server: &str, good: impl Fn(&Value) -> bool) -> Value {
    wait_for_status(admin, ("prometheus_targets", server), good).await
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
    let directory = directory();
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

    let prometheus = discovery(&lab, &admin).await;
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let all: BTreeSet<String> = set(&["e1", "e2", "w1", "w2"]);
    assert_eq!(discovered(&prometheus, None).await, all);
    assert_eq!(
        discovered(&prometheus, Some("east")).await,
        set(&["e1", "e2"])
    );
    assert_eq!(
        discovered(&prometheus, Some("west")).await,
        set(&["w1", "w2"])
    );
    let unknown = prometheus
        .get("/api/v1/sd/prometheus/exp?shard=north")
        .await;
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
    let token = prometheus.token;
    let mut prometheus = lab.nobody();
    prometheus.token = token;
    wait_until("all lists", async || {
        let answer = prometheus.get("/api/v1/sd/prometheus/exp").await;
        if answer.status == StatusCode::OK {
            assert_eq!(answer.body.as_array().map(Vec::len), Some(4), "{answer:?}");
            return true;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        false
    })
    .await;
    lab.stop().await;
}

#[tokio::test]
async fn too_many_for_all_is_told_with_what_to_do() {
    let servers = json!([
        {"name": "a", "max_targets": 1}, {"name": "b", "max_targets": 1},
    ]);
    let directory = directory();
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
