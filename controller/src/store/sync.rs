//! What is published: versions with their content, and which of them is live.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, json, maybe_moment, moment, to_json, truth, word};
use crate::model::{
    Artefact, Id, Page, PageRequest, SyncChange, SyncCounts, SyncFilter, SyncKey, SyncOutcome,
    SyncReason, SyncState, SyncVersion,
};

/// Versions whose content is kept to return to.
const KEPT_VERSIONS: i64 = 50;
/// Largest content, as a bound for what is unpacked.
const MAX_CONTENT: u64 = 512 * 1024 * 1024;

macro_rules! columns {
    () => {
        "id, artefact, server, revision, author, reason, digest, entries, added, removed, changed, \
         CASE WHEN content IS NULL THEN 0 ELSE 1 END AS is_kept, outcome, outcome_detail, \
         created_ms, settled_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM sync_versions WHERE id = $1");
    LATEST = concat!("SELECT ", columns!(), " FROM sync_versions WHERE artefact = $1 \
              AND server = $2 AND reason <> 'withdrawn' ORDER BY id DESC LIMIT 1");
    DIFF = "SELECT diff FROM sync_versions WHERE id = $1";
    CONTENT = "SELECT content FROM sync_versions WHERE id = $1";
    STATE = "SELECT published_id, good_id, is_held, confirmed_revision, confirmed_by \
             FROM sync_artefacts WHERE artefact = $1 AND server = $2";
    INSERT = "INSERT INTO sync_versions (artefact, server, revision, audit_sequence, author, \
              reason, digest, entries, added, removed, changed, diff, content, outcome, \
              outcome_detail, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
              $12, $13, 'published', '', $14) RETURNING id";
    SETTLE = "UPDATE sync_versions SET outcome = $1, outcome_detail = $2, settled_ms = $3 \
              WHERE id = $4";
    SET_STATE = "INSERT INTO sync_artefacts (artefact, server, published_id, good_id, is_held, \
                 confirmed_revision, confirmed_by) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT (artefact, server) DO UPDATE SET published_id = excluded.published_id, \
                 good_id = excluded.good_id, is_held = excluded.is_held, \
                 confirmed_revision = excluded.confirmed_revision, \
                 confirmed_by = excluded.confirmed_by";
    FORGET_CONTENT = "UPDATE sync_versions SET content = NULL WHERE artefact = $1 \
                      AND server = $2 AND content IS NOT NULL AND id NOT IN \
                      (SELECT id FROM sync_versions WHERE artefact = $1 AND server = $2 \
                       ORDER BY id DESC LIMIT $3) AND id NOT IN \
                      (SELECT COALESCE(published_id, 0) FROM sync_artefacts UNION \
                       SELECT COALESCE(good_id, 0) FROM sync_artefacts)";
    LAST_AUDITED = "SELECT COALESCE(MAX(audit_sequence), 0) FROM sync_versions \
                    WHERE artefact = $1 AND server = $2";
    AUDIT_HEAD = "SELECT sequence FROM audit_head WHERE only_row = 1";
    AUTHORS = "SELECT DISTINCT actor FROM audit WHERE sequence > $1 AND (resource LIKE 'servers/%' \
               OR resource LIKE 'groups/%' OR resource LIKE 'exporters/%' \
               OR resource LIKE 'credentials/%' OR resource LIKE 'rules/%' \
               OR resource LIKE 'thresholds/%') ORDER BY actor LIMIT 10";
}

const NOT_FOUND: StoreError = StoreError::NotFound { what: "version" };

/// A version to be published.
#[derive(Clone, Debug)]
pub struct NewSyncVersion<'a> {
    /// What it is a version of.
    pub key: &'a SyncKey,
    /// Revision of the desired state.
    pub revision: i64,
    /// Who is behind it; those in the audit trail when absent.
    pub author: Option<&'a str>,
    /// Why it comes to be.
    pub reason: SyncReason,
    /// SHA-256 of the content.
    pub digest: [u8; 32],
    /// What it changes.
    pub counts: SyncCounts,
    /// What it changes, entry by entry, up to a bound.
    pub diff: &'a [SyncChange],
    /// The content.
    pub content: &'a [u8],
}

const LIST: List = List {
    columns: columns!(),
    from: " FROM sync_versions",
    order: " ORDER BY id DESC",
};

impl Tx {
    /// What of an artefact is published.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sync_state(&mut self, key: &SyncKey) -> Result<SyncState, StoreError> {
        let row = sqlx::query(STATE)
            .bind(key.artefact.as_str())
            .bind(key.server.clone())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else {
            return Ok(SyncState::default());
        };
        Ok(SyncState {
            published_id: row.try_get("published_id")?,
            good_id: row.try_get("good_id")?,
            is_held: truth(&row, "is_held")?,
            confirmed_revision: row.try_get("confirmed_revision")?,
            confirmed_by: row.try_get("confirmed_by")?,
        })
    }

    /// The version of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn sync_version(&mut self, id: Id) -> Result<SyncVersion, StoreError> {
        let row = self.row_of(GET, id, NOT_FOUND).await?;
        read(&row)
    }

    /// The newest version that anybody wanted, whatever became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_sync_version(
        &mut self,
        key: &SyncKey,
    ) -> Result<Option<SyncVersion>, StoreError> {
        let row = sqlx::query(LATEST)
            .bind(key.artefact.as_str())
            .bind(key.server.clone())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Versions, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sync_versions(
        &mut self,
        filter: &SyncFilter,
        page: PageRequest,
    ) -> Result<Page<SyncVersion>, StoreError> {
        let apply = |query: &mut Query| {
            query.and_equals("artefact = ", filter.artefact.map(Artefact::as_str))?;
            query.and_equals("server = ", filter.server.clone())?;
            Ok(())
        };
        LIST.page(self, page, apply, read).await
    }

    /// What a version changed, entry by entry, up to a bound.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn sync_diff(&mut self, id: Id) -> Result<Vec<SyncChange>, StoreError> {
        let row = self.row_of(DIFF, id, NOT_FOUND).await?;
        json(&row, "diff")
    }

    /// The content of a version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is too old to be kept.
    pub async fn sync_content(&mut self, id: Id) -> Result<Vec<u8>, StoreError> {
        let row = self.row_of(CONTENT, id, NOT_FOUND).await?;
        let packed: Option<Vec<u8>> = row.try_get("content")?;
        let packed = packed.ok_or(NOT_FOUND)?;
        let mut content = Vec::new();
        GzDecoder::new(packed.as_slice())
            .take(MAX_CONTENT)
            .read_to_end(&mut content)
            .map_err(|error| StoreError::Damaged(format!("content of version {id}: {error}")))?;
        Ok(content)
    }
}

impl WriteTx {
    /// Adds a version. What is published stays what it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_sync_version(
        &mut self,
        new: &NewSyncVersion<'_>,
    ) -> Result<SyncVersion, StoreError> {
        let now = self.now();
        let audited: i64 = sqlx::query(AUDIT_HEAD)
            .fetch_one(self.connection())
            .await?
            .try_get(0)?;
        let author = match new.author {
            Some(author) => author.to_owned(),
            None => self.authors(new.key).await?,
        };
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = packed
            .write_all(new.content)
            .and_then(|()| packed.finish())
            .map_err(|error| StoreError::Damaged(format!("content: {error}")))?;
        let row = sqlx::query(INSERT)
            .bind(new.key.artefact.as_str())
            .bind(new.key.server.clone())
            .bind(new.revision)
            .bind(audited)
            .bind(author)
            .bind(new.reason.as_str())
            .bind(new.digest.to_vec())
            .bind(new.counts.entries)
            .bind(new.counts.added)
            .bind(new.counts.removed)
            .bind(new.counts.changed)
            .bind(to_json(&new.diff)?)
            .bind(packed)
            .bind(now.0)
            .fetch_one(self.connection())
            .await?;
        let id: Id = row.try_get(0)?;
        sqlx::query(FORGET_CONTENT)
            .bind(new.key.artefact.as_str())
            .bind(new.key.server.clone())
            .bind(KEPT_VERSIONS)
            .execute(self.connection())
            .await?;
        self.sync_version(id).await
    }

    /// Everybody who changed something since the last version.
    async fn authors(&mut self, key: &SyncKey) -> Result<String, StoreError> {
        let since: i64 = sqlx::query(LAST_AUDITED)
            .bind(key.artefact.as_str())
            .bind(key.server.clone())
            .fetch_one(self.connection())
            .await?
            .try_get(0)?;
        let rows = sqlx::query(AUTHORS)
            .bind(since)
            .fetch_all(self.connection())
            .await?;
        let names: Vec<String> = rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?;
        Ok(if names.is_empty() {
            "controller".to_owned()
        } else {
            names.join(", ")
        })
    }

    /// Notes what became of a version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_sync_version(
        &mut self,
        id: Id,
        outcome: SyncOutcome,
        detail: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(SETTLE)
            .bind(outcome.as_str())
            .bind(detail)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Sets what of an artefact is published.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_sync_state(
        &mut self,
        key: &SyncKey,
        state: &SyncState,
    ) -> Result<(), StoreError> {
        sqlx::query(SET_STATE)
            .bind(key.artefact.as_str())
            .bind(key.server.clone())
            .bind(state.published_id)
            .bind(state.good_id)
            .bind(i64::from(state.is_held))
            .bind(state.confirmed_revision)
            .bind(state.confirmed_by.clone())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<SyncVersion, StoreError> {
    let digest: Vec<u8> = row.try_get("digest")?;
    Ok(SyncVersion {
        id: row.try_get("id")?,
        artefact: word(row, "artefact", Artefact::parse)?,
        server: row.try_get("server")?,
        revision: row.try_get("revision")?,
        author: row.try_get("author")?,
        reason: word(row, "reason", SyncReason::parse)?,
        digest: hex::encode(digest),
        counts: SyncCounts {
            entries: row.try_get("entries")?,
            added: row.try_get("added")?,
            removed: row.try_get("removed")?,
            changed: row.try_get("changed")?,
        },
        outcome: word(row, "outcome", SyncOutcome::parse)?,
        outcome_detail: row.try_get("outcome_detail")?,
        is_kept: truth(row, "is_kept")?,
        created_at: moment(row, "created_ms")?,
        settled_at: maybe_moment(row, "settled_ms")?,
    })
}
