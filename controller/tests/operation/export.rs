//! The audit trail as a file, and what OpenServerHub calls.

use ipmi_controller::model::Role;
use serde_json::{Value, json};

use crate::support::Lab;

#[tokio::test]
async fn the_trail_is_exported_as_it_is_filtered_and_formulas_are_disarmed() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    // More than are read at a time.
    for number in 0..520 {
        let mut tx = lab.store.write().await.expect("the store");
        tx.append_audit(&ipmi_controller::model::AuditEvent {
            actor: "=cmd()".to_owned(),
            actor_id: None,
            source: None,
            action: "test.act",
            resource: format!("things/{number}"),
            before: None,
            after: Some(json!({"text": "a, \"b\""})),
        })
        .await
        .expect("written");
        tx.commit().await.expect("the store");
    }
    admin.post("/api/v1/groups", &json!({"name": "g"})).await;
    let all = admin.get("/api/v1/audit/export?action=test.act").await;
    let entries = all.body.as_array().expect("an array");
    assert_eq!(entries.len(), 520);
    assert_eq!(entries[519]["resource"], "things/519");
    let csv = admin
        .get("/api/v1/audit/export?action=test.act&format=csv")
        .await
        .text;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("CSV")).collect();
    assert_eq!(rows.len(), 520);
    assert_eq!(&rows[0][2], "'=cmd()");
    assert_eq!(&rows[0][8], "{\"text\":\"a, \\\"b\\\"\"}");
    let one = admin.get("/api/v1/audit/export?resource=things/7").await;
    assert_eq!(one.body.as_array().map(Vec::len), Some(1));
    let written = admin.get("/api/v1/audit?action=audit.export").await;
    assert_eq!(written.body["total"], 3, "who took it is in the trail");
    lab.stop().await;
}

#[tokio::test]
async fn openserverhubs_calls_for_the_trail_have_its_fields() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let made = admin.post("/api/v1/groups", &json!({"name": "g"})).await;
    let list = admin
        .get("/api/v1/audit-logs?skip=0&limit=5&resource_type=group&start_date=2026-01-01")
        .await;
    assert_eq!(list.status, 200, "{list:?}");
    assert_eq!(list.body["total"], 1, "{}", list.text);
    assert_eq!(
        (&list.body["skip"], &list.body["limit"]),
        (&json!(0), &json!(5))
    );
    let item = &list.body["items"][0];
    let fields: Vec<&String> = item.as_object().expect("an object").keys().collect();
    assert_eq!(
        fields,
        [
            "action",
            "action_details",
            "created_at",
            "error_message",
            "id",
            "ip_address",
            "operator_id",
            "operator_username",
            "resource_id",
            "resource_name",
            "resource_type",
            "result",
            "status",
            "user_agent"
        ]
    );
    assert_eq!(item["action"], "group.create");
    assert_eq!(item["resource_id"], made.body["id"]);
    assert_eq!(item["operator_username"], "root");
    let summary = admin.get("/api/v1/audit-logs/stats/summary?days=7").await;
    assert!(
        summary.body["total_operations"].as_i64() >= Some(2),
        "{}",
        summary.text
    );
    assert!(
        summary.body["actions_breakdown"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    let csv = admin
        .get("/api/v1/audit-logs/export/csv?action=group.create")
        .await;
    assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
    for bad in [
        "start_date=yesterday",
        "resource_id=7",
        "limit=0",
        "skip=-1",
    ] {
        let refused = admin.get(&format!("/api/v1/audit-logs?{bad}")).await;
        assert_eq!(refused.status, 400, "{bad}");
        assert!(matches!(refused.body["detail"], Value::String(_)), "{bad}");
    }
    lab.stop().await;
}
