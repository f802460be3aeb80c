//! The targets of one Prometheus: which they are, and whether it has them.
//!
//! Its list of targets costs it a second for each 10,000, so large fleets are
//! judged by the counters of `/metrics` alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use url::Url;

use super::content::Content;
use super::desired::{Desired, Wanted};
use super::impact;
use super::plan::{Words, lost_servers};
use super::status::ImpactBody;
use super::subject::{Since, Subject, Verdict};
use crate::clock::Timestamp;
use crate::config::PrometheusConfig;
use crate::prometheus::{Client, PrometheusError};
use crate::render::Document;

/// Up to so many targets are compared one by one.
const COMPARED_EACH: usize = 2_000;
/// After so long file discovery has taken a change up, if it ever will: it has
/// two delays of five seconds each.
const READ_AFTER: Duration = Duration::from_secs(12);
/// What Prometheus says on a target of a job with more than its `target_limit`.
const LIMIT_EXCEEDED: &str = "target_limit exceeded";

/// Counters that tell refusal when they rise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counters {
    started: f64,
    read_errors: f64,
    limit_exceeded: f64,
    pool_targets: Option<f64>,
}

impl Counters {
    /// What rose since `before`; after a restart of Prometheus, since that.
    fn since(&self, before: &Self) -> Self {
        let is_same_run = before.started.total_cmp(&self.started).is_eq();
        let base = if is_same_run {
            *before
        } else {
            Self::default()
        };
        Self {
            read_errors: self.read_errors - base.read_errors,
            limit_exceeded: self.limit_exceeded - base.limit_exceeded,
            ..*self
        }
    }
}

/// How targets are called.
pub(super) const WORDS: Words = Words {
    entries: "targets",
    nothing: "no server is monitored",
};

/// The targets of a shard at one of its servers.
pub(super) struct TargetsAt {
    shard: String,
    prometheus: Option<Prometheus>,
}

impl TargetsAt {
    /// The targets of a configured server.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn new(config: &PrometheusConfig) -> Result<Self, PrometheusError> {
        let client = Client::new(config)?;
        Ok(Self {
            shard: config.shard().to_owned(),
            prometheus: client.map(|client| Prometheus {
                client,
                job: config.job.clone(),
            }),
        })
    }
}

impl Subject for TargetsAt {
    fn wanted(&self, desired: &Desired) -> Result<Wanted, String> {
        let targets = desired.targets.as_ref().map_err(Clone::clone)?;
        let shard = targets
            .shards
            .iter()
            .find(|shard| shard.shard == self.shard);
        let shard = shard.ok_or_else(|| format!("there is no shard {}", self.shard))?;
        Ok(Wanted {
            content: Content::Targets(Arc::clone(&shard.document)),
            blind_spots: Arc::clone(&targets.blind_spots),
            warnings: shard.warnings.clone(),
        })
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn is_blank(&self, bytes: &[u8]) -> bool {
        matches!(bytes.trim_ascii(), b"" | b"[]")
    }

    fn counters(&self) -> BoxFuture<'_, Option<Counters>> {
        Box::pin(async { self.prometheus.as_ref()?.counters().await.ok() })
    }

    fn look<'a>(
        &'a self,
        content: &'a Content,
        since: &'a Since,
    ) -> BoxFuture<'a, Result<Verdict, PrometheusError>> {
        Box::pin(async {
            match (&self.prometheus, content.targets()) {
                (Some(prometheus), Some(targets)) => prometheus.verdict(targets, since).await,
                _ => Ok(Verdict::Unknown(
                    "no Prometheus is configured to look at".to_owned(),
                )),
            }
        })
    }

    fn impact<'a>(
        &'a self,
        before: Option<&'a Content>,
        after: &'a Content,
    ) -> BoxFuture<'a, ImpactBody> {
        let before = before.and_then(Content::targets).cloned();
        let after = after.targets().cloned();
        Box::pin(async move {
            let Some(after) = after else {
                return ImpactBody::default();
            };
            // Large fleets are tens of megabytes.
            let work = move || lost_servers(before.as_deref(), &after);
            let lost = tokio::task::spawn_blocking(work).await.unwrap_or_default();
            let client = self
                .prometheus
                .as_ref()
                .map(|prometheus| &prometheus.client);
            impact::of_targets(client, &lost).await
        })
    }
}

/// A Prometheus that is kept in step.
#[derive(Clone, Debug)]
struct Prometheus {
    client: Client,
    job: String,
}

#[derive(Deserialize)]
struct Targets {
    data: TargetsData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetsData {
    active_targets: Vec<ActiveTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActiveTarget {
    labels: BTreeMap<String, String>,
    scrape_pool: String,
    scrape_url: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    last_scrape: String,
}

impl Prometheus {
    /// The counters now.
    async fn counters(&self) -> Result<Counters, PrometheusError> {
        let text = self.client.get("metrics", &[]).await?;
        let text = String::from_utf8_lossy(&text);
        let pool = format!("{{scrape_job=\"{}\"}}", self.job);
        let mut counters = Counters::default();
        for line in text.lines() {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let Ok(value) = value.parse::<f64>() else {
                continue;
            };
            match name {
                "process_start_time_seconds" => counters.started = value,
                "prometheus_sd_file_read_errors_total" => counters.read_errors = value,
                "prometheus_target_scrape_pool_exceeded_target_limit_total" => {
                    counters.limit_exceeded = value;
                }
                _ if name.strip_prefix("prometheus_target_scrape_pool_targets")
                    == Some(pool.as_str()) =>
                {
                    counters.pool_targets = Some(value);
                }
                _ => {}
            }
        }
        Ok(counters)
    }

    /// Whether what is published is live.
    async fn verdict(
        &self,
        published: &Document,
        since: &Since,
    ) -> Result<Verdict, PrometheusError> {
        let before = since.before.as_ref();
        let is_read = since.age >= READ_AFTER;
        let counters = self.counters().await?;
        let risen = before.map_or_else(Counters::default, |before| counters.since(before));
        let missing = if published.entries().len() > COMPARED_EACH {
            // The number may be right before anything was read.
            let missing = self.compare_count(published, &counters);
            missing.or_else(|| {
                (!is_read).then(|| "waiting until Prometheus has read the list".to_owned())
            })
        } else {
            let active = self.active_targets().await?;
            let missing = compare(&expected(published), &active);
            let is_at_limit = active.iter().any(|t| t.last_error.contains(LIMIT_EXCEEDED));
            let has_risen = before.is_none() || risen.limit_exceeded > 0.0;
            // Both show in a scrape only, and an error may be left from before.
            let is_scraped = active
                .iter()
                .all(|target| Timestamp::parse(&target.last_scrape).is_ok_and(|at| at > since.at));
            match missing {
                None if is_at_limit && has_risen && is_scraped => {
                    return Ok(Verdict::Refused(format!(
                        "Prometheus scrapes nothing of the job {}, for it has more targets than the job's target_limit",
                        self.job
                    )));
                }
                None if is_at_limit || (risen.limit_exceeded > 0.0 && !is_scraped) => Some(
                    "a job has more targets than its target_limit; waiting for a scrape that shows whether it is this one"
                        .to_owned(),
                ),
                missing => missing,
            }
        };
        Ok(match missing {
            None => Verdict::LIVE,
            // Until then the error may be about another file.
            Some(_) if is_read && risen.read_errors > 0.0 => Verdict::Refused(
                "Prometheus could not read the targets file; its log says why".to_owned(),
            ),
            Some(missing) => Verdict::NotYet(missing),
        })
    }

    fn compare_count(&self, published: &Document, counters: &Counters) -> Option<String> {
        let expected = published.entries().len();
        let found = counters.pool_targets.unwrap_or(0.0);
        #[expect(clippy::cast_precision_loss, reason = "no fleet has 2^53 servers")]
        let is_equal = (found - expected as f64).abs() < 0.5;
        (!is_equal).then(|| format!("the job {} has {found} of {expected} targets", self.job))
    }

    /// Targets of the job that are servers of ours.
    async fn active_targets(&self) -> Result<Vec<ActiveTarget>, PrometheusError> {
        let query = [("state", "active"), ("scrapePool", self.job.as_str())];
        let bytes = self.client.get("api/v1/targets", &query).await?;
        let answer: Targets =
            serde_json::from_slice(&bytes).map_err(|error| PrometheusError::Answer {
                url: self.client.url().clone(),
                what: format!("another list of targets than expected: {error}"),
            })?;
        let mut active = answer.data.active_targets;
        // Servers that do not know the parameter send all jobs.
        active.retain(|target| {
            target.scrape_pool == self.job && target.labels.contains_key("server_id")
        });
        Ok(active)
    }
}

/// The targets as Prometheus must show them, by number of their server.
fn expected(document: &Document) -> BTreeMap<String, Expected> {
    let entries = document.entries().iter();
    entries
        .filter_map(|entry| {
            let parsed: Parsed = serde_json::from_slice(document.text(entry)).ok()?;
            let [authority] = parsed.targets;
            Some((
                entry.server_id.to_string(),
                Expected::new(&authority, parsed.labels)?,
            ))
        })
        .collect()
}

#[derive(Deserialize)]
struct Parsed {
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

/// What Prometheus must show of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    /// Labels that the series bear.
    labels: BTreeMap<String, String>,
    /// What is asked.
    url: Url,
}

impl Expected {
    fn new(authority: &str, labels: BTreeMap<String, String>) -> Option<Self> {
        let hidden = |name: &str| labels.get(name).map(String::as_str).unwrap_or_default();
        let text = format!(
            "{}://{authority}{}",
            hidden("__scheme__"),
            hidden("__metrics_path__")
        );
        let mut url = Url::parse(&text).ok()?;
        url.query_pairs_mut()
            .append_pair("module", hidden("__param_module"))
            .append_pair("target", hidden("__param_target"));
        let visible = labels
            .into_iter()
            .filter(|(name, _)| !name.starts_with("__"));
        Some(Self {
            labels: visible.collect(),
            url,
        })
    }
}

/// What is missing, looks different or is too many; `None` when nothing is.
fn compare(expected: &BTreeMap<String, Expected>, active: &[ActiveTarget]) -> Option<String> {
    let mut good = std::collections::BTreeSet::new();
    let (mut others, mut different) = (0, 0);
    for target in active {
        let id = target.labels.get("server_id").map(String::as_str);
        let id = id.unwrap_or_default();
        match expected.get(id) {
            None => others += 1,
            Some(wanted) if matches(wanted, target) => {
                good.insert(id);
            }
            Some(_) => different += 1,
        }
    }
    let missing = expected.len() - good.len();
    (missing + others + different > 0).then(|| {
        format!("{missing} targets are not there yet, {others} not gone yet, {different} not changed yet")
    })
}

fn matches(wanted: &Expected, target: &ActiveTarget) -> bool {
    let has_labels = wanted
        .labels
        .iter()
        .all(|(name, value)| target.labels.get(name) == Some(value));
    let asks_the_same = Url::parse(&target.scrape_url).is_ok_and(|url| {
        let place = |url: &Url| {
            (
                url.scheme().to_owned(),
                url.host_str().map(str::to_owned),
                url.port_or_known_default(),
                url.path().to_owned(),
            )
        };
        // The job may have parameters of its own.
        let has = |pair| url.query_pairs().any(|found| found == pair);
        place(&url) == place(&wanted.url) && wanted.url.query_pairs().all(has)
    });
    has_labels && asks_the_same
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Document {
        let text = concat!(
            "[\n",
            r#"{"targets":["e:9290"],"labels":{"__meta_ipmi_exporter":"e","__metrics_path__":"/ipmi","#,
            r#""__param_module":"a b","__param_target":"192.0.2.1","__scheme__":"http","#,
            r#""rack":"r1","server_id":"1"}}"#,
            "\n]\n"
        );
        Document::parse(text.into()).unwrap()
    }

    fn active(id: &str, rack: &str, url: &str) -> ActiveTarget {
        let labels = [("server_id", id), ("rack", rack), ("more", "x")];
        ActiveTarget {
            labels: labels
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            scrape_pool: "ipmi-servers".to_owned(),
            scrape_url: url.to_owned(),
            last_error: String::new(),
            last_scrape: String::new(),
        }
    }

    #[test]
    fn a_target_is_live_with_its_labels_and_its_url() {
        let expected = expected(&published());
        assert_eq!(
            expected["1"].url.as_str(),
            "http://e:9290/ipmi?module=a+b&target=192.0.2.1"
        );
        assert!(!expected["1"].labels.contains_key("__scheme__"));
        let good = "http://e:9290/ipmi?collector=x&module=a+b&target=192.0.2.1";
        assert_eq!(compare(&expected, &[active("1", "r1", good)]), None);
        let other_place = good.replace("e:9290", "f:9290");
        let other_module = good.replace("a+b", "c");
        for wrong in [
            vec![],
            vec![active("1", "r2", good)],
            vec![active("1", "r1", &other_place)],
            vec![active("1", "r1", &other_module)],
            vec![active("1", "r1", good), active("2", "r1", good)],
            vec![active("1", "r1", good), active("1", "r2", good)],
        ] {
            assert!(compare(&expected, &wrong).is_some());
        }
    }

    #[test]
    fn after_a_restart_counters_count_from_zero() {
        let before = Counters {
            started: 1.0,
            read_errors: 5.0,
            ..Counters::default()
        };
        let same = Counters {
            started: 1.0,
            read_errors: 5.0,
            ..Counters::default()
        };
        assert!(same.since(&before).read_errors < 0.5);
        let restarted = Counters {
            started: 2.0,
            read_errors: 1.0,
            ..Counters::default()
        };
        assert!(restarted.since(&before).read_errors > 0.5);
    }
}
