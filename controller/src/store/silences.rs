//! The mirror of Alertmanager's silences, as people read and change it.

use std::collections::HashSet;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::guard::expect_version;
use super::query::{Query, statements};
use super::{StoreError, Tx, WriteTx, json, maybe_moment, moment, to_json, word};
use crate::clock::Timestamp;
use crate::model::{
    Id, Matcher, Occurrence, Page, PageRequest, Scope, Silence, SilenceDraft, SilenceFilter,
    SilenceOrigin, SilenceState, SilenceSubject, Version,
};
use crate::silencing::Reach;

/// Most silences of ours whose time is not over.
pub const MAX_SILENCES: i64 = 10_000;
/// Rows that are written with one statement.
const CHUNK: usize = 500;

macro_rules! columns {
    () => {
        "id, origin, subject, matchers, author, reason, starts_ms, ends_ms, ended_ms, ended_by, \
         window_id, alertmanager_id, put_back, CASE WHEN problem IS NOT NULL THEN problem \
         WHEN origin <> 'alertmanager' AND ends_ms > looked.now_ms \
         AND COALESCE(placed_version, 0) <> version THEN \
         (SELECT w.problem FROM silence_watch w) END AS problem, version, created_ms, updated_ms, \
         looked.now_ms AS now_ms"
    };
}

statements! {
    RAISE = "UPDATE silence_watch SET revision = revision + 1 WHERE only_row = 1";
    REVISION = "SELECT revision FROM silence_watch WHERE only_row = 1";
    COUNT_OPEN = "SELECT COUNT(*) FROM silences WHERE ended_ms IS NULL \
                  AND origin <> 'alertmanager' AND ends_ms > $1";
    INSERT = "INSERT INTO silences (reference, origin, subject, group_id, matchers, \
              more_matchers, reaches_all, author, reason, starts_ms, ends_ms, window_id, \
              window_version, occurrence_starts_ms, occurrence_ends_ms, put_back, search, version, \
              created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, $16, 1, \
              $17, $17) RETURNING id";
    CHANGE = "UPDATE silences SET starts_ms = $1, ends_ms = $2, reason = $3, search = $4, \
              problem = NULL, version = version + 1, updated_ms = $5 WHERE id = $6";
    END = "UPDATE silences SET ended_ms = $1, ended_by = $2, problem = NULL, \
           version = version + 1, updated_ms = $1 WHERE id = $3";
    CLEAR_SERVERS = "DELETE FROM silence_servers WHERE silence_id = $1";
    CLEAR_GROUPS = "DELETE FROM silence_groups WHERE silence_id = $1";
}

const NOT_FOUND: StoreError = StoreError::NotFound { what: "silence" };

/// A silence that is to be made.
#[derive(Clone, Debug)]
pub struct NewSilence<'a> {
    /// What was asked for.
    pub draft: &'a SilenceDraft,
    /// All matchers, those of its subject among them.
    pub matchers: &'a [Matcher],
    /// Who makes it.
    pub author: &'a str,
    /// The window that makes it, its version, and the time for which it does.
    pub window: Option<(Id, Version, Occurrence)>,
}

impl Tx {
    /// How often what is to reach Alertmanager has changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silence_revision(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query(REVISION).fetch_one(self.connection()).await?;
        Ok(row.try_get(0)?)
    }

    /// The silence of that number, if it may be about a server in the scope.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is out of scope.
    pub async fn silence(&mut self, id: Id, scope: &Scope) -> Result<Silence, StoreError> {
        let mut query = self.select_silences()?;
        query.and("id = ").bind(id)?;
        and_touches(&mut query, scope)?;
        let rows = query.fetch_all(self).await?;
        let silence = read(rows.first().ok_or(NOT_FOUND)?)?;
        let mut shown = self.conceal(vec![silence], scope).await?;
        shown.pop().ok_or(NOT_FOUND)
    }

    /// Silences that a filter lets through, those that begin last first. Those that
    /// cannot be about a server in the scope are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silences(
        &mut self,
        filter: &SilenceFilter,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<Silence>, StoreError> {
        let now = self.now();
        let mut list = self.select_silences()?;
        let mut count = Query::new("SELECT COUNT(*) FROM silences");
        for query in [&mut list, &mut count] {
            and_filter(query, filter, now)?;
            and_touches(query, scope)?;
        }
        list.push(" ORDER BY starts_ms DESC, id DESC LIMIT ")
            .bind(page.limit)?;
        list.push(" OFFSET ").bind(page.offset)?;
        let rows = list.fetch_all(self).await?;
        let items: Result<Vec<Silence>, StoreError> = rows.iter().map(read).collect();
        Ok(Page {
            items: self.conceal(items?, scope).await?,
            total: count.fetch_one(self).await?.try_get(0)?,
            offset: page.offset,
            limit: page.limit,
        })
    }

    fn select_silences(&mut self) -> Result<Query, StoreError> {
        let now = self.now();
        let mut query = Query::new(concat!(
            "SELECT ",
            columns!(),
            " FROM silences, (SELECT CAST("
        ));
        query.bind(now.0)?.push(" AS BIGINT) AS now_ms) looked");
        Ok(query)
    }

    /// Hides what somebody must not know of silences that are also about servers
    /// out of their scope.
    async fn conceal(
        &mut self,
        mut silences: Vec<Silence>,
        scope: &Scope,
    ) -> Result<Vec<Silence>, StoreError> {
        if *scope == Scope::All || silences.is_empty() {
            return Ok(silences);
        }
        let mut beyond: HashSet<Id> = HashSet::new();
        for chunk in silences.chunks(CHUNK) {
            for (select, group) in [
                (
                    "SELECT id FROM silences WHERE reaches_all = 1 AND id IN ",
                    None,
                ),
                (
                    "SELECT x.silence_id FROM silence_servers x \
                     LEFT JOIN servers v ON v.id = x.server_id WHERE x.silence_id IN ",
                    Some(" AND COALESCE(v.group_id, 0) NOT IN "),
                ),
                (
                    "SELECT x.silence_id FROM silence_groups x \
                     LEFT JOIN groups v ON v.name = x.group_name WHERE x.silence_id IN ",
                    Some(" AND COALESCE(v.id, 0) NOT IN "),
                ),
            ] {
                let mut query = Query::new(select);
                query.list(chunk.iter().map(|silence| silence.id))?;
                if let (Some(group), Scope::Groups(groups)) = (group, scope) {
                    // Nobody has group -1, and `IN ()` is no SQL.
                    query.push(group);
                    query.list(std::iter::once(-1).chain(groups.iter().copied()))?;
                }
                for row in query.fetch_all(self).await? {
                    beyond.insert(row.try_get(0)?);
                }
            }
        }
        for silence in silences
            .iter_mut()
            .filter(|silence| beyond.contains(&silence.id))
        {
            silence.reaches_beyond = true;
            silence.subject = SilenceSubject::Matchers;
            silence.matchers = Vec::new();
            silence.reason = String::new();
            silence.problem = None;
        }
        Ok(silences)
    }
}

impl WriteTx {
    /// Adds a silence.
    ///
    /// # Errors
    /// [`StoreError::TooMany`].
    pub async fn insert_silence(&mut self, new: &NewSilence<'_>) -> Result<Silence, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let open = sqlx::query(COUNT_OPEN)
            .bind(now.0)
            .fetch_one(self.connection())
            .await?;
        if open.try_get::<i64, _>(0)? >= MAX_SILENCES {
            return Err(StoreError::TooMany {
                what: "silences",
                limit: MAX_SILENCES,
            });
        }
        let draft = new.draft;
        let group = match draft.subject {
            SilenceSubject::Group { group_id } => Some(group_id),
            _ => None,
        };
        let origin = match new.window {
            Some(_) => SilenceOrigin::Window,
            None => SilenceOrigin::Controller,
        };
        let reach = Reach::of(new.matchers);
        let occurrence = new.window.map(|(_, _, occurrence)| occurrence);
        let row = sqlx::query(INSERT)
            .bind(uuid::Uuid::now_v7().to_string())
            .bind(origin.as_str())
            .bind(to_json(&draft.subject)?)
            .bind(group)
            .bind(to_json(&new.matchers)?)
            .bind(to_json(&draft.matchers)?)
            .bind(i64::from(reach == Reach::All))
            .bind(new.author.to_owned())
            .bind(draft.reason.as_str().to_owned())
            .bind(draft.starts_at.0)
            .bind(draft.ends_at.0)
            .bind(new.window.map(|(id, _, _)| id))
            .bind(new.window.map(|(_, version, _)| version))
            .bind(occurrence.map(|occurrence| occurrence.starts_at.0))
            .bind(occurrence.map(|occurrence| occurrence.ends_at.0))
            .bind(search(new.author, draft.reason.as_str(), new.matchers))
            .bind(now.0)
            .fetch_one(self.connection())
            .await?;
        let id = row.try_get(0)?;
        self.write_reach(id, &reach).await?;
        self.raise_silence_revision().await?;
        self.silence(id, &Scope::All).await
    }

    /// Gives a silence other times and another reason; with a version only when it
    /// still has that.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn change_silence(
        &mut self,
        id: Id,
        version: Option<Version>,
        (starts_at, ends_at, reason): (Timestamp, Timestamp, &str),
    ) -> Result<(Silence, Silence), StoreError> {
        self.take_turn().await?;
        let before = self.silence(id, &Scope::All).await?;
        expect_version(before.version, version)?;
        let now = self.now();
        sqlx::query(CHANGE)
            .bind(starts_at.0)
            .bind(ends_at.0)
            .bind(reason.to_owned())
            .bind(search(&before.author, reason, &before.matchers))
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        self.raise_silence_revision().await?;
        Ok((before, self.silence(id, &Scope::All).await?))
    }

    /// Ends a silence before its time. One that is over stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn end_silence(
        &mut self,
        id: Id,
        version: Option<Version>,
        by: &str,
    ) -> Result<(Silence, Silence), StoreError> {
        self.take_turn().await?;
        let before = self.silence(id, &Scope::All).await?;
        expect_version(before.version, version)?;
        if before.state == SilenceState::Expired {
            return Ok((before.clone(), before));
        }
        let now = self.now();
        sqlx::query(END)
            .bind(now.0)
            .bind(by.to_owned())
            .bind(id)
            .execute(self.connection())
            .await?;
        self.raise_silence_revision().await?;
        Ok((before, self.silence(id, &Scope::All).await?))
    }

    /// Notes that something is to reach Alertmanager.
    pub(super) async fn raise_silence_revision(&mut self) -> Result<(), StoreError> {
        sqlx::query(RAISE).execute(self.connection()).await?;
        Ok(())
    }

    /// Writes down which servers or groups a silence is limited to.
    pub(super) async fn write_reach(&mut self, id: Id, reach: &Reach) -> Result<(), StoreError> {
        for clear in [CLEAR_SERVERS, CLEAR_GROUPS] {
            sqlx::query(clear)
                .bind(id)
                .execute(self.connection())
                .await?;
        }
        match reach {
            Reach::All => Ok(()),
            Reach::Servers(servers) => {
                let insert = "INSERT INTO silence_servers (silence_id, server_id) VALUES ";
                self.write_pairs(insert, id, servers.iter().copied()).await
            }
            Reach::Groups(groups) => {
                let insert = "INSERT INTO silence_groups (silence_id, group_name) VALUES ";
                self.write_pairs(insert, id, groups.iter().cloned()).await
            }
        }
    }

    async fn write_pairs<T>(
        &mut self,
        insert: &'static str,
        id: Id,
        values: impl Iterator<Item = T>,
    ) -> Result<(), StoreError>
    where
        T: for<'q> sqlx::Encode<'q, sqlx::Any> + sqlx::Type<sqlx::Any> + 'static,
    {
        let mut values = values.peekable();
        while values.peek().is_some() {
            let mut query = Query::new(insert);
            for (index, value) in values.by_ref().take(CHUNK).enumerate() {
                query.push(if index == 0 { "(" } else { ", (" });
                query.bind(id)?.push(", ").bind(value)?.push(")");
            }
            query.fetch_all(self).await?;
        }
        Ok(())
    }
}

/// All that a search looks at.
pub(super) fn search(author: &str, reason: &str, matchers: &[Matcher]) -> String {
    let mut text = format!("{author}\n{reason}");
    for matcher in matchers {
        text.push('\n');
        text.push_str(&matcher.name);
        text.push(' ');
        text.push_str(&matcher.value);
    }
    text.to_lowercase()
}

fn and_filter(query: &mut Query, filter: &SilenceFilter, now: Timestamp) -> Result<(), StoreError> {
    match filter.state {
        Some(SilenceState::Expired) => {
            query.and("(ended_ms IS NOT NULL OR ends_ms <= ");
            query.bind(now.0)?.push(")");
        }
        Some(state) => {
            query.and("ended_ms IS NULL AND ends_ms > ").bind(now.0)?;
            query.push(if state == SilenceState::Pending {
                " AND (alertmanager_id IS NULL OR starts_ms > "
            } else {
                " AND (alertmanager_id IS NOT NULL AND starts_ms <= "
            });
            query.bind(now.0)?.push(")");
        }
        None => {}
    }
    query
        .and_equals("origin = ", filter.origin.map(SilenceOrigin::as_str))?
        .and_equals("window_id = ", filter.window_id)?
        .and_contains("search LIKE ", filter.search.as_deref())?;
    if let Some(id) = &filter.alertmanager_id {
        query.and("(alertmanager_id = ").bind(id.clone())?;
        query.push(
            " OR EXISTS (SELECT 1 FROM silence_ids x WHERE x.silence_id = silences.id \
             AND x.alertmanager_id = ",
        );
        query.bind(id.clone())?.push("))");
    }
    if let Some(server) = filter.server_id {
        query.and(
            "(reaches_all = 1 OR EXISTS (SELECT 1 FROM silence_servers x \
             WHERE x.silence_id = silences.id AND x.server_id = ",
        );
        query.bind(server)?.push(
            ") OR EXISTS (SELECT 1 FROM silence_groups x JOIN groups g ON g.name = x.group_name \
             JOIN servers v ON v.group_id = g.id WHERE x.silence_id = silences.id AND v.id = ",
        );
        query.bind(server)?.push("))");
    }
    Ok(())
}

/// Limits a list to silences that may be about servers in the scope.
fn and_touches(query: &mut Query, scope: &Scope) -> Result<(), StoreError> {
    let Scope::Groups(groups) = scope else {
        return Ok(());
    };
    // Nobody has group 0, and `IN ()` is no SQL.
    let groups = || std::iter::once(0).chain(groups.iter().copied());
    query.and(
        "(reaches_all = 1 OR EXISTS (SELECT 1 FROM silence_servers x \
         JOIN servers v ON v.id = x.server_id WHERE x.silence_id = silences.id \
         AND v.group_id IN ",
    );
    query.list(groups())?.push(
        ") OR EXISTS (SELECT 1 FROM silence_groups x JOIN groups v ON v.name = x.group_name \
         WHERE x.silence_id = silences.id AND v.id IN ",
    );
    query.list(groups())?.push("))");
    Ok(())
}

fn read(row: &AnyRow) -> Result<Silence, StoreError> {
    let now = moment(row, "now_ms")?;
    let starts_at = moment(row, "starts_ms")?;
    let ended_at = maybe_moment(row, "ended_ms")?;
    let planned = moment(row, "ends_ms")?;
    let alertmanager_id: Option<String> = row.try_get("alertmanager_id")?;
    let state = if ended_at.is_some() || planned <= now {
        SilenceState::Expired
    } else if alertmanager_id.is_none() || starts_at > now {
        SilenceState::Pending
    } else {
        SilenceState::Active
    };
    Ok(Silence {
        id: row.try_get("id")?,
        state,
        origin: word(row, "origin", SilenceOrigin::parse)?,
        subject: json(row, "subject")?,
        matchers: json(row, "matchers")?,
        author: row.try_get("author")?,
        reason: row.try_get("reason")?,
        starts_at,
        ends_at: ended_at.map_or(planned, |ended_at| ended_at.min(planned)),
        ended_by: row.try_get("ended_by")?,
        window_id: row.try_get("window_id")?,
        alertmanager_id,
        put_back: row.try_get("put_back")?,
        problem: row.try_get("problem")?,
        reaches_beyond: false,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
