//! What the HTTP interface answers apart from scrapes: the same statuses as the
//! stock exporter's.

use crate::support::exporter::Exporter;
use crate::support::exposition::Exposition;
use crate::support::http;
use crate::support::ipmi_sim_file;
use crate::support::simulator::{Machine, Simulator};

/// Method, path with query (`@TARGET@` is the simulated BMC), and the status.
const REQUESTS: [(&str, &str, u16); 11] = [
    ("GET", "/ipmi", 400),
    ("GET", "/ipmi?target=", 400),
    ("GET", "/ipmi?target=&target=@TARGET@", 400),
    ("GET", "/ipmi?module=sim", 400),
    ("GET", "/ipmi?target=@TARGET@&module=nope", 400),
    (
        "GET",
        "/ipmi?target=@TARGET@&module=sim&user=x&pass=y&collector[]=bmc",
        200,
    ),
    ("GET", "/ipmi?target=@TARGET@&module=", 200),
    ("GET", "/metrics", 200),
    ("GET", "/", 200),
    ("GET", "/-/reload", 405),
    ("POST", "/-/reload", 200),
];

#[test]
fn statuses_are_stocks() {
    let machine = Machine {
        records: "comma-name",
        events: "clean",
        extras: Some(""),
    };
    let simulator = Simulator::start(&machine);
    let modules = ipmi_sim_file("modules.yml");
    let (stock, ours) = (Exporter::stock(&modules), Exporter::ours(&modules));
    for (method, path, expected) in REQUESTS {
        let path = path.replace("@TARGET@", &simulator.target());
        for (name, exporter) in [("stock", &stock), ("ours", &ours)] {
            let answer = http::request(exporter.address, method, &path, &[])
                .unwrap_or_else(|error| panic!("{name} does not answer {method} {path}: {error}"));
            assert_eq!(
                answer.status, expected,
                "{name}: {method} {path}: {}",
                answer.body
            );
        }
    }
}

#[test]
fn an_empty_default_module_leaves_only_the_duration_among_the_process_metrics() {
    let modules = ipmi_sim_file("modules.yml");
    let (stock, ours) = (Exporter::stock(&modules), Exporter::ours(&modules));
    for (name, exporter) in [("stock", &stock), ("ours", &ours)] {
        let answer = http::get(exporter.address, "/metrics").expect("an answer");
        let metrics = Exposition::parse(&answer.body);
        let ipmi: Vec<&str> = metrics
            .series
            .keys()
            .map(|series| series.name.as_str())
            .filter(|name| name.starts_with("ipmi_") && !name.starts_with("ipmi_exporter_"))
            .collect();
        assert_eq!(ipmi, ["ipmi_scrape_duration_seconds"], "{name}");
        for process in ["process_cpu_seconds_total", "process_resident_memory_bytes"] {
            assert!(
                metrics
                    .value(process, &[])
                    .is_some_and(|value| value >= 0.0),
                "{name}: {process}"
            );
        }
    }
}

#[test]
fn a_bad_reload_is_refused_and_the_old_modules_stay() {
    let machine = Machine {
        records: "blank-name",
        events: "clean",
        extras: Some(""),
    };
    let simulator = Simulator::start(&machine);
    let modules = ipmi_sim_file("modules.yml");
    for (name, exporter) in [
        ("stock", Exporter::stock(&modules)),
        ("ours", Exporter::ours(&modules)),
    ] {
        let file = exporter.home().join("modules.yml");
        let good = std::fs::read_to_string(&file).expect("its configuration");
        let reload = |text: &str| {
            std::fs::write(&file, text).expect("its configuration can be changed");
            http::request(exporter.address, "POST", "/-/reload", &[])
                .expect("an answer")
                .status
        };
        assert_eq!(reload("modules: {sim: {pasword: x}}"), 500, "{name}");
        let scrape = exporter
            .ipmi(&simulator.target(), "sim")
            .expect("an answer");
        let up = Exposition::parse(&scrape.body).value("ipmi_up", &[("collector", "ipmi")]);
        assert_eq!(up, Some(1.0), "{name}: {}", scrape.body);
        assert_eq!(reload(&good.replace("  sim:", "  renamed:")), 200, "{name}");
        let status = |module| {
            exporter
                .ipmi(&simulator.target(), module)
                .expect("an answer")
                .status
        };
        assert_eq!((status("sim"), status("renamed")), (400, 200), "{name}");
    }
}
