//! The audit trail: each entry is hashed together with the hash of the one
//! before, so that a changed, missing or inserted entry shows.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, moment};
use crate::clock::Timestamp;
use crate::model::{AuditEntry, AuditEvent, Id, Page, PageRequest};

/// Entries that are verified at a time.
const BATCH: i64 = 1000;

macro_rules! columns {
    () => {
        "sequence, at_ms, actor, actor_id, source, action, resource, old_value, new_value, hash"
    };
}

statements! {
    // Locks the row, so that entries get their places one after the other.
    NEXT = "UPDATE audit_head SET sequence = sequence + $1 WHERE only_row = 1 RETURNING sequence, hash";
    SET_HEAD = "UPDATE audit_head SET hash = $1 WHERE only_row = 1";
    HEAD = "SELECT sequence, hash FROM audit_head WHERE only_row = 1";
    COUNT_SINCE = "SELECT COUNT(*) FROM audit WHERE at_ms >= $1";
    COUNT_ACTIONS = "SELECT action, COUNT(*) FROM audit WHERE at_ms >= $1 GROUP BY action \
                     ORDER BY COUNT(*) DESC, action LIMIT $2";
    COUNT_ACTORS = "SELECT actor, COUNT(*) FROM audit WHERE at_ms >= $1 GROUP BY actor \
                    ORDER BY COUNT(*) DESC, actor LIMIT $2";
    BATCH_AFTER = concat!("SELECT ", columns!(), " FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2");
}

const INSERT: &str = "INSERT INTO audit (sequence, at_ms, actor, actor_id, source, action, \
    resource, old_value, new_value, hash) VALUES ";
/// Entries of one statement. For each value SQLite looks through the names of all
/// before it: more entries make each take longer.
const CHUNK: usize = 40;

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Part of the actor, action, resource or source.
    pub search: Option<String>,
    /// Exactly this actor.
    pub actor: Option<String>,
    /// Exactly this user behind it.
    pub actor_id: Option<Id>,
    /// From exactly this network address.
    pub source: Option<String>,
    /// Exactly this action.
    pub action: Option<String>,
    /// Exactly this resource.
    pub resource: Option<String>,
    /// Resources below this path, such as `servers`.
    pub resource_kind: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    fn apply(&self, query: &mut Query) -> Result<(), StoreError> {
        query
            .and_any_contains(
                &[
                    "LOWER(actor) LIKE ",
                    "LOWER(action) LIKE ",
                    "LOWER(resource) LIKE ",
                    "LOWER(COALESCE(source, '')) LIKE ",
                ],
                self.search.as_deref(),
            )?
            .and_equals("actor = ", self.actor.clone())?
            .and_equals("actor_id = ", self.actor_id)?
            .and_equals("source = ", self.source.clone())?
            .and_equals("action = ", self.action.clone())?
            .and_equals("resource = ", self.resource.clone())?
            .and_begins("resource LIKE ", self.resource_kind.as_deref())?
            .and_equals("at_ms >= ", self.since.map(|at| at.0))?
            .and_equals("at_ms < ", self.until.map(|at| at.0))?;
        Ok(())
    }
}

/// How many entries there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditCounts {
    /// Of each action.
    pub actions: Vec<(String, i64)>,
    /// Of each actor.
    pub actors: Vec<(String, i64)>,
    /// In all.
    pub total: i64,
}

/// What verifying the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// How many entries were looked at.
    pub entries: i64,
    /// The first place where the chain is broken.
    pub broken: Option<ChainBreak>,
}

/// A place where the trail is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainBreak {
    /// Sequence number of the entry, or of the missing one.
    pub sequence: i64,
    /// What is wrong.
    pub what: &'static str,
}

/// What is hashed of an entry. The names and their order are part of the format.
#[derive(Serialize)]
struct Hashed<'a> {
    sequence: i64,
    at_ms: i64,
    actor: &'a str,
    actor_id: Option<Id>,
    source: Option<&'a str>,
    action: &'a str,
    resource: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

impl Hashed<'_> {
    fn hash(&self, previous: &[u8]) -> Result<Vec<u8>, StoreError> {
        let text = super::to_json(self)?;
        let digest = Sha256::new()
            .chain_update(previous)
            .chain_update(text)
            .finalize();
        Ok(digest.to_vec())
    }
}

/// An entry with its values as they are stored, to the byte.
struct Raw {
    entry: AuditEntry,
    old: Option<String>,
    new: Option<String>,
    hash: Vec<u8>,
}

impl Tx {
    /// Entries that a filter lets through, the newest first or the oldest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &mut self,
        filter: &AuditFilter,
        oldest_first: bool,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM audit",
            order: if oldest_first {
                " ORDER BY sequence"
            } else {
                " ORDER BY sequence DESC"
            },
        };
        list.page(
            self,
            page,
            |query| filter.apply(query),
            |row| Ok(read(row)?.entry),
        )
        .await
    }

    /// Entries that a filter lets through, by number, of those after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_after(
        &mut self,
        after: i64,
        filter: &AuditFilter,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut query = Query::new("SELECT ");
        query.push(columns!()).push(" FROM audit");
        filter.apply(&mut query)?;
        query.and("sequence > ").bind(after)?;
        query.push(" ORDER BY sequence LIMIT ").bind(limit)?;
        let rows = query.fetch_all(self).await?;
        rows.iter().map(|row| Ok(read(row)?.entry)).collect()
    }

    /// How many entries there are of each action and of each actor since a
    /// moment, the most frequent first, up to `limit` of each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_counts(
        &mut self,
        since: Timestamp,
        limit: i64,
    ) -> Result<AuditCounts, StoreError> {
        let mut counts = Vec::with_capacity(2);
        for statement in [COUNT_ACTIONS, COUNT_ACTORS] {
            let rows = sqlx::query(statement)
                .bind(since.0)
                .bind(limit)
                .fetch_all(self.connection())
                .await?;
            let rows: Result<Vec<(String, i64)>, sqlx::Error> = rows
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect();
            counts.push(rows?);
        }
        let actors = counts.pop().unwrap_or_default();
        let actions = counts.pop().unwrap_or_default();
        let row = sqlx::query(COUNT_SINCE)
            .bind(since.0)
            .fetch_one(self.connection())
            .await?;
        Ok(AuditCounts {
            actions,
            actors,
            total: row.try_get(0)?,
        })
    }

    /// Number of the last entry, and its hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_head(&mut self) -> Result<(i64, Vec<u8>), StoreError> {
        let row = sqlx::query(HEAD).fetch_one(self.connection()).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// Recomputes the whole chain.
    ///
    /// # Errors
    /// When the database fails; a broken chain is in the report.
    pub async fn verify_audit(&mut self) -> Result<ChainReport, StoreError> {
        let mut previous = vec![0; 32];
        let mut last = 0;
        loop {
            let rows = sqlx::query(BATCH_AFTER)
                .bind(last)
                .bind(BATCH)
                .fetch_all(self.connection())
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let raw = read(row)?;
                let expected = last + 1;
                if raw.entry.sequence != expected {
                    return Ok(broken(last, expected, "the entry is missing"));
                }
                if raw.hash != raw.hashed().hash(&previous)? {
                    return Ok(broken(
                        last,
                        expected,
                        "the entry, or the one before, was changed",
                    ));
                }
                previous = raw.hash;
                last = expected;
            }
        }
        let (sequence, hash) = self.audit_head().await?;
        if sequence != last {
            return Ok(broken(last, last + 1, "entries at the end are missing"));
        }
        if hash != previous {
            return Ok(broken(last, last, "the last hash was changed"));
        }
        Ok(ChainReport {
            entries: last,
            broken: None,
        })
    }
}

impl WriteTx {
    /// Writes an entry, in the same transaction as what it tells of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append_audit(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        self.append_audits(std::slice::from_ref(event)).await
    }

    /// Writes many entries, in their order and with few statements.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append_audits(&mut self, events: &[AuditEvent]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let head = sqlx::query(NEXT)
            .bind(count)
            .fetch_one(self.connection())
            .await?;
        let last: i64 = head.try_get(0)?;
        let mut hash: Vec<u8> = head.try_get(1)?;
        let mut sequence = last - count;
        for chunk in events.chunks(CHUNK) {
            let mut query = Query::new(INSERT);
            for (index, event) in chunk.iter().enumerate() {
                sequence += 1;
                query.push(if index == 0 { "(" } else { ", (" });
                hash = self.push_entry(&mut query, sequence, event, &hash)?;
                query.push(")");
            }
            query.fetch_all(self).await?;
        }
        sqlx::query(SET_HEAD)
            .bind(hash)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Adds the values of an entry to a statement, and gives its hash.
    fn push_entry(
        &self,
        query: &mut Query,
        sequence: i64,
        event: &AuditEvent,
        previous: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let old = event.before.as_ref().map(super::to_json).transpose()?;
        let new = event.after.as_ref().map(super::to_json).transpose()?;
        let now = self.now();
        let hash = Hashed {
            sequence,
            at_ms: now.0,
            actor: &event.actor,
            actor_id: event.actor_id,
            source: event.source.as_deref(),
            action: event.action,
            resource: &event.resource,
            old: old.as_deref(),
            new: new.as_deref(),
        }
        .hash(previous)?;
        query.bind(sequence)?.push(", ").bind(now.0)?.push(", ");
        query.bind(event.actor.clone())?.push(", ");
        query.bind(event.actor_id)?.push(", ");
        query.bind(event.source.clone())?.push(", ");
        query.bind(event.action)?.push(", ");
        query.bind(event.resource.clone())?.push(", ");
        query.bind(old)?.push(", ").bind(new)?.push(", ");
        query.bind(hash.clone())?;
        Ok(hash)
    }
}

impl Raw {
    fn hashed(&self) -> Hashed<'_> {
        Hashed {
            sequence: self.entry.sequence,
            at_ms: self.entry.at.0,
            actor: &self.entry.actor,
            actor_id: self.entry.actor_id,
            source: self.entry.source.as_deref(),
            action: &self.entry.action,
            resource: &self.entry.resource,
            old: self.old.as_deref(),
            new: self.new.as_deref(),
        }
    }
}

fn broken(entries: i64, sequence: i64, what: &'static str) -> ChainReport {
    ChainReport {
        entries,
        broken: Some(ChainBreak { sequence, what }),
    }
}

fn read(row: &AnyRow) -> Result<Raw, StoreError> {
    let old: Option<String> = row.try_get("old_value")?;
    let new: Option<String> = row.try_get("new_value")?;
    let hash: Vec<u8> = row.try_get("hash")?;
    // What is no JSON was tampered with; the chain says so, and it is shown as it is.
    let value = |text: &Option<String>| {
        text.as_deref().map(|text| {
            serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text))
        })
    };
    let entry = AuditEntry {
        sequence: row.try_get("sequence")?,
        at: moment(row, "at_ms")?,
        actor: row.try_get("actor")?,
        actor_id: row.try_get("actor_id")?,
        source: row.try_get("source")?,
        action: row.try_get("action")?,
        resource: row.try_get("resource")?,
        before: value(&old),
        after: value(&new),
        hash: hex::encode(&hash),
    };
    Ok(Raw {
        entry,
        old,
        new,
        hash,
    })
}
