//! Webhooks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A webhook; its address is the secret `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// Most alerts in one delivery; 0 for all.
    pub max_alerts: u32,
}
