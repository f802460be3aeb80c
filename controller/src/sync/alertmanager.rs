//! The configuration of one Alertmanager: whether it would take it, how it is made
//! to read it, and whether it works with it.
//!
//! A reload answers when it is applied, with the reason when it is not; then the old
//! configuration stays entirely. That exactly this file is loaded is proved by the
//! hash of its bytes that Alertmanager tells, secrets and all.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::content::Content;
use super::desired::{Desired, Wanted};
use super::file::{self, FileError};
use super::plan::Words;
use super::status::ImpactBody;
use super::subject::{Check, Reload, Since, Subject, Verdict};
use crate::amtool::Amtool;
use crate::config::AlertmanagerConfig;
use crate::prometheus::{Answer, Client, PrometheusError};
use crate::promtool::Judgement;
use crate::render::alertmanager::{AlertmanagerFile, JOURNAL, TEMPLATES_DIRECTORY, Uplink};

/// Longest part of an answer that is shown, in characters.
const MAX_SHOWN: usize = 2_000;
/// What a file of another program is kept as that ours replaced.
const REPLACED: &str = "replaced";
/// What a reason begins with.
const FRAME: &str = "failed to reload config: ";

/// How parts of the configuration are called.
const WORDS: Words = Words {
    entries: "parts",
    nothing: "there is no receiver",
};

/// The configuration of one Alertmanager.
pub(super) struct AlertmanagerAt {
    client: Client,
    amtool: Amtool,
    file: PathBuf,
    mode: u32,
    controller: Url,
    ca_file: Option<String>,
}

/// What the server says of itself in `/metrics`.
#[derive(Debug, Default, PartialEq)]
struct Health {
    hash: Option<f64>,
    is_reloaded: bool,
}

impl AlertmanagerAt {
    /// The configuration of a configured server; `None` when it has no file for it.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn new(
        config: &AlertmanagerConfig,
        controller: Url,
    ) -> Result<Option<Self>, PrometheusError> {
        let client = Client::at_endpoint(&config.endpoint())?;
        let (Some(file), Some(client)) = (config.config_file.clone(), client) else {
            return Ok(None);
        };
        Ok(Some(Self {
            client,
            amtool: Amtool::new(config.amtool.clone()),
            file,
            mode: match config.group_readable {
                true => file::GROUP,
                false => file::OWN,
            },
            controller,
            ca_file: config.controller_ca_file.clone(),
        }))
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, PrometheusError> {
        self.client
            .get(path, &[])
            .await
            .map_err(|error| named(&error))
    }

    async fn health(&self) -> Result<Health, PrometheusError> {
        let text = self.get("metrics").await?;
        Ok(health(&String::from_utf8_lossy(&text)))
    }

    /// Whether the receiver of the journal is among what it works with.
    async fn has_journal(&self) -> Result<bool, PrometheusError> {
        #[derive(Deserialize)]
        struct Status {
            config: Config,
        }
        #[derive(Deserialize)]
        struct Config {
            original: String,
        }
        let bytes = self.get("api/v2/status").await?;
        let status: Status = serde_json::from_slice(&bytes).map_err(|error| {
            PrometheusError::Other(format!(
                "Alertmanager answers another status than expected: {error}"
            ))
        })?;
        Ok(status.config.original.contains(JOURNAL))
    }

    async fn verdict(&self, file: &AlertmanagerFile) -> Result<Verdict, PrometheusError> {
        let health = self.health().await?;
        let Some(hash) = health.hash else {
            return Ok(Verdict::Unknown(
                "Alertmanager does not tell the hash of its configuration (alertmanager_config_hash)"
                    .to_owned(),
            ));
        };
        if hash != wanted_hash(file) {
            return Ok(Verdict::NotYet(format!(
                "Alertmanager works with another configuration than {}",
                self.file.display()
            )));
        }
        let is_ours = AlertmanagerFile::is_ours(file.bytes());
        if is_ours && !self.has_journal().await? {
            return Ok(Verdict::NotYet(
                "Alertmanager has loaded the configuration and does not show it yet".to_owned(),
            ));
        }
        let warnings = match health.is_reloaded {
            true => Vec::new(),
            false => vec![
                "the last reload of Alertmanager failed, though it works with this configuration; its log says why"
                    .to_owned(),
            ],
        };
        Ok(Verdict::Live {
            warnings,
            is_reloaded: health.is_reloaded,
        })
    }

    async fn tell_to_reload(&self) -> Result<Reload, PrometheusError> {
        let answer = self
            .client
            .post("-/reload", &[])
            .await
            .map_err(|error| named(&error))?;
        let Answer { status, body } = answer;
        let body = String::from_utf8_lossy(&body);
        let body = body.trim().trim_start_matches(FRAME);
        Ok(match status {
            StatusCode::OK => Reload::Done,
            StatusCode::INTERNAL_SERVER_ERROR => {
                Reload::Refused(format!("Alertmanager refused the configuration: {body}"))
            }
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                Reload::Forbidden(format!(
                    "Alertmanager does not let itself be reloaded ({status}); send it SIGHUP now to load the configuration"
                ))
            }
            status => {
                return Err(PrometheusError::Other(format!(
                    "Alertmanager answers status {status} to a reload"
                )));
            }
        })
    }

    /// What a file of another program is kept as, beside it.
    fn replaced(&self) -> PathBuf {
        self.file.with_added_extension(REPLACED)
    }

    /// Keeps a file of another program before ours takes its place.
    fn keep_replaced(&self, ours: &AlertmanagerFile) -> Result<(), FileError> {
        let Some(bytes) = file::read(&self.file)? else {
            return Ok(());
        };
        if AlertmanagerFile::is_ours(&bytes) || !AlertmanagerFile::is_ours(ours.bytes()) {
            return Ok(());
        }
        file::write(&self.replaced(), &bytes, file::OWN)
    }
}

/// An error of the client in the words for another server.
fn named(error: &PrometheusError) -> PrometheusError {
    let text = error.to_string().replacen("Prometheus", "Alertmanager", 1);
    PrometheusError::Other(text)
}

fn health(text: &str) -> Health {
    let value = |name: &str| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse::<f64>().ok())
    };
    Health {
        hash: value("alertmanager_config_hash"),
        is_reloaded: value("alertmanager_config_last_reload_successful") == Some(1.0),
    }
}

/// 48 bits, so that a float has each of them.
#[expect(clippy::cast_precision_loss, reason = "48 bits fit into 53")]
fn wanted_hash(file: &AlertmanagerFile) -> f64 {
    file.alertmanager_hash() as f64
}

impl Subject for AlertmanagerAt {
    fn wanted(&self, desired: &Desired) -> Result<Wanted, String> {
        let source = desired.alerting.as_ref().map_err(Clone::clone)?;
        let uplink = Uplink {
            url: self.controller.clone(),
            token: source.token.clone(),
            ca_file: self.ca_file.clone(),
        };
        let file = AlertmanagerFile::render(&source.alerting, &uplink, &source.vault)
            .map_err(|error| error.to_string())?;
        let warnings = match source.alerting.route.receiver {
            Some(_) => Vec::new(),
            None => vec![
                "no route leads to a receiver; alerts are in the journal and nobody is told"
                    .to_owned(),
            ],
        };
        Ok(Wanted {
            content: Content::Alertmanager(Arc::new(file)),
            blind_spots: Arc::new([]),
            warnings,
        })
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn is_blank(&self, bytes: &[u8]) -> bool {
        bytes.trim_ascii().is_empty()
    }

    fn mode(&self) -> u32 {
        self.mode
    }

    fn write_beside(&self, content: &Content, path: &Path) -> Result<bool, FileError> {
        let Some(file) = content.alertmanager() else {
            return Ok(false);
        };
        self.keep_replaced(file)?;
        let directory = path.with_file_name(TEMPLATES_DIRECTORY);
        let mut is_written = false;
        for (name, content) in file.templates() {
            let path = directory.join(name);
            if file::read(&path)?.as_deref() == Some(content.as_bytes()) {
                continue;
            }
            make_directory(&directory, self.mode)?;
            file::write(&path, content.as_bytes(), self.mode)?;
            is_written = true;
        }
        Ok(is_written)
    }

    fn tidy_beside(&self, content: &Content, path: &Path) {
        let Some(file) = content.alertmanager() else {
            return;
        };
        let directory = path.with_file_name(TEMPLATES_DIRECTORY);
        let Ok(found) = std::fs::read_dir(&directory) else {
            return;
        };
        for found in found.flatten() {
            let name = found.file_name();
            let is_known = name
                .to_str()
                .is_some_and(|name| file.templates().contains_key(name));
            if !is_known {
                // What stays is in nobody's way.
                let _ = std::fs::remove_file(found.path());
            }
        }
    }

    /// What our file replaced, if that was another program's.
    fn nothing(&self) -> Option<Content> {
        let bytes = file::read(&self.replaced()).ok().flatten()?;
        let file = AlertmanagerFile::found(bytes).ok()?;
        Some(Content::Alertmanager(Arc::new(file)))
    }

    fn check<'a>(
        &'a self,
        content: &'a Content,
        _live: Option<&'a Content>,
    ) -> BoxFuture<'a, Check> {
        Box::pin(async move {
            let Some(file) = content.alertmanager() else {
                return Check::Good;
            };
            match self.amtool.check_config(file).await {
                // Without amtool Alertmanager judges when it reloads.
                Judgement::Good | Judgement::Absent => Check::Good,
                Judgement::Refused(reason) => Check::Refused(format!("amtool: {reason}")),
                Judgement::Failed(reason) => Check::Later(reason),
            }
        })
    }

    fn look<'a>(
        &'a self,
        content: &'a Content,
        _since: &'a Since,
    ) -> BoxFuture<'a, Result<Verdict, PrometheusError>> {
        Box::pin(async {
            match content.alertmanager() {
                Some(file) => self.verdict(file).await,
                None => Ok(Verdict::LIVE),
            }
        })
    }

    fn reload<'a>(
        &'a self,
        content: &'a Content,
    ) -> BoxFuture<'a, Result<Option<Reload>, PrometheusError>> {
        Box::pin(async move {
            let cut = |text: String| -> String {
                let text = match content.alertmanager() {
                    // Alertmanager quotes what it does not like.
                    Some(file) => file.without_secrets(&text),
                    None => text,
                };
                text.chars().take(MAX_SHOWN).collect()
            };
            Ok(Some(match self.tell_to_reload().await? {
                Reload::Done => Reload::Done,
                Reload::Refused(reason) => Reload::Refused(cut(reason)),
                Reload::Broken(reason) => Reload::Broken(cut(reason)),
                Reload::Forbidden(reason) => Reload::Forbidden(cut(reason)),
            }))
        })
    }

    fn impact<'a>(
        &'a self,
        _before: Option<&'a Content>,
        _after: &'a Content,
    ) -> BoxFuture<'a, ImpactBody> {
        Box::pin(async { ImpactBody::default() })
    }
}

/// A directory that those may enter who may read the file.
fn make_directory(directory: &Path, mode: u32) -> Result<(), FileError> {
    let is_new = match std::fs::create_dir(directory) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(cause) => return Err(file::beside(directory, cause)),
    };
    if is_new {
        // Who may read, may enter.
        let enter = mode | (mode & 0o444) >> 2;
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(enter))
            .map_err(|cause| file::beside(directory, cause))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_read_from_the_metrics() {
        let text = "# HELP alertmanager_config_hash Hash\n# TYPE alertmanager_config_hash gauge\n\
                    alertmanager_config_hash 2.1896345081343e+14\n\
                    alertmanager_config_last_reload_success_timestamp_seconds 1.7e+09\n\
                    alertmanager_config_last_reload_successful 1\n";
        let found = health(text);
        assert_eq!(found.hash, Some(218_963_450_813_430.0));
        assert!(found.is_reloaded);
        assert_eq!(health("nonsense {"), Health::default());
    }
}
