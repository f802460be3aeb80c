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
    LAST = concat!("SELECT ", columns!(), " FROM runs WHERE kind = $1 \
           AND substr(name, 1, $2) = $3 ORDER BY id DESC LIMIT 1");
    GOOD = concat!("SELECT ", columns!(), " FROM runs WHERE kind = $1 \
           AND substr(name, 1, $2) = $3 AND outcome = 'ok' ORDER BY id DESC LIMIT $4");
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
    /// The file, or `SERVER/SNAPSHOT`; what is known of it when it failed.
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

    /// The last run of a kind whose name begins so, and the last that worked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_runs(
        &mut self,
        kind: RunKind,
        prefix: &str,
    ) -> Result<(Option<Run>, Option<Run>), StoreError> {
        let row = sqlx::query(LAST)
            .bind(kind.as_str())
            .bind(length(prefix))
            .bind(prefix)
            .fetch_optional(self.connection())
            .await?;
        let last = row.as_ref().map(read).transpose()?;
        Ok((last, self.good_runs(kind, prefix, 1).await?.pop()))
    }

    /// Runs of a kind that worked and whose name begins so, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn good_runs(
        &mut self,
        kind: RunKind,
        prefix: &str,
        limit: i64,
    ) -> Result<Vec<Run>, StoreError> {
        let rows = sqlx::query(GOOD)
            .bind(kind.as_str())
            .bind(length(prefix))
            .bind(prefix)
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
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

/// Characters of a prefix, as `substr` counts them.
fn length(prefix: &str) -> i32 {
    i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX)
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
