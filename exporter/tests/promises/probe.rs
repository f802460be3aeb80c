//! `ipmi_exporter probe`: one scrape for a person or a program.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use bmc_sim::{AnalogSensor, BmcConfig, Device, DeviceBuilder, DiscreteSensor, Fault, User};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::lab::{Lab, USER, deaf_port, module};
use crate::support::exposition::Exposition;

/// A configuration in a directory of its own.
struct Config {
    _home: TempDir,
    path: PathBuf,
}

impl Config {
    fn new(text: &str) -> Self {
        let home = TempDir::new().unwrap();
        let path = home.path().join("ipmi.yml");
        fs::write(&path, text).unwrap();
        Self { _home: home, path }
    }

    fn probe(&self, target: &str, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ipmi_exporter"))
            .args(["probe", target, "--log.level=error"])
            .arg(format!("--config.file={}", self.path.display()))
            .args(more)
            .output()
            .expect("the exporter can be started")
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    // What every file with a password in it that others can read gets.
    let lines = text.lines().filter(|line| !line.starts_with("warning: "));
    lines.map(|line| format!("{line}\n")).collect()
}

fn device() -> Device {
    DeviceBuilder::new()
        .vendor(674, 256)
        .firmware(2, 0x30)
        .system_info(1, "2.19.1")
        .analog(AnalogSensor::temperature("Inlet", 21))
        .analog(AnalogSensor::temperature("CPU, hot", 99))
        .analog(AnalogSensor::fan("Fan 1", 56))
        .analog(AnalogSensor::voltage("12V", 200))
        .discrete(DiscreteSensor::power_supply("PS\n1", 0x0001))
        .dcmi_power(158)
        .build()
}

#[test]
fn a_person_gets_a_table() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let output = Config::new(&module("")).probe(&sim.addr().to_string(), &["-m", "bmc"]);
    assert!(output.status.success(), "{}", err(&output));
    let text = out(&output);
    let (head, rest) = text.split_once('\n').unwrap();
    assert!(
        head.starts_with(&format!("{}, module \"bmc\", 0.", sim.addr())),
        "{head}"
    );
    assert_eq!(
        rest,
        "BMC manufacturer         Dell Inc. (674)\n\
         BMC firmware             2.30\n\
         System firmware          2.19.1\n\
         BMC URL                  N/A\n\
         Power                    on\n\
         Drives                   ok\n\
         Cooling                  ok\n\
         Power consumption        158 W\n\
         \n\
         \x20ID  NAME      TYPE          VALUE  UNIT  STATE\n\
         \x20 1  Inlet     Temperature      21  C     nominal\n\
         \x20 2  CPU, hot  Temperature      99  C     critical\n\
         \x20 3  Fan 1     Fan            5600  RPM   nominal\n\
         \x20 4  12V       Voltage          12  V     nominal\n\
         \x20 5  PS\\n1     Power Supply               nominal\n"
    );
    // Nothing but the result, and the session is closed.
    assert_eq!(err(&output), "");
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
}

#[test]
fn prometheus_text_is_that_of_a_scrape() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let arguments = [
        "--module=bmc",
        "--format=prom",
        "--sensors.noncritical=warning",
    ];
    let output = Config::new(&module("")).probe(&sim.addr().to_string(), &arguments);
    assert!(output.status.success(), "{}", err(&output));
    let exposition = Exposition::parse(&out(&output));
    assert_eq!(
        exposition.value("ipmi_up", &[("collector", "ipmi")]),
        Some(1.0)
    );
    let labels = [("id", "3"), ("name", "Fan 1")];
    assert_eq!(
        exposition.value("ipmi_fan_speed_rpm", &labels),
        Some(5600.0)
    );
    let state = exposition.value(
        "ipmi_sensor_state",
        &[("id", "5"), ("name", "PS\n1"), ("type", "Power Supply")],
    );
    assert_eq!(state, Some(0.0));
}

#[test]
fn a_program_gets_json() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let output = Config::new(&module("    exclude_sensor_ids: [1, 4]")).probe(
        &sim.addr().to_string(),
        &["--module", "bmc", "--format", "json"],
    );
    assert!(output.status.success(), "{}", err(&output));
    let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["duration_seconds"].take().as_f64().unwrap() > 0.0);
    let sensor = |id: &str, name: &str, kind: &str, unit: &str, value: Value, state: &str| json!({"id": id, "name": name, "type": kind, "unit": unit, "value": value, "state": state});
    assert_eq!(
        answer,
        json!({
            "duration_seconds": null,
            "up": {"bmc": true, "chassis": true, "dcmi": true, "ipmi": true},
            "failure": null,
            "bmc": {
                "bmc_url": "N/A",
                "firmware_revision": "2.30",
                "manufacturer_id": "Dell Inc. (674)",
                "system_firmware_version": "2.19.1",
            },
            "chassis": {"power_on": true, "drive_fault": false, "cooling_fault": false},
            "power_watts": 158,
            "watchdog": null,
            "lan_mode": null,
            "sel": null,
            "sel_events_by_state": null,
            "additional": {},
            "sensors": [
                sensor("2", "CPU, hot", "Temperature", "C", json!(99.0), "critical"),
                sensor("3", "Fan 1", "Fan", "RPM", json!(5600.0), "nominal"),
                sensor("5", "PS\n1", "Power Supply", "", Value::Null, "nominal"),
            ],
        })
    );
}

#[test]
fn what_is_down_is_said_with_the_reason_and_in_the_exit_status() {
    let lab = Lab::new();
    let wrong = lab.start_with(
        BmcConfig::new().user(User::administrator(USER, "another")),
        device(),
    );
    let no_slot = lab.start(device());
    no_slot.set_fault(Fault::SlotsExhausted);
    let no_dcmi = lab.start(DeviceBuilder::new().analogs(1).build());
    let deaf = deaf_port();
    let config = Config::new(&module(""));
    for (address, expected) in [
        (
            wrong.addr(),
            "Not collected: ipmi, dcmi, bmc, chassis (ipmi: wrong password (the BMC's proof in RAKP \
             message 2 does not match it))\n",
        ),
        (
            no_slot.addr(),
            "Not collected: ipmi, dcmi, bmc, chassis (ipmi: the BMC has no session to give: ",
        ),
        (
            deaf.local_addr().unwrap(),
            "Not collected: ipmi, dcmi, bmc, chassis (ipmi: no answer to authentication \
             capabilities within 3.5 s)\n",
        ),
        (
            no_dcmi.addr(),
            "Not collected: dcmi (dcmi: the BMC answered ",
        ),
    ] {
        let output = config.probe(&address.to_string(), &["--module=bmc"]);
        assert_eq!(output.status.code(), Some(1));
        let text = out(&output);
        let last = text.lines().last().unwrap_or_default();
        assert!(format!("{last}\n").starts_with(expected), "{text}");
    }
    assert_eq!(wrong.counters().rakp1, 1);
}

#[test]
fn mistakes_are_one_line_on_standard_error() {
    let config = Config::new(
        "modules:\n  bmc: {user: u, pass: p, targets: [10.0.0.0/8]}\n  open: {user: u, pass: p}\n",
    );
    for (target, module, expected) in [
        ("10.0.0.1", "no", "Unknown module \"no\""),
        (
            "10.0.0.0/8",
            "bmc",
            "target must be a host or host:port, not a URL",
        ),
        (
            "127.0.0.1",
            "bmc",
            "target is not listed in the targets of this module",
        ),
        (
            "10.0.0.1",
            "open",
            "target is not listed in the targets of this module",
        ),
    ] {
        let output = config.probe(target, &["--module", module]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(out(&output), "");
        assert_eq!(err(&output), format!("ipmi_exporter: error: {expected}\n"));
    }
    let unresolved = Config::new(&module("")).probe("no-such-host.invalid", &["-m", "bmc"]);
    assert_eq!(unresolved.status.code(), Some(1));
    let text = err(&unresolved);
    let expected = "ipmi_exporter: error: host name \"no-such-host.invalid\" cannot be resolved: ";
    assert!(text.starts_with(expected), "{text}");
    let no_module = config.probe("10.0.0.1", &[]);
    assert_eq!(no_module.status.code(), Some(1));
    assert_eq!(out(&no_module), "");
    assert!(err(&no_module).contains("--module"), "{}", err(&no_module));
    let bad_file = Config::new("modules: {bmc: {usr: x}}\n").probe("10.0.0.1", &["-m", "bmc"]);
    assert_eq!(bad_file.status.code(), Some(1));
    assert!(
        err(&bad_file).contains("did you mean `user`?"),
        "{}",
        err(&bad_file)
    );
}

#[test]
fn a_probe_ends_at_its_time_limit() {
    let lab = Lab::new();
    let sim = lab.start(device());
    sim.set_fault(Fault::Delay(Duration::from_secs(20)));
    let started = Instant::now();
    let arguments = ["-m", "bmc", "--timeout=800ms"];
    let output = Config::new(&module("")).probe(&sim.addr().to_string(), &arguments);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(took > Duration::from_millis(800), "{took:?}");
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("Not collected: "), "{}", out(&output));
    // The session of a slow BMC is closed all the same.
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
}
