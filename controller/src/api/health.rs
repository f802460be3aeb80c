//! Whether the controller lives, and whether it can work.

use axum::extract::State;
use axum::http::StatusCode;

use super::{AppState, Problem};
use crate::leader::Standing;

/// The process answers.
#[utoipa::path(get, path = "/-/healthy", tag = "operation", security(()),
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain")))]
pub(super) async fn healthy() -> &'static str {
    "The controller is healthy.\n"
}

/// The store answers.
#[utoipa::path(get, path = "/-/ready", tag = "operation", security(()), responses(
    (status = 200, description = "It can work", body = String, content_type = "text/plain"),
    (status = 503, description = "The store does not answer", body = super::ProblemBody,
     content_type = "application/problem+json")))]
pub(super) async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    let answered = async { state.store.read().await?.revision().await };
    match answered.await {
        Ok(_) => Ok(match *state.standing.borrow() {
            Standing::Leads => "The controller is ready and leads.\n",
            Standing::Follows => "The controller is ready; another one leads.\n",
        }),
        Err(error) => {
            tracing::warn!(%error, "The store does not answer");
            Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Not ready",
                "the store does not answer",
            ))
        }
    }
}
