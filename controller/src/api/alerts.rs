//! The alert journal.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query, check_page};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::dashboards;
use crate::model::{
    Alert, AlertFilter, AlertLife, AlertSort, AlertStatistics, Id, Page, PageRequest, Sort, Text,
};

/// In which order episodes are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Order {
    /// By what.
    #[serde(default)]
    #[param(inline)]
    sort: AlertSort,
    /// The greatest first, as it is unless told otherwise: the newest.
    #[serde(default = "yes")]
    #[param(default = true)]
    descending: bool,
}

fn yes() -> bool {
    true
}

/// A word about taking notice.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AcknowledgeBody {
    /// What there is to say; maybe nothing.
    comment: String,
}

/// A comment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommentBody {
    /// Up to 4,096 characters.
    text: String,
}

/// Who sees to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssigneeBody {
    /// Name of an active user; null for nobody.
    assignee: Option<String>,
}

/// Episodes that the asker sees, the newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertFilter, Order, PageRequest),
    responses((status = 200, body = Page<Alert>)))]
pub(super) async fn list_alerts(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<AlertFilter>,
    Query(order): Query<Order>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Alert>>, Problem> {
    let page = check_page(page)?;
    let sort = Sort {
        key: order.sort,
        descending: order.descending,
    };
    let mut tx = state.store.read().await?;
    Ok(Json(
        tx.alerts(&filter, sort, &principal.scope(), page).await?,
    ))
}

/// Figures about the episodes that a filter lets through.
#[utoipa::path(get, path = "/alerts/statistics", tag = "alerts", params(AlertFilter),
    responses((status = 200, body = AlertStatistics)))]
pub(super) async fn alert_statistics(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<AlertFilter>,
) -> Result<Json<AlertStatistics>, Problem> {
    let mut tx = state.store.read().await?;
    Ok(Json(
        tx.alert_statistics(&filter, &principal.scope()).await?,
    ))
}

/// An episode with its life, and where to look further.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertDetails {
    /// The episode.
    #[serde(flatten)]
    life: AlertLife,
    /// The dashboard of its server, or that of all alerts; null while no Grafana is
    /// configured.
    dashboard_url: Option<String>,
}

/// One episode with its life.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", params(("id" = Id, Path)),
    responses((status = 200, body = AlertDetails)))]
pub(super) async fn get_alert(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<AlertDetails>, Problem> {
    let mut tx = state.store.read().await?;
    let life = tx.alert_life(id, &principal.scope()).await?;
    let server = life.alert.labels.get("server_name");
    let path = server.map_or_else(
        || format!("d/{}", dashboards::ALERTS),
        |name| dashboards::server_path(name),
    );
    Ok(Json(AlertDetails {
        dashboard_url: state.monitoring.at_grafana(&path),
        life,
    }))
}

/// Takes notice of an episode. Once somebody has, more of it changes nothing.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "alerts", params(("id" = Id, Path)),
    request_body = AcknowledgeBody, responses((status = 200, body = Alert)))]
pub(super) async fn acknowledge_alert(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Json(body): Json<AcknowledgeBody>,
) -> Result<Json<Alert>, Problem> {
    let comment = parse_text("comment", &body.comment)?;
    set_acknowledged(&state, &principal, id, true, &comment).await
}

/// Takes the notice back.
#[utoipa::path(delete, path = "/alerts/{id}/acknowledge", tag = "alerts",
    params(("id" = Id, Path)), responses((status = 200, body = Alert)))]
pub(super) async fn unacknowledge_alert(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<Alert>, Problem> {
    set_acknowledged(&state, &principal, id, false, &Text::default()).await
}

async fn set_acknowledged(
    state: &AppState,
    principal: &Principal,
    id: Id,
    is_acknowledged: bool,
    comment: &Text,
) -> Result<Json<Alert>, Problem> {
    let scope = principal.scope();
    let actor = principal.name();
    let mut tx = state.store.write().await?;
    let before = tx.alert(id, &scope).await?;
    let after = tx
        .acknowledge_alert(id, &scope, &actor, is_acknowledged, comment.as_str())
        .await?;
    if before != after {
        let action = if is_acknowledged {
            "alert.acknowledge"
        } else {
            "alert.unacknowledge"
        };
        let event = principal.event(action, format!("alerts/{id}"));
        tx.append_audit(&event.with(Some(&before), Some(&after)))
            .await?;
        tx.commit().await?;
    }
    Ok(Json(after))
}

/// Writes something about an episode.
#[utoipa::path(post, path = "/alerts/{id}/comments", tag = "alerts", params(("id" = Id, Path)),
    request_body = CommentBody, responses((status = 200, body = AlertLife)))]
pub(super) async fn comment_alert(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Json(body): Json<CommentBody>,
) -> Result<Json<AlertLife>, Problem> {
    let text = parse_text("text", &body.text)?;
    if text.as_str().trim().is_empty() {
        return Err(Problem::invalid_field("text", "is empty"));
    }
    let scope = principal.scope();
    let mut tx = state.store.write().await?;
    tx.comment_alert(id, &scope, &principal.name(), text.as_str())
        .await?;
    let event = principal.event("alert.comment", format!("alerts/{id}"));
    tx.append_audit(&event.with(None, Some(&text))).await?;
    let life = tx.alert_life(id, &scope).await?;
    tx.commit().await?;
    Ok(Json(life))
}

/// Says who sees to an episode.
#[utoipa::path(put, path = "/alerts/{id}/assignee", tag = "alerts", params(("id" = Id, Path)),
    request_body = AssigneeBody, responses((status = 200, body = Alert)))]
pub(super) async fn assign_alert(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Json(body): Json<AssigneeBody>,
) -> Result<Json<Alert>, Problem> {
    let scope = principal.scope();
    let assignee = body.assignee.as_deref();
    let mut tx = state.store.write().await?;
    let (before, after) = tx
        .assign_alert(id, &scope, &principal.name(), assignee)
        .await?;
    if before != after {
        let event = principal.event("alert.assign", format!("alerts/{id}"));
        tx.append_audit(&event.with(Some(&before), Some(&after)))
            .await?;
        tx.commit().await?;
    }
    Ok(Json(after))
}

fn parse_text(field: &str, text: &str) -> Result<Text, Problem> {
    Text::parse(text).map_err(|message| Problem::invalid_field(field, message))
}
