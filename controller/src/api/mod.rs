//! The REST interface under `/api/v1`. Handlers parse, ask the store, and write
//! the audit trail; one file for each resource.

mod alert_export;
mod alert_gaps;
mod alerting_parts;
mod alerts;
mod audit;
mod audit_export;
mod auth;
mod backups;
mod change;
mod channel;
mod credentials;
mod dashboards;
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
mod maintenance;
mod metrics;
mod monitoring;
mod observe;
mod oidc;
mod openapi;
mod openserverhub;
mod problem;
mod receiver_tests;
mod relay;
mod routes;
mod rules;
mod sd;
mod server_bulk;
mod server_export;
mod server_import;
mod servers;
mod session;
mod silences;
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
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::auth::Authenticator;
use crate::backup::Backups;
use crate::config::MetricsConfig;
use crate::leader::Standing;
use crate::oidc::Oidc;
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::web::Tls;

use alerting_parts::{inhibitions, notification_templates, receivers, time_intervals};
use openserverhub as hub;

pub use held::{Held, Watcher};
pub use openapi::description;
pub use problem::{Problem, ProblemBody};
pub use receiver_tests::ReceiverTools;
pub use silences::SilenceSettings;

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
    /// With what receivers are tried out and watched.
    pub receivers: ReceiverTools,
    /// How silences may be made.
    pub silences: SilenceSettings,
    /// What keeps dashboards in a Grafana; `None` when no token for one is given.
    pub grafana: Option<crate::grafana::Keeper>,
    /// For whom dashboards are written.
    pub dashboards: Arc<crate::dashboards::Options>,
    /// The page for browsers.
    pub page: crate::page::Page,
    /// The fleet at a glance.
    pub fleet: crate::fleet::Fleet,
    /// Tells what changed.
    pub events: crate::events::Handle,
    /// Scans for BMCs.
    pub discovery: crate::discovery::Discovery,
    /// What passes notifications on.
    pub relay: crate::relay::Relay,
}

/// Routes of one path with what is described of them: schemas, paths, handlers.
type Route = UtoipaMethodRouter<AppState>;

/// The routes at the root.
fn root_routes() -> Vec<Route> {
    vec![
        routes!(health::healthy),
        routes!(health::ready),
        routes!(metrics::get_metrics),
        routes!(inlets::push_alerts),
    ]
}

/// The routes below `/api/v1`.
fn api_routes() -> Vec<Route> {
    let mut routes = vec![
        routes!(auth::log_in),
        routes!(auth::refresh),
        routes!(auth::log_out),
        routes!(session::get_login_methods),
        routes!(session::get_session, session::open_session),
        routes!(session::open_oidc_session),
        routes!(oidc::oidc_login),
        routes!(oidc::oidc_callback),
        routes!(oidc::oidc_token),
        routes!(auth::get_me),
        routes!(auth::change_password),
        routes!(tokens::list_tokens, tokens::create_token),
        routes!(tokens::delete_token),
        routes!(users::list_users, users::create_user),
        routes!(users::get_user, users::update_user, users::delete_user),
        routes!(servers::list_servers, servers::create_server),
        routes!(
            servers::get_server,
            servers::update_server,
            servers::delete_server
        ),
        routes!(
            hub::servers::hub_list_servers,
            hub::servers::hub_create_server
        ),
        routes!(hub::servers::hub_statistics),
        routes!(hub::servers::hub_batch_monitoring),
        routes!(hub::groups::hub_list_groups, hub::groups::hub_create_group),
        routes!(
            hub::groups::hub_get_group,
            hub::groups::hub_update_group,
            hub::groups::hub_delete_group
        ),
        routes!(discovery::list_scans, discovery::start_scan),
        routes!(discovery::get_scan),
        routes!(discovery::cancel_scan),
        routes!(discovery::import_found),
        routes!(hub::discovery::hub_scan),
        routes!(hub::discovery::hub_import_file),
        routes!(hub::discovery::hub_import_text),
        routes!(hub::discovery::hub_import_devices),
        routes!(hub::discovery::hub_template),
        routes!(hub::discovery::hub_examples),
        routes!(server_bulk::change_servers),
        routes!(server_import::import_servers),
        routes!(server_export::export_servers),
        routes!(groups::list_groups, groups::create_group),
        routes!(
            groups::get_group,
            groups::update_group,
            groups::delete_group
        ),
        routes!(
            credentials::list_credentials,
            credentials::create_credential
        ),
        routes!(
            credentials::get_credential,
            credentials::update_credential,
            credentials::delete_credential
        ),
        routes!(exporters::list_exporters, exporters::create_exporter),
        routes!(
            exporters::get_exporter,
            exporters::update_exporter,
            exporters::delete_exporter
        ),
        routes!(rules::list_rule_groups, rules::create_rule_group),
        routes!(
            rules::get_rule_group,
            rules::update_rule_group,
            rules::delete_rule_group
        ),
        routes!(rules::reset_rule_group),
        routes!(rules::validate_rules),
        routes!(rules::backtest_rule),
        routes!(thresholds::get_server_thresholds),
        routes!(thresholds::list_thresholds, thresholds::create_threshold),
        routes!(
            thresholds::get_threshold,
            thresholds::update_threshold,
            thresholds::delete_threshold
        ),
        routes!(receivers::list_receivers, receivers::create_receiver),
        routes!(
            receivers::get_receiver,
            receivers::update_receiver,
            receivers::delete_receiver
        ),
        routes!(routes::get_routes, routes::update_routes),
        routes!(routes::test_routes),
        routes!(
            routes::get_alerting_settings,
            routes::update_alerting_settings
        ),
        routes!(
            inhibitions::list_inhibitions,
            inhibitions::create_inhibition
        ),
        routes!(
            inhibitions::get_inhibition,
            inhibitions::update_inhibition,
            inhibitions::delete_inhibition
        ),
        routes!(
            time_intervals::list_time_intervals,
            time_intervals::create_time_interval
        ),
        routes!(
            time_intervals::get_time_interval,
            time_intervals::update_time_interval,
            time_intervals::delete_time_interval
        ),
        routes!(
            notification_templates::list_notification_templates,
            notification_templates::create_notification_template
        ),
        routes!(
            notification_templates::get_notification_template,
            notification_templates::update_notification_template,
            notification_templates::delete_notification_template
        ),
        routes!(channel::get_exporter_config),
        routes!(channel::put_exporter_status),
        routes!(sync::get_sync),
        routes!(sync::list_sync_versions),
        routes!(sync::get_sync_version),
        routes!(sync::restore_sync_version),
        routes!(sync::plan_sync),
        routes!(sync::confirm_sync),
        routes!(sync::resume_sync),
        routes!(dashboards::list_dashboards),
        routes!(dashboards::look_at_grafana),
        routes!(dashboards::get_dashboard_model),
        routes!(dashboards::reset_dashboard),
        routes!(sd::get_targets),
        routes!(alerts::list_alerts),
        routes!(alerts::alert_statistics),
        routes!(alert_export::export_alerts),
        routes!(alert_gaps::list_alert_gaps),
        routes!(alerts::get_alert),
        routes!(alerts::acknowledge_alert, alerts::unacknowledge_alert),
        routes!(alerts::comment_alert),
        routes!(alerts::assign_alert),
        routes!(inlets::receive_webhook),
        routes!(receiver_tests::test_receiver),
        routes!(receiver_tests::test_unsaved_receiver),
        routes!(receiver_tests::get_delivery),
        routes!(silences::list_silences, silences::create_silence),
        routes!(silences::preview_silence),
        routes!(silences::get_silence, silences::update_silence),
        routes!(silences::expire_silence),
        routes!(maintenance::list_windows, maintenance::create_window),
        routes!(maintenance::preview_occurrences),
        routes!(
            maintenance::get_window,
            maintenance::update_window,
            maintenance::delete_window
        ),
        routes!(maintenance::list_occurrences),
        routes!(relay::relay_notification),
        routes!(fleet::get_fleet),
        routes!(fleet::list_fleet_servers),
        routes!(fleet::get_fleet_map),
        routes!(events::get_events),
        routes!(audit::list_audit),
        routes!(audit::verify_audit),
        routes!(audit_export::export_audit),
        routes!(backups::list_backups, backups::create_backup),
        routes!(backups::list_runs),
        routes!(backups::get_backup, backups::delete_backup),
        routes!(backups::verify_backup),
        routes!(backups::download_backup),
        routes!(hub::operation::create),
        routes!(hub::operation::list),
        routes!(hub::operation::verify),
        routes!(hub::operation::restore),
        routes!(hub::operation::delete),
        routes!(hub::operation::download),
        routes!(hub::operation::audit_logs),
        routes!(hub::operation::audit_summary),
        routes!(hub::operation::export_audit_logs),
        routes!(openapi::get_openapi),
    ];
    routes.extend(monitoring::routes());
    routes
}

/// All routes with their description.
fn routes() -> OpenApiRouter<AppState> {
    let together = |routes: Vec<Route>| {
        let empty = OpenApiRouter::new();
        routes.into_iter().fold(empty, OpenApiRouter::routes)
    };
    together(root_routes()).nest("/api/v1", together(api_routes()))
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
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

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

    /// The description has room for one schema of a name, and takes the last.
    #[test]
    fn a_schema_has_its_name_alone() {
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        let routes = root_routes().into_iter().chain(api_routes());
        for (name, schema) in routes.flat_map(|(schemas, _, _)| schemas) {
            let schema = serde_json::to_value(schema).unwrap();
            let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*first, schema, "two types are called {name}");
        }
        assert!(known.contains_key("Server"), "they are looked at");
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        fn names(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    let reference = fields.get("$ref").and_then(Value::as_str);
                    found.extend(reference.map(str::to_owned));
                    fields.values().for_each(|value| names(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| names(value, found)),
                _ => {}
            }
        }
        let description = serde_json::to_value(description()).unwrap();
        let mut found = BTreeSet::new();
        names(&description, &mut found);
        assert!(found.contains("#/components/schemas/Server"));
        found.retain(|name| {
            let place = name.strip_prefix('#').unwrap_or_default();
            description.pointer(place).is_none()
        });
        assert_eq!(found, BTreeSet::new());
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
