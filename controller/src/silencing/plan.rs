//! What is to be done so that Alertmanager has the silences that it should have.
//! Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::alertmanager::{HeldSilence, HeldState, WantedSilence};
use crate::clock::Timestamp;
use crate::model::{Id, Matcher, Version};

/// What stands in a comment before our reference.
const MARK: &str = "[ipmi_controller ";
/// What a comment says when nobody gave a reason.
const NO_REASON: &str = "No reason given";
/// Ends that are no farther apart are the same: Alertmanager keeps milliseconds,
/// people do not.
const SAME: Duration = Duration::from_secs(1);

/// A silence of ours, as far as Alertmanager is concerned. Its time is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// Number of the silence.
    pub id: Id,
    /// What its comment in Alertmanager ends with.
    pub reference: String,
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who made it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// Whether it was ended here before its time.
    pub is_ended: bool,
    /// Its id in Alertmanager, when it was there.
    pub alertmanager_id: Option<String>,
    /// Ids that it had there before.
    pub former_ids: Vec<String>,
    /// Which version of it was there.
    pub placed_version: Option<Version>,
    /// When it was changed there, as it was last seen.
    pub seen_update: Option<Timestamp>,
    /// How often it was changed.
    pub version: Version,
}

/// Why Alertmanager is given a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It never had it.
    New,
    /// It was changed here.
    Changed,
    /// It had it, and has lost it.
    Lost,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give Alertmanager a silence.
    Put {
        /// Number of the silence.
        id: Id,
        /// Which version of it.
        version: Version,
        /// What Alertmanager is given.
        wanted: WantedSilence,
        /// Why.
        why: Why,
    },
    /// Alertmanager has it, and its answer was lost.
    Found {
        /// Number of the silence.
        id: Id,
        /// Which version of it is there.
        version: Version,
        /// Its id there.
        alertmanager_id: String,
        /// When it was changed there.
        updated_at: Timestamp,
    },
    /// It is there as it should be, and was changed there since the last look.
    Seen {
        /// Number of the silence.
        id: Id,
        /// When.
        updated_at: Timestamp,
    },
    /// End it in Alertmanager.
    Expire {
        /// Number of the silence.
        id: Id,
        /// Its id there.
        alertmanager_id: String,
        /// Which version of it is settled by that, if one is.
        version: Option<Version>,
    },
    /// It was ended, and Alertmanager has none to end.
    Settled {
        /// Number of the silence.
        id: Id,
        /// Which version of it.
        version: Version,
    },
    /// It was ended in Alertmanager.
    Ended {
        /// Number of the silence.
        id: Id,
        /// When.
        at: Timestamp,
    },
    /// It got other times in Alertmanager.
    Moved {
        /// Number of the silence.
        id: Id,
        /// From when.
        starts_at: Timestamp,
        /// Until when.
        ends_at: Timestamp,
        /// When it was changed there.
        updated_at: Timestamp,
    },
}

impl Mirrored {
    fn is_dirty(&self) -> bool {
        self.placed_version != Some(self.version)
    }

    /// What it says about itself in Alertmanager.
    fn comment(&self) -> String {
        let reason = if self.reason.is_empty() {
            NO_REASON
        } else {
            &self.reason
        };
        format!("{reason} {MARK}{}]", self.reference)
    }

    fn put(&self, replaces: Option<&HeldSilence>, why: Why) -> Step {
        // Another begin than the one that it has would make it another silence.
        let starts_at = match replaces {
            Some(held) if held.state == HeldState::Active => held.starts_at,
            _ => self.starts_at,
        };
        Step::Put {
            id: self.id,
            version: self.version,
            wanted: WantedSilence {
                replaces: replaces.map(|held| held.id.clone()),
                matchers: self.matchers.clone(),
                starts_at,
                ends_at: self.ends_at,
                author: self.author.clone(),
                comment: self.comment(),
            },
            why,
        }
    }

    fn found(&self, held: &HeldSilence) -> Step {
        // What it says is the newest only if all of it is.
        let is_current = is_near(held.ends_at, self.ends_at) && held.comment == self.comment();
        Step::Found {
            id: self.id,
            version: if is_current { self.version } else { 0 },
            alertmanager_id: held.id.clone(),
            updated_at: held.updated_at,
        }
    }
}

/// The reference at the end of a comment that we wrote.
fn reference(comment: &str) -> Option<&str> {
    let (_, rest) = comment.rsplit_once(MARK)?;
    rest.strip_suffix(']')
}

/// The silence that one came to be in Alertmanager.
fn counterpart<'a>(
    mirrored: &Mirrored,
    by_id: &HashMap<&str, &'a HeldSilence>,
    by_reference: &HashMap<&str, Vec<&'a HeldSilence>>,
) -> Option<&'a HeldSilence> {
    let id = mirrored.alertmanager_id.as_deref();
    let known = id.and_then(|id| by_id.get(id)).copied();
    if known.is_some_and(HeldSilence::is_alive) {
        return known;
    }
    // When the answer to a change was lost, it has a new id there. Somebody may
    // also have made a copy of it with other matchers, which is not ours.
    let others = by_reference.get(mirrored.reference.as_str());
    let alive = others
        .into_iter()
        .flatten()
        .filter(|held| held.is_alive() && is_same(&held.matchers, &mirrored.matchers));
    alive.copied().min_by_key(|held| &held.id).or(known)
}

/// What is to be done for silences of ours whose time is not over.
#[must_use]
pub fn plan(ours: &[Mirrored], held: &[HeldSilence], now: Timestamp) -> Vec<Step> {
    let by_id: HashMap<&str, &HeldSilence> =
        held.iter().map(|held| (held.id.as_str(), held)).collect();
    let mut by_reference: HashMap<&str, Vec<&HeldSilence>> = HashMap::new();
    for silence in held {
        if let Some(reference) = reference(&silence.comment) {
            by_reference.entry(reference).or_default().push(silence);
        }
    }
    let mut steps = Vec::new();
    for mirrored in ours.iter().filter(|mirrored| mirrored.ends_at > now) {
        let held = counterpart(mirrored, &by_id, &by_reference);
        steps.extend(step(mirrored, held));
        // A crash brings back what was replaced since Alertmanager last wrote to disk.
        let former = mirrored.former_ids.iter().map(String::as_str);
        let former = former.filter(|id| held.is_none_or(|held| held.id != **id));
        let revived = former.filter(|id| by_id.get(*id).is_some_and(|held| held.is_alive()));
        steps.extend(revived.map(|id| Step::Expire {
            id: mirrored.id,
            alertmanager_id: id.to_owned(),
            version: None,
        }));
    }
    steps
}

fn step(mirrored: &Mirrored, held: Option<&HeldSilence>) -> Option<Step> {
    let is_known = held.is_some_and(|held| mirrored.alertmanager_id.as_ref() == Some(&held.id));
    let alive = held.filter(|held| held.is_alive());
    if mirrored.is_ended {
        // A copy that somebody made of what was ended here is not ours to end. While
        // there is something to tell, it may be ours by an answer that was lost.
        let is_ours = is_known || mirrored.alertmanager_id.is_none() || mirrored.is_dirty();
        let expire = alive.filter(|_| is_ours).map(|held| Step::Expire {
            id: mirrored.id,
            alertmanager_id: held.id.clone(),
            version: Some(mirrored.version),
        });
        let settled = mirrored.is_dirty().then_some(Step::Settled {
            id: mirrored.id,
            version: mirrored.version,
        });
        return expire.or(settled);
    }
    match (held, alive) {
        (_, Some(held)) if !is_known => Some(mirrored.found(held)),
        (_, Some(held)) if mirrored.is_dirty() => Some(mirrored.put(Some(held), Why::Changed)),
        (_, Some(held)) => compare(mirrored, held),
        (Some(_), None) if mirrored.is_dirty() => Some(mirrored.put(None, Why::Changed)),
        (Some(held), None) => Some(Step::Ended {
            id: mirrored.id,
            at: held.ends_at,
        }),
        (None, None) => {
            let why = match mirrored.alertmanager_id {
                Some(_) => Why::Lost,
                None => Why::New,
            };
            Some(mirrored.put(None, why))
        }
    }
}

/// What to make of one that both know: somebody may have given it other times in
/// Alertmanager, or a crash there may have taken ours back.
fn compare(mirrored: &Mirrored, held: &HeldSilence) -> Option<Step> {
    // What has begun began when Alertmanager was given it.
    let starts_at = match held.state {
        HeldState::Pending => held.starts_at,
        _ => mirrored.starts_at.min(held.starts_at),
    };
    let is_same = is_near(held.ends_at, mirrored.ends_at) && is_near(starts_at, mirrored.starts_at);
    // What was never seen tells nothing of what is newer.
    let is_newer = mirrored
        .seen_update
        .is_some_and(|seen| held.updated_at > seen);
    match (is_same, is_newer) {
        (true, _) if mirrored.seen_update == Some(held.updated_at) => None,
        (true, _) => Some(Step::Seen {
            id: mirrored.id,
            updated_at: held.updated_at,
        }),
        (false, true) => Some(Step::Moved {
            id: mirrored.id,
            starts_at,
            ends_at: held.ends_at,
            updated_at: held.updated_at,
        }),
        (false, false) => Some(mirrored.put(Some(held), Why::Lost)),
    }
}

fn is_near(one: Timestamp, other: Timestamp) -> bool {
    one.since(other) <= SAME && other.since(one) <= SAME
}

fn is_same(some: &[Matcher], others: &[Matcher]) -> bool {
    let texts = |matchers: &[Matcher]| -> HashSet<String> {
        matchers
            .iter()
            .map(|matcher| format!("{matcher:?}"))
            .collect()
    };
    texts(some) == texts(others)
}

/// The silences in Alertmanager that are not ours, given all ids and references
/// that ever were. What is over and bears our mark is an earlier version of one.
pub(super) fn foreign<'a>(
    held: &'a [HeldSilence],
    ids: &HashSet<String>,
    references: &HashSet<String>,
) -> Vec<&'a HeldSilence> {
    let is_foreign = |held: &&HeldSilence| {
        let is_marked = || reference(&held.comment).is_some_and(|found| references.contains(found));
        !ids.contains(&held.id) && (held.is_alive() || !is_marked())
    };
    held.iter().filter(is_foreign).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
