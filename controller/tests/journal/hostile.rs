//! Servers that answer nonsense: nothing of the journal changes.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use ipmi_controller::alert::Fingerprint;
use ipmi_controller::clock::{Clock, Timestamp};
use ipmi_controller::config::{AlertSettings, AlertmanagerConfig};
use ipmi_controller::model::{AlertFilter, AlertGap, GapCause, GapFilter, PageRequest, Scope};
use ipmi_controller::recovery::{Lookout, Recovery, RecoveryError};
use ipmi_controller::store::{Sealer, Store};
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3_600);
const START: Timestamp = Timestamp(1_700_000_000_000);

/// A server that answers as `answer` says.
async fn serve(
    answer: impl Fn(&str) -> (StatusCode, Vec<u8>) + Clone + Send + Sync + 'static,
) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(async move |uri: Uri| {
        let (status, body) = answer(uri.path());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

struct Lab {
    _home: TempDir,
    clock: Clock,
    store: Store,
}

impl Lab {
    async fn start() -> Self {
        let home = TempDir::new().expect("a directory");
        let clock = Clock::manual(START);
        let key = Sealer::parse(&"07".repeat(32)).expect("a key");
        let url = format!("sqlite://{}/c.db?mode=rwc", home.path().display());
        let store = Store::open(&url, key, clock.clone())
            .await
            .expect("a store");
        Self {
            _home: home,
            clock,
            store,
        }
    }

    fn recovery(&self, base: &str) -> Recovery {
        let client = crate::process::client(base);
        Recovery::new(self.store.clone(), client, &AlertSettings::default())
    }

    async fn is_empty(&self) -> bool {
        let mut tx = self.store.read().await.expect("the store");
        let alerts = tx
            .alerts_after(0, &AlertFilter::default(), &Scope::All, 1)
            .await;
        alerts.expect("alerts").is_empty()
    }

    async fn recovered_until(&self) -> Timestamp {
        let mut tx = self.store.read().await.expect("the store");
        tx.recovery_sources().await.expect("sources")[0].recovered_until
    }

    async fn gaps(&self) -> Vec<AlertGap> {
        let mut tx = self.store.read().await.expect("the store");
        let page = tx
            .alert_gaps(&GapFilter::default(), PageRequest::default())
            .await;
        page.expect("gaps").items
    }
}

/// What Prometheus answers when all is well, and no alert has fired.
fn good(path: &str) -> Vec<u8> {
    let data = match path {
        "/api/v1/status/config" => serde_json::json!({"yaml": "scrape_configs: [{job_name: x}]"}),
        "/api/v1/rules" => serde_json::json!({"groups": []}),
        _ => serde_json::json!({"resultType": "matrix", "result": []}),
    };
    serde_json::json!({"status": "success", "data": data})
        .to_string()
        .into_bytes()
}

/// Answers that are no answers.
fn nonsense() -> Vec<(StatusCode, Vec<u8>)> {
    let bad_sample = |sample: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":
            {{"__name__":"ALERTS","alertstate":"firing","alertname":"X"}},"values":[{sample}]}}]}}}}"#
        )
        .into_bytes()
    };
    vec![
        (StatusCode::OK, Vec::new()),
        (StatusCode::OK, b"<html>log in here</html>".to_vec()),
        (StatusCode::OK, b"null".to_vec()),
        (
            StatusCode::OK,
            b"{\"status\":\"success\",\"data\":{\"resultType\":\"mat".to_vec(),
        ),
        (
            StatusCode::OK,
            b"{\"status\":\"error\",\"data\":{}}".to_vec(),
        ),
        (StatusCode::OK, bad_sample("[-5,\"1\"]")),
        (StatusCode::OK, bad_sample("[9e99,\"1\"]")),
        (StatusCode::OK, bad_sample("[1700000000,\"many\"]")),
        (StatusCode::OK, vec![b'['; 100_000]),
        (StatusCode::OK, vec![0xff; 1_000]),
        (StatusCode::INTERNAL_SERVER_ERROR, good("/api/v1/query")),
        (
            StatusCode::BAD_REQUEST,
            b"{\"errorType\":\"bad_data\",\"error\":\"x\"}".to_vec(),
        ),
        (StatusCode::FOUND, good("/api/v1/query")),
    ]
}

#[tokio::test]
async fn nonsense_of_prometheus_changes_nothing() {
    for path in [
        "/api/v1/status/config",
        "/api/v1/rules",
        "/api/v1/query",
        "/api/v1/query_range",
    ] {
        for (status, body) in nonsense() {
            let lab = Lab::start().await;
            let text = String::from_utf8_lossy(&body)
                .chars()
                .take(60)
                .collect::<String>();
            let base = serve(move |asked| {
                if asked == path {
                    (status, body.clone())
                } else {
                    (StatusCode::OK, good(asked))
                }
            })
            .await;
            let mut recovery = lab.recovery(&base);
            recovery.pass().await.expect("nothing to read yet");
            lab.clock.advance(HOUR);
            let error = recovery.pass().await.expect_err(&text);
            assert!(
                matches!(
                    error,
                    RecoveryError::Answer { .. } | RecoveryError::Prometheus(_)
                ),
                "{path} {text}: {error}"
            );
            assert!(lab.is_empty().await);
            assert_eq!(lab.recovered_until().await, START, "{path} {text}");
            assert_eq!(lab.gaps().await, []);
        }
    }
}

#[tokio::test]
async fn labels_that_cannot_be_followed_stop_the_reading_with_a_word() {
    let lab = Lab::start().await;
    let base = serve(|path| {
        let yaml = "alerting:\n  alert_relabel_configs: [{action: replace, target_label: x}]\n";
        let body = serde_json::json!({"status": "success", "data": {"yaml": yaml}});
        match path {
            "/api/v1/status/config" => (StatusCode::OK, body.to_string().into_bytes()),
            _ => (StatusCode::OK, good(path)),
        }
    })
    .await;
    let mut recovery = lab.recovery(&base);
    recovery.pass().await.expect("nothing to read yet");
    lab.clock.advance(HOUR);
    let error = recovery.pass().await.expect_err("it cannot be followed");
    assert!(
        error.to_string().contains("alert_relabel_configs"),
        "{error}"
    );
    assert_eq!(lab.recovered_until().await, START);
}

#[tokio::test]
async fn records_that_are_too_large_are_read_in_pieces_and_at_last_given_up() {
    let lab = Lab::start().await;
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let base = serve(move |path| {
        if path == "/api/v1/query" {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let body = b"{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"too many samples\"}";
            return (StatusCode::UNPROCESSABLE_ENTITY, body.to_vec());
        }
        (StatusCode::OK, good(path))
    })
    .await;
    let mut recovery = lab.recovery(&base);
    recovery.pass().await.expect("nothing to read yet");
    lab.clock.advance(HOUR);
    recovery.pass().await.expect("it is given up");
    let until = lab
        .clock
        .now()
        .before(AlertSettings::default().recovery_lag());
    assert_eq!(lab.recovered_until().await, until);
    let gaps = lab.gaps().await;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(
        (gaps[0].cause, gaps[0].from, gaps[0].until),
        (GapCause::RecordsUnread, START, until)
    );
    // An hour, halved down to a minute, then each minute once.
    let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!((44..=60).contains(&asked), "{asked}");
}

#[tokio::test]
async fn nonsense_of_alertmanager_changes_nothing() {
    let mut answers = nonsense();
    answers.push((StatusCode::OK, b"{}".to_vec()));
    answers.push((StatusCode::OK, b"[{\"labels\":{\"a\":\"b\"}}]".to_vec()));
    answers.push((StatusCode::OK, vec![b' '; 33 * 1024 * 1024]));
    for (status, body) in answers {
        let lab = Lab::start().await;
        let text = String::from_utf8_lossy(&body)
            .chars()
            .take(60)
            .collect::<String>();
        let base = serve(move |_| (status, body.clone())).await;
        let config = AlertmanagerConfig {
            url: Some(base.parse().expect("a URL")),
            ..AlertmanagerConfig::default()
        };
        let lookout = Lookout::new(lab.store.clone(), &config).expect("a client");
        let looked = lookout.expect("it is configured").look().await;
        assert!(looked.is_err(), "{status} {text}: {looked:?}");
        assert!(lab.is_empty().await);
    }
    // One alert that cannot be right does not take the others along.
    let lab = Lab::start().await;
    let base = serve(|_| {
        let labels = std::collections::BTreeMap::from([("alertname".to_owned(), "A".to_owned())]);
        let good = serde_json::json!({"labels": labels,
            "fingerprint": Fingerprint::of(&labels).to_string(), "status": {},
            "startsAt": "2023-01-01T00:00:00Z", "endsAt": "2199-01-01T00:00:00Z"});
        let mut bad = good.clone();
        bad["fingerprint"] = "0000000000000000".into();
        let body = serde_json::json!([bad, good]);
        (StatusCode::OK, body.to_string().into_bytes())
    })
    .await;
    let config = AlertmanagerConfig {
        url: Some(base.parse().expect("a URL")),
        ..AlertmanagerConfig::default()
    };
    let lookout = Lookout::new(lab.store.clone(), &config).expect("a client");
    let looked = lookout.expect("it is configured").look().await;
    assert_eq!(looked.expect("a list").opened, 1);
    assert!(!lab.is_empty().await);
}
