//! Servers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{IfMatch, Json, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::openserverhub::servers::HubUpdate;
use super::openserverhub::{self, HubServer, Words};
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
#[utoipa::path(post, path = "/servers", tag = "servers", params(IdempotencyHeader),
    request_body = ServerBody, responses((status = 201, body = Server)))]
pub(super) async fn create_server(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<ServerBody>,
) -> Result<Response, Problem> {
    let draft = ServerDraft::parse(&body).map_err(Problem::invalid)?;
    check_group(&principal, &draft)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let server = tx.insert_server(&draft).await?;
    change::created(tx, &principal, &key, server).await
}

/// One server. Who accepts `text/plain` gets it in the words of OpenServerHub.
#[utoipa::path(get, path = "/servers/{id}", tag = "servers", params(("id" = Id, Path)),
    responses((status = 200, body = ServerAnswer)))]
pub(super) async fn get_server(
    State(state): State<AppState>,
    principal: Principal,
    words: Words,
    Path(id): Path<Id>,
) -> Result<Response, Problem> {
    let server = state
        .store
        .read()
        .await?
        .server(id, &principal.scope())
        .await?;
    if words == Words::Theirs {
        let version = server.version;
        let view = openserverhub::servers::view(&state, &principal, server).await?;
        return Ok(Versioned::ok(view, version).into_response());
    }
    Ok(change::found(server).into_response())
}

/// A server in our words, or in those of OpenServerHub.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the description is all that is made of it")]
enum ServerAnswer {
    Own(Server),
    Theirs(HubServer),
}

/// A change in our words, or in those of OpenServerHub.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the description is all that is made of it")]
enum ServerChange {
    Own(ServerBody),
    Theirs(HubUpdate),
}

/// Changes a server: as a whole, or, with a body without `address`, only what it
/// mentions, in the words of OpenServerHub.
#[utoipa::path(put, path = "/servers/{id}", tag = "servers", params(("id" = Id, Path)),
    request_body = ServerChange, responses((status = 200, body = ServerAnswer)))]
pub(super) async fn update_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    if body.is_object() && body.get("address").is_none() {
        let change: HubUpdate = from_value(body)?;
        let changed =
            openserverhub::servers::update(&state, &principal, id, version, change).await?;
        return Ok(changed.into_response());
    }
    let body: ServerBody = from_value(body)?;
    let draft = ServerDraft::parse(&body).map_err(Problem::invalid)?;
    check_group(&principal, &draft)?;
    let mut tx = state.store.write().await?;
    let rows = tx
        .update_server(id, version, &draft, &principal.scope())
        .await?;
    let changed = change::updated(tx, &principal, rows).await?;
    Ok(changed.into_response())
}

fn from_value<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_json::from_value(body).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Not understood",
            error.to_string(),
        )
    })
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
pub(super) fn check_group(principal: &Principal, draft: &ServerDraft) -> Result<(), Problem> {
    if principal.scope().covers(draft.group_id) {
        Ok(())
    } else {
        Err(Problem::invalid_field(
            "group_id",
            "is none of the groups that you are limited to",
        ))
    }
}
