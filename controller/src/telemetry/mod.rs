//! The controller's own metrics: what it counts, and what it looks up when it
//! is asked. All label values come from closed sets: routes are templates, and
//! nobody's names or addresses are in them.

mod present;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use service_basics::ProcessCollector;

use crate::model::RunKind;
use crate::store::TransactionTimes;

pub use present::{Present, StoreFacts, SyncSample, sync_samples};

/// Media type of OpenMetrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Media type of the older text format.
pub const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Beginning of the names of our metrics.
const PREFIX: &str = "ipmi_controller";

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: &'static str,
}

/// Where alerts come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inlet {
    /// Prometheus, to which the controller is an Alertmanager.
    Prometheus,
    /// Alertmanager's webhook.
    Alertmanager,
}

impl Inlet {
    fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "alertmanager",
        }
    }
}

/// What came of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It can never be right.
    Refused,
    /// It came too often.
    Limited,
    /// We failed.
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InletLabels {
    inlet: &'static str,
    outcome: &'static str,
}

impl InletLabels {
    fn of(inlet: Inlet, outcome: Outcome) -> Self {
        Self {
            inlet: inlet.as_str(),
            outcome: outcome.as_str(),
        }
    }
}

/// How somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginMethod {
    /// Name and password.
    Password,
    /// OpenID Connect.
    Oidc,
}

impl LoginMethod {
    fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Oidc => "oidc",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginLabels {
    method: &'static str,
    outcome: &'static str,
}

impl LoginLabels {
    fn of(method: LoginMethod, outcome: Outcome) -> Self {
        Self {
            method: method.as_str(),
            outcome: outcome.as_str(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    kind: &'static str,
    outcome: &'static str,
}

impl RunLabels {
    fn of(kind: RunKind, outcome: Outcome) -> Self {
        Self {
            kind: kind.as_str(),
            outcome: outcome.as_str(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// What is counted.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    deliveries: Family<InletLabels, Counter>,
    alerts: Family<InletLabels, Counter>,
    logins: Family<LoginLabels, Counter>,
    runs: Family<RunLabels, Counter>,
}

impl Telemetry {
    /// Nothing counted yet. `times` are those of the store.
    #[must_use]
    pub fn new(times: &TransactionTimes) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        let durations: fn() -> Histogram =
            // From five milliseconds to 82 seconds.
            || Histogram::new(exponential_buckets(0.005, 2.0, 15));
        let own = registry.sub_registry_with_prefix(PREFIX);
        let telemetry = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            in_flight: Gauge::default(),
            deliveries: Family::default(),
            alerts: Family::default(),
            logins: Family::default(),
            runs: Family::default(),
        };
        let build = Family::<BuildLabels, Gauge>::default();
        build
            .get_or_create(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        own.register("build_info", "Version of the program", build);
        own.register(
            "http_requests",
            "Answered requests by route and class of status",
            telemetry.requests.clone(),
        );
        own.register(
            "http_request_duration_seconds",
            "Time from the head of a request to the end of its answer",
            telemetry.durations.clone(),
        );
        own.register(
            "http_requests_in_flight",
            "Requests that are being answered",
            telemetry.in_flight.clone(),
        );
        own.register(
            "journal_deliveries",
            "Deliveries of alerts; failed ones were not stored and come again",
            telemetry.deliveries.clone(),
        );
        own.register(
            "journal_alerts",
            "Alerts in deliveries: stored, or refused because they can never be right",
            telemetry.alerts.clone(),
        );
        own.register("logins", "Attempts to sign in", telemetry.logins.clone());
        own.register(
            "runs",
            "Backups of the store and snapshots of Prometheus",
            telemetry.runs.clone(),
        );
        for kind in RunKind::ALL {
            for outcome in [Outcome::Ok, Outcome::Failed] {
                drop(telemetry.runs.get_or_create(&RunLabels::of(kind, outcome)));
            }
        }
        for method in [LoginMethod::Password, LoginMethod::Oidc] {
            for outcome in [Outcome::Ok, Outcome::Refused, Outcome::Limited] {
                let labels = LoginLabels::of(method, outcome);
                drop(telemetry.logins.get_or_create(&labels));
            }
        }
        for inlet in [Inlet::Prometheus, Inlet::Alertmanager] {
            for outcome in [Outcome::Ok, Outcome::Refused] {
                let labels = InletLabels::of(inlet, outcome);
                drop(telemetry.alerts.get_or_create(&labels));
            }
            for outcome in [Outcome::Ok, Outcome::Refused, Outcome::Failed] {
                let labels = InletLabels::of(inlet, outcome);
                drop(telemetry.deliveries.get_or_create(&labels));
            }
        }
        own.register(
            "store_transaction_duration_seconds",
            "Time from the beginning of a transaction to its end",
            times.family.clone(),
        );
        Self {
            registry,
            ..telemetry
        }
    }

    /// A request begins.
    pub fn request_begins(&self) {
        self.in_flight.inc();
    }

    /// A request has ended after so many seconds. `route` is a template.
    pub fn request_ended(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        seconds: f64,
    ) {
        self.in_flight.dec();
        let status = match status {
            0..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let labels = RequestLabels {
            method,
            route,
            status,
        };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { method, route };
        self.durations.get_or_create(&labels).observe(seconds);
    }

    /// A delivery of alerts was dealt with.
    pub fn delivery(&self, inlet: Inlet, outcome: Outcome) {
        let labels = InletLabels::of(inlet, outcome);
        self.deliveries.get_or_create(&labels).inc();
    }

    /// So many alerts of a delivery were stored, or refused.
    pub fn alerts(&self, inlet: Inlet, outcome: Outcome, count: usize) {
        let labels = InletLabels::of(inlet, outcome);
        self.alerts.get_or_create(&labels).inc_by(count as u64);
    }

    /// Somebody tried to sign in.
    pub fn login(&self, method: LoginMethod, outcome: Outcome) {
        let labels = LoginLabels::of(method, outcome);
        self.logins.get_or_create(&labels).inc();
    }

    /// A backup or a snapshot was made, or not.
    pub fn run(&self, kind: RunKind, outcome: Outcome) {
        self.runs.get_or_create(&RunLabels::of(kind, outcome)).inc();
    }

    /// Everything as OpenMetrics, or in the older text format.
    #[must_use]
    pub fn render(&self, present: &Present, is_open_metrics: bool) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        // One end is enough: that of the second part.
        text.truncate(text.trim_end_matches("# EOF\n").len());
        let _ = encode(&mut text, &present.registry());
        if is_open_metrics {
            return text;
        }
        let mut older = String::with_capacity(text.len());
        service_basics::from_open_metrics(&text, &mut older);
        older
    }
}
