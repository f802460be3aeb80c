//! How many alerts a second become durable, through each inlet, in deliveries
//! of the size that Prometheus sends. Few by default; the figure of
//! docs/controller.md is from `IPMI_ALERTS=50000 cargo test --release -p
//! ipmi-controller --test journal throughput -- --nocapture --test-threads 1`.

use std::time::Instant;

use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::process::Controller;

/// Alerts of one delivery of Prometheus.
const BATCH: u64 = 64;

fn alerts() -> u64 {
    let wanted = std::env::var("IPMI_ALERTS").ok();
    wanted.and_then(|count| count.parse().ok()).unwrap_or(640)
}

#[tokio::test]
async fn throughput_on_sqlite() {
    measure("SQLite", Controller::start(None).await).await;
}

#[tokio::test]
async fn throughput_on_postgresql() {
    let server = Postgres::start();
    let controller = Controller::start(Some(server.database())).await;
    measure("PostgreSQL (without fsync)", controller).await;
}

fn alert(number: u64, name: &str, ends_at: &str) -> Value {
    json!({
        "status": "firing",
        "labels": {
            "alertname": name, "severity": "warning", "cluster": "lab", "job": "ipmi-servers",
            "instance": format!("10.20.{}.{}", number / 250, number % 250), "name": "CPU1 Temp",
            "server_id": number.to_string(), "server_name": format!("node-{number}"),
        },
        "annotations": {
            "summary": format!("CPU1 Temp of node-{number} is hot"),
            "description": "The sensor is above its critical threshold.",
        },
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": ends_at,
        "generatorURL": "http://prometheus.example/graph?g0.expr=ipmi_temperature_celsius",
    })
}

async fn measure(database: &str, controller: Controller) {
    let push = |first: u64, ends_at: &str| {
        let alerts: Vec<Value> = (first..first + BATCH)
            .map(|number| alert(number, "Pushed", ends_at))
            .collect();
        ("/api/v2/alerts", Value::from(alerts))
    };
    let webhook = |first: u64, _: &str| {
        let alerts: Vec<Value> = (first..first + BATCH)
            .map(|number| alert(number, "Notified", "0001-01-01T00:00:00Z"))
            .collect();
        let body = json!({"version": "4", "groupKey": "{}", "receiver": "r", "alerts": alerts});
        ("/api/v1/monitoring/alerts/webhook", body)
    };
    let http = reqwest::Client::new();
    let send =
        async |what: &str, ends_at: &str, make: &dyn Fn(u64, &str) -> (&'static str, Value)| {
            let bodies: Vec<(String, Vec<u8>)> = (0..alerts().div_ceil(BATCH))
                .map(|batch| {
                    let (path, body) = make(batch * BATCH, ends_at);
                    (
                        format!("{}{path}", controller.base),
                        body.to_string().into_bytes(),
                    )
                })
                .collect();
            let count = u32::try_from(bodies.len() as u64 * BATCH).expect("not that many");
            let start = Instant::now();
            for (url, body) in bodies {
                let request = http
                    .post(url)
                    .bearer_auth(&controller.inlet_token)
                    .body(body);
                let answer = request.send().await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
            }
            let rate = f64::from(count) / start.elapsed().as_secs_f64();
            println!("{database}: {what}: {count} alerts, {rate:.0} a second");
        };
    send("new, from Prometheus", "2199-01-01T00:00:00Z", &push).await;
    send("renewed", "2199-01-01T00:01:00Z", &push).await;
    send("sent again", "2199-01-01T00:01:00Z", &push).await;
    send("new, from Alertmanager", "", &webhook).await;
    send("sent again by Alertmanager", "", &webhook).await;
    let wanted = i64::try_from(alerts().div_ceil(BATCH) * BATCH).expect("not that many");
    let list = controller.ask("alerts?limit=1", None).await;
    assert_eq!(list["total"], 2 * wanted);
}
