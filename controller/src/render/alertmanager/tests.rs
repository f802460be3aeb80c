//! Random alerting, judged by `amtool`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::clock::Timestamp;
use crate::model::alerting::{
    EmailSettings, HttpSettings, Integration, IntegrationBody, IntegrationSettings, Language,
    MailSettings, MatchOperator, ReceiverBody, ReceiverDraft, Route, SecretPlace, SecretSource,
    TimeRange,
};
use crate::model::{PromDuration, SecretChange};

/// Configurations that amtool judges in one call.
const BATCH: usize = 64;

fn uplink() -> Uplink {
    Uplink {
        url: Url::parse("http://127.0.0.1:8080/").unwrap(),
        token: "uplink".to_owned(),
        ca_file: None,
    }
}

fn settings() -> AlertingSettings {
    AlertingSettings {
        resolve_timeout: Some(PromDuration::parse("5m").unwrap()),
        mail: MailSettings {
            smarthost: Some("mail.example.org:587".to_owned()),
            from: Some("ipmi@example.org".to_owned()),
            username: Some("ipmi".to_owned()),
            ..MailSettings::default()
        },
        mail_password: Some(SecretPlace {
            id: "mail".to_owned(),
            hint: None,
        }),
        topology_inhibition: true,
        version: 1,
        updated_at: Timestamp(0),
    }
}

fn receiver_named(id: Id, name: &str, integrations: Vec<Integration>) -> Receiver {
    Receiver {
        id,
        name: name.to_owned(),
        description: String::new(),
        integrations,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn interval_named(name: &str, spans: Vec<TimeSpan>) -> TimeInterval {
    TimeInterval {
        id: 1,
        name: name.to_owned(),
        description: String::new(),
        spans,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// One integration of every type, as people would send them.
fn bodies() -> Vec<serde_json::Value> {
    let url = serde_json::json!({"url": "https://hooks.example.org/x?key=s3cret-of-url"});
    let robot =
        |kind: &str| serde_json::json!({"key": kind, "settings": {"type": kind}, "secrets": url});
    vec![
        serde_json::json!({"key": "mail", "settings": {"type": "email", "to": "a@example.org"}}),
        serde_json::json!({"key": "own-mail", "language": "zh", "settings": {"type": "email",
            "to": "a@example.org, b@example.org", "smarthost": "[::1]:465", "from": "c@example.org",
            "username": "u", "require_tls": false, "subject": "{{ .Status }}: 风扇", "html": "<b>x</b>",
            "headers": {"X-Team": "ops"}, "tls": {"insecure_skip_verify": true}},
            "secrets": {"password": "s3cret-of-mail"}}),
        serde_json::json!({"key": "hook", "settings": {"type": "webhook", "max_alerts": 5},
            "http": {"proxy_url": "http://proxy:3128", "tls": {"server_name": "x"}},
            "secrets": {"url": url["url"], "bearer_token": "s3cret-of-hook"}}),
        serde_json::json!({"key": "slack", "settings": {"type": "slack", "channel": "#hw", "color": "good"},
            "http": {"username": "u"}, "secrets": {"url": url["url"], "http_password": "s3cret-of-http"}}),
        serde_json::json!({"key": "pd", "settings": {"type": "pagerduty", "details": {"a": "{{ .Status }}"}},
            "secrets": {"routing_key": "s3cret-of-pd"}}),
        serde_json::json!({"key": "og", "settings": {"type": "opsgenie", "api_url": "https://api.eu.opsgenie.com/",
            "responders": [{"type": "team", "name": "x"}, {"type": "user", "name": "y"}]},
            "secrets": {"api_key": "s3cret-of-og"}}),
        serde_json::json!({"key": "tg", "settings": {"type": "telegram", "chat_id": -12},
            "secrets": {"bot_token": "s3cret-of-tg"}}),
        serde_json::json!({"key": "wc", "settings": {"type": "wecom", "corp_id": "c", "agent_id": "1",
            "to_user": "@all", "markdown": true}, "secrets": {"api_secret": "s3cret-of-wc"}}),
        robot("wecom_robot"),
        robot("msteams"),
        robot("dingtalk"),
        robot("feishu"),
        serde_json::json!({"key": "raw", "settings": {"type": "raw", "kind": "pushover_configs",
            "config": {"title": "{{ .Status }}", "retry": "1m"}},
            "secrets": {"user_key": "s3cret-of-raw", "token": "s3cret-of-raw-too",
                "http_config.authorization.credentials": "s3cret-in-depth"}}),
    ]
}

/// Checks an integration as the API does, and gives it with its secrets.
fn stored(body: &serde_json::Value) -> (Integration, Vault) {
    let body: IntegrationBody = serde_json::from_value(body.clone()).unwrap();
    let body = ReceiverBody {
        name: "x".to_owned(),
        integrations: vec![body],
        ..ReceiverBody::default()
    };
    let draft = ReceiverDraft::parse(&body).unwrap();
    let sources = draft.secret_sources(&[]).unwrap().remove(0);
    let draft = &draft.integrations[0];
    let mut vault = Vault::new();
    let mut secrets = BTreeMap::new();
    for (name, source) in sources {
        let SecretSource::Given(SecretChange::Set(secret), hint) = source else {
            panic!("{name} was not given");
        };
        let id = format!("{}-{name}", draft.key);
        vault.insert(id.clone(), secret);
        secrets.insert(name, SecretPlace { id, hint });
    }
    let integration = Integration {
        key: draft.key.clone(),
        send_resolved: draft.send_resolved,
        language: draft.language,
        settings: draft.settings.clone(),
        http: draft.http.clone(),
        secrets,
    };
    (integration, vault)
}

fn vault() -> Vault {
    let mut vault = Vault::from([
        ("uplink".to_owned(), "t0ken-of-uplink".to_owned().into()),
        ("mail".to_owned(), "s3cret-of-all-mail".to_owned().into()),
    ]);
    for body in bodies() {
        vault.append(&mut stored(&body).1);
    }
    vault
}

fn label() -> impl Strategy<Value = String> {
    select(vec!["severity", "team", "rack", "alertname", "_x"]).prop_map(str::to_owned)
}

/// Values that collide often enough to match.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(vec!["", "a", "b", "ab", "critical", "r-12", "12"]).prop_map(str::to_owned),
        1 => select(vec!["a\"b", "a\\b", "a,b", "{a}", "a=b", "中文", " a ", "a\nb", "'", "#"])
            .prop_map(str::to_owned),
    ]
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let text = (label(), any::<bool>(), value()).prop_map(|(name, is_equal, value)| {
        let operator = match is_equal {
            true => MatchOperator::Equal,
            false => MatchOperator::NotEqual,
        };
        Matcher::new(&name, operator, &value)
    });
    let patterns = vec![
        "a|b",
        "a.*",
        ".+",
        "",
        "[ab]+",
        r"\d+",
        r"[\w-]+",
        "(?i)CRITICAL",
        r"r-\d{2}",
        r"a\\b",
        "中.",
        r"a\.b|a,b",
        "[[:alpha:]]+",
        "(?s).*",
    ];
    let regex = (label(), any::<bool>(), select(patterns)).prop_map(|(name, is_like, value)| {
        let operator = match is_like {
            true => MatchOperator::Regex,
            false => MatchOperator::NotRegex,
        };
        Matcher::new(&name, operator, value)
    });
    prop_oneof![3 => text, 2 => regex]
}

fn duration() -> impl Strategy<Value = Option<PromDuration>> {
    let times = select(vec!["1s", "30s", "5m", "1h30m", "1w"]);
    proptest::option::weighted(
        0.3,
        times.prop_map(|text| PromDuration::parse(text).unwrap()),
    )
}

fn route() -> impl Strategy<Value = Route> {
    let names = |names: Vec<&'static str>| {
        proptest::sample::subsequence(names, 0..=1)
            .prop_map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let group_by = proptest::option::weighted(
        0.4,
        select(vec![
            vec!["..."],
            vec!["alertname"],
            vec!["rack", "_x"],
            vec![],
        ]),
    )
    .prop_map(|labels| labels.map(|labels| labels.into_iter().map(str::to_owned).collect()));
    let leaf = (
        proptest::option::weighted(0.7, 0..4_usize),
        vec(matcher(), 0..3),
        any::<bool>(),
        group_by,
        (duration(), duration(), duration()),
        (
            names(vec!["nights", "holidays"]),
            names(vec!["nights", "holidays"]),
        ),
    )
        .prop_map(
            |(receiver, matchers, goes_on, group_by, waits, times)| Route {
                comment: String::new(),
                receiver: receiver.map(|nth| format!("team {nth}")),
                matchers,
                goes_on,
                group_by,
                group_wait: waits.0,
                group_interval: waits.1,
                repeat_interval: waits.2,
                mute_time_intervals: times.0,
                active_time_intervals: times.1,
                routes: Vec::new(),
            },
        );
    leaf.prop_recursive(4, 24, 4, |inner| {
        (inner.clone(), vec(inner, 0..4)).prop_map(|(mut route, routes)| {
            route.routes = routes;
            route
        })
    })
}

fn root() -> impl Strategy<Value = Route> {
    (0..4_usize, vec(route(), 0..5)).prop_map(|(receiver, routes)| Route {
        receiver: Some(format!("team {receiver}")),
        routes,
        ..Route::default()
    })
}

fn alerting() -> impl Strategy<Value = Alerting> {
    let all: Vec<Integration> = bodies().iter().map(|body| stored(body).0).collect();
    let count = all.len();
    let text = prop_oneof![3 => "\\PC{0,20}", 1 => any::<String>()].prop_map(|text| {
        let keep = |c: &char| !c.is_control() && !matches!(c, '{' | '}');
        text.chars().filter(keep).collect::<String>()
    });
    let mail = (text.clone(), text).prop_map(|(subject, body)| Integration {
        key: "random".to_owned(),
        send_resolved: false,
        language: Language::Zh,
        settings: IntegrationSettings::Email(EmailSettings {
            to: "a@example.org".to_owned(),
            subject,
            text: format!("{body}\n{body}"),
            ..EmailSettings::default()
        }),
        http: None::<HttpSettings>,
        secrets: BTreeMap::new(),
    });
    let integrations = (
        proptest::sample::subsequence(all, 0..=count),
        vec(mail, 0..2),
    )
        .prop_map(|(mut some, mail)| {
            some.extend(mail);
            some
        });
    let inhibition = (
        vec(matcher(), 1..3),
        vec(matcher(), 1..3),
        vec(label(), 0..3),
        any::<bool>(),
    )
        .prop_map(|(source, target, mut equal, enabled)| {
            equal.dedup();
            Inhibition {
                id: 1,
                name: "x".to_owned(),
                description: String::new(),
                enabled,
                source,
                target,
                equal,
                version: 1,
                created_at: Timestamp(0),
                updated_at: Timestamp(0),
            }
        });
    (
        vec(integrations, 4),
        root(),
        vec(inhibition, 0..3),
        any::<bool>(),
    )
        .prop_map(|(receivers, route, inhibitions, topology_inhibition)| {
            let night = |start: &str, end: &str| TimeRange {
                start: start.to_owned(),
                end: end.to_owned(),
            };
            Alerting {
                receivers: receivers
                    .into_iter()
                    .enumerate()
                    .map(|(nth, integrations)| {
                        receiver_named(
                            i64::try_from(nth).unwrap(),
                            &format!("team {nth}"),
                            integrations,
                        )
                    })
                    .collect(),
                route,
                inhibitions,
                intervals: vec![
                    interval_named(
                        "nights",
                        vec![TimeSpan {
                            times: vec![night("22:00", "24:00"), night("00:00", "06:00")],
                            location: Some("Asia/Shanghai".to_owned()),
                            ..TimeSpan::default()
                        }],
                    ),
                    interval_named(
                        "holidays",
                        vec![
                            TimeSpan {
                                weekdays: vec!["sunday".to_owned(), "friday:saturday".to_owned()],
                                ..TimeSpan::default()
                            },
                            TimeSpan {
                                days_of_month: vec!["-3:-1".to_owned(), "20:-5".to_owned()],
                                months: vec!["12".to_owned(), "may:august".to_owned()],
                                years: vec!["2026:2028".to_owned()],
                                ..TimeSpan::default()
                            },
                        ],
                    ),
                ],
                templates: vec![NotificationTemplate {
                    id: 1,
                    name: "own".to_owned(),
                    description: String::new(),
                    content: "{{ define \"own\" }}{{ .Status }} 'x'{{ end }}".to_owned(),
                    version: 1,
                    created_at: Timestamp(0),
                    updated_at: Timestamp(0),
                }],
                settings: AlertingSettings {
                    topology_inhibition,
                    ..settings()
                },
            }
        })
}

fn write_files(file: &AlertmanagerFile, directory: &Path, name: &str) -> std::path::PathBuf {
    let templates = directory.join(TEMPLATES_DIRECTORY);
    std::fs::create_dir_all(&templates).unwrap();
    for (name, content) in file.templates() {
        std::fs::write(templates.join(name), content).unwrap();
    }
    let path = directory.join(name);
    std::fs::write(&path, file.bytes()).unwrap();
    path
}

fn amtool(arguments: &[&std::ffi::OsStr]) -> (bool, String) {
    let output = Command::new("amtool").args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn check(paths: &[std::path::PathBuf]) {
    let mut arguments = vec![std::ffi::OsStr::new("check-config")];
    arguments.extend(paths.iter().map(|path| path.as_os_str()));
    let (is_good, said) = amtool(&arguments);
    assert!(is_good, "{said}");
}

#[test]
fn amtool_takes_whatever_is_rendered() {
    let mut runner = TestRunner::deterministic();
    let (strategy, vault) = (alerting(), vault());
    let directory = tempfile::tempdir().unwrap();
    for batch in 0..4 {
        let paths: Vec<_> = (0..BATCH)
            .map(|nth| {
                let one = strategy.new_tree(&mut runner).unwrap().current();
                assert_eq!(one.check(), Ok(()));
                assert_eq!(one.route.check_tree(), Ok(()));
                let file = AlertmanagerFile::render(&one, &uplink(), &vault).unwrap();
                write_files(&file, directory.path(), &format!("{batch}-{nth}.yml"))
            })
            .collect();
        check(&paths);
    }
}

#[test]
fn the_dry_run_agrees_with_amtool() {
    const TREES: usize = 40;
    const LABEL_SETS: usize = 25;
    let mut runner = TestRunner::deterministic();
    let (strategy, vault) = (alerting(), vault());
    let labels = btree_map(label(), value(), 0..4);
    let directory = tempfile::tempdir().unwrap();
    let (mut asked, mut several) = (0, 0);
    for tree in 0..TREES {
        let one = strategy.new_tree(&mut runner).unwrap().current();
        let file = AlertmanagerFile::render(&one, &uplink(), &vault).unwrap();
        let path = write_files(&file, directory.path(), &format!("{tree}.yml"));
        let config = format!("--config.file={}", path.display());
        for _ in 0..LABEL_SETS {
            let mut labels = labels.new_tree(&mut runner).unwrap().current();
            // Neither Alertmanager nor amtool knows an empty label, and amtool's
            // arguments are matchers of their own, which drop spaces at the ends.
            labels.retain(|_, value| !value.is_empty());
            let expected: Vec<String> = dry_run(&one.route, &labels)
                .into_iter()
                .map(|found| found.receiver)
                .collect();
            let expected = expected.join(",");
            let pairs: Vec<String> = labels
                .iter()
                .map(|(name, value)| Matcher::equal(name, value).text())
                .collect();
            let mut arguments = [
                "config",
                "routes",
                "test",
                "--verify.receivers",
                &expected,
                &config,
            ]
            .map(std::ffi::OsStr::new)
            .to_vec();
            arguments.extend(pairs.iter().map(std::ffi::OsStr::new));
            let (is_same, said) = amtool(&arguments);
            assert!(
                is_same,
                "tree {tree}, labels {labels:?}, expected {expected}: {said}"
            );
            asked += 1;
            several += usize::from(expected.matches(',').count() > 1);
        }
    }
    assert_eq!(asked, 1_000);
    assert!(
        several > 50,
        "only {several} went further than one receiver"
    );
}

#[test]
fn no_secret_is_in_what_is_shown() {
    let vault = vault();
    let integrations = bodies().iter().map(|body| stored(body).0).collect();
    let one = Alerting {
        receivers: vec![receiver_named(7, "all", integrations)],
        route: Route {
            receiver: Some("all".to_owned()),
            ..Route::default()
        },
        inhibitions: Vec::new(),
        intervals: Vec::new(),
        templates: Vec::new(),
        settings: settings(),
    };
    let file = AlertmanagerFile::render(&one, &uplink(), &vault).unwrap();
    let debug = format!("{file:?}");
    for secret in vault.values() {
        assert!(!file.shown().contains(secret.as_str()), "{}", file.shown());
        assert!(!debug.contains(secret.as_str()));
    }
    let text = std::str::from_utf8(file.bytes()).unwrap();
    let relayed = [
        "wecom_robot-url",
        "msteams-url",
        "dingtalk-url",
        "feishu-url",
    ];
    for (id, secret) in &vault {
        let is_there = text.contains(secret.as_str());
        // All of these have the same address; it is there because of the webhook.
        assert!(is_there || relayed.contains(&id.as_str()), "{id}");
    }
    assert!(text.contains("http://127.0.0.1:8080/api/v1/monitoring/alerts/relay/7/feishu"));
    let kept = AlertmanagerFile::from_kept(&file.to_kept()).unwrap();
    assert!(kept == file);
    let mut poorer = vault;
    poorer.remove("tg-bot_token");
    assert_eq!(
        AlertmanagerFile::render(&one, &uplink(), &poorer).unwrap_err(),
        AlertmanagerFileError::Secret("tg-bot_token".to_owned())
    );
}

#[test]
fn the_common_password_goes_to_the_common_mail_server_only() {
    let (own, vault_of_own) = stored(&bodies()[1]);
    let mut without = own.clone();
    without.secrets.clear();
    if let IntegrationSettings::Email(email) = &mut without.settings {
        email.username = None;
    }
    let mut vault = vault();
    vault.extend(vault_of_own);
    let file = AlertmanagerFile::sandbox(
        &receiver_named(1, "x", vec![without]),
        &settings(),
        &[],
        &uplink(),
        &vault,
    )
    .unwrap();
    let text = std::str::from_utf8(file.bytes()).unwrap();
    assert!(!text.contains("auth_") && !text.contains("smtp_"), "{text}");
    let directory = tempfile::tempdir().unwrap();
    check(&[write_files(&file, directory.path(), "sandbox.yml")]);
}

#[test]
fn the_journal_hears_of_everything_first_whatever_the_tree() {
    let tree = Route {
        receiver: Some("nobody".to_owned()),
        routes: vec![Route::default()],
        ..Route::default()
    };
    for tree in [Route::default(), tree] {
        let found = dry_run(&tree, &BTreeMap::new());
        assert_eq!(
            (found[0].receiver.as_str(), &found[0].path),
            (JOURNAL, &None)
        );
    }
}

#[test]
fn the_hash_is_the_first_six_bytes_the_lowest_first() {
    let file = AlertmanagerFile {
        config: Zeroizing::new("x".to_owned()),
        shown: String::new(),
        templates: BTreeMap::new(),
        secrets: Vec::new(),
    };
    let digest = Md5::digest(b"x");
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(&digest[..6]);
    assert_eq!(file.alertmanager_hash(), u64::from_le_bytes(bytes));
}
