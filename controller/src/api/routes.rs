//! The tree of routes, where alerts go in it, and what all of alerting has in common.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{IfMatch, Json, Versioned};
use super::rules::expect_all_groups;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::Problems;
use crate::model::alerting::{
    AlertingSettings, AlertingSettingsBody, AlertingSettingsDraft, Route, RouteTree, RouteTreeBody,
};
use crate::render::alertmanager::{RouteMatch, dry_run};

/// Most label sets that are tried at once, and most labels of one.
const MAX_LABEL_SETS: usize = 1_000;
const MAX_LABELS: usize = 64;
/// Longest name or value of a label, in bytes.
const MAX_LABEL: usize = 4_096;

/// The tree of routes. The journal of alerts is not in it: it hears of everything
/// before, whatever the tree says.
#[utoipa::path(get, path = "/routes", tag = "alerting",
    responses((status = 200, body = RouteTree)))]
pub(super) async fn get_routes(
    State(state): State<AppState>,
) -> Result<Versioned<RouteTree>, Problem> {
    let tree = state.store.read().await?.route_tree().await?;
    let version = tree.version;
    Ok(Versioned::ok(tree, version))
}

/// Replaces the whole tree of routes.
#[utoipa::path(put, path = "/routes", tag = "alerting",
    request_body = RouteTreeBody, responses((status = 200, body = RouteTree)))]
pub(super) async fn update_routes(
    State(state): State<AppState>,
    principal: Principal,
    IfMatch(version): IfMatch,
    Json(body): Json<RouteTreeBody>,
) -> Result<Versioned<RouteTree>, Problem> {
    expect_all_groups(&principal)?;
    check(&body.route)?;
    let mut tx = state.store.write().await?;
    let (before, after) = tx.set_route_tree(version, &body.route).await?;
    let event = principal.event("routes.update", "routes".to_owned());
    tx.append_audit(&event.with(Some(&before), Some(&after)))
        .await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Versioned::ok(after, version))
}

fn check(route: &Route) -> Result<(), Problem> {
    route.check_tree().map_err(|found| {
        let placed = found.into_iter().map(|mut invalid| {
            invalid.field = format!("route.{}", invalid.field);
            invalid
        });
        Problem::invalid(placed.collect())
    })
}

/// Labels of alerts, and perhaps a tree that is not saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTestBody {
    /// Labels of one alert each; up to 1,000 sets of up to 64.
    alerts: Vec<BTreeMap<String, String>>,
    /// The tree to try; the saved one when absent.
    #[serde(default)]
    route: Option<Route>,
}

/// Where alerts go.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RouteTest {
    /// For each set of labels the routes that keep it, in the order in which
    /// Alertmanager finds them; the journal first.
    alerts: Vec<Vec<RouteMatch>>,
}

/// Says which receivers alerts would get to, by which way through the tree. Changes
/// nothing. Inhibition, silences and time intervals decide afterwards.
#[utoipa::path(post, path = "/routes/test", tag = "alerting",
    request_body = RouteTestBody, responses((status = 200, body = RouteTest)))]
pub(super) async fn test_routes(
    State(state): State<AppState>,
    Json(body): Json<RouteTestBody>,
) -> Result<Json<RouteTest>, Problem> {
    let mut problems = Problems::default();
    if body.alerts.len() > MAX_LABEL_SETS {
        let count = body.alerts.len();
        problems.add(
            "alerts",
            format!("has {count} sets of labels; at most {MAX_LABEL_SETS} are allowed"),
        );
    }
    for (at, labels) in body.alerts.iter().enumerate().take(MAX_LABEL_SETS) {
        let is_long = |text: &String| text.len() > MAX_LABEL;
        if labels.len() > MAX_LABELS || labels.iter().any(|(a, b)| is_long(a) || is_long(b)) {
            problems.add(
                &format!("alerts[{at}]"),
                format!("has more than {MAX_LABELS} labels, or one of more than {MAX_LABEL} bytes"),
            );
        }
    }
    problems.finish(Some(())).map_err(Problem::invalid)?;
    let route = match body.route {
        Some(route) => {
            check(&route)?;
            route
        }
        None => state.store.read().await?.route_tree().await?.route,
    };
    let alerts = body.alerts;
    let work = move || {
        alerts
            .iter()
            .map(|labels| dry_run(&route, labels))
            .collect()
    };
    let alerts = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal(&error))?;
    Ok(Json(RouteTest { alerts }))
}

/// What all of alerting has in common. The password is in no answer.
#[utoipa::path(get, path = "/alerting/settings", tag = "alerting",
    responses((status = 200, body = AlertingSettings)))]
pub(super) async fn get_alerting_settings(
    State(state): State<AppState>,
) -> Result<Versioned<AlertingSettings>, Problem> {
    let settings = state.store.read().await?.alerting_settings().await?;
    let version = settings.version;
    Ok(Versioned::ok(settings, version))
}

/// Changes the settings as a whole.
#[utoipa::path(put, path = "/alerting/settings", tag = "alerting",
    request_body = AlertingSettingsBody, responses((status = 200, body = AlertingSettings)))]
pub(super) async fn update_alerting_settings(
    State(state): State<AppState>,
    principal: Principal,
    IfMatch(version): IfMatch,
    Json(body): Json<AlertingSettingsBody>,
) -> Result<Versioned<AlertingSettings>, Problem> {
    expect_all_groups(&principal)?;
    let draft = AlertingSettingsDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let (before, after) = tx.set_alerting_settings(version, &draft).await?;
    let event = principal.event("alerting_settings.update", "alerting/settings".to_owned());
    tx.append_audit(&event.with(Some(&before), Some(&after)))
        .await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Versioned::ok(after, version))
}
