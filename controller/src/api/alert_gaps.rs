//! Times of which the alert journal does not know all, or knew it late.

use axum::extract::State;

use super::extract::{Json, Query, check_page};
use super::{AppState, Problem};
use crate::model::{AlertGaps, GapFilter, PageRequest};

/// Gaps of the alert journal, the newest first, and how far Prometheus' records
/// have been read. There is nothing about single alerts in it.
#[utoipa::path(get, path = "/alerts/gaps", tag = "alerts", params(GapFilter, PageRequest),
    responses((status = 200, body = AlertGaps)))]
pub(super) async fn list_alert_gaps(
    State(state): State<AppState>,
    Query(filter): Query<GapFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Json<AlertGaps>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    Ok(Json(AlertGaps {
        page: tx.alert_gaps(&filter, page).await?,
        sources: tx.recovery_sources().await?,
    }))
}
