//! A bad configuration never replaces a good running one.

use std::fs;
use std::thread;
use std::time::Duration;

use bmc_sim::Fault;

use crate::lab::{LIMIT, Lab, PASSWORD, machine, module, own_metric, scrape};
use crate::support::exporter::Exporter;
use crate::support::http::{self, Response};
use crate::support::wait_for;

fn reload(exporter: &Exporter) -> Response {
    http::request(exporter.address, "POST", "/-/reload", &[]).expect("an answer")
}

const RELOADED: &str = "ipmi_exporter_config_last_reload_successful";

const RELOADED_AT: &str = "ipmi_exporter_config_last_reload_success_timestamp_seconds";

fn write_modules(exporter: &Exporter, text: &str) {
    fs::write(exporter.home().join("modules.yml"), text).expect("configuration file");
}

#[test]
fn a_bad_reload_keeps_the_old_configuration_and_says_why() {
    let lab = Lab::new();
    let sim = lab.start(machine(1));
    let good = module("");
    let exporter = Exporter::ours(&good);
    assert!(scrape(&exporter, &sim).is_complete());
    assert_eq!(own_metric(&exporter, RELOADED, &[]), 1.0);
    let loaded_at = own_metric(&exporter, RELOADED_AT, &[]);
    for (bad, reason) in [
        (good.replace("pass:", "passs:"), "did you mean `pass`?"),
        (good.replace("modules:", "modules: ["), "modules.yml:"),
        (format!("{good}    collectors: [ipmi, imp]\n"), "imp"),
        (
            format!("{good}    sel_events: [{{name: x, regex: \"(\"}}]\n"),
            "regex",
        ),
    ] {
        write_modules(&exporter, &bad);
        let answer = reload(&exporter);
        assert_eq!(answer.status, 500);
        assert!(
            answer.body.starts_with("failed to reload config: "),
            "{}",
            answer.body
        );
        assert!(answer.body.contains(reason), "{}", answer.body);
        assert!(!answer.body.contains(PASSWORD), "{}", answer.body);
        assert_eq!(own_metric(&exporter, RELOADED, &[]), 0.0);
        assert_eq!(own_metric(&exporter, RELOADED_AT, &[]), loaded_at);
        assert!(scrape(&exporter, &sim).is_complete());
    }
    fs::remove_file(exporter.home().join("modules.yml")).unwrap();
    assert_eq!(reload(&exporter).status, 500);
    assert!(scrape(&exporter, &sim).is_complete());
    assert_eq!(
        sim.counters().logins,
        1,
        "the session went on through all this"
    );

    write_modules(&exporter, &good.replace("bmc:", "renamed:"));
    assert_eq!(reload(&exporter).status, 200);
    assert_eq!(own_metric(&exporter, RELOADED, &[]), 1.0);
    assert!(own_metric(&exporter, RELOADED_AT, &[]) > loaded_at);
    let target = sim.addr().to_string();
    assert_eq!(exporter.ipmi(&target, "bmc").unwrap().status, 400);
    assert_eq!(exporter.ipmi(&target, "renamed").unwrap().status, 200);
}

#[test]
fn a_hangup_reloads_too() {
    let exporter = Exporter::ours(&module(""));
    write_modules(&exporter, "modules: {bmc: {usr: x}}\n");
    exporter.process.signal("HUP");
    wait_for("a refused reload", LIMIT, || {
        (own_metric(&exporter, RELOADED, &[]) == 0.0).then_some(())
    });
    write_modules(&exporter, &module("").replace("bmc:", "renamed:"));
    exporter.process.signal("HUP");
    wait_for("a good reload", LIMIT, || {
        (own_metric(&exporter, RELOADED, &[]) == 1.0).then_some(())
    });
    let page = http::get(exporter.address, "/").expect("an answer").body;
    assert!(page.contains("<option>renamed</option>"), "{page}");
}

#[test]
fn a_running_scrape_keeps_the_module_that_it_began_with() {
    let lab = Lab::new();
    let sim = lab.start(machine(3));
    sim.set_fault(Fault::Delay(Duration::from_millis(150)));
    let exporter = Exporter::ours(&module(""));
    thread::scope(|scope| {
        let running = scope.spawn(|| scrape(&exporter, &sim));
        lab.wait_for(&sim, LIMIT, |counters| counters.commands >= 2);
        write_modules(&exporter, "modules: {}\n");
        assert_eq!(reload(&exporter).status, 200);
        let scrape = running.join().expect("no panic");
        assert!(scrape.is_complete(), "{:?}", scrape.up());
    });
    let target = sim.addr().to_string();
    assert_eq!(exporter.ipmi(&target, "bmc").unwrap().status, 400);
}
