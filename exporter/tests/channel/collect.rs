//! A controller that has a BMC asked now, by a real exporter.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::controller::Controller;
use crate::lab::{Lab, machine, module};
use crate::support::exporter::Exporter;

#[test]
fn a_bmc_is_asked_now_and_not_too_often() {
    let lab = Lab::new();
    let bmc = lab.start(machine(3));
    let exporter = Exporter::ours(&module("    collectors: [ipmi, dcmi, sm-lan-mode]"));
    let controller = Controller::start();
    let url = format!("http://{}", exporter.address);
    let exporter = controller.create("exporters", &json!({"name": "exp-1", "url": url}));
    let profile = controller.credential("bmc", "unused", "unused");
    let server = controller.server("node-1", bmc.addr(), profile, exporter);
    let path = format!("monitoring/servers/{server}/collect");

    let body = controller.ask(Method::POST, &path, Some(&json!({})));
    let keys: Vec<&str> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let fields = [
        "api_execution_time",
        "collected_metrics",
        "errors",
        "status",
        "timestamp",
    ];
    assert_eq!(keys, fields);
    // The machine has no such switch of Supermicro's.
    assert_eq!(body["status"], "partial_success");
    let error = body["errors"][0].as_str().unwrap();
    assert!(error.starts_with("sm-lan-mode:"), "{error}");
    let names: Vec<&str> = body["collected_metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names[0].starts_with("temperature:"), "{names:?}");
    assert_eq!(names[3], "power:DCMI Power");
    assert!(body["api_execution_time"].as_f64().unwrap() > 0.0);
    let (again, answer) = controller.try_ask(Method::POST, &path, Some(&json!({})));
    assert_eq!(again, StatusCode::TOO_MANY_REQUESTS, "{answer}");
}
