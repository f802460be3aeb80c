//! What scripts and units may write on the command line, and what they get back.

use super::*;
use crate::config::Noncritical;
use crate::scan::Format;

fn run(arguments: &[&str]) -> Result<Command, Exit> {
    let arguments = std::iter::once("/usr/bin/prometheus-ipmi-exporter")
        .chain(arguments.iter().copied())
        .map(OsString::from);
    parse(arguments)
}

fn serve(arguments: &[&str]) -> ServeArgs {
    match run(arguments) {
        Ok(Command::Serve(args)) => *args,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn failure(arguments: &[&str]) -> String {
    let exit = run(arguments).unwrap_err();
    assert!(exit.is_error && exit.code() == 1, "{exit:?}");
    let text = exit.text.strip_prefix("ipmi_exporter: error: ");
    let text = text.and_then(|text| text.strip_suffix(", try --help\n"));
    let text = text.unwrap_or_else(|| panic!("{exit:?}"));
    assert!(!text.contains('\n'), "{text}");
    text.to_owned()
}

fn output(arguments: &[&str]) -> String {
    let exit = run(arguments).unwrap_err();
    assert!(!exit.is_error && exit.code() == 0, "{exit:?}");
    exit.text
}

#[test]
fn without_arguments_the_defaults_hold() {
    let args = serve(&[]);
    assert_eq!(args.config_file(), None);
    assert_eq!(args.web.listen_addresses, [":9290".parse().unwrap()]);
    assert!(!args.web.systemd_socket());
    assert_eq!(args.web.config_file(), None);
    assert_eq!(args.web.max_connections, 512);
    assert_eq!(args.log.level, LogLevel::Info);
    assert_eq!(args.log.format, LogFormat::Logfmt);
    assert_eq!(args.collect.timeout_offset, Duration::from_millis(500));
    assert_eq!(args.collect.default_timeout, Duration::from_secs(30));
    assert_eq!(args.collect.sensors.noncritical, Noncritical::Nominal);
    assert_eq!(args.collect.sensors.cache_dir(), None);
    assert_eq!(args.limits.login_rate, 50);
    assert_eq!(args.limits.target_idle_timeout, Duration::from_secs(600));
    assert_eq!(args.limits.targets_max, 20_000);
    assert_eq!(args.limits.max_concurrent, 4096);
    assert!(args.warnings().is_empty());
}

#[test]
fn every_flag_of_the_stock_exporter_is_taken() {
    let args = serve(&[
        "--config.file=/etc/prometheus/ipmi_remote.yml",
        "--freeipmi.path",
        "/usr/sbin",
        "--native-ipmi",
        "--web.listen-address=127.0.0.1:9291",
        "--web.listen-address",
        "[::1]:9291",
        "--web.systemd-socket",
        "--web.config.file=web.yml",
        "--log.level=debug",
        "--log.format=json",
    ]);
    assert_eq!(
        args.config_file(),
        Some("/etc/prometheus/ipmi_remote.yml".into())
    );
    assert_eq!(args.web.listen_addresses.len(), 2);
    assert!(args.web.systemd_socket());
    assert_eq!(args.web.config_file(), Some("web.yml".into()));
    assert_eq!(args.log.format, LogFormat::Json);
    assert_eq!(args.warnings().len(), 2);
    assert!(args.warnings()[0].starts_with("--freeipmi.path has no effect"));
}

#[test]
fn booleans_have_a_negation_and_empty_paths_mean_none() {
    let args = serve(&[
        "--no-native-ipmi",
        "--no-web.systemd-socket",
        "--config.file=",
    ]);
    assert!(!args.web.systemd_socket());
    assert_eq!(args.config_file(), None);
    assert_eq!(args.warnings().len(), 1);
}

#[test]
fn mistakes_are_one_line_in_the_words_of_the_stock_exporter() {
    let mut differences = Vec::new();
    for (arguments, reason) in [
        (
            &["--config.file=a", "--config.file=b"][..],
            "flag 'config.file' cannot be repeated",
        ),
        (
            &["--native-ipmi", "--native-ipmi"],
            "flag 'native-ipmi' cannot be repeated",
        ),
        (
            &["--native-ipmi", "--no-native-ipmi"],
            "flag 'native-ipmi' cannot be repeated",
        ),
        (&["--bogus"], "unknown long flag '--bogus'"),
        (&["--bogus=1"], "unknown long flag '--bogus'"),
        (&["-config.file=x"], "unknown short flag '-c'"),
        (&["extra"], "unexpected extra"),
        (
            &["--log.level=loud"],
            "enum value must be one of debug,info,warn,error, got 'loud'",
        ),
        (
            &["--log.format=xml"],
            "enum value must be one of logfmt,json, got 'xml'",
        ),
        (
            &["--config.file"],
            "expected argument for flag '--config.file'",
        ),
        (
            &["--web.listen-address=9290"],
            "flag '--web.listen-address': '9290': the port is missing; write :9290, host:9290 or \
             [::1]:9290",
        ),
        (
            &["--scrape.timeout-offset=5"],
            "flag '--scrape.timeout-offset': '5': a number without a unit; write a number with a \
             unit, such as 500ms, 30s or 1m30s",
        ),
        (
            &["--scrape.default-timeout=0"],
            "flag '--scrape.default-timeout': '0': must be more than zero",
        ),
        (
            &["--login.rate=0"],
            "flag '--login.rate': '0': 0 is not in 1..=100000",
        ),
        (
            &["--targets.max=many"],
            "flag '--targets.max': 'many': invalid digit found in string",
        ),
        (
            &["--sensors.noncritical=critical"],
            "flag '--sensors.noncritical': 'critical': enum value must be one of nominal,warning, \
             got 'critical'",
        ),
        (
            &["--native-ipmi=true"],
            "unexpected value for flag '--native-ipmi'",
        ),
        (&["check-config"], "required argument 'FILE' not provided"),
        (&["check-config", "a", "b"], "unexpected b"),
        (
            &["probe", "bmc1"],
            "required argument '--module' not provided",
        ),
        (
            &["record", "bmc1", "--module=m"],
            "required argument '--output' not provided",
        ),
        (&["scan"], "required argument 'NETWORK' not provided"),
        (
            &["scan", "10.0.0.0/24", "--timeout=2m"],
            "flag '--timeout': '2m': must be at most a minute",
        ),
        (
            &["@/nonexistent/arguments"],
            "open /nonexistent/arguments: no such file or directory",
        ),
    ] {
        let given = failure(arguments);
        if given != reason {
            differences.push(format!(
                "{arguments:?}\n  expected: {reason}\n  given:    {given}"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn sub_commands_have_their_own_flags() {
    assert_eq!(
        run(&["check-config", "ipmi.yml"]),
        Ok(Command::CheckConfig {
            file: "ipmi.yml".into()
        })
    );
    let Ok(Command::Probe(probe)) = run(&[
        "probe",
        "[::1]:6230",
        "--module=sim",
        "--config.file",
        "ipmi.yml",
        "--format",
        "prom",
        "--timeout=1m",
    ]) else {
        panic!("probe was not understood");
    };
    assert_eq!(
        (probe.bmc.target.as_str(), probe.bmc.module.as_str()),
        ("[::1]:6230", "sim")
    );
    assert_eq!(probe.bmc.config_file(), Some("ipmi.yml".into()));
    assert_eq!(probe.format, ProbeFormat::Prom);
    assert_eq!(probe.timeout, Some(Duration::from_secs(60)));
    let Ok(Command::Record(record)) = run(&[
        "record",
        "bmc1",
        "-m",
        "sim",
        "-o",
        "out",
        "--samples=5",
        "--keep-personal",
        "--licence=CC0-1.0",
    ]) else {
        panic!("record was not understood");
    };
    assert_eq!((record.bmc.target.as_str(), record.samples), ("bmc1", 5));
    assert_eq!(record.output, PathBuf::from("out"));
    assert!(record.keep_personal);
    assert_eq!(record.licence.as_deref(), Some("CC0-1.0"));
    assert_eq!((record.bmc.config_file(), record.timeout), (None, None));
    let scan = |arguments: &[&str]| match run(arguments) {
        Ok(Command::Scan(scan)) => *scan,
        other => panic!("{arguments:?}: {other:?}"),
    };
    let plain = scan(&["scan", "10.0.0.0/24"]);
    assert_eq!((plain.port, plain.rate, plain.tries), (623, 1000, 2));
    assert_eq!(
        (plain.timeout, plain.force),
        (Duration::from_secs(1), false)
    );
    assert_eq!(plain.output, Format::Table);
    let all = scan(&[
        "scan",
        "10.0.0.0/24",
        "bmc.example",
        "--port=6230",
        "--rate=10",
        "--timeout=250ms",
        "--tries=3",
        "-o",
        "targets",
        "--force",
    ]);
    assert_eq!(all.networks, ["10.0.0.0/24", "bmc.example"]);
    assert_eq!((all.port, all.rate, all.tries), (6230, 10, 3));
    assert_eq!((all.timeout, all.force), (Duration::from_millis(250), true));
    assert_eq!(all.output, Format::Targets);
}

#[test]
fn help_and_version_are_answers_not_errors() {
    for help in [
        &["-h"][..],
        &["--help"],
        &["--help-long"],
        &["--help-man"],
        &["--config.file=x", "--help"],
    ] {
        let text = output(help);
        for flag in [
            "--config.file",
            "--freeipmi.path",
            "--web.listen-address",
            "--log.level",
            "check-config",
            "--login.rate",
        ] {
            assert!(text.contains(flag), "{help:?} lacks {flag}:\n{text}");
        }
        assert!(!text.contains("--no-native-ipmi"), "{text}");
    }
    let version = output(&["--version"]);
    assert!(version.starts_with("ipmi_exporter, version "), "{version}");
    assert!(
        version.contains(" (branch: ") && version.contains("\n  build user:"),
        "{version}"
    );
    assert!(output(&["check-config", "--help"]).contains("FILE"));
}

#[test]
fn shells_can_complete_flags() {
    let names = output(&["--completion-bash"]);
    assert!(names.lines().any(|line| line == "--config.file"), "{names}");
    assert!(names.lines().any(|line| line == "probe"), "{names}");
    assert!(output(&["--completion-script-bash"]).contains("complete -F"));
    assert!(output(&["--completion-script-zsh"]).contains("#compdef"));
}

#[test]
fn a_file_of_arguments_stands_for_its_lines() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("inner");
    let outer = directory.path().join("outer");
    std::fs::write(&inner, "--log.level=warn\n").unwrap();
    std::fs::write(
        &outer,
        format!(
            "# a comment\n--config.file\nx y.yml\n\n@{}\n",
            inner.display()
        ),
    )
    .unwrap();
    let args = serve(&[&format!("@{}", outer.display())]);
    assert_eq!(args.config_file(), Some("x y.yml".into()));
    assert_eq!(args.log.level, LogLevel::Warn);

    let looping = directory.path().join("loop");
    std::fs::write(&looping, format!("@{}\n", looping.display())).unwrap();
    assert!(failure(&[&format!("@{}", looping.display())]).ends_with("nested too deeply"));
}

#[test]
fn no_flag_takes_a_secret_and_no_environment_variable_is_read() {
    for argument in Cli::command().get_arguments() {
        let name = argument.get_long().unwrap_or_default();
        assert!(!name.contains("pass") && !name.contains("secret"), "{name}");
    }
}
