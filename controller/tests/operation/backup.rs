//! Backups that can be restored, and refuse to be when they are not whole.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::program::{Client, Service, complaint, configure, init, run};
use crate::support::prometheus::{Prometheus, free_address};
use crate::wait::wait_for;

const SECRET: &str = "zq7canaryBMC0815";

/// The only backup in a directory.
fn only(directory: &Path) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|end| end != "json"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn contains(path: &Path, text: &str) -> bool {
    let bytes = std::fs::read(path).expect("a file");
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

async fn server_names(admin: &Client) -> Vec<String> {
    let (status, list) = admin.get("/api/v1/servers").await;
    assert_eq!(status, 200, "{list}");
    let items = list["items"]
        .as_array()
        .or(list.as_array())
        .expect("a list");
    items
        .iter()
        .map(|server| server["name"].as_str().expect("a name").to_owned())
        .collect()
}

async fn add(admin: &Client, name: &str, address: &str) {
    let body = json!({"name": name, "address": address});
    let (status, made) = admin.post("/api/v1/servers", &body).await;
    assert_eq!(status, 201, "{made}");
}

/// The whole life of a backup, on either database.
async fn life(home: &Path, more: &str, suffix: &str) {
    let backups = home.join("backups");
    let config = configure(
        home,
        &format!(
            "{more}backup: {{directory: {}, interval_hours: 0, keep: 2}}\n",
            backups.display()
        ),
    );
    init(home, &config);
    let mut service = Service::start(&config, &home.join("log")).await;
    let admin = Client::admin(&service.address).await;
    let credential = json!({"name": "lab", "username": "m", "password": SECRET});
    admin.post("/api/v1/credentials", &credential).await;
    add(&admin, "before", "192.0.2.1").await;
    let (status, made) = admin.post("/api/v1/backups", &Value::Null).await;
    assert_eq!(status, 201, "{made}");
    let name = made["name"].as_str().expect("a name").to_owned();
    assert!(name.ends_with(suffix), "{name}");
    let file = backups.join(&name);
    assert_eq!(only(&backups), file);
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!contains(&file, SECRET), "a secret is not sealed");
    let (_, verified) = admin
        .post(&format!("/api/v1/backups/{name}/verify"), &Value::Null)
        .await;
    assert_eq!(verified["intact"], true, "{verified}");
    assert!(verified["audit_entries"].as_i64() > Some(0), "{verified}");
    let (_, runs) = admin.get("/api/v1/backups/runs?kind=backup").await;
    assert_eq!(
        (&runs["total"], &runs["items"][0]["is_ok"]),
        (&json!(1), &json!(true))
    );
    let metrics = admin.text("/metrics").await;
    assert!(
        metrics.contains("run_last_success_timestamp_seconds{kind=\"backup\"}"),
        "{metrics}"
    );
    let path = format!("/api/v1/backups/{name}/download");
    let request = admin
        .http
        .get(format!("{}{path}", admin.base))
        .bearer_auth(&admin.token);
    let bytes = request
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("a body");
    assert_eq!(bytes, std::fs::read(&file).expect("a file"));

    // OpenServerHub's words for the same.
    let (_, list) = admin.get("/api/v1/backup/list").await;
    let first = &list["backups"][0];
    assert_eq!(first["filename"], *name);
    assert!(first["size"].as_u64() > Some(0) && first["created_at"].is_string());
    let (_, valid) = admin
        .post("/api/v1/backup/verify", &json!({"filename": name}))
        .await;
    assert_eq!(
        (&valid["is_valid"], &valid["filename"]),
        (&json!(true), &json!(name))
    );
    let (status, refused) = admin
        .post("/api/v1/backup/restore", &json!({"filename": name}))
        .await;
    assert_eq!(status, 409, "{refused}");

    // What is not a name of ours is nothing, wherever it leads.
    for bad in ["..%2Fmaster.key", "master.key", "controller-%2e%2e.db"] {
        let (status, _) = admin.get(&format!("/api/v1/backups/{bad}/download")).await;
        assert_eq!(status, 404, "{bad}");
    }

    // Later changes are gone after the restoration, and kept beside it.
    add(&admin, "after", "192.0.2.2").await;
    let at = file.display().to_string();
    let running = run(&config, &["admin", "restore", "--force", &at]);
    assert!(
        !running.status.success(),
        "a running controller's database was replaced"
    );
    assert!(complaint(&running).contains("first"), "{running:?}");
    service.signal("TERM");
    assert!(service.end().await);
    let refused = run(&config, &["admin", "restore", &at]);
    assert!(
        !refused.status.success() && complaint(&refused).contains("--force"),
        "{refused:?}"
    );

    // A backup of another master key, or one that was damaged, is refused.
    let key = std::fs::read(home.join("master.key")).expect("a file");
    std::fs::write(home.join("master.key"), "08".repeat(32)).expect("a file");
    let foreign = run(&config, &["admin", "restore", "--force", &at]);
    assert!(
        !foreign.status.success() && complaint(&foreign).contains("master key"),
        "{foreign:?}"
    );
    std::fs::write(home.join("master.key"), key).expect("a file");
    let good = std::fs::read(&file).expect("a file");
    for (position, what) in [(good.len() / 2, "a bit"), (good.len(), "the end")] {
        let mut bad = good[..position].to_vec();
        if what == "a bit" {
            bad.extend_from_slice(&good[position..]);
            bad[position] ^= 1;
        } else {
            bad.truncate(good.len() - 1);
        }
        std::fs::write(&file, bad).expect("a file");
        let damaged = run(&config, &["admin", "verify-backup", &at]);
        assert!(!damaged.status.success(), "{what}: {damaged:?}");
        let damaged = run(&config, &["admin", "restore", "--force", &at]);
        assert!(!damaged.status.success(), "{what}: {damaged:?}");
    }
    std::fs::write(&file, &good).expect("a file");
    let intact = run(&config, &["admin", "verify-backup", &at]);
    assert!(intact.status.success(), "{intact:?}");

    let restored = run(&config, &["admin", "restore", "--force", &at]);
    assert!(restored.status.success(), "{restored:?}");
    let said = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(said.contains("What was there before is in"), "{said}");
    let mut service = Service::start(&config, &home.join("log")).await;
    let admin = Client::admin(&service.address).await;
    assert_eq!(server_names(&admin).await, ["before"]);
    let (_, trail) = admin.post("/api/v1/audit/verify", &Value::Null).await;
    assert_eq!(trail["intact"], true, "{trail}");
    service.signal("TERM");
    assert!(service.end().await);

    // And back: what was replaced is a backup itself.
    let kept = said.lines().last().expect("a line");
    let kept = kept
        .trim_start_matches("What was there before is in ")
        .trim_end_matches('.');
    if suffix == ".dump" {
        let back = run(&config, &["admin", "restore", "--force", kept]);
        assert!(back.status.success(), "{back:?}");
        let service = Service::start(&config, &home.join("log")).await;
        let admin = Client::admin(&service.address).await;
        assert_eq!(server_names(&admin).await, ["before", "after"]);
    } else {
        assert!(Path::new(kept).exists(), "{kept}");
    }
}

#[tokio::test]
async fn a_backup_of_sqlite_is_made_verified_and_restored() {
    let home = tempfile::tempdir().expect("a directory");
    life(home.path(), "", ".db").await;
}

#[tokio::test]
async fn a_backup_of_postgresql_is_made_verified_and_restored() {
    let server = Postgres::start();
    let home = tempfile::tempdir().expect("a directory");
    life(
        home.path(),
        &format!("database: {}\n", server.database()),
        ".dump",
    )
    .await;
}

#[tokio::test]
async fn a_command_makes_a_backup_and_old_ones_go() {
    let home = tempfile::tempdir().expect("a directory");
    let backups = home.path().join("backups");
    let text = format!("backup: {{directory: {}, keep: 2}}\n", backups.display());
    let config = configure(home.path(), &text);
    init(home.path(), &config);
    // Killed half-way, somebody left this.
    std::fs::create_dir(&backups).expect("a directory");
    std::fs::write(backups.join(".partial-controller-1.db"), "half").expect("a file");
    let service = Service::start(&config, &home.path().join("log")).await;
    let admin = Client::admin(&service.address).await;
    let list = async || {
        let (_, list) = admin.get("/api/v1/backups").await;
        list["items"].as_array().expect("a list").len()
    };
    // The first one is due at once.
    wait_for("the schedule's backup", async || {
        (list().await == 1).then_some(())
    })
    .await;
    assert!(!backups.join(".partial-controller-1.db").exists());
    let made = run(&config, &["admin", "backup"]);
    assert!(made.status.success(), "{made:?}");
    assert_eq!(list().await, 2);
    let (status, third) = admin.post("/api/v1/backups", &Value::Null).await;
    assert_eq!(status, 201, "{third}");
    assert_eq!(list().await, 2, "more than are to be kept");
    assert!(
        backups
            .join(third["name"].as_str().expect("a name"))
            .exists()
    );
}

#[tokio::test]
async fn prometheus_makes_snapshots_and_old_ones_go() {
    let address = free_address();
    let prometheus = Prometheus::start_with(address, "", &["--web.enable-admin-api"]).await;
    let home = tempfile::tempdir().expect("a directory");
    let snapshots = prometheus.path("data/snapshots");
    let text = format!(
        "prometheus: {{url: 'http://{address}'}}\nsnapshot: {{interval_hours: 1, keep: 1, directory: {}}}\n",
        snapshots.display()
    );
    let config = configure(home.path(), &text);
    init(home.path(), &config);
    let count = || std::fs::read_dir(&snapshots).map_or(0, Iterator::count);
    let mut service = Service::start(&config, &home.path().join("log")).await;
    wait_for("a snapshot", async || (count() == 1).then_some(())).await;
    let admin = Client::admin(&service.address).await;
    let path = "/api/v1/backups/runs?kind=snapshot";
    wait_for("its entry", async || {
        let (_, runs) = admin.get(path).await;
        (runs["items"][0]["is_ok"] == true).then_some(())
    })
    .await;
    service.kill();
    // As if it were long ago: the next one is due, and this one goes.
    let first = only(&snapshots);
    let database = format!("sqlite://{}", home.path().join("c.db").display());
    make_old(&database).await;
    let _service = Service::start(&config, &home.path().join("log")).await;
    wait_for("the next one", async || {
        (count() == 1 && !first.exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_prometheus_makes_snapshots_of_its_own() {
    let [east, west] = [free_address(), free_address()];
    let flags = ["--web.enable-admin-api"];
    let east = Prometheus::start_with(east, "", &flags).await;
    let west = Prometheus::start_with(west, "", &flags).await;
    let home = tempfile::tempdir().expect("a directory");
    let places = [&east, &west].map(|server| server.path("data/snapshots"));
    // One that is down holds no other up.
    let mut text = "snapshot: {interval_hours: 1, keep: 1}\nprometheus:\n  \
                    - {name: down, url: 'http://127.0.0.1:1'}\n"
        .to_owned();
    for (name, server, place) in [("east", &east, &places[0]), ("west", &west, &places[1])] {
        let (url, place) = (server.url(), place.display());
        writeln!(
            text,
            "  - {{name: {name}, url: '{url}', snapshot_directory: {place}}}"
        )
        .expect("a line");
    }
    let config = configure(home.path(), &text);
    init(home.path(), &config);
    let mut service = Service::start(&config, &home.path().join("log")).await;
    let admin = Client::admin(&service.address).await;
    let runs = wait_for("an entry of each", async || {
        let (_, runs) = admin.get("/api/v1/backups/runs?kind=snapshot").await;
        (runs["total"] == 3).then_some(runs)
    })
    .await;
    let firsts = places.each_ref().map(|place| only(place));
    let name = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.expect("a name").to_owned()
    };
    let mut noted: Vec<(&str, bool)> = runs["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| (run["name"].as_str().expect("a name"), run["is_ok"] == true))
        .collect();
    noted.sort_unstable();
    let [first, second] = firsts.each_ref().map(|path| name(path));
    let (first, second) = (format!("east/{first}"), format!("west/{second}"));
    assert_eq!(
        noted,
        [("down/", false), (first.as_str(), true), (&second, true)]
    );
    service.kill();
    let database = format!("sqlite://{}", home.path().join("c.db").display());
    make_old(&database).await;
    let _service = Service::start(&config, &home.path().join("log")).await;
    for (place, first) in places.iter().zip(&firsts) {
        let count = || std::fs::read_dir(place).map_or(0, Iterator::count);
        wait_for("the next one", async || {
            (count() == 1 && !first.exists()).then_some(())
        })
        .await;
    }
}

/// Moves all runs two hours back.
async fn make_old(url: &str) {
    use sqlx::{Connection, Executor};
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(url)
        .await
        .expect("the database");
    let statement =
        "UPDATE runs SET started_ms = started_ms - 7200000, ended_ms = ended_ms - 7200000";
    connection.execute(statement).await.expect("changed");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn a_prometheus_without_its_admin_interface_is_told_of() {
    let address = free_address();
    let _prometheus = Prometheus::start(address, "").await;
    let home = tempfile::tempdir().expect("a directory");
    let text =
        format!("prometheus: {{url: 'http://{address}'}}\nsnapshot: {{interval_hours: 1}}\n");
    let config = configure(home.path(), &text);
    init(home.path(), &config);
    let service = Service::start(&config, &home.path().join("log")).await;
    let admin = Client::admin(&service.address).await;
    let detail = wait_for("the failure", async || {
        let (_, runs) = admin.get("/api/v1/backups/runs?kind=snapshot").await;
        runs["items"][0]["detail"].as_str().map(str::to_owned)
    })
    .await;
    assert!(detail.contains("--web.enable-admin-api"), "{detail}");
}
