//! Why a collector has nothing to tell.

use rmcp_ipmi::sdr::repository::WalkError;

/// Why a collector is not up.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The BMC could not be asked, or refused.
    #[error(transparent)]
    Ipmi(#[from] rmcp_ipmi::Error),
    /// The sensor records could not be read.
    #[error("the sensor data records could not be read: {0}")]
    Repository(#[from] WalkError),
    /// The sensor records are still being read.
    #[error(
        "the sensor data records are still being read ({records} so far); the next scrape goes on"
    )]
    RepositoryLoading {
        /// How many are there.
        records: usize,
    },
    /// There are no sensor records.
    #[error("the BMC has no sensor data records")]
    NoRecords,
    /// No sensor could be read.
    #[error("the BMC refuses to read any of {0} sensors (last: {1})")]
    NoSensor(usize, rmcp_ipmi::wire::CompletionCode),
    /// The event log could not be read.
    #[error("the system event log could not be read: {0}")]
    EventLog(#[from] rmcp_ipmi::sel::walk::WalkError),
    /// The event log is still being read.
    #[error(
        "the system event log is still being read ({entries} entries this time); the next scrape goes on"
    )]
    EventLogUnfinished {
        /// How many entries were read in this collection.
        entries: usize,
    },
    /// The BMC has said before that it does not have the command.
    #[error("the BMC does not have this: it answered {0}")]
    NotSupported(rmcp_ipmi::wire::CompletionCode),
    /// The inventory is still being read.
    #[error(
        "the inventory is still being read ({devices} devices so far); the next scrape goes on"
    )]
    InventoryLoading {
        /// How many are done.
        devices: usize,
    },
    /// No inventory device could be read.
    #[error("none of {devices} inventory devices could be read (last: {last})")]
    NoInventory {
        /// How many there are.
        devices: usize,
        /// Why the last one could not.
        last: rmcp_ipmi::fru::walk::WalkError,
    },
    /// The answer lacks something that the metrics need.
    #[error("the answer is too short: {0} is missing")]
    Incomplete(&'static str),
}

impl CollectError {
    /// A word that tells kinds apart; the set is closed.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Ipmi(error) => error.label(),
            Self::Repository(_) => "repository",
            Self::RepositoryLoading { .. } => "repository_loading",
            Self::NoRecords => "no_records",
            Self::NoSensor(..) => "no_sensor",
            Self::EventLog(_) => "event_log",
            Self::EventLogUnfinished { .. } => "event_log_unfinished",
            Self::NotSupported(_) => "not_supported",
            Self::InventoryLoading { .. } => "inventory_loading",
            Self::NoInventory { .. } => "no_inventory",
            Self::Incomplete(_) => "incomplete",
        }
    }
}
