//! From a file to a checked configuration.

use std::ffi::OsString;
use std::path::Path;

use super::check;
use super::checked::Config;
use super::diagnostic::{ConfigError, Diagnostic};
use super::raw;
use super::report::Report;
use super::source::Source;
use super::yaml;

/// A configuration that may be used, and what the operator should know about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Each is worth one line in the log, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks a module file; passwords are read from the files and environment variables
/// that it names.
///
/// # Errors
/// Everything that is wrong with the file, each with its place and key. Nothing of a file with an
/// error is used.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    load_with(path, &|name| std::env::var_os(name))
}

/// Like [`load`], with another source of environment variables.
///
/// # Errors
/// Like [`load`].
pub fn load_with(
    path: &Path,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Loaded, ConfigError> {
    let source = Source::read(path).map_err(refused)?;
    check(&source, environment)
}

/// Like [`load`], for a text that did not come from a file. Relative paths in it are relative to
/// the directory of `path`, which also names it in messages.
///
/// # Errors
/// Like [`load`].
pub fn load_text(
    path: &Path,
    text: &str,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Loaded, ConfigError> {
    let source = Source::from_text(path, text.to_owned()).map_err(refused)?;
    check(&source, environment)
}

/// Checks modules that a controller sent, by the rules of the file and some more:
/// secrets are given as such, and each module has its targets.
///
/// # Errors
/// Like [`load`].
pub fn load_remote(text: &str) -> Result<Loaded, ConfigError> {
    let source = Source::remote(Path::new("configuration of the controller"), text);
    check(&source.map_err(refused)?, &|_| None)
}

fn check(
    source: &Source,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Loaded, ConfigError> {
    let mut report = Report::new(source);
    let config = match yaml::parse(source.text()) {
        Ok(None) => Config::default(),
        Ok(Some(root)) => {
            let modules = raw::read(&mut report, &root);
            check::config(&mut report, &modules, environment)
        }
        Err(error) => {
            report.syntax_error(error);
            Config::default()
        }
    };
    let warnings = report.finish()?;
    Ok(Loaded { config, warnings })
}

fn refused(diagnostic: Diagnostic) -> ConfigError {
    ConfigError {
        errors: vec![diagnostic],
        warnings: Vec::new(),
    }
}
