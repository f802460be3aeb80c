//! What the exporter tells about itself on `/metrics`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rmcp_ipmi::session::{Counters, RejectReason};

use crate::exposition::Format;

/// One label with a value from a closed set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SuiteLabel {
    cipher_suite: u32,
}

/// What the configuration in use is, and where it is from. There is one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConfigLabels {
    source: &'static str,
    version: String,
}

/// None, for families that have no series before something happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoLabels {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AuthTypeLabel {
    auth_type: &'static str,
}

type Count = Counter<u64, AtomicU64>;
type Level<T = i64, A = AtomicI64> = Gauge<T, A>;

/// All own metrics. Cheap to count into from anywhere.
pub struct Telemetry {
    registry: Registry,
    scrapes: Family<ResultLabel, Count>,
    refused: Family<ReasonLabel, Count>,
    logins: Family<ResultLabel, Count>,
    suites: Family<SuiteLabel, Count>,
    auth_types: Family<AuthTypeLabel, Count>,
    suite_downgrades: Count,
    key_exchanges: Count,
    sent: Count,
    received: Count,
    retransmitted: Count,
    late: Count,
    sequence_jumps: Count,
    tolerated_tags: Count,
    rejected: Family<ReasonLabel, Count>,
    request_failures: Family<ReasonLabel, Count>,
    sdr_cache: Family<ResultLabel, Count>,
    duplicate_sensors: Count,
    sensors_over_limit: Count,
    threshold_disagreements: Count,
    shared_collections: Count,
    /// Targets that are known now.
    pub targets: Level,
    /// Sessions that are open now.
    pub sessions: Level,
    config_good: Level,
    config_loaded_at: Level<f64, AtomicU64>,
    local_unsupported: Level,
    controller_requests: Family<ResultLabel, Count>,
    controller_failures: Family<ReasonLabel, Count>,
    controller_heard_at: Family<NoLabels, Level<f64, AtomicU64>>,
    controller_config: Family<ConfigLabels, Level>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl Telemetry {
    /// Registers everything.
    pub fn new() -> Self {
        let mut telemetry = Self {
            registry: Registry::default(),
            scrapes: Family::default(),
            refused: Family::default(),
            logins: Family::default(),
            suites: Family::default(),
            auth_types: Family::default(),
            suite_downgrades: Count::default(),
            key_exchanges: Count::default(),
            sent: Count::default(),
            received: Count::default(),
            retransmitted: Count::default(),
            late: Count::default(),
            sequence_jumps: Count::default(),
            tolerated_tags: Count::default(),
            rejected: Family::default(),
            request_failures: Family::default(),
            sdr_cache: Family::default(),
            duplicate_sensors: Count::default(),
            sensors_over_limit: Count::default(),
            threshold_disagreements: Count::default(),
            shared_collections: Count::default(),
            targets: Level::default(),
            sessions: Level::default(),
            config_good: Level::default(),
            config_loaded_at: Level::default(),
            local_unsupported: Level::default(),
            controller_requests: Family::default(),
            controller_failures: Family::default(),
            controller_heard_at: Family::default(),
            controller_config: Family::default(),
        };
        telemetry.register();
        telemetry
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Family::<BuildLabels, Level>::default();
        build.get_or_create(&BuildLabels::of_this_program()).set(1);
        registry.register(
            "ipmi_exporter_build_info",
            "A metric with a constant '1' value labeled by what the exporter was built from",
            build,
        );
        registry.register(
            "ipmi_exporter_cipher_suite_downgrades",
            "Log-ins with a less preferred cipher suite than the BMC accepted before",
            self.suite_downgrades.clone(),
        );
        registry.register(
            "ipmi_exporter_config_last_reload_successful",
            "Whether the last attempt to load the configuration file was successful",
            self.config_good.clone(),
        );
        registry.register(
            "ipmi_exporter_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was loaded, in Unix seconds",
            self.config_loaded_at.clone(),
        );
        registry.register(
            "ipmi_exporter_controller_config_info",
            "A metric with a constant '1' value labeled by which version of the configuration is in use and where it is from",
            self.controller_config.clone(),
        );
        registry.register(
            "ipmi_exporter_controller_failures",
            "Requests to the controller without a usable answer by reason",
            self.controller_failures.clone(),
        );
        registry.register(
            "ipmi_exporter_controller_last_success_timestamp_seconds",
            "When the controller last gave a usable answer, in Unix seconds",
            self.controller_heard_at.clone(),
        );
        registry.register(
            "ipmi_exporter_controller_requests",
            "Requests for the configuration to the controller by result",
            self.controller_requests.clone(),
        );
        registry.register(
            "ipmi_exporter_datagrams_received",
            "UDP datagrams received from BMCs, good or not",
            self.received.clone(),
        );
        registry.register(
            "ipmi_exporter_datagrams_sent",
            "UDP datagrams sent to BMCs",
            self.sent.clone(),
        );
        registry.register(
            "ipmi_exporter_duplicate_sensors",
            "Sensors left out of an answer because another one has the same labels",
            self.duplicate_sensors.clone(),
        );
        registry.register(
            "ipmi_exporter_key_exchanges",
            "RAKP key exchanges started with BMCs",
            self.key_exchanges.clone(),
        );
        registry.register(
            "ipmi_exporter_late_answers",
            "Answers of BMCs that came after their request had been sent again",
            self.late.clone(),
        );
        registry.register(
            "ipmi_exporter_local_collection_unsupported",
            "Whether the module 'default' asks /metrics for the local machine, whose in-band interface this version cannot read",
            self.local_unsupported.clone(),
        );
        registry.register(
            "ipmi_exporter_logins",
            "Log-ins to BMCs by result",
            self.logins.clone(),
        );
        registry.register(
            "ipmi_exporter_logins_by_auth_type",
            "Successful log-ins to BMCs over IPMI 1.5 by authentication type",
            self.auth_types.clone(),
        );
        registry.register(
            "ipmi_exporter_logins_by_cipher_suite",
            "Successful log-ins to BMCs by cipher suite",
            self.suites.clone(),
        );
        registry.register(
            "ipmi_exporter_refused_scrapes",
            "Requests to /ipmi that were refused before anything was sent",
            self.refused.clone(),
        );
        registry.register(
            "ipmi_exporter_rejected_packets",
            "Received datagrams without effect by reason",
            self.rejected.clone(),
        );
        registry.register(
            "ipmi_exporter_request_failures",
            "IPMI requests without a usable answer by reason",
            self.request_failures.clone(),
        );
        registry.register(
            "ipmi_exporter_retransmissions",
            "Requests to BMCs that were sent again",
            self.retransmitted.clone(),
        );
        registry.register(
            "ipmi_exporter_scrapes",
            "Answered requests to /ipmi by result",
            self.scrapes.clone(),
        );
        registry.register(
            "ipmi_exporter_sdr_cache",
            "Look-ups of a BMC's sensor records by where they came from",
            self.sdr_cache.clone(),
        );
        registry.register(
            "ipmi_exporter_sensors_over_limit",
            "Sensors left out of an answer because the BMC has more than --sensors.limit",
            self.sensors_over_limit.clone(),
        );
        registry.register(
            "ipmi_exporter_sequence_jumps",
            "Session sequence numbers of BMCs that jumped ahead",
            self.sequence_jumps.clone(),
        );
        registry.register(
            "ipmi_exporter_sessions_open",
            "BMC sessions that are open now",
            self.sessions.clone(),
        );
        registry.register(
            "ipmi_exporter_shared_collections",
            "Scrapes that were answered from a collection that was running already",
            self.shared_collections.clone(),
        );
        registry.register(
            "ipmi_exporter_targets",
            "BMCs that were asked for lately",
            self.targets.clone(),
        );
        registry.register(
            "ipmi_exporter_threshold_disagreements",
            "Readings whose comparison bits the sensor's thresholds contradict",
            self.threshold_disagreements.clone(),
        );
        registry.register(
            "ipmi_exporter_tolerated_message_tags",
            "Answers of BMCs at log-in that were accepted although their message tag is not that of the question",
            self.tolerated_tags.clone(),
        );
        registry.register_collector(Box::new(service_basics::ProcessCollector));
    }

    /// An answered scrape: `complete`, `partial` or `failed`.
    pub fn scrape(&self, result: &'static str) {
        self.scrapes.get_or_create(&ResultLabel { result }).inc();
    }

    /// A scrape that was refused before anything was sent.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// A log-in that ended; `result` is `success` or an error's label.
    pub fn login(&self, result: &'static str) {
        self.logins.get_or_create(&ResultLabel { result }).inc();
    }

    /// A log-in that succeeded with `suite`.
    pub fn suite(&self, suite: u8) {
        let cipher_suite = u32::from(suite);
        self.suites
            .get_or_create(&SuiteLabel { cipher_suite })
            .inc();
    }

    /// A log-in over IPMI 1.5 that succeeded with an authentication type.
    pub fn auth_type(&self, auth_type: &'static str) {
        self.auth_types
            .get_or_create(&AuthTypeLabel { auth_type })
            .inc();
    }

    /// A log-in with a less preferred suite than the BMC accepted before.
    pub fn suite_downgraded(&self) {
        self.suite_downgrades.inc();
    }

    /// A request in a session that had no usable answer.
    pub fn request_failed(&self, reason: &'static str) {
        self.request_failures
            .get_or_create(&ReasonLabel { reason })
            .inc();
    }

    /// Where sensor records came from: `memory`, `disk` or `bmc`.
    pub fn sdr_cache(&self, result: &'static str) {
        self.sdr_cache.get_or_create(&ResultLabel { result }).inc();
    }

    /// Sensors that were left out because their labels are taken.
    pub fn duplicate_sensors(&self, count: u64) {
        self.duplicate_sensors.inc_by(count);
    }

    /// Sensors that were left out because there are too many.
    pub fn sensors_over_limit(&self, count: u64) {
        self.sensors_over_limit.inc_by(count);
    }

    /// Readings that contradict their own comparison bits.
    pub fn threshold_disagreements(&self, count: u64) {
        self.threshold_disagreements.inc_by(count);
    }

    /// A scrape that joined a running collection.
    pub fn shared_collection(&self) {
        self.shared_collections.inc();
    }

    /// The outcome of loading the configuration.
    pub fn config_loaded(&self, good: bool) {
        self.config_good.set(i64::from(good));
        if good {
            self.config_loaded_at.set(unix_seconds());
        }
    }

    /// The controller gave a usable answer: `changed` or `unchanged`.
    pub fn controller_answered(&self, result: &'static str) {
        self.controller_requests
            .get_or_create(&ResultLabel { result })
            .inc();
        self.controller_heard_at
            .get_or_create(&NoLabels {})
            .set(unix_seconds());
    }

    /// A request to the controller had no usable answer.
    pub fn controller_failed(&self, reason: &'static str) {
        let result = "failed";
        self.controller_requests
            .get_or_create(&ResultLabel { result })
            .inc();
        self.controller_failures
            .get_or_create(&ReasonLabel { reason })
            .inc();
    }

    /// The configuration in use is this version, from `controller` or `cache`.
    pub fn controller_config(&self, source: &'static str, version: &str) {
        self.controller_config.clear();
        let version = version.to_owned();
        self.controller_config
            .get_or_create(&ConfigLabels { source, version })
            .set(1);
    }

    /// Adds what sessions counted.
    pub fn wire(&self, counters: &Counters) {
        self.sent.inc_by(counters.sent);
        self.received.inc_by(counters.received);
        self.retransmitted.inc_by(counters.retransmitted);
        self.late.inc_by(counters.late);
        self.sequence_jumps.inc_by(counters.sequence_jumps);
        self.tolerated_tags.inc_by(counters.tolerated_tags);
        self.key_exchanges.inc_by(counters.logins_started);
        for reason in RejectReason::ALL {
            let count = counters.rejected(reason);
            if count > 0 {
                let reason = reason.label();
                self.rejected
                    .get_or_create(&ReasonLabel { reason })
                    .inc_by(count);
            }
        }
    }

    /// All own metrics in `format`, with `gauges` (families of the local
    /// collection, without a last line) in front. `local_wanted` says whether a
    /// local collection was asked for, which this program cannot do.
    pub fn render(&self, format: Format, gauges: &str, local_wanted: bool) -> String {
        self.local_unsupported.set(i64::from(local_wanted));
        let mut own = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut own, &self.registry);
        let mut out = String::with_capacity(gauges.len() + own.len());
        out.push_str(gauges);
        match format {
            Format::OpenMetrics => {
                let _ = out.write_str(&own);
            }
            Format::Text => service_basics::from_open_metrics(&own, &mut out),
        }
        out
    }
}

fn unix_seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    goos: &'static str,
    goarch: &'static str,
}

impl BuildLabels {
    /// The stock exporter's label names, as far as they make sense here.
    fn of_this_program() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            goos: std::env::consts::OS,
            goarch: std::env::consts::ARCH,
        }
    }
}
