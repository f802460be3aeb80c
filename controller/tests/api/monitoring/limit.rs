//! A token of one group never sees another group's series.
//!
//! The judge is a second Prometheus, which has the group's series and no others:
//! whatever somebody of the group asks the one that has everything must be
//! answered as the second one answers it.

use std::fmt::Write;

use reqwest::StatusCode;
use serde_json::Value;

use super::{ago, by_form, encoded, lab_of_two_groups};
use crate::support::prometheus::Prometheus;

/// Series of a server, and of no server when there is no number. West's values
/// and words occur nowhere else.
const SERIES: &[(&str, &str, f64)] = &[
    (
        "up",
        r#"job="ipmi-servers",server_id="1",group="east",instance="bmc-east""#,
        1.0,
    ),
    (
        "temperature",
        r#"server_id="1",group="east",name="CPU1 Temp",id="4""#,
        40.0,
    ),
    (
        "temperature",
        r#"server_id="1",group="east",name="CPU \"2\"",id="5""#,
        50.0,
    ),
    (
        "fan",
        r#"server_id="1",group="east",name="FAN1",id="6""#,
        4000.0,
    ),
    ("requests_total", r#"server_id="1",group="east""#, 60.0),
    (
        "up",
        r#"job="ipmi-servers",server_id="2",group="west",instance="bmc-west""#,
        0.0,
    ),
    (
        "temperature",
        r#"server_id="2",group="west",name="CPU1 Temp",id="4""#,
        7777.0,
    ),
    (
        "fan",
        r#"server_id="2",group="west",name="FAN1",id="6""#,
        7777.0,
    ),
    ("requests_total", r#"server_id="2",group="west""#, 7777.0),
    // It was east's group when it had this number's predecessor: by the name of
    // the group it would be seen.
    (
        "temperature",
        r#"server_id="2",group="east",name="westward",id="9""#,
        7777.0,
    ),
    ("up", r#"job="other",instance="westhost""#, 1.0),
    (
        "target_info",
        r#"job="ipmi-servers",instance="bmc-east",secret="west""#,
        1.0,
    ),
    (
        "ALERTS",
        r#"alertname="westalert",alertstate="firing""#,
        1.0,
    ),
    ("east_only", r#"server_id="1""#, 3.0),
    ("west_only", r#"server_id="2""#, 7777.0),
    ("nobodys", r#"group="east""#, 7777.0),
];

/// What is asked. The first are ways around a limit; the others are what people
/// ask, so that the limit does not change what they mean.
const QUERIES: &[&str] = &[
    "{__name__=~\".+\"}",
    "{server_id=~\".*\",__name__!=\"\"}",
    "{server_id=\"2\",__name__=~\".+\"}",
    "temperature{server_id!=\"1\"}",
    "temperature{server_id=~\"1|2\"}",
    "temperature{group=\"\"}",
    "temperature{server_id=\"\"}",
    "up{server_id=\"\"}",
    "nobodys",
    "target_info",
    "ALERTS",
    "count({__name__=~\".+\"})",
    "count by (__name__, group) ({__name__=~\".+\"})",
    "group by (server_id) ({server_id!~\"nothing\", __name__=~\".+\"})",
    "temperature or on () vector(1)",
    "vector(1) or temperature{server_id=\"2\"}",
    "sum(temperature) or sum(west_only)",
    "label_replace(temperature{server_id=\"2\"}, \"server_id\", \"1\", \"\", \"\")",
    "label_join(temperature, \"server_id\", \"-\", \"group\", \"name\")",
    "quantile(scalar(sum(west_only)) / 10000, temperature)",
    "topk(scalar(west_only{server_id=\"2\"}), temperature)",
    "count_values(\"value\", {__name__=~\".+\"})",
    "clamp_min(temperature, scalar(west_only))",
    "max_over_time({__name__=~\"temperature|west_only\",server_id=\"2\"}[1h])",
    "max_over_time(sum(temperature)[30m:1m])",
    "sum_over_time((temperature{server_id=\"2\"} or temperature)[20m:5m] offset 1m)",
    "temperature{server_id=\"2\"} offset 5m",
    "temperature * on (name) group_left (group) temperature{server_id=\"2\"}",
    "temperature and on () temperature{server_id=\"2\"}",
    "temperature unless on () west_only",
    "east_only + on () group_left () west_only",
    "-temperature{server_id=\"2\"}",
    "(((temperature{server_id=\"2\"})))",
    "bottomk(1, -temperature)",
    "stddev(temperature)",
    "present_over_time({server_id=\"2\",__name__=~\".+\"}[1h])",
    "timestamp(west_only)",
    "changes(up{group=\"west\"}[30m])",
    "histogram_quantile(0.9, label_replace(temperature, \"le\", \"+Inf\", \"\", \"\"))",
    "sort_desc(temperature)",
    "temperature{name='CPU1 Temp'} > 30",
    "temperature{name=`CPU \"2\"`}",
    "temperature > bool 45",
    "avg without (name, id) (temperature)",
    "avg by (group) (temperature) / 2 ^ 2 % 3",
    "-2 ^ 2 + -temperature",
    "2 * (temperature - 3) * 1e-3",
    "rate(requests_total[5m]) * 60",
    "increase(requests_total{server_id=~\"1|2\"}[10m] offset 2m)",
    "delta(temperature[10m])",
    "predict_linear(temperature[10m], 3600)",
    "quantile_over_time(0.5, temperature[10m])",
    "deriv(fan[10m]) == 0",
    "avg_over_time(temperature[5m]) - avg_over_time(temperature[5m] offset 5m)",
    "round(temperature / 7, 0.5)",
    "temperature{name=~\"CPU.*\",name!~\".*2.*\"}",
    "temperature / on (server_id) group_left fan",
    "fan / ignoring (name, id) group_right temperature",
    "temperature atan2 2",
    "hour() - hour(vector(time()))",
    "time() - timestamp(up)",
    "1 + 2 * 3",
    "sum(temperature{name=\"a\\\\b\\n\\\"c\"}) or vector(0x1F)",
    "count(temperature) by (group) # } or up",
    "max_over_time(deriv(rate(requests_total[2m])[10m:30s])[5m:1m])",
];

/// Answers whose labels tell what was asked for: only values are compared.
const ABSENT: &[&str] = &[
    "absent(temperature{server_id=\"2\"})",
    "absent(west_only)",
    "absent_over_time({server_id=\"2\"}[1h])",
];

fn samples(end: u64, take: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut names: Vec<&str> = SERIES.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    for name in names {
        writeln!(text, "# TYPE {name} unknown").expect("memory");
        for (_, labels, value) in SERIES.iter().filter(|(n, ..)| *n == name) {
            if !take(labels) {
                continue;
            }
            for minute in 0..=60 {
                let at = end - 3600 + 60 * minute;
                #[expect(clippy::cast_precision_loss, reason = "minutes are few")]
                let value = value * (1.0 + minute as f64 / 10.0);
                writeln!(text, "{name}{{{labels}}} {value} {at}").expect("memory");
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

/// The series of an answer, in an order of their own.
fn sorted(answer: &Value) -> Value {
    let mut data = answer["data"].clone();
    if let Some(series) = data["result"].as_array_mut() {
        series.sort_by_key(ToString::to_string);
    }
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_sees_its_own_series_as_if_there_were_no_others() {
    let end = ago(300);
    let everything = Prometheus::with_samples(&samples(end, |_| true)).await;
    let own = |labels: &str| labels.contains("server_id=\"1\"");
    let judge = Prometheus::with_samples(&samples(end, own)).await;
    let (lab, admin, eve) = lab_of_two_groups(&everything).await;
    let time = end.to_string();
    let start = (end - 600).to_string();
    let mut differing = 0;
    for query in QUERIES.iter().chain(ABSENT) {
        for pairs in [
            vec![("query", *query), ("time", &time)],
            vec![
                ("query", *query),
                ("start", &start),
                ("end", &time),
                ("step", "60"),
            ],
        ] {
            let path = if pairs.len() == 2 {
                "query"
            } else {
                "query_range"
            };
            let asked = format!("{path}?{}", encoded(&pairs));
            let seen = eve
                .get(&format!("/api/v1/monitoring/prometheus/{asked}"))
                .await;
            let expected = judge.get(&format!("/api/v1/{asked}")).await;
            assert!(!seen.text.contains("west-"), "{query}: {seen:?}");
            if expected["status"] == "error" {
                let refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
                assert!(refused.contains(&seen.status), "{query}: {seen:?}");
                continue;
            }
            assert_eq!(seen.status, StatusCode::OK, "{query}: {seen:?}");
            assert!(!seen.text.contains("westward"), "{query}: {seen:?}");
            let (mut seen, mut expected) = (sorted(&seen.body), sorted(&expected));
            let by_form = by_form(&lab, &eve, path, &pairs).await;
            assert_eq!(sorted(&by_form), seen, "{query}");
            if ABSENT.contains(query) {
                for data in [&mut seen, &mut expected] {
                    data["result"][0]["metric"] = Value::Null;
                }
            }
            assert_eq!(seen, expected, "{query}");
            let all = admin
                .get(&format!("/api/v1/monitoring/prometheus/{asked}"))
                .await;
            differing += usize::from(sorted(&all.body) != seen);
        }
    }
    // Else the queries would show nothing: most of them see West without a limit.
    assert!(differing > QUERIES.len(), "only {differing} answers differ");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_values_and_series_are_those_of_the_own_group() {
    let end = ago(300);
    let everything = Prometheus::with_samples(&samples(end, |_| true)).await;
    let own = |labels: &str| labels.contains("server_id=\"1\"");
    let judge = Prometheus::with_samples(&samples(end, own)).await;
    let (lab, admin, eve) = lab_of_two_groups(&everything).await;
    let (start, end) = ((end - 3600).to_string(), end.to_string());
    let range = [("start", start.as_str()), ("end", end.as_str())];
    let any = ("match[]", "{__name__=~\".+\"}");
    let west = ("match[]", "{server_id=\"2\"}");
    for (path, selectors) in [
        ("labels", vec![]),
        ("labels", vec![west]),
        ("labels", vec![any, west]),
        ("label/server_id/values", vec![]),
        ("label/__name__/values", vec![]),
        ("label/name/values", vec![any]),
        ("label/instance/values", vec![west, any]),
        ("series", vec![any]),
        ("series", vec![west]),
        ("series", vec![any, west]),
    ] {
        let pairs: Vec<(&str, &str)> = range.iter().chain(&selectors).copied().collect();
        let asked = format!("{path}?{}", encoded(&pairs));
        let of = |client: &crate::support::Client| {
            let client = client.clone();
            let asked = format!("/api/v1/monitoring/prometheus/{asked}");
            async move { client.get(&asked).await }
        };
        let seen = of(&eve).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {seen:?}");
        assert_eq!(
            seen.body["data"],
            judge.get(&format!("/api/v1/{asked}")).await["data"],
            "{path} {selectors:?}"
        );
        let all = of(&admin).await;
        assert_ne!(all.body["data"], seen.body["data"], "{path} {selectors:?}");
    }
    let all = eve.get("/api/v1/monitoring/prometheus/series").await;
    assert!(!all.text.contains("west"), "{all:?}");
    // Grafana always says how many it takes.
    for path in ["labels", "label/server_id/values", "series"] {
        let path = format!("/api/v1/monitoring/prometheus/{path}?limit=");
        let few = eve.get(&format!("{path}40000")).await;
        assert_eq!(few.status, StatusCode::OK, "{few:?}");
        let some = eve.get(&format!("{path}some")).await;
        assert_eq!(some.status, StatusCode::BAD_REQUEST, "{some:?}");
        assert!(some.text.contains("limit"), "{some:?}");
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_group_sees_nothing() {
    let end = ago(300);
    let prometheus = Prometheus::with_samples(&samples(end, |_| true)).await;
    let (lab, _, _) = lab_of_two_groups(&prometheus).await;
    let nobody = lab
        .user("mallory", ipmi_controller::model::Role::Viewer, Some(&[]))
        .await;
    for query in [
        "{__name__=~\".+\"}",
        "up",
        "up{server_id=\"none\"}",
        "count(up)",
    ] {
        let pairs = [("query", query), ("time", &end.to_string())];
        let path = format!("/api/v1/monitoring/prometheus/query?{}", encoded(&pairs));
        let seen = nobody.get(&path).await;
        assert_eq!(
            seen.body["data"]["result"],
            serde_json::json!([]),
            "{query}"
        );
    }
    lab.stop().await;
}
