//! The file of `--web.config.file`, with the keys that Prometheus' exporters share.
//!
//! Unknown keys are errors. Where TLS in Rust is narrower than in Go (TLS 1.0 and 1.1, CBC and RSA
//! key exchange, P-521) the message says what is left.

mod tls_section;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use rustls::ServerConfig;

use super::auth::{self, Users};
use super::rate_limit::RateLimit;
use super::stamp::Watched;
use super::tls::{self, TlsPart};
use crate::config::report::{Report, joined};
use crate::config::source::Source;
use crate::config::suggest::list;
use crate::config::yaml::{self, Entry, Node, printable};
use crate::config::{ConfigError, Diagnostic, duration};

/// Costliest bcrypt that is accepted: seconds of computing per log-in.
const MAX_BCRYPT_COST: u32 = 17;

const TOP_KEYS: [&str; 4] = [
    "tls_server_config",
    "http_server_config",
    "basic_auth_users",
    "rate_limit",
];

const HTTP_KEYS: [&str; 2] = ["http2", "headers"];

const RATE_KEYS: [&str; 2] = ["interval", "burst"];

/// Headers that may be set, with the values that are allowed; none means any.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// The web configuration, ready to serve with.
pub(crate) struct WebConfig {
    /// `None` serves plain HTTP.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Set on every answer.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty lets everybody in.
    pub(crate) users: Users,
    pub(crate) rate_limit: Option<RateLimit>,
}

// Not derived: hashes of passwords stay out of logs.
impl fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebConfig")
            .field("tls", &self.tls.is_some())
            .field("users", &self.users.len())
            .field("rate_limit", &self.rate_limit)
            .finish_non_exhaustive()
    }
}

impl WebConfig {
    /// Without a file: plain HTTP for everybody.
    pub(crate) fn open() -> Self {
        Self {
            tls: None,
            headers: Vec::new(),
            users: Users::new(),
            rate_limit: None,
        }
    }
}

/// One reading of the file, good or bad, with the files that it depended on.
pub(crate) struct Attempt {
    pub(crate) result: Result<(WebConfig, Vec<Diagnostic>), ConfigError>,
    pub(crate) watched: Watched,
}

/// Reads the file and everything that it names.
pub(crate) fn load(path: &Path) -> Attempt {
    let mut watched = Watched::default();
    watched.add(path);
    let result = match Source::read(path) {
        Err(diagnostic) => Err(ConfigError {
            errors: vec![diagnostic],
            warnings: Vec::new(),
        }),
        Ok(source) => read(&source, &mut watched),
    };
    Attempt { result, watched }
}

fn read(
    source: &Source,
    watched: &mut Watched,
) -> Result<(WebConfig, Vec<Diagnostic>), ConfigError> {
    let mut report = Report::new(source);
    let mut config = WebConfig::open();
    match yaml::parse(source.text()) {
        Ok(None) => {}
        Ok(Some(root)) => read_root(&mut report, &root, watched, &mut config),
        Err(error) => report.syntax_error(error),
    }
    let warnings = report.finish()?;
    Ok((config, warnings))
}

fn read_root(report: &mut Report<'_>, root: &Node, watched: &mut Watched, config: &mut WebConfig) {
    let mut http2 = true;
    let mut tls = None;
    for entry in report.map("", root) {
        match &*entry.key {
            "tls_server_config" => tls = tls_section::read(report, entry, watched),
            "http_server_config" => http2 = read_http(report, entry, config),
            "basic_auth_users" => config.users = read_users(report, entry),
            "rate_limit" => config.rate_limit = read_rate_limit(report, entry),
            _ => report.unknown_key("", entry, &TOP_KEYS),
        }
    }
    if let Some(mut raw) = tls
        && !report.has_errors()
    {
        raw.settings.http2 = http2;
        match tls::server_config(&raw.settings) {
            Ok(server) => config.tls = Some(server),
            Err((part, why)) => {
                let (mark, key, what) = raw.blame(part);
                report.secret_error(mark, &key, format!("{what}{why}"));
            }
        }
        if let Some(problem) = tls::validity_problem(&raw.settings.certificate) {
            let (mark, key, _) = raw.blame(TlsPart::Certificate);
            report.warn(mark, &key, problem);
        }
    }
}

/// Returns whether HTTP/2 is offered.
fn read_http(report: &mut Report<'_>, section: &Entry, config: &mut WebConfig) -> bool {
    let path = &*section.key;
    let mut http2 = true;
    for entry in report.map(path, &section.value) {
        let key = joined(path, &entry.key);
        match &*entry.key {
            "http2" => http2 = report.boolean(&key, &entry.value).unwrap_or(true),
            "headers" => {
                for header in report.map(&key, &entry.value) {
                    config.headers.extend(read_header(report, &key, header));
                }
            }
            _ => report.unknown_key(path, entry, &HTTP_KEYS),
        }
    }
    http2
}

fn read_header(
    report: &mut Report<'_>,
    path: &str,
    entry: &Entry,
) -> Option<(HeaderName, HeaderValue)> {
    let key = joined(path, &entry.key);
    let known = HEADERS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&entry.key));
    let Some((name, allowed)) = known else {
        let names: Vec<&str> = HEADERS.iter().map(|(name, _)| *name).collect();
        let message = format!("this header cannot be set; allowed: {}", list(&names));
        report.error(entry.key_mark(), &key, message);
        return None;
    };
    let value = report.text(&key, &entry.value)?;
    let shown = printable(&value.value);
    let legal = allowed.is_empty()
        || allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(&value.value));
    if !legal {
        let message = format!("unknown value `{shown}`; allowed: {}", list(allowed));
        report.error(value.mark, &key, message);
        return None;
    }
    match (
        HeaderName::try_from(*name),
        HeaderValue::try_from(&value.value),
    ) {
        (Ok(name), Ok(value)) => Some((name, value)),
        _ => {
            report.error(value.mark, &key, "is not a legal header value");
            None
        }
    }
}

fn read_users(report: &mut Report<'_>, section: &Entry) -> Users {
    let path = &*section.key;
    let mut users = BTreeMap::new();
    for entry in report.map(path, &section.value) {
        let key = joined(path, &entry.key);
        let Some(hash) = report.text(&key, &entry.value) else {
            report.secret_error(entry.key_mark(), &key, "needs a bcrypt hash");
            continue;
        };
        if entry.key.contains(':') {
            let message = "a user name in HTTP authentication cannot contain a colon";
            report.secret_error(entry.key_mark(), &key, message);
        }
        match auth::cost(&hash.value) {
            // Not quoted: it may be the password itself.
            None => report.secret_error(
                hash.mark,
                &key,
                "is not a bcrypt hash; make one with `htpasswd -nBC 10 USER`",
            ),
            Some(cost) if cost > MAX_BCRYPT_COST => {
                let message = format!(
                    "the bcrypt cost {cost} takes too long; the limit is {MAX_BCRYPT_COST}"
                );
                report.secret_error(hash.mark, &key, message);
            }
            Some(_) => {
                users.insert(entry.key.to_string(), hash.value);
            }
        }
    }
    users
}

fn read_rate_limit(report: &mut Report<'_>, section: &Entry) -> Option<RateLimit> {
    let path = &*section.key;
    let mut interval = Duration::ZERO;
    let mut burst = 0;
    for entry in report.map(path, &section.value) {
        let key = joined(path, &entry.key);
        match &*entry.key {
            "interval" => {
                let Some(text) = report.text(&key, &entry.value) else {
                    continue;
                };
                match duration::parse(&text.value) {
                    Ok(parsed) => interval = parsed,
                    Err(why) => {
                        let shown = printable(&text.value);
                        report.error(text.mark, &key, format!("`{shown}`: {why}"));
                    }
                }
            }
            "burst" => {
                let what = "a whole number";
                if let Some(found) =
                    report.integer(&key, &entry.value, what, 0, i64::from(u32::MAX))
                {
                    burst = u32::try_from(found.value).unwrap_or(u32::MAX);
                }
            }
            _ => report.unknown_key(path, entry, &RATE_KEYS),
        }
    }
    // A bucket that never holds a token would refuse every request.
    (!interval.is_zero()).then_some(RateLimit {
        interval,
        burst: burst.max(1),
    })
}

#[cfg(test)]
mod tests;
