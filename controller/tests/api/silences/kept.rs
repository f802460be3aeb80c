//! A silence is in Alertmanager as long as it is wanted, whatever happens there.

use std::sync::{Arc, Mutex};

use ipmi_controller::clock::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::alertmanager::Alertmanager;
use super::{NEVER, SILENCES, START, alert, in_state, make, server, start, trail};
use crate::support::wait::wait_for;

/// The moment of a text, however many digits that has.
fn moment(text: &Value) -> Timestamp {
    Timestamp::parse(text.as_str().expect("a text")).expect("a moment")
}

/// Remembers what it is notified of.
async fn sink() -> (String, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let memory = Arc::clone(&heard);
    let hear = move |axum::Json(body): axum::Json<Value>| async move {
        let alerts = body["alerts"].as_array().expect("alerts").iter();
        let names = alerts.map(|alert| alert["labels"]["alertname"].as_str().expect("a name"));
        memory
            .lock()
            .expect("no panic")
            .extend(names.map(str::to_owned));
    };
    let app = axum::Router::new().route("/", axum::routing::post(hear));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, heard)
}

#[tokio::test]
async fn a_silence_keeps_notifications_back_until_it_is_ended() {
    let (url, heard) = sink().await;
    let mut alertmanager = Alertmanager::new(&format!(
        "route: {{receiver: sink, group_by: ['...'], group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: sink, webhook_configs: [{{url: '{url}'}}]}}]\n"
    ));
    alertmanager.start().await;
    let (lab, admin) = start(&alertmanager).await;
    let silenced = server(&admin, "silenced", None).await;
    let loud = server(&admin, "loud", None).await;
    let body = json!({"server_ids": [silenced], "duration": "1h", "reason": "new fans"});
    let id = make(&admin, SILENCES, &body).await;
    let active = in_state(&admin, id, "active").await;
    let held = alertmanager.silences().await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["id"], active["alertmanager_id"]);
    assert_eq!(held[0]["createdBy"], "root");
    let comment = held[0]["comment"].as_str().expect("a comment");
    assert!(comment.starts_with("new fans "), "{comment}");

    let tell = async || {
        let alerts = [("Kept", silenced), ("Told", loud)]
            .map(|(name, server)| alert(name, &json!({"server_id": server.to_string()})));
        alertmanager.post("alerts", &json!(alerts)).await;
    };
    let was_heard = |name: &str| {
        heard
            .lock()
            .expect("no panic")
            .iter()
            .any(|one| one == name)
    };
    tell().await;
    wait_for("the other alert", async || was_heard("Told").then_some(())).await;
    let kept = wait_for("the silenced one", async || {
        let alerts = alertmanager.get("alerts").await;
        let mut alerts = alerts.as_array()?.clone().into_iter();
        alerts.find(|alert| alert["labels"]["alertname"] == "Kept")
    })
    .await;
    assert_eq!(
        kept["status"]["silencedBy"],
        json!([active["alertmanager_id"]])
    );
    assert!(!was_heard("Kept"));

    let ended = admin
        .post(&format!("{SILENCES}/{id}/expire"), &json!({}))
        .await;
    assert_eq!(ended.status, StatusCode::OK, "{ended:?}");
    assert_eq!(ended.body["state"], "expired");
    assert_eq!(ended.body["ended_by"], "root");
    wait_for("its end", async || {
        alertmanager.silences().await.is_empty().then_some(())
    })
    .await;
    wait_for("the notification", async || was_heard("Kept").then_some(())).await;
    assert_eq!(
        trail(&admin, id).await,
        [("silence.expire", "root"), ("silence.create", "root")]
            .map(|(action, actor)| (action.to_owned(), actor.to_owned()))
    );
    lab.stop().await;
}

#[tokio::test]
async fn what_a_crash_of_alertmanager_loses_is_put_back() {
    let mut alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let server = server(&admin, "n1", None).await;
    let body = json!({"server_ids": [server], "duration": "1h"});
    let kept = make(&admin, SILENCES, &body).await;
    let gone = make(&admin, SILENCES, &body).await;
    let before = in_state(&admin, kept, "active").await;
    in_state(&admin, gone, "active").await;
    let longer = json!({"ends_at": "2099-01-01T00:00:00Z"});
    let refused = admin.put(&format!("{SILENCES}/{kept}"), &longer).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );

    alertmanager.kill();
    admin
        .post(&format!("{SILENCES}/{gone}/expire"), &json!({}))
        .await;
    alertmanager.start().await;
    let back = wait_for("the silence", async || {
        let found = admin.get(&format!("{SILENCES}/{kept}")).await.body;
        (found["put_back"] == 1).then_some(found)
    })
    .await;
    assert_eq!(back["state"], "active");
    assert_ne!(back["alertmanager_id"], before["alertmanager_id"]);
    let held = alertmanager.silences().await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["id"], back["alertmanager_id"]);
    assert_eq!(moment(&held[0]["endsAt"]), moment(&before["ends_at"]));
    let newest = trail(&admin, kept).await.remove(0);
    assert_eq!(
        newest,
        ("silence.put_back".to_owned(), "controller".to_owned())
    );
    // The earlier id is in events of alerts, and still leads to the silence.
    let id = before["alertmanager_id"].as_str().expect("an id");
    let found = admin.get(&format!("{SILENCES}?alertmanager_id={id}")).await;
    assert_eq!(found.body["items"][0]["id"], kept, "{found:?}");
    lab.stop().await;
}

#[tokio::test]
async fn while_alertmanager_is_down_silences_wait() {
    let mut alertmanager =
        Alertmanager::new("route: {receiver: none}\nreceivers: [{name: none}]\n");
    let (lab, admin) = start(&alertmanager).await;
    let server = server(&admin, "n1", None).await;
    let body = json!({"server_ids": [server], "duration": "1h"});
    let id = make(&admin, SILENCES, &body).await;
    let waiting = wait_for("why it waits", async || {
        let found = admin.get(&format!("{SILENCES}/{id}")).await.body;
        found["problem"].is_string().then_some(found)
    })
    .await;
    assert_eq!(waiting["state"], "pending");
    assert_eq!(waiting["alertmanager_id"], Value::Null);
    let problem = waiting["problem"].as_str().expect("a problem");
    assert!(problem.contains("cannot be asked"), "{problem}");
    let pending = admin.get(&format!("{SILENCES}?state=pending")).await;
    assert_eq!(pending.body["total"], 1);
    alertmanager.start().await;
    let active = in_state(&admin, id, "active").await;
    assert_eq!(active["problem"], Value::Null);
    assert_eq!(active["put_back"], 0);
    assert_eq!(alertmanager.silences().await.len(), 1);
    lab.stop().await;
}

#[tokio::test]
async fn what_is_changed_here_is_changed_there_and_the_other_way_round() {
    let alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let server = server(&admin, "n1", None).await;
    let body = json!({"server_ids": [server], "duration": "1h"});
    let id = make(&admin, SILENCES, &body).await;
    let active = in_state(&admin, id, "active").await;
    let there = active["alertmanager_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("{SILENCES}/{id}");
    let end = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(5)).to_string();
    let changed = admin
        .put(&path, &json!({"ends_at": end, "reason": "longer"}))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    wait_for("the change", async || {
        let held = alertmanager.silences().await;
        let is_there = held.len() == 1
            && moment(&held[0]["endsAt"]) == moment(&changed.body["ends_at"])
            && held[0]["comment"].as_str()?.starts_with("longer ");
        is_there.then(|| assert_eq!(held[0]["id"], there.as_str()))
    })
    .await;

    // Somebody gives it another end there.
    let held = alertmanager.silences().await.remove(0);
    let other = json!({"id": held["id"], "matchers": held["matchers"],
        "startsAt": held["startsAt"], "endsAt": START.replace("2026", "2098"),
        "createdBy": held["createdBy"], "comment": held["comment"]});
    alertmanager.post("silences", &other).await;
    wait_for("the other end", async || {
        let found = admin.get(&path).await.body;
        (found["ends_at"] == START.replace("2026", "2098")).then_some(())
    })
    .await;
    alertmanager.expire(&there).await;
    let ended = in_state(&admin, id, "expired").await;
    assert_eq!(ended["ended_by"], "Alertmanager");
    assert_eq!(ended["put_back"], 0);
    let actions: Vec<String> = trail(&admin, id)
        .await
        .into_iter()
        .map(|(action, actor)| format!("{action} {actor}"))
        .collect();
    assert_eq!(
        actions,
        [
            "silence.expire Alertmanager",
            "silence.update Alertmanager",
            "silence.update root",
            "silence.create root"
        ]
    );
    let late = admin.put(&path, &json!({"reason": "x"})).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    lab.stop().await;
}

#[tokio::test]
async fn what_others_made_is_shown_and_left_alone() {
    let alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let theirs = json!({
        "matchers": [{"name": "alertname", "value": "Fan.*", "isRegex": true}],
        "startsAt": START, "endsAt": NEVER, "createdBy": "somebody", "comment": "by hand",
    });
    let made = alertmanager.post("silences", &theirs).await;
    let there = made["silenceID"].as_str().expect("an id").to_owned();
    let found = wait_for("their silence", async || {
        let list = admin
            .get(&format!("{SILENCES}?origin=alertmanager"))
            .await
            .body;
        list["items"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!(found["state"], "active");
    assert_eq!(found["author"], "somebody");
    assert_eq!(found["reason"], "by hand");
    assert_eq!(
        found["matchers"],
        json!([{"name": "alertname", "operator": "=~", "value": "Fan.*"}])
    );
    let path = format!("{SILENCES}/{}", found["id"]);
    let end = admin.post(&format!("{path}/expire"), &json!({})).await;
    assert_eq!(end.status, StatusCode::CONFLICT, "{end:?}");
    let change = admin.put(&path, &json!({"reason": "mine"})).await;
    assert_eq!(change.status, StatusCode::CONFLICT, "{change:?}");
    assert_eq!(alertmanager.silences().await.len(), 1);
    alertmanager.expire(&there).await;
    wait_for("its end", async || {
        let found = admin.get(&path).await.body;
        (found["state"] == "expired").then_some(())
    })
    .await;
    lab.stop().await;
}
