//! Files with the texts of notifications.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::rules::expect_all_groups;
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::alerting::{
    NotificationTemplate, NotificationTemplateBody, NotificationTemplateDraft,
    NotificationTemplateFilter,
};
use crate::model::{Id, Page, PageRequest};

/// Template files.
#[utoipa::path(get, path = "/notification-templates", tag = "alerting", params(NotificationTemplateFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<NotificationTemplate>)))]
pub(super) async fn list_notification_templates(
    State(state): State<AppState>,
    Query(filter): Query<NotificationTemplateFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<NotificationTemplate>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let search = filter.search.as_deref();
    Ok(Json(tx.alerting_parts(search, order.sort(), page).await?))
}

/// Makes a template file.
#[utoipa::path(post, path = "/notification-templates", tag = "alerting", params(IdempotencyHeader),
    request_body = NotificationTemplateBody, responses((status = 201, body = NotificationTemplate)))]
pub(super) async fn create_notification_template(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<NotificationTemplateBody>,
) -> Result<Response, Problem> {
    expect_all_groups(&principal)?;
    let draft = NotificationTemplateDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let row = tx.insert_notification_template(&draft).await?;
    change::created(tx, &principal, &key, row).await
}

/// One template file.
#[utoipa::path(get, path = "/notification-templates/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 200, body = NotificationTemplate)))]
pub(super) async fn get_notification_template(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<NotificationTemplate>, Problem> {
    Ok(change::found(
        state.store.read().await?.alerting_part(id).await?,
    ))
}

/// Changes a template file as a whole.
#[utoipa::path(put, path = "/notification-templates/{id}", tag = "alerting", params(("id" = Id, Path)),
    request_body = NotificationTemplateBody, responses((status = 200, body = NotificationTemplate)))]
pub(super) async fn update_notification_template(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<NotificationTemplateBody>,
) -> Result<Versioned<NotificationTemplate>, Problem> {
    expect_all_groups(&principal)?;
    let draft = NotificationTemplateDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_notification_template(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a template file away.
#[utoipa::path(delete, path = "/notification-templates/{id}", tag = "alerting", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_notification_template(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let before = tx.delete_notification_template(id, version).await?;
    change::deleted(tx, &principal, before).await
}
