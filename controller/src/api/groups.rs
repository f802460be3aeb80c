//! Groups of servers.

use axum::extract::State;
use axum::http::StatusCode;

use super::extract::{IfMatch, Json, Path, Query, Search, Versioned, check_page};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{Group, GroupBody, GroupDraft, Id, Page, PageRequest, Scope};

/// Groups that the asker sees.
#[utoipa::path(get, path = "/groups", tag = "servers", params(Search, PageRequest),
    responses((status = 200, body = Page<Group>)))]
pub(super) async fn list_groups(
    State(state): State<AppState>,
    principal: Principal,
    Query(search): Query<Search>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Group>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let groups = tx
        .groups(search.search.as_deref(), &principal.scope(), page)
        .await?;
    Ok(Json(groups))
}

/// Makes a group.
#[utoipa::path(post, path = "/groups", tag = "servers", request_body = GroupBody,
    responses((status = 201, body = Group)))]
pub(super) async fn create_group(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<GroupBody>,
) -> Result<Versioned<Group>, Problem> {
    let draft = GroupDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let group = tx.insert_group(&draft).await?;
    change::created(tx, &principal, group).await
}

/// One group.
#[utoipa::path(get, path = "/groups/{id}", tag = "servers", params(("id" = Id, Path)),
    responses((status = 200, body = Group)))]
pub(super) async fn get_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<Group>, Problem> {
    let group = state
        .store
        .read()
        .await?
        .group(id, &principal.scope())
        .await?;
    Ok(change::found(group))
}

/// Changes a group as a whole.
#[utoipa::path(put, path = "/groups/{id}", tag = "servers", params(("id" = Id, Path)),
    request_body = GroupBody, responses((status = 200, body = Group)))]
pub(super) async fn update_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<GroupBody>,
) -> Result<Versioned<Group>, Problem> {
    let draft = GroupDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_group(id, version, &draft, &Scope::All).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a group away that no server is in.
#[utoipa::path(delete, path = "/groups/{id}", tag = "servers", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let before = tx.delete_group(id, version, &Scope::All).await?;
    change::deleted(tx, &principal, before).await
}
