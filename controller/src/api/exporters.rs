//! Exporters.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{
    ChannelStatus, Exporter, ExporterBody, ExporterDraft, ExporterFilter, Id, Page, PageRequest,
    Scope,
};

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
    change::created(tx, &principal, &key, exporter).await
}

/// An exporter, and how it stands with its configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExporterDetails {
    /// The exporter.
    #[serde(flatten)]
    exporter: Exporter,
    /// How it stands with its configuration; absent when it has never asked for it.
    channel: Option<ChannelStatus>,
}

/// One exporter.
#[utoipa::path(get, path = "/exporters/{id}", tag = "exporters", params(("id" = Id, Path)),
    responses((status = 200, body = ExporterDetails)))]
pub(super) async fn get_exporter(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<ExporterDetails>, Problem> {
    let exporter = state.store.read().await?.exporter(id).await?;
    let mut channel = state.channel.status(id).await?;
    // It may name a server of another group.
    if let Some(error) = channel.as_mut().and_then(|channel| channel.error.as_mut())
        && principal.scope() != Scope::All
    {
        "it was refused; users who see all groups see why".clone_into(error);
    }
    let version = exporter.version;
    Ok(Versioned::ok(
        ExporterDetails { exporter, channel },
        version,
    ))
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
