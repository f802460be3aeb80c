//! What a silence that somebody asks for comes to: its matchers, within what they
//! may silence, and whom it would be about.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::reach::{GROUP, Reach, SERVER_ID};
use crate::clock::Timestamp;
use crate::model::{
    AlertFilter, AlertState, CompiledMatcher, GroupFilter, Id, Invalid, MAX_LIMIT,
    MAX_SILENCE_MATCHERS, Matcher, NameSort, PageRequest, Scope, SilenceDraft, SilenceSubject,
    Sort, one_of,
};
use crate::render::{TARGET_LABELS, series_labels};
use crate::store::{StoreError, Tx};

/// Most servers and most alerts that are named.
const MAX_NAMED: usize = 100;
/// Most alerts that are looked at.
const MAX_LOOKED: usize = 50_000;

/// Why a silence cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A field names what is not there, or not the asker's.
    #[error("{0}")]
    Field(Invalid),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom a silence would be about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Affected {
    /// How many servers.
    pub server_count: i64,
    /// The first hundred of them.
    pub servers: Vec<AffectedServer>,
    /// How many alerts that fire now.
    pub alert_count: i64,
    /// The first hundred of them.
    pub alerts: Vec<AffectedAlert>,
}

/// A server of which alerts would be silenced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AffectedServer {
    /// Its number.
    pub id: Id,
    /// Its name.
    pub name: String,
}

/// An alert that would be silenced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AffectedAlert {
    /// Number of the episode.
    pub id: Id,
    /// Its name.
    pub alertname: String,
    /// Its severity.
    pub severity: String,
    /// Number of its server.
    pub server_id: Option<Id>,
    /// When it began to fire.
    pub starts_at: Timestamp,
}

/// The matchers of a silence that somebody with this scope asks for. Those who are
/// limited to groups silence their own servers only, whatever they write.
///
/// # Errors
/// See [`Refused`].
pub async fn resolve(
    tx: &mut Tx,
    draft: &SilenceDraft,
    scope: &Scope,
) -> Result<Vec<Matcher>, Refused> {
    let mut matchers = match &draft.subject {
        SilenceSubject::Alert { alert_id } => {
            let alert = tx.alert(*alert_id, scope).await;
            let alert = alert.map_err(|error| missing(error, "alert_id"))?;
            let labels = alert.labels.iter();
            labels
                .map(|(name, value)| Matcher::equal(name, value))
                .collect()
        }
        SilenceSubject::Servers { server_ids } => {
            let seen: HashSet<Id> = tx.server_ids(scope).await?.into_iter().collect();
            if let Some(id) = server_ids.iter().find(|id| !seen.contains(*id)) {
                return Err(refuse("server_ids", format!("there is no server {id}")));
            }
            let ids: Vec<String> = server_ids.iter().map(Id::to_string).collect();
            vec![one_of(SERVER_ID, ids.iter().map(String::as_str))]
        }
        SilenceSubject::Group { group_id } => {
            let group = tx.group(*group_id, scope).await;
            let group = group.map_err(|error| missing(error, "group_id"))?;
            vec![Matcher::equal(GROUP, &group.name)]
        }
        SilenceSubject::Matchers => Vec::new(),
    };
    matchers.extend(draft.matchers.iter().cloned());
    if *scope != Scope::All {
        confine(tx, &mut matchers, scope).await?;
    }
    if matchers.len() > MAX_SILENCE_MATCHERS {
        return Err(refuse(
            "matchers",
            format!(
                "come to {} with those of the alert; at most {MAX_SILENCE_MATCHERS} are possible",
                matchers.len()
            ),
        ));
    }
    Ok(matchers)
}

/// Makes sure that matchers silence nothing out of the scope.
async fn confine(tx: &mut Tx, matchers: &mut Vec<Matcher>, scope: &Scope) -> Result<(), Refused> {
    let groups = group_names(tx, scope).await?;
    let reach = match Reach::of(matchers) {
        Reach::All if groups.is_empty() => {
            return Err(refuse(
                "matchers",
                "you are limited to groups, and to none; there is nothing that you may silence",
            ));
        }
        Reach::All => {
            matchers.push(one_of(GROUP, groups.iter().map(String::as_str)));
            Reach::of(matchers)
        }
        limited => limited,
    };
    let is_within = match &reach {
        Reach::All => false,
        Reach::Groups(named) => named.is_subset(&groups),
        Reach::Servers(named) => {
            let seen: HashSet<Id> = tx.server_ids(scope).await?.into_iter().collect();
            named.iter().all(|id| seen.contains(id))
        }
    };
    if is_within {
        Ok(())
    } else {
        Err(refuse(
            "matchers",
            "name servers or groups that are not yours; you may silence those of your groups only",
        ))
    }
}

async fn group_names(tx: &mut Tx, scope: &Scope) -> Result<BTreeSet<String>, StoreError> {
    let mut names = BTreeSet::new();
    loop {
        let page = PageRequest {
            offset: i64::try_from(names.len()).unwrap_or(i64::MAX),
            limit: MAX_LIMIT,
        };
        let sort = Sort::<NameSort>::default();
        let groups = tx
            .groups(&GroupFilter::default(), sort, scope, page)
            .await?;
        let is_last = groups.items.is_empty();
        names.extend(groups.items.into_iter().map(|group| group.name));
        if is_last {
            return Ok(names);
        }
    }
}

fn refuse(field: &str, message: impl Into<String>) -> Refused {
    Refused::Field(Invalid::new(field, message))
}

/// What is not there, or out of scope, is the field's fault.
fn missing(error: StoreError, field: &str) -> Refused {
    match error {
        StoreError::NotFound { .. } => refuse(field, error.to_string()),
        other => Refused::Store(other),
    }
}

/// Whom a silence would be about: monitored servers whose labels it lets through,
/// and alerts of the journal that fire. Labels that no server has, such as
/// `alertname`, decide about alerts and not about servers.
///
/// # Errors
/// When the store fails.
pub async fn affected(
    tx: &mut Tx,
    matchers: &[Matcher],
    scope: &Scope,
) -> Result<Affected, StoreError> {
    let compiled = CompiledMatcher::all(matchers).map_err(StoreError::Damaged)?;
    let inventory = tx.inventory().await?;
    let mut labels = Vec::with_capacity(inventory.servers.len());
    let mut names: HashSet<String> = TARGET_LABELS.into_iter().map(str::to_owned).collect();
    for server in &inventory.servers {
        let own = series_labels(server);
        for name in own.keys() {
            if !names.contains(name) {
                names.insert(name.clone());
            }
        }
        labels.push(own);
    }
    let of_servers: Vec<CompiledMatcher<'_>> = compiled
        .iter()
        .filter(|matcher| names.contains(matcher.name()))
        .cloned()
        .collect();
    let hit = inventory
        .servers
        .iter()
        .zip(&labels)
        .filter(|(_, labels)| CompiledMatcher::all_allow(&of_servers, labels));
    let mut affected = Affected::default();
    for (server, _) in hit {
        affected.server_count += 1;
        if affected.servers.len() < MAX_NAMED {
            affected.servers.push(AffectedServer {
                id: server.id,
                name: server.name.clone(),
            });
        }
    }
    let filter = AlertFilter {
        state: Some(AlertState::Firing),
        ..AlertFilter::default()
    };
    let mut after = 0;
    let mut looked = 0;
    while looked < MAX_LOOKED {
        let alerts = tx.alerts_after(after, &filter, scope, MAX_LIMIT).await?;
        let Some(last) = alerts.last() else { break };
        after = last.id;
        looked += alerts.len();
        let hit = alerts
            .into_iter()
            .filter(|alert| CompiledMatcher::all_allow(&compiled, &alert.labels));
        for alert in hit {
            affected.alert_count += 1;
            if affected.alerts.len() < MAX_NAMED {
                affected.alerts.push(AffectedAlert {
                    id: alert.id,
                    alertname: alert.alertname,
                    severity: alert.severity,
                    server_id: alert.server_id,
                    starts_at: alert.starts_at,
                });
            }
        }
    }
    Ok(affected)
}
