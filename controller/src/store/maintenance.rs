//! Maintenance windows.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::groups::and_in_scope;
use super::guard::expect_version;
use super::query::{Bound, List, Query, name_order, statements};
use super::{StoreError, Tx, WriteTx, json, moment, to_json, truth};
use crate::clock::Timestamp;
use crate::model::{
    Id, MAX_WINDOWS, MaintenanceWindow, NameSort, Page, PageRequest, Scope, Sort, Version,
    WindowDraft, WindowFilter,
};

macro_rules! columns {
    () => {
        "id, name, group_id, reason, recurrence, is_enabled, author, version, created_ms, \
         updated_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM maintenance_windows WHERE id = $1");
    ALL = concat!("SELECT ", columns!(), " FROM maintenance_windows ORDER BY id");
    COUNT = "SELECT COUNT(*) FROM maintenance_windows";
    INSERT = "INSERT INTO maintenance_windows (name, group_id, reason, recurrence, is_enabled, \
              author, version, created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) RETURNING id";
    UPDATE = "UPDATE maintenance_windows SET name = $1, group_id = $2, reason = $3, \
              recurrence = $4, is_enabled = $5, author = $6, version = version + 1, \
              updated_ms = $7 WHERE id = $8";
    DELETE = "DELETE FROM maintenance_windows WHERE id = $1";
    HAS_GROUP = "SELECT COUNT(*) FROM groups WHERE id = $1";
}

const NOT_FOUND: StoreError = StoreError::NotFound {
    what: "maintenance window",
};

impl Tx {
    /// The window of that number, if its group is in the scope.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is out of scope.
    pub async fn maintenance_window(
        &mut self,
        id: Id,
        scope: &Scope,
    ) -> Result<MaintenanceWindow, StoreError> {
        let row = self.row_of(GET, id, NOT_FOUND).await?;
        let window = read(&row)?;
        if scope.covers(Some(window.group_id)) {
            Ok(window)
        } else {
            Err(NOT_FOUND)
        }
    }

    /// Windows that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn maintenance_windows(
        &mut self,
        filter: &WindowFilter,
        sort: Sort<NameSort>,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<MaintenanceWindow>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM maintenance_windows",
            order: name_order(sort),
        };
        let filter = |query: &mut Query| {
            query
                .and_equals("group_id = ", filter.group_id)?
                .and_any_contains(
                    &["LOWER(name) LIKE ", "LOWER(reason) LIKE "],
                    filter.search.as_deref(),
                )?;
            and_in_scope(query, "group_id", scope)
        };
        list.page(self, page, filter, read).await
    }

    /// Every window.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_maintenance_windows(&mut self) -> Result<Vec<MaintenanceWindow>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }
}

impl WriteTx {
    /// Adds a window.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::Dangling`],
    /// [`StoreError::TooMany`].
    pub async fn insert_maintenance_window(
        &mut self,
        draft: &WindowDraft,
        author: &str,
    ) -> Result<MaintenanceWindow, StoreError> {
        self.take_turn().await?;
        self.expect_room(COUNT, "maintenance windows", MAX_WINDOWS)
            .await?;
        self.expect_there(HAS_GROUP, draft.group_id, "group", "group_id")
            .await?;
        let now = self.now();
        let row = bound(INSERT, draft, author, now)?
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("maintenance window", "name"))?;
        self.raise_silence_revision().await?;
        self.maintenance_window(row.try_get(0)?, &Scope::All).await
    }

    /// Changes a window; with a version only when it still has that. Gives it as it
    /// was and as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`],
    /// [`StoreError::Dangling`].
    pub async fn update_maintenance_window(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &WindowDraft,
        author: &str,
        scope: &Scope,
    ) -> Result<(MaintenanceWindow, MaintenanceWindow), StoreError> {
        self.take_turn().await?;
        let before = self.maintenance_window(id, scope).await?;
        expect_version(before.version, version)?;
        self.expect_there(HAS_GROUP, draft.group_id, "group", "group_id")
            .await?;
        let now = self.now();
        bound(UPDATE, draft, author, now)?
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("maintenance window", "name"))?;
        self.raise_silence_revision().await?;
        let after = self.maintenance_window(id, &Scope::All).await?;
        Ok((before, after))
    }

    /// Takes a window away. Its silences end with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn delete_maintenance_window(
        &mut self,
        id: Id,
        version: Option<Version>,
        scope: &Scope,
    ) -> Result<MaintenanceWindow, StoreError> {
        self.take_turn().await?;
        let before = self.maintenance_window(id, scope).await?;
        expect_version(before.version, version)?;
        self.delete_row(DELETE, id).await?;
        self.raise_silence_revision().await?;
        Ok(before)
    }
}

/// Binds what both statements that write a window begin with.
fn bound(
    sql: &'static str,
    draft: &WindowDraft,
    author: &str,
    now: Timestamp,
) -> Result<Bound, StoreError> {
    Ok(sqlx::query(sql)
        .bind(draft.name.as_str().to_owned())
        .bind(draft.group_id)
        .bind(draft.reason.as_str().to_owned())
        .bind(to_json(draft.recurrence.body())?)
        .bind(i64::from(draft.enabled))
        .bind(author.to_owned())
        .bind(now.0))
}

fn read(row: &AnyRow) -> Result<MaintenanceWindow, StoreError> {
    Ok(MaintenanceWindow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        group_id: row.try_get("group_id")?,
        reason: row.try_get("reason")?,
        when: json(row, "recurrence")?,
        enabled: truth(row, "is_enabled")?,
        author: row.try_get("author")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
