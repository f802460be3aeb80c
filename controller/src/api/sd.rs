//! HTTP service discovery for Prometheus.
//!
//! Prometheus keeps its targets when the answer is anything but status 200 with
//! `application/json`, and drops them all at an empty list. So whatever goes
//! wrong here is an error, and the list is that which was published, after the
//! guard against great losses, never the table as it happens to be.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Path, Query};
use super::{AppState, Problem};
use crate::store::StoreError;
use crate::sync::NoTargets;

/// Which part of the targets is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Part {
    /// Shard of the Prometheus that asks; all shards together when absent.
    shard: Option<String>,
}

/// The targets that one exporter carries.
#[utoipa::path(get, path = "/sd/prometheus/{exporter}", tag = "sync",
    params(("exporter" = String, Path, description = "Name of the exporter"), Part), responses(
    (status = 200, description = "Target groups", body = Vec<Object>),
    (status = 304, description = "They are what If-None-Match names"),
    (status = 404, description = "There is no such exporter or shard", body = super::ProblemBody,
     content_type = "application/problem+json"),
    (status = 503, description = "Nothing is published, or the store fails; keep what you have",
     body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn get_targets(
    State(state): State<AppState>,
    Path(exporter): Path<String>,
    Query(part): Query<Part>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = async { state.store.read().await?.exporter_by_name(&exporter).await };
    match known.await {
        Ok(_) => {}
        Err(error @ StoreError::NotFound { .. }) => return Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "Targets could not be given out");
            return Err(unavailable(
                "the store failed; the controller's log says why",
            ));
        }
    }
    let published = state.sync.targets(part.shard.as_deref());
    let published = published.map_err(|error| match error {
        NoTargets::NoSuchShard => Problem::not_found(error.to_string()),
        NoTargets::NotPublished => unavailable(&error.to_string()),
    })?;
    // A large fleet is tens of megabytes.
    let (body, etag) = tokio::task::spawn_blocking(move || published.for_exporter(&exporter))
        .await
        .map_err(|_| unavailable("the controller is ending"))?;
    let Ok(etag_value) = HeaderValue::from_str(&etag) else {
        return Err(unavailable("the list has no ETag"));
    };
    let is_known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let cached = [
        (ETAG, etag_value),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok(if is_known {
        (StatusCode::NOT_MODIFIED, cached).into_response()
    } else {
        let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (cached, kind, body).into_response()
    })
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not available", detail)
}
