//! What Prometheus answers: samples, rules and configuration. Foreign bytes:
//! nothing is believed about their form.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::clock::Timestamp;

/// Latest moment that is believed, in seconds: the year 2286.
const MAX_SECONDS: f64 = 1e10;
/// Longest interval between two evaluations that is believed.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// Shortest one.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// Labels by name.
pub(super) type LabelMap = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Answer<T> {
    status: String,
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matrix {
    result_type: String,
    result: Vec<MatrixSeries>,
}

#[derive(Deserialize)]
struct MatrixSeries {
    metric: LabelMap,
    values: Vec<(f64, String)>,
}

/// A series with its samples, the earliest first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) labels: LabelMap,
    pub(super) samples: Vec<(Timestamp, f64)>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
}

/// An alerting rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Labels that it adds and that are no templates.
    pub(super) labels: LabelMap,
    /// Annotations that are no templates.
    pub(super) annotations: LabelMap,
    /// How long it waits before it fires.
    pub(super) hold: Duration,
    /// Time between two evaluations.
    pub(super) interval: Duration,
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
struct RuleGroup {
    #[serde(default)]
    interval: f64,
    rules: Vec<AnsweredRule>,
}

#[derive(Deserialize)]
struct AnsweredRule {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    labels: LabelMap,
    #[serde(default)]
    annotations: LabelMap,
}

#[derive(Deserialize)]
struct StatusConfig {
    yaml: String,
}

/// What matters of Prometheus' configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) global: Global,
    pub(super) alerting: Alerting,
    scrape_configs: Vec<ScrapeConfig>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Global {
    scrape_interval: Option<String>,
    evaluation_interval: Option<String>,
    pub(super) external_labels: LabelMap,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Alerting {
    pub(super) alert_relabel_configs: Vec<RelabelConfig>,
    pub(super) alertmanagers: Vec<AlertmanagerTarget>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct AlertmanagerTarget {
    pub(super) alert_relabel_configs: Vec<RelabelConfig>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct RelabelConfig {
    pub(super) action: Option<String>,
    pub(super) regex: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ScrapeConfig {
    scrape_interval: Option<String>,
}

impl Configuration {
    /// Time between two scrapes of the fastest job; `None` when nothing is scraped.
    pub(super) fn scrape_interval(&self) -> Option<Duration> {
        let default = self.global.scrape_interval.as_deref();
        self.scrape_configs
            .iter()
            .map(|job| job.scrape_interval.as_deref().or(default))
            .map(|text| text.and_then(duration).unwrap_or(Duration::from_secs(60)))
            .min()
    }

    /// Time between two evaluations where a group does not say.
    pub(super) fn evaluation_interval(&self) -> Duration {
        let text = self.global.evaluation_interval.as_deref();
        text.and_then(duration).unwrap_or(Duration::from_secs(60))
    }
}

/// The series of an answer to a query.
pub(super) fn series(body: &[u8]) -> Result<Vec<Series>, String> {
    let matrix: Matrix = data(body)?;
    if matrix.result_type != "matrix" {
        return Err(format!(
            "a {} where a matrix is expected",
            short(&matrix.result_type)
        ));
    }
    matrix.result.into_iter().map(one_series).collect()
}

fn one_series(series: MatrixSeries) -> Result<Series, String> {
    let mut samples = Vec::with_capacity(series.values.len());
    for (seconds, value) in series.values {
        let at = moment(seconds).ok_or_else(|| format!("a sample at {seconds}"))?;
        let value = value
            .parse()
            .map_err(|_| format!("a sample of \"{}\"", short(&value)))?;
        samples.push((at, value));
    }
    samples.sort_by_key(|(at, _)| *at);
    samples.dedup_by_key(|(at, _)| *at);
    Ok(Series {
        labels: series.metric,
        samples,
    })
}

/// The alerting rules.
pub(super) fn rules(body: &[u8]) -> Result<Vec<Rule>, String> {
    let rules: Rules = data(body)?;
    let mut found = Vec::new();
    for group in rules.groups {
        let interval = seconds(group.interval).filter(|interval| *interval >= MIN_INTERVAL);
        let Some(interval) = interval else {
            return Err(format!("a rule group with interval {}", group.interval));
        };
        for rule in group.rules {
            // Servers that do not know the parameter `type` send all.
            if rule.kind == "alerting" {
                found.push(Rule {
                    name: rule.name,
                    labels: plain(rule.labels),
                    annotations: plain(rule.annotations),
                    hold: seconds(rule.duration).unwrap_or_default(),
                    interval,
                });
            }
        }
    }
    Ok(found)
}

/// Prometheus' configuration.
pub(super) fn configuration(body: &[u8]) -> Result<Configuration, String> {
    let status: StatusConfig = data(body)?;
    serde_saphyr::from_str(&status.yaml).map_err(|error| {
        // Its excerpt may show what is nobody's business.
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        format!("a configuration that cannot be read: {}", short(line))
    })
}

/// Kind and text of a refusal.
pub(super) fn failure(body: &[u8]) -> (String, String) {
    match serde_json::from_slice::<Failure>(body) {
        Ok(failure) => (failure.kind, short(&failure.error).to_owned()),
        Err(_) => (String::new(), "no explanation".to_owned()),
    }
}

fn data<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, String> {
    let answer: Answer<T> = serde_json::from_slice(body)
        .map_err(|error| format!("something else than is expected: {error}"))?;
    if answer.status != "success" {
        return Err(format!("status \"{}\"", short(&answer.status)));
    }
    Ok(answer.data)
}

/// Texts that are no templates.
fn plain(mut texts: LabelMap) -> LabelMap {
    texts.retain(|_, text| !text.contains("{{"));
    texts
}

fn moment(seconds: f64) -> Option<Timestamp> {
    if !(0.0..=MAX_SECONDS).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it was checked to be small"
    )]
    let millis = (seconds * 1_000.0).round() as i64;
    Some(Timestamp(millis))
}

fn seconds(seconds: f64) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (duration <= MAX_INTERVAL).then_some(duration)
}

/// A duration as Prometheus writes it, such as `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.len()
            - tail
                .trim_start_matches(|c: char| c.is_ascii_lowercase())
                .len();
        let (unit, tail) = tail.split_at_checked(letters)?;
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(millis)?)?;
        rest = tail;
    }
    (total > 0).then(|| Duration::from_millis(total))
}

/// The first part of a text that somebody else wrote.
fn short(text: &str) -> &str {
    const MAX_CHARS: usize = 200;
    let end = text
        .char_indices()
        .nth(MAX_CHARS)
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_to_the_millisecond() {
        let body = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"a":"b"},"values":[[1795406561.73,"2"],[1795406560.731,"1"],[1795406561.73,"2"]]}]}}"#;
        let series = series(body).unwrap();
        let times: Vec<i64> = series[0].samples.iter().map(|(at, _)| at.0).collect();
        assert_eq!(times, [1_795_406_560_731, 1_795_406_561_730]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let matrix = |samples: &str| {
            format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":{samples}}}]}}}}"#
            )
        };
        for body in [
            String::new(),
            "<html>".to_owned(),
            "{}".to_owned(),
            r#"{"status":"error","data":{"resultType":"matrix","result":[]}}"#.to_owned(),
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.to_owned(),
            matrix(r#"[[-1,"1"]]"#),
            matrix(r#"[[1e300,"1"]]"#),
            matrix(r#"[[1,"x"]]"#),
            matrix(r"[[1,1]]"),
            matrix(r#"[["1","1"]]"#),
        ] {
            assert!(series(body.as_bytes()).is_err(), "{body}");
            assert!(rules(body.as_bytes()).is_err(), "{body}");
            assert!(configuration(body.as_bytes()).is_err(), "{body}");
        }
        let endless = br#"{"status":"success","data":{"groups":[{"interval":1e99,"rules":[]}]}}"#;
        assert!(rules(endless).is_err());
    }

    #[test]
    fn rules_and_configuration_of_prometheus_are_read() {
        let body =
            br#"{"status":"success","data":{"groups":[{"name":"g","file":"r.yml","interval":15,
            "rules":[{"type":"recording","name":"x"},{"type":"alerting","name":"A","duration":90,
            "labels":{"severity":"critical","l":"{{ $labels.x }}"},
            "annotations":{"s":"of {{ $value }}","r":"do this"}}]}]}}"#;
        let rules = rules(body).unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].hold, Duration::from_secs(90));
        assert_eq!(rules[0].interval, Duration::from_secs(15));
        assert_eq!(rules[0].labels.len(), 1);
        assert_eq!(rules[0].annotations["r"], "do this");
        let yaml = "global:\n  scrape_interval: 1m\n  evaluation_interval: 1m30s\n  \
                    external_labels:\n    cluster: lab\nalerting:\n  alert_relabel_configs:\n  \
                    - separator: ;\n    regex: replica\n    replacement: $1\n    \
                    action: labeldrop\nscrape_configs:\n- job_name: a\n  scrape_interval: 500ms\n\
                    - job_name: b\n";
        let body = serde_json::json!({"status": "success", "data": {"yaml": yaml}}).to_string();
        let configuration = configuration(body.as_bytes()).unwrap();
        assert_eq!(configuration.global.external_labels["cluster"], "lab");
        assert_eq!(
            configuration.scrape_interval(),
            Some(Duration::from_millis(500))
        );
        assert_eq!(configuration.evaluation_interval(), Duration::from_secs(90));
        let relabel = &configuration.alerting.alert_relabel_configs[0];
        assert_eq!(relabel.action.as_deref(), Some("labeldrop"));
    }

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, seconds) in [
            ("15s", 15),
            ("1m30s", 90),
            ("2d", 172_800),
            ("1y", 31_536_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "15",
            "-1s",
            "0s",
            "1x",
            "99999999999999999999s",
            "1é",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn damaged_answers_do_not_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            text in ".{0,40}") {
            let _ = series(&bytes);
            let _ = rules(&bytes);
            let _ = duration(&text);
            let yaml = serde_json::json!({"status": "success", "data": {"yaml": text}}).to_string();
            let _ = configuration(yaml.as_bytes());
        }
    }
}
