//! Sensors, states and dashboards of servers, from a real Prometheus.

use std::fmt::Write;
use std::sync::Arc;

use ipmi_controller::clock::Timestamp;
use ipmi_controller::config::Config;
use ipmi_controller::model::Role;
use ipmi_controller::monitoring::Monitoring;
use ipmi_controller::monitoring::status::{self, PowerState, ServerStatus};
use ipmi_controller::promql::Limit;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::query::lab_behind;
use super::{ago, lab_asking, lab_of_two_groups, lab_with};
use crate::support::prometheus::{Prometheus, free_address};

/// A server whose BMC has a sensor of each sort, two minutes ago; older samples
/// with other values before that.
fn sensors_of(server: i64, at: u64) -> String {
    let mut text = String::new();
    let labels = format!("job=\"ipmi-servers\",instance=\"bmc\",server_id=\"{server}\"");
    let mut family = |name: &str, samples: &[(&str, &str)]| {
        writeln!(text, "# TYPE {name} gauge").expect("memory");
        for (more, value) in samples {
            writeln!(text, "{name}{{{labels}{more}}} 1 {}", at - 60).expect("memory");
            writeln!(text, "{name}{{{labels}{more}}} {value} {at}").expect("memory");
        }
    };
    let cpu = ",id=\"4\",name=\"CPU1 Temp\"";
    let inlet = ",id=\"3\",name=\"Inlet\"";
    let fan = ",id=\"11\",name=\"FAN1\"";
    let supply = ",id=\"20\",name=\"PS1 Status\",type=\"Power Supply\"";
    family("ipmi_temperature_celsius", &[(cpu, "41.5"), (inlet, "-2")]);
    family("ipmi_temperature_state", &[(cpu, "2"), (inlet, "0")]);
    family("ipmi_fan_speed_rpm", &[(fan, "4200")]);
    family("ipmi_fan_speed_state", &[(fan, "NaN")]);
    family("ipmi_sensor_value", &[(supply, "NaN")]);
    family("ipmi_sensor_state", &[(supply, "1")]);
    family("ipmi_dcmi_power_consumption_watts", &[("", "250")]);
    let limit = |name: &str| format!("{cpu},type=\"Temperature\",threshold=\"{name}\"");
    family(
        "ipmi_sensor_threshold",
        &[
            (&limit("upper_critical"), "95"),
            (&limit("upper_non_critical"), "90"),
            (&limit("lower_non_recoverable"), "-10"),
        ],
    );
    text.push_str("# EOF\n");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_the_fields_of_openserverhub() {
    let at = ago(120);
    let prometheus = Prometheus::with_samples(&sensors_of(1, at)).await;
    let (lab, admin, eve) = lab_of_two_groups(&prometheus).await;
    let answer = eve.get("/api/v1/monitoring/servers/1/metrics").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let timestamp = Timestamp(i64::try_from(at).unwrap() * 1000).to_string();
    let mut rows = answer.body.as_array().unwrap().clone();
    let ids: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert!(ids.iter().all(|id| (0..1 << 53).contains(id)), "{ids:?}");
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("id");
    }
    let row =
        |kind: &str, name: &str, value: f64, unit: &str, status: Value, limits: [Value; 2]| {
            let [min, max] = limits;
            json!({"server_id": 1, "metric_type": kind, "metric_name": name, "value": value,
            "unit": unit, "status": status, "threshold_min": min, "threshold_max": max,
            "timestamp": timestamp})
        };
    let none = || [Value::Null, Value::Null];
    let limits = [json!(-10.0), json!(95.0)];
    let expected = [
        row("temperature", "Inlet", -2.0, "°C", json!("ok"), none()),
        row(
            "temperature",
            "CPU1 Temp",
            41.5,
            "°C",
            json!("critical"),
            limits,
        ),
        row("fan_speed", "FAN1", 4200.0, "RPM", Value::Null, none()),
        row("power", "DCMI Power", 250.0, "W", Value::Null, none()),
    ];
    assert_eq!(rows, expected);
    // The numbers stay, and one kind is a part of the whole.
    let again = admin
        .get("/api/v1/monitoring/servers/1/metrics?metric_type=fan_speed")
        .await;
    assert_eq!(again.body.as_array().map(Vec::len), Some(1), "{again:?}");
    assert_eq!(again.body[0]["id"], ids[2]);
    let wrong = eve
        .get("/api/v1/monitoring/servers/1/metrics?metric_type=noise")
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    for path in ["metrics", "sensors", "dashboard", "export"] {
        let others = eve
            .get(&format!("/api/v1/monitoring/servers/2/{path}"))
            .await;
        assert_eq!(others.status, StatusCode::NOT_FOUND, "{path}");
    }
    let sensors = eve.get("/api/v1/monitoring/servers/1/sensors").await;
    let sensors = sensors.body.as_array().unwrap();
    assert_eq!(sensors.len(), 5);
    let supply = &sensors[4];
    assert_eq!(supply["name"], "PS1 Status");
    assert_eq!(supply["sensor_type"], "Power Supply");
    assert_eq!(
        (&supply["value"], &supply["status"]),
        (&Value::Null, &json!("warning"))
    );
    assert_eq!(sensors[1]["thresholds"]["upper_non_critical"], 90.0);
    let age = sensors[1]["age_seconds"].as_u64().unwrap();
    assert!((120..180).contains(&age), "{age}");
    lab.stop().await;
}

/// Servers 1 to 5: online and on; silent since half an hour, off; the exporter
/// does not answer; a BMC that tells nothing; nobody asks.
fn states(at: u64) -> String {
    let mut text = String::new();
    for (name, values) in [
        ("up", [Some(1), Some(1), Some(0), Some(1)]),
        ("ipmi_up", [Some(1), Some(0), None, None]),
        ("ipmi_chassis_power_state", [Some(1), Some(0), None, None]),
    ] {
        writeln!(text, "# TYPE {name} gauge").expect("memory");
        for (server, value) in (1..).zip(values) {
            let collector = if name == "ipmi_up" {
                ",collector=\"ipmi\""
            } else {
                ""
            };
            let labels = format!("server_id=\"{server}\"{collector}");
            if server == 2 && name == "ipmi_up" {
                writeln!(text, "{name}{{{labels}}} 1 {}", at - 1800).expect("memory");
            }
            if let Some(value) = value {
                writeln!(text, "{name}{{{labels}}} {value} {at}").expect("memory");
            }
        }
        if name == "ipmi_up" {
            // One collector that fails makes no BMC silent.
            writeln!(text, "{name}{{server_id=\"1\",collector=\"sel\"}} 0 {at}").expect("memory");
        }
    }
    text.push_str("# EOF\n");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_many_servers_are_told_at_once() {
    let at = ago(60);
    let prometheus = Prometheus::with_samples(&states(at)).await;
    let variable = ("IPMI_CONTROLLER_QUERY__URL".to_owned(), prometheus.url());
    let config = Config::load(None, [variable]).unwrap();
    let source = Monitoring::new(&config).unwrap().source;
    let now = Timestamp(i64::try_from(ago(0)).unwrap() * 1000);
    let states = status::states(&source, &[1, 2, 3, 4, 5], now)
        .await
        .unwrap();
    let all: Vec<_> = states.values().map(|s| (s.status, s.power_state)).collect();
    assert_eq!(
        all,
        [
            (ServerStatus::Online, PowerState::On),
            (ServerStatus::Offline, PowerState::Off),
            (ServerStatus::Error, PowerState::Unknown),
            (ServerStatus::Unknown, PowerState::Unknown),
            (ServerStatus::Unknown, PowerState::Unknown),
        ]
    );
    let at = i64::try_from(at).unwrap() * 1000;
    assert_eq!(states[&1].last_seen, Some(Timestamp(at)));
    assert_eq!(states[&2].last_seen, Some(Timestamp(at - 1_800_000)));
    assert_eq!(states[&3].last_seen, None);
    let totals = status::totals(&source, None, now).await.unwrap();
    assert_eq!((totals.online, totals.offline, totals.error), (1, 1, 1));
    assert_eq!((totals.power_on, totals.power_off), (1, 1));
    let limit = Limit::servers([2, 4]);
    let totals = status::totals(&source, Some(&limit), now).await.unwrap();
    assert_eq!((totals.online, totals.offline, totals.error), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_has_the_fields_of_openserverhub() {
    let prometheus = Prometheus::with_samples(&states(ago(60))).await;
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let more = [
        ("IPMI_CONTROLLER_QUERY__URL", prometheus.url()),
        (
            "IPMI_CONTROLLER_GRAFANA__URL",
            "http://grafana.example.org/g/".to_owned(),
        ),
    ];
    let lab = lab_with(directory, &more).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let server = json!({"name": "node-1", "address": "bmc-1"});
    admin.post("/api/v1/servers", &server).await;
    let answer = admin.get("/api/v1/monitoring/servers/1/dashboard").await;
    let expected = json!({"dashboard_uid": "ipmi-server",
        "dashboard_url": "http://grafana.example.org/g/d/ipmi-server?var-server=node-1", "server_id": 1,
        "server_name": "node-1", "server_status": "online", "server_power_state": "on"});
    assert_eq!(answer.body, expected);
    let unknown = admin.get("/api/v1/monitoring/servers/99/dashboard").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    lab.stop().await;
    // Without Prometheus and Grafana it says what it does not know.
    let lab = lab_asking(&format!("http://{}", free_address())).await;
    let admin = lab.user("root", Role::Admin, None).await;
    admin.post("/api/v1/servers", &server).await;
    let answer = admin.get("/api/v1/monitoring/servers/1/dashboard").await;
    assert_eq!(answer.body["server_status"], "unknown", "{answer:?}");
    assert_eq!(answer.body["dashboard_url"], Value::Null);
    let metrics = admin.get("/api/v1/monitoring/servers/1/metrics").await;
    assert_eq!(metrics.status, StatusCode::BAD_GATEWAY);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_data_than_series_are_no_sensors() {
    for body in [
        &br#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#[..],
        br#"{"status":"success","data":{"result":[{"metric":{"a":1},"value":[1,"2"]}]}}"#,
        br#"{"status":"success","data":[]}"#,
        b"null",
    ] {
        let (lab, _) = lab_behind(200, body).await;
        let admin = lab.user("root", Role::Admin, None).await;
        let server = json!({"name": "node-1", "address": "bmc-1"});
        admin.post("/api/v1/servers", &server).await;
        for path in ["metrics", "sensors", "export", "report?start=0&end=9999"] {
            let path = format!("/api/v1/monitoring/servers/1/{path}");
            let answer = admin.get(&path).await;
            assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{path}: {answer:?}");
        }
        let answer = admin.get("/api/v1/monitoring/servers/1/dashboard").await;
        assert_eq!(answer.body["server_status"], "unknown", "{answer:?}");
        lab.stop().await;
    }
}
