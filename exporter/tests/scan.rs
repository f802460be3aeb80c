//! `ipmi_exporter scan` as a process of its own, against simulated BMCs on
//! loopback addresses and against OpenIPMI's `ipmi_sim`.
//!
//! Where nobody listens on loopback the system answers with ICMP errors: each of
//! these scans gets some.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use bmc_sim::{AuthType, BmcConfig, DeviceBuilder, Fault, Sim, User, V15Config};
use serde_json::Value;
use support::process::{Process, program, run};
use support::simulator::{Machine, Simulator};
use support::wait_for;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long something that takes milliseconds may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);
const EXPORTER: &str = env!("CARGO_BIN_EXE_ipmi_exporter");
/// How often a fleet looks for a port that is free on all of its addresses.
const PORT_ATTEMPTS: usize = 20;

fn scan(arguments: &[&str]) -> Output {
    Command::new(EXPORTER)
        .arg("scan")
        .args(arguments)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn account() -> BmcConfig {
    BmcConfig::new().user(User::administrator("monitor", "correct horse"))
}

/// BMCs at 127.`net`.1.1, .2, … on one port.
struct Lab {
    runtime: Runtime,
    sims: Vec<Sim>,
}

impl Lab {
    fn new(net: u8, bmcs: &[(BmcConfig, Vec<Fault>)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        // The port is free at the first address; at another one a test that runs
        // beside this one may have it.
        let sims = (0..PORT_ATTEMPTS)
            .find_map(|_| runtime.block_on(start(net, bmcs)).ok())
            .expect("a port that is free on some loopback addresses");
        Self { runtime, sims }
    }

    fn port(&self) -> String {
        self.sims[0].addr().port().to_string()
    }
}

async fn start(net: u8, bmcs: &[(BmcConfig, Vec<Fault>)]) -> std::io::Result<Vec<Sim>> {
    let mut sims: Vec<Sim> = Vec::new();
    for (host, (config, faults)) in (1..).zip(bmcs) {
        let ip = IpAddr::from(Ipv4Addr::new(127, net, 1, host));
        let port = sims.first().map_or(0, |first| first.addr().port());
        let device = DeviceBuilder::new().build();
        let sim = Sim::start_at(SocketAddr::new(ip, port), config.clone(), device).await?;
        for fault in faults {
            sim.set_fault(fault.clone());
        }
        sims.push(sim);
    }
    Ok(sims)
}

/// One BMC of each kind that a scan tells apart.
fn kinds() -> Vec<(BmcConfig, Vec<Fault>)> {
    vec![
        (account(), vec![]),
        (account().suites(&[0, 1, 2, 3]), vec![]),
        (account().user(User::administrator("", "")), vec![]),
        (account().v15_only(V15Config::default()), vec![]),
        (account(), vec![Fault::NoPing]),
        (account(), vec![Fault::CipherListRefused]),
        (
            account().k_g("key").v15(V15Config {
                per_message: false,
                user_level: false,
                ..V15Config::new(&[AuthType::None, AuthType::Md5])
            }),
            vec![],
        ),
    ]
}

const TABLE: &str = "\
 ADDRESS         IPMI     CIPHER SUITES  WEAKNESSES
 127.71.1.1:PORT  2.0      3 17           -
 127.71.1.2:PORT  2.0      0 1 2 3        suite-0 no-integrity no-encryption
 127.71.1.3:PORT  2.0      3 17           anonymous null-user
 127.71.1.4:PORT  1.5      -              1.5-only
 127.71.1.5:PORT  2.0      3 17           -
 127.71.1.6:PORT  2.0      -              -
 127.71.1.7:PORT  1.5 2.0  3 17           auth-none user-auth-off message-auth-off
";

/// Words only: columns are as wide as the port is long.
fn words(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn every_kind_of_bmc_is_found_and_described_in_every_format() {
    let lab = Lab::new(71, &kinds());
    let port = lab.port();
    let scan = |format: &str| {
        let output = scan(&[
            "127.71.1.0/28",
            "127.71.1.3-127.71.1.9",
            "--port",
            &port,
            "--timeout=400ms",
            "--tries=3",
            "--output",
            format,
        ]);
        assert!(output.status.success(), "{}{}", out(&output), err(&output));
        let summary = err(&output);
        assert!(
            summary.starts_with("7 BMCs among 14 addresses, "),
            "{summary}"
        );
        out(&output)
    };

    let table = scan("table");
    let (rows, meanings) = table.split_once("\n\n").unwrap();
    assert_eq!(words(rows), words(&TABLE.replace("PORT", &port)), "{table}");
    // What the words mean stands below, once each.
    assert_eq!(meanings.lines().count(), 9, "{table}");
    assert!(meanings.contains("suite-0") && meanings.contains("without knowing the password"));

    let csv = scan("csv");
    let expected = "address,port,ipmi,cipher_suites,weaknesses\n\
        127.71.1.1,PORT,2.0,3 17,\n\
        127.71.1.2,PORT,2.0,0 1 2 3,suite-0 no-integrity no-encryption\n\
        127.71.1.3,PORT,2.0,3 17,anonymous null-user\n\
        127.71.1.4,PORT,1.5,,1.5-only\n\
        127.71.1.5,PORT,2.0,3 17,\n\
        127.71.1.6,PORT,2.0,,\n\
        127.71.1.7,PORT,1.5 2.0,3 17,auth-none user-auth-off message-auth-off\n";
    assert_eq!(csv, expected.replace("PORT", &port));

    let json: Value = serde_json::from_str(&scan("json")).unwrap();
    assert_eq!(json["complete"], true);
    assert_eq!(json["addresses"], 14);
    assert_eq!(json["addresses_done"], 14);
    assert_eq!(json["datagrams_unsent"], 0);
    let bmcs = json["bmcs"].as_array().unwrap();
    assert_eq!(bmcs.len(), 7);
    let silent: Vec<bool> = bmcs
        .iter()
        .map(|bmc| bmc["answers_ping"] == false)
        .collect();
    assert_eq!(silent.iter().position(|silent| *silent), Some(4));
    assert_eq!(bmcs[1]["cipher_suites"], serde_json::json!([0, 1, 2, 3]));
    assert_eq!(bmcs[5]["cipher_suites"], Value::Null);
    assert_eq!(bmcs[6]["k_g_set"], true);
    assert_eq!(bmcs[6]["auth_types"], serde_json::json!(["md5", "none"]));
    assert_eq!(bmcs[3]["ipmi_2_0"], false);
    assert_eq!(bmcs[3]["weaknesses"][0]["name"], "1.5-only");

    let targets = scan("targets");
    let expected: Vec<String> = (1..=7)
        .map(|host| format!("127.71.1.{host}:{port}"))
        .collect();
    let parsed: Value = serde_json::from_str(&targets).unwrap();
    assert_eq!(parsed, serde_json::json!([{ "targets": expected }]));
    prometheus_takes(&targets);

    // Four scans, and nobody has as much as tried to log in.
    for sim in &lab.sims {
        let counters = sim.counters();
        assert_eq!((counters.logins, counters.slots_in_use), (0, 0));
        assert!(counters.sessionless_commands >= 4);
        assert_eq!(
            counters.datagrams_received,
            counters.pings + counters.sessionless_commands + counters.dropped_total()
        );
    }
    drop(lab.runtime);
}

/// Prometheus' own check reads the files that a configuration names.
fn prometheus_takes(targets: &str) {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("bmcs.json"), targets).unwrap();
    let configuration = home.path().join("prometheus.yml");
    fs::write(
        &configuration,
        "scrape_configs:\n- job_name: ipmi\n  file_sd_configs:\n  - files: [bmcs.json]\n",
    )
    .unwrap();
    let said = run(
        &program("promtool", "prometheus"),
        &["check", "config", configuration.to_str().unwrap()],
    );
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn what_may_not_be_scanned_is_refused_before_anything_is_sent() {
    let deaf = UdpSocket::bind("127.72.1.1:0").unwrap();
    deaf.set_nonblocking(true).unwrap();
    let port = deaf.local_addr().unwrap().port().to_string();
    for (arguments, reason) in [
        (&["8.8.8.0/24"][..], "is public"),
        (&["9.9.9.9-9.9.9.10"], "is public"),
        (&["2600::1"], "is public"),
        (&["10.0.0.0/8"], "more than the 65536 of a /16; --force"),
        (&["10.0.0.0/17", "10.1.0.0/16"], "more than the 65536"),
        (&["fd00::/64"], "the most that can be forced"),
        (&["--force", "fd00::/64"], "the most that can be forced"),
        (&["--force", "224.0.0.251"], "multicast"),
        (&["--force", "ff02::1"], "multicast"),
        (&["--force", "255.255.255.255"], "broadcast"),
        (&["--force", "0.0.0.0"], "unspecified"),
        (&["--force", "::"], "unspecified"),
        (&["--force", "240.0.0.0/24"], "reserved"),
        (
            &["10.0.0.5/24"],
            "10.0.0.5/24: has address bits outside its mask; write 10.0.0.0/24",
        ),
        (&["10.0.0.9-10.0.0.1"], "is not a range"),
        (&["10.0.0.1:624"], "--port"),
        (
            &["no-such-host.invalid"],
            "no-such-host.invalid cannot be resolved",
        ),
        (&[""], "target is empty"),
        (&[], "required argument 'NETWORK' not provided"),
        (&["--rate=0"], "--rate"),
        (&["--rate=10001"], "--rate"),
        (&["--port=0"], "--port"),
        (&["--tries=0"], "--tries"),
        (&["--timeout=61s"], "at most a minute"),
        (
            &["--output=xml"],
            "enum value must be one of table,json,csv,targets, got 'xml'",
        ),
    ] {
        // Beside what may be scanned: one refusal is enough for all.
        let mut all = arguments.to_vec();
        if !all.is_empty() {
            all.push("127.72.1.1");
            if !all.contains(&"--port=0") {
                all.extend(["--port", &port]);
            }
        }
        let output = scan(&all);
        let said = err(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(
            said.starts_with("ipmi_exporter: error: ") && said.lines().count() == 1,
            "{arguments:?}: {said}"
        );
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    assert!(deaf.recv(&mut [0; 64]).is_err(), "something was sent");
}

#[test]
fn nothing_but_three_questions_leaves_and_nobody_found_is_no_success() {
    let deaf = UdpSocket::bind("127.73.1.2:0").unwrap();
    deaf.set_nonblocking(true).unwrap();
    let port = deaf.local_addr().unwrap().port().to_string();
    let output = scan(&[
        "127.73.1.0/29",
        "localhost",
        "--port",
        &port,
        "--timeout=50ms",
        "--tries=2",
        "-o",
        "targets",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output), "[]\n");
    assert!(
        err(&output).starts_with("0 BMCs among "),
        "{}",
        err(&output)
    );
    let mut buffer = [0; 2048];
    let heard: Vec<Vec<u8>> = std::iter::from_fn(|| {
        let (length, _) = deaf.recv_from(&mut buffer).ok()?;
        Some(buffer[..length].to_vec())
    })
    .collect();
    let kinds: Vec<(usize, u8)> = heard
        .iter()
        // The class of RMCP; of messages the command is the 19th byte.
        .map(|datagram| {
            (
                datagram.len(),
                if datagram[3] == 6 { 0x80 } else { datagram[19] },
            )
        })
        .collect();
    assert_eq!(kinds, [(12, 0x80), (23, 0x38), (12, 0x80), (23, 0x38)]);
}

#[test]
fn an_interrupted_scan_prints_what_was_found() {
    for (net, signal) in [(74, "INT"), (75, "TERM")] {
        let lab = Lab::new(net, &[(account(), vec![])]);
        let network = format!("127.{net}.1.1-127.{net}.200.1");
        let mut process = Process::start(Path::new(EXPORTER), |command| {
            command.args([
                "scan",
                &network,
                "--port",
                &lab.port(),
                "--rate=20",
                "-o",
                "csv",
            ]);
        });
        let found = lab.sims[0].wait_for(LIMIT, |counters| counters.sessionless_commands >= 2);
        lab.runtime.block_on(found).unwrap();
        // The second question is only asked of whom the first one was answered by.
        process.signal(signal);
        let status = wait_for("the end of the scan", LIMIT, || process.ended());
        assert_eq!(status.code(), Some(1), "{}", process.log());
        let log = process.log();
        assert!(
            log.starts_with("interrupted: 1 BMC among the first "),
            "{log}"
        );
        let expected = format!("\n127.{net}.1.1,{},2.0,", lab.port());
        assert!(process.stdout().contains(&expected), "{}", process.stdout());
    }
}

#[test]
fn answers_from_elsewhere_are_no_answers() {
    let lab = Lab::new(
        76,
        &[
            (account(), vec![Fault::OtherSourceAddr]),
            (account(), vec![]),
        ],
    );
    let port = lab.port();
    let output = scan(&[
        "127.76.1.1-127.76.1.2",
        "--port",
        &port,
        "--timeout=300ms",
        "-o=csv",
    ]);
    let found = out(&output);
    assert_eq!(found.lines().count(), 2, "{found}");
    assert!(found.contains("127.76.1.2,"), "{found}");
    assert!(
        err(&output).contains("4 from nobody who was asked"),
        "{}",
        err(&output)
    );
}

#[test]
fn openipmis_simulator_is_found() {
    let simulator = Simulator::start(&Machine {
        records: "clean",
        events: "varied",
        extras: None,
    });
    let address = simulator.address();
    let output = scan(&[
        &address.ip().to_string(),
        "--port",
        &address.port().to_string(),
        "--output=json",
    ]);
    assert!(output.status.success(), "{}", err(&output));
    let json: Value = serde_json::from_str(&out(&output)).unwrap();
    let bmc = &json["bmcs"][0];
    assert_eq!(bmc["address"], address.ip().to_string());
    assert_eq!(bmc["answers_ping"], true);
    assert_eq!(
        (&bmc["ipmi_1_5"], &bmc["ipmi_2_0"]),
        (&true.into(), &true.into())
    );
    assert_eq!(json["datagrams_ignored"]["malformed"], 0);
    // What its configuration says, and what its list has in it.
    let weaknesses: Vec<_> = bmc["weaknesses"].as_array().unwrap().iter().collect();
    let has = |name: &str| weaknesses.iter().any(|weakness| weakness["name"] == name);
    for name in ["suite-0", "anonymous", "auth-none", "no-encryption"] {
        assert!(has(name), "{name}: {weaknesses:?}");
    }
    assert!(!has("1.5-only") && !has("message-auth-off"));
    let suites = bmc["cipher_suites"].as_array().unwrap();
    for suite in [0, 1, 2, 3] {
        assert!(suites.contains(&suite.into()), "{suite}: {suites:?}");
    }
}
