//! Opsgenie.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

/// Opsgenie; its key is the secret `api_key`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpsgenieSettings {
    /// Where alerts are sent, such as `https://api.eu.opsgenie.com/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// First line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What happened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `P1` to `P5`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority: String,
    /// Tags, with commas between them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// Whatever else is to be known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Who is called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responders: Vec<OpsgenieResponder>,
}

/// Who is called by Opsgenie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpsgenieResponder {
    /// `team`, `user`, `escalation` or `schedule`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl OpsgenieSettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.pairs("details", &self.details);
        for (nth, responder) in self.responders.iter().enumerate() {
            responder.check(&mut fields.inside(&format!("responders[{nth}]")));
        }
        fields.templates(&[
            ("message", &self.message),
            ("description", &self.description),
            ("priority", &self.priority),
            ("tags", &self.tags),
        ]);
        fields.address("api_url", self.api_url.as_ref());
    }
}

impl OpsgenieResponder {
    fn check(&self, fields: &mut Fields<'_>) {
        let kinds = ["team", "user", "escalation", "schedule"];
        if !kinds.contains(&self.kind.as_str()) {
            let message = format!("\"{}\" is none of {}", self.kind, kinds.join(", "));
            fields.add("type", message);
        }
        fields.required("name", &self.name);
    }
}
