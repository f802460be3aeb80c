//! Throws away what the store needs no more: tokens that ended, and answers that
//! nobody can ask for again.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// How often it looks. A log-in leaves two tokens each quarter of an hour.
const EVERY: Duration = Duration::from_secs(3600);
/// How long a token that ended is kept, so that people find in the list why their
/// program gets in no more.
pub(crate) const KEEP_TOKENS: Duration = Duration::from_secs(7 * 24 * 3600);

/// Keeps a store tidy.
#[derive(Clone)]
pub struct Housekeeping {
    store: Store,
}

impl Housekeeping {
    /// One for this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Tidies up again and again until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.tidy().await {
                tracing::error!(%error, "What the store needs no more could not be thrown away");
            }
        }
    }

    /// Tidies up once.
    ///
    /// # Errors
    /// When the store fails; what was thrown away by then is gone.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        if tx.forget_keys().await? > 0 {
            tx.commit().await?;
        } else {
            drop(tx);
        }
        loop {
            let mut tx = self.store.write().await?;
            let before = tx.now().before(KEEP_TOKENS);
            let count = tx.forget_tokens(before).await?;
            if count == 0 {
                return Ok(());
            }
            tx.commit().await?;
            tracing::info!(tokens = count, "Tokens that ended were forgotten");
        }
    }
}
