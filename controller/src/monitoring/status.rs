//! Whether servers answer and are on, for many of them with one question.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::data;
use super::source::{QueryError, Source};
use crate::clock::Timestamp;
use crate::model::Id;
use crate::promql::Limit;
use crate::promql::enforce::SERVER_ID;

/// Servers that are asked about in one question.
const BATCH: usize = 1000;
/// So far back is looked for the time when a silent BMC was heard last, and in
/// such steps.
const LAST_SEEN: &str = "1d:5m";
/// Times of samples that say that a BMC answered. `timestamp` knows them of a
/// plain selector only.
const ANSWERED: &str = "timestamp(ipmi_up$) and ipmi_up$ == 1";

/// Whether a server's BMC answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerStatus {
    /// The BMC answers.
    Online,
    /// The exporter asked it, and it does not answer.
    Offline,
    /// Nobody asks it, or nobody knows.
    #[default]
    Unknown,
    /// Prometheus could not get an answer from the exporter.
    Error,
}

/// Whether a machine is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// On.
    On,
    /// Off.
    Off,
    /// The BMC did not say.
    #[default]
    Unknown,
}

/// How a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServerState {
    /// Whether its BMC answers.
    pub status: ServerStatus,
    /// Whether it is on.
    pub power_state: PowerState,
    /// When its BMC answered last, within a day; five minutes off where that is
    /// past.
    pub last_seen: Option<Timestamp>,
}

/// How many servers are how. What is not counted is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateTotals {
    /// Servers whose BMC answers.
    pub online: u64,
    /// Servers whose BMC does not.
    pub offline: u64,
    /// Servers that the exporter could not be asked about.
    pub error: u64,
    /// Machines that are on.
    pub power_on: u64,
    /// Machines that are off.
    pub power_off: u64,
}

/// How these servers are; each of them is in the answer.
///
/// # Errors
/// See [`QueryError`].
pub async fn states(
    source: &Source,
    ids: &[Id],
    now: Timestamp,
) -> Result<BTreeMap<Id, ServerState>, QueryError> {
    let mut states = BTreeMap::new();
    for batch in ids.chunks(BATCH) {
        let matcher = Limit::servers(batch.iter().copied()).matcher();
        let mut found = facts(source, &matcher, now).await?;
        let silent: Vec<Id> = batch
            .iter()
            .copied()
            .filter(|id| found.get(id).is_some_and(|facts| facts.seen.is_none()))
            .collect();
        if !silent.is_empty() {
            let matcher = Limit::servers(silent).matcher();
            let query = format!(
                "max by ({SERVER_ID}) (max_over_time(({})[{LAST_SEEN}]))",
                ANSWERED.replace('$', &format!("{{{matcher}}}"))
            );
            for series in source.series_at(&query, now).await? {
                if let (Some(id), Some(point)) = (series.server_id(), series.last()) {
                    found.entry(id).or_default().seen = Some(data::moment(point.value));
                }
            }
        }
        states.extend(batch.iter().map(|id| {
            let facts = found.get(id).copied().unwrap_or_default();
            (*id, facts.state())
        }));
    }
    Ok(states)
}

/// How those servers are of which Prometheus has anything now. Who is silent has
/// no `last_seen` here.
///
/// # Errors
/// See [`QueryError`].
pub async fn present(
    source: &Source,
    now: Timestamp,
) -> Result<BTreeMap<Id, ServerState>, QueryError> {
    let found = facts(source, &format!("{SERVER_ID}!=\"\""), now).await?;
    let states = found.into_iter().map(|(id, facts)| (id, facts.state()));
    Ok(states.collect())
}

/// How many servers are how, of those within a limit.
///
/// # Errors
/// See [`QueryError`].
pub async fn totals(
    source: &Source,
    limit: Option<&Limit>,
    now: Timestamp,
) -> Result<StateTotals, QueryError> {
    let matcher = limit.map_or_else(|| format!("{SERVER_ID}!=\"\""), Limit::matcher);
    let count = |of: &str, metric: &str, value: u8| {
        format!(
            "label_replace(count(max by ({SERVER_ID}) ({metric}{{{matcher}}}) == {value}), \"of\", \"{of}\", \"\", \"\")"
        )
    };
    let query = [
        count("online", "ipmi_up", 1),
        count("offline", "ipmi_up", 0),
        count("error", "up", 0),
        count("power_on", "ipmi_chassis_power_state", 1),
        count("power_off", "ipmi_chassis_power_state", 0),
    ]
    .join(" or ");
    let mut totals = StateTotals::default();
    for series in source.series_at(&query, now).await? {
        let field = match series.label("of") {
            "online" => &mut totals.online,
            "offline" => &mut totals.offline,
            "error" => &mut totals.error,
            "power_on" => &mut totals.power_on,
            "power_off" => &mut totals.power_off,
            _ => continue,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count; what is none becomes 0"
        )]
        let number = series.last().map_or(0, |point| point.value as u64);
        *field = number;
    }
    Ok(totals)
}

/// What the series say of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Facts {
    /// Whether the exporter answered.
    up: Option<bool>,
    /// Whether the BMC answered a collector.
    bmc: Option<bool>,
    power: Option<bool>,
    seen: Option<Timestamp>,
}

impl Facts {
    fn state(self) -> ServerState {
        let status = match (self.up, self.bmc) {
            (Some(false), _) => ServerStatus::Error,
            (_, Some(true)) => ServerStatus::Online,
            (_, Some(false)) => ServerStatus::Offline,
            (_, None) => ServerStatus::Unknown,
        };
        let power_state = match self.power {
            Some(true) => PowerState::On,
            Some(false) => PowerState::Off,
            None => PowerState::Unknown,
        };
        ServerState {
            status,
            power_state,
            last_seen: self.seen,
        }
    }
}

async fn facts(
    source: &Source,
    matcher: &str,
    now: Timestamp,
) -> Result<BTreeMap<Id, Facts>, QueryError> {
    let greatest = |of: &str, inner: &str| {
        let inner = inner.replace('$', &format!("{{{matcher}}}"));
        format!("label_replace(max by ({SERVER_ID}) ({inner}), \"of\", \"{of}\", \"\", \"\")")
    };
    let query = [
        greatest("up", "up$"),
        greatest("bmc", "ipmi_up$"),
        greatest("power", "ipmi_chassis_power_state$"),
        greatest("seen", ANSWERED),
    ]
    .join(" or ");
    let mut found: BTreeMap<Id, Facts> = BTreeMap::new();
    for series in source.series_at(&query, now).await? {
        let (Some(id), Some(point)) = (series.server_id(), series.last()) else {
            continue;
        };
        let facts = found.entry(id).or_default();
        let is_one = point.value.total_cmp(&1.0).is_eq();
        match series.label("of") {
            "up" => facts.up = Some(is_one),
            "bmc" => facts.bmc = Some(is_one),
            "power" => facts.power = Some(is_one),
            "seen" => facts.seen = Some(data::moment(point.value)),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_told_apart() {
        let status = |up: Option<bool>, bmc: Option<bool>| {
            let facts = Facts {
                up,
                bmc,
                ..Facts::default()
            };
            facts.state().status
        };
        assert_eq!(status(Some(true), Some(true)), ServerStatus::Online);
        assert_eq!(status(Some(true), Some(false)), ServerStatus::Offline);
        assert_eq!(status(Some(false), None), ServerStatus::Error);
        assert_eq!(status(Some(true), None), ServerStatus::Unknown);
        assert_eq!(status(None, None), ServerStatus::Unknown);
    }
}
