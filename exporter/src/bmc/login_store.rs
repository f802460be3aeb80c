//! What log-ins have taught, kept over restarts: a restart shall not try again
//! what a BMC refuses, and a downgrade across a restart is one all the same.
//!
//! Nothing in it is secret: no user name, no password, no key.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::crypto::{AuthType, CipherSuiteId};
use rmcp_ipmi::session::{LoginMemory, Negotiated, Settings};
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use crate::cache_file::CacheFile;

const FILE: CacheFile = CacheFile {
    magic: "ipmi_exporter log-ins 1",
    extension: "login",
    max_bytes: 64 << 10,
};

/// After this long a BMC may again show what it can: an account may have been
/// given a higher level since.
const MEMORY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// More accounts than these are not kept.
const MAX_ACCOUNTS: usize = 16;
/// Byte and bit of Get Device ID's answer that say "starting": no other firmware.
const UNAVAILABLE: (usize, u8) = (2, 0x80);

/// The directory of the files, or nothing.
#[derive(Debug, Default)]
pub struct LoginStore {
    directory: Option<PathBuf>,
    complained: AtomicBool,
}

/// What is known of one BMC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Logins {
    /// Answer of Get Device ID, once it was seen.
    firmware: Option<Vec<u8>>,
    /// Every suite that a log-in succeeded with.
    pub(super) accepted: Vec<CipherSuiteId>,
    accounts: Vec<Remembered>,
}

/// What worked for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Remembered {
    account: u32,
    memory: LoginMemory,
    /// When the log-in was that found it out, in Unix seconds.
    learned_at: u64,
}

impl Logins {
    /// What worked for this user of this BMC, unless that was long ago.
    pub(super) fn memory(&self, settings: &Settings, now: SystemTime) -> Option<LoginMemory> {
        let account = fingerprint(settings);
        let now = unix(now);
        self.accounts
            .iter()
            .find(|remembered| remembered.account == account)
            .filter(|remembered| {
                now.checked_sub(remembered.learned_at)
                    .is_some_and(|age| age < MEMORY_LIFE.as_secs())
            })
            .map(|remembered| remembered.memory)
    }

    /// Takes note of what a log-in began with and what it leaves; none when what
    /// was known proved wrong.
    pub(super) fn learn(
        &mut self,
        settings: &Settings,
        before: Option<LoginMemory>,
        after: Option<LoginMemory>,
        now: SystemTime,
    ) {
        let account = fingerprint(settings);
        let known = self
            .accounts
            .iter()
            .position(|remembered| remembered.account == account)
            .map(|index| self.accounts.remove(index));
        let Some(memory) = after else {
            return;
        };
        let learned_at = match known {
            Some(known) if before.is_some() => known.learned_at,
            _ => unix(now),
        };
        if self.accounts.len() >= MAX_ACCOUNTS {
            self.accounts.remove(0);
        }
        self.accounts.push(Remembered {
            account,
            memory,
            learned_at,
        });
    }

    /// Takes the BMC's identity, the answer of Get Device ID; says whether it has
    /// another firmware than before, and so forgets what worked. What it accepted
    /// before stays known: firmware that has lost a suite is a downgrade too.
    pub(super) fn identified(&mut self, device_id: &[u8]) -> bool {
        let mut firmware = device_id.to_vec();
        let (place, bit) = UNAVAILABLE;
        if let Some(byte) = firmware.get_mut(place) {
            *byte &= !bit;
        }
        let known = self.firmware.replace(firmware);
        let is_other = known.is_some() && known != self.firmware;
        if is_other {
            self.accounts.clear();
        }
        is_other
    }
}

/// Tells accounts apart without naming them.
fn fingerprint(settings: &Settings) -> u32 {
    let level = settings.privilege().map_or(0, PrivilegeLevel::value);
    let mut bytes = settings.username().as_bytes().to_vec();
    bytes.extend([0, level, settings.generation() as u8]);
    crc32fast::hash(&bytes)
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

impl LoginStore {
    /// Keeps files in `directory`, which exists; without one nothing is kept.
    pub fn new(directory: Option<&Path>) -> Self {
        Self {
            directory: directory.map(Path::to_owned),
            complained: AtomicBool::new(false),
        }
    }

    /// Whether this, behind the first line of a file, counts as something.
    #[must_use]
    pub fn is_readable(content: &[u8]) -> bool {
        decode(content).is_some()
    }

    /// What is kept of the BMC at `address`. Blocks on a file.
    pub(super) fn load(&self, address: SocketAddr) -> Logins {
        let Some(directory) = &self.directory else {
            return Logins::default();
        };
        let path = FILE.path(directory, address);
        let logins = FILE.read(&path).and_then(|content| decode(&content));
        if logins.is_none() && path.exists() {
            debug!(path = %path.display(), "Ignoring a damaged or outdated log-in file");
        }
        logins.unwrap_or_default()
    }

    /// Keeps what is known of the BMC at `address`. Blocks on a file; a failure is
    /// logged, once.
    pub(super) fn save(&self, address: SocketAddr, logins: &Logins) {
        let Some(directory) = &self.directory else {
            return;
        };
        let path = FILE.path(directory, address);
        let written = serde_json::to_vec(&Stored::pack(logins))
            .map_err(std::io::Error::from)
            .and_then(|content| FILE.write(&path, &content));
        if let Err(error) = written
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            warn!(path = %path.display(), %error, "Failed to write what log-ins have taught");
        }
    }
}

fn decode(content: &[u8]) -> Option<Logins> {
    serde_json::from_slice::<Stored>(content).ok()?.unpack()
}

/// The file's content behind the first line.
#[derive(Serialize, Deserialize)]
struct Stored {
    firmware: Option<Vec<u8>>,
    accepted: Vec<u8>,
    accounts: Vec<StoredAccount>,
}

#[derive(Serialize, Deserialize)]
struct StoredAccount {
    account: u32,
    learned_at: u64,
    cipher_suite: Option<u8>,
    auth_type: Option<u8>,
    level: u8,
    name_only: bool,
    open_highest: bool,
    plain_capabilities: bool,
}

impl Stored {
    fn pack(logins: &Logins) -> Self {
        Self {
            firmware: logins.firmware.clone(),
            accepted: logins.accepted.iter().map(|suite| suite.0).collect(),
            accounts: logins
                .accounts
                .iter()
                .map(|remembered| {
                    let memory = &remembered.memory;
                    let (cipher_suite, auth_type) = match memory.protection {
                        Negotiated::Suite(suite) => (Some(suite.0), None),
                        Negotiated::V15(auth_type) => (None, Some(auth_type.number())),
                    };
                    StoredAccount {
                        account: remembered.account,
                        learned_at: remembered.learned_at,
                        cipher_suite,
                        auth_type,
                        level: memory.level.value(),
                        name_only: memory.name_only,
                        open_highest: memory.open_highest,
                        plain_capabilities: memory.plain_capabilities,
                    }
                })
                .collect(),
        }
    }

    fn unpack(self) -> Option<Logins> {
        let accounts = self
            .accounts
            .into_iter()
            .take(MAX_ACCOUNTS)
            .map(StoredAccount::unpack)
            .collect::<Option<_>>()?;
        Some(Logins {
            firmware: self.firmware,
            accepted: self.accepted.into_iter().map(CipherSuiteId).collect(),
            accounts,
        })
    }
}

impl StoredAccount {
    fn unpack(self) -> Option<Remembered> {
        let protection = match (self.cipher_suite, self.auth_type) {
            (Some(suite), None) => Negotiated::Suite(CipherSuiteId(suite)),
            (None, Some(number)) => Negotiated::V15(AuthType::from_number(number)?),
            _ => return None,
        };
        Some(Remembered {
            account: self.account,
            learned_at: self.learned_at,
            memory: LoginMemory {
                protection,
                level: PrivilegeLevel::DESCENDING
                    .into_iter()
                    .find(|level| level.value() == self.level)?,
                name_only: self.name_only,
                open_highest: self.open_highest,
                plain_capabilities: self.plain_capabilities,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rmcp_ipmi::crypto::{Password, Username};
    use rmcp_ipmi::session::Generation;

    use super::*;

    const ADDRESS: &str = "10.0.0.1:623";

    fn settings(user: &str) -> Settings {
        Settings::new(
            Username::new(user.as_bytes()).unwrap(),
            Password::new(b"canary-password").unwrap(),
        )
    }

    fn memory(suite: u8) -> LoginMemory {
        LoginMemory {
            protection: Negotiated::Suite(CipherSuiteId(suite)),
            level: PrivilegeLevel::Operator,
            name_only: false,
            open_highest: true,
            plain_capabilities: false,
        }
    }

    fn known() -> Logins {
        let mut logins = Logins {
            accepted: vec![CipherSuiteId(17), CipherSuiteId(3)],
            ..Logins::default()
        };
        let v15 = LoginMemory {
            protection: Negotiated::V15(AuthType::Md2),
            plain_capabilities: true,
            ..memory(0)
        };
        let old = settings("canary-user").with_generation(Generation::V15);
        logins.learn(&settings("canary-user"), None, Some(memory(3)), at(5));
        logins.learn(&old, None, Some(v15), at(6));
        logins.identified(&[0x20, 0x81, 0x82, 0x37]);
        logins
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_saved_is_loaded_and_names_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let store = LoginStore::new(Some(directory.path()));
        let address = ADDRESS.parse().unwrap();
        assert_eq!(store.load(address), Logins::default());
        store.save(address, &known());
        assert_eq!(store.load(address), known());
        let path = FILE.path(directory.path(), address);
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("canary"), "{text}");
        let other = "10.0.0.2:623".parse().unwrap();
        assert_eq!(store.load(other), Logins::default());
        LoginStore::new(None).save(address, &known());
        assert_eq!(LoginStore::new(None).load(address), Logins::default());
    }

    #[test]
    fn a_file_that_is_damaged_anywhere_counts_as_none() {
        let directory = tempfile::tempdir().unwrap();
        let store = LoginStore::new(Some(directory.path()));
        let address = ADDRESS.parse().unwrap();
        store.save(address, &known());
        let path = FILE.path(directory.path(), address);
        let good = fs::read(&path).unwrap();
        for index in 0..good.len() {
            let mut damaged = good.clone();
            damaged[index] ^= 0x01;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(store.load(address), Logins::default(), "byte {index}");
            fs::write(&path, &good[..index]).unwrap();
            assert_eq!(store.load(address), Logins::default(), "cut at {index}");
        }
        // A right checksum over nonsense.
        for nonsense in [
            &b"{}"[..],
            b"[]",
            b"{\"firmware\":null,\"accepted\":[300],\"accounts\":[]}",
        ] {
            FILE.write(&path, nonsense).unwrap();
            assert_eq!(store.load(address), Logins::default());
        }
    }

    #[test]
    fn each_account_has_its_own_memory() {
        let logins = known();
        let user = settings("canary-user");
        assert_eq!(logins.memory(&user, at(10)), Some(memory(3)));
        assert_eq!(logins.memory(&settings("other"), at(10)), None);
        let operator = user.clone().with_privilege(Some(PrivilegeLevel::Operator));
        assert_eq!(logins.memory(&operator, at(10)), None);
    }

    #[test]
    fn memory_ends_with_a_failure_another_firmware_or_a_day() {
        let user = settings("canary-user");
        let day = MEMORY_LIFE.as_secs();
        let mut logins = known();
        assert!(logins.memory(&user, at(day + 4)).is_some());
        assert_eq!(logins.memory(&user, at(day + 5)), None);
        assert_eq!(
            logins.memory(&user, at(4)),
            None,
            "a clock that was set back"
        );

        // What begins with memory does not renew it.
        logins.learn(&user, Some(memory(3)), Some(memory(3)), at(day));
        assert_eq!(logins.memory(&user, at(day + 5)), None);
        logins.learn(&user, None, Some(memory(17)), at(day + 5));
        assert_eq!(logins.memory(&user, at(day + 6)), Some(memory(17)));

        logins.learn(&user, Some(memory(17)), None, at(day + 6));
        assert_eq!(logins.memory(&user, at(day + 6)), None);

        let mut logins = known();
        assert!(
            !logins.identified(&[0x20, 0x81, 0x02, 0x37]),
            "only available now"
        );
        assert!(logins.memory(&user, at(10)).is_some());
        assert!(logins.identified(&[0x20, 0x81, 0x02, 0x38]));
        assert_eq!(logins.memory(&user, at(10)), None);
        assert_eq!(logins.accepted.len(), 2);
    }

    #[test]
    fn a_flood_of_accounts_is_bounded() {
        let mut logins = Logins::default();
        for number in 0..100 {
            let user = settings(&format!("user{number}"));
            logins.learn(&user, None, Some(memory(3)), at(1));
        }
        assert_eq!(logins.accounts.len(), MAX_ACCOUNTS);
    }
}
