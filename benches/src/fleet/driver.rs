//! Scrapes as Prometheus does: every target at its own offset in the interval,
//! again after each interval, over kept connections, with the time-out's header.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

use super::client::Client;
use super::subject::Subject;

/// Families that hold what a sensor says in its unit.
const VALUE_FAMILIES: [&str; 6] = [
    "ipmi_temperature_celsius",
    "ipmi_fan_speed_rpm",
    "ipmi_voltage_volts",
    "ipmi_current_amperes",
    "ipmi_power_watts",
    "ipmi_sensor_value",
];
/// The stock exporter's tools round to two decimals.
pub(super) const ROUNDING: f64 = 0.0051;

/// What every scrape is compared with: names and values of the sensors.
pub(super) type Truth = HashMap<String, f64>;

/// How one scrape went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scrape {
    /// Index of the target.
    pub(super) target: usize,
    /// From the request to the last byte of the answer.
    pub(super) took: Duration,
    /// The answer came in time, and says that all collectors are up.
    pub(super) complete: bool,
    /// Sensor values other than the BMC said, and missing ones where the answer
    /// says that it is complete.
    pub(super) wrong: usize,
    /// The answer came after the time-out, or never.
    pub(super) late: bool,
}

/// When what is scraped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// Time between two scrapes of a target.
    pub(super) interval: Duration,
    /// Scrapes of each target.
    pub(super) rounds: usize,
    /// Prometheus' scrape time-out.
    pub(super) timeout: Duration,
}

/// Scrapes all targets by the schedule.
///
/// # Errors
/// When no runtime can be had.
pub(super) fn by_schedule(
    subject: &Subject,
    targets: &[SocketAddr],
    schedule: Schedule,
    truth: &Arc<Truth>,
) -> Result<Vec<Scrape>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (server, _) = subject.request("");
    let client = Client::new(&server);
    runtime.block_on(async {
        let start = tokio::time::Instant::now();
        let mut tasks = Vec::with_capacity(targets.len());
        for (index, target) in targets.iter().enumerate() {
            let (_, path) = subject.request(&target.to_string());
            let client = client.clone();
            let truth = Arc::clone(truth);
            tasks.push(tokio::spawn(async move {
                let mut scrapes = Vec::with_capacity(schedule.rounds);
                let offset = offset(index, schedule.interval);
                for round in 0..schedule.rounds {
                    let round = u32::try_from(round).unwrap_or(u32::MAX);
                    tokio::time::sleep_until(start + offset + schedule.interval * round).await;
                    scrapes.push(scrape(&client, index, &path, schedule.timeout, &truth).await);
                }
                scrapes
            }));
        }
        let mut all = Vec::with_capacity(targets.len() * schedule.rounds);
        for task in tasks {
            all.extend(task.await?);
        }
        Ok(all)
    })
}

/// Scrapes every target once, at most so many at a time, without any schedule.
///
/// # Errors
/// When no runtime can be had.
pub(super) fn at_once(
    subject: &Subject,
    targets: &[SocketAddr],
    at_a_time: usize,
    timeout: Duration,
    truth: &Arc<Truth>,
) -> Result<Vec<Scrape>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (server, _) = subject.request("");
    let client = Client::new(&server);
    runtime.block_on(async {
        let places = Arc::new(Semaphore::new(at_a_time));
        let mut tasks = Vec::with_capacity(targets.len());
        for (index, target) in targets.iter().enumerate() {
            let (_, path) = subject.request(&target.to_string());
            let (client, truth) = (client.clone(), Arc::clone(truth));
            let places = Arc::clone(&places);
            tasks.push(tokio::spawn(async move {
                let _place = places.acquire().await;
                scrape(&client, index, &path, timeout, &truth).await
            }));
        }
        let mut all = Vec::with_capacity(targets.len());
        for task in tasks {
            all.push(task.await?);
        }
        Ok(all)
    })
}

/// Spread evenly, and in no order, as Prometheus does it by a hash.
fn offset(target: usize, interval: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    #[expect(clippy::cast_precision_loss, reason = "a share, not a count")]
    let share = hasher.finish() as f64 / u64::MAX as f64;
    interval.mul_f64(share)
}

async fn scrape(
    client: &Client,
    target: usize,
    path: &str,
    timeout: Duration,
    truth: &Truth,
) -> Scrape {
    let started = Instant::now();
    let answer = tokio::time::timeout(timeout, client.get(path, timeout)).await;
    let took = started.elapsed();
    let (complete, wrong) = match &answer {
        Ok(Ok((200, text))) => judge(text, truth),
        _ => (false, 0),
    };
    Scrape {
        target,
        took,
        complete,
        wrong,
        late: answer.is_err(),
    }
}

/// Whether an answer is complete, and how many values in it are wrong.
fn judge(text: &str, truth: &Truth) -> (bool, usize) {
    let mut seen = 0;
    let mut wrong = 0;
    for (name, value) in values(text) {
        if let Some(expected) = truth.get(name) {
            seen += 1;
            wrong += usize::from((value - expected).abs() > ROUNDING || value.is_nan());
        }
    }
    let complete = is_complete(text);
    if complete {
        wrong += truth.len().saturating_sub(seen);
    }
    (complete, wrong)
}

/// Whether an answer says that all collectors are up.
pub(super) fn is_complete(text: &str) -> bool {
    let mut up = text
        .lines()
        .filter(|line| line.starts_with("ipmi_up{"))
        .peekable();
    up.peek().is_some() && up.all(|line| line.ends_with(" 1"))
}

/// Names and values of the sensors in an answer.
pub(super) fn values(text: &str) -> impl Iterator<Item = (&str, f64)> {
    text.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (family, labels) = series.split_once('{')?;
        let name = label(labels, "name").filter(|_| VALUE_FAMILIES.contains(&family))?;
        // A discrete sensor has no value.
        let value: f64 = value.parse().ok()?;
        (!value.is_nan()).then_some((name, value))
    })
}

fn label<'t>(labels: &'t str, wanted: &str) -> Option<&'t str> {
    labels.trim_end_matches('}').split(',').find_map(|label| {
        let (name, value) = label.split_once('=')?;
        (name == wanted).then(|| value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_held_against_what_the_bmc_said() {
        let truth = Truth::from([("Temp 1".to_owned(), 20.0), ("Volt 3".to_owned(), 1.32)]);
        let good = "ipmi_temperature_celsius{id=\"1\",name=\"Temp 1\"} 20\n\
                    ipmi_voltage_volts{id=\"3\",name=\"Volt 3\"} 1.32\n\
                    ipmi_up{collector=\"ipmi\"} 1\n";
        assert_eq!(judge(good, &truth), (true, 0));
        assert_eq!(judge(&good.replace(" 20", " 21"), &truth), (true, 1));
        assert_eq!(judge(&good.replace("} 1\n", "} 0\n"), &truth), (false, 0));
        let missing = good.split_once('\n').map(|(_, rest)| rest).unwrap();
        assert_eq!(judge(missing, &truth), (true, 1));
        assert_eq!(judge("", &truth), (false, 0));
    }

    #[test]
    fn targets_are_spread_over_the_interval() {
        let interval = Duration::from_secs(60);
        let mut offsets: Vec<Duration> = (0..1000).map(|n| offset(n, interval)).collect();
        offsets.sort_unstable();
        assert!(offsets[999] < interval);
        assert!(offsets[250] > Duration::from_secs(10) && offsets[750] < Duration::from_secs(50));
    }
}
