//! Times in which routes are mute or awake.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::rules::expect_all_groups;
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::alerting::{
    TimeInterval, TimeIntervalBody, TimeIntervalDraft, TimeIntervalFilter,
};
use crate::model::{Id, Page, PageRequest};

/// Time intervals.
#[utoipa::path(get, path = "/time-intervals", tag = "alerting", params(TimeIntervalFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<TimeInterval>)))]
pub(super) async fn list_time_intervals(
    State(state): State<AppState>,
    Query(filter): Query<TimeIntervalFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<TimeInterval>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let search = filter.search.as_deref();
    Ok(Json(tx.alerting_parts(search, order.sort(), page).await?))
}

/// Makes a time interval.
#[utoipa::path(post, path = "/time-intervals", tag = "alerting", params(IdempotencyHeader),
    request_body = TimeIntervalBody, responses((status = 201, body = TimeInterval)))]
pub(super) async fn create_time_interval(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<TimeIntervalBody>,
) -> Result<Response, Problem> {
    expect_all_groups(&principal)?;
    let draft = TimeIntervalDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let row = tx.insert_time_interval(&draft).await?;
    change::created(tx, &principal, &key, row).await
}

/// One time interval.
#[utoipa::path(get, path = "/time-intervals/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 200, body = TimeInterval)))]
pub(super) async fn get_time_interval(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<TimeInterval>, Problem> {
    Ok(change::found(
        state.store.read().await?.alerting_part(id).await?,
    ))
}

/// Changes a time interval as a whole. Routes follow when it gets another name.
#[utoipa::path(put, path = "/time-intervals/{id}", tag = "alerting", params(("id" = Id, Path)),
    request_body = TimeIntervalBody, responses((status = 200, body = TimeInterval)))]
pub(super) async fn update_time_interval(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<TimeIntervalBody>,
) -> Result<Versioned<TimeInterval>, Problem> {
    expect_all_groups(&principal)?;
    let draft = TimeIntervalDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_time_interval(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a time interval away to which no route refers.
#[utoipa::path(delete, path = "/time-intervals/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_time_interval(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let before = tx.delete_time_interval(id, version).await?;
    change::deleted(tx, &principal, before).await
}
