//! A real Prometheus scrapes the exporter: discovery by file, the relabelling
//! that every multi-target exporter uses, plain and with TLS and a password.

mod support;

use std::collections::BTreeMap;
use std::fs;

use support::exporter::Exporter;
use support::exposition::{Exposition, Series, same};
use support::http;
use support::ipmi_sim_file;
use support::prometheus::{Prometheus, promtool_complaints};
use support::simulator::{Machine, Simulator};

const MACHINE: Machine = Machine {
    records: "varied",
    events: "varied",
    extras: Some("08=na 13=C0 09=CB 45=CD"),
};

/// Labels of the target in file discovery, besides what relabelling makes.
const TARGET_LABELS: [(&str, &str); 6] = [
    ("group", "web"),
    ("manufacturer", "Example Corp"),
    ("rack", "r12"),
    ("server_id", "17"),
    ("server_name", "db 17"),
    ("site", "north"),
];

/// What `promtool` does not like about the stock exporter's names, which are
/// the contract.
const KNOWN_COMPLAINTS: [&str; 1] =
    ["ipmi_sel_logs_count non-histogram and non-summary metrics should not have \"_count\" suffix"];

fn targets(target: &str) -> String {
    let labels: BTreeMap<&str, &str> = TARGET_LABELS.into();
    serde_json::json!([{ "targets": [target], "labels": labels }]).to_string()
}

/// The job as operators write it; `client` are further lines of it.
fn job(name: &str, exporter: &Exporter, client: &str) -> String {
    format!(
        r"
- job_name: {name}
  metrics_path: /ipmi
  params:
    module: [everything]
  file_sd_configs:
  - files: [targets.json]
  relabel_configs:
  - source_labels: [__address__]
    target_label: __param_target
  - source_labels: [__param_target]
    target_label: instance
  - target_label: __address__
    replacement: {address}
{client}",
        address = exporter.address,
    )
}

fn configuration(jobs: &[String]) -> String {
    let global = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:";
    format!("{global}{}", jobs.concat())
}

#[test]
fn prometheus_stores_what_a_scrape_shows() {
    let simulator = Simulator::start(&MACHINE);
    let exporter = Exporter::ours(&ipmi_sim_file("modules-head.yml"));
    let direct = exporter
        .ipmi(&simulator.target(), "everything")
        .expect("ours answers");
    let direct = Exposition::parse(&direct.body);
    let prometheus = Prometheus::start(&[
        (
            "prometheus.yml",
            &configuration(&[job("ipmi-servers", &exporter, "")]),
        ),
        ("targets.json", &targets(&simulator.target())),
    ]);

    let up = prometheus.wait_for("up{job='ipmi-servers'}");
    assert_eq!(up.len(), 1, "{up:?}");
    assert!(same(up[0].1, 1.0), "{}", prometheus.targets());

    let stored: BTreeMap<Series, f64> = prometheus
        .wait_for("{job='ipmi-servers',__name__=~'ipmi_.+'}")
        .into_iter()
        .collect();
    let instance = simulator.target();
    let expected: BTreeMap<Series, f64> = direct
        .series
        .into_iter()
        .map(|(mut series, value)| {
            // An empty label is no label to Prometheus.
            series.labels.retain(|_, value| !value.is_empty());
            let target = [("job", "ipmi-servers"), ("instance", &instance)];
            for (label, value) in TARGET_LABELS.into_iter().chain(target) {
                let clash = series.labels.insert(label.to_owned(), value.to_owned());
                assert_eq!(clash, None, "{series}: {label} is a label of the target");
            }
            (series, value)
        })
        .collect();
    let names = |series: &BTreeMap<Series, f64>| -> Vec<String> {
        series.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&stored), names(&expected));
    for (series, value) in expected {
        if series.name != "ipmi_scrape_duration_seconds" {
            assert!(
                same(stored[&series], value),
                "{series}: {} is not {value}",
                stored[&series]
            );
        }
    }
    // What an operator asks first.
    let hot =
        prometheus.query("ipmi_temperature_celsius > 90 and on(id) ipmi_temperature_state == 2");
    assert_eq!(hot.len(), 2, "{hot:?}");
}

#[test]
fn promtool_likes_both_endpoints() {
    let simulator = Simulator::start(&MACHINE);
    let exporter = Exporter::ours(&ipmi_sim_file("modules-head.yml"));
    let scrape = exporter
        .ipmi(&simulator.target(), "everything")
        .expect("ours answers");
    assert_eq!(promtool_complaints(&scrape.body), KNOWN_COMPLAINTS);
    let own = http::get(exporter.address, "/metrics").expect("ours answers");
    assert_eq!(own.status, 200, "{}", own.body);
    assert_eq!(promtool_complaints(&own.body), Vec::<String>::new());
}

#[test]
fn prometheus_scrapes_over_tls_with_a_password_and_not_without() {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
        .expect("a certificate for loopback");
    let certificate = certified.cert.pem();
    let key = certified.signing_key.serialize_pem();
    let hash = bcrypt::hash("scrape me", 4).expect("a bcrypt hash");
    let simulator = Simulator::start(&MACHINE);
    let exporter = Exporter::ours_with(&ipmi_sim_file("modules-head.yml"), |home| {
        let write = |name: &str, content: &str| {
            fs::write(home.join(name), content).expect("file for the web configuration");
        };
        write("web.crt", &certificate);
        write("web.key", &key);
        write(
            "web.yml",
            &format!(
                "tls_server_config:\n  cert_file: web.crt\n  key_file: web.key\n\
                 basic_auth_users:\n  prometheus: {hash}\n"
            ),
        );
        vec![format!(
            "--web.config.file={}",
            home.join("web.yml").display()
        )]
    });
    let client = |password: &str| {
        format!(
            "  scheme: https\n  tls_config:\n    ca_file: ca.crt\n\
             \x20 basic_auth:\n    username: prometheus\n    password: {password}\n"
        )
    };
    let prometheus = Prometheus::start(&[
        (
            "prometheus.yml",
            &configuration(&[
                job("right", &exporter, &client("scrape me")),
                job("wrong", &exporter, &client("guess")),
                job(
                    "untrusted",
                    &exporter,
                    &client("scrape me").replace("ca.crt", "other.crt"),
                ),
            ]),
        ),
        ("targets.json", &targets(&simulator.target())),
        ("ca.crt", &certificate),
        (
            "other.crt",
            &rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
                .expect("another certificate")
                .cert
                .pem(),
        ),
    ]);

    prometheus.wait_for("count(up) == 3");
    let up: BTreeMap<String, f64> = prometheus
        .query("up")
        .into_iter()
        .map(|(series, value)| (series.labels["job"].clone(), value))
        .collect();
    let expected = [("right", 1.0), ("untrusted", 0.0), ("wrong", 0.0)];
    let expected = expected.map(|(job, up)| (job.to_owned(), up));
    assert_eq!(up, BTreeMap::from(expected), "{}", prometheus.targets());
    prometheus.wait_for("ipmi_up{job='right',collector='ipmi'} == 1");
}
