//! The running exporter over IPMI 1.5, with each way to authenticate: against
//! OpenIPMI's `ipmi_sim`, which others wrote, and against our own simulator.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::fmt::Write;

use bmc_sim::{AuthType, BmcConfig, DeviceBuilder, Privilege, Sim, User, V15Config};
use support::exporter::Exporter;
use support::exposition::{Exposition, same};
use support::http;
use support::simulator::{Machine, Simulator};

const TYPES: [&str; 4] = ["md5", "md2", "password", "none"];

fn scrape(exporter: &Exporter, target: &str, module: &str) -> Exposition {
    let response = exporter.ipmi(target, module).unwrap();
    assert_eq!(response.status, 200, "{}", response.body);
    Exposition::parse(&response.body)
}

fn is_up(exposition: &Exposition, collector: &str) -> bool {
    let up = exposition.value("ipmi_up", &[("collector", collector)]);
    same(up.unwrap(), 1.0)
}

fn logins(exporter: &Exporter, auth_type: &str) -> f64 {
    let response = http::get(exporter.address, "/metrics").unwrap();
    let name = "ipmi_exporter_logins_by_auth_type_total";
    Exposition::parse(&response.body)
        .value(name, &[("auth_type", auth_type)])
        .unwrap_or_default()
}

/// A module for each type, named for it, and some more.
fn modules(account: &str) -> String {
    let mut file = "modules:\n".to_owned();
    let account = format!("{account}, driver: LAN, collectors: [chassis, ipmi]");
    for auth_type in TYPES {
        let module = format!("{{{account}, auth_types: [{auth_type}]}}");
        writeln!(file, "  {auth_type}: {module}").unwrap();
    }
    writeln!(file, "  default: {{{account}}}").unwrap();
    writeln!(file, "  named: {{{account}, privilege: admin}}").unwrap();
    file
}

#[test]
fn ipmi_sim_is_read_with_every_authentication_type() {
    let simulator = Simulator::start(&Machine {
        records: "clean",
        events: "varied",
        extras: None,
    });
    let target = simulator.target();
    let mut file = modules("user: admin, pass: secret");
    file.push_str("  over-2-0: {user: admin, pass: secret, collectors: [ipmi]}\n");
    file.push_str("  wrong: {user: admin, pass: canary, driver: LAN, collectors: [chassis]}\n");
    let exporter = Exporter::ours(&file);
    let readings = |module: &str| {
        let exposition = scrape(&exporter, &target, module);
        assert!(is_up(&exposition, "ipmi"), "{module}");
        let series = exposition.series.iter();
        let readings: Vec<_> = series
            .filter(|(series, _)| series.name.starts_with("ipmi_sensor"))
            .map(|(series, value)| format!("{series:?} {value}"))
            .collect();
        assert!(!readings.is_empty());
        readings
    };
    // The same values, whatever they travel in.
    let expected = readings("over-2-0");
    for auth_type in TYPES {
        assert_eq!(readings(auth_type), expected, "{auth_type}");
        assert!(same(logins(&exporter, auth_type), 1.0), "{auth_type}");
    }
    // The strongest, where nobody names any.
    readings("default");
    readings("named");
    assert!(same(logins(&exporter, "md5"), 3.0));

    assert!(!is_up(&scrape(&exporter, &target, "wrong"), "chassis"));
    let log = exporter.process.log();
    assert!(log.contains("wrong password"), "{log}");
    assert!(!log.contains("canary") && !log.contains("secret"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_simulator_is_read_with_every_authentication_type() {
    let users = [
        ("", "null-users-own"),
        ("sixteen-byte-usr", "sixteen-byte-pw!"),
    ];
    let all = [
        AuthType::None,
        AuthType::Md2,
        AuthType::Md5,
        AuthType::Password,
    ];
    for (user, password) in users {
        for per_message in [true, false] {
            let v15 = V15Config {
                per_message,
                ..V15Config::new(&all)
            };
            let config = BmcConfig::new().v15_only(v15).user(User::new(
                user,
                password,
                Privilege::Administrator,
            ));
            let device = DeviceBuilder::new().analogs(5).build();
            let sim = Sim::start(config, device).await.unwrap();
            let exporter = Exporter::ours(&modules(&format!("user: '{user}', pass: '{password}'")));
            for auth_type in TYPES {
                let exposition = scrape(&exporter, &sim.addr().to_string(), auth_type);
                let log = exporter.process.log();
                assert!(
                    is_up(&exposition, "ipmi"),
                    "{auth_type}, {per_message}: {log}"
                );
                assert!(same(logins(&exporter, auth_type), 1.0), "{auth_type}");
            }
            let counters = sim.counters();
            assert_eq!(counters.dropped_total(), 0, "{:?}", counters.dropped);
            let log = exporter.process.log();
            assert!(!log.contains(password), "{log}");
            assert!(log.contains("sends the password in clear text"), "{log}");
        }
    }
}

/// Who does not ask for IPMI 1.5 never gets it, whatever the BMC has.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_falls_back_to_ipmi_1_5() {
    let config = BmcConfig::new()
        .v15_only(V15Config::default())
        .user(User::administrator("admin", "secret"));
    let sim = Sim::start(config, DeviceBuilder::new().build())
        .await
        .unwrap();
    let exporter = Exporter::ours(
        "modules: {default: {user: admin, pass: secret, collectors: [chassis], timeout: 3000}}\n",
    );
    let exposition = scrape(&exporter, &sim.addr().to_string(), "default");
    assert!(!is_up(&exposition, "chassis"));
    assert_eq!(sim.counters().logins, 0);
}
