//! The dashboards, where they stand in Grafana, and taking edits back.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::dashboards::{self, Dashboard, Language, Options};
use crate::grafana::{Keeper, ObjectState};
use crate::model::{GrafanaKind, Scope};

/// A dashboard, and where it stands in Grafana.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GrafanaDashboard {
    /// Unique name.
    uid: String,
    /// Its title, in the language of the configuration.
    title: String,
    /// What it is for.
    description: String,
    /// Where browsers find it; null while no Grafana is configured.
    url: Option<String>,
    /// Where it stands.
    state: ObjectState,
    /// Why, and what to do; empty when all is well.
    message: String,
    /// Grafana's version of it.
    version: Option<i64>,
    /// Who edited it, where that is told. Users who are limited to groups are not
    /// told.
    editor: Option<String>,
}

/// In which words.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wording {
    /// Language of titles and descriptions; that of the configuration when absent.
    #[param(inline)]
    language: Option<Language>,
}

/// All dashboards, and where they stand in Grafana.
#[utoipa::path(get, path = "/dashboards", tag = "dashboards",
    responses((status = 200, body = Vec<GrafanaDashboard>)))]
pub(super) async fn list_dashboards(
    State(state): State<AppState>,
    principal: Principal,
) -> Json<Vec<GrafanaDashboard>> {
    let language = state.dashboards.language;
    let sees_all = matches!(principal.scope(), Scope::All);
    let board = state.grafana.as_ref().map(Keeper::board);
    let rows = dashboards::all().into_iter().map(|dashboard| {
        let status = board.as_ref().map(|board| board.dashboard(dashboard.uid));
        let status = status.unwrap_or_default();
        GrafanaDashboard {
            uid: dashboard.uid.to_owned(),
            title: dashboard.title.get(language).to_owned(),
            description: dashboard.description.get(language).to_owned(),
            url: state.monitoring.at_grafana(&format!("d/{}", dashboard.uid)),
            state: status.state,
            message: status.message,
            version: status.version,
            editor: Some(status.editor).filter(|editor| sees_all && !editor.is_empty()),
        }
    });
    Json(rows.collect())
}

/// A dashboard in Grafana's form, to be imported elsewhere.
#[utoipa::path(get, path = "/dashboards/{uid}", tag = "dashboards",
    params(("uid" = String, Path), Wording), responses(
    (status = 200, description = "The classic dashboard model", body = serde_json::Value),
    (status = 404, description = "There is no such dashboard", body = super::ProblemBody,
     content_type = "application/problem+json")))]
pub(super) async fn get_dashboard_model(
    State(state): State<AppState>,
    Path(uid): Path<String>,
    Query(wording): Query<Wording>,
) -> Result<Json<serde_json::Value>, Problem> {
    let dashboard = known(&uid)?;
    let options = Options {
        language: wording.language.unwrap_or(state.dashboards.language),
        ..(*state.dashboards).clone()
    };
    Ok(Json(dashboard.write(&options)))
}

/// Writes a dashboard to Grafana as it comes with the program, whatever people made
/// of it there.
#[utoipa::path(post, path = "/dashboards/{uid}/reset", tag = "dashboards",
    params(("uid" = String, Path)), responses(
    (status = 202, description = "It is being written"),
    (status = 404, description = "There is no such dashboard", body = super::ProblemBody,
     content_type = "application/problem+json"),
    (status = 409, description = "None is kept in a Grafana", body = super::ProblemBody,
     content_type = "application/problem+json")))]
pub(super) async fn reset_dashboard(
    State(state): State<AppState>,
    principal: Principal,
    Path(uid): Path<String>,
) -> Result<StatusCode, Problem> {
    check_sees_all(&principal)?;
    let dashboard = known(&uid)?;
    let keeper = keeper(&state)?;
    let mut tx = state.store.write().await?;
    tx.reset_grafana_object(keeper.name(), GrafanaKind::Dashboard, dashboard.uid)
        .await?;
    tx.append_audit(&principal.event("dashboard.reset", format!("dashboards/{uid}")))
        .await?;
    tx.commit().await?;
    keeper.look_now();
    Ok(StatusCode::ACCEPTED)
}

/// Has the controller look at Grafana now, as after its token was renewed.
#[utoipa::path(post, path = "/dashboards/look", tag = "dashboards", responses(
    (status = 202, description = "It looks, if this controller leads"),
    (status = 409, description = "None is kept in a Grafana", body = super::ProblemBody,
     content_type = "application/problem+json")))]
pub(super) async fn look_at_grafana(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    check_sees_all(&principal)?;
    keeper(&state)?.look_now();
    Ok(StatusCode::ACCEPTED)
}

fn known(uid: &str) -> Result<Dashboard, Problem> {
    dashboards::find(uid)
        .ok_or_else(|| Problem::not_found("there is no such dashboard; GET dashboards lists all"))
}

fn keeper(state: &AppState) -> Result<&Keeper, Problem> {
    state.grafana.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "No Grafana",
            "no dashboards are kept in a Grafana; set grafana.url and grafana.token_file",
        )
    })
}

/// Dashboards are about servers of all groups.
fn check_sees_all(principal: &Principal) -> Result<(), Problem> {
    match principal.scope() {
        Scope::All => Ok(()),
        Scope::Groups(_) => Err(Problem::forbidden(
            "this is about servers of all groups, and you are limited to some",
        )),
    }
}
