//! Groups of rules.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::guard::expect_version;
use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, json, moment, to_json, truth};
use crate::model::{
    Id, MAX_RULE_GROUPS, Page, PageRequest, PromDuration, Rule, RuleGroup, RuleGroupDraft,
    RuleGroupFilter, RuleOrigin, Ruleset, Version, shipped_rule_group,
};

macro_rules! columns {
    () => {
        "id, name, description, interval_text, is_enabled, rules, shipped_name, shipped_digest, \
         version, created_ms, updated_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM rule_groups WHERE id = $1");
    ENABLED = concat!("SELECT ", columns!(), " FROM rule_groups WHERE is_enabled = 1 \
              ORDER BY name, id");
    COUNT = "SELECT COUNT(*) FROM rule_groups";
    INSERT = "INSERT INTO rule_groups (name, description, interval_text, is_enabled, rules, \
              shipped_name, shipped_digest, version, created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) RETURNING id";
    UPDATE = "UPDATE rule_groups SET name = $1, description = $2, interval_text = $3, \
              is_enabled = $4, rules = $5, version = version + 1, updated_ms = $6 WHERE id = $7";
    SET_TEXT = "UPDATE rule_groups SET name = $1, description = $2, interval_text = $3, \
                rules = $4, shipped_digest = $5, version = version + 1, updated_ms = $6 \
                WHERE id = $7";
    BY_SHIPPED_NAME = concat!("SELECT ", columns!(), " FROM rule_groups WHERE shipped_name = $1");
    NAME_TAKEN = "SELECT COUNT(*) FROM rule_groups WHERE name = $1";
    DELETE = "DELETE FROM rule_groups WHERE id = $1";
}

const NOT_FOUND: StoreError = StoreError::NotFound { what: "rule group" };

const LIST: List = List {
    columns: columns!(),
    from: " FROM rule_groups",
    order: " ORDER BY name, id",
};

impl Tx {
    /// The group of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn rule_group(&mut self, id: Id) -> Result<RuleGroup, StoreError> {
        let row = self.row_of(GET, id, NOT_FOUND).await?;
        read(&row)
    }

    /// Groups in order of their names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rule_groups(
        &mut self,
        filter: &RuleGroupFilter,
        page: PageRequest,
    ) -> Result<Page<RuleGroup>, StoreError> {
        let filter = |query: &mut Query| {
            query
                .and_contains(
                    "LOWER(name || ' ' || rules) LIKE ",
                    filter.search.as_deref(),
                )?
                .and_equals("is_enabled = ", filter.enabled.map(i64::from))?;
            match filter.origin {
                Some(RuleOrigin::Default) => query.and("shipped_name IS NOT NULL"),
                Some(RuleOrigin::Operator) => query.and("shipped_name IS NULL"),
                None => query,
            };
            Ok(())
        };
        LIST.page(self, page, filter, read).await
    }

    /// Everything that rule files are made from, from one moment.
    ///
    /// # Errors
    /// When the database fails; then nothing must be published.
    pub async fn ruleset(&mut self) -> Result<Ruleset, StoreError> {
        let revision = self.revision().await?;
        let rows = sqlx::query(ENABLED).fetch_all(self.connection()).await?;
        Ok(Ruleset {
            revision,
            groups: rows.iter().map(read).collect::<Result<_, _>>()?,
            overrides: self.all_threshold_overrides().await?,
        })
    }
}

impl WriteTx {
    /// Adds a group.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::TooMany`].
    pub async fn insert_rule_group(
        &mut self,
        draft: &RuleGroupDraft,
    ) -> Result<RuleGroup, StoreError> {
        self.take_turn().await?;
        self.expect_room(COUNT, "rule groups", MAX_RULE_GROUPS)
            .await?;
        self.insert_group_of_rules(draft, draft.name.as_str(), None)
            .await
    }

    async fn insert_group_of_rules(
        &mut self,
        draft: &RuleGroupDraft,
        name: &str,
        shipped_name: Option<&str>,
    ) -> Result<RuleGroup, StoreError> {
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(name.to_owned())
            .bind(draft.description.as_str())
            .bind(interval(draft))
            .bind(i64::from(draft.enabled))
            .bind(to_json(&draft.rules)?)
            .bind(shipped_name.map(str::to_owned))
            .bind(shipped_name.map(|_| draft.digest()))
            .bind(now.0)
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("rule group", "name"))?;
        self.touch();
        self.rule_group(row.try_get(0)?).await
    }

    /// Brings a group that comes with the program up to date: adds it when it is
    /// not there yet, and gives it the new text when nobody has changed the old
    /// one. What is disabled stays so. Gives it as it was and as it is, or nothing
    /// when nothing was to be done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn install_rule_group(
        &mut self,
        shipped: &RuleGroupDraft,
    ) -> Result<Option<(Option<RuleGroup>, RuleGroup)>, StoreError> {
        self.take_turn().await?;
        let row = sqlx::query(BY_SHIPPED_NAME)
            .bind(shipped.name.as_str())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else {
            let taken: i64 = sqlx::query(NAME_TAKEN)
                .bind(shipped.name.as_str())
                .fetch_one(self.connection())
                .await?
                .try_get(0)?;
            // Somebody may have a group of this name, and keeps it.
            let name = match taken {
                0 => shipped.name.as_str().to_owned(),
                _ => beside(shipped.name.as_str()),
            };
            let made = self
                .insert_group_of_rules(shipped, &name, Some(shipped.name.as_str()))
                .await?;
            return Ok(Some((None, made)));
        };
        let before = read(&row)?;
        let installed: Option<String> = row.try_get("shipped_digest")?;
        if before.is_changed || installed == Some(shipped.digest()) {
            return Ok(None);
        }
        let after = self.set_shipped_text(&before, shipped).await?;
        Ok(Some((Some(before), after)))
    }

    /// Returns a group that came with the program to the text that this version of
    /// it has. What is disabled stays so. Gives it as it was and as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::NotShipped`];
    /// [`StoreError::Taken`] when it was renamed and another group has its name now.
    pub async fn reset_rule_group(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<(RuleGroup, RuleGroup), StoreError> {
        self.take_turn().await?;
        let row = self.row_of(GET, id, NOT_FOUND).await?;
        let before = read(&row)?;
        expect_version(before.version, version)?;
        let shipped_name: Option<String> = row.try_get("shipped_name")?;
        let shipped = shipped_name.as_deref().and_then(shipped_rule_group);
        let shipped = shipped.ok_or(StoreError::NotShipped)?;
        let after = self.set_shipped_text(&before, shipped).await?;
        Ok((before, after))
    }

    async fn set_shipped_text(
        &mut self,
        before: &RuleGroup,
        shipped: &RuleGroupDraft,
    ) -> Result<RuleGroup, StoreError> {
        let off: BTreeSet<&str> = before
            .rules
            .iter()
            .filter(|rule| !rule.enabled)
            .map(Rule::name)
            .collect();
        let mut rules = shipped.rules.clone();
        for rule in &mut rules {
            rule.enabled = !off.contains(rule.name());
        }
        let now = self.now();
        sqlx::query(SET_TEXT)
            .bind(match before.name == beside(shipped.name.as_str()) {
                true => before.name.clone(),
                false => shipped.name.as_str().to_owned(),
            })
            .bind(shipped.description.as_str())
            .bind(interval(shipped))
            .bind(to_json(&rules)?)
            .bind(shipped.digest())
            .bind(now.0)
            .bind(before.id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("rule group", "name"))?;
        self.touch();
        self.rule_group(before.id).await
    }

    /// Changes a group; with a version only when it still has that. Gives it as
    /// it was and as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`].
    pub async fn update_rule_group(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &RuleGroupDraft,
    ) -> Result<(RuleGroup, RuleGroup), StoreError> {
        self.take_turn().await?;
        let before = self.rule_group(id).await?;
        expect_version(before.version, version)?;
        let now = self.now();
        sqlx::query(UPDATE)
            .bind(draft.name.as_str())
            .bind(draft.description.as_str())
            .bind(interval(draft))
            .bind(i64::from(draft.enabled))
            .bind(to_json(&draft.rules)?)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("rule group", "name"))?;
        self.touch();
        let after = self.rule_group(id).await?;
        Ok((before, after))
    }

    /// Takes a group away that somebody made.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Shipped`].
    pub async fn delete_rule_group(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<RuleGroup, StoreError> {
        self.take_turn().await?;
        let before = self.rule_group(id).await?;
        expect_version(before.version, version)?;
        if before.origin == RuleOrigin::Default {
            return Err(StoreError::Shipped);
        }
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }
}

fn interval(draft: &RuleGroupDraft) -> Option<String> {
    let interval = draft.interval.as_ref();
    interval.map(|interval| interval.as_str().to_owned())
}

fn read(row: &AnyRow) -> Result<RuleGroup, StoreError> {
    let interval: Option<String> = row.try_get("interval_text")?;
    let interval = interval.map(|text| PromDuration::parse(&text));
    let shipped_name: Option<String> = row.try_get("shipped_name")?;
    let origin = match shipped_name {
        Some(_) => RuleOrigin::Default,
        None => RuleOrigin::Operator,
    };
    let installed: Option<String> = row.try_get("shipped_digest")?;
    let shipped = shipped_name.as_deref().and_then(shipped_rule_group);
    let mut group = RuleGroup {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        interval: interval.transpose().map_err(StoreError::Damaged)?,
        enabled: truth(row, "is_enabled")?,
        rules: json(row, "rules")?,
        origin,
        is_changed: false,
        update_available: false,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    };
    // A group that an earlier version put beside one of the same name has that
    // other name by our doing, which is no change.
    let digest = match shipped_name {
        Some(shipped) if group.name == beside(&shipped) => RuleGroup {
            name: shipped,
            ..group.clone()
        }
        .digest(),
        _ => group.digest(),
    };
    group.is_changed = installed
        .as_ref()
        .is_some_and(|installed| *installed != digest);
    group.update_available =
        group.is_changed && shipped.is_some_and(|shipped| Some(shipped.digest()) != installed);
    Ok(group)
}

/// The name of a shipped group beside one of somebody's that has its own.
fn beside(name: &str) -> String {
    format!("{name} (default)")
}
