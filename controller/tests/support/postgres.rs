//! A real PostgreSQL server of a test's own, on a socket in a directory of its
//! own, gone when it is dropped.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running server.
pub(crate) struct Postgres {
    directory: TempDir,
    server: Child,
    databases: std::sync::atomic::AtomicU32,
}

impl Postgres {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let binaries = binaries();
        let directory = tempfile::Builder::new()
            .prefix("postgres-")
            .tempdir()
            .expect("a temporary directory");
        // The server runs as another user.
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o777))
            .expect("the directory is ours");
        let data = directory.path().join("data");
        let initdb = as_postgres(&binaries.join("initdb"))
            .args([
                "--auth=trust",
                "--username=postgres",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .arg("--pgdata")
            .arg(&data)
            .current_dir(directory.path())
            .output()
            .expect("initdb starts");
        assert!(initdb.status.success(), "initdb: {initdb:?}");
        let server = as_postgres(&binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(directory.path())
            // No TCP; durability is not what these tests are about.
            .args(["-h", "", "-F", "-c", "max_connections=100"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        let server = Self {
            directory,
            server,
            databases: 0.into(),
        };
        let end = Instant::now() + Duration::from_secs(60);
        while server.psql("postgres", "SELECT 1").is_err() {
            assert!(Instant::now() < end, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Makes an empty database and gives its connection string.
    pub(crate) fn database(&self) -> String {
        let number = self
            .databases
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("test_{number}");
        self.psql("postgres", &format!("CREATE DATABASE {name}"))
            .expect("a database");
        let socket: String = self.directory.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{name}")
    }

    /// Runs SQL as the server's owner; in the name of [`Self::database`]'s path.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(binaries().join("psql"))
            .arg("-h")
            .arg(self.directory.path())
            .args([
                "-U",
                "postgres",
                "-At",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                sql,
                database,
            ])
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is a fast shutdown; the children end with it.
        let _ = Command::new("kill")
            .args(["-INT", &self.server.id().to_string()])
            .status();
        let _ = self.server.wait();
    }
}

/// Where Debian keeps the programs, the newest version.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .expect("PostgreSQL is not installed; `make setup` installs it")
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--pdeathsig=TERM",
            "--",
        ])
        .arg(program);
    command
}
