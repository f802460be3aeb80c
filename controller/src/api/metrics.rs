//! The controller's own metrics.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::AppState;
use crate::leader::Standing;
use crate::telemetry::{OPEN_METRICS, Present, StoreFacts, TEXT, sync_samples};

/// How long the store may take; without it the others are told all the same.
const STORE_TIME: Duration = Duration::from_secs(3);

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", security((), ("token" = [])),
    responses((status = 200, description = "OpenMetrics, or the older text format",
        content((String = "text/plain"), (String = "application/openmetrics-text")))))]
pub(super) async fn get_metrics(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let facts = tokio::time::timeout(STORE_TIME, StoreFacts::of(&state.store)).await;
    let certificate = state.tls.as_ref().map(crate::web::Tls::certificate);
    let present = Present {
        sync: sync_samples(&state.sync.status()),
        pools: state.store.load(),
        store: facts.ok().and_then(Result::ok),
        revision: *state.store.revisions().borrow(),
        leads: *state.standing.borrow() == Standing::Leads,
        certificate_ends: certificate.as_ref().map(|served| served.not_after),
        certificate_refused: certificate.is_some_and(|served| served.refused.is_some()),
    };
    let is_open_metrics = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/openmetrics-text"));
    let kind = if is_open_metrics { OPEN_METRICS } else { TEXT };
    let text = state.telemetry.render(&present, is_open_metrics);
    ([(CONTENT_TYPE, kind)], text).into_response()
}
