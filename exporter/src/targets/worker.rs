//! Threads that own BMCs: as many as there are processors, each with a runtime
//! of its own.
//!
//! A BMC stays on one thread, so that an answer wakes the task that waits for it
//! without waking another thread first. With runtimes that share their work a
//! scrape took three times as long, and more CPU (measured with `make bench`).

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// The threads that own BMCs. Dropped, it ends them.
pub struct Workers {
    runtimes: Vec<Handle>,
    next: AtomicUsize,
    stop: CancellationToken,
}

impl Workers {
    /// Starts one thread for each processor that the process may use.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let stop = CancellationToken::new();
        let runtimes = (0..count)
            .map(|index| start_one(index, stop.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            runtimes,
            next: AtomicUsize::new(0),
            stop,
        })
    }

    /// The runtime for one more BMC; they are dealt out in turn.
    pub fn assign(&self) -> Option<&Handle> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.runtimes.get(turn.checked_rem(self.runtimes.len())?)
    }
}

fn start_one(index: usize, stop: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(format!("bmc-{index}"))
        .spawn(move || runtime.block_on(stop.cancelled()))?;
    Ok(handle)
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
