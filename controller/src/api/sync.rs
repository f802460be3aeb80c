//! What is in sync, what waits, and the versions of what was published.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Path, Query, check_page};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Id, Page, PageRequest, Scope, SyncChange, SyncFilter, SyncVersion};
use crate::sync::{PlanBody, SyncError, SyncStatus};

/// What is to be let through.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// Revision of the plan that was looked at.
    revision: i64,
}

/// A version with what it changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncVersionDetails {
    /// The version.
    #[serde(flatten)]
    version: SyncVersion,
    /// What it changed, up to 200 entries.
    changes: Vec<SyncChange>,
}

/// Where everything stands that is published. Users who are limited to groups see
/// no warnings.
#[utoipa::path(get, path = "/sync", tag = "sync", responses((status = 200, body = SyncStatus)))]
pub(super) async fn get_sync(
    State(state): State<AppState>,
    principal: Principal,
) -> Json<SyncStatus> {
    let mut status = state.sync.status();
    if check_sees_all(&principal).is_err() {
        // They cite Prometheus, which cites series of servers of all groups.
        for artefact in &mut status.artefacts {
            artefact.warnings.clear();
        }
    }
    Json(status)
}

/// What was published, the newest first.
#[utoipa::path(get, path = "/sync/versions", tag = "sync", params(PageRequest, SyncFilter),
    responses((status = 200, body = Page<SyncVersion>)))]
pub(super) async fn list_sync_versions(
    State(state): State<AppState>,
    Query(page): Query<PageRequest>,
    Query(filter): Query<SyncFilter>,
) -> Result<Json<Page<SyncVersion>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    Ok(Json(tx.sync_versions(&filter, page).await?))
}

/// One version with what it changed. Not for users who are limited to groups: it
/// names servers of all of them.
#[utoipa::path(get, path = "/sync/versions/{id}", tag = "sync", params(("id" = Id, Path)),
    responses((status = 200, body = SyncVersionDetails)))]
pub(super) async fn get_sync_version(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<SyncVersionDetails>, Problem> {
    check_sees_all(&principal)?;
    let mut tx = state.store.read().await?;
    let version = tx.sync_version(id).await?;
    let changes = tx.sync_diff(id).await?;
    Ok(Json(SyncVersionDetails { version, changes }))
}

/// What publishing the desired state now would change, and what would become of
/// alerts. Changes nothing.
#[utoipa::path(post, path = "/sync/plan", tag = "sync", params(SyncFilter), responses(
    (status = 200, body = PlanBody),
    (status = 404, description = "Nothing that is published is meant",
     body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn plan_sync(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<SyncFilter>,
) -> Result<Json<PlanBody>, Problem> {
    check_sees_all(&principal)?;
    Ok(Json(state.sync.plan(&filter).await?))
}

/// Lets changes through that were held back for how much they remove, or that
/// were refused before.
#[utoipa::path(post, path = "/sync/confirm", tag = "sync", params(SyncFilter),
    request_body = Confirmation, responses(
    (status = 202, description = "They are being published"),
    (status = 404, description = "Nothing that is published is meant",
     body = super::ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The desired state has moved on", body = super::ProblemBody,
     content_type = "application/problem+json")))]
pub(super) async fn confirm_sync(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<SyncFilter>,
    Json(body): Json<Confirmation>,
) -> Result<StatusCode, Problem> {
    check_sees_all(&principal)?;
    let mut event = principal.event("sync.confirm", "sync".to_owned());
    event.after = Some(meant(&filter, Some(body.revision)));
    state.sync.confirm(body.revision, &filter, &event).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Publishes an older version again, and holds later changes back.
#[utoipa::path(post, path = "/sync/versions/{id}/restore", tag = "sync", params(("id" = Id, Path)),
    responses((status = 202, body = SyncVersion),
    (status = 404, description = "There is no such version, or it is too old to be kept",
     body = super::ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "It is no longer good, or its server is no longer configured",
     body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn restore_sync_version(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<(StatusCode, Json<SyncVersion>), Problem> {
    let event = principal.event("sync.restore", format!("sync/versions/{id}"));
    let version = state.sync.restore(id, &event).await?;
    Ok((StatusCode::ACCEPTED, Json(version)))
}

/// Publishes changes of the desired state again, after a return to an older version.
#[utoipa::path(post, path = "/sync/resume", tag = "sync", params(SyncFilter), responses(
    (status = 202, description = "Changes are published again"),
    (status = 404, description = "Nothing that is published is meant",
     body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn resume_sync(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<SyncFilter>,
) -> Result<StatusCode, Problem> {
    let mut event = principal.event("sync.resume", "sync".to_owned());
    event.after = Some(meant(&filter, None));
    state.sync.resume(&filter, &event).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What the audit trail says of a confirmation.
fn meant(filter: &SyncFilter, revision: Option<i64>) -> serde_json::Value {
    serde_json::json!({
        "revision": revision,
        "artefact": filter.artefact,
        "server": filter.server,
    })
}

/// Lists of changes name servers of all groups.
fn check_sees_all(principal: &Principal) -> Result<(), Problem> {
    match principal.scope() {
        Scope::All => Ok(()),
        Scope::Groups(_) => Err(Problem::forbidden(
            "this is about servers of all groups, and you are limited to some",
        )),
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Store(error) => error.into(),
            SyncError::OtherRevision { .. } => {
                Self::new(StatusCode::CONFLICT, "Changed meanwhile", error.to_string())
            }
            SyncError::NoSuchUnit => Self::not_found(error.to_string()),
            SyncError::Gone(_) | SyncError::Refused(_) => {
                Self::new(StatusCode::CONFLICT, "Not possible", error.to_string())
            }
            other => Self::internal(&other),
        }
    }
}
