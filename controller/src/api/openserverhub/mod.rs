//! The calls of OpenServerHub's front end about servers, groups and discovery, as
//! it makes them. A thin layer: its words become ours and go to the same store.
//!
//! Its lists have a slash at the end (`servers/`), ours none. Where both have the
//! same path (`servers/{id}`), a body without `address` is one of its changes, and
//! who accepts `text/plain` beside JSON, as its HTTP library does, gets its words.

pub(super) mod discovery;
pub(super) mod groups;
pub(super) mod operation;
pub(super) mod servers;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;
use crate::clock::Timestamp;
use crate::model::{Credential, Id, Labels, Server, Version};
use crate::monitoring::status::{PowerState, ServerState, ServerStatus};

/// In whose words an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Ours.
    Own,
    /// OpenServerHub's, with ours where they do not collide.
    Theirs,
}

impl<S: Send + Sync> FromRequestParts<S> for Words {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let accepted = parts.headers.get_all(ACCEPT);
        let takes_text = accepted
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| range.split(';').next())
            .any(|range| range.trim().eq_ignore_ascii_case("text/plain"));
        Ok(if takes_text { Self::Theirs } else { Self::Own })
    }
}

/// A server in OpenServerHub's words, and in ours where those are others. `tags`
/// is a text here.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct HubServer {
    /// Number of the server.
    id: Id,
    /// Unique name.
    name: String,
    /// Address of its BMC.
    ipmi_ip: String,
    /// User name of its profile.
    ipmi_username: String,
    /// UDP port of its BMC.
    ipmi_port: u16,
    /// Whether its BMC is asked.
    monitoring_enabled: bool,
    /// Manufacturer.
    manufacturer: Option<String>,
    /// Model.
    model: Option<String>,
    /// Serial number.
    serial_number: Option<String>,
    /// Free text.
    description: Option<String>,
    /// Tags, parted by commas.
    tags: Option<String>,
    /// Group.
    group_id: Option<Id>,
    /// Whether its BMC answers.
    status: ServerStatus,
    /// Whether it is on.
    power_state: PowerState,
    /// When its BMC answered last.
    last_seen: Option<Timestamp>,
    /// Nothing here speaks Redfish; always absent.
    redfish_supported: Option<bool>,
    /// Always absent.
    redfish_version: Option<String>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was changed last.
    updated_at: Timestamp,
    /// Address of its BMC.
    address: String,
    /// UDP port of its BMC.
    port: u16,
    /// Credential profile.
    credential_id: Option<Id>,
    /// Exporter that was chosen by hand.
    exporter_id: Option<Id>,
    /// Site.
    site: String,
    /// Rack.
    rack: String,
    /// The operator's own labels.
    labels: Labels,
    /// Rises with each change.
    version: Version,
}

impl HubServer {
    fn new(server: Server, credential: Option<&Credential>, state: ServerState) -> Self {
        let filled = |text: String| (!text.is_empty()).then_some(text);
        Self {
            id: server.id,
            name: server.name,
            ipmi_ip: server.address.clone(),
            ipmi_username: credential
                .map(|credential| credential.username.clone())
                .unwrap_or_default(),
            ipmi_port: server.port,
            monitoring_enabled: server.monitoring_enabled,
            manufacturer: filled(server.manufacturer),
            model: filled(server.model),
            serial_number: filled(server.serial_number),
            description: filled(server.description),
            tags: filled(server.tags.join(",")),
            group_id: server.group_id,
            status: state.status,
            power_state: state.power_state,
            last_seen: state.last_seen,
            redfish_supported: None,
            redfish_version: None,
            created_at: server.created_at,
            updated_at: server.updated_at,
            address: server.address,
            port: server.port,
            credential_id: server.credential_id,
            exporter_id: server.exporter_id,
            site: server.site,
            rack: server.rack,
            labels: server.labels,
            version: server.version,
        }
    }
}

/// Tags out of its text.
fn tags(text: &str) -> Vec<String> {
    text.split([',', '，'])
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}
