//! Receivers: who is told, and in which ways.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::rules::expect_all_groups;
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::alerting::{Receiver, ReceiverBody, ReceiverDraft, ReceiverFilter};
use crate::model::{Id, Page, PageRequest};

/// Receivers. Secrets are in no answer.
#[utoipa::path(get, path = "/receivers", tag = "alerting", params(ReceiverFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<Receiver>)))]
pub(super) async fn list_receivers(
    State(state): State<AppState>,
    Query(filter): Query<ReceiverFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Receiver>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let search = filter.search.as_deref();
    Ok(Json(tx.alerting_parts(search, order.sort(), page).await?))
}

/// Makes a receiver.
#[utoipa::path(post, path = "/receivers", tag = "alerting", params(IdempotencyHeader),
    request_body = ReceiverBody, responses((status = 201, body = Receiver)))]
pub(super) async fn create_receiver(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<ReceiverBody>,
) -> Result<Response, Problem> {
    expect_all_groups(&principal)?;
    let draft = ReceiverDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let row = tx.insert_receiver(&draft).await?;
    change::created(tx, &principal, &key, row).await
}

/// One receiver.
#[utoipa::path(get, path = "/receivers/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 200, body = Receiver)))]
pub(super) async fn get_receiver(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<Receiver>, Problem> {
    Ok(change::found(
        state.store.read().await?.alerting_part(id).await?,
    ))
}

/// Changes a receiver as a whole. Secrets that are not given stay, unless they would be
/// sent to another place. Routes follow when it gets another name.
#[utoipa::path(put, path = "/receivers/{id}", tag = "alerting", params(("id" = Id, Path)),
    request_body = ReceiverBody, responses((status = 200, body = Receiver)))]
pub(super) async fn update_receiver(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<ReceiverBody>,
) -> Result<Versioned<Receiver>, Problem> {
    expect_all_groups(&principal)?;
    let draft = ReceiverDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_receiver(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a receiver away to which no route leads.
#[utoipa::path(delete, path = "/receivers/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_receiver(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let before = tx.delete_receiver(id, version).await?;
    change::deleted(tx, &principal, before).await
}
