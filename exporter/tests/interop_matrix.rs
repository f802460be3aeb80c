//! The running exporter against BMCs that others wrote: OpenIPMI's `ipmi_sim`
//! and PyPI's pyghmi, with each cipher suite that they have, each kind of user,
//! with and without a key of the BMC's own. Prints what it found as a matrix.

mod support;

use std::fmt::Write;

use support::exporter::Exporter;
use support::exposition::{Exposition, same};
use support::http;
use support::pyghmi::Pyghmi;
use support::simulator::{Machine, Simulator};

/// As long as a key may be.
const K_G: &str = "Kg-with-20-bytes-...";
/// As long as a key may be of which `ipmi_sim` uses all in suites with HMAC-MD5.
const SHORTER_K_G: &str = "Kg-with-16-bytes";

/// A user of a peer.
struct Account {
    what: &'static str,
    user: &'static str,
    password: &'static str,
}

const fn account(what: &'static str, user: &'static str, password: &'static str) -> Account {
    Account {
        what,
        user,
        password,
    }
}

/// A peer with one configuration.
struct Peer {
    name: &'static str,
    target: String,
    /// Suites that it has.
    suites: &'static [u8],
    k_g: Option<&'static str>,
    accounts: Vec<Account>,
    /// What must be up of what it is asked.
    collectors: &'static str,
}

/// One log-in and one scrape: what the cell shows, and whether it is right.
fn cell(exporter: &Exporter, peer: &Peer, module: &str) -> (&'static str, bool) {
    let response = exporter.ipmi(&peer.target, module).expect("an answer");
    assert_eq!(response.status, 200, "{}", response.body);
    let exposition = Exposition::parse(&response.body);
    let up: Vec<bool> = exposition
        .series
        .iter()
        .filter(|(series, _)| series.name == "ipmi_up")
        .map(|(_, value)| same(*value, 1.0))
        .collect();
    let wrong = exposition
        .series
        .iter()
        .any(|(series, value)| series.name == "ipmi_temperature_celsius" && value.is_infinite());
    if up.is_empty() || wrong {
        ("WRONG", false)
    } else if up.iter().all(|up| *up) {
        ("ok", true)
    } else if up.iter().any(|up| *up) {
        ("part", false)
    } else {
        ("-", false)
    }
}

fn logins_with(exporter: &Exporter, suite: &str) -> f64 {
    let response = http::get(exporter.address, "/metrics").expect("an answer");
    let name = "ipmi_exporter_logins_by_cipher_suite_total";
    Exposition::parse(&response.body)
        .value(name, &[("cipher_suite", suite)])
        .unwrap_or_default()
}

/// Modules of one account, one for each suite, named after it, and `default`
/// with the suites that the exporter takes by itself.
fn modules(peer: &Peer, account: &Account) -> String {
    let mut file = "modules:\n".to_owned();
    let mut add = |name: &str, more: &str| {
        let key = peer
            .k_g
            .map_or_else(String::new, |k_g| format!(", k_g: '{k_g}'"));
        writeln!(
            file,
            "  {name}: {{user: '{}', pass: '{}', collectors: [{}]{key}{more}}}",
            account.user, account.password, peer.collectors,
        )
        .expect("a string takes everything");
    };
    for suite in peer.suites {
        add(&suite.to_string(), &format!(", cipher_suites: [{suite}]"));
    }
    add("default", "");
    file
}

#[test]
fn every_peer_is_read_with_every_suite_that_it_has() {
    let machine = Machine {
        records: "clean",
        events: "varied",
        extras: None,
    };
    let plain = Simulator::start(&machine);
    let keyed = Simulator::start_with_key(&machine, Some(SHORTER_K_G));
    let pyghmi = Pyghmi::start("admin", "secret", None);
    let pyghmi_keyed = Pyghmi::start("sixteen-byte-usr", "twenty-byte-passwd!!", Some(K_G));
    let users = || {
        vec![
            account("administrator", "admin", "secret"),
            account("operator", "oper", "oper#pass"),
            account("user", "viewer", "viewpass"),
            account("null user", "", ""),
        ]
    };
    // It has 7, 8 and 12 too, but keys HMAC-MD5-128 with the password.
    let suites: &[u8] = &[0, 1, 2, 3, 6, 11];
    let peers = [
        Peer {
            name: "ipmi_sim",
            target: plain.target(),
            suites,
            k_g: None,
            accounts: users(),
            collectors: "bmc, chassis, ipmi, sel",
        },
        Peer {
            name: "ipmi_sim with K_g",
            target: keyed.target(),
            suites,
            k_g: Some(SHORTER_K_G),
            accounts: users(),
            collectors: "bmc, chassis, ipmi, sel",
        },
        Peer {
            name: "pyghmi",
            target: pyghmi.target(),
            suites: &[3],
            k_g: None,
            accounts: vec![account("administrator", "admin", "secret")],
            collectors: "bmc, chassis, ipmi",
        },
        Peer {
            name: "pyghmi with K_g",
            target: pyghmi_keyed.target(),
            suites: &[3],
            k_g: Some(K_G),
            accounts: vec![account(
                "longest name",
                "sixteen-byte-usr",
                "twenty-byte-passwd!!",
            )],
            collectors: "bmc, chassis, ipmi",
        },
    ];

    let columns: Vec<String> = suites.iter().map(ToString::to_string).collect();
    let mut matrix = format!("{:18} {:14}", "peer", "user");
    for column in columns.iter().map(String::as_str).chain(["default"]) {
        write!(matrix, " {column:>7}").expect("a string takes everything");
    }
    let mut bad = Vec::new();
    for peer in &peers {
        for account in &peer.accounts {
            write!(matrix, "\n{:18} {:14}", peer.name, account.what).expect("a string");
            // Each with an exporter of its own, whose counters tell the suite.
            let exporter = Exporter::ours(&modules(peer, account));
            for column in columns.iter().map(String::as_str).chain(["default"]) {
                let has = column == "default"
                    || peer.suites.iter().any(|suite| suite.to_string() == column);
                if !has {
                    write!(matrix, " {:>7}", "").expect("a string");
                    continue;
                }
                let before = logins_with(&exporter, column);
                let (shown, mut right) = cell(&exporter, peer, column);
                if column != "default" {
                    right &= same(logins_with(&exporter, column), before + 1.0);
                }
                write!(matrix, " {shown:>7}").expect("a string");
                if !right {
                    bad.push(format!("{}, {}, suite {column}", peer.name, account.what));
                }
            }
            let log = exporter.process.log();
            for secret in [peer.k_g.unwrap_or_default(), account.password] {
                assert!(secret.is_empty() || !log.contains(secret), "{log}");
            }
            assert!(bad.is_empty(), "{bad:?}\n{matrix}\n{log}");
        }
    }
    println!("{matrix}");
}
