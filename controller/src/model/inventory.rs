//! What is published is made from this: the monitored servers and the exporters
//! as they were at one revision.

use super::{Exporter, Id, Labels};

/// The part of the desired state that becomes targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The revision that it is from.
    pub revision: i64,
    /// Servers whose BMC is to be asked, by number.
    pub servers: Vec<MonitoredServer>,
    /// All exporters, by number.
    pub exporters: Vec<Exporter>,
}

/// A server as its target needs it, with names instead of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoredServer {
    /// Number of the server.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Host name or IP address of its BMC.
    pub address: String,
    /// UDP port of its BMC.
    pub port: u16,
    /// Name of its credential profile, which is the exporter's module.
    pub module: Option<String>,
    /// Name of its group.
    pub group: Option<String>,
    /// Exporter that was chosen by hand.
    pub exporter_id: Option<Id>,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Site.
    pub site: String,
    /// Rack.
    pub rack: String,
    /// The operator's own labels.
    pub labels: Labels,
}
