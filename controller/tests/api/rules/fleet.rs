//! Recorded machines behind a stand-in for exporters, a controller that knows them,
//! and a Prometheus that scrapes them with the controller's targets and rules.
#![expect(
    clippy::unwrap_used,
    reason = "what helpers of a test cannot do fails the test"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use ipmi_controller::config::PrometheusServers;
use ipmi_controller::model::Role;
use ipmi_controller::render;
use serde_json::{Value, json};

use crate::support::prometheus::{Prometheus, free_address};
use crate::support::{Client, Lab};

/// Name, model, site and group of each machine; the name is that of its file.
pub(super) const MACHINES: [[&str; 4]; 3] = [
    ["dell-poweredge-r630", "R630", "east", "db"],
    ["dell-poweredge-r740xd", "R740xd", "east", ""],
    ["quanta-d51", "D51", "west", "db"],
];

pub(super) struct Fleet {
    pub(super) lab: Lab,
    pub(super) admin: Client,
    prometheus: SocketAddr,
    directory: Arc<tempfile::TempDir>,
}

impl Fleet {
    /// A controller with the machines as servers 1 to 3.
    pub(super) async fn new() -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let prometheus = free_address();
        let url = ("IPMI_CONTROLLER_QUERY__URL", format!("http://{prometheus}"));
        let lab = Lab::start_in(Arc::clone(&directory), &[url]).await;
        let admin = lab.user("root", Role::Admin, None).await;
        let exporter = serve_expositions().await;
        let make = async |path: &str, body: Value| {
            let made = admin.post(path, &body).await;
            assert_eq!(made.status, 201, "{made:?}");
            made.body["id"].clone()
        };
        make(
            "/api/v1/exporters",
            json!({"name": "exp", "url": format!("http://{exporter}")}),
        )
        .await;
        let credential = make("/api/v1/credentials", json!({"name": "all"})).await;
        let db = make("/api/v1/groups", json!({"name": "db"})).await;
        for (at, [name, model, site, group]) in MACHINES.into_iter().enumerate() {
            let group = (group == "db").then(|| db.clone());
            let server = make(
                "/api/v1/servers",
                json!({"name": name, "address": name, "credential_id": credential,
                    "group_id": group, "model": model, "site": site}),
            )
            .await;
            assert_eq!(server, at + 1);
        }
        Self {
            lab,
            admin,
            prometheus,
            directory,
        }
    }

    /// A Prometheus that scrapes the machines and evaluates what the controller has
    /// to publish each second.
    pub(super) async fn prometheus(&self) -> Prometheus {
        let mut tx = self.lab.store.read().await.unwrap();
        let shard = PrometheusServers::default().shards();
        let targets = render::targets(&tx.inventory().await.unwrap(), &shard).unwrap();
        let groups = render::rule_groups(&tx.ruleset().await.unwrap());
        drop(tx);
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        std::fs::write(path("targets.json"), targets.shards[0].document.bytes()).unwrap();
        let mut groups = serde_json::to_value(groups).unwrap();
        for group in groups.as_array_mut().unwrap() {
            group["interval"] = json!("1s");
        }
        let text = json!({ "groups": groups }).to_string();
        std::fs::write(path("rules.yml"), text).unwrap();
        let jobs = format!(
            "- job_name: ipmi-servers\n  file_sd_configs: [{{files: [{}]}}]\nrule_files: [{}]\n",
            path("targets.json"),
            path("rules.yml")
        );
        let prometheus = Prometheus::start(self.prometheus, &jobs).await;
        let up = "up{job=\"ipmi-servers\"} == 1";
        wait_until(async || prometheus.count(up).await == MACHINES.len()).await;
        // Every rule is to have seen all machines.
        let all_up = jiff::Timestamp::now();
        wait_until(async || {
            let rules = rules(&prometheus).await;
            rules.iter().all(|rule| {
                let at = rule["lastEvaluation"].as_str().unwrap();
                at.parse::<jiff::Timestamp>().unwrap() > all_up
            })
        })
        .await;
        prometheus
    }
}

/// The rules that a Prometheus has.
pub(super) async fn rules(prometheus: &Prometheus) -> Vec<Value> {
    let answer = prometheus.get("/api/v1/rules").await;
    let groups = answer["data"]["groups"].as_array().unwrap().clone();
    let rules = groups
        .iter()
        .map(|group| group["rules"].as_array().unwrap().clone());
    rules.flatten().collect()
}

/// Asks until the answer is yes, for a minute at most.
async fn wait_until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("it did not come to be in a minute");
}

/// Answers scrapes of a machine with its recorded exposition.
async fn serve_expositions() -> SocketAddr {
    let scrape = |Query(query): Query<BTreeMap<String, String>>| async move {
        let file = format!(
            "{}/tests/data/expositions/{}.txt",
            env!("CARGO_MANIFEST_DIR"),
            query["target"]
        );
        std::fs::read_to_string(file).unwrap()
    };
    let app = axum::Router::new().route("/ipmi", axum::routing::get(scrape));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
