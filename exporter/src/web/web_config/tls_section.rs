//! The section `tls_server_config`.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::report::{Located, Mark, Report, indexed, joined};
use crate::config::source::{cannot_read, unreadable_kind};
use crate::config::suggest::list;
use crate::config::yaml::{Entry, Node, printable};
use crate::web::client_auth::ClientAuth;
use crate::web::stamp::Watched;
use crate::web::tls::{self, SuiteName, TlsPart, TlsSettings, TlsVersion};

/// Largest certificate or key file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

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

/// A PEM text and where it came from.
struct Pem {
    key: String,
    mark: Mark,
    text: Zeroizing<Vec<u8>>,
    /// The path and a blank in front of a message; empty for inline text.
    shown: String,
}

/// The TLS section with places for messages.
pub(super) struct TlsRead {
    pub(super) settings: TlsSettings,
    section: Mark,
    certificate: (Mark, String, String),
    key: (Mark, String, String),
    client_ca: Option<(Mark, String, String)>,
}

impl TlsRead {
    pub(super) fn blame(&self, part: TlsPart) -> (Mark, String, String) {
        let section = || (self.section, "tls_server_config".to_owned(), String::new());
        match part {
            TlsPart::Certificate => self.certificate.clone(),
            TlsPart::Key => self.key.clone(),
            TlsPart::ClientCa => self.client_ca.clone().unwrap_or_else(section),
            TlsPart::Other => section(),
        }
    }
}

pub(super) fn read(
    report: &mut Report<'_>,
    section: &Entry,
    watched: &mut Watched,
) -> Option<TlsRead> {
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
                client_auth = word(report, &key, node, ClientAuth::parse, &ClientAuth::NAMES);
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
