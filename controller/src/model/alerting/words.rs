//! Checks that several resources of alerting have in common.

use std::collections::BTreeMap;

use crate::model::Problems;

/// Names that the controller uses itself begin so.
pub const OWN_PREFIX: &str = "ipmi-controller:";
/// Longest name of a label, in bytes.
const MAX_LABEL: usize = 200;
/// Longest template in a field, in bytes.
const MAX_TEMPLATE: usize = 32 * 1024;
/// Longest word: a channel, a user, a key of a service, in bytes.
const MAX_WORD: usize = 1024;
/// Most pairs of one map, such as headers or details.
const MAX_PAIRS: usize = 64;

/// Letters, digits and underscores, no digit first: what every Alertmanager
/// takes for a label.
pub(super) fn label_name(name: &str) -> Result<(), String> {
    let mut characters = name.chars();
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let first_is_good = characters
        .next()
        .is_some_and(|first| is_good(first) && !first.is_ascii_digit());
    if !first_is_good || !characters.all(is_good) {
        return Err(format!(
            "\"{name}\" is no label name; letters, digits and underscores are allowed, and a digit not in front"
        ));
    }
    at_most(name, MAX_LABEL)
}

pub(super) fn at_most(text: &str, longest: usize) -> Result<(), String> {
    if text.len() > longest {
        return Err(format!(
            "has {} bytes; at most {longest} are allowed",
            text.len()
        ));
    }
    Ok(())
}

/// A short text on one line.
pub(super) fn word(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    at_most(text, MAX_WORD)
}

/// A short text that is not empty.
pub(super) fn required_word(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    word(text)
}

/// A text that Alertmanager reads as a template.
pub(super) fn template(text: &str) -> Result<(), String> {
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(is_bad) {
        return Err("contains a control character".to_owned());
    }
    at_most(text, MAX_TEMPLATE)?;
    crate::model::rule::check_template(text)
}

/// Pairs of names and templates.
pub(super) fn pairs(pairs: &BTreeMap<String, String>, field: &str, problems: &mut Problems) {
    if pairs.len() > MAX_PAIRS {
        let count = pairs.len();
        problems.add(
            field,
            format!("has {count} entries; at most {MAX_PAIRS} are allowed"),
        );
    }
    for (name, value) in pairs.iter().take(MAX_PAIRS) {
        problems.check(field, required_word(name));
        problems.check(&format!("{field}.{name}"), template(value));
    }
}

/// An address of the web without a log-in in it.
pub(super) fn web_address(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|error| format!("is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("is no http or https address with a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("names a user; secrets have fields of their own".to_owned());
    }
    word(text)
}

/// A name of something that others refer to by it; not one of the controller's own.
pub(super) fn own_free(name: &str) -> Result<(), String> {
    if name.starts_with(OWN_PREFIX) {
        return Err(format!(
            "begins with {OWN_PREFIX}, as names do that the controller uses itself"
        ));
    }
    Ok(())
}
