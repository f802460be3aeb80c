//! Receivers, inhibitions, time intervals and templates: rows of one table, each kind
//! with a body of its own, made and changed in one way.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::ties::Ties;
use super::{ALL, COUNT, DELETE, GET, INSERT, UPDATE, columns};
use crate::clock::Timestamp;
use crate::model::alerting::{
    Inhibition, InhibitionDraft, Integration, MAX_INHIBITIONS, MAX_RECEIVERS, MAX_TEMPLATES,
    MAX_TIME_INTERVALS, Matcher, NotificationTemplate, NotificationTemplateDraft, Receiver,
    TimeInterval, TimeIntervalDraft, TimeSpan,
};
use crate::model::{Id, NameSort, Page, PageRequest, Sort, Version};
use crate::store::guard::expect_version;
use crate::store::query::{List, Query, name_order};
use crate::store::{StoreError, Tx, WriteTx, json, moment, to_json};

/// A kind of part.
pub trait AlertingPart: Ties + Sized + Send + Sync {
    /// The word in the table.
    const KIND: &'static str;
    /// What one is called, and several.
    const WORDS: [&'static str; 2];
    /// How many there may be.
    const LIMIT: i64;
    /// What of it is in the body.
    type Body: Serialize + DeserializeOwned + Send + Sync;

    /// The part of a row.
    fn of(row: PartRow, body: Self::Body) -> Self;

    /// Its name.
    fn name(&self) -> &str;

    /// How often it was changed.
    fn version(&self) -> Version;
}

/// A part as somebody wants it.
pub trait AlertingDraft: Sync {
    /// What it becomes.
    type Part: AlertingPart;

    /// Its name.
    fn name(&self) -> &str;

    /// What people are told of it.
    fn description(&self) -> &str;

    /// What is written of it, in place of what there is now.
    fn body(
        &self,
        tx: &mut WriteTx,
        before: Option<&Self::Part>,
    ) -> impl Future<Output = Result<<Self::Part as AlertingPart>::Body, StoreError>> + Send;
}

/// What all parts have in common.
#[derive(Clone, Debug)]
pub struct PartRow {
    id: Id,
    name: String,
    description: String,
    version: Version,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The body of an inhibition.
#[derive(Debug, Serialize, Deserialize)]
pub struct InhibitionRow {
    enabled: bool,
    source: Vec<Matcher>,
    target: Vec<Matcher>,
    equal: Vec<String>,
}

macro_rules! parts {
    ($($type:ident $kind:literal, $one:literal, $many:literal, $limit:ident: $body:ty
        => |$it:ident| { $($field:ident: $value:expr),* };)*) => {$(
        impl AlertingPart for $type {
            const KIND: &'static str = $kind;
            const WORDS: [&'static str; 2] = [$one, $many];
            const LIMIT: i64 = $limit;
            type Body = $body;

            fn of(row: PartRow, $it: $body) -> Self {
                Self {
                    id: row.id,
                    name: row.name,
                    description: row.description,
                    version: row.version,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                    $($field: $value),*
                }
            }

            fn name(&self) -> &str {
                &self.name
            }

            fn version(&self) -> Version {
                self.version
            }
        }
    )*};
}

parts! {
    Receiver "receiver", "receiver", "receivers", MAX_RECEIVERS: Vec<Integration>
        => |body| { integrations: body };
    Inhibition "inhibition", "inhibition", "inhibitions", MAX_INHIBITIONS: InhibitionRow
        => |body| { enabled: body.enabled, source: body.source, target: body.target, equal: body.equal };
    TimeInterval "time_interval", "time interval", "time intervals", MAX_TIME_INTERVALS: Vec<TimeSpan>
        => |body| { spans: body };
    NotificationTemplate "template", "template", "templates", MAX_TEMPLATES: String
        => |body| { content: body };
}

macro_rules! drafts {
    ($($type:ident => $part:ident |$it:ident| $body:expr;)*) => {$(
        impl AlertingDraft for $type {
            type Part = $part;

            fn name(&self) -> &str {
                self.name.as_str()
            }

            fn description(&self) -> &str {
                self.description.as_str()
            }

            async fn body(
                &self,
                _: &mut WriteTx,
                _: Option<&$part>,
            ) -> Result<<$part as AlertingPart>::Body, StoreError> {
                let $it = self;
                Ok($body)
            }
        }
    )*};
}

drafts! {
    InhibitionDraft => Inhibition |draft| InhibitionRow {
        enabled: draft.enabled,
        source: draft.source.clone(),
        target: draft.target.clone(),
        equal: draft.equal.clone(),
    };
    TimeIntervalDraft => TimeInterval |draft| draft.spans.clone();
    NotificationTemplateDraft => NotificationTemplate |draft| draft.content.clone();
}

impl Tx {
    /// The part of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn alerting_part<P: AlertingPart>(&mut self, id: Id) -> Result<P, StoreError> {
        let [what, _] = P::WORDS;
        let query = sqlx::query(GET).bind(id).bind(P::KIND);
        let row = query.fetch_optional(self.connection()).await?;
        read(&row.ok_or(StoreError::NotFound { what })?)
    }

    /// Parts of a kind whose name or description has a text in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerting_parts<P: AlertingPart>(
        &mut self,
        search: Option<&str>,
        sort: Sort<NameSort>,
        page: PageRequest,
    ) -> Result<Page<P>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM alerting_parts",
            order: name_order(sort),
        };
        let filter = |query: &mut Query| {
            query
                .and_equals("kind = ", Some(P::KIND))?
                .and_any_contains(&["LOWER(name) LIKE ", "LOWER(description) LIKE "], search)?;
            Ok(())
        };
        list.page(self, page, filter, read).await
    }

    pub(super) async fn all_parts<P: AlertingPart>(&mut self) -> Result<Vec<P>, StoreError> {
        let query = sqlx::query(ALL).bind(P::KIND);
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }
}

impl WriteTx {
    /// Adds a part.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::TooMany`],
    /// [`StoreError::Invalid`] when a receiver lacks a secret or a mail server.
    pub async fn insert_alerting_part<D: AlertingDraft>(
        &mut self,
        draft: &D,
    ) -> Result<D::Part, StoreError> {
        let [what, many] = D::Part::WORDS;
        self.take_turn().await?;
        let query = sqlx::query(COUNT).bind(D::Part::KIND);
        let count: i64 = query.fetch_one(self.connection()).await?.try_get(0)?;
        if count >= D::Part::LIMIT {
            return Err(StoreError::TooMany {
                what: many,
                limit: D::Part::LIMIT,
            });
        }
        let body = to_json(&draft.body(self, None).await?)?;
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(D::Part::KIND)
            .bind(draft.name().to_owned())
            .bind(draft.description().to_owned())
            .bind(body)
            .bind(now.0)
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken(what, "name"))?;
        self.touch();
        self.alerting_part(row.try_get(0)?).await
    }

    /// Changes a part; with a version only when it still has that. Routes follow
    /// when it gets another name; secrets that it has no longer are forgotten. The
    /// part before and after.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`];
    /// [`StoreError::Invalid`] when a receiver lacks a secret or a mail server.
    pub async fn update_alerting_part<D: AlertingDraft>(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &D,
    ) -> Result<(D::Part, D::Part), StoreError> {
        let [what, _] = D::Part::WORDS;
        self.take_turn().await?;
        let before: D::Part = self.alerting_part(id).await?;
        expect_version(before.version(), version)?;
        let body = to_json(&draft.body(self, Some(&before)).await?)?;
        let now = self.now();
        sqlx::query(UPDATE)
            .bind(draft.name().to_owned())
            .bind(draft.description().to_owned())
            .bind(body)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken(what, "name"))?;
        self.touch();
        let after: D::Part = self.alerting_part(id).await?;
        let kept = after.secrets();
        for old in before.secrets().iter().filter(|old| !kept.contains(old)) {
            self.delete_secret(Some(old)).await?;
        }
        self.rename_in_routes(&before, after.name()).await?;
        Ok((before, after))
    }

    /// Takes a part away to which no route leads, and its secrets.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::InUse`].
    pub async fn delete_alerting_part<P: AlertingPart>(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<P, StoreError> {
        self.take_turn().await?;
        let before: P = self.alerting_part(id).await?;
        expect_version(before.version(), version)?;
        self.expect_no_route(&before).await?;
        self.delete_row(DELETE, id).await?;
        for secret in before.secrets() {
            self.delete_secret(Some(secret)).await?;
        }
        self.touch();
        Ok(before)
    }
}

fn read<P: AlertingPart>(row: &AnyRow) -> Result<P, StoreError> {
    let part = PartRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    };
    Ok(P::of(part, json(row, "body")?))
}
