//! Files with secrets, and directories to write in.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Report, named, remote};
use crate::config::Config;
use crate::leader::sqlite_file;

/// Largest file with a secret.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whether a file is ours or root's, so that nobody else can change it.
pub(super) fn owner(path: &Path) -> Result<(), String> {
    let name = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| format!("{name}: {error}"))?;
    let ours = std::fs::metadata("/proc/self").map_or(0, |found| found.uid());
    if metadata.uid() != ours && metadata.uid() != 0 {
        return Err(format!(
            "{name} belongs to user {}, who can change it; it must belong to root or to the service's user",
            metadata.uid()
        ));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(format!(
            "{name} can be changed by everybody; run: chmod o-w {name}"
        ));
    }
    Ok(())
}

/// Whether a file can hold a secret: a small regular file that only its owner
/// and group can read.
pub(super) fn secret(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    if metadata.len() == 0 {
        return Err("is empty".to_owned());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes"));
    }
    if metadata.mode() & 0o007 != 0 {
        return Err(format!(
            "everybody on this machine can use it; run: chmod 600 {}",
            path.display()
        ));
    }
    owner(path)?;
    std::fs::File::open(path).map_err(|error| error.to_string())?;
    Ok("only its owner and group can read it".to_owned())
}

/// All files with secrets but the master key.
pub(super) fn secrets(config: &Config, report: &mut Report) {
    let mut files = vec![
        (
            "oidc.client_secret_file".to_owned(),
            &config.oidc.client_secret_file,
        ),
        ("tls.key_file".to_owned(), &config.tls.key_file),
        (
            "exporters.password_file".to_owned(),
            &config.exporters.password_file,
        ),
        ("exporters.key_file".to_owned(), &config.exporters.key_file),
        ("grafana.token_file".to_owned(), &config.grafana.token_file),
        (
            "grafana.data_source.password_file".to_owned(),
            &config.grafana.data_source.password_file,
        ),
        (
            "grafana.data_source.bearer_token_file".to_owned(),
            &config.grafana.data_source.bearer_token_file,
        ),
    ];
    for server in config.prometheus.iter() {
        let key = |name| remote::key(config, server, name);
        files.push((key("password_file"), &server.password_file));
        files.push((key("bearer_token_file"), &server.bearer_token_file));
    }
    let query = ("query".to_owned(), config.query.clone());
    let alertmanagers = config.alertmanager.iter().map(|server| {
        let section = match config.alertmanager.len() {
            1 => "alertmanager".to_owned(),
            _ => format!("alertmanager {}", server.name),
        };
        (section, server.endpoint())
    });
    let endpoints: Vec<_> = std::iter::once(query).chain(alertmanagers).collect();
    for (section, endpoint) in &endpoints {
        files.push((format!("{section}.password_file"), &endpoint.password_file));
        let token = (
            format!("{section}.bearer_token_file"),
            &endpoint.bearer_token_file,
        );
        files.push(token);
    }
    for (key, path) in files {
        if let Some(path) = path {
            report.result(&named(&key, path), secret(path));
        }
    }
}

/// All directories that are written in.
pub(super) fn directories(config: &Config, report: &mut Report) {
    for server in config.prometheus.iter() {
        for (key, file) in [
            ("targets_file", &server.targets_file),
            ("rules_file", &server.rules_file),
        ] {
            if let Some(file) = file {
                let subject = named(&remote::key(config, server, key), file);
                report.result(&subject, writable(directory_of(file)));
            }
        }
    }
    for server in config.alertmanager.iter() {
        if let Some(file) = &server.config_file {
            let subject = named(&format!("{}.config_file", server.name), file);
            report.result(&subject, writable(directory_of(file)));
        }
    }
    match sqlite_file(&config.database_url()) {
        Ok(None) => {}
        Ok(Some(file)) => {
            let subject = named("database", &file);
            report.result(&subject, writable(directory_of(&file)));
        }
        Err(error) => report.error("database", error.to_string()),
    }
    if let Some(directory) = &config.backup.directory {
        let subject = named("backup.directory", directory);
        if directory.exists() {
            report.result(&subject, writable(directory));
            let mode = std::fs::metadata(directory).map_or(0, |found| found.mode());
            if mode & 0o007 != 0 {
                report.warning(
                    subject,
                    format!(
                        "others can look into it; run: chmod 700 {}",
                        directory.display()
                    ),
                );
            }
        } else {
            let made = writable(directory_of(directory)).map(|_| "will be made".to_owned());
            report.result(&subject, made);
        }
    }
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whether a file can be made there; it is gone again at once.
fn writable(directory: &Path) -> Result<String, String> {
    let name = directory.display();
    if !directory.is_dir() {
        return Err(format!("there is no directory {name}; make it"));
    }
    tempfile(directory)
        .map(|()| format!("{name} can be written in"))
        .map_err(|error| {
            format!("{name} cannot be written in ({error}); give it to the service's user")
        })
}

fn tempfile(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(format!(".ipmi_controller-check-{}", std::process::id()));
    let made = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&path);
    drop(made?);
    std::fs::remove_file(path)
}
