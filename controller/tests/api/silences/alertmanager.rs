//! A real Alertmanager on loopback, that can be killed and started again.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::prometheus::free_address;
use crate::support::wait::wait_for;

/// Where Debian puts it.
const PROGRAM: &str = "/usr/bin/prometheus-alertmanager";

/// An Alertmanager, which runs or not.
pub(crate) struct Alertmanager {
    address: SocketAddr,
    home: TempDir,
    child: Option<Child>,
}

impl Alertmanager {
    /// One that does not run yet, with a whole configuration.
    pub(crate) fn new(config: &str) -> Self {
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        assert!(
            Path::new(PROGRAM).is_file(),
            "the Debian package `prometheus-alertmanager` is missing; `make setup` installs it"
        );
        let home = TempDir::new().expect("a directory");
        std::fs::write(home.path().join("config.yml"), config).expect("a file");
        Self {
            address: free_address(),
            home,
            child: None,
        }
    }

    /// One that tells nobody, and runs.
    pub(crate) async fn quiet() -> Self {
        let mut quiet = Self::new("route: {receiver: none}\nreceivers: [{name: none}]\n");
        quiet.start().await;
        quiet
    }

    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(&mut self) {
        let log = std::fs::File::create(self.home.path().join("log")).expect("a file");
        // Should the test be killed, the kernel kills the program.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", PROGRAM])
            .args(["--config.file=config.yml", "--storage.path=data"])
            .arg("--cluster.listen-address=")
            .arg(format!("--web.listen-address={}", self.address))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Alertmanager starts");
        self.child = Some(child);
        let url = format!("{}/-/ready", self.url());
        wait_for("Alertmanager", async || {
            let answer = reqwest::get(&url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// SIGKILL: what it has not written to disk is lost.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its JSON at a path below `api/v2/`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/v2/{path}", self.url());
        let answer = reqwest::get(url).await.expect("Alertmanager answers");
        answer.json().await.expect("it answers JSON")
    }

    /// What it makes of a body at a path below `api/v2/`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v2/{path}", self.url());
        let answer = reqwest::Client::new().post(url).json(body).send().await;
        let answer = answer.expect("Alertmanager answers");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.unwrap_or_default()
    }

    /// Its silences that are not over.
    pub(crate) async fn silences(&self) -> Vec<Value> {
        let all = self.get("silences").await;
        let all = all.as_array().expect("a list").iter();
        all.filter(|silence| silence["status"]["state"] != "expired")
            .cloned()
            .collect()
    }

    /// Ends a silence there.
    pub(crate) async fn expire(&self, id: &str) {
        let url = format!("{}/api/v2/silence/{id}", self.url());
        let answer = reqwest::Client::new().delete(url).send().await;
        assert!(answer.expect("Alertmanager answers").status().is_success());
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.kill();
    }
}
