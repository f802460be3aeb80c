//! Thresholds, with a real Prometheus that records their overrides.
#![expect(
    clippy::unwrap_used,
    reason = "what helpers of a test cannot do fails the test"
)]

use std::collections::BTreeMap;

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::fleet::{Fleet, MACHINES, rules};
use crate::support::Lab;

/// Overlapping in every way.
fn overrides() -> Vec<Value> {
    let upper = |more: Value| {
        let mut row = json!({"kind": "temperature", "bound": "upper", "level": "critical"});
        for (key, value) in more.as_object().unwrap() {
            row[key] = value.clone();
        }
        row
    };
    vec![
        upper(json!({"value": 90})),
        upper(json!({"value": 91, "site": "east"})),
        upper(json!({"value": 92, "model": "R630"})),
        upper(json!({"value": 93, "group_id": 1})),
        upper(json!({"value": 94, "sensor": "Temp.*|Inlet Temp", "sensor_is_regex": true})),
        upper(json!({"value": 44, "sensor": "(?i)inlet [a-z]+", "sensor_is_regex": true})),
        upper(json!({"value": 95, "sensor": "Exhaust Temp"})),
        upper(json!({"value": null, "server_id": 2})),
        upper(json!({"value": 96.5, "server_id": 2, "sensor": "Exhaust Temp"})),
        upper(json!({"level": "warning", "value": 70, "group_id": 1, "model": "D51"})),
        json!({"kind": "fan_speed", "bound": "lower", "level": "critical", "value": 700}),
        json!({"kind": "fan_speed", "bound": "lower", "level": "critical", "value": null,
            "model": "R630", "sensor": "Fan[0-9]B", "sensor_is_regex": true}),
        json!({"kind": "voltage", "bound": "lower", "level": "warning", "value": -0.5,
            "site": "west"}),
        json!({"kind": "other", "bound": "upper", "level": "warning", "value": 80,
            "sensor": "CPU Usage"}),
        json!({"kind": "power", "bound": "upper", "level": "critical", "value": 1,
            "model": "no such model"}),
        json!({"kind": "power", "bound": "upper", "level": "warning", "value": 1000}),
        json!({"kind": "power", "bound": "upper", "level": "warning", "value": 900,
            "site": "east"}),
        json!({"kind": "power", "bound": "upper", "level": "warning", "value": 800,
            "model": "R630"}),
    ]
}

#[tokio::test]
async fn the_api_and_prometheus_agree_on_every_threshold_and_where_it_comes_from() {
    let fleet = Fleet::new().await;
    for row in overrides() {
        let made = fleet.admin.post("/api/v1/thresholds", &row).await;
        assert_eq!(made.status, StatusCode::CREATED, "{row}: {made:?}");
    }
    let prometheus = fleet.prometheus().await;
    for rule in rules(&prometheus).await {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    // What the alerts read: an override, else the hardware's own, of the sensors that
    // have been read.
    let query = "(ipmi:threshold_override or on (instance, id, name, threshold) \
                 ipmi_sensor_threshold) and on (instance, id, name) \
                 {__name__=~\"ipmi_temperature_celsius|ipmi_fan_speed_(rpm|ratio)|\
                 ipmi_voltage_volts|ipmi_current_amperes|ipmi_power_watts|ipmi_sensor_value\"}";
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = prometheus
        .get(&format!("/api/v1/query?query={query}"))
        .await;
    let mut expected: BTreeMap<[String; 4], (String, String)> = BTreeMap::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        let label = |name: &str| {
            series["metric"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let key = [
            label("server_id"),
            label("id"),
            label("name"),
            label("threshold"),
        ];
        if key[3].contains("non_recoverable") {
            continue;
        }
        let value = series["value"][1].as_str().unwrap().to_owned();
        let twice = expected.insert(key, (value, label("override")));
        assert_eq!(twice, None, "{series}");
    }
    let mut found = BTreeMap::new();
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    let mut sensors = 0;
    for server in 1..=MACHINES.len() {
        let path = format!("/api/v1/servers/{server}/thresholds");
        let answer = fleet.admin.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        for sensor in answer.body.as_array().unwrap() {
            sensors += 1;
            for threshold in sensor["thresholds"].as_array().unwrap() {
                let source = threshold["source"].as_str().unwrap();
                *sources.entry(source.to_owned()).or_default() += 1;
                if source == "none" {
                    continue;
                }
                let level = match threshold["level"].as_str().unwrap() {
                    "warning" => "non_critical",
                    level => level,
                };
                let bound = threshold["bound"].as_str().unwrap();
                let value = match (threshold["value"].as_f64(), bound) {
                    (Some(value), _) => value.to_string(),
                    (None, "upper") => "+Inf".to_owned(),
                    (None, _) => "-Inf".to_owned(),
                };
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let key = [
                    server.to_string(),
                    text(&sensor["id"]),
                    text(&sensor["name"]),
                    format!("{bound}_{level}"),
                ];
                let by = threshold["override_id"].as_i64().map(|id| id.to_string());
                found.insert(key, (value, by.unwrap_or_default()));
            }
        }
    }
    assert_eq!(found, expected);
    assert!(
        sensors > 100 && sources["hardware"] > 50 && sources["override"] > 50,
        "{sensors} {sources:?}"
    );
    let winners: std::collections::BTreeSet<&str> =
        expected.values().map(|(_, id)| id.as_str()).collect();
    // The first three lose everywhere: to a pattern, the group or the server. The
    // 15th is for a model that there is not.
    for id in 1..=18 {
        assert_eq!(
            winners.contains(id.to_string().as_str()),
            !matches!(id, 1..=3 | 15),
            "override {id}: {winners:?}"
        );
    }
    fleet.lab.stop().await;
}

#[tokio::test]
async fn an_override_is_made_changed_and_taken_away() {
    let lab = Lab::start().await;
    let operator = lab.user("op", Role::Operator, None).await;
    let body = json!({"kind": "temperature", "bound": "upper", "level": "critical", "value": 80,
        "sensor": "CPU.*", "sensor_is_regex": true});
    let made = operator.post("/api/v1/thresholds", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let again = operator.post("/api/v1/thresholds", &body).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    let path = format!("/api/v1/thresholds/{}", made.body["id"]);
    let mut wrong = body.clone();
    wrong["sensor"] = json!("CPU\\d");
    let refused = operator.put(&path, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["errors"][0]["field"], "sensor");
    let mut none = body.clone();
    none["value"] = json!(null);
    let put = operator.put(&path, &none).await;
    assert_eq!(
        (put.status, &put.body["value"]),
        (StatusCode::OK, &json!(null)),
        "{put:?}"
    );
    assert_eq!(operator.delete(&path).await.status, StatusCode::NO_CONTENT);
    let admin = lab.user("root", Role::Admin, None).await;
    let trail = admin.get("/api/v1/audit?limit=1000").await;
    for action in ["threshold.create", "threshold.update", "threshold.delete"] {
        assert!(trail.text.contains(action), "{action}");
    }
    lab.stop().await;
}
