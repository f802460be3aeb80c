//! A controller as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::wait_until;

/// The program that is tested.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_ipmi_controller");

/// A controller with the store of a directory, killed with SIGKILL when it is
/// dropped.
pub(super) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts a command that becomes a controller, with more configuration.
    pub(super) fn start(
        command: &[&str],
        directory: &Path,
        address: SocketAddr,
        more: (&str, &Path),
    ) -> Self {
        let database = format!("sqlite://{}", directory.join("c.db").display());
        // Should the test be killed, the kernel kills the program.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .args(command)
            .env("IPMI_CONTROLLER_LISTEN", address.to_string())
            .env("IPMI_CONTROLLER_DATABASE", database)
            .env(
                "IPMI_CONTROLLER_MASTER_KEY_FILE",
                directory.join("master.key"),
            )
            .env(more.0, more.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the controller starts");
        Self { child, address }
    }

    /// Waits until it answers.
    pub(super) async fn ready(&self) {
        let url = format!("http://{}/-/ready", self.address);
        wait_until("the controller", async || {
            let answer = reqwest::get(&url).await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}
