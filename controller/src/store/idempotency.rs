//! Answers that were given to requests with an idempotency key.
//!
//! The key is taken in the transaction of the change itself: what was not changed
//! has no answer, and of two requests with one key the second waits for the first.

use std::time::Duration;

use sqlx::Row;

use super::query::statements;
use super::{Place, StoreError, WriteTx};

/// How long a key is remembered.
pub const KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

statements! {
    FORGET = "DELETE FROM idempotency_keys WHERE created_ms < $1";
    // The status of an answer that is not written yet; no other transaction sees it.
    CLAIM = "INSERT INTO idempotency_keys (principal, key, key_id, request, status, body, \
             created_ms) VALUES ($1, $2, $3, $4, 0, '', $5) \
             ON CONFLICT (principal, key) DO NOTHING";
    GET = "SELECT key_id, request, status, etag, location, body FROM idempotency_keys \
           WHERE principal = $1 AND key = $2";
    KEEP = "UPDATE idempotency_keys SET status = $1, etag = $2, location = $3, body = $4 \
            WHERE principal = $5 AND key = $6";
}

/// Whose key it is, and for what it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who asks.
    pub principal: String,
    /// The key, which they chose.
    pub key: String,
    /// SHA-256 of the request.
    pub request: Vec<u8>,
}

impl IdempotencyKey {
    fn place(&self) -> Place<'_> {
        Place {
            purpose: "idempotency",
            id: &self.key,
        }
    }
}

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Its ETag.
    pub etag: Option<String>,
    /// Where the new resource is.
    pub location: Option<String>,
    /// Its body, JSON.
    pub body: String,
}

/// What becomes of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is new: go on.
    New,
    /// It was answered already.
    Answered(KeptAnswer),
    /// The key was used for something else.
    Other,
}

impl WriteTx {
    /// Forgets keys whose time is over, with their answers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_keys(&mut self) -> Result<u64, StoreError> {
        let before = self.now().before(KEY_LIFE);
        let done = sqlx::query(FORGET)
            .bind(before.0)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }

    /// Takes a key, or finds what was answered to it. Waits for its turn first, as
    /// all that use keys change what operators own: two that wait for each other's
    /// key and turn would wait for ever.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_key(&mut self, key: &IdempotencyKey) -> Result<Claim, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        self.forget_keys().await?;
        let sealed = self.sealer.seal(key.place(), &key.request)?;
        let key_id = self.sealer.active().as_bytes().to_vec();
        let claimed = sqlx::query(CLAIM)
            .bind(&key.principal)
            .bind(&key.key)
            .bind(key_id)
            .bind(sealed)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        if claimed.rows_affected() > 0 {
            return Ok(Claim::New);
        }
        let row = sqlx::query(GET)
            .bind(&key.principal)
            .bind(&key.key)
            .fetch_one(self.connection())
            .await?;
        let key_id: Vec<u8> = row.try_get("key_id")?;
        let sealed: Vec<u8> = row.try_get("request")?;
        // A master key that is gone since cannot say that it is the same.
        let same = self.sealer.open(key.place(), &key_id, &sealed);
        if same.is_ok_and(|request| *request == key.request) {
            let status: i64 = row.try_get("status")?;
            return Ok(Claim::Answered(KeptAnswer {
                status: u16::try_from(status)
                    .map_err(|_| StoreError::Damaged(format!("status {status}")))?,
                etag: row.try_get("etag")?,
                location: row.try_get("location")?,
                body: row.try_get("body")?,
            }));
        }
        Ok(Claim::Other)
    }

    /// Keeps the answer to a key that was claimed in this transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_answer(
        &mut self,
        key: &IdempotencyKey,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        sqlx::query(KEEP)
            .bind(i64::from(answer.status))
            .bind(answer.etag.as_deref())
            .bind(answer.location.as_deref())
            .bind(&answer.body)
            .bind(&key.principal)
            .bind(&key.key)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
