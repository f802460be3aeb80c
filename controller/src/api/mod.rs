//! The REST interface under `/api/v1`. Handlers parse, ask the store, and write
//! the audit trail; one file for each resource.

mod alert_export;
mod alert_gaps;
mod alerts;
mod audit;
mod auth;
mod change;
mod credentials;
mod exporters;
mod extract;
mod gate;
mod groups;
mod health;
mod inlets;
mod openapi;
mod problem;
mod sd;
mod servers;
mod sync;
mod tokens;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use ipnet::IpNet;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Authenticator;
use crate::store::Store;

pub use openapi::description;
pub use problem::{Problem, ProblemBody};

/// Largest body of a request, except where a route says otherwise.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Store,
    /// Who somebody is.
    pub authenticator: Authenticator,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpNet]>,
    /// What keeps other programs in step.
    pub sync: crate::sync::Handle,
}

/// All routes with their description.
fn routes() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .routes(routes!(auth::log_in))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::log_out))
        .routes(routes!(auth::get_me))
        .routes(routes!(auth::change_password))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::delete_token))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(
            users::get_user,
            users::update_user,
            users::delete_user
        ))
        .routes(routes!(servers::list_servers, servers::create_server))
        .routes(routes!(
            servers::get_server,
            servers::update_server,
            servers::delete_server
        ))
        .routes(routes!(groups::list_groups, groups::create_group))
        .routes(routes!(
            groups::get_group,
            groups::update_group,
            groups::delete_group
        ))
        .routes(routes!(
            credentials::list_credentials,
            credentials::create_credential
        ))
        .routes(routes!(
            credentials::get_credential,
            credentials::update_credential,
            credentials::delete_credential
        ))
        .routes(routes!(
            exporters::list_exporters,
            exporters::create_exporter
        ))
        .routes(routes!(
            exporters::get_exporter,
            exporters::update_exporter,
            exporters::delete_exporter
        ))
        .routes(routes!(sync::get_sync))
        .routes(routes!(sync::list_sync_versions))
        .routes(routes!(sync::get_sync_version))
        .routes(routes!(sync::restore_sync_version))
        .routes(routes!(sync::plan_sync))
        .routes(routes!(sync::confirm_sync))
        .routes(routes!(sync::resume_sync))
        .routes(routes!(sd::get_targets))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(alerts::alert_statistics))
        .routes(routes!(alert_export::export_alerts))
        .routes(routes!(alert_gaps::list_alert_gaps))
        .routes(routes!(alerts::get_alert))
        .routes(routes!(
            alerts::acknowledge_alert,
            alerts::unacknowledge_alert
        ))
        .routes(routes!(alerts::comment_alert))
        .routes(routes!(alerts::assign_alert))
        .routes(routes!(inlets::receive_webhook))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::verify_audit))
        .routes(routes!(openapi::get_openapi));
    OpenApiRouter::new()
        .routes(routes!(health::healthy))
        .routes(routes!(health::ready))
        .routes(routes!(inlets::push_alerts))
        .nest("/api/v1", api)
}

/// The service that answers.
pub fn router(state: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .route_layer(from_fn_with_state(state.clone(), gate::guard))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(CatchPanicLayer::new())
        .with_state(state)
}

async fn not_found() -> impl IntoResponse {
    Problem::not_found("there is nothing at this path")
}

async fn method_not_allowed() -> impl IntoResponse {
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
        "this path does not take this method",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::auth::access::RULES;

    /// `METHOD path` of every described operation.
    fn described() -> BTreeSet<String> {
        let description = serde_json::to_value(description()).unwrap();
        let paths = description["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, operations)| {
                let methods = operations.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect()
    }

    #[test]
    fn the_table_of_access_has_exactly_the_routes() {
        let ruled: BTreeSet<String> = RULES
            .iter()
            .map(|rule| format!("{} {}", rule.method, rule.path))
            .collect();
        assert_eq!(ruled.len(), RULES.len(), "a route has two rows");
        assert_eq!(ruled, described());
    }
}
