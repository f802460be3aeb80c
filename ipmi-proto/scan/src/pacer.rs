//! A token bucket: how many datagrams may leave, and when the next one may.

use std::time::{Duration, Instant};

/// Timers wake up late by a millisecond or more; what was missed meanwhile may
/// be made good within this time.
const BURST: Duration = Duration::from_millis(20);

/// Kept as the instant at which the bucket will be full, which needs no ticking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    interval: Duration,
    /// How far ahead of the clock `full_at` may be: capacity times interval.
    capacity: Duration,
    full_at: Instant,
}

impl Pacer {
    /// `rate` datagrams a second, and at once what makes up 20 ms of them, one at
    /// least.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let rate = rate.max(1);
        // Rounded up, so that the rate is never exceeded.
        let interval = Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(rate)));
        let interval_nanos = interval.as_nanos().max(1);
        let burst = u32::try_from(BURST.as_nanos() / interval_nanos).unwrap_or(u32::MAX);
        Self {
            interval,
            capacity: interval.saturating_mul(burst.max(1)),
            full_at: now,
        }
    }

    /// When the next datagram may leave; in the past if it may at once.
    pub(super) fn ready_at(&self) -> Instant {
        let filled_up = self.full_at + self.interval;
        filled_up.checked_sub(self.capacity).unwrap_or(filled_up)
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if now < self.ready_at() {
            return false;
        }
        self.full_at = self.full_at.max(now) + self.interval;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_may_leave_at_once_and_then_one_per_interval() {
        let start = Instant::now() + Duration::from_secs(100);
        let mut pacer = Pacer::new(200, start);
        let mut at = |milliseconds| pacer.take(start + Duration::from_millis(milliseconds));
        assert!(at(0) && at(0) && at(0) && at(0) && !at(0));
        assert!(!at(4));
        assert!(at(5) && !at(5));
        assert!(at(1000) && at(1000) && at(1000) && at(1000) && !at(1000));
    }

    #[test]
    fn the_instant_it_names_is_the_first_at_which_it_gives() {
        for rate in [1, 3, 49, 50, 51, 1000, 9999, 10_000] {
            let start = Instant::now() + Duration::from_secs(100);
            let mut pacer = Pacer::new(rate, start);
            let mut now = start;
            for _ in 0..100 {
                let ready = pacer.ready_at();
                if ready > now {
                    assert!(!pacer.take(ready - Duration::from_nanos(1)), "{rate}");
                    now = ready;
                }
                assert!(pacer.take(now), "{rate}");
            }
        }
    }
}
