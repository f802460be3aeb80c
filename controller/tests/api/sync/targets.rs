//! Changes at the API arrive in a real Prometheus, and only those that should.

use std::sync::Arc;

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{create, directory, discovery, wait_for_status, wait_until};
use crate::support::prometheus::{Prometheus, StandIn, free_address};
use crate::support::{Client, Lab};

/// Waits until the targets are in a state, and gives the whole status.
async fn wait_for_state(admin: &Client, state: &str) -> Value {
    wait_for_targets(admin, |status| status["state"] == state).await
}

async fn wait_for_targets(admin: &Client, good: impl Fn(&Value) -> bool) -> Value {
    wait_for_status(admin, ("prometheus_targets", "prometheus"), good).await
}

/// An exporter, a credential profile and servers `n1` to `n<count>` at 192.0.2.1 and so on.
async fn populate(admin: &Client, exporter_url: &str, count: usize) -> Vec<i64> {
    let exporter = json!({"name": "exp", "url": exporter_url});
    create(admin, "exporters", exporter).await;
    let credential = create(admin, "credentials", json!({"name": "default"})).await;
    let mut servers = Vec::new();
    for number in 1..=count {
        let body = json!({"name": format!("n{number}"), "address": format!("192.0.2.{number}"),
            "credential_id": credential});
        servers.push(create(admin, "servers", body).await);
    }
    servers
}

/// A lab that writes targets to `targets.json` in its directory.
async fn with_file(directory: &Arc<TempDir>, more: &[(&str, String)]) -> Lab {
    let file = directory.path().join("targets.json").display().to_string();
    let mut variables = vec![("IPMI_CONTROLLER_PROMETHEUS__TARGETS_FILE", file)];
    variables.extend_from_slice(more);
    Lab::start_in(Arc::clone(directory), &variables).await
}

fn names(targets: &[(String, Value)]) -> Vec<&str> {
    targets.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn prometheus_follows_the_servers_by_file_and_by_http() {
    let directory = directory();
    let at = free_address();
    let url = ("IPMI_CONTROLLER_PROMETHEUS__URL", format!("http://{at}"));
    let lab = with_file(&directory, &[url]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let (east, west) = (StandIn::start().await, StandIn::start().await);
    for (name, stand_in) in [("east", &east), ("west", &west)] {
        let body = json!({"name": name, "url": format!("http://{}", stand_in.address),
            "site": name});
        create(&admin, "exporters", body).await;
    }
    let credential = create(&admin, "credentials", json!({"name": "lab-1"})).await;
    let body = |name: &str, site: &str, rack: &str| {
        let address = format!("bmc-{name}.example.org");
        json!({"name": name, "address": address, "port": 6230, "site": site, "rack": rack,
            "credential_id": credential})
    };
    let a = create(&admin, "servers", body("a", "east", "r1")).await;
    create(&admin, "servers", body("b", "west", "r1")).await;
    create(&admin, "servers", body("c", "west", "r1")).await;

    // Prometheus is down: it waits, and is applied when it is there.
    let waiting = wait_for_targets(&admin, |status| {
        status["entries"] == 3
            && status["message"]
                .as_str()
                .is_some_and(|message| message.contains("does not answer"))
    })
    .await;
    assert_eq!(waiting["state"], "pending");
    let token = discovery(&lab, &admin).await.token.expect("a token");
    let jobs = format!(
        "- {{job_name: ipmi-servers, file_sd_configs: [{{files: ['{}']}}]}}\n\
         - job_name: by-http\n  http_sd_configs:\n  \
         - {{url: 'http://{c}/api/v1/sd/prometheus/east', refresh_interval: 1s, \
         authorization: {{type: Bearer, credentials: {token}}}}}\n  \
         - {{url: 'http://{c}/api/v1/sd/prometheus/west', refresh_interval: 1s, \
         authorization: {{type: Bearer, credentials: {token}}}}}\n",
        lab.path("targets.json").display(),
        c = lab.address,
    );
    let prometheus = Prometheus::start(at, &jobs).await;
    let status = wait_for_state(&admin, "in_sync").await;
    assert_eq!(status["good_version"], status["published_version"]);
    let follows = async |expected: &[&str]| {
        for job in ["ipmi-servers", "by-http"] {
            wait_until(job, async || {
                names(&prometheus.targets(job).await) == expected
            })
            .await;
        }
    };
    follows(&["a", "b", "c"]).await;
    let targets = prometheus.targets("ipmi-servers").await;
    let labels = &targets[0].1["labels"];
    assert_eq!(
        labels,
        &json!({"instance": "bmc-a.example.org:6230", "job": "ipmi-servers", "rack": "r1",
            "server_id": a.to_string(), "server_name": "a", "site": "east"})
    );
    wait_until("a scrape through each exporter", async || {
        let query = |name: &str| format!("module=lab-1&target=bmc-{name}.example.org%3A6230");
        east.was_asked(&query("a")) && west.was_asked(&query("b"))
    })
    .await;
    assert!(!east.was_asked("module=lab-1&target=bmc-b.example.org%3A6230"));
    wait_until("a series", async || {
        prometheus
            .count("ipmi_up{server_name=\"a\",collector=\"ipmi\"}")
            .await
            == 1
    })
    .await;

    // A change.
    let path = format!("/api/v1/servers/{a}");
    let put = admin.put(&path, &body("a", "west", "r2")).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    for job in ["ipmi-servers", "by-http"] {
        wait_until("the new rack and exporter", async || {
            let targets = prometheus.targets(job).await;
            let target = &targets[0].1;
            let url = target["scrapeUrl"].as_str().unwrap_or_default();
            target["labels"]["rack"] == "r2" && url.contains(&west.address.to_string())
        })
        .await;
    }
    // Out of monitoring, and in again.
    let mut disabled = body("a", "west", "r2");
    disabled["monitoring_enabled"] = json!(false);
    admin.put(&path, &disabled).await;
    follows(&["b", "c"]).await;
    wait_until("its series to go", async || {
        prometheus.count("up{server_name=\"a\"}").await == 0
    })
    .await;
    admin.put(&path, &body("a", "west", "r2")).await;
    follows(&["a", "b", "c"]).await;
    // Away.
    assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
    follows(&["b", "c"]).await;
    wait_for_state(&admin, "in_sync").await;

    let versions = admin.get("/api/v1/sync/versions").await;
    let newest = &versions.body["items"][0];
    assert_eq!(newest["removed"], 1, "{newest}");
    assert_eq!(newest["author"], "root");
    assert_eq!(newest["outcome"], "verified");
    let details = admin
        .get(&format!("/api/v1/sync/versions/{}", newest["id"]))
        .await;
    let change = &details.body["changes"][0];
    assert_eq!(change["before"]["labels"]["server_name"], "a");
    assert_eq!(change["after"], Value::Null);
    assert!(
        !prometheus.log().contains("level=error"),
        "{}",
        prometheus.log()
    );
    lab.stop().await;
}

#[tokio::test]
async fn what_prometheus_refuses_is_taken_back() {
    let directory = directory();
    let at = free_address();
    let url = ("IPMI_CONTROLLER_PROMETHEUS__URL", format!("http://{at}"));
    let lab = with_file(&directory, &[url]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let jobs = format!(
        "- {{job_name: ipmi-servers, target_limit: 2, file_sd_configs: [{{files: ['{}']}}]}}\n",
        lab.path("targets.json").display()
    );
    let prometheus = Prometheus::start(at, &jobs).await;
    let stand_in = StandIn::start().await;
    populate(&admin, &format!("http://{}", stand_in.address), 2).await;
    wait_for_state(&admin, "in_sync").await;
    let good = std::fs::read(lab.path("targets.json")).unwrap();
    let credential = admin.get("/api/v1/credentials").await.body["items"][0]["id"].clone();
    let third = json!({"name": "n3", "address": "192.0.2.3", "credential_id": credential});
    let third = create(&admin, "servers", third).await;
    let failed = wait_for_state(&admin, "failed").await;
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("target_limit"), "{failed:#}");
    assert_eq!(failed["waiting"]["added"], 1);
    assert_eq!(std::fs::read(lab.path("targets.json")).unwrap(), good);
    wait_until("scrapes to go on", async || {
        let targets = prometheus.targets("ipmi-servers").await;
        names(&targets) == ["n1", "n2"] && targets.iter().all(|(_, t)| t["health"] == "up")
    })
    .await;
    let versions = admin.get("/api/v1/sync/versions").await;
    assert_eq!(versions.body["items"][0]["outcome"], "refused");
    // The way out: what was too much goes.
    admin.delete(&format!("/api/v1/servers/{third}")).await;
    wait_for_state(&admin, "in_sync").await;
    lab.stop().await;
}

#[tokio::test]
async fn a_great_loss_waits_for_a_confirmation() {
    let directory = directory();
    let strict = [
        ("IPMI_CONTROLLER_SYNC__ALWAYS_REMOVABLE", "0".to_owned()),
        ("IPMI_CONTROLLER_SYNC__MAX_REMOVED_PERCENT", "5".to_owned()),
    ];
    let lab = with_file(&directory, &strict).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let prometheus = discovery(&lab, &admin).await;
    let sd = "/api/v1/sd/prometheus/exp";
    wait_for_state(&admin, "empty").await;
    let servers = populate(&admin, "http://127.0.0.1:9", 10).await;
    wait_for_targets(&admin, |s| s["entries"] == 10).await;
    let file = lab.path("targets.json");
    let before = std::fs::read(&file).unwrap();
    for server in &servers[..3] {
        admin.delete(&format!("/api/v1/servers/{server}")).await;
    }
    let status = wait_for_targets(&admin, |s| s["waiting"]["removed"] == 3).await;
    assert_eq!(status["state"], "awaiting_confirmation", "{status:#}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let listed = prometheus.get(sd).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(10));
    let plan = admin.post("/api/v1/sync/plan", &json!({})).await;
    assert_eq!(plan.body["artefacts"][0]["removed"], 3, "{plan:?}");
    assert_eq!(plan.body["artefacts"][0]["needs_confirmation"], true);
    assert_eq!(
        plan.body["artefacts"][0]["changes"][0]["before"]["labels"]["server_name"],
        "n1"
    );
    let revision = plan.body["revision"].as_i64().unwrap();
    let confirm = async |revision: i64| {
        let body = json!({"revision": revision});
        admin.post("/api/v1/sync/confirm", &body).await.status
    };
    assert_eq!(confirm(revision - 1).await, StatusCode::CONFLICT);
    assert_eq!(confirm(revision).await, StatusCode::ACCEPTED);
    wait_for_targets(&admin, |s| s["entries"] == 7 && s["state"] == "unverified").await;

    for server in &servers[3..] {
        admin.delete(&format!("/api/v1/servers/{server}")).await;
    }
    let status = wait_for_targets(&admin, |s| s["waiting"]["removed"] == 7).await;
    assert_eq!(status["state"], "awaiting_confirmation");
    let listed = prometheus.get(sd).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(7), "not empty");
    let revision = status["revision"].as_i64().unwrap();
    assert_eq!(confirm(revision).await, StatusCode::ACCEPTED);
    wait_for_targets(&admin, |s| s["entries"] == 0 && s["state"] == "unverified").await;
    let listed = prometheus.get(sd).await;
    assert_eq!(listed.status, StatusCode::OK);
    assert_eq!(listed.body, json!([]), "truly empty, and confirmed");
    let versions = admin.get("/api/v1/sync/versions").await;
    assert_eq!(versions.body["items"][0]["reason"], "confirmed");
    lab.stop().await;
}

#[tokio::test]
async fn a_file_that_others_change_is_repaired_and_a_restart_converges() {
    let directory = directory();
    let lab = with_file(&directory, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    populate(&admin, "http://127.0.0.1:9", 3).await;
    wait_for_targets(&admin, |s| s["entries"] == 3 && s["state"] == "unverified").await;
    let file = lab.path("targets.json");
    let good = std::fs::read(&file).unwrap();
    let is_good = async || std::fs::read(&file).is_ok_and(|bytes| bytes == good);
    std::fs::write(&file, "[]").unwrap();
    wait_until("the repair of a change", is_good).await;
    std::fs::remove_file(&file).unwrap();
    wait_until("the repair of a removal", is_good).await;
    let status = wait_for_targets(&admin, |s| s["repairs"] == 2).await;
    assert!(status["repaired_at"].is_string());
    let lab_directory = lab.directory();
    lab.stop().await;

    // As kill -9 between the decision and the write would leave it.
    std::fs::write(&file, "[\n]\n").unwrap();
    std::fs::write(directory.path().join(".targets.json.tmp"), "[\n{").unwrap();
    let lab = with_file(&lab_directory, &[]).await;
    wait_until("the last version", is_good).await;
    lab.stop().await;
}

#[tokio::test]
async fn a_lost_store_does_not_empty_prometheus() {
    let directory = directory();
    let lab = with_file(&directory, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    populate(&admin, "http://127.0.0.1:9", 3).await;
    wait_for_targets(&admin, |s| s["entries"] == 3).await;
    let file = lab.path("targets.json");
    let written = async || file.exists();
    wait_until("the file", written).await;
    let good = std::fs::read(&file).unwrap();
    lab.stop().await;
    for name in ["c.db", "c.db-wal", "c.db-shm"] {
        let _ = std::fs::remove_file(directory.path().join(name));
    }
    let lab = with_file(&directory, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let status = wait_for_state(&admin, "awaiting_confirmation").await;
    assert_eq!(status["waiting"]["removed"], 3);
    assert_eq!(std::fs::read(&file).unwrap(), good);
    let prometheus = discovery(&lab, &admin).await;
    create(
        &admin,
        "exporters",
        json!({"name": "exp", "url": "http://127.0.0.1:9"}),
    )
    .await;
    let listed = prometheus.get("/api/v1/sd/prometheus/exp").await;
    assert_eq!(listed.status, StatusCode::SERVICE_UNAVAILABLE);
    lab.stop().await;
}

#[tokio::test]
async fn http_discovery_answers_as_prometheus_needs_it() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let prometheus = discovery(&lab, &admin).await;
    let path = "/api/v1/sd/prometheus/exp";
    assert_eq!(
        lab.nobody().get(path).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(admin.get(path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(prometheus.get(path).await.status, StatusCode::NOT_FOUND);
    create(
        &admin,
        "exporters",
        json!({"name": "idle", "url": "http://127.0.0.1:9"}),
    )
    .await;
    let idle = "/api/v1/sd/prometheus/idle";
    let nothing = prometheus.get(idle).await;
    assert_eq!(
        nothing.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "not [] by accident"
    );
    populate(&admin, "http://127.0.0.1:9", 2).await;
    wait_for_targets(&admin, |s| s["entries"] == 2).await;
    let url = format!("http://{}{path}", lab.address);
    let token = prometheus.token.clone().unwrap();
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let again = prometheus
        .ask(Method::GET, path, None, &[("if-none-match", &etag)])
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.text.is_empty());
    lab.store.close().await;
    let broken = prometheus.get(path).await;
    assert!(broken.status.is_server_error(), "no list: {broken:?}");
    lab.stop().await;
}

#[tokio::test]
async fn an_older_version_comes_back_and_stays_until_resumed() {
    let directory = directory();
    let lab = with_file(&directory, &[]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let servers = populate(&admin, "http://127.0.0.1:9", 2).await;
    let first = wait_for_targets(&admin, |s| s["entries"] == 2 && s["state"] == "unverified").await;
    admin
        .delete(&format!("/api/v1/servers/{}", servers[0]))
        .await;
    wait_for_targets(&admin, |s| s["entries"] == 1).await;
    let path = format!(
        "/api/v1/sync/versions/{}/restore",
        first["published_version"]
    );
    let restored = admin.post(&path, &json!({})).await;
    assert_eq!(restored.status, StatusCode::ACCEPTED, "{restored:?}");
    assert_eq!(restored.body["reason"], "restored");
    assert_eq!(restored.body["author"], "root");
    let held = wait_for_state(&admin, "held").await;
    assert_eq!(held["entries"], 2);
    assert_eq!(held["waiting"]["removed"], 1);
    assert_eq!(
        admin.post("/api/v1/sync/resume", &json!({})).await.status,
        StatusCode::ACCEPTED
    );
    wait_for_targets(&admin, |s| s["entries"] == 1 && s["state"] == "unverified").await;
    lab.stop().await;
}

#[tokio::test]
async fn a_directory_that_is_missing_is_named_and_waited_for() {
    let directory = directory();
    let late = directory.path().join("late");
    let file = late.join("targets.json").display().to_string();
    let variables = [("IPMI_CONTROLLER_PROMETHEUS__TARGETS_FILE", file)];
    let lab = Lab::start_in(Arc::clone(&directory), &variables).await;
    let admin = lab.user("root", Role::Admin, None).await;
    populate(&admin, "http://127.0.0.1:9", 1).await;
    let failed = wait_for_state(&admin, "failed").await;
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .contains("late/targets.json")
    );
    std::fs::create_dir(&late).unwrap();
    wait_for_state(&admin, "unverified").await;
    assert!(late.join("targets.json").exists());
    lab.stop().await;
}

#[tokio::test]
async fn who_is_limited_to_groups_learns_no_names_of_others() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let east = create(&admin, "groups", json!({"name": "east"})).await;
    populate(&admin, "http://127.0.0.1:9", 1).await;
    let status = wait_for_targets(&admin, |s| s["entries"] == 1).await;
    let eve = lab.user("eve", Role::Operator, Some(&[east])).await;
    assert_eq!(eve.get("/api/v1/sync").await.status, StatusCode::OK);
    let version = format!("/api/v1/sync/versions/{}", status["published_version"]);
    assert_eq!(eve.get(&version).await.status, StatusCode::FORBIDDEN);
    for path in ["plan", "confirm"] {
        let answer = eve
            .post(&format!("/api/v1/sync/{path}"), &json!({"revision": 1}))
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    lab.stop().await;
}
