//! Looks after the alert journal: ends alerts that nobody renews, and forgets
//! old ones.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::store::{Store, StoreError};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(15);
/// How long after our own start nothing is ended: while we were away nobody
/// could renew anything. Prometheus sends everything again each minute, or at
/// each evaluation of a slower rule.
const START_GRACE: Duration = Duration::from_secs(180);

/// Looks after the journal of a store.
pub struct Watchdog {
    store: Store,
    retention: Duration,
    started: Timestamp,
}

impl Watchdog {
    /// One that begins now. `retention` is how long ended episodes are kept.
    #[must_use]
    pub fn new(store: Store, retention: Duration) -> Self {
        let started = store.clock().now();
        Self {
            store,
            retention,
            started,
        }
    }

    /// Looks again and again until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.look().await {
                tracing::error!(error = %error, "The alert journal could not be looked after");
            }
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// When the store fails; what was done by then is kept.
    pub async fn look(&self) -> Result<(), StoreError> {
        let now = self.store.clock().now();
        if now >= self.started.after(START_GRACE) {
            self.expire().await?;
        }
        let retention = i64::try_from(self.retention.as_millis()).unwrap_or(i64::MAX);
        self.forget(Timestamp(now.0.saturating_sub(retention)))
            .await
    }

    async fn expire(&self) -> Result<(), StoreError> {
        loop {
            let mut tx = self.store.write().await?;
            let count = tx.expire_alerts().await?;
            if count == 0 {
                return Ok(());
            }
            tx.commit().await?;
            tracing::warn!(alerts = count, "Alerts were not renewed and expired");
        }
    }

    async fn forget(&self, before: Timestamp) -> Result<(), StoreError> {
        loop {
            let mut tx = self.store.write().await?;
            let count = tx.forget_alerts(before).await?;
            if count == 0 {
                return Ok(());
            }
            tx.commit().await?;
            tracing::info!(alerts = count, "Old alerts were forgotten");
        }
    }
}
