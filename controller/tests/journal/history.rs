//! Days of history that a real Prometheus has on disk: what its records show of
//! each case, with the times of the series that were written.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ipmi_controller::clock::{Clock, Timestamp};
use ipmi_controller::config::AlertSettings;
use ipmi_controller::model::{
    AlertEventKind, AlertFilter, AlertLife, AlertState, EndReason, GapCause, GapFilter, GapState,
    PageRequest, Scope,
};
use ipmi_controller::recovery::Recovery;
use ipmi_controller::store::{Sealer, Store};
use tempfile::TempDir;

use crate::process::program;
use crate::real::Server;

const MINUTE: i64 = 60_000;
const CONFIG: &str = "global:\n  scrape_interval: 1m\n  evaluation_interval: 1m\n  \
    external_labels: {cluster: lab}\nrule_files: [rules.yml]\n\
    scrape_configs:\n- job_name: nothing\n";
const RULES: &str = "
groups:
- name: test
  interval: 1m
  rules:
  - alert: Plain
    expr: absent_metric > 1
    annotations: {runbook: 'change the fan', summary: '{{ $value }}'}
  - {alert: Waits, expr: absent_metric > 1, for: 5m}
  - {alert: Cut, expr: absent_metric > 1}
  - {alert: Edge, expr: absent_metric > 1}
  - {alert: Restarted, expr: absent_metric > 1}
";

/// One time that an alert fired, in minutes: since when it was true, and when it
/// fired.
struct Fired {
    name: &'static str,
    began: i64,
    fires: Range<i64>,
}

const fn fired(name: &'static str, began: i64, fires: Range<i64>) -> Fired {
    Fired { name, began, fires }
}

/// Minutes of which there is history; Prometheus did not run in between.
const END: i64 = 1_500;
const DOWN: Range<i64> = 700..820;
const FIRED: &[Fired] = &[
    fired("Plain", 100, 100..460),
    // Again at once.
    fired("Plain", 462, 462..463),
    fired("Waits", 200, 205..300),
    // True, but never for long enough.
    fired("Waits", 400, 404..404),
    fired("Cut", 650, 650..700),
    fired("Gone", 900, 900..930),
    // Across the edge of windows of an hour.
    fired("Edge", 955, 955..965),
    fired("Restarted", 680, 680..700),
    // The first two evaluations after the start are not written.
    fired("Restarted", 820, 822..900),
];

fn labels(name: &str) -> String {
    format!("alertname=\"{name}\",server_id=\"7\"")
}

/// What Prometheus would have written, from `start` on.
fn history(start: Timestamp) -> String {
    let seconds = |minute: i64| {
        let at = start.0 + minute * MINUTE;
        format!("{}.{:03}", at / 1_000, at % 1_000)
    };
    let mut text = String::from("# TYPE up gauge\n");
    for minute in (0..END).filter(|minute| !DOWN.contains(minute)) {
        let _ = writeln!(text, "up{{job=\"x\",instance=\"y\"}} 1 {}", seconds(minute));
    }
    text.push_str("# TYPE ALERTS gauge\n");
    for Fired { name, fires, .. } in FIRED {
        for minute in fires.clone() {
            let labels = labels(name);
            let at = seconds(minute);
            let _ = writeln!(text, "ALERTS{{alertstate=\"firing\",{labels}}} 1 {at}");
        }
    }
    text.push_str("# TYPE ALERTS_FOR_STATE gauge\n");
    for Fired { name, began, fires } in FIRED {
        // What waits is written while it waits.
        let first = if *name == "Waits" {
            *began
        } else {
            fires.start
        };
        for minute in first..fires.end {
            let since = (start.0 + began * MINUTE) / 1_000;
            let (labels, at) = (labels(name), seconds(minute));
            let _ = writeln!(text, "ALERTS_FOR_STATE{{{labels}}} {since} {at}");
        }
    }
    text.push_str("# EOF\n");
    text
}

fn write_blocks(home: &Path, start: Timestamp) {
    std::fs::write(home.join("history"), history(start)).expect("a file");
    let made = Command::new(program("promtool"))
        .current_dir(home)
        .args([
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "history",
            "data",
        ])
        .output()
        .expect("promtool starts");
    assert!(made.status.success(), "{made:?}");
}

/// A store whose clock is where the history begins, and then at its end.
async fn read_all(home: &Path, base: &str, start: Timestamp, days: u32) -> Store {
    let clock = Clock::manual(start);
    let key = Sealer::parse(&"07".repeat(32)).expect("a key");
    let url = format!("sqlite://{}/{days}.db?mode=rwc", home.display());
    let store = Store::open(&url, key, clock.clone())
        .await
        .expect("a store");
    let settings = AlertSettings {
        recovery_days: days,
        recovery_lag_seconds: 60,
        ..AlertSettings::default()
    };
    let client = crate::process::client(base);
    let mut recovery = Recovery::new(store.clone(), client, &settings);
    recovery.pass().await.expect("nothing to read yet");
    clock.advance(Duration::from_secs(
        60 * u64::try_from(END).expect("positive"),
    ));
    recovery.pass().await.expect("it is read");
    recovery.pass().await.expect("nothing more");
    store
}

async fn lives(store: &Store) -> Vec<AlertLife> {
    let mut tx = store.read().await.expect("the store");
    let alerts = tx
        .alerts_after(0, &AlertFilter::default(), &Scope::All, 100)
        .await
        .expect("alerts");
    let mut lives = Vec::new();
    for alert in alerts {
        lives.push(tx.alert_life(alert.id, &Scope::All).await.expect("a life"));
    }
    lives.sort_by(|a, b| {
        (&a.alert.alertname, a.alert.starts_at).cmp(&(&b.alert.alertname, b.alert.starts_at))
    });
    lives
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_records_is_told_as_it_was() {
    let home = TempDir::new().expect("a directory");
    // Old enough to be in blocks, at an odd millisecond of a minute.
    let now = Clock::System.now().0;
    let start = Timestamp((now / MINUTE - END - 300) * MINUTE + 7_253);
    write_blocks(home.path(), start);
    let data = format!("--storage.tsdb.path={}", home.path().join("data").display());
    let files = [
        ("prometheus.yml", CONFIG.to_owned()),
        ("rules.yml", RULES.to_owned()),
    ];
    let flags = ["--config.file=prometheus.yml", data.as_str()];
    let prometheus = Server::start("prometheus", &files, &flags).await;
    let store = read_all(home.path(), &prometheus.base, start, 7).await;

    let minute = |at: Timestamp| {
        assert_eq!((at.0 - start.0) % MINUTE, 0, "to the millisecond");
        (at.0 - start.0) / MINUTE
    };
    let lives_of = lives(&store).await;
    let told: Vec<_> = lives_of
        .iter()
        .map(|life| {
            let alert = &life.alert;
            assert_eq!(alert.labels["cluster"], "lab");
            (
                alert.alertname.as_str(),
                minute(alert.starts_at),
                alert.ends_at.map(minute),
                alert.state,
                alert.end_reason,
            )
        })
        .collect();
    use AlertState::{Expired, Resolved};
    use EndReason::{PrometheusLost, Recovered, RuleChanged};
    assert_eq!(
        told,
        [
            ("Cut", 650, Some(699), Expired, Some(PrometheusLost)),
            ("Edge", 955, Some(965), Resolved, Some(Recovered)),
            ("Gone", 900, Some(929), Expired, Some(RuleChanged)),
            ("Plain", 100, Some(460), Resolved, Some(Recovered)),
            ("Plain", 462, Some(463), Resolved, Some(Recovered)),
            ("Restarted", 680, Some(699), Expired, Some(PrometheusLost)),
            ("Restarted", 820, Some(900), Resolved, Some(Recovered)),
            ("Waits", 205, Some(300), Resolved, Some(Recovered)),
        ]
    );
    for life in &lives_of {
        let at = |kind| {
            let mut events = life.events.iter().filter(move |event| event.kind == kind);
            let first = events.next().map(|event| event.at);
            assert!(events.next().is_none(), "once: {life:?}");
            first
        };
        assert!(at(AlertEventKind::Reconstructed).is_some(), "{life:?}");
        let pending = at(AlertEventKind::Pending).map(minute);
        let expected = (life.alert.alertname == "Waits").then_some(200);
        assert_eq!(pending, expected);
    }
    // What is the same for all alerts of a rule is known, what is not is not.
    let annotations: Vec<&str> = lives_of[3]
        .alert
        .annotations
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(annotations, ["runbook"]);

    let mut tx = store.read().await.expect("the store");
    let gaps = tx
        .alert_gaps(&GapFilter::default(), PageRequest::default())
        .await
        .expect("gaps");
    let down: Vec<_> = gaps
        .items
        .iter()
        .filter(|gap| gap.cause == GapCause::PrometheusDown)
        .collect();
    assert_eq!(down.len(), 1, "{gaps:?}");
    let near = |at: Timestamp, minute: i64| (at.0 - start.0 - minute * MINUTE).abs() <= 3 * MINUTE;
    assert!(
        near(down[0].from, DOWN.start) && near(down[0].until, DOWN.end),
        "{down:?}"
    );
    let found: i64 = gaps
        .items
        .iter()
        .filter(|gap| gap.cause == GapCause::NotHeard && gap.state == GapState::Closed)
        .map(|gap| gap.episodes)
        .sum();
    assert_eq!(found, 8);
    drop(tx);

    // Who looks back one day only says what it left out.
    let short = read_all(home.path(), &prometheus.base, start, 1).await;
    let mut tx = short.read().await.expect("the store");
    let filter = GapFilter {
        state: Some(GapState::Lost),
        cause: Some(GapCause::RecordsUnread),
        ..GapFilter::default()
    };
    let lost = tx
        .alert_gaps(&filter, PageRequest::default())
        .await
        .expect("gaps");
    let times: Vec<_> = lost
        .items
        .iter()
        .map(|gap| (minute(gap.from), minute(gap.until)))
        .collect();
    assert_eq!(times, [(0, END - 1 - 24 * 60)]);
}
