//! Servers: whose BMC is asked, how, and what stands on their series.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Address, Id, Invalid, Labels, Name, Port, Problems, Text, Version};
use crate::clock::Timestamp;

/// A server as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Server {
    /// Number of the server; value of the label `server_id`.
    pub id: Id,
    /// Unique name; value of the label `server_name`.
    pub name: String,
    /// Host name or IP address of its BMC.
    pub address: String,
    /// UDP port of its BMC.
    pub port: u16,
    /// Profile with which exporters log in; not monitored without one.
    pub credential_id: Option<Id>,
    /// Group; value of the label `group` is its name.
    pub group_id: Option<Id>,
    /// Exporter that carries it; chosen by the controller when absent.
    pub exporter_id: Option<Id>,
    /// Whether its BMC is asked.
    pub monitoring_enabled: bool,
    /// Value of the label `manufacturer`.
    pub manufacturer: String,
    /// Value of the label `model`.
    pub model: String,
    /// Serial number.
    pub serial_number: String,
    /// Value of the label `site`; exporters of the site carry it.
    pub site: String,
    /// Value of the label `rack`.
    pub rack: String,
    /// Free text.
    pub description: String,
    /// Words to find it by; they are no labels.
    pub tags: Vec<String>,
    /// The operator's own labels.
    pub labels: Labels,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A server as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDraft {
    /// Unique name.
    pub name: Name,
    /// Where its BMC is.
    pub address: Address,
    /// UDP port of its BMC.
    pub port: Port,
    /// Profile with which exporters log in.
    pub credential_id: Option<Id>,
    /// Group.
    pub group_id: Option<Id>,
    /// Exporter that carries it.
    pub exporter_id: Option<Id>,
    /// Whether its BMC is asked.
    pub monitoring_enabled: bool,
    /// Value of the label `manufacturer`.
    pub manufacturer: Text,
    /// Value of the label `model`.
    pub model: Text,
    /// Serial number.
    pub serial_number: Text,
    /// Value of the label `site`.
    pub site: Text,
    /// Value of the label `rack`.
    pub rack: Text,
    /// Free text.
    pub description: Text,
    /// Words to find it by.
    pub tags: Vec<Name>,
    /// The operator's own labels.
    pub labels: Labels,
}

/// The form of [`ServerDraft`] in a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerBody {
    /// Unique name; value of the label `server_name`.
    pub name: String,
    /// Host name or IP address of its BMC, without port.
    pub address: String,
    /// UDP port of its BMC.
    #[serde(default = "default_port")]
    #[schema(default = 623, minimum = 1, maximum = 65535)]
    pub port: i64,
    /// Profile with which exporters log in.
    #[serde(default)]
    pub credential_id: Option<Id>,
    /// Group.
    #[serde(default)]
    pub group_id: Option<Id>,
    /// Exporter that carries it.
    #[serde(default)]
    pub exporter_id: Option<Id>,
    /// Whether its BMC is asked.
    #[serde(default = "default_true")]
    #[schema(default = true)]
    pub monitoring_enabled: bool,
    /// Value of the label `manufacturer`.
    #[serde(default)]
    pub manufacturer: String,
    /// Value of the label `model`.
    #[serde(default)]
    pub model: String,
    /// Serial number.
    #[serde(default)]
    pub serial_number: String,
    /// Value of the label `site`.
    #[serde(default)]
    pub site: String,
    /// Value of the label `rack`.
    #[serde(default)]
    pub rack: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The operator's own labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

fn default_port() -> i64 {
    i64::from(Port::IPMI.0)
}

fn default_true() -> bool {
    true
}

/// Most tags of one server.
const MAX_TAGS: usize = 32;

impl ServerDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &ServerBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        let address = problems.check("address", Address::parse(&body.address));
        let port = problems.check("port", Port::parse(body.port));
        let mut text = |field: &str, text: &str| problems.check(field, Text::parse(text));
        let manufacturer = text("manufacturer", &body.manufacturer);
        let model = text("model", &body.model);
        let serial_number = text("serial_number", &body.serial_number);
        let site = text("site", &body.site);
        let rack = text("rack", &body.rack);
        let description = text("description", &body.description);
        if body.tags.len() > MAX_TAGS {
            problems.add(
                "tags",
                format!(
                    "has {} tags; at most {MAX_TAGS} are allowed",
                    body.tags.len()
                ),
            );
        }
        let tags: Option<Vec<Name>> = body
            .tags
            .iter()
            .map(|tag| problems.check("tags", Name::parse(tag)))
            .collect();
        let labels = problems.check("labels", Labels::parse(&body.labels));
        let draft = (|| {
            Some(Self {
                name: name?,
                address: address?,
                port: port?,
                credential_id: body.credential_id,
                group_id: body.group_id,
                exporter_id: body.exporter_id,
                monitoring_enabled: body.monitoring_enabled,
                manufacturer: manufacturer?,
                model: model?,
                serial_number: serial_number?,
                site: site?,
                rack: rack?,
                description: description?,
                tags: tags?,
                labels: labels?,
            })
        })();
        problems.finish(draft)
    }
}

impl ServerDraft {
    /// The server that it is when it is stored.
    #[must_use]
    pub fn stored(
        &self,
        id: Id,
        version: Version,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Server {
        let text = |text: &Text| text.as_str().to_owned();
        Server {
            id,
            name: self.name.as_str().to_owned(),
            address: self.address.as_str().to_owned(),
            port: self.port.0,
            credential_id: self.credential_id,
            group_id: self.group_id,
            exporter_id: self.exporter_id,
            monitoring_enabled: self.monitoring_enabled,
            manufacturer: text(&self.manufacturer),
            model: text(&self.model),
            serial_number: text(&self.serial_number),
            site: text(&self.site),
            rack: text(&self.rack),
            description: text(&self.description),
            tags: self
                .tags
                .iter()
                .map(|tag| tag.as_str().to_owned())
                .collect(),
            labels: self.labels.clone(),
            version,
            created_at,
            updated_at,
        }
    }
}

impl Server {
    /// What a request says that wants it as it is.
    #[must_use]
    pub fn to_body(&self) -> ServerBody {
        ServerBody {
            name: self.name.clone(),
            address: self.address.clone(),
            port: i64::from(self.port),
            credential_id: self.credential_id,
            group_id: self.group_id,
            exporter_id: self.exporter_id,
            monitoring_enabled: self.monitoring_enabled,
            manufacturer: self.manufacturer.clone(),
            model: self.model.clone(),
            serial_number: self.serial_number.clone(),
            site: self.site.clone(),
            rack: self.rack.clone(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            labels: self.labels.to_map(),
        }
    }
}

/// Which servers are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ServerFilter {
    /// Part of the name, address, serial number, model or a tag; case does not matter.
    pub search: Option<String>,
    /// Number of a group.
    pub group_id: Option<Id>,
    /// Number of a credential profile.
    pub credential_id: Option<Id>,
    /// Number of the exporter that was chosen by hand.
    pub exporter_id: Option<Id>,
    /// Whether its BMC is asked.
    pub monitoring_enabled: Option<bool>,
    /// Exactly this site.
    pub site: Option<String>,
    /// Exactly this rack.
    pub rack: Option<String>,
    /// Exactly this manufacturer.
    pub manufacturer: Option<String>,
}

/// By what servers are ordered; the number decides between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerSort {
    /// When they were made.
    #[default]
    Id,
    /// Name.
    Name,
    /// Address, as text.
    Address,
    /// Manufacturer.
    Manufacturer,
    /// Site, then rack.
    Site,
    /// Last change.
    UpdatedAt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default() {
        let body: ServerBody =
            serde_json::from_value(serde_json::json!({"name": "a", "address": "BMC-A"})).unwrap();
        let draft = ServerDraft::parse(&body).unwrap();
        assert_eq!(draft.address.as_str(), "bmc-a");
        assert_eq!(draft.port, Port::IPMI);
        assert!(draft.monitoring_enabled);
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let body: ServerBody = serde_json::from_value(serde_json::json!({
            "name": "", "address": "a b", "port": 70000, "rack": "a\u{7}", "tags": [""],
            "labels": {"type": "x"},
        }))
        .unwrap();
        let problems = ServerDraft::parse(&body).unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            ["name", "address", "port", "rack", "tags", "labels"]
        );
    }
}
