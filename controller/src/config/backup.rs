//! The keys `backup` and `snapshot`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::PrometheusServers;

/// Longest interval: a year.
const MAX_HOURS: u32 = 366 * 24;
/// Most files that are kept.
const MAX_KEPT: u32 = 10_000;

/// Backups of the store. Without a directory there are none.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct BackupConfig {
    /// Where the files are written.
    pub directory: Option<PathBuf>,
    /// Hours between backups; 0 makes none by itself.
    pub interval_hours: u32,
    /// How many files are kept, the newest ones.
    pub keep: u32,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self {
            directory: None,
            interval_hours: 24,
            keep: 14,
        }
    }
}

impl BackupConfig {
    /// Time between backups; `None` when none is made by itself.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.directory.as_ref()?;
        hours(self.interval_hours)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        check("backup", self.interval_hours, self.keep)
    }
}

/// Snapshots of Prometheus' data, made through its admin interface.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotConfig {
    /// Hours between snapshots; 0 makes none.
    pub interval_hours: u32,
    /// Where the only Prometheus writes them, unless it says so itself by
    /// [`super::PrometheusConfig::snapshot_directory`].
    pub directory: Option<PathBuf>,
    /// How many of those that the controller ordered are kept.
    pub keep: u32,
}

impl Default for SnapshotConfig {
    fn default() -> Self {
        Self {
            interval_hours: 0,
            directory: None,
            keep: 3,
        }
    }
}

impl SnapshotConfig {
    /// Time between snapshots; `None` when there are none.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        hours(self.interval_hours)
    }

    pub(super) fn check(&self, servers: &PrometheusServers) -> Result<(), String> {
        check("snapshot", self.interval_hours, self.keep)?;
        if self.interval().is_none() {
            return Ok(());
        }
        let with_url = servers.iter().filter(|server| server.url.is_some());
        match (with_url.count(), &self.directory) {
            (0, _) => Err(
                "prometheus.url: is missing; it is needed for snapshot.interval_hours".to_owned(),
            ),
            (2.., Some(_)) => Err(
                "snapshot.directory: is for one Prometheus; with several give each its own prometheus.snapshot_directory"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

fn hours(hours: u32) -> Option<Duration> {
    (hours > 0).then(|| Duration::from_secs(u64::from(hours) * 3600))
}

fn check(key: &str, interval_hours: u32, keep: u32) -> Result<(), String> {
    if interval_hours > MAX_HOURS {
        return Err(format!(
            "{key}.interval_hours: {interval_hours} is more than {MAX_HOURS}"
        ));
    }
    if !(1..=MAX_KEPT).contains(&keep) {
        return Err(format!(
            "{key}.keep: {keep} is not between 1 and {MAX_KEPT}"
        ));
    }
    Ok(())
}
