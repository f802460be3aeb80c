//! The rules for what a module says about collecting: collectors, sensors, events, and the keys
//! that only FreeIPMI's programs understood.

use std::collections::BTreeSet;

use super::unknown_word;
use crate::config::checked::SelEvent;
use crate::config::collector::Collector;
use crate::config::custom_args::CustomArgs;
use crate::config::raw::{ModuleRaw, PerCollector, SelEventRaw};
use crate::config::report::{Located, Report, indexed, joined};
use crate::config::setting::{Noncritical, ThresholdStates};
use crate::config::suggest::{hint, list};
use crate::config::yaml::printable;

/// Largest compiled size of one regular expression, in bytes: enough for hundreds of
/// alternatives, too little for `(a{1000}){1000}`.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

pub(super) fn collectors(report: &mut Report<'_>, raw: &ModuleRaw) -> Vec<Collector> {
    let Some(names) = &raw.collectors else {
        return if raw.is_null {
            Vec::new()
        } else {
            Collector::default_set()
        };
    };
    let key = joined(&raw.path, "collectors");
    let mut collectors: Vec<Collector> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let key = indexed(&key, index);
        let shown = printable(&name.value);
        match Collector::parse(&name.value) {
            None => {
                let hint = hint(&name.value, &Collector::NAMES);
                report.error(
                    name.mark,
                    &key,
                    format!("unknown collector `{shown}`{hint}"),
                );
            }
            Some(collector) if collectors.contains(&collector) => {
                let message = format!("the collector `{shown}` is listed twice");
                report.error(name.mark, &key, message);
            }
            Some(collector) => collectors.push(collector),
        }
    }
    collectors
}

pub(super) fn exclude_sensor_ids(report: &mut Report<'_>, raw: &ModuleRaw) -> BTreeSet<u16> {
    let key = joined(&raw.path, "exclude_sensor_ids");
    let mut ids = BTreeSet::new();
    for (index, id) in raw.exclude_sensor_ids.iter().enumerate() {
        match u16::try_from(id.value) {
            Ok(id) => {
                ids.insert(id);
            }
            Err(_) => {
                let message = format!(
                    "no sensor can have the ID {}; IDs go from 0 to {}",
                    id.value,
                    u16::MAX
                );
                report.warn(id.mark, &indexed(&key, index), message);
            }
        }
    }
    ids
}

pub(super) fn sel_events(report: &mut Report<'_>, raw: &ModuleRaw) -> Vec<SelEvent> {
    raw.sel_events
        .iter()
        .filter_map(|event| sel_event(report, event))
        .collect()
}

fn sel_event(report: &mut Report<'_>, raw: &SelEventRaw) -> Option<SelEvent> {
    let Some(name) = raw.name.as_ref().filter(|name| !name.value.is_empty()) else {
        report.error(raw.mark, &raw.path, "needs a `name`, which becomes a label");
        return None;
    };
    let pattern = match &raw.regex {
        Some(regex) => regex.value.as_str(),
        None => {
            let message = "has no `regex` and therefore counts every event";
            report.warn(raw.mark, &raw.path, message);
            ""
        }
    };
    let regex = regex::RegexBuilder::new(pattern)
        .size_limit(MAX_REGEX_BYTES)
        .build();
    match regex {
        Ok(regex) => Some(SelEvent {
            name: name.value.clone(),
            regex,
        }),
        Err(error) => {
            let mark = raw.regex.as_ref().map_or(raw.mark, |regex| regex.mark);
            let reason = regex_reason(&error);
            let message = format!("is not a regular expression: {reason}");
            report.error(mark, &joined(&raw.path, "regex"), message);
            None
        }
    }
}

/// The last line of the crate's message; the lines above draw the pattern, as our excerpt does.
fn regex_reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

pub(super) fn custom_args(report: &mut Report<'_>, raw: &ModuleRaw) -> CustomArgs {
    let mut custom = CustomArgs::default();
    let Some(args) = &raw.custom_args else {
        return custom;
    };
    let key = joined(&raw.path, "custom_args");
    for (name, words) in &args.entries {
        if let Some(collector) = collector_key(report, &key, name) {
            custom.add(collector, words);
        }
    }
    if !custom.ignored.is_empty() {
        let ignored: Vec<String> = custom.ignored.iter().map(|word| printable(word)).collect();
        let ignored: Vec<&str> = ignored.iter().map(String::as_str).collect();
        let message = format!(
            "no external programs are run; without effect: {}",
            list(&ignored)
        );
        report.warn(args.mark, &key, message);
    }
    custom
}

pub(super) fn warn_about_programs(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    key: &str,
    map: Option<&PerCollector>,
) {
    let Some(map) = map else { return };
    let key = joined(&raw.path, key);
    for (name, _) in &map.entries {
        collector_key(report, &key, name);
    }
    let message = "has no effect: no external programs are run";
    report.warn(map.mark, &key, message);
}

fn collector_key(report: &mut Report<'_>, key: &str, name: &Located<String>) -> Option<Collector> {
    let collector = Collector::parse(&name.value);
    if collector.is_none() {
        let hint = hint(&name.value, &Collector::NAMES);
        let shown = printable(&name.value);
        let message = format!("unknown collector `{shown}`{hint}");
        report.error(name.mark, &joined(key, &name.value), message);
    }
    collector
}

pub(super) fn noncritical(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<Noncritical> {
    let word = raw.noncritical.as_ref()?;
    let noncritical = Noncritical::parse(&word.value);
    if noncritical.is_none() {
        unknown_word(
            report,
            raw,
            "noncritical",
            "value",
            word,
            &Noncritical::NAMES,
        );
    }
    noncritical
}

pub(super) fn threshold_states(report: &mut Report<'_>, raw: &ModuleRaw) -> ThresholdStates {
    let Some(word) = &raw.threshold_states else {
        return ThresholdStates::default();
    };
    ThresholdStates::parse(&word.value).unwrap_or_else(|| {
        let names = &ThresholdStates::NAMES;
        unknown_word(report, raw, "threshold_states", "value", word, names);
        ThresholdStates::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_that_would_explode_is_too_large() {
        let error = regex::RegexBuilder::new("(a{1000}){1000}")
            .size_limit(MAX_REGEX_BYTES)
            .build()
            .unwrap_err();
        assert_eq!(regex_reason(&error), "it is too large");
        let error = regex::Regex::new(&["a", "b"].join("(")).unwrap_err();
        assert_eq!(regex_reason(&error), "unclosed group");
    }
}
