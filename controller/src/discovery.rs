//! Scans of networks for BMCs, started by people and kept in memory for a while.
//!
//! What is sent and how fast is the business of `bmc_scan`: three questions that
//! need no log-in. Here is which networks may be asked, how many scans there are at
//! a time, and how long their results stay.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bmc_scan::{Block, Bmc, Plan, Progress, ScanSettings, Versions};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::clock::{Clock, Timestamp};
use crate::config::DiscoveryConfig;
use crate::model::{Id, Invalid};

/// Scans that run at once.
const MAX_RUNNING: usize = 2;
/// Scans that are remembered.
const MAX_KEPT: usize = 20;
/// How long the results of a scan stay after its end.
pub const RETENTION: Duration = Duration::from_secs(3600);
/// Most networks of one scan.
const MAX_NETWORKS: usize = 100;
/// Shortest and longest time for an answer, in milliseconds.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=30_000;
/// How often each question may be asked.
const TRIES: std::ops::RangeInclusive<u8> = 1..=10;

/// What somebody wants to be scanned.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Networks, ranges and addresses.
    pub networks: Vec<String>,
    /// UDP port.
    pub port: u16,
    /// Datagrams a second; the most that is allowed when absent.
    pub rate: Option<u32>,
    /// How long an answer is waited for, in milliseconds.
    pub timeout_ms: u64,
    /// How often each question is asked.
    pub tries: u8,
}

/// How a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It runs.
    Running,
    /// Every address was asked.
    Finished,
    /// Somebody ended it; what it had found by then is there.
    Cancelled,
    /// It could not be run.
    Failed,
}

/// A scan, without what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Job {
    /// Number of the scan.
    pub id: Id,
    /// How it is.
    pub state: JobState,
    /// Who started it.
    pub author: String,
    /// What is scanned.
    pub networks: Vec<String>,
    /// UDP port.
    pub port: u16,
    /// Addresses in all.
    pub addresses: u64,
    /// Addresses that are done with.
    pub done: u64,
    /// BMCs found so far.
    pub found: usize,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A BMC that was found. All of it comes from answers that nothing protects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Found {
    /// Its address.
    pub address: String,
    /// UDP port.
    pub port: u16,
    /// Whether it speaks IPMI 1.5; absent when it does not say.
    pub ipmi_1_5: Option<bool>,
    /// Whether it speaks IPMI 2.0; absent when it does not say.
    pub ipmi_2_0: Option<bool>,
    /// Numbers of the cipher suites that it lists; absent when it lists none.
    pub cipher_suites: Option<Vec<u8>>,
    /// What is weak about it.
    pub weaknesses: Vec<WeaknessView>,
}

/// Something weak that a BMC says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WeaknessView {
    /// A word.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

impl Found {
    fn new(at: SocketAddr, bmc: &Bmc) -> Self {
        let versions = bmc.versions();
        let spoken = |of: fn(Versions) -> bool| versions.map(of);
        Self {
            address: at.ip().to_string(),
            port: at.port(),
            ipmi_1_5: spoken(|versions| versions.v15),
            ipmi_2_0: spoken(|versions| versions.v20),
            cipher_suites: bmc
                .suites
                .as_ref()
                .map(|suites| suites.iter().map(|suite| suite.id).collect()),
            weaknesses: bmc
                .weaknesses()
                .into_iter()
                .map(|weakness| WeaknessView {
                    name: weakness.name(),
                    meaning: weakness.meaning(),
                })
                .collect(),
        }
    }
}

/// Why a scan does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Fields are not legal, or networks not allowed.
    #[error("the scan is not allowed")]
    Invalid(Vec<Invalid>),
    /// Enough others run.
    #[error("{MAX_RUNNING} scans are running; wait for one to end, or cancel it")]
    Busy,
}

/// All scans. Cheap to clone.
#[derive(Clone)]
pub struct Discovery {
    config: Arc<DiscoveryConfig>,
    clock: Clock,
    jobs: Arc<Mutex<BTreeMap<Id, Entry>>>,
    shutdown: CancellationToken,
}

struct Entry {
    job: Job,
    found: Arc<[Found]>,
    cancel: CancellationToken,
    ended: watch::Receiver<bool>,
}

impl Discovery {
    /// Begins without any scan.
    #[must_use]
    pub fn new(config: DiscoveryConfig, clock: Clock) -> Self {
        Self {
            config: Arc::new(config),
            clock,
            jobs: Arc::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// Starts a scan, and gives it as it begins.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn start(&self, wanted: &Wanted, author: String) -> Result<Job, Refusal> {
        let (plan, settings) = self.plan(wanted).map_err(Refusal::Invalid)?;
        let now = self.clock.now();
        let mut jobs = self.lock();
        forget(&mut jobs, now);
        let running = |entry: &&Entry| entry.job.state == JobState::Running;
        if jobs.values().filter(running).count() >= MAX_RUNNING {
            return Err(Refusal::Busy);
        }
        // Also after a restart no number is given out twice.
        let last = jobs.keys().next_back().copied().unwrap_or_default();
        let id = now.0.max(last + 1);
        let job = Job {
            id,
            state: JobState::Running,
            author,
            networks: wanted.networks.clone(),
            port: wanted.port,
            addresses: plan.len(),
            done: 0,
            found: 0,
            error: None,
            started_at: now,
            ended_at: None,
        };
        let cancel = self.shutdown.child_token();
        let (end, ended) = watch::channel(false);
        jobs.insert(
            id,
            Entry {
                job: job.clone(),
                found: Arc::default(),
                cancel: cancel.clone(),
                ended,
            },
        );
        drop(jobs);
        let all = self.clone();
        tokio::spawn(async move {
            all.run(id, plan, settings, cancel).await;
            end.send_replace(true);
        });
        Ok(job)
    }

    async fn run(&self, id: Id, plan: Plan, settings: ScanSettings, cancel: CancellationToken) {
        let ended = bmc_scan::run(plan, settings, cancel.cancelled(), |progress| {
            self.tell(id, progress);
        })
        .await;
        let now = self.clock.now();
        let mut jobs = self.lock();
        let Some(entry) = jobs.get_mut(&id) else {
            return;
        };
        entry.job.ended_at = Some(now);
        match ended {
            Ok(end) => {
                let progress = end.scanner.progress();
                let found = end.scanner.bmcs().map(|(at, bmc)| Found::new(at, bmc));
                entry.found = found.collect();
                (entry.job.done, entry.job.found) = (progress.done, entry.found.len());
                entry.job.state = if end.is_complete {
                    JobState::Finished
                } else {
                    JobState::Cancelled
                };
            }
            Err(error) => {
                entry.job.state = JobState::Failed;
                entry.job.error = Some(error.to_string());
            }
        }
    }

    fn tell(&self, id: Id, progress: Progress) {
        if let Some(entry) = self.lock().get_mut(&id) {
            (entry.job.done, entry.job.found) = (progress.done, progress.bmcs);
        }
    }

    /// Scans that are remembered, the newest first.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.lock();
        forget(&mut jobs, self.clock.now());
        jobs.values().rev().map(|entry| entry.job.clone()).collect()
    }

    /// A scan and what it found; nothing before it has ended.
    #[must_use]
    pub fn job(&self, id: Id) -> Option<(Job, Arc<[Found]>)> {
        let mut jobs = self.lock();
        forget(&mut jobs, self.clock.now());
        let entry = jobs.get(&id)?;
        Some((entry.job.clone(), Arc::clone(&entry.found)))
    }

    /// Ends a scan, if it runs.
    pub fn cancel(&self, id: Id) {
        if let Some(entry) = self.lock().get(&id) {
            entry.cancel.cancel();
        }
    }

    /// Waits until a scan has ended. When nobody waits any more, it is cancelled.
    pub async fn wait(&self, id: Id) {
        let Some((mut ended, cancel)) = self
            .lock()
            .get(&id)
            .map(|entry| (entry.ended.clone(), entry.cancel.clone()))
        else {
            return;
        };
        let _guard = cancel.drop_guard();
        // An error says that it has ended without saying so.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Ends all scans.
    pub fn shut_down(&self) {
        self.shutdown.cancel();
    }

    /// Which addresses, and how. Networks are checked before anything is sent.
    fn plan(&self, wanted: &Wanted) -> Result<(Plan, ScanSettings), Vec<Invalid>> {
        let wrong = |field: &str, message: String| vec![Invalid::new(field, message)];
        if !(1..=MAX_NETWORKS).contains(&wanted.networks.len()) {
            let message = format!(
                "has {} entries; 1 to {MAX_NETWORKS} are allowed",
                wanted.networks.len()
            );
            return Err(wrong("networks", message));
        }
        let mut blocks = Vec::new();
        let mut errors = Vec::new();
        for text in &wanted.networks {
            match text.parse::<Block>() {
                Ok(block) if self.allows(&block) => blocks.push(block),
                Ok(_) => errors.push(Invalid::new(
                    "networks",
                    format!(
                        "{text} is not within one of the networks that may be scanned; \
                         the administrator names them in discovery.networks"
                    ),
                )),
                Err(error) => errors.push(Invalid::new("networks", format!("{text} {error}"))),
            }
        }
        let rate = wanted.rate.unwrap_or(self.config.max_rate);
        if !(1..=self.config.max_rate).contains(&rate) {
            let message = format!("{rate} is not between 1 and {}", self.config.max_rate);
            errors.push(Invalid::new("rate", message));
        }
        if !TIMEOUT_MS.contains(&wanted.timeout_ms) {
            let message = format!(
                "{} is not between {} and {}",
                wanted.timeout_ms,
                TIMEOUT_MS.start(),
                TIMEOUT_MS.end()
            );
            errors.push(Invalid::new("timeout_ms", message));
        }
        if !TRIES.contains(&wanted.tries) {
            let message = format!(
                "{} is not between {} and {}",
                wanted.tries,
                TRIES.start(),
                TRIES.end()
            );
            errors.push(Invalid::new("tries", message));
        }
        if wanted.port == 0 {
            errors.push(Invalid::new("port", "0 is no port; 1 to 65535 are allowed"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // Which networks may be scanned is decided above; what is left are addresses
        // that no machine has, and too many.
        let plan =
            Plan::new(blocks, true).map_err(|refused| wrong("networks", refused.to_string()))?;
        if plan.len() > self.config.max_addresses {
            let message = format!(
                "{} addresses are more than the {} of one scan",
                plan.len(),
                self.config.max_addresses
            );
            return Err(wrong("networks", message));
        }
        let settings = ScanSettings {
            port: wanted.port,
            rate,
            timeout: Duration::from_millis(wanted.timeout_ms),
            tries: wanted.tries,
        };
        Ok((plan, settings))
    }

    fn allows(&self, block: &Block) -> bool {
        let mut networks = self.config.networks.iter();
        networks.any(|network| block.is_within(network))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Id, Entry>> {
        // Whoever panicked left whole entries: each change is one assignment.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what ended long ago, and the oldest that ended when there are too many.
fn forget(jobs: &mut BTreeMap<Id, Entry>, now: Timestamp) {
    jobs.retain(|_, entry| {
        let ended = entry.job.ended_at;
        ended.is_none_or(|ended| now.since(ended) < RETENTION)
    });
    while jobs.len() >= MAX_KEPT {
        let oldest = jobs
            .iter()
            .find(|(_, entry)| entry.job.ended_at.is_some())
            .map(|(id, _)| *id);
        match oldest {
            Some(id) => jobs.remove(&id),
            None => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(networks: &[&str]) -> Wanted {
        Wanted {
            networks: networks.iter().map(|text| (*text).to_owned()).collect(),
            port: 623,
            rate: None,
            timeout_ms: 100,
            tries: 1,
        }
    }

    fn discovery(networks: &[&str], clock: &Clock) -> Discovery {
        let config = DiscoveryConfig {
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            max_addresses: 100,
            ..DiscoveryConfig::default()
        };
        Discovery::new(config, clock.clone())
    }

    #[tokio::test]
    async fn what_may_not_be_scanned_is_refused_with_its_field() {
        let clock = Clock::manual(Timestamp(1));
        let discovery = discovery(&["127.9.0.0/16", "224.0.0.0/4"], &clock);
        let refused = |wanted: Wanted| match discovery.start(&wanted, String::new()) {
            Err(Refusal::Invalid(errors)) => errors[0].to_string(),
            other => panic!("{other:?}"),
        };
        for (networks, told) in [
            (&["10.0.0.1"][..], "10.0.0.1 is not within"),
            (&["127.8.255.255-127.9.0.1"], "is not within"),
            (&["127.9.0.1", "127.10.0.1"], "127.10.0.1 is not within"),
            (&["127.9.0.0/24"], "254 addresses are more than the 100"),
            (&["224.0.0.1"], "multicast"),
            (&["127.9.0.1/24"], "outside its mask"),
            (&["bmc.example.org"], "is no address"),
            (&[], "0 entries"),
        ] {
            let message = refused(wanted(networks));
            assert!(
                message.starts_with("networks: ") && message.contains(told),
                "{message}"
            );
        }
        let one = || wanted(&["127.9.0.1"]);
        assert!(
            refused(Wanted {
                rate: Some(1001),
                ..one()
            })
            .starts_with("rate")
        );
        assert!(refused(Wanted { tries: 0, ..one() }).starts_with("tries"));
        assert!(
            refused(Wanted {
                timeout_ms: 1,
                ..one()
            })
            .starts_with("timeout_ms")
        );
        assert!(refused(Wanted { port: 0, ..one() }).starts_with("port"));
        assert!(discovery.jobs().is_empty());
    }

    #[tokio::test]
    async fn scans_are_few_and_forgotten_after_a_while() {
        let clock = Clock::manual(Timestamp(1000));
        let discovery = discovery(&["127.9.0.0/16"], &clock);
        let slow = Wanted {
            timeout_ms: 30_000,
            rate: Some(1),
            ..wanted(&["127.9.0.1-127.9.0.90"])
        };
        let first = discovery.start(&slow, "eve".to_owned()).unwrap();
        let second = discovery.start(&slow, "eve".to_owned()).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(discovery.start(&slow, String::new()), Err(Refusal::Busy));
        discovery.cancel(first.id);
        discovery.wait(first.id).await;
        let (ended, found) = discovery.job(first.id).unwrap();
        assert_eq!((ended.state, found.len()), (JobState::Cancelled, 0));
        assert!(ended.done < ended.addresses);
        for _ in 0..2 * MAX_KEPT {
            let job = discovery
                .start(&wanted(&["127.9.0.1"]), String::new())
                .unwrap();
            discovery.wait(job.id).await;
            assert!(discovery.jobs().len() <= MAX_KEPT);
        }
        assert!(discovery.job(first.id).is_none());
        assert!(discovery.job(second.id).is_some(), "it runs");
        clock.advance(RETENTION);
        assert_eq!(discovery.jobs().len(), 1, "it runs");
        discovery.shut_down();
        discovery.wait(second.id).await;
        clock.advance(RETENTION);
        assert!(discovery.jobs().is_empty());
    }
}
