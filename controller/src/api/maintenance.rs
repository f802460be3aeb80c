//! Maintenance windows, which make silences.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{
    Id, MAX_OCCURRENCES, MaintenanceWindow, Matcher, Occurrence, Page, PageRequest, Recurrence,
    RecurrenceBody, Scope, WindowBody, WindowDraft, WindowFilter,
};
use crate::silencing::affected;
use crate::store::WriteTx;

/// Occurrences that are listed when nobody says how many.
const DEFAULT_OCCURRENCES: usize = 10;

/// How many occurrences are wanted.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Count {
    /// Most occurrences to give.
    #[serde(default = "default_count")]
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: usize,
}

fn default_count() -> usize {
    DEFAULT_OCCURRENCES
}

impl Count {
    fn check(self) -> Result<usize, Problem> {
        if (1..=MAX_OCCURRENCES).contains(&self.limit) {
            return Ok(self.limit);
        }
        Err(Problem::bad_request(format!(
            "limit: {} is not between 1 and {MAX_OCCURRENCES}",
            self.limit
        )))
    }
}

/// Windows of groups that the asker sees.
#[utoipa::path(get, path = "/maintenance-windows", tag = "silences",
    params(WindowFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<MaintenanceWindow>)))]
pub(super) async fn list_windows(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<WindowFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<MaintenanceWindow>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let scope = principal.scope();
    let windows = tx
        .maintenance_windows(&filter, order.sort(), &scope, page)
        .await?;
    Ok(Json(windows))
}

/// Makes a window. Its silences are made a week ahead.
#[utoipa::path(post, path = "/maintenance-windows", tag = "silences", params(IdempotencyHeader),
    request_body = WindowBody, responses((status = 201, body = MaintenanceWindow)))]
pub(super) async fn create_window(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<WindowBody>,
) -> Result<Response, Problem> {
    state.silences.expect_possible()?;
    let draft = WindowDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    tx.take_turn().await?;
    if draft.recurrence.next(tx.now(), 1).is_empty() {
        let field = if body.when.date.is_some() {
            "when.date"
        } else {
            "when.last_date"
        };
        return Err(Problem::invalid_field(
            field,
            "is in the past; the window would never begin",
        ));
    }
    check_group(&state, &principal, &mut tx, &draft).await?;
    let window = tx
        .insert_maintenance_window(&draft, &principal.name())
        .await?;
    change::created(tx, &principal, &key, window).await
}

/// One window.
#[utoipa::path(get, path = "/maintenance-windows/{id}", tag = "silences",
    params(("id" = Id, Path)), responses((status = 200, body = MaintenanceWindow)))]
pub(super) async fn get_window(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<MaintenanceWindow>, Problem> {
    let mut tx = state.store.read().await?;
    let window = tx.maintenance_window(id, &principal.scope()).await?;
    Ok(change::found(window))
}

/// Changes a window as a whole. Its silences end, and others take their places.
#[utoipa::path(put, path = "/maintenance-windows/{id}", tag = "silences",
    params(("id" = Id, Path)), request_body = WindowBody,
    responses((status = 200, body = MaintenanceWindow)))]
pub(super) async fn update_window(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<WindowBody>,
) -> Result<Versioned<MaintenanceWindow>, Problem> {
    let draft = WindowDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    tx.take_turn().await?;
    check_group(&state, &principal, &mut tx, &draft).await?;
    let (author, scope) = (principal.name(), principal.scope());
    let rows = tx
        .update_maintenance_window(id, version, &draft, &author, &scope)
        .await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a window away. Its silences end.
#[utoipa::path(delete, path = "/maintenance-windows/{id}", tag = "silences",
    params(("id" = Id, Path)), responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_window(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let before = tx
        .delete_maintenance_window(id, version, &principal.scope())
        .await?;
    change::deleted(tx, &principal, before).await
}

/// The next times of a window, the one that goes on included.
#[utoipa::path(get, path = "/maintenance-windows/{id}/occurrences", tag = "silences",
    params(("id" = Id, Path), Count), responses((status = 200, body = Vec<Occurrence>)))]
pub(super) async fn list_occurrences(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(count): Query<Count>,
) -> Result<Json<Vec<Occurrence>>, Problem> {
    let count = count.check()?;
    let mut tx = state.store.read().await?;
    let window = tx.maintenance_window(id, &principal.scope()).await?;
    if !window.enabled {
        return Ok(Json(Vec::new()));
    }
    let recurrence = Recurrence::parse(&window.when).map_err(Problem::invalid)?;
    Ok(Json(recurrence.next(tx.now(), count)))
}

/// The next times of a window that is not made yet.
#[utoipa::path(post, path = "/maintenance-windows/occurrences", tag = "silences", params(Count),
    request_body = RecurrenceBody, responses((status = 200, body = Vec<Occurrence>)))]
pub(super) async fn preview_occurrences(
    State(state): State<AppState>,
    Query(count): Query<Count>,
    Json(body): Json<RecurrenceBody>,
) -> Result<Json<Vec<Occurrence>>, Problem> {
    let count = count.check()?;
    let recurrence = Recurrence::parse(&body).map_err(Problem::invalid)?;
    Ok(Json(recurrence.next(state.store.clock().now(), count)))
}

/// The group is the asker's, and if it is large there is a reason.
async fn check_group(
    state: &AppState,
    principal: &Principal,
    tx: &mut WriteTx,
    draft: &WindowDraft,
) -> Result<(), Problem> {
    let group = tx.group(draft.group_id, &principal.scope()).await;
    let group = group.map_err(|error| Problem::invalid_field("group_id", error.to_string()))?;
    if draft.reason.as_str().is_empty() {
        let matchers = [Matcher::equal("group", &group.name)];
        let affected = affected(tx, &matchers, &Scope::All).await?;
        state.silences.expect_reason("", affected.server_count)?;
    }
    Ok(())
}
