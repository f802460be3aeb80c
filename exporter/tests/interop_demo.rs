//! The files of `make run`, judged by the programs that read them.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::process::{program, run};
use tempfile::TempDir;

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
    fs::write(
        &path,
        demo("prometheus.yml")
            .replace("@EXPORTER@", "127.0.0.1:9290")
            .replace("@CONTROL@", "127.0.0.1:9390"),
    )
    .expect("configuration file");
    fs::write(directory.path().join("targets.json"), "[]").expect("targets file");
    let path = path.to_str().expect("temporary paths are text");
    let said = run(
        &program("promtool", "prometheus"),
        &["check", "config", path],
    );
    assert!(said.contains("SUCCESS"), "{said}");
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
