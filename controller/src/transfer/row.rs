//! A row: what a file says of a server, and what it leaves open.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::model::{Server, ServerBody};

/// What a file says of one server. What is absent is not mentioned: it stays as it
/// is, or is the default of a new server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Where it is in the file.
    pub line: u64,
    /// Name of the server.
    pub name: String,
    /// Address of its BMC.
    pub address: Option<String>,
    /// UDP port of its BMC.
    pub port: Option<i64>,
    /// Name of the credential profile; empty is none.
    pub credential: Option<String>,
    /// User name of its BMC, in place of a profile.
    pub username: Option<String>,
    /// That user's password.
    pub password: Option<Zeroizing<String>>,
    /// Name of the group; empty is none.
    pub group: Option<String>,
    /// Name of the exporter; empty is none.
    pub exporter: Option<String>,
    /// Whether its BMC is asked.
    pub monitoring_enabled: Option<bool>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Serial number.
    pub serial_number: Option<String>,
    /// Site.
    pub site: Option<String>,
    /// Rack.
    pub rack: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Words to find it by.
    pub tags: Option<Vec<String>>,
    /// Labels; an empty value takes one away.
    pub labels: BTreeMap<String, String>,
    /// Whether labels that are not mentioned are taken away.
    pub replaces_labels: bool,
}

/// Names in place of a server's references, for writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowNames<'a> {
    /// Credential profile.
    pub credential: &'a str,
    /// Group.
    pub group: &'a str,
    /// Exporter.
    pub exporter: &'a str,
}

impl Row {
    /// The server as the row wants it, without references: on the basis of what it
    /// is, or of the defaults.
    pub(super) fn body(&self, before: Option<&Server>, monitoring_by_default: bool) -> ServerBody {
        let mut body = before.map_or_else(|| new_body(monitoring_by_default), Server::to_body);
        body.name.clone_from(&self.name);
        // References are the caller's.
        (body.credential_id, body.group_id, body.exporter_id) = (None, None, None);
        fn put<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        put(&mut body.address, self.address.as_ref());
        put(&mut body.port, self.port.as_ref());
        put(
            &mut body.monitoring_enabled,
            self.monitoring_enabled.as_ref(),
        );
        put(&mut body.manufacturer, self.manufacturer.as_ref());
        put(&mut body.model, self.model.as_ref());
        put(&mut body.serial_number, self.serial_number.as_ref());
        put(&mut body.site, self.site.as_ref());
        put(&mut body.rack, self.rack.as_ref());
        put(&mut body.description, self.description.as_ref());
        put(&mut body.tags, self.tags.as_ref());
        if self.replaces_labels {
            body.labels.clear();
        }
        for (name, value) in &self.labels {
            if value.is_empty() {
                body.labels.remove(name);
            } else {
                body.labels.insert(name.clone(), value.clone());
            }
        }
        body
    }
}

fn new_body(monitoring_enabled: bool) -> ServerBody {
    ServerBody {
        name: String::new(),
        address: String::new(),
        port: i64::from(crate::model::Port::IPMI.0),
        credential_id: None,
        group_id: None,
        exporter_id: None,
        monitoring_enabled,
        manufacturer: String::new(),
        model: String::new(),
        serial_number: String::new(),
        site: String::new(),
        rack: String::new(),
        description: String::new(),
        tags: Vec::new(),
        labels: BTreeMap::new(),
    }
}
