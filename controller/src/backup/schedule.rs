//! Makes backups and snapshots when it is time. When the last one was is in the
//! store, so a restart and another leader go on where this one ends.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{BackupError, Backups, Snapshots};
use crate::config::Config;
use crate::model::RunKind;
use crate::store::Store;

/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_secs(15);
/// Pause after one that failed, unless the interval is shorter.
const RETRY: Duration = Duration::from_secs(15 * 60);

/// What is made when.
pub struct Schedule {
    store: Store,
    backups: Option<(Backups, Duration)>,
    snapshots: Vec<(Snapshots, Duration)>,
}

impl Schedule {
    /// The schedule of a configuration.
    #[must_use]
    pub fn new(
        config: &Config,
        store: Store,
        backups: Option<&Backups>,
        snapshots: Vec<Snapshots>,
    ) -> Self {
        Self {
            store,
            backups: backups.cloned().zip(config.backup.interval()),
            snapshots: match config.snapshot.interval() {
                None => Vec::new(),
                Some(interval) => snapshots.into_iter().map(|all| (all, interval)).collect(),
            },
        }
    }

    /// Makes what is due until `shutdown` is cancelled.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // What is cut off here leaves nothing half that counts.
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.look() => {}
            }
        }
    }

    async fn look(&self) {
        if let Some((backups, interval)) = &self.backups {
            let made = async {
                if self.is_due(RunKind::Backup, "", *interval).await? {
                    backups.create().await?;
                }
                Ok::<_, BackupError>(())
            };
            if let Err(error) = made.await {
                tracing::error!(%error, "No backup was made");
            }
        }
        // At once, so that one that is slow or down holds no other up.
        let each = self.snapshots.iter().map(|(snapshots, interval)| async {
            let made = async {
                let prefix = snapshots.prefix();
                if self.is_due(RunKind::Snapshot, &prefix, *interval).await? {
                    snapshots.create().await?;
                }
                Ok::<_, BackupError>(())
            };
            if let Err(error) = made.await {
                tracing::error!(prometheus = snapshots.server(), %error, "No snapshot was made");
            }
        });
        futures_util::future::join_all(each).await;
    }

    /// Whether it is time for what is noted under names that begin so.
    async fn is_due(
        &self,
        kind: RunKind,
        prefix: &str,
        interval: Duration,
    ) -> Result<bool, BackupError> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let (last, last_good) = tx.last_runs(kind, prefix).await?;
        let is_old = last_good.is_none_or(|run| now.since(run.ended_at) >= interval);
        let is_rested =
            last.is_none_or(|run| run.is_ok || now.since(run.ended_at) >= RETRY.min(interval));
        Ok(is_old && is_rested)
    }
}
