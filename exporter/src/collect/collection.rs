//! One run over a BMC's collectors, and the scrapes that wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::Results;
use crate::config::Module;
use rmcp_ipmi::session::Settings;

/// A module together with what its log-ins need, made once per configuration.
pub struct Profile {
    /// The module as configured.
    pub module: Arc<Module>,
    /// Its user, as sessions want it.
    pub settings: Arc<Settings>,
}

/// A run that is waiting for its turn or going on. What is finished can be
/// looked at any time.
pub struct Collection {
    /// What is collected, and as whom.
    pub profile: Arc<Profile>,
    created: Instant,
    state: Mutex<State>,
    finished: CancellationToken,
}

struct State {
    /// When the last of the waiting scrapes goes away.
    deadline: Instant,
    results: Results,
}

impl Collection {
    /// A run for one scrape that waits until `deadline`.
    pub fn new(profile: Arc<Profile>, deadline: Instant) -> Self {
        Self {
            profile,
            created: Instant::now(),
            state: Mutex::new(State {
                deadline,
                results: Results::default(),
            }),
            finished: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets another scrape wait for this run too. Refused when it collects
    /// something else, is over, or has gone on for so long that its first values
    /// would be older than the scrape's own time budget.
    pub fn join(&self, profile: &Arc<Profile>, deadline: Instant) -> bool {
        if !Arc::ptr_eq(&self.profile, profile) || self.finished.is_cancelled() {
            return false;
        }
        let now = Instant::now();
        if now.duration_since(self.created) > deadline.saturating_duration_since(now) {
            return false;
        }
        let mut state = self.state();
        state.deadline = state.deadline.max(deadline);
        true
    }

    /// When the run was asked for; no two of one BMC have the same.
    pub fn created(&self) -> Instant {
        self.created
    }

    /// Until when anybody waits.
    pub fn deadline(&self) -> Instant {
        self.state().deadline
    }

    /// Changes the results.
    pub fn update(&self, change: impl FnOnce(&mut Results)) {
        change(&mut self.state().results);
    }

    /// Looks at the results without copying them.
    pub fn look<R>(&self, look: impl FnOnce(&Results) -> R) -> R {
        look(&self.state().results)
    }

    /// What is known now.
    pub fn snapshot(&self) -> Results {
        self.state().results.clone()
    }

    /// Wakes all who wait.
    pub fn finish(&self) {
        self.finished.cancel();
    }

    /// Waits until the run is over or `deadline` is there; gives what is known.
    pub async fn wait(&self, deadline: Instant) -> Results {
        tokio::select! {
            () = self.finished.cancelled() => {}
            () = tokio::time::sleep_until(deadline.into()) => {}
        }
        self.snapshot()
    }
}

/// However a run ends, nobody waits in vain.
impl Drop for Collection {
    fn drop(&mut self) {
        self.finish();
    }
}
