//! What is remembered of objects in Grafana. Each Grafana, by its URL, has its own.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::statements;
use super::{StoreError, Tx, WriteTx};
use crate::model::{GrafanaKind, GrafanaRecord};

statements! {
    ALL = "SELECT kind, uid, wanted, shown, version, is_made, adopted FROM grafana_objects \
           WHERE grafana = $1 ORDER BY kind, uid";
    PUT = "INSERT INTO grafana_objects \
           (grafana, kind, uid, wanted, shown, version, is_made, adopted, written_ms) \
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
           ON CONFLICT (grafana, kind, uid) DO UPDATE SET wanted = excluded.wanted, \
           shown = excluded.shown, version = excluded.version, is_made = excluded.is_made, \
           adopted = excluded.adopted, written_ms = excluded.written_ms";
    FORGET = "DELETE FROM grafana_objects WHERE grafana = $1 AND kind = $2 AND uid = $3";
    RESET = "UPDATE grafana_objects SET wanted = '', adopted = NULL \
             WHERE grafana = $1 AND kind = $2 AND uid = $3";
}

/// An object with what is remembered of it.
pub type GrafanaObject = ((GrafanaKind, String), GrafanaRecord);

impl Tx {
    /// Everything that is remembered of one Grafana.
    ///
    /// # Errors
    /// When the database fails, or what it says is no record.
    pub async fn grafana_objects(
        &mut self,
        grafana: &str,
    ) -> Result<Vec<GrafanaObject>, StoreError> {
        let rows = sqlx::query(ALL)
            .bind(grafana.to_owned())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }
}

impl WriteTx {
    /// Remembers an object as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_grafana_object(
        &mut self,
        grafana: &str,
        kind: GrafanaKind,
        uid: &str,
        record: &GrafanaRecord,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(PUT)
            .bind(grafana.to_owned())
            .bind(kind.as_str())
            .bind(uid.to_owned())
            .bind(record.wanted.clone())
            .bind(record.shown.clone())
            .bind(record.version)
            .bind(i64::from(record.is_made))
            .bind(record.adopted.as_ref().map(ToString::to_string))
            .bind(now.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets an object.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_grafana_object(
        &mut self,
        grafana: &str,
        kind: GrafanaKind,
        uid: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(FORGET)
            .bind(grafana.to_owned())
            .bind(kind.as_str())
            .bind(uid.to_owned())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Has an object written again as it is wanted, whatever people made of it.
    /// False when nothing is remembered of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reset_grafana_object(
        &mut self,
        grafana: &str,
        kind: GrafanaKind,
        uid: &str,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(RESET)
            .bind(grafana.to_owned())
            .bind(kind.as_str())
            .bind(uid.to_owned())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn read(row: &AnyRow) -> Result<GrafanaObject, StoreError> {
    let kind: String = row.try_get("kind")?;
    let kind = GrafanaKind::parse(&kind)
        .ok_or_else(|| StoreError::Damaged(format!("kind of object in Grafana \"{kind}\"")))?;
    let adopted: Option<String> = row.try_get("adopted")?;
    let adopted = adopted
        .map(|text| {
            serde_json::from_str(&text)
                .map_err(|_| StoreError::Damaged("an adopted dashboard".to_owned()))
        })
        .transpose()?;
    let is_made: i64 = row.try_get("is_made")?;
    Ok((
        (kind, row.try_get("uid")?),
        GrafanaRecord {
            wanted: row.try_get("wanted")?,
            shown: row.try_get("shown")?,
            version: row.try_get("version")?,
            is_made: is_made != 0,
            adopted,
        },
    ))
}
