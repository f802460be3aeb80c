//! Tries a receiver out in a second Alertmanager of its own, away from production:
//! on loopback, with this receiver only, for some seconds.
//!
//! Alertmanager has no call for that. Its log tells what came of the first attempt,
//! in the words of the mail server or of whoever answered.

mod log;

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, Take};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::alertmanager::Alertmanager;
use crate::promtool::INPUT;
use crate::render::alertmanager::{AlertmanagerFile, TEMPLATES_DIRECTORY, Vault};
use log::{Line, Word};

/// Sandboxes at a time.
const MAX_AT_ONCE: usize = 4;
/// Longest wait for a turn.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Longest time from the program's start to its readiness.
const MAX_START: Duration = Duration::from_secs(10);
/// Longest time for the first attempt.
const MAX_ATTEMPT: Duration = Duration::from_secs(15);
/// How often another port is tried when one turns out to be taken.
const PORTS: usize = 5;
/// Most that is read of the log, in bytes.
const MAX_LOG: u64 = 1024 * 1024;
/// Longest message that is handed on, in characters.
const MAX_MESSAGE: usize = 2000;
/// Names of the program: as others package it, and as Debian does.
const PROGRAMS: [&str; 2] = ["alertmanager", "prometheus-alertmanager"];
/// Variables that it has of the controller's.
const INHERITED: [&str; 4] = ["PATH", "TZ", "SSL_CERT_DIR", "SSL_CERT_FILE"];
/// What stands in the place of a secret.
const HIDDEN: &str = "<secret>";
/// Shortest secret that is taken out of messages: a shorter one would take parts of
/// words along, and tell by that what it is.
const MIN_SECRET: usize = 3;

/// What came of an attempt to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Whoever was told took it.
    Delivered,
    /// It failed, and this is what was answered.
    Failed(String),
    /// There was no answer in time.
    Unanswered,
}

/// Why nothing could be tried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// There is no Alertmanager to run.
    #[error("there is no program `alertmanager` on the controller's machine")]
    Absent,
    /// Too many others try something out.
    #[error("too many receivers are being tried out; try again")]
    Busy,
    /// Alertmanager does not start with this receiver.
    #[error("Alertmanager refuses the receiver: {0}")]
    Refused(String),
    /// It could not be run.
    #[error("the second Alertmanager cannot be run: {0}")]
    Failed(String),
}

impl From<io::Error> for SandboxError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Where receivers are tried out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sandbox {
    configured: Option<PathBuf>,
    turns: Arc<Semaphore>,
}

/// A second Alertmanager. It ends when this is dropped; should the controller be
/// killed, it ends at its next line of log, which nobody reads any more.
struct Running {
    child: Child,
    lines: Lines<BufReader<Take<ChildStderr>>>,
    alertmanager: Alertmanager,
    _home: TempDir,
}

impl Sandbox {
    /// One that runs the configured program, or what it finds in the path.
    #[must_use]
    pub fn new(configured: Option<PathBuf>) -> Self {
        Self {
            configured,
            turns: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }

    /// Tells the only receiver of a file of an alert. What is in the vault is in no
    /// message.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub async fn try_out(
        &self,
        file: &AlertmanagerFile,
        alert: &Value,
        vault: &Vault,
    ) -> Result<Outcome, SandboxError> {
        let turn = timeout(MAX_WAIT, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| SandboxError::Busy)?;
        let program = self.program().ok_or(SandboxError::Absent)?;
        let hide = |error| match error {
            SandboxError::Refused(text) => SandboxError::Refused(shown(&text, vault)),
            SandboxError::Failed(text) => SandboxError::Failed(shown(&text, vault)),
            other => other,
        };
        let mut running = start(&program, file).await.map_err(hide)?;
        let alerts = Value::Array(vec![alert.clone()]);
        let told = running.alertmanager.tell(&alerts).await;
        told.map_err(|error| hide(SandboxError::Failed(error.to_string())))?;
        let outcome = running.outcome().await.map_err(hide)?;
        running.end().await;
        Ok(match outcome {
            Outcome::Failed(text) => Outcome::Failed(shown(&text, vault)),
            other => other,
        })
    }

    fn program(&self) -> Option<PathBuf> {
        if let Some(configured) = &self.configured {
            return Some(configured.clone());
        }
        let path = std::env::var_os("PATH")?;
        let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
        PROGRAMS
            .iter()
            .flat_map(|name| {
                directories
                    .iter()
                    .map(move |directory| directory.join(name))
            })
            .find(|program| program.is_file())
    }
}

async fn start(program: &Path, file: &AlertmanagerFile) -> Result<Running, SandboxError> {
    for _ in 0..PORTS {
        if let Some(running) = start_once(program, file).await? {
            return Ok(running);
        }
    }
    Err(SandboxError::Failed(
        "no port of 127.0.0.1 is free".to_owned(),
    ))
}

/// Starts it on some port; `None` when that turns out to be taken.
async fn start_once(
    program: &Path,
    file: &AlertmanagerFile,
) -> Result<Option<Running>, SandboxError> {
    let home = home(file)?;
    let templates = home.path().join(TEMPLATES_DIRECTORY);
    let config = file.bytes_with_templates_in(&templates.display().to_string());
    // Taken for a moment to learn which one is free.
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    let address = format!("127.0.0.1:{port}");
    let mut child = Command::new(program)
        .arg(format!("--config.file={INPUT}"))
        .arg("--storage.path=data")
        .arg("--cluster.listen-address=")
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--web.external-url=http://{address}/"))
        // Success is told at this level only.
        .args(["--log.level=debug", "--log.format=json"])
        .current_dir(home.path())
        // The controller's own has secrets.
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SandboxError::Absent,
            _ => SandboxError::Failed(format!("{}: {error}", program.display())),
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read to the end says in its log why.
        let _ = timeout(MAX_START, stdin.write_all(&config)).await;
    }
    let stderr = child.stderr.take();
    let stderr = stderr.ok_or_else(|| SandboxError::Failed("it has no log".to_owned()))?;
    let mut lines = BufReader::new(stderr.take(MAX_LOG)).lines();
    let end = Instant::now() + MAX_START;
    let mut last = String::new();
    loop {
        let line = match timeout_at(end, lines.next_line()).await {
            Ok(Ok(Some(line))) => Line::parse(&line),
            // It has ended: the last word says why.
            Ok(_) if last.is_empty() => {
                return Err(SandboxError::Failed("it ended without a word".to_owned()));
            }
            Ok(_) => return Err(SandboxError::Refused(last)),
            Err(_) => {
                return Err(SandboxError::Failed(format!(
                    "it was not ready within {} s",
                    MAX_START.as_secs()
                )));
            }
        };
        match line.word() {
            Word::Listening => break,
            Word::PortTaken => return Ok(None),
            Word::Problem(text) => last = text,
            Word::Delivered | Word::Attempt(_) | Word::Other => {}
        }
    }
    let url = format!("http://{address}/");
    let alertmanager =
        Alertmanager::at(&url).map_err(|error| SandboxError::Failed(error.to_string()))?;
    Ok(Some(Running {
        child,
        lines,
        alertmanager,
        _home: home,
    }))
}

/// A directory that nobody else can read, with the templates of a file. The file
/// itself, which has secrets, goes through a pipe and never to a disk.
fn home(file: &AlertmanagerFile) -> io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::Builder::new()
        .prefix("ipmi_controller-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()?;
    let templates = home.path().join(TEMPLATES_DIRECTORY);
    std::fs::create_dir(&templates)?;
    for (name, content) in file.templates() {
        std::fs::write(templates.join(name), content)?;
    }
    Ok(home)
}

impl Running {
    /// Ends it, and waits until it has, so that nothing is written to its directory
    /// any more.
    async fn end(mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }

    /// What came of the first attempt.
    async fn outcome(&mut self) -> Result<Outcome, SandboxError> {
        let end = Instant::now() + MAX_ATTEMPT;
        loop {
            let line = match timeout_at(end, self.lines.next_line()).await {
                Ok(Ok(Some(line))) => Line::parse(&line),
                Ok(_) => {
                    return Err(SandboxError::Failed(
                        "it ended before it had told anybody".to_owned(),
                    ));
                }
                Err(_) => return Ok(Outcome::Unanswered),
            };
            match line.word() {
                Word::Delivered => return Ok(Outcome::Delivered),
                Word::Attempt(text) => return Ok(Outcome::Failed(text)),
                Word::Listening | Word::PortTaken | Word::Problem(_) | Word::Other => {}
            }
        }
    }
}

/// A message without secrets, and not too long.
fn shown(text: &str, vault: &Vault) -> String {
    let mut text = text.to_owned();
    let mut secrets: Vec<String> = Vec::new();
    for secret in vault.values().filter(|secret| secret.len() >= MIN_SECRET) {
        secrets.push(secret.as_str().to_owned());
        // As Go quotes it, and of an address what comes after the host.
        secrets.push(secret.replace('\\', "\\\\").replace('"', "\\\""));
        if let Ok(url) = url::Url::parse(secret) {
            secrets.push(url.as_str().to_owned());
            let mut rest = url.path().to_owned();
            if let Some(query) = url.query() {
                rest.push('?');
                rest.push_str(query);
            }
            secrets.push(rest);
        }
    }
    // The longest first: one may be part of another.
    secrets.retain(|secret| secret.len() >= MIN_SECRET);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        text = text.replace(&secret, HIDDEN);
    }
    text.chars()
        .filter(|character| *character != '\0')
        .take(MAX_MESSAGE)
        .collect()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn no_message_has_a_secret() {
        let vault: Vault = [
            ("a", "https://hooks.example.org/T1/B2?token=zq7canary"),
            ("b", "zq7\"pass\\word"),
            ("c", "ab"),
        ]
        .into_iter()
        .map(|(id, secret)| (id.to_owned(), Zeroizing::new(secret.to_owned())))
        .collect();
        for (text, expected) in [
            (
                "Post \"https://hooks.example.org/T1/B2?token=zq7canary\": refused",
                "Post \"<secret>\": refused",
            ),
            ("GET /T1/B2?token=zq7canary failed", "GET <secret> failed"),
            ("\"zq7\\\"pass\\\\word\" is wrong", "\"<secret>\" is wrong"),
            ("zq7\"pass\\word is wrong", "<secret> is wrong"),
            ("about", "about"),
        ] {
            assert_eq!(shown(text, &vault), expected);
        }
        assert_eq!(
            shown(&"é".repeat(5000), &vault).chars().count(),
            MAX_MESSAGE
        );
    }
}
