//! Writes down what Prometheus' records show, and how far they have been read.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row;

use super::alert_episode::NewEvent;
use super::alert_gaps::NewGap;
use super::alert_record::{CHUNK, Key};
use super::query::{Query, statements};
use super::{StoreError, Tx, WriteTx, maybe_moment, moment};
use crate::alert::{Afterwards, Known, Record, Sighting, assign};
use crate::clock::Timestamp;
use crate::model::{AlertState, GapCause, GapState, RecoverySource};

statements! {
    MARKER = "SELECT recovered_until_ms, alive_ms FROM alert_recovery WHERE prometheus = $1";
    SOURCES = "SELECT prometheus, recovered_until_ms, problem FROM alert_recovery \
               ORDER BY prometheus";
    BEGIN = "INSERT INTO alert_recovery (prometheus, recovered_until_ms, alive_ms, problem) \
             VALUES ($1, $2, $2, NULL)";
    COUNT = "SELECT COUNT(*) FROM alert_recovery";
    ADVANCE = "UPDATE alert_recovery SET recovered_until_ms = $1, alive_ms = $2, problem = NULL \
               WHERE prometheus = $3 AND recovered_until_ms = $4";
    PROBLEM = "UPDATE alert_recovery SET problem = $1 WHERE prometheus = $2";
    REMOVE = "DELETE FROM alert_recovery WHERE prometheus = $1";
}

const KNOWN: &str = "SELECT fingerprint, starts_ms, ended_ms, state, due_ms, by_prometheus \
    FROM alerts WHERE fingerprint IN (''";

/// How far the records of a Prometheus have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryMarker {
    /// Until when.
    pub recovered_until: Timestamp,
    /// When it was last known to run.
    pub alive: Timestamp,
}

/// A window of a Prometheus' records that has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredWindow {
    /// From when: the marker before.
    pub from: Timestamp,
    /// Until when: the marker after.
    pub until: Timestamp,
    /// When Prometheus was last known to run.
    pub alive: Timestamp,
    /// Times when it did not.
    pub holes: Vec<(Timestamp, Timestamp)>,
}

/// An episode that the journal has, and whether Prometheus itself is heard of it.
struct Found {
    known: Known,
    is_heard: bool,
}

impl Tx {
    /// How far the records of each Prometheus have been read, by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_sources(&mut self) -> Result<Vec<RecoverySource>, StoreError> {
        let rows = sqlx::query(SOURCES).fetch_all(self.connection()).await?;
        rows.iter()
            .map(|row| {
                Ok(RecoverySource {
                    prometheus: row.try_get("prometheus")?,
                    recovered_until: moment(row, "recovered_until_ms")?,
                    problem: row.try_get("problem")?,
                })
            })
            .collect()
    }
}

impl WriteTx {
    /// How far the records of a Prometheus have been read. One that is new is
    /// read from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_marker(
        &mut self,
        prometheus: &str,
    ) -> Result<RecoveryMarker, StoreError> {
        self.take_alert_turn().await?;
        let row = sqlx::query(MARKER)
            .bind(prometheus.to_owned())
            .fetch_optional(self.connection())
            .await?;
        if let Some(row) = row {
            return Ok(RecoveryMarker {
                recovered_until: moment(&row, "recovered_until_ms")?,
                alive: moment(&row, "alive_ms")?,
            });
        }
        let now = self.now();
        let others = sqlx::query(COUNT).fetch_one(self.connection()).await?;
        sqlx::query(BEGIN)
            .bind(prometheus.to_owned())
            .bind(now.0)
            .execute(self.connection())
            .await?;
        if others.try_get::<i64, _>(0)? == 0 {
            // Nobody will ever read what was before.
            self.lose_gaps(prometheus, now).await?;
        }
        Ok(RecoveryMarker {
            recovered_until: now,
            alive: now,
        })
    }

    /// Forgets how far was read of servers that are not among `configured`; gives
    /// their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_recovery_sources(
        &mut self,
        configured: &[&str],
    ) -> Result<usize, StoreError> {
        let mut removed = 0;
        for source in self.recovery_sources().await? {
            if !configured.contains(&source.prometheus.as_str()) {
                sqlx::query(REMOVE)
                    .bind(source.prometheus)
                    .execute(self.connection())
                    .await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Writes down what records show. What is known already changes nothing, so
    /// they may be read again. All records of an alert have to come together.
    /// Gives the number of episodes that nobody had told of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_records(
        &mut self,
        prometheus: &str,
        records: &[Record],
    ) -> Result<usize, StoreError> {
        self.take_alert_turn().await?;
        let mut by_alert: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
        for record in records {
            let fingerprint = record.labels.fingerprint().to_string();
            by_alert.entry(fingerprint).or_default().push(record);
        }
        let known = self.episodes_around(&by_alert).await?;
        let mut sightings: Vec<Sighting> = Vec::new();
        let mut pending: Vec<(Key, NewEvent)> = Vec::new();
        for (fingerprint, records) in &by_alert {
            let found = known.get(fingerprint).map_or(&[][..], Vec::as_slice);
            let episodes: Vec<Known> = found.iter().map(|found| found.known).collect();
            for (record, place) in records.iter().zip(assign(records, &episodes)) {
                let found = place.and_then(|place| found.get(place));
                let starts_at = found.map_or(record.starts_at, |found| found.known.starts_at);
                let sighting = record.sighting(starts_at);
                let is_told = found.is_some_and(|found| found.is_heard);
                if is_told && record.then == Afterwards::GoesOn {
                    // Its own word is newer; only what it does not say is added.
                    if let Some(since) = sighting.pending_since.filter(|_| record.is_start_seen) {
                        let key = (fingerprint.clone(), starts_at.0);
                        pending.push((key, NewEvent::pending(since)));
                    }
                } else {
                    sightings.push(sighting);
                }
            }
        }
        let recorded = self.merge_alerts(&sightings).await?;
        let now = self.now();
        for chunk in pending.chunks(CHUNK) {
            let events: Vec<(&Key, &NewEvent)> =
                chunk.iter().map(|(key, event)| (key, event)).collect();
            self.write_events(&events, now).await?;
        }
        self.count_found(prometheus, &recorded.reconstructed)
            .await?;
        Ok(recorded.reconstructed.len())
    }

    /// The episodes of alerts that may be what records are about.
    async fn episodes_around(
        &mut self,
        by_alert: &BTreeMap<String, Vec<&Record>>,
    ) -> Result<HashMap<String, Vec<Found>>, StoreError> {
        let now = self.now();
        let all = || by_alert.values().flatten();
        let from = all().map(|record| record.starts_at).min();
        let until = all().map(|record| record.last).max();
        let mut known: HashMap<String, Vec<Found>> = HashMap::new();
        let fingerprints: Vec<&String> = by_alert.keys().collect();
        for chunk in fingerprints.chunks(CHUNK) {
            let mut query = Query::new(KNOWN);
            for fingerprint in chunk {
                query.push(", ").bind((*fingerprint).clone())?;
            }
            query.push(") AND starts_ms <= ");
            // As assigned: what began a second later may be the same evaluation.
            query.bind(until.unwrap_or_default().0.saturating_add(1_000))?;
            query.push(" AND (ended_ms IS NULL OR ended_ms >= ");
            query.bind(from.unwrap_or_default().0.saturating_sub(1_000))?;
            query.push(") ORDER BY starts_ms");
            for row in query.fetch_all(self).await? {
                let state: String = row.try_get("state")?;
                let due = maybe_moment(&row, "due_ms")?;
                let found = Found {
                    known: Known {
                        starts_at: moment(&row, "starts_ms")?,
                        ended_at: maybe_moment(&row, "ended_ms")?,
                        is_ended: state == AlertState::Resolved.as_str(),
                    },
                    is_heard: super::truth(&row, "by_prometheus")?
                        && due.is_some_and(|due| due > now),
                };
                let fingerprint = row.try_get("fingerprint")?;
                known.entry(fingerprint).or_default().push(found);
            }
        }
        Ok(known)
    }

    /// Notes that a window of records has been read, unless somebody else has
    /// read it meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance_recovery(
        &mut self,
        prometheus: &str,
        window: &RecoveredWindow,
    ) -> Result<(), StoreError> {
        self.take_alert_turn().await?;
        let done = sqlx::query(ADVANCE)
            .bind(window.until.0)
            .bind(window.alive.0)
            .bind(prometheus.to_owned())
            .bind(window.from.0)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 0 {
            return Ok(());
        }
        for (from, until) in &window.holes {
            self.add_gap(&NewGap {
                cause: GapCause::PrometheusDown,
                state: GapState::Lost,
                prometheus,
                from: *from,
                until: *until,
                episodes: 0,
            })
            .await?;
        }
        self.close_gaps(prometheus, window.until).await
    }

    /// Notes that a window of records will never be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn skip_recovery(
        &mut self,
        prometheus: &str,
        window: &RecoveredWindow,
    ) -> Result<(), StoreError> {
        self.take_alert_turn().await?;
        self.lose_gaps(prometheus, window.until).await?;
        self.add_gap(&NewGap {
            cause: GapCause::RecordsUnread,
            state: GapState::Lost,
            prometheus,
            from: window.from,
            until: window.until,
            episodes: 0,
        })
        .await?;
        self.advance_recovery(prometheus, window).await
    }

    /// Notes why records cannot be read, and the gap that this makes when there
    /// is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_recovery_problem(
        &mut self,
        prometheus: &str,
        problem: &str,
        gap: Option<(Timestamp, Timestamp)>,
    ) -> Result<(), StoreError> {
        self.take_alert_turn().await?;
        sqlx::query(PROBLEM)
            .bind(problem.to_owned())
            .bind(prometheus.to_owned())
            .execute(self.connection())
            .await?;
        if let Some((from, until)) = gap {
            self.add_gap(&NewGap {
                cause: GapCause::PrometheusUnreachable,
                state: GapState::Open,
                prometheus,
                from,
                until,
                episodes: 0,
            })
            .await?;
        }
        Ok(())
    }
}
