//! What Prometheus has of every server, asked for all at once and kept a while: an
//! overview that many look at costs Prometheus no more than one that nobody does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;

use super::source::{QueryError, Source};
use crate::clock::{Clock, Timestamp};
use crate::model::Id;
use crate::promql::enforce::SERVER_ID;

/// So long an answer is good at least.
const KEPT: Duration = Duration::from_secs(15);
/// What is older than this is worth waiting for better, but not longer than that.
const OLD: Duration = Duration::from_secs(60);
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Prometheus is kept busy for at most one part in so many.
const REST: u32 = 4;

/// What is known of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether the exporter answered.
    pub up: Option<bool>,
    /// Whether the BMC answered a collector.
    pub bmc: Option<bool>,
    /// Whether the machine is on.
    pub power: Option<bool>,
    /// The worst state of any sensor: 0, 1 or 2.
    pub worst: Option<f64>,
    /// What it draws.
    pub watts: Option<f64>,
    /// Air that it takes in, in degrees Celsius.
    pub inlet: Option<f64>,
    /// Its hottest processor, in degrees Celsius.
    pub cpu: Option<f64>,
    /// Its fastest fan, in revolutions a minute.
    pub fan: Option<f64>,
}

/// What was found of all servers at one time.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// When it was asked for.
    pub at: Timestamp,
    /// What was found.
    pub facts: HashMap<Id, Facts>,
    /// Why some of it or all is missing.
    pub problem: Option<QueryError>,
    /// Until when it is good.
    pub until: Timestamp,
}

type Put = fn(&mut Facts, f64);

/// Each fact with its expression and its place. Each is asked for by itself: one that
/// is too much for Prometheus must not hide the others.
const FACTS: &[(&str, Put)] = &[
    ("up{$}", |facts, value| facts.up = Some(is_one(value))),
    ("ipmi_up{$}", |facts, value| facts.bmc = Some(is_one(value))),
    ("ipmi_chassis_power_state{$}", |facts, value| {
        facts.power = Some(is_one(value));
    }),
    (
        "{__name__=~\"ipmi_(temperature|voltage|fan_speed|current|power|sensor)_state\",$}",
        |facts, value| facts.worst = Some(value),
    ),
    ("ipmi_power_watts{$}", |facts, value| {
        facts.watts = Some(value);
    }),
    // What the machine says of itself as a whole is better than its greatest sensor.
    ("ipmi_dcmi_power_consumption_watts{$}", |facts, value| {
        facts.watts = Some(value);
    }),
    (
        "ipmi_temperature_celsius{name=~\"(?i:.*(inlet|intake|ambient|front).*)\",$}",
        |facts, value| facts.inlet = Some(value),
    ),
    (
        "ipmi_temperature_celsius{name=~\"(?i:.*(cpu|processor).*)\",$}",
        |facts, value| facts.cpu = Some(value),
    ),
    ("ipmi_fan_speed_rpm{$}", |facts, value| {
        facts.fan = Some(value);
    }),
];

fn is_one(value: f64) -> bool {
    value.total_cmp(&1.0).is_eq()
}

/// Asks and keeps. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Measurements {
    source: Source,
    clock: Clock,
    kept: Arc<Kept>,
}

#[derive(Debug)]
struct Kept {
    found: watch::Sender<Option<Arc<Measured>>>,
    is_asking: AtomicBool,
}

/// Lets somebody else ask, also after a panic.
struct Asking(Arc<Kept>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.is_asking.store(false, Ordering::SeqCst);
    }
}

impl Measurements {
    /// Asks this source.
    #[must_use]
    pub fn new(source: Source, clock: Clock) -> Self {
        Self {
            source,
            clock,
            kept: Arc::new(Kept {
                found: watch::channel(None).0,
                is_asking: AtomicBool::new(false),
            }),
        }
    }

    /// What was found last. It is asked for anew in the background when it is no
    /// longer good; only who would get nothing, or what is old, waits.
    pub async fn latest(&self) -> Arc<Measured> {
        let mut found = self.kept.found.subscribe();
        let known = found.borrow_and_update().clone();
        let now = self.clock.now();
        if known.as_ref().is_none_or(|known| known.until <= now) {
            self.ask();
        }
        if let Some(known) = known {
            if now.since(known.at) < OLD {
                return known;
            }
            return match timeout(MAX_WAIT, found.changed()).await {
                Ok(Ok(())) => found.borrow().clone().unwrap_or(known),
                Ok(Err(_)) | Err(_) => known,
            };
        }
        match found.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_default(),
            Err(_) => Arc::default(),
        }
    }

    /// Begins to ask, unless somebody does.
    fn ask(&self) {
        if self.kept.is_asking.swap(true, Ordering::SeqCst) {
            return;
        }
        let asking = Asking(Arc::clone(&self.kept));
        let (source, clock) = (self.source.clone(), self.clock.clone());
        tokio::spawn(async move {
            let measured = measure(&source, &clock).await;
            asking.0.found.send_replace(Some(Arc::new(measured)));
            drop(asking);
        });
    }
}

async fn measure(source: &Source, clock: &Clock) -> Measured {
    let at = clock.now();
    let questions = FACTS.iter().map(|(selector, put)| async move {
        let selector = selector.replace('$', &format!("{SERVER_ID}!=\"\""));
        let query = format!("max by ({SERVER_ID}) ({selector})");
        (*put, source.series_at(&query, at).await)
    });
    let mut measured = Measured {
        at,
        ..Measured::default()
    };
    for (put, answer) in join_all(questions).await {
        match answer {
            Ok(all) => {
                for series in all {
                    let value = series.last().map(|point| point.value);
                    let value = value.filter(|value| value.is_finite());
                    if let (Some(id), Some(value)) = (series.server_id(), value) {
                        put(measured.facts.entry(id).or_default(), value);
                    }
                }
            }
            Err(error) => {
                measured.problem.get_or_insert(error);
            }
        }
    }
    let ended = clock.now();
    measured.until = ended.after(KEPT.max(ended.since(at) * REST));
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_prometheus_it_is_said_why_nothing_is_known() {
        let clock = Clock::manual(Timestamp(5));
        let measurements = Measurements::new(Source::new(None), clock.clone());
        let measured = measurements.latest().await;
        assert_eq!(measured.at, Timestamp(5));
        assert!(measured.facts.is_empty());
        assert_eq!(measured.problem, Some(QueryError::NotConfigured));
        let again = measurements.latest().await;
        assert!(Arc::ptr_eq(&measured, &again), "it is good for a while");
        clock.advance(OLD);
        let newer = measurements.latest().await;
        assert_eq!(newer.at, Timestamp(5).after(OLD), "it was waited for");
    }

    #[test]
    fn what_the_machine_says_of_its_power_comes_after_its_sensors() {
        let place = |name: &str| {
            FACTS
                .iter()
                .position(|(selector, _)| selector.starts_with(name))
        };
        assert!(place("ipmi_dcmi_power") > place("ipmi_power_watts"));
    }
}
