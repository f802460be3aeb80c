//! The desired state, rendered once for all that publish a part of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::content::Content;
use super::handle::SyncError;
use super::reconcile::back_off;
use crate::auth::TokenText;
use crate::channel;
use crate::model::TokenKind;
use crate::model::alerting::Alerting;
use crate::render::alertmanager::Vault;
use crate::render::{self, BlindSpot, RenderedTargets, RuleFile, Shard};
use crate::store::{Store, StoreError, Tx};

/// A burst of changes has ended when nothing changed for so long.
const QUIET: Duration = Duration::from_millis(300);
/// A burst is cut off after so long.
const BURST: Duration = Duration::from_secs(2);
/// Longest time that a change waits for exporters to take it. One that is away
/// must not hold up the others.
const EXPORTERS: Duration = Duration::from_secs(2);
/// How often the store is asked whether another controller changed something.
const WATCH: Duration = Duration::from_secs(5);

/// All that is to be published, as it was at one revision.
#[derive(Clone, Debug)]
pub(super) struct Desired {
    pub(super) revision: i64,
    /// The targets of all shards, or why there are none.
    pub(super) targets: Result<RenderedTargets, String>,
    /// The rules, or why there are none.
    pub(super) rules: Result<Arc<RuleFile>, String>,
    /// What Alertmanager's configuration is made of, or why there is nothing.
    pub(super) alerting: Result<Arc<AlertingSource>, String>,
}

/// All of alerting with its secrets.
pub(super) struct AlertingSource {
    pub(super) alerting: Alerting,
    pub(super) vault: Vault,
    /// Id of the secret with which Alertmanager signs in to the controller.
    pub(super) token: String,
}

impl std::fmt::Debug for AlertingSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AlertingSource(…)")
    }
}

/// One artefact's part for one server.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) content: Content,
    pub(super) blind_spots: Arc<[BlindSpot]>,
    pub(super) warnings: Vec<String>,
}

/// What [`Renderer`] told last: nothing yet, or what it made, or why it could not.
pub(super) type Told = Option<Result<Arc<Desired>, Arc<str>>>;

/// Reads and renders the desired state as it is now, away from the threads that
/// answer requests.
pub(super) async fn render(store: &Store, shards: &Arc<[Shard]>) -> Result<Desired, SyncError> {
    let mut tx = store.read().await?;
    let inventory = tx.inventory().await?;
    let ruleset = tx.ruleset().await?;
    let alerting = alerting(&mut tx).await?;
    drop(tx);
    let shards = Arc::clone(shards);
    let work = move || Desired {
        revision: inventory.revision,
        targets: render::targets(&inventory, &shards).map_err(|error| error.to_string()),
        rules: RuleFile::render(render::rule_groups(&ruleset))
            .map(Arc::new)
            .map_err(|error| error.to_string()),
        alerting,
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SyncError::Ending)
}

/// What is wanted of Alertmanager. What cannot be opened keeps nothing else from
/// being published.
async fn alerting(tx: &mut Tx) -> Result<Result<Arc<AlertingSource>, String>, StoreError> {
    let alerting = tx.alerting().await?;
    let opened = async {
        let mut vault = tx
            .alerting_vault(&alerting.receivers, &alerting.settings)
            .await?;
        let uplink = tx.alertmanager_uplink().await?;
        Ok::<_, StoreError>(uplink.map(|(id, text)| {
            vault.insert(id.clone(), text);
            (vault, id)
        }))
    };
    Ok(match opened.await {
        Ok(Some((vault, token))) => Ok(Arc::new(AlertingSource {
            alerting,
            vault,
            token,
        })),
        Ok(None) => Err("Alertmanager has no token for the controller yet".to_owned()),
        Err(error @ (StoreError::Seal(_) | StoreError::Damaged(_))) => Err(error.to_string()),
        Err(error) => return Err(error),
    })
}

/// Renders whenever the desired state has changed, once for a burst of changes.
#[derive(Clone)]
pub(super) struct Renderer {
    pub(super) store: Store,
    pub(super) shards: Arc<[Shard]>,
    pub(super) nudge: Arc<Notify>,
    pub(super) told: watch::Sender<Told>,
    /// Exporters learn of a target before Prometheus does.
    pub(super) exporters: Option<channel::Handle>,
    /// Whether a configuration is published to an Alertmanager.
    pub(super) has_alertmanager: bool,
}

impl Renderer {
    /// Renders until `shutdown` is cancelled.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut revisions = self.store.revisions();
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            revisions.mark_unchanged();
            let made = tokio::select! {
                () = shutdown.cancelled() => break,
                made = self.renew() => made,
            };
            let wait = match made {
                Ok(()) => {
                    failures = 0;
                    WATCH
                }
                Err(error) => {
                    let wait = back_off(failures);
                    failures = failures.saturating_add(1);
                    tracing::warn!(%error, retry_in = ?wait, "The desired state could not be read");
                    self.told.send_replace(Some(Err(error.to_string().into())));
                    wait
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = revisions.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    quiet(&mut revisions).await;
                }
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn renew(&self) -> Result<(), SyncError> {
        let mut tx = self.store.read().await?;
        let needs_token = self.has_alertmanager && tx.alertmanager_uplink().await?.is_none();
        drop(tx);
        if needs_token {
            let token = TokenText::generate(TokenKind::Inlet);
            let mut tx = self.store.write().await?;
            tx.keep_alertmanager_uplink(token.expose(), &token.hash())
                .await?;
            tx.commit().await?;
        }
        let revision = self.store.read().await?.revision().await?;
        let is_known = matches!(
            &*self.told.borrow(),
            Some(Ok(desired)) if desired.revision == revision
        );
        if !is_known {
            let desired = render(&self.store, &self.shards).await?;
            if let Some(exporters) = &self.exporters {
                exporters.settled(desired.revision, EXPORTERS).await;
            }
            self.told.send_replace(Some(Ok(Arc::new(desired))));
        }
        Ok(())
    }
}

/// Waits until nothing changes any more, but not for ever.
async fn quiet(revisions: &mut watch::Receiver<i64>) {
    let end = Instant::now() + BURST;
    while Instant::now() < end {
        match tokio::time::timeout(QUIET, revisions.changed()).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
