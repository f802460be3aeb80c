//! Rules and thresholds.

use std::collections::BTreeSet;

use serde_json::json;

use super::Lab;
use super::draft::{group, server};
use crate::model::{
    OverrideDraft, OverrideFilter, PageRequest, RuleGroupDraft, RuleGroupFilter, RuleOrigin, Scope,
    shipped_rule_group,
};
use crate::render::rule_groups;
use crate::store::StoreError;

#[expect(clippy::needless_pass_by_value, reason = "literals are handed over")]
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

#[expect(clippy::needless_pass_by_value, reason = "literals are handed over")]
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

    // What cannot be read is not told as absent.
    let node = tx.insert_server(&server("n2", |_| ())).await.unwrap();
    let about = threshold(json!({"server_id": node.id}));
    let about = tx.insert_threshold_override(&about).await.unwrap();
    sqlx::query("UPDATE servers SET tags = '{' WHERE id = $1")
        .bind(node.id)
        .execute(tx.connection())
        .await
        .unwrap();
    let found = tx.threshold_override(about.id, &Scope::All).await;
    assert!(matches!(found, Err(StoreError::Damaged(_))), "{found:?}");
}

pub(super) async fn shipped_groups_are_kept_up_to_date(lab: Lab) {
    let new = shipped_rule_group("ipmi-voltage").unwrap();
    let mut old = new.clone();
    old.rules[0].expr = "ipmi_voltage_volts > 13".to_owned();
    old.rules.truncate(1);
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let (before, made) = tx.install_rule_group(&old).await.unwrap().unwrap();
    assert_eq!((before, made.origin), (None, RuleOrigin::Default));
    assert!(!made.is_changed && !made.update_available);
    assert_eq!(
        tx.install_rule_group(&old).await.unwrap(),
        None,
        "nothing to do"
    );
    // Nobody has changed the text, so the new one takes its place; what is disabled
    // stays so.
    let mut off = old.clone();
    off.enabled = false;
    off.rules[0].enabled = false;
    tx.update_rule_group(made.id, None, &off).await.unwrap();
    let (_, updated) = tx.install_rule_group(new).await.unwrap().unwrap();
    assert_eq!(
        (updated.id, updated.rules.len()),
        (made.id, new.rules.len())
    );
    let enabled: Vec<bool> = updated.rules.iter().map(|rule| rule.enabled).collect();
    assert_eq!((updated.enabled, enabled), (false, vec![false, true]));
    assert!(!updated.is_changed);
    assert!(matches!(
        tx.delete_rule_group(made.id, None).await,
        Err(StoreError::Shipped)
    ));
    drop(tx);

    // A text that somebody has changed stays, and the update is told.
    let mut tx = store.write().await.unwrap();
    let (_, made) = tx.install_rule_group(&old).await.unwrap().unwrap();
    let mut own = old.clone();
    own.rules[0].expr = "ipmi_voltage_volts > 14".to_owned();
    let (_, changed) = tx.update_rule_group(made.id, None, &own).await.unwrap();
    assert!(changed.is_changed && changed.update_available);
    assert_eq!(tx.install_rule_group(new).await.unwrap(), None);
    let late = tx.reset_rule_group(made.id, Some(1)).await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
    let (_, reset) = tx.reset_rule_group(made.id, Some(2)).await.unwrap();
    assert_eq!(reset.rules, new.rules);
    assert!(!reset.is_changed && !reset.update_available);
    drop(tx);

    // A group of the same name that somebody has made stays.
    let mut tx = store.write().await.unwrap();
    tx.insert_rule_group(&own).await.unwrap();
    let (_, beside) = tx.install_rule_group(&old).await.unwrap().unwrap();
    assert_eq!(beside.name, "ipmi-voltage (default)");
    assert!(!beside.is_changed);
    let (_, updated) = tx.install_rule_group(new).await.unwrap().unwrap();
    assert_eq!((updated.name, updated.is_changed), (beside.name, false));
    let other = tx
        .insert_rule_group(&draft("other", json!({})))
        .await
        .unwrap();
    assert!(matches!(
        tx.reset_rule_group(other.id, None).await,
        Err(StoreError::NotShipped)
    ));
}
