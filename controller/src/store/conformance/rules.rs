//! Rules and thresholds.

use serde_json::json;

use super::Lab;
use crate::model::{PageRequest, RuleGroupDraft, RuleGroupFilter, RuleOrigin};
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
