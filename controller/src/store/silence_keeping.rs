//! The mirror of Alertmanager's silences, as it is compared with Alertmanager.

use std::collections::{HashMap, HashSet};

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::statements;
use super::silences::search;
use super::{StoreError, Tx, WriteTx, json, maybe_moment, moment, to_json};
use crate::alertmanager::HeldSilence;
use crate::clock::Timestamp;
use crate::model::{Id, Matcher, Occurrence, SilenceSubject, Version};
use crate::silencing::{MadeSilence, Mirrored, Reach};

statements! {
    OPEN = "SELECT id, reference, matchers, starts_ms, ends_ms, ended_ms, author, reason, \
            alertmanager_id, placed_version, seen_ms, version FROM silences \
            WHERE origin <> 'alertmanager' AND ends_ms > $1 ORDER BY id";
    FORMER = "SELECT i.silence_id, i.alertmanager_id FROM silence_ids i \
              JOIN silences s ON s.id = i.silence_id WHERE s.ends_ms > $1 \
              AND i.alertmanager_id <> COALESCE(s.alertmanager_id, '')";
    IDS = "SELECT alertmanager_id FROM silence_ids";
    REFERENCES = "SELECT reference FROM silences WHERE origin <> 'alertmanager'";
    PLACE = "UPDATE silences SET alertmanager_id = $1, placed_version = $2, seen_ms = $3, \
             put_back = put_back + $4, problem = NULL WHERE id = $5";
    REMEMBER = "INSERT INTO silence_ids (alertmanager_id, silence_id) VALUES ($1, $2) \
                ON CONFLICT (alertmanager_id) DO NOTHING";
    SEE = "UPDATE silences SET seen_ms = $1 WHERE id = $2";
    SETTLE = "UPDATE silences SET placed_version = $1, problem = NULL WHERE id = $2";
    ENDED = "UPDATE silences SET ended_ms = $1, ended_by = $2, placed_version = version + 1, \
             version = version + 1, updated_ms = $3 WHERE id = $4";
    MOVED = "UPDATE silences SET starts_ms = $1, ends_ms = $2, seen_ms = $3, \
             placed_version = version + 1, version = version + 1, updated_ms = $4 WHERE id = $5";
    REFUSED = "UPDATE silences SET problem = $1 WHERE id = $2";
    LOOKED = "UPDATE silence_watch SET looked_ms = $1, problem = NULL WHERE only_row = 1";
    FAILED = "UPDATE silence_watch SET problem = $1 WHERE only_row = 1";
    RENAMED = "SELECT s.id, s.matchers, s.more_matchers, s.author, s.reason, g.name \
               FROM silences s JOIN groups g ON g.id = s.group_id \
               JOIN silence_groups x ON x.silence_id = s.id \
               WHERE s.ended_ms IS NULL AND s.ends_ms > $1 AND x.group_name <> g.name";
    SET_MATCHERS = "UPDATE silences SET matchers = $1, search = $2, reaches_all = $3, \
                    version = version + 1, updated_ms = $4 WHERE id = $5";
    MADE_BY = "SELECT id, window_version, occurrence_starts_ms, occurrence_ends_ms, ended_ms \
               FROM silences WHERE window_id = $1 AND ends_ms > $2 ORDER BY id";
    ORPHANS = "SELECT id FROM silences WHERE origin = 'window' AND window_id IS NULL \
               AND ended_ms IS NULL AND ends_ms > $1 ORDER BY id";
    FOREIGN = "SELECT id, alertmanager_id, seen_ms, ended_ms FROM silences \
               WHERE origin = 'alertmanager'";
    ADD_FOREIGN = "INSERT INTO silences (reference, origin, subject, matchers, more_matchers, \
                   reaches_all, author, reason, starts_ms, ends_ms, ended_ms, alertmanager_id, \
                   seen_ms, put_back, search, version, created_ms, updated_ms) \
                   VALUES ($1, 'alertmanager', $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, \
                   $12, 1, $11, $11) RETURNING id";
    SET_FOREIGN = "UPDATE silences SET matchers = $1, more_matchers = $1, reaches_all = $2, \
                   author = $3, reason = $4, starts_ms = $5, ends_ms = $6, ended_ms = $7, \
                   seen_ms = $8, search = $9, version = version + 1, updated_ms = $8 \
                   WHERE id = $10";
    DROP = "DELETE FROM silences WHERE id = $1";
    FORGET = "DELETE FROM silences WHERE origin <> 'alertmanager' AND ends_ms < $1";
}

impl Tx {
    /// Silences of ours whose time is not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_silences(&mut self) -> Result<Vec<Mirrored>, StoreError> {
        let now = self.now();
        let rows = sqlx::query(FORMER)
            .bind(now.0)
            .fetch_all(self.connection())
            .await?;
        let mut former: HashMap<Id, Vec<String>> = HashMap::new();
        for row in &rows {
            let ids = former.entry(row.try_get(0)?).or_default();
            ids.push(row.try_get(1)?);
        }
        let rows = sqlx::query(OPEN)
            .bind(now.0)
            .fetch_all(self.connection())
            .await?;
        let read = |row: &AnyRow| {
            let id = row.try_get("id")?;
            Ok(Mirrored {
                id,
                reference: row.try_get("reference")?,
                matchers: json(row, "matchers")?,
                starts_at: moment(row, "starts_ms")?,
                ends_at: moment(row, "ends_ms")?,
                author: row.try_get("author")?,
                reason: row.try_get("reason")?,
                is_ended: maybe_moment(row, "ended_ms")?.is_some(),
                alertmanager_id: row.try_get("alertmanager_id")?,
                former_ids: former.remove(&id).unwrap_or_default(),
                placed_version: row.try_get("placed_version")?,
                seen_update: maybe_moment(row, "seen_ms")?,
                version: row.try_get("version")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Every id that silences of ours had in Alertmanager, and every reference that
    /// they have.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_silences(
        &mut self,
    ) -> Result<(HashSet<String>, HashSet<String>), StoreError> {
        let mut known = Vec::with_capacity(2);
        for statement in [IDS, REFERENCES] {
            let rows = sqlx::query(statement).fetch_all(self.connection()).await?;
            let texts: Result<HashSet<String>, sqlx::Error> =
                rows.iter().map(|row| row.try_get(0)).collect();
            known.push(texts?);
        }
        let references = known.pop().unwrap_or_default();
        Ok((known.pop().unwrap_or_default(), references))
    }

    /// Silences that a window made and whose time is not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silences_of_window(&mut self, window: Id) -> Result<Vec<MadeSilence>, StoreError> {
        let now = self.now();
        let rows = sqlx::query(MADE_BY)
            .bind(window)
            .bind(now.0)
            .fetch_all(self.connection())
            .await?;
        let read = |row: &AnyRow| {
            Ok(MadeSilence {
                id: row.try_get("id")?,
                window_version: row.try_get("window_version")?,
                occurrence: Occurrence {
                    starts_at: moment(row, "occurrence_starts_ms")?,
                    ends_at: moment(row, "occurrence_ends_ms")?,
                },
                is_ended: maybe_moment(row, "ended_ms")?.is_some(),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Silences whose window is gone, and which are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silences_without_window(&mut self) -> Result<Vec<Id>, StoreError> {
        let now = self.now();
        let rows = sqlx::query(ORPHANS)
            .bind(now.0)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

impl WriteTx {
    /// Notes that Alertmanager has a version of a silence under an id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_placed(
        &mut self,
        id: Id,
        version: Version,
        alertmanager_id: &str,
        seen: Option<Timestamp>,
        is_put_back: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(PLACE)
            .bind(alertmanager_id.to_owned())
            .bind(version)
            .bind(seen.map(|seen| seen.0))
            .bind(i64::from(is_put_back))
            .bind(id)
            .execute(self.connection())
            .await?;
        sqlx::query(REMEMBER)
            .bind(alertmanager_id.to_owned())
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes when Alertmanager changed a silence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_seen(&mut self, id: Id, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(SEE)
            .bind(at.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that Alertmanager need not be told any more of a version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_settled(&mut self, id: Id, version: Version) -> Result<(), StoreError> {
        sqlx::query(SETTLE)
            .bind(version)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that somebody ended a silence in Alertmanager.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_ended(&mut self, id: Id, at: Timestamp, by: &str) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(ENDED)
            .bind(at.0)
            .bind(by.to_owned())
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that somebody gave a silence other times in Alertmanager.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_moved(
        &mut self,
        id: Id,
        (starts_at, ends_at): (Timestamp, Timestamp),
        seen: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(MOVED)
            .bind(starts_at.0)
            .bind(ends_at.0)
            .bind(seen.0)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes why Alertmanager does not take a silence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_refused(&mut self, id: Id, problem: &str) -> Result<(), StoreError> {
        sqlx::query(REFUSED)
            .bind(problem.to_owned())
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that all was compared with Alertmanager, or what kept from it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_silences_looked(&mut self, problem: Option<&str>) -> Result<(), StoreError> {
        let now = self.now();
        let query = match problem {
            Some(problem) => sqlx::query(FAILED).bind(problem.to_owned()),
            None => sqlx::query(LOOKED).bind(now.0),
        };
        query.execute(self.connection()).await?;
        Ok(())
    }

    /// Gives silences of groups that were renamed the new names; tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn follow_group_names(&mut self) -> Result<usize, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let rows = sqlx::query(RENAMED)
            .bind(now.0)
            .fetch_all(self.connection())
            .await?;
        for row in &rows {
            let id: Id = row.try_get("id")?;
            let name: String = row.try_get("name")?;
            let mut matchers = vec![Matcher::equal("group", &name)];
            matchers.extend(json::<Vec<Matcher>>(row, "more_matchers")?);
            let author: String = row.try_get("author")?;
            let reason: String = row.try_get("reason")?;
            let reach = Reach::of(&matchers);
            sqlx::query(SET_MATCHERS)
                .bind(to_json(&matchers)?)
                .bind(search(&author, &reason, &matchers))
                .bind(i64::from(reach == Reach::All))
                .bind(now.0)
                .bind(id)
                .execute(self.connection())
                .await?;
            self.write_reach(id, &reach).await?;
        }
        Ok(rows.len())
    }

    /// Writes down what others made in Alertmanager; tells whether anything is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mirror_foreign(&mut self, held: &[&HeldSilence]) -> Result<bool, StoreError> {
        let rows = sqlx::query(FOREIGN).fetch_all(self.connection()).await?;
        let mut known: HashMap<String, (Id, Option<Timestamp>, bool)> = HashMap::new();
        for row in &rows {
            let is_ended = maybe_moment(row, "ended_ms")?.is_some();
            let entry = (row.try_get("id")?, maybe_moment(row, "seen_ms")?, is_ended);
            known.insert(row.try_get("alertmanager_id")?, entry);
        }
        let mut is_changed = false;
        for silence in held {
            match known.remove(&silence.id) {
                Some((_, Some(seen), is_ended))
                    if seen == silence.updated_at && is_ended != silence.is_alive() => {}
                Some((id, _, _)) => {
                    self.write_foreign(Some(id), silence).await?;
                    is_changed = true;
                }
                None => {
                    self.write_foreign(None, silence).await?;
                    is_changed = true;
                }
            }
        }
        for (id, _, _) in known.into_values() {
            self.delete_row(DROP, id).await?;
            is_changed = true;
        }
        Ok(is_changed)
    }

    async fn write_foreign(
        &mut self,
        id: Option<Id>,
        held: &HeldSilence,
    ) -> Result<(), StoreError> {
        let reach = Reach::of(&held.matchers);
        let matchers = to_json(&held.matchers)?;
        let reaches_all = i64::from(reach == Reach::All);
        let search = search(&held.author, &held.comment, &held.matchers);
        let ended = (!held.is_alive()).then_some(held.ends_at.0);
        let (author, comment) = (held.author.clone(), held.comment.clone());
        let times = [held.starts_at.0, held.ends_at.0];
        let row = match id {
            Some(id) => {
                sqlx::query(SET_FOREIGN)
                    .bind(matchers)
                    .bind(reaches_all)
                    .bind(author)
                    .bind(comment)
                    .bind(times[0])
                    .bind(times[1])
                    .bind(ended)
                    .bind(held.updated_at.0)
                    .bind(search)
                    .bind(id)
                    .execute(self.connection())
                    .await?;
                id
            }
            None => {
                let row = sqlx::query(ADD_FOREIGN)
                    .bind(format!("alertmanager {}", held.id))
                    .bind(to_json(&SilenceSubject::Matchers)?)
                    .bind(matchers)
                    .bind(reaches_all)
                    .bind(author)
                    .bind(comment)
                    .bind(times[0])
                    .bind(times[1])
                    .bind(ended)
                    .bind(held.id.clone())
                    .bind(held.updated_at.0)
                    .bind(search)
                    .fetch_one(self.connection())
                    .await?;
                row.try_get(0)?
            }
        };
        self.write_reach(row, &reach).await
    }

    /// Forgets silences of ours that were over before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_silences(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(FORGET)
            .bind(before.0)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }
}
