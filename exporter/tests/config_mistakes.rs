//! One file per mistake: the file's name says which, and the text beside it is exactly what
//! `check-config` prints. `UPDATE_EXPECTED=1 cargo test` writes these texts anew; read the diff.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ipmi_exporter::command::check_config::{self, Verdict};
use ipmi_exporter::config::{
    CipherSuite, Collector, Config, Driver, Noncritical, Privilege, Workaround, load, load_text,
    load_with,
};
use rmcp_ipmi::crypto::{AuthType, Kg};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/config")
        .join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// What `check-config` prints, with the path reduced to the file's name.
fn check(path: &Path) -> (Verdict, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let verdict = check_config::run(path, &mut out, &mut err).unwrap();
    match verdict {
        Verdict::Good => assert!(err.is_empty()),
        Verdict::Bad => assert!(out.is_empty()),
    }
    out.extend(err);
    let directory = format!("{}/", path.parent().unwrap().display());
    (
        verdict,
        String::from_utf8(out).unwrap().replace(&directory, ""),
    )
}

/// Git keeps only one bit of a file's mode; the warnings about it have tests of their own.
fn make_private(path: &Path) {
    set_mode(path, 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn compare_with_snapshots(name: &str, expected_verdict: Verdict) {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut differences = Vec::new();
    for path in files(name) {
        make_private(&path);
        let (verdict, printed) = check(&path);
        assert_eq!(verdict, expected_verdict, "{}:\n{printed}", path.display());
        assert!(
            !printed.contains("canary"),
            "{}:\n{printed}",
            path.display()
        );
        let snapshot = path.with_extension("expected");
        if update {
            fs::write(&snapshot, &printed).unwrap();
        }
        let expected = fs::read_to_string(&snapshot).unwrap_or_default();
        if printed != expected {
            differences.push(format!(
                "{}\n--- expected\n{expected}--- printed\n{printed}",
                path.display()
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_mistake_is_refused_with_its_place_key_and_cause() {
    make_private(&directory("bad/secrets/good"));
    compare_with_snapshots("bad", Verdict::Bad);
}

#[test]
fn files_that_the_stock_exporter_takes_are_taken() {
    compare_with_snapshots("good", Verdict::Good);
}

fn good(name: &str) -> Config {
    load(&directory("good").join(name)).unwrap().config
}

#[test]
fn every_key_arrives_where_it_is_used() {
    let config = good("all-keys.yml");
    let module = config.module("everything").unwrap();
    assert_eq!(module.user.as_deref(), Some("yes"));
    assert_eq!(module.password.expose(), b"0123");
    assert_eq!(module.privilege, Some(Privilege::Operator));
    assert_eq!(module.driver, Driver::Lan20);
    assert_eq!(module.timeout, Some(Duration::from_secs(10)));
    assert_eq!(module.collectors.len(), Collector::ALL.len());
    assert_eq!(module.collectors[0], Collector::Bmc);
    assert_eq!(
        Vec::from_iter(module.exclude_sensor_ids.clone()),
        [3, 16, 55]
    );
    assert!(module.workarounds.contains(&Workaround::OpenSessPriv));
    assert_eq!(module.workarounds.len(), 3);
    assert!(module.shared_sensors && module.entity_sensor_names && !module.bridge_sensors);
    assert_eq!(module.cipher_suites, [CipherSuite::from_id(17).unwrap()]);
    assert_eq!(module.noncritical, Some(Noncritical::Warning));
    assert_eq!(module.sel_events[1].name, "psu_failure");
    assert!(module.sel_events[0].regex.is_match("Uncorrectable ECC"));

    let inherits = config.module("inherits").unwrap();
    assert_eq!(inherits.user.as_deref(), Some("other"));
    assert_eq!(inherits.password.expose(), b"0123");
    assert_eq!(inherits.cipher_suites, [CipherSuite::from_id(3).unwrap()]);

    assert_eq!(config.module("nothing").unwrap().collectors, []);
    assert_eq!(
        config.module("10.0.0.1").unwrap().collectors,
        Collector::default_set()
    );
    assert_eq!(
        config.module("10.0.0.1").unwrap().cipher_suites,
        CipherSuite::DEFAULT
    );
}

#[test]
fn our_own_examples_load_without_a_warning_once_their_secrets_are_there() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let directory = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        // Not a module file.
        if path.ends_with("web.yml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for secret in text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pass_file: "))
        {
            let file = directory.path().join(secret.trim_matches('"'));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "secret\n").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let copy = directory.path().join(path.file_name().unwrap());
        fs::copy(&path, &copy).unwrap();
        let result = load_with(&copy, &|_| Some("secret".into()));
        let warnings = result
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .warnings;
        assert!(warnings.is_empty(), "{}: {warnings:?}", path.display());
        loaded += 1;
    }
    assert!(loaded >= 4, "{loaded}");
}

#[test]
fn the_examples_of_the_stock_package_keep_their_meaning() {
    let config = good("remote.yml");
    let default = config.module("default").unwrap();
    assert_eq!(
        default.collectors,
        [Collector::Bmc, Collector::Ipmi, Collector::Chassis]
    );
    assert_eq!(default.password.expose(), b"example_pw");
    let special = config.module("thatspecialhost").unwrap();
    assert!(special.bridge_sensors);
    assert_eq!(special.driver, Driver::Lan15);
    assert_eq!(special.auth_types, [AuthType::Md5, AuthType::Md2]);
    assert!(!config.restricts_targets());
}

#[test]
fn credentials_follow_the_target_not_the_query() {
    let config = load_text(
        Path::new("ipmi.yml"),
        "modules:\n\
         \x20 dell: {user: d, targets: [10.1.0.0/16, shared.example.com]}\n\
         \x20 hp: {user: h, targets: [10.2.0.0/16, shared.example.com]}\n\
         \x20 free: {user: f}\n",
        &|_| None,
    )
    .unwrap()
    .config;
    let decide = |module: &str, target: &str, resolved: &str| {
        let target = target.parse().unwrap();
        let resolved = [resolved.parse().unwrap()];
        let module = config.module(module).unwrap();
        config.permission(module).filter(&target, &resolved).is_ok()
    };
    for (target, address, allowed) in [
        ("10.1.0.5", "10.1.0.5", &["dell"][..]),
        ("10.2.0.5", "10.2.0.5", &["hp"]),
        ("10.3.0.5", "10.3.0.5", &[]),
        ("shared.example.com", "192.0.2.1", &["dell", "hp"]),
        ("other.example.com", "10.2.0.5", &["hp"]),
    ] {
        for module in ["dell", "hp", "free"] {
            assert_eq!(
                decide(module, target, address),
                allowed.contains(&module),
                "{module} {target}"
            );
        }
    }
}

#[test]
fn passwords_come_from_a_file_or_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("ipmi.yml");
    let secret = home.path().join("secret");
    fs::write(&secret, "canary # 'q\" \n").unwrap();
    make_private(&secret);
    fs::write(
        &config,
        "modules:\n  a: {pass_file: secret}\n  b: {pass_env: BMC_PASS}\n  c: {pass: ''}\n",
    )
    .unwrap();
    let environment = |name: &str| (name == "BMC_PASS").then(|| "from env".into());
    let loaded = load_with(&config, &environment).unwrap();
    assert_eq!(loaded.warnings, []);
    let password = |module: &str| loaded.config.module(module).unwrap().password.clone();
    assert_eq!(password("a").expose(), b"canary # 'q\" ");
    assert_eq!(password("b").expose(), b"from env");
    assert!(password("c").is_empty());
}

#[test]
fn k_g_comes_from_text_a_file_the_environment_or_an_argument() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("ipmi.yml");
    let secret = home.path().join("secret");
    fs::write(&secret, "0x0041a5\n").unwrap();
    make_private(&secret);
    fs::write(
        &config,
        "modules:\n  text: {k_g: Kg-of-quanta}\n  file: {k_g_file: secret}\n  \
           environment: {k_g_env: BMC_KEY}\n  argument: {custom_args: {ipmi: [-k, '0x41']}}\n  \
           both: {k_g: A, custom_args: {ipmi: [-k, B]}}\n  none: {}\n  zeros: {k_g: '0x0000'}\n",
    )
    .unwrap();
    make_private(&config);
    let environment = |name: &str| (name == "BMC_KEY").then(|| "from env".into());
    let loaded = load_with(&config, &environment).unwrap();
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    for (module, expected) in [
        ("text", &b"Kg-of-quanta"[..]),
        ("file", &[0x00, 0x41, 0xa5]),
        ("environment", b"from env"),
        ("argument", b"A"),
        ("both", b"A"),
    ] {
        let mut key = [0; 20];
        key[..expected.len()].copy_from_slice(expected);
        let expected = Kg::new(key).unwrap();
        let found = loaded.config.module(module).unwrap().k_g.as_ref().unwrap();
        assert!(found.expose().is_same_as(&expected), "{module}");
    }
    for module in ["none", "zeros"] {
        assert!(loaded.config.module(module).unwrap().k_g.is_none());
    }
}

#[test]
fn a_secret_that_everyone_can_read_is_warned_about() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("ipmi.yml");
    let secret = home.path().join("secret");
    fs::write(&secret, "canary").unwrap();
    fs::write(
        &config,
        "modules:\n  a: {pass_file: secret}\n  b: {pass: canary}\n",
    )
    .unwrap();
    set_mode(&secret, 0o644);
    set_mode(&config, 0o646);
    let warnings = load(&config).unwrap().warnings;
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let shown = home.path().display();
    assert_eq!(
        texts,
        [
            format!(
                "{shown}/ipmi.yml: holds passwords and can be read by every user of this machine; \
                 use mode 0640, or `pass_file`"
            ),
            format!(
                "{shown}/ipmi.yml: can be changed by every user of this machine, who thereby \
                 decides where passwords go"
            ),
            format!(
                "{shown}/ipmi.yml:2:18: modules.a.pass_file: {shown}/secret can be read by every \
                 user of this machine (mode 0644); use 0600"
            ),
        ]
    );
}

#[test]
fn a_pipe_a_directory_and_a_missing_file_are_refused_at_once() {
    let home = tempfile::tempdir().unwrap();
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let config = home.path().join("ipmi.yml");
    fs::write(&config, "modules: {a: {pass_file: pipe}}\n").unwrap();
    for (path, cause) in [
        (pipe.clone(), "pipe: is a pipe, not a file"),
        (home.path().to_owned(), ": is a directory, not a file"),
        (
            home.path().join("gone"),
            "gone: cannot be read: no such file or directory",
        ),
        (config, "pipe is a pipe, not a file"),
    ] {
        let message = load(&path).unwrap_err().to_string();
        assert!(message.ends_with(cause), "{message}");
    }
}

#[test]
fn a_file_over_the_limit_is_refused_without_reading_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("huge.yml");
    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let message = load(&path).unwrap_err().to_string();
    assert!(
        message.ends_with("has 1073741824 bytes; the limit is 16777216 (16 MiB)"),
        "{message}"
    );
}

#[test]
fn windows_line_ends_change_nothing() {
    let unix = fs::read_to_string(directory("good/all-keys.yml")).unwrap();
    let windows = unix.replace('\n', "\r\n");
    let loaded = load_text(Path::new("x.yml"), &windows, &|_| None).unwrap();
    assert_eq!(
        format!("{:?}", loaded.config),
        format!("{:?}", good("all-keys.yml"))
    );
}

#[test]
fn nothing_that_is_printed_contains_a_password() {
    let text = "modules:\n  a: {user: u, pass: canary-4711, timeout: 5}\n";
    let loaded = load_text(Path::new("x.yml"), text, &|_| None).unwrap();
    let printed = format!("{loaded:?} {loaded:#?}");
    assert!(
        printed.contains("[redacted]") && !printed.contains("canary"),
        "{printed}"
    );
    assert!(!printed.contains("63, 61, 6e"), "not as bytes either");

    // Every mistake that can be made around a password.
    for mistake in [
        "modules: {a: {pass: canary-4711, bogus: 1}}",
        "modules: {a: {pass: [canary-4711]}}",
        "modules: {a: {pass: {canary-4711: x}}}",
        "modules: {a: {pass: canary-4711, pass: x}}",
        "modules:\n  a:\n    pass: canary-4711: x\n",
        "modules:\n  a:\n    pass: |\n      canary-4711\n    \tx\n",
        "modules:\n  a:\n    pass: 'canary-4711\n    user: b\n",
        "modules:\n  a:\n    pass: @canary-4711\n",
        "modules:\n  a:\n    pass: %canary-4711\n",
        "modules:\n  a:\n    pass: \"\\qcanary-4711\"\n",
        "modules:\n  a:\n    pass: *canary-4711\n",
        "modules:\n  a:\n    pass: !canary-4711 x\n",
        "modules:\n  a:\n    pass:\n      - canary-4711\n",
        "modules:\n  a:\n    pass: canary-4711-is-too-long-for-ipmi\n",
        "modules:\n  a:\n    passwd: canary-4711\n",
        "modules:\n  a:\n    password: canary-4711\n",
        "modules:\n  a:\n    pasword: canary-4711\n",
        "modules:\n  a:\n    pass_env: canary-4711\n",
        "modules:\n  a:\n    pass canary-4711\n    user: x\n",
        "modules: {a: {pass:canary-4711}}",
        "modules: {a: {k_g: canary-4711, bogus: 1}}",
        "modules: {a: {k_g: [canary-4711]}}",
        "modules: {a: {k_g: canary-4711, k_g_env: canary-4712}}",
        "modules:\n  a:\n    k_g: canary-4711-is-too-long\n",
        "modules:\n  a:\n    k_g: 0xcanary-4711\n",
        "modules:\n  a:\n    k_g: |\n      canary-4711\n    \tx\n",
        "modules:\n  a:\n    k_g_env: canary-4711\n",
        "modules:\n  a:\n    kg: canary-4711\n",
        "modules: {a: {custom_args: {ipmi: [-k, canary-4711, -I, 99]}}}",
        "modules: {a: {custom_args: {ipmi: [-k, canary-4711-is-too-long]}}}",
        "modules: {a: {user: x, pass:canary-4711 }}",
        "modules:\n  user: a\n  pass: canary-4711\n",
        "modules:\n  a:\n  user: a\n  pass: canary-4711\n",
    ] {
        let error = load_text(Path::new("x.yml"), mistake, &|_| None).unwrap_err();
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("canary"), "{mistake}\n{printed}");
    }
}

#[test]
fn a_hundred_thousand_targets_load_quickly() {
    let mut text = String::from("modules:\n  fleet:\n    targets:\n");
    for number in 0..100_000_u32 {
        let padding = "x".repeat(60);
        text.push_str(&format!(
            "      - bmc-{number:06}.{padding}.rack.example.com\n"
        ));
    }
    assert!(text.len() > 9_000_000);
    let start = Instant::now();
    let loaded = load_text(Path::new("fleet.yml"), &text, &|_| None).unwrap();
    // An unoptimised build on a busy machine; an optimised one takes a fraction of a second.
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    let module = loaded.config.module("fleet").unwrap();
    assert_eq!(module.allow.as_ref().unwrap().len(), 100_000);
    println!("{} bytes in {:?}", text.len(), start.elapsed());
}

/// Bytes changed, removed, inserted and swapped at random places of good files: nothing panics,
/// and what is printed never contains a password.
#[test]
fn damaged_files_neither_panic_nor_show_passwords() {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    let good = "modules:\n  default: &d\n    user: a\n    pass: canary\n    timeout: 10\n    \
                collectors: [ipmi, sel]\n    sel_events:\n    - {name: x, regex: 'y|z'}\n    \
                targets: [10.0.0.0/8, '*.example.com']\n  other: {<<: *d, pass: \"canary\", \
                cipher_suites: [3], k_g: canary-too}\n  third:\n    pass: |\n      canary\n    \
                user: b\n  fourth:\n    k_g: canary\n    custom_args: {ipmi: [-k, canary, -I, 3]}\n";
    let alphabet = b"\0\t\n\r !\"#&'*,-.0:<>?@[\\]^_`ax{|}~\x7f\xff";
    for seed in 0..5_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len());
            let byte = alphabet[rng.random_range(0..alphabet.len())];
            match rng.random_range(0..4) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => {
                    let other = rng.random_range(0..bytes.len());
                    bytes.swap(at, other);
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = load_text(Path::new("x.yml"), &text, &|_| None) {
            let printed = format!("{error} {error:?}");
            assert!(
                !printed.contains("canary"),
                "seed {seed}\n{text}\n{printed}"
            );
        }
    }
}
