//! Groups of servers.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::guard::expect_version;
use super::query::{List, Query, name_order, statements};
use super::{StoreError, Tx, WriteTx, moment};
use crate::model::{
    Group, GroupDraft, GroupFilter, Id, NameSort, Page, PageRequest, Scope, Sort, Version,
};

macro_rules! columns {
    () => {
        "id, name, description, version, created_ms, updated_ms, \
         (SELECT COUNT(*) FROM servers WHERE group_id = groups.id) AS server_count"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM groups WHERE id = $1");
    INSERT = "INSERT INTO groups (name, description, version, created_ms, updated_ms) \
              VALUES ($1, $2, 1, $3, $3) RETURNING id";
    UPDATE = "UPDATE groups SET name = $1, description = $2, version = version + 1, updated_ms = $3 \
              WHERE id = $4";
    DELETE = "DELETE FROM groups WHERE id = $1";
    COUNT_SERVERS = "SELECT COUNT(*) FROM servers WHERE group_id = $1";
}

impl Tx {
    /// The group of that number, if it is in the scope.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is out of scope.
    pub async fn group(&mut self, id: Id, scope: &Scope) -> Result<Group, StoreError> {
        let not_found = StoreError::NotFound { what: "group" };
        if !scope.covers(Some(id)) {
            return Err(not_found);
        }
        let row = self.row_of(GET, id, not_found).await?;
        read(&row)
    }

    /// Groups that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn groups(
        &mut self,
        filter: &GroupFilter,
        sort: Sort<NameSort>,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<Group>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM groups",
            order: name_order(sort),
        };
        let filter = |query: &mut Query| {
            query.and_any_contains(
                &["LOWER(name) LIKE ", "LOWER(description) LIKE "],
                filter.search.as_deref(),
            )?;
            and_in_scope(query, "id", scope)
        };
        list.page(self, page, filter, read).await
    }
}

impl WriteTx {
    /// Adds a group.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is.
    pub async fn insert_group(&mut self, draft: &GroupDraft) -> Result<Group, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(draft.name.as_str())
            .bind(draft.description.as_str())
            .bind(now.0)
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("group", "name"))?;
        self.touch();
        self.group(row.try_get(0)?, &Scope::All).await
    }

    /// Changes a group; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`].
    pub async fn update_group(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &GroupDraft,
        scope: &Scope,
    ) -> Result<(Group, Group), StoreError> {
        self.take_turn().await?;
        let before = self.group(id, scope).await?;
        expect_version(before.version, version)?;
        let now = self.now();
        sqlx::query(UPDATE)
            .bind(draft.name.as_str())
            .bind(draft.description.as_str())
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("group", "name"))?;
        self.touch();
        let after = self.group(id, scope).await?;
        Ok((before, after))
    }

    /// Takes a group away that no server is in.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::InUse`].
    pub async fn delete_group(
        &mut self,
        id: Id,
        version: Option<Version>,
        scope: &Scope,
    ) -> Result<Group, StoreError> {
        self.take_turn().await?;
        let before = self.group(id, scope).await?;
        expect_version(before.version, version)?;
        self.expect_unused(COUNT_SERVERS, id, "servers").await?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }
}

/// Limits a list to the rows whose group is in scope.
pub(super) fn and_in_scope(
    query: &mut Query,
    column: &'static str,
    scope: &Scope,
) -> Result<(), StoreError> {
    let Scope::Groups(groups) = scope else {
        return Ok(());
    };
    // `IN ()` is no SQL; nobody has group 0.
    query.and(column).push(" IN (0");
    for group in groups {
        query.push(", ").bind(*group)?;
    }
    query.push(")");
    Ok(())
}

fn read(row: &AnyRow) -> Result<Group, StoreError> {
    Ok(Group {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        server_count: row.try_get("server_count")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
