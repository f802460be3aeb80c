//! The fleet at a glance. What Prometheus does not tell is unknown, and said so:
//! these answers do not fail with it.

use axum::extract::State;

use super::extract::{Json, Query, check_page};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::fleet::{FleetFilter, FleetMap, FleetOverview, FleetPage, FleetSorting, MapRequest};
use crate::model::PageRequest;

/// How many servers are how, of those that the asker sees.
#[utoipa::path(get, path = "/fleet", tag = "monitoring", params(FleetFilter),
    responses((status = 200, body = FleetOverview)))]
pub(super) async fn get_fleet(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<FleetFilter>,
) -> Result<Json<FleetOverview>, Problem> {
    let present = state.fleet.present(principal.scope()).await?;
    Ok(Json(present.overview(&filter)))
}

/// Servers with their state and their main values, the worst first.
#[utoipa::path(get, path = "/fleet/servers", tag = "monitoring",
    params(FleetFilter, FleetSorting, PageRequest), responses((status = 200, body = FleetPage)))]
pub(super) async fn list_fleet_servers(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<FleetFilter>,
    Query(sorting): Query<FleetSorting>,
    Query(page): Query<PageRequest>,
) -> Result<Json<FleetPage>, Problem> {
    let page = check_page(page)?;
    let present = state.fleet.present(principal.scope()).await?;
    Ok(Json(present.servers(&filter, sorting, page)))
}

/// A cell for each server, in lists with one place for each.
#[utoipa::path(get, path = "/fleet/map", tag = "monitoring", params(FleetFilter, MapRequest),
    responses((status = 200, body = FleetMap)))]
pub(super) async fn get_fleet_map(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<FleetFilter>,
    Query(request): Query<MapRequest>,
) -> Result<Json<FleetMap>, Problem> {
    let present = state.fleet.present(principal.scope()).await?;
    Ok(Json(present.map(&filter, request)))
}
