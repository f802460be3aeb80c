//! A token bucket over all requests of the server.

use std::time::{Duration, Instant};

/// The figures of `rate_limit` in the web configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// One request is allowed per this time; never zero.
    pub(crate) interval: Duration,
    /// Requests that may come at once; at least 1.
    pub(crate) burst: u32,
}

/// How full the bucket is. Kept as the time at which it will be full, which needs no ticking.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: RateLimit,
    full_at: Instant,
}

impl Bucket {
    pub(crate) fn new(limit: RateLimit, now: Instant) -> Self {
        Self {
            limit,
            full_at: now,
        }
    }

    pub(crate) fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Takes a token, if there is one.
    pub(crate) fn allow(&mut self, now: Instant) -> bool {
        let capacity = self.limit.interval.saturating_mul(self.limit.burst);
        let filled_up = self.full_at.max(now) + self.limit.interval;
        if filled_up.duration_since(now) > capacity {
            return false;
        }
        self.full_at = filled_up;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_request_per_interval() {
        let start = Instant::now();
        let limit = RateLimit {
            interval: Duration::from_secs(1),
            burst: 3,
        };
        let mut bucket = Bucket::new(limit, start);
        let mut at = |milliseconds| bucket.allow(start + Duration::from_millis(milliseconds));
        assert!(at(0) && at(0) && at(0));
        assert!(!at(0) && !at(999));
        assert!(at(1000));
        assert!(!at(1001));
        assert!(at(100_000) && at(100_000) && at(100_000) && !at(100_000));
    }
}
