//! The task that owns one BMC: runs collections one after another, keeps the
//! session alive between them, finishes in the background what a deadline cut
//! off, and closes the session at the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::bmc::Bmc;
use crate::collect::{Collection, Collectors};

/// Sessions end after 60 s of silence by the specification, after 30 s on some
/// BMCs (IPMI 2.0 section 6.12.15).
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// What an actor works with.
pub(super) struct Actor {
    pub(super) bmc: Bmc,
    pub(super) collectors: Collectors,
    pub(super) jobs: mpsc::Receiver<Arc<Collection>>,
    /// Limits how many BMCs are collected from at a time.
    pub(super) collecting: Arc<Semaphore>,
    pub(super) idle_timeout: Duration,
    pub(super) shutdown: CancellationToken,
}

impl Actor {
    /// Runs until nobody has asked for the BMC for the idle time-out, or until
    /// shutdown. What it does is boxed: between two scrapes, which is nearly always,
    /// the futures of a collection would lie empty in each of thousands of actors.
    pub(super) async fn run(mut self) {
        let mut last_asked = Instant::now();
        while !self.shutdown.is_cancelled() {
            let job = if self.collectors.has_unfinished_business() && self.bmc.is_open() {
                self.jobs.try_recv().ok()
            } else {
                match self.next_job(last_asked).await {
                    Next::Job(job) => Some(job),
                    Next::Nothing => None,
                    Next::End => break,
                }
            };
            if let Some(job) = job {
                last_asked = Instant::now();
                Box::pin(self.collect(&job)).await;
            } else if self.collectors.has_unfinished_business() && self.bmc.is_open() {
                Box::pin(self.collectors.go_on(&mut self.bmc)).await;
                self.bmc.publish();
            }
        }
        // Whoever came in at the last moment is still served, but at shutdown.
        self.jobs.close();
        while let Some(job) = self.jobs.recv().await {
            Box::pin(self.collect(&job)).await;
        }
        Box::pin(self.bmc.close()).await;
    }

    async fn collect(&mut self, job: &Collection) {
        let shutdown = self.shutdown.clone();
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = async {
                // The semaphore is never closed.
                let _permit = self.collecting.acquire().await;
                self.collectors.run(&mut self.bmc, job).await;
            } => {}
        }
        job.finish();
        self.bmc.publish();
    }

    async fn next_job(&mut self, last_asked: Instant) -> Next {
        let keep_alive_at = Instant::now() + KEEP_ALIVE;
        let idle_at = last_asked + self.idle_timeout;
        let is_open = self.bmc.is_open();
        let wake_at = if is_open {
            keep_alive_at.min(idle_at)
        } else {
            idle_at
        };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Next::End,
            job = self.jobs.recv() => job.map_or(Next::End, Next::Job),
            () = tokio::time::sleep_until(wake_at.into()) => {
                if Instant::now() >= idle_at {
                    return Next::End;
                }
                Box::pin(self.bmc.keep_alive()).await;
                Next::Nothing
            }
        }
    }
}

enum Next {
    Job(Arc<Collection>),
    Nothing,
    End,
}
