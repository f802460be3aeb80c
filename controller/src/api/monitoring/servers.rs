//! One server as it is now.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::extract::{Json, Path, Query};
use crate::api::{AppState, Problem, ProblemBody};
use crate::auth::Principal;
use crate::model::{Address, Exporter, Id, MonitoredServer, Port, Server};
use crate::monitoring::collect::{CollectError, Collected, Question};
use crate::monitoring::kind::SensorKind;
use crate::monitoring::sensor::{self, Metric, Sensor};
use crate::monitoring::status::{self, PowerState, ServerStatus};
use crate::render::{Unassigned, assign};

/// Which sensors are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Kind {
    /// What they measure; all kinds when absent.
    #[serde(default)]
    #[param(inline)]
    metric_type: Option<SensorKind>,
}

/// Sensors of a server with their values, in the shape of OpenServerHub.
#[utoipa::path(get, path = "/monitoring/servers/{id}/metrics", tag = "monitoring",
    params(("id" = Id, Path), Kind, ("hours" = Option<String>, Query,
        description = "Sent by OpenServerHub's front end; the values are those of now")), responses((status = 200, body = Vec<Metric>)))]
pub(super) async fn get_server_metrics(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(kind): Query<Kind>,
) -> Result<Json<Vec<Metric>>, Problem> {
    let sensors = sensors(&state, &principal, id, &kind).await?;
    Ok(Json(sensors.into_iter().filter_map(Metric::of).collect()))
}

/// Sensors of a server with all that is known of them, also those that have a
/// state only.
#[utoipa::path(get, path = "/monitoring/servers/{id}/sensors", tag = "monitoring",
    params(("id" = Id, Path), Kind), responses((status = 200, body = Vec<Sensor>)))]
pub(super) async fn get_sensors(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(kind): Query<Kind>,
) -> Result<Json<Vec<Sensor>>, Problem> {
    Ok(Json(sensors(&state, &principal, id, &kind).await?))
}

async fn sensors(
    state: &AppState,
    principal: &Principal,
    id: Id,
    kind: &Kind,
) -> Result<Vec<Sensor>, Problem> {
    let server = server(state, principal, id).await?;
    let source = &state.monitoring.source;
    let now = state.store.clock().now();
    Ok(sensor::current(source, server.id, kind.metric_type, now).await?)
}

async fn server(state: &AppState, principal: &Principal, id: Id) -> Result<Server, Problem> {
    let mut tx = state.store.read().await?;
    Ok(tx.server(id, &principal.scope()).await?)
}

/// Asks a server's exporter now. A BMC is slow: every ten seconds at most.
#[utoipa::path(post, path = "/monitoring/servers/{id}/collect", tag = "monitoring",
    params(("id" = Id, Path)), responses(
        (status = 200, description = "What came of it, also when nothing did", body = Collected),
        (status = 409, description = "The server is not monitored, or has no exporter or profile",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "It was asked a moment ago", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn collect_now(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<Collected>, Problem> {
    let question = question(&state, &principal, id).await?;
    let now = state.store.clock().now();
    match state.monitoring.collector.collect(&question, now).await {
        Ok(collected) => Ok(Json(collected)),
        Err(error @ CollectError::TooOften { retry_after }) => {
            Err(Problem::too_many(error.to_string(), retry_after.as_secs()))
        }
        Err(error @ CollectError::Busy) => Err(Problem::too_many(error.to_string(), 1)),
    }
}

/// Whom to ask, and for what: the same as Prometheus does.
async fn question(state: &AppState, principal: &Principal, id: Id) -> Result<Question, Problem> {
    let mut tx = state.store.read().await?;
    let server = tx.server(id, &principal.scope()).await?;
    if !server.monitoring_enabled {
        return Err(cannot("its monitoring is switched off; switch it on"));
    }
    let Some(credential) = server.credential_id else {
        return Err(cannot("it has no credential profile; give it one"));
    };
    let module = tx.credential(credential).await?.name;
    let exporters = tx.all_exporters().await?;
    let exporter = carrier(&server, &module, &exporters)?;
    let target = Address::parse(&server.address).map_or_else(
        |_| server.address.clone(),
        |address| address.target(Port(server.port)),
    );
    Ok(Question {
        server: id,
        exporter: exporter.name.clone(),
        url: exporter.url.clone(),
        target,
        module,
    })
}

fn carrier<'a>(
    server: &Server,
    module: &str,
    exporters: &'a [Exporter],
) -> Result<&'a Exporter, Problem> {
    let monitored = MonitoredServer {
        id: server.id,
        name: server.name.clone(),
        address: server.address.clone(),
        port: server.port,
        module: Some(module.to_owned()),
        group: None,
        exporter_id: server.exporter_id,
        manufacturer: server.manufacturer.clone(),
        model: server.model.clone(),
        site: server.site.clone(),
        rack: server.rack.clone(),
        labels: server.labels.clone(),
    };
    let assigned = assign(std::slice::from_ref(&monitored), exporters);
    match assigned.into_iter().next() {
        Some(Ok(exporter)) => Ok(exporter),
        Some(Err(Unassigned::ChosenIsDisabled)) => Err(cannot(
            "the exporter that was chosen for it is not enabled; enable it or choose another",
        )),
        Some(Err(Unassigned::NoExporter)) | None => {
            Err(cannot("there is no enabled exporter; add one"))
        }
    }
}

fn cannot(reason: &str) -> Problem {
    Problem::new(
        axum::http::StatusCode::CONFLICT,
        "Not monitored",
        format!("the server cannot be asked: {reason}"),
    )
}

/// Where a server's dashboard is, and how the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dashboard {
    /// Unique name of the dashboard at Grafana, which all servers share.
    dashboard_uid: String,
    /// Where it is; null while no Grafana is configured.
    dashboard_url: Option<String>,
    /// Number of the server.
    server_id: Id,
    /// Its name.
    server_name: String,
    /// Whether its BMC answers.
    server_status: ServerStatus,
    /// Whether it is on.
    server_power_state: PowerState,
}

/// A server's dashboard. What Prometheus does not tell is `unknown`.
#[utoipa::path(get, path = "/monitoring/servers/{id}/dashboard", tag = "monitoring",
    params(("id" = Id, Path)), responses((status = 200, body = Dashboard)))]
pub(super) async fn get_dashboard(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<Dashboard>, Problem> {
    let server = server(&state, &principal, id).await?;
    let source = &state.monitoring.source;
    let now = state.store.clock().now();
    // The link is good without Prometheus, too.
    let found = match status::states(source, &[id], now).await {
        Ok(states) => states.get(&id).copied().unwrap_or_default(),
        Err(error) => {
            tracing::debug!(%error, "The state of a server is not known");
            status::ServerState::default()
        }
    };
    let (dashboard_uid, dashboard_url) = state.monitoring.dashboard(&server.name);
    Ok(Json(Dashboard {
        dashboard_uid,
        dashboard_url,
        server_id: id,
        server_name: server.name,
        server_status: found.status,
        server_power_state: found.power_state,
    }))
}
