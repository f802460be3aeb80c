//! A real Prometheus on loopback, and a stand-in for exporters behind it.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A running Prometheus.
pub(crate) struct Prometheus {
    address: SocketAddr,
    child: Child,
    home: TempDir,
}

/// An address nobody listens at now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

impl Prometheus {
    /// Starts it at an address with the given scrape jobs, and waits until it is ready.
    pub(crate) async fn start(address: SocketAddr, jobs: &str) -> Self {
        let config = format!("global: {{scrape_interval: 1s}}\nscrape_configs:\n{jobs}");
        Self::start_with(address, &config, &[]).await
    }

    /// Starts one that scrapes nothing and has these samples, in OpenMetrics text
    /// with time stamps.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) async fn with_samples(samples: &str) -> Self {
        let home = TempDir::new().expect("a directory");
        std::fs::write(home.path().join("samples"), samples).expect("a file");
        let made = Command::new("promtool")
            .args([
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                "samples",
                "data",
            ])
            .current_dir(home.path())
            .output()
            .expect("promtool starts; `make setup` installs it");
        assert!(made.status.success(), "{made:?}");
        Self::start_in(home, free_address(), "scrape_configs: []\n", &[]).await
    }

    /// Starts it with a whole configuration and more flags.
    pub(crate) async fn start_with(address: SocketAddr, config: &str, flags: &[&str]) -> Self {
        let home = TempDir::new().expect("a directory");
        Self::start_in(home, address, config, flags).await
    }

    async fn start_in(home: TempDir, address: SocketAddr, config: &str, flags: &[&str]) -> Self {
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        std::fs::write(home.path().join("prometheus.yml"), config).expect("a file");
        let program = Path::new("/usr/bin/prometheus");
        assert!(
            program.is_file(),
            "`prometheus` of the Debian package `prometheus` is missing; `make setup` installs it"
        );
        let log = std::fs::File::create(home.path().join("log")).expect("a file");
        // Should the test be killed, the kernel kills the program.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .current_dir(home.path())
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Prometheus starts");
        let prometheus = Self {
            address,
            child,
            home,
        };
        let url = format!("http://{address}/-/ready");
        for _ in 0..300 {
            if reqwest::get(&url).await.is_ok_and(|a| a.status() == 200) {
                return prometheus;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Prometheus is not ready:\n{}", prometheus.log());
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A file of its own.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// The targets of a job as `server_id@host:port`, with all that is known of them.
    pub(crate) async fn targets(&self, job: &str) -> Vec<(String, Value)> {
        let answer = self.get("/api/v1/targets?state=active").await;
        let mut targets: Vec<(String, Value)> = answer["data"]["activeTargets"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|target| target["scrapePool"] == job)
            .map(|target| {
                let id = target["labels"]["server_name"].as_str().unwrap_or_default();
                (id.to_owned(), target.clone())
            })
            .collect();
        targets.sort_by(|a, b| a.0.cmp(&b.0));
        targets
    }

    /// How many series an expression has.
    pub(crate) async fn count(&self, expression: &str) -> usize {
        let query: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let answer = self.get(&format!("/api/v1/query?query={query}")).await;
        answer["data"]["result"].as_array().expect("a vector").len()
    }

    /// Tells it to read its files again; whether it did.
    pub(crate) async fn reload(&self) -> bool {
        let url = format!("http://{}/-/reload", self.address);
        let answer = reqwest::Client::new().post(url).send().await;
        answer.expect("Prometheus answers").status().is_success()
    }

    /// Tells it the same by a signal.
    pub(crate) fn hang_up(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Whether its last reload went well.
    pub(crate) async fn is_reloaded(&self) -> bool {
        let url = format!("http://{}/metrics", self.address);
        let answer = reqwest::get(url).await.expect("Prometheus answers");
        let text = answer.text().await.expect("it answers text");
        text.contains("\nprometheus_config_last_reload_successful 1\n")
    }

    /// Its rules, each with its group, without what changes from one evaluation to
    /// the next.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/rules").await;
        let groups = answer["data"]["groups"].as_array().expect("a list").clone();
        let rules = groups.iter().flat_map(|group| {
            let rules = group["rules"].as_array().expect("a list").iter();
            rules.map(move |rule| {
                serde_json::json!({
                    "group": group["name"], "name": rule["name"], "query": rule["query"],
                    "duration": rule["duration"], "labels": rule["labels"],
                    "annotations": rule["annotations"],
                })
            })
        });
        rules.collect()
    }

    /// Its alerts.
    pub(crate) async fn alerts(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/alerts").await;
        answer["data"]["alerts"].as_array().expect("a list").clone()
    }

    /// Its JSON at a path.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.address);
        let answer = reqwest::get(url).await.expect("Prometheus answers");
        answer.json().await.expect("it answers JSON")
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers scrapes as an exporter would, and remembers what it was asked.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&asked);
        let scrape = move |uri: axum::http::Uri| async move {
            let query = uri.query().unwrap_or_default().to_owned();
            memory.lock().expect("no panic").push(query);
            "ipmi_up{collector=\"ipmi\"} 1\n"
        };
        let app = axum::Router::new().route("/ipmi", axum::routing::get(scrape));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, asked }
    }

    /// Whether a scrape with this query was seen.
    pub(crate) fn was_asked(&self, query: &str) -> bool {
        let asked = self.asked.lock().expect("no panic");
        asked.iter().any(|seen| seen == query)
    }
}
