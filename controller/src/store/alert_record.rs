//! Writes deliveries of alerts down: one transaction each, with few statements
//! however many alerts there are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::Row;

use super::alert_episode::{Episode, NewEvent, search_text, server_id};
use super::query::{Query, statements};
use super::{StoreError, WriteTx, to_json};
use crate::alert::Sighting;
use crate::clock::Timestamp;
use crate::model::{EndReason, Id};

/// Rows of one statement. Both databases limit the values of a statement; the
/// lower limit is 32,766.
pub(super) const CHUNK: usize = 250;

statements! {
    // PostgreSQL: deliveries are merged one after the other, like in SQLite.
    TAKE_TURN = "UPDATE alert_turn SET value = value + 1 WHERE only_row = 1";
}

const FIND: &str = "SELECT fingerprint, starts_ms, server_id, had_server, annotations, \
    generator_url, origin, by_prometheus, described_ms, wordings, evidence, heard_ms, \
    ended_ms, end_reason, is_notified, suppression FROM alerts WHERE (fingerprint, starts_ms) IN (VALUES ";
const UPSERT: &str = "INSERT INTO alerts (fingerprint, starts_ms, alertname, severity, server_id, \
    had_server, labels, annotations, generator_url, origin, by_prometheus, described_ms, \
    wordings, evidence, state, due_ms, heard_ms, ended_ms, end_reason, is_notified, search) VALUES ";
const UPSERT_END: &str = " ON CONFLICT (fingerprint, starts_ms) DO UPDATE SET \
    annotations = excluded.annotations, generator_url = excluded.generator_url, \
    origin = excluded.origin, by_prometheus = excluded.by_prometheus, \
    described_ms = excluded.described_ms, wordings = excluded.wordings, \
    evidence = excluded.evidence, state = excluded.state, due_ms = excluded.due_ms, \
    heard_ms = excluded.heard_ms, ended_ms = excluded.ended_ms, \
    end_reason = excluded.end_reason, is_notified = excluded.is_notified, \
    search = excluded.search";
const INSERT_EVENT: &str =
    "INSERT INTO alert_events (alert_id, kind, detail_key, at_ms, detail) SELECT ";
const HEARD: &str = "INSERT INTO alert_origins (origin, heard_ms) VALUES ";
const MONITORED: &str = "SELECT id FROM servers WHERE monitoring_enabled = 1 AND id IN (0";

/// What a delivery changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Episodes that were not known.
    pub opened: usize,
    /// Episodes of which something new became known, those opened included.
    pub changed: usize,
    /// Times of episodes that nobody had told of but Prometheus' records.
    pub reconstructed: Vec<(Timestamp, Timestamp)>,
}

/// Which episode: fingerprint and start.
pub(super) type Key = (String, i64);

impl WriteTx {
    /// Writes a delivery down. What is known already changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_alerts(&mut self, sightings: &[Sighting]) -> Result<Recorded, StoreError> {
        self.take_alert_turn().await?;
        self.merge_alerts(sightings).await
    }

    /// The same for who has taken the turn.
    pub(super) async fn merge_alerts(
        &mut self,
        sightings: &[Sighting],
    ) -> Result<Recorded, StoreError> {
        let mut by_key: BTreeMap<Key, Vec<&Sighting>> = BTreeMap::new();
        for sighting in sightings {
            let key = (
                sighting.labels.fingerprint().to_string(),
                sighting.starts_at.0,
            );
            by_key.entry(key).or_default().push(sighting);
        }
        let keys: Vec<&Key> = by_key.keys().collect();
        let mut known = HashMap::new();
        for chunk in keys.chunks(CHUNK) {
            self.find_episodes(chunk, &mut known).await?;
        }
        let monitored = self.monitored_servers(&by_key).await?;
        let now = self.now();
        let mut recorded = Recorded::default();
        let mut changed: Vec<(&Key, &Sighting, Episode)> = Vec::new();
        let mut events: Vec<(&Key, NewEvent)> = Vec::new();
        for (key, sightings) in &by_key {
            let Some(first) = sightings.first() else {
                continue;
            };
            let before = known.remove(key);
            let is_new = before.is_none();
            let mut episode = match before {
                Some(episode) => episode,
                None => Episode::open(first, &monitored)?,
            };
            let mut is_changed = is_new;
            for sighting in sightings {
                let wordings = episode.wordings;
                let before = episode.glance();
                let new = episode.events(sighting)?;
                events.extend(new.into_iter().map(|event| (key, event)));
                is_changed |= episode.wordings != wordings;
                is_changed |= episode.merge(sighting, now, &monitored)?;
                if let Some(found) = episode.reconstruction(sighting, &before, is_new)? {
                    events.push((key, found.event));
                    recorded.reconstructed.extend(found.time);
                }
            }
            recorded.opened += usize::from(is_new);
            if is_changed {
                recorded.changed += 1;
                changed.push((key, *first, episode));
            }
        }
        for chunk in changed.chunks(CHUNK) {
            self.write_episodes(chunk).await?;
        }
        for chunk in events.chunks(CHUNK) {
            let chunk: Vec<(&Key, &NewEvent)> =
                chunk.iter().map(|(key, event)| (*key, event)).collect();
            self.write_events(&chunk, now).await?;
        }
        self.note_origins(sightings, now).await?;
        Ok(recorded)
    }

    /// Waits until nobody else changes alerts. Every writer of the journal takes
    /// its turn before anything else.
    pub(super) async fn take_alert_turn(&mut self) -> Result<(), StoreError> {
        sqlx::query(TAKE_TURN).execute(self.connection()).await?;
        Ok(())
    }

    async fn find_episodes(
        &mut self,
        keys: &[&Key],
        found: &mut HashMap<Key, Episode>,
    ) -> Result<(), StoreError> {
        let mut query = Query::new(FIND);
        for (index, (fingerprint, starts_ms)) in keys.iter().enumerate() {
            query.push(if index == 0 { "(" } else { ", (" });
            query.bind(fingerprint.clone())?.push(", ");
            query.bind(*starts_ms)?.push(")");
        }
        query.push(")");
        for row in query.fetch_all(self).await? {
            let key = (row.try_get("fingerprint")?, row.try_get("starts_ms")?);
            found.insert(key, Episode::read(&row)?);
        }
        Ok(())
    }

    /// Which servers of a delivery there are.
    async fn monitored_servers(
        &mut self,
        sightings: &BTreeMap<Key, Vec<&Sighting>>,
    ) -> Result<HashSet<Id>, StoreError> {
        let named: BTreeSet<Id> = sightings
            .values()
            .flatten()
            .filter_map(|sighting| server_id(sighting))
            .collect();
        let named: Vec<Id> = named.into_iter().collect();
        let mut monitored = HashSet::new();
        for chunk in named.chunks(CHUNK) {
            let mut query = Query::new(MONITORED);
            for id in chunk {
                query.push(", ").bind(*id)?;
            }
            query.push(")");
            for row in query.fetch_all(self).await? {
                monitored.insert(row.try_get(0)?);
            }
        }
        Ok(monitored)
    }

    async fn write_episodes(
        &mut self,
        rows: &[(&Key, &Sighting, Episode)],
    ) -> Result<(), StoreError> {
        let mut query = Query::new(UPSERT);
        for (index, ((fingerprint, starts_ms), sighting, episode)) in rows.iter().enumerate() {
            let labels = &sighting.labels;
            query.push(if index == 0 { "(" } else { ", (" });
            query.bind(fingerprint.clone())?.push(", ");
            query.bind(*starts_ms)?.push(", ");
            query.bind(labels.get("alertname").to_owned())?.push(", ");
            query.bind(labels.get("severity").to_owned())?.push(", ");
            query.bind(episode.server_id)?.push(", ");
            query.bind(i64::from(episode.had_server))?.push(", ");
            query.bind(to_json(labels.as_map())?)?.push(", ");
            query.bind(episode.annotations.clone())?.push(", ");
            query.bind(episode.generator_url.clone())?.push(", ");
            query.bind(episode.origin.clone())?.push(", ");
            query.bind(i64::from(episode.by_prometheus))?.push(", ");
            query.bind(episode.described_ms)?.push(", ");
            query.bind(episode.wordings)?.push(", ");
            query.bind(to_json(&episode.evidence)?)?.push(", ");
            query.bind(episode.state().as_str())?.push(", ");
            query.bind(episode.due_ms())?.push(", ");
            query.bind(episode.heard_ms)?.push(", ");
            query.bind(episode.ended_ms)?.push(", ");
            let reason = episode.end_reason.map(EndReason::as_str);
            query.bind(reason)?.push(", ");
            query.bind(i64::from(episode.is_notified))?.push(", ");
            let search = search_text(labels.as_map(), &episode.annotations)?;
            query.bind(search)?.push(")");
        }
        query.push(UPSERT_END);
        query.fetch_all(self).await?;
        Ok(())
    }

    pub(super) async fn write_events(
        &mut self,
        events: &[(&Key, &NewEvent)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut query = Query::new(INSERT_EVENT);
        for (index, ((fingerprint, starts_ms), event)) in events.iter().enumerate() {
            if index > 0 {
                query.push(" UNION ALL SELECT ");
            }
            query.push("id, ").bind(event.kind.as_str())?;
            query.push(", ").bind(event.key.clone())?;
            query.push(", ").bind(event.at.unwrap_or(now).0)?;
            query.push(", ").bind(event.detail.clone())?;
            query.push(" FROM alerts WHERE fingerprint = ");
            query.bind(fingerprint.clone())?.push(" AND starts_ms = ");
            query.bind(*starts_ms)?;
        }
        query.push(" ON CONFLICT (alert_id, kind, detail_key) DO NOTHING");
        query.fetch_all(self).await?;
        Ok(())
    }

    async fn note_origins(
        &mut self,
        sightings: &[Sighting],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let origins: BTreeSet<String> = sightings
            .iter()
            .filter(|sighting| sighting.description.by_prometheus)
            .map(|sighting| sighting.description.origin())
            .collect();
        for origin in origins {
            let mut query = Query::new(HEARD);
            query.push("(").bind(origin)?.push(", ").bind(now.0)?;
            query.push(") ON CONFLICT (origin) DO UPDATE SET heard_ms = excluded.heard_ms");
            query.fetch_all(self).await?;
        }
        Ok(())
    }
}
