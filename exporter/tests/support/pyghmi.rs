//! A BMC made of PyPI's pyghmi on a loopback port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::process::Process;
use super::simulator::answers;
use super::{START_ATTEMPTS, START_LIMIT, free_udp_address, poll};

/// A running BMC of pyghmi.
pub(crate) struct Pyghmi {
    address: SocketAddr,
    _process: Process,
}

impl Pyghmi {
    /// Starts it with one user and perhaps a key of its own, and waits until it
    /// answers.
    pub(crate) fn start(user: &str, password: &str, k_g: Option<&str>) -> Self {
        let python = python();
        let script = directory().join("bmc.py");
        for _ in 0..START_ATTEMPTS {
            let address = free_udp_address();
            let mut process = Process::start(&python, |command| {
                command
                    .arg(&script)
                    .args([&address.ip().to_string(), &address.port().to_string()])
                    .args([user, password])
                    .args(k_g);
            });
            let is_up = poll(START_LIMIT, || match process.ended() {
                Some(_) => Some(false),
                None => answers(address).then_some(true),
            });
            match is_up {
                Some(true) if process.ended().is_none() => {
                    return Self {
                        address,
                        _process: process,
                    };
                }
                Some(_) if process.log().contains("in use") => {}
                _ => panic!("pyghmi at {address} does not answer: {}", process.log()),
            }
        }
        panic!("pyghmi found no free port in {START_ATTEMPTS} attempts");
    }

    /// The address as the exporter's `target` parameter.
    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pyghmi")
}

/// The Python that has pyghmi.
///
/// # Panics
///
/// When it is missing or out of date: the comparison is the point of the test,
/// so it fails instead of passing without it.
fn python() -> PathBuf {
    let Some(tests) = option_env!("CARGO_TARGET_TMPDIR") else {
        panic!("only integration tests call this");
    };
    let home = Path::new(tests).with_file_name("python");
    let wanted = std::fs::read(directory().join("requirements.txt")).expect("requirements");
    let installed = std::fs::read(home.join("requirements.txt")).unwrap_or_default();
    assert!(
        wanted == installed,
        "pyghmi is not in {}; `make setup` installs it",
        home.display()
    );
    home.join("bin/python")
}
