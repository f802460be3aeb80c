//! A real Prometheus with a rule, a real Alertmanager with a silence, and the
//! journal behind both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Controller, Process, free_port, install_cryptography, program};
use crate::wait::wait_for;

/// How often a free port may turn out to be taken.
const ATTEMPTS: usize = 5;

/// A program that answers HTTP.
pub(crate) struct Server {
    home: TempDir,
    process: Process,
    pub(crate) base: String,
}

impl Server {
    /// Starts a program with its files on a port of its own.
    pub(crate) async fn start(name: &str, files: &[(&str, String)], flags: &[&str]) -> Self {
        install_cryptography();
        for _ in 0..ATTEMPTS {
            let home = TempDir::new().expect("a directory");
            for (name, content) in files {
                std::fs::write(home.path().join(name), content).expect("a file");
            }
            let address = format!("127.0.0.1:{}", free_port());
            let process = Process::start(&program(name), home.path().join("log"), |command| {
                command
                    .current_dir(home.path())
                    .arg(format!("--web.listen-address={address}"))
                    .args(flags);
            });
            let mut server = Self {
                home,
                process,
                base: format!("http://{address}"),
            };
            let http = reqwest::Client::new();
            let is_ready = wait_for(name, async || {
                let log = server.process.log();
                if log.contains("address already in use") {
                    return Some(false);
                }
                server.process.check();
                let answer = http.get(format!("{}/-/ready", server.base)).send().await;
                answer
                    .is_ok_and(|answer| answer.status().is_success())
                    .then_some(true)
            })
            .await;
            if is_ready {
                return server;
            }
        }
        panic!("{name} found no free port");
    }

    /// Replaces one of its files and has it read its configuration anew.
    pub(crate) async fn reload(&self, name: &str, content: String) {
        std::fs::write(self.home.path().join(name), content).expect("a file");
        let url = format!("{}/-/reload", self.base);
        let answer = reqwest::Client::new().post(url).send().await;
        let answer = answer.expect("an answer");
        assert!(answer.status().is_success(), "{}", self.process.log());
    }

    async fn alertmanager(controller: &Controller) -> Self {
        let config = format!(
            "route:\n  receiver: journal\n  group_by: [alertname, server_id]\n  \
             group_wait: 0s\n  group_interval: 1s\nreceivers:\n- name: journal\n  \
             webhook_configs:\n  - url: {}/api/v1/monitoring/alerts/webhook\n    \
             send_resolved: true\n    http_config:\n      authorization:\n        \
             credentials: {}\n",
            controller.base, controller.inlet_token
        );
        let flags = [
            "--config.file=config.yml",
            "--storage.path=data",
            "--cluster.listen-address=",
        ];
        Self::start("prometheus-alertmanager", &[("config.yml", config)], &flags).await
    }

    async fn prometheus(controller: &Controller, alertmanager: &Self, target: &str) -> Self {
        let host = |base: &str| base.trim_start_matches("http://").to_owned();
        let config = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n- job_name: test\n  static_configs: [{{targets: ['{target}']}}]\n\
             alerting:\n  alertmanagers:\n  \
             - static_configs: [{{targets: ['{}']}}]\n  \
             - static_configs: [{{targets: ['{}']}}]\n    \
             authorization: {{credentials: {}}}\n",
            host(&alertmanager.base),
            host(&controller.base),
            controller.inlet_token
        );
        let rules = "groups:\n- name: test\n  rules:\n  - alert: FanFailed\n    \
             expr: fan_failed == 1\n    labels: {severity: critical}\n    \
             annotations: {summary: 'a fan of {{ $labels.server_id }}'}\n";
        let files = [("prometheus.yml", config), ("rules.yml", rules.to_owned())];
        let flags = [
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--rules.alert.resend-delay=1s",
        ];
        Self::start("prometheus", &files, &flags).await
    }

    /// Silences a server's alerts.
    async fn silence(&self, server_id: &str) {
        let body = json!({
            "matchers": [{"name": "server_id", "value": server_id, "isRegex": false}],
            "startsAt": "2020-01-01T00:00:00Z",
            "endsAt": "2199-01-01T00:00:00Z",
            "createdBy": "test",
            "comment": "test",
        });
        let url = format!("{}/api/v2/silences", self.base);
        let answer = reqwest::Client::new().post(url).json(&body).send().await;
        assert!(answer.expect("an answer").status().is_success());
    }
}

/// Serves whether the fans of two servers have failed; gives its address.
async fn serve_metric(has_failed: Arc<AtomicU8>) -> String {
    let metric = async move || {
        let value = has_failed.load(Ordering::Relaxed);
        format!(
            "# TYPE fan_failed gauge\nfan_failed{{server_id=\"1\"}} {value}\n\
             fan_failed{{server_id=\"2\"}} {value}\n"
        )
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let router = Router::new().route("/metrics", get(metric));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn kinds(life: &Value) -> Vec<&str> {
    let events = life["events"].as_array().expect("events");
    events
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_one_episode_and_a_silenced_one_is_not_lost() {
    let controller = Controller::start(None).await;
    let alertmanager = Server::alertmanager(&controller).await;
    alertmanager.silence("2").await;
    let has_failed = Arc::new(AtomicU8::new(0));
    let target = serve_metric(Arc::clone(&has_failed)).await;
    let _prometheus = Server::prometheus(&controller, &alertmanager, &target).await;

    has_failed.store(1, Ordering::Relaxed);
    let alert = async |server_id: i64| {
        let path = format!("alerts?server_id={server_id}");
        let list = controller.ask(&path, None).await;
        assert!(list["total"].as_i64() <= Some(1), "one row: {list}");
        list["items"][0].clone()
    };
    let notified = wait_for("a notification", async || {
        let alert = alert(1).await;
        (alert["notified"] == true).then_some(alert)
    })
    .await;
    assert_eq!(notified["state"], "firing");
    assert_eq!(notified["annotations"]["summary"], "a fan of 1");
    let silenced = wait_for("the silenced alert", async || {
        let alert = alert(2).await;
        alert["id"].is_i64().then_some(alert)
    })
    .await;
    assert_eq!(silenced["state"], "firing");

    has_failed.store(0, Ordering::Relaxed);
    for server_id in [1, 2] {
        wait_for("its end", async || {
            (alert(server_id).await["state"] == "resolved").then_some(())
        })
        .await;
    }
    let path = format!("alerts/{}", notified["id"]);
    let life = wait_for("the notification of its end", async || {
        let life = controller.ask(&path, None).await;
        let count = kinds(&life)
            .iter()
            .filter(|kind| **kind == "notified")
            .count();
        (count == 2).then_some(life)
    })
    .await;
    assert_eq!(life["end_reason"], "recovered", "{life}");
    let kinds = kinds(&life);
    assert_eq!(kinds.first(), Some(&"firing"));
    assert!(kinds.contains(&"resolved"), "{kinds:?}");
    let silenced = alert(2).await;
    assert_eq!(silenced["notified"], false);
    assert_eq!(silenced["end_reason"], "recovered");
    assert_eq!(silenced["starts_at"], notified["starts_at"]);
    let all = controller.ask("alerts", None).await;
    assert_eq!(all["total"], 2);
}
