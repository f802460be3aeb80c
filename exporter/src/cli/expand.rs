//! `@FILE` on the command line: the lines of FILE, one argument each.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::Exit;
use crate::config::source::io_reason;

/// Deepest nesting of files that name files; more is a loop.
const MAX_DEPTH: usize = 8;

/// Replaces every `@FILE` behind the program's name, up to `--`.
pub(super) fn expand(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, Exit> {
    let mut arguments = arguments.into_iter();
    let mut expanded: Vec<OsString> = arguments.next().into_iter().collect();
    let mut literal = false;
    for argument in arguments {
        literal |= argument == "--";
        if literal {
            expanded.push(argument);
        } else {
            expand_one(argument, 0, &mut expanded)?;
        }
    }
    Ok(expanded)
}

fn expand_one(argument: OsString, depth: usize, into: &mut Vec<OsString>) -> Result<(), Exit> {
    let Some(name) = argument.as_bytes().strip_prefix(b"@") else {
        into.push(argument);
        return Ok(());
    };
    let path = PathBuf::from(OsString::from_vec(name.to_vec()));
    if depth >= MAX_DEPTH {
        let message = format!(
            "{}: files of arguments are nested too deeply",
            path.display()
        );
        return Err(Exit::error(&message));
    }
    let text = fs::read(&path)
        .map_err(|error| Exit::error(&format!("open {}: {}", path.display(), io_reason(&error))))?;
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() && !line.starts_with(b"#") {
            expand_one(OsString::from_vec(line.to_vec()), depth + 1, into)?;
        }
    }
    Ok(())
}
