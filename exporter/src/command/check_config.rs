//! `ipmi_exporter check-config FILE`: says whether the server would take a file, and if not, why.

use std::io::{self, Write};
use std::path::Path;

use crate::config::{ConfigError, Diagnostic, Loaded, load};

/// What came out of the check; the exit status is 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server would use the file.
    Good,
    /// The server would refuse the file.
    Bad,
}

impl Verdict {
    /// Exit status of the program.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 1,
        }
    }
}

/// Checks the file and writes what it found: everything for a good file to `out`, errors to
/// `err`.
///
/// # Errors
/// When `out` or `err` cannot be written.
pub fn run(path: &Path, out: &mut impl Write, err: &mut impl Write) -> io::Result<Verdict> {
    match load(path) {
        Ok(loaded) => {
            write_warnings(&loaded.warnings, out)?;
            writeln!(out, "{}: {}", path.display(), summary(&loaded))?;
            Ok(Verdict::Good)
        }
        Err(error) => {
            write_warnings(&error.warnings, err)?;
            write_errors(&error, err)?;
            writeln!(err, "{}: {}", path.display(), refusal(&error))?;
            Ok(Verdict::Bad)
        }
    }
}

fn write_warnings(warnings: &[Diagnostic], out: &mut impl Write) -> io::Result<()> {
    warnings
        .iter()
        .try_for_each(|warning| writeln!(out, "warning: {warning}"))
}

fn write_errors(error: &ConfigError, out: &mut impl Write) -> io::Result<()> {
    for diagnostic in &error.errors {
        writeln!(out, "error: {diagnostic}")?;
        if let Some(excerpt) = &diagnostic.excerpt {
            writeln!(out, "{excerpt}")?;
        }
    }
    Ok(())
}

fn summary(loaded: &Loaded) -> String {
    let modules = &loaded.config.modules;
    let mut parts = vec![counted(modules.len(), "module")];
    if loaded.config.restricts_targets() {
        let lists = modules.values().filter_map(|module| module.allow.as_ref());
        parts.push(counted(lists.map(|list| list.len()).sum(), "target"));
    }
    if !loaded.warnings.is_empty() {
        parts.push(counted(loaded.warnings.len(), "warning"));
    }
    parts.join(", ")
}

fn refusal(error: &ConfigError) -> String {
    let mut text = counted(error.errors.len(), "error");
    if !error.warnings.is_empty() {
        text.push_str(", ");
        text.push_str(&counted(error.warnings.len(), "warning"));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
