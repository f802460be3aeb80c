//! A controller of a test's own, and somebody who asks it.

#[allow(dead_code, reason = "not every test needs it")]
pub(crate) mod alertmanager;
pub(crate) mod prometheus;
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) mod smtp;
pub(crate) mod wait;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipmi_controller::auth::PasswordHasher;
use ipmi_controller::config::Config;
use ipmi_controller::model::{Role, UserBody, UserDraft};
use ipmi_controller::serve::Controller;
use ipmi_controller::store::Store;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Password of every user of a test.
pub(crate) const PASSWORD: &str = "zq7canaryLOGIN4711";

/// A running controller.
pub(crate) struct Lab {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    shutdown: CancellationToken,
    served: Option<JoinHandle<()>>,
    directory: Arc<TempDir>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Lab {
    /// Starts a controller with an empty database.
    pub(crate) async fn start() -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        Self::start_in(directory, &[]).await
    }

    /// Starts a controller in a directory, where another one may have been, with
    /// more configuration.
    pub(crate) async fn start_in(directory: Arc<TempDir>, more: &[(&str, String)]) -> Self {
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = directory.path().join("master.key");
        std::fs::write(&key, "07".repeat(32)).expect("a file");
        let database = format!("sqlite://{}", directory.path().join("c.db").display());
        let variables = [
            ("IPMI_CONTROLLER_LISTEN", "127.0.0.1:0".to_owned()),
            ("IPMI_CONTROLLER_DATABASE", database),
            ("IPMI_CONTROLLER_MASTER_KEY_FILE", key.display().to_string()),
        ]
        .into_iter()
        .chain(more.iter().cloned())
        .map(|(name, value)| (name.to_owned(), value));
        let config = Config::load(None, variables).expect("a configuration");
        let controller = Controller::start(&config).await.expect("a controller");
        let address = controller.address().expect("an address");
        let store = controller.store().clone();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let served = tokio::spawn(async move {
            controller.serve(stop).await.expect("serves");
        });
        Self {
            address,
            store,
            shutdown,
            served: Some(served),
            directory,
        }
    }

    /// Makes a user and signs in.
    pub(crate) async fn user(&self, username: &str, role: Role, groups: Option<&[i64]>) -> Client {
        let body = UserBody {
            username: username.to_owned(),
            email: String::new(),
            role,
            is_active: true,
            group_ids: groups.map(|groups| groups.iter().copied().collect()),
            password: Some(PASSWORD.to_owned()),
        };
        let (draft, password) = UserDraft::parse(&body).expect("a user");
        let hasher = PasswordHasher::new().expect("hashing works");
        let hash = hasher.hash(password.expect("one")).await.expect("a hash");
        let mut tx = self.store.write().await.expect("the store");
        tx.insert_user(&draft, &hash).await.expect("a new name");
        tx.commit().await.expect("the store");
        let mut client = self.nobody();
        let credentials = serde_json::json!({"username": username, "password": PASSWORD});
        let answer = client.post("/api/v1/auth/login", &credentials).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        client.token = answer.body["access_token"].as_str().map(str::to_owned);
        client
    }

    /// Where its files are.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its directory, for one that comes after it.
    pub(crate) fn directory(&self) -> Arc<TempDir> {
        Arc::clone(&self.directory)
    }

    /// Somebody without a token.
    pub(crate) fn nobody(&self) -> Client {
        Client {
            base: format!("http://{}", self.address),
            token: None,
            http: reqwest::Client::new(),
        }
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(served) = self.served.take() {
            served.await.expect("it ends well");
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) base: String,
    pub(crate) token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, Some(body), &[]).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, Some(body), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None, &[]).await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request).await
    }

    /// Sends a body of another kind than JSON.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let request = request.header("content-type", media_type).body(body);
        Self::answer(request).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let etag = response
            .headers()
            .get("etag")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let text = response.text().await.expect("a body");
        Answer {
            status,
            etag,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }
}
