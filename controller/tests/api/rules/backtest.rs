//! What a rule would have done, judged by promtool: Prometheus' own rules over the
//! same series.
#![expect(
    clippy::unwrap_used,
    reason = "what helpers of a test cannot do fails the test"
)]

use std::collections::BTreeSet;
use std::fmt::Write;

use ipmi_controller::clock::Timestamp;
use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::Lab;
use crate::support::prometheus::Prometheus;

/// Values of a server's sensor, one a minute: how many times which; none where
/// there is no sample.
type Pattern = &'static [(usize, Option<f64>)];

const HOT: Option<f64> = Some(90.0);
const COOL: Option<f64> = Some(40.0);

/// By number of the server. The rule is: above 80 for 5 minutes, kept for 10.
const PATTERNS: [Pattern; 5] = [
    // Too short; long enough to the minute; one short of it; kept over a dip that is
    // shorter than 10 minutes; not kept over a longer one.
    &[
        (7, COOL),
        (4, HOT),
        (3, COOL),
        (6, HOT),
        (20, COOL),
        (5, HOT),
        (20, COOL),
        (9, HOT),
        (9, COOL),
        (3, HOT),
        (30, COOL),
        (30, HOT),
        (11, COOL),
        (8, HOT),
        (60, COOL),
    ],
    // Gaps: shorter and longer than the five minutes that a sample counts for.
    &[
        (10, HOT),
        (3, None),
        (10, HOT),
        (12, None),
        (20, HOT),
        (40, None),
        (10, COOL),
    ],
    // Not a number is not above anything.
    &[
        (20, HOT),
        (3, Some(f64::NAN)),
        (20, HOT),
        (30, Some(f64::NAN)),
        (5, COOL),
    ],
    // Never.
    &[(100, COOL)],
    // Over the seams between the questions, for all of the time.
    &[(1300, HOT), (20, COOL)],
];

/// Minutes since the first sample at which the rule fires for a server, by a report.
fn firing(report: &Value, start: i64, step: i64) -> BTreeSet<(i64, i64)> {
    let mut firing = BTreeSet::new();
    let moment = |value: &Value| Timestamp::parse(value.as_str().unwrap()).unwrap().0;
    let until = moment(&report["until"]);
    for interval in report["intervals"].as_array().unwrap() {
        let server: i64 = interval["labels"]["server_id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let (mut at, end) = (
            moment(&interval["from"]),
            interval["until"]
                .as_str()
                .map_or(until + 1, |_| moment(&interval["until"])),
        );
        while at < end {
            firing.insert((server, (at - start) / 1000));
            at += step * 1000;
        }
    }
    firing
}

/// Has promtool evaluate the rule over the patterns, and say whether it fires when
/// and only when we say so.
fn promtool_agrees(rule: &Value, firing: &BTreeSet<(i64, i64)>, step: i64) {
    let directory = tempfile::tempdir().unwrap();
    let rules = json!({"groups": [{"name": "g", "rules": [rule]}]});
    std::fs::write(directory.path().join("rules.yml"), rules.to_string()).unwrap();
    let series: Vec<Value> = PATTERNS
        .iter()
        .enumerate()
        .map(|(at, pattern)| {
            let values: Vec<String> = pattern
                .iter()
                .flat_map(|(times, value)| {
                    let word = value.map_or("_".to_owned(), |value| value.to_string());
                    std::iter::repeat_n(word, *times)
                })
                .collect();
            json!({"series": format!("temperature{{server_id=\"{}\",server_name=\"n{0}\"}}", at + 1),
                "values": values.join(" ")})
        })
        .collect();
    let last = PATTERNS
        .iter()
        .map(|p| p.iter().map(|(times, _)| times).sum::<usize>())
        .max();
    let last = i64::try_from(last.unwrap()).unwrap() * 60 + 1200;
    let checks: Vec<Value> = (0..=last / step)
        .map(|at| {
            let at = at * step;
            let samples: Vec<Value> = (1..=5)
                .filter(|server| firing.contains(&(*server, at)))
                .map(|server| json!({"value": 1, "labels": format!(
                    "ALERTS{{alertname=\"Hot\",alertstate=\"firing\",server_id=\"{server}\",server_name=\"n{server}\"}}")}))
                .collect();
            json!({"expr": "ALERTS{alertstate=\"firing\"}", "eval_time": format!("{at}s"),
                "exp_samples": samples})
        })
        .collect();
    let test = json!({"rule_files": ["rules.yml"], "evaluation_interval": format!("{step}s"),
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": checks}]});
    std::fs::write(directory.path().join("test.yml"), test.to_string()).unwrap();
    let verdict = std::process::Command::new("promtool")
        .args(["test", "rules", "test.yml"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(
        verdict.status.success(),
        "{}{}",
        String::from_utf8_lossy(&verdict.stdout),
        String::from_utf8_lossy(&verdict.stderr)
    );
}

#[tokio::test]
async fn a_back_test_fires_when_prometheus_would_have() {
    let lab_directory = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    // The first sample is some minutes after the first evaluation, at a whole minute.
    let start = i64::try_from(now.as_secs()).unwrap() / 60 * 60 - 86_400 + 300;
    let mut samples = "# TYPE temperature gauge\n".to_owned();
    for (at, pattern) in PATTERNS.iter().enumerate() {
        let values = pattern
            .iter()
            .flat_map(|(times, value)| std::iter::repeat_n(value, *times));
        for (minute, value) in values.enumerate() {
            if let Some(value) = value {
                let seconds = start + i64::try_from(minute).unwrap() * 60;
                writeln!(
                    samples,
                    "temperature{{server_id=\"{}\",server_name=\"n{0}\"}} {value} {seconds}",
                    at + 1
                )
                .unwrap();
            }
        }
    }
    samples.push_str("# EOF\n");
    let prometheus = Prometheus::with_samples(&samples).await;
    let url = ("IPMI_CONTROLLER_QUERY__URL", prometheus.url());
    let lab = Lab::start_in(lab_directory, &[url]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let rule = json!({"alert": "Hot", "expr": "temperature > 80", "for": "5m",
        "keep_firing_for": "10m"});
    for step in [60, 15] {
        let body = json!({"rule": rule, "days": 1, "step": format!("{step}s")});
        let report = admin.post("/api/v1/rules/backtest", &body).await;
        assert_eq!(report.status, StatusCode::OK, "{report:?}");
        let firing = firing(&report.body, start * 1000, step);
        promtool_agrees(&rule, &firing, step);
        assert_eq!(report.body["server_count"], 4, "{report:?}");
        if step == 60 {
            // By hand: from minute 19 to 30, 70 to 96, 121 to 156 and 162 to 175.
            let mut servers = report.body["servers"].as_array().unwrap().iter();
            let first = servers.find(|server| server["server_id"] == 1).unwrap();
            assert_eq!(first["firings"], 4, "{first}");
            assert_eq!(first["firing_seconds"], (11 + 26 + 35 + 13) * 60, "{first}");
        }
    }
    // Somebody of a group sees their server, and no trace of the others.
    for number in 1..=5 {
        let group = json!({"name": format!("g{number}")});
        let group = admin.post("/api/v1/groups", &group).await;
        let server = json!({"name": format!("n{number}"), "address": format!("bmc-{number}"),
            "group_id": group.body["id"]});
        assert_eq!(
            admin.post("/api/v1/servers", &server).await.body["id"],
            number
        );
    }
    let eve = lab.user("eve", Role::Viewer, Some(&[2])).await;
    for (expression, expected) in [
        ("temperature > 80", vec![2]),
        (
            "label_replace(temperature{server_id=\"1\"}, \"server_id\", \"2\", \"\", \"\") > 80",
            vec![],
        ),
        ("max by (server_name) (temperature) > 80", vec![]),
    ] {
        let body = json!({"rule": {"alert": "A", "expr": expression}, "days": 1});
        let report = eve.post("/api/v1/rules/backtest", &body).await;
        assert_eq!(report.status, StatusCode::OK, "{report:?}");
        let servers: Vec<i64> = report.body["servers"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|server| server["server_id"].as_i64())
            .collect();
        assert_eq!(servers, expected, "{expression}: {report:?}");
        for other in ["n1", "n3", "n5"] {
            assert!(!report.text.contains(other), "{expression}: {report:?}");
        }
    }
    for (wrong, field) in [
        (json!({"rule": rule, "days": 91}), "days"),
        (json!({"rule": rule, "days": 1, "step": "5s"}), "step"),
        (json!({"rule": rule, "days": 90, "step": "30s"}), "step"),
        (
            json!({"rule": {"record": "a", "expr": "b"}, "days": 1}),
            "rule.record",
        ),
        (
            json!({"rule": {"alert": "a", "expr": "b >"}, "days": 1}),
            "rule.expr",
        ),
    ] {
        let refused = admin.post("/api/v1/rules/backtest", &wrong).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{refused:?}"
        );
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_group_is_judged_by_promtool_and_by_prometheus() {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seconds = now.as_secs() - 60;
    let samples = format!(
        "# TYPE a gauge\na{{x=\"1\"}} 1 {seconds}\na{{x=\"2\"}} 1 {seconds}\n\
         # TYPE b gauge\nb{{y=\"1\"}} 1 {seconds}\nb{{y=\"2\"}} 1 {seconds}\n# EOF\n"
    );
    let prometheus = Prometheus::with_samples(&samples).await;
    let directory = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let url = ("IPMI_CONTROLLER_QUERY__URL", prometheus.url());
    let lab = Lab::start_in(directory, &[url]).await;
    let operator = lab.user("op", Role::Operator, None).await;
    let judge = async |rules: Value| {
        let body = json!({"name": "g", "rules": rules});
        let verdict = operator.post("/api/v1/rules/validate", &body).await;
        assert_eq!(verdict.status, StatusCode::OK, "{verdict:?}");
        verdict.body
    };
    let good = judge(json!([
        {"record": "sum:a", "expr": "sum(a) # all of them"},
        {"alert": "Two", "expr": "a == 1"},
        {"alert": "None", "expr": "sum:a > 5"},
        {"alert": "Always", "expr": "a"},
        {"alert": "Unknown", "expr": "no_such_metric > 5"},
        {"alert": "Number", "expr": "vector(1) > 0"},
    ]))
    .await;
    assert_eq!(good["is_valid"], true, "{good}");
    assert_eq!(good["promtool_was_asked"], true, "{good}");
    let series: Vec<&Value> = good["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["series"])
        .collect();
    assert_eq!(series, [1, 2, 0, 2, 0, 1]);
    let warnings = |at: usize| good["rules"][at]["warnings"].to_string();
    assert_eq!(warnings(1), "[]");
    assert_eq!(warnings(2), "[]", "recorded by the group itself");
    assert!(warnings(3).contains("nothing is compared"), "{good}");
    assert!(
        warnings(4).contains("no series of no_such_metric"),
        "{good}"
    );
    let refused = judge(json!([{"alert": "A", "expr": "a * on () b > 0"}])).await;
    assert_eq!(refused["is_valid"], false, "{refused}");
    let error = refused["rules"][0]["error"].as_str().unwrap();
    assert!(
        error.contains("many-to-many") || error.contains("duplicate"),
        "{error}"
    );
    let template = judge(json!([
        {"alert": "A", "expr": "a > 0", "annotations": {"summary": "{{ $labelz.x }}"}},
    ]))
    .await;
    assert_eq!(template["is_valid"], false, "{template}");
    assert!(
        template["promtool_error"]
            .as_str()
            .unwrap()
            .contains("labelz"),
        "{template}"
    );
    let syntax = json!({"name": "g", "rules": [{"alert": "A", "expr": "a >"}]});
    let syntax = operator.post("/api/v1/rules/validate", &syntax).await;
    assert_eq!(
        syntax.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{syntax:?}"
    );
    drop(prometheus);
    let alone = judge(json!([{"alert": "A", "expr": "a > 0"}])).await;
    assert_eq!(alone["is_valid"], true);
    assert!(alone["prometheus_unavailable"].is_string(), "{alone}");
    lab.stop().await;
}
