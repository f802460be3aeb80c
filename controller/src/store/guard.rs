//! What must hold for a change, and goes on to hold until it is committed. What all
//! kinds of rows have in common is here.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::statements;
use super::{StoreError, Tx, WriteTx};
use crate::model::{Id, Version};

statements! {
    TAKE_TURN = "UPDATE revision SET value = value WHERE only_row = 1";
}

impl Tx {
    /// The row of a number.
    pub(super) async fn row_of(
        &mut self,
        get: &'static str,
        id: Id,
        missing: StoreError,
    ) -> Result<AnyRow, StoreError> {
        let query = sqlx::query(get).bind(id);
        let row = query.fetch_optional(self.connection()).await?;
        row.ok_or(missing)
    }
}

impl WriteTx {
    /// Waits until nobody else changes what operators own, for the rest of the
    /// transaction: what was read holds until it is written. Every method that
    /// changes a row of theirs does this before it reads; who reads first on its own
    /// does it before that. SQLite has one writer anyhow, PostgreSQL has not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_turn(&mut self) -> Result<(), StoreError> {
        if !self.has_turn {
            sqlx::query(TAKE_TURN).execute(self.connection()).await?;
            self.has_turn = true;
        }
        Ok(())
    }

    /// Takes a row away.
    pub(super) async fn delete_row(
        &mut self,
        delete: &'static str,
        id: Id,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(delete).bind(id);
        query.execute(self.connection()).await?;
        Ok(())
    }

    /// Fails when the statement counts any users of a row.
    pub(super) async fn expect_unused(
        &mut self,
        count: &'static str,
        id: Id,
        users: &'static str,
    ) -> Result<(), StoreError> {
        match self.count_of(count, id).await? {
            0 => Ok(()),
            count => Err(StoreError::InUse { count, users }),
        }
    }

    /// Fails when the statement counts no row that a field refers to.
    pub(super) async fn expect_there(
        &mut self,
        count: &'static str,
        id: Id,
        what: &'static str,
        field: &'static str,
    ) -> Result<(), StoreError> {
        match self.count_of(count, id).await? {
            0 => Err(StoreError::Dangling { what, field }),
            _ => Ok(()),
        }
    }

    /// Fails when the statement counts as many rows as there may be.
    pub(super) async fn expect_room(
        &mut self,
        count: &'static str,
        what: &'static str,
        limit: i64,
    ) -> Result<(), StoreError> {
        let row = sqlx::query(count).fetch_one(self.connection()).await?;
        if row.try_get::<i64, _>(0)? < limit {
            Ok(())
        } else {
            Err(StoreError::TooMany { what, limit })
        }
    }

    async fn count_of(&mut self, count: &'static str, id: Id) -> Result<i64, StoreError> {
        let query = sqlx::query(count).bind(id);
        Ok(query.fetch_one(self.connection()).await?.try_get(0)?)
    }
}

/// Fails when somebody expects another version.
pub(super) fn expect_version(
    current: Version,
    expected: Option<Version>,
) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != current => Err(StoreError::Changed { current }),
        _ => Ok(()),
    }
}
