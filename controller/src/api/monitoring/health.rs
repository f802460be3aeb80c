//! Whether what monitoring stands on is well.

use axum::extract::State;

use crate::api::extract::Json;
use crate::api::{AppState, Problem};
use crate::monitoring::health::Health;

/// Asks Prometheus, Alertmanager, Grafana and the exporters now.
#[utoipa::path(get, path = "/monitoring/health", tag = "monitoring",
    responses((status = 200, description = "How they are, also when they are not well",
        body = Health)))]
pub(super) async fn get_health(State(state): State<AppState>) -> Result<Json<Health>, Problem> {
    let exporters = state.store.read().await?.all_exporters().await?;
    Ok(Json(state.monitoring.health(&exporters).await))
}
