//! Alerts that nobody renewed, and alerts that are old enough to forget.

use std::time::Duration;

use sqlx::Row;

use super::query::statements;
use super::{StoreError, WriteTx, json, moment, to_json};
use crate::alert::Evidence;
use crate::clock::Timestamp;
use crate::model::{AlertState, EndReason, Id};

/// Most episodes that are ended or forgotten at a time, so that deliveries need
/// not wait long.
const BATCH: i64 = 500;
/// A Prometheus that was heard so long after it last renewed an alert has sent
/// the others twice without this one.
const TWO_ROUNDS: Duration = Duration::from_secs(150);

statements! {
    OVERDUE = "SELECT a.id, a.evidence, a.heard_ms, o.heard_ms AS origin_heard_ms, \
               (SELECT COUNT(*) FROM alerts n WHERE n.fingerprint = a.fingerprint \
               AND n.starts_ms > a.starts_ms) AS successors \
               FROM alerts a LEFT JOIN alert_origins o ON o.origin = a.origin \
               WHERE a.due_ms <= $1 ORDER BY a.due_ms, a.id LIMIT $2";
    EXPIRE = "UPDATE alerts SET state = $1, evidence = $2, due_ms = NULL, ended_ms = $3, \
              end_reason = $4 WHERE id = $5";
    ADD_EVENT = "INSERT INTO alert_events (alert_id, kind, detail_key, at_ms, detail) \
                 VALUES ($1, 'expired', $2, $3, $4) \
                 ON CONFLICT (alert_id, kind, detail_key) DO NOTHING";
    FORGET = "DELETE FROM alerts WHERE id IN \
              (SELECT id FROM alerts WHERE ended_ms < $1 ORDER BY ended_ms LIMIT $2)";
}

impl WriteTx {
    /// Ends episodes whose validity passed without renewal, a batch of them;
    /// gives their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_alerts(&mut self) -> Result<usize, StoreError> {
        self.take_alert_turn().await?;
        let now = self.now();
        let rows = sqlx::query(OVERDUE)
            .bind(now.0)
            .bind(BATCH)
            .fetch_all(self.connection())
            .await?;
        for row in &rows {
            let id: Id = row.try_get("id")?;
            let heard = moment(row, "heard_ms")?;
            let origin_heard = super::maybe_moment(row, "origin_heard_ms")?;
            let mut evidence: Evidence = json(row, "evidence")?;
            let renewed = evidence.renewed_until();
            let at = renewed.max(evidence.recorded_until()).unwrap_or(heard);
            let goes_on = origin_heard.is_some_and(|origin| origin >= heard.after(TWO_ROUNDS));
            // The same alert began anew: a Prometheus that restarted has forgotten
            // the old one. A rule with other labels makes another alert.
            let began_anew = row.try_get::<i64, _>("successors")? > 0;
            let reason = match renewed {
                None => EndReason::Unknown,
                Some(_) if goes_on && !began_anew => EndReason::RuleChanged,
                Some(_) => EndReason::PrometheusLost,
            };
            evidence.expire(at);
            sqlx::query(EXPIRE)
                .bind(AlertState::Expired.as_str())
                .bind(to_json(&evidence)?)
                .bind(at.0)
                .bind(reason.as_str())
                .bind(id)
                .execute(self.connection())
                .await?;
            let detail = serde_json::json!({
                "reason": reason,
                "gap_from": heard,
                "gap_until": now,
            });
            sqlx::query(ADD_EVENT)
                .bind(id)
                .bind(at.0.to_string())
                .bind(at.0)
                .bind(to_json(&detail)?)
                .execute(self.connection())
                .await?;
        }
        Ok(rows.len())
    }

    /// Forgets episodes that ended before `before`, a batch of them; gives
    /// their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_alerts(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(FORGET)
            .bind(before.0)
            .bind(BATCH)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }
}
