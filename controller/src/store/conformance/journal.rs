//! The alert journal.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{group, server, user};
use super::{Lab, NOON};
use crate::alert::{Sighting, parse_push, parse_webhook};
use crate::clock::Timestamp;
use crate::model::{
    AlertEventKind, AlertFilter, AlertLife, AlertSort, AlertState, EndReason, PageRequest, Role,
    Scope, Sort,
};
use crate::store::{Store, StoreError};
use sqlx::Row;

pub(super) const MINUTE: i64 = 60_000;

/// One alert of a delivery; minutes count from noon.
pub(super) struct Told<'a> {
    pub(super) name: &'a str,
    pub(super) server_id: i64,
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) summary: &'a str,
}

impl Told<'_> {
    pub(super) fn json(&self) -> serde_json::Value {
        let at = |minute: i64| Timestamp(NOON.0 + minute * MINUTE).to_string();
        serde_json::json!({
            "labels": {"alertname": self.name, "severity": "critical",
                "server_id": self.server_id.to_string()},
            "annotations": {"summary": self.summary},
            "startsAt": at(self.start),
            "endsAt": self.end.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), at),
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        })
    }

    /// As Prometheus pushes it at that minute.
    pub(super) fn push(&self, minute: i64) -> Vec<Sighting> {
        let body = serde_json::to_vec(&[self.json()]).unwrap();
        let now = Timestamp(NOON.0 + minute * MINUTE);
        parse_push(&body, now).unwrap().sightings
    }

    /// As Alertmanager notifies of it.
    pub(super) fn webhook(&self, receiver: &str) -> Vec<Sighting> {
        let mut alert = self.json();
        let status = if self.end.is_some() {
            "resolved"
        } else {
            "firing"
        };
        alert["status"] = status.into();
        let body = serde_json::json!({"version": "4", "groupKey": "{}", "receiver": receiver,
            "alerts": [alert]});
        let delivery = parse_webhook(&serde_json::to_vec(&body).unwrap()).unwrap();
        delivery.sightings
    }
}

pub(super) fn told(end: Option<i64>, summary: &str) -> Told<'_> {
    Told {
        name: "FanFailed",
        server_id: 7,
        start: 0,
        end,
        summary,
    }
}

pub(super) async fn deliver(store: &Store, sightings: &[Sighting]) {
    let mut tx = store.write().await.unwrap();
    tx.record_alerts(sightings).await.unwrap();
    tx.commit().await.unwrap();
}

/// The whole journal, without the numbers that the database gave.
pub(super) async fn history(store: &Store) -> Vec<AlertLife> {
    let mut tx = store.read().await.unwrap();
    let alerts = tx
        .alerts_after(0, &AlertFilter::default(), &Scope::All, 100)
        .await
        .unwrap();
    let mut lives = Vec::new();
    for alert in alerts {
        let mut life = tx.alert_life(alert.id, &Scope::All).await.unwrap();
        life.alert.id = 0;
        // All were told in one moment here, so their order is that of arrival.
        life.events
            .sort_by_key(|event| (event.at, format!("{:?} {}", event.kind, event.detail)));
        lives.push(life);
    }
    lives.sort_by_key(|life| life.alert.starts_at);
    lives
}

pub(super) async fn deliveries_of_alerts_in_any_order_are_one_history(lab: Lab) {
    let store = lab.open().await;
    let mut deliveries: Vec<Vec<Sighting>> = (0..8)
        .map(|minute| told(Some(minute + 4), "1 fan").push(minute))
        .collect();
    deliveries.push(told(Some(12), "2 fans").push(8));
    deliveries.push(told(Some(9), "2 fans").push(10));
    deliveries.push(told(None, "1 fan").webhook("mail"));
    deliveries.push(told(None, "1 fan").webhook("chat"));
    deliveries.push(told(Some(9), "2 fans").webhook("mail"));
    // A second episode of the same alert, in one delivery with the end of the first.
    let mut next = told(Some(24), "1 fan");
    next.start = 20;
    let mut both = told(Some(9), "2 fans").push(20);
    both.extend(next.push(20));
    deliveries.push(both);

    for delivery in &deliveries {
        deliver(&store, delivery).await;
    }
    let straight = history(&store).await;
    assert_eq!(straight.len(), 2);
    let first = &straight[0];
    assert_eq!(first.alert.state, AlertState::Resolved);
    assert_eq!(first.alert.ends_at, Some(Timestamp(NOON.0 + 9 * MINUTE)));
    assert_eq!(first.alert.end_reason, Some(EndReason::Recovered));
    assert_eq!(first.alert.annotations["summary"], "2 fans");
    assert!(first.alert.notified && !straight[1].alert.notified);
    let count = |kind| {
        first
            .events
            .iter()
            .filter(|event| event.kind == kind)
            .count()
    };
    assert_eq!(count(AlertEventKind::Notified), 3, "{first:?}");
    assert_eq!(count(AlertEventKind::Updated), 2);
    assert_eq!(count(AlertEventKind::Resolved), 1);

    // A generator whose numbers are known: the order is another each time, and the same in each run.
    let mut seed: u64 = 1;
    let mut below = |end: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % end
    };
    for _ in 0..12 {
        let mut tx = store.write().await.unwrap();
        sqlx::query("DELETE FROM alerts")
            .execute(tx.connection())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let mut order: Vec<usize> = (0..deliveries.len()).chain(0..deliveries.len()).collect();
        for place in (1..order.len()).rev() {
            order.swap(place, below(place + 1));
        }
        for index in &order {
            deliver(&store, &deliveries[*index]).await;
        }
        assert_eq!(history(&store).await, straight, "{order:?}");
    }
    for delivery in &deliveries {
        deliver(&store, delivery).await;
    }
    assert_eq!(history(&store).await, straight, "played again");
}

pub(super) async fn alerts_end_for_a_reason(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let node = tx.insert_server(&server("n1", |_| ())).await.unwrap();
    tx.commit().await.unwrap();
    let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
    let named = |name: &'static str, server_id| Told {
        name,
        server_id,
        start: 0,
        end: Some(4),
        summary: "s",
    };
    let ended = |mut told: Told<'static>, end| {
        told.end = Some(end);
        told
    };
    deliver(&store, &named("Recovers", node.id).push(0)).await;
    deliver(&store, &named("TargetGoes", node.id).push(0)).await;
    deliver(&store, &named("Foreign", 999).push(0)).await;
    deliver(&store, &named("RuleGoes", node.id).push(0)).await;
    let by_webhook = |end| Told {
        end,
        ..named("ByWebhook", node.id)
    };
    deliver(&store, &by_webhook(None).webhook("mail")).await;
    lab.clock.advance(minutes(3));
    deliver(&store, &ended(named("Recovers", node.id), 2).push(3)).await;
    deliver(&store, &ended(named("Foreign", 999), 2).push(3)).await;
    deliver(&store, &by_webhook(Some(2)).webhook("mail")).await;
    let mut tx = store.write().await.unwrap();
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    tx.commit().await.unwrap();
    deliver(&store, &ended(named("TargetGoes", node.id), 2).push(3)).await;
    deliver(&store, &ended(named("Recovers", node.id), 2).push(3)).await;
    let expire = async || {
        let mut tx = store.write().await.unwrap();
        let count = tx.expire_alerts().await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(expire().await, 0, "it holds until minute 4");
    // From the same Prometheus, long after the last word of the other.
    deliver(&store, &ended(named("Lost", 999), 7).push(3)).await;
    lab.clock.advance(minutes(2));
    assert_eq!(expire().await, 1);
    lab.clock.advance(minutes(3));
    assert_eq!(expire().await, 1);
    let reasons = async || {
        let lives = history(&store).await;
        let mut reasons: Vec<(String, AlertState, Option<EndReason>)> = lives
            .into_iter()
            .map(|life| {
                (
                    life.alert.alertname,
                    life.alert.state,
                    life.alert.end_reason,
                )
            })
            .collect();
        reasons.sort_by(|a, b| a.0.cmp(&b.0));
        reasons
    };
    let expected = [
        ("ByWebhook", AlertState::Resolved, EndReason::Unknown),
        ("Foreign", AlertState::Resolved, EndReason::Recovered),
        ("Lost", AlertState::Expired, EndReason::PrometheusLost),
        ("Recovers", AlertState::Resolved, EndReason::Recovered),
        ("RuleGoes", AlertState::Expired, EndReason::RuleChanged),
        ("TargetGoes", AlertState::Resolved, EndReason::TargetRemoved),
    ]
    .map(|(name, state, reason)| (name.to_owned(), state, Some(reason)));
    assert_eq!(reasons().await, expected);

    // Heard again, it goes on; the gap stays in its life.
    deliver(&store, &ended(named("Lost", 999), 12).push(8)).await;
    let lives = history(&store).await;
    let lost = lives
        .iter()
        .find(|life| life.alert.alertname == "Lost")
        .unwrap();
    assert_eq!(
        (lost.alert.state, lost.alert.end_reason),
        (AlertState::Firing, None)
    );
    let gap = lost
        .events
        .iter()
        .find(|event| event.kind == AlertEventKind::Expired)
        .unwrap();
    let at = |minute: i64| Timestamp(NOON.0 + minute * MINUTE).to_string();
    assert_eq!(gap.detail["gap_from"], at(3));
    assert_eq!(gap.detail["gap_until"], at(8));
}

pub(super) async fn alerts_are_filtered_counted_and_forgotten(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let draft = server("n1", |body| body.group_id = Some(east));
    let node = tx.insert_server(&draft).await.unwrap().id;
    tx.commit().await.unwrap();
    for (name, server_id, start, summary) in [
        ("FanFailed", node, 0, "fan 100%"),
        ("FanFailed", node, 10, "fan 2"),
        ("HotCpu", 999, 20, "hot"),
    ] {
        let mut told = Told {
            name,
            server_id,
            start,
            end: Some(start + 4),
            summary,
        };
        deliver(&store, &told.push(start)).await;
        told.end = Some(start + 2);
        if start < 20 {
            deliver(&store, &told.push(start + 3)).await;
        }
    }
    let mut tx = store.write().await.unwrap();
    let mut count = async |filter: AlertFilter, scope: Scope| {
        let sort = Sort {
            key: AlertSort::EndsAt,
            descending: true,
        };
        let page = tx
            .alerts(&filter, sort, &scope, PageRequest::default())
            .await
            .unwrap();
        assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
        page.total
    };
    let all = AlertFilter::default;
    assert_eq!(count(all(), Scope::All).await, 3);
    assert_eq!(count(all(), Scope::Groups(BTreeSet::from([east]))).await, 2);
    assert_eq!(count(all(), Scope::Groups(BTreeSet::new())).await, 0);
    let at = |minute: i64| Some(Timestamp(NOON.0 + minute * MINUTE));
    for (filter, expected) in [
        (
            AlertFilter {
                state: Some(AlertState::Firing),
                ..all()
            },
            1,
        ),
        (
            AlertFilter {
                alertname: Some("FanFailed".to_owned()),
                ..all()
            },
            2,
        ),
        (
            AlertFilter {
                severity: Some("critical".to_owned()),
                ..all()
            },
            3,
        ),
        (
            AlertFilter {
                server_id: Some(999),
                ..all()
            },
            1,
        ),
        (
            AlertFilter {
                group_id: Some(east),
                ..all()
            },
            2,
        ),
        (
            AlertFilter {
                notified: Some(true),
                ..all()
            },
            0,
        ),
        (
            AlertFilter {
                acknowledged: Some(false),
                ..all()
            },
            3,
        ),
        (
            AlertFilter {
                assignee: Some("eve".to_owned()),
                ..all()
            },
            0,
        ),
        (
            AlertFilter {
                since: at(10),
                ..all()
            },
            2,
        ),
        (
            AlertFilter {
                since: at(1),
                until: at(20),
                ..all()
            },
            1,
        ),
        (
            AlertFilter {
                search: Some("FAN 100%".to_owned()),
                ..all()
            },
            1,
        ),
    ] {
        assert_eq!(
            count(filter.clone(), Scope::All).await,
            expected,
            "{filter:?}"
        );
    }
    for key in [
        AlertSort::StartsAt,
        AlertSort::EndsAt,
        AlertSort::Alertname,
        AlertSort::Severity,
        AlertSort::Id,
    ] {
        for descending in [false, true] {
            let sort = Sort { key, descending };
            let page = tx
                .alerts(&all(), sort, &Scope::All, PageRequest::default())
                .await;
            assert_eq!(page.unwrap().items.len(), 3, "{sort:?}");
        }
    }
    let statistics = tx.alert_statistics(&all(), &Scope::All).await.unwrap();
    assert_eq!((statistics.count, statistics.acknowledged), (3, 0));
    assert_eq!(
        statistics.by_state,
        BTreeMap::from([("firing".to_owned(), 1), ("resolved".to_owned(), 2)])
    );
    assert_eq!(statistics.mean_seconds_to_resolve, Some(120));
    assert_eq!(statistics.mean_seconds_to_acknowledge, None);
    assert_eq!(statistics.noisiest_alertnames[0].of, "FanFailed");
    assert_eq!(statistics.noisiest_servers[0].count, 2);
    let nothing = Scope::Groups(BTreeSet::new());
    assert_eq!(
        tx.alert_statistics(&all(), &nothing).await.unwrap().count,
        0
    );
    assert_eq!(tx.forget_alerts(at(12).unwrap()).await.unwrap(), 1);
    assert_eq!(
        tx.forget_alerts(at(999).unwrap()).await.unwrap(),
        1,
        "what fires stays"
    );
    let row = sqlx::query("SELECT COUNT(*) FROM alert_events")
        .fetch_one(tx.connection())
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>(0), 1, "events go with their alert");
}

pub(super) async fn people_act_on_alerts(lab: Lab) {
    let store = lab.open().await;
    deliver(&store, &told(Some(4), "s").push(0)).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user("eve", Role::Viewer, None), "hash")
        .await
        .unwrap();
    let all = &Scope::All;
    let id = tx
        .alerts_after(0, &AlertFilter::default(), all, 1)
        .await
        .unwrap()[0]
        .id;
    for _ in 0..2 {
        let alert = tx
            .acknowledge_alert(id, all, "eve", true, "mine")
            .await
            .unwrap();
        assert_eq!(alert.acknowledged_by.as_deref(), Some("eve"));
    }
    tx.acknowledge_alert(id, all, "eve", false, "")
        .await
        .unwrap();
    tx.acknowledge_alert(id, all, "eve", true, "")
        .await
        .unwrap();
    tx.comment_alert(id, all, "eve", "same").await.unwrap();
    tx.comment_alert(id, all, "eve", "same").await.unwrap();
    let (_, after) = tx.assign_alert(id, all, "root", Some("eve")).await.unwrap();
    assert_eq!(after.assignee.as_deref(), Some("eve"));
    let nobody = tx.assign_alert(id, all, "root", Some("nobody")).await;
    assert!(matches!(
        nobody,
        Err(StoreError::Dangling {
            field: "assignee",
            ..
        })
    ));
    let life = tx.alert_life(id, all).await.unwrap();
    let kinds: Vec<&str> = life
        .events
        .iter()
        .map(|event| event.kind.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "firing",
            "updated",
            "acknowledged",
            "unacknowledged",
            "acknowledged",
            "commented",
            "commented",
            "assigned"
        ]
    );
    let none = Scope::Groups(BTreeSet::from([1]));
    assert!(matches!(
        tx.comment_alert(id, &none, "eve", "x").await,
        Err(StoreError::NotFound { what: "alert" })
    ));
    // The next delivery leaves all this as it is.
    tx.record_alerts(&told(Some(5), "s").push(1)).await.unwrap();
    let alert = tx.alert(id, all).await.unwrap();
    assert!(alert.acknowledged_at.is_some() && alert.assignee.is_some());
}
