//! Looks at Alertmanager again and again.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::alert::{BadDelivery, parse_look};
use crate::alertmanager::{Alertmanager, AlertmanagerError};
use crate::config::AlertmanagerConfig;
use crate::prometheus::PrometheusError;
use crate::store::{Looked, Store, StoreError};

/// An alert has ended when it is missing for so many intervals. After a restart
/// Alertmanager has none until Prometheus tells them again, within a minute in
/// most set-ups.
const ABSENT_LOOKS: u32 = 5;

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// Alertmanager cannot be asked.
    #[error(transparent)]
    Client(#[from] AlertmanagerError),
    /// It answers no list of alerts.
    #[error("Alertmanager answers something else than alerts: {0}")]
    Answer(#[from] BadDelivery),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks at one Alertmanager.
#[derive(Clone)]
pub struct Lookout {
    store: Store,
    alertmanager: Alertmanager,
    interval: Duration,
    is_failing: bool,
}

impl Lookout {
    /// One for the Alertmanager of the configuration; `None` when it names none.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(store: Store, config: &AlertmanagerConfig) -> Result<Option<Self>, PrometheusError> {
        let alertmanager = Alertmanager::new(config)?;
        Ok(alertmanager.map(|alertmanager| Self {
            store,
            alertmanager,
            interval: config.interval(),
            is_failing: false,
        }))
    }

    /// Looks again and again until `shutdown` is cancelled.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let turn = async {
                ticks.tick().await;
                match self.look().await {
                    Ok(looked) => {
                        self.is_failing = false;
                        if looked.opened > 0 || looked.ended > 0 {
                            tracing::info!(
                                alerts.opened = looked.opened,
                                alerts.ended = looked.ended,
                                "A look at Alertmanager showed what nobody had told of"
                            );
                        }
                    }
                    Err(error) => {
                        // It is told once, not with each look.
                        if !self.is_failing {
                            tracing::warn!(error = %error, "Alertmanager could not be looked at");
                        }
                        self.is_failing = true;
                    }
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = turn => {}
            }
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// See [`LookError`]; then nothing has changed.
    pub async fn look(&self) -> Result<Looked, LookError> {
        let at = self.store.clock().now();
        let body = self.alertmanager.alerts().await?;
        let parsed = tokio::task::spawn_blocking(move || parse_look(&body, at)).await;
        let unreadable = |_| AlertmanagerError::Answer("what cannot be read".to_owned());
        let look = parsed.map_err(unreadable)??;
        if let Some(first) = look.refused.first() {
            tracing::warn!(
                alerts = look.refused.len(),
                reason = first.message,
                "Alerts of Alertmanager are left out"
            );
        }
        let absence = self.interval.saturating_mul(ABSENT_LOOKS);
        let mut tx = self.store.write().await?;
        let looked = tx
            .record_look(self.alertmanager.name(), &look, absence)
            .await?;
        tx.commit().await?;
        Ok(looked)
    }
}
