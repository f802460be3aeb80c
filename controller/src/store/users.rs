//! Users and the groups they are limited to.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::guard::expect_version;
use super::query::{List, Query, name_order, statements};
use super::{StoreError, Tx, WriteTx, maybe_moment, moment, truth};
use crate::model::{
    Id, NameSort, Page, PageRequest, Role, Sort, User, UserDraft, UserFilter, Version,
};

macro_rules! columns {
    () => {
        "id, username, email, role, is_active, is_group_limited, version, last_login_ms, \
         created_ms, updated_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM users WHERE id = $1");
    GET_BY_NAME = "SELECT id, password_hash FROM users WHERE username = $1";
    GET_HASH = "SELECT password_hash FROM users WHERE id = $1";
    GET_GROUPS = "SELECT group_id FROM user_groups WHERE user_id = $1 ORDER BY group_id";
    HAS_GROUP = "SELECT COUNT(*) FROM groups WHERE id = $1";
    INSERT = "INSERT INTO users (username, email, password_hash, role, is_active, \
              is_group_limited, version, created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) RETURNING id";
    UPDATE = "UPDATE users SET username = $1, email = $2, role = $3, is_active = $4, \
              is_group_limited = $5, version = version + 1, updated_ms = $6 WHERE id = $7";
    SET_PASSWORD = "UPDATE users SET password_hash = $1, version = version + 1, updated_ms = $2 WHERE id = $3";
    SET_LAST_LOGIN = "UPDATE users SET last_login_ms = $1 WHERE id = $2";
    DELETE = "DELETE FROM users WHERE id = $1";
    CLEAR_GROUPS = "DELETE FROM user_groups WHERE user_id = $1";
    ADD_GROUP = "INSERT INTO user_groups (user_id, group_id) VALUES ($1, $2)";
    COUNT_OTHER_ADMINS = "SELECT COUNT(*) FROM users WHERE role = 'admin' AND is_active = 1 AND id <> $1";
    COUNT = "SELECT COUNT(*) FROM users";
}

impl Tx {
    /// The user of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user(&mut self, id: Id) -> Result<User, StoreError> {
        let row = self
            .row_of(GET, id, StoreError::NotFound { what: "user" })
            .await?;
        let groups = self.groups_of(&row).await?;
        read(&row, groups)
    }

    /// Number and password hash of the user of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_for_login(
        &mut self,
        username: &str,
    ) -> Result<Option<(Id, String)>, StoreError> {
        let row = sqlx::query(GET_BY_NAME)
            .bind(username)
            .fetch_optional(self.connection())
            .await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .transpose()
    }

    /// Password hash of the user of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn password_hash(&mut self, id: Id) -> Result<String, StoreError> {
        let row = self
            .row_of(GET_HASH, id, StoreError::NotFound { what: "user" })
            .await?;
        Ok(row.try_get(0)?)
    }

    /// How many users there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_users(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query(COUNT).fetch_one(self.connection()).await?;
        Ok(row.try_get(0)?)
    }

    /// Users that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(
        &mut self,
        filter: &UserFilter,
        sort: Sort<NameSort>,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM users",
            order: order(sort),
        };
        let filter = |query: &mut Query| {
            query
                .and_any_contains(
                    &["LOWER(username) LIKE ", "LOWER(email) LIKE "],
                    filter.search.as_deref(),
                )?
                .and_equals("role = ", filter.role.map(Role::as_str))?
                .and_equals("is_active = ", filter.is_active.map(i64::from))?;
            Ok(())
        };
        let rows = list.rows(self, page, filter).await?;
        let mut groups = Vec::with_capacity(rows.items.len());
        for row in &rows.items {
            groups.push(self.groups_of(row).await?);
        }
        let mut groups = groups.into_iter();
        rows.try_map(|row| read(&row, groups.next().flatten()))
    }

    async fn groups_of(&mut self, user: &AnyRow) -> Result<Option<BTreeSet<Id>>, StoreError> {
        if !truth(user, "is_group_limited")? {
            return Ok(None);
        }
        let id: Id = user.try_get("id")?;
        let rows = sqlx::query(GET_GROUPS)
            .bind(id)
            .fetch_all(self.connection())
            .await?;
        let groups: Result<_, sqlx::Error> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(Some(groups?))
    }
}

impl WriteTx {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Taken`], [`StoreError::Dangling`].
    pub async fn insert_user(
        &mut self,
        draft: &UserDraft,
        password_hash: &str,
    ) -> Result<User, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(&draft.username)
            .bind(&draft.email)
            .bind(password_hash)
            .bind(draft.role.as_str())
            .bind(i64::from(draft.is_active))
            .bind(i64::from(draft.group_ids.is_some()))
            .bind(now.0)
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("user", "username"))?;
        let id = row.try_get(0)?;
        self.set_groups(id, draft.group_ids.as_ref()).await?;
        self.user(id).await
    }

    /// Changes a user; with a version only when it still has that. The last
    /// active admin stays one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`],
    /// [`StoreError::Dangling`], [`StoreError::LastAdmin`].
    pub async fn update_user(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &UserDraft,
    ) -> Result<(User, User), StoreError> {
        self.take_turn().await?;
        let before = self.user(id).await?;
        expect_version(before.version, version)?;
        if draft.role != Role::Admin || !draft.is_active {
            self.expect_other_admin(&before).await?;
        }
        let now = self.now();
        sqlx::query(UPDATE)
            .bind(&draft.username)
            .bind(&draft.email)
            .bind(draft.role.as_str())
            .bind(i64::from(draft.is_active))
            .bind(i64::from(draft.group_ids.is_some()))
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("user", "username"))?;
        self.set_groups(id, draft.group_ids.as_ref()).await?;
        let after = self.user(id).await?;
        Ok((before, after))
    }

    /// Gives a user another password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_password(&mut self, id: Id, hash: &str) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(SET_PASSWORD)
            .bind(hash)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a user has logged in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_login(&mut self, id: Id) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(SET_LAST_LOGIN)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes a user away, with all tokens. The last active admin stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::LastAdmin`].
    pub async fn delete_user(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<User, StoreError> {
        self.take_turn().await?;
        let before = self.user(id).await?;
        expect_version(before.version, version)?;
        self.expect_other_admin(&before).await?;
        self.delete_row(DELETE, id).await?;
        Ok(before)
    }

    async fn expect_other_admin(&mut self, user: &User) -> Result<(), StoreError> {
        if user.role != Role::Admin || !user.is_active {
            return Ok(());
        }
        let row = sqlx::query(COUNT_OTHER_ADMINS)
            .bind(user.id)
            .fetch_one(self.connection())
            .await?;
        match row.try_get::<i64, _>(0)? {
            0 => Err(StoreError::LastAdmin),
            _ => Ok(()),
        }
    }

    async fn set_groups(
        &mut self,
        id: Id,
        groups: Option<&BTreeSet<Id>>,
    ) -> Result<(), StoreError> {
        sqlx::query(CLEAR_GROUPS)
            .bind(id)
            .execute(self.connection())
            .await?;
        for group in groups.into_iter().flatten() {
            self.expect_there(HAS_GROUP, *group, "group", "group_ids")
                .await?;
            sqlx::query(ADD_GROUP)
                .bind(id)
                .bind(*group)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }
}

/// By name is by the column `username`.
fn order(sort: Sort<NameSort>) -> &'static str {
    match (sort.key, sort.descending) {
        (NameSort::Name, false) => " ORDER BY username",
        (NameSort::Name, true) => " ORDER BY username DESC",
        _ => name_order(sort),
    }
}

fn read(row: &AnyRow, group_ids: Option<BTreeSet<Id>>) -> Result<User, StoreError> {
    let role: String = row.try_get("role")?;
    Ok(User {
        id: row.try_get("id")?,
        username: row.try_get("username")?,
        email: row.try_get("email")?,
        role: Role::parse(&role).map_err(StoreError::Damaged)?,
        is_active: truth(row, "is_active")?,
        group_ids,
        version: row.try_get("version")?,
        last_login_at: maybe_moment(row, "last_login_ms")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
