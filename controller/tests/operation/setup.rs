//! `ipmi_controller admin setup` makes what a new system begins with, once, all
//! of it or nothing.

use std::path::Path;

use serde_json::json;

use crate::program::{ADMIN, Client, Service, complaint, configure, run};
use crate::wait::wait_for;

const EXPORTER: &str =
    "ipmi_exporter_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const INLET: &str = "ipmi_inlet_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

const GOOD: &str = "\
administrator: {username: root, password_file: password}
credentials:
- {profile: {name: lab, username: monitor}, password_file: bmc}
exporters:
- {exporter: {name: main, url: 'https://exporter:9290'}, token_file: exporter}
tokens:
- {name: alerts, kind: inlet, file: inlet}
servers:
- {server: {name: one, address: 192.0.2.1}, credential: lab, exporter: main}
- {server: {name: two, address: 192.0.2.2}, credential: lab}
";

fn files(home: &Path) {
    for (name, text) in [
        ("password", ADMIN.1),
        ("bmc", "zq7canaryBMC"),
        ("exporter", EXPORTER),
        ("inlet", INLET),
        ("short", "ipmi_inlet_0011"),
        ("empty", "\n"),
    ] {
        std::fs::write(home.join(name), format!("{text}\n")).expect("a file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_system_begins_with_is_made_once() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(home.path(), "");
    files(home.path());
    let file = home.path().join("setup.yml");
    std::fs::write(&file, GOOD).expect("a file");
    let path = file.display().to_string();
    let setup = || run(&config, &["admin", "setup", &path]);

    let first = setup();
    assert!(first.status.success(), "{}", complaint(&first));
    let said = String::from_utf8(first.stdout).expect("text");
    for what in [
        "administrator root",
        "credential profile lab",
        "exporter main",
        "exporter token main",
        "inlet token alerts",
        "2 servers",
    ] {
        assert!(
            said.contains(&format!("made {what}\n")),
            "no {what} in {said}"
        );
    }
    let again = String::from_utf8(setup().stdout).expect("text");
    assert_eq!(again, "everything is there already\n");

    let service = Service::start(&config, &home.path().join("log")).await;
    let mut client = Client::admin(&service.address).await;
    let (_, servers) = client.get("/api/v1/servers?sort=name").await;
    assert_eq!(servers["total"], 2);
    assert!(servers["items"][0]["exporter_id"].is_number());
    assert!(servers["items"][0]["credential_id"].is_number());
    let (_, audit) = client.get("/api/v1/audit?limit=100").await;
    let trail = audit.to_string();
    for action in [
        "user.create",
        "credential.create",
        "exporter.create",
        "token.create",
        "server.create",
    ] {
        assert!(trail.contains(action), "{action} is not in the trail");
    }
    assert!(!trail.contains("zq7canary") && !trail.contains("00112233"));
    // The tokens are worth what they say, and no more.
    client.token = INLET.to_owned();
    let (status, _) = client.post("/api/v2/alerts", &json!([])).await;
    assert_eq!(status, 200);
    let (status, _) = client.get("/api/v1/servers").await;
    assert_eq!(status, 403);
    client.token = EXPORTER.to_owned();
    wait_for("the exporter's modules", async || {
        let (status, module) = client.get("/api/v1/exporters/-/config").await;
        let is_whole = status == 200 && module.to_string().contains("zq7canaryBMC");
        is_whole.then_some(())
    })
    .await;
}

#[test]
fn a_mistake_is_named_and_nothing_is_made() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(home.path(), "");
    files(home.path());
    let file = home.path().join("setup.yml");
    let path = file.display().to_string();
    for (before, after, words) in [
        ("username: root", "user: root", ["setup.yml", "user"]),
        ("file: inlet", "file: short", ["token alerts", "short"]),
        (
            "file: inlet",
            "file: exporter",
            ["token alerts", "ipmi_inlet_"],
        ),
        ("kind: inlet", "kind: api", ["token alerts", "kind"]),
        (
            "file: bmc",
            "file: empty",
            ["credential profile lab", "empty"],
        ),
        (
            "file: bmc",
            "file: nowhere",
            ["credential profile lab", "nowhere"],
        ),
        (
            "https://exporter:9290",
            "exporter:9290",
            ["exporter main", "url"],
        ),
        (
            "credential: lab}",
            "credential: lba}",
            ["server two", "lba"],
        ),
        (
            "address: 192.0.2.2",
            "address: '192.0.2.2/24'",
            ["server two", "address"],
        ),
    ] {
        let text = GOOD.replacen(before, after, 1);
        assert_ne!(text, GOOD, "{before}");
        std::fs::write(&file, text).expect("a file");
        let output = run(&config, &["admin", "setup", &path]);
        let complaint = complaint(&output);
        assert!(!output.status.success(), "{after} is accepted");
        for word in words {
            assert!(complaint.contains(word), "no {word} in {complaint}");
        }
        assert!(!complaint.contains("zq7canary") && !complaint.contains("00112233"));
    }
    std::fs::write(&file, GOOD).expect("a file");
    let output = run(&config, &["admin", "setup", &path]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.starts_with("made administrator root\n"), "{said}");
    assert!(said.ends_with("made 2 servers\n"), "{said}");
}
