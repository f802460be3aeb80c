//! Inhibitions: alerts that hold back others.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::rules::expect_all_groups;
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::alerting::{Inhibition, InhibitionBody, InhibitionDraft, InhibitionFilter};
use crate::model::{Id, Page, PageRequest};

/// Inhibitions. Those that follow from topology are not among them.
#[utoipa::path(get, path = "/inhibitions", tag = "alerting", params(InhibitionFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<Inhibition>)))]
pub(super) async fn list_inhibitions(
    State(state): State<AppState>,
    Query(filter): Query<InhibitionFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Inhibition>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let search = filter.search.as_deref();
    Ok(Json(tx.alerting_parts(search, order.sort(), page).await?))
}

/// Makes an inhibition.
#[utoipa::path(post, path = "/inhibitions", tag = "alerting", params(IdempotencyHeader),
    request_body = InhibitionBody, responses((status = 201, body = Inhibition)))]
pub(super) async fn create_inhibition(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<InhibitionBody>,
) -> Result<Response, Problem> {
    expect_all_groups(&principal)?;
    let draft = InhibitionDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let row = tx.insert_inhibition(&draft).await?;
    change::created(tx, &principal, &key, row).await
}

/// One inhibition.
#[utoipa::path(get, path = "/inhibitions/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 200, body = Inhibition)))]
pub(super) async fn get_inhibition(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<Inhibition>, Problem> {
    Ok(change::found(
        state.store.read().await?.alerting_part(id).await?,
    ))
}

/// Changes an inhibition as a whole.
#[utoipa::path(put, path = "/inhibitions/{id}", tag = "alerting", params(("id" = Id, Path)),
    request_body = InhibitionBody, responses((status = 200, body = Inhibition)))]
pub(super) async fn update_inhibition(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<InhibitionBody>,
) -> Result<Versioned<Inhibition>, Problem> {
    expect_all_groups(&principal)?;
    let draft = InhibitionDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_inhibition(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes an inhibition away.
#[utoipa::path(delete, path = "/inhibitions/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_inhibition(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let before = tx.delete_inhibition(id, version).await?;
    change::deleted(tx, &principal, before).await
}
