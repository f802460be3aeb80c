//! Sensor data records on disk, so that a restart does not read them all again.
//!
//! One file a BMC, checksummed; a file that is missing, damaged or of another
//! version counts as none. Deleting files is always safe.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp_ipmi::command::{Command, GetDeviceId};
use rmcp_ipmi::sdr::repository::{DeviceSdrInfo, ReadSize, RepositoryInfo};
use rmcp_ipmi::sdr::{RawRecord, RecordId};
use rmcp_ipmi::wire::{Hop, Route};
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use super::shared::Shared;
use super::{LoadedRepository, SatelliteRecords};
use crate::cache_file::CacheFile;

/// A repository has at most 1 MiB.
const FILE: CacheFile = CacheFile {
    magic: "ipmi_exporter sdr cache 2",
    extension: "sdr",
    max_bytes: 4 << 20,
};

/// The directory of cache files, or nothing.
#[derive(Debug, Default)]
pub struct Store {
    directory: Option<PathBuf>,
    complained: AtomicBool,
    shared: Shared,
}

/// The file's content behind the first line.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Answer of Get Device ID.
    device_id: Vec<u8>,
    /// Answer of Get SDR Repository Info.
    info: Option<Vec<u8>>,
    /// Working size of partial reads; none where whole records work.
    piece_bytes: Option<u8>,
    /// Answer of Get Device SDR Info.
    device_info: Option<Vec<u8>>,
    records: Vec<StoredRecord>,
    satellites: Vec<StoredSatellite>,
}

/// The id by which a record is asked for, and its bytes.
type StoredRecord = (u16, Vec<u8>);

/// Device SDRs of a controller behind the BMC.
#[derive(Serialize, Deserialize)]
struct StoredSatellite {
    /// Channel and address of each controller on the way.
    hops: Vec<(u8, u8)>,
    /// Answer of Get Device SDR Info.
    info: Option<Vec<u8>>,
    records: Vec<StoredRecord>,
}

impl Store {
    /// Keeps files in `directory`, which is made if need be.
    ///
    /// # Errors
    /// When the directory cannot be made or written to.
    pub fn open(directory: Option<&Path>) -> io::Result<Self> {
        if let Some(directory) = directory {
            fs::create_dir_all(directory)?;
            let probe = directory.join(".write-test");
            fs::write(&probe, b"")?;
            fs::remove_file(&probe)?;
        }
        Ok(Self {
            directory: directory.map(Path::to_owned),
            complained: AtomicBool::new(false),
            shared: Shared::default(),
        })
    }

    /// Where the files are.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    fn path(&self, address: SocketAddr) -> Option<PathBuf> {
        Some(FILE.path(self.directory.as_ref()?, address))
    }

    /// The records kept for `address`.
    pub fn load(&self, address: SocketAddr) -> Option<LoadedRepository> {
        let path = self.path(address)?;
        let repository = read(&path);
        if repository.is_none() && path.exists() {
            debug!(path = %path.display(), "Ignoring a damaged or outdated SDR cache file");
        }
        repository.map(|repository| self.share(repository))
    }

    /// What all BMCs have together.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Puts the one copy of the records that all BMCs use in the place of this one.
    pub(super) fn share(&self, repository: LoadedRepository) -> LoadedRepository {
        LoadedRepository {
            records: self.shared.records(repository.records.to_vec()),
            ..repository
        }
    }

    /// Keeps the records of `address`. A failure is logged, once.
    pub fn save(&self, address: SocketAddr, repository: &LoadedRepository) {
        let Some(path) = self.path(address) else {
            return;
        };
        if let Err(error) = write(&path, repository)
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            warn!(path = %path.display(), %error, "Failed to write the SDR cache");
        }
    }
}

fn read(path: &Path) -> Option<LoadedRepository> {
    decode(&FILE.read(path)?)
}

/// What a file holds behind its first line; `None` when that makes no sense.
pub fn decode(content: &[u8]) -> Option<LoadedRepository> {
    let stored: Stored = serde_json::from_slice(content).ok()?;
    Some(LoadedRepository {
        identity: GetDeviceId.decode(&stored.device_id).ok()?,
        info: match &stored.info {
            Some(info) => Some(RepositoryInfo::decode(info).ok()?),
            None => None,
        },
        device_info: device_info(stored.device_info)?,
        records: unpacked(stored.records).into(),
        read_size: stored.piece_bytes.map_or(ReadSize::Whole, ReadSize::Pieces),
        satellites: stored
            .satellites
            .into_iter()
            .map(|satellite| {
                Some(SatelliteRecords {
                    route: route(&satellite.hops)?,
                    info: device_info(satellite.info)?,
                    records: unpacked(satellite.records),
                })
            })
            .collect::<Option<_>>()?,
    })
}

/// `None` when there is something, but it makes no sense.
#[expect(clippy::option_option, reason = "damaged, absent, there")]
fn device_info(stored: Option<Vec<u8>>) -> Option<Option<DeviceSdrInfo>> {
    match stored {
        Some(info) => Some(Some(DeviceSdrInfo::decode(&info).ok()?)),
        None => Some(None),
    }
}

fn unpacked(stored: Vec<StoredRecord>) -> Vec<RawRecord> {
    stored
        .into_iter()
        .map(|(id, bytes)| RawRecord {
            requested: RecordId(id),
            bytes: bytes.into(),
        })
        .collect()
}

fn packed(records: &[RawRecord]) -> Vec<StoredRecord> {
    records
        .iter()
        .map(|record| (record.requested.0, record.bytes.to_vec()))
        .collect()
}

fn route(hops: &[(u8, u8)]) -> Option<Route> {
    let hop = |(channel, address): (u8, u8)| Hop { channel, address };
    match *hops {
        [target] => Some(Route::Satellite(hop(target))),
        [transit, target] => Some(Route::Behind {
            transit: hop(transit),
            target: hop(target),
        }),
        _ => None,
    }
}

fn hops(route: Route) -> Vec<(u8, u8)> {
    let hops = match route {
        Route::Bmc => vec![],
        Route::Satellite(target) => vec![target],
        Route::Behind { transit, target } => vec![transit, target],
    };
    hops.into_iter()
        .map(|hop| (hop.channel, hop.address))
        .collect()
}

fn write(path: &Path, repository: &LoadedRepository) -> io::Result<()> {
    let stored = Stored {
        device_id: repository.identity.encode(),
        info: repository.info.map(|info| info.encode().to_vec()),
        piece_bytes: match repository.read_size {
            ReadSize::Whole => None,
            ReadSize::Pieces(bytes) => Some(bytes),
        },
        device_info: repository.device_info.map(|info| info.encode()),
        records: packed(&repository.records),
        satellites: repository
            .satellites
            .iter()
            .map(|satellite| StoredSatellite {
                hops: hops(satellite.route),
                info: satellite.info.map(|info| info.encode()),
                records: packed(&satellite.records),
            })
            .collect(),
    };
    FILE.write(path, &serde_json::to_vec(&stored)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> LoadedRepository {
        let identity = GetDeviceId
            .decode(&[0x20, 0x81, 2, 0x37, 2, 0xdf, 0xa2, 2, 0, 0, 1, 1, 2, 3, 4])
            .unwrap();
        LoadedRepository {
            identity,
            info: RepositoryInfo::decode(&[0x51, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 2]).ok(),
            records: [
                RawRecord {
                    requested: RecordId(1),
                    bytes: vec![1, 0, 0x51, 0xc0, 1, 7].into(),
                },
                RawRecord {
                    requested: RecordId(9),
                    bytes: vec![9, 0, 0x51, 0xc0, 0].into(),
                },
            ]
            .into(),
            read_size: ReadSize::Pieces(24),
            device_info: DeviceSdrInfo::decode(&[2, 0x83, 1, 2, 3, 4]).ok(),
            satellites: vec![SatelliteRecords {
                route: Route::to(6, 0x2c),
                info: DeviceSdrInfo::decode(&[1, 1]).ok(),
                records: vec![RawRecord {
                    requested: RecordId(1),
                    bytes: vec![1, 0, 0x51, 0xc0, 0].into(),
                }],
            }],
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(Some(&directory.path().join("made/here"))).unwrap();
        (directory, store)
    }

    #[test]
    fn what_was_saved_is_loaded_for_the_same_address_only() {
        let (_directory, store) = store();
        let address: SocketAddr = "[2001:db8::1]:623".parse().unwrap();
        assert_eq!(store.load(address), None);
        store.save(address, &repository());
        assert_eq!(store.load(address), Some(repository()));
        assert_eq!(store.load("10.0.0.1:623".parse().unwrap()), None);
    }

    #[test]
    fn a_file_that_is_damaged_anywhere_counts_as_none() {
        let (_directory, store) = store();
        let address: SocketAddr = "10.0.0.1:623".parse().unwrap();
        store.save(address, &repository());
        let path = store.path(address).unwrap();
        let good = fs::read(&path).unwrap();
        for index in 0..good.len() {
            let mut damaged = good.clone();
            damaged[index] ^= 0x01;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(store.load(address), None, "byte {index}");
            fs::write(&path, &good[..index]).unwrap();
            assert_eq!(store.load(address), None, "cut at {index}");
        }
        fs::write(&path, &good).unwrap();
        assert_eq!(store.load(address), Some(repository()));
    }

    #[test]
    fn without_a_directory_nothing_is_kept() {
        let store = Store::open(None).unwrap();
        let address: SocketAddr = "10.0.0.1:623".parse().unwrap();
        store.save(address, &repository());
        assert_eq!(store.load(address), None);
    }
}
