//! Slows down those who guess passwords: by user name and by address, so that
//! neither one name from many places nor many names from one place goes fast.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// Failures that are free, of a name and of an address.
const FREE_BY_NAME: u32 = 5;
const FREE_BY_ADDRESS: u32 = 20;
/// A failure is forgiven after this long.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
/// Names and addresses that are remembered; beyond it the eldest are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// Too many failures; more tries are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed log-ins; try again in {} s", retry_after.as_secs())]
pub struct TooMany {
    /// When the next try will be looked at.
    pub retry_after: Duration,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(String),
    Address(IpAddr),
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    /// One is forgiven each minute.
    fn left(self, now: Timestamp) -> u32 {
        let forgiven = now.since(self.last).as_secs() / FORGIVEN_AFTER.as_secs();
        self.count
            .saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

/// Counts failed log-ins.
#[derive(Default)]
pub struct LoginLimiter {
    failures: Mutex<HashMap<Key, Failures>>,
}

impl LoginLimiter {
    /// Whether a try may be made now.
    ///
    /// # Errors
    /// When the name or the address has failed too often.
    pub fn check(&self, username: &str, address: IpAddr, now: Timestamp) -> Result<(), TooMany> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, free) in keys(username, address) {
            if let Some(failed) = failures.get(&key)
                && failed.left(now) >= free
            {
                let since = now.since(failed.last).as_secs() % FORGIVEN_AFTER.as_secs();
                return Err(TooMany {
                    retry_after: FORGIVEN_AFTER - Duration::from_secs(since),
                });
            }
        }
        Ok(())
    }

    /// Notes a failure.
    pub fn failed(&self, username: &str, address: IpAddr, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_REMEMBERED {
            failures.retain(|_, failed| failed.left(now) > 0);
        }
        if failures.len() >= MAX_REMEMBERED {
            failures.clear();
        }
        for (key, _) in keys(username, address) {
            let count = failures.get(&key).map_or(0, |failed| failed.left(now));
            let failed = Failures {
                count: count.saturating_add(1),
                last: now,
            };
            failures.insert(key, failed);
        }
    }

    /// Forgets a name's failures after a success; the address keeps its own.
    pub fn succeeded(&self, username: &str) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&Key::Name(username.to_owned()));
    }
}

fn keys(username: &str, address: IpAddr) -> [(Key, u32); 2] {
    [
        (Key::Name(username.to_owned()), FREE_BY_NAME),
        (Key::Address(address), FREE_BY_ADDRESS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn a_name_is_slowed_down_from_everywhere() {
        let limiter = LoginLimiter::default();
        let now = Timestamp(0);
        for _ in 0..FREE_BY_NAME {
            assert!(limiter.check("root", HERE, now).is_ok());
            limiter.failed("root", HERE, now);
        }
        let refused = limiter.check("root", THERE, now).unwrap_err();
        assert_eq!(refused.retry_after, FORGIVEN_AFTER);
        assert!(limiter.check("eve", HERE, now).is_ok());
        let later = now.after(FORGIVEN_AFTER);
        assert!(limiter.check("root", THERE, later).is_ok(), "one more try");
        limiter.failed("root", THERE, later);
        assert!(limiter.check("root", THERE, later).is_err());
        limiter.succeeded("root");
        assert!(limiter.check("root", THERE, later).is_ok());
    }

    #[test]
    fn an_address_is_slowed_down_over_all_names() {
        let limiter = LoginLimiter::default();
        for number in 0..FREE_BY_ADDRESS {
            limiter.failed(&format!("user{number}"), HERE, Timestamp(0));
        }
        assert!(limiter.check("another", HERE, Timestamp(0)).is_err());
        assert!(limiter.check("another", THERE, Timestamp(0)).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = LoginLimiter::default();
        for number in 0..3 * MAX_REMEMBERED {
            limiter.failed(&format!("user{number}"), HERE, Timestamp(0));
        }
        assert!(limiter.failures.lock().unwrap().len() <= MAX_REMEMBERED + 2);
    }
}
