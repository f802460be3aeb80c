//! Backups of PostgreSQL: its own `pg_dump`, of the same moment in which we
//! count. Passwords go by the environment: arguments are for all to see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use url::Url;
use zeroize::Zeroizing;

use super::BackupError;
use super::manifest::{Contents, Manifest};
use crate::store::{Store, StoreError};

/// What is shown of a program's complaint, in bytes.
const MAX_MESSAGE: u64 = 2000;
/// Longest line of an archive's text that is looked at; a row may be larger.
const MAX_LINE: u64 = 1024 * 1024 * 1024;
/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Variables that say where a database is and how to sign in.
pub(super) struct Login(Vec<(&'static str, Zeroizing<String>)>);

impl Login {
    /// Takes a connection string apart.
    pub(super) fn parse(url: &str) -> Result<Self, BackupError> {
        let wrong = || BackupError::Damaged("database: is no URL of PostgreSQL".to_owned());
        let url = Url::parse(url).map_err(|_| wrong())?;
        let decode =
            |text: &str| Zeroizing::new(percent_decode_str(text).decode_utf8_lossy().into_owned());
        let mut variables = Vec::new();
        let mut set = |name, value: &str| {
            if !value.is_empty() {
                variables.push((name, decode(value)));
            }
        };
        set(
            "PGHOST",
            url.host_str().unwrap_or_default().trim_matches(['[', ']']),
        );
        set(
            "PGPORT",
            &url.port().map(|port| port.to_string()).unwrap_or_default(),
        );
        set("PGUSER", url.username());
        set("PGPASSWORD", url.password().unwrap_or_default());
        set("PGDATABASE", url.path().trim_start_matches('/'));
        for (key, value) in url.query_pairs() {
            let name = match key.as_ref() {
                "host" => "PGHOST",
                "port" => "PGPORT",
                "user" => "PGUSER",
                "password" => "PGPASSWORD",
                "dbname" => "PGDATABASE",
                "sslmode" | "ssl-mode" => "PGSSLMODE",
                "sslrootcert" | "ssl-root-cert" => "PGSSLROOTCERT",
                "sslcert" => "PGSSLCERT",
                "sslkey" => "PGSSLKEY",
                _ => continue,
            };
            variables.push((name, Zeroizing::new(value.into_owned())));
        }
        Ok(Self(variables))
    }

    /// A program of PostgreSQL that signs in so.
    pub(super) fn command(&self, program: &'static str) -> Command {
        let mut command = plain(program);
        for (name, value) in &self.0 {
            command.env(name, value.as_str());
        }
        command
    }
}

/// A program of PostgreSQL that needs no server.
pub(super) fn plain(program: &'static str) -> Command {
    let mut command = Command::new(find(program));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Its messages are read by a program.
        .env("LC_ALL", "C")
        .kill_on_drop(true);
    command
}

/// The newest version's program, or what the search path has.
fn find(program: &'static str) -> PathBuf {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path().join("bin").join(program);
            path.is_file().then_some((version, path))
        })
        .max()
        .map_or_else(|| program.into(), |(_, path)| path)
}

/// Runs a program to its end.
pub(super) async fn run(program: &'static str, mut command: Command) -> Result<(), BackupError> {
    let child = command.spawn().map_err(|error| missing(program, &error))?;
    let output = child.wait_with_output();
    let output = output.await.map_err(|error| missing(program, &error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(complaint(program, &String::from_utf8_lossy(&output.stderr)))
}

pub(super) fn missing(program: &'static str, error: &std::io::Error) -> BackupError {
    BackupError::Program {
        program,
        message: format!("{error}; the package postgresql-client has it"),
    }
}

fn complaint(program: &'static str, text: &str) -> BackupError {
    let text = text.trim();
    let message = match text
        .char_indices()
        .nth(usize::try_from(MAX_MESSAGE).unwrap_or(0))
    {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    BackupError::Program {
        program,
        message: message.replace('\n', "; "),
    }
}

/// Writes an archive of the moment in which the rows are counted.
pub(super) async fn dump(store: &Store, url: &str, to: &Path) -> Result<Manifest, BackupError> {
    let mut tx = store.read().await?;
    let snapshot = tx.export_snapshot().await?;
    let tables = tx.table_counts().await?;
    if let Some(broken) = tx.verify_audit().await?.broken {
        tracing::error!(
            entry = broken.sequence,
            "The audit trail is broken; it is backed up as it is"
        );
    }
    let mut command = Login::parse(url)?.command("pg_dump");
    command
        .args([
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--no-password",
        ])
        .arg(format!("--snapshot={snapshot}"))
        .arg("--file")
        .arg(to);
    run("pg_dump", command).await?;
    drop(tx);
    Ok(Manifest::new(store.clock().now(), tables))
}

/// Reads a whole archive, as a restoration would, and counts.
pub(super) async fn contents(path: &Path, store: &Store) -> Result<Contents, BackupError> {
    let program = "pg_restore";
    let mut command = plain(program);
    command.arg("--file=-").arg(path).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| missing(program, &error))?;
    let (Some(output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(BackupError::Ending);
    };
    let complaining = async {
        let mut text = Vec::new();
        let _ = (&mut errors).take(MAX_MESSAGE).read_to_end(&mut text).await;
        // The rest must not fill the pipe.
        let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
        String::from_utf8_lossy(&text).into_owned()
    };
    let (read, complaints) = tokio::join!(rows(BufReader::new(output)), complaining);
    let (tables, key_check) = read.map_err(|error| BackupError::Damaged(error.to_string()))?;
    let status = child
        .wait()
        .await
        .map_err(|error| missing(program, &error))?;
    let mut problems = Vec::new();
    if !status.success() {
        problems.push(complaint(program, &complaints).to_string());
    }
    match key_check.map(|check| store.verify_key_check(&check)) {
        Some(Ok(())) => {}
        Some(Err(StoreError::Seal(error))) => problems.push(error.to_string()),
        Some(Err(error)) => return Err(error.into()),
        None => problems.push("it holds no facts, so it is of no controller".to_owned()),
    }
    Ok(Contents { tables, problems })
}

/// Rows of each table in a restoration's text, and what tells the master key.
async fn rows(
    mut output: BufReader<impl tokio::io::AsyncRead + Unpin>,
) -> std::io::Result<(BTreeMap<String, i64>, Option<String>)> {
    let mut tables = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut key_check = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut output)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if read == 0 {
            return Ok((tables, key_check));
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match &current {
            Some(_) if text == b"\\." => current = None,
            Some(table) => {
                if let Some(count) = tables.get_mut(table) {
                    *count += 1;
                }
                if table == "facts"
                    && let Some(check) = text.strip_prefix(b"master_key_check\t")
                {
                    key_check = Some(String::from_utf8_lossy(check).into_owned());
                }
            }
            None => {
                current = copied_table(text);
                if let Some(table) = &current {
                    tables.insert(table.clone(), 0);
                }
            }
        }
    }
}

/// The table of `COPY public.name (columns) FROM stdin;`.
fn copied_table(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("COPY ")?;
    rest.ends_with(" FROM stdin;").then_some(())?;
    let (name, _) = rest.split_once(" (")?;
    let name = name.rsplit('.').next()?;
    Some(name.trim_matches('"').to_owned())
}

/// Replaces what a database holds by what an archive holds, in one transaction.
pub(super) async fn replace(
    login: &Login,
    archive: &Path,
    tables: &[String],
) -> Result<(), BackupError> {
    let mut reader = plain("pg_restore");
    reader
        .args(["--no-owner", "--no-privileges", "--file=-"])
        .arg(archive)
        .stdout(Stdio::piped());
    let mut reader = reader
        .spawn()
        .map_err(|error| missing("pg_restore", &error))?;
    let mut writer = login.command("psql");
    writer
        .args([
            "--quiet",
            "--no-psqlrc",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
        ])
        .stdin(Stdio::piped());
    let mut writer = writer.spawn().map_err(|error| missing("psql", &error))?;
    let (Some(mut from), Some(mut to)) = (reader.stdout.take(), writer.stdin.take()) else {
        return Err(BackupError::Ending);
    };
    let feeding = async move {
        let mut start = String::from("BEGIN;\n");
        for table in tables {
            start.push_str(&format!(
                "DROP TABLE \"{}\" CASCADE;\n",
                table.replace('"', "\"\"")
            ));
        }
        to.write_all(start.as_bytes()).await?;
        tokio::io::copy(&mut from, &mut to).await?;
        // Without the archive's end there is no commit, and psql rolls back.
        let is_whole = reader.wait().await?.success();
        if is_whole {
            to.write_all(b"\nCOMMIT;\n").await?;
        }
        to.shutdown().await?;
        Ok::<_, std::io::Error>(is_whole)
    };
    let (fed, written) = tokio::join!(feeding, writer.wait_with_output());
    let written = written.map_err(|error| missing("psql", &error))?;
    if !written.status.success() {
        return Err(complaint("psql", &String::from_utf8_lossy(&written.stderr)));
    }
    match fed {
        Ok(true) => Ok(()),
        _ => Err(complaint("pg_restore", "the archive cannot be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_becomes_variables() {
        let login =
            Login::parse("postgres://u%40x:p%2Fw@db.example:5433/name?sslmode=require").unwrap();
        let found: Vec<(&str, &str)> = login.0.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(
            found,
            [
                ("PGHOST", "db.example"),
                ("PGPORT", "5433"),
                ("PGUSER", "u@x"),
                ("PGPASSWORD", "p/w"),
                ("PGDATABASE", "name"),
                ("PGSSLMODE", "require"),
            ]
        );
        let socket = Login::parse("postgres://postgres@%2Frun%2Fpg/name").unwrap();
        assert_eq!(socket.0[0].1.as_str(), "/run/pg");
    }

    #[tokio::test]
    async fn rows_of_an_archive_are_counted() {
        let text = "SET x;\nCOPY public.facts (name, value) FROM stdin;\nmaster_key_check\tab:cd\n\
            other\t1\n\\.\n\nCOPY public.\"groups\" (id) FROM stdin;\n\\.\n";
        let (tables, check) = rows(BufReader::new(text.as_bytes())).await.unwrap();
        let expected = BTreeMap::from([("facts".to_owned(), 2), ("groups".to_owned(), 0)]);
        assert_eq!(tables, expected);
        assert_eq!(check.as_deref(), Some("ab:cd"));
    }
}
