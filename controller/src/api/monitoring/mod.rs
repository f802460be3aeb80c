//! What Prometheus knows of servers, for those who may see it.

mod asked;
mod export;
mod health;
mod query;
mod report;
mod servers;

use utoipa_axum::routes;

use super::{AppState, Problem, Route};
use crate::auth::Principal;
use crate::model::Scope;
use crate::promql::Limit;

/// The routes below `/api/v1`.
pub(super) fn routes() -> Vec<Route> {
    vec![
        routes!(query::query, query::query_by_form),
        routes!(query::query_range, query::query_range_by_form),
        routes!(query::labels),
        routes!(query::label_values),
        routes!(query::series),
        routes!(servers::get_server_metrics),
        routes!(servers::get_sensors),
        routes!(servers::collect_now),
        routes!(servers::get_dashboard),
        routes!(export::export_server),
        routes!(export::export_group),
        routes!(report::report_on_server),
        routes!(report::report_on_group),
        routes!(report::compare_server),
        routes!(report::compare_group),
        routes!(health::get_health),
    ]
}

/// The limit on what somebody asks Prometheus; none for those who see all.
pub(super) async fn limit(
    state: &AppState,
    principal: &Principal,
) -> Result<Option<Limit>, Problem> {
    let scope = principal.scope();
    if scope == Scope::All {
        return Ok(None);
    }
    let ids = state.store.read().await?.server_ids(&scope).await?;
    Ok(Some(Limit::servers(ids)))
}
