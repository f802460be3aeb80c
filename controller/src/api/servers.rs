//! Servers.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{IfMatch, Json, Path, Query, Versioned, check_page};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{
    Id, Page, PageRequest, Server, ServerBody, ServerDraft, ServerFilter, ServerSort, Sort,
};

/// In which order servers are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Order {
    /// By what.
    #[serde(default)]
    #[param(inline)]
    sort: ServerSort,
    /// The greatest first.
    #[serde(default)]
    descending: bool,
}

/// Servers that the asker sees.
#[utoipa::path(get, path = "/servers", tag = "servers", params(ServerFilter, Order, PageRequest),
    responses((status = 200, body = Page<Server>)))]
pub(super) async fn list_servers(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<ServerFilter>,
    Query(order): Query<Order>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Server>>, Problem> {
    let page = check_page(page)?;
    let sort = Sort {
        key: order.sort,
        descending: order.descending,
    };
    let mut tx = state.store.read().await?;
    let servers = tx.servers(&filter, sort, &principal.scope(), page).await?;
    Ok(Json(servers))
}

/// Makes a server.
#[utoipa::path(post, path = "/servers", tag = "servers", request_body = ServerBody,
    responses((status = 201, body = Server)))]
pub(super) async fn create_server(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<ServerBody>,
) -> Result<Versioned<Server>, Problem> {
    let draft = ServerDraft::parse(&body).map_err(Problem::invalid)?;
    check_group(&principal, &draft)?;
    let mut tx = state.store.write().await?;
    let server = tx.insert_server(&draft).await?;
    change::created(tx, &principal, server).await
}

/// One server.
#[utoipa::path(get, path = "/servers/{id}", tag = "servers", params(("id" = Id, Path)),
    responses((status = 200, body = Server)))]
pub(super) async fn get_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<Server>, Problem> {
    let server = state
        .store
        .read()
        .await?
        .server(id, &principal.scope())
        .await?;
    Ok(change::found(server))
}

/// Changes a server as a whole.
#[utoipa::path(put, path = "/servers/{id}", tag = "servers", params(("id" = Id, Path)),
    request_body = ServerBody, responses((status = 200, body = Server)))]
pub(super) async fn update_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<ServerBody>,
) -> Result<Versioned<Server>, Problem> {
    let draft = ServerDraft::parse(&body).map_err(Problem::invalid)?;
    check_group(&principal, &draft)?;
    let mut tx = state.store.write().await?;
    let rows = tx
        .update_server(id, version, &draft, &principal.scope())
        .await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a server away.
#[utoipa::path(delete, path = "/servers/{id}", tag = "servers", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let before = tx.delete_server(id, version, &principal.scope()).await?;
    change::deleted(tx, &principal, before).await
}

/// Somebody who is limited to groups neither makes servers elsewhere nor moves
/// them there.
fn check_group(principal: &Principal, draft: &ServerDraft) -> Result<(), Problem> {
    if principal.scope().covers(draft.group_id) {
        Ok(())
    } else {
        Err(Problem::invalid_field(
            "group_id",
            "is none of the groups that you are limited to",
        ))
    }
}
