//! `command-pages DIRECTORY`: writes manual pages and shell completions of the
//! three programs, from the descriptions that their own parsers use. Packages are
//! made with it; it is not shipped.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

/// Shells, and where each looks below the directory.
const SHELLS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash"),
    (Shell::Zsh, "zsh"),
    (Shell::Fish, "fish"),
];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments.next().context("usage: command-pages DIRECTORY")?;
    let directory = PathBuf::from(directory);
    for command in [
        ipmi_exporter::cli::description(),
        ipmi_controller::command::Cli::command(),
        bmc_sim::program::cli::Arguments::command(),
    ] {
        write(&directory, command)?;
    }
    Ok(())
}

/// All pages of one program.
fn write(directory: &Path, command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    for (shell, folder) in SHELLS {
        let folder = folder_of(directory, &["completions", folder])?;
        clap_complete::generate_to(shell, &mut command.clone(), &name, folder)
            .with_context(|| format!("{name}: {shell}"))?;
    }
    let folder = folder_of(directory, &["man"])?;
    // What stands in every page's foot; the exporter prints more as its version.
    let command = command.version(env!("CARGO_PKG_VERSION"));
    clap_mangen::generate_to(command, folder).with_context(|| name)
}

fn folder_of(directory: &Path, parts: &[&str]) -> anyhow::Result<PathBuf> {
    let mut folder = directory.to_owned();
    folder.extend(parts);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}
