//! How long to wait for an answer, learned from the answers before
//! (the estimator of RFC 6298 with limits that fit BMCs).

use std::time::Duration;

/// Until the first answer.
const INITIAL: Duration = Duration::from_millis(500);
/// BMCs pause for tens of milliseconds in the middle of fast phases; a shorter
/// wait would resend for nothing.
const MIN: Duration = Duration::from_millis(200);
/// The same for the first repetition, which nearly always is for a datagram that was
/// lost: with one in fifty lost, what it waits is what scrapes take longer. It comes
/// once; should it be for nothing, the next wait is the longer one.
const FIRST_MIN: Duration = Duration::from_millis(150);
/// And beyond the usual time at least: a BMC of even pace varies by nothing, until
/// it or this host pauses.
const MIN_MARGIN: Duration = Duration::from_millis(100);
/// Some need seconds for each command; more than this is taken for loss.
const MAX: Duration = Duration::from_secs(5);

/// Smoothed round-trip time of one BMC.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RttEstimator {
    smoothed: Option<Duration>,
    variation: Duration,
}

impl RttEstimator {
    /// Takes the time from a transmission to the answer to that very transmission.
    pub fn sample(&mut self, rtt: Duration) {
        match self.smoothed {
            None => {
                self.smoothed = Some(rtt);
                self.variation = rtt / 2;
            }
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(rtt)) / 4;
                self.smoothed = Some((smoothed * 7 + rtt) / 8);
            }
        }
    }

    /// The smoothed round-trip time, once there was an answer.
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// How long to wait for an answer to transmission number `attempt` (from 0)
    /// of a request, before the next one.
    pub fn timeout(&self, attempt: u32) -> Duration {
        let base = self
            .smoothed
            .map_or(INITIAL, |smoothed| {
                smoothed + (self.variation * 4).max(MIN_MARGIN)
            })
            .max(if attempt == 0 { FIRST_MIN } else { MIN });
        base.saturating_mul(1 << attempt.min(8)).min(MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_lost_packet_costs_hundreds_of_milliseconds() {
        let mut rtt = RttEstimator::default();
        assert_eq!(rtt.timeout(0), ms(500));
        for _ in 0..20 {
            rtt.sample(ms(3));
        }
        assert_eq!(rtt.timeout(0), ms(150));
        assert_eq!(rtt.timeout(1), ms(400));
        assert_eq!(rtt.timeout(40), MAX);
    }

    #[test]
    fn a_pause_of_a_bmc_of_even_pace_is_no_loss() {
        let mut rtt = RttEstimator::default();
        for _ in 0..40 {
            rtt.sample(ms(300));
        }
        assert_eq!(rtt.timeout(0), ms(400));
    }

    #[test]
    fn a_slow_bmc_is_waited_for() {
        let mut rtt = RttEstimator::default();
        for _ in 0..10 {
            rtt.sample(ms(2000));
        }
        assert!(rtt.timeout(0) > ms(2000));
        assert!(rtt.timeout(0) < ms(2700), "{:?}", rtt.timeout(0));
    }
}
