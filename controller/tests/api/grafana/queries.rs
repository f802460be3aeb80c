//! Every query of every panel, asked of a real Prometheus that scrapes simulated
//! BMCs through the real exporter, the exporter itself and the controller.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bmc_sim::device::{DcmiPowerLimit, Thresholds};
use bmc_sim::{AnalogSensor, BmcConfig, Device, DeviceBuilder, DiscreteSensor, Sim, User};
use ipmi_controller::config::PrometheusServers;
use ipmi_controller::dashboards;
use ipmi_controller::model::Role;
use ipmi_controller::render;
use serde_json::{Value, json};

use crate::real_exporter;
use crate::support::prometheus::{Prometheus, free_address};
use crate::support::wait::wait_for;
use crate::support::{Client, Lab};

const PASSWORD: &str = "correct horse";
const MODULES: &str = "modules:
  bmc:
    user: monitor
    pass: correct horse
    timeout: 3000
    collectors: [bmc, ipmi, chassis, dcmi, dcmi-statistics, sel, sel-events, thresholds]
    sel_events: [{name: fan, regex: fan}]
";

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

async fn bmc(device: Device, password: &str) -> Sim {
    let user = User::administrator("monitor", password);
    let config = BmcConfig::new().user(user);
    Sim::start(config, device).await.expect("a port")
}

async fn made(admin: &Client, path: &str, body: Value) -> Value {
    let made = admin.post(&format!("/api/v1/{path}"), &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["id"].clone()
}

/// Tells the controller of the machines; the first is `node-1`.
async fn inventory(admin: &Client, exporter: SocketAddr, bmcs: &[SocketAddr]) {
    let url = format!("http://{exporter}");
    made(admin, "exporters", json!({"name": "exp", "url": url})).await;
    let bmc = json!({"name": "bmc", "username": "monitor", "password": PASSWORD});
    let credential = made(admin, "credentials", bmc).await;
    let group = made(admin, "groups", json!({"name": "db"})).await;
    for (at, address) in bmcs.iter().enumerate() {
        let place = if at % 2 == 0 { "east" } else { "west" };
        let server = json!({"name": format!("node-{}", at + 1), "address": address.ip(),
            "port": address.port(), "credential_id": credential, "model": "R1",
            "manufacturer": "Example", "site": place, "rack": format!("{place}-1"),
            "group_id": (at < 3).then_some(&group)});
        made(admin, "servers", server).await;
    }
    let threshold = json!({"kind": "temperature", "bound": "upper", "level": "critical",
        "value": 60, "sensor": "Inlet Temp"});
    made(admin, "thresholds", threshold).await;
}

/// A Prometheus with the controller's targets and rules, which fire at once.
async fn prometheus(lab: &Lab, exporter: SocketAddr) -> Prometheus {
    let mut tx = lab.store.read().await.expect("the store");
    let shard = PrometheusServers::default().shards();
    let inventory = tx.inventory().await.expect("servers");
    let targets = render::targets(&inventory, &shard).expect("targets");
    let groups = render::rule_groups(&tx.ruleset().await.expect("rules"));
    drop(tx);
    let mut groups = serde_json::to_value(groups).expect("JSON");
    for group in groups.as_array_mut().expect("a list") {
        group["interval"] = json!("1s");
        for rule in group["rules"].as_array_mut().expect("a list") {
            rule.as_object_mut().expect("a rule").remove("for");
        }
    }
    let text = json!({ "groups": groups }).to_string();
    std::fs::write(lab.path("rules.yml"), text).expect("a file");
    let bytes = targets.shards[0].document.bytes();
    std::fs::write(lab.path("targets.json"), bytes).expect("a file");
    let jobs = format!(
        "- {{job_name: ipmi-servers, scrape_timeout: 1s, file_sd_configs: [{{files: ['{}']}}]}}\n\
         - {{job_name: ipmi-exporter, static_configs: [{{targets: ['{exporter}']}}]}}\n\
         - {{job_name: ipmi-controller, static_configs: [{{targets: ['{}']}}]}}\n\
         rule_files: ['{}']\n",
        lab.path("targets.json").display(),
        lab.address,
        lab.path("rules.yml").display(),
    );
    Prometheus::start(free_address(), &jobs).await
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

/// What is wrong with what an expression gives; nothing when there are numbers.
async fn trouble(prometheus: &Prometheus, expr: &str) -> Option<String> {
    let query: String = url::form_urlencoded::byte_serialize(expr.as_bytes()).collect();
    let answer = prometheus
        .get(&format!("/api/v1/query?query={query}"))
        .await;
    let Some(series) = answer["data"]["result"].as_array() else {
        return Some(answer.to_string());
    };
    let is_number = |one: &Value| one["value"][1].as_str().is_some_and(|text| text != "NaN");
    (!series.iter().any(is_number)).then(|| "no data".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_panel_has_data() {
    let home = Arc::new(tempfile::tempdir().expect("a directory"));
    let exporter = real_exporter::start(home.path(), MODULES).await;
    let backups = home.path().join("backups");
    std::fs::create_dir(&backups).expect("a directory");
    let directory = (
        "IPMI_CONTROLLER_BACKUP__DIRECTORY",
        backups.display().to_string(),
    );
    let lab = Lab::start_in(Arc::clone(&home), &[directory]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let bmcs = [
        bmc(built(), PASSWORD).await,
        bmc(recorded("quanta-d51"), PASSWORD).await,
        bmc(recorded("dell-poweredge-r730"), PASSWORD).await,
        bmc(built(), "another one").await,
    ];
    let mut addresses: Vec<SocketAddr> = bmcs.iter().map(|bmc| bmc.addr()).collect();
    // One that nobody answers for.
    addresses.push(free_address());
    inventory(&admin, exporter, &addresses).await;
    assert_eq!(admin.post("/api/v1/backups", &json!({})).await.status, 201);
    let prometheus = prometheus(&lab, exporter).await;
    let mut missing: Vec<(String, String)> = Vec::new();
    let mut asked = 0;
    for dashboard in dashboards::all() {
        for panel in dashboard.panels() {
            let title = panel.title.get(dashboards::Language::En);
            for query in &panel.queries {
                let names: &[&str] = match query.expr.contains("$by") {
                    true => &["group", "site", "rack", "model", "manufacturer"],
                    false => &[""],
                };
                for by in names {
                    let expr = sent(dashboard.uid, &query.expr, by);
                    missing.push((format!("{}: {title}", dashboard.uid), expr));
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 150, "{asked}");
    // Each was answered at some time; what Prometheus calls wrong never is.
    let mut last = Vec::new();
    let all = wait_for("data of every panel", async || {
        let mut left = Vec::new();
        last.clear();
        for (place, expr) in missing.drain(..) {
            if let Some(why) = trouble(&prometheus, &expr).await {
                last.push(format!("{place}: {why}: {expr}"));
                left.push((place, expr));
            }
        }
        missing = left;
        missing.is_empty().then_some(())
    });
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(50), all).await;
    assert!(in_time.is_ok(), "{}\n{}", last.join("\n"), prometheus.log());
    lab.stop().await;
}
