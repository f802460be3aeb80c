//! How many log-ins the whole process may start in a second: a restart with
//! thousands of targets must not fall on the management network all at once.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Hands out log-ins, first come first served.
pub struct LoginBudget {
    interval: Duration,
    /// When the next log-in may start. The lock's queue is the waiting line.
    next: Mutex<Instant>,
    /// How many unused log-ins may be saved up.
    burst: u32,
}

impl LoginBudget {
    /// Allows `per_second` log-ins a second, and a burst of as many as fit into
    /// one second. 0 means no limit.
    pub fn new(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1)
                .checked_div(per_second)
                .unwrap_or_default(),
            next: Mutex::new(Instant::now()),
            burst: per_second,
        }
    }

    /// Waits until a log-in may start.
    pub async fn acquire(&self) {
        if self.interval.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let earliest = now
            .checked_sub(self.interval.saturating_mul(self.burst))
            .unwrap_or(now);
        *next = (*next).max(earliest) + self.interval;
        let at = *next;
        if at > now {
            // Asleep with the lock: those behind wait in line anyway.
            tokio::time::sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn log_ins_beyond_the_burst_are_spread_evenly() {
        let budget = LoginBudget::new(10);
        let start = Instant::now();
        for _ in 0..10 {
            budget.acquire().await;
        }
        let after_burst = start.elapsed();
        for _ in 0..20 {
            budget.acquire().await;
        }
        assert!(after_burst <= Duration::from_secs(1), "{after_burst:?}");
        assert!(
            start.elapsed() >= Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert!(
            start.elapsed() <= Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let budget = LoginBudget::new(0);
        let start = Instant::now();
        for _ in 0..1000 {
            budget.acquire().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
