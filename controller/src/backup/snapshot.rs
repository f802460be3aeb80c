//! Snapshots of Prometheus' data, which it makes itself when it is asked to.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::{BackupError, files};
use crate::config::Config;
use crate::model::RunKind;
use crate::prometheus::{Client, PrometheusError};
use crate::store::{NewRun, Store};
use crate::telemetry::{Outcome, Telemetry};

/// Longest name of a snapshot.
const MAX_NAME: usize = 64;
/// Snapshots that are remembered for tidying up.
const REMEMBERED: i64 = 500;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    name: String,
}

/// Orders snapshots of one Prometheus and removes old ones.
#[derive(Clone)]
pub struct Snapshots {
    server: String,
    client: Client,
    store: Store,
    telemetry: Arc<Telemetry>,
    directory: Option<PathBuf>,
    keep: usize,
}

impl Snapshots {
    /// Those of each Prometheus that has a URL.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn all(
        config: &Config,
        store: &Store,
        telemetry: &Arc<Telemetry>,
    ) -> Result<Vec<Self>, PrometheusError> {
        let mut all = Vec::new();
        for server in config.prometheus.iter() {
            let Some(client) = Client::new(server)? else {
                continue;
            };
            let directory = server.snapshot_directory.as_ref();
            all.push(Self {
                server: server.name.clone(),
                client,
                store: store.clone(),
                telemetry: Arc::clone(telemetry),
                directory: directory.or(config.snapshot.directory.as_ref()).cloned(),
                keep: usize::try_from(config.snapshot.keep).unwrap_or(usize::MAX),
            });
        }
        Ok(all)
    }

    /// Which Prometheus.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the names of its runs begin with.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}/", self.server)
    }

    /// Orders one, and removes those of ours that are too many.
    ///
    /// # Errors
    /// When Prometheus makes none, or the store fails.
    pub async fn create(&self) -> Result<String, BackupError> {
        let started_at = self.store.clock().now();
        let made = self.order().await;
        let (outcome, failure) = match &made {
            Ok(_) => (Outcome::Ok, None),
            Err(error) => (Outcome::Failed, Some(error.to_string())),
        };
        self.telemetry.run(RunKind::Snapshot, outcome);
        let mut tx = self.store.write().await?;
        tx.insert_run(&NewRun {
            kind: RunKind::Snapshot,
            name: &format!("{}{}", self.prefix(), made.as_deref().unwrap_or_default()),
            failure: failure.as_deref(),
            bytes: 0,
            started_at,
        })
        .await?;
        tx.commit().await?;
        let name = made?;
        tracing::info!(
            prometheus = self.server,
            snapshot = name,
            "Prometheus made a snapshot"
        );
        self.prune().await?;
        Ok(name)
    }

    async fn order(&self) -> Result<String, BackupError> {
        let path = "api/v1/admin/tsdb/snapshot";
        let answer = self.client.post(path, &[]).await?;
        let said: Option<Answer> = serde_json::from_slice(&answer.body).ok();
        let failed = |message: String| BackupError::Program {
            program: "Prometheus",
            message,
        };
        match said {
            Some(Answer {
                data: Some(Data { name }),
                ..
            }) if is_name(&name) => Ok(name),
            Some(Answer {
                error: Some(error), ..
            }) => Err(failed(format!(
                "{}; it must run with --web.enable-admin-api",
                error.chars().take(200).collect::<String>()
            ))),
            _ => Err(failed(format!(
                "answers a snapshot with status {}; it must run with --web.enable-admin-api",
                answer.status
            ))),
        }
    }

    /// Removes the oldest of those that we ordered.
    async fn prune(&self) -> Result<(), BackupError> {
        let Some(directory) = self.directory.clone() else {
            return Ok(());
        };
        let prefix = self.prefix();
        let mut tx = self.store.read().await?;
        let runs = tx.good_runs(RunKind::Snapshot, &prefix, REMEMBERED).await?;
        drop(tx);
        let old: Vec<String> = runs
            .iter()
            .filter_map(|run| run.name.strip_prefix(&prefix))
            .filter(|name| is_name(name))
            .map(str::to_owned)
            .skip(self.keep)
            .collect();
        files::blocking(move || {
            for name in old {
                let path = directory.join(&name);
                match std::fs::remove_dir_all(&path) {
                    Ok(()) => tracing::info!(snapshot = name, "An old snapshot was removed"),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(files::at(&path)(error)),
                }
            }
            Ok(())
        })
        .await
    }
}

/// A name such as `20231114T221320Z-0a1b2c3d4e5f6071`, which is no path.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
