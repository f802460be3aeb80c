//! The files of `make run`, judged by the programs that read them.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bmc_sim::fleet::{
    Addresses, Fleet, Latency, Machine, Plan, Recorder, RecorderThread, Spread, Targets, totals,
};
use bmc_sim::motion::{Behaviour, Model, PartKind};
use bmc_sim::{BmcConfig, Device, User};
use support::exporter::Exporter;
use support::exposition::{Exposition, same};
use support::process::{program, run};
use support::wait_for;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long something that takes milliseconds may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);
/// Families with a sensor's value, by the labels `id` and `name`.
const VALUE_FAMILIES: [&str; 7] = [
    "ipmi_current_amperes",
    "ipmi_fan_speed_ratio",
    "ipmi_fan_speed_rpm",
    "ipmi_power_watts",
    "ipmi_sensor_value",
    "ipmi_temperature_celsius",
    "ipmi_voltage_volts",
];

fn demo(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../demo")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn promtool_accepts_the_demonstrations_prometheus_configuration() {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("prometheus.yml");
    let places = [
        ("@ALERTMANAGER@", "127.0.0.1:9093"),
        ("@CONTROLLER@", "127.0.0.1:8080"),
        ("@EXPORTER@", "127.0.0.1:9290"),
        ("@CONTROL@", "127.0.0.1:9390"),
    ];
    let text = places
        .iter()
        .fold(demo("prometheus.yml"), |text, (place, address)| {
            text.replace(place, address)
        });
    fs::write(&path, text).expect("configuration file");
    for (name, text) in [
        ("targets.json", "[]"),
        ("rules.yml", "groups: []\n"),
        ("inlet-token", "token"),
    ] {
        fs::write(directory.path().join(name), text).expect("a file beside it");
    }
    let path = path.to_str().expect("temporary paths are text");
    let said = run(
        &program("promtool", "prometheus"),
        &["check", "config", path],
    );
    assert!(said.contains("SUCCESS"), "{said}");
}

/// The controller gives the exporter the same module that the file has.
#[test]
fn the_demonstrations_credential_profile_is_its_module() {
    let profile: serde_json::Value = serde_json::from_str(&demo("credential.json")).expect("JSON");
    let module: serde_json::Value =
        serde_saphyr::from_str(&demo("ipmi_exporter.yml")).expect("YAML");
    let module = &module["modules"]["demo"];
    let mut known = profile["settings"].clone();
    for (key, of_profile) in [
        ("user", "username"),
        ("pass", "password"),
        ("driver", "driver"),
        ("privilege", "privilege"),
    ] {
        known[key] = profile[of_profile].clone();
    }
    assert_eq!(module, &known);
}

#[test]
fn the_exporter_accepts_the_demonstrations_modules_and_nothing_else_there() {
    let check = |file: &str| {
        Command::new(env!("CARGO_BIN_EXE_ipmi_exporter"))
            .arg("check-config")
            .arg(
                Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("../demo")
                    .join(file),
            )
            .output()
            .expect("the exporter can be started")
    };
    let good = check("ipmi_exporter.yml");
    assert!(
        good.status.success(),
        "{}",
        String::from_utf8_lossy(&good.stderr)
    );
    let bad = check("prometheus.yml");
    assert!(
        !bad.status.success(),
        "a Prometheus configuration has no modules"
    );
}

/// The recorded machines, as the demonstration starts them.
fn fleet(runtime: &Runtime) -> (Fleet, Recorder, RecorderThread) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bmcs");
    let mut folders: Vec<_> = fs::read_dir(folder)
        .expect("the recordings")
        .map(|entry| entry.expect("the recordings").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let machines: Vec<_> = folders
        .iter()
        .map(|path| {
            let device = Device::load(path).unwrap_or_else(|error| panic!("{error}"));
            Arc::new(Machine {
                name: path.display().to_string(),
                model: Arc::new(Model::new(device)),
            })
        })
        .collect();
    let (recorder, thread) = RecorderThread::start(None, |_, _| {}).expect("a thread");
    let plan = Plan {
        count: machines.len(),
        machines,
        addresses: Addresses {
            first: ([127, 0, 0, 1], 0).into(),
            spread: Spread::Ports,
        },
        config: BmcConfig::new().user(User::administrator("monitor", "demo")),
        recorded_suites: false,
        behaviour: Behaviour::Moving,
        seed: 0,
        latencies: vec![(Targets::All, Latency::Fixed(Duration::from_millis(1)))],
        faults: Vec::new(),
        hostile: Vec::new(),
        recorder: Some(recorder.clone()),
    };
    let _inside = runtime.enter();
    let fleet = Fleet::start(&plan).unwrap_or_else(|error| panic!("{error}"));
    (fleet, recorder, thread)
}

/// A scrape whose every value must have been served, by the simulator's own log.
fn scrape(exporter: &Exporter, fleet: &Fleet, recorder: &Recorder, bmc: usize) -> Exposition {
    let target = fleet.stations()[bmc].address().to_string();
    let answer = exporter.ipmi(&target, "demo").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let exposition = Exposition::parse(&answer.body);
    wait_for("the log of served values", LIMIT, || {
        let served = totals(fleet.stations()).counters.readings_served;
        (recorder.noted() == served).then_some(())
    });
    let served = recorder.recent(usize::MAX, |line| line.bmc == bmc);
    for (series, value) in &exposition.series {
        if !VALUE_FAMILIES.contains(&series.name.as_str()) || value.is_nan() {
            continue;
        }
        let was_served = served.iter().any(|line| {
            line.name.as_deref() == Some(series.labels["name"].trim())
                && line.value.is_some_and(|served| same(served, *value))
        });
        assert!(was_served, "{series} {value} was never served by BMC {bmc}");
    }
    exposition
}

#[test]
fn every_value_of_the_demonstrations_machines_was_served_and_a_dead_fan_shows() {
    let runtime = Runtime::new().expect("a runtime for the simulators");
    let (fleet, recorder, thread) = fleet(&runtime);
    let exporter = Exporter::ours(&demo("ipmi_exporter.yml"));
    let mut with_fans = 0;
    for (bmc, station) in fleet.stations().iter().enumerate() {
        // Some answered little when they were recorded, and do so here.
        let before = scrape(&exporter, &fleet, &recorder, bmc);
        // Firmware without its hardware may not tell who it is.
        let is_whole = !station.machine().name.ends_with("supermicro-qemu-x14");
        let up = before.value("ipmi_up", &[("collector", "bmc")]);
        assert_eq!(up, Some(f64::from(u8::from(is_whole))), "BMC {bmc}");
        let Some(fan) = station.machine().model.parts(PartKind::Fan).first() else {
            continue;
        };
        with_fans += 1;
        assert_eq!(before.value("ipmi_up", &[("collector", "bmc")]), Some(1.0));
        station.with(|bmc, life, now| life.fail(now, bmc.device_mut(), PartKind::Fan, 0));
        let after = scrape(&exporter, &fleet, &recorder, bmc);
        let of_fan = |family: &str| -> Vec<f64> {
            let series = after.series.iter();
            series
                .filter(|(series, _)| series.name == family && series.labels["name"] == fan.name)
                .map(|(_, value)| *value)
                .collect()
        };
        assert_eq!(of_fan("ipmi_fan_speed_rpm"), [0.0], "BMC {bmc}");
        assert_eq!(of_fan("ipmi_fan_speed_state"), [2.0], "BMC {bmc}");
        let events = after.value("ipmi_sel_events_count_by_name", &[("name", "fan")]);
        assert!(events > Some(0.0), "BMC {bmc}: {events:?}");
    }
    assert!(with_fans >= 5, "{with_fans} machines have fans");
    runtime.block_on(fleet.stop());
    thread.finish();
}
