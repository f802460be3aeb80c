//! What `settings` of a credential profile may hold: the other keys of the
//! exporter's module, with the exporter's own rules.
//!
//! A table, not the exporter's reader: one module that an exporter refuses would
//! keep it from taking any change, so what it would refuse must not be saved, and
//! the controller must not depend on the exporter for that. A test of the
//! exporter, which knows both, holds the table against the reader.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Collectors that the exporter has.
const COLLECTORS: &[&str] = &[
    "ipmi",
    "dcmi",
    "bmc",
    "bmc-watchdog",
    "chassis",
    "sel",
    "sel-events",
    "sm-lan-mode",
    "bmc-details",
    "bmc-clock",
    "self-test",
    "guid",
    "chassis-details",
    "power-on-hours",
    "dcmi-statistics",
    "dcmi-temperatures",
    "lan",
    "thresholds",
    "sel-entries",
    "fru",
    "dell-power",
    "lenovo-energy",
    "lenovo-fpc-power",
    "intel-node-manager",
    "sm-power-supplies",
];

/// Work-arounds that have a meaning for an exporter, and those that FreeIPMI has
/// for the same purpose.
const WORKAROUNDS: &[&str] = &[
    "authcap",
    "idzero",
    "unexpectedauth",
    "forcepermsg",
    "endianseq",
    "noauthcodecheck",
    "nochecksumcheck",
    "intel20",
    "supermicro20",
    "sun20",
    "opensesspriv",
    "integritycheckvalue",
    "assumemaxsdrrecordcount",
    "discretereading",
    "ignorescanningdisabled",
    "assumebmcowner",
    "unauthenticatedreplies",
    "ignoreauthcode",
    "altbridging",
    "assumesystemevent",
    "ignorestateflag",
    "guidformat",
    "skipchecks",
];

const AUTH_TYPES: &[&str] = &["md5", "md2", "password", "none"];
const NONCRITICAL: &[&str] = &["nominal", "warning"];
const THRESHOLD_STATES: &[&str] = &["reported", "computed"];
/// Arguments of FreeIPMI that have a meaning without it. `custom_args` may hold
/// K_g and passwords in others, which belong into fields that are sealed.
const SENSOR_ARGS: &[&str] = &[
    "--shared-sensors",
    "--entity-sensor-names",
    "--bridge-sensors",
];

/// Largest time-out in milliseconds: 32 bits, as in the exporter.
const MAX_TIMEOUT_MS: i64 = u32::MAX as i64;
/// Greatest cipher suite (IPMI 2.0 table 22-20).
const MAX_SUITE: i64 = 19;
/// Greatest record id of a sensor.
const MAX_RECORD_ID: i64 = u16::MAX as i64;
/// Most items of a list.
const MAX_ITEMS: usize = 1000;
/// Most counters over the event log, and the longest name and expression of one.
const MAX_EVENTS: usize = 100;
const MAX_EVENT_NAME: usize = 128;
const MAX_REGEX: usize = 4096;
/// Largest compiled size of one expression, as in the exporter.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

/// What a value must be.
enum Shape {
    Flag,
    Integer(i64, i64),
    Word(&'static [&'static str]),
    /// Each at most once; at least one when the second is true.
    Words(&'static [&'static str], bool),
    /// Each at most once, from and to; at least one when the third is true.
    Integers(i64, i64, bool),
    SensorArgs,
    Events,
}

const KEYS: &[(&str, Shape)] = &[
    ("auth_types", Shape::Words(AUTH_TYPES, true)),
    ("bridge_sensors", Shape::Flag),
    ("cipher_suites", Shape::Integers(0, MAX_SUITE, true)),
    ("collectors", Shape::Words(COLLECTORS, false)),
    ("custom_args", Shape::SensorArgs),
    (
        "exclude_sensor_ids",
        Shape::Integers(0, MAX_RECORD_ID, false),
    ),
    ("noncritical", Shape::Word(NONCRITICAL)),
    ("sel_events", Shape::Events),
    ("threshold_states", Shape::Word(THRESHOLD_STATES)),
    ("timeout", Shape::Integer(0, MAX_TIMEOUT_MS)),
    ("workaround_flags", Shape::Words(WORKAROUNDS, false)),
];

/// Names of the keys that settings may have.
pub fn setting_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(key, _)| *key)
}

/// The words that a key takes, alone or in a list; none for other keys.
#[must_use]
pub fn setting_words(key: &str) -> &'static [&'static str] {
    match KEYS.iter().find(|(known, _)| *known == key) {
        Some((_, Shape::Word(words) | Shape::Words(words, _))) => words,
        _ => &[],
    }
}

/// Everything that is wrong with settings: the key, and a sentence about it.
#[must_use]
pub fn check_settings(settings: &Map<String, Value>) -> Vec<(&str, String)> {
    settings
        .iter()
        .filter_map(|(key, value)| {
            let found = KEYS.iter().find(|(known, _)| known == key);
            let result = match found {
                Some((_, shape)) => check(shape, value),
                None => {
                    let known: Vec<&str> = setting_keys().collect();
                    Err(format!(
                        "is no setting of an exporter's module; there are {}",
                        known.join(", ")
                    ))
                }
            };
            result.err().map(|message| (key.as_str(), message))
        })
        .collect()
}

fn check(shape: &Shape, value: &Value) -> Result<(), String> {
    match shape {
        Shape::Flag => match value {
            Value::Bool(_) => Ok(()),
            other => Err(format!("must be true or false, found {}", kind(other))),
        },
        Shape::Integer(min, max) => integer(value, *min, *max).map(drop),
        Shape::Word(words) => word(value, words).map(drop),
        Shape::Words(words, is_needed) => distinct(value, *is_needed, |item| {
            word(item, words).map(str::to_owned)
        }),
        Shape::Integers(min, max, is_needed) => {
            distinct(value, *is_needed, |item| integer(item, *min, *max))
        }
        Shape::SensorArgs => sensor_args(value),
        Shape::Events => events(value),
    }
}

fn integer(value: &Value, min: i64, max: i64) -> Result<i64, String> {
    value
        .as_i64()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| {
            let found = match value {
                Value::Number(number) => number.to_string(),
                other => kind(other).to_owned(),
            };
            format!("must be a whole number from {min} to {max}, found {found}")
        })
}

fn word<'v>(value: &'v Value, words: &[&str]) -> Result<&'v str, String> {
    match value.as_str() {
        Some(text) if words.contains(&text) => Ok(text),
        Some(text) => Err(format!(
            "\"{}\" is not known; there are {}",
            short(text),
            words.join(", ")
        )),
        None => Err(format!("must be a text, found {}", kind(value))),
    }
}

fn list(value: &Value, most: usize) -> Result<&[Value], String> {
    match value {
        Value::Array(items) if items.len() <= most => Ok(items),
        Value::Array(items) => Err(format!(
            "has {} items; at most {most} are allowed",
            items.len()
        )),
        other => Err(format!("must be a list, found {}", kind(other))),
    }
}

fn distinct<T: Ord + std::fmt::Display + Clone>(
    value: &Value,
    is_needed: bool,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<(), String> {
    let items = list(value, MAX_ITEMS)?;
    if is_needed && items.is_empty() {
        return Err("is empty; name at least one, or leave it out".to_owned());
    }
    let mut seen = BTreeSet::new();
    for item in items {
        let item = read(item)?;
        if !seen.insert(item.clone()) {
            return Err(format!("{item} is listed twice"));
        }
    }
    Ok(())
}

fn sensor_args(value: &Value) -> Result<(), String> {
    let Value::Object(by_collector) = value else {
        return Err(format!("must be a map, found {}", kind(value)));
    };
    for (collector, arguments) in by_collector {
        if collector != "ipmi" {
            return Err(format!(
                "has arguments for \"{}\"; only those of ipmi have a meaning",
                short(collector)
            ));
        }
        for argument in list(arguments, MAX_ITEMS)? {
            // Not quoted: it may be a password that somebody took along.
            if !argument
                .as_str()
                .is_some_and(|text| SENSOR_ARGS.contains(&text))
            {
                return Err(format!(
                    "has an argument without a meaning; there are {}. Cipher suites and K_g have fields of their own",
                    SENSOR_ARGS.join(", ")
                ));
            }
        }
    }
    Ok(())
}

fn events(value: &Value) -> Result<(), String> {
    for (index, event) in list(value, MAX_EVENTS)?.iter().enumerate() {
        let wrong = |message: String| format!("item {}: {message}", index + 1);
        let Value::Object(event) = event else {
            return Err(wrong("must be a map with name and regex".to_owned()));
        };
        if let Some(key) = event
            .keys()
            .find(|key| !matches!(key.as_str(), "name" | "regex"))
        {
            return Err(wrong(format!("\"{}\" is no key of it", short(key))));
        }
        let text = |key: &str, most: usize| {
            let text = event.get(key).and_then(Value::as_str).unwrap_or_default();
            let is_good =
                !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
            is_good
                .then_some(text)
                .ok_or_else(|| wrong(format!("{key} must be a text of 1 to {most} bytes")))
        };
        text("name", MAX_EVENT_NAME)?;
        regex::RegexBuilder::new(text("regex", MAX_REGEX)?)
            .size_limit(MAX_REGEX_BYTES)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim();
                wrong(format!("regex is no regular expression: {last}"))
            })?;
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The beginning of a text, for a message.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(settings: Value) -> Vec<String> {
        let Value::Object(settings) = settings else {
            panic!("a map");
        };
        check_settings(&settings)
            .into_iter()
            .map(|(key, message)| format!("{key}: {message}"))
            .collect()
    }

    #[test]
    fn what_the_exporter_takes_is_taken() {
        let good = json!({
            "auth_types": ["md5"], "bridge_sensors": true, "cipher_suites": [17, 3],
            "collectors": ["ipmi", "sel-events"], "custom_args": {"ipmi": ["--shared-sensors"]},
            "exclude_sensor_ids": [1, 65535], "noncritical": "warning",
            "sel_events": [{"name": "power", "regex": "Power (Supply|Unit)"}],
            "threshold_states": "computed", "timeout": 20_000, "workaround_flags": ["intel20"],
        });
        assert_eq!(wrong(good.clone()), [""; 0]);
        let keys: Vec<&str> = setting_keys().collect();
        assert!(good.as_object().unwrap().keys().eq(keys), "every key once");
        assert_eq!(wrong(json!({"collectors": []})), [""; 0]);
    }

    #[test]
    fn what_the_exporter_refuses_is_refused_with_its_key() {
        for (settings, expected) in [
            (json!({"colectors": []}), "colectors: is no setting"),
            (json!({"timeout": "10s"}), "timeout: must be a whole number"),
            (json!({"timeout": 1.5}), "timeout: must be a whole number"),
            (json!({"timeout": null}), "timeout: must be a whole number"),
            (json!({"timeout": -1}), "found -1"),
            (json!({"collectors": ["IPMI"]}), "\"IPMI\" is not known"),
            (
                json!({"collectors": ["ipmi", "ipmi"]}),
                "ipmi is listed twice",
            ),
            (json!({"collectors": "ipmi"}), "must be a list"),
            (json!({"cipher_suites": []}), "is empty"),
            (json!({"cipher_suites": [20]}), "from 0 to 19"),
            (json!({"bridge_sensors": "yes"}), "must be true or false"),
            (json!({"noncritical": "bad"}), "\"bad\" is not known"),
            (json!({"exclude_sensor_ids": [65536]}), "from 0 to 65535"),
            (
                json!({"sel_events": [{"name": "x", "regex": "("}]}),
                "no regular expression",
            ),
            (
                json!({"sel_events": [{"name": "", "regex": "x"}]}),
                "name must be",
            ),
            (
                json!({"sel_events": [{"name": "x", "regex": "x", "y": 1}]}),
                "\"y\"",
            ),
            (
                json!({"sel_events": [{"name": "x", "regex": "(a{1000}){1000}"}]}),
                "size limit",
            ),
            (json!({"custom_args": {"bmc": []}}), "only those of ipmi"),
            (json!({"collector_cmd": {"ipmi": "sudo"}}), "is no setting"),
        ] {
            let found = wrong(settings);
            assert!(
                found.len() == 1 && found[0].contains(expected),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn a_secret_among_the_arguments_is_refused_and_not_shown() {
        for arguments in [json!(["-k", "zq7canary"]), json!(["--password=zq7canary"])] {
            let found = wrong(json!({"custom_args": {"ipmi": arguments}}));
            assert!(
                found.len() == 1 && !found[0].contains("zq7canary"),
                "{found:?}"
            );
        }
    }
}
