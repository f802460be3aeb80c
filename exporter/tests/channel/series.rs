//! What is asked of the controller becomes series in Prometheus, whichever way it
//! learns its targets and through whichever exporter.

use std::collections::BTreeSet;

use bmc_sim::Sim;
use reqwest::Method;
use rstest::rstest;

use crate::lab::Lab;
use crate::support::wait_for;
use crate::system::{Discovery, EXPORTERS, LIMIT, System, fans};

/// Servers that two exporters share.
const SERVERS: usize = 8;

#[rstest]
#[case::by_file(Discovery::Files)]
#[case::by_http(Discovery::Http)]
fn a_server_has_series_for_as_long_as_it_is_watched(#[case] discovery: Discovery) {
    let lab = Lab::new();
    let system = System::start(discovery);
    let [first, second, third] = [60, 50, 40].map(|reading| lab.start(fans(reading)));
    let create = |name, bmc: &Sim| {
        let body = system.server(name, bmc.addr(), true);
        system.controller.create("servers", &body)
    };
    create("a", &first);
    let id = create("b", &second);
    system.wait_for_fan("a", Some(60));
    system.wait_for_fan("b", Some(50));

    // Another name and another BMC: the series of the ones before go.
    let changed = system.server("c", third.addr(), true);
    system.change("servers", id, &changed);
    system.wait_for_fan("c", Some(40));
    system.wait_for_fan("b", None);

    system.change("servers", id, &system.server("c", third.addr(), false));
    system.wait_for_fan("c", None);
    system.change("servers", id, &changed);
    system.wait_for_fan("c", Some(40));
    let path = format!("servers/{id}");
    system.controller.ask(Method::DELETE, &path, None);
    system.wait_for_fan("c", None);
    system.wait_for_fan("a", Some(60));
}

#[rstest]
#[case::by_file(Discovery::Files)]
#[case::by_http(Discovery::Http)]
fn a_second_exporter_takes_its_share_and_nothing_else_moves(#[case] discovery: Discovery) {
    let lab = Lab::new();
    let mut system = System::start(discovery);
    let names: Vec<String> = (0..SERVERS).map(|number| format!("s{number}")).collect();
    let bmcs: Vec<Sim> = names.iter().map(|_| lab.start(fans(60))).collect();
    for (name, bmc) in names.iter().zip(&bmcs) {
        let body = system.server(name, bmc.addr(), true);
        system.controller.create("servers", &body);
    }
    let all_of = |names: &BTreeSet<String>, exporter: &str| -> BTreeSet<(String, String)> {
        let pair = |name: &String| (name.clone(), exporter.to_owned());
        names.iter().map(pair).collect()
    };
    let names = BTreeSet::from_iter(names);
    let [first, second] = EXPORTERS;
    let wait_for_all = |system: &System, wanted: &BTreeSet<(String, String)>| {
        wait_for(&format!("these to be read: {wanted:?}"), LIMIT, || {
            (system.carried() == *wanted).then_some(())
        });
    };
    let all_by_first = all_of(&names, first);
    wait_for_all(&system, &all_by_first);

    let id = system.add_exporter(second);
    let share = wait_for("the second one's share", LIMIT, || {
        Some(system.share(second)).filter(|share| !share.is_empty())
    });
    let rest: BTreeSet<String> = names.difference(&share).cloned().collect();
    assert!(!rest.is_empty(), "all went to the second one");
    let by_second = all_of(&share, second);
    wait_for_all(&system, &(&by_second | &all_of(&rest, first)));
    // The second one has never been sent to any of the rest.
    assert_eq!(system.carried_ever(), &all_by_first | &by_second);
    for (name, bmc) in names.iter().zip(&bmcs) {
        let log_ins = 1 + u64::from(share.contains(name));
        assert_eq!(bmc.counters().logins, log_ins, "{name}");
    }

    system.disable_exporter(id, second);
    wait_for_all(&system, &all_by_first);
}
