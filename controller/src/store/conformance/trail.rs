//! The audit trail.

use super::Lab;
use crate::model::{AuditEvent, PageRequest};
use crate::store::{AuditFilter, ChainReport};

pub(super) async fn the_trail_shows_tampering(lab: Lab) {
    let store = lab.open().await;
    let event = |resource: &str| AuditEvent {
        actor: "root".to_owned(),
        actor_id: Some(1),
        source: Some("192.0.2.1".to_owned()),
        action: "server.create",
        resource: resource.to_owned(),
        before: None,
        after: Some(serde_json::json!({"name": "ü \"quoted\"", "port": 623})),
    };
    let mut tx = store.write().await.unwrap();
    for number in 1..=5 {
        tx.append_audit(&event(&format!("servers/{number}")))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let report = tx.verify_audit().await.unwrap();
    assert_eq!(
        report,
        ChainReport {
            entries: 5,
            broken: None
        }
    );
    let filter = AuditFilter {
        resource: Some("servers/3".to_owned()),
        ..AuditFilter::default()
    };
    let page = tx
        .audit(&filter, false, PageRequest::default())
        .await
        .unwrap();
    assert_eq!((page.total, page.items[0].sequence), (1, 3));
    drop(tx);

    for (tampering, sequence) in [
        ("UPDATE audit SET actor = 'nobody' WHERE sequence = 2", 2),
        (
            "UPDATE audit SET new_value = '{\"name\":\"x\"}' WHERE sequence = 4",
            4,
        ),
        ("DELETE FROM audit WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 5", 5),
    ] {
        let mut tx = store.write().await.unwrap();
        sqlx::query(tampering)
            .execute(tx.connection())
            .await
            .unwrap();
        let broken = tx.verify_audit().await.unwrap().broken.expect(tampering);
        assert_eq!(broken.sequence, sequence, "{tampering}");
    }
}
