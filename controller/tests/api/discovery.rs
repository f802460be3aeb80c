//! Scans for BMCs, against simulated ones on loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bmc_sim::{BmcConfig, DeviceBuilder, Sim, User, V15Config};
use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, Lab};

/// How long something that takes seconds may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// How often a port is looked for that is free on all addresses.
const PORT_ATTEMPTS: usize = 20;

/// BMCs at 127.`net`.1.1 and .2 on one port: a good one, and one without IPMI 2.0.
async fn bmcs(net: u8) -> Vec<Sim> {
    for _ in 0..PORT_ATTEMPTS {
        if let Ok(sims) = try_bmcs(net).await {
            return sims;
        }
    }
    panic!("no port is free on two loopback addresses");
}

async fn try_bmcs(net: u8) -> std::io::Result<Vec<Sim>> {
    let account = || BmcConfig::new().user(User::administrator("monitor", "correct horse"));
    let configs = [account(), account().v15_only(V15Config::default())];
    let mut sims: Vec<Sim> = Vec::new();
    for (host, config) in (1..).zip(configs) {
        let ip = IpAddr::from(Ipv4Addr::new(127, net, 1, host));
        let port = sims.first().map_or(0, |first| first.addr().port());
        let device = DeviceBuilder::new().build();
        sims.push(Sim::start_at(SocketAddr::new(ip, port), config, device).await?);
    }
    Ok(sims)
}

async fn lab(networks: &str) -> Lab {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let networks = ("IPMI_CONTROLLER_DISCOVERY__NETWORKS", networks.to_owned());
    Lab::start_in(directory, &[networks]).await
}

/// Asks until a scan has ended.
async fn ended(client: &Client, path: &str) -> Value {
    let asked = async {
        loop {
            let answer = client.get(path).await;
            if answer.body["state"] != "running" {
                return answer.body;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, asked)
        .await
        .expect("the scan ends")
}

#[tokio::test]
async fn a_scan_finds_bmcs_and_they_become_servers() {
    let sims = bmcs(76).await;
    let port = sims[0].addr().port();
    let lab = lab("[127.76.0.0/16]").await;
    let admin = lab.user("root", Role::Admin, None).await;
    let known = json!({"name": "known", "address": "127.76.1.2", "port": port});
    let known = admin.post("/api/v1/servers", &known).await.body["id"].clone();
    let body = json!({"networks": ["127.76.1.0/29"], "port": port, "timeout_ms": 300});
    let begun = admin.post("/api/v1/discovery", &body).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
    assert_eq!(begun.body["addresses"], 6);
    let path = format!("/api/v1/discovery/{}", begun.body["id"]);
    let scan = ended(&admin, &path).await;
    assert_eq!(
        (&scan["state"], &scan["done"], &scan["found"]),
        (&json!("finished"), &json!(6), &json!(2))
    );
    let results = scan["results"]["items"].as_array().unwrap();
    assert_eq!(
        results[0],
        json!({
            "address": "127.76.1.1", "port": port, "ipmi_1_5": false, "ipmi_2_0": true,
            "cipher_suites": [3, 17], "weaknesses": [], "is_known": false, "server": null,
        })
    );
    assert_eq!(results[1]["weaknesses"][0]["name"], "1.5-only");
    assert_eq!(results[1]["server"], json!({"id": known, "name": "known"}));
    let second = admin.get(&format!("{path}?offset=1&limit=1")).await;
    assert_eq!(second.body["results"]["items"], json!([results[1]]));

    admin.post("/api/v1/groups", &json!({"name": "east"})).await;
    let import = format!("{path}/import");
    let wrong = admin
        .post(&import, &json!({"addresses": ["127.76.1.5"]}))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    let twice = admin
        .post(&import, &json!({"addresses": ["127.76.1.2"]}))
        .await;
    assert_eq!(twice.body["failed"], 1, "{twice:?}");
    let done = admin
        .post(&import, &json!({"group": "east", "tags": ["found"]}))
        .await;
    assert_eq!(
        done.body["created"], 1,
        "what is known is left out: {done:?}"
    );
    let made = admin.get("/api/v1/servers?search=found").await.body["items"][0].clone();
    assert_eq!(made["name"], "bmc-127-76-1-1");
    assert_eq!(
        (&made["port"], &made["group_id"]),
        (&json!(port), &json!(1))
    );
    let entries = admin.get("/api/v1/audit?action=server.create").await;
    assert_eq!(entries.body["items"][0]["after"]["name"], made["name"]);
    let entries = admin.get("/api/v1/audit?action=discovery.start").await;
    assert_eq!(
        entries.body["items"][0]["after"]["networks"],
        json!(["127.76.1.0/29"])
    );
    assert_eq!(
        admin
            .get("/api/v1/discovery")
            .await
            .body
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    for sim in &sims {
        assert_eq!(sim.counters().open_session_requests, 0, "nobody logs in");
    }
    lab.stop().await;
}

#[tokio::test]
async fn what_is_not_allowed_gets_no_datagram() {
    let sims = bmcs(77).await;
    let port = sims[0].addr().port();
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let loopback = json!({"networks": ["127.77.1.0/29"], "port": port});
    let refused = admin.post("/api/v1/discovery", &loopback).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    assert!(
        refused.text.contains("discovery.networks"),
        "{}",
        refused.text
    );
    let theirs = json!({"network": "127.77.1.1", "port": port});
    let refused = admin.post("/api/v1/discovery/network-scan", &theirs).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    assert_eq!(sims[0].counters().datagrams_received, 0);
    assert_eq!(admin.get("/api/v1/discovery").await.body, json!([]));
    lab.stop().await;
}

#[tokio::test]
async fn a_scan_is_cancelled_and_seen_by_its_author() {
    let lab = lab("[127.78.0.0/16]").await;
    let admin = lab.user("root", Role::Admin, None).await;
    let group = admin.post("/api/v1/groups", &json!({"name": "east"})).await;
    let group = group.body["id"].as_i64().unwrap();
    let eve = lab.user("eve", Role::Operator, Some(&[group])).await;
    let slow = json!({"networks": ["127.78.0.0/20"], "rate": 1, "timeout_ms": 30000});
    let begun = admin.post("/api/v1/discovery", &slow).await;
    let path = format!("/api/v1/discovery/{}", begun.body["id"]);
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
    let hers = eve.post("/api/v1/discovery", &slow).await;
    assert_eq!(hers.status, StatusCode::ACCEPTED, "{hers:?}");
    let list = eve.get("/api/v1/discovery").await;
    assert_eq!(list.body.as_array().map(Vec::len), Some(1));
    let third = admin.post("/api/v1/discovery", &slow).await;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS, "{third:?}");
    let cancelled = admin.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(cancelled.body["state"], "cancelled", "{cancelled:?}");
    lab.stop().await;
}

#[tokio::test]
async fn openserverhub_waits_for_its_scan() {
    let sims = bmcs(79).await;
    let port = sims[0].addr().port();
    let lab = lab("[127.79.0.0/16]").await;
    let admin = lab.user("root", Role::Admin, None).await;
    let known = json!({"name": "known", "address": "127.79.1.1", "port": port});
    admin.post("/api/v1/servers", &known).await;
    let body = json!({"network": "127.79.1.1-127.79.1.2,127.79.1.9", "port": port, "timeout": 1,
        "max_workers": 50, "calculated_timeout": 60});
    let path = "/api/v1/discovery/network-scan";
    let found = admin.ask(Method::POST, path, Some(&body), &[]).await;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    assert_eq!(
        (&found.body["total_scanned"], &found.body["devices_found"]),
        (&json!(3), &json!(2))
    );
    assert!(found.body["scan_duration"].is_number());
    assert_eq!(
        found.body["devices"][0],
        json!({
            "ip": "127.79.1.1", "port": port, "username": "", "password": "", "manufacturer": "",
            "model": "", "serial_number": "", "bmc_version": "IPMI 2.0", "accessible": true,
            "auth_required": true, "already_exists": true, "existing_server_id": 1,
            "existing_server_name": "known",
        })
    );
    assert_eq!(found.body["devices"][1]["already_exists"], false);
    lab.stop().await;
}
