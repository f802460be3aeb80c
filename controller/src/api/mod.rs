//! The REST interface under `/api/v1`. Handlers parse, ask the store, and write
//! the audit trail; one file for each resource.

mod alert_export;
mod alert_gaps;
mod alerts;
mod audit;
mod audit_export;
mod auth;
mod backups;
mod change;
mod channel;
mod credentials;
mod described;
mod discovery;
mod download;
mod events;
mod exporters;
mod extract;
mod fleet;
mod gate;
mod groups;
mod health;
mod held;
mod idempotency;
mod inlets;
mod metrics;
mod monitoring;
mod observe;
mod oidc;
mod openapi;
mod openserverhub;
mod problem;
mod rules;
mod sd;
mod server_bulk;
mod server_export;
mod server_import;
mod servers;
mod session;
mod sync;
mod thresholds;
mod tokens;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Authenticator;
use crate::backup::Backups;
use crate::config::MetricsConfig;
use crate::leader::Standing;
use crate::oidc::Oidc;
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::web::Tls;

use openserverhub as hub;

pub use held::{Held, Watcher};
pub use openapi::description;
pub use problem::{Problem, ProblemBody};

/// Largest body of a request, except where a route says otherwise.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for an answer of [`LONG_ROUTES`].
const LONG_TIMEOUT: Duration = Duration::from_secs(600);
/// Routes that have much to do, by their patterns.
const LONG_ROUTES: &[&str] = &[
    "/api/v1/servers/import",
    "/api/v1/servers/bulk",
    "/api/v1/discovery/csv-import",
    "/api/v1/discovery/network-scan",
];

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
    /// Whom monitoring asks.
    pub monitoring: crate::monitoring::Monitoring,
    /// What is counted.
    pub telemetry: Arc<Telemetry>,
    /// Who may read the metrics.
    pub metrics: MetricsConfig,
    /// Whether this controller leads.
    pub standing: watch::Receiver<Standing>,
    /// Backups of the store; `None` without a directory for them.
    pub backups: Option<Backups>,
    /// Log-in by an OpenID Connect provider; `None` when none is configured.
    pub oidc: Option<Oidc>,
    /// The certificate that is served; `None` without TLS.
    pub tls: Option<Tls>,
    /// What gives exporters their modules.
    pub channel: crate::channel::Handle,
    /// Whether that may happen over plain HTTP past this machine.
    pub allow_plain_http: bool,
    /// What judges rule files.
    pub promtool: crate::promtool::Promtool,
    /// The page for browsers.
    pub page: crate::page::Page,
    /// The fleet at a glance.
    pub fleet: crate::fleet::Fleet,
    /// Tells what changed.
    pub events: crate::events::Handle,
    /// Scans for BMCs.
    pub discovery: crate::discovery::Discovery,
}

/// All routes with their description.
fn routes() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .routes(routes!(auth::log_in))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::log_out))
        .routes(routes!(session::get_login_methods))
        .routes(routes!(session::get_session, session::open_session))
        .routes(routes!(session::open_oidc_session))
        .routes(routes!(oidc::oidc_login))
        .routes(routes!(oidc::oidc_callback))
        .routes(routes!(oidc::oidc_token))
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
        .routes(routes!(
            hub::servers::hub_list_servers,
            hub::servers::hub_create_server
        ))
        .routes(routes!(hub::servers::hub_statistics))
        .routes(routes!(hub::servers::hub_batch_monitoring))
        .routes(routes!(
            hub::groups::hub_list_groups,
            hub::groups::hub_create_group
        ))
        .routes(routes!(
            hub::groups::hub_get_group,
            hub::groups::hub_update_group,
            hub::groups::hub_delete_group
        ))
        .routes(routes!(discovery::list_scans, discovery::start_scan))
        .routes(routes!(discovery::get_scan))
        .routes(routes!(discovery::cancel_scan))
        .routes(routes!(discovery::import_found))
        .routes(routes!(hub::discovery::hub_scan))
        .routes(routes!(hub::discovery::hub_import_file))
        .routes(routes!(hub::discovery::hub_import_text))
        .routes(routes!(hub::discovery::hub_import_devices))
        .routes(routes!(hub::discovery::hub_template))
        .routes(routes!(hub::discovery::hub_examples))
        .routes(routes!(server_bulk::change_servers))
        .routes(routes!(server_import::import_servers))
        .routes(routes!(server_export::export_servers))
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
        .routes(routes!(rules::list_rule_groups, rules::create_rule_group))
        .routes(routes!(
            rules::get_rule_group,
            rules::update_rule_group,
            rules::delete_rule_group
        ))
        .routes(routes!(rules::reset_rule_group))
        .routes(routes!(rules::validate_rules))
        .routes(routes!(rules::backtest_rule))
        .routes(routes!(thresholds::get_server_thresholds))
        .routes(routes!(
            thresholds::list_thresholds,
            thresholds::create_threshold
        ))
        .routes(routes!(
            thresholds::get_threshold,
            thresholds::update_threshold,
            thresholds::delete_threshold
        ))
        .routes(routes!(channel::get_exporter_config))
        .routes(routes!(channel::put_exporter_status))
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
        .merge(monitoring::routes())
        .routes(routes!(fleet::get_fleet))
        .routes(routes!(fleet::list_fleet_servers))
        .routes(routes!(fleet::get_fleet_map))
        .routes(routes!(events::get_events))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::verify_audit))
        .routes(routes!(audit_export::export_audit))
        .routes(routes!(backups::list_backups, backups::create_backup))
        .routes(routes!(backups::list_runs))
        .routes(routes!(backups::get_backup, backups::delete_backup))
        .routes(routes!(backups::verify_backup))
        .routes(routes!(backups::download_backup))
        .routes(routes!(hub::operation::create))
        .routes(routes!(hub::operation::list))
        .routes(routes!(hub::operation::verify))
        .routes(routes!(hub::operation::restore))
        .routes(routes!(hub::operation::delete))
        .routes(routes!(hub::operation::download))
        .routes(routes!(hub::operation::audit_logs))
        .routes(routes!(hub::operation::audit_summary))
        .routes(routes!(hub::operation::export_audit_logs))
        .routes(routes!(openapi::get_openapi));
    OpenApiRouter::new()
        .routes(routes!(health::healthy))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::get_metrics))
        .routes(routes!(inlets::push_alerts))
        .nest("/api/v1", api)
}

/// The service that answers.
pub fn router(state: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .route_layer(from_fn_with_state(
            described::Described::new(&description()),
            described::guard,
        ))
        .route_layer(from_fn_with_state(state.clone(), gate::guard))
        .fallback(page_or_nothing)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(limit_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

/// What went wrong is in the log; the answer is a problem like others.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    tracing::error!(request_id = %observe::current_id(), "A request ended in a panic");
    Problem::new(
        axum::http::StatusCode::INTERNAL_SERVER_ERROR,
        "Internal error",
        "the controller failed; its log says why",
    )
    .into_response()
}

/// Ends what takes too long; what it was changing is not changed.
async fn limit_time(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let is_long = path.is_some_and(|path| LONG_ROUTES.contains(&path.as_str()));
    let limit = if is_long { LONG_TIMEOUT } else { TIMEOUT };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Took too long",
            format!("there was no answer within {} seconds", limit.as_secs()),
        )
        .into_response(),
    }
}

/// What no route answers: the page, or nothing.
async fn page_or_nothing(State(state): State<AppState>, request: Request) -> Response {
    state
        .page
        .answer(&request)
        .unwrap_or_else(|| Problem::not_found("there is nothing at this path").into_response())
}

async fn method_not_allowed() -> impl IntoResponse {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
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

    #[test]
    fn operations_have_names_of_their_own() {
        let description = serde_json::to_value(description()).unwrap();
        let mut names = BTreeSet::new();
        for path in description["paths"].as_object().unwrap().values() {
            for operation in path.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "two are called {name}");
            }
        }
    }
}
