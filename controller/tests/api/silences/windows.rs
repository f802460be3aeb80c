//! Maintenance windows become silences ahead of time.

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::alertmanager::Alertmanager;
use super::{SILENCES, fields, make, server, start};
use crate::support::wait::wait_for;

const WINDOWS: &str = "/api/v1/maintenance-windows";

fn daily(group: i64) -> Value {
    json!({"name": "nights", "group_id": group, "reason": "patches", "when": {
        "repeat": "daily", "start": "22:00", "duration": "1d", "time_zone": "Europe/Berlin",
    }})
}

#[tokio::test]
async fn a_window_makes_silences_ahead_and_takes_them_along() {
    let alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let group = make(&admin, "/api/v1/groups", &json!({"name": "g"})).await;
    server(&admin, "n1", Some(group)).await;
    let window = make(&admin, WINDOWS, &daily(group)).await;
    // It lasts all day: one goes on, the others follow.
    let held = wait_for("a week of silences", async || {
        let held = alertmanager.silences().await;
        (held.len() == 8).then_some(held)
    })
    .await;
    let active = held
        .iter()
        .filter(|held| held["status"]["state"] == "active");
    assert_eq!(active.count(), 1);
    let path = format!("{WINDOWS}/{window}");
    let next = admin.get(&format!("{path}/occurrences?limit=8")).await;
    let mut ends: Vec<&Value> = held.iter().map(|held| &held["endsAt"]).collect();
    ends.sort_by_key(|end| end.to_string());
    let expected: Vec<&Value> = next
        .body
        .as_array()
        .expect("a list")
        .iter()
        .map(|next| &next["ends_at"])
        .collect();
    let seconds = |ends: &[&Value]| -> Vec<String> {
        let texts = ends.iter().map(|end| end.as_str().expect("a moment"));
        texts.map(|text| text[..19].to_owned()).collect()
    };
    assert_eq!(seconds(&ends), seconds(&expected));
    let listed = admin
        .get(&format!("{SILENCES}?window_id={window}&state=active"))
        .await;
    let silence = &listed.body["items"][0];
    assert_eq!(silence["origin"], "window");
    assert_eq!(silence["author"], "root");
    assert_eq!(silence["reason"], "patches");

    // One that is ended stays ended.
    let end = format!("{SILENCES}/{}/expire", silence["id"]);
    assert_eq!(admin.post(&end, &json!({})).await.status, StatusCode::OK);
    wait_for("its end", async || {
        (alertmanager.silences().await.len() == 7).then_some(())
    })
    .await;

    let mut weekly = daily(group);
    weekly["when"] = json!({"repeat": "weekly", "weekdays": ["monday"], "start": "03:00",
        "duration": "4h", "time_zone": "America/New_York"});
    assert_eq!(admin.put(&path, &weekly).await.status, StatusCode::OK);
    wait_for("the change", async || {
        let held = alertmanager.silences().await;
        (1..=2).contains(&held.len()).then_some(())
    })
    .await;
    assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
    wait_for("the end of all", async || {
        alertmanager.silences().await.is_empty().then_some(())
    })
    .await;
    lab.stop().await;
}

#[tokio::test]
async fn windows_are_checked_and_belong_to_their_groups() {
    let alertmanager = Alertmanager::quiet().await;
    let (lab, admin) = start(&alertmanager).await;
    let mine = make(&admin, "/api/v1/groups", &json!({"name": "mine"})).await;
    let other = make(&admin, "/api/v1/groups", &json!({"name": "other"})).await;
    for number in 0..11 {
        server(&admin, &format!("n{number}"), Some(mine)).await;
    }
    let eve = lab.user("eve", Role::Operator, Some(&[mine])).await;
    let refused = async |change: fn(&mut Value), group: i64| {
        let mut body = daily(group);
        change(&mut body);
        let answer = eve.post(WINDOWS, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {answer:?}"
        );
        fields(&answer.body).join(" ")
    };
    let zone = |body: &mut Value| body["when"]["time_zone"] = "Mars/Olympus".into();
    assert_eq!(refused(zone, mine).await, "when.time_zone");
    let long = |body: &mut Value| body["when"]["duration"] = "25h".into();
    assert_eq!(refused(long, mine).await, "when.duration");
    let past = |body: &mut Value| body["when"]["last_date"] = "2020-01-01".into();
    assert_eq!(refused(past, mine).await, "when.last_date");
    let bare = |body: &mut Value| body["reason"] = "".into();
    assert_eq!(refused(bare, mine).await, "reason");
    assert_eq!(refused(|_| (), other).await, "group_id");
    let hidden = make(&admin, WINDOWS, &daily(other)).await;
    let path = format!("{WINDOWS}/{hidden}");
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(eve.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        eve.put(&path, &daily(mine)).await.status,
        StatusCode::NOT_FOUND
    );
    let mut named = daily(mine);
    named["name"] = "mornings".into();
    make(&eve, WINDOWS, &named).await;
    assert_eq!(eve.get(WINDOWS).await.body["total"], 1);
    let preview = format!("{WINDOWS}/occurrences?limit=3");
    let next = eve.post(&preview, &named["when"]).await;
    assert_eq!(next.body.as_array().map(Vec::len), Some(3), "{next:?}");
    let many = eve
        .get(&format!("{WINDOWS}/{hidden}/occurrences?limit=101"))
        .await;
    assert_eq!(many.status, StatusCode::BAD_REQUEST);
    lab.stop().await;
}
