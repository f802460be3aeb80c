//! Exports, reports and comparisons, with figures that are computed here.

use std::fmt::Write;

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{ago, encoded, lab_asking, lab_of_two_groups};
use crate::support::prometheus::Prometheus;
use crate::support::{Answer, Client};

/// Two hours of samples, one a minute, of both servers. East's CPU rises by one
/// degree each minute from 0; of its scrapes every fourth finds no BMC in the
/// first hour, and all find it in the second. One sample has no value.
fn samples(end: u64) -> String {
    let mut text = String::new();
    let mut family = |name: &str, labels: &str, value: &dyn Fn(u64) -> f64| {
        writeln!(text, "# TYPE {name} gauge").expect("memory");
        for (server, shift) in [(1, 0.0), (2, 7000.0)] {
            for minute in 0..=120 {
                let at = end - 7200 + 60 * minute;
                let value = value(minute) + if labels.is_empty() { 0.0 } else { shift };
                writeln!(
                    text,
                    "{name}{{server_id=\"{server}\"{labels}}} {value} {at}"
                )
                .expect("memory");
            }
        }
    };
    let cpu = ",id=\"4\",name=\"=CPU, 1\"";
    #[expect(clippy::cast_precision_loss, reason = "minutes are few")]
    family("ipmi_temperature_celsius", cpu, &|minute| {
        if minute == 30 {
            f64::NAN
        } else {
            minute as f64
        }
    });
    family("ipmi_dcmi_power_consumption_watts", "", &|minute| {
        if minute <= 60 { 100.0 } else { 300.0 }
    });
    family("up", "", &|_| 1.0);
    family("ipmi_up", "", &|minute| {
        if minute <= 60 && minute % 4 == 0 {
            0.0
        } else {
            1.0
        }
    });
    family("ipmi_fan_speed_rpm", ",id=\"9\",name=\"FAN1\"", &|_| 4000.0);
    text.push_str("# EOF\n");
    text
}

async fn ask(client: &Client, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let path = format!("/api/v1/monitoring/{path}?{}", encoded(pairs));
    client.get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_sample_once() {
    let end = ago(300);
    let prometheus = Prometheus::with_samples(&samples(end)).await;
    let (lab, _, eve) = lab_of_two_groups(&prometheus).await;
    let (start_text, end_text) = ((end - 7200).to_string(), end.to_string());
    let range = [
        ("start", start_text.as_str()),
        ("end", &end_text),
        ("step", "10s"),
    ];
    let pairs = [range.as_slice(), &[("metric_type", "temperature")]].concat();
    // 721 moments are more than one question; the last value counts until the
    // next, and none at the sixty seconds of the sample without.
    let json = ask(&eve, "servers/1/export", &pairs).await;
    assert_eq!(json.status, StatusCode::OK, "{}", json.text);
    let rows = json.body.as_array().unwrap();
    assert_eq!(rows.len(), 721 - 6);
    for (row, second) in rows
        .iter()
        .zip((0..=7200).step_by(10).filter(|s| s / 60 != 30))
    {
        let at: jiff_seconds::Seconds = row["timestamp"].as_str().unwrap().into();
        assert_eq!(at.0, end - 7200 + second, "{row}");
        #[expect(clippy::cast_precision_loss, reason = "minutes are few")]
        let expected = (second / 60) as f64;
        assert_eq!(row["value"], expected, "{row}");
    }
    let first = json!({"timestamp": rows[0]["timestamp"], "server_id": 1,
        "server_name": "east-1", "metric_type": "temperature",
        "metric": "ipmi_temperature_celsius", "sensor_id": "4", "metric_name": "=CPU, 1",
        "value": 0.0, "unit": "°C", "status": null});
    assert_eq!(rows[0], first);
    let csv = ask(
        &eve,
        "servers/1/export",
        &[&pairs[..], &[("format", "csv")]].concat(),
    )
    .await;
    let lines: Vec<&str> = csv.text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 721 - 6);
    let timestamp = rows[0]["timestamp"].as_str().unwrap();
    let expected =
        format!("{timestamp},1,east-1,temperature,ipmi_temperature_celsius,4,\"'=CPU, 1\",0,°C,");
    assert_eq!(lines[1], expected);
    // A group is its servers; another group is none of eve's business.
    let group = ask(&eve, "groups/1/export", &pairs).await;
    assert_eq!(group.body, json.body);
    let others = ask(&eve, "groups/2/export", &pairs).await;
    assert_eq!(others.status, StatusCode::NOT_FOUND);
    let all_kinds = ask(&eve, "servers/1/export", &range).await;
    assert_eq!(all_kinds.body.as_array().map(Vec::len), Some(3 * 721 - 6));
    lab.stop().await;
}

/// Seconds of an RFC 3339 text, by another way than the controller's.
mod jiff_seconds {
    /// Since 1970.
    pub(super) struct Seconds(pub(super) u64);

    impl From<&str> for Seconds {
        fn from(text: &str) -> Self {
            let output = std::process::Command::new("date")
                .args(["-u", "+%s", "-d", text])
                .output()
                .expect("date starts");
            let text = String::from_utf8(output.stdout).expect("digits");
            Self(text.trim().parse().expect("a number"))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_refused_at_once() {
    let end = ago(300);
    let prometheus = Prometheus::with_samples(&samples(end)).await;
    let (lab, _, eve) = lab_of_two_groups(&prometheus).await;
    for (pairs, detail) in [
        (vec![("start", "5"), ("end", "5")], "end:"),
        (vec![("start", "0"), ("step", "1s")], "step:"),
        (vec![("step", "1y")], "no step"),
        (vec![("start", "noon")], "no moment"),
        (vec![("format", "xml")], "xml"),
    ] {
        let answer = ask(&eve, "servers/1/export", &pairs).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{pairs:?}: {answer:?}"
        );
        let text = answer.body["detail"].as_str().unwrap();
        assert!(text.contains(detail), "{pairs:?}: {text}");
    }
    let pairs = [("start", "5"), ("end", "10")];
    let answer = ask(&eve, "servers/1/report", &pairs).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    lab.stop().await;
    let lab = lab_asking("http://127.0.0.1:1").await;
    let admin = lab.user("root", Role::Admin, None).await;
    admin
        .post("/api/v1/servers", &json!({"name": "a", "address": "a"}))
        .await;
    let range = [("start", "1000"), ("end", "9000")];
    for path in ["servers/1/export", "servers/1/report"] {
        let answer = ask(&admin, path, &range).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{path}: {answer:?}");
    }
    lab.stop().await;
}

/// Tells the journal of an alert that fired at a moment.
async fn alert(lab: &crate::support::Lab, admin: &Client, name: &str, severity: &str, at: u64) {
    let body = json!({"name": format!("inlet-{name}"), "kind": "inlet"});
    let made = admin.post("/api/v1/tokens", &body).await;
    let mut inlet = lab.nobody();
    inlet.token = made.body["token"].as_str().map(str::to_owned);
    let text = |seconds: u64| {
        let at = i64::try_from(seconds).expect("not that late") * 1000;
        ipmi_controller::clock::Timestamp(at).to_string()
    };
    let push = json!([{"labels": {"alertname": name, "severity": severity, "server_id": "1"},
        "annotations": {}, "startsAt": text(at), "endsAt": text(at + 60),
        "generatorURL": "http://prometheus.example.org"}]);
    let told = inlet.post("/api/v2/alerts", &push).await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
}

/// The figures of the sensor `=CPU, 1`.
fn cpu(report: &Value) -> [f64; 3] {
    let sensors = report["sensors"].as_array().expect("a list");
    let cpu = sensors.iter().find(|sensor| sensor["sensor_id"] == "4");
    let cpu = cpu.unwrap_or_else(|| panic!("{report}"));
    ["minimum", "average", "maximum"].map(|field| cpu[field].as_f64().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_what_a_period_was_like_and_two_are_compared() {
    let end = ago(300);
    let prometheus = Prometheus::with_samples(&samples(end)).await;
    let (lab, admin, eve) = lab_of_two_groups(&prometheus).await;
    let noon = end - 3600;
    alert(&lab, &admin, "Hot", "critical", noon - 600).await;
    alert(&lab, &admin, "Fan", "warning", noon - 300).await;
    alert(&lab, &admin, "Hot2", "critical", noon + 300).await;
    // Samples of the minutes 1 to 60, and 61 to 120.
    let first = [(noon - 3570).to_string(), noon.to_string()];
    let second = [(noon + 30).to_string(), end.to_string()];
    let pairs = [("start", first[0].as_str()), ("end", &first[1])];
    let answer = ask(&eve, "servers/1/report", &pairs).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let report = &answer.body["servers"][0];
    assert_eq!(
        (&report["server_id"], &report["server_name"]),
        (&json!(1), &json!("east-1"))
    );
    // 1 to 60 without 30.
    let average = f64::from((1..=60).filter(|m| *m != 30).sum::<i32>()) / 59.0;
    let [minimum, found, maximum] = cpu(report);
    assert_eq!((minimum, maximum), (1.0, 60.0), "{report}");
    // Without 30 it is taken each minute, by when a value may be a minute old, and
    // they rise by 1 a minute.
    assert!((found - average).abs() < 1.1, "{found} is about {average}");
    assert_eq!(report["availability"], 0.75, "{report}");
    assert_eq!(report["power"]["average_watts"], 100.0);
    let energy = report["power"]["energy_kilowatt_hours"].as_f64().unwrap();
    assert!((energy - 0.1 * 3570.0 / 3600.0).abs() < 1e-9, "{energy}");
    assert_eq!(report["alerts"]["count"], 2);
    assert_eq!(
        report["alerts"]["by_severity"],
        json!({"critical": 1, "warning": 1})
    );
    let names = report["alerts"]["by_name"].as_array().unwrap();
    assert_eq!(names.len(), 2, "{report}");
    assert_eq!(answer.body["totals"]["servers"], 1);
    assert_eq!(answer.body["totals"]["alerts"], 2);

    let group = ask(&eve, "groups/1/report", &pairs).await;
    assert_eq!(group.body, answer.body);
    for path in ["servers/2/report", "groups/2/report"] {
        let others = ask(&eve, path, &pairs).await;
        assert_eq!(others.status, StatusCode::NOT_FOUND, "{path}");
    }
    let csv = ask(
        &eve,
        "servers/1/report",
        &[&pairs[..], &[("format", "csv")]].concat(),
    )
    .await;
    for line in [
        "1,east-1,fan_speed,ipmi_fan_speed_rpm,9,FAN1,RPM,4000,4000,4000,",
        "1,east-1,availability,,,,ratio,,0.75,,",
        "1,east-1,alerts,,,critical,1,,,,1",
    ] {
        assert!(
            csv.text.split("\r\n").any(|found| found == line),
            "{line}\n{}",
            csv.text
        );
    }

    let pairs = [
        ("first_start", first[0].as_str()),
        ("first_end", &first[1]),
        ("second_start", &second[0]),
        ("second_end", &second[1]),
    ];
    let answer = ask(&eve, "servers/1/comparison", &pairs).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let compared = &answer.body["servers"][0];
    assert_eq!(&compared["first"], report);
    assert_eq!(cpu(&compared["second"]), [61.0, 90.5, 120.0]);
    assert_eq!(compared["second"]["availability"], 1.0);
    let difference = |kind: &str, name: &str, field: &str| {
        let lines = compared["difference"].as_array().unwrap();
        let mut lines = lines.iter();
        let line = lines.find(|l| l["metric_type"] == kind && l["metric_name"] == name);
        line.unwrap()[field].clone()
    };
    assert_eq!(difference("temperature", "=CPU, 1", "maximum"), 60.0);
    assert_eq!(difference("availability", "", "average"), 0.25);
    assert_eq!(difference("power", "DCMI Power", "average"), 200.0);
    assert_eq!(difference("alerts", "", "total"), -1.0);
    assert_eq!(answer.body["totals"][1]["alerts"], 1);
    let csv = ask(
        &eve,
        "groups/1/comparison",
        &[&pairs[..], &[("format", "csv")]].concat(),
    )
    .await;
    let line = "1,east-1,availability,,,,ratio,,0.75,,,,1,,,,0.25,,";
    assert!(
        csv.text.split("\r\n").any(|found| found == line),
        "{}",
        csv.text
    );
    lab.stop().await;
}
