//! The file of `--web.config.file`, with the keys that Prometheus' exporters share.
//!
//! Unknown keys are errors. Where TLS in Rust is narrower than in Go (TLS 1.0 and 1.1, CBC and RSA
//! key exchange, P-521) the message says what is left.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use rustls::ServerConfig;
use zeroize::Zeroizing;

use super::auth::{self, Users};
use super::client_auth::ClientAuth;
use super::rate_limit::RateLimit;
use super::stamp::Watched;
use super::tls::{self, SuiteName, TlsPart, TlsSettings, TlsVersion};
use crate::config::report::{Located, Mark, Report, indexed, joined};
use crate::config::source::{Source, cannot_read, unreadable_kind};
use crate::config::suggest::list;
use crate::config::yaml::{self, Entry, Node, printable};
use crate::config::{ConfigError, Diagnostic, duration};

/// Largest certificate or key file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// Costliest bcrypt that is accepted: seconds of computing per log-in.
const MAX_BCRYPT_COST: u32 = 17;

const TOP_KEYS: [&str; 4] = [
    "tls_server_config",
    "http_server_config",
    "basic_auth_users",
    "rate_limit",
];

const TLS_KEYS: [&str; 13] = [
    "cert_file",
    "key_file",
    "cert",
    "key",
    "client_ca_file",
    "client_ca",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
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
            "tls_server_config" => tls = read_tls(report, entry, watched),
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

/// A PEM text and where it came from.
struct Pem {
    key: String,
    mark: Mark,
    text: Zeroizing<Vec<u8>>,
    /// The path and a blank in front of a message; empty for inline text.
    shown: String,
}

/// The TLS section with places for messages.
struct TlsRead {
    settings: TlsSettings,
    section: Mark,
    certificate: (Mark, String, String),
    key: (Mark, String, String),
    client_ca: Option<(Mark, String, String)>,
}

impl TlsRead {
    fn blame(&self, part: TlsPart) -> (Mark, String, String) {
        let section = || (self.section, "tls_server_config".to_owned(), String::new());
        match part {
            TlsPart::Certificate => self.certificate.clone(),
            TlsPart::Key => self.key.clone(),
            TlsPart::ClientCa => self.client_ca.clone().unwrap_or_else(section),
            TlsPart::Other => section(),
        }
    }
}

fn read_tls(report: &mut Report<'_>, section: &Entry, watched: &mut Watched) -> Option<TlsRead> {
    let path = &*section.key;
    let entries = report.map(path, &section.value);
    if entries.is_empty() {
        return None;
    }
    let (mut certificate, mut private_key, mut client_ca) = (None, None, None);
    let mut client_auth = None;
    let mut client_allowed_sans = Vec::new();
    let mut min_version = None;
    let mut max_version = None;
    let mut cipher_suites = None;
    let mut prefer_server_cipher_suites = true;
    let mut curves = None;
    for entry in entries {
        let key = joined(path, &entry.key);
        let node = &*entry.value;
        match &*entry.key {
            "cert" | "cert_file" => read_pem(report, watched, entry, &key, &mut certificate),
            "key" | "key_file" => read_pem(report, watched, entry, &key, &mut private_key),
            "client_ca" | "client_ca_file" => {
                read_pem(report, watched, entry, &key, &mut client_ca);
            }
            "client_auth_type" => {
                client_auth = word(report, &key, node, ClientAuth::parse, &ClientAuth::NAMES)
            }
            "client_allowed_sans" => {
                client_allowed_sans = report
                    .texts(&key, node)
                    .into_iter()
                    .map(|san| san.value)
                    .collect();
            }
            "min_version" => min_version = version(report, &key, node),
            "max_version" => max_version = version(report, &key, node),
            "cipher_suites" => cipher_suites = read_suites(report, &key, node),
            "prefer_server_cipher_suites" => {
                prefer_server_cipher_suites = report.boolean(&key, node).unwrap_or(true);
            }
            "curve_preferences" => curves = read_curves(report, &key, node),
            _ => report.unknown_key(path, entry, &TLS_KEYS),
        }
    }
    let mark = section.key_mark();
    let client_auth = client_auth.unwrap_or_default();
    let min_version = min_version.unwrap_or(TlsVersion::Tls12);
    let max_version = max_version.unwrap_or(TlsVersion::Tls13);
    if min_version > max_version {
        report.error(mark, path, "`min_version` is above `max_version`");
    }
    check_client_auth(
        report,
        mark,
        path,
        client_auth,
        client_ca.as_ref(),
        &client_allowed_sans,
    );
    let (Some(certificate), Some(private_key)) = (certificate, private_key) else {
        // A file that could not be read has been reported already.
        if !report.has_errors() {
            report.error(
                mark,
                path,
                "needs `cert_file` and `key_file` (or `cert` and `key`)",
            );
        }
        return None;
    };
    let place = |pem: &Pem| (pem.mark, pem.key.clone(), pem.shown.clone());
    Some(TlsRead {
        section: mark,
        certificate: place(&certificate),
        key: place(&private_key),
        client_ca: client_ca.as_ref().map(place),
        settings: TlsSettings {
            certificate: certificate.text,
            key: private_key.text,
            client_ca: client_ca.map(|pem| pem.text),
            client_auth,
            client_allowed_sans,
            min_version,
            max_version,
            cipher_suites,
            prefer_server_cipher_suites,
            curves,
            http2: true,
        },
    })
}

fn check_client_auth(
    report: &mut Report<'_>,
    mark: Mark,
    path: &str,
    client_auth: ClientAuth,
    client_ca: Option<&Pem>,
    allowed_sans: &[String],
) {
    if client_auth == ClientAuth::None {
        if client_ca.is_some() {
            report.error(
                mark,
                path,
                "has client authorities, but no `client_auth_type` uses them",
            );
        }
        if !allowed_sans.is_empty() {
            report.error(
                mark,
                path,
                "has `client_allowed_sans`, but no `client_auth_type` uses it",
            );
        }
    } else if client_auth.verifies() && client_ca.is_none() && !report.has_errors() {
        let message = "needs `client_ca_file` to verify clients with this `client_auth_type`";
        report.error(mark, path, message);
    }
}

/// Loads a PEM text, from the file that a key ending in `_file` names or from the key itself.
fn read_pem(
    report: &mut Report<'_>,
    watched: &mut Watched,
    entry: &Entry,
    key: &str,
    into: &mut Option<Pem>,
) {
    let Some(scalar) = report.scalar(key, &entry.value, "a text") else {
        return;
    };
    let text = Zeroizing::new(scalar.text.to_string());
    if text.is_empty() {
        return;
    }
    let mark = entry.value.mark();
    if let Some(other) = into {
        let message = format!("stands beside `{}`; give one of the two", other.key);
        report.secret_error(mark, key, message);
        return;
    }
    if !entry.key.ends_with("_file") {
        *into = Some(Pem {
            key: key.to_owned(),
            mark,
            text: Zeroizing::new(text.as_bytes().to_vec()),
            shown: String::new(),
        });
        return;
    }
    let path = report.source().resolve(&text);
    let shown = printable(&path.to_string_lossy());
    watched.add(&path);
    match read_pem_file(&path) {
        Ok(content) => {
            *into = Some(Pem {
                key: key.to_owned(),
                mark,
                text: content,
                shown: format!("{shown} "),
            });
        }
        Err(why) => report.secret_error(mark, key, format!("{shown} {why}")),
    }
}

fn read_pem_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let metadata = fs::metadata(path).map_err(|error| cannot_read(&error))?;
    if let Some(kind) = unreadable_kind(&metadata) {
        return Err(format!("is {kind}, not a file"));
    }
    let mut content = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(MAX_PEM_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| cannot_read(&error))?;
    if content.len() as u64 > MAX_PEM_BYTES {
        return Err("is larger than 1 MiB".to_owned());
    }
    Ok(content)
}

/// One of a few words; `null` and the empty text are none.
fn word<T>(
    report: &mut Report<'_>,
    key: &str,
    node: &Node,
    parse: impl Fn(&str) -> Option<T>,
    names: &[&str],
) -> Option<T> {
    let found = report
        .text(key, node)
        .filter(|found| !found.value.is_empty())?;
    let parsed = parse(&found.value);
    if parsed.is_none() {
        let shown = printable(&found.value);
        let message = format!("unknown value `{shown}`; allowed: {}", list(names));
        report.error(found.mark, key, message);
    }
    parsed
}

fn version(report: &mut Report<'_>, key: &str, node: &Node) -> Option<TlsVersion> {
    let found = report
        .text(key, node)
        .filter(|found| !found.value.is_empty())?;
    if matches!(found.value.as_str(), "TLS10" | "TLS11") {
        let message = format!(
            "`{}` is broken and not supported; allowed: {}",
            found.value,
            list(&TlsVersion::NAMES)
        );
        report.error(found.mark, key, message);
        return None;
    }
    word(report, key, node, TlsVersion::parse, &TlsVersion::NAMES)
}

fn read_suites(
    report: &mut Report<'_>,
    key: &str,
    node: &Node,
) -> Option<Vec<rustls::SupportedCipherSuite>> {
    let names = report.texts(key, node);
    if names.is_empty() {
        return None;
    }
    let mut suites = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match SuiteName::parse(&name.value) {
            Some(SuiteName::Tls12(suite)) => suites.push(suite),
            Some(SuiteName::Tls13) => {}
            None => unsupported(
                report,
                &indexed(key, index),
                name,
                "cipher suite",
                &SuiteName::names(),
            ),
        }
    }
    Some(suites)
}

fn read_curves(
    report: &mut Report<'_>,
    key: &str,
    node: &Node,
) -> Option<Vec<&'static dyn rustls::crypto::SupportedKxGroup>> {
    let names = report.texts(key, node);
    let mut curves = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let key = indexed(key, index);
        match tls::curve(&name.value) {
            Some(curve) => curves.push(curve),
            // Legal in Go; harmless to leave out while another curve remains.
            None if name.value == "CurveP521" && names.len() > 1 => {
                let message = "`CurveP521` is not supported and left out";
                report.warn(name.mark, &key, message);
            }
            None => unsupported(report, &key, name, "curve", &tls::CURVES),
        }
    }
    (!curves.is_empty()).then_some(curves)
}

fn unsupported(
    report: &mut Report<'_>,
    key: &str,
    found: &Located<String>,
    what: &str,
    names: &[&str],
) {
    let shown = printable(&found.value);
    let message = format!(
        "{what} `{shown}` is not supported; allowed: {}",
        list(names)
    );
    report.error(found.mark, key, message);
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
