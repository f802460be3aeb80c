//! Who may silence what, and what they are told of it first.

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::alertmanager::Alertmanager;
use super::{SILENCES, fields, fire, in_state, make, server, start};
use crate::support::Lab;

#[tokio::test]
async fn a_limited_user_silences_their_own_servers_only() {
    let alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let mine = make(&admin, "/api/v1/groups", &json!({"name": "mine|1"})).await;
    let other = make(&admin, "/api/v1/groups", &json!({"name": "other"})).await;
    let own = server(&admin, "own", Some(mine)).await;
    let foreign = server(&admin, "foreign", Some(other)).await;
    fire(
        &lab,
        &admin,
        &[
            (
                "FanFailed",
                json!({"server_id": own.to_string(), "group": "mine|1"}),
            ),
            (
                "FanFailed",
                json!({"server_id": foreign.to_string(), "group": "other"}),
            ),
        ],
    )
    .await;
    let eve = lab.user("eve", Role::Operator, Some(&[mine])).await;
    let nobody = lab.user("nobody", Role::Operator, Some(&[])).await;
    let alerts = admin.get("/api/v1/alerts?sort=id&descending=false").await;
    let alert_of = |server: i64| {
        let mut items = alerts.body["items"].as_array().expect("alerts").iter();
        let found = items.find(|alert| alert["server_id"] == server);
        found.expect("an alert")["id"].clone()
    };

    for (field, body) in [
        ("server_ids", json!({"server_ids": [own, foreign]})),
        ("server_ids", json!({"server_ids": [9999]})),
        ("group_id", json!({"group_id": other})),
        ("alert_id", json!({"alert_id": alert_of(foreign)})),
        (
            "matchers",
            json!({"matchers": [{"name": "server_id", "value": foreign.to_string()}]}),
        ),
        (
            "matchers",
            json!({"matchers": [{"name": "group", "operator": "=~", "value": "other|mine"}]}),
        ),
    ] {
        let mut body = body;
        body["duration"] = "1h".into();
        for path in [SILENCES, "/api/v1/silences/preview"] {
            let answer = eve.post(path, &body).await;
            assert_eq!(
                answer.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{body}: {answer:?}"
            );
            assert_eq!(fields(&answer.body), [field], "{body}");
        }
    }
    let any = json!({"matchers": [{"name": "alertname", "value": "FanFailed"}],
        "duration": "1h"});
    assert_eq!(
        nobody.post(SILENCES, &any).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );

    // What limits it to her servers is added.
    let preview = eve.post("/api/v1/silences/preview", &any).await;
    assert_eq!(preview.body["server_count"], 1, "{preview:?}");
    assert_eq!(preview.body["alert_count"], 1);
    assert_eq!(preview.body["servers"][0]["name"], "own");
    let made = make(&eve, SILENCES, &any).await;
    let active = in_state(&eve, made, "active").await;
    assert_eq!(
        active["matchers"],
        json!([
            {"name": "alertname", "operator": "=", "value": "FanFailed"},
            {"name": "group", "operator": "=", "value": "mine|1"},
        ])
    );
    assert_eq!(active["reaches_beyond"], false);
    let from_alert = json!({"alert_id": alert_of(own), "duration": "2h"});
    let from_alert = make(&eve, SILENCES, &from_alert).await;

    // Wider ones are known to be there, and no more than that.
    let wide = json!({"server_ids": [own, foreign], "duration": "1h", "reason": "zq7secret"});
    let wide = make(&admin, SILENCES, &wide).await;
    let hidden = json!({"group_id": other, "duration": "1h"});
    let hidden = make(&admin, SILENCES, &hidden).await;
    let seen = eve.get(&format!("{SILENCES}/{wide}")).await;
    assert_eq!(seen.body["reaches_beyond"], true, "{seen:?}");
    assert_eq!(seen.body["matchers"], json!([]));
    assert_eq!(seen.body["reason"], "");
    assert_eq!(seen.body["subject"], json!({"kind": "matchers"}));
    assert_eq!(seen.body["author"], "root");
    let path = |id: i64| format!("{SILENCES}/{id}");
    assert_eq!(eve.get(&path(hidden)).await.status, StatusCode::NOT_FOUND);
    let end = format!("{}/expire", path(wide));
    assert_eq!(
        eve.post(&end, &json!({})).await.status,
        StatusCode::FORBIDDEN
    );
    let change = json!({"reason": "x"});
    assert_eq!(
        eve.put(&path(wide), &change).await.status,
        StatusCode::FORBIDDEN
    );
    let end = format!("{}/expire", path(hidden));
    assert_eq!(
        eve.post(&end, &json!({})).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(ids(&eve.get(SILENCES).await.body), [wide, from_alert, made]);
    assert_eq!(nobody.get(SILENCES).await.body["total"], 0);
    let search = format!("{SILENCES}?server_id={own}&state=active");
    assert!(
        ids(&admin.get(&search).await.body)
            .iter()
            .all(|id| *id != hidden)
    );
    let foreign = format!("{SILENCES}?server_id={foreign}");
    assert_eq!(eve.get(&foreign).await.status, StatusCode::NOT_FOUND);
    let end = format!("{}/expire", path(made));
    assert_eq!(eve.post(&end, &json!({})).await.status, StatusCode::OK);
    lab.stop().await;
}

fn ids(list: &Value) -> Vec<i64> {
    let items = list["items"].as_array().expect("a list").iter();
    items
        .map(|item| item["id"].as_i64().expect("a number"))
        .collect()
}

#[tokio::test]
async fn many_servers_need_a_reason_and_are_told_first() {
    let alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let group = make(&admin, "/api/v1/groups", &json!({"name": "rack"})).await;
    let rename = json!({"name": "row"});
    let mut servers = Vec::new();
    for number in 0..11 {
        servers.push(server(&admin, &format!("n{number:02}"), Some(group)).await);
    }
    let first = servers[0].to_string();
    fire(
        &lab,
        &admin,
        &[
            ("FanFailed", json!({"server_id": first, "group": "rack"})),
            ("Elsewhere", json!({"group": "x"})),
        ],
    )
    .await;
    let body = json!({"group_id": group, "duration": "1h"});
    let preview = admin.post("/api/v1/silences/preview", &body).await;
    assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
    assert_eq!(preview.body["server_count"], 11);
    assert_eq!(preview.body["needs_reason"], true);
    assert_eq!(preview.body["alert_count"], 1);
    assert_eq!(preview.body["alerts"][0]["alertname"], "FanFailed");
    let refused = admin.post(SILENCES, &body).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    assert_eq!(fields(&refused.body), ["reason"]);
    let all = json!({"matchers": [{"name": "severity", "value": "warning"}], "duration": "1h"});
    assert_eq!(fields(&admin.post(SILENCES, &all).await.body), ["reason"]);
    let with_reason = json!({"group_id": group, "duration": "1h", "reason": "new switch"});
    let id = make(&admin, SILENCES, &with_reason).await;
    in_state(&admin, id, "active").await;
    let few = json!({"server_ids": &servers[..10], "duration": "1h"});
    make(&admin, SILENCES, &few).await;

    // It stays with the group when that gets another name.
    let path = format!("/api/v1/groups/{group}");
    assert_eq!(admin.put(&path, &rename).await.status, StatusCode::OK);
    crate::support::wait::wait_for("the new name", async || {
        let held = alertmanager.silences().await;
        let mut matchers = held.iter().map(|held| &held["matchers"][0]["value"]);
        matchers.any(|value| value == "row").then_some(())
    })
    .await;
    assert_eq!(alertmanager.silences().await.len(), 2);
    lab.stop().await;
}

#[tokio::test]
async fn without_an_alertmanager_there_is_nowhere_to_keep_silences() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let server = server(&admin, "n1", None).await;
    let body = json!({"server_ids": [server], "duration": "1h"});
    let refused = admin.post(SILENCES, &body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(refused.text.contains("alertmanager.url"), "{refused:?}");
    lab.stop().await;
}
