//! A real Alertmanager on loopback.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::wait::wait_for;

/// A running Alertmanager, killed when it is dropped.
pub(crate) struct Alertmanager {
    address: SocketAddr,
    child: Child,
    home: TempDir,
}

impl Alertmanager {
    /// Starts it at an address with the configuration of a file, and waits until it
    /// is ready.
    pub(crate) async fn start(address: SocketAddr, config: &Path) -> Self {
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = TempDir::new().expect("a directory");
        let log = std::fs::File::create(home.path().join("log")).expect("a file");
        // Should the test be killed, the kernel kills the program.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "prometheus-alertmanager"])
            .current_dir(home.path())
            .arg(format!("--config.file={}", config.display()))
            .args(["--storage.path=data", "--cluster.listen-address="])
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Alertmanager starts; `make setup` installs it");
        let alertmanager = Self {
            address,
            child,
            home,
        };
        let url = format!("http://{address}/-/ready");
        wait_for("Alertmanager", async || {
            let answer = reqwest::get(&url).await;
            let is_ready = answer.is_ok_and(|answer| answer.status().is_success());
            is_ready.then_some(())
        })
        .await;
        alertmanager
    }

    /// What it works with, as it shows it.
    pub(crate) async fn config(&self) -> String {
        let url = format!("http://{}/api/v2/status", self.address);
        let answer = reqwest::get(url).await.expect("an answer");
        let status: Value = answer.json().await.expect("a status");
        let config = status["config"]["original"].as_str();
        config.expect("a configuration").to_owned()
    }

    /// A metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.address);
        let answer = reqwest::get(url).await.expect("an answer");
        let text = answer.text().await.expect("a text");
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.expect("the metric").parse().expect("a number")
    }

    /// Tells it of an alert.
    pub(crate) async fn fire(&self, labels: &Value) {
        let url = format!("http://{}/api/v2/alerts", self.address);
        let alerts = serde_json::json!([{
            "labels": labels,
            "annotations": {"summary": "Fan 1 failed", "summary_zh": "风扇 1 故障"},
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2199-01-01T00:00:00Z",
        }]);
        let told = reqwest::Client::new().post(url).json(&alerts).send().await;
        assert!(told.expect("an answer").status().is_success());
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
