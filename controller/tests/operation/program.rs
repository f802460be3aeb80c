//! The program, started with a configuration file of a test's own.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::wait::wait_for;

/// Name and password of the administrator.
pub(crate) const ADMIN: (&str, &str) = ("root", "zq7canaryLOGIN4711");

/// A configuration file in a directory, with a master key and a SQLite database
/// unless the text names another.
pub(crate) fn configure(directory: &Path, more: &str) -> PathBuf {
    let key = directory.join("master.key");
    if !key.exists() {
        std::fs::write(&key, "07".repeat(32)).expect("a file");
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("ours");
    }
    let mut text = format!("listen: 127.0.0.1:0\nmaster_key_file: {}\n", key.display());
    if !more.contains("database:") {
        text.push_str(&format!(
            "database: sqlite://{}\n",
            directory.join("c.db").display()
        ));
    }
    text.push_str(more);
    let path = directory.join("controller.yml");
    std::fs::write(&path, text).expect("a file");
    path
}

/// The program with a clean environment.
pub(crate) fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipmi_controller"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("IPMI_CONTROLLER_CONFIG_FILE", config)
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(config: &Path, arguments: &[&str]) -> Output {
    command(config).args(arguments).output().expect("it starts")
}

/// What it wrote to standard error.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes the first administrator.
pub(crate) fn init(directory: &Path, config: &Path) {
    let password = directory.join("password");
    std::fs::write(&password, ADMIN.1).expect("a file");
    let file = password.display().to_string();
    let made = run(
        config,
        &[
            "admin",
            "init",
            "--username",
            ADMIN.0,
            "--password-file",
            &file,
        ],
    );
    assert!(made.status.success(), "{made:?}");
}

/// A running service, killed with SIGKILL when it is dropped.
pub(crate) struct Service {
    child: Child,
    log: PathBuf,
    pub(crate) address: String,
}

impl Service {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(config: &Path, log: &Path) -> Self {
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let output = File::create(log).expect("a log");
        let mut command = command(config);
        // The kernel kills it when the thread that starts it ends.
        let mut wrapped = Command::new("setpriv");
        wrapped
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .arg("serve")
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output);
        let _ = &mut command;
        let mut service = Self {
            child: wrapped.spawn().expect("it starts"),
            log: log.to_owned(),
            address: String::new(),
        };
        service.address = wait_for("the controller", async || {
            let ended = service.child.try_wait().expect("own child");
            assert!(ended.is_none(), "it ended: {ended:?}\n{}", service.log());
            let log = service.log();
            let (_, rest) = log.split_once("Listening")?;
            let (line, _) = rest.split_once('\n')?;
            let (_, address) = line.split_once("address")?;
            let address = address.trim_start_matches(['=', '"', ':']);
            let end = address.find(['"', ' ', '}']).unwrap_or(address.len());
            Some(address[..end].to_owned())
        })
        .await;
        service
    }

    /// What it wrote so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("own child");
        self.child.wait().expect("own child");
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill starts").success());
    }

    /// Waits until it has ended; whether it ended well.
    pub(crate) async fn end(&mut self) -> bool {
        wait_for("its end", async || {
            self.child.try_wait().expect("own child")
        })
        .await
        .success()
    }

    /// Its arguments and its environment, as others on the machine see them.
    pub(crate) fn arguments(&self) -> String {
        let path = format!("/proc/{}/cmdline", self.child.id());
        String::from_utf8_lossy(&std::fs::read(path).expect("it runs")).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who asks a service.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
}

impl Client {
    /// Signs in as administrator.
    pub(crate) async fn admin(address: &str) -> Self {
        Self::sign_in(&format!("http://{address}"), reqwest::Client::new()).await
    }

    /// The same, with a client of one's own.
    pub(crate) async fn sign_in(base: &str, http: reqwest::Client) -> Self {
        let mut client = Self {
            base: base.to_owned(),
            http,
            token: String::new(),
        };
        let body = json!({"username": ADMIN.0, "password": ADMIN.1});
        let (status, session) = client.post("/api/v1/auth/login", &body).await;
        assert_eq!(status, 200, "{session}");
        client.token = session["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        client
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base));
        read(request.bearer_auth(&self.token)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        read(request.bearer_auth(&self.token)).await
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.base));
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.text().await.expect("a body")
    }
}

async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, value)
}
