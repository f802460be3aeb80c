//! Credentials reach only the targets that the operator listed.

use std::net::UdpSocket;

use bmc_sim::{Sim, User};

use crate::lab::{Lab, config, deaf_port, heard, machine, own_metric, scrape_with};
use crate::support::exporter::Exporter;
use crate::support::http::Response;

const NOT_LISTED: &str = "target is not listed in the targets of this module\n";

fn ask(exporter: &Exporter, target: &str, module: &str) -> Response {
    exporter.ipmi(target, module).expect("an answer")
}

fn assert_refused(exporter: &Exporter, target: &str, module: &str) {
    let answer = ask(exporter, target, module);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (403, NOT_LISTED),
        "{target} with {module}"
    );
}

fn address(socket: &UdpSocket) -> String {
    socket.local_addr().expect("bound").to_string()
}

fn received(sim: &Sim) -> u64 {
    sim.counters().datagrams_received
}

/// Two BMCs, each with a user of its own, and a configuration that binds each
/// user to its BMC.
fn two_owners(lab: &Lab) -> (Sim, Sim, String) {
    let start = |user: &str| {
        let mut config = config();
        config.users = vec![User::administrator(user, format!("{user} secret"))];
        lab.start_with(config, machine(2))
    };
    let (dell, hp) = (start("dell"), start("hp"));
    let modules = format!(
        "modules:\n\
         \x20 dell: {{user: dell, pass: dell secret, targets: [\"{}\"]}}\n\
         \x20 hp: {{user: hp, pass: hp secret, targets: [\"{}\"]}}\n\
         \x20 free: {{user: free, pass: free secret}}\n\
         \x20 nobody: {{user: nobody, pass: nobody secret, targets: []}}\n",
        dell.addr(),
        hp.addr()
    );
    (dell, hp, modules)
}

#[test]
fn an_unlisted_target_gets_403_and_not_one_packet() {
    let lab = Lab::new();
    let (dell, hp, modules) = two_owners(&lab);
    let exporter = Exporter::ours(&modules);
    let stranger = deaf_port();
    for target in [
        address(&stranger),
        format!("localhost:{}", stranger.local_addr().unwrap().port()),
    ] {
        for module in ["dell", "hp", "free", "nobody"] {
            assert_refused(&exporter, &target, module);
        }
    }
    assert_eq!(heard(&stranger), 0);
    assert_eq!((received(&dell), received(&hp)), (0, 0));
    let refused = [("reason", "target_not_listed")];
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_refused_scrapes_total", &refused),
        8.0
    );
    assert_eq!(
        own_metric(&exporter, "ipmi_exporter_datagrams_sent_total", &[]),
        0.0
    );
    assert_eq!(own_metric(&exporter, "ipmi_exporter_targets", &[]), 0.0);
}

#[test]
fn credentials_follow_the_target_and_not_the_query() {
    let lab = Lab::new();
    let (dell, hp, modules) = two_owners(&lab);
    let exporter = Exporter::ours(&modules);
    for (sim, wrong) in [
        (&dell, ["hp", "free", "nobody"]),
        (&hp, ["dell", "free", "nobody"]),
    ] {
        for module in wrong {
            assert_refused(&exporter, &sim.addr().to_string(), module);
        }
        assert_eq!(received(sim), 0);
    }
    assert!(scrape_with(&exporter, &dell, "dell").is_complete());
    assert!(scrape_with(&exporter, &hp, "hp").is_complete());
    // Other spellings of the address do not open another way.
    let port = dell.addr().port();
    for target in [
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("127.0.0.1:{port}"),
    ] {
        assert_eq!(ask(&exporter, &target, "dell").status, 200, "{target}");
        assert_refused(&exporter, &target, "hp");
    }
    let counters = dell.counters();
    assert_eq!((counters.rakp1, counters.logins), (1, 1));
}

#[test]
fn only_the_listed_ports_of_a_listed_address_are_asked() {
    let lab = Lab::new();
    let sim = lab.start(machine(1));
    let stranger = deaf_port();
    let port = sim.addr().port();
    let exporter = Exporter::ours(&format!(
        "modules:\n\
         \x20 one: {{user: u, pass: p, targets: [\"127.0.0.1:{port}\"]}}\n\
         \x20 standard: {{user: u, pass: p, targets: [127.0.0.0/8]}}\n"
    ));
    for module in ["one", "standard"] {
        assert_refused(&exporter, &address(&stranger), module);
    }
    // Without a port an entry means 623 only.
    assert_refused(&exporter, &sim.addr().to_string(), "standard");
    assert_eq!((heard(&stranger), received(&sim)), (0, 0));
}

#[test]
fn a_name_that_leads_to_an_unlisted_address_is_refused() {
    let lab = Lab::new();
    let sim = lab.start(machine(1));
    let port = sim.addr().port();
    let secret = "user: monitor, pass: correct horse";
    let exporter = Exporter::ours(&format!(
        "modules:\n\
         \x20 network: {{{secret}, targets: [\"10.0.0.0/8:*\"]}}\n\
         \x20 address: {{{secret}, targets: [\"127.0.0.1:{port}\"]}}\n\
         \x20 name: {{{secret}, targets: [\"localhost:*\"]}}\n"
    ));
    let target = format!("localhost:{port}");
    assert_refused(&exporter, &target, "network");
    assert_eq!(received(&sim), 0);
    for module in ["address", "name"] {
        let answer = ask(&exporter, &target, module);
        assert_eq!(answer.status, 200, "{module}: {}", answer.body);
    }
    // The list of names says nothing about addresses.
    assert_refused(&exporter, &sim.addr().to_string(), "name");
    // Names that no list has are not even looked up.
    assert_refused(&exporter, "unlisted.invalid", "name");
    assert_eq!(sim.counters().logins, 1);
}

#[test]
fn a_reload_that_takes_a_target_from_the_list_ends_its_scrapes() {
    let lab = Lab::new();
    let (dell, _hp, modules) = two_owners(&lab);
    let exporter = Exporter::ours(&modules);
    assert!(scrape_with(&exporter, &dell, "dell").is_complete());
    let file = exporter.home().join("modules.yml");
    let without = modules.replace(&dell.addr().to_string(), "10.1.2.3");
    std::fs::write(file, without).unwrap();
    let reload = crate::support::http::request(exporter.address, "POST", "/-/reload", &[]);
    assert_eq!(reload.expect("an answer").status, 200);
    let before = received(&dell);
    assert_refused(&exporter, &dell.addr().to_string(), "dell");
    assert_eq!(received(&dell), before);
}

#[test]
fn without_any_list_every_target_is_served_and_the_log_warns_once() {
    const WARNING: &str = "No module has `targets`";
    let lab = Lab::new();
    let sim = lab.start(machine(1));
    let open = Exporter::ours(&crate::lab::module(""));
    assert!(crate::lab::scrape(&open, &sim).is_complete());
    assert_eq!(
        open.process.log().matches(WARNING).count(),
        1,
        "{}",
        open.process.log()
    );
    let (_, _, modules) = two_owners(&lab);
    for quiet in [modules.as_str(), "modules:\n  default: {collectors: []}\n"] {
        let log = Exporter::ours(quiet).process.log();
        assert!(!log.contains(WARNING), "{log}");
    }
}
