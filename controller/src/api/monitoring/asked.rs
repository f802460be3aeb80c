//! What is asked of monitoring: moments, lengths of time, and which servers.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::api::{AppState, Problem};
use crate::auth::Principal;
use crate::clock::Timestamp;
use crate::model::{Id, PageRequest, ServerFilter, Sort};
use crate::monitoring::data;

/// Most servers of one file.
const MAX_SERVERS: i64 = 1000;

/// A moment in a query: RFC 3339, or seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(seconds) = text.parse::<f64>()
            && (0.0..1e11).contains(&seconds)
        {
            return Ok(Self(data::moment(seconds)));
        }
        Timestamp::parse(&text).map(Self).map_err(|_| {
            serde::de::Error::custom(format!(
                "\"{text}\" is no moment; RFC 3339 and seconds since 1970 are allowed"
            ))
        })
    }
}

/// A length of time in a query: seconds, or a number with `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step(pub(super) Duration);

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let units = [("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1), ("", 1)];
        let parsed = units.into_iter().find_map(|(unit, seconds)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(seconds)
        });
        parsed.map(Duration::from_secs).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "\"{text}\" is no step; whole seconds or a number with s, m, h or d are allowed"
            ))
        })
    }
}

/// Number and name of a server.
///
/// # Errors
/// When there is no such server in scope.
pub(super) async fn one(
    state: &AppState,
    principal: &Principal,
    id: Id,
) -> Result<Vec<(Id, String)>, Problem> {
    let mut tx = state.store.read().await?;
    let server = tx.server(id, &principal.scope()).await?;
    Ok(vec![(server.id, server.name)])
}

/// Numbers and names of a group's servers.
///
/// # Errors
/// When there is no such group in scope, or it is too large.
pub(super) async fn members(
    state: &AppState,
    principal: &Principal,
    group: Id,
) -> Result<Vec<(Id, String)>, Problem> {
    let scope = principal.scope();
    let mut tx = state.store.read().await?;
    let group = tx.group(group, &scope).await?;
    let filter = ServerFilter {
        group_id: Some(group.id),
        ..ServerFilter::default()
    };
    let page = PageRequest {
        offset: 0,
        limit: MAX_SERVERS,
    };
    let servers = tx.servers(&filter, Sort::default(), &scope, page).await?;
    if servers.total > MAX_SERVERS {
        return Err(Problem::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "Too large",
            format!(
                "the group has {} servers; at most {MAX_SERVERS} are possible at once",
                servers.total
            ),
        ));
    }
    let pairs = servers.items.into_iter();
    Ok(pairs.map(|server| (server.id, server.name)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_and_moments_are_read() {
        let step = |text: &str| serde_json::from_value::<Step>(json!(text)).map(|s| s.0.as_secs());
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7200),
            ("1d", 86400),
        ] {
            assert_eq!(step(text).ok(), Some(seconds), "{text}");
        }
        for text in ["", "s", "-1", "1.5m", "1y", "99999999999999999d"] {
            assert!(step(text).is_err(), "{text}");
        }
        let moment = |text: &str| serde_json::from_value::<Moment>(json!(text)).map(|m| m.0.0);
        assert_eq!(moment("1700000000.5").ok(), Some(1_700_000_000_500));
        assert_eq!(moment("2023-11-14T22:13:20Z").ok(), Some(1_700_000_000_000));
        for text in ["", "noon", "NaN", "inf", "-5", "1e300"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
