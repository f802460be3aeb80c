//! Alerts of which only a real Alertmanager knows: told by nobody, kept back,
//! and gone without a word.

use serde_json::{Value, json};

use crate::process::Controller;
use crate::real::Server;
use crate::wait::wait_for;

const CONFIG: &str = "route: {receiver: none}\nreceivers: [{name: none}]\ninhibit_rules:\n\
    - source_matchers: [severity=\"critical\"]\n  target_matchers: [severity=\"warning\"]\n  \
    equal: [server_id]\n";
const START: &str = "2026-01-01T00:00:00Z";

struct Alertmanager {
    server: Server,
    http: reqwest::Client,
}

impl Alertmanager {
    async fn start() -> Self {
        let flags = [
            "--config.file=config.yml",
            "--storage.path=data",
            "--cluster.listen-address=",
        ];
        let files = [("config.yml", CONFIG.to_owned())];
        Self {
            server: Server::start("prometheus-alertmanager", &files, &flags).await,
            http: reqwest::Client::new(),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v2/{path}", self.server.base);
        let answer = self.http.post(url).json(body).send().await;
        let answer = answer.expect("an answer");
        assert!(answer.status().is_success());
        answer.json().await.unwrap_or_default()
    }

    async fn tell(&self, name: &str, severity: &str, ends_at: &str) {
        let alert = json!([{
            "labels": {"alertname": name, "severity": severity, "server_id": name},
            "annotations": {"summary": format!("{name} is broken")},
            "startsAt": START,
            "endsAt": ends_at,
        }]);
        self.post("alerts", &alert).await;
    }

    async fn silence(&self, name: &str) -> String {
        let silence = json!({
            "matchers": [{"name": "alertname", "value": name, "isRegex": false}],
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2199-01-01T00:00:00Z",
            "createdBy": "test",
            "comment": "test",
        });
        let made = self.post("silences", &silence).await;
        made["silenceID"].as_str().expect("an id").to_owned()
    }
}

async fn life(controller: &Controller, name: &str) -> Option<Value> {
    let path = format!("alerts?alertname={name}");
    let list = controller.ask(&path, None).await;
    assert!(list["total"].as_i64() <= Some(1), "one row: {list}");
    let id = list["items"][0]["id"].as_i64()?;
    Some(controller.ask(&format!("alerts/{id}"), None).await)
}

async fn event(controller: &Controller, name: &str, kind: &str) -> Value {
    wait_for(kind, async || {
        let life = life(controller, name).await?;
        let events = life["events"].as_array().expect("events");
        events.iter().find(|event| event["kind"] == kind).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_ends_while_silenced_is_not_lost() {
    let alertmanager = Alertmanager::start().await;
    let settings = vec![
        (
            "IPMI_CONTROLLER_ALERTMANAGER__URL",
            alertmanager.server.base.clone(),
        ),
        (
            "IPMI_CONTROLLER_ALERTMANAGER__INTERVAL_SECONDS",
            "1".to_owned(),
        ),
    ];
    let mut controller = Controller::start_with(None, settings).await;
    let silence = alertmanager.silence("Silenced").await;
    let lifted = alertmanager.silence("Lifted").await;
    for name in ["Silenced", "Lifted", "Shown"] {
        alertmanager
            .tell(name, "critical", "2199-01-01T00:00:00Z")
            .await;
    }
    let silenced = event(&controller, "Silenced", "silenced").await;
    assert_eq!(silenced["detail"]["silences"], json!([silence]));
    event(&controller, "Lifted", "silenced").await;
    let url = format!("{}/api/v2/silence/{lifted}", alertmanager.server.base);
    let answer = alertmanager.http.delete(url).send().await;
    assert!(answer.expect("an answer").status().is_success());
    event(&controller, "Lifted", "unsuppressed").await;

    // One that another keeps back.
    let body = json!([
        {"labels": {"alertname": "Source", "severity": "critical", "server_id": "s"},
         "startsAt": START, "endsAt": "2199-01-01T00:00:00Z"},
        {"labels": {"alertname": "Kept", "severity": "warning", "server_id": "s"},
         "startsAt": START, "endsAt": "2199-01-01T00:00:00Z"},
    ]);
    alertmanager.post("alerts", &body).await;
    let inhibited = event(&controller, "Kept", "inhibited").await;
    let source = wait_for("what keeps it back", async || {
        life(&controller, "Source").await
    })
    .await;
    assert_eq!(
        inhibited["detail"]["inhibited_by"],
        json!([source["fingerprint"]])
    );

    for name in ["Silenced", "Lifted"] {
        // Long ago: it has ended.
        alertmanager
            .tell(name, "critical", "2026-01-01T00:00:01Z")
            .await;
    }
    // What is known survives a crash.
    controller.kill_and_start().await;
    for (name, reason) in [("Silenced", "silenced"), ("Lifted", "unknown")] {
        let life = wait_for("its end", async || {
            let life = life(&controller, name).await?;
            (life["state"] == "resolved").then_some(life)
        })
        .await;
        assert_eq!(life["end_reason"], reason, "{life}");
        assert_eq!(life["annotations"]["summary"], format!("{name} is broken"));
        assert_eq!(life["notified"], false);
    }
    let shown = life(&controller, "Shown").await.expect("it is there");
    assert_eq!(shown["state"], "firing");
}
