//! What the tests against independent programs share: processes that cannot
//! outlive a test, simulated BMCs, both exporters, and a reader of exposition
//! text.
//!
//! Nothing here skips: a test whose Debian program is missing fails and says
//! how to install it.
#![allow(
    dead_code,
    reason = "each test crate compiles this module and uses its own part of it"
)]

pub(crate) mod exporter;
pub(crate) mod exposition;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod pyghmi;
pub(crate) mod simulator;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a program may take until it answers for the first time.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(10);

/// How often a program is started again because its port was taken meanwhile.
pub(crate) const START_ATTEMPTS: u32 = 4;

/// The directory of the simulator's configurations.
pub(crate) fn ipmi_sim_directory() -> PathBuf {
    // The fleet benchmark, a crate beside this one, compiles this file too.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../exporter/tests/ipmi_sim")
}

/// Reads a file of the simulator's directory.
pub(crate) fn ipmi_sim_file(name: &str) -> String {
    let path = ipmi_sim_directory().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Any free TCP port on loopback, for a program that logs which one it got.
pub(crate) const ANY_PORT: &str = "--web.listen-address=127.0.0.1:0";

/// A UDP address on loopback that was free a moment ago, for programs that
/// cannot choose a port themselves.
///
/// The host part is this process's own (127.128.0.0 and its process id), so
/// that no test running beside this one is given the same address, nor do
/// sockets of theirs that are bound to no port yet.
pub(crate) fn free_udp_address() -> SocketAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    UdpSocket::bind((Ipv4Addr::new(127, 128 | high, middle, low), 0))
        .and_then(|socket| socket.local_addr())
        .expect("loopback has a free UDP port")
}

/// Asks `question` until it answers, for `limit` at most; `None` means never.
pub(crate) fn poll<T>(limit: Duration, mut question: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = question() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Like [`poll`], but a condition that never comes true fails the test.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, question: impl FnMut() -> Option<T>) -> T {
    poll(limit, question).unwrap_or_else(|| panic!("waited {limit:?} in vain for {what}"))
}
