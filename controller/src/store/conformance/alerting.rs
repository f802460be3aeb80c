//! Receivers, routes and what belongs to them; sealed versions; Alertmanager's token.

use serde_json::{Value, json};
use sqlx::Row;

use super::Lab;
use crate::model::alerting::{
    Inhibition, InhibitionDraft, NotificationTemplate, NotificationTemplateDraft, Receiver,
    ReceiverDraft, Route, TimeInterval, TimeIntervalDraft,
};
use crate::model::{
    Artefact, NameSort, PageRequest, Sort, SyncCounts, SyncKey, SyncReason, SyncState, TokenKind,
};
use crate::store::{AlertingPart, NewSyncVersion, Store, StoreError};

fn receiver(name: &str, secrets: &Value) -> ReceiverDraft {
    let body = json!({"name": name, "integrations": [
        {"key": "hook", "settings": {"type": "webhook"}, "secrets": secrets}]});
    ReceiverDraft::parse(&serde_json::from_value(body).unwrap()).unwrap()
}

fn interval(name: &str) -> TimeIntervalDraft {
    let body = json!({"name": name, "spans": [{"weekdays": ["sunday"]}]});
    TimeIntervalDraft::parse(&serde_json::from_value(body).unwrap()).unwrap()
}

fn tree(receiver: &str, interval: &str) -> Route {
    let route = json!({"receiver": receiver, "routes": [{"mute_time_intervals": [interval]}]});
    serde_json::from_value(route).unwrap()
}

async fn secrets(store: &Store) -> i64 {
    let mut tx = store.read().await.unwrap();
    let row = sqlx::query("SELECT COUNT(*) FROM secrets")
        .fetch_one(tx.connection())
        .await
        .unwrap();
    row.get(0)
}

async fn names<P: AlertingPart>(store: &Store, name: impl Fn(&P) -> &str) -> Vec<String> {
    let mut tx = store.read().await.unwrap();
    let sort = Sort {
        key: NameSort::Name,
        descending: false,
    };
    let page = tx
        .alerting_parts::<P>(None, sort, PageRequest::default())
        .await
        .unwrap();
    page.items
        .iter()
        .map(|part| name(part).to_owned())
        .collect()
}

pub(super) async fn receivers_and_what_names_them_stay_together(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let given = json!({"url": "https://hooks.example.org/x", "bearer_token": "t0ken"});
    let made = tx
        .insert_alerting_part(&receiver("ops", &given))
        .await
        .unwrap();
    let quiet = tx.insert_alerting_part(&interval("quiet")).await.unwrap();
    assert!(matches!(
        tx.set_route_tree(None, &tree("nobody", "never")).await,
        Err(StoreError::Invalid(found)) if found.len() == 2
    ));
    let (before, after) = tx
        .set_route_tree(Some(0), &tree("ops", "quiet"))
        .await
        .unwrap();
    assert_eq!((before.version, after.version), (0, 1));
    tx.commit().await.unwrap();
    assert_eq!(secrets(&store).await, 2);
    let revision = *store.revisions().borrow();

    let mut tx = store.write().await.unwrap();
    assert!(matches!(
        tx.set_route_tree(Some(0), &Route::default()).await,
        Err(StoreError::Changed { current: 1 })
    ));
    assert!(matches!(
        tx.delete_alerting_part::<Receiver>(made.id, None).await,
        Err(StoreError::InUse {
            count: 1,
            users: "routes"
        })
    ));
    assert!(matches!(
        tx.delete_alerting_part::<TimeInterval>(quiet.id, None)
            .await,
        Err(StoreError::InUse { .. })
    ));
    let renewed = json!({"url": "https://hooks.example.org/y"});
    let (old, new) = tx
        .update_alerting_part(made.id, Some(1), &receiver("night", &renewed))
        .await
        .unwrap();
    let place = |receiver: &Receiver, name: &str| receiver.integrations[0].secrets[name].clone();
    assert_eq!(place(&old, "bearer_token"), place(&new, "bearer_token"));
    assert_ne!(place(&old, "url"), place(&new, "url"));
    tx.update_alerting_part(quiet.id, None, &interval("sundays"))
        .await
        .unwrap();
    assert_eq!(
        tx.route_tree().await.unwrap().route,
        tree("night", "sundays")
    );
    let all = tx.alerting().await.unwrap();
    assert_eq!(all.check(), Ok(()));
    let vault = tx
        .alerting_vault(&all.receivers, &all.settings)
        .await
        .unwrap();
    assert_eq!(
        vault[&place(&new, "url").id].as_str(),
        "https://hooks.example.org/y"
    );
    tx.commit().await.unwrap();
    assert_eq!(secrets(&store).await, 2, "the old address is gone");
    assert_eq!(*store.revisions().borrow(), revision + 1);

    let mut tx = store.write().await.unwrap();
    tx.set_route_tree(None, &Route::default()).await.unwrap();
    tx.delete_alerting_part::<Receiver>(made.id, None)
        .await
        .unwrap();
    tx.delete_alerting_part::<TimeInterval>(quiet.id, None)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(secrets(&store).await, 0);
}

pub(super) async fn parts_of_each_kind_have_names_of_their_own(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let matcher = json!([{"name": "a", "value": "b"}]);
    let held = json!({"name": "x", "source": matcher, "target": matcher, "equal": ["rack"]});
    let held = InhibitionDraft::parse(&serde_json::from_value(held).unwrap()).unwrap();
    let held = tx.insert_alerting_part(&held).await.unwrap();
    assert_eq!(
        (held.equal.as_slice(), held.enabled),
        (&["rack".to_owned()][..], true)
    );
    let text = json!({"name": "x", "content": "{{ define \"x\" }}{{ end }}"});
    let text = NotificationTemplateDraft::parse(&serde_json::from_value(text).unwrap()).unwrap();
    let made = tx.insert_alerting_part(&text).await.unwrap();
    tx.insert_alerting_part(&interval("x")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert!(matches!(
        tx.insert_alerting_part(&interval("x")).await,
        Err(StoreError::Taken {
            what: "time interval",
            field: "name"
        })
    ));
    drop(tx);
    let mut tx = store.read().await.unwrap();
    assert!(matches!(
        tx.alerting_part::<Inhibition>(made.id).await,
        Err(StoreError::NotFound { what: "inhibition" })
    ));
    drop(tx);
    assert_eq!(names::<Inhibition>(&store, |it| &it.name).await, ["x"]);
    assert_eq!(names::<TimeInterval>(&store, |it| &it.name).await, ["x"]);
    assert_eq!(
        names::<NotificationTemplate>(&store, |it| &it.name).await,
        ["x"]
    );
}

pub(super) async fn a_version_with_secrets_is_sealed_and_forgotten(lab: Lab) {
    let store = lab.open().await;
    let key = SyncKey::new(Artefact::AlertmanagerConfig, "alertmanager");
    let mut ids = Vec::new();
    for nth in 0..52 {
        let mut tx = store.write().await.unwrap();
        let content = format!("routing_key: 's3cret {nth}'");
        let version = tx
            .insert_sync_version(&NewSyncVersion {
                key: &key,
                revision: 1,
                author: Some("root"),
                reason: SyncReason::Change,
                digest: [1; 32],
                counts: SyncCounts::default(),
                diff: &[],
                content: content.as_bytes(),
            })
            .await
            .unwrap();
        assert!(version.is_kept);
        if nth == 0 {
            let state = SyncState {
                published_id: Some(version.id),
                ..SyncState::default()
            };
            tx.set_sync_state(&key, &state).await.unwrap();
        }
        tx.commit().await.unwrap();
        ids.push(version.id);
    }
    let mut tx = store.read().await.unwrap();
    let content = tx.sync_content(ids[0]).await.unwrap();
    assert_eq!(content, b"routing_key: 's3cret 0'", "it is published");
    assert!(tx.sync_content(ids[1]).await.is_err(), "too old");
    assert!(!tx.sync_version(ids[1]).await.unwrap().is_kept);
    assert!(tx.sync_content(ids[2]).await.is_ok());
    drop(tx);
    assert_eq!(secrets(&store).await, 51);
}

pub(super) async fn alertmanagers_token_is_kept_until_it_is_taken_back(lab: Lab) {
    let store = lab.open().await;
    let keep = async |text: &str| {
        let mut tx = store.write().await.unwrap();
        tx.keep_alertmanager_uplink(text, &[7; 32]).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read().await.unwrap();
        tx.alertmanager_uplink().await.unwrap().unwrap().1
    };
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.alertmanager_uplink().await.unwrap(), None);
    drop(tx);
    assert_eq!(keep("one").await.as_str(), "one");
    assert_eq!(keep("two").await.as_str(), "one");
    let mut tx = store.write().await.unwrap();
    let tokens = tx.tokens(None, PageRequest::default()).await.unwrap();
    assert_eq!(tokens.items[0].kind, TokenKind::Inlet);
    tx.revoke_token(tokens.items[0].id).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.keep_alertmanager_uplink("three", &[8; 32])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let (_, text) = tx.alertmanager_uplink().await.unwrap().unwrap();
    assert_eq!(text.as_str(), "three");
    drop(tx);
    assert_eq!(secrets(&store).await, 1);
}
