//! Versions of what is published.

use super::{Lab, NOON};
use crate::model::{
    Artefact, AuditEvent, PageRequest, SyncChange, SyncCounts, SyncFilter, SyncKey, SyncOutcome,
    SyncReason, SyncState,
};
use crate::store::{NewSyncVersion, StoreError};

fn targets(server: &str) -> SyncKey {
    SyncKey::new(Artefact::PrometheusTargets, server)
}

fn sync_version<'a>(
    key: &'a SyncKey,
    content: &'a [u8],
    diff: &'a [SyncChange],
) -> NewSyncVersion<'a> {
    NewSyncVersion {
        key,
        revision: 7,
        author: None,
        reason: SyncReason::Change,
        digest: [9; 32],
        counts: SyncCounts {
            entries: 3,
            added: 1,
            removed: 0,
            changed: 2,
        },
        diff,
        content,
    }
}

pub(super) async fn versions_are_kept_with_author_and_content(lab: Lab) {
    let store = lab.open().await;
    let artefact = &targets("prometheus");
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.sync_state(artefact).await.unwrap(), SyncState::default());
    assert_eq!(tx.latest_sync_version(artefact).await.unwrap(), None);
    let revision = tx.revision().await.unwrap();
    for (actor, resource) in [
        ("eve", "servers/1"),
        ("root", "exporters/1"),
        ("mallory", "users/1"),
        ("anna", "rules/1"),
        ("bert", "thresholds/1"),
        ("eve", "servers/2"),
    ] {
        let event = AuditEvent {
            actor: actor.to_owned(),
            actor_id: None,
            source: None,
            action: "server.create",
            resource: resource.to_owned(),
            before: None,
            after: None,
        };
        tx.append_audit(&event).await.unwrap();
    }
    let diff = [SyncChange {
        server_id: Some(1),
        rule: None,
        before: None,
        after: Some(serde_json::json!({"a": 1})),
    }];
    let first = tx
        .insert_sync_version(&sync_version(artefact, b"one", &diff))
        .await
        .unwrap();
    assert_eq!(
        first.author, "anna, bert, eve, root",
        "who changed what is published"
    );
    assert_eq!(
        (first.outcome, first.is_kept),
        (SyncOutcome::Published, true)
    );
    assert_eq!((first.counts.changed, first.created_at), (2, NOON));
    let second = tx
        .insert_sync_version(&sync_version(artefact, b"two", &[]))
        .await
        .unwrap();
    assert_eq!(second.author, "controller", "nobody since then");
    tx.settle_sync_version(second.id, SyncOutcome::Refused, "why")
        .await
        .unwrap();
    let state = SyncState {
        published_id: Some(first.id),
        good_id: Some(first.id),
        is_held: true,
        confirmed_revision: Some(3),
        confirmed_by: Some("root".to_owned()),
    };
    for state in [SyncState::default(), state.clone()] {
        tx.set_sync_state(artefact, &state).await.unwrap();
        assert_eq!(tx.sync_state(artefact).await.unwrap(), state);
    }
    tx.commit().await.unwrap();

    let mut tx = store.read().await.unwrap();
    assert_eq!(
        tx.revision().await.unwrap(),
        revision,
        "publishing is no change of what is desired"
    );
    assert_eq!(tx.sync_content(first.id).await.unwrap(), b"one");
    assert_eq!(tx.sync_diff(first.id).await.unwrap(), diff);
    let latest = tx.latest_sync_version(artefact).await.unwrap().unwrap();
    assert_eq!(latest.id, second.id);
    assert_eq!(latest.outcome, SyncOutcome::Refused);
    assert_eq!(latest.outcome_detail, "why");
    assert_eq!(latest.settled_at, Some(NOON));
    assert_eq!(latest.digest, "09".repeat(32));
    let page = tx
        .sync_versions(&SyncFilter::default(), PageRequest::default())
        .await
        .unwrap();
    assert_eq!((page.total, page.items[1].id), (2, first.id));
    for missing in [
        tx.sync_content(99).await.err(),
        tx.sync_diff(99).await.err(),
    ] {
        assert!(matches!(missing, Some(StoreError::NotFound { .. })));
    }
}

pub(super) async fn artefacts_and_servers_have_versions_of_their_own(lab: Lab) {
    let store = lab.open().await;
    let keys = [
        targets("east"),
        targets("west"),
        SyncKey::new(Artefact::PrometheusRules, "east"),
    ];
    let mut tx = store.write().await.unwrap();
    for (number, key) in (1..).zip(&keys) {
        let made = tx
            .insert_sync_version(&sync_version(key, b"x", &[]))
            .await
            .unwrap();
        assert_eq!(
            (made.artefact, made.server.as_str()),
            (key.artefact, key.server.as_str())
        );
        let state = SyncState {
            published_id: Some(made.id),
            confirmed_revision: Some(number),
            ..SyncState::default()
        };
        tx.set_sync_state(key, &state).await.unwrap();
    }
    let withdrawn = NewSyncVersion {
        reason: SyncReason::Withdrawn,
        ..sync_version(&keys[0], b"y", &[])
    };
    tx.insert_sync_version(&withdrawn).await.unwrap();
    for (number, key) in (1..).zip(&keys) {
        let state = tx.sync_state(key).await.unwrap();
        assert_eq!(state.confirmed_revision, Some(number));
        let latest = tx.latest_sync_version(key).await.unwrap().unwrap();
        assert_eq!(
            Some(latest.id),
            state.published_id,
            "nobody wanted the other"
        );
        let filter = SyncFilter {
            artefact: Some(key.artefact),
            server: Some(key.server.clone()),
        };
        let page = tx.sync_versions(&filter, PageRequest::default()).await;
        let expected = if number == 1 { 2 } else { 1 };
        assert_eq!(page.unwrap().total, expected);
    }
}

pub(super) async fn old_content_is_forgotten_but_not_what_is_published(lab: Lab) {
    let store = lab.open().await;
    let key = &targets("prometheus");
    let mut tx = store.write().await.unwrap();
    let other = tx
        .insert_sync_version(&sync_version(&targets("other"), b"x", &[]))
        .await
        .unwrap();
    let mut ids = Vec::new();
    for number in 0..60 {
        let made = tx
            .insert_sync_version(&sync_version(key, b"x", &[]))
            .await
            .unwrap();
        ids.push(made.id);
        if number == 0 {
            let state = SyncState {
                good_id: Some(made.id),
                ..SyncState::default()
            };
            tx.set_sync_state(key, &state).await.unwrap();
        }
    }
    assert!(tx.sync_content(other.id).await.is_ok(), "of another server");
    assert!(tx.sync_content(ids[0]).await.is_ok(), "the good one");
    assert!(matches!(
        tx.sync_content(ids[1]).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(!tx.sync_version(ids[1]).await.unwrap().is_kept);
    assert!(tx.sync_content(ids[59]).await.is_ok());
}
