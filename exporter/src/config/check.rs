//! From modules as written to modules as used: every rule that a value must keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::allow::{AllowList, EntryError, EntryKind};
use super::checked::{Config, Module, SelEvent};
use super::collector::Collector;
use super::custom_args::CustomArgs;
use super::password::{self, Environment};
use super::raw::{ModuleRaw, PerCollector, SelEventRaw};
use super::report::{Located, Report, indexed, joined};
use super::setting::{CipherSuite, Driver, Noncritical, Privilege, Workaround};
use super::suggest::{hint, list};
use super::yaml::printable;

/// Longest user name (IPMI 2.0, 22.28), in bytes.
const MAX_USER: usize = 16;

/// Below this a log-in often cannot finish.
const SHORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Largest compiled size of one regular expression, in bytes: enough for hundreds of
/// alternatives, too little for `(a{1000}){1000}`.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

/// Checks all modules.
pub(crate) fn config(
    report: &mut Report<'_>,
    modules: &[ModuleRaw],
    environment: Environment<'_>,
) -> Config {
    warn_about_permissions(report, modules);
    let checked: BTreeMap<String, Arc<Module>> = modules
        .iter()
        .map(|raw| {
            let module = module(report, raw, environment);
            (raw.name.clone(), Arc::new(module))
        })
        .collect();
    let config = Config { modules: checked };
    warn_about_unused_modules(report, modules, &config);
    config
}

fn module(report: &mut Report<'_>, raw: &ModuleRaw, environment: Environment<'_>) -> Module {
    if raw.name.is_empty() {
        report.error(raw.mark, "modules", "a module needs a name");
    }
    let driver = driver(report, raw);
    let custom = custom_args(report, raw);
    warn_about_programs(report, raw, "collector_cmd", raw.collector_cmd.as_ref());
    warn_about_programs(report, raw, "default_args", raw.default_args.as_ref());
    Module {
        name: raw.name.clone(),
        user: user(report, raw),
        password: password::load(report, raw, driver, environment),
        privilege: privilege(report, raw),
        driver,
        timeout: timeout(report, raw),
        collectors: collectors(report, raw),
        exclude_sensor_ids: exclude_sensor_ids(report, raw),
        workarounds: workarounds(report, raw),
        sel_events: sel_events(report, raw),
        allow: allow(report, raw),
        noncritical: noncritical(report, raw),
        cipher_suites: cipher_suites(report, raw, &custom.cipher_suites),
        shared_sensors: custom.shared_sensors,
        entity_sensor_names: custom.entity_sensor_names,
        bridge_sensors: custom.bridge_sensors,
    }
}

fn user(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<String> {
    let user = raw.user.as_ref().filter(|user| !user.value.is_empty())?;
    let key = joined(&raw.path, "user");
    if user.value.len() > MAX_USER {
        let length = user.value.len();
        let message = format!("the user name has {length} bytes; IPMI allows at most {MAX_USER}");
        report.error(user.mark, &key, message);
    }
    if user.value.contains('\0') {
        report.error(user.mark, &key, "the user name contains a zero byte");
    }
    Some(user.value.clone())
}

fn privilege(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<Privilege> {
    let level = raw
        .privilege
        .as_ref()
        .filter(|level| !level.value.is_empty())?;
    let privilege = Privilege::parse(&level.value);
    if privilege.is_none() {
        unknown_word(
            report,
            raw,
            "privilege",
            "privilege level",
            level,
            &Privilege::NAMES,
        );
    }
    privilege
}

fn driver(report: &mut Report<'_>, raw: &ModuleRaw) -> Driver {
    let Some(name) = raw.driver.as_ref().filter(|name| !name.value.is_empty()) else {
        return Driver::default();
    };
    let Some(driver) = Driver::parse(&name.value) else {
        unknown_word(report, raw, "driver", "driver", name, &Driver::NAMES);
        return Driver::default();
    };
    if let Some(reason) = driver.unsupported() {
        let message = format!("every scrape with this module will fail: {reason}");
        report.warn(name.mark, &joined(&raw.path, "driver"), message);
    }
    driver
}

fn noncritical(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<Noncritical> {
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

fn unknown_word(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    key: &str,
    what: &str,
    found: &Located<String>,
    allowed: &[&str],
) {
    let message = format!(
        "unknown {what} `{}`; allowed: {}",
        printable(&found.value),
        list(allowed)
    );
    report.error(found.mark, &joined(&raw.path, key), message);
}

fn timeout(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<Duration> {
    let milliseconds = raw.timeout.as_ref()?;
    let timeout = Duration::from_millis(u64::try_from(milliseconds.value).unwrap_or(0));
    if timeout.is_zero() {
        return None;
    }
    if timeout < SHORT_TIMEOUT {
        let message = format!(
            "{} ms is little: many BMCs need more than a second to log in",
            milliseconds.value
        );
        report.warn(milliseconds.mark, &joined(&raw.path, "timeout"), message);
    }
    Some(timeout)
}

fn collectors(report: &mut Report<'_>, raw: &ModuleRaw) -> Vec<Collector> {
    let Some(names) = &raw.collectors else {
        return if raw.is_null {
            Vec::new()
        } else {
            Collector::DEFAULT.to_vec()
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

fn exclude_sensor_ids(report: &mut Report<'_>, raw: &ModuleRaw) -> BTreeSet<u16> {
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

/// Flags stand one per item; several in one item, as FreeIPMI's own files have them, work too.
fn workarounds(report: &mut Report<'_>, raw: &ModuleRaw) -> BTreeSet<Workaround> {
    let key = joined(&raw.path, "workaround_flags");
    let mut workarounds = BTreeSet::new();
    for (index, item) in raw.workaround_flags.iter().enumerate() {
        let words = item.value.split([',', ' ', '\t']);
        for word in words.filter(|word| !word.is_empty() && *word != "none") {
            match Workaround::parse(word) {
                Some(workaround) => {
                    workarounds.insert(workaround);
                }
                None => {
                    let hint = hint(word, &Workaround::names());
                    let message = format!("unknown workaround flag `{}`{hint}", printable(word));
                    report.error(item.mark, &indexed(&key, index), message);
                }
            }
        }
    }
    workarounds
}

fn sel_events(report: &mut Report<'_>, raw: &ModuleRaw) -> Vec<SelEvent> {
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

fn allow(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<AllowList> {
    let targets = raw.targets.as_ref()?;
    let key = joined(&raw.path, "targets");
    let mut allow = AllowList::default();
    for (index, entry) in targets.value.iter().enumerate() {
        match allow.add(&entry.value) {
            Ok(EntryKind::Ordinary) => {}
            Ok(EntryKind::Everything) => {
                let message = format!(
                    "`{}` lists every address: the credentials go wherever a request says",
                    printable(&entry.value)
                );
                report.warn(entry.mark, &indexed(&key, index), message);
            }
            Err(error) => {
                let shown = printable(&entry.value);
                let message = match error {
                    EntryError::Target(reason) => format!("`{shown}`: {reason}"),
                    other => format!("`{shown}` {other}"),
                };
                report.error(entry.mark, &indexed(&key, index), message);
            }
        }
    }
    if targets.value.is_empty() {
        report.warn(
            targets.mark,
            &key,
            "is an empty list: this module serves no target",
        );
    }
    Some(allow)
}

fn custom_args(report: &mut Report<'_>, raw: &ModuleRaw) -> CustomArgs {
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
    if custom.bridge_sensors {
        let message = "`--bridge-sensors` is not supported yet: sensors behind other controllers \
                       are left out";
        report.warn(args.mark, &key, message);
    }
    custom
}

fn warn_about_programs(
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

fn cipher_suites(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    from_args: &[Located<String>],
) -> Vec<CipherSuite> {
    let mut suites = Vec::new();
    let mut add = |report: &mut Report<'_>,
                   id: Option<u64>,
                   shown: &str,
                   found: super::report::Mark,
                   key: &str| {
        match id.and_then(CipherSuite::from_id) {
            Some(suite) if suites.contains(&suite) => false,
            Some(suite) => {
                suites.push(suite);
                true
            }
            None => {
                let message = format!(
                    "cipher suite {shown} is not supported in this version; allowed: `17`, `3`"
                );
                report.error(found, key, message);
                true
            }
        }
    };
    if let Some(list) = &raw.cipher_suites {
        let key = joined(&raw.path, "cipher_suites");
        for (index, id) in list.value.iter().enumerate() {
            let key = indexed(&key, index);
            let number = u64::try_from(id.value).ok();
            if !add(report, number, &id.value.to_string(), id.mark, &key) {
                let message = format!("cipher suite {} is listed twice", id.value);
                report.error(id.mark, &key, message);
            }
        }
        if list.value.is_empty() && !report.has_errors() {
            report.error(list.mark, &key, "must name at least one cipher suite");
        }
        if let Some(arg) = from_args.first() {
            let message = "the cipher suite in `custom_args` is overridden by `cipher_suites`";
            report.warn(arg.mark, &joined(&raw.path, "custom_args"), message);
        }
    } else {
        let key = joined(&raw.path, "custom_args");
        for arg in from_args {
            let shown = format!("`{}`", printable(&arg.value));
            add(
                report,
                arg.value.trim().parse().ok(),
                &shown,
                arg.mark,
                &key,
            );
        }
    }
    if suites.is_empty() {
        suites.extend(CipherSuite::DEFAULT);
    }
    suites
}

/// The file holds passwords: who else can see or change it?
fn warn_about_permissions(report: &mut Report<'_>, modules: &[ModuleRaw]) {
    let source = report.source();
    let plain = modules
        .iter()
        .any(|raw| raw.pass.as_ref().is_some_and(|pass| !pass.value.is_empty()));
    if plain && source.is_world_readable() {
        report.file_warning(
            "holds passwords and can be read by every user of this machine; use mode 0640, or \
             `pass_file`",
        );
    }
    if source.is_world_writable() {
        report.file_warning(
            "can be changed by every user of this machine, who thereby decides where passwords go",
        );
    }
}

/// A module without a list, beside modules with one, serves nobody.
fn warn_about_unused_modules(report: &mut Report<'_>, modules: &[ModuleRaw], config: &Config) {
    if !config.restricts_targets() {
        return;
    }
    for raw in modules.iter().filter(|raw| raw.targets.is_none()) {
        let collects = config
            .module(&raw.name)
            .is_some_and(|module| !module.collectors.is_empty());
        if collects {
            let message = "serves no target, because other modules have `targets` and this one \
                           has not";
            report.warn(raw.mark, &raw.path, message);
        }
    }
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
        let error = regex::Regex::new("a(b").unwrap_err();
        assert_eq!(regex_reason(&error), "unclosed group");
    }
}
