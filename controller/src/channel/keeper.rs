//! Keeps the views up to date.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::handle::Handle;
use super::overlap::Overlap;
use super::view::{self, View};
use crate::model::{Id, Inventory, ModuleSource, SyncKey, SyncState, check_settings};
use crate::render::{self, Carried, Document, DocumentError};
use crate::store::{Store, StoreError};

/// A burst of changes has ended when nothing changed for so long. Shorter than
/// the engine's: exporters are to know a target before Prometheus asks for it.
const QUIET: Duration = Duration::from_millis(50);
/// A burst is cut off after so long.
const BURST: Duration = Duration::from_millis(500);
/// How often it looks for changes by other processes, and for what was published.
const TICK: Duration = Duration::from_secs(1);
/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// The views of one moment.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// Revision of the desired state that they are made from.
    pub(super) revision: i64,
    /// By number of the exporter.
    pub(super) by_exporter: HashMap<Id, Arc<View>>,
}

/// Makes views whenever what they are made from changes.
pub struct Keeper {
    store: Store,
    /// The lists of targets that are published.
    lists: Vec<SyncKey>,
    views: watch::Sender<Option<Arc<Views>>>,
    overlap: Overlap,
    /// What was looked at last.
    seen: Option<(i64, Vec<SyncState>)>,
    /// Published versions that are in use, taken apart.
    versions: HashMap<Id, Arc<Carried>>,
    /// Profiles that were left out, so that each is told once.
    left_out: BTreeMap<String, String>,
}

/// Why there are no new views.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a published list of targets is not good: {0}")]
    Document(#[from] DocumentError),
    #[error("the controller is ending")]
    Ending,
}

impl Keeper {
    /// A keeper for a store, and the handle for the API. `lists` are the lists of
    /// targets that are published: what Prometheus may still ask for.
    #[must_use]
    pub fn new(store: Store, lists: Vec<SyncKey>) -> (Self, Handle) {
        let views = watch::channel(None).0;
        let handle = Handle::new(store.clone(), views.subscribe());
        let keeper = Self {
            store,
            lists,
            views,
            overlap: Overlap::default(),
            seen: None,
            versions: HashMap::new(),
            left_out: BTreeMap::new(),
        };
        (keeper, handle)
    }

    /// Keeps views until `shutdown` is cancelled; whoever waits for one is
    /// answered then.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut revisions = self.store.revisions();
        while !shutdown.is_cancelled() {
            revisions.mark_unchanged();
            let wait = tokio::select! {
                () = shutdown.cancelled() => break,
                result = self.refresh() => match result {
                    Ok(()) => TICK,
                    Err(error) => {
                        tracing::warn!(%error, "The exporters' configurations could not be made");
                        PAUSE
                    }
                },
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = revisions.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    quiet(&mut revisions).await;
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Makes new views if anything that they are made from is new.
    async fn refresh(&mut self) -> Result<(), KeepError> {
        let mut tx = self.store.read().await?;
        let revision = tx.revision().await?;
        let mut states = Vec::with_capacity(self.lists.len());
        for list in &self.lists {
            states.push(tx.sync_state(list).await?);
        }
        let is_due = self
            .overlap
            .next_end()
            .is_some_and(|end| end <= Instant::now());
        if self.seen.as_ref() == Some(&(revision, states.clone())) && !is_due {
            return Ok(());
        }
        let inventory = tx.inventory().await?;
        let sources = tx.module_sources().await?;
        let needed: BTreeSet<Id> = states
            .iter()
            .flat_map(|state| [state.published_id, state.good_id])
            .flatten()
            .collect();
        let is_new = |id: &Id| !self.versions.contains_key(id);
        let new: Vec<Id> = needed.iter().copied().filter(is_new).collect();
        for id in new {
            let content = tx.sync_content(id).await?;
            let work = move || Document::parse(content).map(|d| render::carried_by(&d));
            let carried = blocking(work).await??;
            self.versions.insert(id, Arc::new(carried));
        }
        drop(tx);
        self.versions.retain(|id, _| needed.contains(id));
        let sources = self.usable(sources);
        let published: Vec<Arc<Carried>> = self.versions.values().cloned().collect();
        let mut overlap = std::mem::take(&mut self.overlap);
        let before = self.views.borrow().clone();
        let store = self.store.clone();
        let work = move || {
            let views = render_views(&inventory, sources, &published, &mut overlap, &store);
            (overlap, views)
        };
        let (overlap, mut by_exporter) = blocking(work).await?;
        self.overlap = overlap;
        // The same content stays the same memory.
        for (id, view) in &mut by_exporter {
            let known = before.as_ref().and_then(|views| views.by_exporter.get(id));
            if let Some(known) = known.filter(|known| known.etag == view.etag) {
                *view = Arc::clone(known);
            }
        }
        self.views.send_replace(Some(Arc::new(Views {
            revision,
            by_exporter,
        })));
        self.seen = Some((revision, states));
        Ok(())
    }

    /// Leaves out profiles that exporters would refuse, of a time when anything
    /// could be saved: one of them would keep an exporter from taking the others.
    fn usable(&mut self, sources: Vec<ModuleSource>) -> Vec<ModuleSource> {
        let mut left_out = BTreeMap::new();
        let sources = sources
            .into_iter()
            .filter(|source| {
                let problem = check_settings(&source.settings)
                    .first()
                    .map(|(key, message)| format!("settings.{key}: {message}"));
                let is_good = problem.is_none();
                if let Some(problem) = problem {
                    if self.left_out.get(&source.name) != Some(&problem) {
                        tracing::error!(
                            credential = source.name,
                            problem,
                            "A credential profile is not given to exporters; save it again"
                        );
                    }
                    left_out.insert(source.name.clone(), problem);
                }
                is_good
            })
            .collect();
        self.left_out = left_out;
        sources
    }
}

fn render_views(
    inventory: &Inventory,
    sources: Vec<ModuleSource>,
    published: &[Arc<Carried>],
    overlap: &mut Overlap,
    store: &Store,
) -> HashMap<Id, Arc<View>> {
    let desired = render::carried(inventory);
    let mut lists = vec![&desired];
    lists.extend(published.iter().map(|list| &**list));
    let carried = view::union(inventory, &lists);
    let sources = view::named_sources(inventory, sources, &lists);
    let listed = overlap.add_leaving(carried, Instant::now());
    let name = |parts: &[&[u8]]| store.fingerprint(view::PURPOSE, parts.iter().copied());
    listed
        .iter()
        .map(|(id, modules)| (*id, Arc::new(view::view(modules, &sources, name))))
        .collect()
}

/// Computes away from the threads that answer requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, KeepError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| KeepError::Ending)
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
