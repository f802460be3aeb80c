//! SIGKILL at random instants during a stream of deliveries: every alert that
//! was answered 2xx is in the journal, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::process::Controller;
use crate::wait::wait_for;

/// Alerts of one delivery.
const BATCH: u64 = 20;

/// How often it is killed; more with this variable.
fn rounds() -> u64 {
    let wanted = std::env::var("IPMI_KILL_ROUNDS").ok();
    wanted.and_then(|rounds| rounds.parse().ok()).unwrap_or(10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_sigkill_on_sqlite() {
    survive(Controller::start(None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_sigkill_on_postgresql() {
    let server = Postgres::start();
    survive(Controller::start(Some(server.database())).await).await;
}

/// A delivery: alerts with numbers from `first` on.
fn delivery(first: u64, is_webhook: bool) -> (&'static str, Value) {
    let alerts: Vec<Value> = (first..first + BATCH)
        .map(|number| {
            json!({
                "status": "firing",
                "labels": {"alertname": "Kill", "number": number.to_string()},
                "annotations": {"summary": "x".repeat(100)},
                "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": if is_webhook { "0001-01-01T00:00:00Z" } else { "2199-01-01T00:00:00Z" },
                "generatorURL": "http://prometheus.example/graph",
            })
        })
        .collect();
    if is_webhook {
        let body = json!({"version": "4", "groupKey": "{}", "receiver": "r", "alerts": alerts});
        ("/api/v1/monitoring/alerts/webhook", body)
    } else {
        ("/api/v2/alerts", Value::from(alerts))
    }
}

/// Sends deliveries until the controller is gone; gives the first numbers of
/// those that were answered 2xx.
async fn stream(
    base: String,
    token: String,
    next: Arc<AtomicU64>,
    stored: Arc<AtomicU64>,
    is_webhook: bool,
) -> Vec<u64> {
    let http = reqwest::Client::new();
    let mut answered = Vec::new();
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        // Now and then again what was answered already, as real senders do.
        let again = answered.iter().rev().nth(3).copied();
        for first in again.into_iter().chain([first]) {
            let (path, body) = delivery(first, is_webhook);
            let request = http.post(format!("{base}{path}")).bearer_auth(&token);
            match request.json(&body).send().await {
                Ok(answer) if answer.status().is_success() => {
                    answered.push(first);
                    stored.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => panic!("{}", answer.status()),
                Err(_) => return answered,
            }
        }
    }
}

async fn survive(mut controller: Controller) {
    let mut seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it is after 1970")
        .subsec_nanos();
    eprintln!("seed {seed}");
    let next = Arc::new(AtomicU64::new(0));
    let stored = Arc::new(AtomicU64::new(0));
    let mut answered = BTreeSet::new();
    for round in 0..rounds() {
        let before = stored.load(Ordering::Relaxed);
        let streams = [false, true, false].map(|is_webhook| {
            let (base, token) = (controller.base.clone(), controller.inlet_token.clone());
            let (next, stored) = (Arc::clone(&next), Arc::clone(&stored));
            tokio::spawn(stream(base, token, next, stored, is_webhook))
        });
        // Every other round begins when something was stored, so that a slow machine
        // does not kill nothing but starts.
        if round % 2 == 0 {
            wait_for("an answer", async || {
                (stored.load(Ordering::Relaxed) > before).then_some(())
            })
            .await;
        }
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The instant is what is random here, so this waits for no condition.
        tokio::time::sleep(Duration::from_millis(20 + u64::from(seed >> 24))).await;
        controller.kill();
        for stream in streams {
            answered.extend(stream.await.expect("no refusal"));
        }
        controller.kill_and_start().await;
    }
    let journal = controller.ask("alerts/export", None).await;
    let mut found: BTreeMap<u64, u32> = BTreeMap::new();
    for alert in journal.as_array().expect("a list") {
        let number = alert["labels"]["number"].as_str().expect("ours").parse();
        *found.entry(number.expect("a number")).or_default() += 1;
    }
    assert!(
        answered.len() as u64 * 2 >= rounds(),
        "the stream ran: {}",
        answered.len()
    );
    for first in &answered {
        for number in *first..first + BATCH {
            assert_eq!(found.get(&number), Some(&1), "alert {number} was answered");
        }
    }
    let sent = next.load(Ordering::Relaxed);
    assert!(found.keys().all(|number| *number < sent));
    assert!(found.values().all(|count| *count == 1));
    assert_eq!(
        found.len() as u64 % BATCH,
        0,
        "a delivery is stored whole or not at all"
    );
}
