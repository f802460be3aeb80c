//! `probe` and `check-config` know the additional collectors.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::lab::{Lab, module};
use crate::machine::{STANDARD, VENDORS, all_vendors, built, everything};

fn run(arguments: &[&str], collectors: &str) -> Output {
    let home = TempDir::new().unwrap();
    let path = home.path().join("ipmi.yml");
    fs::write(&path, module(&format!("    collectors: [{collectors}]"))).unwrap();
    let path = path.display().to_string();
    let arguments = arguments
        .iter()
        .map(|argument| argument.replace("@FILE@", &path));
    Command::new(env!("CARGO_BIN_EXE_ipmi_exporter"))
        .args(arguments)
        .output()
        .expect("the exporter can be started")
}

fn probe(target: &str, format: &str, collectors: &str) -> String {
    let format = format!("--format={format}");
    let arguments = [
        "probe",
        target,
        "--module=bmc",
        "--config.file=@FILE@",
        "--log.level=error",
        &format,
    ];
    let output = run(&arguments, collectors);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_person_sees_what_each_collector_tells() {
    let lab = Lab::new();
    let sim = lab.start(built(everything().vendor(674, 256).oem(all_vendors())));
    let text = probe(
        &sim.addr().to_string(),
        "table",
        "power-on-hours, dcmi-temperatures, dell-power, lenovo-energy",
    );
    let squeezed: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for expected in [
        "power-on-hours",
        "ipmi_chassis_power_on_seconds_total 3600000",
        "ipmi_dcmi_temperature_celsius entity=\"inlet\" instance=\"2\" -3",
        "ipmi_dell_power_watts 158",
    ] {
        assert!(squeezed.iter().any(|line| line == expected), "{text}");
    }
    // One that has nothing to tell has no heading either.
    assert!(
        !squeezed.iter().any(|line| line == "lenovo-energy"),
        "{text}"
    );
}

#[test]
fn a_program_gets_samples_by_collector() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let text = probe(&sim.addr().to_string(), "json", "power-on-hours, fru");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        answer["additional"]["power-on-hours"],
        json!([{
            "metric": "ipmi_chassis_power_on_seconds_total",
            "labels": {},
            "value": 3_600_000.0,
        }])
    );
    let samples = answer["additional"]["fru"].as_array().expect("samples");
    let info = samples
        .iter()
        .find(|sample| sample["metric"] == "ipmi_fru_info")
        .expect("the board");
    assert_eq!(info["labels"]["board_serial"], "BS-1");
}

#[test]
fn check_config_takes_all_of_them() {
    let output = run(
        &["check-config", "@FILE@"],
        &format!("{STANDARD}, {VENDORS}"),
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
