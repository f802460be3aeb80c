//! A module as written: the shapes are right, the meaning is not looked at yet.

use super::report::{Located, Mark, Report, indexed, joined};
use super::secret::Secret;
use super::yaml::{Entry, Node, Value};

/// Keys of the file itself.
const TOP_KEYS: [&str; 1] = ["modules"];

/// Keys of a module.
const MODULE_KEYS: [&str; 23] = [
    "user",
    "pass",
    "pass_file",
    "pass_env",
    "k_g",
    "k_g_file",
    "k_g_env",
    "privilege",
    "driver",
    "timeout",
    "collectors",
    "exclude_sensor_ids",
    "workaround_flags",
    "collector_cmd",
    "default_args",
    "custom_args",
    "sel_events",
    "targets",
    "noncritical",
    "cipher_suites",
    "auth_types",
    "bridge_sensors",
    "threshold_states",
];

/// Keys of an item of `sel_events`.
const SEL_EVENT_KEYS: [&str; 2] = ["name", "regex"];

/// Largest value of `timeout`: 32 bits of milliseconds, as in the stock exporter.
const MAX_TIMEOUT_MS: i64 = u32::MAX as i64;

/// The module section of the file.
#[derive(Debug)]
pub(crate) struct ModuleRaw {
    pub(crate) name: String,
    /// `modules.NAME`, for messages.
    pub(crate) path: String,
    pub(crate) mark: Mark,
    /// Written as `NAME:` with nothing behind: a module without collectors.
    pub(crate) is_null: bool,
    pub(crate) user: Option<Located<String>>,
    pub(crate) pass: Option<Located<Secret>>,
    pub(crate) pass_file: Option<Located<String>>,
    pub(crate) pass_env: Option<Located<String>>,
    pub(crate) k_g: Option<Located<Secret>>,
    pub(crate) k_g_file: Option<Located<String>>,
    pub(crate) k_g_env: Option<Located<String>>,
    pub(crate) privilege: Option<Located<String>>,
    pub(crate) driver: Option<Located<String>>,
    pub(crate) timeout: Option<Located<i64>>,
    pub(crate) collectors: Option<Vec<Located<String>>>,
    pub(crate) exclude_sensor_ids: Vec<Located<i64>>,
    pub(crate) workaround_flags: Vec<Located<String>>,
    pub(crate) collector_cmd: Option<PerCollector>,
    pub(crate) default_args: Option<PerCollector>,
    pub(crate) custom_args: Option<PerCollector>,
    pub(crate) sel_events: Vec<SelEventRaw>,
    pub(crate) targets: Option<Located<Vec<Located<String>>>>,
    pub(crate) noncritical: Option<Located<String>>,
    pub(crate) cipher_suites: Option<Located<Vec<Located<i64>>>>,
    pub(crate) auth_types: Option<Located<Vec<Located<String>>>>,
    pub(crate) bridge_sensors: Option<bool>,
    pub(crate) threshold_states: Option<Located<String>>,
}

/// A map from collector to words.
#[derive(Debug)]
pub(crate) struct PerCollector {
    pub(crate) mark: Mark,
    pub(crate) entries: Vec<(Located<String>, Vec<Located<String>>)>,
}

/// One item of `sel_events`.
#[derive(Debug)]
pub(crate) struct SelEventRaw {
    pub(crate) path: String,
    pub(crate) mark: Mark,
    pub(crate) name: Option<Located<String>>,
    pub(crate) regex: Option<Located<String>>,
}

/// Reads the modules of a file, in the order of the file.
pub(crate) fn read(report: &mut Report<'_>, root: &Node) -> Vec<ModuleRaw> {
    let mut modules = Vec::new();
    for entry in report.map("", root) {
        if &*entry.key == "modules" {
            for module in report.map("modules", &entry.value) {
                modules.push(read_module(report, module));
            }
        } else {
            report.unknown_key("", entry, &TOP_KEYS);
        }
    }
    modules
}

fn read_module(report: &mut Report<'_>, entry: &Entry) -> ModuleRaw {
    let path = joined("modules", &entry.key);
    let mut raw = ModuleRaw {
        name: entry.key.to_string(),
        mark: entry.key_mark(),
        is_null: entry.value.is_null(),
        user: None,
        pass: None,
        pass_file: None,
        pass_env: None,
        k_g: None,
        k_g_file: None,
        k_g_env: None,
        privilege: None,
        driver: None,
        timeout: None,
        collectors: None,
        exclude_sensor_ids: Vec::new(),
        workaround_flags: Vec::new(),
        collector_cmd: None,
        default_args: None,
        custom_args: None,
        sel_events: Vec::new(),
        targets: None,
        noncritical: None,
        cipher_suites: None,
        auth_types: None,
        bridge_sensors: None,
        threshold_states: None,
        path: path.clone(),
    };
    for field in report.map(&path, &entry.value) {
        let key = joined(&path, &field.key);
        let node = &*field.value;
        match &*field.key {
            "user" => raw.user = report.text(&key, node),
            "pass" => raw.pass = secret(report, &key, node),
            "pass_file" => raw.pass_file = report.text(&key, node),
            "pass_env" => raw.pass_env = report.text(&key, node),
            "k_g" => raw.k_g = secret(report, &key, node),
            "k_g_file" => raw.k_g_file = report.text(&key, node),
            "k_g_env" => raw.k_g_env = report.text(&key, node),
            "privilege" => raw.privilege = report.text(&key, node),
            "driver" => raw.driver = report.text(&key, node),
            "timeout" => {
                let what = "a whole number of milliseconds";
                raw.timeout = report.integer(&key, node, what, 0, MAX_TIMEOUT_MS);
            }
            "collectors" => raw.collectors = Some(report.texts(&key, node)),
            "exclude_sensor_ids" => {
                raw.exclude_sensor_ids = integers(report, &key, node, i64::MIN, i64::MAX);
            }
            "workaround_flags" => raw.workaround_flags = report.texts(&key, node),
            "collector_cmd" => raw.collector_cmd = per_collector(report, &key, field, false),
            "default_args" => raw.default_args = per_collector(report, &key, field, true),
            "custom_args" => raw.custom_args = per_collector(report, &key, field, true),
            "sel_events" => raw.sel_events = sel_events(report, &key, node),
            "targets" => raw.targets = targets(report, &key, node),
            "noncritical" => raw.noncritical = report.text(&key, node),
            "cipher_suites" => {
                raw.cipher_suites = Some(Located {
                    value: integers(report, &key, node, 0, 255),
                    mark: node.mark(),
                });
            }
            "bridge_sensors" => raw.bridge_sensors = report.boolean(&key, node),
            "threshold_states" => raw.threshold_states = report.text(&key, node),
            "auth_types" => {
                raw.auth_types = Some(Located {
                    value: report.texts(&key, node),
                    mark: node.mark(),
                });
            }
            _ => report.unknown_key(&path, field, &MODULE_KEYS),
        }
    }
    raw
}

fn secret(report: &mut Report<'_>, key: &str, node: &Node) -> Option<Located<Secret>> {
    let scalar = report.scalar(key, node, "a text")?;
    Some(Located {
        value: Secret::new(scalar.text.as_bytes().to_vec()),
        mark: node.mark(),
    })
}

fn integers(
    report: &mut Report<'_>,
    key: &str,
    node: &Node,
    min: i64,
    max: i64,
) -> Vec<Located<i64>> {
    let items = report.list(key, node);
    let mut numbers = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        numbers.extend(report.integer(&indexed(key, index), item, "a whole number", min, max));
    }
    numbers
}

/// `targets` without anything behind it is a mistake, not "nobody": it is what remains when a
/// list is commented out.
fn targets(
    report: &mut Report<'_>,
    key: &str,
    node: &Node,
) -> Option<Located<Vec<Located<String>>>> {
    if node.is_null() {
        let message = "is empty; list targets, or write [] to serve none, or remove the key";
        report.error(node.mark(), key, message);
        return None;
    }
    Some(Located {
        value: report.texts(key, node),
        mark: node.mark(),
    })
}

fn per_collector(
    report: &mut Report<'_>,
    key: &str,
    field: &Entry,
    lists: bool,
) -> Option<PerCollector> {
    if field.value.is_null() {
        return None;
    }
    let mut entries = Vec::new();
    for entry in report.map(key, &field.value) {
        let path = joined(key, &entry.key);
        let words = if lists {
            report.texts(&path, &entry.value)
        } else {
            report.text(&path, &entry.value).into_iter().collect()
        };
        let name = Located {
            value: entry.key.to_string(),
            mark: entry.key_mark(),
        };
        entries.push((name, words));
    }
    Some(PerCollector {
        mark: field.key_mark(),
        entries,
    })
}

fn sel_events(report: &mut Report<'_>, key: &str, node: &Node) -> Vec<SelEventRaw> {
    let items = report.list(key, node);
    let mut events = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let path = indexed(key, index);
        let mut event = SelEventRaw {
            path: path.clone(),
            mark: item.mark(),
            name: None,
            regex: None,
        };
        if !matches!(item.value, Value::Mapping(_)) {
            report.wrong_kind(&path, item, "a map with `name` and `regex`");
            continue;
        }
        for field in report.map(&path, item) {
            let key = joined(&path, &field.key);
            match &*field.key {
                "name" => event.name = report.text(&key, &field.value),
                "regex" => event.regex = report.text(&key, &field.value),
                _ => report.unknown_key(&path, field, &SEL_EVENT_KEYS),
            }
        }
        events.push(event);
    }
    events
}
