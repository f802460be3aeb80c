//! From modules as written to modules as used: every rule that a value must keep.

mod collection;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allow::{AllowList, EntryError, EntryKind};
use super::checked::{Config, Module};
use super::k_g;
use super::password::{self, Environment};
use super::raw::ModuleRaw;
use super::report::{Located, Report, indexed, joined};
use super::suggest::list;
use super::yaml::printable;

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
    let driver = session::driver(report, raw);
    let custom = collection::custom_args(report, raw);
    collection::warn_about_programs(report, raw, "collector_cmd", raw.collector_cmd.as_ref());
    collection::warn_about_programs(report, raw, "default_args", raw.default_args.as_ref());
    Module {
        name: raw.name.clone(),
        user: session::user(report, raw),
        password: password::load(report, raw, driver, environment),
        k_g: k_g::load(report, raw, custom.k_g.as_ref(), environment),
        privilege: session::privilege(report, raw),
        driver,
        timeout: session::timeout(report, raw),
        collectors: collection::collectors(report, raw),
        exclude_sensor_ids: collection::exclude_sensor_ids(report, raw),
        workarounds: session::workarounds(report, raw),
        sel_events: collection::sel_events(report, raw),
        allow: allow(report, raw),
        noncritical: collection::noncritical(report, raw),
        cipher_suites: session::cipher_suites(report, raw, &custom.cipher_suites),
        auth_types: session::auth_types(report, raw, driver),
        shared_sensors: custom.shared_sensors,
        entity_sensor_names: custom.entity_sensor_names,
        bridge_sensors: raw.bridge_sensors.unwrap_or(custom.bridge_sensors),
        threshold_states: collection::threshold_states(report, raw),
    }
}

fn allow(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<AllowList> {
    let Some(targets) = raw.targets.as_ref() else {
        if report.source().is_remote() {
            let message = "has no `targets`; a controller says where credentials may go";
            report.error(raw.mark, &raw.path, message);
        }
        return None;
    };
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

/// The file holds passwords: who else can see or change it?
fn warn_about_permissions(report: &mut Report<'_>, modules: &[ModuleRaw]) {
    let source = report.source();
    let plain = modules
        .iter()
        .flat_map(|raw| [&raw.pass, &raw.k_g])
        .flatten()
        .any(|secret| !secret.value.is_empty());
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

/// A word that is none of the allowed ones.
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
