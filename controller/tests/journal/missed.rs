//! A controller that is killed while alerts come and go, beside one that is
//! always there: afterwards both have the same episodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use crate::process::Controller;
use crate::real::Server;
use crate::wait::wait_for;

/// Values of `fan_failed` by server, from 1.
type Fans = Arc<[AtomicU8; 3]>;

async fn serve_metric(fans: Fans) -> String {
    let metric = async move || {
        (1..)
            .zip(fans.iter())
            .map(|(id, fan)| {
                let value = fan.load(Ordering::Relaxed);
                format!("fan_failed{{server_id=\"{id}\",replica=\"a\"}} {value}\n")
            })
            .collect::<String>()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let router = Router::new().route("/metrics", get(metric));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Prometheus' configuration, which tells the controllers of its alerts.
fn config(target: &str, controllers: &[&Controller]) -> String {
    let told: String = controllers
        .iter()
        .map(|controller| {
            format!(
                "  - static_configs: [{{targets: ['{}']}}]\n    \
                 authorization: {{credentials: {}}}\n",
                controller.base.trim_start_matches("http://"),
                controller.inlet_token
            )
        })
        .collect();
    format!(
        "global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n  evaluation_interval: 1s\n  \
         external_labels: {{cluster: lab, replica: p1}}\n\
         rule_files: [rules.yml]\n\
         scrape_configs:\n- job_name: test\n  static_configs: [{{targets: ['{target}']}}]\n\
         alerting:\n  alert_relabel_configs: [{{regex: replica, action: labeldrop}}]\n  \
         alertmanagers:\n{told}"
    )
}

const RULES: &str = "groups:\n- name: test\n  rules:\n  - alert: FanFailed\n    \
     expr: fan_failed{server_id!=\"3\"} == 1\n    labels: {severity: critical}\n    \
     annotations: {summary: 'a fan of {{ $labels.server_id }}'}\n  \
     - alert: FanFailedForLong\n    expr: fan_failed{server_id=\"3\"} == 1\n    for: 3s\n    \
     annotations: {summary: 'a fan of {{ $labels.server_id }}'}\n";

async fn alert(controller: &Controller, server_id: i64) -> Value {
    let path = format!("alerts?server_id={server_id}");
    let list = controller.ask(&path, None).await;
    assert!(list["total"].as_i64() <= Some(1), "one row: {list}");
    list["items"][0].clone()
}

async fn wait_for_state(controller: &Controller, server_id: i64, state: &str) -> Value {
    wait_for(state, async || {
        let alert = alert(controller, server_id).await;
        (alert["state"] == state).then_some(alert)
    })
    .await
}

/// What two controllers have to agree on.
fn essence(alert: &Value) -> Vec<&Value> {
    [
        "fingerprint",
        "labels",
        "starts_at",
        "ends_at",
        "state",
        "end_reason",
    ]
    .iter()
    .map(|key| &alert[*key])
    .collect()
}

/// As if it had been away for an hour; this has no time to wait for that.
async fn age_heartbeat(database: &str) {
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(database).await.expect("a database");
    let aged = sqlx::query("UPDATE alert_heartbeat SET beat_ms = beat_ms - 3600000")
        .execute(&pool)
        .await
        .expect("it runs");
    assert_eq!(aged.rows_affected(), 1);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_is_found_and_is_what_another_was_told() {
    let fans: Fans = Arc::default();
    let target = serve_metric(Arc::clone(&fans)).await;
    let files = [
        ("prometheus.yml", config(&target, &[])),
        ("rules.yml", RULES.to_owned()),
    ];
    let flags = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--rules.alert.resend-delay=1s",
        "--web.enable-lifecycle",
    ];
    let prometheus = Server::start("prometheus", &files, &flags).await;
    let witness = Controller::start(None).await;
    let settings = vec![
        ("IPMI_CONTROLLER_PROMETHEUS__URL", prometheus.base.clone()),
        (
            "IPMI_CONTROLLER_ALERTS__RECOVERY_LAG_SECONDS",
            "2".to_owned(),
        ),
    ];
    let mut controller = Controller::start_with(None, settings).await;
    let told = config(&target, &[&controller, &witness]);
    prometheus.reload("prometheus.yml", told).await;

    // The first is known, the others begin while nobody is there.
    let set = |server: usize, value: u8| fans[server - 1].store(value, Ordering::Relaxed);
    set(1, 1);
    let known = wait_for_state(&controller, 1, "firing").await;
    assert_eq!(known["labels"]["cluster"], "lab");
    assert!(known["labels"]["replica"].is_null());
    wait_for("its records to be read", async || {
        let gaps = controller.ask("alerts/gaps", None).await;
        gaps["sources"][0]["recovered_until"]
            .is_string()
            .then_some(())
    })
    .await;
    controller.kill();
    set(1, 0);
    set(2, 1);
    set(3, 1);
    wait_for_state(&witness, 2, "firing").await;
    wait_for_state(&witness, 3, "firing").await;
    set(2, 0);
    for server_id in [1, 2] {
        wait_for_state(&witness, server_id, "resolved").await;
    }
    age_heartbeat(controller.database()).await;

    // It listens at another port, where Prometheus does not tell it anything.
    controller.kill_and_start().await;
    for (server_id, state) in [(1, "resolved"), (2, "resolved"), (3, "firing")] {
        let found = wait_for_state(&controller, server_id, state).await;
        let told = alert(&witness, server_id).await;
        assert_eq!(essence(&found), essence(&told), "{server_id}");
    }
    let gap = wait_for("the gap to be filled", async || {
        let gaps = controller
            .ask("alerts/gaps?cause=controller_down", None)
            .await;
        assert_eq!(gaps["total"], 1, "{gaps}");
        (gaps["items"][0]["state"] == "closed").then(|| gaps["items"][0].clone())
    })
    .await;
    assert_eq!(gap["episodes"], 3, "{gap}");

    // Now it hears again of all three, as late as Prometheus tells of them.
    let told = config(&target, &[&controller, &witness]);
    prometheus.reload("prometheus.yml", told).await;
    for server_id in [1, 2, 3] {
        wait_for("its annotations", async || {
            let alert = alert(&controller, server_id).await;
            alert["annotations"]["summary"].is_string().then_some(())
        })
        .await;
    }
    set(3, 0);
    wait_for_state(&controller, 3, "resolved").await;
    wait_for_state(&witness, 3, "resolved").await;
    for server_id in [1, 2, 3] {
        let found = alert(&controller, server_id).await;
        let told = alert(&witness, server_id).await;
        assert_eq!(essence(&found), essence(&told), "{server_id}");
        assert_eq!(found["end_reason"], "recovered");
        let life = controller
            .ask(&format!("alerts/{}", found["id"]), None)
            .await;
        let events = life["events"].as_array().expect("events");
        let of = |kind: &str| events.iter().find(|event| event["kind"] == kind);
        let reconstructed = of("reconstructed").expect("it was missed");
        assert_eq!(reconstructed["detail"]["source"], "prometheus");
        assert_eq!(of("pending").is_some(), server_id == 3, "{life}");
        if let Some(pending) = of("pending") {
            assert!(pending["at"].as_str() < found["starts_at"].as_str());
        }
    }
    assert_eq!(controller.ask("alerts", None).await["total"], 3);
}
