//! What is over goes, what holds stays.

use std::time::Duration;

use super::{Lab, Store};
use crate::housekeeping::{Housekeeping, KEEP_TOKENS};
use crate::model::TokenKind;
use crate::store::{IdempotencyKey, NewToken};

const HOUR: Duration = Duration::from_secs(3600);

/// How many keys and tokens there are after tidying up.
async fn left(store: &Store) -> (i64, i64) {
    Housekeeping::new(store.clone()).tidy().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let counts = tx.table_counts().await.unwrap();
    (counts["idempotency_keys"], counts["tokens"])
}

pub(super) async fn what_is_over_goes_and_what_holds_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let key = IdempotencyKey {
        principal: "user 1".to_owned(),
        key: "k".to_owned(),
        request: vec![1; 32],
    };
    tx.claim_key(&key).await.unwrap();
    let now = tx.now();
    // More than go in one transaction; one that is taken back, one without an end.
    for number in 0..1202_u32 {
        let token = NewToken {
            kind: TokenKind::Access,
            name: "log-in",
            user_id: None,
            family: "f",
            hash: &number.to_be_bytes(),
            scopes: &[],
            subject_id: None,
            expires_at: (number > 1).then(|| now.after(HOUR)),
        };
        let made = tx.insert_token(&token).await.unwrap();
        if number == 1 {
            tx.revoke_token(made.id).await.unwrap();
        }
    }
    tx.commit().await.unwrap();

    assert_eq!(left(&store).await, (1, 1202));
    lab.clock.advance(25 * HOUR);
    assert_eq!(left(&store).await, (0, 1202), "a key holds for a day");
    lab.clock
        .advance(KEEP_TOKENS - 25 * HOUR + Duration::from_millis(1));
    assert_eq!(left(&store).await, (0, 1201), "one was taken back");
    lab.clock.advance(HOUR);
    assert_eq!(left(&store).await, (0, 1), "one never ends");
}
