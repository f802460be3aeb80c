//! How often and for whom would a rule have fired? Asks Prometheus for what the
//! expression gave over the last days, in parts that it can answer, and follows the
//! alert through them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::firing::{Firing, Follower, TooManySeries};
use crate::clock::Timestamp;
use crate::model::{Id, Invalid, Problems, PromDuration, Rule};
use crate::monitoring::data::{Series, SeriesLabels};
use crate::monitoring::{QueryError, Source};

/// Days that can be looked back.
const DAYS: std::ops::RangeInclusive<u32> = 1..=90;
/// Time between two evaluations, when nobody says.
const DEFAULT_STEP: Duration = Duration::from_secs(60);
/// Shortest and longest time between two evaluations.
const STEPS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(15)..=Duration::from_secs(3600);
/// Most evaluations of one test: 90 days at a minute each.
const MAX_EVALUATIONS: u64 = 129_601;
/// Most evaluations of one question. Prometheus answers at most 11,000 points of a
/// series.
const MAX_POINTS: u64 = 10_000;
/// Evaluations of the first question. Where that goes well, the next one has twice
/// as many; where there is too much for one answer, half as many.
const FIRST_POINTS: u64 = 1_440;
/// Longest time for all questions together.
const MAX_TIME: Duration = Duration::from_secs(50);
/// Most single firings in a report; all are counted.
const MAX_FIRINGS: usize = 1000;
/// Most servers in a report; all are counted.
const MAX_SERVERS: usize = 10_000;

/// What is to be tested.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backtest {
    /// An alert, as it stands or may come to stand in a group.
    pub rule: Rule,
    /// How many days back, 1 to 90.
    #[schema(minimum = 1, maximum = 90)]
    pub days: u32,
    /// Time between two evaluations, 15s to 1h; 1m when absent.
    #[serde(default)]
    pub step: Option<PromDuration>,
}

/// What a rule would have done.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BacktestReport {
    /// The first evaluation.
    pub since: Timestamp,
    /// The last evaluation.
    pub until: Timestamp,
    /// Seconds between two evaluations.
    pub step_seconds: u64,
    /// How often it would have fired, for all series together.
    pub firings: u64,
    /// For how long, in seconds, added up over all series.
    pub firing_seconds: u64,
    /// How many servers it would have fired for.
    pub server_count: usize,
    /// By server, the one that fired longest first; up to 10,000. What names no
    /// server is under null.
    pub servers: Vec<ServerFirings>,
    /// Single firings in the order in which they ended, up to 1,000.
    pub intervals: Vec<FiringInterval>,
}

/// What a rule would have done about one server.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServerFirings {
    /// Number of the server, from the label `server_id`.
    pub server_id: Option<Id>,
    /// Its name, from the label `server_name`.
    pub server_name: String,
    /// How often.
    pub firings: u64,
    /// For how long, in seconds.
    pub firing_seconds: u64,
    /// When it first fired.
    pub first: Timestamp,
    /// When it last began to fire.
    pub last: Timestamp,
    /// Whether it fires at the last evaluation.
    pub is_firing: bool,
}

/// One time that it would have fired.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FiringInterval {
    /// Labels of the series.
    pub labels: BTreeMap<String, String>,
    /// First evaluation at which it fired.
    pub from: Timestamp,
    /// First evaluation at which it did not any more; null when it still did.
    pub until: Option<Timestamp>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// What is to be tested is not legal.
    #[error("{0:?}")]
    Invalid(Vec<Invalid>),
    /// Prometheus does not answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// There are too many series.
    #[error(transparent)]
    TooMany(#[from] TooManySeries),
    /// It takes too long.
    #[error(
        "not done within {} s; ask for fewer days, a longer step, or fewer series",
        MAX_TIME.as_secs()
    )]
    TooSlow,
}

impl Backtest {
    /// Checks the fields. Gives the time between two evaluations.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self) -> Result<Duration, Vec<Invalid>> {
        let mut problems = Problems::default();
        self.rule.check("rule.", &mut problems);
        if self.rule.record.is_some() {
            problems.add("rule.record", "records; only an alert can fire");
        }
        if !DAYS.contains(&self.days) {
            problems.add("days", format!("{} is not between 1 and 90", self.days));
        }
        let step = self
            .step
            .as_ref()
            .map_or(DEFAULT_STEP, PromDuration::duration);
        if !STEPS.contains(&step) || step.subsec_millis() != 0 {
            problems.add("step", "is not whole seconds between 15s and 1h");
        } else if u64::from(self.days) * 86_400 / step.as_secs() >= MAX_EVALUATIONS {
            problems.add(
                "step",
                "makes more than 129,600 evaluations; take fewer days or a longer step",
            );
        }
        problems.finish(Some(step))
    }
}

/// Tests a rule against the last days before `now`. `expression` is that of the
/// rule, limited to the series that the asker may know of.
///
/// # Errors
/// See [`BacktestError`].
pub async fn backtest(
    source: &Source,
    test: &Backtest,
    expression: &str,
    now: Timestamp,
) -> Result<BacktestReport, BacktestError> {
    let step = test.check().map_err(BacktestError::Invalid)?;
    let work = run(source, test, expression, now, step);
    tokio::time::timeout(MAX_TIME, work)
        .await
        .map_err(|_| BacktestError::TooSlow)?
}

async fn run(
    source: &Source,
    test: &Backtest,
    expression: &str,
    now: Timestamp,
    step: Duration,
) -> Result<BacktestReport, BacktestError> {
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    let count = i64::from(test.days) * 86_400_000 / step_ms;
    // Evaluations at whole steps: the same question tomorrow asks the same moments.
    let until = Timestamp(now.0.div_euclid(step_ms) * step_ms);
    let since = Timestamp(until.0 - count * step_ms);
    let duration =
        |of: &Option<PromDuration>| of.as_ref().map(PromDuration::duration).unwrap_or_default();
    let mut follower = Follower::new(
        duration(&test.rule.hold),
        duration(&test.rule.keep_firing_for),
    );
    let mut report = Report::default();
    let (mut next, mut points) = (since, FIRST_POINTS);
    while next <= until {
        let span = i64::try_from(points - 1)
            .unwrap_or(i64::MAX)
            .saturating_mul(step_ms);
        let end = Timestamp(next.0.saturating_add(span).min(until.0));
        let series = match source.series_over(expression, next, end, step).await {
            Ok(series) => series,
            Err(error) if points > 1 && is_too_much(source, &error).await => {
                points /= 2;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // Computing in between lets others have a turn.
        (follower, report) = tokio::task::spawn_blocking(move || {
            follow(follower, report, series, next, end, step_ms)
        })
        .await
        .map_err(|_| QueryError::Failed("the controller is ending".to_owned()))??;
        next = Timestamp(end.0 + step_ms);
        points = points.saturating_mul(2).min(MAX_POINTS);
    }
    for firing in follower.finish() {
        report.add(firing, until);
    }
    Ok(report.finish(since, until, step))
}

/// Whether a question failed because it asks too much at once: for one answer, for
/// the time of one, or for Prometheus' limit of samples.
async fn is_too_much(source: &Source, error: &QueryError) -> bool {
    match error {
        QueryError::TimedOut => true,
        QueryError::Refused { is_understood, .. } => *is_understood,
        // An answer that is too long looks like a Prometheus that is down.
        QueryError::Failed(_) => source.query("1", None).await.is_ok(),
        _ => false,
    }
}

/// Follows the alert through one answer.
fn follow(
    mut follower: Follower,
    mut report: Report,
    series: Vec<Series>,
    start: Timestamp,
    end: Timestamp,
    step_ms: i64,
) -> Result<(Follower, Report), TooManySeries> {
    // Alerts have no metric name; what differs in it only is one alert.
    let series: Vec<(SeriesLabels, Vec<Timestamp>)> = series
        .into_iter()
        .map(|mut series| {
            series.labels.remove("__name__");
            let moments = series.points.into_iter().map(|point| point.at);
            (series.labels, moments.collect())
        })
        .collect();
    let mut by_moment: BTreeMap<Timestamp, BTreeSet<&SeriesLabels>> = BTreeMap::new();
    for (labels, moments) in &series {
        for at in moments {
            by_moment.entry(*at).or_default().insert(labels);
        }
    }
    let nobody = BTreeSet::new();
    let mut at = start;
    while at <= end {
        let holds = by_moment.get(&at).unwrap_or(&nobody);
        follower.evaluate(at, holds, &mut |firing| report.add(firing, end))?;
        at = Timestamp(at.0 + step_ms);
    }
    Ok((follower, report))
}

/// A report in the making.
#[derive(Default)]
struct Report {
    firings: u64,
    firing_seconds: u64,
    servers: BTreeMap<Option<Id>, ServerFirings>,
    intervals: Vec<FiringInterval>,
}

impl Report {
    fn add(&mut self, firing: Firing, last_evaluation: Timestamp) {
        let seconds = firing
            .until
            .unwrap_or(last_evaluation)
            .since(firing.from)
            .as_secs();
        self.firings += 1;
        self.firing_seconds += seconds;
        let server_id = firing
            .labels
            .get("server_id")
            .and_then(|id| id.parse().ok());
        let server = self
            .servers
            .entry(server_id)
            .or_insert_with(|| ServerFirings {
                server_id,
                server_name: firing
                    .labels
                    .get("server_name")
                    .cloned()
                    .unwrap_or_default(),
                firings: 0,
                firing_seconds: 0,
                first: firing.from,
                last: firing.from,
                is_firing: false,
            });
        server.firings += 1;
        server.firing_seconds += seconds;
        server.first = server.first.min(firing.from);
        server.last = server.last.max(firing.from);
        server.is_firing |= firing.until.is_none();
        if self.intervals.len() < MAX_FIRINGS {
            self.intervals.push(FiringInterval {
                labels: firing.labels,
                from: firing.from,
                until: firing.until,
            });
        }
    }

    fn finish(self, since: Timestamp, until: Timestamp, step: Duration) -> BacktestReport {
        let server_count = self.servers.keys().flatten().count();
        let mut servers: Vec<ServerFirings> = self.servers.into_values().collect();
        servers.sort_by_key(|server| (std::cmp::Reverse(server.firing_seconds), server.server_id));
        servers.truncate(MAX_SERVERS);
        BacktestReport {
            since,
            until,
            step_seconds: step.as_secs(),
            firings: self.firings,
            firing_seconds: self.firing_seconds,
            server_count,
            servers,
            intervals: self.intervals,
        }
    }
}
