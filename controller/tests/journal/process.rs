//! Programs that end with the test, however it ends, and a controller among
//! them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ipmi_controller::config::EndpointConfig;
use ipmi_controller::prometheus::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait::wait_for;

/// Name and password of the administrator.
const ADMIN: (&str, &str) = ("root", "zq7canaryLOGIN4711");

/// Lets clients of HTTP be made.
pub(crate) fn install_cryptography() {
    // An error says that another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A port of loopback that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A client as the controller has it.
pub(crate) fn client(base: &str) -> Client {
    let endpoint = EndpointConfig {
        url: Some(base.parse().expect("a URL")),
        ..EndpointConfig::default()
    };
    let client = Client::at_endpoint(&endpoint).expect("a client");
    client.expect("an address")
}

/// Finds a Debian program.
pub(crate) fn program(name: &str) -> PathBuf {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("`{name}` is missing; `make setup` installs it"))
}

/// A running program.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with its output in `log`. The kernel kills it when the
    /// thread that starts it ends.
    pub(crate) fn start(program: &Path, log: PathBuf, arrange: impl FnOnce(&mut Command)) -> Self {
        let output = File::create(&log).expect("a log");
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output);
        arrange(&mut command);
        let child = command.spawn().expect("the program starts");
        Self { child, log }
    }

    /// What it wrote so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails the test with the program's log if it has ended.
    pub(crate) fn check(&mut self) {
        let ended = self.child.try_wait().expect("own child");
        assert!(ended.is_none(), "it ended: {ended:?}\n{}", self.log());
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("own child");
        self.child.wait().expect("own child");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A controller as a process of its own, that can be killed and started again.
pub(crate) struct Controller {
    directory: TempDir,
    database: String,
    settings: Vec<(&'static str, String)>,
    process: Process,
    http: reqwest::Client,
    pub(crate) base: String,
    admin_token: String,
    /// Token of the kind `inlet`.
    pub(crate) inlet_token: String,
}

impl Controller {
    /// Starts one with an empty database; SQLite unless told otherwise.
    pub(crate) async fn start(database: Option<String>) -> Self {
        Self::start_with(database, Vec::new()).await
    }

    /// The same with more variables for its configuration.
    pub(crate) async fn start_with(
        database: Option<String>,
        settings: Vec<(&'static str, String)>,
    ) -> Self {
        install_cryptography();
        let directory = TempDir::new().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("master.key"), "07".repeat(32)).expect("a file");
        std::fs::write(path("password"), ADMIN.1).expect("a file");
        let database = database.unwrap_or_else(|| format!("sqlite://{}", path("c.db").display()));
        let mut init = Command::new(env!("CARGO_BIN_EXE_ipmi_controller"));
        init.args(["admin", "init", "--username", ADMIN.0, "--password-file"])
            .arg(path("password"));
        configure(&mut init, directory.path(), &database);
        let init = init.output().expect("it starts");
        assert!(init.status.success(), "{init:?}");
        let process = spawn(directory.path(), &database, &settings);
        let mut controller = Self {
            directory,
            database,
            settings,
            process,
            http: reqwest::Client::new(),
            base: String::new(),
            admin_token: String::new(),
            inlet_token: String::new(),
        };
        controller.wait().await;
        let credentials = json!({"username": ADMIN.0, "password": ADMIN.1});
        let session = controller.ask("auth/login", Some(&credentials)).await;
        controller.admin_token = text(&session["access_token"]);
        let body = json!({"name": "test", "kind": "inlet"});
        controller.inlet_token = text(&controller.ask("tokens", Some(&body)).await["token"]);
        controller
    }

    /// SIGKILL at whatever it is doing, and starts it again.
    pub(crate) async fn kill_and_start(&mut self) {
        self.process.kill();
        self.process = spawn(self.directory.path(), &self.database, &self.settings);
        self.wait().await;
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Its database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Waits until it says where it listens.
    async fn wait(&mut self) {
        let address = wait_for("the controller", async || {
            self.process.check();
            let log = self.process.log();
            let (_, rest) = log.split_once("Listening address=")?;
            let (address, _) = rest.split_once('\n')?;
            Some(address.trim().to_owned())
        })
        .await;
        self.base = format!("http://{address}");
    }

    /// Asks as administrator; panics unless the answer is good.
    pub(crate) async fn ask(&self, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/api/v1/{path}", self.base);
        let request = match body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let answer = request.bearer_auth(&self.admin_token).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        let body = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).expect("JSON")
    }
}

fn spawn(directory: &Path, database: &str, settings: &[(&'static str, String)]) -> Process {
    let program = Path::new(env!("CARGO_BIN_EXE_ipmi_controller"));
    Process::start(program, directory.join("log"), |command| {
        command.arg("serve");
        configure(command, directory, database);
        command.envs(settings.iter().map(|(name, value)| (*name, value)));
    })
}

fn configure(command: &mut Command, directory: &Path, database: &str) {
    command
        .env("NO_COLOR", "1")
        .env("RUST_LOG", "info")
        .env("IPMI_CONTROLLER_LISTEN", "127.0.0.1:0")
        .env("IPMI_CONTROLLER_DATABASE", database)
        .env(
            "IPMI_CONTROLLER_MASTER_KEY_FILE",
            directory.join("master.key"),
        );
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
