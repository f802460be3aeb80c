//! OpenIPMI's `ipmi_sim` with one of our machines on a loopback port.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Process, program};
use super::{START_ATTEMPTS, START_LIMIT, free_udp_address, ipmi_sim_directory, poll};

/// RMCP header and an IPMI 1.5 Get Channel Authentication Capabilities: what
/// every BMC answers outside a session (IPMI 2.0 section 22.13).
const AUTHENTICATION_CAPABILITIES: [u8; 23] = [
    0x06, 0x00, 0xFF, 0x07, // RMCP: version, reserved, no acknowledge, class IPMI
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // no session
    0x09, // length
    0x20, 0x18, 0xC8, // to the BMC, application request, checksum
    0x81, 0x00, 0x38, 0x8E, 0x04, // from us, the command, this channel and 2.0, administrator
    0xB5, // checksum
];

/// What to simulate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    /// A file of `ipmi_sim/machines`, without its ending.
    pub(crate) records: &'static str,
    /// A file of `ipmi_sim/sel`, without its ending.
    pub(crate) events: &'static str,
    /// Options of the plug-in; `None` leaves the simulator as Debian built it.
    pub(crate) extras: Option<&'static str>,
}

/// A running simulated BMC.
pub(crate) struct Simulator {
    address: SocketAddr,
    process: Process,
    _state: TempDir,
}

impl Simulator {
    /// Starts the machine and waits until it answers.
    pub(crate) fn start(machine: &Machine) -> Self {
        Self::start_with_key(machine, None)
    }

    /// The same with a key of the BMC's own, up to 20 characters.
    pub(crate) fn start_with_key(machine: &Machine, k_g: Option<&str>) -> Self {
        let ipmi_sim = program("ipmi_sim", "openipmi");
        for _ in 0..START_ATTEMPTS {
            let address = free_udp_address();
            let state = state_directory(machine, address, k_g);
            let mut process = Process::start(&ipmi_sim, |command| {
                command
                    .arg("-n")
                    .arg("-c")
                    .arg(state.path().join("lan.conf"))
                    .arg("-f")
                    .arg(ipmi_sim_directory().join(format!("machines/{}.emu", machine.records)))
                    .arg("-s")
                    .arg(state.path())
                    .current_dir(state.path());
            });
            let answers = poll(START_LIMIT, || {
                if process.ended().is_some() {
                    return Some(false);
                }
                answers(address).then_some(true)
            });
            match answers {
                // Somebody else may have got the port and answer in its place.
                Some(true) if process.ended().is_none() => {
                    return Self {
                        address,
                        process,
                        _state: state,
                    };
                }
                Some(_) => {}
                None => panic!("ipmi_sim at {address} does not answer: {}", process.log()),
            }
            assert!(
                process.log().contains("in use") || process.stdout().contains("in use"),
                "ipmi_sim ended at once: {}{}",
                process.stdout(),
                process.log()
            );
        }
        panic!("ipmi_sim found no free port in {START_ATTEMPTS} attempts");
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as the exporters' `target` parameter.
    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }

    /// Stops the machine as a power cut would.
    pub(crate) fn cut_power(&self) {
        self.process.signal("KILL");
    }
}

/// Whether an IPMI BMC answers at `address`; waits a moment for it.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let asked = || -> std::io::Result<usize> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(address)?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        socket.send(&AUTHENTICATION_CAPABILITIES)?;
        socket.recv(&mut [0; 256])
    };
    asked().is_ok_and(|length| length > AUTHENTICATION_CAPABILITIES.len())
}

/// The simulator's configuration and a fresh copy of its event log.
fn state_directory(machine: &Machine, address: SocketAddr, k_g: Option<&str>) -> TempDir {
    let state = TempDir::new().expect("temporary directory");
    let log = state.path().join("ipmi_sim/simbmc");
    std::fs::create_dir_all(&log).expect("state directory");
    let source = ipmi_sim_directory();
    copy(
        &source.join(format!("sel/{}.sel", machine.events)),
        &log.join("sel.20"),
    );
    copy(&source.join("chassis.sh"), &state.path().join("chassis.sh"));
    let mut configuration = format!(
        r#"name "simbmc"
set_working_mc 0x20
startlan 1
  addr {ip} {port}
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid a123456789abcdefa123456789abcdef
{key}endlan
chassis_control "sh chassis.sh"
user 1 true "" "" user 10 none md2 md5 straight
user 2 true "admin" "secret" admin 100 none md2 md5 straight
user 3 true "oper" "oper#pass" operator 100 none md2 md5 straight
user 4 true "viewer" "viewpass" user 100 none md2 md5 straight
"#,
        ip = address.ip(),
        port = address.port(),
        key = k_g.map_or_else(String::new, |key| format!("  bmc_key \"{key}\"\n")),
    );
    if let Some(options) = machine.extras {
        let library = plugin(state.path());
        configuration.push_str(&format!(
            "loadlib \"{}\" \"{options}\"\n",
            library.display()
        ));
    }
    std::fs::write(state.path().join("lan.conf"), configuration).expect("simulator configuration");
    state
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// The compiled plug-in: kept where cargo lets tests keep things and built anew
/// when its source is newer, else built into `state`.
fn plugin(state: &Path) -> PathBuf {
    let source = ipmi_sim_directory().join("extras.c");
    let directory = option_env!("CARGO_TARGET_TMPDIR").map_or(state, Path::new);
    let built = directory.join("ipmi_sim-extras.so");
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if modified(&built) > modified(&source) {
        return built;
    }
    let header = Path::new("/usr/include/OpenIPMI/mcserv.h");
    assert!(
        header.is_file(),
        "`{}` of the Debian package `libopenipmi-dev` is missing; `make setup` installs it",
        header.display()
    );
    // Several tests may build at once: each under its own name, then one wins.
    let own = TempDir::new_in(directory).expect("temporary directory");
    let fresh = own.path().join("extras.so");
    let compiled = Command::new(program("gcc", "gcc"))
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&fresh)
        .arg(&source)
        .output()
        .expect("gcc can be started");
    assert!(
        compiled.status.success(),
        "gcc: {}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    std::fs::rename(&fresh, &built).expect("the plug-in can be moved into place");
    built
}
