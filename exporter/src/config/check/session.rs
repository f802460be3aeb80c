//! The rules for what a module says about its session with the BMC.

use std::collections::BTreeSet;
use std::time::Duration;

use rmcp_ipmi::crypto::AuthType;
use rmcp_ipmi::session::Settings;

use super::unknown_word;
use crate::config::raw::ModuleRaw;
use crate::config::report::{Located, Mark, Report, indexed, joined};
use crate::config::setting::{
    AUTH_TYPE_NAMES, CipherSuite, Driver, Privilege, Workaround, auth_type_caution, parse_auth_type,
};
use crate::config::suggest::{self, hint};
use crate::config::yaml::printable;

/// Longest user name (IPMI 2.0, 22.28), in bytes.
const MAX_USER: usize = 16;

/// Below this a log-in often cannot finish.
const SHORT_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn user(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<String> {
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

pub(super) fn privilege(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<Privilege> {
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

pub(super) fn driver(report: &mut Report<'_>, raw: &ModuleRaw) -> Driver {
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
    if driver == Driver::Lan15 {
        let message = "IPMI 1.5 has no encryption, and its BMCs prove nothing before the log-in: \
                       use LAN_2_0 where the BMC knows IPMI 2.0";
        report.warn(name.mark, &joined(&raw.path, "driver"), message);
    }
    driver
}

pub(super) fn timeout(report: &mut Report<'_>, raw: &ModuleRaw) -> Option<Duration> {
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

pub(super) fn cipher_suites(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    from_args: &[Located<String>],
) -> Vec<CipherSuite> {
    let mut suites = Vec::new();
    let mut add =
        |report: &mut Report<'_>, id: Option<u64>, shown: &str, found: Mark, key: &str| match id
            .and_then(CipherSuite::from_id)
        {
            Some(suite) if suites.contains(&suite) => false,
            Some(suite) => {
                suites.push(suite);
                if let Some(caution) = suite.caution() {
                    report.warn(found, key, format!("cipher suite {} {caution}", suite.id()));
                }
                true
            }
            None => {
                let message = format!("there is no cipher suite {shown}; IPMI 2.0 has 0 to 19");
                report.error(found, key, message);
                true
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

/// Ways to log in to IPMI 1.5. Those that show the password, or need none, have to be named.
pub(super) fn auth_types(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    driver: Driver,
) -> Vec<AuthType> {
    let Some(list) = &raw.auth_types else {
        return Settings::DEFAULT_AUTH_TYPES.to_vec();
    };
    let key = joined(&raw.path, "auth_types");
    let mut auth_types = Vec::new();
    for (index, name) in list.value.iter().enumerate() {
        let key = indexed(&key, index);
        let Some(auth_type) = parse_auth_type(&name.value) else {
            let message = format!(
                "unknown authentication type `{}`; allowed: {}",
                printable(&name.value),
                suggest::list(&AUTH_TYPE_NAMES)
            );
            report.error(name.mark, &key, message);
            continue;
        };
        if auth_types.contains(&auth_type) {
            let message = format!("authentication type `{auth_type}` is listed twice");
            report.error(name.mark, &key, message);
        } else if let Some(caution) = auth_type_caution(auth_type) {
            let message = format!("authentication type `{auth_type}` {caution}");
            report.warn(name.mark, &key, message);
        }
        auth_types.push(auth_type);
    }
    if list.value.is_empty() {
        report.error(
            list.mark,
            &key,
            "must name at least one authentication type",
        );
    } else if driver != Driver::Lan15 {
        let message = "has no effect without `driver: LAN`";
        report.warn(list.mark, &key, message);
    }
    auth_types
}

/// Flags stand one per item; several in one item, as FreeIPMI's own files have them, work too.
pub(super) fn workarounds(report: &mut Report<'_>, raw: &ModuleRaw) -> BTreeSet<Workaround> {
    let key = joined(&raw.path, "workaround_flags");
    let mut workarounds = BTreeSet::new();
    let mut foreign = Vec::new();
    let mut first_foreign = None;
    for (index, item) in raw.workaround_flags.iter().enumerate() {
        let words = item.value.split([',', ' ', '\t']);
        for word in words.filter(|word| !word.is_empty() && *word != "none") {
            match Workaround::parse(word) {
                Some(workaround) => {
                    if let Some(caution) = workaround.caution() {
                        let message = format!("work-around `{word}` {caution}");
                        report.warn(item.mark, &indexed(&key, index), message);
                    }
                    if workaround.is_foreign() {
                        first_foreign.get_or_insert(item.mark);
                        foreign.push(word);
                    }
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
    if let Some(mark) = first_foreign {
        let message = format!("without effect here: {}", suggest::list(&foreign));
        report.warn(mark, &key, message);
    }
    workarounds
}
