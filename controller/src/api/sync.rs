//! What is in sync, what waits, and the versions of what was published.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Path, Query, check_page};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Id, Page, PageRequest, Scope, SyncChange, SyncVersion};
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

/// Where everything stands that is published.
#[utoipa::path(get, path = "/sync", tag = "sync", responses((status = 200, body = SyncStatus)))]
pub(super) async fn get_sync(State(state): State<AppState>) -> Json<SyncStatus> {
    Json(state.sync.status())
}

/// What was published, the newest first.
#[utoipa::path(get, path = "/sync/versions", tag = "sync", params(PageRequest),
    responses((status = 200, body = Page<SyncVersion>)))]
pub(super) async fn list_sync_versions(
    State(state): State<AppState>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<SyncVersion>>, Problem> {
    let page = check_page(page)?;
    Ok(Json(state.store.read().await?.sync_versions(page).await?))
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

/// What publishing the desired state now would change. Changes nothing.
#[utoipa::path(post, path = "/sync/plan", tag = "sync",
    responses((status = 200, body = PlanBody)))]
pub(super) async fn plan_sync(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<PlanBody>, Problem> {
    check_sees_all(&principal)?;
    Ok(Json(state.sync.plan().await?))
}

/// Lets a change through that was held back for how much it removes.
#[utoipa::path(post, path = "/sync/confirm", tag = "sync", request_body = Confirmation, responses(
    (status = 202, description = "It is being published"),
    (status = 409, description = "The desired state has moved on", body = super::ProblemBody,
     content_type = "application/problem+json")))]
pub(super) async fn confirm_sync(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<Confirmation>,
) -> Result<StatusCode, Problem> {
    check_sees_all(&principal)?;
    let mut event = principal.event("sync.confirm", "sync".to_owned());
    event.after = Some(serde_json::json!({"revision": body.revision}));
    state.sync.confirm(body.revision, &event).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Publishes an older version again, and holds later changes back.
#[utoipa::path(post, path = "/sync/versions/{id}/restore", tag = "sync", params(("id" = Id, Path)),
    responses((status = 202, body = SyncVersion)))]
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
#[utoipa::path(post, path = "/sync/resume", tag = "sync",
    responses((status = 202, description = "Changes are published again")))]
pub(super) async fn resume_sync(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    let event = principal.event("sync.resume", "sync".to_owned());
    state.sync.resume(&event).await?;
    Ok(StatusCode::ACCEPTED)
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
            other => Self::internal(&other),
        }
    }
}
