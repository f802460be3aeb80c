//! Several controllers on one database: one leads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::postgres::Postgres;
use crate::program::{Client, Service, complaint, configure, init, run};
use crate::wait::wait_for;

/// Whether it says that it leads.
async fn leads(service: &Service) -> bool {
    let ready = reqwest::get(format!("http://{}/-/ready", service.address)).await;
    let Ok(ready) = ready else {
        return false;
    };
    ready
        .text()
        .await
        .is_ok_and(|text| text.contains("leads.") && !text.contains("another"))
}

fn place(home: &Path, name: &str, database: &str) -> PathBuf {
    let directory = home.join(name);
    std::fs::create_dir(&directory).expect("a directory");
    let more = format!(
        "database: {database}\nprometheus: {{targets_file: {}/targets.json}}\n",
        directory.display()
    );
    configure(&directory, &more)
}

#[tokio::test]
async fn another_controller_takes_over_when_the_leader_is_killed() {
    let server = Postgres::start();
    let database = server.database();
    let home = tempfile::tempdir().expect("a directory");
    let (one, two) = (
        place(home.path(), "one", &database),
        place(home.path(), "two", &database),
    );
    init(home.path(), &one);
    let mut first = Service::start(&one, &home.path().join("one/log")).await;
    wait_for("a leader", async || leads(&first).await.then_some(())).await;
    let second = Service::start(&two, &home.path().join("two/log")).await;

    // A change at the one that follows is published by the one that leads, and
    // handed out by both.
    let admin = Client::admin(&second.address).await;
    let exporter = json!({"name": "exp", "url": "http://127.0.0.1:9"});
    admin.post("/api/v1/exporters", &exporter).await;
    let (_, credential) = admin
        .post("/api/v1/credentials", &json!({"name": "default"}))
        .await;
    let server_of = |name: &str, address: &str| json!({"name": name, "address": address, "credential_id": credential["id"]});
    let (status, made) = admin
        .post("/api/v1/servers", &server_of("n1", "192.0.2.1"))
        .await;
    assert_eq!(status, 201, "{made}");
    let has = |name: &'static str, text: &'static str| {
        let path = home.path().join(name).join("targets.json");
        async move || {
            let found = std::fs::read_to_string(&path).ok()?;
            found.contains(text).then_some(())
        }
    };
    wait_for("the leader's file", has("one", "192.0.2.1")).await;
    assert!(!leads(&second).await, "there are two leaders");
    assert!(
        !home.path().join("two/targets.json").exists(),
        "a follower writes"
    );
    let (_, token) = admin
        .post("/api/v1/tokens", &json!({"name": "p", "kind": "discovery"}))
        .await;
    let discovery = Client {
        token: token["token"].as_str().expect("a token").to_owned(),
        ..admin.clone()
    };
    wait_for("the follower to hand out what is published", async || {
        let (status, list) = discovery.get("/api/v1/sd/prometheus/exp").await;
        (status == 200 && list.to_string().contains("192.0.2.1")).then_some(())
    })
    .await;

    first.kill();
    wait_for("the other one to lead", async || {
        leads(&second).await.then_some(())
    })
    .await;
    admin
        .post("/api/v1/servers", &server_of("n2", "192.0.2.2"))
        .await;
    wait_for("the new leader's file", has("two", "192.0.2.2")).await;
    let metrics = admin.text("/metrics").await;
    assert!(metrics.contains("ipmi_controller_leader 1"), "{metrics}");

    // The one that comes back follows.
    let again = Service::start(&one, &home.path().join("one/log")).await;
    assert!(!leads(&again).await);
}

#[tokio::test]
async fn a_leader_whose_session_dies_stops_before_another_begins() {
    let server = Postgres::start();
    let database = server.database();
    let name = database.rsplit('/').next().expect("a name").to_owned();
    let home = tempfile::tempdir().expect("a directory");
    let (one, two) = (
        place(home.path(), "one", &database),
        place(home.path(), "two", &database),
    );
    let first = Service::start(&one, &home.path().join("one/log")).await;
    wait_for("a leader", async || leads(&first).await.then_some(())).await;
    let second = Service::start(&two, &home.path().join("two/log")).await;
    // The session that holds the lock dies; both processes live.
    let ended = server
        .psql(
            &name,
            "SELECT pg_terminate_backend(pid) FROM pg_locks \
             WHERE locktype = 'advisory' AND granted",
        )
        .expect("it is ended");
    assert_eq!(ended.trim(), "t");
    let mut was_without = false;
    wait_for("a leader again", async || {
        let (one, two) = (leads(&first).await, leads(&second).await);
        assert!(!(one && two), "there are two leaders");
        was_without |= !one && !two;
        (was_without && (one || two)).then_some(())
    })
    .await;
    // Nobody changes sides any more.
    for _ in 0..20 {
        let (one, two) = (leads(&first).await, leads(&second).await);
        assert!(one != two, "{one} {two}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_file_has_one_controller() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(home.path(), "");
    init(home.path(), &config);
    let mut first = Service::start(&config, &home.path().join("log")).await;
    assert!(
        leads(&first).await
            || wait_for("a leader", async || leads(&first).await.then_some(true)).await
    );
    let second = run(&config, &["serve"]);
    assert!(!second.status.success());
    let message = complaint(&second);
    assert!(
        message.contains("c.db") && message.contains("stop it first"),
        "{message}"
    );
    // Commands of the administrator work beside it.
    assert!(run(&config, &["admin", "verify-audit"]).status.success());
    // The lock ends with the process, however that ends.
    first.kill();
    let again = Service::start(&config, &home.path().join("log")).await;
    assert!(wait_for("a leader", async || leads(&again).await.then_some(true)).await);
}
