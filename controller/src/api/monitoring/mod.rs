//! What Prometheus knows of servers, for those who may see it.

mod export;
mod file;
mod health;
mod query;
mod report;
mod servers;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::Scope;
use crate::promql::Limit;

/// The routes below `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(query::query, query::query_by_form))
        .routes(routes!(query::query_range, query::query_range_by_form))
        .routes(routes!(query::labels))
        .routes(routes!(query::label_values))
        .routes(routes!(query::series))
        .routes(routes!(servers::get_server_metrics))
        .routes(routes!(servers::get_sensors))
        .routes(routes!(servers::collect_now))
        .routes(routes!(servers::get_dashboard))
        .routes(routes!(export::export_server))
        .routes(routes!(export::export_group))
        .routes(routes!(report::report_on_server))
        .routes(routes!(report::report_on_group))
        .routes(routes!(report::compare_server))
        .routes(routes!(report::compare_group))
        .routes(routes!(health::get_health))
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
