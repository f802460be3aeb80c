//! Child processes that end with the test, however it ends.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{START_LIMIT, poll, wait_for};

/// Where Debian puts programs; `sbin` is not in every user's `PATH`.
const DIRECTORIES: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin"];

/// How long a program may take to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Finds a Debian program.
///
/// # Panics
///
/// When it is missing: the comparison is the point of these tests, so they fail
/// instead of passing without it.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!(
                "`{name}` of the Debian package `{package}` is missing; `make setup` installs it"
            )
        })
}

/// A running program in a process group of its own, with its output in files.
///
/// Dropping it kills the group. Should the test itself be killed, the kernel
/// kills the program: `setpriv` asks for that. The request is bound to the
/// *thread* that starts the program, so start it in the thread that uses it.
pub(crate) struct Process {
    name: String,
    child: Child,
    output: TempDir,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `program` with what `arrange` adds (arguments, environment).
    pub(crate) fn start(program: &Path, arrange: impl FnOnce(&mut Command)) -> Self {
        let output = TempDir::new().expect("temporary directory");
        let file = |name: &str| File::create(output.path().join(name)).expect("output file");
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .process_group(0);
        arrange(&mut command);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self {
            name,
            child,
            output,
            ended: None,
        }
    }

    /// The process id; also the id of its process group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, or `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("own child can be waited for");
        }
        self.ended
    }

    /// Asks it to stop with SIGTERM and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        if self.ended().is_none() {
            self.signal("TERM");
        }
        let what = format!("the end of {}", self.name);
        wait_for(&what, STOP_LIMIT, || self.ended())
    }

    /// Sends a signal (a name such as `HUP`) to the whole group.
    pub(crate) fn signal(&self, signal: &str) {
        // The standard library has no way to signal a group.
        let sent = Command::new("sh")
            .args([
                "-c",
                "kill -s \"$1\" -- \"-$2\" 2>/dev/null",
                "kill",
                signal,
            ])
            .arg(self.id().to_string())
            .status();
        drop(sent); // The group may be gone already; `ended` is what counts.
    }

    /// Waits until it says where it listens, as every program does that serves
    /// with Prometheus' web configuration.
    ///
    /// # Panics
    ///
    /// When it ends instead, or says nothing within [`START_LIMIT`].
    pub(crate) fn listening(&mut self) -> SocketAddr {
        let address = poll(START_LIMIT, || {
            let ended = self.ended().is_some();
            let address = listening_address(&self.log());
            (ended || address.is_some()).then_some(address)
        });
        match address.flatten() {
            Some(address) => address,
            None => panic!("{} does not listen:\n{}", self.name, self.log()),
        }
    }

    /// Everything it wrote to its standard error so far.
    pub(crate) fn log(&self) -> String {
        self.read("stderr")
    }

    /// Everything it wrote to its standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.read("stdout")
    }

    fn read(&self, stream: &str) -> String {
        let bytes = std::fs::read(self.output.path().join(stream)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let before = self.ended();
        self.signal("KILL");
        drop(self.child.wait());
        if std::thread::panicking() {
            let end = before.map_or_else(
                || "was running".to_owned(),
                |status| match status.signal() {
                    Some(signal) => format!("had been ended by signal {signal}"),
                    None => format!("had ended with {status}"),
                },
            );
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(20)..].join("\n    ");
            eprintln!("{} {end}; the end of its log:\n    {tail}", self.name);
        }
    }
}

/// The address in the line that says where a program listens, in either format
/// of the log; `None` while that line is not whole.
fn listening_address(log: &str) -> Option<SocketAddr> {
    let (_, after) = log.split_once("\"Listening on\"")?;
    let (line, _) = after.split_once('\n')?;
    let address = &line[line.find("127.0.0.1:")?..];
    let end = address.find(|c: char| !matches!(c, '0'..='9' | '.' | ':'));
    address[..end.unwrap_or(address.len())].parse().ok()
}

/// Runs a program to its end and returns its standard output.
///
/// # Panics
///
/// When it fails, with its standard error.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new("timeout")
        .arg("30")
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{} {arguments:?} ended with {}:\n{stdout}{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    stdout
}
