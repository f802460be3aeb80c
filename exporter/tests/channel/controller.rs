//! A controller of a test's own, and an administrator who asks it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipmi_controller::auth::PasswordHasher;
use ipmi_controller::config::Config;
use ipmi_controller::model::{Role, UserBody, UserDraft};
use ipmi_controller::serve::Controller as Service;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::lab::LIMIT;
use crate::support::wait_for;

const ADMIN_PASSWORD: &str = "zq7canaryLOGIN4711";

/// A controller that can be killed and started again where it was.
pub(crate) struct Controller {
    /// Where it listens, also after a restart.
    pub(crate) address: SocketAddr,
    home: TempDir,
    /// More of its configuration, by the names of variables behind the prefix.
    settings: Vec<(&'static str, String)>,
    /// Asks, while the controller lives and while it does not.
    asking: Runtime,
    running: Option<Runtime>,
    token: String,
    client: reqwest::Client,
}

impl Controller {
    pub(crate) fn start() -> Self {
        Self::start_with(Vec::new())
    }

    /// The same with more configuration.
    pub(crate) fn start_with(settings: Vec<(&'static str, String)>) -> Self {
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = TempDir::new().expect("a directory");
        std::fs::write(home.path().join("master.key"), "07".repeat(32)).expect("a file");
        let asking = runtime();
        let mut controller = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            home,
            settings,
            asking,
            running: None,
            token: String::new(),
            client: reqwest::Client::new(),
        };
        controller.run(Some("root"));
        let log_in = json!({"username": "root", "password": ADMIN_PASSWORD});
        let answer = controller.ask(Method::POST, "auth/login", Some(&log_in));
        controller.token = answer["access_token"].as_str().unwrap().to_owned();
        controller
    }

    /// Starts the service; with the name of an administrator to make.
    fn run(&mut self, admin: Option<&str>) {
        let running = runtime();
        let home = self.home.path();
        let variables = [
            ("LISTEN", self.address.to_string()),
            (
                "DATABASE",
                format!("sqlite://{}", home.join("c.db").display()),
            ),
            (
                "MASTER_KEY_FILE",
                home.join("master.key").display().to_string(),
            ),
        ]
        .into_iter()
        .chain(self.settings.iter().cloned())
        .map(|(name, value)| (format!("IPMI_CONTROLLER_{name}"), value));
        let config = Config::load(None, variables).expect("a configuration");
        self.address = running.block_on(async {
            let service = Service::start(&config).await.expect("a controller");
            if let Some(admin) = admin {
                make_admin(&service, admin).await;
            }
            let address = service.address().expect("an address");
            tokio::spawn(service.serve(CancellationToken::new()));
            address
        });
        self.running = Some(running);
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown_timeout(Duration::from_secs(5));
        }
    }

    /// Starts it again, with its database and at its address.
    pub(crate) fn start_again(&mut self) {
        wait_for("the controller's port to be free", LIMIT, || {
            std::net::TcpListener::bind(self.address).ok()
        });
        self.run(None);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.home.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }

    /// Asks as administrator; the answer must be a good one.
    pub(crate) fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.try_ask(method, path, body);
        assert!(status.is_success(), "{path}: {status}: {answer}");
        answer
    }

    pub(crate) fn try_ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = self
            .client
            .request(method, format!("{}/api/v1/{path}", self.url()))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.asking.block_on(async {
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            (status, answer.json().await.unwrap_or_default())
        })
    }

    /// Makes something and gives its number.
    pub(crate) fn create(&self, what: &str, body: &Value) -> i64 {
        self.ask(Method::POST, what, Some(body))["id"]
            .as_i64()
            .expect("a number")
    }

    /// Makes an exporter.
    pub(crate) fn exporter(&self, name: &str) -> i64 {
        let body = json!({"name": name, "url": "http://192.0.2.1:9290", "site": name});
        self.create("exporters", &body)
    }

    /// Makes a token for an exporter.
    pub(crate) fn token(&self, exporter: i64) -> String {
        let body = json!({"name": "exporter", "kind": "exporter", "exporter_id": exporter});
        let made = self.ask(Method::POST, "tokens", Some(&body));
        made["token"].as_str().expect("a text").to_owned()
    }

    /// Makes a profile.
    pub(crate) fn credential(&self, name: &str, user: &str, password: &str) -> i64 {
        let body = json!({"name": name, "username": user, "password": password});
        self.create("credentials", &body)
    }

    /// Makes a server that an exporter carries.
    pub(crate) fn server(
        &self,
        name: &str,
        bmc: SocketAddr,
        credential: i64,
        exporter: i64,
    ) -> i64 {
        let body = json!({"name": name, "address": bmc.ip().to_string(), "port": bmc.port(),
            "credential_id": credential, "exporter_id": exporter});
        self.create("servers", &body)
    }

    /// What the controller knows of an exporter's configuration.
    pub(crate) fn channel(&self, exporter: i64) -> Value {
        self.ask(Method::GET, &format!("exporters/{exporter}"), None)["channel"].take()
    }

    /// Waits until an exporter is said to work with what it should.
    pub(crate) fn wait_in_sync(&self, exporter: i64) -> Value {
        wait_for("the exporter to be in sync", LIMIT, || {
            Some(self.channel(exporter)).filter(|channel| channel["applied"] == "in_sync")
        })
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn make_admin(service: &Service, name: &str) {
    let body = UserBody {
        username: name.to_owned(),
        email: String::new(),
        role: Role::Admin,
        is_active: true,
        group_ids: None,
        password: Some(ADMIN_PASSWORD.to_owned()),
    };
    let (draft, password) = UserDraft::parse(&body).expect("a user");
    let hasher = PasswordHasher::new().expect("hashing works");
    let hash = hasher.hash(password.expect("one")).await.expect("a hash");
    let mut tx = service.store().write().await.expect("the store");
    tx.insert_user(&draft, &hash).await.expect("a new name");
    tx.commit().await.expect("the store");
}
