//! Which controllers behind a BMC are not there: each question to one of them
//! costs seconds, so they are asked again only once in a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::wire::{CompletionCode, Route};

/// How long a satellite that has not answered is left alone: at first, and at
/// most, doubling in between.
const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(960);
/// A satellite that has answered before gets this many chances: a single failure
/// may be a lost packet or a busy bus.
const CHANCES: u32 = 2;

/// How long to wait for a satellite that has answered before, and for one that has
/// not: only the second kind may cost that much whenever it is asked.
const PATIENCE: Duration = Duration::from_secs(3);
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Satellites {
    /// Routes come out of the BMC's own records, so there are never more than a
    /// repository can name.
    known: HashMap<Route, Satellite>,
}

#[derive(Debug, Default)]
struct Satellite {
    /// Failures in a row.
    failures: u32,
    has_answered: bool,
    rest: Option<(Instant, Error)>,
}

impl Satellites {
    /// Why the controller at `route` is not to be asked now.
    pub(super) fn left_alone(&self, route: Route, now: Instant) -> Option<Error> {
        let (until, error) = self.known.get(&route)?.rest?;
        (now < until).then_some(error)
    }

    /// Learns from what came of asking it.
    pub(super) fn note(
        &mut self,
        route: Route,
        now: Instant,
        result: &Result<CompletionCode, Error>,
    ) {
        if !route.is_bridged() {
            return;
        }
        let has_answered = self
            .known
            .get(&route)
            .is_some_and(|satellite| satellite.has_answered);
        match result {
            // What a BMC says in the place of a satellite that did not answer it; a
            // living one may say it of something behind itself.
            Ok(CompletionCode::TIMEOUT) if !has_answered => {
                self.fail(route, now, Error::Relay(CompletionCode::TIMEOUT));
            }
            Ok(_) => {
                self.known.insert(
                    route,
                    Satellite {
                        has_answered: true,
                        ..Satellite::default()
                    },
                );
            }
            Err(error @ (Error::Relay(_) | Error::SatelliteSilent { .. })) => {
                self.fail(route, now, *error);
            }
            // Says nothing about the satellite.
            Err(_) => {}
        }
    }

    fn fail(&mut self, route: Route, now: Instant, error: Error) {
        let satellite = self.known.entry(route).or_default();
        satellite.failures = satellite.failures.saturating_add(1);
        let chances = if satellite.has_answered { CHANCES } else { 1 };
        if let Some(times) = satellite.failures.checked_sub(chances) {
            let rest = FIRST_REST.saturating_mul(1 << times.min(8));
            satellite.rest = Some((now + rest.min(LONGEST_REST), error));
        }
    }

    /// Whether the controller at `route` has answered the last time.
    pub(super) fn answers(&self, route: Route) -> bool {
        !route.is_bridged()
            || self
                .known
                .get(&route)
                .is_some_and(|satellite| satellite.has_answered && satellite.failures == 0)
    }

    /// How long an answer from `route` is waited for at most.
    pub(super) fn patience(&self, route: Route) -> Duration {
        match self.known.get(&route) {
            Some(satellite) if satellite.has_answered => PATIENCE,
            _ => FIRST_PATIENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use rmcp_ipmi::wire::Hop;

    use super::*;

    const ROUTE: Route = Route::Satellite(Hop {
        channel: 6,
        address: 0x2c,
    });
    const GONE: Error = Error::Relay(CompletionCode::DESTINATION_UNAVAILABLE);

    fn rest(satellites: &Satellites, now: Instant) -> Option<u64> {
        satellites.left_alone(ROUTE, now)?;
        (0..).find(|seconds| {
            let later = now + Duration::from_secs(*seconds);
            satellites.left_alone(ROUTE, later).is_none()
        })
    }

    #[test]
    fn a_controller_that_never_answered_rests_longer_and_longer() {
        let mut satellites = Satellites::default();
        let mut now = Instant::now();
        for expected in [60, 120, 240, 480, 960, 960, 960] {
            assert_eq!(satellites.left_alone(ROUTE, now), None);
            satellites.note(ROUTE, now, &Err(GONE));
            assert_eq!(satellites.left_alone(ROUTE, now), Some(GONE));
            assert_eq!(rest(&satellites, now), Some(expected));
            now += Duration::from_secs(expected);
        }
        satellites.note(ROUTE, now, &Ok(CompletionCode::OK));
        assert_eq!(satellites.left_alone(ROUTE, now), None);
    }

    #[test]
    fn one_failure_of_a_living_controller_is_forgiven() {
        let mut satellites = Satellites::default();
        let now = Instant::now();
        // Also a refusal comes from somebody who is there.
        satellites.note(ROUTE, now, &Ok(CompletionCode::NODE_BUSY));
        satellites.note(ROUTE, now, &Err(GONE));
        assert_eq!(satellites.left_alone(ROUTE, now), None);
        satellites.note(ROUTE, now, &Err(GONE));
        assert_eq!(rest(&satellites, now), Some(60));
    }

    #[test]
    fn other_failures_and_the_bmc_itself_do_not_count() {
        let mut satellites = Satellites::default();
        let now = Instant::now();
        let network = Error::Network(std::io::ErrorKind::Other);
        for _ in 0..10 {
            satellites.note(ROUTE, now, &Err(network));
            satellites.note(Route::Bmc, now, &Err(GONE));
        }
        assert_eq!(satellites.left_alone(ROUTE, now), None);
        assert_eq!(satellites.left_alone(Route::Bmc, now), None);
    }
}
