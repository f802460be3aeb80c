//! Sealed secrets and the master key.

use sqlx::Row;

use super::draft::credential;
use super::{KEY, Lab, OTHER_KEY};
use crate::store::{SealError, Store, StoreError};

pub(super) async fn secrets_are_sealed_and_rotated(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let made = tx
        .insert_credential(&credential("lab", Some("tr0ub4dor")))
        .await
        .unwrap();
    assert!(made.password_set && !made.k_g_set);
    let kept = tx
        .update_credential(made.id, None, &credential("lab2", None))
        .await
        .unwrap()
        .1;
    assert!(kept.password_set, "what is not mentioned stays");
    tx.commit().await.unwrap();
    let count = async |store: &Store| -> i64 {
        let mut tx = store.read().await.unwrap();
        let row = sqlx::query("SELECT COUNT(*) FROM secrets")
            .fetch_one(tx.connection())
            .await
            .unwrap();
        row.get(0)
    };
    assert_eq!(count(&store).await, 1);
    store.close().await;

    let both = format!("{OTHER_KEY}\n{KEY}");
    let store = lab.open_with(&both).await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.rotate_secrets().await.unwrap(), 1);
    assert_eq!(tx.rotate_secrets().await.unwrap(), 0);
    tx.commit().await.unwrap();
    store.close().await;

    let store = lab.open_with(OTHER_KEY).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let row = sqlx::query("SELECT id FROM secrets")
        .fetch_one(tx.connection())
        .await
        .unwrap();
    let id: String = row.get(0);
    assert_eq!(tx.open_secret(&id).await.unwrap().as_slice(), b"tr0ub4dor");
    tx.delete_credential(made.id, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&store).await, 0, "a secret goes with its profile");
}

pub(super) async fn another_master_key_is_refused(lab: Lab) {
    lab.open().await.close().await;
    let error = lab.open_with(OTHER_KEY).await.err().expect("refused");
    assert!(
        matches!(error, StoreError::Seal(SealError::UnknownKey { .. })),
        "{error}"
    );
    lab.open().await.close().await;
}
