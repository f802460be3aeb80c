//! Exporters.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{Exporter, ExporterBody, ExporterDraft, ExporterFilter, Id, Page, PageRequest};

/// Exporters, by name.
#[utoipa::path(get, path = "/exporters", tag = "exporters", params(ExporterFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<Exporter>)))]
pub(super) async fn list_exporters(
    State(state): State<AppState>,
    Query(filter): Query<ExporterFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Exporter>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let exporters = tx.exporters(&filter, order.sort(), page).await?;
    Ok(Json(exporters))
}

/// Makes an exporter.
#[utoipa::path(post, path = "/exporters", tag = "exporters", params(IdempotencyHeader),
    request_body = ExporterBody, responses((status = 201, body = Exporter)))]
pub(super) async fn create_exporter(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<ExporterBody>,
) -> Result<Response, Problem> {
    let draft = ExporterDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let exporter = tx.insert_exporter(&draft).await?;
    change::created_once(tx, &principal, &key, exporter).await
}

/// One exporter.
#[utoipa::path(get, path = "/exporters/{id}", tag = "exporters", params(("id" = Id, Path)),
    responses((status = 200, body = Exporter)))]
pub(super) async fn get_exporter(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<Exporter>, Problem> {
    let exporter = state.store.read().await?.exporter(id).await?;
    Ok(change::found(exporter))
}

/// Changes an exporter as a whole; servers move as far as needed.
#[utoipa::path(put, path = "/exporters/{id}", tag = "exporters", params(("id" = Id, Path)),
    request_body = ExporterBody, responses((status = 200, body = Exporter)))]
pub(super) async fn update_exporter(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<ExporterBody>,
) -> Result<Versioned<Exporter>, Problem> {
    let draft = ExporterDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_exporter(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes an exporter away that no server was given to by hand.
#[utoipa::path(delete, path = "/exporters/{id}", tag = "exporters", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_exporter(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let before = tx.delete_exporter(id, version).await?;
    change::deleted(tx, &principal, before).await
}
