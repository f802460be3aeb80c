//! Queries that are passed to Prometheus, with its answers unchanged.
//!
//! Parameters are taken one by one: what is not named here is not passed on.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::limit;
use crate::api::extract::{Form, Path, Query};
use crate::api::{AppState, Problem, ProblemBody};
use crate::auth::Principal;
use crate::promql::Limit;

/// Longest expression of those who see all, in bytes.
const MAX_QUERY: usize = 256 * 1024;
/// Longest value of another parameter, in bytes.
const MAX_PARAMETER: usize = 64;
/// Most selectors of one request.
const MAX_SELECTORS: usize = 32;
/// Longest selectors of one request with their limits, in bytes. Prometheus reads
/// forms of up to 10 MB.
const MAX_SELECTED: usize = 8 * 1024 * 1024;
/// Longest query for what can be asked by URL only, in bytes: Go's servers read
/// a megabyte of headers.
const MAX_URL: usize = 900 * 1024;

/// An expression at a moment.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct Instant {
    /// PromQL.
    #[serde(default)]
    #[param(required = true)]
    query: String,
    /// When: RFC 3339, or seconds since 1970; now when absent.
    #[serde(default)]
    time: String,
    /// Another name of `time`.
    #[serde(default)]
    time_param: String,
}

/// An expression over a range.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    /// PromQL.
    #[serde(default)]
    #[param(required = true)]
    query: String,
    /// The first moment: RFC 3339, or seconds since 1970.
    #[serde(default)]
    #[param(required = true)]
    start: String,
    /// The last moment.
    #[serde(default)]
    #[param(required = true)]
    end: String,
    /// How far apart the moments are: seconds, or with a unit. At most 11,000
    /// moments.
    #[serde(default = "default_step")]
    #[param(default = "60s")]
    step: String,
}

fn default_step() -> String {
    "60s".to_owned()
}

/// An expression at a moment, as Prometheus answers it. To somebody who is
/// limited to groups it is as if there were no other servers.
#[utoipa::path(get, path = "/monitoring/prometheus/query", tag = "monitoring", params(Instant),
    responses(
        (status = 200, description = "Prometheus' answer, unchanged", body = Object),
        (status = 400, description = "The expression is empty or wrong", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 422, description = "It cannot be computed, or not be limited",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "Prometheus is down or fails", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn query(
    State(state): State<AppState>,
    principal: Principal,
    Query(asked): Query<Instant>,
) -> Result<Response, Problem> {
    instant(&state, &principal, asked).await
}

/// The same for expressions that are too long for a URL.
#[utoipa::path(post, path = "/monitoring/prometheus/query", tag = "monitoring",
    request_body(content = Instant, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Prometheus' answer, unchanged", body = Object)))]
pub(super) async fn query_by_form(
    State(state): State<AppState>,
    principal: Principal,
    Form(asked): Form<Instant>,
) -> Result<Response, Problem> {
    instant(&state, &principal, asked).await
}

/// An expression over a range, as Prometheus answers it. To somebody who is
/// limited to groups it is as if there were no other servers.
#[utoipa::path(get, path = "/monitoring/prometheus/query_range", tag = "monitoring",
    params(Range), responses(
        (status = 200, description = "Prometheus' answer, unchanged", body = Object),
        (status = 400, description = "A parameter is missing or wrong", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 422, description = "It cannot be computed, or not be limited",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "Prometheus is down or fails", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn query_range(
    State(state): State<AppState>,
    principal: Principal,
    Query(asked): Query<Range>,
) -> Result<Response, Problem> {
    range(&state, &principal, asked).await
}

/// The same for expressions that are too long for a URL.
#[utoipa::path(post, path = "/monitoring/prometheus/query_range", tag = "monitoring",
    request_body(content = Range, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Prometheus' answer, unchanged", body = Object)))]
pub(super) async fn query_range_by_form(
    State(state): State<AppState>,
    principal: Principal,
    Form(asked): Form<Range>,
) -> Result<Response, Problem> {
    range(&state, &principal, asked).await
}

async fn instant(
    state: &AppState,
    principal: &Principal,
    asked: Instant,
) -> Result<Response, Problem> {
    let time = if asked.time.is_empty() {
        asked.time_param
    } else {
        asked.time
    };
    check_parameter("time", &time)?;
    let query = limited(state, principal, asked.query).await?;
    let time = (!time.is_empty()).then_some(time.as_str());
    Ok(unchanged(
        state.monitoring.source.query(&query, time).await?,
    ))
}

async fn range(state: &AppState, principal: &Principal, asked: Range) -> Result<Response, Problem> {
    let parameters = [
        ("start", asked.start.as_str()),
        ("end", &asked.end),
        ("step", &asked.step),
    ];
    for (name, value) in parameters {
        check_parameter(name, value)?;
        if value.is_empty() {
            return Err(Problem::bad_request(format!("{name}: is missing")));
        }
    }
    let query = limited(state, principal, asked.query).await?;
    let range = parameters.map(|(_, value)| value);
    let body = state.monitoring.source.query_range(&query, range).await?;
    Ok(unchanged(body))
}

/// The expression as the asker may ask it.
async fn limited(
    state: &AppState,
    principal: &Principal,
    query: String,
) -> Result<String, Problem> {
    if query.trim().is_empty() {
        return Err(Problem::bad_request("query: is empty"));
    }
    if query.len() > MAX_QUERY {
        return Err(Problem::bad_request(format!(
            "query: has {} bytes; at most {MAX_QUERY} are allowed",
            query.len()
        )));
    }
    match limit(state, principal).await? {
        None => Ok(query),
        Some(limit) => enforce(state, limit, query).await,
    }
}

async fn enforce(state: &AppState, limit: Limit, query: String) -> Result<String, Problem> {
    let _turn = state.monitoring.limiting.acquire().await;
    tokio::task::spawn_blocking(move || limit.enforce(&query))
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(Problem::from)
}

fn check_parameter(name: &str, value: &str) -> Result<(), Problem> {
    if value.len() > MAX_PARAMETER {
        return Err(Problem::bad_request(format!(
            "{name}: has {} bytes; at most {MAX_PARAMETER} are allowed",
            value.len()
        )));
    }
    Ok(())
}

fn unchanged(body: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// Which series are meant. Read by [`Selected`]; here for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "serde cannot read a parameter that comes several times"
)]
pub(super) struct SelectedParameters {
    /// Selectors; a series is meant when one of them matches.
    #[param(rename = "match[]")]
    selectors: Option<Vec<String>>,
    /// The first moment: RFC 3339, or seconds since 1970.
    start: Option<String>,
    /// The last moment.
    end: Option<String>,
    /// Most names, values or series of the answer; Prometheus before 3.0 does not
    /// know it and answers all.
    limit: Option<u64>,
}

/// Which series are meant, as pairs for Prometheus.
struct Selected(Vec<(&'static str, String)>);

impl Selected {
    /// Reads the query, and limits it to what the asker sees.
    async fn read(
        state: &AppState,
        principal: &Principal,
        query: Option<&str>,
    ) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        let mut selectors = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let name = match &*name {
                "match[]" => {
                    selectors.push(value.into_owned());
                    continue;
                }
                "start" => "start",
                "end" => "end",
                "limit" => "limit",
                _ => continue,
            };
            check_parameter(name, &value)?;
            if name == "limit" && value.parse::<u64>().is_err() {
                return Err(Problem::bad_request("limit: is no whole number"));
            }
            pairs.push((name, value.into_owned()));
        }
        if selectors.len() > MAX_SELECTORS {
            return Err(Problem::bad_request(format!(
                "match[]: comes {} times; at most {MAX_SELECTORS} times is allowed",
                selectors.len()
            )));
        }
        if let Some(limit) = limit(state, principal).await? {
            if selectors.is_empty() {
                selectors.push(format!("{{{}}}", limit.matcher()));
            } else {
                for selector in &mut selectors {
                    *selector = enforce(state, limit.clone(), std::mem::take(selector)).await?;
                }
            }
        }
        pairs.extend(selectors.into_iter().map(|selector| ("match[]", selector)));
        let selected = Self(pairs);
        selected.check_length(MAX_SELECTED)?;
        Ok(selected)
    }

    fn check_length(&self, max: usize) -> Result<(), Problem> {
        let length: usize = self.0.iter().map(|(_, value)| value.len()).sum();
        if length > max {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Too large",
                format!(
                    "match[]: has {length} bytes with the servers that you may see; at most {max} are allowed; ask with fewer selectors"
                ),
            ));
        }
        Ok(())
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }
}

/// Names of labels of the series that somebody sees.
#[utoipa::path(get, path = "/monitoring/prometheus/labels", tag = "monitoring",
    params(SelectedParameters),
    responses((status = 200, description = "Prometheus' answer, unchanged", body = Object)))]
pub(super) async fn labels(
    State(state): State<AppState>,
    principal: Principal,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let selected = Selected::read(&state, &principal, query.as_deref()).await?;
    let source = &state.monitoring.source;
    Ok(unchanged(source.post("labels", &selected.pairs()).await?))
}

/// Values that a label has on the series that somebody sees.
#[utoipa::path(get, path = "/monitoring/prometheus/label/{name}/values", tag = "monitoring",
    params(("name" = String, Path, description = "Name of the label"), SelectedParameters),
    responses((status = 200, description = "Prometheus' answer, unchanged", body = Object)))]
pub(super) async fn label_values(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let is_label = !name.is_empty()
        && name.len() <= MAX_PARAMETER
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_label {
        return Err(Problem::bad_request(
            "name: is no label name; letters, digits and underscores are allowed",
        ));
    }
    let selected = Selected::read(&state, &principal, query.as_deref()).await?;
    // Nearly every separator of the limit becomes three bytes in a URL.
    selected.check_length(MAX_URL / 2)?;
    let path = format!("label/{name}/values");
    let source = &state.monitoring.source;
    Ok(unchanged(source.get(&path, &selected.pairs()).await?))
}

/// The series that somebody sees, by their labels.
#[utoipa::path(get, path = "/monitoring/prometheus/series", tag = "monitoring",
    params(SelectedParameters),
    responses((status = 200, description = "Prometheus' answer, unchanged", body = Object)))]
pub(super) async fn series(
    State(state): State<AppState>,
    principal: Principal,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let selected = Selected::read(&state, &principal, query.as_deref()).await?;
    let source = &state.monitoring.source;
    Ok(unchanged(source.post("series", &selected.pairs()).await?))
}
