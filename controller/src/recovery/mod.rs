//! Finds out what nobody told the alert journal.
//!
//! Prometheus writes down which alerts fired ([`Recovery`] reads that, some time
//! after, because Prometheus tells of an end by itself for a quarter of an
//! hour), and Alertmanager says which it has and what keeps notifications back
//! ([`Lookout`]). What is found goes the way of all that is told: through
//! [`crate::alert::Evidence`], so that nothing is counted twice.

mod answer;
mod lookout;
mod relabel;
mod runs;

pub use lookout::{LookError, Lookout};

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::alert::Record;
use crate::clock::Timestamp;
use crate::config::AlertSettings;
use crate::prometheus::{Answer, Client, PrometheusError};
use crate::store::{RecoveredWindow, RecoveryMarker, Store, StoreError};
use relabel::Relabelling;
use runs::{Alive, Facts, Span};

/// Longest time between two passes.
const EVERY: Duration = Duration::from_secs(300);
/// Shortest one.
const LEAST_EVERY: Duration = Duration::from_secs(1);
/// Longest window of records that is read at a time.
const MAX_WINDOW: Duration = Duration::from_secs(3_600);
/// Shortest one; if this is too large to be read, it is given up.
const MIN_WINDOW: Duration = Duration::from_secs(60);
/// After so many passes without an answer that is a gap.
const SILENT_PASSES: u32 = 3;
/// Shorter times without scrapes are no gap.
const LEAST_HOLE: Duration = Duration::from_secs(60);
/// Shortest slot in which a scrape is looked for; two scrapes fit in each.
const LEAST_SLOT: Duration = Duration::from_secs(1);
/// Longest one.
const MAX_SLOT: Duration = Duration::from_secs(600);
/// Records of one transaction, so that deliveries need not wait long.
const BATCH: usize = 250;

/// Why a pass did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// Prometheus cannot be asked.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// It answers what cannot be understood.
    #[error("Prometheus answers {what} with {answer}")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// What came.
        answer: String,
    },
    /// It does to labels what cannot be followed, so its records cannot be matched
    /// with what it tells.
    #[error("the records of Prometheus are not read: {0}")]
    Relabelling(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of a window.
enum Window {
    Read {
        records: Vec<Record>,
        alive: Alive,
    },
    /// The answer is too large.
    TooLarge,
}

/// Reads the records of one Prometheus.
#[derive(Clone)]
pub struct Recovery {
    store: Store,
    client: Client,
    name: String,
    lag: Duration,
    reach: Duration,
    window: Duration,
    silent_passes: u32,
    problem: Option<String>,
}

impl Recovery {
    /// One that has not read anything yet.
    #[must_use]
    pub fn new(store: Store, client: Client, settings: &AlertSettings) -> Self {
        Self {
            store,
            name: client.url().to_string(),
            client,
            lag: settings.recovery_lag(),
            reach: settings.recovery_reach(),
            window: MAX_WINDOW,
            silent_passes: 0,
            problem: None,
        }
    }

    /// Which Prometheus, as gaps and sources name it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads again and again until `shutdown` is cancelled.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(self.lag.clamp(LEAST_EVERY, EVERY));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let pass = async {
                ticks.tick().await;
                if let Err(error) = self.pass().await {
                    self.note(&error).await;
                } else {
                    self.silent_passes = 0;
                    if self.problem.take().is_some() {
                        tracing::info!(prometheus = self.name, "Its records are read again");
                    }
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = pass => {}
            }
        }
    }

    /// Reads everything that is old enough and has not been read.
    ///
    /// # Errors
    /// See [`RecoveryError`]; what was read by then is kept.
    pub async fn pass(&mut self) -> Result<(), RecoveryError> {
        let mut marker = self.marker().await?;
        let target = self.store.clock().now().before(self.lag);
        if marker.recovered_until >= target {
            return Ok(());
        }
        let facts = self.facts().await?;
        let earliest = target.before(self.reach);
        if marker.recovered_until < earliest {
            self.skip(&mut marker, earliest).await?;
        }
        while marker.recovered_until < target {
            let from = marker.recovered_until;
            let until = from.after(self.window).min(target);
            match self.read(from, until, &facts).await? {
                Window::Read { records, alive } => {
                    self.write(&mut marker, until, &records, &alive).await?;
                    self.window = self.window.saturating_mul(2).min(MAX_WINDOW);
                }
                Window::TooLarge if self.window > MIN_WINDOW => {
                    self.window = (self.window / 2).max(MIN_WINDOW);
                }
                Window::TooLarge => self.skip(&mut marker, until).await?,
            }
        }
        Ok(())
    }

    async fn marker(&self) -> Result<RecoveryMarker, StoreError> {
        let mut tx = self.store.write().await?;
        let marker = tx.recovery_marker(&self.name).await?;
        tx.commit().await?;
        Ok(marker)
    }

    /// Rules and configuration as they are now.
    async fn facts(&self) -> Result<Facts, RecoveryError> {
        let body = self.client.get("api/v1/status/config", &[]).await?;
        let configuration = blocking(move || answer::configuration(&body))
            .await
            .map_err(bad("api/v1/status/config"))?;
        let query = [("type", "alert"), ("exclude_alerts", "true")];
        let body = self.client.get("api/v1/rules", &query).await?;
        let rules = blocking(move || answer::rules(&body))
            .await
            .map_err(bad("api/v1/rules"))?;
        let relabelling = Relabelling::of(&configuration).map_err(RecoveryError::Relabelling)?;
        Ok(Facts {
            rules,
            relabelling,
            interval: configuration.evaluation_interval(),
            slot: configuration
                .scrape_interval()
                .map(|interval| interval.saturating_mul(2).clamp(LEAST_SLOT, MAX_SLOT)),
        })
    }

    async fn read(
        &self,
        from: Timestamp,
        until: Timestamp,
        facts: &Facts,
    ) -> Result<Window, RecoveryError> {
        let span = Span {
            from: from.before(facts.margin()),
            until,
        };
        let range = until.since(span.from).as_millis();
        let query =
            format!("{{__name__=~\"ALERTS|ALERTS_FOR_STATE\",alertstate!=\"pending\"}}[{range}ms]");
        let time = seconds(until);
        let form = [("query", query.as_str()), ("time", time.as_str())];
        let Some(body) = self.ask("api/v1/query", &form).await? else {
            return Ok(Window::TooLarge);
        };
        let alerts = blocking(move || answer::series(&body))
            .await
            .map_err(bad("api/v1/query"))?;
        let alive = match facts.slot {
            None => Alive::default(),
            Some(slot) => {
                let step = slot.as_millis();
                let query = format!("sum(count_over_time(up[{step}ms]))");
                let form = [
                    ("query", query.as_str()),
                    ("start", &seconds(span.from)),
                    ("end", &seconds(until)),
                    ("step", &format!("{}", slot.as_secs_f64())),
                ];
                let Some(body) = self.ask("api/v1/query_range", &form).await? else {
                    return Ok(Window::TooLarge);
                };
                let series = answer::series(&body).map_err(bad("api/v1/query_range"))?;
                Alive::of(&series, Some(slot))
            }
        };
        let records = runs::records(&alerts, span, &alive, facts);
        Ok(Window::Read { records, alive })
    }

    /// The body of a good answer; `None` when it is too large.
    async fn ask(
        &self,
        path: &'static str,
        form: &[(&str, &str)],
    ) -> Result<Option<Vec<u8>>, RecoveryError> {
        let Answer { status, body } = match self.client.post(path, form).await {
            Err(PrometheusError::TooLarge { .. }) => return Ok(None),
            answer => answer?,
        };
        if status.is_success() {
            return Ok(Some(body));
        }
        let (kind, text) = answer::failure(&body);
        // More samples, or more time, than Prometheus allows.
        if kind == "execution" || kind == "timeout" {
            return Ok(None);
        }
        Err(RecoveryError::Answer {
            what: path,
            answer: format!("status {status}: {text}"),
        })
    }

    async fn write(
        &self,
        marker: &mut RecoveryMarker,
        until: Timestamp,
        records: &[Record],
        alive: &Alive,
    ) -> Result<(), StoreError> {
        let mut found = 0;
        // Records of one alert have to stay together; they follow one another.
        let mut rest = records;
        while let Some(last) = rest.get(..BATCH.min(rest.len())).and_then(<[_]>::last) {
            let more = rest.iter().skip(BATCH);
            let same = more.take_while(|record| record.labels == last.labels);
            let (batch, others) = rest.split_at(BATCH.min(rest.len()) + same.count());
            let mut tx = self.store.write().await?;
            found += tx.record_records(&self.name, batch).await?;
            tx.commit().await?;
            rest = others;
        }
        if found > 0 {
            tracing::warn!(
                prometheus = self.name,
                alerts = found,
                from = %marker.recovered_until,
                until = %until,
                "Alerts came to light that nobody had told of"
            );
        }
        let (holes, alive) = alive.holes(marker.alive, LEAST_HOLE);
        let window = RecoveredWindow {
            from: marker.recovered_until,
            until,
            alive,
            holes,
        };
        let mut tx = self.store.write().await?;
        tx.advance_recovery(&self.name, &window).await?;
        tx.commit().await?;
        marker.recovered_until = until;
        marker.alive = alive;
        Ok(())
    }

    /// Gives a time up.
    async fn skip(&self, marker: &mut RecoveryMarker, until: Timestamp) -> Result<(), StoreError> {
        tracing::warn!(
            prometheus = self.name,
            from = %marker.recovered_until,
            until = %until,
            "Records of alerts are too large or too old to be read and are given up"
        );
        let window = RecoveredWindow {
            from: marker.recovered_until,
            until,
            alive: until,
            holes: Vec::new(),
        };
        let mut tx = self.store.write().await?;
        tx.skip_recovery(&self.name, &window).await?;
        tx.commit().await?;
        marker.recovered_until = until;
        marker.alive = until;
        Ok(())
    }

    /// Says why records are not read, once, and notes the gap that this makes.
    async fn note(&mut self, error: &RecoveryError) {
        let problem = error.to_string();
        if self.problem.as_ref() != Some(&problem) {
            tracing::warn!(
                prometheus = self.name,
                error = %problem,
                "Records of alerts cannot be read; this goes on"
            );
        }
        self.silent_passes = self.silent_passes.saturating_add(1);
        let noted = async {
            let mut tx = self.store.write().await?;
            let from = tx.recovery_marker(&self.name).await?.recovered_until;
            let until = self.store.clock().now().before(self.lag);
            let gap =
                (self.silent_passes >= SILENT_PASSES && until > from).then_some((from, until));
            tx.note_recovery_problem(&self.name, &problem, gap).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::error!(error = %error, "The gap could not be noted");
        }
        self.problem = Some(problem);
    }
}

/// Does what takes long where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err("what cannot be read".to_owned()))
}

fn bad(what: &'static str) -> impl FnOnce(String) -> RecoveryError {
    move |answer| RecoveryError::Answer { what, answer }
}

/// A moment as Prometheus takes it: seconds with three digits.
fn seconds(at: Timestamp) -> String {
    let millis = at.0.max(0);
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}
