//! What exporters tell over their configuration channels.

use std::time::Duration;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::statements;
use super::{StoreError, Tx, WriteTx, maybe_moment, moment};
use crate::clock::Timestamp;
use crate::model::{ChannelReport, ChannelSource, ChannelState, Id};

/// An exporter that has not asked for so long was away: it asks at least once a
/// minute, and may miss one of these requests.
pub const AWAY: Duration = Duration::from_secs(150);
/// That an exporter asked is noted no more often than this.
const NOTE_EVERY: Duration = Duration::from_secs(10);

macro_rules! columns {
    () => {
        "exporter_id, connected_ms, last_seen_ms, applied, refused, error, exporter_version, \
         started_ms, source, handed_out"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM exporter_channels WHERE exporter_id = $1");
    ALL = concat!("SELECT ", columns!(), " FROM exporter_channels ORDER BY exporter_id");
    NOTE_SEEN = "INSERT INTO exporter_channels (exporter_id, connected_ms, last_seen_ms, error, \
                 exporter_version, source) VALUES ($1, $2, $2, '', '', 'none') \
                 ON CONFLICT (exporter_id) DO UPDATE SET connected_ms = \
                 CASE WHEN exporter_channels.last_seen_ms < $3 THEN excluded.connected_ms \
                 ELSE exporter_channels.connected_ms END, last_seen_ms = excluded.last_seen_ms";
    REPORT = "UPDATE exporter_channels SET applied = $1, refused = $2, error = $3, \
              exporter_version = $4, started_ms = $5, source = $6 WHERE exporter_id = $7";
    HAND_OUT = "UPDATE exporter_channels SET handed_out = $1 WHERE exporter_id = $2 \
                AND (handed_out IS NULL OR handed_out <> $1)";
}

impl Tx {
    /// What is known of an exporter; nothing before it has asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel(&mut self, exporter: Id) -> Result<Option<ChannelState>, StoreError> {
        let row = sqlx::query(GET)
            .bind(exporter)
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// All exporters that have ever asked, by number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channels(&mut self) -> Result<Vec<ChannelState>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }

    /// Whether it is time to note that an exporter asks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_is_to_be_noted(&mut self, exporter: Id) -> Result<bool, StoreError> {
        let known = self.channel(exporter).await?;
        let now = self.now();
        Ok(known.is_none_or(|known| now.since(known.last_seen_at) >= NOTE_EVERY))
    }
}

impl WriteTx {
    /// Notes that an exporter asks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_channel(&mut self, exporter: Id) -> Result<(), StoreError> {
        let now = self.now();
        let away = i64::try_from(AWAY.as_millis()).unwrap_or(i64::MAX);
        sqlx::query(NOTE_SEEN)
            .bind(exporter)
            .bind(now.0)
            .bind(Timestamp(now.0.saturating_sub(away)).0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes what an exporter tells of itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_channel_report(
        &mut self,
        exporter: Id,
        report: &ChannelReport,
    ) -> Result<(), StoreError> {
        self.note_channel(exporter).await?;
        sqlx::query(REPORT)
            .bind(report.applied.clone())
            .bind(report.refused.clone())
            .bind(report.error.clone())
            .bind(report.exporter_version.clone())
            .bind(report.started_at.map(|at| at.0))
            .bind(report.source.as_str())
            .bind(exporter)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a configuration is given to an exporter. True when it is
    /// another one than it got last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_hand_out(&mut self, exporter: Id, etag: &str) -> Result<bool, StoreError> {
        self.note_channel(exporter).await?;
        let done = sqlx::query(HAND_OUT)
            .bind(etag.to_owned())
            .bind(exporter)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn read(row: &AnyRow) -> Result<ChannelState, StoreError> {
    let source: String = row.try_get("source")?;
    Ok(ChannelState {
        exporter_id: row.try_get("exporter_id")?,
        connected_at: moment(row, "connected_ms")?,
        last_seen_at: moment(row, "last_seen_ms")?,
        report: ChannelReport {
            applied: row.try_get("applied")?,
            refused: row.try_get("refused")?,
            error: row.try_get("error")?,
            exporter_version: row.try_get("exporter_version")?,
            started_at: maybe_moment(row, "started_ms")?,
            source: ChannelSource::parse(&source)
                .ok_or_else(|| StoreError::Damaged(format!("source of modules \"{source}\"")))?,
        },
        handed_out: row.try_get("handed_out")?,
    })
}
