//! The alert journal, as people read it and act on it.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, json, maybe_moment, moment, to_json, truth};
use crate::clock::Timestamp;
use crate::model::{
    Alert, AlertEvent, AlertEventKind, AlertFilter, AlertLife, AlertSort, AlertState,
    AlertStatistics, EndReason, Id, Noise, Page, PageRequest, Scope, Sort,
};

/// All columns that are shown, in the order of [`Alert`].
macro_rules! columns {
    () => {
        "id, fingerprint, state, alertname, severity, server_id, labels, annotations, \
         generator_url, starts_ms, ended_ms, end_reason, is_notified, acknowledged_ms, \
         acknowledged_by, assignee"
    };
}

/// Names and servers that are called noisy.
const NOISIEST: i64 = 10;

statements! {
    EVENTS = "SELECT kind, at_ms, actor, detail FROM alert_events WHERE alert_id = $1 \
              ORDER BY at_ms, id";
    ADD_EVENT = "INSERT INTO alert_events (alert_id, kind, detail_key, at_ms, actor, detail) \
                 SELECT $1, $2, CAST(COUNT(*) AS TEXT), $3, $4, $5 FROM alert_events \
                 WHERE alert_id = $1 AND kind = $2";
    ACKNOWLEDGE = "UPDATE alerts SET acknowledged_ms = $1, acknowledged_by = $2 WHERE id = $3";
    ASSIGN = "UPDATE alerts SET assignee = $1 WHERE id = $2";
    HAS_USER = "SELECT COUNT(*) FROM users WHERE username = $1 AND is_active = 1";
}

impl Tx {
    /// The episode of that number, if its server is in the scope.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is out of scope.
    pub async fn alert(&mut self, id: Id, scope: &Scope) -> Result<Alert, StoreError> {
        let mut query = Query::new(concat!("SELECT ", columns!(), " FROM alerts"));
        query.and("id = ").bind(id)?;
        and_in_scope(&mut query, scope)?;
        let rows = query.fetch_all(self).await?;
        let row = rows.first().ok_or(StoreError::NotFound { what: "alert" })?;
        read(row)
    }

    /// The episode of that number with its life.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is out of scope.
    pub async fn alert_life(&mut self, id: Id, scope: &Scope) -> Result<AlertLife, StoreError> {
        let alert = self.alert(id, scope).await?;
        let rows = sqlx::query(EVENTS)
            .bind(id)
            .fetch_all(self.connection())
            .await?;
        let mut events = vec![AlertEvent {
            kind: AlertEventKind::Firing,
            at: alert.starts_at,
            actor: None,
            detail: serde_json::json!({}),
        }];
        for row in &rows {
            events.push(read_event(row)?);
        }
        if let (AlertState::Resolved, Some(at)) = (alert.state, alert.ends_at) {
            events.push(AlertEvent {
                kind: AlertEventKind::Resolved,
                at,
                actor: None,
                detail: serde_json::json!({"reason": alert.end_reason}),
            });
        }
        events.sort_by_key(|event| event.at);
        Ok(AlertLife { alert, events })
    }

    /// Episodes that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts(
        &mut self,
        filter: &AlertFilter,
        sort: Sort<AlertSort>,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<Alert>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM alerts",
            order: order(sort),
        };
        let filter = |query: &mut Query| and_filter(query, filter, scope);
        list.page(self, page, filter, read).await
    }

    /// Up to `limit` episodes with numbers above `after`, by number: a way
    /// through all of them in pieces.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts_after(
        &mut self,
        after: Id,
        filter: &AlertFilter,
        scope: &Scope,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError> {
        let mut list = Query::new(concat!("SELECT ", columns!(), " FROM alerts"));
        and_filter(&mut list, filter, scope)?;
        list.and("id > ").bind(after)?;
        list.push(" ORDER BY id LIMIT ").bind(limit)?;
        let rows = list.fetch_all(self).await?;
        rows.iter().map(read).collect()
    }

    /// Figures about the episodes that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_statistics(
        &mut self,
        filter: &AlertFilter,
        scope: &Scope,
    ) -> Result<AlertStatistics, StoreError> {
        let mut totals = Query::new(
            "SELECT COUNT(*), COUNT(acknowledged_ms), \
             CAST(AVG(acknowledged_ms - starts_ms) / 1000 AS BIGINT), \
             CAST(AVG(CASE WHEN state = 'resolved' THEN ended_ms - starts_ms END) / 1000 \
             AS BIGINT) FROM alerts",
        );
        and_filter(&mut totals, filter, scope)?;
        let totals = totals.fetch_one(self).await?;
        let mut counts = async |select: &'static str, group: &'static str| {
            let mut query = Query::new(select);
            and_filter(&mut query, filter, scope)?;
            query.push(group);
            let rows = query.fetch_all(self).await?;
            let read = |row: &AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
            rows.iter()
                .map(read)
                .collect::<Result<BTreeMap<String, i64>, StoreError>>()
        };
        let mut statistics = AlertStatistics {
            count: totals.try_get(0)?,
            acknowledged: totals.try_get(1)?,
            mean_seconds_to_acknowledge: totals.try_get(2)?,
            mean_seconds_to_resolve: totals.try_get(3)?,
            by_state: counts("SELECT state, COUNT(*) FROM alerts", " GROUP BY state").await?,
            by_severity: counts(
                "SELECT severity, COUNT(*) FROM alerts",
                " GROUP BY severity",
            )
            .await?,
            by_end_reason: counts(
                "SELECT COALESCE(end_reason, ''), COUNT(*) FROM alerts",
                " GROUP BY end_reason",
            )
            .await?,
            ..AlertStatistics::default()
        };
        statistics.by_end_reason.remove("");
        let mut names = Query::new("SELECT alertname, COUNT(*) AS n FROM alerts");
        and_filter(&mut names, filter, scope)?;
        names.push(" GROUP BY alertname ORDER BY n DESC, alertname LIMIT ");
        names.bind(NOISIEST)?;
        statistics.noisiest_alertnames = noise(&names.fetch_all(self).await?)?;
        let mut servers = Query::new("SELECT CAST(server_id AS TEXT), COUNT(*) AS n FROM alerts");
        and_filter(&mut servers, filter, scope)?;
        servers.and("server_id IS NOT NULL");
        servers.push(" GROUP BY server_id ORDER BY n DESC, server_id LIMIT ");
        servers.bind(NOISIEST)?;
        statistics.noisiest_servers = noise(&servers.fetch_all(self).await?)?;
        Ok(statistics)
    }
}

impl WriteTx {
    /// Notes that somebody took notice, or takes that back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn acknowledge_alert(
        &mut self,
        id: Id,
        scope: &Scope,
        actor: &str,
        is_acknowledged: bool,
        comment: &str,
    ) -> Result<Alert, StoreError> {
        self.take_alert_turn().await?;
        let before = self.alert(id, scope).await?;
        if before.acknowledged_at.is_some() == is_acknowledged {
            return Ok(before);
        }
        let now = self.now();
        sqlx::query(ACKNOWLEDGE)
            .bind(is_acknowledged.then_some(now.0))
            .bind(is_acknowledged.then_some(actor))
            .bind(id)
            .execute(self.connection())
            .await?;
        let kind = if is_acknowledged {
            AlertEventKind::Acknowledged
        } else {
            AlertEventKind::Unacknowledged
        };
        let detail = match comment {
            "" => serde_json::json!({}),
            text => serde_json::json!({"text": text}),
        };
        self.add_alert_event(id, kind, actor, &detail).await?;
        self.alert(id, scope).await
    }

    /// Adds what somebody wrote.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn comment_alert(
        &mut self,
        id: Id,
        scope: &Scope,
        actor: &str,
        text: &str,
    ) -> Result<(), StoreError> {
        self.take_alert_turn().await?;
        self.alert(id, scope).await?;
        let detail = serde_json::json!({"text": text});
        self.add_alert_event(id, AlertEventKind::Commented, actor, &detail)
            .await
    }

    /// Says which user sees to it; nobody when absent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Dangling`] when there is no such
    /// active user.
    pub async fn assign_alert(
        &mut self,
        id: Id,
        scope: &Scope,
        actor: &str,
        assignee: Option<&str>,
    ) -> Result<(Alert, Alert), StoreError> {
        self.take_alert_turn().await?;
        let before = self.alert(id, scope).await?;
        if let Some(assignee) = assignee {
            let row = sqlx::query(HAS_USER)
                .bind(assignee)
                .fetch_one(self.connection())
                .await?;
            if row.try_get::<i64, _>(0)? == 0 {
                return Err(StoreError::Dangling {
                    what: "active user",
                    field: "assignee",
                });
            }
        }
        if before.assignee.as_deref() == assignee {
            return Ok((before.clone(), before));
        }
        sqlx::query(ASSIGN)
            .bind(assignee)
            .bind(id)
            .execute(self.connection())
            .await?;
        let detail = serde_json::json!({"assignee": assignee});
        self.add_alert_event(id, AlertEventKind::Assigned, actor, &detail)
            .await?;
        Ok((before, self.alert(id, scope).await?))
    }

    /// Adds something that a person did; it is no repetition of anything. The
    /// number of such events so far is in the key, so the caller has taken the
    /// turn: two at once must not count alike.
    async fn add_alert_event(
        &mut self,
        id: Id,
        kind: AlertEventKind,
        actor: &str,
        detail: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(ADD_EVENT)
            .bind(id)
            .bind(kind.as_str())
            .bind(now.0)
            .bind(actor)
            .bind(to_json(detail)?)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// Alerts of servers that the asker sees. Without a limit also those that are
/// about no server.
fn and_in_scope(query: &mut Query, scope: &Scope) -> Result<(), StoreError> {
    let Scope::Groups(groups) = scope else {
        return Ok(());
    };
    query.and("server_id IN (SELECT s.id FROM servers s WHERE s.group_id IN (0");
    for group in groups {
        query.push(", ").bind(*group)?;
    }
    query.push("))");
    Ok(())
}

fn and_filter(query: &mut Query, filter: &AlertFilter, scope: &Scope) -> Result<(), StoreError> {
    and_in_scope(query, scope)?;
    if let Some(group) = filter.group_id {
        query
            .and("server_id IN (SELECT s.id FROM servers s WHERE s.group_id = ")
            .bind(group)?
            .push(")");
    }
    query.and_contains("search LIKE ", filter.search.as_deref())?;
    if let Some(is_acknowledged) = filter.acknowledged {
        query.and(if is_acknowledged {
            "acknowledged_ms IS NOT NULL"
        } else {
            "acknowledged_ms IS NULL"
        });
    }
    query
        .and_equals("state = ", filter.state.map(AlertState::as_str))?
        .and_equals("severity = ", filter.severity.clone())?
        .and_equals("alertname = ", filter.alertname.clone())?
        .and_equals("server_id = ", filter.server_id)?
        .and_equals("is_notified = ", filter.notified.map(i64::from))?
        .and_equals("assignee = ", filter.assignee.clone())?
        .and_equals("starts_ms >= ", filter.since.map(|at| at.0))?
        .and_equals("starts_ms < ", filter.until.map(|at| at.0))?;
    Ok(())
}

fn order(sort: Sort<AlertSort>) -> &'static str {
    match (sort.key, sort.descending) {
        (AlertSort::StartsAt, false) => " ORDER BY starts_ms, id",
        (AlertSort::StartsAt, true) => " ORDER BY starts_ms DESC, id DESC",
        (AlertSort::EndsAt, false) => {
            " ORDER BY CASE WHEN ended_ms IS NULL THEN 1 ELSE 0 END, ended_ms, id"
        }
        (AlertSort::EndsAt, true) => {
            " ORDER BY CASE WHEN ended_ms IS NULL THEN 1 ELSE 0 END, ended_ms DESC, id DESC"
        }
        (AlertSort::Alertname, false) => " ORDER BY alertname, id",
        (AlertSort::Alertname, true) => " ORDER BY alertname DESC, id DESC",
        (AlertSort::Severity, false) => " ORDER BY severity, id",
        (AlertSort::Severity, true) => " ORDER BY severity DESC, id DESC",
        (AlertSort::Id, false) => " ORDER BY id",
        (AlertSort::Id, true) => " ORDER BY id DESC",
    }
}

fn noise(rows: &[AnyRow]) -> Result<Vec<Noise>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(Noise {
                of: row.try_get(0)?,
                count: row.try_get(1)?,
            })
        })
        .collect()
}

fn read(row: &AnyRow) -> Result<Alert, StoreError> {
    let state: String = row.try_get("state")?;
    let reason: Option<String> = row.try_get("end_reason")?;
    Ok(Alert {
        id: row.try_get("id")?,
        fingerprint: row.try_get("fingerprint")?,
        state: AlertState::parse(&state)
            .ok_or_else(|| StoreError::Damaged(format!("alert state \"{state}\"")))?,
        alertname: row.try_get("alertname")?,
        severity: row.try_get("severity")?,
        server_id: row.try_get("server_id")?,
        labels: json(row, "labels")?,
        annotations: json(row, "annotations")?,
        generator_url: row.try_get("generator_url")?,
        starts_at: moment(row, "starts_ms")?,
        ends_at: maybe_moment(row, "ended_ms")?,
        end_reason: reason.as_deref().and_then(EndReason::parse),
        notified: truth(row, "is_notified")?,
        acknowledged_at: maybe_moment(row, "acknowledged_ms")?,
        acknowledged_by: row.try_get("acknowledged_by")?,
        assignee: row.try_get("assignee")?,
    })
}

fn read_event(row: &AnyRow) -> Result<AlertEvent, StoreError> {
    let kind: String = row.try_get("kind")?;
    Ok(AlertEvent {
        kind: AlertEventKind::parse(&kind)
            .ok_or_else(|| StoreError::Damaged(format!("alert event \"{kind}\"")))?,
        at: Timestamp(row.try_get("at_ms")?),
        actor: row.try_get("actor")?,
        detail: json(row, "detail")?,
    })
}
