//! Robots and workflows that Alertmanager does not know.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

/// A robot or workflow to which the controller posts messages in its own format,
/// made from what Alertmanager tells. Its address is the secret `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RobotSettings {
    /// Whether everybody in the group is called. Not with Teams.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_all: bool,
    /// A word that the robot wants in each message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub keyword: String,
}

impl RobotSettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.words(&[("keyword", &self.keyword)]);
    }
}
