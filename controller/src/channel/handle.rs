//! What the API and the engine ask of the channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::document::{self, Secrets};
use super::keeper::Views;
use super::view::View;
use crate::clock::Timestamp;
use crate::model::{Applied, ChannelState, ChannelStatus, Id};
use crate::store::{CHANNEL_AWAY, Store, StoreError};

/// Requests that wait at once, over all exporters.
const MAX_WAITING: usize = 2000;
/// Requests that wait at once for one exporter: it needs one, and another while
/// it starts again.
const MAX_WAITING_EACH: usize = 4;
/// How often the engine looks whether exporters have taken a change.
const LOOK: Duration = Duration::from_millis(50);

/// What came of waiting for a change.
#[derive(Clone, Debug)]
pub enum Waited {
    /// The exporter is to have this.
    Changed(Arc<View>),
    /// It has what it is to have.
    Same(Arc<View>),
    /// It has, and too many requests wait; nobody waited for a change.
    Busy(Arc<View>),
    /// There is no such exporter, or it is not known yet what it is to have.
    Unknown,
}

/// The channel as others see it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    store: Store,
    views: watch::Receiver<Option<Arc<Views>>>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    all: usize,
    each: HashMap<Id, usize>,
}

impl Handle {
    pub(super) fn new(store: Store, views: watch::Receiver<Option<Arc<Views>>>) -> Self {
        Self {
            store,
            views,
            waiting: Arc::default(),
        }
    }

    /// Waits until it is known what exporters are to have; false when it is not
    /// by `deadline`.
    pub async fn ready(&self, deadline: Instant) -> bool {
        let mut views = self.views.clone();
        let known = views.wait_for(Option::is_some);
        matches!(tokio::time::timeout_at(deadline, known).await, Ok(Ok(_)))
    }

    /// Waits until the exporter is to have something else than `known` (ETags),
    /// until `deadline` at most, or until the controller ends.
    pub async fn wait(&self, exporter: Id, known: &[String], deadline: Instant) -> Waited {
        let mut views = self.views.clone();
        let mut place = None;
        loop {
            let view = views
                .borrow_and_update()
                .as_ref()
                .and_then(|views| views.by_exporter.get(&exporter).cloned());
            if let Some(view) = view.as_ref().filter(|view| !known.contains(&view.etag)) {
                return Waited::Changed(Arc::clone(view));
            }
            if place.is_none() && Instant::now() < deadline {
                place = Place::take(&self.waiting, exporter);
                if place.is_none() {
                    return view.map_or(Waited::Unknown, Waited::Busy);
                }
            }
            let is_over = tokio::select! {
                changed = views.changed() => changed.is_err(),
                () = tokio::time::sleep_until(deadline) => true,
            };
            if is_over {
                return view.map_or(Waited::Unknown, Waited::Same);
            }
        }
    }

    /// A view as text, with its secrets; wiped on drop. `None` when a secret was
    /// replaced meanwhile: there is a new view then, or will be at once.
    ///
    /// # Errors
    /// When the store fails, or the master key does not open a secret.
    pub async fn open(&self, view: &View) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut tx = self.store.read().await?;
        let mut secrets = Vec::with_capacity(view.modules.len());
        for module in view.modules.values() {
            let mut opened = Secrets::default();
            for (place, secret) in [
                (&module.source.password, &mut opened.password),
                (&module.source.k_g, &mut opened.k_g),
            ] {
                if let Some(place) = place {
                    match tx.open_secret(place).await {
                        Ok(bytes) => *secret = Some(bytes),
                        Err(StoreError::NotFound { .. }) => return Ok(None),
                        Err(error) => return Err(error),
                    }
                }
            }
            secrets.push(opened);
        }
        drop(tx);
        Ok(Some(document::write(view, &secrets)))
    }

    /// Where an exporter stands; `None` when it has never asked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self, exporter: Id) -> Result<Option<ChannelStatus>, StoreError> {
        let state = self.store.read().await?.channel(exporter).await?;
        Ok(state.map(|state| self.judge(state)))
    }

    /// Where all exporters stand that have ever asked, by number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn statuses(&self) -> Result<Vec<(Id, ChannelStatus)>, StoreError> {
        let states = self.store.read().await?.channels().await?;
        let judged = states.into_iter();
        Ok(judged
            .map(|state| (state.exporter_id, self.judge(state)))
            .collect())
    }

    /// What an exporter is to have, as far as that is known.
    #[must_use]
    pub fn view(&self, exporter: Id) -> Option<Arc<View>> {
        let views = self.views.borrow();
        views
            .as_ref()
            .and_then(|views| views.by_exporter.get(&exporter).cloned())
    }

    fn judge(&self, state: ChannelState) -> ChannelStatus {
        let wanted = self.view(state.exporter_id).map(|view| view.etag.clone());
        let applied = match (&state.report.applied, &state.report.refused) {
            (applied, _) if applied.is_some() && *applied == wanted => Applied::InSync,
            (_, refused) if refused.is_some() && *refused == wanted => Applied::Failed,
            _ => Applied::Pending,
        };
        ChannelStatus {
            connected_at: state.connected_at,
            last_seen_at: state.last_seen_at,
            is_connected: is_connected(&state, self.store.clock().now()),
            applied,
            error: Some(state.report.error).filter(|error| !error.is_empty()),
            exporter_version: state.report.exporter_version,
            started_at: state.report.started_at,
            source: state.report.source,
        }
    }

    /// Waits until all exporters that are connected have taken what they are to
    /// have at `revision`, or have refused it; until `limit` at most. Who
    /// publishes targets calls this first, so that no exporter is asked for a
    /// target that it does not know yet.
    pub async fn settled(&self, revision: i64, limit: Duration) {
        let wait = async {
            let mut views = self.views.clone();
            let is_there = |views: &Option<Arc<Views>>| {
                views
                    .as_ref()
                    .is_some_and(|views| views.revision >= revision)
            };
            if views.wait_for(is_there).await.is_err() {
                return;
            }
            loop {
                match self.are_settled().await {
                    Ok(true) => return,
                    Ok(false) => {}
                    // The caller's own question to the store will fail too.
                    Err(_) => return,
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(limit, wait).await.is_err() {
            tracing::debug!("Not all exporters have taken the change yet; publishing all the same");
        }
    }

    async fn are_settled(&self) -> Result<bool, StoreError> {
        let states = self.store.read().await?.channels().await?;
        let now = self.store.clock().now();
        let connected = states.into_iter().filter(|state| is_connected(state, now));
        Ok(connected
            .map(|state| self.judge(state).applied)
            .all(|applied| applied != Applied::Pending))
    }
}

fn is_connected(state: &ChannelState, now: Timestamp) -> bool {
    now.since(state.last_seen_at) < CHANNEL_AWAY
}

/// A request's right to wait, given back on drop.
struct Place {
    waiting: Arc<Mutex<Waiting>>,
    exporter: Id,
}

impl Place {
    fn take(waiting: &Arc<Mutex<Waiting>>, exporter: Id) -> Option<Self> {
        let mut counts = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.each.get(&exporter).copied().unwrap_or_default();
        if counts.all >= MAX_WAITING || own >= MAX_WAITING_EACH {
            return None;
        }
        counts.all += 1;
        counts.each.insert(exporter, own + 1);
        drop(counts);
        Some(Self {
            waiting: Arc::clone(waiting),
            exporter,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        match counts.each.get_mut(&self.exporter) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                counts.each.remove(&self.exporter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_wait_and_no_more() {
        let waiting = Arc::default();
        let take = |exporter| Place::take(&waiting, exporter);
        let mut places: Vec<Place> = (0..MAX_WAITING_EACH).filter_map(|_| take(1)).collect();
        assert_eq!(places.len(), MAX_WAITING_EACH);
        assert!(take(1).is_none());
        assert!(take(2).is_some(), "another one");
        places.pop();
        assert!(take(1).is_some(), "a place is free again");
        drop(places);
        assert!(waiting.lock().unwrap().each.is_empty());
        assert_eq!(waiting.lock().unwrap().all, 0);
    }
}
