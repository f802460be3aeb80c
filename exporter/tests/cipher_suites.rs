//! The running exporter logs in to our own simulator with every cipher suite
//! there is, and tells when a BMC no longer takes the suite that it took before.
//! BMCs that others wrote are in `interop_matrix.rs`.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::fmt::Write;
use std::time::Duration;

use bmc_sim::{BmcConfig, Device, DeviceBuilder, Fault, Privilege, Sim, User};
use support::exporter::Exporter;
use support::exposition::{Exposition, same};
use support::{http, poll};

const K_G: &[u8; 20] = b"\0twenty-byte-bmc-key";
const K_G_DIGITS: &str = "0x007477656e74792d627974652d626d632d6b6579";

/// A module for each suite, named `suiteN`, with these further keys.
fn modules(suites: &[u8], keys: &str) -> String {
    let mut file = "modules:\n".to_owned();
    for suite in suites {
        writeln!(
            file,
            "  suite{suite}: {{cipher_suites: [{suite}], collectors: [chassis], {keys}}}"
        )
        .unwrap();
    }
    file
}

fn device() -> Device {
    DeviceBuilder::new().build()
}

fn scrape(exporter: &Exporter, target: &str, module: &str) -> Exposition {
    let response = exporter.ipmi(target, module).unwrap();
    assert_eq!(response.status, 200, "{}", response.body);
    Exposition::parse(&response.body)
}

fn is_up(exposition: &Exposition) -> bool {
    let up = exposition.value("ipmi_up", &[("collector", "chassis")]);
    same(up.unwrap(), 1.0)
}

/// One of the exporter's own metrics; 0 as long as it is not there.
fn own(exporter: &Exporter, name: &str, labels: &[(&str, &str)]) -> f64 {
    let response = http::get(exporter.address, "/metrics").unwrap();
    Exposition::parse(&response.body)
        .value(name, labels)
        .unwrap_or_default()
}

fn logins_with(exporter: &Exporter, suite: u8) -> f64 {
    let suite = suite.to_string();
    let name = "ipmi_exporter_logins_by_cipher_suite_total";
    own(exporter, name, &[("cipher_suite", &suite)])
}

#[tokio::test(flavor = "multi_thread")]
async fn our_simulator_accepts_every_suite_there_is() {
    let all: Vec<u8> = (0..=19).collect();
    for (user, password, k_g) in [
        ("", "null-users-own", None),
        ("sixteen-byte-usr", "sixteen-byte-pw!", None),
        ("longpw", "twenty-byte-passwd!!", Some(K_G)),
    ] {
        let mut config =
            BmcConfig::new()
                .suites(&all)
                .user(User::new(user, password, Privilege::User));
        let mut keys = format!("user: '{user}', pass: '{password}'");
        if let Some(key) = k_g {
            config = config.k_g(key);
            keys.push_str(&format!(", k_g: '{K_G_DIGITS}'"));
        }
        let sim = Sim::start(config, device()).await.unwrap();
        let exporter = Exporter::ours(&modules(&all, &keys));
        for suite in &all {
            let exposition = scrape(&exporter, &sim.addr().to_string(), &format!("suite{suite}"));
            assert!(is_up(&exposition), "suite {suite} as {user:?}");
            assert!(same(logins_with(&exporter, *suite), 1.0), "suite {suite}");
        }
        let counters = sim.counters();
        assert_eq!((counters.logins, counters.open_session_refusals), (20, 0));
        assert_eq!(counters.dropped_total(), 0, "{:?}", counters.dropped);
        let log = exporter.process.log();
        assert!(
            !log.contains(password) && !log.contains(K_G_DIGITS),
            "{log}"
        );
        assert!(log.contains("cipher suite 0 asks for no proof of the password"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downgrade_is_told_counted_and_refusable() {
    let config = BmcConfig::new().user(User::administrator("admin", "secret"));
    let sim = Sim::start(config, device()).await.unwrap();
    let target = sim.addr().to_string();
    let exporter = Exporter::ours(
        "modules:\n  \
           both: {user: admin, pass: secret, collectors: [chassis]}\n  \
           strong: {user: admin, pass: secret, collectors: [chassis], cipher_suites: [17]}\n",
    );
    let downgrades = || {
        own(
            &exporter,
            "ipmi_exporter_cipher_suite_downgrades_total",
            &[],
        )
    };
    // The BMC restarts; what it says of sessions that it does not know is nothing.
    let up_again_with = |module: &str| {
        sim.forget_sessions();
        let up = poll(Duration::from_secs(30), || {
            is_up(&scrape(&exporter, &target, module)).then_some(())
        });
        assert!(up.is_some(), "{}", exporter.process.log());
    };
    let warnings = || exporter.process.log().matches("no longer accepts").count();

    assert!(is_up(&scrape(&exporter, &target, "both")));
    assert!(same(logins_with(&exporter, 17), 1.0));
    assert!(same(downgrades(), 0.0));

    sim.set_fault(Fault::CipherListedButRefused(17));
    up_again_with("both");
    assert!(same(logins_with(&exporter, 3), 1.0));
    assert!(same(downgrades(), 1.0));
    up_again_with("both");
    assert!(same(downgrades(), 2.0), "suite 17 is asked for each time");
    assert_eq!(warnings(), 1, "{}", exporter.process.log());

    // Who lists suite 17 alone gets no session with anything else.
    assert!(!is_up(&scrape(&exporter, &target, "strong")));
    assert!(same(logins_with(&exporter, 3), 2.0));

    sim.clear_faults();
    up_again_with("both");
    assert!(same(logins_with(&exporter, 17), 2.0));
    assert!(same(downgrades(), 2.0));
    let log = exporter.process.log();
    assert!(
        log.contains("accepts the preferred cipher suite again"),
        "{log}"
    );
}

/// What a first exporter learned, a second one with the same cache directory
/// knows: no refused log-in, no list, and a downgrade is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_tries_nothing_again_and_remembers_what_was_accepted() {
    let config = BmcConfig::new()
        .user(User::new("viewer", "secret", Privilege::User))
        .suites(&[3]);
    let sim = Sim::start(config, device()).await.unwrap();
    // So that the refusals have to be found out.
    sim.set_fault(Fault::CipherListRefused);
    let target = sim.addr().to_string();
    let cache = tempfile::TempDir::new().unwrap();
    let life = |module: &str| {
        let before = sim.counters();
        let mut exporter = Exporter::ours_bare(
            "modules:\n  \
               both: {user: viewer, pass: secret, collectors: [bmc, chassis]}\n  \
               three: {user: viewer, pass: secret, collectors: [chassis], cipher_suites: [3]}\n",
            |_| vec![format!("--cache.dir={}", cache.path().display())],
        );
        assert!(is_up(&scrape(&exporter, &target, module)));
        let downgrades = own(
            &exporter,
            "ipmi_exporter_cipher_suite_downgrades_total",
            &[],
        );
        assert!(exporter.process.terminate().success());
        let after = sim.counters();
        (
            after.open_session_requests - before.open_session_requests,
            after.sessionless_commands - before.sessionless_commands,
            after.rakp1_refusals - before.rakp1_refusals,
            downgrades,
        )
    };
    let (opens, questions, refusals, _) = life("both");
    assert!(opens > 1 && questions == 2 && refusals > 0);
    assert_eq!(life("both"), (1, 1, 0, 0.0));
    assert_eq!(life("three"), (1, 1, 0, 0.0));

    // No secret, and not even a name, is kept.
    for entry in std::fs::read_dir(cache.path()).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&content);
        assert!(
            !text.contains("viewer") && !text.contains("secret"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downgrade_across_a_restart_is_told() {
    let config = BmcConfig::new().user(User::administrator("admin", "secret"));
    let sim = Sim::start(config, device()).await.unwrap();
    let target = sim.addr().to_string();
    let cache = tempfile::TempDir::new().unwrap();
    let life = || {
        let mut exporter = Exporter::ours_bare(
            "modules: {both: {user: admin, pass: secret, collectors: [chassis]}}\n",
            |_| vec![format!("--cache.dir={}", cache.path().display())],
        );
        assert!(is_up(&scrape(&exporter, &target, "both")));
        let downgrades = own(
            &exporter,
            "ipmi_exporter_cipher_suite_downgrades_total",
            &[],
        );
        assert!(exporter.process.terminate().success());
        (
            downgrades,
            exporter.process.log().contains("no longer accepts"),
        )
    };
    assert_eq!(life(), (0.0, false));
    sim.set_fault(Fault::CipherListedButRefused(17));
    assert_eq!(life(), (1.0, true));
    assert_eq!(life(), (1.0, true), "not forgotten by logging in with less");
    sim.clear_faults();
    assert_eq!(life(), (0.0, false));
}
