//! What the controller lets people save, the exporter takes: the rules of both
//! are held against each other here.

use ipmi_controller::model::{
    Address, CredentialBody, CredentialDraft, Port, setting_keys, setting_words,
};
use ipmi_exporter::config::{
    Collector, Config, Noncritical, Privilege, TargetAddress, ThresholdStates, Workaround,
    load_remote,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A profile as the controller checks it.
fn saved(body: Value) -> Result<CredentialDraft, String> {
    let body: CredentialBody = serde_json::from_value(body).map_err(|error| error.to_string())?;
    CredentialDraft::parse(&body).map_err(|problems| format!("{problems:?}"))
}

/// The profile as the exporter gets it.
fn loaded(
    draft: &CredentialDraft,
    password: Option<&str>,
    targets: &[String],
) -> Result<Config, String> {
    let mut module = draft.settings.clone();
    module.insert("driver".to_owned(), draft.driver.as_str().into());
    if !draft.username.is_empty() {
        module.insert("user".to_owned(), draft.username.as_str().into());
    }
    if let Some(password) = password {
        module.insert("pass".to_owned(), password.into());
    }
    module.insert("targets".to_owned(), targets.into());
    let text = json!({"modules": {"m": module}}).to_string();
    load_remote(&text)
        .map(|loaded| loaded.config)
        .map_err(|error| error.to_string())
}

fn settings_are_taken_by_both(settings: &Value) {
    let draft = saved(json!({"name": "m", "settings": settings}));
    let draft = draft.unwrap_or_else(|error| panic!("{settings}: {error}"));
    loaded(&draft, None, &[]).unwrap_or_else(|error| panic!("{settings}: {error}"));
}

#[test]
fn every_word_that_can_be_saved_is_taken() {
    for key in setting_keys() {
        let words = setting_words(key);
        for word in words {
            let is_single = matches!(key, "noncritical" | "threshold_states");
            let value = if is_single {
                json!(word)
            } else {
                json!([word])
            };
            settings_are_taken_by_both(&json!({ key: value }));
        }
    }
    for settings in [
        json!({"timeout": 0}),
        json!({"timeout": u32::MAX}),
        json!({"bridge_sensors": true}),
        json!({"cipher_suites": (0..20).collect::<Vec<i64>>()}),
        json!({"exclude_sensor_ids": [0, 65535]}),
        json!({"collectors": Collector::NAMES}),
        json!({"collectors": []}),
        json!({"custom_args": {"ipmi": ["--shared-sensors", "--entity-sensor-names", "--bridge-sensors"]}}),
        json!({"sel_events": [{"name": "a \"b\" \\ 团队", "regex": "^(a|b)\\d+\\.\\\\$"}]}),
    ] {
        settings_are_taken_by_both(&settings);
    }
}

#[test]
fn every_word_that_is_taken_can_be_saved() {
    let words = |key| setting_words(key).to_vec();
    assert_eq!(words("collectors"), Collector::NAMES);
    assert_eq!(words("noncritical"), Noncritical::NAMES);
    assert_eq!(words("threshold_states"), ThresholdStates::NAMES);
    for flag in words("workaround_flags") {
        assert!(Workaround::parse(flag).is_some(), "{flag}");
    }
    for level in Privilege::NAMES {
        assert!(
            saved(json!({"name": "m", "privilege": level})).is_ok(),
            "{level}"
        );
    }
}

proptest! {
    #[test]
    fn names_and_passwords_arrive_as_they_were_saved(
        user in "\\PC{0,16}",
        password in "\\PC{1,20}",
        odd in any::<String>(),
    ) {
        for (user, password) in [(&user, &password), (&odd, &password), (&user, &odd)] {
            let body = json!({"name": "m", "username": user, "password": password});
            let Ok(draft) = saved(body) else { continue };
            let config = loaded(&draft, Some(password), &[]);
            let config = config.map_err(|error| TestCaseError::fail(format!("{user:?} {password:?}: {error}")))?;
            let module = config.module("m").expect("it is there");
            prop_assert_eq!(module.user.as_deref().unwrap_or_default(), user.as_str());
            prop_assert_eq!(module.password.expose(), password.as_bytes());
        }
    }

    #[test]
    fn every_address_that_can_be_saved_is_listed_and_asked(
        text in prop_oneof![
            "[a-zA-Z0-9_-]{1,8}(\\.[a-zA-Z0-9_-]{1,8}){0,3}",
            "[0-9]{1,3}(\\.[0-9]{1,3}){1,3}",
            "(0x)?[0-9a-f]{1,4}(\\.(0x)?[0-9a-f]{1,4}){0,3}",
            "[0-9a-f:]{2,12}",
            any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
            any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
            any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_ipv6_mapped().to_string()),
            "([a-z]{60}\\.){3}[a-z]{40,64}",
            any::<String>(),
        ],
        port in 1..=u16::MAX,
    ) {
        let Ok(address) = Address::parse(&text) else { return Ok(()) };
        let target = address.target(Port(port));
        let asked: TargetAddress = match target.parse() {
            Ok(asked) => asked,
            Err(error) => return Err(TestCaseError::fail(format!("{target}: {error}"))),
        };
        let draft = saved(json!({"name": "m"})).map_err(TestCaseError::fail)?;
        let config = loaded(&draft, None, std::slice::from_ref(&target));
        let config = config.map_err(|error| TestCaseError::fail(format!("{target}: {error}")))?;
        let module = config.module("m").expect("it is there");
        prop_assert!(config.permission(module).check_name(&asked).is_ok(), "{}", target);
    }

    #[test]
    fn settings_that_can_be_saved_are_taken(
        key in prop::sample::select(setting_keys().collect::<Vec<_>>()),
        numbers in prop::collection::vec(-2..70_000_i64, 0..4),
        texts in prop::collection::vec("\\PC{0,6}|md5|ipmi|none|nominal", 0..3),
    ) {
        for value in [
            json!(numbers),
            json!(texts),
            json!(numbers.first()),
            json!(texts.first()),
            json!([{"name": texts.first(), "regex": texts.last()}]),
            json!({"ipmi": texts}),
            json!(true),
        ] {
            let settings = Map::from_iter([(key.to_owned(), value.clone())]);
            if let Ok(draft) = saved(json!({"name": "m", "settings": settings})) {
                let config = loaded(&draft, None, &[]);
                prop_assert!(config.is_ok(), "{key}: {value}: {:?}", config.err());
            }
        }
    }
}
