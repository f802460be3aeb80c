//! Overrides of thresholds.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::rules::expect_all_groups;
use super::{AppState, Problem, ProblemBody, change};
use crate::auth::Principal;
use crate::model::{
    Id, OverrideBody, OverrideDraft, OverrideFilter, Page, PageRequest, ThresholdOverride,
    Whereabouts,
};
use crate::rules::effective::questions;
use crate::rules::{SensorThresholds, effective_thresholds};

/// Overrides of thresholds, by kind. Those that name a server or a group which the
/// asker does not see are left out.
#[utoipa::path(get, path = "/thresholds", tag = "rules", params(OverrideFilter, PageRequest),
    responses((status = 200, body = Page<ThresholdOverride>)))]
pub(super) async fn list_thresholds(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<OverrideFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<ThresholdOverride>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let overrides = tx
        .threshold_overrides(&filter, &principal.scope(), page)
        .await?;
    Ok(Json(overrides))
}

/// Makes an override.
#[utoipa::path(post, path = "/thresholds", tag = "rules", params(IdempotencyHeader),
    request_body = OverrideBody, responses((status = 201, body = ThresholdOverride)))]
pub(super) async fn create_threshold(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<OverrideBody>,
) -> Result<Response, Problem> {
    expect_all_groups(&principal)?;
    let draft = OverrideDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let made = tx.insert_threshold_override(&draft).await?;
    change::created(tx, &principal, &key, made).await
}

/// One override.
#[utoipa::path(get, path = "/thresholds/{id}", tag = "rules", params(("id" = Id, Path)),
    responses((status = 200, body = ThresholdOverride)))]
pub(super) async fn get_threshold(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<ThresholdOverride>, Problem> {
    let mut tx = state.store.read().await?;
    let found = tx.threshold_override(id, &principal.scope()).await?;
    Ok(change::found(found))
}

/// Changes an override as a whole.
#[utoipa::path(put, path = "/thresholds/{id}", tag = "rules", params(("id" = Id, Path)),
    request_body = OverrideBody, responses((status = 200, body = ThresholdOverride)))]
pub(super) async fn update_threshold(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<OverrideBody>,
) -> Result<Versioned<ThresholdOverride>, Problem> {
    expect_all_groups(&principal)?;
    let draft = OverrideDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_threshold_override(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes an override away.
#[utoipa::path(delete, path = "/thresholds/{id}", tag = "rules", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_threshold(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let before = tx.delete_threshold_override(id, version).await?;
    change::deleted(tx, &principal, before).await
}

/// For each sensor of a server the thresholds that hold, and where each comes from.
/// Sensors and the machine's own thresholds are as Prometheus has them now; the
/// latter need the exporter's collector `thresholds`.
#[utoipa::path(get, path = "/servers/{id}/thresholds", tag = "rules", params(("id" = Id, Path)),
    responses((status = 200, body = Vec<SensorThresholds>),
        (status = 502, description = "Prometheus is down or fails", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn get_server_thresholds(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<Vec<SensorThresholds>>, Problem> {
    let mut tx = state.store.read().await?;
    let server = tx.server(id, &principal.scope()).await?;
    let overrides = tx.all_threshold_overrides().await?;
    drop(tx);
    let overrides: Vec<ThresholdOverride> = overrides.into_iter().map(|(one, _)| one).collect();
    let [values, hardware] = questions(id);
    let now = state.store.clock().now();
    let source = &state.monitoring.source;
    let values = source.series_at(&values, now).await?;
    let hardware = source.series_at(&hardware, now).await?;
    let whereabouts = Whereabouts::of(&server);
    Ok(Json(effective_thresholds(
        &whereabouts,
        &overrides,
        &values,
        &hardware,
    )))
}
