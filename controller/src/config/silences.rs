//! The key `silences`.

use serde::Deserialize;

/// How silences may be made.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceConfig {
    /// Most servers that a silence without a reason may be about.
    pub max_servers_without_reason: u32,
}

impl Default for SilenceConfig {
    fn default() -> Self {
        Self {
            max_servers_without_reason: 10,
        }
    }
}
