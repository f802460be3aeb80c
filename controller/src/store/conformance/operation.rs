//! What the controller does on a schedule, and people of a provider.

use super::draft::{group, user};
use super::{Lab, NOON};
use crate::model::{AuditEvent, PageRequest, Role, RunKind};
use crate::store::{AuditFilter, NewRun};

pub(super) async fn runs_are_noted_by_kind(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    for (kind, name, failure) in [
        (RunKind::Backup, "a", None),
        (RunKind::Backup, "", Some("disk full")),
        (RunKind::Snapshot, "a_1/s", None),
        (RunKind::Snapshot, "ab1/", Some("refused")),
    ] {
        tx.insert_run(&NewRun {
            kind,
            name,
            failure,
            bytes: 7,
            started_at: NOON,
        })
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let (last, last_good) = tx.last_runs(RunKind::Backup, "").await.unwrap();
    let (last, last_good) = (last.unwrap(), last_good.unwrap());
    assert_eq!((last.is_ok, last.detail.as_str()), (false, "disk full"));
    assert_eq!((last_good.name.as_str(), last_good.bytes), ("a", 7));
    let (last, last_good) = tx.last_runs(RunKind::Snapshot, "a_1/").await.unwrap();
    assert_eq!(last, last_good, "the underscore is no wildcard");
    assert_eq!(last.unwrap().name, "a_1/s");
    let (last, last_good) = tx.last_runs(RunKind::Snapshot, "ab1/").await.unwrap();
    assert_eq!(last.unwrap().detail, "refused");
    assert_eq!(last_good, None);
    let good = tx.good_runs(RunKind::Snapshot, "", 9).await.unwrap();
    assert_eq!((good.len(), good[0].name.as_str()), (1, "a_1/s"));
    let page = tx
        .runs(RunKind::Snapshot, PageRequest::default())
        .await
        .unwrap();
    assert_eq!((page.total, page.items[1].name.as_str()), (2, "a_1/s"));
    assert!(tx.database_bytes().await.unwrap() > 0);
    let counts = tx.table_counts().await.unwrap();
    assert_eq!(counts.get("runs"), Some(&4));
    assert!(tx.schema_version().await.unwrap().is_some());
    tx.verify_master_key().await.unwrap();
}

pub(super) async fn a_providers_person_is_one_user(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    assert_eq!(tx.group_by_name("east").await.unwrap(), Some(east));
    assert_eq!(tx.group_by_name("west").await.unwrap(), None);
    let eve = tx
        .insert_user(&user("eve", Role::Viewer, None), "hash")
        .await
        .unwrap();
    tx.insert_identity("https://id", "7", eve.id).await.unwrap();
    let find = ("https://id", "7");
    assert_eq!(
        tx.user_by_identity(find.0, find.1).await.unwrap(),
        Some(eve.id)
    );
    assert_eq!(
        tx.user_by_identity("https://other", "7").await.unwrap(),
        None
    );
    tx.delete_user(eve.id, None).await.unwrap();
    assert_eq!(tx.user_by_identity(find.0, find.1).await.unwrap(), None);
}

pub(super) async fn the_trail_is_read_in_its_order_and_counted(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    for (actor, resource) in [("a", "servers/1"), ("b", "servers_x/2"), ("a", "servers/3")] {
        let event = AuditEvent {
            actor: actor.to_owned(),
            actor_id: Some(1),
            source: None,
            action: "x.do",
            resource: resource.to_owned(),
            before: None,
            after: None,
        };
        tx.append_audit(&event).await.unwrap();
    }
    let filter = AuditFilter {
        resource_kind: Some("servers".to_owned()),
        actor_id: Some(1),
        ..AuditFilter::default()
    };
    let after = tx.audit_after(1, &filter, 10).await.unwrap();
    let found: Vec<i64> = after.iter().map(|entry| entry.sequence).collect();
    assert_eq!(found, [3], "the underscore is no wildcard");
    let counts = tx.audit_counts(NOON, 10).await.unwrap();
    assert_eq!(counts.total, 3);
    assert_eq!(counts.actions, [("x.do".to_owned(), 3)]);
    assert_eq!(counts.actors, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!(tx.audit_head().await.unwrap().0, 3);
}
