//! All targets of the process: finds or starts the actor of an address, and
//! shares collections between scrapes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::actor::Actor;
use super::worker::Workers;
use crate::bmc::{Bmc, LoginBudget, LoginStore};
use crate::collect::store::Store;
use crate::collect::{CollectOptions, Collection, Collectors, Profile};
use crate::telemetry::Telemetry;

/// How many collections of different modules may wait for one BMC.
const QUEUE: usize = 8;

/// Limits of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many BMCs may be known at a time.
    pub max_targets: usize,
    /// How many BMCs may be collected from at a time.
    pub max_concurrent: usize,
    /// After how long without a scrape a BMC is forgotten.
    pub idle_timeout: Duration,
}

/// Why a scrape is not even tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// The limit of targets is reached.
    #[error("too many targets: {0} are in use; raise --targets.max")]
    Targets(usize),
    /// Too many different modules wait for this BMC.
    #[error("too many scrapes of this target are waiting")]
    Queue,
    /// The exporter is going down.
    #[error("the exporter is shutting down")]
    ShuttingDown,
}

/// Finds or starts the actor of an address, and shares running collections.
pub struct Registry {
    targets: Mutex<HashMap<SocketAddr, Target>>,
    limits: Limits,
    options: CollectOptions,
    store: Arc<Store>,
    logins: Arc<LoginStore>,
    budget: Arc<LoginBudget>,
    telemetry: Arc<Telemetry>,
    collecting: Arc<Semaphore>,
    workers: Workers,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

struct Target {
    jobs: mpsc::Sender<Arc<Collection>>,
    /// Collections that are waiting or going on; ended ones are swept out.
    running: Vec<Weak<Collection>>,
}

impl Registry {
    /// A registry without targets.
    pub fn new(
        limits: Limits,
        options: CollectOptions,
        store: Arc<Store>,
        budget: Arc<LoginBudget>,
        telemetry: Arc<Telemetry>,
        workers: Workers,
    ) -> Arc<Self> {
        Arc::new(Self {
            targets: Mutex::default(),
            limits,
            options,
            logins: Arc::new(LoginStore::new(store.directory())),
            store,
            budget,
            telemetry,
            workers,
            collecting: Arc::new(Semaphore::new(limits.max_concurrent)),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        })
    }

    fn targets(&self) -> MutexGuard<'_, HashMap<SocketAddr, Target>> {
        // Nothing that can panic is done with the lock held, and no I/O.
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A collection of `profile` at `address` that somebody waits for until
    /// `deadline`: the one that is going on, or a new one.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn collect(
        self: &Arc<Self>,
        address: SocketAddr,
        profile: &Arc<Profile>,
        deadline: Instant,
    ) -> Result<Arc<Collection>, Overload> {
        if self.shutdown.is_cancelled() {
            return Err(Overload::ShuttingDown);
        }
        let mut targets = self.targets();
        if !targets.contains_key(&address) {
            if targets.len() >= self.limits.max_targets {
                return Err(Overload::Targets(targets.len()));
            }
            targets.insert(address, self.start(address, profile));
            self.telemetry.targets.inc();
        }
        let Some(target) = targets.get_mut(&address) else {
            return Err(Overload::ShuttingDown);
        };
        target.running.retain(|running| running.strong_count() > 0);
        let joined = target
            .running
            .iter()
            .filter_map(Weak::upgrade)
            .find(|running| running.join(profile, deadline));
        if let Some(running) = joined {
            self.telemetry.shared_collection();
            return Ok(running);
        }
        let collection = Arc::new(Collection::new(Arc::clone(profile), deadline));
        match target.jobs.try_send(Arc::clone(&collection)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(Overload::Queue),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                // It went idle this very moment: start it anew.
                let fresh = self.start(address, profile);
                fresh
                    .jobs
                    .try_send(Arc::clone(&collection))
                    .map_err(|_| Overload::Queue)?;
                *target = fresh;
            }
        }
        target.running.push(Arc::downgrade(&collection));
        Ok(collection)
    }

    fn start(self: &Arc<Self>, address: SocketAddr, profile: &Arc<Profile>) -> Target {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let actor = Actor {
            bmc: Bmc::new(
                address,
                Arc::clone(&profile.settings),
                Arc::clone(&self.budget),
                Arc::clone(&self.telemetry),
            )
            .with_login_store(Arc::clone(&self.logins)),
            collectors: Collectors::new(
                address,
                self.options,
                Arc::clone(&self.store),
                Arc::clone(&self.telemetry),
            ),
            jobs,
            collecting: Arc::clone(&self.collecting),
            idle_timeout: self.limits.idle_timeout,
            shutdown: self.shutdown.clone(),
        };
        let registry = Arc::clone(self);
        let jobs = sender.clone();
        let task = async move {
            actor.run().await;
            registry.forget(address, &jobs);
        };
        if let Some(worker) = self.workers.assign() {
            self.tasks.spawn_on(task, worker);
        }
        Target {
            jobs: sender,
            running: Vec::new(),
        }
    }

    /// Removes an actor that ended, unless a new one has taken its place.
    fn forget(&self, address: SocketAddr, ended: &mpsc::Sender<Arc<Collection>>) {
        let mut targets = self.targets();
        let is_same = targets
            .get(&address)
            .is_some_and(|target| target.jobs.same_channel(ended));
        if is_same {
            targets.remove(&address);
            self.telemetry.targets.dec();
        }
    }

    /// Closes all sessions; waits for that until `deadline`.
    pub async fn shut_down(&self, deadline: Instant) {
        self.shutdown.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout_at(deadline.into(), self.tasks.wait()).await;
    }
}
