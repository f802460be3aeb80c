//! Silences: what keeps notifications of some alerts back for a while.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::alert::words;
use super::{Id, Invalid, Matcher, Problems, PromDuration, Text, Version, check_silence_matchers};
use crate::clock::Timestamp;

/// Most servers that are named one by one.
pub const MAX_SILENCED_SERVERS: usize = 4000;
/// Longest silence, and longest time until it begins.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// Shortest silence.
const SHORTEST: Duration = Duration::from_secs(60);
/// A moment that is no longer ago than this is now: clocks differ.
const NOW: Duration = Duration::from_secs(300);

words! {
    /// How a silence stands.
    SilenceState {
        /// It has not begun, or Alertmanager has not got it yet.
        Pending = "pending",
        /// It keeps notifications back.
        Active = "active",
        /// It is over.
        Expired = "expired",
    }
}

words! {
    /// Where a silence comes from.
    SilenceOrigin {
        /// Somebody made it here.
        Controller = "controller",
        /// A maintenance window made it.
        Window = "window",
        /// Somebody made it in Alertmanager. It is shown, and left alone.
        Alertmanager = "alertmanager",
    }
}

/// What a silence was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SilenceSubject {
    /// One alert, by its labels.
    Alert {
        /// Number of the episode.
        alert_id: Id,
    },
    /// Some servers.
    Servers {
        /// Their numbers.
        server_ids: BTreeSet<Id>,
    },
    /// The servers of a group, also those that join it later.
    Group {
        /// Its number.
        group_id: Id,
    },
    /// Whatever the matchers let through.
    Matchers,
}

/// A silence as it is mirrored here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Silence {
    /// Number of the silence.
    pub id: Id,
    /// How it stands.
    pub state: SilenceState,
    /// Where it comes from.
    pub origin: SilenceOrigin,
    /// What it was made for.
    pub subject: SilenceSubject,
    /// Alerts with such labels are silenced. Empty for those who do not see all of
    /// its servers.
    pub matchers: Vec<Matcher>,
    /// Who made it.
    pub author: String,
    /// Why. Empty for those who do not see all of its servers.
    pub reason: String,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when, or when it was ended.
    pub ends_at: Timestamp,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
    /// Number of the maintenance window that made it.
    pub window_id: Option<Id>,
    /// Its id in Alertmanager; null when it is not there yet.
    pub alertmanager_id: Option<String>,
    /// How often Alertmanager had lost it and was given it again.
    pub put_back: i64,
    /// What keeps it from being in Alertmanager as it is here.
    pub problem: Option<String>,
    /// Whether it is also about servers that the asker does not see.
    pub reaches_beyond: bool,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A silence as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceDraft {
    /// What for.
    pub subject: SilenceSubject,
    /// What else its alerts must be like.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Why.
    pub reason: Text,
}

/// The form of [`SilenceDraft`] in a request. One of `alert_id`, `server_ids`,
/// `group_id` says what it is for, or `matchers` alone.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceBody {
    /// An episode of the journal: alerts with all of its labels.
    pub alert_id: Option<Id>,
    /// Servers, up to 4,000.
    pub server_ids: Option<BTreeSet<Id>>,
    /// A group of servers.
    pub group_id: Option<Id>,
    /// Labels that alerts must have, besides.
    pub matchers: Vec<Matcher>,
    /// From when; now without it.
    pub starts_at: Option<Timestamp>,
    /// Until when; this or `duration`.
    pub ends_at: Option<Timestamp>,
    /// How long, such as `4h`; this or `ends_at`.
    pub duration: Option<PromDuration>,
    /// Why. A silence of many servers needs it.
    pub reason: String,
}

/// A silence with another end or reason.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceChangeBody {
    /// From when; as before without it. Only before it has begun.
    pub starts_at: Option<Timestamp>,
    /// Until when; as before without it.
    pub ends_at: Option<Timestamp>,
    /// Why; as before without it.
    pub reason: Option<String>,
}

/// Which silences are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SilenceFilter {
    /// How it stands.
    #[param(inline)]
    pub state: Option<SilenceState>,
    /// Where it comes from.
    #[param(inline)]
    pub origin: Option<SilenceOrigin>,
    /// Number of a server: silences that may be about it.
    pub server_id: Option<Id>,
    /// Number of a maintenance window.
    pub window_id: Option<Id>,
    /// Its id in Alertmanager, as in events of alerts.
    pub alertmanager_id: Option<String>,
    /// Part of the author, the reason or a matcher; case does not matter.
    pub search: Option<String>,
}

impl SilenceDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &SilenceBody, now: Timestamp) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let subject = subject(body, &mut problems);
        let matchers = if body.matchers.is_empty() && subject != Some(SilenceSubject::Matchers) {
            Some(Vec::new())
        } else {
            match check_silence_matchers("matchers", &body.matchers) {
                Ok(matchers) => Some(matchers),
                Err(found) => {
                    for problem in found {
                        problems.add(&problem.field, problem.message);
                    }
                    None
                }
            }
        };
        let starts_at = match body.starts_at {
            Some(starts_at) if starts_at < now.before(NOW) => {
                problems.add("starts_at", "is in the past; leave it out to begin now");
                starts_at
            }
            Some(starts_at) => starts_at,
            None => now,
        };
        let ends_at = match (body.ends_at, &body.duration) {
            (Some(ends_at), None) => Some(ends_at),
            (None, Some(duration)) => Some(starts_at.after(duration.duration())),
            (Some(_), Some(_)) => {
                problems.add("duration", "is one too many; give ends_at or duration");
                None
            }
            (None, None) => {
                problems.add("ends_at", "is missing; say until when, or give a duration");
                None
            }
        };
        if let Some(ends_at) = ends_at {
            let field = if body.duration.is_some() {
                "duration"
            } else {
                "ends_at"
            };
            check_times(&mut problems, field, now, starts_at, ends_at);
        }
        let reason = problems.check("reason", parse_reason(&body.reason));
        let draft = subject.zip(matchers).zip(ends_at).zip(reason);
        let draft = draft.map(|(((subject, matchers), ends_at), reason)| Self {
            subject,
            matchers,
            starts_at,
            ends_at,
            reason,
        });
        problems.finish(draft)
    }
}

impl SilenceChangeBody {
    /// The silence's new begin, end and reason.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(
        &self,
        silence: &Silence,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp, Text), Vec<Invalid>> {
        let mut problems = Problems::default();
        let starts_at = self.starts_at.unwrap_or(silence.starts_at);
        if starts_at != silence.starts_at {
            if silence.starts_at <= now {
                problems.add("starts_at", "cannot change: the silence has begun");
            } else if starts_at < now.before(NOW) {
                problems.add("starts_at", "is in the past");
            }
        }
        let ends_at = self.ends_at.unwrap_or(silence.ends_at);
        if ends_at <= now {
            problems.add("ends_at", "is in the past; expire the silence instead");
        }
        // What has begun long ago may still last a year from now.
        check_times(&mut problems, "ends_at", now, starts_at.max(now), ends_at);
        let reason = self.reason.as_deref().unwrap_or(&silence.reason);
        let reason = problems.check("reason", parse_reason(reason));
        problems.finish(reason.map(|reason| (starts_at, ends_at, reason)))
    }
}

/// A reason is a text that is not only space.
fn parse_reason(text: &str) -> Result<Text, String> {
    Text::parse(text.trim())
}

fn subject(body: &SilenceBody, problems: &mut Problems) -> Option<SilenceSubject> {
    let alert = body
        .alert_id
        .map(|alert_id| ("alert_id", SilenceSubject::Alert { alert_id }));
    let servers = body.server_ids.clone().map(|server_ids| {
        if server_ids.is_empty() || server_ids.len() > MAX_SILENCED_SERVERS {
            problems.add(
                "server_ids",
                format!(
                    "names {} servers; 1 to {MAX_SILENCED_SERVERS} are allowed",
                    server_ids.len()
                ),
            );
        }
        ("server_ids", SilenceSubject::Servers { server_ids })
    });
    let group = body
        .group_id
        .map(|group_id| ("group_id", SilenceSubject::Group { group_id }));
    let mut subjects = [alert, servers, group].into_iter().flatten();
    let first = subjects.next();
    if let Some((field, _)) = subjects.next() {
        problems.add(
            field,
            "is one too many; only one of alert_id, server_ids, group_id says what a silence is for",
        );
    }
    match first {
        Some((_, subject)) => Some(subject),
        None if body.matchers.is_empty() => {
            problems.add(
                "matchers",
                "is empty; give it, or one of alert_id, server_ids, group_id",
            );
            None
        }
        None => Some(SilenceSubject::Matchers),
    }
}

fn check_times(
    problems: &mut Problems,
    field: &str,
    now: Timestamp,
    starts_at: Timestamp,
    ends_at: Timestamp,
) {
    if starts_at > now.after(LONGEST) {
        problems.add(
            "starts_at",
            format!("is more than {} days away", LONGEST.as_secs() / 86_400),
        );
    }
    let length = ends_at.since(starts_at.max(now));
    if ends_at <= starts_at || length < SHORTEST {
        problems.add(
            field,
            format!(
                "must be {} minute after the begin, and after now, at least",
                SHORTEST.as_secs() / 60
            ),
        );
    } else if length > LONGEST {
        problems.add(
            field,
            format!(
                "must not be more than {} days after the begin",
                LONGEST.as_secs() / 86_400
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_700_000_000_000);

    fn parse(body: serde_json::Value) -> Result<SilenceDraft, Vec<Invalid>> {
        let body: SilenceBody = serde_json::from_value(body).unwrap();
        SilenceDraft::parse(&body, NOON)
    }

    #[test]
    fn a_silence_is_for_one_thing_and_a_time() {
        let draft = parse(serde_json::json!({"group_id": 3, "duration": "4h"})).unwrap();
        assert_eq!(draft.subject, SilenceSubject::Group { group_id: 3 });
        assert_eq!(draft.starts_at, NOON);
        assert_eq!(draft.ends_at, NOON.after(Duration::from_secs(4 * 3600)));
        let matchers =
            serde_json::json!([{"name": "alertname", "operator": "=~", "value": "Fan.*"}]);
        let draft = parse(serde_json::json!({"matchers": matchers, "duration": "1h"})).unwrap();
        assert_eq!(draft.subject, SilenceSubject::Matchers);
        let draft = parse(
            serde_json::json!({"server_ids": [1, 2], "matchers": matchers, "duration": "1h",
            "reason": "  new fans\n"}),
        )
        .unwrap();
        assert_eq!(draft.matchers.len(), 1);
        assert_eq!(draft.reason.as_str(), "new fans");
    }

    #[test]
    fn mistakes_are_named_with_their_fields() {
        let later = NOON.after(Duration::from_secs(3600));
        let earlier = NOON.before(Duration::from_secs(3600));
        for (body, fields) in [
            (serde_json::json!({"duration": "1h"}), &["matchers"][..]),
            (
                serde_json::json!({"alert_id": 1, "group_id": 1, "duration": "1h"}),
                &["group_id"],
            ),
            (
                serde_json::json!({"server_ids": [], "duration": "1h"}),
                &["server_ids"],
            ),
            (serde_json::json!({"group_id": 1}), &["ends_at"]),
            (
                serde_json::json!({"group_id": 1, "duration": "1h", "ends_at": later}),
                &["duration"],
            ),
            (
                serde_json::json!({"group_id": 1, "duration": "59s"}),
                &["duration"],
            ),
            (
                serde_json::json!({"group_id": 1, "duration": "367d"}),
                &["duration"],
            ),
            (
                serde_json::json!({"group_id": 1, "ends_at": earlier}),
                &["ends_at"],
            ),
            (
                serde_json::json!({"group_id": 1, "starts_at": earlier, "ends_at": later}),
                &["starts_at"],
            ),
            (
                serde_json::json!({"group_id": 1, "duration": "1h", "reason": "\u{7}"}),
                &["reason"],
            ),
            (
                serde_json::json!({"matchers": [{"name": "a"}], "duration": "1h"}),
                &["matchers"],
            ),
            (
                serde_json::json!({"matchers": [{"name": "a-b", "value": "c"}], "reason": "\u{7}"}),
                &["matchers[0]", "ends_at", "reason"],
            ),
        ] {
            let found = parse(body.clone()).unwrap_err();
            let found: Vec<&str> = found.iter().map(|found| found.field.as_str()).collect();
            assert_eq!(found, fields, "{body}");
        }
    }
}
