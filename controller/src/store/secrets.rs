//! Sealed secrets: the only table that holds any.

use sqlx::Row;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::query::statements;
use super::{Place, SealError, Sealer, StoreError, Tx, WriteTx};
use crate::model::SecretChange;

/// Name of the fact that tells whether the master key is the right one.
const CHECK: &str = "master_key_check";

statements! {
    INSERT = "INSERT INTO secrets (id, purpose, key_id, sealed, updated_ms) VALUES ($1, $2, $3, $4, $5)";
    GET = "SELECT purpose, key_id, sealed FROM secrets WHERE id = $1";
    DELETE = "DELETE FROM secrets WHERE id = $1";
    WITH_OTHER_KEY = "SELECT id, purpose, key_id, sealed FROM secrets WHERE key_id <> $1 ORDER BY id LIMIT 500";
    RESEAL = "UPDATE secrets SET key_id = $1, sealed = $2, updated_ms = $3 WHERE id = $4";
    GET_FACT = "SELECT value FROM facts WHERE name = $1";
    PUT_FACT = "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

impl Tx {
    /// Opens a secret. Anything that shows it to a person or a log is a mistake.
    ///
    /// # Errors
    /// When there is none, or the master key does not open it.
    pub async fn open_secret(&mut self, id: &str) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let row = sqlx::query(GET)
            .bind(id)
            .fetch_optional(self.connection())
            .await?
            .ok_or(StoreError::NotFound { what: "secret" })?;
        let purpose: String = row.try_get("purpose")?;
        let key_id: Vec<u8> = row.try_get("key_id")?;
        let sealed: Vec<u8> = row.try_get("sealed")?;
        let place = Place {
            purpose: &purpose,
            id,
        };
        Ok(self.sealer.open(place, &key_id, &sealed)?)
    }

    /// Opens a secret that is a text. Anything that shows it to a person or a log is
    /// a mistake.
    ///
    /// # Errors
    /// As [`Self::open_secret`].
    pub async fn secret_text(&mut self, id: &str) -> Result<Zeroizing<String>, StoreError> {
        let bytes = self.open_secret(id).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| StoreError::Damaged("a secret is no text".to_owned()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Makes sure that the master key is one that this database was sealed with.
    ///
    /// # Errors
    /// When it is not, or nothing tells.
    pub async fn verify_master_key(&mut self) -> Result<(), StoreError> {
        match self.fact(CHECK).await? {
            Some(check) => open_check(&self.sealer, &check),
            None => Err(StoreError::Damaged(format!("{CHECK} is missing"))),
        }
    }

    pub(super) async fn fact(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(GET_FACT)
            .bind(name)
            .fetch_optional(self.connection())
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }
}

impl WriteTx {
    /// Applies a change to a secret, and gives the number of the row that holds it now.
    pub(super) async fn change_secret(
        &mut self,
        purpose: &str,
        current: Option<String>,
        change: &SecretChange,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        match change {
            SecretChange::Keep => Ok((current, None)),
            SecretChange::Clear => Ok((None, current)),
            SecretChange::Set(secret) => {
                let id = self.put_secret(purpose, secret.as_bytes()).await?;
                Ok((Some(id), current))
            }
        }
    }

    /// Seals a secret in a row of its own, and gives that row's id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_secret(&mut self, purpose: &str, secret: &[u8]) -> Result<String, StoreError> {
        let id = Uuid::now_v7().to_string();
        let place = Place { purpose, id: &id };
        let sealed = self.sealer.seal(place, secret)?;
        let key_id = self.sealer.active().as_bytes().to_vec();
        let now = self.now();
        sqlx::query(INSERT)
            .bind(&id)
            .bind(purpose)
            .bind(key_id)
            .bind(sealed)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        Ok(id)
    }

    /// Takes a secret away; nothing may refer to it any more.
    pub(super) async fn delete_secret(&mut self, id: Option<&str>) -> Result<(), StoreError> {
        if let Some(id) = id {
            sqlx::query(DELETE)
                .bind(id)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Seals up to 500 secrets anew that are under another key than the active
    /// one. Gives how many; zero when the rotation is complete and the old keys
    /// can go.
    ///
    /// # Errors
    /// When a secret is under a key that is not given.
    pub async fn rotate_secrets(&mut self) -> Result<usize, StoreError> {
        let active = self.sealer.active().as_bytes().to_vec();
        let rows = sqlx::query(WITH_OTHER_KEY)
            .bind(active.clone())
            .fetch_all(self.connection())
            .await?;
        let count = rows.len();
        for row in rows {
            let id: String = row.try_get("id")?;
            let purpose: String = row.try_get("purpose")?;
            let key_id: Vec<u8> = row.try_get("key_id")?;
            let sealed: Vec<u8> = row.try_get("sealed")?;
            let place = Place {
                purpose: &purpose,
                id: &id,
            };
            let secret = self.sealer.open(place, &key_id, &sealed)?;
            let sealed = self.sealer.seal(place, &secret)?;
            let now = self.now();
            sqlx::query(RESEAL)
                .bind(active.clone())
                .bind(sealed)
                .bind(now.0)
                .bind(id)
                .execute(self.connection())
                .await?;
        }
        if count == 0 {
            self.write_check().await?;
        }
        Ok(count)
    }

    /// Makes sure that the master key is one that this database was sealed with;
    /// an empty database takes the key that is given.
    pub(super) async fn check_master_key(&mut self) -> Result<(), StoreError> {
        let Some(check) = self.fact(CHECK).await? else {
            return self.write_check().await;
        };
        open_check(&self.sealer, &check)
    }

    async fn write_check(&mut self) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(CHECK_PLACE, CHECK.as_bytes())?;
        let value = format!("{}:{}", self.sealer.active(), hex::encode(sealed));
        self.put_fact(CHECK, &value).await
    }

    pub(super) async fn put_fact(
        &mut self,
        name: &'static str,
        value: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(PUT_FACT)
            .bind(name)
            .bind(value.to_owned())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// Opens what tells whether a master key is the right one.
pub(super) fn open_check(sealer: &Sealer, check: &str) -> Result<(), StoreError> {
    let damaged = || StoreError::Damaged(format!("{CHECK} is not what was written"));
    let (key_id, sealed) = check.split_once(':').ok_or_else(damaged)?;
    let key_id = hex::decode(key_id).map_err(|_| damaged())?;
    let sealed = hex::decode(sealed).map_err(|_| damaged())?;
    let opened = sealer.open(CHECK_PLACE, &key_id, &sealed)?;
    if opened.as_slice() == CHECK.as_bytes() {
        Ok(())
    } else {
        Err(SealError::Damaged.into())
    }
}

const CHECK_PLACE: Place<'static> = Place {
    purpose: CHECK,
    id: "",
};
