//! What was done on a schedule, with what came of it.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, moment};
use crate::clock::Timestamp;
use crate::model::{Page, PageRequest, Run, RunKind};

macro_rules! columns {
    () => {
        "id, kind, name, outcome, detail, bytes, started_ms, ended_ms"
    };
}

/// Word of a run that worked.
const OK: &str = "ok";
/// Word of a run that did not.
const FAILED: &str = "failed";

statements! {
    INSERT = "INSERT INTO runs (kind, name, outcome, detail, bytes, started_ms, ended_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FORGET = "DELETE FROM runs WHERE kind = $1 AND id <= \
              (SELECT MAX(id) FROM runs WHERE kind = $1) - $2";
    LAST = concat!("SELECT ", columns!(), " FROM runs WHERE kind = $1 ORDER BY id DESC LIMIT 1");
    LAST_OK = concat!("SELECT ", columns!(), " FROM runs WHERE kind = $1 AND outcome = 'ok' \
              ORDER BY id DESC LIMIT 1");
}

/// Runs of a kind that are remembered, about so many.
const KEPT: i64 = 2000;

const LIST: List = List {
    columns: columns!(),
    from: " FROM runs",
    order: " ORDER BY id DESC",
};

/// A run to be noted.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// What was done.
    pub kind: RunKind,
    /// The file or the snapshot.
    pub name: &'a str,
    /// Why it failed; `None` when it worked.
    pub failure: Option<&'a str>,
    /// Bytes of the file.
    pub bytes: i64,
    /// When it began.
    pub started_at: Timestamp,
}

impl Tx {
    /// Runs of a kind, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn runs(
        &mut self,
        kind: RunKind,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        let filter = |query: &mut Query| {
            query.and_equals("kind = ", Some(kind.as_str()))?;
            Ok(())
        };
        LIST.page(self, page, filter, read).await
    }

    /// The last run of a kind, and the last that worked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_runs(
        &mut self,
        kind: RunKind,
    ) -> Result<(Option<Run>, Option<Run>), StoreError> {
        let mut found = Vec::with_capacity(2);
        for statement in [LAST, LAST_OK] {
            let row = sqlx::query(statement)
                .bind(kind.as_str())
                .fetch_optional(self.connection())
                .await?;
            found.push(row.as_ref().map(read).transpose()?);
        }
        let last_ok = found.pop().flatten();
        Ok((found.pop().flatten(), last_ok))
    }
}

impl WriteTx {
    /// Notes a run that has just ended, and forgets the oldest ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_run(&mut self, run: &NewRun<'_>) -> Result<(), StoreError> {
        let now = self.now();
        let outcome = if run.failure.is_some() { FAILED } else { OK };
        sqlx::query(INSERT)
            .bind(run.kind.as_str())
            .bind(run.name)
            .bind(outcome)
            .bind(run.failure.unwrap_or_default())
            .bind(run.bytes)
            .bind(run.started_at.0)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        sqlx::query(FORGET)
            .bind(run.kind.as_str())
            .bind(KEPT)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<Run, StoreError> {
    let kind: String = row.try_get("kind")?;
    let outcome: String = row.try_get("outcome")?;
    Ok(Run {
        id: row.try_get("id")?,
        kind: RunKind::parse(&kind)
            .ok_or_else(|| StoreError::Damaged(format!("run kind \"{kind}\"")))?,
        name: row.try_get("name")?,
        is_ok: outcome == OK,
        detail: row.try_get("detail")?,
        bytes: row.try_get("bytes")?,
        started_at: moment(row, "started_ms")?,
        ended_at: moment(row, "ended_ms")?,
    })
}
