//! The whole system on loopback: exporters on the channel, a real Prometheus and a
//! real Alertmanager, and the controller that tells all of them what to do and
//! hears of what becomes of it. Only the BMCs are simulated.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bmc_sim::device::DeviceBuilder;
use bmc_sim::{AnalogSensor, Device};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::controller::Controller;
use crate::follower::Home;
use crate::lab::{PASSWORD, USER};
use crate::support::exporter::Exporter;
use crate::support::exposition::Series;
use crate::support::http;
use crate::support::process::{Process, program};
use crate::support::prometheus::Prometheus;
use crate::support::{ANY_PORT, wait_for};

/// How long a change may take from one end of the system to the other. Discovery
/// by file alone may take five seconds.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// The exporters that there may be. The one that is there from the start is first.
pub(crate) const EXPORTERS: [&str; 2] = ["east", "west"];
/// The sensor that [`System::wait_for_fan`] looks at.
pub(crate) const FAN: &str = "FAN1";
/// What one count of a fan's reading is worth, in revolutions a minute.
const RPM: f64 = 100.0;
/// Label that tells in Prometheus by whom something was scraped.
const CARRIED_BY: &str = "carried_by";

/// How Prometheus learns what to scrape.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Discovery {
    Files,
    Http,
}

/// All programs but the BMCs.
pub(crate) struct System {
    pub(crate) controller: Controller,
    pub(crate) prometheus: Prometheus,
    /// The token of whoever asks for lists of targets.
    discovery: String,
    profile: i64,
    _alertmanager: Alertmanager,
    followers: Vec<(Home, Exporter)>,
}

impl System {
    /// Starts all, with the first of [`EXPORTERS`], a profile `bmc` for all simulated
    /// BMCs and no servers.
    pub(crate) fn start(discovery: Discovery) -> Self {
        let prometheus = Prometheus::start_with(
            &[("prometheus.yml", "scrape_configs: []\n")],
            &["--web.enable-lifecycle", "--rules.alert.resend-delay=1s"],
        );
        let file = |name: &str| prometheus.path(name).display().to_string();
        let url = format!("http://{}", prometheus.address());
        let mut settings = vec![
            ("PROMETHEUS__URL", url),
            ("PROMETHEUS__RULES_FILE", file("rules.yml")),
        ];
        if discovery == Discovery::Files {
            settings.push(("PROMETHEUS__TARGETS_FILE", file("targets.json")));
        }
        let controller = Controller::start_with(settings);
        let (inlet, list_token) = (token(&controller, "inlet"), token(&controller, "discovery"));
        let alertmanager = Alertmanager::start(&controller, &inlet);
        prometheus.configure(&format!(
            "global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n- job_name: ipmi-servers\n{}  \
             relabel_configs: [{{source_labels: [__meta_ipmi_exporter], target_label: {CARRIED_BY}}}]\n\
             alerting:\n  alertmanagers:\n  - static_configs: [{{targets: ['{}']}}]\n  \
             - static_configs: [{{targets: ['{}']}}]\n    authorization: {{credentials: {inlet}}}\n",
            discovery.configuration(&controller, &list_token),
            alertmanager.address,
            controller.address,
        ));
        let profile = json!({"name": "bmc", "username": USER, "password": PASSWORD,
            "settings": {"collectors": ["ipmi", "thresholds"]}});
        let profile = controller.create("credentials", &profile);
        let mut system = Self {
            controller,
            prometheus,
            discovery: list_token,
            profile,
            _alertmanager: alertmanager,
            followers: Vec::new(),
        };
        system.add_exporter(EXPORTERS[0]);
        system
    }

    /// Starts an exporter, which carries servers as soon as it can. Its number.
    pub(crate) fn add_exporter(&mut self, name: &str) -> i64 {
        // Where it listens is known when it runs, and it runs with a token of its own.
        let body = exporter("http://192.0.2.1:9290", name, false);
        let id = self.controller.create("exporters", &body);
        let home = Home::new(&self.controller.token(id));
        let follower = home.start(&self.controller.url());
        let url = format!("http://{}", follower.address);
        self.followers.push((home, follower));
        self.change("exporters", id, &exporter(&url, name, true));
        id
    }

    /// Stops using an exporter, which goes on running.
    pub(crate) fn disable_exporter(&self, id: i64, name: &str) {
        let body = exporter("http://192.0.2.1:9290", name, false);
        self.change("exporters", id, &body);
    }

    /// A server of the profile `bmc`, which any exporter may carry.
    pub(crate) fn server(&self, name: &str, bmc: SocketAddr, is_on: bool) -> Value {
        json!({"name": name, "address": bmc.ip().to_string(), "port": bmc.port(),
            "credential_id": self.profile, "monitoring_enabled": is_on})
    }

    /// Changes something as a whole.
    pub(crate) fn change(&self, what: &str, id: i64, body: &Value) {
        let path = format!("{what}/{id}");
        self.controller.ask(Method::PUT, &path, Some(body));
    }

    /// Waits until Prometheus has exactly one speed of a server's [`FAN`], that of this
    /// reading, or none.
    pub(crate) fn wait_for_fan(&self, server: &str, reading: Option<u8>) {
        let expression = format!("ipmi_fan_speed_rpm{{server_name=\"{server}\",name=\"{FAN}\"}}");
        let wanted: Vec<f64> = reading
            .map(|raw| f64::from(raw) * RPM)
            .into_iter()
            .collect();
        wait_for(&format!("{expression} to be {wanted:?}"), LIMIT, || {
            let found = self.prometheus.query(&expression).into_iter();
            (found.map(|(_, value)| value).collect::<Vec<_>>() == wanted).then_some(())
        });
    }

    /// The servers that an exporter is to carry.
    pub(crate) fn share(&self, exporter: &str) -> BTreeSet<String> {
        let path = format!("/api/v1/sd/prometheus/{exporter}");
        let token = format!("Bearer {}", self.discovery);
        let headers = [("Authorization", token.as_str())];
        let answer = http::request(self.controller.address, "GET", &path, &headers);
        let answer = answer.expect("the controller answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let list: Vec<Value> = serde_json::from_str(&answer.body).expect("a list");
        let names = list.iter().map(|group| &group["labels"]["server_name"]);
        names
            .map(|name| name.as_str().expect("a text").to_owned())
            .collect()
    }

    /// Which servers can be read, each with the exporter by which it is.
    pub(crate) fn carried(&self) -> BTreeSet<(String, String)> {
        self.carried_by("ipmi_up{collector=\"ipmi\"} == 1")
    }

    /// The same of all the time since the start.
    pub(crate) fn carried_ever(&self) -> BTreeSet<(String, String)> {
        self.carried_by("max_over_time(ipmi_up{collector=\"ipmi\"}[1h]) == 1")
    }

    fn carried_by(&self, expression: &str) -> BTreeSet<(String, String)> {
        let found = self.prometheus.query(expression).into_iter();
        let pair = |label: &str, (series, _): &(Series, f64)| series.labels[label].clone();
        found
            .map(|found| (pair("server_name", &found), pair(CARRIED_BY, &found)))
            .collect()
    }
}

impl Discovery {
    /// What makes a scrape job learn its targets so.
    fn configuration(self, controller: &Controller, token: &str) -> String {
        if self == Self::Files {
            return "  file_sd_configs: [{files: [targets.json]}]\n".to_owned();
        }
        let lists = EXPORTERS.map(|exporter| {
            format!(
                "  - url: {}/api/v1/sd/prometheus/{exporter}\n    refresh_interval: 1s\n    \
                 authorization: {{type: Bearer, credentials: {token}}}\n",
                controller.url()
            )
        });
        format!("  http_sd_configs:\n{}", lists.concat())
    }
}

struct Alertmanager {
    address: SocketAddr,
    _process: Process,
    _home: TempDir,
}

impl Alertmanager {
    /// Starts one that tells the controller of everything.
    fn start(controller: &Controller, inlet: &str) -> Self {
        let home = TempDir::new().expect("a directory");
        let config = format!(
            "route: {{receiver: journal, group_by: [alertname, server_id], group_wait: 0s, group_interval: 1s}}\n\
             receivers:\n- name: journal\n  webhook_configs:\n  \
             - url: {}/api/v1/monitoring/alerts/webhook\n    send_resolved: true\n    \
             http_config: {{authorization: {{credentials: {inlet}}}}}\n",
            controller.url()
        );
        std::fs::write(home.path().join("alertmanager.yml"), config).expect("a file");
        let path = program("prometheus-alertmanager", "prometheus-alertmanager");
        let mut process = Process::start(&path, |command| {
            command.current_dir(home.path()).arg(ANY_PORT).args([
                "--config.file=alertmanager.yml",
                "--storage.path=data",
                "--cluster.listen-address=",
            ]);
        });
        Self {
            address: process.listening(),
            _process: process,
            _home: home,
        }
    }
}

/// A machine with [`FAN`] at this reading and a second one that never changes.
pub(crate) fn fans(reading: u8) -> Device {
    DeviceBuilder::new()
        .analog(AnalogSensor::fan(FAN, reading))
        .analog(AnalogSensor::fan("FAN2", 60))
        .build()
}

fn exporter(url: &str, name: &str, is_on: bool) -> Value {
    json!({"name": name, "url": url, "enabled": is_on})
}

/// Makes a token of this kind.
fn token(controller: &Controller, kind: &str) -> String {
    let body = json!({"name": kind, "kind": kind});
    let made = controller.ask(Method::POST, "tokens", Some(&body));
    made["token"].as_str().expect("a text").to_owned()
}
