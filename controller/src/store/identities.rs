//! Whom an OpenID Connect provider's people are here.

use sqlx::Row;

use super::query::statements;
use super::{StoreError, Tx, WriteTx};
use crate::model::Id;

statements! {
    GET = "SELECT user_id FROM user_identities WHERE issuer = $1 AND subject = $2";
    INSERT = "INSERT INTO user_identities (issuer, subject, user_id, created_ms) VALUES ($1, $2, $3, $4)";
    GROUP = "SELECT id FROM groups WHERE name = $1";
}

impl Tx {
    /// The user that a provider's person is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_identity(
        &mut self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Id>, StoreError> {
        let row = sqlx::query(GET)
            .bind(issuer)
            .bind(subject)
            .fetch_optional(self.connection())
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// The group of a name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_by_name(&mut self, name: &str) -> Result<Option<Id>, StoreError> {
        let row = sqlx::query(GROUP)
            .bind(name)
            .fetch_optional(self.connection())
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }
}

impl WriteTx {
    /// Notes whom a provider's person is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_identity(
        &mut self,
        issuer: &str,
        subject: &str,
        user: Id,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(INSERT)
            .bind(issuer)
            .bind(subject)
            .bind(user)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
