//! Every query of every panel of the controller's dashboards, asked of a real
//! Prometheus that scrapes simulated BMCs through the exporter, the exporter itself
//! and the controller.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bmc_sim::device::{DcmiPowerLimit, Thresholds};
use bmc_sim::{AnalogSensor, BmcConfig, Device, DeviceBuilder, DiscreteSensor, User};
use ipmi_controller::dashboards::{self, Language, Options, bundle};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::controller::Controller;
use crate::lab::{LIMIT, Lab, USER, module};
use crate::support::exporter::Exporter;
use crate::support::prometheus::Prometheus;
use crate::support::wait_for;

/// Sums over a time need some scrapes.
const PATIENCE: Duration = Duration::from_secs(60);
const COLLECTORS: &str = "    timeout: 3000
    collectors: [bmc, ipmi, chassis, dcmi, dcmi-statistics, sel, sel-events, thresholds]
    sel_events: [{name: fan, regex: fan}]";

/// A machine with a sensor of each kind, of which some are in trouble.
fn built() -> Device {
    let percent = AnalogSensor {
        // A percentage has no base unit.
        unit: 0,
        units_1: 0x01,
        ..AnalogSensor::fan("Fan duty", 55)
    };
    let slow = Thresholds {
        lower_non_critical: Some(10),
        lower_critical: Some(5),
        ..Thresholds::default()
    };
    let fan = |name: &str, raw: u8| AnalogSensor {
        thresholds: slow,
        ..AnalogSensor::fan(name, raw)
    };
    DeviceBuilder::new()
        .analog(AnalogSensor::temperature("Inlet Temp", 24))
        .analog(AnalogSensor::temperature("CPU1 Temp", 96))
        .analog(fan("FAN1", 52))
        .analog(fan("FAN2", 2))
        .analog(AnalogSensor { m: 1, ..percent })
        .analog(AnalogSensor::voltage("12V", 201))
        .analog(AnalogSensor::current("PS1 Current", 12))
        .analog(AnalogSensor::power("PS1 Input", 80))
        .discrete(DiscreteSensor::power_supply("PS1 Status", 0x0001))
        .discrete(DiscreteSensor::power_supply("PS2 Status", 0x0003))
        .dcmi_power(158)
        .dcmi_power_limit(DcmiPowerLimit {
            watts: 400,
            correction_ms: 1000,
            sampling_seconds: 1,
        })
        .sel_event(1_700_000_000, 0x04, 3, 0x01, [0x52, 2, 5])
        .build()
}

fn recorded(name: &str) -> Device {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/bmcs");
    Device::load(&PathBuf::from(folder).join(name)).expect("a recording")
}

/// Tells the controller of the machines; the first is `node-1`.
fn inventory(controller: &Controller, exporter: SocketAddr, bmcs: &[SocketAddr]) {
    let url = format!("http://{exporter}");
    controller.create("exporters", &json!({"name": "exp", "url": url}));
    let credential = controller.credential("bmc", "unused", "unused");
    let group = controller.create("groups", &json!({"name": "db"}));
    for (at, address) in bmcs.iter().enumerate() {
        let place = if at % 2 == 0 { "east" } else { "west" };
        let server = json!({"name": format!("node-{}", at + 1),
            "address": address.ip().to_string(), "port": address.port(),
            "credential_id": credential, "model": "R1", "manufacturer": "Example",
            "site": place, "rack": format!("{place}-1"),
            "group_id": (at < 3).then_some(group)});
        controller.create("servers", &server);
    }
}

/// The default rules, which fire at once.
fn rules() -> String {
    let files = bundle::files(&Options::default());
    let file = files.iter().find(|file| file.path == "mixin/rules.json");
    let mut rules: Value = serde_json::from_str(&file.expect("rules").text).expect("JSON");
    for group in rules["groups"].as_array_mut().expect("a list") {
        group["interval"] = json!("1s");
        for rule in group["rules"].as_array_mut().expect("a list") {
            rule.as_object_mut().expect("a rule").remove("for");
        }
    }
    rules.to_string()
}

/// A Prometheus with the controller's targets.
fn prometheus(targets: &Path, exporter: SocketAddr, controller: SocketAddr) -> Prometheus {
    let configuration = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
- {{job_name: ipmi-servers, file_sd_configs: [{{files: ['{}']}}]}}
- {{job_name: ipmi-exporter, static_configs: [{{targets: ['{exporter}']}}]}}
- {{job_name: ipmi-controller, static_configs: [{{targets: ['{controller}']}}]}}
",
        targets.display()
    );
    Prometheus::start(&[("prometheus.yml", &configuration), ("rules.yml", &rules())])
}

/// An expression as Grafana sends it, with everything chosen and `node-1` as server.
fn sent(uid: &str, expr: &str, by: &str) -> String {
    let server = if uid == dashboards::SERVER {
        "node-1"
    } else {
        ".*"
    };
    [
        ("$__rate_interval", "30s"),
        ("$__range_s", "600"),
        ("$__range:5m", "10m:5s"),
        ("$__range", "10m"),
        ("$site", ".*"),
        ("$group", ".*"),
        ("$rack", ".*"),
        ("$server", server),
        ("$sensor", ".*"),
        ("$by", by),
    ]
    .iter()
    .fold(expr.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    })
}

/// All queries with their places.
fn queries() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for dashboard in dashboards::all() {
        for panel in dashboard.panels() {
            let place = format!("{}: {}", dashboard.uid, panel.title.get(Language::En));
            for query in &panel.queries {
                let names: &[&str] = match query.expr.contains("$by") {
                    true => &["group", "site", "rack", "model", "manufacturer"],
                    false => &[""],
                };
                let exprs = names.iter().map(|by| sent(dashboard.uid, &query.expr, by));
                all.extend(exprs.map(|expr| (place.clone(), expr)));
            }
        }
    }
    all
}

#[test]
fn every_query_of_every_dashboard_has_data() {
    let lab = Lab::new();
    let other = BmcConfig::new().user(User::administrator(USER, "another one"));
    let bmcs = [
        lab.start(built()),
        lab.start(recorded("quanta-d51")),
        lab.start(recorded("dell-poweredge-r730")),
        // Its log-ins are refused.
        lab.start_with(other, built()),
    ];
    let exporter = Exporter::ours(&module(COLLECTORS));
    let home = TempDir::new().expect("a directory");
    let targets = home.path().join("targets.json");
    let controller = Controller::start_with(vec![
        ("PROMETHEUS__TARGETS_FILE", targets.display().to_string()),
        ("BACKUP__DIRECTORY", home.path().display().to_string()),
    ]);
    let addresses: Vec<SocketAddr> = bmcs.iter().map(|bmc| bmc.addr()).collect();
    inventory(&controller, exporter.address, &addresses);
    controller.ask(Method::POST, "backups", Some(&json!({})));
    wait_for("the targets", LIMIT, || {
        let text = std::fs::read_to_string(&targets).unwrap_or_default();
        text.contains("node-4").then_some(())
    });
    let prometheus = prometheus(&targets, exporter.address, controller.address);
    let mut left = queries();
    assert!(left.len() > 150, "{}", left.len());
    // Each has data at some time; what Prometheus calls wrong fails at once.
    let end = std::time::Instant::now() + PATIENCE;
    while !left.is_empty() && std::time::Instant::now() < end {
        left.retain(|(_, expr)| {
            let found = prometheus.query(expr);
            !found.iter().any(|(_, value)| !value.is_nan())
        });
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(
        left.is_empty(),
        "no data: {left:#?}\n{}",
        prometheus.targets()
    );
}
