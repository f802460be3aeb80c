//! What exporters are given over their configuration channel, and who else is not.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipmi_controller::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::wait::{PATIENCE, wait_for};
use crate::support::{Answer, Client, Lab};

const PASSWORD: &str = "zq7canaryBMC0815";
const K_G: &str = "0123456789abcdef0123456789abcdef01234567";
const CONFIG: &str = "/api/v1/exporters/-/config";

async fn create(admin: &Client, what: &str, body: Value) -> i64 {
    let made = admin.post(&format!("/api/v1/{what}"), &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body["id"].as_i64().expect("a number")
}

/// Somebody with a token of that exporter.
async fn exporter(lab: &Lab, admin: &Client, id: i64) -> Client {
    let body = json!({"name": "exporter", "kind": "exporter", "exporter_id": id});
    let made = admin.post("/api/v1/tokens", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let mut client = lab.nobody();
    client.token = made.body["token"].as_str().map(str::to_owned);
    client
}

async fn ask(client: &Client, known: &str, wait: &str) -> Answer {
    let path = format!("{CONFIG}?wait={wait}");
    let headers = [("if-none-match", known)];
    client.ask(Method::GET, &path, None, &headers).await
}

/// Asks until what comes is as expected.
async fn config_with(client: &Client, good: impl Fn(&Value) -> bool) -> Answer {
    wait_for("the configuration", async || {
        let answer = client.get(CONFIG).await;
        let is_good = answer.status == StatusCode::OK && good(&answer.body["modules"]);
        is_good.then_some(answer)
    })
    .await
}

/// Two exporters, each with a token and a server of its own.
struct Fleet {
    lab: Lab,
    admin: Client,
    ids: [i64; 2],
    tokens: [Client; 2],
    credential: i64,
    servers: [i64; 2],
}

impl Fleet {
    async fn start() -> Self {
        let lab = Lab::start().await;
        let admin = lab.user("root", Role::Admin, None).await;
        let credential = json!({"name": "lab", "username": "monitor", "password": PASSWORD,
            "k_g": K_G, "privilege": "user",
            "settings": {"collectors": ["ipmi", "sel"], "timeout": 9000}});
        let credential = create(&admin, "credentials", credential).await;
        create(
            &admin,
            "credentials",
            json!({"name": "unused", "password": "unused"}),
        )
        .await;
        let mut ids = [0; 2];
        let mut servers = [0; 2];
        for (index, name) in ["east", "west"].into_iter().enumerate() {
            let url = format!("http://192.0.2.{}:9290", index + 1);
            let body = json!({"name": name, "url": url, "site": name});
            ids[index] = create(&admin, "exporters", body).await;
            let body = json!({"name": name, "address": format!("bmc-{name}.example.org"),
                "port": 6230, "site": name, "credential_id": credential});
            servers[index] = create(&admin, "servers", body).await;
        }
        let tokens = [
            exporter(&lab, &admin, ids[0]).await,
            exporter(&lab, &admin, ids[1]).await,
        ];
        Self {
            lab,
            admin,
            ids,
            tokens,
            credential,
            servers,
        }
    }

    /// Waits until the row of an exporter among what is published has that state.
    async fn row(&self, name: &str, state: &str) -> Value {
        wait_for(&format!("{name}: {state}"), async || {
            let status = self.admin.get("/api/v1/sync").await;
            let rows = status.body["artefacts"].as_array()?.clone();
            let is_it = |row: &Value| {
                row["artefact"] == "exporter_modules"
                    && row["server"] == name
                    && row["state"] == state
            };
            rows.into_iter().find(is_it)
        })
        .await
    }

    async fn channel(&self, index: usize) -> Value {
        let path = format!("/api/v1/exporters/{}", self.ids[index]);
        self.admin.get(&path).await.body["channel"].clone()
    }
}

#[tokio::test]
async fn an_exporter_gets_exactly_what_it_carries() {
    let fleet = Fleet::start().await;
    for (index, name) in ["east", "west"].into_iter().enumerate() {
        let token = &fleet.tokens[index];
        let answer = config_with(token, |modules| modules["lab"].is_object()).await;
        assert_eq!(
            answer.body,
            json!({"modules": {"lab": {"driver": "LAN_2_0", "user": "monitor",
                "privilege": "user", "pass": PASSWORD, "k_g": format!("0x{K_G}"),
                "collectors": ["ipmi", "sel"], "timeout": 9000,
                "targets": [format!("bmc-{name}.example.org:6230")]}}})
        );
        let by_name = token.get(&format!("/api/v1/exporters/{name}/config")).await;
        assert_eq!(
            (by_name.status, &by_name.body),
            (StatusCode::OK, &answer.body)
        );
        let etag = answer.etag.expect("an ETag");
        assert_eq!(
            ask(token, &etag, "0").await.status,
            StatusCode::NOT_MODIFIED
        );
        let both = format!("\"other\", {etag}");
        assert_eq!(
            ask(token, &both, "0").await.status,
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(ask(token, "\"other\"", "0").await.status, StatusCode::OK);
    }
    fleet.lab.stop().await;
}

#[tokio::test]
async fn a_token_opens_its_own_exporters_channel_and_no_other() {
    let fleet = Fleet::start().await;
    let [east, west] = &fleet.tokens;
    config_with(east, |modules| modules["lab"].is_object()).await;
    for name in ["west", "nobody", "1", "east%2F..%2Fwest"] {
        for (method, what) in [(Method::GET, "config"), (Method::PUT, "status")] {
            let path = format!("/api/v1/exporters/{name}/{what}");
            let body = (method == Method::PUT).then(|| json!({}));
            let answer = east.ask(method, &path, body.as_ref(), &[]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {answer:?}");
            assert!(!answer.text.contains(PASSWORD), "{path}");
        }
    }
    // Made for nobody, expired, of another kind, taken back, of an exporter that is gone.
    let body = json!({"name": "x", "kind": "exporter"});
    let refused = fleet.admin.post("/api/v1/tokens", &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["errors"][0]["field"], "exporter_id");
    for body in [
        json!({"name": "x", "kind": "exporter", "exporter_id": 999}),
        json!({"name": "x", "kind": "inlet", "exporter_id": fleet.ids[0]}),
    ] {
        let refused = fleet.admin.post("/api/v1/tokens", &body).await;
        assert_eq!(
            refused.body["errors"][0]["field"], "exporter_id",
            "{refused:?}"
        );
    }
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(300);
    let body = json!({"name": "x", "kind": "exporter", "exporter_id": fleet.ids[0],
        "expires_at": soon.to_string()});
    let made = fleet.admin.post("/api/v1/tokens", &body).await;
    let mut expiring = fleet.lab.nobody();
    expiring.token = made.body["token"].as_str().map(str::to_owned);
    wait_for("the token's end", async || {
        let answer = expiring.get(CONFIG).await;
        (answer.status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    let body = json!({"name": "x", "kind": "discovery"});
    let made = fleet.admin.post("/api/v1/tokens", &body).await;
    let mut other_kind = fleet.lab.nobody();
    other_kind.token = made.body["token"].as_str().map(str::to_owned);
    assert_eq!(other_kind.get(CONFIG).await.status, StatusCode::FORBIDDEN);
    let list = fleet.admin.get("/api/v1/tokens?limit=100").await;
    let east_token = list.body["items"]
        .as_array()
        .and_then(|tokens| tokens.iter().find(|t| t["exporter_id"] == fleet.ids[0]))
        .expect("it is listed with its exporter");
    assert_eq!(east_token["kind"], "exporter");
    let gone = fleet
        .admin
        .delete(&format!("/api/v1/exporters/{}", fleet.ids[1]))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    assert_eq!(west.get(CONFIG).await.status, StatusCode::UNAUTHORIZED);
    fleet.lab.stop().await;
}

#[tokio::test]
async fn a_waiting_exporter_hears_of_its_own_changes_at_once_and_of_no_others() {
    let fleet = Fleet::start().await;
    let mut etags = Vec::new();
    for token in &fleet.tokens {
        let answer = config_with(token, |modules| modules["lab"].is_object()).await;
        etags.push(answer.etag.expect("an ETag"));
    }
    let wait = |index: usize, seconds: &'static str| {
        let (token, etag) = (fleet.tokens[index].clone(), etags[index].clone());
        tokio::spawn(async move { ask(&token, &etag, seconds).await })
    };
    let (east, west) = (wait(0, "55s"), wait(1, "3"));
    let body = json!({"name": "east", "address": "bmc-new.example.org", "site": "east",
        "credential_id": fleet.credential});
    let path = format!("/api/v1/servers/{}", fleet.servers[0]);
    assert_eq!(fleet.admin.put(&path, &body).await.status, StatusCode::OK);
    let east = tokio::time::timeout(PATIENCE, east)
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(east.status, StatusCode::OK);
    assert_eq!(
        east.body["modules"]["lab"]["targets"],
        json!(["bmc-east.example.org:6230", "bmc-new.example.org"]),
        "the old one is listed until Prometheus has stopped asking"
    );
    let west = west.await.expect("an answer");
    assert_eq!(west.status, StatusCode::NOT_MODIFIED, "{west:?}");
    assert_eq!(west.etag.as_ref(), Some(&etags[1]));

    // A new password.
    let waiting = wait(1, "55");
    let body = json!({"name": "lab", "username": "monitor", "password": "another"});
    let path = format!("/api/v1/credentials/{}", fleet.credential);
    assert_eq!(fleet.admin.put(&path, &body).await.status, StatusCode::OK);
    let west = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(west.body["modules"]["lab"]["pass"], "another");

    // The end of the controller ends the wait.
    let token = fleet.tokens[1].clone();
    let etag = west.etag.expect("an ETag");
    let waiting = tokio::spawn(async move { ask(&token, &etag, "55").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Long before it would be over.
    tokio::time::timeout(PATIENCE / 2, fleet.lab.stop())
        .await
        .expect("nobody is waited for");
    assert_eq!(
        waiting.await.expect("an answer").status,
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn a_server_that_moves_is_known_to_the_new_exporter_before_it_is_published() {
    let fleet = Fleet::start().await;
    let [east, west] = &fleet.tokens;
    let target = "bmc-east.example.org:6230";
    let lists = |modules: &Value| {
        modules["lab"]["targets"]
            .as_array()
            .is_some_and(|t| t.contains(&json!(target)))
    };
    config_with(east, lists).await;
    let known = config_with(west, |modules| modules["lab"].is_object()).await;
    // West is on the channel and in sync: what it does not know yet is not published.
    let report = json!({"applied": known.etag, "version": "0.1.0", "source": "controller"});
    let told = west.put("/api/v1/exporters/west/status", &report).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT, "{told:?}");
    let body = json!({"name": "east", "address": "bmc-east.example.org", "port": 6230,
        "exporter_id": fleet.ids[1], "credential_id": fleet.credential});
    let path = format!("/api/v1/servers/{}", fleet.servers[0]);
    assert_eq!(fleet.admin.put(&path, &body).await.status, StatusCode::OK);
    config_with(west, lists).await;
    let status = fleet.admin.get("/api/v1/sync").await;
    let published = fleet.admin.get("/api/v1/sync/versions").await;
    assert_eq!(fleet.channel(1).await["applied"], "pending", "{status:?}");
    let versions = published.body["total"].clone();
    // It never tells; after a while it is published all the same, and both list it.
    wait_for("another version to be published", async || {
        let published = fleet.admin.get("/api/v1/sync/versions").await;
        (published.body["total"] != versions).then_some(())
    })
    .await;
    config_with(east, lists).await;
    config_with(west, lists).await;
    fleet.lab.stop().await;
}

#[tokio::test]
async fn the_api_tells_what_an_exporter_works_with() {
    let fleet = Fleet::start().await;
    assert_eq!(fleet.channel(0).await, Value::Null, "it has never asked");
    for name in ["east", "west"] {
        fleet.row(name, "unverified").await;
    }
    let east = &fleet.tokens[0];
    let answer = config_with(east, |modules| modules["lab"].is_object()).await;
    let channel = fleet.channel(0).await;
    assert_eq!(
        (&channel["applied"], &channel["is_connected"]),
        (&json!("pending"), &json!(true))
    );
    let path = "/api/v1/exporters/-/status";
    let refused = json!({"refused": answer.etag, "error": "modules.lab: no\u{7}", "version": "9.9",
        "started_at": "2026-01-01T00:00:00Z", "source": "cache"});
    assert_eq!(
        east.put(path, &refused).await.status,
        StatusCode::NO_CONTENT
    );
    let channel = fleet.channel(0).await;
    for (key, expected) in [
        ("applied", json!("failed")),
        ("error", json!("modules.lab: no")),
        ("exporter_version", json!("9.9")),
        ("started_at", json!("2026-01-01T00:00:00Z")),
        ("source", json!("cache")),
    ] {
        assert_eq!(channel[key], expected, "{channel:#}");
    }
    let row = fleet.row("east", "failed").await;
    assert_eq!(
        (&row["warnings"], &row["entries"]),
        (&json!(["modules.lab: no"]), &json!(1))
    );
    let limited = fleet.lab.user("limited", Role::Viewer, Some(&[])).await;
    let seen = limited.get("/api/v1/sync").await;
    assert!(seen.text.contains("exporter_modules"), "{}", seen.text);
    assert!(!seen.text.contains("modules.lab"), "{}", seen.text);
    let seen = limited
        .get(&format!("/api/v1/exporters/{}", fleet.ids[0]))
        .await;
    assert_eq!(seen.body["channel"]["applied"], "failed");
    assert!(!seen.text.contains("modules.lab"), "{}", seen.text);
    let applied = json!({"applied": answer.etag, "version": "9.9", "source": "controller"});
    assert_eq!(
        east.put(path, &applied).await.status,
        StatusCode::NO_CONTENT
    );
    let channel = fleet.channel(0).await;
    assert_eq!(
        (&channel["applied"], &channel["error"]),
        (&json!("in_sync"), &Value::Null)
    );
    let row = fleet.row("east", "in_sync").await;
    assert_eq!((&row["message"], &row["failures"]), (&json!(""), &json!(1)));
    let body = json!({"name": "east", "address": "bmc-new.example.org", "site": "east",
        "credential_id": fleet.credential});
    fleet
        .admin
        .put(&format!("/api/v1/servers/{}", fleet.servers[0]), &body)
        .await;
    wait_for("a change to make it pending", async || {
        (fleet.channel(0).await["applied"] == "pending").then_some(())
    })
    .await;
    let long = json!({"applied": "x".repeat(200)});
    let answer = east.put(path, &long).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{answer:?}"
    );
    fleet.lab.stop().await;
}

#[tokio::test]
async fn what_an_exporter_would_refuse_cannot_be_saved() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "lab", "settings": {"colectors": [], "timeout": "10s"}});
    let refused = admin.post("/api/v1/credentials", &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&Value> = refused.body["errors"]
        .as_array()
        .map(|errors| errors.iter().map(|error| &error["field"]).collect())
        .expect("fields");
    assert_eq!(fields, ["settings.colectors", "settings.timeout"]);
    // Twenty bytes are good for IPMI 2.0, and stay when the driver changes.
    let body = json!({"name": "lab", "password": "x".repeat(20)});
    let id = create(&admin, "credentials", body).await;
    let path = format!("/api/v1/credentials/{id}");
    let refused = admin
        .put(&path, &json!({"name": "lab", "driver": "LAN"}))
        .await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    assert_eq!(refused.body["errors"][0]["field"], "driver");
    let shorter = json!({"name": "lab", "driver": "LAN", "password": "short"});
    assert_eq!(admin.put(&path, &shorter).await.status, StatusCode::OK);
    lab.stop().await;
}

#[tokio::test]
async fn a_proxy_must_say_that_it_terminates_tls() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let proxies = [(
        "IPMI_CONTROLLER_TRUSTED_PROXIES",
        "[127.0.0.1/32]".to_owned(),
    )];
    let lab = Lab::start_in(directory, &proxies).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "east", "url": "http://192.0.2.1:9290"});
    let id = create(&admin, "exporters", body).await;
    let east = exporter(&lab, &admin, id).await;
    let over = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "198.51.100.1"),
    ];
    let answer = wait_for("a configuration", async || {
        let answer = east.ask(Method::GET, CONFIG, None, &over).await;
        (answer.status == StatusCode::OK).then_some(answer)
    })
    .await;
    assert_eq!(answer.body, json!({"modules": {}}), "it carries nothing");
    for headers in [&[][..], &[("x-forwarded-proto", "http")]] {
        let answer = east.ask(Method::GET, CONFIG, None, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.text.contains("X-Forwarded-Proto"), "{}", answer.text);
    }
    lab.stop().await;
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_handed_out_is_in_the_trail_once_and_its_secrets_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .try_init()
        .expect("no other test of this process logs");
    let fleet = Fleet::start().await;
    let east = &fleet.tokens[0];
    let answer = config_with(east, |modules| modules["lab"].is_object()).await;
    assert!(answer.text.contains(PASSWORD) && answer.text.contains(K_G));
    east.get(CONFIG).await;
    let trail = fleet.admin.get("/api/v1/audit?limit=1000").await;
    let etag = answer.etag.expect("an ETag");
    let entries: Vec<&Value> = trail.body["items"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["action"] == "exporter.configure")
        .filter(|entry| entry.to_string().contains(etag.trim_matches('"')))
        .collect();
    assert_eq!(entries.len(), 1, "each version once: {trail:?}");
    assert_eq!(
        entries[0]["resource"],
        format!("exporters/{}", fleet.ids[0])
    );
    assert_eq!(entries[0]["actor"], "exporter exporter");
    assert!(entries[0].to_string().contains("\"lab\""), "{entries:?}");
    let exporters = fleet.admin.get("/api/v1/exporters?limit=100").await;
    let directory = fleet.lab.directory();
    fleet.lab.stop().await;
    let mut places = vec![
        ("the trail".to_owned(), trail.text.into_bytes()),
        ("a list".to_owned(), exporters.text.into_bytes()),
        (
            "the log".to_owned(),
            log.0.lock().expect("no panic").clone(),
        ),
    ];
    for file in std::fs::read_dir(directory.path()).expect("a directory") {
        let path = file.expect("a file").path();
        places.push((
            path.display().to_string(),
            std::fs::read(&path).expect("bytes"),
        ));
    }
    let text = String::from_utf8_lossy(&places[2].1).into_owned();
    assert!(
        text.contains("TRACE") && text.contains("exporter"),
        "it is the whole log"
    );
    for (place, bytes) in places {
        for secret in [PASSWORD, K_G] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} is in {place}");
        }
    }
}
