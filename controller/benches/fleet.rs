//! What a fleet of 100,000 servers costs the controller. Fails when a goal is
//! missed; `make bench` runs it. The store is SQLite, in a directory for temporary
//! files.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ipmi_controller::auth::{Principal, Subject};
use ipmi_controller::clock::{Clock, Timestamp};
use ipmi_controller::model::{
    Exporter, Inventory, Labels, MonitoredServer, PageRequest, Role, Scope, ServerDraft,
    ServerFilter, ServerSort, Sort, Token, TokenKind, User, UserBody, UserDraft,
};
use ipmi_controller::render::{Shard, carried, carried_by, targets};
use ipmi_controller::store::{Sealer, Store};
use ipmi_controller::sync::TargetLists;
use ipmi_controller::transfer::{Form, Mode, Settings, import};

const SERVERS: i64 = 100_000;
const RUNS: usize = 5;
/// How often each search is made in each order.
const ROUNDS: usize = 4;
/// Servers that are changed, one after the other.
const CHANGES: i64 = 200;

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
    judge(what, times[RUNS / 2], goal)
}

/// Prints a figure; whether it is below the goal.
fn judge(what: &str, took: Duration, goal: Duration) -> bool {
    let is_reached = took < goal;
    println!(
        "{what:52} {:8.1} ms   less than {:6.0} ms   {}",
        took.as_secs_f64() * 1e3,
        goal.as_secs_f64() * 1e3,
        if is_reached { "reached" } else { "MISSED" }
    );
    is_reached
}

/// A file of servers, with all columns.
fn file() -> Vec<u8> {
    let mut text = String::from(
        "name,ipmi_ip,ipmi_username,ipmi_password,group,manufacturer,model,serial_number,\
         site,rack,tags,label.dc\n",
    );
    for id in 1..=SERVERS {
        text.push_str(&format!(
            "node-{id}.example.org,10.{}.{}.{},admin,secret{},group {},Maker {},Model {},\
             SN{:08},site {},rack {},blade;new,dc{}\n",
            id >> 16,
            (id >> 8) & 255,
            id & 255,
            id % 3,
            id % 20,
            id % 7,
            id % 9,
            id * 7919,
            id % 5,
            id % 400,
            id % 11,
        ));
    }
    text.into_bytes()
}

/// Most memory that the process has had, in MiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

/// Who asks.
fn principal(user: User) -> Principal {
    let now = Timestamp(0);
    Principal {
        token: Token {
            id: 1,
            kind: TokenKind::Access,
            name: String::new(),
            user_id: Some(user.id),
            exporter_id: None,
            scopes: Vec::new(),
            expires_at: None,
            created_at: now,
            last_used_at: None,
        },
        subject: Subject::User(Box::new(user)),
        family: String::new(),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// Imports the fleet, looks for servers in it and changes some.
async fn inventory_of_servers() -> anyhow::Result<bool> {
    let directory = tempfile::tempdir()?;
    let url = format!("sqlite://{}/c.db?mode=rwc", directory.path().display());
    let store = Store::open(&url, Sealer::parse(&"07".repeat(32))?, Clock::System).await?;
    let (draft, _) = UserDraft::parse(&UserBody {
        username: "root".to_owned(),
        email: String::new(),
        role: Role::Admin,
        is_active: true,
        group_ids: None,
        password: None,
    })
    .map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let mut tx = store.write().await?;
    let user = tx.insert_user(&draft, "").await?;
    tx.commit().await?;
    let principal = principal(user);

    let start = Instant::now();
    let settings = Settings {
        mode: Mode::Create,
        create_groups: true,
        ..Settings::default()
    };
    let report = import(&store, &principal, settings, file().into(), Form::Csv).await?;
    anyhow::ensure!(
        report.applied && report.created == 100_000,
        "{}",
        report.failed
    );
    let imported = start.elapsed();
    let mut reached = judge(
        "100,000 rows of CSV: import",
        imported,
        Duration::from_secs(30),
    );
    drop(report);
    if let Some(peak) = peak_memory() {
        println!(
            "{:52} {peak:8} MiB",
            "most memory so far, the file included"
        );
    }

    // What is rare, frequent, everywhere and nowhere, in every order.
    let searches = [
        "node-99999.",
        "10.1.134",
        "sn0079",
        "model 7",
        "blade",
        "e",
        "nowhere",
        "-5",
    ];
    let sorts = [
        ServerSort::Id,
        ServerSort::Name,
        ServerSort::Address,
        ServerSort::Manufacturer,
        ServerSort::Site,
        ServerSort::UpdatedAt,
    ];
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        for search in searches {
            for key in sorts {
                let filter = ServerFilter {
                    search: Some(search.to_owned()),
                    ..ServerFilter::default()
                };
                let sort = Sort {
                    key,
                    descending: round % 2 == 1,
                };
                let start = Instant::now();
                let mut tx = store.read().await?;
                let page = PageRequest::default();
                tx.servers(&filter, sort, &Scope::All, page).await?;
                times.push(start.elapsed());
            }
        }
    }
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!(
        "{:52} {:8.1} ms",
        "list with search, of 100,000: p50",
        at(50).as_secs_f64() * 1e3
    );
    reached &= judge(
        "list with search, of 100,000: p99",
        at(99),
        Duration::from_millis(50),
    );

    let mut times = Vec::new();
    for id in 1..=CHANGES {
        let start = Instant::now();
        let mut tx = store.write().await?;
        let before = tx.server(id, &Scope::All).await?;
        let mut body = before.to_body();
        body.rack = format!("moved {id}");
        let draft = ServerDraft::parse(&body).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        let (before, after) = tx.update_server(id, None, &draft, &Scope::All).await?;
        let event = principal.event("server.update", format!("servers/{id}"));
        tx.append_audit(&event.with(Some(&before), Some(&after)))
            .await?;
        tx.commit().await?;
        times.push(start.elapsed());
    }
    times.sort();
    reached &= judge(
        "one change among 100,000, on disk: p99",
        times[times.len() * 99 / 100],
        Duration::from_secs(1),
    );
    store.close().await;
    Ok(reached)
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
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    is_reached &= runtime
        .block_on(inventory_of_servers())
        .expect("the store works");
    ExitCode::from(u8::from(!is_reached))
}
