//! Rules and thresholds.

use std::collections::BTreeSet;

use serde_json::json;

use super::Lab;
use super::draft::{group, server};
use crate::model::{
    OverrideDraft, OverrideFilter, PageRequest, RuleGroupDraft, RuleGroupFilter, RuleOrigin, Scope,
};
use crate::render::rule_groups;
use crate::store::StoreError;

fn draft(name: &str, change: serde_json::Value) -> RuleGroupDraft {
    let mut body = json!({"name": name, "rules": [
        {"record": "fans:dead", "expr": "count(ipmi_fan_speed_state == 2)"},
        {"alert": "FanDead", "expr": "fans:dead > 0", "for": "5m", "labels": {"severity": "critical"}},
    ]});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    RuleGroupDraft::parse(&serde_json::from_value(body).unwrap()).unwrap()
}

pub(super) async fn groups_of_rules_are_kept_in_order(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let made = tx
        .insert_rule_group(&draft("b", json!({"interval": "1m30s"})))
        .await
        .unwrap();
    assert_eq!((made.version, made.origin), (1, RuleOrigin::Operator));
    assert_eq!(made.interval.as_ref().unwrap().as_str(), "1m30s");
    let names: Vec<&str> = made.rules.iter().map(|rule| rule.name()).collect();
    assert_eq!(names, ["fans:dead", "FanDead"]);
    let off = tx
        .insert_rule_group(&draft("a", json!({"enabled": false})))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let revision = *store.revisions().borrow();

    let mut tx = store.write().await.unwrap();
    assert!(matches!(
        tx.insert_rule_group(&draft("b", json!({}))).await,
        Err(StoreError::Taken {
            what: "rule group",
            field: "name"
        })
    ));
    drop(tx);
    let mut tx = store.read().await.unwrap();
    let found = async |tx: &mut crate::store::Tx, filter: RuleGroupFilter| {
        let page = tx
            .rule_groups(&filter, PageRequest::default())
            .await
            .unwrap();
        let names: Vec<String> = page.items.into_iter().map(|group| group.name).collect();
        names.join(" ")
    };
    let all = RuleGroupFilter::default();
    assert_eq!(found(&mut tx, all.clone()).await, "a b");
    let search = RuleGroupFilter {
        search: Some("fandead".to_owned()),
        ..all.clone()
    };
    assert_eq!(found(&mut tx, search).await, "a b");
    let enabled = RuleGroupFilter {
        enabled: Some(true),
        ..all.clone()
    };
    assert_eq!(found(&mut tx, enabled).await, "b");
    let shipped = RuleGroupFilter {
        origin: Some(RuleOrigin::Default),
        ..all
    };
    assert_eq!(found(&mut tx, shipped).await, "");
    let ruleset = tx.ruleset().await.unwrap();
    assert_eq!(ruleset.revision, revision);
    assert_eq!(
        serde_json::to_value(rule_groups(&ruleset)).unwrap(),
        json!([{"name": "b", "interval": "1m30s", "rules": [
            {"record": "fans:dead", "expr": "count(ipmi_fan_speed_state == 2)"},
            {"alert": "FanDead", "expr": "fans:dead > 0", "for": "5m",
             "labels": {"severity": "critical"}},
        ]}]),
        "in the words of Prometheus"
    );
    drop(tx);

    let mut tx = store.write().await.unwrap();
    let one_off = draft(
        "b",
        json!({"rules": [
            {"alert": "A", "expr": "up == 0", "enabled": false},
        ]}),
    );
    let late = tx.update_rule_group(made.id, Some(7), &one_off).await;
    assert!(matches!(late, Err(StoreError::Changed { current: 1 })));
    let (before, after) = tx
        .update_rule_group(made.id, Some(1), &one_off)
        .await
        .unwrap();
    assert_eq!((before, after.version), (made.clone(), 2));
    assert!(
        rule_groups(&tx.ruleset().await.unwrap()).is_empty(),
        "nothing to evaluate"
    );
    tx.delete_rule_group(off.id, None).await.unwrap();
    assert!(matches!(
        tx.rule_group(off.id).await,
        Err(StoreError::NotFound { .. })
    ));
    tx.commit().await.unwrap();
    assert_eq!(*store.revisions().borrow(), revision + 1);
}

fn threshold(change: serde_json::Value) -> OverrideDraft {
    let mut body =
        json!({"kind": "temperature", "bound": "upper", "level": "critical", "value": 80.5});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    OverrideDraft::parse(&serde_json::from_value(body).unwrap()).unwrap()
}

pub(super) async fn overrides_are_kept_and_scoped(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let west = tx.insert_group(&group("west")).await.unwrap().id;
    let node = tx
        .insert_server(&server("n1", |body| body.group_id = Some(west)))
        .await
        .unwrap();
    let mut insert = async |change| {
        tx.insert_threshold_override(&threshold(change))
            .await
            .unwrap()
            .id
    };
    let fleet = insert(json!({})).await;
    let of_east = insert(json!({"group_id": east, "value": null})).await;
    let of_node =
        insert(json!({"server_id": node.id, "sensor": "CPU.*", "sensor_is_regex": true})).await;
    for (change, expected) in [
        (
            json!({}),
            "another threshold override has this sensor already",
        ),
        (
            json!({"server_id": 99}),
            "server_id: there is no such server",
        ),
        (json!({"group_id": 99}), "group_id: there is no such group"),
    ] {
        let refused = tx.insert_threshold_override(&threshold(change)).await;
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    for (scope, expected) in [
        (Scope::All, vec![fleet, of_east, of_node]),
        (Scope::Groups(BTreeSet::from([east])), vec![fleet, of_east]),
        (Scope::Groups(BTreeSet::from([west])), vec![fleet, of_node]),
        (Scope::Groups(BTreeSet::new()), vec![fleet]),
    ] {
        let filter = OverrideFilter::default();
        let page = tx
            .threshold_overrides(&filter, &scope, PageRequest::default())
            .await
            .unwrap();
        let ids: Vec<i64> = page.items.iter().map(|one| one.id).collect();
        assert_eq!(ids, expected, "{scope:?}");
        for id in [fleet, of_east, of_node] {
            let found = tx.threshold_override(id, &scope).await;
            assert_eq!(found.is_ok(), expected.contains(&id), "{scope:?} {id}");
        }
    }
    let all = tx.ruleset().await.unwrap().overrides;
    assert_eq!(all[0].0.value, Some(80.5));
    assert_eq!((all[1].0.value, all[1].1.as_deref()), (None, Some("east")));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let other = threshold(json!({"value": 70}));
    let late = tx.update_threshold_override(fleet, Some(7), &other).await;
    assert!(matches!(late, Err(StoreError::Changed { current: 1 })));
    let (_, after) = tx
        .update_threshold_override(fleet, Some(1), &other)
        .await
        .unwrap();
    assert_eq!((after.value, after.version), (Some(70.0), 2));
    tx.delete_threshold_override(fleet, None).await.unwrap();
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    let left = tx.all_threshold_overrides().await.unwrap();
    assert_eq!(left.len(), 1, "what is about a server goes with it");
}
