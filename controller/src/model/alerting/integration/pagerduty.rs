//! `PagerDuty`, events version 2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

/// A service of `PagerDuty`; its key is the secret `routing_key`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PagerdutySettings {
    /// Where events are sent; `PagerDuty` itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `critical`, `error`, `warning` or `info`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub severity: String,
    /// The part of the system.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// The group of parts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The kind of event.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Whatever else is to be known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

impl PagerdutySettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.pairs("details", &self.details);
        fields.templates(&[
            ("description", &self.description),
            ("severity", &self.severity),
            ("component", &self.component),
            ("group", &self.group),
            ("class", &self.class),
        ]);
        fields.address("url", self.url.as_ref());
    }
}
