//! `ipmi_controller check`: looks at everything that the service needs, changes
//! nothing, and says what to do. One line for each thing; the exit code tells
//! whether the service would work.

mod files;
mod remote;
mod store;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::ConfigArgs;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Sealer;
use crate::web::Tls;

/// A certificate that ends sooner is worth a warning.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// A clock before this moment (2025-01-01) is wrong.
const PAST: i64 = 1_735_689_600_000;
/// How long somebody who has our port may take to say who it is.
const NEIGHBOUR_TIME: Duration = Duration::from_secs(2);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Ok,
    /// The service works, but not as well as it should.
    Warning,
    /// The service does not work so.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at: a key, with the file that it names.
    pub subject: String,
    /// What was found, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        // Whatever a file or a server said stays on one line.
        let message: String = self
            .message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        write!(f, "{level:<8}{}: {message}", self.subject)
    }
}

/// What was looked at so far.
#[derive(Debug, Default)]
struct Report(Vec<Finding>);

impl Report {
    fn add(&mut self, level: Level, subject: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding {
            level,
            subject: subject.into(),
            message: message.into(),
        });
    }

    fn ok(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add(Level::Ok, subject, message);
    }

    fn warning(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add(Level::Warning, subject, message);
    }

    fn error(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add(Level::Error, subject, message);
    }

    /// Good, or what is wrong.
    fn result(&mut self, subject: &str, result: Result<String, String>) {
        match result {
            Ok(message) => self.ok(subject, message),
            Err(message) => self.error(subject, message),
        }
    }
}

/// Looks at everything that a configuration names.
pub async fn check(
    args: &ConfigArgs,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Vec<Finding> {
    let mut report = Report::default();
    let path = args.config.as_deref();
    let config = match Config::load(path, environment) {
        Ok(config) => config,
        Err(error) => {
            report.error("configuration", error.to_string());
            return report.0;
        }
    };
    let origin = path.map_or_else(
        || "the environment".to_owned(),
        |path| path.display().to_string(),
    );
    report.result(
        "configuration",
        path.map_or(Ok(()), files::owner).map(|()| origin),
    );
    clock(&mut report);
    let sealer = master_key(&config, &mut report);
    files::secrets(&config, &mut report);
    files::directories(&config, &mut report);
    tls(&config, &mut report);
    listen(&config, &mut report).await;
    store::check(&config, sealer, &mut report).await;
    remote::prometheus(&config, &mut report).await;
    remote::others(&config, &mut report).await;
    remote::oidc(&config, &mut report).await;
    remote::grafana(&config, &mut report).await;
    report.0
}

fn clock(report: &mut Report) {
    let now = Clock::System.now();
    if now.0 < PAST {
        report.error("clock", format!("it says {now}; set it, or use NTP"));
    } else {
        report.ok("clock", now.to_string());
    }
}

fn master_key(config: &Config, report: &mut Report) -> Option<Sealer> {
    let subject = config.master_key_file.as_ref().map_or_else(
        || "master key".to_owned(),
        |path| format!("master_key_file: {}", path.display()),
    );
    if let Some(path) = &config.master_key_file
        && let Err(message) = files::secret(path)
    {
        report.error(subject, message);
        return None;
    }
    let text = match config.master_key() {
        Ok(text) => text,
        Err(error) => {
            report.error(subject, error.to_string());
            return None;
        }
    };
    match Sealer::parse(&text) {
        Ok(sealer) => {
            report.ok(subject, format!("seals with {}", sealer.active()));
            Some(sealer)
        }
        Err(error) => {
            report.error(subject, error.to_string());
            None
        }
    }
}

fn tls(config: &Config, report: &mut Report) {
    let Some(files) = config.tls.files() else {
        if !config.listen.ip().is_loopback() {
            report.warning(
                "tls",
                format!(
                    "passwords and tokens come to {} unencrypted; set tls.cert_file and tls.key_file, or put a proxy with TLS in front",
                    config.listen
                ),
            );
        }
        return;
    };
    let subject = format!("tls.cert_file: {}", files.certificate.display());
    let certificate = match Tls::open(files) {
        Ok(tls) => tls.certificate(),
        Err(error) => {
            report.error("tls", error.to_string());
            return;
        }
    };
    let now = Clock::System.now();
    let (begins, ends) = (certificate.not_before, certificate.not_after);
    if now < begins {
        report.error(
            subject,
            format!("is valid from {begins} only; look at the clock too"),
        );
    } else if ends <= now {
        report.error(subject, format!("has expired at {ends}; renew it"));
    } else if ends.since(now) < SOON {
        report.warning(subject, format!("expires at {ends}; renew it"));
    } else {
        report.ok(subject, format!("is valid until {ends}"));
    }
}

async fn listen(config: &Config, report: &mut Report) {
    let subject = format!("listen: {}", config.listen);
    match TcpListener::bind(config.listen).await {
        Ok(_) => report.ok(subject, "is free"),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            if is_controller(config.listen).await {
                report.ok(subject, "a controller answers there");
            } else if config.tls.files().is_some() {
                report.warning(
                    subject,
                    "is in use; if that is this controller, all is well",
                );
            } else {
                report.error(
                    subject,
                    "is in use by another program; stop it, or choose another port",
                );
            }
        }
        Err(error) => report.error(
            subject,
            format!("{error}; choose an address of this machine, and a port above 1023"),
        ),
    }
}

async fn is_controller(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(NEIGHBOUR_TIME, ask).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|text| text.contains("The controller is healthy.")))
}

/// The path of a key's file, for a line.
fn named(key: &str, path: &Path) -> String {
    format!("{key}: {}", path.display())
}
