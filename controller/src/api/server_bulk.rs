//! One change for many servers, in one transaction.

mod changes;

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use self::changes::BulkChanges;
use super::change::Resource;
use super::extract::Json;
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{AuditEvent, Id, Invalid, Server, ServerDraft, ServerFilter};
use crate::store::{KeptAnswer, Session};

/// Most servers that are named one by one.
const MAX_IDS: usize = 10_000;
/// Servers that are changed at a time.
const BATCH: usize = 500;
/// Most servers that an answer tells of.
const MAX_TOLD: usize = 1000;
/// Most mistakes that an answer tells of.
const MAX_ERRORS: usize = 20;

/// Which servers, and what becomes of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkBody {
    /// Their numbers, at most 10,000. Either this or `filter`.
    #[serde(default)]
    ids: Option<Vec<Id>>,
    /// All that a filter lets through; an empty one lets all. Needs `expected_count`.
    #[serde(default)]
    filter: Option<BulkFilter>,
    /// How many there must be; when there are more or fewer, nothing is done.
    #[serde(default)]
    expected_count: Option<i64>,
    /// Change nothing, and say what would be.
    #[serde(default)]
    dry_run: bool,
    /// What is changed. Either this or `delete`.
    #[serde(default)]
    changes: Option<BulkChanges>,
    /// Take them away.
    #[serde(default)]
    delete: bool,
}

/// The filter of the list of servers.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct BulkFilter {
    /// Part of the name, address, serial number, model or a tag.
    search: Option<String>,
    /// Number of a group.
    group_id: Option<Id>,
    /// Number of a credential profile.
    credential_id: Option<Id>,
    /// Number of the exporter that was chosen by hand.
    exporter_id: Option<Id>,
    /// Whether its BMC is asked.
    monitoring_enabled: Option<bool>,
    /// Exactly this site.
    site: Option<String>,
    /// Exactly this rack.
    rack: Option<String>,
    /// Exactly this manufacturer.
    manufacturer: Option<String>,
}

impl From<BulkFilter> for ServerFilter {
    fn from(filter: BulkFilter) -> Self {
        Self {
            search: filter.search,
            group_id: filter.group_id,
            credential_id: filter.credential_id,
            exporter_id: filter.exporter_id,
            monitoring_enabled: filter.monitoring_enabled,
            site: filter.site,
            rack: filter.rack,
            manufacturer: filter.manufacturer,
        }
    }
}

/// What became of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BulkOutcome {
    /// It was changed.
    Updated,
    /// It is so already.
    Unchanged,
    /// It is gone.
    Deleted,
}

/// A server and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BulkServer {
    /// Number of the server.
    pub(super) id: Id,
    /// Its name.
    pub(super) name: String,
    /// What became of it.
    outcome: BulkOutcome,
}

/// What became of all.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(super) struct BulkReport {
    /// Whether nothing was to be changed.
    dry_run: bool,
    /// Servers that it is about.
    matched: u64,
    /// Servers that were changed or taken away.
    changed: u64,
    /// Servers that are so already.
    unchanged: u64,
    /// The first 1,000 of them.
    pub(super) servers: Vec<BulkServer>,
    /// How many more there are.
    left_out: u64,
}

impl BulkReport {
    fn add(&mut self, server: &Server, outcome: BulkOutcome, told: usize) {
        self.matched += 1;
        if outcome == BulkOutcome::Unchanged {
            self.unchanged += 1;
        } else {
            self.changed += 1;
        }
        if self.servers.len() >= told {
            self.left_out += 1;
            return;
        }
        self.servers.push(BulkServer {
            id: server.id,
            name: server.name.clone(),
            outcome,
        });
    }
}

/// Which servers.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    /// Of these numbers; ascending, none twice.
    Ids(Vec<Id>),
    /// All that it lets through.
    Filter(Box<ServerFilter>),
}

/// What becomes of them.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// They are changed.
    Change(Box<BulkChanges>),
    /// They go.
    Delete,
}

/// Changes many servers, or takes them away: all or none. Each has its entry in the
/// audit trail.
#[utoipa::path(post, path = "/servers/bulk", tag = "servers", params(IdempotencyHeader),
    request_body = BulkBody, responses((status = 200, body = BulkReport),
        (status = 409, body = super::ProblemBody, content_type = "application/problem+json",
            description = "There are not as many servers as expected"),
        (status = 422, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Servers are missing, or would be illegal")))]
pub(super) async fn change_servers(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<BulkBody>,
) -> Result<Response, Problem> {
    let (selection, deed) = parse(&body)?;
    let mut session = Session::begin(&state.store, body.dry_run).await?;
    if let Some(tx) = session.writer()
        && let Some(answer) = key.answered(tx).await?
    {
        return Ok(answer);
    }
    let mut bulk = Bulk {
        session: &mut session,
        principal: &principal,
        told: MAX_TOLD,
        report: BulkReport {
            dry_run: body.dry_run,
            ..BulkReport::default()
        },
    };
    bulk.expect(&selection, body.expected_count).await?;
    let report = bulk.run(&selection, &deed).await?;
    let response = match session.writer() {
        None => Json(report).into_response(),
        Some(tx) => {
            let answer = KeptAnswer {
                status: StatusCode::OK.as_u16(),
                etag: None,
                location: None,
                body: serde_json::to_string(&report).map_err(|error| Problem::internal(&error))?,
            };
            key.answer(tx, answer).await?
        }
    };
    session.commit().await?;
    Ok(response)
}

fn parse(body: &BulkBody) -> Result<(Selection, Deed), Problem> {
    let deed = match (&body.changes, body.delete) {
        (Some(changes), false) if *changes != BulkChanges::default() => {
            Deed::Change(Box::new(changes.clone()))
        }
        (None, true) => Deed::Delete,
        (Some(_), true) => {
            return Err(Problem::invalid_field(
                "delete",
                "stands beside changes; one of both is possible",
            ));
        }
        _ => {
            return Err(Problem::invalid_field(
                "changes",
                "says nothing; name what is to be changed, or delete",
            ));
        }
    };
    let selection = match (&body.ids, &body.filter) {
        (Some(ids), None) => Selection::Ids(checked(ids)?),
        (None, Some(filter)) if body.expected_count.is_some() => {
            Selection::Filter(Box::new(filter.clone().into()))
        }
        (None, Some(_)) => {
            return Err(Problem::invalid_field(
                "expected_count",
                "is needed with a filter: how many servers it lets through, as total in their list",
            ));
        }
        _ => {
            return Err(Problem::invalid_field(
                "ids",
                "is needed, or filter in place of it, and not both",
            ));
        }
    };
    Ok((selection, deed))
}

/// Numbers in ascending order, each once.
pub(super) fn checked(ids: &[Id]) -> Result<Vec<Id>, Problem> {
    if ids.len() > MAX_IDS {
        return Err(Problem::invalid_field(
            "ids",
            format!(
                "has {} numbers; at most {MAX_IDS} are allowed, use a filter",
                ids.len()
            ),
        ));
    }
    let ids: BTreeSet<Id> = ids.iter().copied().collect();
    Ok(ids.into_iter().collect())
}

/// A change under way.
pub(super) struct Bulk<'a> {
    session: &'a mut Session,
    principal: &'a Principal,
    /// Servers that are told of.
    told: usize,
    report: BulkReport,
}

impl<'a> Bulk<'a> {
    /// One that tells of every server; what may be missing is the caller's care.
    pub(super) fn telling_all(session: &'a mut Session, principal: &'a Principal) -> Self {
        Self {
            session,
            principal,
            told: MAX_IDS,
            report: BulkReport::default(),
        }
    }

    /// Makes sure that it is about what was meant.
    async fn expect(&mut self, selection: &Selection, count: Option<i64>) -> Result<(), Problem> {
        let scope = self.principal.scope();
        let found = match selection {
            Selection::Filter(filter) => self.session.tx().count_servers(filter, &scope).await?,
            Selection::Ids(ids) => {
                let found = self.session.tx().servers_with_ids(ids, &scope).await?;
                let found: BTreeSet<Id> = found.iter().map(|server| server.id).collect();
                let missing: Vec<Invalid> = ids
                    .iter()
                    .filter(|id| !found.contains(id))
                    .take(MAX_ERRORS)
                    .map(|id| Invalid::new("ids", format!("there is no server {id}")))
                    .collect();
                if !missing.is_empty() {
                    return Err(Problem::invalid(missing));
                }
                i64::try_from(found.len()).unwrap_or(i64::MAX)
            }
        };
        match count {
            Some(expected) if expected != found => Err(Problem::new(
                StatusCode::CONFLICT,
                "Other servers than expected",
                format!(
                    "expected_count: is {expected}, but it would be {found} servers; nothing was done"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Does it.
    pub(super) async fn run(
        mut self,
        selection: &Selection,
        deed: &Deed,
    ) -> Result<BulkReport, Problem> {
        if let Deed::Change(changes) = deed {
            let names = self.session.tx().names().await?;
            changes.check(self.principal, &names)?;
        }
        let scope = self.principal.scope();
        match selection {
            Selection::Ids(ids) => {
                for chunk in ids.chunks(BATCH) {
                    let servers = self.session.tx().servers_with_ids(chunk, &scope).await?;
                    self.take(&servers, deed).await?;
                }
            }
            Selection::Filter(filter) => {
                let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
                let mut after = 0;
                loop {
                    let tx = self.session.tx();
                    let servers = tx.servers_after(after, filter, &scope, limit).await?;
                    let Some(last) = servers.last() else { break };
                    after = last.id;
                    self.take(&servers, deed).await?;
                }
            }
        }
        Ok(self.report)
    }

    async fn take(&mut self, servers: &[Server], deed: &Deed) -> Result<(), Problem> {
        match deed {
            Deed::Change(changes) => self.change(servers, changes).await,
            Deed::Delete => self.delete(servers).await,
        }
    }

    async fn change(&mut self, servers: &[Server], changes: &BulkChanges) -> Result<(), Problem> {
        let mut drafts = Vec::with_capacity(servers.len());
        let mut errors = Vec::new();
        for server in servers {
            let mut body = server.to_body();
            changes.apply(&mut body);
            let is_changed = body != server.to_body();
            let outcome = if is_changed {
                BulkOutcome::Updated
            } else {
                BulkOutcome::Unchanged
            };
            self.report.add(server, outcome, self.told);
            match ServerDraft::parse(&body) {
                Ok(draft) if is_changed => drafts.push((server, draft)),
                Ok(_) => {}
                Err(found) => errors.extend(found.into_iter().map(|error| {
                    Invalid::new(format!("{}.{}", server.path(), error.field), error.message)
                })),
            }
        }
        if !errors.is_empty() {
            errors.truncate(MAX_ERRORS);
            return Err(Problem::invalid(errors));
        }
        let Some(tx) = self.session.writer() else {
            return Ok(());
        };
        let rows: Vec<(&Server, &ServerDraft)> = drafts
            .iter()
            .map(|(before, draft)| (*before, draft))
            .collect();
        let after = tx.replace_servers(&rows).await?;
        let [_, action, _] = Server::ACTIONS;
        let events: Vec<AuditEvent> = rows
            .iter()
            .zip(&after)
            .map(|((before, _), after)| {
                let event = self.principal.event(action, after.path());
                event.with(Some(*before), Some(after))
            })
            .collect();
        tx.append_audits(&events).await?;
        Ok(())
    }

    async fn delete(&mut self, servers: &[Server]) -> Result<(), Problem> {
        for server in servers {
            self.report.add(server, BulkOutcome::Deleted, self.told);
        }
        let Some(tx) = self.session.writer() else {
            return Ok(());
        };
        let ids: Vec<Id> = servers.iter().map(|server| server.id).collect();
        tx.delete_servers(&ids).await?;
        let [_, _, action] = Server::ACTIONS;
        let events: Vec<AuditEvent> = servers
            .iter()
            .map(|server| {
                let event = self.principal.event(action, server.path());
                event.with(Some(server), None)
            })
            .collect();
        tx.append_audits(&events).await?;
        Ok(())
    }
}
