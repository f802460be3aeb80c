//! A password appears nowhere but in the key exchange: not in logs, pages,
//! metrics, errors or arguments, in no spelling.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bmc_sim::{AnalogSensor, BmcConfig, DeviceBuilder, User};
use tempfile::TempDir;

use crate::canary::leaked;
use crate::lab::{Lab, deaf_port};
use crate::support::ANY_PORT;
use crate::support::http::{self, Response};
use crate::support::process::Process;

/// Passwords of three modules, by where they stand. None has a character that
/// any quoting would change.
const CANARIES: [(&str, &str); 3] = [
    ("pass", "zq7canaryINLINE4711"),
    ("pass_file", "zq7canaryFROMFILE815"),
    ("pass_env", "zq7canaryFROMENV0815"),
];
const VARIABLE: &str = "IPMI_EXPORTER_TEST_PASSWORD";
const USER_NAME: &str = "shown-user";

fn assert_clean(what: &str, text: &str) {
    for (place, secret) in CANARIES {
        if let Some(spelling) = leaked(secret.as_bytes(), text) {
            panic!("{place} is in {what} as {spelling}:\n{text}");
        }
    }
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Configuration and password file in a directory; gives the configuration.
fn write_config(home: &Path) -> std::path::PathBuf {
    let [(_, inline), (_, from_file), _] = CANARIES;
    write_private(&home.join("password"), &format!("{from_file}\n"));
    let config = home.join("ipmi.yml");
    write_private(
        &config,
        &format!(
            "modules:\n\
             \x20 inline: {{user: {USER_NAME}, pass: {inline}}}\n\
             \x20 file: {{user: {USER_NAME}, pass_file: password}}\n\
             \x20 environment: {{user: {USER_NAME}, pass_env: {VARIABLE}}}\n"
        ),
    );
    config
}

fn exporter(command: &mut Command, config: &Path) {
    let [_, _, (_, from_environment)] = CANARIES;
    command
        .arg(format!("--config.file={}", config.display()))
        .env(VARIABLE, from_environment)
        .env("RUST_BACKTRACE", "full");
}

/// A machine that says its user's name wherever it can.
fn echoing_machine() -> bmc_sim::Device {
    DeviceBuilder::new()
        .analog(AnalogSensor::temperature(USER_NAME, 40))
        .system_info(1, USER_NAME)
        .system_info(6, &format!("https://{USER_NAME}@bmc/"))
        .dcmi_power(100)
        .build()
}

const BINARY: &str = env!("CARGO_BIN_EXE_ipmi_exporter");

#[test]
fn the_server_never_shows_a_password() {
    let lab = Lab::new();
    let start = |password: &str| {
        let user = User::administrator(USER_NAME, password);
        lab.start_with(BmcConfig::new().user(user), echoing_machine())
    };
    let good = CANARIES.map(|(_, secret)| start(secret));
    let wrong = start("something else");
    let deaf = deaf_port();
    for format in ["logfmt", "json"] {
        let home = TempDir::new().unwrap();
        let config = write_config(home.path());
        let mut process = Process::start(Path::new(BINARY), |command| {
            exporter(command, &config);
            command
                .arg(ANY_PORT)
                .arg(format!(
                    "--cache.dir={}",
                    home.path().join("cache").display()
                ))
                .args(["--log.level=debug", &format!("--log.format={format}")]);
        });
        let address = process.listening();
        let get = |path: &str| -> Option<Response> { http::get(address, path).ok() };
        get("/-/ready").expect("it is ready once it listens");
        let scrape = |target: &str, module: &str| {
            let path = format!("/ipmi?target={target}&module={module}");
            let answer = get(&path).expect("an answer");
            assert_clean("a scrape", &answer.body);
            answer.body
        };
        for (sim, module) in good.iter().zip(["inline", "file", "environment"]) {
            let body = scrape(&sim.addr().to_string(), module);
            // The password is right, and the name is no secret.
            assert!(body.contains("ipmi_up{collector=\"ipmi\"} 1"), "{body}");
            assert!(body.contains(USER_NAME), "{body}");
        }
        for module in ["inline", "file", "environment", CANARIES[0].0] {
            scrape(&wrong.addr().to_string(), module);
            scrape("no-such-host.invalid", module);
            scrape("a,b", module);
        }
        scrape(&deaf.local_addr().unwrap().to_string(), "inline");
        // Mistakes right at the password, in a file that is read while running.
        for (place, secret) in CANARIES {
            for bad in [
                format!("modules: {{a: {{pass: [{secret}]}}}}"),
                format!("modules: {{a: {{passwd: {secret}}}}}"),
                format!("modules:\n  a:\n    pass: {secret}: x\n"),
                format!("modules:\n  a:\n    pass: '{secret}\n"),
                format!("modules: {{a: {{pass: {secret}, {place}: {secret}}}}}"),
                format!("modules: {{a: {{pass: {secret}{secret}}}}}"),
            ] {
                write_private(&config, &bad);
                let answer = http::request(address, "POST", "/-/reload", &[]).unwrap();
                assert_eq!(answer.status, 500, "{bad}");
                assert_clean("a refused reload", &answer.body);
            }
        }
        for path in ["/", "/metrics", "/config", "/debug/pprof/cmdline", "/ipmi"] {
            assert_clean(path, &get(path).expect("an answer").body);
        }
        let arguments = fs::read(format!("/proc/{}/cmdline", process.id())).unwrap();
        let arguments = String::from_utf8_lossy(&arguments);
        assert!(arguments.contains("--config.file"), "{arguments}");
        assert_clean("the arguments", &arguments);
        assert!(process.terminate().success());
        let log = process.log();
        // It is the debug log, of all that was done here.
        for expected in [
            "Collected",
            "wrong password",
            "Error reloading config",
            "Shutting down",
        ] {
            assert!(log.contains(expected), "{expected} is not in\n{log}");
        }
        assert_clean("the log", &log);
        assert_clean("the standard output", &process.stdout());
        for entry in fs::read_dir(home.path().join("cache")).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert_clean("the cache", &String::from_utf8_lossy(&bytes));
        }
    }
    for sim in good {
        assert_eq!(sim.counters().logins, 2);
    }
    assert_eq!(wrong.counters().rakp3_with_code, 0);
}

#[test]
fn check_config_and_probe_never_show_a_password() {
    let lab = Lab::new();
    let user = User::administrator(USER_NAME, CANARIES[0].1);
    let sim = lab.start_with(BmcConfig::new().user(user), echoing_machine());
    let home = TempDir::new().unwrap();
    let config = write_config(home.path());
    let [_, _, (_, from_environment)] = CANARIES;
    let run = |arguments: &[&str], expected: i32| {
        let output = Command::new(BINARY)
            .args(arguments)
            .env(VARIABLE, from_environment)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {text}"
        );
        assert_clean(&format!("{arguments:?}"), &text);
        text
    };
    let path = config.to_str().unwrap();
    run(&["check-config", path], 0);
    let (target, file) = (sim.addr().to_string(), format!("--config.file={path}"));
    for format in ["table", "prom", "json"] {
        for (module, expected) in [("inline", 0), ("file", 1), ("environment", 1), ("none", 1)] {
            let module = format!("--module={module}");
            let format = format!("--format={format}");
            run(
                &[
                    "probe",
                    &target,
                    &module,
                    &format,
                    &file,
                    "--log.level=debug",
                ],
                expected,
            );
        }
    }
    for (index, (_, secret)) in CANARIES.into_iter().enumerate() {
        let bad = home.path().join(format!("bad{index}.yml"));
        write_private(
            &bad,
            &format!("modules:\n  a:\n    pasword: {secret}\n    pass: {secret}: x\n"),
        );
        let path = bad.to_str().unwrap();
        run(&["check-config", path], 1);
        run(
            &[
                "probe",
                &target,
                "--module=a",
                &format!("--config.file={path}"),
            ],
            1,
        );
        run(&[&format!("--config.file={path}")], 1);
    }
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let secret = CANARIES[0].1;
    for leak in [
        format!("password={secret}"),
        format!("{:?}", secret.as_bytes()),
        STANDARD.encode(format!("user:{secret}\n")),
        format!("{:02x?}", secret.as_bytes()).replace(", ", ""),
    ] {
        assert!(leaked(secret.as_bytes(), &leak).is_some(), "{leak}");
    }
}
