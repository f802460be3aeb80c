//! A row of the journal while it is merged with what was delivered.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{StoreError, json, to_json, truth};
use crate::alert::{Afterwards, Evidence, Loss, Sighting, Standing, What};
use crate::clock::Timestamp;
use crate::model::{AlertEventKind, AlertState, EndReason, Id};

/// How long after the end of its validity an alert may still be renewed.
const GRACE: Duration = Duration::from_secs(30);
/// How long an alert of which only Alertmanager told is taken to fire.
/// Alertmanager repeats itself every four hours unless told otherwise.
const UNRENEWED: Duration = Duration::from_secs(72 * 3600);
/// Most wordings of its annotations that an episode keeps.
const MAX_WORDINGS: i64 = 100;

/// A row of the journal while it is merged with what was delivered.
pub(super) struct Episode {
    pub(super) server_id: Option<Id>,
    pub(super) had_server: bool,
    pub(super) annotations: String,
    pub(super) generator_url: String,
    pub(super) origin: String,
    pub(super) by_prometheus: bool,
    pub(super) described_ms: i64,
    pub(super) wordings: i64,
    pub(super) evidence: Evidence,
    pub(super) heard_ms: i64,
    pub(super) ended_ms: Option<i64>,
    pub(super) end_reason: Option<EndReason>,
    pub(super) is_notified: bool,
    /// Whether a silence kept notifications back when Alertmanager last had it.
    pub(super) is_silenced: bool,
}

/// What was known before a word was added.
pub(super) struct Glance {
    standing: Standing,
    heard_ms: i64,
}

/// That Prometheus' records told what nobody had.
pub(super) struct Reconstruction {
    pub(super) event: NewEvent,
    /// Begin and end of an episode that counts as found.
    pub(super) time: Option<(Timestamp, Timestamp)>,
}

/// An event to be written, unless it is there already.
pub(super) struct NewEvent {
    pub(super) kind: AlertEventKind,
    pub(super) key: String,
    /// When it happened; now when absent.
    pub(super) at: Option<Timestamp>,
    pub(super) detail: String,
}

impl NewEvent {
    /// The condition became true then.
    pub(super) fn pending(since: Timestamp) -> Self {
        Self {
            kind: AlertEventKind::Pending,
            key: String::new(),
            at: Some(since),
            detail: "{}".to_owned(),
        }
    }
}

impl Episode {
    /// An episode of which nothing is known yet but its labels.
    pub(super) fn open(sighting: &Sighting, monitored: &HashSet<Id>) -> Result<Self, StoreError> {
        let server_id = server_id(sighting);
        let description = &sighting.description;
        Ok(Self {
            server_id,
            had_server: server_id.is_some_and(|id| monitored.contains(&id)),
            annotations: to_json(&description.annotations)?,
            generator_url: description.generator_url.clone(),
            origin: String::new(),
            by_prometheus: false,
            described_ms: i64::MIN,
            wordings: 0,
            evidence: Evidence::new(sighting.starts_at),
            heard_ms: 0,
            ended_ms: None,
            end_reason: None,
            is_notified: false,
            is_silenced: false,
        })
    }

    pub(super) fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let reason: Option<String> = row.try_get("end_reason")?;
        let suppression: String = row.try_get("suppression")?;
        Ok(Self {
            server_id: row.try_get("server_id")?,
            had_server: truth(row, "had_server")?,
            annotations: row.try_get("annotations")?,
            generator_url: row.try_get("generator_url")?,
            origin: row.try_get("origin")?,
            by_prometheus: truth(row, "by_prometheus")?,
            described_ms: row.try_get("described_ms")?,
            wordings: row.try_get("wordings")?,
            evidence: json(row, "evidence")?,
            heard_ms: row.try_get("heard_ms")?,
            ended_ms: row.try_get("ended_ms")?,
            end_reason: reason.as_deref().and_then(EndReason::parse),
            is_notified: truth(row, "is_notified")?,
            is_silenced: Suppression::parse(&suppression)?.is_silenced(),
        })
    }

    /// Adds what was delivered; tells whether that was new.
    pub(super) fn merge(
        &mut self,
        sighting: &Sighting,
        now: Timestamp,
        monitored: &HashSet<Id>,
    ) -> Result<bool, StoreError> {
        let before = self.evidence.clone();
        self.evidence.add(sighting.what);
        // Alertmanager's word counts as a sign of life while Prometheus' is not known.
        let is_sign = sighting.what == What::Fires && self.evidence.renewed_until().is_none();
        let mut is_changed = self.evidence != before || is_sign;
        if is_changed && self.standing_is_open() {
            self.heard_ms = now.0;
        }
        is_changed |= self.describe(sighting)?;
        if sighting.notification.is_some() && !self.is_notified {
            self.is_notified = true;
            is_changed = true;
        }
        self.conclude(sighting.what, monitored);
        Ok(is_changed)
    }

    /// What is known now, to be compared with what will be.
    pub(super) fn glance(&self) -> Glance {
        Glance {
            standing: self.evidence.standing(),
            heard_ms: self.heard_ms,
        }
    }

    /// That Prometheus' records told what nobody had: the event, and the time of
    /// the episode.
    pub(super) fn reconstruction(
        &self,
        sighting: &Sighting,
        before: &Glance,
        is_new: bool,
    ) -> Result<Option<Reconstruction>, StoreError> {
        let What::Recorded { last, then } = sighting.what else {
            return Ok(None);
        };
        let standing = self.evidence.standing();
        let is_other =
            std::mem::discriminant(&standing) != std::mem::discriminant(&before.standing);
        // Records tell more exactly how something ended; that it did was told.
        let was_told =
            matches!(before.standing, Standing::Ended { .. }) && standing != Standing::Firing;
        // Of what came to light by records alone, their end is nothing new.
        if !is_new && (!is_other || was_told || self.wordings == 0) {
            return Ok(None);
        }
        let from = if is_new {
            sighting.starts_at
        } else {
            Timestamp(before.heard_ms)
        };
        let until = match then {
            Afterwards::Ended(at) => at,
            Afterwards::GoesOn | Afterwards::BreaksOff(_) => last,
        };
        let detail = serde_json::json!({
            "source": "prometheus",
            "gap_from": from.min(until),
            "gap_until": until,
        });
        let event = NewEvent {
            kind: AlertEventKind::Reconstructed,
            key: until.0.to_string(),
            at: None,
            detail: to_json(&detail)?,
        };
        let is_counted = is_new || then != Afterwards::GoesOn;
        let time = is_counted.then_some((sighting.starts_at, until));
        Ok(Some(Reconstruction { event, time }))
    }

    fn standing_is_open(&self) -> bool {
        self.evidence.standing() == Standing::Firing
    }

    /// Takes the annotations over if they are newer; see the order of
    /// [`crate::alert::Description`].
    fn describe(&mut self, sighting: &Sighting) -> Result<bool, StoreError> {
        let description = &sighting.description;
        let annotations = to_json(&description.annotations)?;
        let new = (
            description.by_prometheus,
            description.until.0,
            &annotations,
            &description.generator_url,
        );
        let old = (
            self.by_prometheus,
            self.described_ms,
            &self.annotations,
            &self.generator_url,
        );
        if new <= old {
            return Ok(false);
        }
        self.by_prometheus = description.by_prometheus;
        self.described_ms = description.until.0;
        self.annotations = annotations;
        self.generator_url.clone_from(&description.generator_url);
        if description.by_prometheus {
            self.origin = description.origin();
        }
        Ok(true)
    }

    /// What follows from the evidence.
    fn conclude(&mut self, what: What, monitored: &HashSet<Id>) {
        match self.evidence.standing() {
            Standing::Firing => (self.ended_ms, self.end_reason) = (None, None),
            Standing::Expired(at) => {
                self.ended_ms = Some(at.0);
                // The watchdog, or the records, said why.
                if let What::Recorded {
                    then: Afterwards::BreaksOff(loss),
                    ..
                } = what
                    && !matches!(
                        self.end_reason,
                        Some(EndReason::PrometheusLost | EndReason::RuleChanged)
                    )
                {
                    self.end_reason = Some(match loss {
                        Loss::PrometheusLost => EndReason::PrometheusLost,
                        Loss::RuleChanged => EndReason::RuleChanged,
                    });
                }
            }
            Standing::Ended { at, is_certain } => {
                let is_gone =
                    self.had_server && self.server_id.is_some_and(|id| !monitored.contains(&id));
                let is_silenced = self.is_silenced && self.evidence.was_dropped();
                let reason = match (is_certain, is_gone) {
                    (false, _) if is_silenced => EndReason::Silenced,
                    (false, _) => EndReason::Unknown,
                    (true, true) => EndReason::TargetRemoved,
                    (true, false) => EndReason::Recovered,
                };
                // A server that goes later is not why it ended.
                let is_told = self.ended_ms == Some(at.0)
                    && matches!(
                        self.end_reason,
                        Some(EndReason::Recovered | EndReason::TargetRemoved)
                    );
                if !is_told {
                    self.end_reason = Some(reason);
                }
                self.ended_ms = Some(at.0);
            }
        }
    }

    pub(super) fn state(&self) -> AlertState {
        match self.evidence.standing() {
            Standing::Firing => AlertState::Firing,
            Standing::Ended { .. } => AlertState::Resolved,
            Standing::Expired(_) => AlertState::Expired,
        }
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        let due = match self.evidence.renewed_until() {
            // Records are read long after; what they show goes on until they
            // show an end.
            Some(until) if Some(until) >= self.evidence.recorded_until() => until.after(GRACE),
            _ => Timestamp(self.heard_ms).after(UNRENEWED),
        };
        self.standing_is_open().then_some(due.0)
    }

    /// What a delivery adds to the life of the episode; before it is merged.
    pub(super) fn events(&mut self, sighting: &Sighting) -> Result<Vec<NewEvent>, StoreError> {
        let mut events = Vec::new();
        let annotations = to_json(&sighting.description.annotations)?;
        let is_other = self.wordings == 0 || annotations != self.annotations;
        // Records and absence do not have the wording.
        let is_told = !matches!(sighting.what, What::Recorded { .. } | What::Dropped(_));
        if is_told && is_other && self.wordings < MAX_WORDINGS {
            self.wordings += 1;
            events.push(NewEvent {
                kind: AlertEventKind::Updated,
                key: hex::encode(Sha256::digest(&annotations)),
                at: None,
                detail: format!("{{\"annotations\":{annotations}}}"),
            });
        }
        if let Some(notification) = &sighting.notification {
            let status = match sighting.what {
                What::Ended { .. } => "resolved",
                _ => "firing",
            };
            let detail = to_json(&serde_json::json!({
                "receiver": notification.receiver,
                "group_key": notification.group_key,
                "status": status,
            }))?;
            events.push(NewEvent {
                kind: AlertEventKind::Notified,
                key: hex::encode(Sha256::digest(&detail)),
                at: None,
                detail,
            });
        }
        if let Some(since) = sighting.pending_since {
            events.push(NewEvent::pending(since));
        }
        Ok(events)
    }
}

/// What keeps notifications of an alert back, as Alertmanager says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suppression {
    /// Ids of silences.
    pub(super) silences: BTreeSet<String>,
    /// Fingerprints of alerts.
    pub(super) inhibited_by: BTreeSet<String>,
}

impl Suppression {
    /// Reads [`Self::text`].
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text)
            .map_err(|error| StoreError::Damaged(format!("suppression: {error}")))
    }

    /// For the column; empty when nothing keeps them back.
    pub(super) fn text(&self) -> Result<String, StoreError> {
        if *self == Self::default() {
            return Ok(String::new());
        }
        to_json(self)
    }

    pub(super) fn is_silenced(&self) -> bool {
        !self.silences.is_empty()
    }

    /// What is to be told of the way from `before` to this; `key` tells it from
    /// other such ways.
    pub(super) fn events_since(
        &self,
        before: &Self,
        key: &str,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let mut events = Vec::new();
        let mut add = |kind, detail: serde_json::Value| -> Result<(), StoreError> {
            events.push(NewEvent {
                kind,
                key: key.to_owned(),
                at: None,
                detail: to_json(&detail)?,
            });
            Ok(())
        };
        if self.silences != before.silences && !self.silences.is_empty() {
            let detail = serde_json::json!({"silences": self.silences});
            add(AlertEventKind::Silenced, detail)?;
        }
        if self.inhibited_by != before.inhibited_by && !self.inhibited_by.is_empty() {
            let detail = serde_json::json!({"inhibited_by": self.inhibited_by});
            add(AlertEventKind::Inhibited, detail)?;
        }
        if *self == Self::default() && *before != Self::default() {
            add(AlertEventKind::Unsuppressed, serde_json::json!({}))?;
        }
        Ok(events)
    }
}

pub(super) fn server_id(sighting: &Sighting) -> Option<Id> {
    let id = sighting.labels.get("server_id").parse().ok();
    id.filter(|id| *id > 0)
}

/// What a search looks at: values of labels and annotations, a line each.
pub(super) fn search_text(
    labels: &BTreeMap<String, String>,
    annotations: &str,
) -> Result<String, StoreError> {
    let annotations: BTreeMap<String, String> = serde_json::from_str(annotations)
        .map_err(|error| StoreError::Damaged(format!("annotations: {error}")))?;
    let lines: Vec<&str> = labels
        .values()
        .chain(annotations.values())
        .map(String::as_str)
        .collect();
    Ok(lines.join("\n").to_lowercase())
}
