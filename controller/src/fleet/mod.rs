//! The fleet at a glance: every server with its state, from what is stored, what
//! Prometheus has and which alerts fire.

mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Id, Scope};
use crate::monitoring::Source;
use crate::monitoring::measured::{Facts, Measured, Measurements};
use crate::store::{Firing, FleetEntry, Store, StoreError};

pub use view::{
    FleetFilter, FleetMap, FleetMetric, FleetOverview, FleetPage, FleetServer, FleetSort,
    FleetSorting, FleetState, MapRequest, Partition,
};

/// A revision of the desired state, and all servers in it.
type Entries = (i64, Arc<[FleetEntry]>);

/// What an overview is made of. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    store: Store,
    measurements: Measurements,
    /// All servers as of a revision of the desired state.
    entries: Arc<Mutex<Option<Entries>>>,
}

/// All of it at one time.
pub struct Present {
    entries: Arc<[FleetEntry]>,
    measured: Arc<Measured>,
    firing: HashMap<Id, Firing>,
    scope: Scope,
}

/// One server with all that is known of it.
#[derive(Clone, Copy)]
struct Known<'a> {
    entry: &'a FleetEntry,
    facts: Facts,
    firing: Firing,
    state: FleetState,
}

impl Fleet {
    /// Looks at this store and asks this source.
    #[must_use]
    pub fn new(store: Store, source: Source) -> Self {
        let measurements = Measurements::new(source, store.clock().clone());
        Self {
            store,
            measurements,
            entries: Arc::default(),
        }
    }

    /// How things are, for somebody who sees these servers.
    ///
    /// # Errors
    /// When the store fails. That Prometheus does is told in the answer.
    pub async fn present(&self, scope: Scope) -> Result<Present, StoreError> {
        let mut tx = self.store.read().await?;
        let revision = tx.revision().await?;
        let kept = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.clone().filter(|(of, _)| *of == revision)
        };
        let entries = match kept {
            Some((_, entries)) => entries,
            None => {
                let read: Arc<[FleetEntry]> = tx.fleet().await?.into();
                let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
                *entries = Some((revision, Arc::clone(&read)));
                read
            }
        };
        let firing = tx.firing_by_server().await?;
        drop(tx);
        Ok(Present {
            entries,
            measured: self.measurements.latest().await,
            firing,
            scope,
        })
    }
}

impl Present {
    /// Servers that a filter lets through.
    fn known<'a>(&'a self, filter: &'a FleetFilter) -> impl Iterator<Item = Known<'a>> {
        let search = filter.search.as_deref().map(str::to_lowercase);
        self.entries
            .iter()
            .filter(|entry| self.scope.covers(entry.group_id))
            .filter(move |entry| filter.fits(entry, search.as_deref()))
            .map(|entry| {
                let facts = self.measured.facts.get(&entry.id).copied();
                let facts = facts
                    .filter(|_| entry.monitoring_enabled)
                    .unwrap_or_default();
                let firing = self.firing.get(&entry.id).copied().unwrap_or_default();
                Known {
                    entry,
                    facts,
                    firing,
                    state: FleetState::of(&facts, firing),
                }
            })
    }
}
