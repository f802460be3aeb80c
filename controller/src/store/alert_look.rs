//! Writes down what a look at Alertmanager shows: alerts that the journal has
//! not got, what keeps notifications back, and alerts that are there no longer.
//!
//! Of an alert that Prometheus itself tells of, only what keeps notifications
//! back is taken: its own word is better in everything else.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::alert_episode::{NewEvent, Suppression};
use super::alert_record::{CHUNK, Key};
use super::query::{Query, statements};
use super::{StoreError, WriteTx, json, maybe_moment, moment, truth};
use crate::alert::{AlertLabels, Description, HeldAlert, Look, Sighting, What};
use crate::clock::Timestamp;
use crate::model::{AlertState, Id};

/// How often it is noted that Alertmanager still has an alert.
const NOTE_EVERY: Duration = Duration::from_secs(3_600);

statements! {
    // Looks come one after the other; an older one tells nothing new.
    LOOKED = "INSERT INTO alert_looks (alertmanager, looked_ms) VALUES ($1, $2) \
              ON CONFLICT (alertmanager) DO UPDATE SET looked_ms = excluded.looked_ms \
              WHERE alert_looks.looked_ms < excluded.looked_ms";
    LAST_LOOK = "SELECT looked_ms FROM alert_looks WHERE alertmanager = $1";
    OPEN = "SELECT id, fingerprint, starts_ms, by_prometheus, suppression, is_held, is_notified, \
            held_ms, missed_ms, heard_ms FROM alerts WHERE state = 'firing' ORDER BY starts_ms";
    HELD = "UPDATE alerts SET is_held = 1, held_ms = NULL, missed_ms = NULL, suppression = $1 \
            WHERE id = $2";
    MISSED = "UPDATE alerts SET held_ms = $1, missed_ms = $2 WHERE id = $3";
    LABELS = "SELECT labels FROM alerts WHERE id = $1";
}

const LATER: &str =
    "SELECT id, fingerprint, starts_ms, state, by_prometheus FROM alerts WHERE fingerprint IN (''";

/// What a look changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Episodes that nobody had told of.
    pub opened: usize,
    /// Episodes that ended unannounced.
    pub ended: usize,
    /// Episodes whose notifications are kept back now, or no longer, or by
    /// something else.
    pub suppression_changed: usize,
}

/// An episode that fires as far as the journal knows.
struct Open {
    id: Id,
    key: Key,
    by_prometheus: bool,
    suppression: Suppression,
    is_held: bool,
    is_notified: bool,
    /// When Alertmanager had it for the last time, and when it was first missed.
    missed: Option<(Timestamp, Timestamp)>,
    heard: Timestamp,
}

impl Open {
    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let suppression: String = row.try_get("suppression")?;
        let held = maybe_moment(row, "held_ms")?;
        Ok(Self {
            id: row.try_get("id")?,
            key: (row.try_get("fingerprint")?, row.try_get("starts_ms")?),
            by_prometheus: truth(row, "by_prometheus")?,
            suppression: Suppression::parse(&suppression)?,
            is_held: truth(row, "is_held")?,
            is_notified: truth(row, "is_notified")?,
            missed: held.zip(maybe_moment(row, "missed_ms")?),
            heard: moment(row, "heard_ms")?,
        })
    }
}

impl WriteTx {
    /// Writes down what a look at an Alertmanager shows. An alert that it has no
    /// longer has ended when it stays away for `absent_for`: after a restart it
    /// has none until Prometheus tells it again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_look(
        &mut self,
        alertmanager: &str,
        look: &Look,
        absent_for: Duration,
    ) -> Result<Looked, StoreError> {
        self.take_alert_turn().await?;
        let last = sqlx::query(LAST_LOOK)
            .bind(alertmanager.to_owned())
            .fetch_optional(self.connection())
            .await?;
        let last = last.map(|row| moment(&row, "looked_ms")).transpose()?;
        let done = sqlx::query(LOOKED)
            .bind(alertmanager.to_owned())
            .bind(look.at.0)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Looked::default());
        }
        let held: HashMap<String, &HeldAlert> = look
            .alerts
            .iter()
            .map(|alert| (alert.labels.fingerprint().to_string(), alert))
            .collect();
        let rows = sqlx::query(OPEN).fetch_all(self.connection()).await?;
        let mut looked = Looked::default();
        let mut sightings = Vec::new();
        // Of several that fire, Alertmanager has the latest.
        let mut latest: HashMap<String, Open> = HashMap::new();
        for row in &rows {
            let open = Open::read(row)?;
            latest.insert(open.key.0.clone(), open);
        }
        for open in latest.values() {
            match held.get(&open.key.0) {
                Some(alert) => {
                    looked.suppression_changed +=
                        usize::from(self.note_held(open, alert, look.at).await?);
                    if !open.by_prometheus && look.at >= open.heard.after(NOTE_EVERY) {
                        let start = Timestamp(open.key.1);
                        sightings.push(alert.sighting(What::Held(look.at), start));
                    }
                }
                None if !open.by_prometheus => {
                    if let Some(gone) = self.note_missed(open, last, look.at, absent_for).await? {
                        looked.ended += 1;
                        sightings.push(gone);
                    }
                }
                None => {}
            }
        }
        let unknown: Vec<(&String, &HeldAlert)> = held
            .iter()
            .filter(|(fingerprint, _)| !latest.contains_key(*fingerprint))
            .map(|(fingerprint, alert)| (fingerprint, *alert))
            .collect();
        let news = self.news(&unknown, look.at).await?;
        sightings.extend(news.iter().cloned());
        looked.opened = self.merge_alerts(&sightings).await?.opened;
        // What is new has its suppression noted from the start.
        if !news.is_empty() {
            looked.suppression_changed += self.note_news(&news, &held, look.at).await?;
        }
        Ok(looked)
    }

    /// Notes that Alertmanager has an episode, and what keeps notifications back;
    /// tells whether that changed.
    async fn note_held(
        &mut self,
        open: &Open,
        alert: &HeldAlert,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let suppression = Suppression {
            silences: alert.silences.clone(),
            inhibited_by: alert.inhibited_by.clone(),
        };
        let is_same = suppression == open.suppression;
        if is_same && open.is_held && open.missed.is_none() {
            return Ok(false);
        }
        sqlx::query(HELD)
            .bind(suppression.text()?)
            .bind(open.id)
            .execute(self.connection())
            .await?;
        let events = suppression.events_since(&open.suppression, &at.0.to_string())?;
        let events: Vec<(&Key, &NewEvent)> =
            events.iter().map(|event| (&open.key, event)).collect();
        if !events.is_empty() {
            self.write_events(&events, at).await?;
        }
        Ok(!is_same)
    }

    /// Notes that Alertmanager has an episode no longer; gives its end when it
    /// has been missed for long enough.
    async fn note_missed(
        &mut self,
        open: &Open,
        last: Option<Timestamp>,
        at: Timestamp,
        absent_for: Duration,
    ) -> Result<Option<Sighting>, StoreError> {
        if let Some((held, missed)) = open.missed {
            if at < missed.after(absent_for) {
                return Ok(None);
            }
            let row = sqlx::query(LABELS)
                .bind(open.id)
                .fetch_one(self.connection())
                .await?;
            return Ok(Some(gone(&row, open, held)?));
        }
        let held = match last {
            // The last look had it, else that would have been noted.
            Some(last) if open.is_held => last,
            _ if open.is_notified => open.heard.min(at),
            // Alertmanager never had it: it came to light by records.
            _ => return Ok(None),
        };
        sqlx::query(MISSED)
            .bind(held.max(Timestamp(open.key.1)).0)
            .bind(at.0)
            .bind(open.id)
            .execute(self.connection())
            .await?;
        Ok(None)
    }

    /// Which alerts that Alertmanager has are news to the journal.
    async fn news(
        &mut self,
        unknown: &[(&String, &HeldAlert)],
        at: Timestamp,
    ) -> Result<Vec<Sighting>, StoreError> {
        let mut sightings = Vec::new();
        for chunk in unknown.chunks(CHUNK) {
            let mut query = Query::new(LATER);
            for (fingerprint, _) in chunk {
                query.push(", ").bind((*fingerprint).clone())?;
            }
            let earliest = chunk.iter().map(|(_, alert)| alert.starts_at).min();
            query.push(") AND starts_ms >= ");
            query.bind(earliest.unwrap_or_default().0)?;
            let mut known: HashMap<String, Vec<(i64, bool)>> = HashMap::new();
            for row in query.fetch_all(self).await? {
                let state: String = row.try_get("state")?;
                let is_firing = state == AlertState::Firing.as_str();
                // What Alertmanager alone told of may have been missed by mistake.
                let may_revive = !truth(&row, "by_prometheus")? && !is_firing;
                let fingerprint = row.try_get("fingerprint")?;
                let known = known.entry(fingerprint).or_default();
                known.push((row.try_get("starts_ms")?, may_revive));
            }
            for (fingerprint, alert) in chunk {
                let known = known.get(*fingerprint).map_or(&[][..], Vec::as_slice);
                let mut later = known
                    .iter()
                    .filter(|(starts_ms, _)| *starts_ms >= alert.starts_at.0);
                // The journal knows that it has ended, or of a later one.
                if later
                    .all(|(starts_ms, may_revive)| *may_revive && *starts_ms == alert.starts_at.0)
                {
                    sightings.push(alert.sighting(What::Held(at), alert.starts_at));
                }
            }
        }
        Ok(sightings)
    }

    /// Notes what keeps notifications of new episodes back.
    async fn note_news(
        &mut self,
        news: &[Sighting],
        held: &HashMap<String, &HeldAlert>,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let keys: std::collections::HashSet<Key> = news
            .iter()
            .map(|sighting| {
                let fingerprint = sighting.labels.fingerprint().to_string();
                (fingerprint, sighting.starts_at.0)
            })
            .collect();
        let rows = sqlx::query(OPEN).fetch_all(self.connection()).await?;
        let mut changed = 0;
        for row in &rows {
            let open = Open::read(row)?;
            if let Some(alert) = held.get(&open.key.0).filter(|_| keys.contains(&open.key)) {
                changed += usize::from(self.note_held(&open, alert, at).await?);
            }
        }
        Ok(changed)
    }
}

/// That Alertmanager had an episode at `held` for the last time.
fn gone(row: &AnyRow, open: &Open, held: Timestamp) -> Result<Sighting, StoreError> {
    let labels = AlertLabels::parse(json(row, "labels")?)
        .map_err(|message| StoreError::Damaged(format!("labels: {message}")))?;
    Ok(Sighting {
        labels,
        starts_at: Timestamp(open.key.1),
        what: What::Dropped(held),
        description: Description {
            by_prometheus: false,
            // Whatever was told is newer.
            until: Timestamp(i64::MIN),
            annotations: std::collections::BTreeMap::new(),
            generator_url: String::new(),
        },
        notification: None,
        pending_since: None,
    })
}
