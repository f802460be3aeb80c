//! `ipmi_controller check` names each mistake with its place, and finds nothing
//! where all is well.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Output;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::program::{Service, configure, init, run};
use crate::support::prometheus::{Prometheus, free_address};

fn lines(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether it fails with a line that has these words.
fn fails(home: &Path, config: &Path, words: &[&str]) {
    let output = run(config, &["check"]);
    let text = lines(&output);
    assert!(!output.status.success(), "{words:?} is accepted:\n{text}");
    let is_named = text
        .lines()
        .any(|line| line.starts_with("error") && words.iter().all(|word| line.contains(word)));
    assert!(is_named, "no line with {words:?}:\n{text}");
    assert!(!text.contains("zq7canary"), "{text}");
    assert!(home.exists());
}

fn write(path: &Path, bytes: impl AsRef<[u8]>, mode: u32) {
    std::fs::write(path, bytes).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("ours");
}

fn certificate(home: &Path, name: &str, until: i32) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let made = params.self_signed(&key).expect("a certificate");
    write(&home.join(format!("{name}.crt")), made.pem(), 0o644);
    write(
        &home.join(format!("{name}.key")),
        key.serialize_pem(),
        0o600,
    );
}

/// Bad configurations: what is added to a good one, and what must be said.
#[test]
fn every_bad_configuration_is_named_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let home = tempfile::tempdir().expect("a directory");
    let path = |name: &str| home.path().join(name).display().to_string();
    certificate(home.path(), "old", 2021);
    certificate(home.path(), "good", 2040);
    write(&home.path().join("empty"), "", 0o600);
    write(&home.path().join("open"), "zq7canarySECRET", 0o644);
    write(
        &home.path().join("huge"),
        vec![b'x'; 2 * 1024 * 1024],
        0o600,
    );
    write(&home.path().join("theirs"), "zq7canarySECRET", 0o600);
    let is_root = chown(home.path().join("theirs"), Some(12345), None).is_ok();
    let made = std::process::Command::new("mkfifo")
        .arg(path("fifo"))
        .status();
    assert!(made.expect("mkfifo").success());
    let tls = |certificate: &str, key: &str| {
        format!(
            "tls: {{cert_file: {}, key_file: {}}}\n",
            path(certificate),
            path(key)
        )
    };
    let password = |file: &str| {
        format!(
            "prometheus: {{url: 'http://127.0.0.1:1', username: u, password_file: {}}}\n",
            path(file)
        )
    };
    let mut cases: Vec<(String, Vec<&str>)> = vec![
        // Shape.
        ("a: [\n".into(), vec!["configuration", "controller.yml"]),
        ("log: {level: info}\nlog: {level: warn}\n".into(), vec!["controller.yml", "log"]),
        ("databse: x\n".into(), vec!["controller.yml", "databse"]),
        ("backup: {kep: 3}\n".into(), vec!["controller.yml", "kep"]),
        ("trusted_proxies: 7\n".into(), vec!["controller.yml"]),
        ("trusted_proxies: [10.0.0.0/40]\n".into(), vec!["controller.yml"]),
        ("log:\n\tlevel: info\n".into(), vec!["controller.yml"]),
        // Values.
        ("backup: {interval_hours: 1 minute}\n".into(), vec!["controller.yml", "1 minute"]),
        ("backup: {interval_hours: -1}\n".into(), vec!["controller.yml", "-1"]),
        ("backup: {interval_hours: 100000}\n".into(), vec!["backup.interval_hours"]),
        ("backup: {keep: 0}\n".into(), vec!["backup.keep"]),
        ("snapshot: {keep: 0}\n".into(), vec!["snapshot.keep"]),
        ("snapshot: {interval_hours: 1}\n".into(), vec!["prometheus.url", "snapshot.interval_hours"]),
        ("log: {level: inof}\n".into(), vec!["log.level", "inof"]),
        ("log: {level: 'info,access='}\n".into(), vec!["log.level"]),
        ("log: {format: xml}\n".into(), vec!["controller.yml", "xml"]),
        ("sync: {max_removed_percent: 101}\n".into(), vec!["sync.max_removed_percent"]),
        ("prometheus: {url: 'ftp://x'}\n".into(), vec!["prometheus.url"]),
        ("prometheus: {url: 'http://u:zq7canaryPASS@x'}\n".into(), vec!["prometheus.url"]),
        ("prometheus: {targets_file: /tmp/x.txt}\n".into(), vec!["prometheus.targets_file"]),
        ("prometheus: {targets_file: /no/such/t.json}\n".into(), vec!["prometheus.targets_file", "/no/such"]),
        ("oidc: {client_id: x}\n".into(), vec!["oidc.issuer"]),
        ("database: mysql://x\n".into(), vec!["database"]),
        ("database: sqlite:///no/such/c.db\n".into(), vec!["database", "/no/such"]),
        ("grafana: {drift: fix}\n".into(), vec!["controller.yml", "fix"]),
        ("grafana: {token_file: /t}\n".into(), vec!["grafana.url"]),
        // Servers.
        ("prometheus: {url: 'http://127.0.0.1:1'}\n".into(), vec!["prometheus.url", "running"]),
        ("query: {url: 'http://127.0.0.1:1'}\n".into(), vec!["query.url", "127.0.0.1:1", "running"]),
        ("alertmanager: {url: 'http://127.0.0.1:1'}\n".into(), vec!["alertmanager.url", "127.0.0.1:1", "running"]),
        ("grafana: {url: 'http://127.0.0.1:1'}\n".into(), vec!["grafana.url", "127.0.0.1:1", "running"]),
        ("oidc: {issuer: 'http://127.0.0.1:1', client_id: c, redirect_url: 'http://127.0.0.1/x', default_role: viewer}\n".into(), vec!["oidc.issuer"]),
        ("database: postgres://127.0.0.1:1/x\n".into(), vec!["database"]),
        // Files.
        (password("missing"), vec!["prometheus.password_file", "missing"]),
        (password("empty"), vec!["prometheus.password_file", "empty"]),
        (password("open"), vec!["prometheus.password_file", "chmod 600"]),
        (password("huge"), vec!["prometheus.password_file", "larger"]),
        (password("fifo"), vec!["prometheus.password_file", "not a file"]),
        (password(""), vec!["prometheus.password_file", "not a file"]),
        (format!("grafana: {{url: 'http://127.0.0.1:1', token_file: {}}}\n", path("open")), vec!["grafana.token_file", "chmod 600"]),
        (format!("grafana: {{url: 'http://127.0.0.1:1', ca_file: {}}}\n", path("fifo")), vec!["grafana.ca_file", "not a file"]),
        (tls("missing.crt", "good.key"), vec!["tls", "missing.crt"]),
        (tls("old.crt", "old.key"), vec!["tls.cert_file", "expired"]),
        (tls("good.crt", "old.key"), vec!["tls", "old.key", "not the key"]),
        (tls("good.key", "good.key"), vec!["tls", "good.key", "no certificate"]),
        (format!("tls: {{cert_file: {}}}\n", path("good.crt")), vec!["tls.key_file"]),
        ("backup: {directory: /no/such/backups}\n".into(), vec!["backup.directory"]),
    ];
    if is_root {
        cases.push((
            password("theirs"),
            vec!["prometheus.password_file", "12345"],
        ));
    }
    for (more, words) in &cases {
        let config = configure(home.path(), more);
        fails(home.path(), &config, words);
    }
    // What stands in the way of what every configuration has.
    let config = configure(home.path(), "");
    let good = std::fs::read_to_string(&config).expect("a file");
    let with =
        |from: &str, to: &str| std::fs::write(&config, good.replace(from, to)).expect("a file");
    for (address, words) in [
        (format!("127.0.0.1:{port}"), ["listen", "in use"]),
        ("192.0.2.1:80".to_owned(), ["listen", "192.0.2.1"]),
        ("127.0.0.1:70000".to_owned(), ["controller.yml", "listen"]),
    ] {
        with("127.0.0.1:0", &address);
        fails(home.path(), &config, &words);
    }
    std::fs::write(&config, "").expect("a file");
    fails(home.path(), &config, &["master key"]);
    std::fs::write(&config, "x".repeat(10 * 1024 * 1024)).expect("a file");
    fails(home.path(), &config, &["controller.yml", "larger"]);
    let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&config, wide).expect("a file");
    fails(home.path(), &config, &["controller.yml"]);
    std::fs::write(&config, &good).expect("a file");
    write(&home.path().join("master.key"), "zq7canaryKEY", 0o600);
    fails(home.path(), &config, &["master_key_file", "line 1"]);
    write(&home.path().join("master.key"), "07".repeat(32), 0o644);
    fails(home.path(), &config, &["master_key_file", "chmod 600"]);
    write(&home.path().join("master.key"), "07".repeat(32), 0o600);
    if is_root {
        chown(&config, Some(12345), None).expect("changed");
        fails(home.path(), &config, &["configuration", "12345"]);
        chown(&config, Some(0), None).expect("changed");
    }
    // Windows' line ends and its mark at the beginning do no harm.
    let windows = format!("\u{feff}{}", good.replace('\n', "\r\n"));
    std::fs::write(&config, windows).expect("a file");
    let output = run(&config, &["check"]);
    assert!(output.status.success(), "{}", lines(&output));
}

#[tokio::test]
async fn a_damaged_or_foreign_store_is_told_of_and_left_alone() {
    let home = tempfile::tempdir().expect("a directory");
    let config = configure(home.path(), "");
    init(home.path(), &config);
    let database = home.path().join("c.db");
    let output = run(&config, &["check"]);
    assert!(output.status.success(), "{}", lines(&output));
    assert!(
        lines(&output).contains("is whole and fits"),
        "{}",
        lines(&output)
    );
    write(&home.path().join("master.key"), "08".repeat(32), 0o600);
    fails(home.path(), &config, &["database", "master key"]);
    write(&home.path().join("master.key"), "07".repeat(32), 0o600);
    tamper(
        &database,
        "UPDATE audit SET actor = 'nobody' WHERE sequence = 1",
    )
    .await;
    fails(home.path(), &config, &["audit trail", "entry 1"]);
    let statement = "UPDATE _sqlx_migrations SET version = 999 \
         WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    tamper(&database, statement).await;
    fails(home.path(), &config, &["database", "999"]);
    let mut bytes = std::fs::read(&database).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2048].fill(0xff);
    std::fs::write(&database, &bytes).expect("a file");
    let output = run(&config, &["check"]);
    assert!(!output.status.success(), "{}", lines(&output));
    assert_eq!(
        std::fs::read(&database).expect("a file"),
        bytes,
        "check changed it"
    );
}

async fn tamper(database: &Path, statement: &'static str) {
    use sqlx::{Connection, Executor};
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", database.display());
    let mut connection = sqlx::AnyConnection::connect(&url)
        .await
        .expect("the database");
    connection.execute(statement).await.expect("changed");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn a_prometheus_is_asked_for_everything_that_is_needed_of_it() {
    let home = tempfile::tempdir().expect("a directory");
    let (bare, fit) = (free_address(), free_address());
    let _bare = Prometheus::start(bare, "- job_name: other\n").await;
    let job = "scrape_configs:\n- job_name: ipmi-servers\n  file_sd_configs: [{files: [sd/*.json]}]\nrule_files: ['rules/*.yml']\n";
    let more = ["--web.enable-lifecycle", "--web.enable-admin-api"];
    let _fit = Prometheus::start_with(fit, job, &more).await;
    let text = |address, file: &str| {
        format!(
            "prometheus: {{url: 'http://{address}', targets_file: {}, rules_file: {}}}\nsnapshot: {{interval_hours: 1}}\n",
            home.path().join(file).display(),
            home.path().join("rules.yml").display()
        )
    };
    let config = configure(home.path(), &text(bare, "targets.json"));
    fails(
        home.path(),
        &config,
        &["snapshot", "--web.enable-admin-api"],
    );
    fails(
        home.path(),
        &config,
        &["prometheus.job: ipmi-servers", "no such scrape job"],
    );
    let output = run(&config, &["check"]);
    assert!(
        lines(&output).contains("--web.enable-lifecycle"),
        "{}",
        lines(&output)
    );
    let config = configure(home.path(), &text(fit, "targets.json"));
    let output = run(&config, &["check"]);
    assert!(output.status.success(), "{}", lines(&output));
    assert!(
        lines(&output).contains("the job reads it"),
        "{}",
        lines(&output)
    );
    // What answers queries may be another one.
    let query = format!(
        "{}query: {{url: 'http://{bare}'}}\n",
        text(fit, "targets.json")
    );
    let output = run(&configure(home.path(), &query), &["check"]);
    assert!(output.status.success(), "{}", lines(&output));
    let answers = format!("query.url: answers at http://{bare}/");
    assert!(lines(&output).contains(&answers), "{}", lines(&output));
}

#[tokio::test]
async fn it_works_beside_a_running_controller() {
    let home = tempfile::tempdir().expect("a directory");
    let address = free_address();
    let config = configure(home.path(), "");
    let good = std::fs::read_to_string(&config).expect("a file");
    std::fs::write(&config, good.replace("127.0.0.1:0", &address.to_string())).expect("a file");
    init(home.path(), &config);
    let _service = Service::start(&config, &home.path().join("log")).await;
    let checked = {
        let config = config.clone();
        tokio::task::spawn_blocking(move || run(&config, &["check"])).await
    };
    let output = checked.expect("no panic");
    assert!(output.status.success(), "{}", lines(&output));
    assert!(
        lines(&output).contains("a controller answers there"),
        "{}",
        lines(&output)
    );
}
