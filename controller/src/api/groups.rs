//! Groups of servers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{Group, GroupBody, GroupDraft, GroupFilter, Id, Page, PageRequest, Scope};

/// Groups that the asker sees.
#[utoipa::path(get, path = "/groups", tag = "servers", params(GroupFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<Group>)))]
pub(super) async fn list_groups(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<GroupFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Group>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let groups = tx
        .groups(&filter, order.sort(), &principal.scope(), page)
        .await?;
    Ok(Json(groups))
}

/// Makes a group.
#[utoipa::path(post, path = "/groups", tag = "servers", params(IdempotencyHeader),
    request_body = GroupBody, responses((status = 201, body = Group)))]
pub(super) async fn create_group(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<GroupBody>,
) -> Result<Response, Problem> {
    let draft = GroupDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let group = tx.insert_group(&draft).await?;
    change::created(tx, &principal, &key, group).await
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
