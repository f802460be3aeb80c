//! Users and their tokens.

use std::collections::BTreeSet;

use super::draft::{group, user};
use super::{Lab, NOON};
use crate::model::{Role, Scope, TokenKind};
use crate::store::{NewToken, StoreError};

pub(super) async fn the_last_admin_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let root = tx
        .insert_user(&user("root", Role::Admin, None), "hash")
        .await
        .unwrap();
    let limited = user("eve", Role::Viewer, Some(BTreeSet::from([east])));
    let eve = tx.insert_user(&limited, "hash").await.unwrap();
    assert_eq!(eve.scope(), Scope::Groups(BTreeSet::from([east])));
    let demoted = user("root", Role::Viewer, None);
    assert!(matches!(
        tx.update_user(root.id, None, &demoted).await,
        Err(StoreError::LastAdmin)
    ));
    assert!(matches!(
        tx.delete_user(root.id, None).await,
        Err(StoreError::LastAdmin)
    ));
    tx.insert_user(&user("second", Role::Admin, None), "hash")
        .await
        .unwrap();
    tx.delete_user(root.id, None).await.unwrap();
    assert_eq!(tx.count_users().await.unwrap(), 2);
    tx.delete_group(east, None, &Scope::All).await.unwrap();
    let eve = tx.user(eve.id).await.unwrap();
    assert_eq!(
        eve.scope(),
        Scope::Groups(BTreeSet::new()),
        "sees nothing, not everything"
    );
}

pub(super) async fn tokens_end_together(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let owner = tx
        .insert_user(&user("a", Role::Viewer, None), "hash")
        .await
        .unwrap();
    let mut make = async |kind: TokenKind, hash: &[u8]| {
        let new = NewToken {
            kind,
            name: "t",
            user_id: Some(owner.id),
            family: "f",
            hash,
            scopes: &[],
            subject_id: None,
            expires_at: Some(NOON.after(std::time::Duration::from_secs(60))),
        };
        tx.insert_token(&new).await.unwrap().id
    };
    let refresh = make(TokenKind::Refresh, b"1").await;
    make(TokenKind::Access, b"2").await;
    assert!(tx.use_up_token(refresh).await.unwrap());
    assert!(!tx.use_up_token(refresh).await.unwrap(), "once");
    tx.revoke_family("f").await.unwrap();
    let found = tx.token_by_hash(b"2").await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(NOON));
    assert!(tx.token_by_hash(b"3").await.unwrap().is_none());
    let later = NOON.after(std::time::Duration::from_secs(61));
    assert_eq!(tx.forget_tokens(NOON).await.unwrap(), 0);
    assert_eq!(tx.forget_tokens(later).await.unwrap(), 2);
    assert_eq!(tx.forget_tokens(later).await.unwrap(), 0);
}
