//! What tells that something changed, for those who look often.

use std::collections::BTreeMap;

use sqlx::Row;

use super::query::statements;
use super::{StoreError, Tx};
use crate::model::Id;

statements! {
    MARKS = "SELECT h.sequence, t.value FROM audit_head h, alert_turn t \
             WHERE h.only_row = 1 AND t.only_row = 1";
    FIRING = "SELECT s.group_id, COUNT(*), CAST(SUM(a.id) AS BIGINT), \
              CAST(SUM(a.is_notified) AS BIGINT), CAST(SUM(LENGTH(a.suppression)) AS BIGINT) \
              FROM alerts a LEFT JOIN servers s ON s.id = a.server_id \
              WHERE a.state = 'firing' GROUP BY s.group_id";
    GROUP_OF_ALERT = "SELECT s.group_id FROM alerts a JOIN servers s ON s.id = a.server_id \
                      WHERE a.id = $1";
}

/// Numbers that rise with every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Number of the last entry of the audit trail.
    pub audit: i64,
    /// How often somebody wrote into the journal of alerts.
    pub alerts: i64,
}

/// Figures of the alerts that fire in one group; other figures, other alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiringMark([i64; 4]);

impl Tx {
    /// How far the audit trail and the journal are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn marks(&mut self) -> Result<Marks, StoreError> {
        let row = sqlx::query(MARKS).fetch_one(self.connection()).await?;
        Ok(Marks {
            audit: row.try_get(0)?,
            alerts: row.try_get(1)?,
        })
    }

    /// Marks of what fires, by the group of the server; nobody's under `None`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn firing_marks(&mut self) -> Result<BTreeMap<Option<Id>, FiringMark>, StoreError> {
        let rows = sqlx::query(FIRING).fetch_all(self.connection()).await?;
        rows.iter()
            .map(|row| {
                let figures = [
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                ];
                Ok((row.try_get(0)?, FiringMark(figures)))
            })
            .collect()
    }

    /// The group of the server that an alert is about.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_of_alert(&mut self, id: Id) -> Result<Option<Id>, StoreError> {
        let row = sqlx::query(GROUP_OF_ALERT)
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        match row {
            Some(row) => Ok(row.try_get(0)?),
            None => Ok(None),
        }
    }
}
