//! Looks after the alert journal: ends alerts that nobody renews, forgets old
//! ones, and notes when no controller ran.

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

/// Looks after the journal of a store. A clone begins anew.
#[derive(Clone)]
pub struct Watchdog {
    store: Store,
    retention: Duration,
    can_ask: bool,
    started: Timestamp,
    has_begun: bool,
}

impl Watchdog {
    /// One that begins now. `retention` is how long ended episodes are kept,
    /// `can_ask` whether there is a Prometheus whose records tell what was missed.
    #[must_use]
    pub fn new(store: Store, retention: Duration, can_ask: bool) -> Self {
        let started = store.clock().now();
        Self {
            store,
            retention,
            can_ask,
            started,
            has_begun: false,
        }
    }

    /// Looks again and again until `shutdown` is cancelled.
    pub async fn run(mut self, shutdown: CancellationToken) {
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
    pub async fn look(&mut self) -> Result<(), StoreError> {
        self.beat().await?;
        let now = self.store.clock().now();
        if now >= self.started.after(START_GRACE) {
            self.expire().await?;
        }
        let retention = i64::try_from(self.retention.as_millis()).unwrap_or(i64::MAX);
        self.forget(Timestamp(now.0.saturating_sub(retention)))
            .await
    }

    async fn beat(&mut self) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        if self.has_begun {
            tx.beat().await?;
        } else if let Some(since) = tx.begin_to_beat(self.can_ask).await? {
            tracing::warn!(since = %since, "No controller was running; alerts may be missing");
        }
        tx.commit().await?;
        self.has_begun = true;
        Ok(())
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
        let mut tx = self.store.write().await?;
        if tx.forget_gaps(before).await? > 0 {
            tx.commit().await?;
        } else {
            drop(tx);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::parse_push;
    use crate::clock::Clock;
    use crate::model::{AlertFilter, AlertState, Scope};
    use crate::store::Sealer;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    async fn state(store: &Store) -> Option<AlertState> {
        let mut tx = store.read().await.unwrap();
        let filter = AlertFilter::default();
        let alerts = tx.alerts_after(0, &filter, &Scope::All, 1).await.unwrap();
        alerts.first().map(|alert| alert.state)
    }

    #[tokio::test]
    async fn alerts_that_were_due_while_we_were_away_get_time_to_be_renewed() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/c.db?mode=rwc", directory.path().display());
        let clock = Clock::manual(Timestamp(1_700_000_000_000));
        let key = Sealer::parse(&"07".repeat(32)).unwrap();
        let store = Store::open(&url, key, clock.clone()).await.unwrap();
        let start = clock.now();
        let body = serde_json::json!([{"labels": {"alertname": "A"}, "startsAt": start,
            "endsAt": start.after(Duration::from_secs(240))}]);
        let delivery = parse_push(body.to_string().as_bytes(), start).unwrap();
        let mut tx = store.write().await.unwrap();
        tx.record_alerts(&delivery.sightings).await.unwrap();
        tx.commit().await.unwrap();

        clock.advance(DAY);
        let mut watchdog = Watchdog::new(store.clone(), 30 * DAY, false);
        watchdog.look().await.unwrap();
        assert_eq!(state(&store).await, Some(AlertState::Firing));
        clock.advance(START_GRACE);
        watchdog.look().await.unwrap();
        assert_eq!(state(&store).await, Some(AlertState::Expired));
        clock.advance(28 * DAY);
        watchdog.look().await.unwrap();
        assert_eq!(state(&store).await, Some(AlertState::Expired));
        clock.advance(3 * DAY);
        watchdog.look().await.unwrap();
        assert_eq!(state(&store).await, None, "its time is over");
    }
}
