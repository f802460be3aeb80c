//! The audit trail.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Query, check_page};
use super::{AppState, Problem};
use crate::clock::Timestamp;
use crate::model::{AuditEntry, Id, Page, PageRequest};
use crate::store::AuditFilter;

/// Which entries are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Part of the actor, action, resource or source; case does not matter.
    search: Option<String>,
    /// Exactly this actor.
    actor: Option<String>,
    /// Number of the user behind it.
    actor_id: Option<Id>,
    /// From exactly this network address.
    source: Option<String>,
    /// Exactly this action, such as `server.update`.
    action: Option<String>,
    /// Exactly this resource, such as `servers/12`.
    resource: Option<String>,
    /// Not before this moment (RFC 3339).
    since: Option<Timestamp>,
    /// Before this moment (RFC 3339).
    until: Option<Timestamp>,
    /// In the order in which they were written, and not the newest first.
    #[serde(default)]
    #[param(default = false)]
    oldest_first: bool,
}

impl From<Filter> for AuditFilter {
    fn from(filter: Filter) -> Self {
        Self {
            search: filter.search,
            actor: filter.actor,
            actor_id: filter.actor_id,
            source: filter.source,
            action: filter.action,
            resource: filter.resource,
            since: filter.since,
            until: filter.until,
            ..Self::default()
        }
    }
}

/// What verifying found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Verification {
    /// Whether the whole trail is what was written.
    intact: bool,
    /// How many entries were found good.
    entries: i64,
    /// Number of the entry at which it is broken.
    broken_at: Option<i64>,
    /// What is wrong there.
    what: Option<String>,
}

/// Entries, the newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Filter, PageRequest),
    responses((status = 200, body = Page<AuditEntry>)))]
pub(super) async fn list_audit(
    State(state): State<AppState>,
    Query(filter): Query<Filter>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<AuditEntry>>, Problem> {
    let page = check_page(page)?;
    let oldest_first = filter.oldest_first;
    let filter = filter.into();
    let mut tx = state.store.read().await?;
    Ok(Json(tx.audit(&filter, oldest_first, page).await?))
}

/// Recomputes the chain of hashes.
#[utoipa::path(post, path = "/audit/verify", tag = "audit",
    responses((status = 200, body = Verification)))]
pub(super) async fn verify_audit(
    State(state): State<AppState>,
) -> Result<Json<Verification>, Problem> {
    let report = state.store.read().await?.verify_audit().await?;
    Ok(Json(Verification {
        intact: report.broken.is_none(),
        entries: report.entries,
        broken_at: report.broken.as_ref().map(|broken| broken.sequence),
        what: report.broken.map(|broken| broken.what.to_owned()),
    }))
}
