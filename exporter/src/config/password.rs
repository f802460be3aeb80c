//! Where a module's secrets come from: text, file or environment variable; and the rules of the
//! password.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use zeroize::Zeroizing;

use super::raw::ModuleRaw;
use super::report::{Located, Mark, Report, joined};
use super::secret::Secret;
use super::setting::Driver;
use super::source::{cannot_read, unreadable_kind};
use super::yaml::printable;

/// Longest password of IPMI 2.0, in bytes (22.30, Set User Password).
const MAX_PASSWORD: usize = 20;

/// Longest password of IPMI 1.5, in bytes.
const MAX_PASSWORD_15: usize = 16;

/// Largest secret file that is read, in bytes. A secret has 20 or 42; more is another file.
const MAX_PASSWORD_FILE: u64 = 4096;

/// How environment variables are looked up; tests bring their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Loads the password of a module; the null password when none is configured.
pub(crate) fn load(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    driver: Driver,
    environment: Environment<'_>,
) -> Secret {
    let origin = Origin {
        what: "password",
        keys: ["pass", "pass_file", "pass_env"],
        text: raw.pass.as_ref(),
        file: raw.pass_file.as_ref(),
        variable: raw.pass_env.as_ref(),
    };
    let Some(found) = origin.fetch(report, &raw.path, environment) else {
        return Secret::default();
    };
    check(report, &found.path, found.mark, &found.secret, driver);
    found.secret
}

/// The three keys by which a secret can be given, and what stands behind them.
pub(super) struct Origin<'a> {
    /// What it is, in messages.
    pub(super) what: &'static str,
    /// The names of the keys, in the order of the fields below.
    pub(super) keys: [&'static str; 3],
    pub(super) text: Option<&'a Located<Secret>>,
    pub(super) file: Option<&'a Located<String>>,
    pub(super) variable: Option<&'a Located<String>>,
}

/// A secret and where it was given.
pub(super) struct Found {
    pub(super) secret: Secret,
    pub(super) mark: Mark,
    pub(super) path: String,
}

impl Origin<'_> {
    /// Loads the secret; `None` when there is none, or it cannot be had.
    pub(super) fn fetch(
        &self,
        report: &mut Report<'_>,
        module: &str,
        environment: Environment<'_>,
    ) -> Option<Found> {
        let marks = [
            self.text.map(|text| text.mark),
            self.file.map(|file| file.mark),
            self.variable.map(|name| name.mark),
        ];
        let mut given = self
            .keys
            .iter()
            .zip(marks)
            .filter_map(|(key, mark)| mark.map(|mark| (*key, mark)));
        let (key, mark) = given.next()?;
        if let Some((second, second_mark)) = given.next() {
            let [text, file, variable] = self.keys;
            report.secret_error(
                second_mark,
                &joined(module, second),
                format!(
                    "stands beside `{key}`; give exactly one of `{text}`, `{file}`, `{variable}`"
                ),
            );
            return None;
        }
        let path = joined(module, key);
        if self.text.is_none() && report.source().is_remote() {
            let message = "must not be named from afar; a controller sends the secret itself";
            report.secret_error(mark, &path, message);
            return None;
        }
        let secret = if let Some(text) = self.text {
            text.value.clone()
        } else if let Some(file) = self.file {
            read_file(report, &path, file, self.what)?
        } else {
            read_environment(report, &path, self.variable?, environment)?
        };
        Some(Found { secret, mark, path })
    }
}

fn check(report: &mut Report<'_>, path: &str, mark: Mark, secret: &Secret, driver: Driver) {
    let (limit, what) = match driver {
        Driver::Lan15 => (MAX_PASSWORD_15, "IPMI 1.5"),
        Driver::Lan20 | Driver::InBand(_) => (MAX_PASSWORD, "IPMI 2.0"),
    };
    if secret.len() > limit {
        let length = secret.len();
        let message = format!("the password has {length} bytes; {what} allows at most {limit}");
        report.secret_error(mark, path, message);
    }
    if secret.expose().contains(&0) {
        report.secret_error(mark, path, "the password contains a zero byte");
    } else if secret.expose().iter().any(u8::is_ascii_control) {
        let message = "the password contains a control character, such as a line break; is that \
                       meant?";
        report.warn(mark, path, message);
    }
}

fn read_file(
    report: &mut Report<'_>,
    key: &str,
    file: &Located<String>,
    what: &str,
) -> Option<Secret> {
    let path = report.source().resolve(&file.value);
    let shown = printable(&path.to_string_lossy());
    let mut fail = |message: String| {
        report.secret_error(file.mark, key, format!("{shown} {message}"));
        None
    };
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => return fail(cannot_read(&error)),
    };
    // Looked at before opening: a pipe would block, a device would not end.
    if let Some(kind) = unreadable_kind(&metadata) {
        return fail(format!("is {kind}, not a file"));
    }
    if !metadata.is_file() {
        return fail("is a device, not a file".to_owned());
    }
    if metadata.len() > MAX_PASSWORD_FILE {
        return fail(format!(
            "has {} bytes; a {what} file has at most {MAX_PASSWORD_FILE}",
            metadata.len()
        ));
    }
    // Large enough that it never moves: what it leaves behind would not be wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(8192));
    let read =
        File::open(&path).and_then(|file| file.take(MAX_PASSWORD_FILE).read_to_end(&mut bytes));
    if let Err(error) = read {
        return fail(cannot_read(&error));
    }
    let password = strip_newline(&bytes);
    if password.is_empty() {
        return fail("is empty".to_owned());
    }
    let secret = Secret::new(password.to_vec());
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o004 != 0 {
        let message = format!(
            "{shown} can be read by every user of this machine (mode {mode:04o}); use 0600"
        );
        report.warn(file.mark, key, message);
    }
    Some(secret)
}

/// Editors and `echo` end a file with a line break that is not part of the secret. Only one is
/// taken off.
fn strip_newline(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn read_environment(
    report: &mut Report<'_>,
    key: &str,
    name: &Located<String>,
    environment: Environment<'_>,
) -> Option<Secret> {
    let shown = printable(&name.value);
    let legal = !name.value.is_empty()
        && name
            .value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !legal {
        // Not quoted: it may be the secret itself, written under the wrong key.
        let message = "must be the name of an environment variable: letters, digits and `_`";
        report.secret_error(name.mark, key, message);
        return None;
    }
    match environment(&name.value).map(OsString::into_vec) {
        None => {
            let message = format!("the environment variable `{shown}` is not set");
            report.secret_error(name.mark, key, message);
            None
        }
        Some(value) if value.is_empty() => {
            let message = format!("the environment variable `{shown}` is empty");
            report.secret_error(name.mark, key, message);
            None
        }
        Some(value) => Some(Secret::new(value)),
    }
}
