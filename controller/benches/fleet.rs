//! What a fleet of 100,000 servers costs the controller. Fails when a goal is
//! missed; `make bench` runs it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ipmi_controller::clock::Timestamp;
use ipmi_controller::model::{Exporter, Inventory, Labels, MonitoredServer};
use ipmi_controller::render::{Shard, carried, carried_by, targets};
use ipmi_controller::sync::TargetLists;

const SERVERS: i64 = 100_000;
const RUNS: usize = 5;

fn server(id: i64) -> MonitoredServer {
    MonitoredServer {
        id,
        name: format!("node-{id}"),
        address: format!("bmc-{id}.example.org"),
        port: 623,
        module: Some("default".to_owned()),
        group: None,
        exporter_id: None,
        manufacturer: String::new(),
        model: String::new(),
        site: "east".to_owned(),
        rack: String::new(),
        labels: Labels::default(),
    }
}

fn exporter(id: i64) -> Exporter {
    Exporter {
        id,
        name: format!("exp-{id}"),
        url: format!("http://192.0.2.{id}:9290"),
        site: String::new(),
        weight: 100,
        enabled: true,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn inventory(exporters: i64) -> Inventory {
    Inventory {
        revision: 1,
        servers: (1..=SERVERS).map(server).collect(),
        exporters: (1..=exporters).map(exporter).collect(),
    }
}

/// Says how long `work` takes in the middle of some runs; whether that is below
/// the goal.
fn measure<T>(what: &str, goal: Duration, mut work: impl FnMut() -> T) -> bool {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let made = work();
            let took = start.elapsed();
            drop(made);
            took
        })
        .collect();
    times.sort();
    let middle = times[RUNS / 2];
    let is_reached = middle < goal;
    println!(
        "{what:52} {:8.1} ms   less than {:6.0} ms   {}",
        middle.as_secs_f64() * 1e3,
        goal.as_secs_f64() * 1e3,
        if is_reached { "reached" } else { "MISSED" }
    );
    is_reached
}

fn shards(count: u32) -> Vec<Shard> {
    (1..=count)
        .map(|number| Shard {
            name: format!("shard-{number}"),
            sites: Vec::new(),
            weight: 100,
            max_targets: 15_000,
        })
        .collect()
}

fn main() -> ExitCode {
    let whole = inventory(10);
    let mut is_reached = true;
    for count in [1, 7] {
        is_reached &= measure(
            &format!("100,000 servers, 10 exporters, {count} shards: render"),
            Duration::from_secs(2),
            || {
                let rendered = targets(&whole, &shards(count)).expect("the fleet is legal");
                let found = rendered.shards.iter().map(|s| s.document.entries().len());
                assert_eq!(found.sum::<usize>(), 100_000);
                rendered
            },
        );
    }
    for count in [1, 7] {
        let halves = targets(&inventory(2), &shards(count)).expect("the fleet is legal");
        let documents = halves.shards.into_iter().map(|shard| shard.document);
        let published = TargetLists::new(documents.collect());
        is_reached &= measure(
            &format!("HTTP discovery of one of two exporters, {count} shards"),
            Duration::from_millis(300),
            || published.for_exporter("exp-1"),
        );
    }
    // Each change of the desired state, for the allow-lists of all exporters.
    is_reached &= measure(
        "100,000 servers, 10 exporters: who carries what",
        Duration::from_secs(1),
        || {
            let carried = carried(&whole);
            assert_eq!(carried.len(), 10);
            carried
        },
    );
    let rendered = targets(&whole, &shards(1)).expect("the fleet is legal");
    is_reached &= measure(
        "the same from published targets",
        Duration::from_secs(1),
        || {
            let lists = rendered.shards.iter();
            let carried: Vec<_> = lists.map(|shard| carried_by(&shard.document)).collect();
            carried
        },
    );
    ExitCode::from(u8::from(!is_reached))
}
