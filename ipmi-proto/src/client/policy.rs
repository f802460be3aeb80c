//! When to try a log-in again. Pure: takes the time, gives the time.

use std::time::{Duration, Instant};

use crate::error::{Error, Retry};

/// An unreachable target: first wait, doubled up to the last.
const SOON: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
/// BMCs free leaked sessions after a minute.
const SLOTS: (Duration, Duration) = (Duration::from_secs(65), Duration::from_secs(130));
/// Wrong credentials: tried fast, they lock the account on some BMCs.
const MINUTES: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(1800));

/// Breaks the circuit to a target whose log-ins fail.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
    open_until: Option<Instant>,
}

impl Backoff {
    /// Until when no log-in may be tried; `None` when one may be tried now.
    pub fn blocked_until(&self, now: Instant) -> Option<Instant> {
        self.open_until.filter(|until| *until > now)
    }

    /// How many log-ins failed in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// After a log-in succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// After a log-in failed. `jitter` is a random number from 0 to 1; it takes
    /// up to a quarter off the wait, so that a fleet does not come back at once.
    pub fn failed(&mut self, now: Instant, error: &Error, jitter: f64) {
        let (first, last) = match error.retry() {
            // A log-in cut off by the caller's deadline: the BMC may just be slow.
            Retry::Now => return,
            Retry::Soon => SOON,
            Retry::WhenSlotsExpire => SLOTS,
            Retry::AfterMinutes => MINUTES,
        };
        let wait = first.saturating_mul(1 << self.failures.min(16)).min(last);
        self.failures = self.failures.saturating_add(1);
        self.open_until = Some(now + wait.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Stage;

    const SILENT: Error = Error::Silent {
        stage: Stage::Capabilities,
        waited: Duration::from_secs(3),
    };

    fn wait_after(failures: u32, error: Error, jitter: f64) -> Duration {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..failures {
            backoff.failed(now, &error, jitter);
        }
        backoff
            .blocked_until(now)
            .map_or(Duration::ZERO, |until| until - now)
    }

    #[test]
    fn silence_backs_off_by_seconds_and_wrong_passwords_by_minutes() {
        let secs = Duration::from_secs;
        assert_eq!(wait_after(1, SILENT, 0.0), secs(5));
        assert_eq!(wait_after(3, SILENT, 0.0), secs(20));
        assert_eq!(wait_after(40, SILENT, 0.0), secs(60));
        assert_eq!(wait_after(1, Error::WrongPassword, 0.0), secs(300));
        assert_eq!(wait_after(1, Error::WrongPassword, 1.0), secs(225));
        assert_eq!(
            wait_after(
                1,
                Error::Deadline {
                    stage: Stage::Rakp1
                },
                0.0
            ),
            Duration::ZERO
        );
    }

    #[test]
    fn success_closes_the_circuit() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        backoff.failed(now, &SILENT, 0.5);
        assert!(backoff.blocked_until(now).is_some());
        backoff.succeeded();
        assert_eq!(backoff.blocked_until(now), None);
        assert_eq!(backoff.failures(), 0);
    }
}
