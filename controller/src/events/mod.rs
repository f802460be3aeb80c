//! Tells pages what changed, so that they ask again.
//!
//! Every change has an entry in the audit trail, whoever made it and at whichever
//! controller; so the trail is read as it grows, beside the journal of alerts and
//! the state of publishing. What is told is where to look, never what is there:
//! who is told asks as themselves.

mod change;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::model::{Id, SyncKey};
use crate::store::{AuditFilter, FiringMark, Marks, Store, StoreError};
use crate::sync::{self, State};

pub use change::{Audience, Change, Told};

/// How often it is looked for changes that nobody wakes for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes within this time are told together.
const COLLECT: Duration = Duration::from_millis(100);
/// Entries of the audit trail that are told one by one; beyond it all is to be
/// asked anew.
const MAX_ENTRIES: i64 = 500;
/// Messages that a slow listener may lag behind before it has to ask for all.
const BACKLOG: usize = 64;
/// Most listeners at once.
const MAX_LISTENERS: usize = 256;
/// Most listeners of one user: pages in several windows, on several machines.
const MAX_OF_ONE: usize = 32;

/// What all listeners are told; each hears its part of it.
#[derive(Clone, Debug)]
pub enum Message {
    /// These things changed.
    Changes(Arc<[Change]>),
    /// So much changed that all is to be asked anew.
    Reset,
}

/// Why somebody cannot listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSeat {
    /// Too many listen.
    #[error("too many pages listen for changes; they go on without")]
    Full,
    /// The program ends.
    #[error("the controller is ending")]
    Ending,
}

/// Looks for changes, and tells them.
pub struct Hub {
    store: Store,
    sync: sync::Handle,
    sender: broadcast::Sender<Message>,
    seen: Option<Seen>,
}

/// What was there at the last look.
struct Seen {
    marks: Marks,
    firing: Option<BTreeMap<Option<Id>, FiringMark>>,
    publishing: Vec<Publishing>,
}

/// What is told of an artefact's state.
type Publishing = (SyncKey, State, String, Option<Id>, i64, u64, u64);

/// Where listeners come in. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    // Weak: when the hub ends, so do the answers of those who listen.
    sender: broadcast::WeakSender<Message>,
    seats: Arc<Mutex<HashMap<Id, usize>>>,
}

/// The right to listen, given back when it is dropped.
pub struct Seat {
    user: Id,
    seats: Arc<Mutex<HashMap<Id, usize>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = seats.get_mut(&self.user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                seats.remove(&self.user);
            }
        }
    }
}

impl Handle {
    /// Begins to listen.
    ///
    /// # Errors
    /// See [`NoSeat`].
    pub fn listen(&self, user: Id) -> Result<(broadcast::Receiver<Message>, Seat), NoSeat> {
        let sender = self.sender.upgrade().ok_or(NoSeat::Ending)?;
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: usize = seats.values().sum();
        let own = seats.get(&user).copied().unwrap_or_default();
        if taken >= MAX_LISTENERS || own >= MAX_OF_ONE {
            return Err(NoSeat::Full);
        }
        seats.insert(user, own + 1);
        let seat = Seat {
            user,
            seats: Arc::clone(&self.seats),
        };
        Ok((sender.subscribe(), seat))
    }
}

impl Hub {
    /// Looks at this store and at what is published.
    #[must_use]
    pub fn new(store: Store, sync: sync::Handle) -> (Self, Handle) {
        let (sender, _) = broadcast::channel(BACKLOG);
        let handle = Handle {
            sender: sender.downgrade(),
            seats: Arc::default(),
        };
        let hub = Self {
            store,
            sync,
            sender,
            seen: None,
        };
        (hub, handle)
    }

    /// Looks and tells until `shutdown` is cancelled.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut revisions = self.store.revisions();
        loop {
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "It could not be looked for changes");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = burst(&mut revisions) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let mut tx = self.store.read().await?;
        let marks = tx.marks().await?;
        let publishing = self.publishing();
        let is_heard = self.sender.receiver_count() > 0;
        let Some(seen) = self.seen.as_mut().filter(|_| is_heard) else {
            // Nobody has to be told; who comes asks for all first.
            self.seen = Some(Seen {
                marks,
                firing: None,
                publishing,
            });
            return Ok(());
        };
        let mut changes = Vec::new();
        let mut is_too_much = false;
        if marks.audit != seen.marks.audit {
            let filter = AuditFilter::default();
            let entries = tx
                .audit_after(seen.marks.audit, &filter, MAX_ENTRIES)
                .await?;
            is_too_much = entries.len() as i64 >= MAX_ENTRIES;
            for entry in &entries {
                let group = match change::alert_of(entry) {
                    Some(id) => tx.group_of_alert(id).await?,
                    None => None,
                };
                changes.extend(Change::of_entry(entry, group));
            }
        }
        if marks.alerts != seen.marks.alerts || seen.firing.is_none() {
            let firing = tx.firing_marks().await?;
            let groups = match &seen.firing {
                Some(before) => differing(before, &firing),
                // What fired before is not known: each may be another.
                None if marks.alerts != seen.marks.alerts => firing.keys().copied().collect(),
                None => BTreeSet::new(),
            };
            changes.extend(Change::of_alerts(groups));
            seen.firing = Some(firing);
        }
        if publishing != seen.publishing {
            changes.push(Change::of_sync());
        }
        seen.marks = marks;
        seen.publishing = publishing;
        let message = match changes.is_empty() {
            _ if is_too_much => Message::Reset,
            false => Message::Changes(changes.into()),
            true => return Ok(()),
        };
        // Nobody listens any more: nobody has to know.
        let _ = self.sender.send(message);
        Ok(())
    }

    fn publishing(&self) -> Vec<Publishing> {
        let artefacts = self.sync.status().artefacts.into_iter();
        artefacts
            .map(|status| {
                (
                    SyncKey::new(status.artefact, &status.server),
                    status.state,
                    status.message,
                    status.published_version,
                    status.entries,
                    status.repairs,
                    status.failures,
                )
            })
            .collect()
    }
}

/// Waits for a change of the desired state, and for the end of its burst.
async fn burst(revisions: &mut watch::Receiver<i64>) {
    if revisions.changed().await.is_err() {
        // The store is gone; the shutdown ends the loop.
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(COLLECT).await;
}

/// Groups whose marks are not the same in both.
fn differing(
    before: &BTreeMap<Option<Id>, FiringMark>,
    after: &BTreeMap<Option<Id>, FiringMark>,
) -> BTreeSet<Option<Id>> {
    before
        .keys()
        .chain(after.keys())
        .filter(|group| before.get(*group) != after.get(*group))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_bounded_and_given_back() {
        let (sender, _) = broadcast::channel(BACKLOG);
        let handle = Handle {
            sender: sender.downgrade(),
            seats: Arc::default(),
        };
        let mut own: Vec<_> = (0..MAX_OF_ONE)
            .map(|_| handle.listen(1).expect("a seat"))
            .collect();
        assert_eq!(handle.listen(1).err(), Some(NoSeat::Full));
        assert!(handle.listen(2).is_ok(), "others have theirs");
        own.pop();
        assert!(handle.listen(1).is_ok(), "given back");
        let others: Vec<_> = (100..)
            .map_while(|user| handle.listen(user).ok())
            .take(2 * MAX_LISTENERS)
            .collect();
        assert_eq!(own.len() + others.len(), MAX_LISTENERS);
        drop(own);
        drop(others);
        assert!(handle.seats.lock().unwrap().is_empty());
        drop(sender);
        assert_eq!(handle.listen(1).err(), Some(NoSeat::Ending));
    }
}
