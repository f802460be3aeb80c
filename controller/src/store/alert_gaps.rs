//! Times of which the journal of alerts does not know all, or knew it late.

use std::time::Duration;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, moment};
use crate::clock::Timestamp;
use crate::model::{AlertGap, GapCause, GapFilter, GapState, Page, PageRequest};

/// A controller that was heard of no longer than this ago has not been away:
/// senders try again each minute.
const AWAY_AFTER: Duration = Duration::from_secs(60);
/// For so long Prometheus tells of an end again and again.
const TOLD_AGAIN: Duration = Duration::from_secs(15 * 60);
/// Gaps of the same cause that are so near to one another are one.
const NEAR: Duration = Duration::from_secs(15 * 60);

statements! {
    LAST_BEAT = "SELECT beat_ms FROM alert_heartbeat WHERE only_row = 1";
    BEAT = "INSERT INTO alert_heartbeat (only_row, beat_ms) VALUES (1, $1) \
            ON CONFLICT (only_row) DO UPDATE SET beat_ms = excluded.beat_ms \
            WHERE alert_heartbeat.beat_ms < excluded.beat_ms";
    ADD = "INSERT INTO alert_gaps (cause, state, prometheus, from_ms, until_ms, episodes) \
           VALUES ($1, $2, $3, $4, $5, $6)";
    FIND_NEAR = "SELECT id, from_ms, until_ms FROM alert_gaps WHERE cause = $1 AND state = $2 \
                 AND prometheus = $3 AND from_ms <= $4 AND until_ms >= $5 ORDER BY id DESC LIMIT 1";
    EXTEND = "UPDATE alert_gaps SET from_ms = $1, until_ms = $2, episodes = episodes + $3 \
              WHERE id = $4";
    AWAY = "SELECT id, from_ms, until_ms FROM alert_gaps WHERE cause = 'controller_down' \
            AND from_ms <= $1 AND until_ms >= $2";
    COUNT = "UPDATE alert_gaps SET episodes = episodes + $1 WHERE id = $2";
    CLOSE_UNREACHABLE = "UPDATE alert_gaps SET state = 'closed' WHERE state = 'open' \
                         AND cause = 'prometheus_unreachable' AND prometheus = $1 \
                         AND until_ms <= $2";
    CLOSE_AWAY = "UPDATE alert_gaps SET state = 'closed' WHERE state = 'open' \
                  AND cause = 'controller_down' \
                  AND until_ms <= (SELECT MIN(recovered_until_ms) FROM alert_recovery)";
    LOSE = "UPDATE alert_gaps SET state = 'lost' WHERE state = 'open' \
            AND prometheus IN ('', $1) AND from_ms < $2";
    FORGET = "DELETE FROM alert_gaps WHERE until_ms < $1 AND state <> 'open'";
}

/// A gap to be noted.
pub(super) struct NewGap<'a> {
    pub(super) cause: GapCause,
    pub(super) state: GapState,
    /// Empty when it is about all.
    pub(super) prometheus: &'a str,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) episodes: i64,
}

impl Tx {
    /// Gaps that a filter lets through, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_gaps(
        &mut self,
        filter: &GapFilter,
        page: PageRequest,
    ) -> Result<Page<AlertGap>, StoreError> {
        let list = List {
            columns: "id, cause, state, prometheus, from_ms, until_ms, episodes",
            from: " FROM alert_gaps",
            order: " ORDER BY from_ms DESC, id DESC",
        };
        let and_filter = |query: &mut Query| {
            query
                .and_equals("state = ", filter.state.map(GapState::as_str))?
                .and_equals("cause = ", filter.cause.map(GapCause::as_str))?
                .and_equals("until_ms >= ", filter.since.map(|at| at.0))?
                .and_equals("from_ms < ", filter.until.map(|at| at.0))?;
            Ok(())
        };
        list.page(self, page, and_filter, read).await
    }
}

impl WriteTx {
    /// Notes that the controller runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(BEAT)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that the controller runs again, and the gap if no controller ran for
    /// more than a minute. `can_ask` says whether there is a Prometheus whose
    /// records can fill it. Gives since when none ran.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_to_beat(&mut self, can_ask: bool) -> Result<Option<Timestamp>, StoreError> {
        self.take_alert_turn().await?;
        let now = self.now();
        let row = sqlx::query(LAST_BEAT)
            .fetch_optional(self.connection())
            .await?;
        let last = row.map(|row| moment(&row, "beat_ms")).transpose()?;
        self.beat().await?;
        let Some(last) = last.filter(|last| now > last.after(AWAY_AFTER)) else {
            return Ok(None);
        };
        let state = match (can_ask, now > last.after(TOLD_AGAIN)) {
            (true, _) => GapState::Open,
            (false, false) => GapState::Closed,
            (false, true) => GapState::Lost,
        };
        self.add_gap(&NewGap {
            cause: GapCause::ControllerDown,
            state,
            prometheus: "",
            from: last,
            until: now,
            episodes: 0,
        })
        .await?;
        Ok(Some(last))
    }

    /// Forgets gaps that were over before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_gaps(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(FORGET)
            .bind(before.0)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }

    /// Notes a gap; one that is near to another of the same kind makes that longer.
    pub(super) async fn add_gap(&mut self, gap: &NewGap<'_>) -> Result<(), StoreError> {
        let near = sqlx::query(FIND_NEAR)
            .bind(gap.cause.as_str())
            .bind(gap.state.as_str())
            .bind(gap.prometheus.to_owned())
            .bind(gap.until.after(NEAR).0)
            .bind(gap.from.before(NEAR).0)
            .fetch_optional(self.connection())
            .await?;
        // Each time that the controller was away is one of its own.
        let near = near.filter(|_| gap.cause != GapCause::ControllerDown);
        match near {
            Some(row) => {
                let from = moment(&row, "from_ms")?.min(gap.from);
                let until = moment(&row, "until_ms")?.max(gap.until);
                sqlx::query(EXTEND)
                    .bind(from.0)
                    .bind(until.0)
                    .bind(gap.episodes)
                    .bind(row.try_get::<i64, _>("id")?)
                    .execute(self.connection())
                    .await?;
            }
            None => {
                sqlx::query(ADD)
                    .bind(gap.cause.as_str())
                    .bind(gap.state.as_str())
                    .bind(gap.prometheus.to_owned())
                    .bind(gap.from.0)
                    .bind(gap.until.0)
                    .bind(gap.episodes)
                    .execute(self.connection())
                    .await?;
            }
        }
        Ok(())
    }

    /// Notes where episodes were found that nobody had told of: in the times when
    /// the controller was away, else in a gap of their own.
    pub(super) async fn count_found(
        &mut self,
        prometheus: &str,
        times: &[(Timestamp, Timestamp)],
    ) -> Result<(), StoreError> {
        let from = times.iter().map(|(from, _)| *from).min();
        let until = times.iter().map(|(_, until)| *until).max();
        let (Some(from), Some(until)) = (from, until) else {
            return Ok(());
        };
        let rows = sqlx::query(AWAY)
            .bind(until.0)
            .bind(from.0)
            .fetch_all(self.connection())
            .await?;
        let mut away: Vec<(i64, Timestamp, Timestamp, i64)> = Vec::new();
        for row in &rows {
            let (from, until) = (moment(row, "from_ms")?, moment(row, "until_ms")?);
            away.push((row.try_get("id")?, from, until, 0));
        }
        let mut others: Option<NewGap<'_>> = None;
        for (from, until) in times {
            let gap = away
                .iter_mut()
                .find(|(_, begin, end, _)| begin <= until && end >= from);
            if let Some((_, _, _, count)) = gap {
                *count += 1;
                continue;
            }
            let gap = others.get_or_insert(NewGap {
                cause: GapCause::NotHeard,
                state: GapState::Closed,
                prometheus,
                from: *from,
                until: *until,
                episodes: 0,
            });
            gap.from = gap.from.min(*from);
            gap.until = gap.until.max(*until);
            gap.episodes += 1;
        }
        for (id, _, _, count) in away {
            sqlx::query(COUNT)
                .bind(count)
                .bind(id)
                .execute(self.connection())
                .await?;
        }
        if let Some(gap) = others {
            self.add_gap(&gap).await?;
        }
        Ok(())
    }

    /// Closes the gaps that are filled now that the records of a Prometheus have
    /// been read until `until`.
    pub(super) async fn close_gaps(
        &mut self,
        prometheus: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(CLOSE_UNREACHABLE)
            .bind(prometheus.to_owned())
            .bind(until.0)
            .execute(self.connection())
            .await?;
        sqlx::query(CLOSE_AWAY).execute(self.connection()).await?;
        Ok(())
    }

    /// Notes that gaps which began before `until` cannot be filled whole.
    pub(super) async fn lose_gaps(
        &mut self,
        prometheus: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(LOSE)
            .bind(prometheus.to_owned())
            .bind(until.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<AlertGap, StoreError> {
    let cause: String = row.try_get("cause")?;
    let state: String = row.try_get("state")?;
    let prometheus: String = row.try_get("prometheus")?;
    Ok(AlertGap {
        id: row.try_get("id")?,
        cause: GapCause::parse(&cause)
            .ok_or_else(|| StoreError::Damaged(format!("gap cause \"{cause}\"")))?,
        state: GapState::parse(&state)
            .ok_or_else(|| StoreError::Damaged(format!("gap state \"{state}\"")))?,
        prometheus: Some(prometheus).filter(|name| !name.is_empty()),
        from: moment(row, "from_ms")?,
        until: moment(row, "until_ms")?,
        episodes: row.try_get("episodes")?,
    })
}
