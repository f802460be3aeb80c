//! Overrides of thresholds.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::groups::and_in_scope;
use super::guard::expect_version;
use super::query::{Bound as BoundQuery, List, Query, statements};
use super::{StoreError, Tx, WriteTx, moment, truth, word};
use crate::clock::Timestamp;
use crate::model::{
    Bound, Id, Level, MAX_OVERRIDES, OverrideDraft, OverrideFilter, Page, PageRequest, Scope,
    ThresholdKind, ThresholdOverride, Version,
};

macro_rules! columns {
    () => {
        "id, kind, bound, level, value, server_id, group_id, model, site, sensor, \
         sensor_is_regex, description, version, created_ms, updated_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM threshold_overrides WHERE id = $1");
    ALL = concat!("SELECT ", columns!(), ", (SELECT name FROM groups \
          WHERE id = threshold_overrides.group_id) AS group_name \
          FROM threshold_overrides ORDER BY id");
    COUNT = "SELECT COUNT(*) FROM threshold_overrides";
    INSERT = "INSERT INTO threshold_overrides (kind, bound, level, value, server_id, group_id, \
              model, site, sensor, sensor_is_regex, description, version, created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12) RETURNING id";
    UPDATE = "UPDATE threshold_overrides SET kind = $1, bound = $2, level = $3, value = $4, \
              server_id = $5, group_id = $6, model = $7, site = $8, sensor = $9, \
              sensor_is_regex = $10, description = $11, updated_ms = $12, version = version + 1 \
              WHERE id = $13";
    DELETE = "DELETE FROM threshold_overrides WHERE id = $1";
    SAME = "SELECT COUNT(*) FROM threshold_overrides WHERE kind = $1 AND bound = $2 \
            AND level = $3 AND COALESCE(server_id, 0) = $4 AND COALESCE(group_id, 0) = $5 \
            AND model = $6 AND site = $7 AND sensor = $8 AND sensor_is_regex = $9 AND id <> $10";
    HAS_SERVER = "SELECT COUNT(*) FROM servers WHERE id = $1";
    HAS_GROUP = "SELECT COUNT(*) FROM groups WHERE id = $1";
}

const NOT_FOUND: StoreError = StoreError::NotFound {
    what: "threshold override",
};

const LIST: List = List {
    columns: columns!(),
    from: " FROM threshold_overrides",
    order: " ORDER BY kind, id",
};

impl Tx {
    /// The override of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it names a server or a group that is
    /// out of scope.
    pub async fn threshold_override(
        &mut self,
        id: Id,
        scope: &Scope,
    ) -> Result<ThresholdOverride, StoreError> {
        let row = self.row_of(GET, id, NOT_FOUND).await?;
        let found = read(&row)?;
        if found.group_id.is_some() && !scope.covers(found.group_id) {
            return Err(NOT_FOUND);
        }
        if let Some(server) = found.server_id {
            self.server(server, scope)
                .await
                .map_err(|error| match error {
                    StoreError::NotFound { .. } => NOT_FOUND,
                    other => other,
                })?;
        }
        Ok(found)
    }

    /// Overrides that a filter lets through, by kind. Those that name a server or a
    /// group out of scope are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn threshold_overrides(
        &mut self,
        filter: &OverrideFilter,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<ThresholdOverride>, StoreError> {
        let filter = |query: &mut Query| {
            query
                .and_equals("kind = ", filter.kind.map(ThresholdKind::as_str))?
                .and_equals("server_id = ", filter.server_id)?
                .and_equals("group_id = ", filter.group_id)?
                .and_equals("model = ", filter.model.clone())?;
            // Number 0, which no group has, is in every scope.
            and_in_scope(query, "COALESCE(group_id, 0)", scope)?;
            and_in_scope(
                query,
                "CASE WHEN server_id IS NULL THEN 0 ELSE COALESCE((SELECT s.group_id \
                 FROM servers s WHERE s.id = threshold_overrides.server_id), -1) END",
                scope,
            )
        };
        LIST.page(self, page, filter, read).await
    }

    /// Every override, with the name of its group.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_threshold_overrides(
        &mut self,
    ) -> Result<Vec<(ThresholdOverride, Option<String>)>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.connection()).await?;
        rows.iter()
            .map(|row| Ok((read(row)?, row.try_get("group_name")?)))
            .collect()
    }
}

impl WriteTx {
    /// Adds an override.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when there is one for exactly the same sensors,
    /// [`StoreError::Dangling`], [`StoreError::TooMany`].
    pub async fn insert_threshold_override(
        &mut self,
        draft: &OverrideDraft,
    ) -> Result<ThresholdOverride, StoreError> {
        self.take_turn().await?;
        self.expect_room(COUNT, "threshold overrides", MAX_OVERRIDES)
            .await?;
        self.check_override(draft, 0).await?;
        let now = self.now();
        let row = bound(INSERT, draft, now)
            .fetch_one(self.connection())
            .await?;
        self.touch();
        self.threshold_override(row.try_get(0)?, &Scope::All).await
    }

    /// Changes an override; with a version only when it still has that. Gives it as
    /// it was and as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`],
    /// [`StoreError::Dangling`].
    pub async fn update_threshold_override(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &OverrideDraft,
    ) -> Result<(ThresholdOverride, ThresholdOverride), StoreError> {
        self.take_turn().await?;
        let before = self.threshold_override(id, &Scope::All).await?;
        expect_version(before.version, version)?;
        self.check_override(draft, id).await?;
        let now = self.now();
        bound(UPDATE, draft, now)
            .bind(id)
            .execute(self.connection())
            .await?;
        self.touch();
        let after = self.threshold_override(id, &Scope::All).await?;
        Ok((before, after))
    }

    /// Takes an override away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn delete_threshold_override(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<ThresholdOverride, StoreError> {
        self.take_turn().await?;
        let before = self.threshold_override(id, &Scope::All).await?;
        expect_version(before.version, version)?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }

    async fn check_override(&mut self, draft: &OverrideDraft, id: Id) -> Result<(), StoreError> {
        for (count, what, field, id) in [
            (HAS_SERVER, "server", "server_id", draft.server_id),
            (HAS_GROUP, "group", "group_id", draft.group_id),
        ] {
            if let Some(id) = id {
                self.expect_there(count, id, what, field).await?;
            }
        }
        let same: i64 = sqlx::query(SAME)
            .bind(draft.kind.as_str())
            .bind(draft.bound.as_str())
            .bind(draft.level.as_str())
            .bind(draft.server_id.unwrap_or_default())
            .bind(draft.group_id.unwrap_or_default())
            .bind(draft.model.as_str())
            .bind(draft.site.as_str())
            .bind(draft.sensor.as_str())
            .bind(i64::from(draft.sensor_is_regex))
            .bind(id)
            .fetch_one(self.connection())
            .await?
            .try_get(0)?;
        if same > 0 {
            return Err(StoreError::Taken {
                what: "threshold override",
                field: "sensor",
            });
        }
        Ok(())
    }
}

/// Binds what both statements that write an override begin with.
fn bound(sql: &'static str, draft: &OverrideDraft, now: Timestamp) -> BoundQuery {
    sqlx::query(sql)
        .bind(draft.kind.as_str())
        .bind(draft.bound.as_str())
        .bind(draft.level.as_str())
        .bind(draft.value)
        .bind(draft.server_id)
        .bind(draft.group_id)
        .bind(draft.model.as_str().to_owned())
        .bind(draft.site.as_str().to_owned())
        .bind(draft.sensor.clone())
        .bind(i64::from(draft.sensor_is_regex))
        .bind(draft.description.as_str().to_owned())
        .bind(now.0)
}

fn read(row: &AnyRow) -> Result<ThresholdOverride, StoreError> {
    Ok(ThresholdOverride {
        id: row.try_get("id")?,
        kind: word(row, "kind", ThresholdKind::parse)?,
        bound: word(row, "bound", Bound::parse)?,
        level: word(row, "level", Level::parse)?,
        value: row.try_get("value")?,
        server_id: row.try_get("server_id")?,
        group_id: row.try_get("group_id")?,
        model: row.try_get("model")?,
        site: row.try_get("site")?,
        sensor: row.try_get("sensor")?,
        sensor_is_regex: truth(row, "sensor_is_regex")?,
        description: row.try_get("description")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
