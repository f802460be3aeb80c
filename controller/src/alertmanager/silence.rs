//! Silences as Alertmanager tells of them.

use serde::Deserialize;

use crate::clock::Timestamp;
use crate::model::{MAX_SILENCE_MATCHERS, MatchOperator, Matcher};

/// Most silences that are read.
const MAX_SILENCES: usize = 50_000;
/// Longest id, in bytes.
const MAX_ID: usize = 100;
/// Longest author and longest comment that are kept, in characters.
const MAX_TEXT: usize = 5000;
/// Most bytes of names and values of all matchers together.
const MAX_MATCHER_BYTES: usize = 64 * 1024;

/// How a silence stands in Alertmanager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldState {
    /// It has not begun.
    Pending,
    /// It silences.
    Active,
    /// It is over.
    Expired,
}

/// A silence that Alertmanager has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSilence {
    /// Its id there.
    pub id: String,
    /// How it stands.
    pub state: HeldState,
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Who made it.
    pub author: String,
    /// What it says about itself.
    pub comment: String,
}

impl HeldSilence {
    /// Whether it silences, now or later.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state != HeldState::Expired
    }
}

/// What Alertmanager has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldSilences {
    /// The silences.
    pub silences: Vec<HeldSilence>,
    /// What is wrong with those that cannot be right.
    pub refused: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    id: String,
    status: Status,
    matchers: Vec<AnsweredMatcher>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
struct Status {
    state: HeldState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

/// Reads an answer to `GET /api/v2/silences`.
///
/// # Errors
/// When it is no list. A silence that cannot be right is set aside.
pub fn parse_silences(body: &[u8]) -> Result<HeldSilences, serde_json::Error> {
    let answered: Vec<Box<serde_json::value::RawValue>> = serde_json::from_slice(body)?;
    let mut held = HeldSilences::default();
    for raw in answered.iter().take(MAX_SILENCES) {
        match read(raw.get()) {
            Ok(silence) => held.silences.push(silence),
            Err(message) => held.refused.push(message),
        }
    }
    if answered.len() > MAX_SILENCES {
        held.refused.push(format!(
            "there are {} silences; {MAX_SILENCES} are read",
            answered.len()
        ));
    }
    Ok(held)
}

/// Reads an answer to `GET /api/v2/silence/{id}`.
///
/// # Errors
/// A sentence saying what is wrong.
pub(super) fn parse_silence(body: &[u8]) -> Result<HeldSilence, String> {
    read(&String::from_utf8_lossy(body))
}

fn read(text: &str) -> Result<HeldSilence, String> {
    let answered: Answered = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if answered.id.is_empty() || answered.id.len() > MAX_ID || answered.id.contains('\0') {
        return Err(format!("an id has {} bytes", answered.id.len()));
    }
    let bytes: usize = answered
        .matchers
        .iter()
        .map(|matcher| matcher.name.len() + matcher.value.len())
        .sum();
    let has_zero =
        |matcher: &AnsweredMatcher| matcher.name.contains('\0') || matcher.value.contains('\0');
    if answered.matchers.len() > MAX_SILENCE_MATCHERS
        || bytes > MAX_MATCHER_BYTES
        || answered.matchers.iter().any(has_zero)
    {
        return Err(format!(
            "silence {} has {} matchers of {bytes} bytes, or one with a zero byte",
            answered.id,
            answered.matchers.len()
        ));
    }
    let matchers = answered.matchers.into_iter().map(|matcher| {
        let operator = match (matcher.is_regex, matcher.is_equal) {
            (false, true) => MatchOperator::Equal,
            (false, false) => MatchOperator::NotEqual,
            (true, true) => MatchOperator::Regex,
            (true, false) => MatchOperator::NotRegex,
        };
        Matcher::new(&matcher.name, operator, &matcher.value)
    });
    Ok(HeldSilence {
        id: answered.id,
        state: answered.status.state,
        matchers: matchers.collect(),
        starts_at: answered.starts_at,
        ends_at: answered.ends_at,
        updated_at: answered.updated_at,
        author: kept(&answered.created_by),
        comment: kept(&answered.comment),
    })
}

/// A text of somebody else, as much of it as is kept. PostgreSQL takes no zero.
fn kept(text: &str) -> String {
    text.chars()
        .filter(|character| *character != '\0')
        .take(MAX_TEXT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCES: &str = include_str!("../../tests/data/alerts/alertmanager-silences.json");

    #[test]
    fn what_alertmanager_has_is_read() {
        let held = parse_silences(SILENCES.as_bytes()).unwrap();
        assert_eq!(held.refused, [""; 0]);
        let states: Vec<HeldState> = held.silences.iter().map(|held| held.state).collect();
        assert_eq!(
            states[..2],
            [HeldState::Pending, HeldState::Expired],
            "{held:?}"
        );
        assert_eq!(
            held.silences[0].matchers,
            [
                Matcher::new("server_name", MatchOperator::Regex, "node-1|node-2"),
                Matcher::new("severity", MatchOperator::NotEqual, "critical"),
            ]
        );
        assert_eq!(held.silences[0].author, "ops");
        assert_eq!(
            held.silences[0].starts_at.to_string(),
            "2026-11-22T20:38:25Z"
        );
    }

    #[test]
    fn what_newer_versions_add_and_older_leave_out_does_no_harm() {
        let text = r#"[{"id":"x","status":{"state":"active","more":1},"updatedAt":"2026-11-22T20:38:25Z",
            "annotations":{"a":"b"},"matcherSets":[],
            "matchers":[{"name":"a","value":"b","isRegex":true}],
            "startsAt":"2026-11-22T20:38:25.123456789+01:00","endsAt":"2026-11-22T21:38:25Z"}]"#;
        let held = parse_silences(text.as_bytes()).unwrap();
        assert_eq!(
            held.silences[0].matchers,
            [Matcher::new("a", MatchOperator::Regex, "b")]
        );
        assert_eq!(held.silences[0].author, "");
    }

    #[test]
    fn what_cannot_be_right_is_set_aside() {
        let mut silences: serde_json::Value = serde_json::from_str(SILENCES).unwrap();
        let good = silences[0].clone();
        let spoilt = [
            ("id", serde_json::json!("x".repeat(101))),
            ("id", serde_json::json!("")),
            ("id", serde_json::json!(7)),
            ("status", serde_json::json!({"state": "tired"})),
            ("startsAt", serde_json::json!("soon")),
            ("endsAt", serde_json::json!("99999-01-01T00:00:00Z")),
            (
                "matchers",
                serde_json::json!(vec![good["matchers"][0].clone(); 101]),
            ),
            (
                "matchers",
                serde_json::json!([{"name": "a\u{0}", "value": "", "isRegex": false}]),
            ),
            (
                "matchers",
                serde_json::json!([{"name": "a", "value": "x".repeat(70_000), "isRegex": false}]),
            ),
        ];
        let all: Vec<serde_json::Value> = spoilt
            .iter()
            .map(|(key, value)| {
                let mut spoilt = good.clone();
                spoilt[key] = value.clone();
                spoilt
            })
            .collect();
        silences = all.into();
        let held = parse_silences(silences.to_string().as_bytes()).unwrap();
        assert_eq!((held.silences.len(), held.refused.len()), (0, spoilt.len()));
        let mut long = good;
        long["comment"] = "\u{0}é".repeat(6000).into();
        let held = parse_silences(format!("[{long}]").as_bytes()).unwrap();
        assert_eq!(held.silences[0].comment, "é".repeat(5000));
        for body in ["", "{}", "null", "<html>", "[1"] {
            assert!(parse_silences(body.as_bytes()).is_err(), "{body}");
        }
    }
}
