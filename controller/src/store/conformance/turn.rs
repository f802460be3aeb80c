//! Changes at the same time happen one after the other.

use std::future::Future;
use std::time::Duration;

use sqlx::Row;
use tokio::task::JoinHandle;

use super::draft::{server, user};
use super::{Kind, Lab, Store};
use crate::model::{OverrideBody, OverrideDraft, Role, Scope};
use crate::store::{Session, StoreError};

/// Starts a change, and returns when it waits for one that is under way. SQLite
/// does not even let it begin.
async fn meanwhile<F>(store: &Store, change: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = tokio::spawn(change);
    if store.kind() == Kind::Postgres {
        let waiting = async {
            loop {
                let mut tx = store.read().await.unwrap();
                let row = sqlx::query("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
                    .fetch_one(tx.connection())
                    .await
                    .unwrap();
                if row.get::<i64, _>(0) > 0 || task.is_finished() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, waiting).await.unwrap();
    }
    task
}

pub(super) async fn a_change_is_not_lost_to_one_at_the_same_time(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let made = tx.insert_server(&server("a", |_| ())).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    let first = server("a", |body| body.rack = "r1".to_owned());
    tx.update_server(made.id, Some(1), &first, &Scope::All)
        .await
        .unwrap();
    let late = meanwhile(&store, {
        let store = store.clone();
        async move {
            let second = server("a", |body| body.rack = "r2".to_owned());
            let mut tx = store.write().await.unwrap();
            let rows = tx.update_server(made.id, Some(1), &second, &Scope::All);
            rows.await.map(|(_, after)| after.version)
        }
    })
    .await;
    tx.commit().await.unwrap();
    let late = late.await.unwrap();
    assert!(
        matches!(late, Err(StoreError::Changed { current: 2 })),
        "{late:?}"
    );

    // A change of many goes on from what the other one made of it.
    let mut tx = store.write().await.unwrap();
    let moved = server("a", |body| body.rack = "r3".to_owned());
    tx.update_server(made.id, None, &moved, &Scope::All)
        .await
        .unwrap();
    let many = meanwhile(&store, {
        let store = store.clone();
        async move {
            let mut session = Session::begin(&store, false).await.unwrap();
            let found = session.tx().server(made.id, &Scope::All).await;
            found.map(|server| server.rack).unwrap()
        }
    })
    .await;
    tx.commit().await.unwrap();
    assert_eq!(many.await.unwrap(), "r3");
}

pub(super) async fn a_check_holds_until_the_change(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let mut admins = Vec::new();
    for name in ["anna", "bert"] {
        let draft = user(name, Role::Admin, None);
        admins.push(tx.insert_user(&draft, "hash").await.unwrap().id);
    }
    tx.commit().await.unwrap();

    let [anna, bert] = <[i64; 2]>::try_from(admins).unwrap();
    let mut tx = store.write().await.unwrap();
    let demoted = user("anna", Role::Viewer, None);
    tx.update_user(anna, None, &demoted).await.unwrap();
    let late = meanwhile(&store, {
        let store = store.clone();
        async move {
            let mut tx = store.write().await.unwrap();
            let deleted = tx.delete_user(bert, None).await;
            deleted.map(|user| user.id)
        }
    })
    .await;
    tx.commit().await.unwrap();
    let late = late.await.unwrap();
    assert!(matches!(late, Err(StoreError::LastAdmin)), "{late:?}");

    let body: OverrideBody = serde_json::from_value(serde_json::json!({
        "kind": "temperature", "bound": "upper", "level": "critical", "value": 80.0,
        "sensor": "CPU Temp"
    }))
    .unwrap();
    let draft = OverrideDraft::parse(&body).unwrap();
    let mut tx = store.write().await.unwrap();
    tx.insert_threshold_override(&draft).await.unwrap();
    let late = meanwhile(&store, {
        let store = store.clone();
        async move {
            let mut tx = store.write().await.unwrap();
            let made = tx.insert_threshold_override(&draft).await;
            made.map(|made| made.id)
        }
    })
    .await;
    tx.commit().await.unwrap();
    let late = late.await.unwrap();
    assert!(matches!(late, Err(StoreError::Taken { .. })), "{late:?}");
}
