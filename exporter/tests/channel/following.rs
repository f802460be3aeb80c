//! With a real controller: what changes there arrives here, and nothing that
//! runs is disturbed.

use std::time::{Duration, Instant};

use bmc_sim::Fault;
use reqwest::Method;
use serde_json::json;

use crate::canary::leaked;
use crate::controller::Controller;
use crate::follower::{Home, failures, get, reload, source, wait_for_module};
use crate::lab::{
    LIMIT, Lab, PASSWORD, USER, config, deaf_port, heard, machine, own_metric, scrape_target,
    scrape_with,
};
use crate::support::wait_for;

const RELOADED: &str = "ipmi_exporter_config_last_reload_successful";

#[test]
fn a_new_profile_is_served_without_a_restart_and_no_scrape_is_dropped() {
    let lab = Lab::new();
    let controller = Controller::start();
    let exporter_id = controller.exporter("east");
    let slow = lab.start(machine(20));
    let profile = controller.credential("first", USER, PASSWORD);
    controller.server("slow", slow.addr(), profile, exporter_id);
    let home = Home::new(&controller.token(exporter_id));
    let exporter = home.start(&controller.url());
    wait_for_module(&exporter, "first");
    assert_eq!(get(&exporter, "/-/ready").status, 200);
    assert_eq!(own_metric(&exporter, RELOADED, &[]), 1.0);
    assert!(scrape_with(&exporter, &slow, "first").is_complete());

    slow.set_fault(Fault::Delay(Duration::from_millis(100)));
    std::thread::scope(|scope| {
        let before = slow.counters().commands;
        let running = scope.spawn(|| scrape_with(&exporter, &slow, "first"));
        lab.wait_for(&slow.handle(), LIMIT, |counters| counters.commands > before);
        let other = lab.start(machine(3));
        let second = controller.credential("second", USER, PASSWORD);
        controller.server("other", other.addr(), second, exporter_id);
        wait_for_module(&exporter, "second");
        assert!(scrape_with(&exporter, &other, "second").is_complete());
        assert!(!running.is_finished(), "the change came while it ran");
        let scrape = running.join().expect("no panic");
        assert!(
            scrape.is_complete() && scrape.values().len() == 20,
            "{}",
            scrape.body
        );
    });
    assert!(scrape_with(&exporter, &slow, "first").is_complete());
    assert_eq!(
        slow.counters().logins,
        1,
        "the session went on through all this"
    );
    let channel = controller.wait_in_sync(exporter_id);
    assert_eq!(channel["exporter_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(channel["source"], "controller");
}

#[test]
fn a_new_password_reaches_the_next_log_in() {
    let lab = Lab::new();
    let controller = Controller::start();
    let exporter_id = controller.exporter("east");
    let old = lab.start(machine(1));
    let profile = controller.credential("bmc", USER, "not it");
    controller.server("a", old.addr(), profile, exporter_id);
    let home = Home::new(&controller.token(exporter_id));
    let exporter = home.start(&controller.url());
    wait_for_module(&exporter, "bmc");
    assert!(scrape_with(&exporter, &old, "bmc").is_empty());
    assert_eq!(old.counters().logins, 0);
    let body = json!({"name": "bmc", "username": USER, "password": PASSWORD});
    controller.ask(Method::PUT, &format!("credentials/{profile}"), Some(&body));
    wait_for("a log-in with the new password", LIMIT, || {
        scrape_with(&exporter, &old, "bmc")
            .is_complete()
            .then_some(())
    });
    // The same once more, the other way: what was right before is wrong now.
    let config = bmc_sim::BmcConfig::new().user(bmc_sim::User::administrator(USER, "the third"));
    let new = lab.start_in_place_of(old, &config, &machine(1));
    let body = json!({"name": "bmc", "username": USER, "password": "the third"});
    controller.ask(Method::PUT, &format!("credentials/{profile}"), Some(&body));
    wait_for("a log-in with the third password", LIMIT, || {
        scrape_with(&exporter, &new, "bmc")
            .is_complete()
            .then_some(())
    });
}

#[test]
fn a_controller_that_is_away_takes_nothing_along() {
    let lab = Lab::new();
    let mut controller = Controller::start();
    let exporter_id = controller.exporter("east");
    let sim = lab.start(machine(2));
    let profile = controller.credential("bmc", USER, PASSWORD);
    controller.server("a", sim.addr(), profile, exporter_id);
    let home = Home::new(&controller.token(exporter_id));
    let mut exporter = home.start(&controller.url());
    wait_for_module(&exporter, "bmc");
    assert_eq!(source(&exporter).as_deref(), Some("controller"));
    controller.wait_in_sync(exporter_id);

    controller.kill();
    wait_for("a failed request", LIMIT, || {
        (failures(&exporter, "connect") > 0.0).then_some(())
    });
    assert!(scrape_with(&exporter, &sim, "bmc").is_complete());
    let refused = reload(&exporter);
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(scrape_with(&exporter, &sim, "bmc").is_complete());
    assert!(exporter.process.terminate().success());

    // From the sealed copy, at once.
    let starting = Instant::now();
    let exporter = home.start(&controller.url());
    assert!(starting.elapsed() < LIMIT);
    assert_eq!(get(&exporter, "/-/ready").status, 200);
    assert_eq!(source(&exporter).as_deref(), Some("cache"));
    assert_eq!(own_metric(&exporter, RELOADED, &[]), 1.0);
    assert!(scrape_with(&exporter, &sim, "bmc").is_complete());
    let stranger = deaf_port();
    let target = stranger.local_addr().unwrap().to_string();
    assert_eq!(exporter.ipmi(&target, "bmc").unwrap().status, 403);
    assert_eq!(heard(&stranger), 0, "the list is kept too");

    controller.start_again();
    wait_for("the controller to be heard again", LIMIT, || {
        (source(&exporter).as_deref() == Some("controller")).then_some(())
    });
    let profile = controller.credential("later", USER, PASSWORD);
    let other = lab.start(machine(1));
    controller.server("b", other.addr(), profile, exporter_id);
    wait_for_module(&exporter, "later");
    assert!(scrape_with(&exporter, &other, "later").is_complete());
    controller.wait_in_sync(exporter_id);
}

#[test]
fn what_another_exporter_carries_gets_403_and_not_one_packet() {
    let lab = Lab::new();
    let controller = Controller::start();
    let (east, west) = (controller.exporter("east"), controller.exporter("west"));
    let (ours, others) = (lab.start(machine(1)), lab.start(machine(1)));
    let profile = controller.credential("bmc", USER, PASSWORD);
    controller.server("ours", ours.addr(), profile, east);
    let moving = controller.server("others", others.addr(), profile, west);
    let home = Home::new(&controller.token(east));
    let exporter = home.start(&controller.url());
    wait_for_module(&exporter, "bmc");
    let stranger = deaf_port();
    for target in [others.addr(), stranger.local_addr().unwrap()] {
        let answer = exporter.ipmi(&target.to_string(), "bmc").unwrap();
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
    assert_eq!(
        (others.counters().datagrams_received, heard(&stranger)),
        (0, 0)
    );
    // It comes to this exporter.
    let body = json!({"name": "others", "address": others.addr().ip().to_string(),
        "port": others.addr().port(), "credential_id": profile, "exporter_id": east});
    controller.ask(Method::PUT, &format!("servers/{moving}"), Some(&body));
    let target = others.addr().to_string();
    wait_for("the target to be listed", LIMIT, || {
        (exporter.ipmi(&target, "bmc").unwrap().status == 200).then_some(())
    });
    assert!(scrape_with(&exporter, &others, "bmc").is_complete());
}

#[test]
fn without_a_good_token_there_is_no_configuration() {
    let lab = Lab::new();
    let controller = Controller::start();
    let (east, west) = (controller.exporter("east"), controller.exporter("west"));
    let sim = lab.start(machine(1));
    let profile = controller.credential("bmc", USER, PASSWORD);
    controller.server("a", sim.addr(), profile, east);
    let discovery = json!({"name": "x", "kind": "discovery"});
    let discovery = controller.ask(Method::POST, "tokens", Some(&discovery));
    let taken_back = controller.token(east);
    let list = controller.ask(Method::GET, "tokens?limit=100", None);
    let newest = list["items"][0]["id"].as_i64().unwrap();
    controller.ask(Method::DELETE, &format!("tokens/{newest}"), None);
    let target = sim.addr().to_string();

    let home = Home::new("ipmi_exporter_nobodys");
    let exporter = home.start(&controller.url());
    for (token, reason, words) in [
        ("ipmi_exporter_nobodys", "unauthorized", "status 401"),
        (taken_back.as_str(), "unauthorized", "status 401"),
        (
            discovery["token"].as_str().unwrap(),
            "forbidden",
            "status 403",
        ),
        ("two words", "token", "holds no token"),
    ] {
        home.set_token(token);
        let before = failures(&exporter, reason);
        let answer = reload(&exporter);
        assert!(
            answer.status == 500 && answer.body.contains(words),
            "{}",
            answer.body
        );
        assert!(failures(&exporter, reason) > before, "{reason}");
        let ready = get(&exporter, "/-/ready");
        assert!(
            ready.status == 503 && ready.body.contains(words),
            "{}",
            ready.body
        );
        let scrape = exporter.ipmi(&target, "bmc").unwrap();
        assert!(
            scrape.status == 503 && scrape.body.contains(words),
            "{}",
            scrape.body
        );
        assert_eq!(get(&exporter, "/-/healthy").status, 200);
    }
    assert_eq!(sim.counters().datagrams_received, 0);
    assert_eq!(own_metric(&exporter, RELOADED, &[]), 0.0);
    // Another exporter's token opens that exporter's channel, which carries nothing.
    home.set_token(&controller.token(west));
    assert_eq!(reload(&exporter).status, 200);
    assert_eq!(get(&exporter, "/-/ready").status, 200);
    assert_eq!(exporter.ipmi(&target, "bmc").unwrap().status, 400);
    // The right one counts without a restart.
    home.set_token(&controller.token(east));
    assert_eq!(reload(&exporter).status, 200);
    assert!(scrape_with(&exporter, &sim, "bmc").is_complete());
    assert_eq!(own_metric(&exporter, RELOADED, &[]), 1.0);
}

#[test]
fn a_password_from_a_controller_appears_nowhere() {
    const SECRETS: [&str; 2] = ["zq7canaryCHANNEL0815", "zq7canaryWRONG4711"];
    let lab = Lab::new();
    let mut controller = Controller::start();
    let exporter_id = controller.exporter("east");
    let config_of = |password: &str| {
        bmc_sim::BmcConfig::new().user(bmc_sim::User::administrator(USER, password))
    };
    let good = lab.start_with(config_of(SECRETS[0]), machine(2));
    let wrong = lab.start_with(config(), machine(2));
    let first = controller.credential("good", USER, SECRETS[0]);
    let second = controller.credential("wrong", USER, SECRETS[1]);
    controller.server("good", good.addr(), first, exporter_id);
    controller.server("wrong", wrong.addr(), second, exporter_id);
    let token = controller.token(exporter_id);
    let home = Home::new(&token);
    let mut exporter = home.start(&controller.url());
    wait_for_module(&exporter, "wrong");
    let mut seen = Vec::new();
    assert!(scrape_with(&exporter, &good, "good").is_complete());
    seen.push(("a scrape", scrape_with(&exporter, &wrong, "wrong").body));
    for path in ["/", "/metrics", "/config", "/-/ready"] {
        seen.push((path, get(&exporter, path).body));
    }
    controller.kill();
    seen.push(("a refused reload", reload(&exporter).body));
    let arguments = std::fs::read(format!("/proc/{}/cmdline", exporter.process.id())).unwrap();
    let environment = std::fs::read(format!("/proc/{}/environ", exporter.process.id())).unwrap();
    seen.push((
        "the arguments",
        String::from_utf8_lossy(&arguments).into_owned(),
    ));
    seen.push((
        "the environment",
        String::from_utf8_lossy(&environment).into_owned(),
    ));
    assert!(exporter.process.terminate().success());
    seen.push(("the log", exporter.process.log()));
    seen.push(("the output", exporter.process.stdout()));
    let mut again = home.start(&controller.url());
    assert!(
        scrape_with(&again, &good, "good").is_complete(),
        "from the sealed copy"
    );
    assert!(again.process.terminate().success());
    seen.push(("the second log", again.process.log()));
    let log = &seen[8].1;
    assert!(
        log.contains("level=DEBUG") && log.contains("Took over"),
        "{log}"
    );
    let mut files = controller.files();
    for entry in std::fs::read_dir(home.path("cache")).unwrap() {
        files.push(entry.unwrap().path());
    }
    let sealed = home.path("cache").join("controller.sealed");
    assert!(files.contains(&sealed), "{files:?}");
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        for secret in SECRETS {
            let is_in = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!is_in, "{secret} is in {}", file.display());
        }
    }
    // Its beginning says what it is and is no secret.
    let random = token.trim_start_matches("ipmi_exporter_");
    for secret in SECRETS.into_iter().chain([random]) {
        for (place, text) in &seen {
            if let Some(spelling) = leaked(secret.as_bytes(), text) {
                panic!("{secret} is in {place} as {spelling}:\n{text}");
            }
        }
    }
}

#[test]
fn a_fleet_of_a_hundred_thousand_targets_is_taken() {
    // At the exporter's own bound for what it reads.
    let targets: Vec<String> = (0..100_000)
        .map(|n| format!("bmc-{n:06}.example.org"))
        .collect();
    let text = json!({"modules": {"bmc": {"user": USER, "targets": targets}}}).to_string();
    let loaded = ipmi_exporter::config::load_remote(&text).unwrap();
    let module = loaded.config.module("bmc").unwrap();
    assert_eq!(module.allow.as_ref().map(|list| list.len()), Some(100_000));
    assert!((text.len() as u64) < ipmi_exporter::config::MAX_FILE_BYTES / 4);
}

#[test]
fn a_deleted_profile_is_gone_at_once() {
    let lab = Lab::new();
    let controller = Controller::start();
    let exporter_id = controller.exporter("east");
    let sim = lab.start(machine(1));
    let profile = controller.credential("bmc", USER, PASSWORD);
    let server = controller.server("a", sim.addr(), profile, exporter_id);
    let home = Home::new(&controller.token(exporter_id));
    let exporter = home.start(&controller.url());
    wait_for_module(&exporter, "bmc");
    let target = sim.addr().to_string();
    assert!(scrape_target(&exporter, &target, "bmc", None).is_complete());
    controller.ask(Method::DELETE, &format!("servers/{server}"), None);
    controller.ask(Method::DELETE, &format!("credentials/{profile}"), None);
    wait_for("the module to go", LIMIT, || {
        (exporter.ipmi(&target, "bmc").unwrap().status == 400).then_some(())
    });
    assert_eq!(
        get(&exporter, "/-/ready").status,
        200,
        "no modules are a configuration"
    );
}
