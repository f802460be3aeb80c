//! Every change is in the audit trail, with what was changed.

use ipmi_controller::model::Role;
use serde_json::json;

use crate::support::Lab;

#[tokio::test]
async fn each_change_is_written_down_before_and_after() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let made = admin
        .post(
            "/api/v1/servers",
            &json!({"name": "n1", "address": "192.0.2.1"}),
        )
        .await;
    let id = made.body["id"].as_i64().unwrap();
    let path = format!("/api/v1/servers/{id}");
    admin
        .put(&path, &json!({"name": "n1", "address": "192.0.2.2"}))
        .await;
    admin.delete(&path).await;

    let trail = admin
        .get(&format!("/api/v1/audit?resource=servers/{id}"))
        .await;
    let entries = trail.body["items"].as_array().unwrap();
    let actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["server.delete", "server.update", "server.create"]);
    let update = &entries[1];
    assert_eq!(update["actor"], "root");
    assert_eq!(update["source"], "127.0.0.1");
    assert_eq!(update["before"]["address"], "192.0.2.1");
    assert_eq!(update["after"]["address"], "192.0.2.2");
    let verified = admin.post("/api/v1/audit/verify", &json!({})).await;
    assert_eq!(verified.body["intact"], true, "{verified:?}");
    lab.stop().await;
}
